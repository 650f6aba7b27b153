//! `wasi:io/streams` and `wasi:io/error`: kernel pipes as WASI's streams.
//!
//! Reading is here, writing in [`super::output`]. An empty pipe is an empty list, a pipe whose
//! other end is gone is `closed`; any other refusal of the kernel is `last-operation-failed`.

use super::{Outcome, Trap, output};
use crate::Place;
use crate::gate::{Calls, Gate, words};
use crate::generated::{wasi_io_error, wasi_io_streams};
use crate::objects::{Object, Sink, Source};
use atoll_gate::call::Status;
use atoll_gate::message::MAX_PAYLOAD;

/// Most bytes in one read: what fits a result.
const MOST_READ: u64 = MAX_PAYLOAD as u64 - 64;
/// Most bytes that the blocking writes take at once, by the standard.
const MOST_BLOCKING: usize = 4096;

/// Why a stream did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The other end is gone.
    Closed,
    /// Something else.
    Failed(Status),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        if status == Status::Closed { Self::Closed } else { Self::Failed(status) }
    }
}

pub(super) fn error<G: Gate>(place: &mut Place<G>, function: wasi_io_error::Function) -> Outcome {
    let wasi_io_error::Function::ErrorToDebugString = function;
    let (number, ()) = place.method(|_| Ok(()))?;
    let text = match place.objects.get(number) {
        Some(Object::Error(text)) => *text,
        _ => return Err("the resource is gone".into()),
    };
    place.answer.put(|out| out.string(text));
    Ok(())
}

pub(super) fn call<G: Gate>(place: &mut Place<G>, function: wasi_io_streams::Function) -> Outcome {
    use wasi_io_streams::Function;
    match function {
        Function::InputStreamRead => input(place, false, bytes),
        Function::InputStreamBlockingRead => input(place, true, bytes),
        Function::InputStreamSkip => input(place, false, count),
        Function::InputStreamBlockingSkip => input(place, true, count),
        Function::InputStreamSubscribe | Function::OutputStreamSubscribe => subscribe(place),
        Function::OutputStreamCheckWrite => {
            let (number, ()) = place.method(|_| Ok(()))?;
            let permit = output::check_write(place, number);
            answer(place, permit, |place, permit| place.answer.put(|out| out.u64(permit)))
        }
        Function::OutputStreamWrite => {
            let (number, contents) = place.method(|input| input.bytes())?;
            let done = output::permitted_write(place, number, contents)?;
            answer(place, done, |_, ()| {})
        }
        Function::OutputStreamBlockingWriteAndFlush => {
            let (number, contents) = place.method(|input| input.bytes())?;
            if contents.len() > MOST_BLOCKING {
                return Err("blocking-write-and-flush takes at most 4096 bytes".into());
            }
            let done = output::blocking_write(place, number, contents);
            answer(place, done, |_, ()| {})
        }
        Function::OutputStreamFlush => {
            let (number, ()) = place.method(|_| Ok(()))?;
            let done = output::flush(place, number).map(drop);
            answer(place, done, |_, ()| {})
        }
        Function::OutputStreamBlockingFlush => {
            let (number, ()) = place.method(|_| Ok(()))?;
            let done = output::blocking_flush(place, number);
            answer(place, done, |_, ()| {})
        }
        Function::OutputStreamWriteZeroes => {
            let (number, len) = place.method(|input| input.u64())?;
            let zeroes = output::zeroes(place, len)?;
            let done = output::permitted_write(place, number, zeroes)?;
            answer(place, done, |_, ()| {})
        }
        Function::OutputStreamBlockingWriteZeroesAndFlush => {
            let (number, len) = place.method(|input| input.u64())?;
            if len > MOST_BLOCKING as u64 {
                return Err("blocking-write-zeroes-and-flush takes at most 4096 bytes".into());
            }
            let zeroes = output::zeroes(place, len)?;
            let done = output::blocking_write(place, number, zeroes);
            answer(place, done, |_, ()| {})
        }
        Function::OutputStreamSplice => splice(place, false),
        Function::OutputStreamBlockingSplice => splice(place, true),
    }
}

/// Writes a `result<T, stream-error>`.
fn answer<G: Gate, T>(
    place: &mut Place<G>,
    result: Result<T, Failure>,
    ok: impl FnOnce(&mut Place<G>, T),
) -> Outcome {
    match result {
        Ok(value) => {
            place.answer.case(0);
            ok(place, value);
        }
        Err(Failure::Closed) => {
            place.answer.case(1);
            place.answer.case(1);
        }
        Err(Failure::Failed(status)) => {
            place.answer.case(1);
            place.answer.case(0);
            place.give(Object::Error(words(status)));
        }
    }
    Ok(())
}

/// Reads at most `most` bytes into the receive payload; 0 when there are none now.
fn read<G: Gate>(place: &mut Place<G>, number: u32, most: u64) -> Result<usize, Failure> {
    let Some(Object::Input(Some(pipe))) = place.objects.get(number) else {
        return Err(Failure::Closed);
    };
    let pipe = *pipe;
    match place.gate.read(pipe, 0, most.min(MOST_READ) as usize) {
        Err(Status::WouldBlock) => Ok(0),
        other => Ok(other?),
    }
}

/// Reads at least one byte, however long that takes, unless none are asked for.
fn blocking_read<G: Gate>(place: &mut Place<G>, number: u32, most: u64) -> Result<usize, Failure> {
    loop {
        let count = read(place, number, most)?;
        if count > 0 || most == 0 {
            return Ok(count);
        }
        if let Some(Object::Input(Some(pipe))) = place.objects.get(number) {
            place.block_on(*pipe)?;
        }
    }
}

fn input<G: Gate>(place: &mut Place<G>, block: bool, ok: fn(&mut Place<G>, usize)) -> Outcome {
    let (number, most) = place.method(|input| input.u64())?;
    let read = if block { blocking_read(place, number, most) } else { read(place, number, most) };
    answer(place, read, ok)
}

fn bytes<G: Gate>(place: &mut Place<G>, count: usize) {
    let Place { gate, answer, .. } = place;
    answer.put(|out| out.bytes(gate.receive_payload().get(..count).unwrap_or_default()));
}

fn count<G: Gate>(place: &mut Place<G>, count: usize) {
    place.answer.put(|out| out.u64(count as u64));
}

fn subscribe<G: Gate>(place: &mut Place<G>) -> Outcome {
    let (number, ()) = place.method(|_| Ok(()))?;
    match place.objects.get(number) {
        Some(Object::Input(Some(_)) | Object::Output(Sink::Pipe { .. })) => {
            place.give_pollable_of(number)
        }
        _ => place.give(Object::Pollable(Source::Always)),
    }
    Ok(())
}

fn splice<G: Gate>(place: &mut Place<G>, block: bool) -> Outcome {
    let (target, (source, len)) = place.method(|input| Ok((input.u32()?, input.u64()?)))?;
    let source = place.lent(source).ok_or(Trap("the source is gone".into()))?;
    let moved = splice_once(place, target, source, len, block);
    answer(place, moved, |place, count| place.answer.put(|out| out.u64(count)))
}

fn splice_once<G: Gate>(
    place: &mut Place<G>,
    target: u32,
    source: u32,
    len: u64,
    block: bool,
) -> Result<u64, Failure> {
    let permit = if block && len > 0 {
        output::blocking_check_write(place, target)?
    } else {
        output::check_write(place, target)?
    };
    let most = permit.min(len);
    let count =
        if block { blocking_read(place, source, most)? } else { read(place, source, most)? };
    let range = output::received_to_sent(place, count);
    output::write(place, target, range)?;
    Ok(count as u64)
}
