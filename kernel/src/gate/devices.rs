//! Device objects.

use super::{Arguments, Outcome};
use crate::arch::Width;
use crate::capability::{DomainId, Object};
use crate::domain::Kernel;
use atoll_gate::Status;
use atoll_gate::call::{DeviceKind, SHARE, rights};

/// Bit that makes a port access a write.
const WRITE: u64 = 1 << 24;

pub(super) fn create(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let table = &mut kernel.domain_mut(caller)?.handles;
    table.system(arguments.handle::<0>(), rights::DEVICES)?;
    let share = arguments.raw::<1>() & SHARE != 0;
    let kind = DeviceKind::from_raw(arguments.raw::<1>() & !SHARE).ok_or(Status::Invalid)?;
    table.reserve(1)?;
    let (base, len) = (arguments.raw::<2>(), arguments.raw::<3>());
    let shared = if share { kernel.devices.find(kind, base, len) } else { None };
    let object = match (shared, kind) {
        (Some(object), _) => object,
        (None, DeviceKind::Interrupt) => kernel.devices.take_interrupt(base)?,
        (None, DeviceKind::Ports) => kernel.devices.take_ports(base, len)?,
        (None, DeviceKind::Window) => kernel.take_window(base, len)?,
    };
    let own = match object {
        Object::Interrupt(_) => rights::SIGNAL | rights::WATCH | rights::COPY,
        _ => rights::COPY,
    };
    Ok(u64::from(kernel.give(caller, object, own)?.0))
}

pub(super) fn map_window(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    Ok(kernel.map_window(caller, arguments.handle::<0>())?)
}

pub(super) fn port_access(kernel: &mut Kernel, caller: DomainId, arguments: Arguments) -> Outcome {
    let ports = kernel.live(caller)?.0.handles.ports(arguments.handle::<0>(), 0)?;
    let (access, value) = (arguments.raw::<1>(), arguments.raw::<2>());
    if access & !(WRITE | 0xff_ffff) != 0 {
        return Err(Status::Invalid.into());
    }
    let width = Width::from_bytes(access >> 16 & 0xff).ok_or(Status::Invalid)?;
    let write = if access & WRITE != 0 { Some(value as u32) } else { None };
    Ok(kernel.devices.access(ports, access as u16, width, write)?)
}
