//! A server that faults are injected into, with what is known of it when there is none: its
//! transcript, what it spends, and which of its code runs.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{
    domain::{Domain, Ending, Life},
    fault::Fault,
    kernel::{Failing, Note, Peer, Step},
    program::Program,
    work::{self, Subject},
};

/// How much more than in a faultless life a guest may spend before it is taken for one that hangs.
const PATIENCE: u64 = 8;
/// What a guest may spend while it is found out what it needs.
const PLENTY: u64 = 1 << 20;

/// See the module.
pub(crate) struct Prepared {
    pub(crate) subject: &'static Subject,
    pub(crate) program: Program,
    pub(crate) steps: Vec<Step>,
    /// What it does without a fault.
    pub(crate) notes: Vec<Note>,
    /// Gate calls that it makes.
    pub(crate) calls: u64,
    fuel: u64,
    echo: Vec<u8>,
    /// Which blocks of its code run.
    runs: Vec<bool>,
    running: HashMap<Fault, Vec<usize>>,
}

impl Prepared {
    /// Prepares a server whose component is in a folder.
    pub(crate) fn new(subject: &'static Subject, components: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = components.join(name).with_extension("wasm");
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let program = Program::of(read(subject.name)?)?;
        let steps = subject.steps(&program.bytes)?;
        let echo = subject.peer.map(read).transpose()?.unwrap_or_default();
        let runs = vec![false; program.blocks.len()];
        let (notes, calls) = (Vec::new(), 0);
        let (fuel, running) = (PLENTY, HashMap::new());
        let mut prepared =
            Self { subject, program, steps, notes, calls, fuel, echo, runs, running };
        prepared.live_once()?;
        prepared.find_what_runs()?;
        Ok(prepared)
    }

    /// Lives a life without a fault, and another with as little to spend as it takes.
    fn live_once(&mut self) -> Result<()> {
        let life = self.live(&self.program.bytes, None, true);
        ensure!(
            life.ending == Ending::Done,
            "{} does not do its work: {:?}",
            self.subject.name,
            life.ending
        );
        (self.notes, self.calls) = (life.notes, life.calls);
        let mut needed = 1 << 12;
        while needed < PLENTY {
            self.fuel = needed;
            if self.live(&self.program.bytes, None, true).is(&self.notes) {
                break;
            }
            needed *= 2;
        }
        self.fuel = needed * PATIENCE;
        Ok(())
    }

    /// A block runs if a trap at its begin is met: up to there both lives are the same. First
    /// functions are tried, then the blocks of those that run.
    fn find_what_runs(&mut self) -> Result<()> {
        let mut runs = vec![false; self.program.blocks.len()];
        let mut function = None;
        let mut is_entered = false;
        for (number, (body, _)) in self.program.blocks.iter().enumerate() {
            let is_first = function.replace(*body) != Some(*body);
            if !is_first && !is_entered {
                continue;
            }
            let life = self.live(&self.program.trapping_at(number)?, None, false);
            let is_run = !life.is(&self.notes);
            if is_first {
                is_entered = is_run;
            }
            if let Some(place) = runs.get_mut(number) {
                *place = is_run;
            }
        }
        self.runs = runs;
        let running = |fault: Fault| {
            let sites = self.program.sites_of(fault).iter().copied();
            (fault, sites.filter(|site| self.is_run(*site)).collect())
        };
        self.running = Fault::CODE.into_iter().map(running).collect();
        Ok(())
    }

    /// Whether the operator at a site runs.
    pub(crate) fn is_run(&self, site: usize) -> bool {
        let block = self.program.sites.get(site).map(|site| site.block);
        block.and_then(|block| self.runs.get(block).copied()).unwrap_or(false)
    }

    /// The share of operators that run, and how many there are.
    pub(crate) fn coverage(&self) -> (usize, usize) {
        let sites = 0..self.program.sites.len();
        (sites.clone().filter(|site| self.is_run(*site)).count(), sites.len())
    }

    /// Sites at which a fault can be injected and that run.
    pub(crate) fn running_sites(&self, fault: Fault) -> &[usize] {
        self.running.get(&fault).map_or(&[], Vec::as_slice)
    }

    /// Lives the life of a component in the server's place.
    pub(crate) fn live(&self, component: &[u8], failing: Option<Failing>, backtrace: bool) -> Life {
        let make = || work::peer(&self.echo).unwrap_or_default();
        let peer = self.subject.peer.map(|_| &make as &dyn Fn() -> Peer);
        let domain = Domain { subject: self.subject, peer, fuel: self.fuel, failing, backtrace };
        domain.live(component, &self.steps)
    }
}
