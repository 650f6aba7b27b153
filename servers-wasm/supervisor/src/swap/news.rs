//! Telling how a transaction gets on: to the log, and to whoever asked for it.
//!
//! Nothing is told while calls wait: writing to the log and waking a client, who prints, would be
//! most of that time. The end of the first phase is told before, and calls are not held until there
//! was time for it; the rest a moment after the calls have gone to the new versions.

use super::{
    event::{Outcome, Phase},
    transaction::{Previous, find},
};
use crate::{
    kernel::{Kernel, Level},
    report,
    supervisor::Supervisor,
};

/// How long after commit the phases are told.
const MOMENT_NS: u64 = 1_000_000;
/// How long a client has to tell of the first phase.
const PAUSE_NS: u64 = 30_000_000;

impl<K: Kernel> Supervisor<K> {
    /// Notes that a phase is over.
    pub(super) fn note_phase(&mut self, id: u64, phase: Phase, took_ns: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        transaction.record.phases.push((phase, took_ns));
        if phase == Phase::Commit {
            self.schedule(id, MOMENT_NS);
        }
    }

    /// Tells of the first phase, if somebody waits to hear of it and calls are to be held next;
    /// whether that has to wait then.
    pub(super) fn pauses(&mut self, id: u64) -> bool {
        let transaction = find(&mut self.transactions, id);
        let pauses = transaction.is_some_and(|transaction| {
            transaction.is_watched
                && transaction.told == 0
                && transaction.swap.is_about_to_quiesce()
        });
        if pauses {
            self.tell(id);
            self.schedule(id, PAUSE_NS);
        }
        pauses
    }

    /// The pause is over, if there was one.
    pub(super) fn end_pause(&mut self, id: u64) {
        let now = self.kernel.now();
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        if transaction.swap.is_about_to_quiesce() {
            transaction.swap.begin_to_quiesce(now);
            transaction.news = None;
        }
    }

    /// There is something to do for the news in so many nanoseconds.
    fn schedule(&mut self, id: u64, after_ns: u64) {
        let token = self.token();
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        let timer = self.kernel.timer(after_ns);
        self.kernel.watch(&timer, token);
        transaction.news = Some((token, timer));
    }

    /// Goes on after a pause or tells what there is to tell, if the token is that of the timer for
    /// it.
    pub(super) fn news_are_due(&mut self, token: u64) -> bool {
        let due = self.transactions.iter().find(|transaction| {
            transaction.news.as_ref().is_some_and(|(timer, _)| *timer == token)
        });
        let Some(transaction) = due else { return false };
        let id = transaction.id;
        if transaction.swap.is_about_to_quiesce() {
            self.drive(id)
        } else {
            self.tell(id)
        }
        true
    }

    /// Tells the phases that are over and were not told.
    fn tell(&mut self, id: u64) {
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        transaction.news = None;
        let phases = &transaction.record.phases;
        for (phase, took_ns) in phases.iter().skip(transaction.told) {
            let took = report::duration(*took_ns);
            let message = format!("{}: {phase} took {took}", transaction.record.servers());
            self.kernel.log(Level::Info, &message);
        }
        transaction.told = phases.len();
        self.kernel.set_event(&transaction.changed);
    }

    /// Notes and tells the end.
    pub(super) fn finish(&mut self, id: u64, outcome: &Outcome) {
        self.tell(id);
        let Some(transaction) = find(&mut self.transactions, id) else { return };
        transaction.timer = None;
        transaction.record.finish(outcome);
        for pair in &mut transaction.pairs {
            pair.spare = None;
            if *outcome == Outcome::New
                && let Some(server) = self.servers.get_mut(pair.server)
            {
                let version = pair.version.clone();
                server.history.clear();
                server.versions = server.versions.saturating_add(1);
                server.previous = Some(Previous { version, transaction: id });
            }
        }
        let record = &transaction.record;
        let level = if matches!(outcome, Outcome::Old(_)) { Level::Error } else { Level::Info };
        self.kernel.log(level, &format!("{}: {}", record.servers(), record.end()));
        self.kernel.set_event(&transaction.changed);
        let record = record.clone();
        self.remember(record);
    }
}
