//! `wasi:io/poll` and `atoll:io/watch`.

use super::Outcome;
use crate::Place;
use crate::gate::Gate;
use crate::generated::{atoll_io_watch, wasi_io_poll};
use crate::wire::Malformed;
use alloc::vec::Vec;

pub(super) fn poll<G: Gate>(place: &mut Place<G>, function: wasi_io_poll::Function) -> Outcome {
    use wasi_io_poll::Function;
    match function {
        Function::PollableReady => {
            let (pollable, ()) = place.method(|_| Ok(()))?;
            let ready = !place.poll(&[pollable], false).is_empty();
            place.answer.put(|out| out.bool(ready));
        }
        Function::PollableBlock => {
            let (pollable, ()) = place.method(|_| Ok(()))?;
            place.poll(&[pollable], true);
        }
        Function::Poll => {
            let mut input = place.input();
            let count = input.u32()?;
            let slots = (0..count).map(|_| place.lent(input.u32()?).ok_or(Malformed));
            let pollables = slots.collect::<Result<Vec<_>, _>>()?;
            if pollables.is_empty() {
                return Err("polling an empty list would wait for ever".into());
            }
            let ready = place.poll(&pollables, true);
            place.answer.put(|out| {
                out.u32(ready.len() as u32);
                for index in ready {
                    out.u32(index);
                }
            });
        }
    }
    Ok(())
}

pub(super) fn watch<G: Gate>(place: &mut Place<G>, function: atoll_io_watch::Function) -> Outcome {
    use atoll_io_watch::Function;
    match function {
        Function::Watch => {
            let (pollable, token) = place.method(|input| input.u64())?;
            if place.handler.is_none() {
                return Err("the component exports no atoll:io/handler to be told by".into());
            }
            place.watch(pollable, token);
        }
        Function::Unwatch => {
            let (pollable, ()) = place.method(|_| Ok(()))?;
            place.unwatch(pollable);
        }
    }
    Ok(())
}
