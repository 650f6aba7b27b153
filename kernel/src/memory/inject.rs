//! Damage to a domain's memory, for kernels that are built to inject faults.
//!
//! Only pages that the domain has for itself and may write are touched: of those that it shares
//! with others, be it copy on write, it is given its own copy before.

use core::sync::atomic::{AtomicU8, Ordering};

use super::table::{COPY, ENTRIES, OWNED, PRESENT, Table, WRITABLE};
use super::{AddressSpace, MapError, VirtAddr, physical, table};

/// Bits in a page.
pub const PAGE_BITS: u32 = 8 * super::PAGE_SIZE as u32;

impl AddressSpace {
    /// How many pages there are that the domain may write and nobody else sees.
    #[must_use]
    pub fn private_pages(&self) -> u64 {
        let mut count = 0;
        self.each_private(&mut |_| {
            count += 1;
            false
        });
        count
    }

    /// One of them, by its place in the order of their addresses.
    #[must_use]
    pub fn private_page(&self, place: u64) -> Option<VirtAddr> {
        let (mut left, mut found) = (place, None);
        self.each_private(&mut |page| {
            if left == 0 {
                found = VirtAddr::new(page);
            }
            left = left.wrapping_sub(1);
            found.is_some()
        });
        found
    }

    /// Flips a bit of a page that is the space's own; `Missing` if it is not.
    pub fn flip(&mut self, page: VirtAddr, bit: u32) -> Result<(), MapError> {
        let own = self.entry(page).filter(|entry| entry & OWNED != 0 && entry & WRITABLE != 0);
        let frame = own.and_then(table::target).ok_or(MapError::Missing)?;
        let bit = bit % PAGE_BITS;
        let at = frame.checked_add(u64::from(bit / 8)).ok_or(MapError::Missing)?;
        let pointer = physical::pointer(at).cast::<AtomicU8>();
        // SAFETY: the frame is RAM that the space owns for as long as `self` lives, and the offset
        // is below a page's length. The domain, whose memory it is, does not run meanwhile, and
        // the kernel holds no references into pages of a domain's own.
        let byte = unsafe { &*pointer };
        byte.fetch_xor(1 << (bit % 8), Ordering::Relaxed);
        Ok(())
    }

    /// Tells of each such page, in the order of addresses, until it was told enough.
    fn each_private(&self, tell: &mut dyn FnMut(u64) -> bool) {
        each_in(self.root_table(), 4, 0, tell);
    }
}

fn each_in(table: Table, level: u32, base: u64, tell: &mut dyn FnMut(u64) -> bool) -> bool {
    // The upper half is the gate's.
    let most = if level == 4 { ENTRIES / 2 } else { ENTRIES };
    for (slot, entry) in table.places_with(PRESENT).take_while(|(slot, _)| *slot < most) {
        let address = base | (slot as u64) << (3 + 9 * level);
        let value = entry.get();
        let is_enough = match entry.target() {
            Some(next) if level > 1 => each_in(Table(next), level - 1, address, tell),
            Some(_) if value & COPY != 0 || value & OWNED != 0 && value & WRITABLE != 0 => {
                tell(address)
            }
            _ => false,
        };
        if is_enough {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::{AddressSpace, MapError, VirtAddr};
    use crate::memory::Isolation;

    fn address(raw: u64) -> VirtAddr {
        VirtAddr::new(raw).expect("canonical")
    }

    #[test]
    fn only_pages_that_the_domain_may_write_are_found_and_flipped() {
        let mut space = AddressSpace::new(Isolation::Kernel).expect("memory");
        space.commit(address(0x5000), 2, Access::ReadWrite).expect("memory");
        space.commit(address(0x9000), 1, Access::Read).expect("memory");
        assert_eq!(space.private_pages(), 2);
        assert_eq!(space.private_page(1), Some(address(0x6000)));
        assert_eq!(space.private_page(2), None);
        assert_eq!(space.flip(address(0x6000), 17), Ok(()));
        assert_eq!(space.flip(address(0x9000), 0), Err(MapError::Missing));
    }

    #[test]
    fn a_page_of_a_snapshot_is_flipped_in_a_copy_only() {
        let mut space = AddressSpace::new(Isolation::Kernel).expect("memory");
        space.commit(address(0x5000), 1, Access::ReadWrite).expect("memory");
        let snapshot = space.take_snapshot(&[]).expect("memory");
        assert_eq!(space.private_page(0), Some(address(0x5000)));
        assert_eq!(space.flip(address(0x5000), 3), Err(MapError::Missing));
        space.copy_page(address(0x5000)).expect("memory");
        assert_eq!(space.flip(address(0x5000), 3), Ok(()));
        let clone = AddressSpace::from_snapshot(&snapshot).expect("memory");
        let byte = |space: &AddressSpace| {
            let frame = space.entry(address(0x5000)).and_then(super::table::target);
            let pointer = super::physical::pointer(frame.expect("mapped"));
            // SAFETY: the frame is owned by `space` or its snapshot, which both live.
            unsafe { pointer.read() }
        };
        assert_eq!((byte(&space), byte(&clone)), (8, 0));
    }
}
