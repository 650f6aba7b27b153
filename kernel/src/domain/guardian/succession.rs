//! The first domain is succeeded by another version of itself.
//!
//! The steps are those of any swap (`swap`), but the one who would take them is the one who is
//! replaced, so the guardian does. Until the commit, whatever goes wrong lets the old one go on as
//! if nothing had been. With the commit the old one ends. For a while after it, an end of the new
//! one is answered with another life of the old one's component, which finds the capsule and the
//! estate as after any end.

use super::Kernel;
use crate::capability::{BlobId, DomainId, Handle, Object};
use crate::gate::CONTROL_HANDLE;
use crate::trace;
use atoll_gate::Status;
use atoll_gate::record::{Level, Phase};

/// A succession that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Succession {
    old: DomainId,
    new: DomainId,
    /// When it is to be done.
    pub(super) deadline: u64,
    probation_ns: u64,
}

/// The version that was succeeded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// Its domain, which has ended; the guardian holds it.
    domain: DomainId,
    /// When there is no way back any more.
    pub(super) until: u64,
}

impl Kernel {
    /// Makes the domain that is to succeed the first one, and lets it prepare itself.
    pub(crate) fn create_successor(
        &mut self,
        caller: DomainId,
        module: BlobId,
    ) -> Result<Handle, Status> {
        if !self.is_first(caller) {
            return Err(Status::Denied);
        }
        if self.is_in_succession() {
            return Err(Status::NotReady);
        }
        self.domain_mut(caller)?.handles.reserve(1)?;
        if let Some(earlier) = self.guardian.successor.take() {
            self.put_down(earlier);
        }
        let id = self.create_first(module, true)?;
        let equipped = self.equip_first(id, None);
        let given = equipped.and_then(|()| self.give(caller, Object::Domain(id), CONTROL_HANDLE));
        // The caller alone holds it.
        self.release_domain(id);
        self.guardian.successor = given.is_ok().then_some(id);
        given
    }

    /// Begins to let `new` succeed the caller.
    pub(crate) fn succeed(
        &mut self,
        caller: DomainId,
        new: DomainId,
        deadline: u64,
        probation_ns: u64,
    ) -> Result<(), Status> {
        if !self.is_first(caller) || self.guardian.successor != Some(new) {
            return Err(Status::Denied);
        }
        if self.is_in_succession() || self.live(new)?.0.swap.phase() != Phase::Prepared {
            return Err(Status::NotReady);
        }
        // Its state is what it has written down, not its memory.
        self.quiesce(caller, None)?;
        self.guardian.succession = Some(Succession { old: caller, new, deadline, probation_ns });
        self.guardian.successor = None;
        self.guardian.question = None;
        self.unsettled = true;
        self.set_watch();
        Ok(())
    }

    /// Whether a succession is under way.
    pub(in super::super) const fn is_in_succession(&self) -> bool {
        self.guardian.succession.is_some()
    }

    /// The domain that `new` is about to succeed.
    pub(super) fn succeeded_by(&self, new: DomainId) -> Option<DomainId> {
        self.guardian.succession.filter(|succession| succession.new == new).map(|found| found.old)
    }

    /// Takes the next step of a succession, if the last one is done.
    pub(in super::super) fn settle_succession(&mut self) {
        let Some(Succession { old, new, .. }) = self.guardian.succession else { return };
        let phase = |id| self.live(id).map(|(domain, _)| domain.swap.phase());
        let stepped = match (phase(old), phase(new)) {
            (Ok(Phase::Quiescing | Phase::Saving), Ok(Phase::Prepared))
            | (Ok(Phase::Frozen), Ok(Phase::TakingOver)) => Ok(()),
            (Ok(Phase::Frozen), Ok(Phase::Prepared)) => self.take_over(old, new),
            (Ok(Phase::Frozen), Ok(Phase::TookOver)) => self.finish_succession(),
            _ => Err(Status::Closed),
        };
        if stepped.is_err() {
            self.abandon_succession();
            self.reap();
        }
    }

    /// Changes sides: the new domain is the first one, the old one ends and is remembered.
    fn finish_succession(&mut self) -> Result<(), Status> {
        let Some(Succession { old, new, probation_ns, .. }) = self.guardian.succession else {
            return Ok(());
        };
        self.commit_swap(&[(old, new)])?;
        self.guardian.succession = None;
        self.hold(Object::Domain(new), 0);
        self.guardian.first = Some(new);
        self.forget_before();
        let until = self.now.saturating_add(probation_ns);
        self.guardian.before = Some(Before { domain: old, until });
        self.pass_capsules(old, new);
        self.pass_blobs(old, new);
        self.put_down(old);
        let (was, is) = (self.number(old), self.number(new));
        trace::kernel(
            Level::Info,
            format_args!("domain {is} has succeeded domain {was} as supervisor"),
        );
        self.set_watch();
        Ok(())
    }

    /// Gives a succession up: the old domain goes on, if it lives, and the new one ends.
    pub(super) fn abandon_succession(&mut self) {
        let Some(Succession { old, new, .. }) = self.guardian.succession.take() else { return };
        // It lives no more, or came back already.
        let _ = self.thaw(old);
        self.put_down(new);
        self.set_watch();
    }

    /// The domain of the version that goes on after the end of `old`.
    pub(super) fn version_to_go_on_with(&self, old: DomainId) -> DomainId {
        let before = self.guardian.before.filter(|before| self.now < before.until);
        before.map_or(old, |before| before.domain)
    }

    /// Forgets the version before: there is no way back to it any more.
    pub(super) fn forget_before(&mut self) {
        if let Some(before) = self.guardian.before.take() {
            self.release_domain(before.domain);
        }
    }
}
