//! The first domain and its successors.

use super::{Arguments, Outcome, Stop};
use crate::capability::DomainId;
use crate::domain::Kernel;
use atoll_gate::Status;
use atoll_gate::call::{ObjectKind, rights};

pub(super) fn adopt(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let kind = ObjectKind::from_raw(arguments.raw::<0>()).ok_or(Status::Invalid)?;
    Ok(u64::from(kernel.adopt(caller, kind, arguments.number::<1>()? as usize)?.0))
}

pub(super) fn settle(kernel: &mut Kernel, caller: DomainId, _: Arguments) -> Outcome {
    kernel.settle_estate(caller)?;
    Ok(0)
}

pub(super) fn create_successor(
    kernel: &mut Kernel,
    caller: DomainId,
    arguments: Arguments,
) -> Outcome {
    let table = &kernel.live(caller)?.0.handles;
    table.system(arguments.handle::<0>(), rights::CONTROL)?;
    let module = table.blob(arguments.handle::<1>(), rights::READ)?;
    Ok(u64::from(kernel.create_successor(caller, module)?.0))
}

pub(super) fn succeed(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let new = kernel.live(caller)?.0.handles.domain(arguments.handle::<0>(), rights::CONTROL)?;
    kernel.succeed(caller, new, arguments.raw::<1>(), arguments.raw::<2>()).map_err(Stop::from)?;
    Ok(0)
}
