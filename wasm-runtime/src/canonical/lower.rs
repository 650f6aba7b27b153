//! Lowering: from a message to a guest's cells and memory.
//!
//! Strings and lists need the guest's `realloc`, which may grow the memory, trap or answer
//! anything: memory is borrowed anew and every address checked after each call of it. Counts are
//! checked against the bytes that are left before anything is allocated for them.

use alloc::format;

use wasmi::{AsContextMut, Memory, StoreContextMut};

use super::{
    Options, Transfer,
    error::{Outcome, broken, guest, message},
    layout::{Layout, MAX_BYTES, is_aligned},
    place::{CellsMut, View, bad_allocation, put_cell, split_cells},
    plan::{Action, Node, NodeId, Nodes, Planned},
    wire::check_utf8,
};
use crate::resources::ScopeId;

/// A message being read, and the guest that gets the values.
pub(super) struct Lower<'a, 's, D> {
    nodes: &'a Nodes,
    ctx: StoreContextMut<'s, D>,
    pub(super) options: &'a Options,
    /// The guest's, if anything is to stand there.
    memory: Option<Memory>,
    scope: Option<ScopeId>,
    /// Bytes read.
    at: usize,
    /// The message was checked as a whole: text in it is UTF-8.
    checked: bool,
}

/// Memory that the guest gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allocation {
    pub(super) address: u32,
    /// The same, as an index.
    pub(super) start: usize,
}

impl<'a, 's, D: Transfer> Lower<'a, 's, D> {
    pub(super) fn new(
        nodes: &'a Nodes,
        ctx: StoreContextMut<'s, D>,
        options: &'a Options,
        needs_memory: bool,
    ) -> Self {
        let memory = options.memory.filter(|_| needs_memory);
        Self { nodes, ctx, options, memory, scope: None, at: 0, checked: false }
    }

    /// Says that the message was checked as a whole, and to which call borrows belong.
    pub(super) fn expect_checked(&mut self, scope: Option<ScopeId>) {
        self.checked = true;
        self.scope = scope;
    }

    pub(super) fn data(&mut self) -> &mut D {
        self.ctx.data_mut()
    }

    fn node(&self, id: NodeId) -> Outcome<&'a Planned> {
        match self.nodes.get(id) {
            Some(planned) => Ok(planned),
            None => broken(),
        }
    }

    /// Borrows memory and message until the guest runs again.
    pub(super) fn view(&mut self) -> View<'_, D> {
        let (memory, data) = match self.memory {
            Some(memory) => memory.data_and_store_mut(&mut self.ctx),
            None => (<&mut [u8]>::default(), self.ctx.data_mut()),
        };
        View {
            nodes: self.nodes,
            memory,
            data,
            instance: self.options.instance,
            scope: self.scope,
            at: &mut self.at,
        }
    }

    /// Asks the guest for memory.
    pub(super) fn allocate(&mut self, align: u32, bytes: u32) -> Outcome<Allocation> {
        self.reallocate(0, 0, align, bytes)
    }

    /// Asks the guest for more or less memory and checks its answer.
    pub(super) fn reallocate(
        &mut self,
        old: u32,
        old_bytes: u32,
        align: u32,
        bytes: u32,
    ) -> Outcome<Allocation> {
        let address = self.call_realloc(old, old_bytes, align, bytes)?;
        self.checked_range(address, bytes, align)
            .map_or_else(|| bad_allocation(address, bytes, align), Ok)
    }

    #[inline(always)]
    fn call_realloc(&mut self, old: u32, old_bytes: u32, align: u32, bytes: u32) -> Outcome<u32> {
        let Some(realloc) = self.options.realloc else { return broken() };
        let instance = self.options.instance;
        let state = self.data().instance(instance);
        let may_leave = core::mem::replace(&mut state.may_leave, false);
        let address = realloc.call(self.ctx.as_context_mut(), (old, old_bytes, align, bytes))?;
        self.data().instance(instance).may_leave = may_leave;
        Ok(address)
    }

    /// Copies bytes of the message, from `from` on, into memory of their own and returns the
    /// address.
    pub(super) fn place(&mut self, from: usize, bytes: u32, align: u32) -> Outcome<u32> {
        let address = self.call_realloc(0, 0, align, bytes)?;
        let Some(memory) = self.memory else { return broken() };
        let (memory, data) = memory.data_and_store_mut(&mut self.ctx);
        let source = data.incoming().get(from..).and_then(|left| left.get(..bytes as usize));
        let target = memory.get_mut(address as usize..);
        let target = target.and_then(|left| left.get_mut(..bytes as usize));
        match (source, target) {
            (Some(source), Some(target)) if is_aligned(address, align) => {
                target.copy_from_slice(source);
                Ok(address)
            }
            (None, _) => broken(),
            _ => bad_allocation(address, bytes, align),
        }
    }

    /// An address that lies in memory with all its bytes and is aligned.
    pub(super) fn checked_range(
        &mut self,
        address: u32,
        bytes: u32,
        align: u32,
    ) -> Option<Allocation> {
        let size = self.view().memory.len() as u64;
        let fits = u64::from(address).saturating_add(u64::from(bytes)) <= size;
        (fits && is_aligned(address, align))
            .then_some(Allocation { address, start: address as usize })
    }

    /// Takes a text of the message: where it starts and its bytes.
    pub(super) fn text(&mut self) -> Outcome<(usize, u32)> {
        let checked = self.checked;
        let mut view = self.view();
        let len = view.take_u32()?;
        let start = *view.at;
        let Some(end) = start.checked_add(len as usize) else { return broken() };
        let Some(bytes) = view.data.incoming().get(start..end) else {
            return message(format!("says {len} bytes of text where fewer follow"));
        };
        if !checked && let Err(error) = check_utf8(bytes) {
            return message(format!("has text that is not UTF-8: {error}"));
        }
        *view.at = end;
        if len > MAX_BYTES {
            return message(format!("has a string of {len} bytes, too many"));
        }
        Ok((start, len))
    }

    /// Lowers a value into cells.
    pub(super) fn flat(&mut self, id: NodeId, cells: &mut CellsMut<'_>) -> Outcome<()> {
        let planned = self.node(id)?;
        if planned.fixed {
            return self.view().flat(id, cells);
        }
        match &planned.node {
            Node::String => {
                let (address, units) = self.string()?;
                put_cell(cells, u64::from(address))?;
                put_cell(cells, u64::from(units))
            }
            Node::List(element) => {
                let (to, count, left) = self.list(*element)?;
                self.elements(*element, to.start, left)?;
                put_cell(cells, u64::from(to.address))?;
                put_cell(cells, u64::from(count))
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
                let number = self.view().take_case(cases.len() as u32)?;
                put_cell(&mut own, u64::from(number))?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.flat(*payload, &mut own),
                    _ => Ok(()),
                }
            }
            _ => broken(),
        }
    }

    /// Lowers a value into memory behind a pointer that the guest gave, checking the pointer.
    pub(super) fn indirect(&mut self, id: NodeId, address: u32) -> Outcome<()> {
        let layout = self.node(id)?.layout;
        match self.checked_range(address, layout.size, layout.align) {
            Some(to) => self.store(id, to.start),
            None => bad_pointer(address, layout),
        }
    }

    /// Lowers a value into memory of its own and returns the address.
    pub(super) fn spilled(&mut self, id: NodeId) -> Outcome<u32> {
        let layout = self.node(id)?.layout;
        let to = self.allocate(layout.align, layout.size)?;
        self.store(id, to.start)?;
        Ok(to.address)
    }

    /// Lowers a value into memory; its range was checked.
    fn store(&mut self, id: NodeId, start: usize) -> Outcome<()> {
        let planned = self.node(id)?;
        if planned.fixed {
            return self.view().store(id, start);
        }
        match &planned.node {
            Node::String => {
                let (address, units) = self.string()?;
                self.put_pair(start, address, units)
            }
            Node::List(element) => {
                let (to, count, left) = self.list(*element)?;
                self.elements(*element, to.start, left)?;
                self.put_pair(start, to.address, count)
            }
            Node::FixedList { element, count } => {
                let view = self.view();
                fits(planned, view.data.incoming().len().saturating_sub(*view.at))?;
                self.elements(*element, start, *count)
            }
            Node::Record { steps, .. } => {
                for step in steps {
                    let start = start + step.offset as usize;
                    match step.action {
                        Action::Copy(len) => self.view().copy(start, len as usize)?,
                        Action::Value(field) => self.store(field, start)?,
                    }
                }
                Ok(())
            }
            Node::Variant { size, payload_offset, cases } => {
                let mut view = self.view();
                let number = view.take_case(cases.len() as u32)?;
                view.put_number(start, *size, number)?;
                match cases.get(number as usize) {
                    Some(Some(payload)) => self.store(*payload, start + *payload_offset as usize),
                    _ => Ok(()),
                }
            }
            _ => broken(),
        }
    }

    /// Writes the error case of a result, without payload, behind a return pointer.
    pub(super) fn error_case(&mut self, record: NodeId, address: u32, case: u32) -> Outcome<()> {
        let layout = self.node(record)?.layout;
        let Node::Record { fields, .. } = &self.node(record)?.node else { return broken() };
        let [result] = &**fields else { return broken() };
        let Node::Variant { size, payload_offset, cases } = &self.node(*result)?.node else {
            return broken();
        };
        let [_, Some(error)] = &**cases else { return broken() };
        let (Node::Enum { size: inner, .. } | Node::Variant { size: inner, .. }) =
            &self.node(*error)?.node
        else {
            return broken();
        };
        let Some(to) = self.checked_range(address, layout.size, layout.align) else {
            return bad_pointer(address, layout);
        };
        let mut view = self.view();
        view.put_number(to.start, *size, 1)?;
        view.put_number(to.start + *payload_offset as usize, *inner, case)
    }

    /// Writes two words where a range was checked.
    pub(super) fn put_pair(&mut self, start: usize, address: u32, len: u32) -> Outcome<()> {
        let mut view = self.view();
        view.put_number(start, 4, address)?;
        view.put_number(start + 4, 4, len)
    }

    /// Takes a list's count and allocates it; lowers the elements if each has a fixed place. Gives
    /// back the place, the count and how many elements are left to lower.
    fn list(&mut self, element: NodeId) -> Outcome<(Allocation, u32, u32)> {
        let planned = self.node(element)?;
        let mut view = self.view();
        let count = view.take_u32()?;
        let left = view.data.incoming().len().saturating_sub(*view.at);
        let bytes = list_bytes(planned, count, left)?;
        let to = self.allocate(planned.layout.align, bytes)?;
        if planned.plain {
            self.view().copy(to.start, bytes as usize)?;
        } else if planned.fixed {
            self.view().elements(element, to.start, count)?;
        } else {
            return Ok((to, count, count));
        }
        Ok((to, count, 0))
    }

    /// Lowers values that follow each other in memory; their range was checked.
    fn elements(&mut self, element: NodeId, mut start: usize, count: u32) -> Outcome<()> {
        let size = self.node(element)?.layout.size as usize;
        for _ in 0..count {
            self.store(element, start)?;
            start += size;
        }
        Ok(())
    }

    /// Makes sure that the message ends where its last value does.
    pub(super) fn finish(&mut self) -> Outcome<()> {
        let read = self.at;
        at_end(self.data().incoming().len(), read)
    }
}

/// Bytes in memory of a list whose count came in a message with `left` more bytes.
pub(super) fn list_bytes(element: &Planned, count: u32, left: usize) -> Outcome<u32> {
    if u64::from(count) * u64::from(element.wire_min) > left as u64 {
        return message(format!("says {count} elements where {left} bytes follow"));
    }
    match count.checked_mul(element.layout.size) {
        Some(bytes) if bytes <= MAX_BYTES => Ok(bytes),
        _ => message(format!("has a list of {count} elements, too long for memory")),
    }
}

/// Makes sure that a value, whose count of parts came with its type, can be in `left` bytes.
pub(super) fn fits(planned: &Planned, left: usize) -> Outcome<()> {
    if planned.wire_min as usize > left { message("ends in the middle of a value") } else { Ok(()) }
}

pub(super) fn at_end(len: usize, read: usize) -> Outcome<()> {
    match len.checked_sub(read) {
        Some(0) => Ok(()),
        Some(more) => message(format!("goes on for {more} bytes after its last value")),
        None => broken(),
    }
}

#[cold]
fn bad_pointer(address: u32, Layout { size, align }: Layout) -> Outcome<()> {
    guest(format!(
        "the return pointer {address:#x} is misaligned or out of bounds ({size} bytes aligned to \
         {align})"
    ))
}
