//! `atoll:supervision/modules`: modules as kernel blobs.

use super::{Outcome, grants};
use crate::Place;
use crate::gate::{Calls, Gate, put_text};
use crate::generated::atoll_supervision_modules;
use crate::objects::Object;
use alloc::format;
use alloc::string::String;
use atoll_gate::blob::{MAX_NAME, MAX_SIZE};
use atoll_gate::call::Status;

/// Most bytes in one read or append.
const MOST: usize = 60_000;

pub(super) fn call<G: Gate>(
    place: &mut Place<G>,
    function: atoll_supervision_modules::Function,
) -> Outcome {
    use atoll_supervision_modules::Function;
    match function {
        Function::ModuleOpen => open(place),
        Function::ModuleCreate => create(place),
        Function::ModuleAppend => append(place),
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
            let count = place.gate.read(blob, offset, MOST.min(count as usize))?;
            let bytes = place.gate.receive_payload().get(..count).unwrap_or_default();
            place.answer.put(|out| out.bytes(bytes));
            Ok(())
        }
    }
}

fn open<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let name = String::from(input.string()?);
    let system = place.granted("atoll:supervision/modules")?;
    let len = put_text(place.gate.send_payload(), &name);
    match place.gate.open_blob(system, len) {
        Err(Status::NotReady) => grants::other(place, &format!("{name} is not complete")),
        opened => give(place, opened, &name),
    }
    Ok(())
}

fn create<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let (name, size) = (String::from(input.string()?), input.u64()?);
    input.end()?;
    let system = place.granted("atoll:supervision/modules")?;
    if name.is_empty() || name.len() > MAX_NAME {
        grants::invalid(place, &format!("the name of a module has 1 to {MAX_NAME} bytes"));
    } else if size == 0 || size > MAX_SIZE {
        grants::invalid(place, &format!("{name}: a module has 1 to {MAX_SIZE} bytes, not {size}"));
    } else {
        let len = put_text(place.gate.send_payload(), &name);
        let made = place.gate.create_blob(system, size, len);
        give(place, made, &name);
    }
    Ok(())
}

/// Writes a `result<module, error>`.
fn give<G: Gate>(place: &mut Place<G>, made: Result<u32, Status>, name: &str) {
    match made {
        Ok(blob) => {
            place.answer.case(0);
            place.give(Object::Module(blob));
        }
        Err(status) => grants::error(place, status, name),
    }
}

fn append<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let module = input.u32()?;
    let data = input.bytes()?;
    input.end()?;
    let len = data.len();
    let number = place.lent(module).ok_or(crate::wire::Malformed)?;
    let blob = place.handle_of(number)?;
    if len > MOST {
        grants::invalid(place, &format!("a module is given {MOST} bytes at once, not {len}"));
        return Ok(());
    }
    // The parameters are in the send area, too.
    place.gate.send_payload().copy_within(data, 0);
    match place.gate.write(blob, len) {
        Ok(_) => place.answer.case(0),
        Err(Status::Invalid) => grants::invalid(place, "the module lacks fewer bytes than that"),
        Err(status) => grants::error(place, status, "the module"),
    }
    Ok(())
}
