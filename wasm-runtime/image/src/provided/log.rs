//! `atoll:log/log` and `atoll:log/source`, on the kernel's ring.

use super::Outcome;
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated::{atoll_log_log, atoll_log_source};
use crate::objects::{Object, Source};
use crate::wire;
use atoll_gate::call::Status;
use atoll_gate::record::{LogEntry, Record, name_str};
use core::ops::Range;

/// Most bytes of an entry's text.
const MOST_TEXT: usize = 1024;
/// Most bytes of records to read at once, so that their wire form, which is a little longer, fits
/// a message.
const MOST_READ: usize = 48 * 1024;

pub(super) fn log<G: Gate>(place: &mut Place<G>, function: atoll_log_log::Function) -> Outcome {
    let atoll_log_log::Function::Write = function;
    let mut input = place.input();
    let level = input.case(5)? as u8 + 1;
    let text = input.bytes()?;
    let log = place.granted("atoll:log/log")?;
    write_lines(&mut place.gate, log, level, text);
    Ok(())
}

/// Writes the lines of a text that lies in the send payload. Each is moved to the front for its
/// own gate call, over what was written before it.
fn write_lines<G: Gate>(gate: &mut G, log: u32, level: u8, text: Range<usize>) {
    let mut at = text.start;
    while at < text.end {
        let payload = gate.send_payload();
        let rest = payload.get(at..text.end).unwrap_or_default();
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let shown = core::str::from_utf8(rest.get(..line).unwrap_or_default())
            .map_or(0, |line| wire::cut(line, MOST_TEXT).len());
        if shown > 0 {
            payload.copy_within(at..at + shown, 1);
            if let Some(first) = payload.first_mut() {
                *first = level;
            }
            // A log that takes no entry has nobody to tell.
            let _ = gate.write(log, shown + 1);
        }
        at += line + 1;
    }
}

/// Writes one line of a standard stream as an entry.
pub(crate) fn entry<G: Gate>(gate: &mut G, log: u32, level: u8, line: &[u8]) {
    let text = wire::text(line);
    let text = wire::cut(&text, MOST_TEXT);
    let payload = gate.send_payload();
    if let Some((first, rest)) = payload.split_first_mut() {
        *first = level;
        for (to, from) in rest.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        let _ = gate.write(log, text.len() + 1);
    }
}

pub(super) fn source<G: Gate>(
    place: &mut Place<G>,
    function: atoll_log_source::Function,
) -> Outcome {
    match function {
        atoll_log_source::Function::Read => read(place),
        atoll_log_source::Function::Subscribe => {
            let log = place.granted("atoll:log/source")?;
            place.give(Object::Pollable(Source::Granted(log)));
            Ok(())
        }
    }
}

fn read<G: Gate>(place: &mut Place<G>) -> Outcome {
    let mut input = place.input();
    let (sequence, limit) = (input.u64()?, input.u32()?);
    let log = place.granted("atoll:log/source")?;
    let count = match place.gate.read(log, sequence, MOST_READ) {
        Ok(count) => count,
        Err(Status::WouldBlock) => 0,
        Err(status) => return Err(status.into()),
    };
    let mut records = place.gate.receive_payload().get(..count).unwrap_or_default();
    let mut entries = 0;
    place.answer.put(|out| {
        out.u32(0);
        while entries < limit {
            let Some(entry) = LogEntry::read(records) else { break };
            let end = LogEntry::LEN.saturating_add(entry.len as usize);
            let Some(text) = records.get(LogEntry::LEN..end) else { break };
            out.u64(entry.sequence);
            out.u64(entry.time_ns);
            out.u32(entry.domain);
            out.string(name_str(&entry.name));
            out.u32(u32::from(entry.level.saturating_sub(1)).min(4));
            out.string(core::str::from_utf8(text).unwrap_or("(not UTF-8)"));
            entries += 1;
            records = records.get(end..).unwrap_or_default();
        }
        out.patch(0, entries);
    });
    Ok(())
}
