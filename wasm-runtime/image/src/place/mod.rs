//! The place a domain's runtime runs in: the [`Host`] by gate calls.
//!
//! Outgoing values are written straight into the send area. What came in is either in the receive
//! area, when a message was delivered, or in the [`Answer`], when the image itself was called.
//! Handles are translated at the last moment (`transfer`, `arrival`), when it is known where they
//! go. `services` is where its exports are served, `serving` what a server does between its calls.
//!
//! Invariants: a kernel handle has one owner here, an object, a grant or the guest's handle to an
//! imported resource; what is put into a message and not sent is let go of; an object minted for a
//! client has an entry in `minted` until the kernel says that the last holder dropped it or it
//! comes home.

mod arrival;
mod clone;
mod own;
mod poll;
mod resolve;
mod services;
mod serving;
mod transfer;

pub(crate) use self::serving::{Incoming, Pending};
pub(crate) use own::Parted;
pub use services::Service;

use crate::answer::Answer;
use crate::gate::{Calls, Gate, words};
use crate::objects::{Entry, Hold, Object, Objects, Sink, Source};
use crate::provided;
use crate::slab::Slab;
use crate::start::Start;
use crate::watches::Watches;
use crate::wire::Input;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::Status;
use atoll_gate::layout::PAGE_SIZE;
use atoll_gate::message::{Header, Lengths};
use atoll_runtime::host::{CallError, Host, Origin, Passing, ResourceSlot, Target};
use atoll_runtime::link::Renumbered;

/// Most handles in a call to a provided interface; a message is bound by the gate's own limit.
const MOST_OUTGOING: usize = 1024;

/// An object of the component that clients hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minted {
    /// Number of the export that declares its type.
    pub interface: u32,
    /// Number of the resource there.
    pub resource: u32,
    /// The guest's representation.
    pub rep: u32,
}

impl Minted {
    /// An object of an earlier version that this one does not have: nobody can use it, and its end
    /// means nothing.
    pub(crate) const PAST: Self = Self { interface: u32::MAX, resource: u32::MAX, rep: 0 };
}

/// One exported interface.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name with version.
    pub name: String,
    /// The name of the interface that it is an instance of.
    pub interface: String,
    /// Its description by the numbers of the binary.
    pub descriptor: Vec<u8>,
    /// The endpoints on which it is served.
    pub services: Vec<Service>,
    /// By which numbers clients know it, if not by those of the binary.
    pub numbers: Option<Renumbered>,
    /// What clients of the domain before would miss in it.
    pub missing: Option<String>,
}

impl Export {
    /// What is published for it.
    pub(crate) fn published(&self) -> &[u8] {
        self.numbers.as_ref().map_or(&self.descriptor, |numbers| &numbers.descriptor)
    }

    /// The function that clients know by this number; a number that stands for none where there
    /// is none.
    fn method(&self, published: u32) -> u32 {
        let Some(numbers) = &self.numbers else { return published };
        numbers.methods.get(published as usize).copied().unwrap_or(u32::MAX)
    }

    /// The number by which clients know a resource.
    fn tag(&self, resource: u32) -> u32 {
        let Some(numbers) = &self.numbers else { return resource };
        let known = numbers.resources.iter().position(|own| *own == resource);
        known.map_or(resource, |number| number as u32)
    }
}

/// An endpoint that imports were linked to.
#[derive(Debug)]
struct Linked {
    /// The kernel handle.
    endpoint: u32,
    /// The endpoint's id.
    id: u32,
    /// What was published for it.
    descriptor: Vec<u8>,
    /// Whether calls trap when their server ends.
    traps: bool,
}

/// Where the last thing that came in lies.
#[derive(Clone, Copy, Debug)]
enum Arrived {
    /// In the receive area: bytes, slots, and which slots were taken.
    Message { payload: usize, slots: u32, taken: u64 },
    /// In the answer.
    Answer,
    /// In what the image offers a function of the component itself.
    Offer,
}

/// See the module.
pub struct Place<G> {
    pub(crate) gate: G,
    pub(crate) start: Start,
    pub(crate) objects: Objects,
    pub(crate) watches: Watches,
    pub(crate) answer: Answer,
    /// The component's exports; the loop fills it before the guest runs.
    pub(crate) exports: Vec<Export>,
    /// Whether clients know any of them by other numbers than those of the binary.
    is_renumbered: bool,
    /// The layout that the component declares.
    pub(crate) layout: Option<Vec<u8>>,
    /// The export by which the component is told of what it watches.
    pub(crate) handler: Option<u32>,
    /// Standard input, output and error, once they were asked for.
    pub(crate) standard: [Option<u32>; 3],
    /// State of the insecure random numbers.
    pub(crate) insecure: u64,
    /// The heap's sum when the component had been instantiated.
    #[cfg(feature = "testing")]
    pub(crate) heap: u64,
    arrived: Arrived,
    outgoing: Vec<Option<ResourceSlot>>,
    parameters: usize,
    minted: Slab<Minted>,
    dropped: VecDeque<Minted>,
    borrowed: Vec<u32>,
    endpoints: Vec<Linked>,
    /// Whether the guest has called an import.
    has_called: bool,
    transit: transfer::Transit,
    offer: own::Offer,
    serving: serving::Serving,
}

impl<G: Gate> Place<G> {
    /// The place of a domain with this start record.
    pub fn new(gate: G, start: Start) -> Self {
        Self {
            gate,
            start,
            objects: Objects::default(),
            watches: Watches::default(),
            answer: Answer::default(),
            exports: Vec::new(),
            is_renumbered: false,
            layout: None,
            handler: None,
            standard: [None; 3],
            insecure: 0,
            #[cfg(feature = "testing")]
            heap: 0,
            arrived: Arrived::Answer,
            outgoing: Vec::new(),
            parameters: 0,
            minted: Slab::default(),
            dropped: VecDeque::new(),
            borrowed: Vec::new(),
            endpoints: Vec::new(),
            has_called: false,
            transit: transfer::Transit::default(),
            offer: own::Offer::default(),
            serving: serving::Serving::default(),
        }
    }

    /// The gate.
    pub fn gate(&mut self) -> &mut G {
        &mut self.gate
    }

    /// The start record.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// Makes the message in the receive area the one that came in.
    pub(crate) fn message_arrived(&mut self, header: &Header) {
        self.arrived = Arrived::Message {
            payload: header.payload_len as usize,
            slots: header.slot_count,
            taken: 0,
        };
    }

    /// The function of an export that clients know by that number.
    #[inline]
    pub(crate) fn method_of(&self, export: u32, published: u32) -> u32 {
        if self.is_renumbered { self.renumbered(export, published) } else { published }
    }

    #[inline(never)]
    fn renumbered(&self, export: u32, published: u32) -> u32 {
        self.exports.get(export as usize).map_or(published, |export| export.method(published))
    }

    /// Parameters of the provided function that runs.
    pub(crate) fn input(&self) -> Input<'_> {
        Input::new(self.gate.sent_payload().get(..self.parameters).unwrap_or_default())
    }

    /// The number behind a lent handle among the parameters.
    pub(crate) fn lent(&self, slot: u32) -> Option<u32> {
        self.outgoing.get(slot as usize).copied().flatten().map(|slot| slot.number)
    }

    /// Takes the number behind a handle that moves with the parameters.
    pub(crate) fn moved(&mut self, slot: u32) -> Option<u32> {
        let place = self.outgoing.get_mut(slot as usize)?;
        place.take_if(|slot| slot.passing == Passing::Own).map(|slot| slot.number)
    }

    /// Takes a user of an object away, and closes what that leaves without a user.
    pub(crate) fn leave(&mut self, number: u32) {
        let mut next = Some(number);
        while let Some(number) = next.take() {
            if let Some(entry) = self.objects.leave(number) {
                next = self.close(number, entry);
            }
        }
    }

    /// Lets go of what an object held; the object that it used, if any, has a user less.
    fn close(&mut self, number: u32, entry: Entry) -> Option<u32> {
        let handle = entry.object.handle();
        let mut parent = None;
        match entry.object {
            Object::Pollable(source) => {
                let waited = match source {
                    Source::Object(of) => self.objects.get(of).and_then(Object::handle),
                    _ => handle,
                };
                let watched = self.watches.remove(number);
                let waited = waited.filter(|waited| watched && !self.watches.watches(*waited));
                if let Some(waited) = waited {
                    self.gate.unwatch(waited);
                }
                if let Source::Object(of) = source {
                    parent = Some(of);
                }
                if matches!(source, Source::Granted(_)) {
                    return None;
                }
            }
            Object::Output(Sink::Log { handle: Some(log), level, line }) if !line.is_empty() => {
                provided::log::entry(&mut self.gate, log, level, &line);
            }
            Object::Domain(domain) => {
                for handle in domain.grants.iter().filter_map(|grant| grant.handle) {
                    self.gate.close(handle);
                }
            }
            _ => {}
        }
        if let (Some(handle), Hold::Owned) = (handle, entry.hold) {
            self.gate.close(handle);
        }
        parent
    }

    /// The next object of the component whose destructor is due.
    pub(crate) fn next_dropped(&mut self) -> Option<Minted> {
        self.dropped.pop_front()
    }

    /// The kernel says that the last holder of an object dropped it.
    pub(crate) fn last_holder_dropped(&mut self, id: u32) {
        if let Some(minted) = self.minted.remove(id) {
            self.dropped.push_back(minted);
        }
    }

    /// The call that was served is over: what was lent with it is gone.
    pub(crate) fn call_ended(&mut self) {
        while let Some(number) = self.borrowed.pop() {
            self.leave(number);
        }
    }

    /// Writes out lines that standard streams have begun.
    pub(crate) fn finish_lines(&mut self) {
        for (_, object) in self.objects.iter_mut() {
            if let Object::Output(Sink::Log { handle: Some(log), level, line }) = object
                && !line.is_empty()
            {
                provided::log::entry(&mut self.gate, *log, *level, line);
                line.clear();
            }
        }
    }

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

    /// The guest's own handle to a resource of `origin` is no more.
    fn let_go(&mut self, slot: ResourceSlot) {
        match slot.origin {
            Origin::Export { interface, resource } => {
                self.dropped.push_back(Minted { interface, resource, rep: slot.number });
            }
            Origin::Import { target: Target::Endpoint(_), .. } => self.gate.close(slot.number),
            Origin::Import { target: Target::Provided(_), .. } => self.leave(slot.number),
        }
    }
}

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
