//! Lifting: from a guest's cells and memory to a message.
//!
//! No guest code runs meanwhile, so memory and message area are borrowed once for all values.

use alloc::format;

use wasmi::StoreContextMut;

use super::{
    InstanceId, Options, StringEncoding, Transfer,
    error::{Outcome, broken, guest},
    layout::{MAX_BYTES, is_aligned},
    moves::Moves,
    plan::{Action, Node, NodeId, Nodes, Planned, Scalar},
    wire::{bytes_at, check_utf8, number_at, u32_at},
};
use crate::{host::Passing, types::ResourceId};

/// A message being written.
pub(super) struct Lift<'a, D> {
    nodes: &'a Nodes,
    pub(super) memory: &'a [u8],
    pub(super) data: &'a mut D,
    instance: InstanceId,
    pub(super) encoding: StringEncoding,
    /// Bytes written.
    pub(super) at: usize,
}

/// Where a value is: the cells not yet read.
pub(super) type Cells<'a> = &'a [u64];

fn next(cells: &mut Cells<'_>) -> Outcome<u64> {
    match cells.split_first() {
        Some((cell, rest)) => {
            *cells = rest;
            Ok(*cell)
        }
        None => broken(),
    }
}

impl<'a, D: Transfer> Lift<'a, D> {
    pub(super) fn new(
        nodes: &'a Nodes,
        ctx: &'a mut StoreContextMut<'_, D>,
        options: &Options,
        needs_memory: bool,
    ) -> Self {
        let Options { memory, encoding, instance, .. } = *options;
        // Exclusive access is what gives memory and data at once; the memory is only read.
        let (memory, data): (&[u8], _) = match memory.filter(|_| needs_memory) {
            Some(memory) => {
                let (bytes, data) = memory.data_and_store_mut(ctx);
                (bytes, data)
            }
            None => (&[], ctx.data_mut()),
        };
        Self { nodes, memory, data, instance, encoding, at: 0 }
    }

    fn node(&self, id: NodeId) -> Outcome<&'a Planned> {
        match self.nodes.get(id) {
            Some(planned) => Ok(planned),
            None => broken(),
        }
    }

    /// Appends bytes to the message.
    #[inline]
    pub(super) fn emit<const N: usize>(&mut self, bytes: [u8; N]) -> Outcome<()> {
        match self.data.outgoing().get_mut(self.at..).and_then(<[u8]>::first_chunk_mut) {
            Some(target) => {
                *target = bytes;
                self.at += N;
                Ok(())
            }
            None => {
                self.make_room(N as u64)?;
                self.emit(bytes)
            }
        }
    }

    /// Makes sure that so many more bytes fit.
    pub(super) fn make_room(&mut self, more: u64) -> Outcome<()> {
        let needed = more.saturating_add(self.at as u64);
        let room = self.data.outgoing().len();
        if needed <= room as u64 {
            return Ok(());
        }
        if let Ok(needed) = usize::try_from(needed)
            && self.data.grow_outgoing(needed)
            && self.data.outgoing().len() >= needed
        {
            return Ok(());
        }
        guest(format!("the message takes {needed} bytes or more, and {room} is the most"))
    }

    /// Appends bytes of memory, a range that was checked.
    fn emit_memory(&mut self, start: usize, len: usize) -> Outcome<()> {
        self.make_room(len as u64)?;
        let source = start.checked_add(len).and_then(|end| self.memory.get(start..end));
        let end = self.at.saturating_add(len);
        match (source, self.data.outgoing().get_mut(self.at..end)) {
            (Some(source), Some(target)) => {
                target.copy_from_slice(source);
                self.at = end;
                Ok(())
            }
            _ => broken(),
        }
    }

    /// Checks a range that the guest gave and returns where it starts.
    pub(super) fn range(&self, address: u32, bytes: u64, align: u32) -> Outcome<usize> {
        if !is_aligned(address, align) {
            return guest(format!("address {address:#x} is not a multiple of {align}"));
        }
        if u64::from(address).saturating_add(bytes) > self.memory.len() as u64 {
            let size = self.memory.len();
            return guest(format!(
                "{bytes} bytes at address {address:#x} are out of bounds of memory ({size} bytes)"
            ));
        }
        Ok(address as usize)
    }

    /// Lifts a value from cells.
    pub(super) fn flat(&mut self, id: NodeId, cells: &mut Cells<'_>) -> Outcome<()> {
        let planned = self.node(id)?;
        match &planned.node {
            Node::Scalar(kind) => self.scalar(*kind, next(cells)?),
            Node::Flags { words, last_mask } => {
                for left in (0..*words).rev() {
                    let word = next(cells)? as u32;
                    let word = if left == 0 { word & last_mask } else { word };
                    self.emit(word.to_le_bytes())?;
                }
                Ok(())
            }
            Node::Enum { cases, .. } => self.case(next(cells)? as u32, *cases).map(|_| ()),
            Node::String => {
                let (address, units) = (next(cells)? as u32, next(cells)? as u32);
                self.string(address, units)
            }
            Node::List(element) => {
                let (address, count) = (next(cells)? as u32, next(cells)? as u32);
                let (start, left) = self.list(*element, address, count)?;
                self.elements(*element, start, left)
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
                // All cases take the cells of the longest.
                let len = planned.flat.as_ref().map_or(0, |flat| flat.len());
                let Some((mut own, rest)) = cells.split_at_checked(len) else {
                    return broken();
                };
                *cells = rest;
                let number = self.case(next(&mut own)? as u32, cases.len() as u32)?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.flat(*payload, &mut own),
                    _ => Ok(()),
                }
            }
            Node::Own(resource) => self.own(*resource, next(cells)? as u32),
            Node::Borrow(resource) => self.borrow(*resource, next(cells)? as u32),
        }
    }

    /// Lifts a value from memory behind a pointer, checking the pointer.
    pub(super) fn indirect(&mut self, id: NodeId, address: u32) -> Outcome<()> {
        let layout = self.node(id)?.layout;
        let start = self.range(address, u64::from(layout.size), layout.align)?;
        self.load(id, start)
    }

    /// Lifts a value from memory; its range was checked.
    fn load(&mut self, id: NodeId, start: usize) -> Outcome<()> {
        let planned = self.node(id)?;
        let size = planned.layout.size;
        if planned.plain {
            return self.emit_memory(start, size as usize);
        }
        if let Some(moves) = &planned.moves {
            return self.moves(moves, start, 1);
        }
        match &planned.node {
            Node::Scalar(kind) => {
                let cell = match kind.size() {
                    8 => bytes_at(self.memory, start).map(u64::from_le_bytes),
                    size => number_at(self.memory, start, size).map(u64::from),
                };
                self.scalar(*kind, present(cell)?)
            }
            Node::Flags { words, last_mask } => {
                for word in 0..*words {
                    let bits = present(number_at(self.memory, start + 4 * word as usize, size))?;
                    let last = word + 1 == *words;
                    self.emit(if last { bits & last_mask } else { bits }.to_le_bytes())?;
                }
                Ok(())
            }
            Node::Enum { cases, size } => {
                let number = present(number_at(self.memory, start, *size))?;
                self.case(number, *cases).map(|_| ())
            }
            Node::String => {
                let (address, units) = self.pair(start)?;
                self.string(address, units)
            }
            Node::List(element) => {
                let (address, count) = self.pair(start)?;
                let (start, left) = self.list(*element, address, count)?;
                self.elements(*element, start, left)
            }
            Node::FixedList { element, count } => self.elements(*element, start, *count),
            Node::Record { steps, .. } => {
                for step in steps {
                    let start = start + step.offset as usize;
                    match step.action {
                        Action::Copy(len) => self.emit_memory(start, len as usize)?,
                        Action::Value(field) => self.load(field, start)?,
                    }
                }
                Ok(())
            }
            Node::Variant { size, payload_offset, cases } => {
                let number = present(number_at(self.memory, start, *size))?;
                let number = self.case(number, cases.len() as u32)?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.load(*payload, start + *payload_offset as usize),
                    _ => Ok(()),
                }
            }
            Node::Own(resource) => {
                let index = present(u32_at(self.memory, start))?;
                self.own(*resource, index)
            }
            Node::Borrow(resource) => {
                let index = present(u32_at(self.memory, start))?;
                self.borrow(*resource, index)
            }
        }
    }

    /// Two words of memory in a range that was checked.
    fn pair(&self, start: usize) -> Outcome<(u32, u32)> {
        Ok((present(u32_at(self.memory, start))?, present(u32_at(self.memory, start + 4))?))
    }

    #[inline]
    fn scalar(&mut self, kind: Scalar, cell: u64) -> Outcome<()> {
        match kind {
            Scalar::Bool => self.emit([u8::from(cell as u32 != 0)]),
            Scalar::U8 | Scalar::S8 => self.emit([cell as u8]),
            Scalar::U16 | Scalar::S16 => self.emit((cell as u16).to_le_bytes()),
            Scalar::Bits32 => self.emit((cell as u32).to_le_bytes()),
            Scalar::Bits64 => self.emit(cell.to_le_bytes()),
            Scalar::Char => match char::from_u32(cell as u32) {
                Some(letter) => self.emit(u32::from(letter).to_le_bytes()),
                None => bad_char(cell as u32),
            },
        }
    }

    /// Writes a case number.
    fn case(&mut self, number: u32, cases: u32) -> Outcome<u32> {
        self.emit(guest_case(number, cases)?.to_le_bytes())?;
        Ok(number)
    }

    /// Checks the range of a list and writes its count, and the elements if they are plain. Gives
    /// back where it starts and how many elements are left to lift: not lifted here, because one
    /// level of nesting then takes one stack frame less.
    fn list(&mut self, element: NodeId, address: u32, count: u32) -> Outcome<(usize, u32)> {
        let planned = self.node(element)?;
        let size = planned.layout.size;
        let bytes = u64::from(count) * u64::from(size);
        if bytes > u64::from(MAX_BYTES) {
            return guest(format!("a list of {count} elements takes {bytes} bytes, too many"));
        }
        let start = self.range(address, bytes, planned.layout.align)?;
        self.emit(count.to_le_bytes())?;
        if planned.plain {
            self.emit_memory(start, bytes as usize)?;
            return Ok((start, 0));
        }
        Ok((start, count))
    }

    /// Lifts values that follow each other in memory; their range was checked.
    fn elements(&mut self, element: NodeId, mut start: usize, count: u32) -> Outcome<()> {
        let planned = self.node(element)?;
        // Fails early rather than after half the list.
        self.make_room(u64::from(count) * u64::from(planned.wire_min))?;
        if let Some(moves) = &planned.moves {
            return self.moves(moves, start, count);
        }
        for _ in 0..count {
            self.load(element, start)?;
            start += planned.layout.size as usize;
        }
        Ok(())
    }

    /// Lifts values of fixed width; their range was checked.
    fn moves(&mut self, moves: &Moves, start: usize, count: u32) -> Outcome<()> {
        let width = u64::from(count) * u64::from(moves.width);
        self.make_room(width)?;
        let from =
            start..start.saturating_add((count as usize).saturating_mul(moves.size as usize));
        let to = self.at..self.at.saturating_add(width as usize);
        let at = to.end;
        let target = present(self.data.outgoing().get_mut(to))?;
        moves.lift(present(self.memory.get(from))?, target)?;
        self.at = at;
        Ok(())
    }

    /// Appends UTF-8 from memory, a range that was checked.
    pub(super) fn emit_utf8(&mut self, start: usize, len: usize) -> Outcome<()> {
        let text = start.checked_add(len).and_then(|end| self.memory.get(start..end));
        if let Err(error) = check_utf8(present(text)?) {
            return guest(format!("a string is not UTF-8: {error}"));
        }
        self.emit((len as u32).to_le_bytes())?;
        self.emit_memory(start, len)
    }

    fn own(&mut self, resource: ResourceId, index: u32) -> Outcome<()> {
        let rep = self.data.instance(self.instance).remove_own(resource, index)?;
        self.slot(resource, Passing::Own, rep)
    }

    fn borrow(&mut self, resource: ResourceId, index: u32) -> Outcome<()> {
        let rep = self.data.instance(self.instance).lend(resource, index)?;
        self.slot(resource, Passing::Borrow, rep)
    }

    fn slot(&mut self, resource: ResourceId, passing: Passing, rep: u32) -> Outcome<()> {
        match self.data.put_slot(resource, passing, rep) {
            Ok(slot) => self.emit(slot.to_le_bytes()),
            Err(reason) => guest(reason),
        }
    }
}

/// Unwraps what a check before made sure of.
#[inline]
pub(super) fn present<T>(value: Option<T>) -> Outcome<T> {
    match value {
        Some(value) => Ok(value),
        None => broken(),
    }
}

/// A case number that the guest gave.
pub(super) fn guest_case(number: u32, cases: u32) -> Outcome<u32> {
    if number < cases {
        Ok(number)
    } else {
        guest(format!("discriminant {number} is not below {cases}"))
    }
}

#[cold]
pub(super) fn bad_char<T>(code: u32) -> Outcome<T> {
    guest(format!("{code:#x} is not a Unicode scalar value"))
}
