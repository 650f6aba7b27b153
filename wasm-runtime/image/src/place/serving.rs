//! The calls that a server serves: which one runs, the reply that is due, the wait for the next.
//!
//! A reply and the wait for the next event are one gate call, so a reply stays due until the
//! server waits, or until something else is to be done first. Events other than calls are only
//! noted here; what they ask of the component is done when the loop settles (`serve`).

use super::services::Caller;
use super::{Minted, Place};
use crate::gate::{Calls, Gate};
use alloc::string::String;
use atoll_gate::call::{NO_DEADLINE, Status};
use atoll_gate::message::{EventKind, Lengths, accept};

/// Events that a server waits for. It sends no call without waiting, so no reply can come.
const ACCEPTED: u64 = accept::CALLS | accept::NOTIFICATIONS;

/// A call that came: numbers of the export and of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) export: u32,
    pub(crate) method: u32,
}

/// A reply that is due.
#[derive(Clone, Copy, Debug)]
struct Reply {
    id: u64,
    status: Status,
    lengths: Lengths,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Serving {
    /// Id of the call that runs.
    id: u64,
    /// By which service it came; none when something else runs.
    pub(super) caller: Caller,
    due: Option<Reply>,
    /// What the kernel asked for.
    asked: Option<Asked>,
}

/// What the kernel asks for between two calls, one thing at a time.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// To give the state up; whether to a version with the same layout.
    Quiesce(bool),
    /// To answer this probe.
    Probe(u64),
}

/// What the component is to be told before its next call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    /// The last holder of its object is gone.
    Dropped(Minted),
    /// A watch with this token came true.
    Ready(u64),
    /// Another version takes over; whether it has the same layout.
    Quiesce(bool),
    /// Somebody asks, by this number, whether it works.
    Probe(u64),
}

impl<G: Gate> Place<G> {
    /// Waits for an event and takes it in; the call, if it is one. The reply that is due goes out
    /// first.
    #[inline]
    pub(crate) fn next_call(&mut self) -> Option<Incoming> {
        if !self.next_event() {
            return None;
        }
        let header = self.gate.header();
        match EventKind::from_raw(header.event) {
            Some(EventKind::Call) => {
                self.message_arrived(&header);
                self.serving.id = header.id;
                let (caller, export) = Caller::of(header.badge);
                self.serving.caller = caller;
                return Some(Incoming { export, method: self.method_of(export, header.method) });
            }
            Some(EventKind::Notification) => self.watches.notified(header.id as u32),
            Some(EventKind::Drop) => self.last_holder_dropped(header.id as u32),
            Some(EventKind::Quiesce) => {
                let note = self.gate.receive_payload().get(..header.payload_len as usize);
                let is_alike = self.layout.is_some() && self.layout.as_deref() == note;
                self.serving.asked = Some(Asked::Quiesce(is_alike));
            }
            Some(EventKind::Probe) => self.serving.asked = Some(Asked::Probe(header.id)),
            Some(EventKind::Reply | EventKind::TakeOver | EventKind::Inherit) | None => {}
        }
        None
    }

    /// Ends the call that runs: the result, of which so many bytes stand in the send area, or that
    /// it was refused, is now due.
    ///
    /// # Errors
    /// A handle of the result cannot be sent.
    #[inline]
    pub(crate) fn end_call(&mut self, result: Option<usize>) -> Result<(), String> {
        self.call_ended();
        let (status, lengths) = match result {
            Some(payload) => {
                let slots = self.send_slots()?;
                (Status::Ok, Lengths { payload: payload as u32, slots })
            }
            None => (Status::Refused, Lengths::default()),
        };
        self.serving.due = Some(Reply { id: self.serving.id, status, lengths });
        Ok(())
    }

    /// Takes what is to be done before the next wait, if anything is. The reply that is due goes
    /// out before that.
    #[inline]
    pub(crate) fn next_pending(&mut self) -> Option<Pending> {
        if self.is_settled() { None } else { self.take_pending() }
    }

    fn take_pending(&mut self) -> Option<Pending> {
        self.answer_now();
        self.serving.caller = Caller::default();
        if let Some(minted) = self.next_dropped() {
            return Some(Pending::Dropped(minted));
        }
        if let Some(token) = self.watches.pop() {
            return Some(Pending::Ready(token));
        }
        self.serving.asked.take().map(|asked| match asked {
            Asked::Quiesce(is_alike) => Pending::Quiesce(is_alike),
            Asked::Probe(number) => Pending::Probe(number),
        })
    }

    /// Whether there is nothing to be done before the next wait.
    #[inline]
    fn is_settled(&mut self) -> bool {
        if self.watches.deadline().is_some() {
            let now = self.gate.clock();
            self.watches.passed(now);
        }
        self.dropped.is_empty() && !self.watches.has_ready() && self.serving.asked.is_none()
    }

    /// Sends the reply that is due.
    fn answer_now(&mut self) {
        if let Some(reply) = self.serving.due.take() {
            let sent = self.gate.reply(reply.id, reply.status, reply.lengths);
            self.replied(reply, sent);
        }
    }

    /// Notes whether a reply went out. A caller that has no room for it is told that there is none.
    #[inline]
    fn replied(&mut self, reply: Reply, sent: Result<(), Status>) {
        match sent {
            Ok(()) => self.sent(),
            Err(status) => self.not_replied(reply, status),
        }
    }

    #[cold]
    fn not_replied(&mut self, reply: Reply, status: Status) {
        self.unsent(status);
        if reply.status == Status::Ok {
            let _ = self.gate.reply(reply.id, Status::Refused, Lengths::default());
        }
    }

    /// Waits for an event; whether one came.
    #[inline]
    fn next_event(&mut self) -> bool {
        let deadline = self.watches.deadline().unwrap_or(NO_DEADLINE);
        let Some(reply) = self.serving.due.take() else {
            return self.gate.wait(ACCEPTED, deadline).is_ok();
        };
        let Reply { id, status, lengths } = reply;
        let outcome = self.gate.reply_wait(id, status, lengths, ACCEPTED, deadline);
        match outcome {
            Ok(()) | Err(Status::TimedOut) => self.replied(reply, Ok(())),
            Err(status) => self.replied(reply, Err(status)),
        }
        outcome.is_ok()
    }
}
