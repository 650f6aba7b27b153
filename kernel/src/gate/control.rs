//! Time, domains and the machine.

use super::{Arguments, Outcome, Stop};
use crate::arch::power as machine;
use crate::capability::{DomainId, Object};
use crate::domain::{Ending, Kernel};
use atoll_gate::Status;
use atoll_gate::call::{Power, rights};
use atoll_gate::message::PAYLOAD_OFFSET;
use atoll_gate::record::Cause;
use atoll_gate::start::{DomainConfig, Reader};

/// Most bytes of a domain's configuration.
const MOST_CONFIG: usize = 256;
/// Rights of a control handle to a new domain.
pub(crate) const CONTROL_HANDLE: u32 =
    rights::CONTROL | rights::READ | rights::WATCH | rights::COPY;

pub(super) fn clock(kernel: &mut Kernel, _: DomainId, _: Arguments) -> Outcome {
    Ok(kernel.now)
}

pub(super) fn create_domain(
    kernel: &mut Kernel,
    caller: DomainId,
    arguments: Arguments,
) -> Outcome {
    let lengths = arguments.lengths::<2>()?;
    let (domain, body) = kernel.live(caller)?;
    domain.handles.system(arguments.handle::<0>(), rights::CONTROL)?;
    let module = domain.handles.blob(arguments.handle::<1>(), rights::READ)?;
    let mut bytes = [0; MOST_CONFIG];
    let payload = bytes.get_mut(..lengths.payload as usize).ok_or(Status::Invalid)?;
    body.send.read(PAYLOAD_OFFSET, payload).map_err(|_| Status::Invalid)?;
    let config = DomainConfig::read(&mut Reader::new(payload)).ok_or(Status::Invalid)?;
    kernel.domain_mut(caller)?.handles.reserve(1)?;
    let created = kernel.create_domain(&config, module)?;
    Ok(u64::from(kernel.give(caller, Object::Domain(created), CONTROL_HANDLE)?.0))
}

pub(super) fn snapshot(kernel: &mut Kernel, caller: DomainId, _: Arguments) -> Outcome {
    Ok(kernel.snapshot(caller)?)
}

pub(super) fn clone_domain(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let table = &mut kernel.domain_mut(caller)?.handles;
    let original = table.domain(arguments.handle::<0>(), rights::CONTROL)?;
    let standby = match arguments.raw::<1>() {
        standby @ 0..=1 => standby == 1,
        _ => return Err(Status::Invalid.into()),
    };
    table.reserve(1)?;
    let clone = kernel.clone_domain(original, standby)?;
    Ok(u64::from(kernel.give(caller, Object::Domain(clone), CONTROL_HANDLE)?.0))
}

pub(super) fn start_domain(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let lengths = arguments.lengths::<1>()?;
    let domain = kernel.live(caller)?.0.handles.domain(arguments.handle::<0>(), rights::CONTROL)?;
    kernel.start_domain(caller, domain, lengths)?;
    Ok(0)
}

pub(super) fn kill_domain(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let domain = kernel.live(caller)?.0.handles.domain(arguments.handle::<0>(), rights::CONTROL)?;
    kernel.forget_snapshot(domain);
    kernel.end(domain, Ending::new(Cause::Killed, 0));
    if domain == caller { Err(Stop::Silent) } else { Ok(0) }
}

pub(super) fn probe(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let domain = kernel.live(caller)?.0.handles.domain(arguments.handle::<0>(), rights::CONTROL)?;
    kernel.probe(domain, arguments.raw::<1>())?;
    Ok(0)
}

pub(super) fn answer_probe(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let status = Status::from_raw(arguments.raw::<1>()).ok_or(Status::Invalid)?;
    let words = arguments.lengths::<2>()?.payload as usize;
    kernel.answer_probe(caller, arguments.raw::<0>(), status, words)?;
    Ok(0)
}

pub(super) fn ready(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let len = arguments.lengths::<0>()?.payload as usize;
    kernel.leave_note(caller, arguments.number::<1>()? as usize, len)?;
    kernel.become_ready(caller);
    Ok(0)
}

pub(super) fn loaded(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let percent = arguments.number::<0>()?;
    if percent > 100 {
        return Err(Status::Invalid.into());
    }
    kernel.domain_mut(caller)?.loaded = percent;
    Ok(0)
}

pub(super) fn exit(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let cause = match u32::try_from(arguments.raw::<0>()).ok().and_then(Cause::from_raw) {
        None | Some(Cause::Faulted | Cause::Killed) => return Err(Status::Invalid.into()),
        Some(cause) => cause,
    };
    let lengths = arguments.lengths::<2>()?;
    let message = kernel.last_words(caller, lengths.payload as usize);
    kernel.end(caller, Ending { message, ..Ending::new(cause, arguments.raw::<1>()) });
    Err(Stop::Silent)
}

pub(super) fn open_blob(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.live(caller)?.0.handles.system(arguments.handle::<0>(), rights::CONTROL)?;
    let blob = kernel.find_blob(caller, arguments.lengths::<1>()?.payload as usize)?;
    Ok(u64::from(kernel.give(caller, Object::Blob(blob), rights::READ | rights::COPY)?.0))
}

pub(super) fn power(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.live(caller)?.0.handles.system(arguments.handle::<0>(), rights::POWER)?;
    match Power::from_raw(arguments.raw::<1>()).ok_or(Status::Invalid)? {
        Power::Off => machine::off(),
        Power::Reboot => machine::reboot(),
    }
    Err(Status::Unsupported.into())
}
