//! `atoll:device/port-io` and `atoll:device/irq`.

use super::Outcome;
use crate::Place;
use crate::gate::{Calls, Gate, Width};
use crate::generated::{atoll_device_irq, atoll_device_port_io};
use crate::objects::{Hold, Object};
use alloc::format;

/// Case numbers of `atoll:device/types.error-code`.
pub(super) mod code {
    pub(in super::super) const NOT_GRANTED: u32 = 0;
    pub(in super::super) const NOT_PRESENT: u32 = 1;
    pub(in super::super) const OUT_OF_RESOURCES: u32 = 2;
}

/// The kernel handle that is granted under the label among the parameters.
pub(super) fn labelled<G: Gate>(
    place: &Place<G>,
    interface: &str,
) -> Result<Option<u32>, super::Trap> {
    let label = place.input().string()?;
    Ok(place.start.labelled(interface, label))
}

/// Opens a labelled grant: `result<own<R>, error-code>`.
fn open<G: Gate>(place: &mut Place<G>, interface: &str, object: fn(u32) -> Object) -> Outcome {
    match labelled(place, interface)? {
        Some(handle) => {
            place.answer.case(0);
            place.give_held(object(handle), Hold::Granted);
        }
        None => {
            place.answer.case(1);
            place.answer.case(code::NOT_GRANTED);
        }
    }
    Ok(())
}

pub(super) fn irq<G: Gate>(place: &mut Place<G>, function: atoll_device_irq::Function) -> Outcome {
    use atoll_device_irq::Function;
    match function {
        Function::InterruptOpen => {
            open(place, "atoll:device/irq", Object::Interrupt)?;
            if let Some(interrupt) = labelled(place, "atoll:device/irq")? {
                // Unmasks the line; nothing was raised before.
                place.gate.signal(interrupt, false)?;
            }
        }
        Function::InterruptSubscribe => {
            let (number, ()) = place.method(|_| Ok(()))?;
            place.give_pollable_of(number);
        }
        Function::InterruptAcknowledge => {
            let interrupt = place.method_handle()?;
            place.gate.signal(interrupt, false)?;
        }
    }
    Ok(())
}

pub(super) fn port_io<G: Gate>(
    place: &mut Place<G>,
    function: atoll_device_port_io::Function,
) -> Outcome {
    use atoll_device_port_io::Function;
    match function {
        Function::PortsOpen => open(place, "atoll:device/port-io", Object::Ports),
        Function::PortsCount => {
            let ports = place.method_handle()?;
            let count = place.gate.inspect(ports)?.extent;
            place.answer.put(|out| out.u32(count));
            Ok(())
        }
        Function::PortsRead8 => read(place, Width::Byte),
        Function::PortsRead16 => read(place, Width::Word),
        Function::PortsRead32 => read(place, Width::Double),
        Function::PortsWrite8 => write(place, Width::Byte),
        Function::PortsWrite16 => write(place, Width::Word),
        Function::PortsWrite32 => write(place, Width::Double),
    }
}

fn read<G: Gate>(place: &mut Place<G>, width: Width) -> Outcome {
    let (ports, offset) = place.method(|input| input.u16())?;
    let ports = place.handle_of(ports)?;
    let value =
        place.gate.port_read(ports, offset, width).map_err(|status| failed(offset, status))?;
    place.answer.put(|out| match width {
        Width::Byte => out.u8(value as u8),
        Width::Word => out.u16(value as u16),
        Width::Double | Width::Quad => out.u32(value as u32),
    });
    Ok(())
}

fn write<G: Gate>(place: &mut Place<G>, width: Width) -> Outcome {
    let (ports, (offset, value)) = place.method(|input| {
        let offset = input.u16()?;
        let value = match width {
            Width::Byte => u64::from(input.u8()?),
            Width::Word => u64::from(input.u16()?),
            Width::Double | Width::Quad => u64::from(input.u32()?),
        };
        Ok((offset, value))
    })?;
    let ports = place.handle_of(ports)?;
    place.gate.port_write(ports, offset, width, value).map_err(|status| failed(offset, status))?;
    Ok(())
}

fn failed(offset: u16, status: atoll_gate::Status) -> super::Trap {
    super::Trap(format!("port at offset {offset:#x}: {}", crate::gate::words(status)))
}
