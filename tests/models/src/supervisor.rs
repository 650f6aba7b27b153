//! The supervisor in the model: the state machine that runs in the system, and a short form of what
//! drives it there (`atoll_supervisor::swap::transaction`) and restarts servers.

use atoll_supervisor::{
    kernel::{Cause, End, Phase as Seen},
    swap::{Action, Event, Member, Outcome, Phase, Purpose, Side, Swap},
};
use atoll_system_description::SwapDeadlines;

use crate::{
    kernel::{Bug, Kernel, Mode, Refused, Version},
    resume::{Ledger, Recovery},
};

/// Time stands still: deadlines pass when the model says so.
const DEADLINES: SwapDeadlines =
    SwapDeadlines { prepare_ns: 0, quiesce_ns: 0, transfer_ns: 0, probation_ns: 0 };

/// The state machine and what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Supervisor {
    /// The transaction, once it has begun.
    pub swap: Option<Swap>,
    /// What is to be done next.
    pub todo: Option<Action>,
    /// A domain as it was when it was looked at, before that was thought about.
    pub seen: Option<(usize, Mode)>,
    /// The phase whose timer runs.
    pub armed: Option<Phase>,
    /// The domain of each server that has, or is to have, the endpoint.
    pub serving: Vec<usize>,
    /// The old and the new domain of each server; twice the old one until there is a new one.
    pub pairs: Vec<(usize, usize)>,
    /// The version that servers are started in.
    pub version: Version,
    /// What the transaction is said to have come to.
    pub told: Option<Version>,
    /// What it has written down.
    pub ledger: Ledger,
    /// What it has to do after the end of the one before it.
    pub recoveries: Vec<Recovery>,
}

impl Supervisor {
    /// Servers that run in the old version.
    #[must_use]
    pub fn new(servers: usize) -> Self {
        Self {
            swap: None,
            todo: None,
            seen: None,
            armed: None,
            serving: (0..servers).collect(),
            pairs: Vec::new(),
            version: Version::Old,
            told: None,
            ledger: Ledger { swap: None, version: Version::Old, told: None },
            recoveries: Vec::new(),
        }
    }

    /// Begins the transaction.
    pub fn begin(&mut self, bug: Option<Bug>) {
        let servers = self.serving.len();
        let calls = |server: usize| match bug {
            Some(Bug::NoOrder) => Vec::new(),
            _ => (server + 1..servers).collect(),
        };
        let member = |server: usize| {
            let (old_calls, new_calls) = (calls(server), calls(server));
            Member { old_calls, new_calls, outsider: None, deadlines: DEADLINES }
        };
        let mut swap = Swap::new((0..servers).map(member).collect(), Purpose::Replace, 0);
        self.todo = swap.next_action();
        self.swap = Some(swap);
        self.pairs = self.serving.iter().map(|old| (*old, *old)).collect();
    }

    /// Tells the state machine of something.
    pub fn hear(&mut self, event: Event) {
        if let Some(swap) = &mut self.swap {
            swap.happened(event, 0);
            self.todo = swap.next_action();
        }
    }

    /// Does the next thing.
    pub fn act(&mut self, kernel: &mut Kernel, bug: Option<Bug>) {
        let Some(action) = self.todo.take() else { return };
        let done = self.perform(kernel, &action, bug);
        self.acted(action, done);
    }

    /// Tells the state machine what came of an action.
    pub fn acted(&mut self, action: Action, done: Result<(), Refused>) {
        match done {
            Ok(()) if action == Action::Commit => self.hear(Event::Committed),
            Ok(()) => self.todo = self.swap.as_mut().and_then(Swap::next_action),
            Err(Refused) => self.hear(Event::Refused(action, String::new())),
        }
    }

    fn perform(
        &mut self,
        kernel: &mut Kernel,
        action: &Action,
        bug: Option<Bug>,
    ) -> Result<(), Refused> {
        match *action {
            Action::Prepare(member) => {
                self.pairs[member].1 = kernel.create(member, Version::New, Mode::Standby);
            }
            Action::Quiesce(member) => kernel.quiesce(self.pairs[member].0)?,
            Action::TakeOver(member) => kernel.take_over(self.pairs[member])?,
            Action::Thaw(_) if bug == Some(Bug::NoThaw) => {}
            Action::Thaw(member) => kernel.thaw(self.pairs[member].0)?,
            Action::KillOld(_) if bug == Some(Bug::NoKill) => {}
            Action::KillOld(member) => kernel.end(self.pairs[member].0, false, bug),
            Action::KillNew(member) => kernel.end(self.pairs[member].1, false, bug),
            Action::Commit => {
                kernel.commit(&self.pairs, bug)?;
                self.serving = self.pairs.iter().map(|(_, new)| *new).collect();
                self.version = Version::New;
            }
            Action::Revert => {
                kernel.revert(&self.pairs, bug)?;
                self.serving = self.pairs.iter().map(|(old, _)| *old).collect();
                self.version = Version::Old;
            }
            Action::Arm(phase, _) => self.armed = Some(phase),
            Action::Passed(..) => {}
            Action::Finish(ref outcome) => self.finish(kernel, outcome),
        }
        Ok(())
    }

    fn finish(&mut self, kernel: &mut Kernel, outcome: &Outcome) {
        self.armed = None;
        self.told = Some(match outcome {
            Outcome::New => Version::New,
            Outcome::Checked | Outcome::Old(_) => Version::Old,
        });
        for server in 0..self.serving.len() {
            self.restart(kernel, server);
        }
    }

    /// Acts on what it saw.
    pub fn think(&mut self, kernel: &mut Kernel) {
        let Some((domain, mode)) = self.seen.take() else { return };
        if self.told.is_some() || self.swap.is_none() {
            return self.restart(kernel, kernel.domains[domain].server);
        }
        let event = self.pairs.iter().enumerate().find_map(|(member, (old, new))| {
            let side = match domain {
                domain if domain == *old => Side::Old,
                domain if domain == *new => Side::New,
                _ => return None,
            };
            Event::of(member, side, &seen(mode))
        });
        if let Some(event) = event {
            self.hear(event);
        }
    }

    /// Starts a server again whose domain has ended.
    pub fn restart(&mut self, kernel: &mut Kernel, server: usize) {
        if kernel.domains[self.serving[server]].mode == Mode::Ended {
            self.serving[server] = kernel.create(server, self.version, Mode::Starting);
        }
    }
}

/// What the supervisor's kernel says of a domain in that mode.
fn seen(mode: Mode) -> Seen {
    match mode {
        Mode::Prepared => Seen::Prepared(None),
        Mode::TookOver => Seen::TookOver,
        Mode::Frozen | Mode::Replaced => Seen::Frozen(0),
        Mode::Unsaved => Seen::Unsaved(String::new()),
        Mode::Ended => Seen::Ended(End {
            cause: Cause::Trapped,
            code: 0,
            address: 0,
            fault_address: 0,
            message: String::new(),
        }),
        Mode::Starting | Mode::Standby => Seen::Starting,
        Mode::TakingOver | Mode::Serving | Mode::Quiescing => Seen::Ready,
    }
}
