//! Large blocks: one reserved slot of address space each.
//!
//! A slot is [`SLOT_SIZE`] bytes of addresses. A new block is committed whole, so that there is
//! either memory for it or none. What a block grows by is only reserved: it comes into being when
//! it is touched, because vectors ask for twice what they need. The lowest free slot is taken
//! first.

use super::{Memory, SLOTS_BASE};
use atoll_gate::layout::{HEAP_END, PAGE_SIZE};

/// Bytes of address space for one large block: a 4 GiB linear memory and the same again, because
/// vectors double.
pub const SLOT_SIZE: u64 = 8 << 30;
/// How many slots the heap range has.
pub const SLOTS: usize = ((HEAP_END - SLOTS_BASE) / SLOT_SIZE) as usize;

/// One slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Pages of its block, 0 for a free one.
    pages: u32,
    /// Whether the block is a reserved part, of which pages may be missing.
    is_reserved: bool,
}

impl Slot {
    const FREE: Self = Self { pages: 0, is_reserved: false };
}

/// The slots.
#[derive(Debug)]
pub struct Slots {
    slots: [Slot; SLOTS],
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
        Self { slots: [Slot::FREE; SLOTS], used: 0 }
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
        let free = self.slots.iter().position(|slot| slot.pages == 0)?;
        let address = SLOTS_BASE + free as u64 * SLOT_SIZE;
        if !memory.commit(address, u64::from(pages)) {
            return None;
        }
        *self.slots.get_mut(free)? = Slot { pages, is_reserved: false };
        self.used += 1;
        Some(address)
    }

    /// Frees a slot and releases its pages.
    pub fn free<M: Memory>(&mut self, memory: &mut M, address: u64) {
        if let Some(slot) = self.slot(address).filter(|slot| slot.pages != 0) {
            let Slot { pages, is_reserved } = core::mem::replace(slot, Slot::FREE);
            self.used -= 1;
            memory.release(address, u64::from(pages));
            if is_reserved {
                memory.reserve(address, 0);
            }
        }
    }

    /// Reserves pages at the end of a block or releases them; `false` if it cannot be larger.
    pub fn resize<M: Memory>(&mut self, memory: &mut M, address: u64, size: u64) -> bool {
        let Some(wanted) = pages_for(size) else { return false };
        let Some(slot) = self.slot(address) else { return false };
        let pages = slot.pages;
        if wanted > pages && !memory.reserve(address, u64::from(wanted)) {
            return false;
        }
        slot.pages = wanted;
        slot.is_reserved |= wanted > pages;
        if wanted < pages {
            let end = address + u64::from(wanted) * PAGE_SIZE;
            memory.release(end, u64::from(pages - wanted));
            if slot.is_reserved {
                memory.reserve(address, u64::from(wanted));
            }
        }
        true
    }

    /// Start and end of each block.
    pub fn extents(&self) -> impl Iterator<Item = (u64, u64)> {
        let bases = (0..).map(|slot| SLOTS_BASE + slot * SLOT_SIZE);
        let slots = bases.zip(&self.slots).filter(|(_, slot)| slot.pages != 0);
        slots.map(|(base, slot)| (base, base + u64::from(slot.pages) * PAGE_SIZE))
    }

    fn slot(&mut self, address: u64) -> Option<&mut Slot> {
        let index = address.checked_sub(SLOTS_BASE)? / SLOT_SIZE;
        self.slots.get_mut(usize::try_from(index).ok()?)
    }
}

/// Pages that hold `size` bytes, at least one; `None` if they do not fit a slot.
fn pages_for(size: u64) -> Option<u32> {
    if size > SLOT_SIZE {
        return None;
    }
    u32::try_from(size.div_ceil(PAGE_SIZE).max(1)).ok()
}
