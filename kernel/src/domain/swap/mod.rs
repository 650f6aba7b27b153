//! Swaps: replacing a domain that serves by another one, without losing a call.
//!
//! The supervisor's calls arrive here, each a step that is checked whole before anything changes.
//! An old domain goes `Quiescing`, `Saving`, `Frozen`, `Replaced`; a new one `Standby`, `Prepared`,
//! `TakingOver`, `TookOver`, `Probation` ([`Phase`]). `quiesce` is the old one's way and back,
//! `take_over` the new one's, `memory` goes from one to the other as it is, `lending` is with which
//! priority they do that, `commit` changes sides, `aftermath` is what the end of either means.
//! An heir (`heirs`) is a new one that takes the place of a domain which failed.
//! `twins` are where the new domains of a set reach each other before the commit.
//!
//! Invariants: an endpoint in the middle of a swap has `holding` set and `bound` not, so that calls
//! wait at it as at one that nobody serves; what the domain of a swap that does not serve would
//! serve is on its shelf; the two of a pair name each other as partners from `TakeOver` until
//! either ends, the old one is thawed or the swap is final.

mod aftermath;
mod commit;
mod lending;
mod memory;
mod quiesce;
mod take_over;
mod twins;

pub(crate) use commit::Couple;
pub(crate) use memory::Taking;

use super::Kernel;
use crate::capability::{DomainId, EndpointId, Entry};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::message::accept;
use atoll_gate::record::Phase;

/// What a domain serves, or will, or did, on one endpoint.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) endpoint: EndpointId,
    pub(super) badge: u32,
    pub(super) descriptor: Vec<u8>,
    /// Of what was replaced: whether the old domain served it.
    served: bool,
    /// Of what is staged: where the domain serves others of its set until the commit.
    twin: Option<EndpointId>,
}

/// What a domain gave up.
#[derive(Debug, Default)]
struct Saved {
    bytes: Vec<u8>,
    /// Its handles, each a holder of its object.
    kept: Vec<Entry>,
    /// Memory that goes along as it is.
    offers: Vec<memory::Offer>,
    /// What all of it counts against its quota.
    charged: u64,
}

/// The part of one domain in a swap.
#[derive(Debug, Default)]
pub struct Swap {
    pub(super) phase: Phase,
    partner: Option<DomainId>,
    shelf: Vec<Publication>,
    saved: Saved,
    /// Why it could not be saved; of a new domain, in what its interfaces differ so that clients of
    /// the old one cannot use them.
    reason: Vec<u8>,
    /// Who takes the domain's place if it fails.
    pub(super) heir: Option<DomainId>,
    /// The priority that it was lent for the step that it was asked for.
    lent: Option<u8>,
    /// Of a new one: what the old one is to be told. Of an old one: what it is told.
    note: Vec<u8>,
}

impl Swap {
    /// The part of a new domain.
    #[must_use]
    pub(super) fn new(standby: bool) -> Self {
        Self { phase: if standby { Phase::Standby } else { Phase::Settled }, ..Self::default() }
    }

    /// Where it is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the domain prepares itself.
    #[must_use]
    pub fn is_standby(&self) -> bool {
        self.phase == Phase::Standby
    }

    /// Bytes of state that it saved.
    #[must_use]
    pub fn saved_bytes(&self) -> u64 {
        let offered = self.saved.offers.iter().map(memory::Offer::len);
        offered.fold(self.saved.bytes.len() as u64, u64::saturating_add)
    }

    /// Why it could not be saved, or what clients of the old domain would miss; empty if neither is
    /// so.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        &self.reason
    }

    /// The events of a mask that it may get now. Until it serves, others may have the devices and
    /// pipes that it watches.
    #[inline]
    pub(super) const fn open_to(&self, mask: u64) -> u64 {
        match self.phase {
            Phase::TookOver => mask & !accept::NOTIFICATIONS,
            _ => mask,
        }
    }

    /// Whether what it publishes is not bound yet.
    pub(super) const fn stages(&self) -> bool {
        use Phase::{Inheriting, Prepared, Standby, TakingOver, TookOver};
        matches!(self.phase, Standby | Prepared | TakingOver | TookOver | Inheriting)
    }
}

impl Kernel {
    /// Where a domain that lives is in a swap.
    pub(super) fn phase(&self, id: DomainId) -> Result<Phase, Status> {
        Ok(self.live(id)?.0.swap.phase)
    }

    /// The other domain of the swap that `id` is in.
    fn partner(&self, id: DomainId) -> Option<DomainId> {
        self.domains.get(id)?.swap.partner
    }

    /// Lets a domain be in another phase and tells whoever watches it.
    fn enter_phase(&mut self, id: DomainId, phase: Phase) {
        if let Some(domain) = self.domains.get_mut(id) {
            domain.swap.phase = phase;
        }
        if !lending::is_asked(phase) {
            self.take_back_priority(id);
        }
        self.tell_change(id);
    }

    /// Ends the tie between a domain and its partner.
    fn part(&mut self, id: DomainId) {
        let Some(partner) = self.domains.get_mut(id).and_then(|own| own.swap.partner.take()) else {
            return;
        };
        if let Some(other) = self.domains.get_mut(partner)
            && other.swap.partner == Some(id)
        {
            other.swap.partner = None;
        }
    }

    /// Whether what `server` publishes waits for a commit. Fails in the phases in which a domain
    /// must not publish.
    pub(super) fn stages(&self, server: DomainId) -> Result<bool, Status> {
        let swap = &self.live(server)?.0.swap;
        match swap.phase {
            Phase::Quiescing | Phase::Saving => Err(Status::NotReady),
            _ => Ok(swap.stages()),
        }
    }

    /// Lets go of what a domain saved.
    fn drop_saved(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        let saved = core::mem::take(&mut domain.swap.saved);
        domain.swap.reason = Vec::new();
        self.refund(id, saved.charged);
        for entry in saved.kept {
            self.release(entry.object, entry.rights);
        }
    }
}
