//! Capsules.

use super::{Arguments, Outcome};
use crate::capability::DomainId;
use crate::domain::Kernel;
use atoll_gate::call::rights;

pub(super) fn create(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    kernel.live(caller)?.0.handles.system(arguments.handle::<0>(), rights::CONTROL)?;
    Ok(u64::from(kernel.create_capsule(caller, arguments.raw::<1>())?.0))
}

pub(super) fn read(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let table = &kernel.live(caller)?.0.handles;
    let capsule = table.capsule(arguments.handle::<0>(), rights::READ)?;
    Ok(kernel.read_capsule(caller, capsule, arguments.raw::<1>())?)
}

pub(super) fn write(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let table = &kernel.live(caller)?.0.handles;
    let capsule = table.capsule(arguments.handle::<0>(), rights::WRITE)?;
    let (number, lengths) = (arguments.number::<1>()?, arguments.lengths::<2>()?);
    kernel.write_capsule(caller, capsule, number, lengths.payload as usize)?;
    Ok(0)
}
