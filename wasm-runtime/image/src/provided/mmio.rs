//! `atoll:device/mmio`. The gate's implementation checks each access against the mapped window.

use super::devices::{code, labelled};
use super::{Outcome, Trap};
use crate::Place;
use crate::gate::{Gate, Width, Window};
use crate::generated::atoll_device_mmio;
use crate::objects::{Hold, Object};
use alloc::format;

/// Most bytes in a block.
const MOST_BLOCK: u32 = 64_000;

pub(super) fn call<G: Gate>(
    place: &mut Place<G>,
    function: atoll_device_mmio::Function,
) -> Outcome {
    use atoll_device_mmio::Function;
    match function {
        Function::WindowOpen => open(place),
        Function::WindowLength => {
            let (number, ()) = place.method(|_| Ok(()))?;
            let window = window(place, number)?;
            let length = place.gate.window_length(window);
            place.answer.put(|out| out.u64(length));
            Ok(())
        }
        Function::WindowRead8 => read(place, Width::Byte),
        Function::WindowRead16 => read(place, Width::Word),
        Function::WindowRead32 => read(place, Width::Double),
        Function::WindowRead64 => read(place, Width::Quad),
        Function::WindowWrite8 => write(place, Width::Byte),
        Function::WindowWrite16 => write(place, Width::Word),
        Function::WindowWrite32 => write(place, Width::Double),
        Function::WindowWrite64 => write(place, Width::Quad),
        Function::WindowReadBlock => read_block(place),
        Function::WindowWriteBlock => write_block(place),
        Function::WindowMoveBlock => move_block(place),
    }
}

fn open<G: Gate>(place: &mut Place<G>) -> Outcome {
    let Some(handle) = labelled(place, "atoll:device/mmio")? else {
        place.answer.case(1);
        place.answer.case(code::NOT_GRANTED);
        return Ok(());
    };
    match place.gate.map_window(handle) {
        Ok(window) => {
            place.answer.case(0);
            place.give_held(Object::Window(window), Hold::Granted);
        }
        Err(_) => {
            place.answer.case(1);
            place.answer.case(code::OUT_OF_RESOURCES);
        }
    }
    Ok(())
}

fn window<G: Gate>(place: &Place<G>, number: u32) -> Result<Window, Trap> {
    match place.objects.get(number) {
        Some(Object::Window(window)) => Ok(*window),
        _ => Err("the window is gone".into()),
    }
}

fn outside(offset: u64, count: u64) -> Trap {
    Trap(format!("{count} bytes at offset {offset:#x} are outside the window or not aligned"))
}

fn read<G: Gate>(place: &mut Place<G>, width: Width) -> Outcome {
    let (number, offset) = place.method(|input| input.u64())?;
    let window = window(place, number)?;
    let value =
        place.gate.load(window, offset, width).ok_or_else(|| outside(offset, width as u64))?;
    place.answer.put(|out| match width {
        Width::Byte => out.u8(value as u8),
        Width::Word => out.u16(value as u16),
        Width::Double => out.u32(value as u32),
        Width::Quad => out.u64(value),
    });
    Ok(())
}

fn write<G: Gate>(place: &mut Place<G>, width: Width) -> Outcome {
    let (number, (offset, value)) = place.method(|input| {
        let offset = input.u64()?;
        let value = match width {
            Width::Byte => u64::from(input.u8()?),
            Width::Word => u64::from(input.u16()?),
            Width::Double => u64::from(input.u32()?),
            Width::Quad => input.u64()?,
        };
        Ok((offset, value))
    })?;
    let window = window(place, number)?;
    place.gate.store(window, offset, width, value).ok_or_else(|| outside(offset, width as u64))
}

fn read_block<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (offset, count)) = place.method(|input| Ok((input.u64()?, input.u32()?)))?;
    let window = window(place, number)?;
    if count > MOST_BLOCK {
        return Err(Trap(format!("a block has at most {MOST_BLOCK} bytes")));
    }
    let Place { gate, answer, .. } = place;
    let read = answer.put(|out| {
        out.u32(count);
        out.reserve(count as usize).and_then(|bytes| gate.load_block(window, offset, bytes))
    });
    read.ok_or_else(|| outside(offset, u64::from(count)))
}

fn write_block<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (offset, data)) = place.method(|input| Ok((input.u64()?, input.bytes()?)))?;
    let window = window(place, number)?;
    let stored = place.gate.store_block(window, offset, data.start, data.len());
    stored.ok_or_else(|| outside(offset, data.len() as u64))
}

fn move_block<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, (source, target, count)) =
        place.method(|input| Ok((input.u64()?, input.u64()?, input.u64()?)))?;
    let window = window(place, number)?;
    place
        .gate
        .move_block(window, source, target, count)
        .ok_or_else(|| outside(source.max(target), count))
}
