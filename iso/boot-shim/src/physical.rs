//! Physical memory as slices.
//!
//! The first 4 GiB are identity mapped, writable, until the kernel is entered. Nothing else runs,
//! so what the loader left stays as it is unless the shim writes it, and a block that the memory
//! map handed out belongs to whoever asked.

use crate::Problem;
use atoll_boot_shim::map::{Kind, Map};

/// End of the identity map.
pub(crate) const LIMIT: u64 = 1 << 32;

/// Bytes that the firmware or the loader left at an address.
///
/// # Safety
/// They must not be written for as long as the slice is used: in particular they must not lie in
/// memory that the map calls usable when a [`Block`] is allocated.
pub(crate) unsafe fn left_by_loader(address: u64, len: u64) -> Result<&'static [u8], Problem> {
    let end = address.checked_add(len);
    if address == 0 || end.is_none_or(|end| end > LIMIT) {
        return Err(Problem::new("the loader names an address that cannot be", ""));
    }
    // SAFETY: not null, and inside the identity map; that nobody writes it is the caller's word.
    Ok(unsafe { core::slice::from_raw_parts(address as *const u8, len as usize) })
}

/// Zeroed memory of its own.
#[derive(Debug)]
pub(crate) struct Block {
    base: u64,
    len: usize,
}

impl Block {
    /// Takes whole pages from the map.
    pub(crate) fn allocate(map: &mut Map, len: u64, kind: Kind) -> Result<Self, Problem> {
        let base = map.allocate(len, LIMIT, kind)?;
        let mut block = Self { base, len: len as usize };
        block.bytes().fill(0);
        Ok(block)
    }

    /// Its physical address.
    pub(crate) const fn base(&self) -> u64 {
        self.base
    }

    /// Its contents.
    pub(crate) const fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the map handed the range out once and as usable memory, so nothing else refers
        // to it; it lies below the limit and so in the identity map; `&mut self` is the only way
        // to it.
        unsafe { core::slice::from_raw_parts_mut(self.base as *mut u8, self.len) }
    }

    /// Its contents in words; the base is page aligned.
    pub(crate) const fn words(&mut self) -> &mut [u64] {
        // SAFETY: as in `bytes`; a page boundary is aligned for words, and the length is rounded
        // down to whole ones.
        unsafe { core::slice::from_raw_parts_mut(self.base as *mut u64, self.len / 8) }
    }
}
