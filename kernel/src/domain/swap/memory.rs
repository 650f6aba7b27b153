//! Memory that goes from an old domain to the new one as it is.
//!
//! The old one offers parts of its heap while it saves; once it is frozen they do not change any
//! more. The new one, told to take over, copies them into its own heap, a piece at a time, so that
//! the kernel is never busy for long. A part that was offered is the only thing that the new one
//! can read of the old one's memory.

use super::super::Kernel;
use crate::capability::DomainId;
use crate::memory::{PAGE_SIZE, VirtAddr};
use atoll_gate::Status;
use atoll_gate::layout::{HEAP_BASE, HEAP_END};
use atoll_gate::message::MAX_PAYLOAD;
use atoll_gate::record::Phase;

/// What an offer counts against its owner's quota.
const OFFER_COST: u64 = size_of::<Offer>() as u64;

/// A part of a domain's heap: an address and a number of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    address: u64,
    len: u64,
}

impl Offer {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }
}

/// Which bytes of an offer a domain wants, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taking {
    pub(crate) offer: u64,
    pub(crate) offset: u64,
    pub(crate) to: u64,
    pub(crate) len: u64,
}

/// The start of a range, if it is one of bytes in the heap.
fn in_heap(address: u64, len: u64) -> Result<VirtAddr, Status> {
    let end = address.checked_add(len).ok_or(Status::Invalid)?;
    if address < HEAP_BASE || end > HEAP_END {
        return Err(Status::Invalid);
    }
    VirtAddr::new(address).ok_or(Status::Invalid)
}

/// The pages that a range in the heap is in.
fn pages(start: VirtAddr, len: u64) -> impl Iterator<Item = VirtAddr> {
    let (first, end) = (start.raw() - start.raw() % PAGE_SIZE, start.raw().saturating_add(len));
    (first..end).step_by(PAGE_SIZE as usize).filter_map(VirtAddr::new)
}

impl Kernel {
    /// Adds a part of the heap of `id` to its saved state; gives the number of the offer.
    pub(crate) fn offer_memory(
        &mut self,
        id: DomainId,
        address: u64,
        len: u64,
    ) -> Result<u64, Status> {
        if !matches!(self.phase(id)?, Phase::Saving | Phase::Thawed) {
            return Err(Status::NotReady);
        }
        in_heap(address, len)?;
        let domain = self.domain_mut(id)?;
        domain.require_memory(OFFER_COST)?;
        let saved = &mut domain.swap.saved;
        saved.offers.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
        saved.offers.push(Offer { address, len });
        saved.charged = saved.charged.saturating_add(OFFER_COST);
        let number = saved.offers.len().saturating_sub(1) as u64;
        domain.charged = domain.charged.saturating_add(OFFER_COST);
        Ok(number)
    }

    /// Copies what was offered into the heap of `id`, which takes over from its owner. Both ranges
    /// are checked whole before a byte is written.
    pub(crate) fn take_memory(&mut self, id: DomainId, taking: Taking) -> Result<(), Status> {
        if self.phase(id)? != Phase::TakingOver {
            return Err(Status::NotReady);
        }
        let owner = self.partner(id).ok_or(Status::Closed)?;
        let from = self.offered(owner, taking)?;
        let to = in_heap(taking.to, taking.len)?;
        for page in pages(to, taking.len) {
            self.make_own(id, page)?;
        }
        let (source, target) = (&self.live(owner)?.1.space, &self.live(id)?.1.space);
        Ok(target.copy_from(to, source, from, taking.len)?)
    }

    /// Where the bytes are that somebody wants of an offer, if the domain has them.
    fn offered(&self, owner: DomainId, taking: Taking) -> Result<VirtAddr, Status> {
        let (domain, body) = self.live(owner)?;
        let offer = usize::try_from(taking.offer).ok();
        let offer = offer.and_then(|offer| domain.swap.saved.offers.get(offer));
        let offer = offer.ok_or(Status::Invalid)?;
        let end = taking.offset.checked_add(taking.len).ok_or(Status::Invalid)?;
        if end > offer.len || taking.len > MAX_PAYLOAD as u64 {
            return Err(Status::Invalid);
        }
        let start = offer.address.checked_add(taking.offset).ok_or(Status::Invalid)?;
        let start = in_heap(start, taking.len)?;
        let has =
            |page: VirtAddr| body.space.is_mapped(page) || body.reserved.covers(page.raw(), 1);
        if pages(start, taking.len).all(has) { Ok(start) } else { Err(Status::Invalid) }
    }

    /// Does for a page what would happen if its domain wrote to it.
    fn make_own(&mut self, id: DomainId, page: VirtAddr) -> Result<(), Status> {
        let made = if self.live(id)?.1.space.is_mapped(page) {
            self.separate(id, page)
        } else {
            self.back(id, page)
        };
        // What is neither reserved nor a snapshot's is the domain's own, or is refused when it is
        // written to.
        made.unwrap_or(Ok(()))
    }
}
