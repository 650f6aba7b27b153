//! The short way: values that are one cell each, whatever they are.
//!
//! Most functions take and give a few numbers. When all of one side are numbers, characters, enums
//! and flags, or records of them, and passed flat, the side is a list of [`Cell`]s: nothing of the
//! guest's memory is needed, the message has a known length, and one loop does it all. A single
//! word, the most common of all, does not even loop.

use alloc::{boxed::Box, format, vec::Vec};

use super::{
    MAX_FLAT_PARAMETERS, Transfer,
    compile::Compiler,
    error::{Outcome, broken, guest, message},
    lift::{bad_char, guest_case},
    place::{bool_cell, case, char_cell, flags, signed},
    plan::{Node, NodeId, Scalar},
    wire::bytes_at,
};

/// A value of one cell and of fixed width in the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Scalar(Scalar),
    /// Case of an enum, below this number.
    Case(u32),
    /// A word of flags; the bits that may be set.
    Flags(u32),
}

impl Cell {
    /// Bytes in the message.
    pub(super) const fn size(self) -> u32 {
        match self {
            Self::Scalar(kind) => kind.size(),
            Self::Case(_) | Self::Flags(_) => 4,
        }
    }

    /// Writes a cell to the front of `out` and returns what is behind it.
    #[inline(always)]
    pub(super) fn lift(self, cell: u64, out: &mut [u8]) -> Outcome<&mut [u8]> {
        match self {
            Self::Scalar(Scalar::Bool) => put(out, [u8::from(cell as u32 != 0)]),
            Self::Scalar(Scalar::U8 | Scalar::S8) => put(out, [cell as u8]),
            Self::Scalar(Scalar::U16 | Scalar::S16) => put(out, (cell as u16).to_le_bytes()),
            Self::Scalar(Scalar::Bits32) => put(out, (cell as u32).to_le_bytes()),
            Self::Scalar(Scalar::Bits64) => put(out, cell.to_le_bytes()),
            Self::Scalar(Scalar::Char) if char::from_u32(cell as u32).is_none() => {
                bad_char(cell as u32)
            }
            Self::Scalar(Scalar::Char) => put(out, (cell as u32).to_le_bytes()),
            Self::Case(cases) => put(out, guest_case(cell as u32, cases)?.to_le_bytes()),
            Self::Flags(mask) => put(out, (cell as u32 & mask).to_le_bytes()),
        }
    }

    /// Reads the cell at `at`.
    #[inline(always)]
    pub(super) fn lower(self, incoming: &[u8], at: usize) -> Outcome<u64> {
        Ok(match self {
            Self::Scalar(Scalar::Bool) => bool_cell(byte_at(incoming, at)?)?,
            Self::Scalar(Scalar::U8) => u64::from(byte_at(incoming, at)?),
            Self::Scalar(Scalar::S8) => signed(i32::from(byte_at(incoming, at)?.cast_signed())),
            Self::Scalar(Scalar::U16) => u64::from(half_at(incoming, at)?),
            Self::Scalar(Scalar::S16) => signed(i32::from(half_at(incoming, at)?.cast_signed())),
            Self::Scalar(Scalar::Bits32) => u64::from(word_at(incoming, at)?),
            Self::Scalar(Scalar::Bits64) => u64::from_le_bytes(read(incoming, at)?),
            Self::Scalar(Scalar::Char) => char_cell(word_at(incoming, at)?)?,
            Self::Case(cases) => u64::from(case(word_at(incoming, at)?, cases)?),
            Self::Flags(mask) => u64::from(flags(word_at(incoming, at)?, mask)?),
        })
    }
}

/// One side of a function on the short way.
#[derive(Debug)]
pub(super) struct Quick {
    cells: Box<[Cell]>,
    /// It is a single number of 32 bits.
    word: bool,
    /// Bytes of the message.
    pub(super) size: usize,
}

impl Quick {
    /// The short way for these values, if there is one.
    pub(super) fn compile(compiler: &Compiler<'_>, values: &[NodeId]) -> Option<Self> {
        let mut cells = Vec::new();
        for value in values {
            add(compiler, *value, &mut cells)?;
        }
        let size = cells.iter().map(|cell| cell.size() as usize).sum();
        let word = cells == [Cell::Scalar(Scalar::Bits32)];
        Some(Self { cells: cells.into_boxed_slice(), word, size })
    }

    /// Lifts cells into the outgoing message.
    #[inline]
    pub(super) fn lift<D: Transfer>(&self, cells: &[u64], data: &mut D) -> Outcome<()> {
        if self.word
            && let Some(cell) = cells.first()
            && let Some(target) = data.outgoing().first_chunk_mut()
        {
            *target = (*cell as u32).to_le_bytes();
            return Ok(());
        }
        self.lift_all(cells, data.outgoing())
    }

    #[inline(never)]
    fn lift_all(&self, cells: &[u64], out: &mut [u8]) -> Outcome<()> {
        let Self { cells: kinds, size, .. } = self;
        let room = out.len();
        let Some(mut out) = out.get_mut(..*size) else {
            return guest(format!("the message takes {size} bytes, and {room} is the most"));
        };
        if kinds.len() > cells.len() {
            return broken();
        }
        for (kind, &cell) in kinds.iter().zip(cells) {
            out = kind.lift(cell, out)?;
        }
        Ok(())
    }

    /// Lowers the message into cells.
    #[inline]
    pub(super) fn lower(&self, incoming: &[u8], cells: &mut [u64]) -> Outcome<()> {
        if self.word
            && let Ok(word) = incoming.try_into()
            && let Some(cell) = cells.first_mut()
        {
            *cell = u64::from(u32::from_le_bytes(word));
            return Ok(());
        }
        self.lower_all(incoming, cells)
    }

    #[inline(never)]
    fn lower_all(&self, incoming: &[u8], cells: &mut [u64]) -> Outcome<()> {
        let Self { cells: kinds, size, .. } = self;
        if incoming.len() != *size {
            let len = incoming.len();
            return message(format!("has {len} bytes instead of {size}"));
        }
        if kinds.len() > cells.len() {
            return broken();
        }
        let mut at = 0;
        for (kind, cell) in kinds.iter().zip(cells) {
            *cell = kind.lower(incoming, at)?;
            at += kind.size() as usize;
        }
        Ok(())
    }
}

/// Appends the cells of a value; `None` if it has others, or there are too many.
pub(super) fn add(compiler: &Compiler<'_>, value: NodeId, cells: &mut Vec<Cell>) -> Option<()> {
    match &compiler.node(value)?.node {
        Node::Scalar(kind) => cells.push(Cell::Scalar(*kind)),
        Node::Enum { cases, .. } => cells.push(Cell::Case(*cases)),
        Node::Flags { words, last_mask } => {
            for left in (0..*words).rev() {
                cells.push(Cell::Flags(if left == 0 { *last_mask } else { u32::MAX }));
                (cells.len() <= MAX_FLAT_PARAMETERS).then_some(())?;
            }
        }
        Node::Record { fields, .. } => {
            for field in fields {
                add(compiler, *field, cells)?;
            }
        }
        Node::FixedList { element, count } => {
            for _ in 0..*count {
                add(compiler, *element, cells)?;
            }
        }
        _ => return None,
    }
    (cells.len() <= MAX_FLAT_PARAMETERS).then_some(())
}

/// Reads bytes of a message that does not end in the middle of a value.
#[inline(always)]
fn read<const N: usize>(incoming: &[u8], at: usize) -> Outcome<[u8; N]> {
    match bytes_at(incoming, at) {
        Some(bytes) => Ok(bytes),
        None => message("ends in the middle of a value"),
    }
}

#[inline(always)]
fn byte_at(incoming: &[u8], at: usize) -> Outcome<u8> {
    Ok(u8::from_le_bytes(read(incoming, at)?))
}

#[inline(always)]
fn half_at(incoming: &[u8], at: usize) -> Outcome<u16> {
    Ok(u16::from_le_bytes(read(incoming, at)?))
}

#[inline(always)]
fn word_at(incoming: &[u8], at: usize) -> Outcome<u32> {
    Ok(u32::from_le_bytes(read(incoming, at)?))
}

/// Writes bytes and returns what is behind them.
#[inline]
fn put<const N: usize>(out: &mut [u8], bytes: [u8; N]) -> Outcome<&mut [u8]> {
    match out.split_first_chunk_mut() {
        Some((target, rest)) => {
            *target = bytes;
            Ok(rest)
        }
        None => broken(),
    }
}
