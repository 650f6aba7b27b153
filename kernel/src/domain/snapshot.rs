//! Snapshots of domains and the domains that are made of them.
//!
//! A domain asks for a snapshot of itself when it has been set up and nothing that is of this life
//! alone has come into it: no call, no object that it handed out, no window. Whoever controls it,
//! also when it has ended, can make clones, which go on after the same gate call with another
//! answer. What a domain or clone holds besides memory — handles, inbox, bindings — is its own.

use super::{Body, Domain, Kernel, Life, Reserved};
use crate::arch::context::SavedRegisters;
use crate::capability::{DomainId, Object};
use crate::interrupts::Fault;
use crate::ipc::Freshness;
use crate::memory::{AddressSpace, MapError, PAGE_SIZE, Snapshot, VirtAddr};
use alloc::sync::Arc;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::layout::{RECEIVE_AREA, REGION_BASE, SEND_AREA};
use atoll_gate::record::name_str;
use atoll_gate::start::DomainConfig;

/// What the gate call gives to the domain that asked, and to each clone.
const IN_ORIGINAL: u64 = 0;
const IN_CLONE: u64 = 1;

/// The exception, and the bits of its error code: the page is there, it was written, and an
/// instruction was fetched. AMD64 APM volume 2, section 8.4.2.
const PAGE_FAULT: u8 = 14;
const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const FETCH: u64 = 1 << 4;

/// What a clone begins with.
#[derive(Debug)]
pub struct Pristine {
    memory: Arc<Snapshot>,
    registers: SavedRegisters,
    reserved: Reserved,
}

impl Pristine {
    /// What a clone runs in.
    fn body(&self, number: u32) -> Result<Body, Status> {
        let space = AddressSpace::from_snapshot(&self.memory).ok_or(Status::OutOfMemory)?;
        let mut body = Body::new(space, self.reserved.try_clone()?)?;
        body.map_areas()?;
        let context = body.space.context();
        context.go_on(&self.registers, number);
        context.set_result(Status::Ok, IN_CLONE);
        Ok(body)
    }
}

impl Kernel {
    /// Takes the snapshot that a domain asks for, within its quota. Nothing has happened on
    /// failure.
    pub(crate) fn snapshot(&mut self, id: DomainId) -> Result<u64, Status> {
        if !self.is_pristine(id)? {
            return Err(Status::Invalid);
        }
        let domain = self.domain_mut(id)?;
        if domain.pristine.is_some() {
            return Err(Status::Exists);
        }
        let body = domain.body.as_mut().ok_or(Status::Closed)?;
        let reserved = body.reserved.try_clone()?;
        let areas = [(SEND_AREA, &body.send), (RECEIVE_AREA, &body.receive)];
        let areas = areas.map(|(base, run)| VirtAddr::new(base).map(|base| (base, run)));
        let [Some(send), Some(receive)] = areas else { return Err(Status::Invalid) };
        let memory = body.space.take_snapshot(&[send, receive])?;
        let registers = body.space.context().registers();
        domain.pristine = Some(Arc::new(Pristine { memory, registers, reserved }));
        // It is given up again here if it does not fit.
        domain.require_memory(0)?;
        if domain.pristine.is_some() { Ok(IN_ORIGINAL) } else { Err(Status::QuotaExceeded) }
    }

    /// Whether nothing has come into a domain that a clone of it could not have.
    fn is_pristine(&self, id: DomainId) -> Result<bool, Status> {
        let (domain, body) = self.live(id)?;
        let quiet = domain.calls_open == 0 && domain.inbox.is_empty();
        let sent = || self.ipc.calls.iter().any(|(_, call)| call.caller == Some(id));
        let bound = || self.ipc.endpoints.iter().any(|(_, endpoint)| endpoint.bound == Some(id));
        let unmapped = body.next_region == REGION_BASE;
        let starting = domain.life == Life::Starting;
        Ok(starting && unmapped && quiet && !sent() && !bound() && !self.has_minted(domain))
    }

    /// Whether an object is out that was minted on an endpoint which the domain may serve.
    fn has_minted(&self, domain: &Domain) -> bool {
        let served = |object: Object, held: u32| match object {
            Object::Endpoint(id) if held & rights::SERVE != 0 => Some(id),
            _ => None,
        };
        let mut entries = domain.handles.iter_from(0);
        entries.any(|(_, entry)| {
            let Some(id) = served(entry.object, entry.rights) else { return false };
            let endpoint = self.ipc.endpoints.get(id);
            let mut minted = self.ipc.minted.iter().filter(|(_, minted)| minted.endpoint == id);
            minted.any(|(_, minted)| minted.freshness(endpoint) == Freshness::Fresh)
        })
    }

    /// Makes a clone of a domain, with its configuration; nobody holds it yet and it does not run.
    pub(crate) fn clone_domain(&mut self, id: DomainId, standby: bool) -> Result<DomainId, Status> {
        let original = self.domains.get(id).ok_or(Status::Closed)?;
        let pristine = original.pristine.clone().ok_or(Status::NotReady)?;
        let (name, module) = (original.name, original.module);
        let config = DomainConfig {
            name: name_str(&name),
            memory_limit: original.memory_limit,
            handle_limit: original.handle_limit,
            call_limit: original.call_limit,
            priority: original.share.priority,
            isolation: original.ring,
            budget_ns: original.share.budget_ns,
            period_ns: original.share.period_ns,
            standby,
        };
        let number = self.next_number()?;
        let body = pristine.body(number)?;
        self.add_domain(&config, module, number, body, Some(pristine))
    }

    /// Lets go of what is kept of a domain that has ended; of one that lives, nothing is.
    pub(crate) fn forget_snapshot(&mut self, id: DomainId) {
        if let Some(domain) = self.domains.get_mut(id).filter(|domain| domain.body.is_none()) {
            domain.pristine = None;
        }
    }

    /// Gives a domain its own copy of the page of its snapshot that it wrote to. `None` if it did
    /// not; an error if there is no memory for it.
    pub(crate) fn written(&mut self, id: DomainId, fault: &Fault) -> Option<Result<(), Status>> {
        let kind = fault.error & (PRESENT | WRITE | FETCH);
        if fault.vector != PAGE_FAULT || kind != PRESENT | WRITE {
            return None;
        }
        self.separate(id, VirtAddr::new(fault.address - fault.address % PAGE_SIZE)?)
    }

    /// Gives a domain its own copy of a page of its snapshot, likewise.
    pub(super) fn separate(&mut self, id: DomainId, page: VirtAddr) -> Option<Result<(), Status>> {
        let domain = self.domains.get_mut(id)?;
        if !domain.body.as_ref()?.space.is_copied_on_write(page) {
            return None;
        }
        Some(domain.copy_page(page))
    }
}

impl Domain {
    pub(super) fn copy_page(&mut self, page: VirtAddr) -> Result<(), Status> {
        self.require_memory(PAGE_SIZE)?;
        let body = self.body.as_mut().ok_or(Status::Closed)?;
        match body.space.copy_page(page) {
            // For want of a frame the page itself will do, if nobody else uses it; or the snapshot
            // was given up just now, and the page is the domain's.
            Err(MapError::OutOfFrames) if self.give_up_snapshot() => Ok(()),
            Ok(()) | Err(MapError::Missing) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the memory of the domain's snapshot back, if nobody else uses it; whether it did.
    pub(super) fn give_up_snapshot(&mut self) -> bool {
        let last = |pristine: &Arc<Pristine>, body: &Body| {
            Arc::strong_count(pristine) == 1 && body.space.is_last_user(1)
        };
        match (&self.pristine, &mut self.body) {
            (Some(pristine), Some(body)) if last(pristine, body) => {
                self.pristine = None;
                body.space.absorb_snapshot()
            }
            _ => false,
        }
    }
}
