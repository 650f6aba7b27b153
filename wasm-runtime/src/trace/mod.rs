//! The trace of a domain: which calls of Wasm functions are in progress.
//!
//! The interpreter has no backtraces, so guests keep their own: before a core module is
//! translated it is rewritten ([`rewrite`]) to note the site of each call, in instructions that
//! the guest's own code can neither read nor disturb. All core instances of a domain share one
//! memory and one cursor, so frames are in order across modules and across component instances.
//! A *site* is the byte offset of an instruction in the component's binary as its author sees it.
//! After a trap [`Trace::take`] reads the sites; [`Backtrace::describe`] finds functions and names
//! in the binary, which no one looks at before.
//!
//! Layout of the memory: the cell of the trap, which `unreachable` fills in, and then the slots,
//! one for each call in progress, the outermost first. The cursor is the address of the first free
//! slot. Code that was not rewritten is missing in the trace; it never breaks it.

mod backtrace;
mod body;
mod imports;
mod names;
mod rewrite;
mod scan;

use wasmi::{AsContextMut, Error, Global, Memory, MemoryType, Mutability, Val};

pub use self::{
    backtrace::{Backtrace, Frame, Function},
    imports::{Added, AddedImports},
    rewrite::{Rewritten, rewrite},
};
pub(crate) use self::{
    body::{leading_number, number},
    rewrite::{changes_tables, section},
    scan::Strange,
};
use crate::limits::{MAX_NESTED_CALLS, RuntimeLimits};

/// Address of the cell that `unreachable` fills in.
const TRAP_CELL: u32 = 0;
/// Address of the first slot.
const FIRST_SLOT: u32 = 4;
/// Bytes of a slot.
const SLOT: u32 = 4;
/// Bytes of a page.
const PAGE: u64 = 1 << 16;

/// Memory and cursor of a domain's trace.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    memory: Memory,
    cursor: Global,
}

impl Trace {
    /// Makes an empty trace that has a slot for every call that the limits allow: Wasm code that
    /// is called through the runtime begins with a fresh allowance of depth, and an allocator may
    /// run on top of all.
    ///
    /// # Errors
    /// The store has no room for it.
    pub fn new(mut store: impl AsContextMut, limits: &RuntimeLimits) -> Result<Self, Error> {
        let levels = u64::from(MAX_NESTED_CALLS) + 2;
        let slots = (u64::from(limits.call_depth) + 2) * levels;
        let bytes = u64::from(FIRST_SLOT) + slots * u64::from(SLOT);
        let pages = u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(u32::MAX);
        let memory = Memory::new(&mut store, MemoryType::new(pages, Some(pages)))?;
        let first = Val::I32(FIRST_SLOT.cast_signed());
        let cursor = Global::new(&mut store, first, Mutability::Var);
        Ok(Self { memory, cursor })
    }

    /// Takes the sites of a trap: empties the trace. A `fault` is a trap of an instruction that
    /// keeps no record of itself.
    pub fn take(&self, mut store: impl AsContextMut, fault: bool) -> Backtrace {
        let Val::I32(cursor) = self.cursor.get(&store) else { return Backtrace::default() };
        let (mut slots, mut cell) = ([0; 0].as_slice(), 0);
        let bytes = self.memory.data(store.as_context());
        if let Some((first, rest)) = bytes.split_first_chunk() {
            let used = cursor.cast_unsigned().saturating_sub(FIRST_SLOT) as usize;
            (slots, cell) = (rest.get(..used).unwrap_or_default(), u32::from_le_bytes(*first));
        }
        let backtrace = Backtrace::new(cell, slots, fault);
        if let Some(first) = self.memory.data_mut(store.as_context_mut()).first_chunk_mut() {
            *first = [0; 4];
        }
        let _ = self.cursor.set(&mut store, Val::I32(FIRST_SLOT.cast_signed()));
        backtrace
    }
}
