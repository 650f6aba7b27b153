//! Replacing domains that serve.

use super::{Arguments, Outcome, Stop};
use crate::capability::{DomainId, Handle};
use crate::domain::{Couple, Kernel, Taking};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::PAYLOAD_OFFSET;

/// Most pairs in one set.
const MOST_COUPLES: usize = 64;
/// Bytes of a pair: two handles.
const COUPLE: usize = 8;

/// The domain that an argument controls.
fn controlled(kernel: &Kernel, caller: DomainId, handle: Handle) -> Result<DomainId, Status> {
    kernel.live(caller)?.0.handles.domain(handle, rights::CONTROL)
}

pub(super) fn quiesce(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let domain = controlled(kernel, caller, arguments.handle::<0>())?;
    let next = match arguments.raw::<1>() {
        0 => None,
        _ => Some(controlled(kernel, caller, arguments.handle::<1>())?),
    };
    kernel.quiesce(domain, next)?;
    kernel.lend_for_step(caller, domain);
    Ok(0)
}

pub(super) fn offer_memory(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    Ok(kernel.offer_memory(caller, arguments.raw::<0>(), arguments.raw::<1>())?)
}

pub(super) fn take_memory(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let Arguments([offer, offset, to, len, _]) = arguments;
    kernel.take_memory(caller, Taking { offer, offset, to, len })?;
    Ok(0)
}

pub(super) fn save_state(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    Ok(kernel.save_state(caller, arguments.lengths::<0>()?)?)
}

pub(super) fn freeze(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let status = Status::from_raw(arguments.raw::<0>()).ok_or(Status::Invalid)?;
    let words = arguments.lengths::<1>()?.payload as usize;
    if kernel.freeze(caller, status, words)? { Ok(0) } else { Err(Stop::Silent) }
}

pub(super) fn thaw(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let domain = controlled(kernel, caller, arguments.handle::<0>())?;
    kernel.thaw(domain)?;
    Ok(0)
}

pub(super) fn take_over(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let old = controlled(kernel, caller, arguments.handle::<0>())?;
    let new = controlled(kernel, caller, arguments.handle::<1>())?;
    kernel.take_over(old, new)?;
    kernel.lend_for_step(caller, new);
    Ok(0)
}

pub(super) fn set_heir(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let domain = controlled(kernel, caller, arguments.handle::<0>())?;
    let heir = controlled(kernel, caller, arguments.handle::<1>())?;
    kernel.set_heir(domain, heir)?;
    Ok(0)
}

pub(super) fn read_state(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    Ok(kernel.read_state(caller, arguments.raw::<0>(), arguments.raw::<1>())?)
}

/// Reads the pairs in the send payload.
fn couples(kernel: &Kernel, caller: DomainId, arguments: Arguments) -> Result<Vec<Couple>, Status> {
    let len = arguments.lengths::<0>()?.payload as usize;
    let mut bytes = [0; MOST_COUPLES * COUPLE];
    let bytes = bytes.get_mut(..len).filter(|bytes| bytes.len() % COUPLE == 0);
    let bytes = bytes.ok_or(Status::Invalid)?;
    kernel.live(caller)?.1.send.read(PAYLOAD_OFFSET, bytes).map_err(|_| Status::Invalid)?;
    let mut couples = Vec::new();
    couples.try_reserve_exact(len / COUPLE).map_err(|_| Status::OutOfMemory)?;
    for [a, b, c, d, e, f, g, h] in bytes.as_chunks::<COUPLE>().0.iter().copied() {
        let old = Handle(u32::from_le_bytes([a, b, c, d]));
        let new = Handle(u32::from_le_bytes([e, f, g, h]));
        couples.push((controlled(kernel, caller, old)?, controlled(kernel, caller, new)?));
    }
    Ok(couples)
}

pub(super) fn commit(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let couples = couples(kernel, caller, arguments)?;
    kernel.commit_swap(&couples)?;
    Ok(0)
}

pub(super) fn revert(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let couples = couples(kernel, caller, arguments)?;
    kernel.revert_swap(&couples)?;
    // Who takes itself back has nobody to tell it.
    if couples.iter().any(|(_, new)| *new == caller) { Err(Stop::Silent) } else { Ok(0) }
}
