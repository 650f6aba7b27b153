//! Parts of the heap range whose pages come into being when they are touched.
//!
//! A domain reserves them by `Reserve`: address space for a block that will grow. What it touches
//! there counts against its quota from then on. A touch outside of every reserved part is a fault
//! as anywhere else.

use alloc::vec::Vec;

use super::{Domain, Kernel, mapping_cost};
use crate::capability::DomainId;
use crate::interrupts::Fault;
use crate::memory::{PAGE_SIZE, VirtAddr, frames};
use atoll_gate::Status;

/// Most parts that a domain can reserve: one for each block that the domain image can have.
const PARTS: usize = 512;
/// Pages that a touch backs at once, aligned to their number: those of a page of Wasm memory.
const AROUND: u64 = 16;
/// Most bytes that one page takes, with a table of each level: less than the slack in
/// [`mapping_cost`], so that what there was room for can be touched to the last page.
const TOUCH: u64 = 4 * PAGE_SIZE;
/// The exception, and the bits of its error code that say that it was no missing page of data.
const PAGE_FAULT: u8 = 14;
const PRESENT_OR_FETCH: u64 = 1 << 0 | 1 << 4;

/// One part: its first page's address and its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    base: u64,
    pages: u64,
}

impl Part {
    const fn end(self) -> u64 {
        self.base.saturating_add(self.pages.saturating_mul(PAGE_SIZE))
    }

    const fn covers(self, base: u64, end: u64) -> bool {
        self.base <= base && end <= self.end()
    }
}

/// The parts that a domain has reserved.
#[derive(Debug, Default)]
pub struct Reserved {
    parts: Vec<Part>,
}

impl Reserved {
    /// Reserves a part, in place of the one that starts there; of no pages, it is forgotten.
    pub(crate) fn set(&mut self, base: u64, pages: u64) -> Result<(), Status> {
        let known = self.parts.iter().position(|part| part.base == base);
        match known {
            Some(index) if pages == 0 => {
                self.parts.swap_remove(index);
            }
            Some(index) => {
                if let Some(part) = self.parts.get_mut(index) {
                    part.pages = pages;
                }
            }
            None if pages == 0 => {}
            None if self.parts.len() >= PARTS => return Err(Status::QuotaExceeded),
            None => {
                self.parts.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
                self.parts.push(Part { base, pages });
            }
        }
        Ok(())
    }

    /// The same parts once more.
    pub(super) fn try_clone(&self) -> Result<Self, Status> {
        let mut parts = Vec::new();
        parts.try_reserve_exact(self.parts.len()).map_err(|_| Status::OutOfMemory)?;
        parts.extend_from_slice(&self.parts);
        Ok(Self { parts })
    }

    /// Whether a range is within one part.
    pub(crate) fn covers(&self, base: u64, pages: u64) -> bool {
        let end = base.saturating_add(pages.saturating_mul(PAGE_SIZE));
        self.parts.iter().any(|part| part.covers(base, end))
    }

    /// The pages to be backed for a touch of `page`.
    fn around(&self, page: u64) -> Option<(u64, u64)> {
        let part = self.parts.iter().find(|part| part.covers(page, page + PAGE_SIZE))?;
        let block = AROUND * PAGE_SIZE;
        let first = (page - page % block).max(part.base);
        let end = (page - page % block).saturating_add(block).min(part.end());
        Some((first, (end - first) / PAGE_SIZE))
    }
}

impl Domain {
    /// Fails unless so many pages can be had now.
    pub(crate) fn require_pages(&mut self, pages: u64) -> Result<(), Status> {
        self.require(mapping_cost(pages).ok_or(Status::QuotaExceeded)?)
    }

    /// Fails unless so many bytes are within the quota and free.
    fn require(&mut self, bytes: u64) -> Result<(), Status> {
        self.require_memory(bytes)?;
        let free = frames::statistics().free.saturating_mul(PAGE_SIZE);
        if bytes <= free { Ok(()) } else { Err(Status::OutOfMemory) }
    }
}

impl Kernel {
    /// Backs the page that a domain touched, if it has reserved it. `None` if it has not; an error
    /// if there is no memory for it.
    pub(crate) fn touched(&mut self, id: DomainId, fault: &Fault) -> Option<Result<(), Status>> {
        if fault.vector != PAGE_FAULT || fault.error & PRESENT_OR_FETCH != 0 {
            return None;
        }
        self.back(id, VirtAddr::new(fault.address - fault.address % PAGE_SIZE)?)
    }

    /// Backs a page that is not there, likewise.
    pub(super) fn back(&mut self, id: DomainId, page: VirtAddr) -> Option<Result<(), Status>> {
        let domain = self.domains.get_mut(id)?;
        let (first, pages) = domain.body.as_ref()?.reserved.around(page.raw())?;
        let (one, all) = (domain.require(TOUCH), domain.require_pages(pages));
        let body = domain.body.as_mut()?;
        if let Err(status) = one {
            return Some(Err(status));
        }
        let backed = body.space.fill(page, 1).map_err(Status::from);
        if let (Ok(()), Ok(()), Some(first)) = (backed, all, VirtAddr::new(first)) {
            // Its neighbours are a courtesy: what cannot be had now is touched again or never.
            let _ = body.space.fill(first, pages);
        }
        Some(backed)
    }
}

#[cfg(test)]
mod tests {
    use super::{PARTS, Reserved};
    use atoll_gate::Status;

    #[test]
    fn parts_are_replaced_and_forgotten() {
        let mut reserved = Reserved::default();
        assert_eq!(reserved.set(0x10_0000, 40), Ok(()));
        assert!(reserved.covers(0x10_0000, 40) && !reserved.covers(0x10_0000, 41));
        assert!(!reserved.covers(0xf_f000, 1));
        assert_eq!(reserved.set(0x10_0000, 20), Ok(()));
        assert!(!reserved.covers(0x10_0000, 40) && reserved.covers(0x11_3000, 1));
        assert_eq!(reserved.set(0x10_0000, 0), Ok(()));
        assert!(!reserved.covers(0x10_0000, 1));
        for part in 0..PARTS as u64 {
            assert_eq!(reserved.set(part << 20, 1), Ok(()));
        }
        assert_eq!(reserved.set(1 << 40, 1), Err(Status::QuotaExceeded));
        assert_eq!(reserved.set(0, 9), Ok(()), "one that is there can still grow");
    }

    #[test]
    fn a_touch_backs_the_pages_around_it_within_the_part() {
        let mut reserved = Reserved::default();
        assert_eq!(reserved.set(0x10_3000, 40), Ok(()));
        assert_eq!(reserved.around(0x10_5000), Some((0x10_3000, 13)));
        assert_eq!(reserved.around(0x11_5000), Some((0x11_0000, 16)));
        assert_eq!(reserved.around(0x12_a000), Some((0x12_0000, 11)));
        assert_eq!(reserved.around(0x12_b000), None);
        assert_eq!(reserved.around(0x10_2000), None);
    }
}
