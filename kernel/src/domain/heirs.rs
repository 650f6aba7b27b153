//! Heirs: prepared domains that take the place of others the moment that these fail.
//!
//! The supervisor names an heir while all is well. The end of the domain then leaves nothing to be
//! done but to wake the heir, which has no state to read: it starts, and what it published as a
//! standby is bound when it is ready (`swap::take_over`). Taking the old domain's memory apart and
//! telling whoever watches, the supervisor first of all, waits until clients are served again, a
//! millisecond at most.

use super::swap::Publication;
use super::{Body, Ending, Kernel, Life};
use crate::capability::{DomainId, Object};
use crate::memory::frames;
use crate::scheduler::{Alarm, NEVER};
use atoll_gate::Status;
use atoll_gate::record::{Cause, Phase};

/// Nanoseconds after which an end that an heir was there for is told.
const TOLD_AFTER_NS: u64 = 1_000_000;
/// The part of all memory that has to be free for what an ended domain had to be kept meanwhile.
const SPARE_PART: u64 = 16;

/// The end of a domain that an heir was there for.
#[derive(Debug)]
pub(super) struct Inheritance {
    /// When it is told.
    due: u64,
    ended: DomainId,
    heir: DomainId,
    /// What the ended one had.
    _remains: Option<Body>,
}

impl Kernel {
    /// Lets one domain serve in the place of another one when that fails.
    pub(crate) fn set_heir(&mut self, id: DomainId, heir: DomainId) -> Result<(), Status> {
        let serves = self.live(id)?.0.life == Life::Ready && self.phase(id)? == Phase::Settled;
        if !serves || self.phase(heir)? != Phase::Prepared {
            return Err(Status::NotReady);
        }
        self.domain_mut(id)?.swap.heir = Some(heir);
        Ok(())
    }

    /// The heir that can take the place of a domain which is about to end like this.
    pub(super) fn heir(&mut self, id: DomainId, ending: &Ending) -> Option<DomainId> {
        let heir = self.domains.get(id)?.swap.heir?;
        let failed =
            !matches!((ending.cause, ending.code), (Cause::Killed, _) | (Cause::Exited, 0));
        let fits = self.phase(id) == Ok(Phase::Settled) && self.phase(heir) == Ok(Phase::Prepared);
        (failed && fits).then_some(heir)
    }

    /// Wakes the heir of a domain that has ended. If that cannot be, the end is one like any other:
    /// what is left of the domain is freed, and whoever watches it is to be told.
    pub(super) fn wake_heir(
        &mut self,
        ended: DomainId,
        heir: DomainId,
        remains: Option<Body>,
    ) -> Result<(), Status> {
        self.inheritances.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
        self.add_turn(heir)?;
        let memory = frames::statistics();
        let has_room = memory.free > memory.total / SPARE_PART;
        let due = self.now.saturating_add(TOLD_AFTER_NS);
        let _remains = remains.filter(|_| has_room);
        self.inheritances.push(Inheritance { due, ended, heir, _remains });
        self.change_heir(heir, Phase::Inheriting);
        self.scheduler.set_alarm(Alarm::Heirs, due);
        Ok(())
    }

    /// Binds what an heir that is ready published. An endpoint that somebody else serves by now
    /// stays as it is.
    pub(super) fn inherit(&mut self, heir: DomainId) {
        let shelf = self.take_shelf(heir);
        self.change_heir(heir, Phase::Settled);
        for Publication { endpoint: id, badge, descriptor, .. } in shelf {
            let endpoint = self.ipc.endpoints.get(id);
            if endpoint.is_none_or(|endpoint| endpoint.server().is_some()) {
                self.refund(heir, descriptor.len() as u64);
                continue;
            }
            self.forget_interface(id);
            let Some(endpoint) = self.ipc.endpoints.get_mut(id) else { continue };
            (endpoint.bound, endpoint.badge, endpoint.descriptor) = (Some(heir), badge, descriptor);
            self.release_held(id);
        }
    }

    /// Lets an heir be in another phase. Whoever watches it hears of that with the inheritance, if
    /// that is still to be told.
    fn change_heir(&mut self, heir: DomainId, phase: Phase) {
        let waits = self.inheritances.iter().any(|inheritance| inheritance.heir == heir);
        if let Some(domain) = self.domains.get_mut(heir) {
            domain.swap.phase = phase;
            domain.changes = domain.changes.saturating_add(1);
        }
        if !waits {
            self.fire_watches(Object::Domain(heir));
        }
    }

    /// Notes that inheritances are to be told, if the time has come.
    pub(crate) fn note_inheritances(&mut self) {
        self.unsettled |= self.inheritances.iter().any(|inheritance| inheritance.due <= self.now);
    }

    /// Tells of the inheritances whose time has come, and sees to it that it comes for the others.
    pub(crate) fn settle_inheritances(&mut self) {
        if self.inheritances.is_empty() {
            return;
        }
        let now = self.now;
        while let Some(due) = self.inheritances.iter().position(|one| one.due <= now) {
            let Inheritance { ended, heir, .. } = self.inheritances.swap_remove(due);
            self.fire_watches(Object::Domain(ended));
            self.fire_watches(Object::Domain(heir));
        }
        let next = self.inheritances.iter().map(|inheritance| inheritance.due).min();
        self.scheduler.set_alarm(Alarm::Heirs, next.unwrap_or(NEVER));
    }
}
