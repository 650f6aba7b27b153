//! Handles that came in: from the gate's slots, or a provided interface's answer, to the runtime's
//! resource numbers.
//!
//! The sender is not trusted: every slot is checked for how it is passed, what kind of kernel
//! object it is and, for objects of other servers, for endpoint and type, before it is taken. Each
//! can be taken once; what is not taken is let go of.

use super::{Arrived, Place};
use crate::gate::{Calls, Gate};
use crate::generated::Interface;
use crate::objects::{Hold, Kind, Object, Sink, Source};
use alloc::vec::Vec;
use atoll_gate::call::ObjectKind;
use atoll_gate::message::{MAX_SLOTS, ReceiveSlot, Slot};
use atoll_runtime::host::{Origin, Passing, Target};

impl<G: Gate> Place<G> {
    /// Whether a slot that came in can be taken so.
    pub(super) fn check(
        &self,
        index: u32,
        passing: Passing,
        origin: Origin,
    ) -> Result<(), &'static str> {
        match self.arrived {
            Arrived::Offer => self.offer.check(index, passing, origin),
            Arrived::Answer => {
                let given = self.answer.given(index).ok_or("there is no such handle")?;
                let Origin::Import { target: Target::Provided(interface), resource } = origin
                else {
                    return Err("the handle is of another type");
                };
                let expected =
                    Interface::from_raw(interface).map(|interface| Kind { interface, resource });
                if passing == Passing::Own && expected == Some(given.kind) {
                    Ok(())
                } else {
                    Err("the handle is of another type")
                }
            }
            Arrived::Message { slots, taken, .. } => {
                if index >= slots || index as usize >= MAX_SLOTS || taken & 1 << index != 0 {
                    return Err("there is no such handle");
                }
                self.check_message_slot(self.gate.slot(index as usize), passing, origin)
            }
        }
    }

    fn check_message_slot(
        &self,
        slot: Slot,
        passing: Passing,
        origin: Origin,
    ) -> Result<(), &'static str> {
        let home = match (ReceiveSlot::from_raw(slot.kind), passing) {
            (Some(ReceiveSlot::Handle), Passing::Own)
            | (Some(ReceiveSlot::Borrowed), Passing::Borrow) => false,
            (Some(ReceiveSlot::Home), Passing::Own)
            | (Some(ReceiveSlot::HomeBorrow), Passing::Borrow) => true,
            _ => return Err("the handle is passed in another way than the function's type says"),
        };
        let kind = ObjectKind::from_raw(u64::from(slot.detail & 0xffff));
        let fits = match origin {
            Origin::Export { interface, resource } => {
                let minted = self.minted.get(slot.object);
                home && minted.is_some_and(|minted| {
                    (minted.interface, minted.resource) == (interface, resource)
                })
            }
            Origin::Import { target: Target::Endpoint(endpoint), resource } => {
                let linked = self.endpoints.iter().find(|linked| linked.endpoint == endpoint);
                let id = linked.map(|linked| linked.id);
                !home
                    && kind == Some(ObjectKind::Object)
                    && id == Some(slot.object)
                    && slot.detail >> 16 == resource
            }
            Origin::Import { target: Target::Provided(interface), resource } => {
                let expected =
                    Interface::from_raw(interface).map(|interface| Kind { interface, resource });
                // An error is only lent: nothing would close the handle that stands for it.
                let is_given_error = expected == Some(Kind::ERROR) && passing == Passing::Own;
                !home
                    && !is_given_error
                    && expected.zip(kind).is_some_and(|(expected, kind)| carries(kind, expected))
            }
        };
        if fits { Ok(()) } else { Err("the handle is of another type") }
    }

    /// Takes a slot that came in; the number that the runtime keeps for it.
    pub(super) fn take(
        &mut self,
        index: u32,
        passing: Passing,
        origin: Origin,
    ) -> Result<u32, &'static str> {
        self.check(index, passing, origin)?;
        let slot = match &mut self.arrived {
            Arrived::Offer => return self.offer.take(index).ok_or("there is no such handle"),
            Arrived::Answer => {
                return self
                    .answer
                    .take(index)
                    .map(|given| given.number)
                    .ok_or("there is no such handle");
            }
            Arrived::Message { taken, .. } => {
                *taken |= 1 << index;
                self.gate.slot(index as usize)
            }
        };
        match origin {
            Origin::Export { .. } => {
                let minted = match passing {
                    Passing::Own => self.minted.remove(slot.object),
                    Passing::Borrow => self.minted.get(slot.object).copied(),
                };
                minted.map(|minted| minted.rep).ok_or("there is no such object")
            }
            Origin::Import { target: Target::Endpoint(_), .. } => Ok(slot.handle),
            Origin::Import { target: Target::Provided(interface), resource } => {
                let kind =
                    Interface::from_raw(interface).map(|interface| Kind { interface, resource });
                let object = kind
                    .and_then(|kind| received(kind, slot.handle))
                    .ok_or("the handle is of another type")?;
                let hold = if passing == Passing::Own { Hold::Owned } else { Hold::Borrowed };
                let number = self.objects.add(object, hold);
                if passing == Passing::Borrow {
                    self.borrowed.push(number);
                }
                Ok(number)
            }
        }
    }

    /// Lets go of handles that came in and were not taken.
    pub(super) fn discard_arrived(&mut self) {
        match self.arrived {
            Arrived::Offer => {
                while let Some(slot) = self.offer.take_any() {
                    self.let_go(slot);
                }
            }
            Arrived::Answer => {
                while let Some(given) = self.answer.take_any() {
                    self.leave(given.number);
                }
            }
            Arrived::Message { slots: 0, .. } => {}
            Arrived::Message { slots, taken, payload } => {
                for index in
                    (0..slots.min(MAX_SLOTS as u32)).filter(|index| taken & 1 << index == 0)
                {
                    let slot = self.gate.slot(index as usize);
                    match ReceiveSlot::from_raw(slot.kind) {
                        Some(ReceiveSlot::Handle) => self.gate.close(slot.handle),
                        Some(ReceiveSlot::Home) => self.last_holder_dropped(slot.object),
                        _ => {}
                    }
                }
                self.arrived = Arrived::Message { slots: 0, taken: 0, payload };
            }
        }
    }
}

/// What is known of an error of a stream that another domain has.
const ERROR_ELSEWHERE: &str = "an error of a stream in another domain";

/// Whether a kernel object of a kind can stand behind a resource type.
fn carries(kind: ObjectKind, expected: Kind) -> bool {
    match expected {
        Kind::POLLABLE => matches!(
            kind,
            ObjectKind::PipeReader
                | ObjectKind::PipeWriter
                | ObjectKind::Event
                | ObjectKind::Interrupt
                | ObjectKind::Domain
                | ObjectKind::Log
        ),
        Kind::INPUT => kind == ObjectKind::PipeReader,
        Kind::OUTPUT => kind == ObjectKind::PipeWriter,
        Kind::EVENT | Kind::ERROR => kind == ObjectKind::Event,
        Kind::INTERRUPT => kind == ObjectKind::Interrupt,
        Kind::PORTS => kind == ObjectKind::Ports,
        Kind::MODULE => kind == ObjectKind::Blob,
        Kind::ENDPOINT => kind == ObjectKind::Endpoint,
        _ => false,
    }
}

/// The object for a kernel handle that came in as a resource.
fn received(kind: Kind, handle: u32) -> Option<Object> {
    Some(match kind {
        Kind::POLLABLE => Object::Pollable(Source::Handle(handle)),
        Kind::INPUT => Object::Input(Some(handle)),
        Kind::OUTPUT => Object::Output(Sink::Pipe { handle, rest: Vec::new(), permit: 0 }),
        Kind::EVENT => Object::Event(handle),
        Kind::ERROR => Object::Error(ERROR_ELSEWHERE),
        Kind::INTERRUPT => Object::Interrupt(handle),
        Kind::PORTS => Object::Ports(handle),
        Kind::MODULE => Object::Module(handle),
        Kind::ENDPOINT => Object::Endpoint(handle),
        _ => return None,
    })
}
