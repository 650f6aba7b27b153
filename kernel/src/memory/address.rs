//! Addresses as types: physical, virtual, and what page they are in.

use core::fmt;

/// Bytes in a page and in a frame.
pub const PAGE_SIZE: u64 = atoll_gate::layout::PAGE_SIZE;

/// The architecture's bound on physical addresses: 52 bits.
const PHYSICAL_LIMIT: u64 = 1 << 52;

/// An address in physical memory, below 2^52.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PhysAddr(u64);

impl PhysAddr {
    /// Checks that the processor can express the address.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        if raw < PHYSICAL_LIMIT { Some(Self(raw)) } else { None }
    }

    /// Drops the bits that no physical address has.
    #[must_use]
    pub const fn truncate(raw: u64) -> Self {
        Self(raw & (PHYSICAL_LIMIT - 1))
    }

    /// The address as a number.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Whether the address is the start of a page.
    #[must_use]
    pub const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(PAGE_SIZE)
    }

    /// The address `bytes` further on; `None` beyond the processor's bound.
    #[must_use]
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(raw) => Self::new(raw),
            None => None,
        }
    }
}

/// A canonical virtual address: bits 48 to 63 equal bit 47.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct VirtAddr(u64);

impl VirtAddr {
    /// Checks that the address is canonical.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        if ((raw << 16) as i64 >> 16) as u64 == raw { Some(Self(raw)) } else { None }
    }

    /// The address as a number.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Whether the address is the start of a page.
    #[must_use]
    pub const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(PAGE_SIZE)
    }

    /// Whether the address is in the half that belongs to a domain.
    #[must_use]
    pub const fn is_lower_half(self) -> bool {
        self.0 < 1 << 47
    }

    /// The address `bytes` further on; `None` if it leaves the canonical range.
    #[must_use]
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(raw) => Self::new(raw),
            None => None,
        }
    }

    /// The address `pages` pages further on; `None` if it leaves the canonical range.
    #[must_use]
    pub const fn checked_add_pages(self, pages: u64) -> Option<Self> {
        match pages.checked_mul(PAGE_SIZE) {
            Some(bytes) => self.checked_add(bytes),
            None => None,
        }
    }
}

impl fmt::Debug for PhysAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "phys {:#x}", self.0)
    }
}

impl fmt::Debug for VirtAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "virt {:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{PhysAddr, VirtAddr};

    #[test]
    fn addresses_outside_the_processors_range_are_refused() {
        assert!(PhysAddr::new(1 << 52).is_none());
        assert!(VirtAddr::new(0x0000_8000_0000_0000).is_none());
        assert!(VirtAddr::new(0xffff_7fff_ffff_ffff).is_none());
        assert!(VirtAddr::new(0xffff_8000_0000_0000).is_some());
        let last = VirtAddr::new(0x0000_7fff_ffff_f000).unwrap();
        assert!(last.checked_add_pages(1).is_none());
    }
}
