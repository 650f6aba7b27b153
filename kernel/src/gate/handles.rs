//! Closing, duplicating, revoking and looking at handles.

use super::{Arguments, Outcome};
use crate::capability::DomainId;
use crate::domain::Kernel;
use atoll_gate::Status;
use atoll_gate::call::{REVOKE_ALL, rights};

pub(super) fn close(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.close(caller, arguments.handle::<0>())?;
    Ok(0)
}

pub(super) fn copy(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let keep = arguments.number::<1>()?;
    let table = &mut kernel.domain_mut(caller)?.handles;
    let duplicate = table.duplicate(arguments.handle::<0>(), keep)?;
    let handle = table.insert(crate::capability::Entry { note: 0, ..duplicate })?;
    kernel.hold(duplicate.object, duplicate.rights);
    Ok(u64::from(handle.0))
}

pub(super) fn revoke(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let endpoint =
        kernel.live(caller)?.0.handles.endpoint(arguments.handle::<0>(), rights::SERVE)?;
    let object = match arguments.raw::<1>() {
        REVOKE_ALL => None,
        raw => Some(u32::try_from(raw).map_err(|_| Status::Invalid)?),
    };
    Ok(kernel.revoke(endpoint, object))
}

pub(super) fn inspect(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let entry = kernel.live(caller)?.0.handles.get(arguments.handle::<0>())?;
    Ok(entry.object.kind() as u64
        | u64::from(entry.rights) << 8
        | kernel.extent(entry.object) << 32)
}
