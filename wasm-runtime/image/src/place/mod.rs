//! The place a domain's runtime runs in: the [`Host`](atoll_runtime::host::Host) by gate calls.
//!
//! Outgoing values are written straight into the send area. What came in is either in the receive
//! area, when a message was delivered, or in the [`Answer`], when the image itself was called.
//! Handles are translated at the last moment (`transfer`, `arrival`), when it is known where they
//! go. `host` has the calls of the guest; `export` is what it exports, `services` where that is
//! served, `serving` what a server does between its calls.
//!
//! Invariants: a kernel handle has one owner here, an object, a grant or the guest's handle to an
//! imported resource; what is put into a message and not sent is let go of; an object minted for a
//! client has an entry in `minted` until the kernel says that the last holder dropped it or it
//! comes home.

mod arrival;
mod clone;
mod export;
mod host;
mod own;
mod poll;
mod resolve;
mod services;
mod serving;
mod transfer;

pub(crate) use self::serving::{Incoming, Pending};
pub use export::Export;
pub(crate) use own::Parted;
pub use services::Service;

use crate::answer::Answer;
use crate::gate::{Calls, Gate};
use crate::objects::{Entry, Hold, Object, Objects, Sink, Source};
use crate::provided;
use crate::slab::Slab;
use crate::start::Start;
use crate::watches::Watches;
use crate::wire::Input;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use atoll_gate::message::Header;
use atoll_runtime::host::{Origin, Passing, ResourceSlot, Target};

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
