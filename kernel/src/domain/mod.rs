//! Domains, and everything the kernel does on their behalf.
//!
//! [`Kernel`] is the whole state of the policy rooms. `gate` decodes calls and asks for what the
//! files here do: message delivery, handle transfer, object lifetimes, creation and
//! death. Below are `ipc` and `scheduler`, which keep queues and know no domain's inside, and
//! `memory`, which moves the bytes.
//!
//! Invariants: a domain that is not ended has a body (address space and message areas); a blocked
//! domain has an activity that says what ends the wait; results of a gate call are written once,
//! by `gate` if the call did not block and by `Kernel::finish_wait` if it did.
#![forbid(unsafe_code)]

mod blobs;
mod calls;
mod capsules;
mod create;
mod death;
mod devices;
mod endpoints;
mod guardian;
mod heirs;
mod inbox;
mod init;
#[cfg(any(test, feature = "inject"))]
mod inject;
mod introspect;
mod meeting;
mod objects;
mod probes;
mod quota;
mod record;
mod replies;
mod reserved;
mod snapshot;
mod streams;
mod swap;
mod transfer;
mod watching;

pub(crate) use calls::Request;
pub use death::Ending;
pub use devices::{Devices, Interrupt, Ports, Window};
pub use probes::Health;
pub(crate) use quota::mapping_cost;
pub use record::{Activity, Body, Domain, Life};
pub(crate) use replies::Answer;
pub use reserved::Reserved;
pub use snapshot::Pristine;
pub use swap::Swap;
pub(crate) use swap::{Couple, Taking};

use crate::boot::BootInfo;
use crate::capability::{DomainId, List, Slab, tag};
use crate::ipc::{Blob, Ipc};
use crate::memory::DomainImage;
use crate::scheduler::Scheduler;
use alloc::vec::Vec;
use atoll_gate::Status;

/// Most domains at one time, ended ones that somebody still holds included.
pub const DOMAIN_LIMIT: u32 = 1024;
/// The processor that everything runs on until the others are started.
pub(crate) const CPU: usize = 0;

/// All that the policy rooms know.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) domains: Slab<Domain, tag::Domain>,
    pub(crate) ipc: Ipc,
    pub(crate) devices: Devices,
    pub(crate) scheduler: Scheduler,
    pub(crate) boot: BootInfo,
    pub(crate) image: DomainImage,
    /// Nanoseconds since boot, read once at each entry.
    pub(crate) now: u64,
    pub(crate) gate_calls: u64,
    pub(crate) interrupts: u64,
    /// Number of the newest domain.
    newest: u32,
    /// Domains that nobody holds any more and that have to end.
    doomed: List,
    /// Armed watches on the log, and the log's end when they were last looked at.
    log_watchers: List,
    log_end: u64,
    /// Domains that a swap has something to tell as soon as they wait.
    turns: Vec<DomainId>,
    /// Ends that heirs were there for, and that nobody was told of yet.
    inheritances: Vec<heirs::Inheritance>,
    guardian: guardian::Guardian,
    /// Whether [`Self::settle`] has something to do, or to look after.
    unsettled: bool,
    #[cfg(any(test, feature = "inject"))]
    faults: inject::Faults,
}

/// Why the kernel could not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The module `runtime.elf` is missing or is no domain image.
    NoImage,
    /// The heap is too small for the kernel's tables.
    OutOfMemory,
    /// The command line names no `init`, or a module that is not there.
    NoInit,
    /// The first domain could not be made.
    InitFailed(Status),
}

impl Kernel {
    /// Makes the kernel's tables and starts the first domain.
    pub fn new(mut boot: BootInfo) -> Result<Self, BootError> {
        let module = boot.module(init::IMAGE_MODULE).ok_or(BootError::NoImage)?;
        let image = DomainImage::load_module(&module.bytes).map_err(|_| BootError::NoImage)?;
        let mut ipc = Ipc::new();
        for module in boot.modules.drain(..) {
            let blob = Blob::boot(module.name, module.bytes);
            ipc.blobs.insert(blob).map_err(|_| BootError::OutOfMemory)?;
        }
        let scheduler = Scheduler::new(DOMAIN_LIMIT as usize).ok_or(BootError::OutOfMemory)?;
        let mut kernel = Self {
            domains: Slab::new(DOMAIN_LIMIT),
            ipc,
            devices: Devices::new(),
            scheduler,
            boot,
            image,
            now: crate::time::now_ns(),
            gate_calls: 0,
            interrupts: 0,
            newest: 0,
            doomed: List::new(),
            log_watchers: List::new(),
            log_end: 0,
            turns: Vec::new(),
            inheritances: Vec::new(),
            guardian: guardian::Guardian::default(),
            unsettled: true,
            #[cfg(any(test, feature = "inject"))]
            faults: inject::Faults::default(),
        };
        kernel.start_first()?;
        Ok(kernel)
    }

    /// Whether an entry left nothing for [`Self::settle`].
    #[inline]
    pub(crate) fn is_settled(&self) -> bool {
        !self.unsettled && !self.has_log_news()
    }

    /// Does what the entry left to be done: ends domains that nobody holds, lets another domain take
    /// the place of the first one, tells domains their part in a swap, supervisors of heirs that took
    /// a place, and those who watch the log of its growth.
    pub(crate) fn settle(&mut self) {
        self.reap();
        if self.has_no_first() {
            self.replace_first();
            self.reap();
        }
        self.settle_swaps();
        self.settle_inheritances();
        self.settle_succession();
        self.settle_log();
        self.unsettled = !self.turns.is_empty() || self.is_in_succession();
    }

    /// A domain that has not ended, with its body.
    #[inline]
    pub(crate) fn live(&self, id: DomainId) -> Result<(&Domain, &Body), Status> {
        let domain = self.domains.get(id).ok_or(Status::Closed)?;
        Ok((domain, domain.body.as_ref().ok_or(Status::Closed)?))
    }

    /// The domain `id`, to change.
    #[inline]
    pub(crate) fn domain_mut(&mut self, id: DomainId) -> Result<&mut Domain, Status> {
        self.domains.get_mut(id).ok_or(Status::Closed)
    }
}
