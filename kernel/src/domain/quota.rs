//! What counts against a domain's memory limit.
//!
//! Its page tables, context, heap, stack and image data (the address space counts those, and the snapshot
//! that the domain uses whole), its two message areas, and bytes that the kernel keeps on its behalf (`Domain::charged`).

use super::{Body, Domain, Kernel};
use crate::capability::DomainId;
use crate::memory::PAGE_SIZE;
use atoll_gate::Status;

impl Body {
    /// Bytes of memory that the body takes.
    pub(super) fn size(&self) -> u64 {
        let areas = self.send.owned_frames() + self.receive.owned_frames();
        (self.space.frame_count() + areas) as u64 * PAGE_SIZE
    }
}

impl Domain {
    /// Bytes of memory that the domain has.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.body.as_ref().map_or(0, Body::size).saturating_add(self.charged)
    }

    /// Fails unless `bytes` more stay within the limit. A snapshot that only this domain uses is
    /// given up sooner.
    pub(crate) fn require_memory(&mut self, bytes: u64) -> Result<(), Status> {
        if self.fits(bytes) || self.give_up_snapshot() && self.fits(bytes) {
            Ok(())
        } else {
            Err(Status::QuotaExceeded)
        }
    }

    fn fits(&self, bytes: u64) -> bool {
        self.memory().checked_add(bytes).is_some_and(|total| total <= self.memory_limit)
    }

    /// Counts `bytes` that the kernel keeps for the domain, within the limit.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Status> {
        self.require_memory(bytes)?;
        self.charged = self.charged.saturating_add(bytes);
        Ok(())
    }
}

impl Kernel {
    /// Takes back a charge, if the domain still exists.
    pub(crate) fn refund(&mut self, domain: DomainId, bytes: u64) {
        if let Some(domain) = self.domains.get_mut(domain) {
            domain.charged = domain.charged.saturating_sub(bytes);
        }
    }
}

/// Bytes that mapping `pages` may take at most, page tables included.
pub(crate) const fn mapping_cost(pages: u64) -> Option<u64> {
    // A table of each level at either end, and one for each 512 pages between.
    match pages.checked_add(pages / 512 + 6) {
        Some(frames) => frames.checked_mul(PAGE_SIZE),
        None => None,
    }
}
