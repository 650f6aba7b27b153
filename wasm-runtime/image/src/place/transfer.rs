//! Handles on their way out: from the runtime's resource slots to the gate's.
//!
//! Objects of the component are minted under numbers of the image's own, which stand for export,
//! resource and representation, so that no client can pass an object of one type where another is
//! expected. Objects of provided interfaces travel as the kernel handle behind them. What comes in
//! is the matter of [`super::arrival`].

use super::{Minted, Place};
use crate::gate::{Calls, Gate, words};
use crate::objects::{Hold, Object, Sink, Source};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::{Status, rights};
use atoll_gate::message::{MAX_SLOTS, SendSlot, Slot};
use atoll_runtime::host::{Host, Origin, Passing, ResourceSlot, Target};

/// What the message that is being sent carries.
#[derive(Debug, Default)]
pub(super) struct Transit {
    /// Kernel handles that move.
    moved: Vec<u32>,
    /// Kernel handles that were made to be lent.
    copies: Vec<u32>,
    /// Numbers of objects that were minted for it.
    minted: Vec<u32>,
    /// Numbers of objects that are lent to it.
    lent: Vec<u32>,
}

/// What to put into a slot of the gate.
struct Sent(SendSlot, u32);

impl<G: Gate> Place<G> {
    /// Translates the handles that were put into slots of the send area; how many there are. When
    /// one cannot be passed, all are let go of.
    #[inline]
    pub(crate) fn send_slots(&mut self) -> Result<u32, String> {
        if self.outgoing.is_empty() { Ok(0) } else { self.send_some_slots() }
    }

    fn send_some_slots(&mut self) -> Result<u32, String> {
        let count = self.outgoing.len();
        let translated = if count > MAX_SLOTS {
            Err(format!("{count} handles in one message, at most {MAX_SLOTS} fit"))
        } else {
            (0..count).try_for_each(|index| self.send_slot(index))
        };
        if translated.is_err() {
            self.unsent(Status::Invalid);
            self.discard_outgoing();
        }
        self.outgoing.clear();
        translated.map(|()| count as u32)
    }

    fn send_slot(&mut self, index: usize) -> Result<(), String> {
        let Some(slot) = self.outgoing.get_mut(index).and_then(Option::take) else { return Ok(()) };
        let result = match slot.origin {
            Origin::Export { interface, resource } => self.send_own(slot, interface, resource),
            Origin::Import { target: Target::Endpoint(_), .. } => {
                Ok(self.send_handle(slot.number, slot.passing))
            }
            Origin::Import { target: Target::Provided(_), .. } => {
                let sent = match slot.passing {
                    Passing::Own => self.send_object(slot.number),
                    Passing::Borrow => self.lend_object(slot.number),
                };
                sent.map(|Sent(kind, handle)| Slot {
                    kind: kind as u32,
                    handle,
                    object: 0,
                    detail: rights::ALL,
                })
            }
        };
        match result {
            Ok(wire) => {
                self.gate.put_slot(index, wire);
                Ok(())
            }
            Err(text) => {
                if slot.passing == Passing::Own {
                    self.let_go(slot);
                }
                Err(text)
            }
        }
    }

    /// An object of the component: minted, or lent by its own server.
    fn send_own(
        &mut self,
        slot: ResourceSlot,
        interface: u32,
        resource: u32,
    ) -> Result<Slot, String> {
        let export = self.exports.get(interface as usize);
        let caller = self.serving.caller;
        let served = export.and_then(|export| {
            Some((export.service(interface, caller)?.serve, export.tag(resource)))
        });
        let (serve, tag) =
            served.ok_or("the interface of the resource is not served on an endpoint")?;
        let id = self.minted.insert(Minted { interface, resource, rep: slot.number });
        let kind = match slot.passing {
            Passing::Own => {
                self.transit.minted.push(id);
                SendSlot::Mint
            }
            Passing::Borrow => {
                self.transit.lent.push(id);
                SendSlot::LendOwn
            }
        };
        Ok(Slot { kind: kind as u32, handle: serve, object: id, detail: tag & 0xffff })
    }

    fn send_handle(&mut self, handle: u32, passing: Passing) -> Slot {
        let kind = match passing {
            Passing::Own => {
                self.transit.moved.push(handle);
                SendSlot::Move
            }
            Passing::Borrow => SendSlot::Lend,
        };
        Slot { kind: kind as u32, handle, ..Slot::default() }
    }

    /// A provided object that moves: its kernel handle goes, its entry with it.
    fn send_object(&mut self, number: u32) -> Result<Sent, String> {
        self.drain(number);
        let entry = self.objects.entry(number).ok_or("the resource is gone")?;
        if entry.hold == Hold::Borrowed {
            return Err("a resource that was lent cannot be given away".into());
        }
        let granted = entry.hold == Hold::Granted;
        let handle = match &entry.object {
            Object::Pollable(source) => self.pollable_handle(*source)?,
            Object::Input(None) => self.ended_stream()?,
            Object::Output(Sink::Log { .. }) => {
                return Err("output that goes to the log cannot be passed on".into());
            }
            Object::Domain(_)
            | Object::Capsule(_)
            | Object::Window(_)
            | Object::Error(_)
            | Object::Gone => {
                return Err("this resource cannot be passed to another server".into());
            }
            object => object.handle().ok_or("the resource is gone")?,
        };
        if granted {
            self.leave(number);
            return Ok(Sent(SendSlot::Copy, handle));
        }
        self.transit.moved.push(handle);
        self.take_out(number, handle);
        Ok(Sent(SendSlot::Move, handle))
    }

    /// Removes an object whose handle leaves; pollables of it are ready for good.
    pub(super) fn take_out(&mut self, number: u32, handle: u32) {
        self.watches.notified(handle);
        match self.objects.entry_mut(number) {
            Some(entry)
                if matches!(
                    entry.object,
                    Object::Pollable(Source::Object(_) | Source::Granted(_))
                ) =>
            {
                self.leave(number);
            }
            Some(entry) => {
                entry.object = Object::Gone;
                self.leave(number);
            }
            None => {}
        }
    }

    /// A handle of its own for a pollable that is given away: it can be watched and nothing else.
    fn pollable_handle(&mut self, source: Source) -> Result<u32, String> {
        let fail = |status| format!("a pollable cannot be passed on: {}", words(status));
        let parent = match source {
            Source::Handle(handle) => return Ok(handle),
            Source::Granted(handle) => Some(handle),
            Source::Object(number) => self.objects.get(number).and_then(Object::handle),
            Source::Always => None,
            Source::At(_) => {
                return Err("a timer's pollable cannot be passed to another server".into());
            }
        };
        match parent {
            Some(handle) => self.gate.copy(handle, rights::WATCH | rights::COPY).map_err(fail),
            None => {
                let event = self.gate.create_event().map_err(fail)?;
                self.gate.signal(event, true).map_err(fail)?;
                Ok(event)
            }
        }
    }

    /// A handle that stands for an error of a stream at another server. An error is a text of this
    /// domain; what a server is asked is whether it knows more of it, and it does not.
    fn error_handle(&mut self) -> Result<u32, String> {
        let fail = |status| format!("an error cannot be lent: {}", words(status));
        self.gate.create_event().map_err(fail)
    }

    /// The reading end of a pipe whose writer is gone.
    fn ended_stream(&mut self) -> Result<u32, String> {
        let ends = self.gate.create_pipe(1);
        let (reader, writer) =
            ends.map_err(|status| format!("no pipe for an ended stream: {}", words(status)))?;
        self.gate.close(writer);
        Ok(reader)
    }

    /// A provided object that is lent for the call.
    fn lend_object(&mut self, number: u32) -> Result<Sent, String> {
        let handle = match self.objects.get(number) {
            Some(Object::Pollable(Source::Handle(handle))) => *handle,
            Some(Object::Pollable(source)) => {
                let copy = self.pollable_handle(*source)?;
                self.transit.copies.push(copy);
                copy
            }
            Some(Object::Error(_)) => {
                let stand_in = self.error_handle()?;
                self.transit.copies.push(stand_in);
                stand_in
            }
            Some(Object::Domain(_) | Object::Capsule(_)) | None => {
                return Err("this resource cannot be lent to another server".into());
            }
            Some(object) => {
                object.handle().ok_or("this resource cannot be lent to another server")?
            }
        };
        Ok(Sent(SendSlot::Lend, handle))
    }

    /// The message went out and, if it was a call, was answered.
    pub(crate) fn sent(&mut self) {
        self.transit.moved.clear();
        self.transit.minted.clear();
        self.end_lending();
    }

    /// The message did not go out, or its receiver ended before it answered.
    pub(crate) fn unsent(&mut self, status: Status) {
        while let Some(handle) = self.transit.moved.pop() {
            // It is gone already if the kernel had taken it.
            self.gate.close(handle);
        }
        while let Some(id) = self.transit.minted.pop() {
            // When the receiver had it, the kernel tells of its drop.
            if !matches!(status, Status::PeerRestarted | Status::Refused | Status::TimedOut) {
                self.last_holder_dropped(id);
            }
        }
        self.end_lending();
    }

    fn end_lending(&mut self) {
        while let Some(copy) = self.transit.copies.pop() {
            self.gate.close(copy);
        }
        while let Some(id) = self.transit.lent.pop() {
            self.minted.remove(id);
        }
    }
}
