//! What a host asks, and what it is answered.

use crate::frame::{Frame, MAX_PAYLOAD};
use crate::pieces::{self, Piece, UNPACKED};
use std::fmt;

/// The version of this protocol.
pub const VERSION: u8 = 2;
/// Most bytes of a chunk on the line, where it is packed: an emulated UART passes bytes one by one,
/// which takes longer than unpacking three times as many.
const PACKED: usize = MAX_PAYLOAD - 4;
/// Most bytes of a component that a chunk comes to, so that the answer does not take long.
const COVERED: u32 = 1 << 20;
/// How much is tried to make it small, of 10.
const EFFORT: u8 = 6;
/// Nanoseconds without a byte after which a frame that is not whole does not go on.
pub const SILENCE_NS: u64 = 1_000_000_000;
/// Most bytes of a text; longer ones are cut.
const MAX_TEXT: usize = 2000;

/// What the host asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Begins anew: what was not finished is given up.
    Hello {
        /// The host's [`VERSION`].
        version: u8,
    },
    /// Begins to hand over a component.
    Begin {
        /// Its file name.
        file: String,
        /// Its bytes.
        size: u32,
        /// The name of the component that its pieces may be the same as; empty if there is none.
        base: String,
    },
    /// Some of its bytes.
    Chunk {
        /// How many came before.
        offset: u32,
        /// Pieces of it, as [`Request::chunk`] packs and [`unpack`] unpacks them.
        packed: Vec<u8>,
    },
    /// All of its bytes came.
    Finish {
        /// Their CRC-32.
        crc: u32,
    },
    /// Swaps a server.
    Swap {
        /// Its name.
        server: String,
        /// The name of the component.
        component: String,
    },
}

/// What the system answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Hello`].
    Hello {
        /// The system's [`VERSION`].
        version: u8,
    },
    /// To [`Request::Begin`] and [`Request::Chunk`]: so many bytes are there.
    Taken {
        /// Bytes of the component.
        bytes: u32,
    },
    /// To [`Request::Finish`].
    Stored {
        /// The name of the component, for [`Request::Swap`].
        component: String,
    },
    /// To [`Request::Swap`]: it goes on, and a phase is over.
    Passed {
        /// Which.
        phase: Phase,
        /// How long it took.
        took_ns: u64,
    },
    /// To [`Request::Swap`] that is repeated: it goes on.
    Swapping,
    /// To [`Request::Swap`]: the new version serves.
    Swapped {
        /// Bytes of state that went over.
        state_bytes: u64,
        /// Calls that waited.
        calls_held: u64,
        /// How long they did.
        downtime_ns: u64,
    },
    /// To [`Request::Swap`]: the old version serves, and why.
    RolledBack(String),
    /// It cannot be done, and why.
    Refused(String),
}

/// A part of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The new version loads.
    Prepare,
    /// The old one finishes what it has taken, and saves its state.
    Quiesce,
    /// The new one takes the state over.
    Transfer,
    /// The new one gets the calls.
    Commit,
    /// The new one serves, and the old one could come back.
    Probation,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Prepare, Self::Quiesce, Self::Transfer, Self::Commit, Self::Probation];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Quiesce => "quiesce",
            Self::Transfer => "transfer",
            Self::Commit => "commit",
            Self::Probation => "probation",
        })
    }
}

const HELLO: u8 = 0x01;
const BEGIN: u8 = 0x02;
const CHUNK_KIND: u8 = 0x03;
const FINISH: u8 = 0x04;
const SWAP: u8 = 0x05;
/// What answers have in common.
const ANSWER: u8 = 0x80;
const TAKEN: u8 = 0x82;
const STORED: u8 = 0x83;
const PASSED: u8 = 0x84;
const SWAPPING: u8 = 0x85;
const SWAPPED: u8 = 0x86;
const ROLLED_BACK: u8 = 0x87;
const REFUSED: u8 = 0x88;

/// The pieces of a chunk; `None` if the bytes are no chunk's.
#[must_use]
pub fn unpack(packed: &[u8]) -> Option<Vec<Piece>> {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, UNPACKED).ok()?;
    pieces::read(&bytes)
}

impl Request {
    /// A chunk of the pieces that are left of a component, and how many of them that are.
    #[must_use]
    pub fn chunk(offset: u32, rest: &[Piece]) -> (Self, usize) {
        let mut data = Vec::new();
        let (mut ends, mut covered) = (Vec::new(), 0_u32);
        for piece in rest {
            piece.write(&mut data);
            covered = covered.saturating_add(piece.length());
            // The first one goes whatever it has.
            if (data.len() > UNPACKED || covered > COVERED) && !ends.is_empty() {
                break;
            }
            ends.push(data.len());
        }
        // One alone always fits.
        let mut count = ends.len();
        loop {
            let end = count.checked_sub(1).and_then(|last| ends.get(last)).copied();
            let data = data.get(..end.unwrap_or_default()).unwrap_or_default();
            let packed = miniz_oxide::deflate::compress_to_vec(data, EFFORT);
            if packed.len() <= PACKED || count <= 1 {
                return (Self::Chunk { offset, packed }, count);
            }
            count = count.div_ceil(2);
        }
    }

    /// The frame of a request.
    #[must_use]
    pub fn frame(&self, sequence: u8) -> Frame {
        let mut out = Payload::default();
        let kind = match self {
            Self::Hello { version } => {
                out.0.push(*version);
                HELLO
            }
            Self::Begin { file, size, base } => {
                out.u32(*size);
                out.text(file);
                out.text(base);
                BEGIN
            }
            Self::Chunk { offset, packed } => {
                out.u32(*offset);
                out.0.extend(packed);
                CHUNK_KIND
            }
            Self::Finish { crc } => {
                out.u32(*crc);
                FINISH
            }
            Self::Swap { server, component } => {
                out.text(server);
                out.text(component);
                SWAP
            }
        };
        Frame { kind, sequence, payload: out.0 }
    }

    /// Reads a frame; `None` if it is no request.
    #[must_use]
    pub fn read(frame: &Frame) -> Option<Self> {
        let mut input = Rest(&frame.payload);
        let request = match frame.kind {
            HELLO => Self::Hello { version: input.u8()? },
            BEGIN => {
                let size = input.u32()?;
                Self::Begin { file: input.text()?, size, base: input.text()? }
            }
            CHUNK_KIND => Self::Chunk { offset: input.u32()?, packed: input.all() },
            FINISH => Self::Finish { crc: input.u32()? },
            SWAP => Self::Swap { server: input.text()?, component: input.text()? },
            _ => return None,
        };
        input.0.is_empty().then_some(request)
    }
}

impl Answer {
    /// The frame of an answer to a request with this sequence number.
    #[must_use]
    pub fn frame(&self, sequence: u8) -> Frame {
        let mut out = Payload::default();
        let kind = match self {
            Self::Hello { version } => {
                out.0.push(*version);
                ANSWER | HELLO
            }
            Self::Taken { bytes } => {
                out.u32(*bytes);
                TAKEN
            }
            Self::Stored { component } => {
                out.text(component);
                STORED
            }
            Self::Passed { phase, took_ns } => {
                out.0.push(*phase as u8);
                out.u64(*took_ns);
                PASSED
            }
            Self::Swapping => SWAPPING,
            Self::Swapped { state_bytes, calls_held, downtime_ns } => {
                [state_bytes, calls_held, downtime_ns].into_iter().for_each(|it| out.u64(*it));
                SWAPPED
            }
            Self::RolledBack(why) => {
                out.text(why);
                ROLLED_BACK
            }
            Self::Refused(why) => {
                out.text(why);
                REFUSED
            }
        };
        Frame { kind, sequence, payload: out.0 }
    }

    /// Reads a frame; `None` if it is no answer.
    #[must_use]
    pub fn read(frame: &Frame) -> Option<Self> {
        const HELLO_ANSWER: u8 = ANSWER | HELLO;
        let mut input = Rest(&frame.payload);
        let answer = match frame.kind {
            HELLO_ANSWER => Self::Hello { version: input.u8()? },
            TAKEN => Self::Taken { bytes: input.u32()? },
            STORED => Self::Stored { component: input.text()? },
            PASSED => {
                let phase = *Phase::ALL.get(usize::from(input.u8()?))?;
                Self::Passed { phase, took_ns: input.u64()? }
            }
            SWAPPING => Self::Swapping,
            SWAPPED => Self::Swapped {
                state_bytes: input.u64()?,
                calls_held: input.u64()?,
                downtime_ns: input.u64()?,
            },
            ROLLED_BACK => Self::RolledBack(input.text()?),
            REFUSED => Self::Refused(input.text()?),
            _ => return None,
        };
        input.0.is_empty().then_some(answer)
    }
}

/// A payload that is written. Numbers are little endian, a text stands after its length.
#[derive(Default)]
struct Payload(Vec<u8>);

impl Payload {
    fn u32(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        let end = (0..=text.len().min(MAX_TEXT)).rev().find(|end| text.is_char_boundary(*end));
        let text = end.and_then(|end| text.get(..end)).unwrap_or_default();
        self.0.extend((text.len() as u16).to_le_bytes());
        self.0.extend(text.as_bytes());
    }
}

/// What is left of a payload that is read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = u16::from_le_bytes(self.array()?);
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn all(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.0).to_vec()
    }
}

#[cfg(test)]
mod tests;
