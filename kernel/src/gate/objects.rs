//! Endpoints, byte streams, events, blobs, and reading, writing and watching whatever can be.

use super::{Arguments, Outcome};
use crate::capability::{DomainId, Handle, Object};
use crate::domain::Kernel;
use atoll_gate::Status;
use atoll_gate::call::rights;

pub(super) fn create_endpoint(
    kernel: &mut Kernel,
    caller: DomainId,
    arguments: Arguments,
) -> Outcome {
    let of = arguments.handle::<0>();
    if of == Handle::NONE {
        return Ok(u64::from(kernel.create_endpoint(caller)?.0));
    }
    let table = &kernel.live(caller)?.0.handles;
    let of = table.endpoint(of, rights::SERVE)?;
    let server = table.domain(arguments.handle::<1>(), rights::CONTROL)?;
    Ok(u64::from(kernel.create_twin(caller, of, server)?.0))
}

pub(super) fn publish(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let (badge, lengths) = (arguments.number::<1>()?, arguments.lengths::<2>()?);
    let endpoint =
        kernel.live(caller)?.0.handles.endpoint(arguments.handle::<0>(), rights::SERVE)?;
    Ok(u64::from(kernel.publish(caller, endpoint, badge, lengths.payload as usize)?))
}

pub(super) fn describe(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let (table, handle) = (&kernel.live(caller)?.0.handles, arguments.handle::<0>());
    let endpoint = table.endpoint(handle, 0)?;
    let may_serve = table.endpoint(handle, rights::SERVE).is_ok();
    Ok(kernel.describe(caller, endpoint, may_serve, arguments.raw::<1>())?)
}

pub(super) fn create_pipe(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let (reader, writer) = kernel.create_pipe(caller, arguments.raw::<0>())?;
    Ok(u64::from(reader.0) | u64::from(writer.0) << 32)
}

pub(super) fn create_event(kernel: &mut Kernel, caller: DomainId, _: Arguments) -> Outcome {
    Ok(u64::from(kernel.create_event(caller)?.0))
}

pub(super) fn create_blob(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.live(caller)?.0.handles.system(arguments.handle::<0>(), rights::CONTROL)?;
    let name = arguments.lengths::<2>()?.payload as usize;
    Ok(u64::from(kernel.create_blob(caller, arguments.raw::<1>(), name)?.0))
}

/// The object that a handle names, if it has the right; `WrongKind` comes before `Denied`.
fn object(
    kernel: &Kernel,
    caller: DomainId,
    handle: Handle,
    right: u32,
    fits: fn(Object) -> bool,
) -> Result<Object, Status> {
    let entry = kernel.live(caller)?.0.handles.get(handle)?;
    if !fits(entry.object) {
        return Err(Status::WrongKind);
    }
    entry.require(right)?;
    Ok(entry.object)
}

const fn is_readable(object: Object) -> bool {
    matches!(
        object,
        Object::PipeReader(_) | Object::Blob(_) | Object::Domain(_) | Object::System | Object::Log
    )
}

pub(super) fn read(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let handle = arguments.handle::<0>();
    let (offset, most) = (arguments.raw::<1>(), arguments.raw::<2>());
    let bytes = match object(kernel, caller, handle, rights::READ, is_readable)? {
        Object::PipeReader(pipe) => kernel.read_pipe(caller, pipe, most)?,
        Object::Blob(blob) => kernel.read_blob(caller, blob, offset, most)?,
        other => kernel.read_records(caller, handle, other, offset, most)?,
    };
    Ok(bytes)
}

pub(super) fn write(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let len = arguments.lengths::<1>()?.payload as usize;
    let fits = |object| matches!(object, Object::PipeWriter(_) | Object::Blob(_) | Object::Log);
    match object(kernel, caller, arguments.handle::<0>(), rights::WRITE, fits)? {
        Object::PipeWriter(pipe) => Ok(kernel.write_pipe(caller, pipe, len)?),
        Object::Blob(blob) => Ok(kernel.fill_blob(caller, blob, len)?),
        _ => Ok(kernel.write_log(caller, len)?),
    }
}

pub(super) fn watch(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.watch(caller, arguments.handle::<0>(), arguments.raw::<1>())?;
    Ok(0)
}

pub(super) fn unwatch(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.unwatch(caller, arguments.handle::<0>())?;
    Ok(0)
}

pub(super) fn signal(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let fits =
        |object| matches!(object, Object::Event(_) | Object::Interrupt(_) | Object::Endpoint(_));
    match object(kernel, caller, arguments.handle::<0>(), rights::SIGNAL, fits)? {
        Object::Event(event) => match arguments.raw::<1>() {
            value @ (0 | 1) => Ok(kernel.signal_event(event, value == 1)?),
            _ => Err(Status::Invalid.into()),
        },
        Object::Interrupt(interrupt) => Ok(kernel.acknowledge(interrupt)?),
        Object::Endpoint(endpoint) => match arguments.raw::<1>() {
            value @ (0 | 1) => Ok(kernel.hold_calls(endpoint, value == 1)?),
            _ => Err(Status::Invalid.into()),
        },
        _ => Err(Status::WrongKind.into()),
    }
}
