//! What a supervisor does that goes on where one before it ended, in the model: it judges what is
//! left of a swap as `atoll_supervisor::swap::resolve` does in the system, and acts on it as
//! `atoll_supervisor::resume` does, one step at a time, so that it can end again in the middle.

use atoll_supervisor::{
    kernel::Part,
    swap::resolve::{Remains, Verdict, Way, verdict, way_back},
};

use crate::{
    kernel::{Bug, Kernel, Mode, Version},
    supervisor::Supervisor,
};

/// What the supervisor wrote down at the end of its last call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The old and the new domain of each server of a swap that is not over.
    pub swap: Option<Vec<(usize, usize)>>,
    /// The version that servers are started in.
    pub version: Version,
    /// What the transaction came to.
    pub told: Option<Version>,
}

/// What is to be done until the supervisor is where the one before was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// Looks at all domains and judges.
    Look,
    /// Takes back from the successors of these.
    Revert(Vec<(usize, usize)>),
    /// Lets a domain go on.
    Thaw(usize),
    /// Ends a domain.
    Kill(usize),
    /// Takes up what serves, in that version, and lets go of the rest.
    TakeUp(Version),
}

impl Supervisor {
    /// Writes down what it has to know after its end, if this is the end of a call.
    pub fn keep(&mut self) {
        if self.todo.is_none() && self.recoveries.is_empty() {
            let is_over = self.swap.is_none() || self.told.is_some();
            self.ledger = Ledger {
                swap: (!is_over).then(|| self.pairs.clone()),
                version: self.version,
                told: self.told,
            };
        }
    }

    /// Ends, with all that it did not write down, and begins anew.
    pub fn crash(&mut self) {
        let ledger = self.ledger.clone();
        *self = Self {
            version: ledger.version,
            told: ledger.told,
            recoveries: vec![Recovery::Look],
            ledger,
            ..Self::new(self.serving.len())
        };
    }

    /// Does the next thing of those that the end before made necessary.
    pub fn recover(&mut self, kernel: &mut Kernel, bug: Option<Bug>) {
        if self.recoveries.is_empty() {
            return;
        }
        match self.recoveries.remove(0) {
            Recovery::Look => self.recoveries = self.judge(kernel, bug),
            Recovery::Revert(pairs) => {
                if kernel.revert(&pairs, bug).is_err() {
                    self.recoveries = self.go_forth();
                }
            }
            Recovery::Thaw(domain) => {
                if kernel.thaw(domain).is_err() {
                    kernel.end(domain, false, bug);
                }
            }
            Recovery::Kill(domain) => kernel.end(domain, false, bug),
            Recovery::TakeUp(version) => self.take_up(kernel, version, bug),
        }
    }

    fn judge(&self, kernel: &Kernel, bug: Option<Bug>) -> Vec<Recovery> {
        let Some(pairs) = self.ledger.swap.as_ref().filter(|_| bug != Some(Bug::ForgetsSwap))
        else {
            return vec![Recovery::TakeUp(self.version)];
        };
        let remains: Vec<Remains> = pairs
            .iter()
            .map(|(old, new)| Remains {
                old: part(kernel, *old),
                new: part(kernel, *new).filter(|_| old != new),
            })
            .collect();
        if verdict(&remains) == Verdict::New && bug != Some(Bug::AlwaysBack) {
            return self.go_forth();
        }
        let ways = pairs
            .iter()
            .zip(&remains)
            .filter_map(|(pair, Remains { old, .. })| Some((*pair, way_back((*old)?))));
        let by = |wanted: Way| ways.clone().filter(move |(_, way)| *way == wanted);
        let reverted: Vec<_> = by(Way::Revert).map(|(pair, _)| pair).collect();
        let mut steps = Vec::new();
        steps.extend((!reverted.is_empty()).then_some(Recovery::Revert(reverted)));
        steps.extend(by(Way::Thaw).map(|((old, _), _)| Recovery::Thaw(old)));
        let new = pairs.iter().filter(|(old, new)| old != new).map(|(_, new)| *new);
        steps.extend(new.map(Recovery::Kill));
        steps.push(Recovery::TakeUp(Version::Old));
        steps
    }

    fn go_forth(&self) -> Vec<Recovery> {
        let old = self.ledger.swap.iter().flatten().map(|(old, _)| Recovery::Kill(*old));
        old.chain([Recovery::TakeUp(Version::New)]).collect()
    }

    fn take_up(&mut self, kernel: &mut Kernel, version: Version, bug: Option<Bug>) {
        self.version = version;
        if self.ledger.swap.is_some() {
            self.told = Some(version);
        }
        for server in 0..self.serving.len() {
            let own = |domain: &usize| kernel.domains[*domain].server == server;
            let all: Vec<usize> = (0..kernel.domains.len()).filter(own).collect();
            let serves = |domain: &&usize| {
                !matches!(part(kernel, **domain), None | Some(Part::Standby | Part::Reverted))
            };
            // The one that serves, or else any that has ended.
            let chosen = all.iter().rfind(serves).or(all.first()).copied();
            self.serving[server] = chosen.unwrap_or(server);
            for domain in all.into_iter().filter(|domain| Some(*domain) != chosen) {
                kernel.end(domain, false, bug);
            }
            self.restart(kernel, server);
        }
    }
}

/// What the supervisor's kernel says of the part of a domain in a swap, if it lives.
fn part(kernel: &Kernel, domain: usize) -> Option<Part> {
    let domain = &kernel.domains[domain];
    let replaces = domain.replaces.is_some_and(|old| kernel.domains[old].mode != Mode::Ended);
    match domain.mode {
        Mode::Ended => None,
        Mode::Quiescing | Mode::Frozen | Mode::Unsaved => Some(Part::Resting),
        Mode::Replaced => Some(Part::Replaced),
        Mode::Standby | Mode::Prepared | Mode::TakingOver | Mode::TookOver => Some(Part::Standby),
        Mode::Serving if domain.is_reverted => Some(Part::Reverted),
        Mode::Serving if replaces => Some(Part::Probation),
        Mode::Starting | Mode::Serving => Some(Part::Serves),
    }
}
