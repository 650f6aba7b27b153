//! The protocol of swaps and restarts as a model.
//!
//! One transaction over one server, or over two of which one calls the other, begins at any
//! moment. The supervisor runs the state machine of `atoll_supervisor::swap` as it is; it learns
//! of a change at any time after it, from a look at the domain that may be out of date when it
//! acts, and does one thing at a time while everybody else goes on. Domains can crash at any
//! moment, fail to save, or stand still until a deadline passes, and the kernel can have no room.
//! The supervisor itself can crash, too; another one goes on by what it wrote down and what the
//! kernel has.
//!
//! Every run comes to an end, because clients make so many calls and the rest is bounded: what
//! must hold in the end is asked of the states in which nothing can happen any more.

use atoll_supervisor::swap::{Action, Event};
use stateright::{Model, Property};

use crate::{
    kernel::{Bug, Call, Caller, Domain, Kernel, Mode, Refused, Version, Work},
    supervisor::Supervisor,
};

/// What is tried.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Servers of the transaction: 1, or 2 of which the first calls the second.
    pub servers: usize,
    /// Clients of the first server.
    pub clients: usize,
    /// Calls that each makes, one after the other.
    pub calls: u8,
    /// Crashes, failures to save and refusals of the kernel, at most.
    pub faults: u8,
    /// Crashes of the supervisor, at most.
    pub supervisor_crashes: u8,
    /// Whether old domains can crash or fail to save, too.
    pub old_can_fail: bool,
    /// Whether the operator may cancel, and deadlines pass before all else has stood still.
    pub impatient: bool,
    /// What is wrong, in a model that the checker has to find wrong.
    pub bug: Option<Bug>,
}

/// All that can change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    kernel: Kernel,
    supervisor: Supervisor,
    faults: u8,
    supervisor_crashes: u8,
    cancelled: bool,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A client calls.
    Call(usize),
    /// A started domain becomes ready.
    Serve(usize),
    /// A standby is prepared.
    Prepare(usize),
    /// A domain takes the first of its calls.
    Take(usize),
    /// It calls the second server.
    Ask(usize),
    /// It answers.
    Answer(usize),
    /// It gives up its state.
    Save(usize),
    /// It cannot.
    FailToSave(usize),
    /// A standby that takes over calls the second server.
    Open(usize),
    /// A standby has taken over.
    TakeOver(usize),
    /// A domain crashes.
    Crash(usize),
    /// The supervisor begins the transaction.
    Begin,
    /// It does the next thing.
    Act,
    /// It tries to, and the kernel has no room.
    Refuse,
    /// It looks at a domain that has changed.
    Look(usize),
    /// It thinks about what it saw.
    Think,
    /// The timer runs out.
    Time,
    /// The operator cancels.
    Cancel,
    /// The supervisor crashes.
    End,
    /// The next one does one of the things that this makes necessary.
    Recover,
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let supervisor = Supervisor::new(self.servers);
        let kernel = Kernel::new(self.servers, self.clients);
        vec![State { kernel, supervisor, faults: 0, supervisor_crashes: 0, cancelled: false }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for (index, client) in state.kernel.clients.iter().enumerate() {
            if !client.waits && client.outcomes.len() < usize::from(self.calls) {
                steps.push(Step::Call(index));
            }
        }
        for domain in 0..state.kernel.domains.len() {
            self.domain_steps(state, domain, steps);
        }
        let supervisor = &state.supervisor;
        if !supervisor.recoveries.is_empty() {
            steps.push(Step::Recover);
        } else if let Some(todo) = &supervisor.todo {
            steps.push(Step::Act);
            let forward = matches!(
                todo,
                Action::Prepare(_) | Action::Quiesce(_) | Action::TakeOver(_) | Action::Commit
            );
            if state.faults < self.faults && forward {
                steps.push(Step::Refuse);
            }
        } else if supervisor.seen.is_some() {
            steps.push(Step::Think);
        } else {
            let domains = state.kernel.domains.iter().enumerate();
            steps.extend(domains.filter(|(_, d)| d.news).map(|(index, _)| Step::Look(index)));
            let can_begin = |domain: &usize| state.kernel.domains[*domain].mode != Mode::Starting;
            let has_begun = supervisor.swap.is_some() || supervisor.told.is_some();
            if !has_begun && supervisor.serving.iter().all(can_begin) {
                steps.push(Step::Begin);
            }
            let running = supervisor.swap.is_some() && supervisor.told.is_none();
            if running && self.impatient && !state.cancelled {
                steps.push(Step::Cancel);
            }
            if supervisor.armed.is_some() && (self.impatient || steps.is_empty()) {
                steps.push(Step::Time);
            }
        }
        if state.supervisor_crashes < self.supervisor_crashes {
            steps.push(Step::End);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        let State { kernel, supervisor, faults, supervisor_crashes, cancelled } = &mut state;
        match step {
            Step::Call(index) => {
                let client = &mut kernel.clients[index];
                client.waits = true;
                let number = u8::try_from(client.outcomes.len()).unwrap_or(u8::MAX);
                kernel.send(0, Call { caller: Caller::Client, client: index, number });
            }
            Step::Crash(domain) => {
                *faults += 1;
                kernel.end(domain, true, self.bug);
            }
            Step::FailToSave(domain) => {
                *faults += 1;
                kernel.becomes(domain, Mode::Unsaved);
            }
            Step::Begin => supervisor.begin(self.bug),
            Step::Act => supervisor.act(kernel, self.bug),
            Step::Refuse => {
                *faults += 1;
                let action = supervisor.todo.take()?;
                supervisor.acted(action, Err(Refused));
            }
            Step::Look(domain) => {
                kernel.domains[domain].news = false;
                supervisor.seen = Some((domain, kernel.domains[domain].mode));
            }
            Step::Think => supervisor.think(kernel),
            Step::Time => {
                let phase = supervisor.armed.take()?;
                supervisor.hear(Event::Deadline(phase));
            }
            Step::Cancel => {
                *cancelled = true;
                supervisor.hear(Event::Cancelled);
            }
            Step::End => {
                *supervisor_crashes += 1;
                supervisor.crash();
            }
            Step::Recover => supervisor.recover(kernel, self.bug),
            step => serve(kernel, step, self.bug)?,
        }
        supervisor.keep();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("no call is answered twice", |_, state: &State| {
                !state.kernel.answered_twice
            }),
            Property::always("a call fails only if its server crashed", |_, state: &State| {
                let outcomes = state.kernel.clients.iter().flat_map(|client| &client.outcomes);
                let failed = outcomes.filter(|well| !**well).count();
                failed <= usize::from(state.kernel.excused) && !state.kernel.failed_by_kill
            }),
            Property::always("versions of a set do not mix", |_, state: &State| {
                !state.kernel.mixed
            }),
            Property::always("no call is lost", |model: &Self, state: &State| {
                let all = |calls: usize| calls == usize::from(model.calls);
                !model.is_stuck(state)
                    || state.kernel.clients.iter().all(|client| all(client.outcomes.len()))
            }),
            Property::always("what is told is true", |_, state: &State| {
                let Supervisor { told, version, .. } = &state.supervisor;
                told.is_none_or(|told| told == *version)
            }),
            Property::always("it ends in old or new", |model: &Self, state: &State| {
                !model.is_stuck(state) || model.is_settled(state)
            }),
            Property::always("nothing is left over", |model: &Self, state: &State| {
                !model.is_stuck(state) || model.is_clean(state)
            }),
            Property::sometimes("a swap comes to its end", |model: &Self, state: &State| {
                model.is_stuck(state) && state.supervisor.version == Version::New
            }),
            Property::sometimes("calls wait for the new version", |model: &Self, state: &State| {
                let mut new = state.kernel.domains.iter().filter(|d| d.replaces.is_some());
                new.any(|domain| domain.inbox.len() == model.clients)
            }),
        ];
        if self.faults > 0 {
            properties.push(Property::sometimes("a swap is rolled back", |model: &Self, state| {
                model.is_stuck(state) && state.supervisor.version == Version::Old
            }));
            properties.push(Property::sometimes("a call is repeated", |_, state: &State| {
                state.kernel.domains.iter().any(|d| d.replaces.is_some() && d.mode == Mode::Ended)
                    && state.kernel.endpoints.iter().any(|endpoint| !endpoint.held.is_empty())
            }));
        } else if !self.impatient {
            properties.push(Property::always("without a fault it ends in new", |model, state| {
                !Self::is_stuck(model, state) || state.supervisor.version == Version::New
            }));
        }
        properties
    }
}

impl Protocol {
    fn domain_steps(&self, state: &State, index: usize, steps: &mut Vec<Step>) {
        let domain = &state.kernel.domains[index];
        match domain.mode {
            Mode::Starting => steps.push(Step::Serve(index)),
            Mode::Standby => steps.push(Step::Prepare(index)),
            Mode::TakingOver => match domain.work {
                Work::Idle if domain.server + 1 < self.servers => steps.push(Step::Open(index)),
                Work::Asked(_) => {}
                _ => steps.push(Step::TakeOver(index)),
            },
            Mode::TookOver | Mode::Serving | Mode::Quiescing => match domain.work {
                Work::Idle if !domain.inbox.is_empty() => steps.push(Step::Take(index)),
                Work::Idle if domain.mode == Mode::Quiescing => steps.push(Step::Save(index)),
                Work::Idle | Work::Asked(_) => {}
                Work::Took(_) if domain.server + 1 < self.servers => steps.push(Step::Ask(index)),
                Work::Took(_) | Work::Told(..) => steps.push(Step::Answer(index)),
            },
            _ => {}
        }
        let can_fail = domain.version == Version::New || self.old_can_fail;
        if state.faults < self.faults && can_fail && domain.mode != Mode::Ended {
            steps.push(Step::Crash(index));
            if domain.mode == Mode::Quiescing && domain.work == Work::Idle {
                steps.push(Step::FailToSave(index));
            }
        }
    }

    /// Whether nothing can happen any more.
    fn is_stuck(&self, state: &State) -> bool {
        let Supervisor { swap, todo, armed, told, recoveries, .. } = &state.supervisor;
        let has_begun = swap.is_some() || told.is_some();
        if !has_begun || todo.is_some() || armed.is_some() || !recoveries.is_empty() {
            return false;
        }
        let mut steps = Vec::new();
        self.actions(state, &mut steps);
        steps.iter().all(|step| *step == Step::End)
    }

    /// Whether each server has one domain that serves, all of one version.
    fn is_settled(&self, state: &State) -> bool {
        let Supervisor { serving, version, told, .. } = &state.supervisor;
        let serves = |server: usize| {
            let domain = serving[server];
            state.kernel.endpoints[server].bound == Some(domain)
                && state.kernel.domains[domain].mode == Mode::Serving
                && state.kernel.domains[domain].version == *version
        };
        told.is_some() && (0..self.servers).all(serves)
    }

    /// Whether no domain, hold or call is there that should not be.
    fn is_clean(&self, state: &State) -> bool {
        let kernel = &state.kernel;
        let living = kernel.domains.iter().filter(|domain| domain.mode != Mode::Ended);
        let idle = |domain: &Domain| domain.work == Work::Idle && domain.inbox.is_empty();
        living.clone().count() == self.servers
            && living.clone().all(idle)
            && kernel.endpoints.iter().all(|e| !e.hold && e.held.is_empty())
            && state.supervisor.armed.is_none()
    }
}

/// What a domain does in its own time.
fn serve(kernel: &mut Kernel, step: Step, bug: Option<Bug>) -> Option<()> {
    match step {
        Step::Serve(domain) => kernel.serve(domain),
        Step::Prepare(domain) => kernel.becomes(domain, Mode::Prepared),
        Step::Save(domain) => kernel.becomes(domain, Mode::Frozen),
        Step::Open(domain) => {
            let own = Call { caller: Caller::Nobody, client: 0, number: 0 };
            kernel.domains[domain].work = Work::Asked(own);
            kernel.send_to_twin(1, Call { caller: Caller::Domain(domain), ..own }, bug);
        }
        Step::TakeOver(domain) => {
            match std::mem::replace(&mut kernel.domains[domain].work, Work::Idle) {
                Work::Told(_, false) => kernel.end(domain, false, bug),
                _ => kernel.becomes(domain, Mode::TookOver),
            }
        }
        Step::Take(domain) => kernel.take(domain),
        Step::Ask(domain) => {
            let Work::Took(call) = kernel.domains[domain].work else { return None };
            kernel.domains[domain].work = Work::Asked(call);
            kernel.send(1, Call { caller: Caller::Domain(domain), ..call });
        }
        Step::Answer(domain) => {
            let well = !matches!(kernel.domains[domain].work, Work::Told(_, false));
            kernel.answer(domain, well);
        }
        _ => return None,
    }
    Some(())
}
