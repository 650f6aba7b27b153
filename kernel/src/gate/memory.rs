//! The domain's own heap.

use super::{Arguments, Outcome, Stop};
use crate::capability::DomainId;
use crate::domain::{Ending, Kernel, mapping_cost};
use crate::memory::{Access, MapError, PAGE_SIZE, VirtAddr};
use atoll_gate::Status;
use atoll_gate::layout::{HEAP_BASE, HEAP_END};
use atoll_gate::record::Cause;

/// Reads an address and a number of pages, all within the heap range.
fn range(arguments: Arguments) -> Result<(VirtAddr, u64), Status> {
    let (base, pages) = (arguments.raw::<0>(), arguments.raw::<1>());
    let len = pages.checked_mul(PAGE_SIZE).ok_or(Status::Invalid)?;
    let end = base.checked_add(len).ok_or(Status::Invalid)?;
    if base < HEAP_BASE || end > HEAP_END || !base.is_multiple_of(PAGE_SIZE) {
        return Err(Status::Invalid);
    }
    Ok((VirtAddr::new(base).ok_or(Status::Invalid)?, pages))
}

pub(super) fn commit(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let (base, pages) = range(arguments)?;
    let domain = kernel.domain_mut(caller)?;
    domain.require_memory(mapping_cost(pages).ok_or(Status::QuotaExceeded)?)?;
    let body = domain.body.as_mut().ok_or(Status::Closed)?;
    body.space.commit(base, pages, Access::ReadWrite).map_err(Status::from)?;
    Ok(0)
}

/// Within a reserved part, pages may be missing.
pub(super) fn release(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let (base, pages) = range(arguments)?;
    let body = kernel.domain_mut(caller)?.body.as_mut().ok_or(Status::Closed)?;
    let released = if body.reserved.covers(base.raw(), pages) {
        body.space.clear(base, pages)
    } else {
        body.space.release(base, pages)
    };
    match released {
        // Half of the range is gone, and the domain relies on all or nothing.
        Err(MapError::OutOfFrames) => {
            kernel.end(caller, Ending::new(Cause::OutOfMemory, PAGE_SIZE));
            Err(Stop::Silent)
        }
        released => Ok(released.map(|()| 0).map_err(Status::from)?),
    }
}

pub(super) fn reserve(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let (base, pages) = range(arguments)?;
    let body = kernel.domain_mut(caller)?.body.as_mut().ok_or(Status::Closed)?;
    body.reserved.set(base.raw(), pages)?;
    Ok(0)
}

pub(super) fn room(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.domain_mut(caller)?.require_pages(arguments.raw::<0>())?;
    Ok(0)
}
