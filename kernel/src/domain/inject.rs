//! Faults on order: bits of a domain's memory that flip, gate calls that fail. Only in kernels that
//! are built for it, to see what the rest of the system does.

use super::{CPU, Kernel};
use crate::capability::DomainId;
use crate::memory::{VirtAddr, inject};
use atoll_gate::Status;

/// Stands for the next domain that is made, in an order for a gate call to fail.
const NEXT: u32 = 0;

/// Whose gate call is to fail.
#[derive(Debug, Default)]
enum Whose {
    #[default]
    Nobody,
    One(DomainId),
    /// That of a domain with a greater number.
    After(u32),
}

/// Which gate call is to fail, or failed.
#[derive(Debug, Default)]
pub(super) struct Faults {
    whose: Whose,
    /// How many succeed before.
    left: u64,
    status: Option<Status>,
    /// The number of the one that failed.
    failed: Option<u64>,
}

impl Kernel {
    fn numbered(&self, number: u32) -> Result<DomainId, Status> {
        let mut all = self.domains.iter();
        let found = all.find(|(_, domain)| domain.number == number && domain.body.is_some());
        found.map(|(id, _)| id).ok_or(Status::NotFound)
    }

    /// Flips a bit in one of the pages that only this domain sees and may write, which are counted
    /// round; gives its address.
    pub(crate) fn flip_bit(&mut self, number: u32, place: u64, bit: u32) -> Result<u64, Status> {
        let id = self.numbered(number)?;
        let domain = self.domain_mut(id)?;
        let space = &domain.body.as_ref().ok_or(Status::Closed)?.space;
        let place = place.checked_rem(space.private_pages()).ok_or(Status::NotFound)?;
        let page = space.private_page(place).ok_or(Status::NotFound)?;
        if space.is_copied_on_write(page) {
            domain.copy_page(page)?;
        }
        let body = domain.body.as_mut().ok_or(Status::Closed)?;
        body.space.flip(page, bit)?;
        Ok(address_of(page, bit))
    }

    /// Lets a gate call of this domain fail, or of the next one that is made if the number is 0,
    /// after `left` that do not.
    pub(crate) fn order_failure(
        &mut self,
        number: u32,
        left: u64,
        status: Status,
    ) -> Result<u64, Status> {
        let whose = match number {
            NEXT => Whose::After(self.newest),
            number => Whose::One(self.numbered(number)?),
        };
        self.faults = Faults { whose, left, status: Some(status), failed: None };
        Ok(0)
    }

    /// Forgets the order; the number of the call that failed, or 0 if it did not come to that.
    pub(crate) fn take_failure(&mut self) -> u64 {
        core::mem::take(&mut self.faults).failed.unwrap_or(0)
    }

    /// Answers the gate call that the running domain makes if it is the one that is to fail;
    /// whether it did.
    pub(crate) fn fails_on_order(&mut self) -> bool {
        let Some(running) = self.scheduler.current(CPU).filter(|id| self.is_meant(*id)) else {
            return false;
        };
        if let Some(left) = self.faults.left.checked_sub(1) {
            self.faults.left = left;
            return false;
        }
        let Ok((_, body)) = self.live(running) else { return false };
        let context = body.space.context();
        let number = context.call_number();
        context.set_result(self.faults.status.unwrap_or(Status::Invalid), 0);
        self.faults.status = None;
        self.faults.failed = Some(number);
        true
    }

    /// Whether an order that was not carried out yet means this domain.
    fn is_meant(&self, id: DomainId) -> bool {
        let Faults { ref whose, status: Some(_), .. } = self.faults else { return false };
        match *whose {
            Whose::Nobody => false,
            Whose::One(domain) => domain == id,
            Whose::After(number) => {
                self.domains.get(id).is_some_and(|domain| domain.number > number)
            }
        }
    }
}

const fn address_of(page: VirtAddr, bit: u32) -> u64 {
    page.raw() + (bit % inject::PAGE_BITS) as u64 / 8
}
