//! The heap's logic: which addresses a request gets and which pages are committed for it.
//!
//! Small blocks come from size classes at the bottom of the heap range ([`small`]). Large ones
//! (linear memories, tables, big vectors) each have a reserved slot of address space ([`large`]),
//! in which they grow and shrink without moving and without a copy; their pages are zero when they
//! are new, and what a block grew by has pages once it is touched. Addresses depend on the order of
//! requests alone.
//!
//! Neighbours: `platform::heap` makes this the global allocator and is the only place that touches
//! the memory itself. Here everything is numbers behind [`Memory`], so it is tested on the host.

pub mod large;
pub mod small;

use atoll_gate::layout;
use large::Slots;
use small::Classes;

/// Requests of at least this many bytes get a slot of their own.
pub const LARGE: u64 = 64 * 1024;
/// Where the slots begin; small blocks lie below.
pub const SLOTS_BASE: u64 = layout::HEAP_BASE + (64 << 30);

/// The heap range as the logic sees it: pages that can be had and words that can be stored.
pub trait Memory {
    /// Backs pages of the heap range with zeroed frames; `false` if there are none left.
    fn commit(&mut self, address: u64, pages: u64) -> bool;
    /// Lets pages from `address` on be backed when they are touched, in place of the part that
    /// was reserved there; 0 pages forget it. `false` if there are too many parts.
    fn reserve(&mut self, address: u64, pages: u64) -> bool;
    /// Gives pages back, those that were reserved as far as they are there.
    fn release(&mut self, address: u64, pages: u64);
    /// Reads a word of a free block.
    fn load(&self, address: u64) -> u64;
    /// Writes a word into a free block.
    fn store(&mut self, address: u64, value: u64);
}

/// What a domain has allocated.
#[derive(Debug)]
pub struct Heap<M> {
    memory: M,
    small: Classes,
    large: Slots,
}

/// How a block was resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resized {
    /// It stays where it is.
    InPlace,
    /// It has to be moved: the caller allocates, copies and frees.
    Move,
    /// There is no memory for it; it is as it was.
    Failed,
}

impl<M: Memory> Heap<M> {
    /// An empty heap.
    pub const fn new(memory: M) -> Self {
        Self { memory, small: Classes::new(), large: Slots::new() }
    }

    /// The memory below.
    pub fn memory(&mut self) -> &mut M {
        &mut self.memory
    }

    /// Where memory is in use, from lowest to highest: start and end of each part.
    pub fn parts(&self) -> impl Iterator<Item = (u64, u64)> {
        core::iter::once(self.small.extent()).chain(self.large.extents())
    }

    /// Address of a new block of `size` bytes, aligned to `align`; `None` if there is no room.
    pub fn allocate(&mut self, size: u64, align: u64) -> Option<u64> {
        if size >= LARGE || align > layout::PAGE_SIZE {
            // Slots are scarce, memory need not be: without one, the classes serve large blocks too.
            if !self.large.is_full() {
                return self.large.allocate(&mut self.memory, size, align);
            }
        }
        self.small.allocate(&mut self.memory, size, align)
    }

    /// Whether the block's bytes beyond those ever given out are zero from the start.
    #[must_use]
    pub const fn is_zeroed(address: u64) -> bool {
        address >= SLOTS_BASE
    }

    /// Takes back a block that was allocated with this size and alignment.
    pub fn free(&mut self, address: u64, size: u64, align: u64) {
        if address >= SLOTS_BASE {
            self.large.free(&mut self.memory, address);
        } else {
            self.small.free(&mut self.memory, address, size, align);
        }
    }

    /// Changes a block's size where it is, if that can be done.
    pub fn resize(&mut self, address: u64, old: u64, new: u64, align: u64) -> Resized {
        if address < SLOTS_BASE {
            let same = new < LARGE && small::class_of(old, align) == small::class_of(new, align);
            return if same { Resized::InPlace } else { Resized::Move };
        }
        if new < LARGE {
            return Resized::Move;
        }
        if self.large.resize(&mut self.memory, address, new) {
            Resized::InPlace
        } else {
            Resized::Failed
        }
    }
}

#[cfg(test)]
mod tests;
