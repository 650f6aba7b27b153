//! Twins: where the new domains of a set reach each other before the commit.
//!
//! A new domain's interface stands on its shelf, and calls to the endpoint wait for the commit. So
//! that another new domain can link against that interface, and call it while it takes over, the
//! supervisor grants it a twin of the endpoint. It is an endpoint like any other, which the new
//! domain serves as soon as it has taken over, so that the way of a call has nothing to look at.
//! The commit makes the two one: handles to the twin, calls and objects of it are the endpoint's
//! from then on. If it does not come to that, the twin ends with the domain that serves it.

use super::super::Kernel;
use super::Swap;
use crate::capability::{DomainId, EndpointId, Handle, Object};
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::record::Phase;

impl Swap {
    /// The endpoint on which the domain's objects are minted that name `endpoint`.
    #[inline]
    pub(in super::super) fn minting_on(&self, endpoint: EndpointId) -> Result<EndpointId, Status> {
        if self.stages() { self.open_twin(endpoint).ok_or(Status::NotReady) } else { Ok(endpoint) }
    }

    #[cold]
    fn open_twin(&self, endpoint: EndpointId) -> Option<EndpointId> {
        self.twin(endpoint).filter(|_| self.phase == Phase::TookOver)
    }

    /// The twin of an endpoint that the domain stages.
    fn twin(&self, endpoint: EndpointId) -> Option<EndpointId> {
        self.shelf.iter().find(|staged| staged.endpoint == endpoint)?.twin
    }
}

impl Kernel {
    /// Gives `owner` a handle to the twin of an endpoint that `server` stages.
    pub(crate) fn create_twin(
        &mut self,
        owner: DomainId,
        of: EndpointId,
        server: DomainId,
    ) -> Result<Handle, Status> {
        let swap = &self.live(server)?.0.swap;
        if !swap.stages() {
            return Err(Status::NotReady);
        }
        let is_open = swap.phase == Phase::TookOver;
        let known = swap.twin(of).filter(|twin| self.ipc.endpoints.get(*twin).is_some());
        if !swap.shelf.iter().any(|staged| staged.endpoint == of) {
            return Err(Status::NotFound);
        }
        self.domain_mut(owner)?.handles.reserve(1)?;
        let twin = match known {
            Some(twin) => twin,
            None => self.ipc.create_twin(owner, server, of).ok_or(Status::OutOfMemory)?,
        };
        let mut shelf = self.domain_mut(server)?.swap.shelf.iter_mut();
        if let Some(staged) = shelf.find(|staged| staged.endpoint == of) {
            staged.twin = Some(twin);
        }
        if is_open {
            self.open_twins(server);
        }
        // Nobody may serve it by a handle: while its domain does not, calls fail.
        self.give(owner, Object::Endpoint(twin), rights::ALL & !rights::SERVE)
    }

    /// The interface of a twin: what its domain staged.
    pub(in super::super) fn staged_interface(
        &self,
        server: DomainId,
        of: EndpointId,
    ) -> Option<&[u8]> {
        let shelf = &self.domains.get(server)?.swap.shelf;
        let staged = shelf.iter().find(|staged| staged.endpoint == of)?;
        Some(&staged.descriptor)
    }

    /// Lets a domain that took over serve the others of its set.
    pub(super) fn open_twins(&mut self, server: DomainId) {
        let Some(domain) = self.domains.get(server) else { return };
        for staged in &domain.swap.shelf {
            let twin = staged.twin.and_then(|twin| self.ipc.endpoints.get_mut(twin));
            if let Some(twin) = twin {
                (twin.bound, twin.badge) = (Some(server), staged.badge);
            }
        }
    }

    /// Makes a twin one with the endpoint that it is the twin of, which its domain serves by now.
    pub(super) fn absorb_twin(&mut self, twin: EndpointId, into: EndpointId) {
        self.absorb_calls(twin, into);
        self.absorb_objects(twin, into);
        self.absorb_handles(twin, into);
        if let Some(twin) = self.ipc.endpoints.get_mut(twin) {
            twin.unbind();
        }
        self.settle_endpoint(twin);
    }

    fn absorb_calls(&mut self, twin: EndpointId, into: EndpointId) {
        for index in 0..self.ipc.calls.extent() {
            let call = self.ipc.calls.id_at(index).and_then(|id| self.ipc.calls.get_mut(id));
            if let Some(call) = call.filter(|call| call.endpoint == twin) {
                call.endpoint = into;
            }
        }
    }

    /// Objects of the new domain are of the endpoint's newest incarnation, that of the commit.
    fn absorb_objects(&mut self, twin: EndpointId, into: EndpointId) {
        let Some(incarnation) = self.ipc.endpoints.get(into).map(|into| into.incarnation) else {
            return;
        };
        let mut count = 0;
        for index in 0..self.ipc.minted.extent() {
            let minted = self.ipc.minted.id_at(index).and_then(|id| self.ipc.minted.get_mut(id));
            if let Some(minted) = minted.filter(|minted| minted.endpoint == twin) {
                (minted.endpoint, minted.incarnation) = (into, incarnation);
                count += 1;
            }
        }
        self.move_holders(twin, into, count);
        while let Some(object) =
            self.ipc.endpoints.get_mut(twin).and_then(|twin| twin.minted.pop(&mut self.ipc.minted))
        {
            if let Some(into) = self.ipc.endpoints.get_mut(into) {
                into.minted.push(&mut self.ipc.minted, object, 0);
            }
        }
    }

    fn absorb_handles(&mut self, twin: EndpointId, into: EndpointId) {
        let mut count = 0;
        for index in 0..self.domains.extent() {
            let domain = self.domains.id_at(index).and_then(|id| self.domains.get_mut(id));
            let Some(domain) = domain else { continue };
            let entries = domain.handles.entries_mut().chain(&mut domain.swap.saved.kept);
            for entry in entries.filter(|entry| entry.object == Object::Endpoint(twin)) {
                entry.object = Object::Endpoint(into);
                count += 1;
            }
        }
        self.move_holders(twin, into, count);
    }

    fn move_holders(&mut self, twin: EndpointId, into: EndpointId, count: u32) {
        for (id, change) in
            [(twin, u32::saturating_sub as fn(u32, u32) -> u32), (into, u32::saturating_add)]
        {
            if let Some(endpoint) = self.ipc.endpoints.get_mut(id) {
                endpoint.holders = change(endpoint.holders, count);
            }
        }
    }
}
