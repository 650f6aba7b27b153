//! Calls of a server through the raw gate: what fails is a number and no trap.

use super::bindings::atoll::clocks::monotonic;
use super::bindings::atoll::testing::raw_gate::{self, Slot};
use crate::orders::{Server, Step};
use crate::{marked, sum};

/// Gate calls and slots, by their numbers in `atoll-gate`.
const CALL: u64 = 1;
const CLOSE: u64 = 6;
const MOVE: u32 = 1;
const LEND: u32 = 2;
/// Where a reply arrives, and in it status, number of slots, slots and their handles
/// (`layout::RECEIVE_AREA`, `message::Header`, `message::Slot`).
const RECEIVE_AREA: u64 = 0x0940_0000;
const STATUS: u64 = RECEIVE_AREA + 4;
const SLOT_COUNT: u64 = RECEIVE_AREA + 24;
const SLOTS: u64 = RECEIVE_AREA + 64;
const SLOT_SIZE: u64 = 16;
const HANDLE: u64 = 4;
/// Status of a call that was not answered in time, and of one that was not made for want of an
/// object.
const TIMED_OUT: u64 = 8;
const NOTHING_TO_PASS: u64 = u64::MAX;
/// How long an answer may take: longer than it takes to find and end a server that hangs, which
/// answers the call, too. What is later was lost.
const PATIENCE_NS: u64 = 200_000_000;

/// What a call came to: status of the gate call, of the reply, a number for its payload, handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    gate: u64,
    reply: u32,
    payload: u64,
    handles: u32,
}

impl Answer {
    /// Whether it did not come.
    pub(super) const fn is_late(self) -> bool {
        self.gate == TIMED_OUT
    }
}

/// The work of one server, under way.
pub(super) struct Work<'a> {
    server: &'a Server,
    endpoint: u32,
    run: u32,
    /// Handles of objects that were handed out, until they are passed on or dropped.
    objects: Vec<Option<u32>>,
    pub(super) answers: Vec<Answer>,
}

impl<'a> Work<'a> {
    /// Begins; `run` is a number that no other run has.
    pub(super) fn begin(server: &'a Server, endpoint: u32, run: u32) -> Self {
        Self { server, endpoint, run, objects: Vec::new(), answers: Vec::new() }
    }

    /// Does the steps up to one, that not included. Whoever has not answered one call is not asked
    /// again: each would take as long.
    pub(super) fn go_on_to(&mut self, step: usize) {
        let server = self.server;
        let done = self.answers.len();
        for step in server.steps.iter().take(step).skip(done) {
            if self.answers.last().is_some_and(|answer| answer.is_late()) {
                return;
            }
            let answer = self.step(step);
            self.answers.push(answer);
        }
    }

    /// Does the rest and lets go of all objects.
    pub(super) fn finish(mut self) -> Vec<Answer> {
        self.go_on_to(usize::MAX);
        for object in self.objects.iter().flatten() {
            close(*object);
        }
        self.answers
    }

    fn step(&mut self, step: &Step) -> Answer {
        match step {
            Step::Call { method, payload, objects } => {
                match objects.iter().map(|(object, lent)| self.passed(*object, *lent)).collect() {
                    Some(slots) => self.call(*method, &marked(payload, self.run), slots),
                    None => nothing(NOTHING_TO_PASS),
                }
            }
            Step::Drop(object) => match self.take(*object) {
                Some(handle) => nothing(close(handle)),
                None => nothing(NOTHING_TO_PASS),
            },
        }
    }

    fn take(&mut self, object: u32) -> Option<u32> {
        self.objects.get_mut(object as usize)?.take()
    }

    fn passed(&mut self, object: u32, lent: bool) -> Option<Slot> {
        let held = self.objects.get(object as usize).copied().flatten()?;
        let kind = if lent { LEND } else { MOVE };
        if !lent {
            self.take(object);
        }
        Some(Slot { kind, handle: held, object: 0, detail: 0 })
    }

    fn call(&mut self, method: u32, payload: &[u8], slots: Vec<Slot>) -> Answer {
        let lengths = payload.len() as u64 | (slots.len() as u64) << 32;
        let deadline = monotonic::now().saturating_add(PATIENCE_NS);
        let arguments = (self.endpoint.into(), method.into(), lengths, deadline, 0);
        let (status, _) = raw_gate::enter(CALL, arguments, payload, &slots);
        if status != 0 {
            // What was to move has not, and is nobody's now.
            for slot in slots.iter().filter(|slot| slot.kind == MOVE) {
                close(slot.handle);
            }
            return nothing(status);
        }
        let handles = number_at(SLOT_COUNT);
        let slots = (0..u64::from(handles)).map(|slot| SLOTS + slot * SLOT_SIZE);
        self.objects.extend(slots.map(|slot| Some(number_at(slot + HANDLE))));
        let payload = sum(&raw_gate::received());
        Answer { gate: status, reply: number_at(STATUS), payload, handles }
    }
}

const fn nothing(status: u64) -> Answer {
    Answer { gate: status, reply: 0, payload: 0, handles: 0 }
}

/// A number in this domain's memory.
fn number_at(address: u64) -> u32 {
    let byte = |at| raw_gate::peek(address + at);
    u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
}

fn close(handle: u32) -> u64 {
    raw_gate::enter(CLOSE, (handle.into(), 0, 0, 0, 0), &[], &[]).0
}
