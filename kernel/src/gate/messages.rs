//! Calls, replies and waiting.

use super::{Arguments, Outcome, Stop};
use crate::capability::{CallId, DomainId, Id};
use crate::domain::{Answer, Kernel, Request};
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::accept;

/// Reads the endpoint, the method and the lengths that `Call` and `Send` have in common.
#[inline]
fn request(kernel: &Kernel, caller: DomainId, arguments: Arguments) -> Result<Request, Status> {
    let endpoint =
        kernel.live(caller)?.0.handles.endpoint(arguments.handle::<0>(), rights::CALL)?;
    Ok(Request { endpoint, method: arguments.number::<1>()?, lengths: arguments.lengths::<2>()? })
}

pub(super) fn call(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    if kernel.meet_with_handles().is_none() {
        let request = request(kernel, caller, arguments)?;
        kernel.call(caller, request, arguments.raw::<3>())?;
    }
    Err(Stop::Silent)
}

pub(super) fn send(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let request = request(kernel, caller, arguments)?;
    Ok(kernel.send(caller, request)?.to_raw())
}

/// Reads what `Reply` and `ReplyWait` have in common.
#[inline]
fn answer(arguments: Arguments) -> Result<Answer, Status> {
    let call: CallId = Id::from_raw(arguments.raw::<0>()).ok_or(Status::Invalid)?;
    let status = Status::from_raw(arguments.raw::<1>()).ok_or(Status::Invalid)?;
    Ok(Answer { call, status, lengths: arguments.lengths::<2>()? })
}

pub(super) fn reply(kernel: &mut Kernel, server: DomainId, arguments: Arguments) -> Outcome {
    let caller = kernel.reply(server, answer(arguments)?)?;
    kernel.resume(caller);
    Ok(0)
}

pub(super) fn reply_wait(kernel: &mut Kernel, server: DomainId, arguments: Arguments) -> Outcome {
    if kernel.meet_with_handles().is_some() {
        return Err(Stop::Silent);
    }
    let mask = mask(arguments.raw::<3>())?;
    let caller = kernel.reply(server, answer(arguments)?)?;
    wait_for(kernel, server, mask, arguments.raw::<4>(), caller)
}

pub(super) fn wait(kernel: &mut Kernel, domain: DomainId, arguments: Arguments) -> Outcome {
    wait_for(kernel, domain, mask(arguments.raw::<0>())?, arguments.raw::<1>(), None)
}

#[inline]
fn mask(raw: u64) -> Result<u64, Status> {
    if raw & !accept::ALL == 0 { Ok(raw) } else { Err(Status::Invalid) }
}

#[inline]
fn wait_for(
    kernel: &mut Kernel,
    domain: DomainId,
    mask: u64,
    deadline: u64,
    resume: Option<DomainId>,
) -> Outcome {
    if kernel.wait(domain, mask, deadline, resume)? { Ok(0) } else { Err(Stop::Silent) }
}
