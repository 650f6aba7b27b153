//! `atoll:lifecycle/capsule`: what the kernel keeps for the server.

use super::{Outcome, Trap};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::atoll_lifecycle_capsule::Function;
use crate::wire::Input;
use atoll_gate::call::Status;
use atoll_gate::capsule::{MAX_RECORD, NUMBERS, ROOM};

/// Numbers of the cases of `error`.
const FULL: u32 = 0;
const TOO_LONG: u32 = 1;

pub(super) fn call<G: Gate>(place: &mut Place<G>, function: Function) -> Outcome {
    let capsule = place.granted("atoll:lifecycle/capsule")?;
    match function {
        Function::Write => write(place, capsule),
        Function::Read => read(place, capsule),
        Function::Records => numbers(place, capsule),
        Function::Used => room(place, capsule, 0),
        Function::Limit => room(place, capsule, 8),
    }
}

fn write<G: Gate>(place: &mut Place<G>, capsule: u32) -> Outcome {
    let mut input = place.input();
    let (record, data) = (input.u32()?, input.bytes()?);
    input.end()?;
    let len = data.len();
    let refused = if len > MAX_RECORD {
        Some(TOO_LONG)
    } else {
        place.gate.send_payload().copy_within(data, 0);
        match place.gate.write_capsule(capsule, record, len) {
            Ok(()) => None,
            Err(Status::QuotaExceeded | Status::OutOfMemory) => Some(FULL),
            Err(status) => return Err(status.into()),
        }
    };
    place.answer.case(u32::from(refused.is_some()));
    if let Some(case) = refused {
        place.answer.case(case);
    }
    Ok(())
}

fn read<G: Gate>(place: &mut Place<G>, capsule: u32) -> Outcome {
    let mut input = place.input();
    let record = input.u32()?;
    input.end()?;
    let len = match place.gate.read_capsule(capsule, record.into()) {
        Ok(len) => len,
        Err(Status::NotFound) => {
            place.answer.case(0);
            return Ok(());
        }
        Err(status) => return Err(status.into()),
    };
    place.answer.case(1);
    let Place { gate, answer, .. } = place;
    answer.put(|out| out.bytes(gate.receive_payload().get(..len).unwrap_or_default()));
    Ok(())
}

/// All numbers: a capsule cannot have more records than fit a message.
fn numbers<G: Gate>(place: &mut Place<G>, capsule: u32) -> Outcome {
    let len = place.gate.read_capsule(capsule, NUMBERS)?;
    let Place { gate, answer, .. } = place;
    let numbers = gate.receive_payload().get(..len).unwrap_or_default().as_chunks::<4>().0;
    answer.put(|out| {
        out.u32(numbers.len() as u32);
        numbers.iter().for_each(|number| out.u32(u32::from_le_bytes(*number)));
    });
    Ok(())
}

/// One of the two numbers that the kernel tells of a capsule's room.
fn room<G: Gate>(place: &mut Place<G>, capsule: u32, at: usize) -> Outcome {
    let len = place.gate.read_capsule(capsule, ROOM)?;
    let bytes = place.gate.receive_payload().get(at..len).unwrap_or_default();
    let number = Input::new(bytes).u64().map_err(|_| Trap::from("the kernel told no room"))?;
    place.answer.put(|out| out.u64(number));
    Ok(())
}
