//! What a domain leaves with the kernel for the one that takes over, and its encoding.
//!
//! The encoding is of the image's own, in the wire form of values: a version, the component's state
//! if it has one, as the component wrote it down or as its guests have it, and the objects that
//! clients hold. Pipes are not in it: they are the kept handles in order, inputs before outputs,
//! those at their end left out. Nor are memories: they were offered to the kernel.

use crate::place::Parted;
use crate::wire::{Input, Malformed, Taken};
use alloc::string::String;
use alloc::vec::Vec;

/// Version of the encoding.
const VERSION: u8 = 2;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// What the component gave up, if it can.
    pub(super) guest: Option<Saved>,
    /// What clients hold.
    pub(super) objects: Vec<SavedObject>,
    /// All that the guests have, for a version with the same layout; then there is nothing else.
    pub(super) whole: Option<Whole>,
}

/// What guests have, as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Whole {
    /// The layout that the component declares.
    pub(super) layout: Vec<u8>,
    /// What does not stand in memories, as the runtime writes it down.
    pub(super) contents: Vec<u8>,
    /// For each memory the number of its offer.
    pub(super) offers: Vec<u32>,
    /// What clients hold.
    pub(super) objects: Vec<WholeObject>,
}

/// An object that clients hold, by its representation in the guests' memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WholeObject {
    /// The number under which it was minted.
    pub(super) id: u32,
    /// Name of the exported interface.
    pub(super) interface: String,
    /// Name of the resource in it.
    pub(super) resource: String,
    /// The guest's representation.
    pub(super) rep: u32,
}

/// A `saved` of `atoll:lifecycle/state`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) version: u32,
    pub(super) data: Vec<u8>,
    pub(super) inputs: Vec<Parted>,
    pub(super) outputs: Vec<Parted>,
}

/// An object that clients hold, by names that mean the same to another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SavedObject {
    /// The number under which it was minted.
    pub(super) id: u32,
    /// Name of the exported interface.
    pub(super) interface: String,
    /// Name of the resource in it.
    pub(super) resource: String,
    /// What the component says it is.
    pub(super) data: Vec<u8>,
}

impl Saved {
    fn streams(&self) -> impl Iterator<Item = &Parted> {
        self.inputs.iter().chain(&self.outputs)
    }

    /// Gives the streams that have a pipe these handles, in order.
    pub(super) fn replace_handles(&mut self, handles: &[u32]) {
        let open = self.inputs.iter_mut().chain(&mut self.outputs);
        let open = open.filter_map(|stream| stream.handle.as_mut());
        open.zip(handles).for_each(|(place, handle)| *place = *handle);
    }
}

impl State {
    /// The pipes in the order in which they are kept.
    pub(super) fn handles(&self) -> Vec<u32> {
        let saved = self.guest.iter().flat_map(Saved::streams);
        saved.filter_map(|stream| stream.handle).collect()
    }

    /// As bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::from([VERSION, u8::from(self.guest.is_some())]);
        if let Some(saved) = &self.guest {
            number(&mut out, saved.version);
            bytes(&mut out, &saved.data);
            for streams in [&saved.inputs, &saved.outputs] {
                number(&mut out, streams.len() as u32);
                for stream in streams {
                    out.push(u8::from(stream.handle.is_some()));
                    bytes(&mut out, &stream.rest);
                }
            }
        }
        number(&mut out, self.objects.len() as u32);
        for object in &self.objects {
            number(&mut out, object.id);
            bytes(&mut out, object.interface.as_bytes());
            bytes(&mut out, object.resource.as_bytes());
            bytes(&mut out, &object.data);
        }
        out.push(u8::from(self.whole.is_some()));
        if let Some(whole) = &self.whole {
            whole.encode(&mut out);
        }
        out
    }

    /// Reads what [`State::encode`] wrote, with the handles that were kept; `None` if that is not
    /// what it is.
    pub(super) fn decode(encoded: &[u8], handles: &[u32]) -> Option<Self> {
        let mut reader = Reader { input: Input::new(encoded), encoded, handles: handles.iter() };
        reader.state().ok()
    }
}

impl Whole {
    fn encode(&self, out: &mut Vec<u8>) {
        bytes(out, &self.layout);
        bytes(out, &self.contents);
        number(out, self.offers.len() as u32);
        self.offers.iter().for_each(|offer| number(out, *offer));
        number(out, self.objects.len() as u32);
        for object in &self.objects {
            number(out, object.id);
            bytes(out, object.interface.as_bytes());
            bytes(out, object.resource.as_bytes());
            number(out, object.rep);
        }
    }
}

struct Reader<'a> {
    input: Input<'a>,
    encoded: &'a [u8],
    handles: core::slice::Iter<'a, u32>,
}

impl Reader<'_> {
    fn state(&mut self) -> Taken<State> {
        if self.input.u8()? != VERSION {
            return Err(Malformed);
        }
        let guest = match self.input.u8()? {
            0 => None,
            _ => Some(self.saved()?),
        };
        let count = self.input.u32()?;
        let objects = (0..count).map(|_| self.object()).collect::<Taken<_>>()?;
        let whole = match self.input.u8()? {
            0 => None,
            _ => Some(self.whole()?),
        };
        self.input.end()?;
        if self.handles.len() > 0 { Err(Malformed) } else { Ok(State { guest, objects, whole }) }
    }

    fn whole(&mut self) -> Taken<Whole> {
        let (layout, contents) = (self.bytes()?, self.bytes()?);
        let count = self.input.u32()?;
        let offers = (0..count).map(|_| self.input.u32()).collect::<Taken<_>>()?;
        let count = self.input.u32()?;
        let objects = (0..count).map(|_| {
            Ok(WholeObject {
                id: self.input.u32()?,
                interface: self.input.string()?.into(),
                resource: self.input.string()?.into(),
                rep: self.input.u32()?,
            })
        });
        Ok(Whole { layout, contents, offers, objects: objects.collect::<Taken<_>>()? })
    }

    fn saved(&mut self) -> Taken<Saved> {
        let (version, data) = (self.input.u32()?, self.bytes()?);
        Ok(Saved { version, data, inputs: self.streams()?, outputs: self.streams()? })
    }

    fn streams(&mut self) -> Taken<Vec<Parted>> {
        let count = self.input.u32()?;
        (0..count).map(|_| self.stream()).collect()
    }

    fn stream(&mut self) -> Taken<Parted> {
        let handle = match self.input.u8()? {
            0 => None,
            _ => Some(*self.handles.next().ok_or(Malformed)?),
        };
        Ok(Parted { handle, rest: self.bytes()? })
    }

    fn object(&mut self) -> Taken<SavedObject> {
        Ok(SavedObject {
            id: self.input.u32()?,
            interface: self.input.string()?.into(),
            resource: self.input.string()?.into(),
            data: self.bytes()?,
        })
    }

    fn bytes(&mut self) -> Taken<Vec<u8>> {
        let range = self.input.bytes()?;
        self.encoded.get(range).map(<[u8]>::to_vec).ok_or(Malformed)
    }
}

fn number(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::{Parted, Saved, SavedObject, State, Whole, WholeObject};
    use proptest::prelude::*;

    fn stream() -> impl Strategy<Value = Parted> {
        (any::<Option<u32>>(), any::<Vec<u8>>()).prop_map(|(handle, rest)| Parted { handle, rest })
    }

    fn saved() -> impl Strategy<Value = Saved> {
        let streams = || proptest::collection::vec(stream(), 0..4);
        (any::<u32>(), any::<Vec<u8>>(), streams(), streams())
            .prop_map(|(version, data, inputs, outputs)| Saved { version, data, inputs, outputs })
    }

    fn object() -> impl Strategy<Value = SavedObject> {
        (any::<u32>(), any::<String>(), any::<String>(), any::<Vec<u8>>()).prop_map(
            |(id, interface, resource, data)| SavedObject { id, interface, resource, data },
        )
    }

    fn whole() -> impl Strategy<Value = Whole> {
        let object = (any::<u32>(), any::<String>(), any::<String>(), any::<u32>()).prop_map(
            |(id, interface, resource, rep)| WholeObject { id, interface, resource, rep },
        );
        let objects = proptest::collection::vec(object, 0..4);
        (any::<Vec<u8>>(), any::<Vec<u8>>(), any::<Vec<u32>>(), objects).prop_map(
            |(layout, contents, offers, objects)| Whole { layout, contents, offers, objects },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_left_is_read(
            guest in proptest::option::of(saved()),
            objects in proptest::collection::vec(object(), 0..4),
            whole in proptest::option::of(whole()),
        ) {
            let state = State { guest, objects, whole };
            let (encoded, handles) = (state.encode(), state.handles());
            prop_assert_eq!(State::decode(&encoded, &handles), Some(state));
            prop_assert_eq!(State::decode(encoded.split_last().expect("not empty").1, &handles), None);
            let more: Vec<u32> = handles.iter().copied().chain([7]).collect();
            prop_assert_eq!(State::decode(&encoded, &more), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, handles: Vec<u32>) {
            let _ = State::decode(&bytes, &handles);
        }
    }
}
