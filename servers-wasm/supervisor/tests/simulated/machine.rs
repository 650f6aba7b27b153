//! The machine beneath the simulated kernel: its domains, what they have, and what became ready.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use atoll_supervisor::kernel::{Action, Beginning, Cause, End, Phase};
use atoll_system_description::{Description, Domain};

use super::Step;

/// A domain as the simulated kernel sees it.
pub(crate) struct Simulated {
    pub(crate) name: String,
    pub(crate) component: String,
    pub(crate) grants: Vec<String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) phase: Phase,
    pub(crate) changed: bool,
    pub(crate) dropped: bool,
    /// Control handles to it.
    pub(super) holders: u32,
    /// Whether it was to be kept for clones, and is.
    pub(crate) kept: bool,
    pub(crate) is_clone: bool,
    /// What it is doing for a swap.
    pub(crate) step: Step,
    /// What clients of the domain before will miss in it.
    pub(crate) missing: Option<String>,
    /// Whether it gets no further and answers nothing.
    pub(crate) hangs: bool,
    /// Whether it waits for a reply.
    pub(crate) is_calling: bool,
    /// The last probe that it was asked to answer.
    pub(crate) probed: u64,
    pub(crate) pulse: (u64, Result<(), String>),
    /// Calls that wait for it.
    pub(crate) calls: u64,
    /// Who takes its place if it fails.
    pub(crate) heir: Option<usize>,
}

impl Simulated {
    /// One that was made just now.
    pub(super) fn new(name: &str, component: &str, standby: bool) -> Self {
        Self {
            name: name.to_string(),
            component: component.to_string(),
            grants: Vec::new(),
            arguments: Vec::new(),
            phase: Phase::Starting,
            changed: false,
            dropped: false,
            holders: 1,
            kept: false,
            is_clone: false,
            step: if standby { Step::Standby } else { Step::None },
            missing: None,
            hangs: false,
            is_calling: false,
            probed: 0,
            pulse: (0, Ok(())),
            calls: 0,
            heir: None,
        }
    }
}

/// A module that was made at run time.
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) bytes: Vec<u8>,
    /// Handles of supervisors.
    pub(crate) holders: u32,
}

/// What becomes ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Domain(usize),
    Timer(u64),
    Event(usize),
}

/// State of the machine.
#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) now: Cell<u64>,
    pub(crate) modules: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) domains: RefCell<Vec<Simulated>>,
    pub(crate) events: RefCell<Vec<bool>>,
    pub(crate) log: RefCell<Vec<String>>,
    /// Pollables that exist, and what was last asked for each.
    pub(crate) pollables: RefCell<BTreeMap<u64, (Source, Option<u64>)>>,
    pub(crate) endpoints: Cell<u32>,
    /// Capsules that were made.
    pub(crate) capsules: Cell<u32>,
    /// Modules that were made: name, size, what they have, and who holds them.
    pub(crate) made: RefCell<Vec<Made>>,
    /// The supervisor's own capsule.
    pub(crate) records: RefCell<BTreeMap<u32, Vec<u8>>>,
    /// Whether what a supervisor had is kept for the next one.
    pub(crate) estate: Cell<bool>,
    /// How the supervisor began.
    pub(crate) began: RefCell<Beginning>,
    /// What the guardian was asked to let succeed the supervisor.
    pub(crate) succeeding: Cell<Option<usize>>,
    /// Endpoints at which calls fail while nobody serves them.
    pub(crate) refusing: RefCell<Vec<u32>>,
    /// Endpoints whose objects were revoked.
    pub(crate) revoked: RefCell<Vec<u32>>,
    pub(crate) published: RefCell<Vec<String>>,
    pub(crate) crashed: Cell<bool>,
    pub(crate) power: Cell<Option<Action>>,
    pub(crate) room: Cell<bool>,
    pub(crate) screen: Cell<bool>,
    /// Whether there is room for clones.
    pub(crate) clones: Cell<bool>,
    pub(crate) probes: Cell<bool>,
    /// Domains whose control handle was dropped while they lived.
    pub(crate) given_up_alive: RefCell<Vec<String>>,
    pub(super) numbers: Cell<u64>,
}

impl Machine {
    /// Ends a living domain.
    pub(crate) fn end(&self, index: usize, cause: Cause, code: u64) {
        let mut domains = self.domains.borrow_mut();
        let domain = &mut domains[index];
        if matches!(domain.phase, Phase::Ended(_)) {
            return;
        }
        let message = if cause == Cause::Trapped { "unreachable" } else { "" }.to_string();
        domain.phase = Phase::Ended(End { cause, code, address: 0, fault_address: 0, message });
        domain.changed = true;
        let heir =
            domain.heir.filter(|_| cause != Cause::Killed && (cause, code) != (Cause::Exited, 0));
        if let Some(heir) = heir.and_then(|heir| domains.get_mut(heir))
            && heir.phase == Phase::Prepared(None)
        {
            (heir.phase, heir.step, heir.changed) = (Phase::Inheriting, Step::None, true);
        }
    }

    /// The token under which something is watched.
    pub(crate) fn token_of(&self, source: Source) -> Option<u64> {
        let pollables = self.pollables.borrow();
        pollables.values().find(|(other, _)| *other == source).and_then(|(_, token)| *token)
    }

    /// Nobody controls a domain any more.
    pub(super) fn let_go(&self, index: usize) {
        let name = self.domains.borrow()[index].name.clone();
        if !matches!(self.domains.borrow()[index].phase, Phase::Ended(_)) {
            self.given_up_alive.borrow_mut().push(name);
        }
        self.end(index, Cause::Killed, 0);
        self.domains.borrow_mut()[index].dropped = true;
    }

    /// Lets go of all that no supervisor adopted.
    pub(super) fn settle(&self) {
        self.estate.set(false);
        self.sweep_modules();
        let count = self.domains.borrow().len();
        for index in 0..count {
            let holders = self.domains.borrow()[index].holders;
            if holders == 0 {
                self.let_go(index);
            }
        }
    }

    /// Whether a domain can be made of that component.
    pub(super) fn has_component(&self, name: &str) -> bool {
        let made = self.made.borrow();
        self.modules.borrow().contains_key(name)
            || made.iter().any(|made| made.name == name && made.bytes.len() as u64 == made.size)
    }

    /// Forgets modules that nobody holds or runs.
    pub(super) fn sweep_modules(&self) {
        let (domains, estate) = (self.domains.borrow(), self.estate.get());
        let runs =
            |name: &str| domains.iter().any(|other| !other.dropped && other.component == name);
        self.made.borrow_mut().retain(|made| made.holders > 0 || estate || runs(&made.name));
    }

    /// The names of the modules that there are.
    pub(crate) fn made(&self) -> Vec<String> {
        self.sweep_modules();
        self.made.borrow().iter().map(|made| made.name.clone()).collect()
    }

    /// What any domain could be made with.
    pub(super) fn plan(&self) -> Domain {
        let text = "[system]\nname = \"x\"\n[servers.x]\ncomponent = \"x.wasm\"\n";
        let description = Description::parse(text, "plan.toml").expect("a description");
        description.servers[0].domain.clone()
    }

    /// The living domain of that name.
    pub(crate) fn living(&self, name: &str) -> Option<usize> {
        let domains = self.domains.borrow();
        domains
            .iter()
            .position(|domain| domain.name == name && !matches!(domain.phase, Phase::Ended(_)))
    }

    /// Domains that live.
    pub(crate) fn population(&self) -> Vec<String> {
        let domains = self.domains.borrow();
        let living = domains.iter().filter(|domain| !matches!(domain.phase, Phase::Ended(_)));
        living.map(|domain| domain.name.clone()).collect()
    }
}
