//! `atoll:supervision/modules`: boot modules as kernel blobs.

use super::{Outcome, grants};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::atoll_supervision_modules;
use crate::objects::Object;
use alloc::string::String;

/// Most bytes in one read.
const MOST_READ: u32 = 60_000;

pub(super) fn call<G: Gate>(
    place: &mut Place<G>,
    function: atoll_supervision_modules::Function,
) -> Outcome {
    use atoll_supervision_modules::Function;
    match function {
        Function::ModuleOpen => open(place),
        Function::ModuleSize => {
            let blob = place.method_handle()?;
            let size = u64::from(place.gate.inspect(blob)?.extent);
            place.answer.put(|out| out.u64(size));
            Ok(())
        }
        Function::ModuleRead => {
            let (number, (offset, count)) =
                place.method(|input| Ok((input.u64()?, input.u32()?)))?;
            let blob = place.handle_of(number)?;
            let count = place.gate.read(blob, offset, count.min(MOST_READ) as usize)?;
            let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
            place.answer.put(|out| out.bytes(bytes));
            Ok(())
        }
    }
}

fn open<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let name = input.string()?;
    let name = String::from(name);
    let system = place.granted("atoll:supervision/modules")?;
    let payload = place.gate.send_payload();
    for (to, from) in payload.iter_mut().zip(name.as_bytes()) {
        *to = *from;
    }
    match place.gate.open_blob(system, name.len()) {
        Ok(blob) => {
            place.answer.case(0);
            place.give(Object::Module(blob));
        }
        Err(status) => grants::error(place, status, &name),
    }
    Ok(())
}
