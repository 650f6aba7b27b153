//! The lifetimes of objects: who holds them, and what their end sets off.
//!
//! Every handle entry, owned or borrowed, is one holder. Nothing here recurses: domains that lose
//! their last holder are queued and ended by [`Kernel::reap`].

use super::Kernel;
use crate::capability::{DomainId, EndpointId, Entry, EventId, Handle, MintedId, Object, PipeId};
use crate::ipc::{Freshness, Standing};
use atoll_gate::Status;
use atoll_gate::call::rights;

impl Kernel {
    /// Counts one more holder of `object`.
    pub(crate) fn hold(&mut self, object: Object, held_rights: u32) {
        let counter = match object {
            Object::Endpoint(id) => self.ipc.endpoints.get_mut(id).map(|endpoint| {
                if held_rights & rights::SERVE != 0 {
                    endpoint.servers = endpoint.servers.saturating_add(1);
                }
                &mut endpoint.holders
            }),
            Object::Minted(id) => self.ipc.minted.get_mut(id).map(|minted| &mut minted.holders),
            Object::PipeReader(id) | Object::PipeWriter(id) => {
                self.ipc.pipes.get_mut(id).map(|pipe| {
                    if held_rights & rights::READ != 0 {
                        pipe.readers = pipe.readers.saturating_add(1);
                    }
                    if held_rights & rights::WRITE != 0 {
                        pipe.writers = pipe.writers.saturating_add(1);
                    }
                    &mut pipe.holders
                })
            }
            Object::Event(id) => self.ipc.events.get_mut(id).map(|event| {
                if held_rights & rights::SIGNAL != 0 {
                    event.signallers = event.signallers.saturating_add(1);
                }
                &mut event.holders
            }),
            Object::Interrupt(id) => {
                self.devices.interrupts.get_mut(id).map(|line| &mut line.holders)
            }
            Object::Ports(id) => self.devices.ports.get_mut(id).map(|ports| &mut ports.holders),
            Object::Window(id) => {
                self.devices.windows.get_mut(id).map(|window| &mut window.holders)
            }
            Object::Domain(id) => self.domains.get_mut(id).map(|domain| &mut domain.holders),
            Object::Capsule(id) => {
                self.ipc.capsules.get_mut(id).map(|capsule| &mut capsule.holders)
            }
            Object::Blob(id) => self.ipc.blobs.get_mut(id).map(|blob| &mut blob.holders),
            Object::Log | Object::System => None,
        };
        if let Some(holders) = counter {
            *holders = holders.saturating_add(1);
        }
    }

    /// Counts one holder of `object` less and ends what nobody holds any more.
    pub(crate) fn release(&mut self, object: Object, held_rights: u32) {
        match object {
            Object::Endpoint(id) => self.release_endpoint(id, held_rights),
            Object::Minted(id) => self.release_minted(id),
            Object::PipeReader(id) | Object::PipeWriter(id) => self.release_pipe(id, held_rights),
            Object::Event(id) => self.release_event(id, held_rights),
            Object::Interrupt(_) | Object::Ports(_) | Object::Window(_) => {
                self.devices.release(object)
            }
            Object::Domain(id) => self.release_domain(id),
            Object::Capsule(id) => self.release_capsule(id),
            Object::Blob(id) => self.release_blob(id),
            Object::Log | Object::System => {}
        }
    }

    /// Closes an entry that was taken out of `owner`'s table.
    pub(crate) fn discard_entry(&mut self, owner: DomainId, entry: &Entry) {
        self.detach_entry(owner, entry);
        self.release(entry.object, entry.rights);
    }

    /// Ends what ties an entry to `owner`: its watch and its mapping.
    pub(crate) fn detach_entry(&mut self, owner: DomainId, entry: &Entry) {
        if let Some(watch) = entry.watch {
            self.drop_watch(watch);
        }
        if let Object::Window(id) = entry.object
            && entry.note != 0
        {
            self.unmap_window(owner, id, entry.note);
        }
    }

    fn release_endpoint(&mut self, id: EndpointId, held_rights: u32) {
        let Some(endpoint) = self.ipc.endpoints.get_mut(id) else { return };
        endpoint.holders = endpoint.holders.saturating_sub(1);
        if held_rights & rights::SERVE != 0 {
            endpoint.servers = endpoint.servers.saturating_sub(1);
        }
        self.settle_endpoint(id);
    }

    /// Ends waiting calls to an endpoint that nobody will ever serve, and the endpoint itself when
    /// nobody can reach it.
    pub(super) fn settle_endpoint(&mut self, id: EndpointId) {
        while let Some(endpoint) =
            self.ipc.endpoints.get_mut(id).filter(|endpoint| endpoint.is_abandoned())
        {
            let Some(call) = endpoint.held.pop(&mut self.ipc.calls) else { break };
            self.fail_call(call, Status::Closed);
        }
        let never_served =
            |endpoint: &crate::ipc::Endpoint| endpoint.servers == 0 && endpoint.server().is_none();
        if self.ipc.endpoints.get(id).is_some_and(never_served) {
            self.forget_interface(id);
        }
        let unreachable =
            |endpoint: &crate::ipc::Endpoint| endpoint.holders == 0 && endpoint.server().is_none();
        if self.ipc.endpoints.get(id).is_some_and(unreachable) {
            self.forget_interface(id);
            self.ipc.endpoints.remove(id);
        }
    }

    fn release_minted(&mut self, id: MintedId) {
        let Some(minted) = self.ipc.minted.get_mut(id) else { return };
        minted.holders = minted.holders.saturating_sub(1);
        if minted.holders > 0 {
            return;
        }
        let endpoint_id = minted.endpoint;
        let Some(endpoint) = self.ipc.endpoints.get_mut(endpoint_id) else {
            self.ipc.minted.remove(id);
            return;
        };
        endpoint.minted.remove(&mut self.ipc.minted, id);
        let missed = self.ipc.minted.get(id).is_some_and(|minted| minted.is_missed(endpoint));
        match endpoint.server().filter(|_| missed) {
            Some(server) => self.queue_drop(server, id),
            None => self.forget_minted(id),
        }
    }

    /// Removes a minted object that is in no list.
    pub(super) fn forget_minted(&mut self, id: MintedId) {
        if let Some(minted) = self.ipc.minted.remove(id) {
            self.release_endpoint(minted.endpoint, 0);
        }
    }

    pub(super) fn queue_drop(&mut self, server: DomainId, id: MintedId) {
        let Some(domain) = self.domains.get_mut(server) else {
            self.forget_minted(id);
            return;
        };
        let order = domain.inbox.arrival();
        domain.inbox.drops.push(&mut self.ipc.minted, id, order);
        self.poke(server);
    }

    /// One handle to an event less. When nobody is left who could set it, whoever waits learns it.
    fn release_event(&mut self, id: EventId, held_rights: u32) {
        let Some(event) = self.ipc.events.get_mut(id) else { return };
        event.holders = event.holders.saturating_sub(1);
        if event.holders == 0 {
            self.ipc.events.remove(id);
        } else if held_rights & rights::SIGNAL != 0 {
            event.signallers = event.signallers.saturating_sub(1);
            if event.signallers == 0 {
                self.fire_watches(Object::Event(id));
            }
        }
    }

    /// One handle to an end less. When nobody is left who could read or write, whoever waits at the
    /// other end learns it, even while others still watch this end.
    fn release_pipe(&mut self, id: PipeId, held_rights: u32) {
        let Some(pipe) = self.ipc.pipes.get_mut(id) else { return };
        pipe.holders = pipe.holders.saturating_sub(1);
        if pipe.holders == 0 {
            let (creator, size) = (pipe.creator, pipe.size());
            self.ipc.pipes.remove(id);
            self.refund(creator, size);
            return;
        }
        if held_rights & rights::READ != 0 {
            pipe.readers = pipe.readers.saturating_sub(1);
        }
        if held_rights & rights::WRITE != 0 {
            pipe.writers = pipe.writers.saturating_sub(1);
        }
        let (reading_ended, writing_ended) = (
            held_rights & rights::READ != 0 && pipe.readers == 0,
            held_rights & rights::WRITE != 0 && pipe.writers == 0,
        );
        if reading_ended {
            self.fire_watches(Object::PipeWriter(id));
        }
        if writing_ended {
            self.fire_watches(Object::PipeReader(id));
        }
    }

    /// One control handle less. The last one ends the domain, or lets go of what is left of it.
    pub(super) fn release_domain(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        domain.holders = domain.holders.saturating_sub(1);
        if domain.holders > 0 {
            return;
        }
        if domain.body.is_none() {
            self.forget_domain(id);
        } else {
            self.doomed.push(&mut self.domains, id, 0);
            self.unsettled = true;
        }
    }

    /// Whether a minted object can be used; other objects always can.
    #[inline]
    pub(crate) fn require_fresh(&self, object: Object) -> Result<(), Status> {
        let Object::Minted(id) = object else { return Ok(()) };
        let minted = self.ipc.minted.get(id).ok_or(Status::PeerRestarted)?;
        match minted.freshness(self.ipc.endpoints.get(minted.endpoint)) {
            Freshness::Fresh => Ok(()),
            Freshness::Stale => Err(Status::PeerRestarted),
            Freshness::Revoked => Err(Status::Revoked),
        }
    }

    /// The id of the endpoint that `object` is or belongs to, 0 for a kernel object.
    pub(crate) fn endpoint_number(&self, object: Object) -> u32 {
        let endpoint = match object {
            Object::Endpoint(id) => Some(id),
            Object::Minted(id) => self.ipc.minted.get(id).map(|minted| minted.endpoint),
            _ => None,
        };
        endpoint.and_then(|id| self.ipc.endpoints.get(id)).map_or(0, |endpoint| endpoint.number)
    }

    /// What `Inspect` tells of an object besides its kind: endpoint id, capsule id, ports, pages or bytes.
    pub(crate) fn extent(&self, object: Object) -> u64 {
        let extent = match object {
            Object::Endpoint(_) | Object::Minted(_) => u64::from(self.endpoint_number(object)),
            Object::Ports(id) => {
                self.devices.ports.get(id).map_or(0, |ports| u64::from(ports.count))
            }
            Object::Window(id) => self.devices.windows.get(id).map_or(0, |window| window.pages),
            Object::Capsule(id) => {
                self.ipc.capsules.get(id).map_or(0, |capsule| u64::from(capsule.number))
            }
            Object::Blob(id) => self.ipc.blobs.get(id).map_or(0, crate::ipc::Blob::size),
            Object::Domain(id) => self.domains.get(id).map_or(0, |domain| u64::from(domain.number)),
            _ => 0,
        };
        extent.min(u64::from(u32::MAX))
    }

    /// Closes a handle at its owner's wish.
    pub(crate) fn close(&mut self, owner: DomainId, handle: Handle) -> Result<(), Status> {
        let table = &mut self.domain_mut(owner)?.handles;
        table.get(handle)?.require_movable()?;
        let entry = table.remove(handle)?;
        self.discard_entry(owner, &entry);
        Ok(())
    }

    /// Takes a server's objects with the id `object`, or all, away from their holders.
    pub(crate) fn revoke(&mut self, endpoint: EndpointId, object: Option<u32>) -> u64 {
        let Some(endpoint) = self.ipc.endpoints.get(endpoint) else { return 0 };
        let (mut at, mut revoked) = (endpoint.minted.first(&self.ipc.minted), 0);
        while let Some(id) = at {
            at = endpoint.minted.next(&self.ipc.minted, id);
            let Some(minted) = self.ipc.minted.get_mut(id) else { break };
            if minted.standing == Standing::Held
                && object.is_none_or(|object| object == minted.object)
            {
                minted.standing = Standing::Revoked;
                revoked += 1;
            }
        }
        revoked
    }
}
