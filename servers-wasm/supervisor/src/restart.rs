//! What the end of a server leads to.

use atoll_system_description::{Restart, RestartPolicy};

/// What to do about a server that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Leave it; it came to its end as it should.
    Stop,
    /// Leave it; it ended badly and is not to be restarted.
    GiveUp,
    /// Leave it; it was restarted too often.
    TooOften,
    /// Start it at once.
    Now,
    /// Start it after so many nanoseconds.
    After(u64),
}

/// When a server was restarted, as far back as its window reaches.
#[derive(Clone, Debug, Default)]
pub struct History {
    restarts: Vec<u64>,
}

impl History {
    /// Restarts at these times, the oldest first.
    #[must_use]
    pub const fn of(restarts: Vec<u64>) -> Self {
        Self { restarts }
    }

    /// When there were restarts, the oldest first.
    #[must_use]
    pub fn times(&self) -> &[u64] {
        &self.restarts
    }

    /// Forgets everything: somebody started or stopped the server by hand.
    pub fn clear(&mut self) {
        self.restarts.clear();
    }

    /// Lets the window not count the time that a start took which came to nothing: a server that
    /// never gets ready would otherwise be started again for ever.
    pub fn stood_still(&mut self, ns: u64) {
        for restart in &mut self.restarts {
            *restart = restart.saturating_add(ns);
        }
    }

    /// Nanoseconds after which an end would lead to a restart at once.
    #[must_use]
    pub fn immediate_after(&self, policy: &Restart, now: u64) -> u64 {
        let last = self.restarts.iter().max();
        last.map_or(0, |last| last.saturating_add(policy.window_ns).saturating_sub(now))
    }

    /// Decides about an end at `now`, and remembers the restart if there is one.
    ///
    /// The first restart within the window is immediate; each further one waits twice as long as
    /// the one before it.
    pub fn ended(&mut self, policy: &Restart, now: u64, went_well: bool) -> Decision {
        match policy.policy {
            RestartPolicy::Always => {}
            RestartPolicy::OnFailure if !went_well => {}
            _ if went_well => return Decision::Stop,
            _ => return Decision::GiveUp,
        }
        self.restarts.retain(|then| now.saturating_sub(*then) < policy.window_ns);
        let recent = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        if recent >= policy.limit {
            return Decision::TooOften;
        }
        self.restarts.push(now);
        match recent.checked_sub(1) {
            None => Decision::Now,
            Some(doublings) => {
                let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
                Decision::After(policy.backoff_ns.saturating_mul(factor).min(policy.backoff_max_ns))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, History};
    use atoll_system_description::{Restart, RestartPolicy};
    use proptest::prelude::{any, prop, proptest};

    const MS: u64 = 1_000_000;

    fn policy(policy: RestartPolicy) -> Restart {
        Restart {
            policy,
            limit: 5,
            window_ns: 10_000 * MS,
            backoff_ns: 100 * MS,
            backoff_max_ns: 500 * MS,
            escalate: false,
            heir: false,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_the_limit_ends_it() {
        let policy = policy(RestartPolicy::OnFailure);
        let mut history = History::default();
        let decisions: Vec<Decision> =
            (0..6).map(|step| history.ended(&policy, step * 1000 * MS, false)).collect();
        assert_eq!(
            decisions,
            [
                Decision::Now,
                Decision::After(100 * MS),
                Decision::After(200 * MS),
                Decision::After(400 * MS),
                Decision::After(500 * MS),
                Decision::TooOften
            ]
        );
    }

    #[test]
    fn a_quiet_window_forgives() {
        let policy = policy(RestartPolicy::Always);
        let mut history = History::default();
        for step in 0..100 {
            assert_eq!(history.ended(&policy, step * 10_000 * MS, true), Decision::Now);
        }
    }

    #[test]
    fn starts_that_take_longer_than_the_window_are_not_forgiven() {
        let policy = policy(RestartPolicy::Always);
        let mut history = History::default();
        let decisions: Vec<Decision> = (1..7)
            .map(|step| {
                history.stood_still(60_000 * MS);
                history.ended(&policy, step * 60_000 * MS, false)
            })
            .collect();
        assert_eq!(decisions.first(), Some(&Decision::Now));
        assert_eq!(decisions.last(), Some(&Decision::TooOften));
    }

    #[test]
    fn policies() {
        let mut history = History::default();
        assert_eq!(history.ended(&policy(RestartPolicy::Never), 0, true), Decision::Stop);
        assert_eq!(history.ended(&policy(RestartPolicy::Never), 0, false), Decision::GiveUp);
        assert_eq!(history.ended(&policy(RestartPolicy::OnFailure), 0, true), Decision::Stop);
        assert_eq!(history.ended(&policy(RestartPolicy::OnFailure), 0, false), Decision::Now);
        history.clear();
        assert_eq!(history.ended(&policy(RestartPolicy::Always), 0, true), Decision::Now);
    }

    proptest! {
        #[test]
        fn never_more_restarts_than_the_limit_in_any_window(
            gaps in prop::collection::vec(0_u64..4_000, 0..60),
            limit in 1_u32..8,
            well in any::<bool>(),
        ) {
            let policy = Restart { limit, ..policy(RestartPolicy::Always) };
            let (mut history, mut now, mut restarts) = (History::default(), 0, Vec::new());
            for gap in gaps {
                now += gap * MS;
                match history.ended(&policy, now, well) {
                    Decision::Now => restarts.push(now),
                    Decision::After(pause) => {
                        assert!((policy.backoff_ns..=policy.backoff_max_ns).contains(&pause));
                        restarts.push(now);
                    }
                    Decision::TooOften => {
                        let recent = restarts.iter().filter(|then| now - **then < policy.window_ns);
                        assert!(recent.count() >= limit as usize);
                    }
                    other => panic!("{other:?}"),
                }
            }
            for start in &restarts {
                let within = |then: &&u64| **then >= *start && **then - start < policy.window_ns;
                assert!(restarts.iter().filter(within).count() <= limit as usize);
            }
        }
    }
}
