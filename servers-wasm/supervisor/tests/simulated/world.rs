//! A supervisor on a simulated machine, and what tests do to both.

use std::{collections::BTreeMap, rc::Rc};

use atoll_supervisor::{Supervisor, kernel::Cause, server::State, swap::Replacement};

use super::{Machine, Play, Source};

/// A new version of a server, without grants beyond what it has.
pub(crate) fn to(server: &str, component: &str) -> Replacement {
    Replacement { server: server.into(), component: component.into(), grants: Vec::new() }
}

/// A supervisor on a simulated machine.
pub(crate) struct World {
    pub(crate) machine: Rc<Machine>,
    pub(crate) supervisor: Supervisor<Play>,
}

impl World {
    /// A machine with this description and all its components.
    pub(crate) fn new(description: &str) -> Self {
        let machine = Rc::new(Machine::default());
        machine.room.set(true);
        machine.screen.set(true);
        machine.clones.set(true);
        machine.probes.set(true);
        let mut modules = BTreeMap::new();
        modules.insert("system.toml".to_string(), description.as_bytes().to_vec());
        let samples = ["a", "b", "c", "a2", "b2", "c2", "hello", "hello-c"];
        for name in samples.into_iter().chain(["log", "console", "files", "shell"]) {
            modules.insert(format!("{name}.wasm"), Vec::new());
        }
        machine.modules.replace(modules);
        let supervisor = Supervisor::new(Play(machine.clone()));
        Self { machine, supervisor }
    }

    /// Boots, or goes on.
    pub(crate) fn boot(&mut self) {
        assert_eq!(self.supervisor.boot(), Ok(()));
        self.supervisor.keep();
    }

    /// Ends the supervisor, as it was after its last call, and lets another one go on.
    pub(crate) fn crash_supervisor(&mut self) {
        self.supervisor.keep();
        self.crash_unkept();
    }

    /// Ends it in the middle of a call, before anything of that was written down.
    pub(crate) fn crash_unkept(&mut self) {
        self.machine.estate.set(true);
        let before = Some("trapped".to_string());
        self.machine.began.borrow_mut().before = before;
        self.supervisor = Supervisor::new(Play(self.machine.clone()));
        self.boot();
        self.deliver();
    }

    /// Boots and lets everything become ready.
    pub(crate) fn booted(description: &str) -> Self {
        let mut world = Self::new(description);
        world.boot();
        world.settle();
        world
    }

    /// Delivers what is ready, as the runtime would, until nothing is.
    pub(crate) fn deliver(&mut self) {
        loop {
            let ready =
                self.machine.pollables.borrow().iter().find_map(|(number, (source, token))| {
                    let is_ready = match source {
                        Source::Domain(index) => self.machine.domains.borrow()[*index].changed,
                        Source::Timer(when) => *when <= self.machine.now.get(),
                        Source::Event(_) => false,
                    };
                    token.filter(|_| is_ready).map(|token| (*number, token))
                });
            let Some((number, token)) = ready else { return };
            if let Some(pollable) = self.machine.pollables.borrow_mut().get_mut(&number) {
                pollable.1 = None;
            }
            self.supervisor.ready(token);
            self.supervisor.keep();
        }
    }

    /// Lets every domain do its next step, and delivers the news; whether there was any.
    pub(crate) fn step(&mut self) -> bool {
        self.deliver();
        let moved = self.machine.step();
        self.deliver();
        moved
    }

    /// Lets every domain get as far as it gets.
    pub(crate) fn settle(&mut self) {
        while self.step() {}
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.machine.now.set(self.machine.now.get() + ms * 1_000_000);
        self.deliver();
    }

    /// Ends the living domain of that name and delivers the news.
    pub(crate) fn crash(&mut self, name: &str, cause: Cause, code: u64) {
        let index = self.machine.living(name).unwrap_or_else(|| panic!("{name} does not live"));
        self.machine.end(index, cause, code);
        self.deliver();
    }

    /// The arguments that the latest domain of that name got.
    pub(crate) fn arguments(&self, name: &str) -> Vec<String> {
        let domains = self.machine.domains.borrow();
        let latest = domains.iter().rev().find(|domain| domain.name == name).expect("domain");
        latest.arguments.clone()
    }

    /// Whether the latest domain of that name is a clone.
    pub(crate) fn is_clone(&self, name: &str) -> bool {
        let domains = self.machine.domains.borrow();
        domains.iter().rev().find(|domain| domain.name == name).expect("domain").is_clone
    }

    /// State and restarts of a server.
    pub(crate) fn server(&mut self, name: &str) -> (State, u32) {
        let listed = self.supervisor.list();
        let found = listed.iter().find(|listed| listed.name == name).expect("listed");
        (found.state, found.restarts)
    }

    /// The grants that the latest domain of that name got.
    pub(crate) fn granted(&self, name: &str) -> Vec<String> {
        let domains = self.machine.domains.borrow();
        let latest = domains.iter().rev().find(|domain| domain.name == name).expect("domain");
        latest.grants.clone()
    }

    /// Whether a line of the log has this text.
    pub(crate) fn logged(&self, text: &str) -> bool {
        self.machine.log.borrow().iter().any(|line| line.contains(text))
    }
}
