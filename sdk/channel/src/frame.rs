//! Frames: how a message stands on a line of bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | [`MAGIC`] |
//! | 1 | kind of the message |
//! | 1 | sequence number of the request |
//! | 2 | bytes of payload, at most [`MAX_PAYLOAD`], little endian |
//! | 1 | complement of the sum of the four bytes before |
//! | n | payload |
//! | 4 | CRC-32 of everything after the magic, little endian |
//!
//! What does not fit is skipped byte by byte, so a frame is found whatever stands before it. The sum
//! keeps a damaged length from being waited for; the rest of a frame that was cut is waited for until
//! [`Decoder::forget`].

use crate::crc::Crc;

/// How every frame begins.
pub const MAGIC: [u8; 2] = [0xa7, 0x0c];
/// Most bytes of payload.
pub const MAX_PAYLOAD: usize = 8 << 10;

const HEADER: usize = 7;
const TRAILER: usize = 4;

/// One frame, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What kind of message it is.
    pub kind: u8,
    /// Sequence number of the request that it is or answers.
    pub sequence: u8,
    /// The message.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The bytes for the line. Payload beyond [`MAX_PAYLOAD`] is cut off, which the message's reader
    /// finds out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let payload = self.payload.get(..MAX_PAYLOAD).unwrap_or(&self.payload);
        let mut bytes = Vec::with_capacity(HEADER + payload.len() + TRAILER);
        bytes.extend(MAGIC);
        bytes.extend([self.kind, self.sequence]);
        bytes.extend((payload.len() as u16).to_le_bytes());
        bytes.push(sum(bytes.get(2..).unwrap_or_default()));
        bytes.extend(payload);
        let crc = Crc::of(bytes.get(2..).unwrap_or_default());
        bytes.extend(crc.to_le_bytes());
        bytes
    }
}

fn sum(bytes: &[u8]) -> u8 {
    !bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
}

/// Finds frames in a stream of bytes.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Bytes at the front that are done with.
    done: usize,
}

/// What the front of the bytes is.
enum Front {
    /// A frame of so many bytes.
    Frame(Frame, usize),
    /// It may become a frame.
    Open,
    /// No frame begins here.
    Noise,
}

impl Decoder {
    /// Takes bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.done);
        self.done = 0;
        self.bytes.extend(bytes);
    }

    /// The next frame, if it is whole; to be called until there is none.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let rest = self.bytes.get(self.done..).unwrap_or_default();
            match front(rest) {
                Front::Frame(frame, length) => {
                    self.done += length;
                    return Some(frame);
                }
                Front::Open => return None,
                Front::Noise => {
                    let next = rest.iter().skip(1).position(|byte| *byte == MAGIC[0]);
                    self.done += next.map_or(rest.len(), |position| position + 1);
                }
            }
        }
    }

    /// Gives up what waits for more: the line was quiet for so long that it does not come.
    pub fn forget(&mut self) {
        self.done = self.bytes.len();
    }

    /// Bytes that wait for more.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.done
    }
}

fn front(bytes: &[u8]) -> Front {
    if bytes.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Front::Noise;
    }
    let Some(&[kind, sequence, low, high, check]) = bytes.get(2..HEADER) else {
        return Front::Open;
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    if check != sum(&[kind, sequence, low, high]) || length > MAX_PAYLOAD {
        return Front::Noise;
    }
    let end = HEADER + length;
    let Some(crc) = bytes.get(end..).and_then(|rest| rest.first_chunk()) else {
        return Front::Open;
    };
    let covered = bytes.get(2..end).unwrap_or_default();
    if Crc::of(covered) != u32::from_le_bytes(*crc) {
        return Front::Noise;
    }
    let payload = bytes.get(HEADER..end).unwrap_or_default().to_vec();
    Front::Frame(Frame { kind, sequence, payload }, end + TRAILER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(decoder: &mut Decoder) -> Vec<Frame> {
        std::iter::from_fn(|| decoder.next_frame()).collect()
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let payload = prop::collection::vec(any::<u8>(), 0..300);
        (any::<u8>(), any::<u8>(), payload).prop_map(|(kind, sequence, payload)| Frame {
            kind,
            sequence,
            payload,
        })
    }

    /// Bytes that begin frames more often than chance has it.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(MAGIC[0]), Just(MAGIC[1]), Just(0), any::<u8>()];
        prop::collection::vec(byte, 0..200)
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = Frame { kind: 1, sequence: 2, payload: vec![3; MAX_PAYLOAD + 1] };
        let mut decoder = Decoder::default();
        decoder.push(&long.encode());
        assert_eq!(all(&mut decoder), [Frame { payload: vec![3; MAX_PAYLOAD], ..long }]);
    }

    proptest! {
        /// However the bytes are cut into pieces.
        #[test]
        fn frames_come_as_they_went(frames in prop::collection::vec(frame(), 1..6), piece in 1usize..40) {
            let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(piece) {
                decoder.push(piece);
                found.extend(all(&mut decoder));
            }
            prop_assert_eq!(found, frames);
            prop_assert_eq!(decoder.pending(), 0);
        }

        /// A frame is found after garbage, after a cut frame and after one with a wrong byte, at
        /// the latest when it is sent again after a silence.
        #[test]
        fn a_frame_is_found_after_anything(
            before in noise(),
            broken in frame(),
            cut in any::<prop::sample::Index>(),
            flip in any::<prop::sample::Index>(),
            good in frame(),
        ) {
            let encoded = broken.encode();
            let mut flipped = encoded.clone();
            let at = flip.index(flipped.len());
            flipped[at] ^= 1 << (at % 8);
            for broken in [&encoded[..cut.index(encoded.len())], &flipped] {
                let mut decoder = Decoder::default();
                decoder.push(&before);
                decoder.push(broken);
                decoder.push(&good.encode());
                let mut found = all(&mut decoder);
                // It may have been taken for the rest of another one; then it is sent again.
                if found.last() != Some(&good) {
                    prop_assert!(decoder.pending() > 0);
                    decoder.forget();
                    decoder.push(&good.encode());
                    found.extend(all(&mut decoder));
                }
                prop_assert_eq!(found.last(), Some(&good));
                prop_assert!(decoder.pending() <= MAX_PAYLOAD + HEADER + TRAILER);
            }
        }

        /// What is no frame is none.
        #[test]
        fn a_changed_frame_is_no_frame(sent in frame(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = sent.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            prop_assert_eq!(all(&mut decoder), []);
        }
    }
}
