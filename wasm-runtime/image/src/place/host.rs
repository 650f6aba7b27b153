//! The [`Host`] itself: the calls that the guest makes, and the handles that go along with them.

use super::{Arrived, Place};
use crate::gate::{Calls, Gate, words};
use crate::provided;
use alloc::format;
use alloc::string::String;
use atoll_gate::call::Status;
use atoll_gate::layout::PAGE_SIZE;
use atoll_gate::message::Lengths;
use atoll_runtime::host::{CallError, Host, Origin, Passing, ResourceSlot, Target};

/// Most handles in a call to a provided interface; a message is bound by the gate's own limit.
const MOST_OUTGOING: usize = 1024;

impl<G: Gate> Host for Place<G> {
    fn outgoing(&mut self) -> &mut [u8] {
        self.gate.send_payload()
    }

    fn incoming(&self) -> &[u8] {
        match self.arrived {
            Arrived::Answer => self.answer.bytes(),
            Arrived::Offer => self.offer.bytes(),
            Arrived::Message { payload, .. } => {
                self.gate.receive_payload().get(..payload).unwrap_or_default()
            }
        }
    }

    fn put_slot(&mut self, slot: ResourceSlot) -> Result<u32, String> {
        if self.outgoing.len() >= MOST_OUTGOING {
            return Err(format!("more than {MOST_OUTGOING} handles in one call"));
        }
        self.outgoing.push(Some(slot));
        Ok(self.outgoing.len() as u32 - 1)
    }

    fn check_slot(&self, index: u32, passing: Passing, origin: Origin) -> Result<(), String> {
        self.check(index, passing, origin).map_err(String::from)
    }

    fn take_slot(&mut self, index: u32, passing: Passing, origin: Origin) -> Result<u32, String> {
        self.take(index, passing, origin).map_err(String::from)
    }

    fn discard_outgoing(&mut self) {
        while let Some(slot) = self.outgoing.pop() {
            if let Some(slot) = slot.filter(|slot| slot.passing == Passing::Own) {
                self.let_go(slot);
            }
        }
    }

    #[inline]
    fn discard_incoming(&mut self) {
        if !matches!(self.arrived, Arrived::Message { slots: 0, .. }) {
            self.discard_arrived();
        }
    }

    fn call(&mut self, target: Target, method: u32, payload: usize) -> Result<(), CallError> {
        match target {
            Target::Provided(interface) => self.call_provided(interface, method, payload),
            Target::Endpoint(endpoint) => self.call_endpoint(endpoint, method, payload),
        }
    }

    fn room(&mut self, bytes: u64) -> bool {
        self.gate.room(bytes.div_ceil(PAGE_SIZE))
    }

    fn drop_resource(&mut self, target: Target, _resource: u32, number: u32) {
        match target {
            Target::Endpoint(_) => self.gate.close(number),
            Target::Provided(_) => self.leave(number),
        }
    }
}

impl<G: Gate> Place<G> {
    /// Calls a provided interface.
    fn call_provided(
        &mut self,
        interface: u32,
        method: u32,
        payload: usize,
    ) -> Result<(), CallError> {
        self.parameters = payload;
        self.has_called = true;
        self.answer.clear();
        self.arrived = Arrived::Answer;
        let outcome = provided::call(self, interface, method);
        if !self.outgoing.is_empty() {
            self.discard_outgoing();
        }
        let outcome = match outcome {
            Ok(()) if self.answer.is_full() => {
                Err(String::from("the result does not fit a message"))
            }
            Ok(()) => Ok(()),
            Err(provided::Trap(text)) => Err(text),
        };
        outcome.map_err(|text| {
            self.discard_incoming();
            CallError::Failed(format!("{}: {text}", provided::function_name(interface, method)))
        })
    }

    /// Calls an endpoint.
    fn call_endpoint(
        &mut self,
        endpoint: u32,
        method: u32,
        payload: usize,
    ) -> Result<(), CallError> {
        self.has_called = true;
        let slots = self.send_slots().map_err(CallError::Failed)?;
        let outcome = self.gate.call(endpoint, method, Lengths { payload: payload as u32, slots });
        let header = self.gate.header();
        self.message_arrived(&header);
        match outcome {
            Ok(()) => {
                self.sent();
                Ok(())
            }
            Err(status) => {
                self.arrived = Arrived::Message { payload: 0, slots: 0, taken: 0 };
                self.unsent(status);
                match status {
                    Status::PeerRestarted | Status::Revoked | Status::Closed
                        if !self.is_trapping(endpoint) =>
                    {
                        Err(CallError::PeerRestarted)
                    }
                    _ => Err(CallError::Failed(format!("the call failed: {}", words(status)))),
                }
            }
        }
    }

    /// Whether calls by an endpoint handle trap when their server ends.
    fn is_trapping(&self, endpoint: u32) -> bool {
        self.endpoints.iter().any(|linked| linked.endpoint == endpoint && linked.traps)
    }
}
