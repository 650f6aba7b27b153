//! What a chunk of a component carries: pieces, of which some are as in a component that the system
//! has and need not be sent.
//!
//! A chunk on the line is deflated. Unpacked it is one piece behind the other: a byte that says of
//! which kind it is, a number of bytes, and these, or where they are in the other component. Numbers
//! are little endian.

/// Most bytes that a chunk unpacks to.
pub(crate) const UNPACKED: usize = 24 << 10;

const NEW: u8 = 0;
const SAME: u8 = 1;

/// Some bytes of a component, behind those of the piece before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These.
    New(Vec<u8>),
    /// Those of the component that it was begun with.
    Same {
        /// Where they begin there.
        at: u32,
        /// How many.
        length: u32,
    },
}

impl Piece {
    /// Bytes of the component that it is.
    #[must_use]
    pub fn length(&self) -> u32 {
        match self {
            Self::New(data) => u32::try_from(data.len()).unwrap_or(u32::MAX),
            Self::Same { length, .. } => *length,
        }
    }

    /// Writes it behind others.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::New(data) => {
                out.push(NEW);
                out.extend(self.length().to_le_bytes());
                out.extend(data);
            }
            Self::Same { at, length } => {
                out.push(SAME);
                out.extend(length.to_le_bytes());
                out.extend(at.to_le_bytes());
            }
        }
    }
}

/// Reads pieces; `None` if the bytes are none.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let (length, rest) = number(rest)?;
        let (piece, rest) = match *kind {
            NEW => {
                let (data, rest) = rest.split_at_checked(length as usize)?;
                (Piece::New(data.to_vec()), rest)
            }
            SAME => {
                let (at, rest) = number(rest)?;
                (Piece::Same { at, length }, rest)
            }
            _ => return None,
        };
        pieces.push(piece);
        bytes = rest;
    }
    Some(pieces)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}
