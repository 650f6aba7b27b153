//! Finding a first domain that hangs, and the guardian's other times.
//!
//! A domain that waits for calls is well. One that does not is asked for a sign (`probes`), which
//! it gives when it comes to wait. If it has not by the next look, it hangs, unless it merely did
//! not get the processor: whoever has a higher priority may keep it for as long as it wants. While
//! all is well and nobody runs, nothing is looked at: the next interrupt sets the watch again.

use super::super::{Activity, CPU, Domain, Life};
use super::Kernel;
use crate::capability::DomainId;
use crate::scheduler::{Alarm, NEVER};
use crate::trace;
use atoll_gate::message::accept;
use atoll_gate::record::Level;

/// Nanoseconds between two looks.
const PERIOD_NS: u64 = 2_000_000_000;
/// Nanoseconds of processor time after which one that does not answer hangs.
const BUSY_NS: u64 = PERIOD_NS / 2;
/// Nanoseconds that one may take to become ready.
const START_NS: u64 = 30_000_000_000;

/// What a first domain was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    number: u64,
    asked: u64,
    /// Processor time that it had used then.
    used_ns: u64,
}

impl Domain {
    fn waits_for_calls(&self) -> bool {
        matches!(self.activity, Activity::Waiting(mask) if mask & accept::CALLS != 0)
    }
}

impl Kernel {
    /// Sets the alarm for the next thing to look after.
    pub(super) fn set_watch(&mut self) {
        let guardian = &self.guardian;
        let next_look =
            if guardian.first.is_some() { self.now.saturating_add(PERIOD_NS) } else { NEVER };
        let deadline = guardian.succession.map_or(NEVER, |succession| succession.deadline);
        let until = guardian.before.map_or(NEVER, |before| before.until);
        self.scheduler.set_alarm(Alarm::Guardian, next_look.min(deadline).min(until));
    }

    /// Looks after the first domain, if it is time.
    pub(crate) fn watch_over(&mut self) {
        if !self.scheduler.is_alarming(Alarm::Guardian, self.now) {
            return;
        }
        let now = self.now;
        if self.guardian.before.is_some_and(|before| before.until <= now) {
            self.forget_before();
        }
        match self.guardian.succession {
            Some(succession) if succession.deadline <= now => self.abandon_succession(),
            // It has a deadline.
            Some(_) => {}
            None => self.look_at_first(),
        }
        self.unsettled = true;
        self.set_watch();
        self.guardian.rests = self.is_at_rest();
        if self.guardian.rests {
            self.scheduler.set_alarm(Alarm::Guardian, NEVER);
        }
    }

    /// Whether nothing can become of the first domain until an interrupt comes.
    fn is_at_rest(&self) -> bool {
        let guardian = &self.guardian;
        let first = guardian.first.and_then(|first| self.live(first).ok());
        let waits = first.is_some_and(|(domain, _)| domain.waits_for_calls());
        waits
            && guardian.succession.is_none()
            && guardian.before.is_none()
            && self.scheduler.is_idle(CPU)
    }

    /// Something happens: sets the watch, if it was not set for want of that.
    pub(crate) fn end_rest(&mut self) {
        if core::mem::take(&mut self.guardian.rests) {
            self.set_watch();
        }
    }

    fn look_at_first(&mut self) {
        let Some(id) = self.guardian.first else { return };
        let Ok((domain, _)) = self.live(id) else { return };
        if domain.waits_for_calls() {
            self.guardian.question = None;
            return;
        }
        match self.guardian.question {
            Some(question) if self.is_unanswered(id, question) => {
                if self.hangs(id, question) {
                    trace::kernel(Level::Error, format_args!("the supervisor hangs and is ended"));
                    self.put_down(id);
                }
            }
            _ => self.ask(id),
        }
    }

    fn ask(&mut self, id: DomainId) {
        let number = self.now;
        // One that is not ready yet cannot be asked; it has the time of its start.
        let _ = self.probe(id, number);
        let used_ns = self.scheduler.used_ns(id);
        self.guardian.question = Some(Question { number, asked: self.now, used_ns });
    }

    fn is_unanswered(&self, id: DomainId, question: Question) -> bool {
        self.pulse(id).is_ok_and(|pulse| pulse.answered != question.number)
    }

    fn hangs(&self, id: DomainId, question: Question) -> bool {
        let Ok((domain, _)) = self.live(id) else { return false };
        if matches!(domain.life, Life::Created | Life::Starting) {
            return self.now.saturating_sub(question.asked) >= START_NS;
        }
        let used_ns = self.scheduler.used_ns(id).saturating_sub(question.used_ns);
        domain.activity != Activity::Runnable || used_ns >= BUSY_NS
    }
}
