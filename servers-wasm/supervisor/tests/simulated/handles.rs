//! Handles of the simulated kernel: what they name on the machine, and what happens when the last
//! one to it goes.

use std::rc::Rc;

use super::Machine;

/// A pollable.
pub(crate) struct Guard {
    pub(super) machine: Rc<Machine>,
    pub(super) number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.machine.pollables.borrow_mut().remove(&self.number);
    }
}

pub(crate) struct DomainHandle {
    pub(super) machine: Rc<Machine>,
    pub(super) index: usize,
}

impl Drop for DomainHandle {
    fn drop(&mut self) {
        let holders = {
            let domain = &mut self.machine.domains.borrow_mut()[self.index];
            domain.holders -= 1;
            domain.holders
        };
        if holders == 0 && !self.machine.estate.get() {
            self.machine.let_go(self.index);
        }
    }
}

/// A handle of a module that was made, by its name.
pub(crate) struct ModuleHandle {
    machine: Rc<Machine>,
    pub(super) name: String,
}

impl ModuleHandle {
    pub(super) fn new(machine: &Rc<Machine>, name: &str) -> Option<Self> {
        let mut all = machine.made.borrow_mut();
        all.iter_mut().find(|made| made.name == name)?.holders += 1;
        Some(Self { machine: machine.clone(), name: name.to_string() })
    }
}

impl Drop for ModuleHandle {
    fn drop(&mut self) {
        let mut all = self.machine.made.borrow_mut();
        if let Some(made) = all.iter_mut().find(|made| made.name == self.name) {
            made.holders -= 1;
        }
        drop(all);
        self.machine.sweep_modules();
    }
}
