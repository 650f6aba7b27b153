//! States as bytes: a part for each layout.

use super::{LIMIT, Refusal, State};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

/// A state in one layout.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part<'a> {
    layout: u32,
    #[serde(serialize_with = "as_bytes")]
    data: &'a [u8],
}

/// Bytes at once; by itself serde writes a list of numbers, one by one.
fn as_bytes<S: Serializer>(data: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(data)
}

impl Part<'_> {
    /// The number of the layout.
    #[must_use]
    pub const fn layout(&self) -> u32 {
        self.layout
    }

    /// The value in it.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] if these are not the bytes of one and no more.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        whole(self.data).ok_or(Refusal::Malformed(self.layout))
    }

    /// That the layout is not known.
    #[must_use]
    pub fn unknown(&self) -> Refusal {
        Refusal::Unknown(vec![self.layout])
    }
}

/// The parts of a state that is being written.
#[derive(Debug, Default)]
pub struct Parts {
    parts: Vec<(u32, Vec<u8>)>,
}

impl Parts {
    /// Adds a part behind the others. If all are too long together, the last are left out.
    ///
    /// # Errors
    /// [`Refusal::Unwritable`] if the value cannot be written, [`Refusal::Twice`] if there is a part
    /// in that layout.
    pub fn add<T: Serialize>(&mut self, layout: u32, value: &T) -> Result<(), Refusal> {
        if self.parts.iter().any(|(other, _)| *other == layout) {
            return Err(Refusal::Twice(layout));
        }
        let data = postcard::to_allocvec(value).map_err(|_| Refusal::Unwritable(layout))?;
        self.parts.push((layout, data));
        Ok(())
    }

    fn bytes(&self, layout: u32) -> Result<Vec<u8>, Refusal> {
        let parts = self.parts.iter().map(|(layout, data)| Part { layout: *layout, data });
        let parts: Vec<_> = parts.collect();
        postcard::to_allocvec(&parts).map_err(|_| Refusal::Unwritable(layout))
    }
}

/// A state as bytes, in its own layout and others.
///
/// # Errors
/// [`Refusal::TooLong`] if its own layout alone has more than [`LIMIT`] bytes; what
/// [`Parts::add`] says.
pub fn to_bytes<S: State>(state: &S) -> Result<Vec<u8>, Refusal> {
    let mut parts = Parts::default();
    parts.add(S::LAYOUT, state)?;
    state.write_others(&mut parts)?;
    loop {
        let bytes = parts.bytes(S::LAYOUT)?;
        if bytes.len() <= LIMIT {
            return Ok(bytes);
        }
        if parts.parts.len() <= 1 {
            return Err(Refusal::TooLong(bytes.len()));
        }
        parts.parts.pop();
    }
}

/// The state that these bytes are, from the first part whose layout is known.
///
/// # Errors
/// [`Refusal::Foreign`] if they are not parts, [`Refusal::Unknown`] if none is known,
/// [`Refusal::Malformed`] if the one that is known is damaged.
pub fn from_bytes<S: State>(bytes: &[u8]) -> Result<S, Refusal> {
    from_parts(&parts(bytes)?)
}

/// The parts in these bytes.
pub(super) fn parts(bytes: &[u8]) -> Result<Vec<Part<'_>>, Refusal> {
    whole(bytes).ok_or(Refusal::Foreign)
}

pub(super) fn from_parts<S: State>(parts: &[Part<'_>]) -> Result<S, Refusal> {
    for part in parts {
        let read = if part.layout == S::LAYOUT { part.read() } else { S::read_other(part) };
        match read {
            Err(Refusal::Unknown(_)) => {}
            known => return known,
        }
    }
    Err(Refusal::Unknown(parts.iter().map(Part::layout).collect()))
}

/// A value that takes all of the bytes.
fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}
