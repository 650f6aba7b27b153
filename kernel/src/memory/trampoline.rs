//! The pages that every address space has in its upper half: the template of the trampoline's
//! last-level page table.
//!
//! `arch` fills it once at boot with the entry and exit stubs, the interrupt table and each
//! processor's tables and emergency stacks. Every new address space copies it and adds its own
//! context page. Afterwards it never changes, so the copies stay equal.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::table::ENTRIES;

static TEMPLATE: [AtomicU64; ENTRIES] = [const { AtomicU64::new(0) }; ENTRIES];

/// The entries in order.
pub(super) fn template() -> impl Iterator<Item = u64> {
    TEMPLATE.iter().map(|entry| entry.load(Relaxed))
}

/// Maps a frame into the trampoline of all address spaces that are made from now on.
#[cfg(target_os = "none")]
pub(crate) fn set(index: usize, frame: super::PhysAddr, access: super::Access) {
    if let Some(entry) = TEMPLATE.get(index) {
        entry.store(frame.raw() | super::table::PRESENT | access.bits(), Relaxed);
    }
}
