//! `atoll:io/events` and `atoll:io/pipes`.

use super::Outcome;
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::{atoll_io_events, atoll_io_pipes};
use crate::objects::{Object, Sink};
use alloc::vec::Vec;
use atoll_gate::call::Status;

/// Largest capacity of a pipe.
const MOST_CAPACITY: u32 = 1 << 20;

pub(super) fn events<G: Gate>(
    place: &mut Place<G>,
    function: atoll_io_events::Function,
) -> Outcome {
    use atoll_io_events::Function;
    match function {
        Function::EventNew => {
            let event = place.gate.create_event()?;
            place.give(Object::Event(event));
        }
        Function::EventSet => {
            let event = place.method_handle()?;
            place.gate.signal(event, true)?;
        }
        Function::EventClear => {
            let event = place.method_handle()?;
            place.gate.signal(event, false)?;
        }
        Function::EventSubscribe => {
            let (number, ()) = place.method(|_| Ok(()))?;
            place.give_pollable_of(number);
        }
    }
    Ok(())
}

pub(super) fn pipes<G: Gate>(place: &mut Place<G>, function: atoll_io_pipes::Function) -> Outcome {
    let atoll_io_pipes::Function::Create = function;
    let capacity = place.input().u32()?;
    let made = match capacity {
        1..=MOST_CAPACITY => place.gate.create_pipe(capacity),
        _ => Err(Status::Invalid),
    };
    match made {
        Ok((reader, writer)) => {
            place.answer.case(0);
            place.give(Object::Input(Some(reader)));
            place.give(Object::Output(Sink::Pipe { handle: writer, rest: Vec::new(), permit: 0 }));
        }
        Err(status) => {
            place.answer.case(1);
            place.answer.case(match status {
                Status::Invalid => 0,
                Status::OutOfMemory => 1,
                _ => 2,
            });
        }
    }
    Ok(())
}
