//! Calls that the image itself makes on the component with handles in them: what it offers, and
//! what the component gave. Streams leave the domain and come back here.
//!
//! A call offers a payload and handles as the runtime knows them; the result's bytes stand in the
//! send area and its handles among those that were put, as for any result.

use super::{Arrived, Minted, Place};
use crate::gate::Gate;
use crate::objects::{Hold, Kind, Object, Sink};
use alloc::string::String;
use alloc::vec::Vec;
use atoll_runtime::host::{Origin, Passing, ResourceSlot, Target};

/// Most numbers of objects that another domain's state may bring.
const MOST_OBJECTS: u32 = 1 << 20;

/// What the component is offered.
#[derive(Debug, Default)]
pub(super) struct Offer {
    payload: Vec<u8>,
    handles: Vec<Option<ResourceSlot>>,
}

impl Offer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn check(
        &self,
        index: u32,
        passing: Passing,
        origin: Origin,
    ) -> Result<(), &'static str> {
        let handle = self.handles.get(index as usize).and_then(Option::as_ref);
        let handle = handle.ok_or("there is no such handle")?;
        if handle.passing == passing && handle.origin == origin {
            Ok(())
        } else {
            Err("the handle is of another type")
        }
    }

    pub(super) fn take(&mut self, index: u32) -> Option<u32> {
        self.handles.get_mut(index as usize)?.take().map(|handle| handle.number)
    }

    /// Takes a handle that is left and that the component would have owned.
    pub(super) fn take_any(&mut self) -> Option<ResourceSlot> {
        let owned =
            |slot: &Option<ResourceSlot>| slot.is_some_and(|handle| handle.passing == Passing::Own);
        self.handles.iter_mut().find(|slot| owned(slot))?.take()
    }
}

/// A stream that left the component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parted {
    /// Its pipe; none if it is at its end.
    pub(crate) handle: Option<u32>,
    /// What it was given to write and its pipe had no room for.
    pub(crate) rest: Vec<u8>,
}

impl<G: Gate> Place<G> {
    /// Makes this what came in, for the call that follows.
    pub(crate) fn offer(&mut self, payload: Vec<u8>, handles: Vec<ResourceSlot>) {
        let handles = handles.into_iter().map(Some).collect();
        self.offer = Offer { payload, handles };
        self.arrived = Arrived::Offer;
    }

    /// Takes the result of such a call: its bytes and its handles.
    pub(crate) fn given(&mut self, len: usize) -> (Vec<u8>, Vec<ResourceSlot>) {
        let bytes = self.gate.sent_payload().get(..len).unwrap_or_default().to_vec();
        let handles = self.outgoing.drain(..).flatten().collect();
        (bytes, handles)
    }

    /// Whether a handle is a stream of that kind that can leave the domain.
    pub(crate) fn can_part(&self, slot: ResourceSlot, kind: Kind) -> bool {
        let entry = self.objects.entry(slot.number);
        let leaves = entry.is_some_and(|entry| {
            let is_pipe =
                matches!(entry.object, Object::Input(_) | Object::Output(Sink::Pipe { .. }));
            is_pipe && entry.hold == Hold::Owned
        });
        slot.origin == origin_of(kind) && slot.passing == Passing::Own && leaves
    }

    /// Takes a stream that can leave out of its object, which is gone then.
    pub(crate) fn part(&mut self, number: u32) -> Parted {
        let Some(object) = self.objects.get_mut(number) else { return Parted::default() };
        let rest = match object {
            Object::Output(Sink::Pipe { rest, .. }) => core::mem::take(rest),
            _ => Vec::new(),
        };
        let handle = object.handle();
        match handle {
            Some(handle) => self.take_out(number, handle),
            None => self.leave(number),
        }
        Parted { handle, rest }
    }

    /// Makes an object of a stream that left another life, and a handle to it.
    pub(crate) fn adopt(&mut self, kind: Kind, stream: Parted) -> ResourceSlot {
        let Parted { handle, rest } = stream;
        let object = match handle {
            Some(handle) if kind == Kind::OUTPUT => {
                Object::Output(Sink::Pipe { handle, rest, permit: 0 })
            }
            handle => Object::Input(handle),
        };
        let number = self.objects.add(object, Hold::Owned);
        ResourceSlot { passing: Passing::Own, origin: origin_of(kind), number }
    }

    /// Every object of the component that clients hold, with its number.
    pub(crate) fn minted_objects(&self) -> Vec<(u32, Minted)> {
        self.minted.iter().map(|(id, minted)| (id, *minted)).collect()
    }

    /// Gives an object the number by which clients hold it already.
    pub(crate) fn remint(&mut self, id: u32, minted: Minted) -> Result<(), String> {
        if id < MOST_OBJECTS && self.minted.put(id, minted) {
            Ok(())
        } else {
            Err("an object's number is taken or out of range".into())
        }
    }

    /// Keeps a number from being given to an object, as another domain still holds it.
    pub(crate) fn keep_number(&mut self, id: u32) {
        if id < MOST_OBJECTS {
            self.minted.put(id, Minted::PAST);
        }
    }
}

/// The resource type of a provided kind.
fn origin_of(kind: Kind) -> Origin {
    let target = Target::Provided(kind.interface as u32);
    Origin::Import { target, resource: kind.resource }
}
