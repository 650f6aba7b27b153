//! Values of fixed width in both forms: a list of moves between memory and message.
//!
//! A record of numbers has the same width whatever its value, in memory and in the wire form, but
//! is not the same bytes: padding is left out, enums and flags are words in the message. For such a
//! value the plan has a list of [`Move`]s, worked out when it was compiled. Two slices of the right
//! length are then all that a value needs, and a list of them is checked once for its length.

use alloc::{boxed::Box, vec::Vec};

use super::{
    error::Outcome,
    lift::{bad_char, guest_case, present},
    place::{bool_cell, case, char_cell, flags},
    plan::{Node, Planned, Scalar},
    wire::{bytes_at, number_at, put_number, u32_at},
};

/// How a part of a value goes from memory to the message or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// Where it is in memory, from the start of the value.
    memory: u32,
    /// Where it is in the message.
    wire: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// So many bytes are the same: 1, 2, 4, 8 or at least 16.
    Copy(u32),
    Bool,
    Char,
    /// Case of an enum below `cases`, of `size` bytes in memory.
    Case {
        cases: u32,
        size: u32,
    },
    /// A word of flags of `size` bytes in memory.
    Flags {
        mask: u32,
        size: u32,
    },
}

/// The moves of a value of fixed width.
#[derive(Clone, Debug)]
pub(super) struct Moves {
    /// Bytes of the value in the message, at least 1.
    pub(super) width: u32,
    /// Bytes of the value in memory, at least 1.
    pub(super) size: u32,
    list: Box<[Move]>,
    /// Some of them can find something wrong.
    checks: bool,
}

impl Moves {
    /// Most moves of a value; one with more goes the long way.
    pub(super) const MOST: u32 = 32;

    /// The moves of a value without parts of its own, or of one whose moves are known.
    pub(super) fn of(planned: &Planned) -> Option<Self> {
        if let Some(moves) = &planned.moves {
            return Some(moves.clone());
        }
        let size = planned.layout.size;
        let kind = match planned.node {
            _ if planned.plain => Kind::Copy(size),
            Node::Scalar(Scalar::Bool) => Kind::Bool,
            Node::Scalar(Scalar::Char) => Kind::Char,
            Node::Enum { cases, size } => Kind::Case { cases, size },
            Node::Flags { words: 1, last_mask: mask } => Kind::Flags { mask, size },
            _ => return None,
        };
        let width = match kind {
            Kind::Copy(len) => len,
            Kind::Bool => 1,
            Kind::Char | Kind::Case { .. } | Kind::Flags { .. } => 4,
        };
        let checks = !matches!(kind, Kind::Copy(_));
        Some(Self { width, size, list: Box::new([Move { memory: 0, wire: 0, kind }]), checks })
    }

    /// The moves of a value of `size` bytes whose parts stand at these offsets in memory, in the
    /// order of the wire form; `None` if they are too many.
    pub(super) fn gather(size: u32, parts: impl IntoIterator<Item = (u32, Self)>) -> Option<Self> {
        let mut list = Vec::new();
        let (mut width, mut checks) = (0_u32, false);
        for (offset, part) in parts {
            for step in &part.list {
                let memory = offset.checked_add(step.memory)?;
                add(&mut list, Move { memory, wire: width.checked_add(step.wire)?, ..*step });
            }
            if list.len() > Self::MOST as usize {
                return None;
            }
            width = width.checked_add(part.width)?;
            checks |= part.checks;
        }
        (width > 0 && size > 0).then(|| Self { width, size, list: list.into(), checks })
    }

    /// Checks values that stand behind each other in a message; `wire` is all of them.
    pub(super) fn check(&self, wire: &[u8]) -> Outcome<()> {
        if !self.checks {
            return Ok(());
        }
        for step in &self.list {
            let at = step.wire as usize;
            for value in wire.chunks_exact(self.width as usize) {
                match step.kind {
                    Kind::Copy(_) => break,
                    Kind::Bool => _ = bool_cell(u8::from_le_bytes(present(bytes_at(value, at))?))?,
                    Kind::Char => _ = char_cell(present(u32_at(value, at))?)?,
                    Kind::Case { cases, .. } => _ = case(present(u32_at(value, at))?, cases)?,
                    Kind::Flags { mask, .. } => _ = flags(present(u32_at(value, at))?, mask)?,
                }
            }
        }
        Ok(())
    }

    /// Lowers values: `memory` is where all of them are to stand.
    pub(super) fn lower(&self, wire: &[u8], memory: &mut [u8]) -> Outcome<()> {
        let (width, size) = (self.width as usize, self.size as usize);
        for step in &self.list {
            let (to, at) = (step.memory as usize, step.wire as usize);
            if let Kind::Copy(len) = step.kind {
                present(copy(memory, size, to, wire, width, at, len))?;
                continue;
            }
            for (memory, wire) in memory.chunks_exact_mut(size).zip(wire.chunks_exact(width)) {
                let (size, number) = match step.kind {
                    Kind::Copy(_) => break,
                    Kind::Bool => {
                        let byte = u8::from_le_bytes(present(bytes_at(wire, at))?);
                        (1, bool_cell(byte)? as u32)
                    }
                    Kind::Char => (4, char_cell(present(u32_at(wire, at))?)? as u32),
                    Kind::Case { cases, size } => (size, case(present(u32_at(wire, at))?, cases)?),
                    Kind::Flags { mask, size } => (size, flags(present(u32_at(wire, at))?, mask)?),
                };
                present(put_number(memory, to, size, number))?;
            }
        }
        Ok(())
    }

    /// Lifts values: `wire` is where all of them are to stand.
    pub(super) fn lift(&self, memory: &[u8], wire: &mut [u8]) -> Outcome<()> {
        let (width, size) = (self.width as usize, self.size as usize);
        for step in &self.list {
            let (from, at) = (step.memory as usize, step.wire as usize);
            if let Kind::Copy(len) = step.kind {
                present(copy(wire, width, at, memory, size, from, len))?;
                continue;
            }
            for (memory, wire) in memory.chunks_exact(size).zip(wire.chunks_exact_mut(width)) {
                let (size, number) = match step.kind {
                    Kind::Copy(_) => break,
                    Kind::Bool => {
                        let byte = u8::from_le_bytes(present(bytes_at(memory, from))?);
                        (1, u32::from(byte != 0))
                    }
                    Kind::Char => {
                        let letter = present(u32_at(memory, from))?;
                        if char::from_u32(letter).is_none() {
                            return bad_char(letter);
                        }
                        (4, letter)
                    }
                    Kind::Case { cases, size } => {
                        (4, guest_case(present(number_at(memory, from, size))?, cases)?)
                    }
                    Kind::Flags { mask, size } => {
                        (4, present(number_at(memory, from, size))? & mask)
                    }
                };
                present(put_number(wire, at, size, number))?;
            }
        }
        Ok(())
    }
}

/// Appends a move, to the copies before it if it continues them. Short copies are of 1, 2, 4 or 8
/// bytes, which are one instruction each.
fn add(list: &mut Vec<Move>, step: Move) {
    let Move { mut memory, mut wire, kind: Kind::Copy(mut len) } = step else {
        list.push(step);
        return;
    };
    while let Some(Move { memory: start, wire: at, kind: Kind::Copy(before) }) = list.last()
        && start.saturating_add(*before) == memory
        && at.saturating_add(*before) == wire
    {
        (memory, wire, len) = (*start, *at, len.saturating_add(*before));
        list.pop();
    }
    while len > 0 {
        let piece = match len {
            16.. => len,
            8.. => 8,
            4.. => 4,
            2.. => 2,
            _ => 1,
        };
        list.push(Move { memory, wire, kind: Kind::Copy(piece) });
        // A value takes less than 2^28 bytes in both forms.
        (memory, wire, len) = (memory + piece, wire + piece, len - piece);
    }
}

/// Copies `len` bytes of each value. Move after move, and all values within, because a loop over
/// values that does one thing is a few instructions long.
fn copy(
    to: &mut [u8],
    to_size: usize,
    to_at: usize,
    from: &[u8],
    from_size: usize,
    from_at: usize,
    len: u32,
) -> Option<()> {
    let values = to.chunks_exact_mut(to_size).zip(from.chunks_exact(from_size));
    let values = values.map(|(to, from)| Some((to.get_mut(to_at..)?, from.get(from_at..)?)));
    match len {
        1 => copy_each::<1>(values),
        2 => copy_each::<2>(values),
        4 => copy_each::<4>(values),
        8 => copy_each::<8>(values),
        _ => {
            for value in values {
                let (to, from) = value?;
                to.get_mut(..len as usize)?.copy_from_slice(from.get(..len as usize)?);
            }
            Some(())
        }
    }
}

#[inline(always)]
fn copy_each<'a, const N: usize>(
    values: impl Iterator<Item = Option<(&'a mut [u8], &'a [u8])>>,
) -> Option<()> {
    for value in values {
        let (to, from) = value?;
        *to.first_chunk_mut::<N>()? = *from.first_chunk()?;
    }
    Some(())
}

#[cfg(test)]
mod tests;
