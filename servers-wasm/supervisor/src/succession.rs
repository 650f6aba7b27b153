//! Swaps of the supervisor itself.
//!
//! It loads its next version as a standby and asks the kernel's guardian to let that succeed it;
//! the guardian takes the steps that the supervisor takes for others, as whoever is replaced cannot
//! ([ADR 91]). What this version was and what it is about to be stands in the ledger ([`Own`]), so
//! that whoever serves in the end knows how it came about: the new version, this one when the new
//! one failed before it served, or another life of this one when it failed after.

use atoll_system_description::SUPERVISOR;

use crate::{
    kernel::{Beginning, Cause, Error, Kernel, Level, Phase},
    ledger::{
        OWN,
        bytes::{Reader, Writer},
    },
    report,
    server::Watched,
    supervisor::Supervisor,
    swap::{self, Change, Outcome, Purpose, Reason, Record},
    version::VERSION,
};

/// How long the next version may take to load.
const PREPARE_NS: u64 = 30_000_000_000;
/// How long it may take to take over.
const TRANSFER_NS: u64 = 5_000_000_000;
/// How long the version before comes back if the next one ends.
const PROBATION_NS: u64 = 5_000_000_000;

/// Of which version the supervisor is, and of which it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// The component before the last swap.
    previous: Option<String>,
    /// A swap that is not known to have come to its end.
    pending: Option<Pending>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    id: u64,
    began_ns: u64,
    /// When the guardian was asked.
    asked_ns: u64,
    old: String,
    new: String,
}

impl Own {
    fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.option(self.previous.as_ref(), |out, previous| out.text(previous));
        out.option(self.pending.as_ref(), |out, pending| {
            [pending.id, pending.began_ns, pending.asked_ns].iter().for_each(|it| out.u64(*it));
            [&pending.old, &pending.new].into_iter().for_each(|text| out.text(text));
        });
        out.finish()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let previous = input.option(Reader::text)?;
        let pending = input.option(|input| {
            Some(Pending {
                id: input.u64()?,
                began_ns: input.u64()?,
                asked_ns: input.u64()?,
                old: input.text()?,
                new: input.text()?,
            })
        })?;
        Some(Self { previous, pending })
    }
}

/// A swap of the supervisor, as the one sees it who serves.
pub(crate) struct Succession<K: Kernel> {
    id: u64,
    purpose: Purpose,
    record: Record,
    /// The next version, in the eyes of the one before.
    heir: Option<Watched<K>>,
    /// Of the phase it is in, with its token.
    timer: Option<(u64, K::Pollable)>,
    entered_ns: u64,
    changed: K::Event,
    clients: u32,
}

impl<K: Kernel> Succession<K> {
    fn is_over(&self) -> bool {
        self.record.result != swap::Result::Running
    }
}

impl<K: Kernel> Supervisor<K> {
    /// The components of the supervisor that it runs, ran before its last swap or is about to run.
    pub(crate) fn own_components(&self) -> impl Iterator<Item = &String> {
        let next = self.succession.iter().filter(|succession| !succession.is_over());
        let next = next.flat_map(|succession| &succession.record.changes).map(|change| &change.new);
        [&self.component].into_iter().chain(&self.own.previous).chain(next)
    }

    /// Begins to replace the supervisor itself; the id of the transaction.
    ///
    /// # Errors
    /// Something else is under way that it would have to finish, or the component is missing.
    pub(crate) fn begin_succession(
        &mut self,
        component: &str,
        purpose: Purpose,
    ) -> Result<u64, Error> {
        if self.description.requires_signatures {
            let why = "a supervisor's signature is not checked, and this system requires them";
            return Err(Error::Invalid(why.to_string()));
        }
        if self.succession.as_ref().is_some_and(|other| !other.is_over()) {
            return Err(Error::Invalid("the supervisor is being swapped already".to_string()));
        }
        if let Some(busy) = self.transactions.iter().find(|other| !other.swap.is_over()) {
            let servers = busy.record.servers();
            return Err(Error::Invalid(format!("{servers} are being swapped; wait for the end")));
        }
        if self.tasks.iter().any(crate::task::Task::is_waiting) {
            return Err(Error::Invalid("a program waits to be started".to_string()));
        }
        let heir = self.kernel.make_successor(component)?;
        let (id, token, now) = (self.token(), self.token(), self.kernel.now());
        let change = Change {
            server: SUPERVISOR.to_string(),
            old: self.component.clone(),
            new: component.to_string(),
        };
        let record = Record::new(now, vec![change]);
        self.kernel.log(Level::Info, &format!("{}: {}", record.servers(), record.end()));
        self.succession = Some(Succession {
            id,
            purpose,
            record,
            heir: Some(Watched::standby(&self.kernel, heir, token)),
            timer: None,
            entered_ns: now,
            changed: self.kernel.make_event(),
            clients: 1,
        });
        self.arm_succession(PREPARE_NS);
        Ok(id)
    }

    /// Begins to replace the supervisor by what it was before.
    pub(crate) fn succession_back(&mut self) -> Result<u64, Error> {
        let previous = self.own.previous.clone();
        let previous = previous
            .ok_or_else(|| Error::NotFound(format!("an earlier version of {SUPERVISOR}")))?;
        self.begin_succession(&previous, Purpose::Replace)
    }

    fn arm_succession(&mut self, after_ns: u64) {
        let token = self.token();
        let timer = self.kernel.timer(after_ns);
        self.kernel.watch(&timer, token);
        if let Some(succession) = &mut self.succession {
            succession.timer = Some((token, timer));
        }
    }

    /// The next version got further, or a time is over; whether the token says so.
    pub(crate) fn succession_ready(&mut self, token: u64) -> bool {
        let Some(succession) = self.succession.as_ref().filter(|other| !other.is_over()) else {
            return false;
        };
        if succession.timer.as_ref().is_some_and(|(timer, _)| *timer == token) {
            match &succession.heir {
                Some(heir) => {
                    self.kernel.kill(&heir.domain);
                    self.end_succession(&swap_failed(swap::Phase::Prepare, Reason::Deadline));
                }
                None => self.pass_probation(),
            }
            return true;
        }
        let heir = succession.heir.as_ref().filter(|heir| heir.answers_to(token));
        let Some(heir) = heir else { return false };
        match self.kernel.phase(&heir.domain) {
            Phase::Prepared(None) => self.hand_over(),
            // Its clients are not swapped with it.
            Phase::Prepared(Some(missing)) => {
                self.kernel.kill(&heir.domain);
                let why = format!("the new version does not fit its clients: {missing}");
                self.end_succession(&swap_failed(swap::Phase::Prepare, Reason::Refused(why)));
            }
            Phase::Ended(end) => {
                let (phase, is_late) = match &self.own.pending {
                    None => (swap::Phase::Prepare, false),
                    Some(pending) => {
                        let until = pending.asked_ns.saturating_add(TRANSFER_NS);
                        (swap::Phase::Transfer, self.kernel.now() >= until)
                    }
                };
                let reason = match end.cause {
                    Cause::Killed if is_late => Reason::Deadline,
                    _ => Reason::Ended(swap::Side::New, report::end(&end)),
                };
                self.end_succession(&swap_failed(phase, reason));
            }
            _ => {}
        }
        if let Some(heir) = self.succession.as_ref().and_then(|other| other.heir.as_ref()) {
            heir.watch_again(&self.kernel);
        }
        true
    }

    /// The next version is prepared: the guardian does the rest.
    fn hand_over(&mut self) {
        let now = self.kernel.now();
        let Some(succession) = self.succession.as_mut() else { return };
        if self.own.pending.is_some() {
            return;
        }
        let took_ns = now.saturating_sub(succession.entered_ns);
        succession.record.phases.push((swap::Phase::Prepare, took_ns));
        succession.timer = None;
        let Some(heir) = &succession.heir else { return };
        if succession.purpose == Purpose::Check {
            self.kernel.kill(&heir.domain);
            return self.end_succession(&Outcome::Checked);
        }
        match self.kernel.succeed(&heir.domain, TRANSFER_NS, PROBATION_NS) {
            Ok(()) => {
                let change = succession.record.changes.first();
                let new = change.map_or_else(String::new, |change| change.new.clone());
                let (id, began_ns) = (succession.id, succession.record.began_ns);
                let old = self.component.clone();
                self.own.pending = Some(Pending { id, began_ns, asked_ns: now, old, new });
            }
            Err(error) => {
                self.kernel.kill(&heir.domain);
                let why = Reason::Refused(error.to_string());
                self.end_succession(&swap_failed(swap::Phase::Transfer, why));
            }
        }
    }

    fn end_succession(&mut self, outcome: &Outcome) {
        if let (Outcome::New, Some(pending)) = (outcome, &self.own.pending) {
            self.own.previous = Some(pending.old.clone());
        }
        self.own.pending = None;
        let Some(succession) = &mut self.succession else { return };
        succession.heir = None;
        succession.timer = None;
        succession.record.finish(outcome);
        let record = succession.record.clone();
        let level = if matches!(outcome, Outcome::Old(_)) { Level::Error } else { Level::Info };
        self.kernel.log(level, &format!("{}: {}", record.servers(), record.end()));
        self.kernel.set_event(&succession.changed);
        self.remember(record);
    }

    /// Reads what is known of the versions of the supervisor.
    pub(crate) fn resume_own(&mut self) {
        self.own =
            self.kernel.read_record(OWN).and_then(|bytes| Own::read(&bytes)).unwrap_or_default();
        self.own_written = self.own.clone();
        let Beginning { component, before } = self.kernel.began();
        let whence = before.as_deref().unwrap_or("gave way");
        let message = format!(
            "version {VERSION}, {component}, goes on as supervisor after the one before {whence}"
        );
        self.kernel.log(Level::Warn, &message);
        let Some(pending) = self.own.pending.clone() else { return };
        let change = Change {
            server: SUPERVISOR.to_string(),
            old: pending.old.clone(),
            new: pending.new.clone(),
        };
        let mut record = Record::new(pending.began_ns, vec![change]);
        let (began_ns, now) = (pending.began_ns, self.kernel.now());
        record.phases.push((swap::Phase::Prepare, pending.asked_ns.saturating_sub(began_ns)));
        record.phases.push((swap::Phase::Transfer, now.saturating_sub(pending.asked_ns)));
        self.succession = Some(Succession {
            id: pending.id,
            purpose: Purpose::Replace,
            record,
            heir: None,
            timer: None,
            entered_ns: pending.asked_ns,
            changed: self.kernel.make_event(),
            clients: 0,
        });
    }

    /// This supervisor serves: as the next version, or because that failed.
    pub(crate) fn arrive_own(&mut self) {
        let Some(pending) = self.own.pending.clone() else { return };
        match self.kernel.began().before {
            // It ended after its predecessor had asked for the swap, one of the two versions did.
            Some(how) if self.component == pending.old => {
                let why = Reason::Ended(swap::Side::New, how);
                self.end_succession(&swap_failed(swap::Phase::Probation, why));
            }
            Some(_) => self.end_succession(&Outcome::New),
            None => {
                if let Some(succession) = &mut self.succession {
                    succession.entered_ns = self.kernel.now();
                }
                self.arm_succession(PROBATION_NS);
            }
        }
    }

    fn pass_probation(&mut self) {
        let now = self.kernel.now();
        if let Some(succession) = &mut self.succession {
            let took_ns = now.saturating_sub(succession.entered_ns);
            succession.record.phases.push((swap::Phase::Probation, took_ns));
        }
        self.end_succession(&Outcome::New);
    }

    /// Writes down what changed about the supervisor's versions.
    pub(crate) fn keep_own(&mut self) {
        if self.own != self.own_written {
            self.put_down_entry(OWN, &self.own.write());
            self.own_written = self.own.clone();
        }
    }

    /// The succession of that id.
    fn succession(&mut self, id: u64) -> Option<&mut Succession<K>> {
        self.succession.as_mut().filter(|other| other.id == id)
    }

    /// How it gets on, as [`Supervisor::swap_record`].
    pub(crate) fn succession_record(&mut self, id: u64) -> Option<Record> {
        let fresh = self.kernel.make_event();
        let succession = self.succession(id)?;
        if !succession.is_over() {
            succession.changed = fresh;
        }
        Some(succession.record.clone())
    }

    /// As [`Supervisor::swap_changed`].
    pub(crate) fn succession_changed(&self, id: u64) -> Option<K::Pollable> {
        let succession = self.succession.as_ref().filter(|other| other.id == id)?;
        Some(self.kernel.subscribe(&succession.changed))
    }

    /// One more asks about it.
    pub fn succession_share(&mut self, id: u64) {
        if let Some(succession) = self.succession(id) {
            succession.clients = succession.clients.saturating_add(1);
        }
    }

    /// Gives a succession up as long as the next version only loads.
    pub(crate) fn succession_cancel(&mut self, id: u64) {
        let loads = self.own.pending.is_none();
        let Some(succession) = self.succession(id).filter(|other| loads && !other.is_over()) else {
            return;
        };
        if let Some(heir) = succession.heir.take() {
            self.kernel.kill(&heir.domain);
            self.end_succession(&swap_failed(swap::Phase::Prepare, Reason::Cancelled));
        }
    }

    /// One less asks about it.
    pub(crate) fn succession_drop(&mut self, id: u64) {
        let Some(succession) = self.succession(id) else { return };
        succession.clients = succession.clients.saturating_sub(1);
        if succession.clients == 0 && succession.is_over() {
            self.succession = None;
        }
    }

    /// The succession that is not over, for the history.
    pub(crate) fn running_succession(&self) -> Option<&Record> {
        self.succession.as_ref().filter(|other| !other.is_over()).map(|other| &other.record)
    }
}

const fn swap_failed(phase: swap::Phase, reason: Reason) -> Outcome {
    Outcome::Old(swap::Failure { phase, member: Some(0), reason })
}

#[cfg(test)]
mod tests {
    use super::{Own, Pending};

    #[test]
    fn versions_are_read_as_they_were_written() {
        let pending =
            Pending { id: 1, began_ns: 2, asked_ns: 3, old: "a.wasm".into(), new: "b.wasm".into() };
        for own in [Own::default(), Own { previous: Some("z.wasm".into()), pending: Some(pending) }]
        {
            assert_eq!(Own::read(&own.write()), Some(own));
        }
    }
}
