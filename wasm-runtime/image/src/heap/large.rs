//! Large blocks: one reserved slot of address space each.
//!
//! A slot is [`SLOT_SIZE`] bytes of addresses, of which only the pages in use are committed. The
//! lowest free slot is taken first.

use super::{Memory, SLOTS_BASE};
use atoll_gate::layout::{HEAP_END, PAGE_SIZE};

/// Bytes of address space for one large block: a 4 GiB linear memory and the same again, because
/// vectors double.
pub const SLOT_SIZE: u64 = 8 << 30;
/// How many slots the heap range has.
pub const SLOTS: usize = ((HEAP_END - SLOTS_BASE) / SLOT_SIZE) as usize;

/// The slots: how many pages each has committed, 0 for a free one.
#[derive(Debug)]
pub struct Slots {
    pages: [u32; SLOTS],
    used: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}

impl Slots {
    /// All free.
    pub const fn new() -> Self {
        Self { pages: [0; SLOTS], used: 0 }
    }

    /// Whether no slot is left.
    pub const fn is_full(&self) -> bool {
        self.used == SLOTS
    }

    /// Takes a slot and commits `size` bytes of it; they are zero.
    pub fn allocate<M: Memory>(&mut self, memory: &mut M, size: u64, align: u64) -> Option<u64> {
        let pages = pages_for(size)?;
        if align > SLOT_SIZE {
            return None;
        }
        let free = self.pages.iter().position(|pages| *pages == 0)?;
        let address = SLOTS_BASE + free as u64 * SLOT_SIZE;
        if !memory.commit(address, u64::from(pages)) {
            return None;
        }
        *self.pages.get_mut(free)? = pages;
        self.used += 1;
        Some(address)
    }

    /// Frees a slot and releases its pages.
    pub fn free<M: Memory>(&mut self, memory: &mut M, address: u64) {
        if let Some(pages) = self.slot(address).filter(|pages| **pages != 0) {
            let committed = core::mem::take(pages);
            self.used -= 1;
            memory.release(address, u64::from(committed));
        }
    }

    /// Commits or releases pages at the end of a block; `false` if there are none to commit.
    pub fn resize<M: Memory>(&mut self, memory: &mut M, address: u64, size: u64) -> bool {
        let Some(wanted) = pages_for(size) else { return false };
        let Some(pages) = self.slot(address) else { return false };
        let committed = *pages;
        let end = |pages: u32| address + u64::from(pages) * PAGE_SIZE;
        if wanted > committed && !memory.commit(end(committed), u64::from(wanted - committed)) {
            return false;
        }
        *pages = wanted;
        if wanted < committed {
            memory.release(end(wanted), u64::from(committed - wanted));
        }
        true
    }

    fn slot(&mut self, address: u64) -> Option<&mut u32> {
        let index = address.checked_sub(SLOTS_BASE)? / SLOT_SIZE;
        self.pages.get_mut(usize::try_from(index).ok()?)
    }
}

/// Pages that hold `size` bytes, at least one; `None` if they do not fit a slot.
fn pages_for(size: u64) -> Option<u32> {
    if size > SLOT_SIZE {
        return None;
    }
    u32::try_from(size.div_ceil(PAGE_SIZE).max(1)).ok()
}
