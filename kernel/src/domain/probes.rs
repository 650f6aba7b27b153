//! Probes: whether a domain works, which it answers itself.
//!
//! A probe comes when the domain next waits for calls, before these. It is in no queue, so that the
//! short ways of calls need not look for it: whoever waits in `inbox` looks, and a domain that came
//! to wait on a short way is told at the end of the kernel entry, as of a swap. There is one, and
//! the next takes its place. The answer is kept until the next and is a change that watches tell of.

use super::calls::write_header;
use super::{Kernel, Life};
use crate::capability::DomainId;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::message::{EventKind, Header};
use atoll_gate::record::Pulse;

/// What a domain was asked and said.
#[derive(Debug, Default)]
pub struct Health {
    /// The probe that waits for it.
    waiting: Option<u64>,
    /// The probe that it took and has not answered.
    taken: Option<u64>,
    /// The last one that it answered; 0 before the first.
    answered: u64,
    /// Whether it said that something is wrong, and what.
    illness: Option<Vec<u8>>,
}

impl Health {
    /// Whether a probe waits for it.
    pub(super) const fn is_asked(&self) -> bool {
        self.waiting.is_some()
    }

    /// What it says is wrong.
    pub(super) fn words(&self) -> &[u8] {
        self.illness.as_deref().unwrap_or_default()
    }
}

impl Kernel {
    /// Asks a domain that is ready whether it works.
    pub(crate) fn probe(&mut self, id: DomainId, number: u64) -> Result<(), Status> {
        let (domain, _) = self.live(id)?;
        if domain.life != Life::Ready || domain.swap.stages() {
            return Err(Status::NotReady);
        }
        if !domain.health.is_asked() {
            self.add_turn(id)?;
        }
        self.domain_mut(id)?.health.waiting = Some(number);
        Ok(())
    }

    /// Gives a domain the probe that waits for it; false if none does.
    pub(super) fn deliver_probe(&mut self, id: DomainId) -> bool {
        let Some(health) = self.domains.get_mut(id).map(|domain| &mut domain.health) else {
            return false;
        };
        let Some(number) = health.waiting.take() else { return false };
        health.taken = Some(number);
        let header = Header { event: EventKind::Probe as u32, id: number, ..Header::default() };
        self.live(id).and_then(|(_, body)| write_header(&body.receive, header)).is_ok()
    }

    /// A domain answers the probe that it took; with a status other than `Ok`, the first `words`
    /// bytes of its send payload say what is wrong.
    pub(crate) fn answer_probe(
        &mut self,
        id: DomainId,
        number: u64,
        status: Status,
        words: usize,
    ) -> Result<(), Status> {
        if self.live(id)?.0.health.taken != Some(number) {
            return Err(Status::Invalid);
        }
        let illness = (status != Status::Ok).then(|| self.last_words(id, words));
        let health = &mut self.domain_mut(id)?.health;
        (health.taken, health.answered, health.illness) = (None, number, illness);
        self.tell_change(id);
        Ok(())
    }

    /// How a domain answers.
    pub(super) fn pulse(&self, id: DomainId) -> Result<Pulse, Status> {
        let domain = self.domains.get(id).ok_or(Status::Closed)?;
        let Health { answered, ref illness, .. } = domain.health;
        let is_ill = u32::from(illness.is_some());
        Ok(Pulse { answered, is_ill, state: domain.state() as u32 })
    }
}
