//! Lowering of values with a fixed place: all but strings and lists.
//!
//! They need no `realloc`, so guest memory and message are borrowed together for as many of them
//! as follow each other. [`View`] is that borrow; [`super::lower::Lower`] makes it and goes on
//! where the guest has to allocate.

use alloc::format;

use super::{
    InstanceId, Transfer,
    error::{Outcome, broken, guest, message},
    lift::present,
    moves::Moves,
    plan::{Action, Node, NodeId, Nodes, Planned, Scalar},
    wire::{bytes_at, put_number},
};
use crate::{host::Passing, resources::ScopeId, types::ResourceId};

/// A guest's memory and a message being read.
pub(super) struct View<'a, D> {
    pub(super) nodes: &'a Nodes,
    pub(super) memory: &'a mut [u8],
    pub(super) data: &'a mut D,
    pub(super) instance: InstanceId,
    pub(super) scope: Option<ScopeId>,
    /// Bytes of the message that were read.
    pub(super) at: &'a mut usize,
}

/// Cells not yet written.
pub(super) type CellsMut<'a> = &'a mut [u64];

/// Writes the next cell.
pub(super) fn put_cell(cells: &mut CellsMut<'_>, cell: u64) -> Outcome<()> {
    match core::mem::take(cells).split_first_mut() {
        Some((first, rest)) => {
            *first = cell;
            *cells = rest;
            Ok(())
        }
        None => broken(),
    }
}

/// Splits off the cells of a variant, cleared, because a case may use fewer than there are.
pub(super) fn split_cells<'c>(cells: &mut CellsMut<'c>, len: usize) -> Outcome<CellsMut<'c>> {
    match core::mem::take(cells).split_at_mut_checked(len) {
        Some((own, rest)) => {
            own.fill(0);
            *cells = rest;
            Ok(own)
        }
        None => broken(),
    }
}

impl<'a, D: Transfer> View<'a, D> {
    pub(super) fn node(&self, id: NodeId) -> Outcome<&'a Planned> {
        match self.nodes.get(id) {
            Some(planned) => Ok(planned),
            None => broken(),
        }
    }

    /// Takes bytes of the message.
    #[inline]
    fn take<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        match bytes_at(self.data.incoming(), *self.at) {
            Some(bytes) => {
                *self.at += N;
                Ok(bytes)
            }
            None => message("ends in the middle of a value"),
        }
    }

    #[inline]
    pub(super) fn take_u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    /// Takes a case number.
    pub(super) fn take_case(&mut self, cases: u32) -> Outcome<u32> {
        case(self.take_u32()?, cases)
    }

    /// Copies bytes of the message to memory, without taking them.
    pub(super) fn copy_incoming(&mut self, from: usize, to: usize, len: usize) -> Outcome<()> {
        let source = from.checked_add(len).and_then(|end| self.data.incoming().get(from..end));
        let target = to.checked_add(len).and_then(|end| self.memory.get_mut(to..end));
        match (source, target) {
            (Some(source), Some(target)) => {
                target.copy_from_slice(source);
                Ok(())
            }
            (None, _) => message("ends in the middle of a value"),
            (Some(_), None) => broken(),
        }
    }

    /// Takes plain bytes to memory.
    pub(super) fn copy(&mut self, to: usize, len: usize) -> Outcome<()> {
        self.copy_incoming(*self.at, to, len)?;
        *self.at += len;
        Ok(())
    }

    /// Takes a scalar as a cell.
    #[inline]
    fn scalar(&mut self, kind: Scalar) -> Outcome<u64> {
        Ok(match kind {
            Scalar::Bool => bool_cell(self.take::<1>()?[0])?,
            Scalar::U8 => u64::from(self.take::<1>()?[0]),
            Scalar::S8 => signed(i32::from(i8::from_le_bytes(self.take()?))),
            Scalar::U16 => u64::from(u16::from_le_bytes(self.take()?)),
            Scalar::S16 => signed(i32::from(i16::from_le_bytes(self.take()?))),
            Scalar::Bits32 => u64::from(self.take_u32()?),
            Scalar::Bits64 => u64::from_le_bytes(self.take()?),
            Scalar::Char => char_cell(self.take_u32()?)?,
        })
    }

    fn flags_word(&mut self, mask: u32) -> Outcome<u32> {
        flags(self.take_u32()?, mask)
    }

    fn own(&mut self, resource: ResourceId) -> Outcome<u32> {
        let slot = self.take_u32()?;
        let rep = self.taken(slot, resource, Passing::Own)?;
        Ok(self.data.instance(self.instance).add_own(resource, rep)?)
    }

    fn borrow(&mut self, resource: ResourceId) -> Outcome<u32> {
        let slot = self.take_u32()?;
        let rep = self.taken(slot, resource, Passing::Borrow)?;
        if self.data.resource_implementer(resource) == Some(self.instance) {
            return Ok(rep);
        }
        let Some(scope) = self.scope else { return broken() };
        Ok(self.data.instance(self.instance).add_borrow(resource, rep, scope)?)
    }

    fn taken(&mut self, slot: u32, resource: ResourceId, passing: Passing) -> Outcome<u32> {
        match self.data.take_slot(slot, resource, passing) {
            Ok(rep) => Ok(rep),
            Err(reason) => message(reason),
        }
    }

    /// Lowers a value into cells.
    pub(super) fn flat(&mut self, id: NodeId, cells: &mut CellsMut<'_>) -> Outcome<()> {
        let planned = self.node(id)?;
        match &planned.node {
            Node::Scalar(kind) => {
                let cell = self.scalar(*kind)?;
                put_cell(cells, cell)
            }
            Node::Flags { words, last_mask } => {
                for left in (0..*words).rev() {
                    let word = self.flags_word(if left == 0 { *last_mask } else { u32::MAX })?;
                    put_cell(cells, u64::from(word))?;
                }
                Ok(())
            }
            Node::Enum { cases, .. } => {
                let number = self.take_case(*cases)?;
                put_cell(cells, u64::from(number))
            }
            Node::FixedList { element, count } => {
                for _ in 0..*count {
                    self.flat(*element, cells)?;
                }
                Ok(())
            }
            Node::Record { fields, .. } => {
                for field in fields {
                    self.flat(*field, cells)?;
                }
                Ok(())
            }
            Node::Variant { cases, .. } => {
                let len = planned.flat.as_ref().map_or(0, |flat| flat.len());
                let mut own = split_cells(cells, len)?;
                let number = self.take_case(cases.len() as u32)?;
                put_cell(&mut own, u64::from(number))?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.flat(*payload, &mut own),
                    _ => Ok(()),
                }
            }
            Node::Own(resource) => {
                let index = self.own(*resource)?;
                put_cell(cells, u64::from(index))
            }
            Node::Borrow(resource) => {
                let index = self.borrow(*resource)?;
                put_cell(cells, u64::from(index))
            }
            Node::String | Node::List(_) => broken(),
        }
    }

    /// Lowers a value into memory; its range was checked.
    pub(super) fn store(&mut self, id: NodeId, start: usize) -> Outcome<()> {
        let planned = self.node(id)?;
        let size = planned.layout.size;
        if planned.plain {
            return self.copy(start, size as usize);
        }
        if let Some(moves) = &planned.moves {
            return self.moves(moves, start, 1);
        }
        match &planned.node {
            Node::Scalar(kind) => {
                let cell = self.scalar(*kind)?;
                // The plain ones were copied; bool and char are what is left.
                self.put_number(start, size, cell as u32)
            }
            Node::Flags { words, last_mask } => {
                for word in 0..*words {
                    let last = word + 1 == *words;
                    let bits = self.flags_word(if last { *last_mask } else { u32::MAX })?;
                    self.put_number(start + 4 * word as usize, size.min(4), bits)?;
                }
                Ok(())
            }
            Node::Enum { cases, size } => {
                let number = self.take_case(*cases)?;
                self.put_number(start, *size, number)
            }
            Node::FixedList { element, count } => self.elements(*element, start, *count),
            Node::Record { steps, .. } => {
                for step in steps {
                    let start = start + step.offset as usize;
                    match step.action {
                        Action::Copy(len) => self.copy(start, len as usize)?,
                        Action::Value(field) => self.store(field, start)?,
                    }
                }
                Ok(())
            }
            Node::Variant { size, payload_offset, cases } => {
                let number = self.take_case(cases.len() as u32)?;
                self.put_number(start, *size, number)?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.store(*payload, start + *payload_offset as usize),
                    _ => Ok(()),
                }
            }
            Node::Own(resource) => {
                let index = self.own(*resource)?;
                self.put_number(start, 4, index)
            }
            Node::Borrow(resource) => {
                let index = self.borrow(*resource)?;
                self.put_number(start, 4, index)
            }
            Node::String | Node::List(_) => broken(),
        }
    }

    /// Lowers values that follow each other in memory; their range was checked.
    pub(super) fn elements(
        &mut self,
        element: NodeId,
        mut start: usize,
        count: u32,
    ) -> Outcome<()> {
        let planned = self.node(element)?;
        if let Some(moves) = &planned.moves {
            return self.moves(moves, start, count);
        }
        let size = planned.layout.size as usize;
        for _ in 0..count {
            self.store(element, start)?;
            start += size;
        }
        Ok(())
    }

    /// Lowers values of fixed width.
    fn moves(&mut self, moves: &Moves, start: usize, count: u32) -> Outcome<()> {
        let (from, count) = (*self.at, count as usize);
        let end = from.checked_add(count.saturating_mul(moves.width as usize));
        let Some(wire) = end.and_then(|end| self.data.incoming().get(from..end)) else {
            return message("ends in the middle of a value");
        };
        let end = start.checked_add(count.saturating_mul(moves.size as usize));
        let memory = present(end.and_then(|end| self.memory.get_mut(start..end)))?;
        moves.lower(wire, memory)?;
        *self.at += wire.len();
        Ok(())
    }

    pub(super) fn put_number(&mut self, start: usize, size: u32, number: u32) -> Outcome<()> {
        present(put_number(self.memory, start, size, number))
    }
}

/// The cell of a signed number of at most 32 bits.
pub(super) const fn signed(number: i32) -> u64 {
    number.cast_unsigned() as u64
}

pub(super) fn bool_cell(byte: u8) -> Outcome<u64> {
    if byte > 1 { message(format!("{byte} is not a bool")) } else { Ok(u64::from(byte)) }
}

pub(super) fn char_cell(code: u32) -> Outcome<u64> {
    match char::from_u32(code) {
        Some(letter) => Ok(u64::from(u32::from(letter))),
        None => message(format!("{code:#x} is not a Unicode scalar value")),
    }
}

pub(super) fn flags(word: u32, mask: u32) -> Outcome<u32> {
    if word & !mask == 0 { Ok(word) } else { message(format!("flags {word:#x} have unknown bits")) }
}

pub(super) fn case(number: u32, cases: u32) -> Outcome<u32> {
    if number < cases {
        Ok(number)
    } else {
        message(format!("case number {number} is not below {cases}"))
    }
}

/// What a wrong allocation is told.
#[cold]
pub(super) fn bad_allocation<T>(address: u32, bytes: u32, align: u32) -> Outcome<T> {
    guest(format!(
        "realloc returned {address:#x} for {bytes} bytes aligned to {align}: misaligned or out of \
         bounds"
    ))
}
