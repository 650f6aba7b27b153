//! Endpoints: publishing an interface, reading it, making the endpoint.

use super::Kernel;
use crate::capability::{DomainId, EndpointId, Entry, Handle, Object};
use crate::memory::PageRun;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::{MAX_PAYLOAD, PAYLOAD_OFFSET};

impl Kernel {
    /// Makes an endpoint that `owner` alone holds.
    pub(crate) fn create_endpoint(&mut self, owner: DomainId) -> Result<Handle, Status> {
        self.domain_mut(owner)?.handles.reserve(1)?;
        let id = self.ipc.create_endpoint(owner).ok_or(Status::OutOfMemory)?;
        self.give(owner, Object::Endpoint(id), rights::ALL)
    }

    /// Adds an owned entry for one more holder of `object`. The caller reserved room.
    pub(crate) fn give(
        &mut self,
        owner: DomainId,
        object: Object,
        with: u32,
    ) -> Result<Handle, Status> {
        let handle = self.domain_mut(owner)?.handles.insert(Entry::owned(object, with))?;
        self.hold(object, with);
        Ok(handle)
    }

    /// Binds `server` to an endpoint and publishes the first `len` bytes of its send payload.
    pub(crate) fn publish(
        &mut self,
        server: DomainId,
        id: EndpointId,
        badge: u32,
        len: usize,
    ) -> Result<u32, Status> {
        if self.stages(server)? {
            return self.stage(server, id, badge, len);
        }
        let descriptor = self.copy_descriptor(server, len)?;
        self.forget_interface(id);
        let endpoint = self.ipc.endpoints.get_mut(id).ok_or(Status::Closed)?;
        let before = endpoint.server();
        (endpoint.bound, endpoint.holding) = (Some(server), None);
        endpoint.badge = badge;
        endpoint.descriptor = descriptor;
        let number = endpoint.number;
        self.domain_mut(server)?.charge(len as u64)?;
        if let Some(before) = before.filter(|before| *before != server) {
            self.rebind_queues(before, id);
        }
        self.release_held(id);
        Ok(number)
    }

    pub(super) fn copy_descriptor(
        &mut self,
        server: DomainId,
        len: usize,
    ) -> Result<Vec<u8>, Status> {
        self.domain_mut(server)?.require_memory(len as u64)?;
        read_payload(&self.live(server)?.1.send, len)
    }

    /// Drops the interface that was published, for whoever pays for it.
    pub(super) fn forget_interface(&mut self, id: EndpointId) {
        let Some(endpoint) = self.ipc.endpoints.get_mut(id) else { return };
        let len = core::mem::take(&mut endpoint.descriptor).len() as u64;
        let payer = endpoint.server().unwrap_or(endpoint.maker);
        self.refund(payer, len);
    }

    /// Ends the service of whoever serves an endpoint. The interface is kept for the next server,
    /// which has to know by which numbers clients call, if the domain that made the endpoint lives
    /// and has room for it.
    pub(super) fn unbind(&mut self, id: EndpointId) {
        let Some(endpoint) = self.ipc.endpoints.get_mut(id) else { return };
        let (server, len) = (endpoint.server(), endpoint.descriptor.len() as u64);
        endpoint.unbind();
        if let Some(server) = server {
            self.refund(server, len);
        }
        self.charge_maker(id);
    }

    /// Counts the interface that is kept at an endpoint against whoever made that, or drops it.
    fn charge_maker(&mut self, id: EndpointId) {
        let Some(endpoint) = self.ipc.endpoints.get(id) else { return };
        let (maker, len) = (endpoint.maker, endpoint.descriptor.len() as u64);
        let lives = self.live(maker).map(drop);
        let kept = lives.and_then(|()| self.domain_mut(maker)?.charge(len));
        if kept.is_err()
            && let Some(endpoint) = self.ipc.endpoints.get_mut(id)
        {
            endpoint.descriptor = Vec::new();
        }
    }

    /// Lets `new` pay for what was kept at the endpoints that `old` made, in the place of `old`.
    pub(super) fn inherit_endpoints(&mut self, old: DomainId, new: DomainId) {
        for index in 0..self.ipc.endpoints.extent() {
            let Some(id) = self.ipc.endpoints.id_at(index) else { continue };
            let Some(endpoint) = self.ipc.endpoints.get_mut(id) else { continue };
            if endpoint.maker != old {
                continue;
            }
            endpoint.maker = new;
            if endpoint.server().is_none() {
                let len = endpoint.descriptor.len() as u64;
                self.refund(old, len);
                self.charge_maker(id);
            }
        }
    }

    /// Lets calls wait while nobody serves the endpoint, or makes them fail; gives what was before.
    pub(crate) fn hold_calls(&mut self, id: EndpointId, hold: bool) -> Result<u64, Status> {
        let endpoint = self.ipc.endpoints.get_mut(id).ok_or(Status::Closed)?;
        let before = !core::mem::replace(&mut endpoint.suspended, !hold);
        self.settle_endpoint(id);
        Ok(u64::from(before))
    }

    /// Passes the calls that were held at an endpoint on to its server.
    pub(super) fn release_held(&mut self, id: EndpointId) {
        while let Some(endpoint) = self.ipc.endpoints.get_mut(id) {
            if endpoint.bound.is_none() {
                return;
            }
            let Some(call) = endpoint.held.pop(&mut self.ipc.calls) else { return };
            self.enqueue_call(call);
        }
    }

    /// Copies the published interface from `offset` on into the receive area of `reader`; gives
    /// its whole length. While nobody serves, only who may serve is told what was published last.
    pub(crate) fn describe(
        &self,
        reader: DomainId,
        id: EndpointId,
        may_serve: bool,
        offset: u64,
    ) -> Result<u64, Status> {
        let endpoint = self.ipc.endpoints.get(id).ok_or(Status::Closed)?;
        let descriptor = match endpoint.twin_of {
            Some((server, of)) => self.staged_interface(server, of).ok_or(Status::Closed)?,
            None => &endpoint.descriptor,
        };
        let is_kept = may_serve && !descriptor.is_empty();
        if endpoint.twin_of.is_none() && endpoint.server().is_none() && !is_kept {
            return Err(if endpoint.is_abandoned() { Status::Closed } else { Status::NotReady });
        }
        let offset = usize::try_from(offset).map_err(|_| Status::Invalid)?;
        let rest = descriptor.get(offset..).ok_or(Status::Invalid)?;
        let part = rest.get(..MAX_PAYLOAD).unwrap_or(rest);
        let area = &self.live(reader)?.1.receive;
        area.write(PAYLOAD_OFFSET, part).map_err(|_| Status::Invalid)?;
        Ok(descriptor.len() as u64)
    }
}

/// Copies the first `len` bytes of an area's payload.
pub(super) fn read_payload(area: &PageRun, len: usize) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Status::OutOfMemory)?;
    bytes.resize(len, 0);
    area.read(PAYLOAD_OFFSET, &mut bytes).map_err(|_| Status::Invalid)?;
    Ok(bytes)
}
