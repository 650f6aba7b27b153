//! The state machine of one transaction: pure policy, without a kernel, a clock or a server.
//!
//! Whoever drives it takes one [`Action`] after the other by [`Swap::next_action`], does it, and tells by
//! [`Swap::happened`] what came of it and what else happened. The supervisor drives it against its
//! kernel, the model (`tests/models`) against every order of events.
//!
//! Invariants: until `Commit` is done nothing was changed that `Thaw` does not undo, and after it
//! nothing that `Revert` does not undo, so that a failure at any point leaves the old versions
//! serving; only the end of the probation is final. An old version that cannot be thawed is ended,
//! and is then restarted as after any crash; if `Revert` is refused, the new versions stay. Every phase but the last two has a timer, and
//! `Commit` is answered at once, so a transaction ends whatever the servers do.

use std::collections::VecDeque;

use atoll_system_description::SwapDeadlines;

use super::event::{Action, Event, Failure, Outcome, Phase, Reason, Side};

/// One server of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// The members that its old version calls, directly or through other servers.
    pub old_calls: Vec<usize>,
    /// Those that its new version calls.
    pub new_calls: Vec<usize>,
    /// Somebody who imports from it and is no member, by name.
    pub outsider: Option<String>,
    /// How long its phases may take.
    pub deadlines: SwapDeadlines,
}

/// Where the old version of a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Old {
    Serving,
    Quiescing,
    Frozen,
    Ended,
}

/// Where the new version of a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum New {
    Absent,
    Loading,
    Prepared,
    TakingOver,
    TookOver,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pair {
    old_calls: Vec<usize>,
    new_calls: Vec<usize>,
    outsider: Option<String>,
    /// Whether the new version has another interface, which only members can use.
    is_another: bool,
    old: Old,
    new: New,
    /// Bytes of state that the old version gave up.
    saved: u64,
}

/// How far a transaction is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To its end.
    Replace,
    /// Only so far as to know whether the new versions load and fit.
    Check,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Swap {
    pairs: Vec<Pair>,
    purpose: Purpose,
    deadlines: SwapDeadlines,
    phase: Phase,
    entered_ns: u64,
    pending: VecDeque<Action>,
}

impl Swap {
    /// A transaction over these servers that begins now.
    #[must_use]
    pub fn new(members: Vec<Member>, purpose: Purpose, now_ns: u64) -> Self {
        let sum = |of: fn(&SwapDeadlines) -> u64| {
            members.iter().fold(0_u64, |sum, member| sum.saturating_add(of(&member.deadlines)))
        };
        let longest = members.iter().map(|member| member.deadlines.probation_ns).max();
        let deadlines = SwapDeadlines {
            // One after the other, or sharing the processor.
            prepare_ns: sum(|deadlines| deadlines.prepare_ns),
            quiesce_ns: sum(|deadlines| deadlines.quiesce_ns),
            transfer_ns: sum(|deadlines| deadlines.transfer_ns),
            probation_ns: longest.unwrap_or(0),
        };
        let pair = |member: Member| Pair {
            old_calls: member.old_calls,
            new_calls: member.new_calls,
            outsider: member.outsider,
            is_another: false,
            old: Old::Serving,
            new: New::Absent,
            saved: 0,
        };
        let pairs: Vec<Pair> = members.into_iter().map(pair).collect();
        let pending = VecDeque::from([Action::Arm(Phase::Prepare, deadlines.prepare_ns)]);
        let phase = Phase::Prepare;
        let mut swap = Self { pairs, purpose, deadlines, phase, entered_ns: now_ns, pending };
        swap.prepare();
        swap
    }

    /// Where it is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether calls wait for it.
    #[must_use]
    pub const fn holds_calls(&self) -> bool {
        matches!(self.phase, Phase::Quiesce | Phase::Transfer | Phase::Commit)
    }

    /// Whether the new versions have the endpoints.
    #[must_use]
    pub const fn has_committed(&self) -> bool {
        matches!(self.phase, Phase::Probation)
    }

    /// Bytes of state that the old versions have given up.
    #[must_use]
    pub fn saved_bytes(&self) -> u64 {
        self.pairs.iter().fold(0, |sum, pair| sum.saturating_add(pair.saved))
    }

    /// Whether the new version of a member has another interface than the old one.
    #[must_use]
    pub fn is_another(&self, member: usize) -> bool {
        self.pairs.get(member).is_some_and(|pair| pair.is_another)
    }

    /// Whether it is over, but for the actions that are left.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::RolledBack)
    }

    /// The next thing to do, at once.
    pub fn next_action(&mut self) -> Option<Action> {
        let action = self.pending.pop_front()?;
        match action {
            Action::Prepare(member) => self.set_new(member, New::Loading),
            Action::Quiesce(member) => self.set_old(member, Old::Quiescing),
            Action::TakeOver(member) => self.set_new(member, New::TakingOver),
            _ => {}
        }
        Some(action)
    }

    /// Takes note of what happened, at `now_ns`. What comes too late or twice changes nothing.
    pub fn happened(&mut self, event: Event, now_ns: u64) {
        match event {
            Event::Prepared(member, missing) if self.new_is(member, New::Loading) => {
                self.set_new(member, New::Prepared);
                if let Some(missing) = missing
                    && let Some(pair) = self.pairs.get_mut(member)
                {
                    pair.is_another = true;
                    if let Some(client) = pair.outsider.clone() {
                        let reason = Reason::Misfit { client, missing };
                        return self.roll_back(Some(member), reason, now_ns);
                    }
                }
            }
            Event::Quiesced(member, bytes) if self.old_is(member, Old::Quiescing) => {
                self.set_old(member, Old::Frozen);
                if let Some(pair) = self.pairs.get_mut(member) {
                    pair.saved = bytes;
                }
            }
            Event::TookOver(member) if self.new_is(member, New::TakingOver) => {
                self.set_new(member, New::TookOver);
            }
            Event::Committed if self.phase == Phase::Commit => {
                self.enter(Phase::Probation, self.deadlines.probation_ns, now_ns);
                return;
            }
            Event::Deadline(Phase::Probation) if self.phase == Phase::Probation => {
                self.succeed(now_ns);
                return;
            }
            event => {
                self.failed(event, now_ns);
                return;
            }
        }
        self.go_on(now_ns);
    }

    /// Whether that is a failure, and what follows from it.
    fn failed(&mut self, event: Event, now_ns: u64) {
        if let Event::Ended(member, side, _) = &event {
            match side {
                Side::Old => self.set_old(*member, Old::Ended),
                Side::New => self.set_new(*member, New::Ended),
            }
        }
        let (member, reason) = match event {
            Event::Refused(action, why) => return self.refused(&action, why, now_ns),
            // There is nothing left to go back to, so the new versions are on their own.
            Event::Ended(_, Side::Old, _) if self.phase == Phase::Probation => {
                return self.succeed(now_ns);
            }
            Event::Ended(member, side, how) => (Some(member), Reason::Ended(side, how)),
            Event::Deadline(phase) if phase == self.phase => (None, Reason::Deadline),
            Event::SaveFailed(member, why) if self.old_is(member, Old::Quiescing) => {
                (Some(member), Reason::SaveFailed(why))
            }
            Event::Unhealthy(member, why) if self.phase == Phase::Probation => {
                (Some(member), Reason::Unhealthy(why))
            }
            Event::Cancelled => (None, Reason::Cancelled),
            _ => return,
        };
        self.roll_back(member, reason, now_ns);
    }

    /// The kernel did not do it.
    fn refused(&mut self, action: &Action, why: String, now_ns: u64) {
        let member = match *action {
            Action::Prepare(member) => {
                self.set_new(member, New::Absent);
                Some(member)
            }
            Action::Quiesce(member) => {
                self.set_old(member, Old::Serving);
                Some(member)
            }
            Action::TakeOver(member) => Some(member),
            Action::Commit => None,
            // An old version that cannot go on is ended: its restart is the way back then.
            Action::Thaw(member) => return self.pending.push_front(Action::KillOld(member)),
            // There is nothing left to go back to after all.
            Action::Revert => return self.keep_new(),
            _ => return,
        };
        self.roll_back(member, Reason::Refused(why), now_ns);
    }

    /// Looks what is next when a member got further.
    fn go_on(&mut self, now_ns: u64) {
        let all_new = |state: New| self.pairs.iter().all(|pair| pair.new == state);
        match self.phase {
            Phase::Prepare if all_new(New::Prepared) => match self.purpose {
                Purpose::Check => self.checked(now_ns),
                Purpose::Replace => {
                    self.enter(Phase::Quiesce, self.deadlines.quiesce_ns, now_ns);
                    self.quiesce();
                }
            },
            Phase::Prepare => self.prepare(),
            Phase::Quiesce if self.pairs.iter().all(|pair| pair.old == Old::Frozen) => {
                self.enter(Phase::Transfer, self.deadlines.transfer_ns, now_ns);
                self.take_over();
            }
            Phase::Quiesce => self.quiesce(),
            Phase::Transfer if all_new(New::TookOver) => {
                self.passed(Phase::Commit, now_ns);
                self.pending.push_back(Action::Commit);
            }
            Phase::Transfer => self.take_over(),
            _ => {}
        }
    }

    /// Makes those whose callees are prepared: a new version links against the new versions that it
    /// calls.
    fn prepare(&mut self) {
        for (member, pair) in self.pairs.iter().enumerate() {
            if pair.new == New::Absent
                && pair.new_calls.iter().all(|called| self.new_is(*called, New::Prepared))
            {
                self.pending.push_back(Action::Prepare(member));
            }
        }
    }

    /// Asks those that are called by no member that still serves: who calls must be able to finish.
    fn quiesce(&mut self) {
        for member in 0..self.pairs.len() {
            let called = self.pairs.iter().any(|caller| {
                matches!(caller.old, Old::Serving | Old::Quiescing)
                    && caller.old_calls.contains(&member)
            });
            if !called && self.old_is(member, Old::Serving) {
                self.pending.push_back(Action::Quiesce(member));
            }
        }
    }

    /// The other way round: those that call no member that has not taken over.
    fn take_over(&mut self) {
        for (member, pair) in self.pairs.iter().enumerate() {
            if pair.new == New::Prepared
                && pair.new_calls.iter().all(|called| self.new_is(*called, New::TookOver))
            {
                self.pending.push_back(Action::TakeOver(member));
            }
        }
    }

    /// A mere check went well: the new versions go.
    fn checked(&mut self, now_ns: u64) {
        self.passed(Phase::Done, now_ns);
        self.kill_new();
        self.pending.push_back(Action::Finish(Outcome::Checked));
    }

    /// The new versions stay.
    fn succeed(&mut self, now_ns: u64) {
        self.passed(Phase::Done, now_ns);
        self.keep_new();
    }

    fn keep_new(&mut self) {
        self.phase = Phase::Done;
        self.pending.retain(|action| matches!(action, Action::Passed(..)));
        self.pending.extend((0..self.pairs.len()).map(Action::KillOld));
        self.pending.push_back(Action::Finish(Outcome::New));
    }

    /// The old versions stay.
    fn roll_back(&mut self, member: Option<usize>, reason: Reason, now_ns: u64) {
        if self.is_over() {
            return;
        }
        let committed = self.has_committed();
        let failure = Failure { phase: self.phase, member, reason };
        self.pending.clear();
        self.passed(Phase::RolledBack, now_ns);
        // Only then are the new versions ended: as long as they are on probation, or were taken
        // back from, what they have taken is repeated, and without the old ones it would fail.
        if committed {
            self.pending.push_back(Action::Revert);
        } else {
            self.thaw();
        }
        self.kill_new();
        self.pending.push_back(Action::Finish(Outcome::Old(failure)));
    }

    fn kill_new(&mut self) {
        for (member, pair) in self.pairs.iter().enumerate() {
            if !matches!(pair.new, New::Absent | New::Ended) {
                self.pending.push_back(Action::KillNew(member));
            }
        }
    }

    /// Called before callers, so that who goes on can call.
    fn thaw(&mut self) {
        let mut left: Vec<usize> = (0..self.pairs.len()).collect();
        while !left.is_empty() {
            let calls_left = |member: usize| {
                self.pairs
                    .get(member)
                    .is_some_and(|pair| pair.old_calls.iter().any(|called| left.contains(called)))
            };
            // Servers that call each other in a circle do not exist; were there any, in order.
            let next = left.iter().position(|member| !calls_left(*member)).unwrap_or(0);
            let member = left.remove(next);
            if self.old_is(member, Old::Quiescing) || self.old_is(member, Old::Frozen) {
                self.pending.push_back(Action::Thaw(member));
            }
        }
    }

    fn enter(&mut self, phase: Phase, deadline_ns: u64, now_ns: u64) {
        self.passed(phase, now_ns);
        self.pending.push_back(Action::Arm(phase, deadline_ns));
    }

    /// Whether calls are to be held next, and are not yet.
    #[must_use]
    pub fn is_about_to_quiesce(&self) -> bool {
        self.phase == Phase::Quiesce
            && matches!(self.pending.front(), Some(Action::Arm(Phase::Quiesce, _)))
    }

    /// They are held from `now_ns` on.
    pub const fn begin_to_quiesce(&mut self, now_ns: u64) {
        self.entered_ns = now_ns;
    }

    /// Leaves the phase for another one.
    fn passed(&mut self, next: Phase, now_ns: u64) {
        let took_ns = now_ns.saturating_sub(self.entered_ns);
        self.pending.push_back(Action::Passed(self.phase, took_ns));
        self.phase = next;
        self.entered_ns = now_ns;
    }

    fn old_is(&self, member: usize, state: Old) -> bool {
        self.pairs.get(member).is_some_and(|pair| pair.old == state)
    }

    fn new_is(&self, member: usize, state: New) -> bool {
        self.pairs.get(member).is_some_and(|pair| pair.new == state)
    }

    fn set_old(&mut self, member: usize, state: Old) {
        if let Some(pair) = self.pairs.get_mut(member) {
            pair.old = state;
        }
    }

    fn set_new(&mut self, member: usize, state: New) {
        if let Some(pair) = self.pairs.get_mut(member) {
            pair.new = state;
        }
    }
}
