//! Writing to output streams.
//!
//! A pipe takes as many bytes as it has room for. `write` may not block and may not lose what it
//! was permitted, so what the pipe did not take waits in the stream and goes first next time; until
//! then `check-write` permits nothing. Text for the log is cut into lines.

use super::streams::Failure;
use super::{Trap, log};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::objects::{Object, Sink};
use alloc::format;
use alloc::vec::Vec;
use atoll_gate::call::Status;
use core::ops::Range;

/// Bytes that `check-write` permits.
const PERMIT: usize = 16 * 1024;
/// Bytes of a line after which it is written without its end.
const MOST_LINE: usize = 1024;

/// Writes bytes of the send payload to a pipe; how many it took.
fn to_pipe<G: Gate>(gate: &mut G, pipe: u32, range: Range<usize>) -> Result<usize, Failure> {
    let count = range.len();
    gate.send_payload().copy_within(range, 0);
    match gate.write(pipe, count) {
        Err(Status::WouldBlock) => Ok(0),
        other => Ok(other?),
    }
}

/// Gives the pipe what it did not take before; whether nothing is left.
pub(super) fn flush<G: Gate>(place: &mut Place<G>, number: u32) -> Result<bool, Failure> {
    let Place { gate, objects, .. } = place;
    match objects.get_mut(number) {
        Some(Object::Output(Sink::Pipe { handle, rest, .. })) => {
            if !rest.is_empty() {
                let payload = gate.send_payload();
                for (to, from) in payload.iter_mut().zip(rest.iter()) {
                    *to = *from;
                }
                let taken = to_pipe(gate, *handle, 0..rest.len())?;
                rest.drain(..taken.min(rest.len()));
            }
            Ok(rest.is_empty())
        }
        Some(Object::Output(_)) => Ok(true),
        _ => Err(Failure::Closed),
    }
}

/// Waits until the pipe may have room.
fn block<G: Gate>(place: &mut Place<G>, number: u32) -> Result<(), Failure> {
    if let Some(pipe) = place.objects.get(number).and_then(Object::handle) {
        place.block_on(pipe)?;
    }
    Ok(())
}

pub(super) fn blocking_flush<G: Gate>(place: &mut Place<G>, number: u32) -> Result<(), Failure> {
    while !flush(place, number)? {
        block(place, number)?;
    }
    Ok(())
}

/// How many bytes the next `write` may have.
pub(super) fn check_write<G: Gate>(place: &mut Place<G>, number: u32) -> Result<u64, Failure> {
    let flushed = flush(place, number)?;
    let Place { gate, objects, .. } = place;
    match objects.get_mut(number) {
        Some(Object::Output(Sink::Pipe { handle, permit, .. })) => {
            let open = flushed
                && match gate.write(*handle, 0) {
                    Ok(_) => true,
                    Err(Status::WouldBlock) => false,
                    Err(status) => return Err(status.into()),
                };
            *permit = if open { PERMIT } else { 0 };
            Ok(*permit as u64)
        }
        Some(Object::Output(Sink::Log { .. })) => Ok(PERMIT as u64),
        _ => Err(Failure::Closed),
    }
}

pub(super) fn blocking_check_write<G: Gate>(
    place: &mut Place<G>,
    number: u32,
) -> Result<u64, Failure> {
    loop {
        let permit = check_write(place, number)?;
        if permit > 0 {
            return Ok(permit);
        }
        block(place, number)?;
    }
}

/// Writes bytes of the send payload, as many as `check_write` permitted at most.
pub(super) fn permitted_write<G: Gate>(
    place: &mut Place<G>,
    number: u32,
    contents: Range<usize>,
) -> Result<Result<(), Failure>, Trap> {
    let permit = match place.objects.get(number) {
        Some(Object::Output(Sink::Pipe { permit, .. })) => *permit,
        _ => PERMIT,
    };
    if contents.len() > permit {
        return Err(Trap(format!(
            "a write of {} bytes where check-write permitted {permit}",
            contents.len()
        )));
    }
    Ok(write(place, number, contents))
}

/// Writes bytes of the send payload without blocking; what a pipe does not take waits.
pub(super) fn write<G: Gate>(
    place: &mut Place<G>,
    number: u32,
    contents: Range<usize>,
) -> Result<(), Failure> {
    let Place { gate, objects, .. } = place;
    match objects.get_mut(number) {
        Some(Object::Output(Sink::Pipe { handle, rest, permit })) => {
            *permit = 0;
            let count = contents.len();
            let taken = to_pipe(gate, *handle, contents)?;
            rest.extend_from_slice(gate.sent_payload().get(taken..count).unwrap_or_default());
            Ok(())
        }
        Some(Object::Output(Sink::Log { handle, level, line })) => {
            line.extend_from_slice(gate.sent_payload().get(contents).unwrap_or_default());
            to_log(gate, *handle, *level, line);
            Ok(())
        }
        _ => Err(Failure::Closed),
    }
}

/// Writes bytes of the send payload, at most a few thousand, and waits until all are taken.
pub(super) fn blocking_write<G: Gate>(
    place: &mut Place<G>,
    number: u32,
    contents: Range<usize>,
) -> Result<(), Failure> {
    let count = contents.len();
    // What waits goes first; it would overwrite the contents where they lie.
    let waits = matches!(place.objects.get(number), Some(Object::Output(Sink::Pipe { rest, .. })) if !rest.is_empty());
    if waits {
        let contents: Vec<u8> = place.gate.sent_payload().get(contents).unwrap_or_default().into();
        blocking_flush(place, number)?;
        for (to, from) in place.gate.send_payload().iter_mut().zip(contents) {
            *to = from;
        }
        write(place, number, 0..count)?;
    } else {
        write(place, number, contents)?;
    }
    blocking_flush(place, number)
}

/// Puts zeroes into the send payload.
pub(super) fn zeroes<G: Gate>(place: &mut Place<G>, len: u64) -> Result<Range<usize>, Trap> {
    let zeroes = usize::try_from(len).ok().and_then(|len| place.gate.send_payload().get_mut(..len));
    let zeroes =
        zeroes.ok_or_else(|| Trap(format!("{len} zeroes are more than check-write permits")))?;
    zeroes.fill(0);
    Ok(0..zeroes.len())
}

/// Copies what was read to the send payload.
pub(super) fn received_to_sent<G: Gate>(place: &mut Place<G>, count: usize) -> Range<usize> {
    place.gate.forward(count);
    0..count
}

/// Writes the whole lines of what was printed to the log.
fn to_log<G: Gate>(gate: &mut G, handle: Option<u32>, level: u8, line: &mut Vec<u8>) {
    let mut rest = line.as_slice();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (text, after) = match end {
            Some(end) => (rest.get(..end), rest.get(end + 1..)),
            None if rest.len() >= MOST_LINE => (rest.get(..MOST_LINE), rest.get(MOST_LINE..)),
            None => break,
        };
        if let (Some(log), Some(text)) = (handle, text.filter(|text| !text.is_empty())) {
            log::entry(gate, log, level, text);
        }
        rest = after.unwrap_or_default();
    }
    let kept = rest.len();
    line.drain(..line.len() - kept);
}

impl<G: Gate> Place<G> {
    /// Waits until an output stream that is about to be passed on has nothing left to give.
    pub(crate) fn drain(&mut self, number: u32) {
        if let Some(Object::Output(_)) = self.objects.get(number) {
            // A stream that is closed takes nothing; its new holder will see that.
            let _ = blocking_flush(self, number);
        }
    }
}
