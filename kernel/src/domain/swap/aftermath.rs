//! What the end of a domain means for a swap, and which of the calls that it took are repeated.
//!
//! Before the commit the end of a new domain changes nothing but itself. On probation it gives its
//! endpoints back, at which calls then wait for what the supervisor decides. The end of a replaced
//! domain makes the swap final.

use super::super::Kernel;
use super::super::transfer::Slots;
use super::Swap;
use crate::capability::{CallId, DomainId, Handle};
use crate::ipc::CallState;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::SendSlot;
use atoll_gate::record::Phase;

impl Kernel {
    /// Ends the part that a domain which is about to end has in a swap.
    pub(in super::super) fn end_swap(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get(id) else { return };
        match (domain.swap.phase, domain.swap.partner) {
            (Phase::Probation, Some(old)) => {
                self.give_back(old, id);
                self.enter_phase(old, Phase::Frozen);
            }
            (Phase::Replaced, Some(new)) => {
                self.part(id);
                self.inherit_endpoints(id, new);
                self.enter_phase(new, Phase::Settled);
            }
            _ => {}
        }
        self.clear_shelf(id);
        self.drop_saved(id);
        if let Some(domain) = self.domains.get_mut(id) {
            domain.swap = Swap::default();
        }
    }

    /// Drops what stands on a domain's shelf.
    pub(super) fn clear_shelf(&mut self, id: DomainId) {
        let shelf = self.take_shelf(id);
        for item in shelf {
            self.refund(id, item.descriptor.len() as u64);
            self.settle_endpoint(item.endpoint);
        }
    }

    /// A domain that took a call ends: the call waits for the next server if it can be repeated,
    /// else it fails.
    pub(in super::super) fn end_taken(&mut self, call: CallId, server: DomainId) {
        let held = if self.is_repeatable(call, server) {
            self.take_call_back(call)
        } else {
            Err(Status::PeerRestarted)
        };
        if let Err(status) = held {
            self.fail_call(call, status);
        }
    }

    /// Whether a call that `server` took can be given to another server. Its message must still
    /// stand in its caller's area, and what it carries must not be with `server` for good.
    fn is_repeatable(&self, call: CallId, server: DomainId) -> bool {
        let Some(call) = self.ipc.calls.get(call).filter(|call| call.sync) else { return false };
        let Some((caller, body)) = call.caller.and_then(|caller| self.live(caller).ok()) else {
            return false;
        };
        if matches!(self.phase(server), Ok(Phase::Probation | Phase::Reverted)) {
            let lent =
                |kind| matches!(SendSlot::from_raw(kind), Some(SendSlot::Lend | SendSlot::Copy));
            return Slots::read(&body.send, call.lengths.slots)
                .is_ok_and(|slots| slots.as_slice().iter().all(|slot| lent(slot.kind)));
        }
        // The caller is blocked in `Call`, so its registers still name the handle that it used.
        let [used, ..] = body.space.context().arguments();
        let entry = caller.handles.get(Handle::from_raw(used));
        call.lengths.slots == 0 && entry.is_ok_and(|entry| entry.require(rights::RETRY).is_ok())
    }

    /// Lets a call that was taken wait at its endpoint again, or go on to who serves that now.
    fn take_call_back(&mut self, id: CallId) -> Result<(), Status> {
        self.withdraw_donation(id);
        let call = self.ipc.calls.get(id).ok_or(Status::Closed)?;
        let (server, lengths, endpoint) = (call.server, call.lengths, call.endpoint);
        self.pledge_message(call.caller.ok_or(Status::Closed)?, lengths)?;
        let call = self.ipc.calls.get_mut(id).ok_or(Status::Closed)?;
        (call.state, call.server, call.borrowed) = (CallState::Held, None, Handle::NONE);
        let endpoint = self.ipc.endpoints.get_mut(endpoint).ok_or(Status::Closed)?;
        let next = endpoint.bound.filter(|bound| server != Some(*bound));
        match next {
            Some(next) => {
                self.enqueue_call(id);
                self.poke(next);
            }
            None => endpoint.held.push(&mut self.ipc.calls, id, 0),
        }
        Ok(())
    }
}
