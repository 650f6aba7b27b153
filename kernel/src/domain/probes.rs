//! Probes: whether a domain works, which it answers itself.
//!
//! A probe waits in the inbox like a call and takes no memory: there is one, and the next takes its
//! place. The answer is kept until the next and is a change that watches tell of.

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
    /// The probe that it took and has not answered.
    taken: Option<u64>,
    /// The last one that it answered; 0 before the first.
    answered: u64,
    /// Whether it said that something is wrong, and what.
    illness: Option<Vec<u8>>,
}

impl Health {
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
        self.domain_mut(id)?.inbox.ask(number);
        self.poke(id);
        Ok(())
    }

    /// Gives a domain the probe that waits for it.
    pub(super) fn deliver_probe(&mut self, id: DomainId) -> Result<(), Status> {
        let domain = self.domain_mut(id)?;
        let number = domain.inbox.take_probe().ok_or(Status::Closed)?;
        domain.health.taken = Some(number);
        let header = Header { event: EventKind::Probe as u32, id: number, ..Header::default() };
        write_header(&self.live(id)?.1.receive, header)
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
        self.domain_mut(id)?.health = Health { taken: None, answered: number, illness };
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
