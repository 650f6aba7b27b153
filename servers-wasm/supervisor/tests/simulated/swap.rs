//! What a swap asks of the simulated domains, with the checks that the real kernel makes. Nothing
//! happens at once but commit, revert and thaw: a domain does its next step when the test says so.

use atoll_supervisor::kernel::{Cause, Error, Part, Phase};

use super::{Machine, Simulated};

/// What a domain is doing for a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    None,
    /// It was made to take over.
    Standby,
    /// It reads the state.
    TakingOver,
    /// It was asked for its state.
    Quiescing,
    /// Another one serves in its place.
    Replaced,
    /// It serves in the place of another one, as long as that is kept.
    Probation(usize),
}

/// Bytes of state that every domain has.
pub(crate) const STATE: u64 = 100;

impl Simulated {
    fn lives(&self) -> bool {
        !matches!(self.phase, Phase::Ended(_))
    }

    /// Its next step by itself; whether there is one.
    fn step(&mut self) -> bool {
        if self.hangs {
            return false;
        }
        let next = match (&self.phase, self.step) {
            (Phase::Starting, Step::Standby) => Phase::Prepared(self.missing.take()),
            (Phase::Starting | Phase::Inheriting, _) => Phase::Ready,
            (Phase::Prepared(_), Step::TakingOver) => Phase::TookOver,
            (Phase::Ready, Step::Quiescing) => Phase::Frozen(STATE),
            (Phase::Ready, _) if self.probed != self.pulse.0 => {
                self.pulse.0 = self.probed;
                Phase::Ready
            }
            _ => return false,
        };
        self.phase = next;
        self.changed = true;
        true
    }
}

fn refuse(why: &str) -> Result<(), Error> {
    Err(Error::Other(why.to_string()))
}

impl Machine {
    /// Where a domain is in a swap.
    pub(super) fn part(&self, index: usize) -> Part {
        let domains = self.domains.borrow();
        match (&domains[index].phase, domains[index].step) {
            (_, Step::Replaced) => Part::Replaced,
            (_, Step::Probation(old)) if domains[old].lives() => Part::Probation,
            (Phase::Starting | Phase::Prepared(_) | Phase::TookOver, Step::Standby)
            | (_, Step::TakingOver) => Part::Standby,
            (_, Step::Quiescing) => Part::Resting,
            _ => Part::Serves,
        }
    }

    /// Lets every domain do its next step; whether one had any.
    pub(crate) fn step(&self) -> bool {
        let mut domains = self.domains.borrow_mut();
        domains
            .iter_mut()
            .filter(|domain| domain.lives())
            .map(Simulated::step)
            .filter(|m| *m)
            .count()
            > 0
    }

    pub(super) fn quiesce(&self, index: usize, next: usize) -> Result<(), Error> {
        let mut domains = self.domains.borrow_mut();
        if !matches!(domains[next].phase, Phase::Prepared(_)) {
            return refuse("the new domain is not prepared");
        }
        let is_settled = match domains[index].step {
            Step::Probation(old) => !domains[old].lives(),
            step => step == Step::None,
        };
        let domain = &mut domains[index];
        if domain.phase != Phase::Ready || !is_settled {
            return refuse("it does not serve");
        }
        domain.step = Step::Quiescing;
        Ok(())
    }

    pub(super) fn thaw(&self, index: usize) -> Result<(), Error> {
        let domain = &mut self.domains.borrow_mut()[index];
        if !domain.lives() || domain.step != Step::Quiescing {
            return refuse("it is not frozen");
        }
        domain.phase = Phase::Ready;
        domain.step = Step::None;
        domain.changed = true;
        Ok(())
    }

    pub(super) fn take_over(&self, old: usize, new: usize) -> Result<(), Error> {
        let mut domains = self.domains.borrow_mut();
        if !matches!(domains[old].phase, Phase::Frozen(_)) {
            return refuse("the old domain is not frozen");
        }
        if !matches!(domains[new].phase, Phase::Prepared(_)) || domains[new].step != Step::Standby {
            return refuse("the new domain is not prepared");
        }
        domains[new].step = Step::TakingOver;
        Ok(())
    }

    pub(super) fn set_heir(&self, index: usize, heir: usize) -> Result<(), Error> {
        let mut domains = self.domains.borrow_mut();
        let serves = domains[index].phase == Phase::Ready && domains[index].step != Step::Quiescing;
        if !serves || domains[heir].phase != Phase::Prepared(None) {
            return refuse("a domain has not come so far");
        }
        domains[index].heir = Some(heir);
        Ok(())
    }

    pub(super) fn commit(&self, pairs: &[(usize, usize)]) -> Result<(), Error> {
        let mut domains = self.domains.borrow_mut();
        for (old, new) in pairs {
            let frozen = matches!(domains[*old].phase, Phase::Frozen(_));
            if !frozen || domains[*new].phase != Phase::TookOver {
                return refuse("a domain has not come so far");
            }
        }
        for (old, new) in pairs {
            domains[*old].step = Step::Replaced;
            domains[*new].step = Step::Probation(*old);
            domains[*new].phase = Phase::Ready;
            domains[*new].changed = true;
            domains[*new].calls = std::mem::take(&mut domains[*old].calls);
        }
        Ok(())
    }

    pub(super) fn revert(&self, pairs: &[(usize, usize)]) -> Result<(), Error> {
        let mut domains = self.domains.borrow_mut();
        if pairs
            .iter()
            .any(|(old, _)| !domains[*old].lives() || domains[*old].step != Step::Replaced)
        {
            return refuse("an old domain is gone");
        }
        for (old, _) in pairs {
            domains[*old].step = Step::None;
            domains[*old].phase = Phase::Ready;
            domains[*old].changed = true;
        }
        drop(domains);
        for (_, new) in pairs {
            self.end(*new, Cause::Killed, 0);
        }
        Ok(())
    }

    /// The newest living domain that runs this component.
    pub(crate) fn running(&self, component: &str) -> Option<usize> {
        let domains = self.domains.borrow();
        domains.iter().rposition(|domain| domain.component == component && domain.lives())
    }

    /// Components of the domains that live.
    pub(crate) fn components(&self) -> Vec<String> {
        let domains = self.domains.borrow();
        let living = domains.iter().filter(|domain| domain.lives());
        living.map(|domain| domain.component.clone()).collect()
    }
}
