//! Changing sides: a set of new domains serves in place of the old ones, and back.
//!
//! Everything is checked first; what follows cannot fail and needs no memory: what is published at
//! an endpoint and what stands on a shelf trade places.

use super::super::{Ending, Kernel, Life};
use super::Publication;
use crate::capability::{DomainId, EndpointId};
use crate::ipc::Standing;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::record::{Cause, Phase};

/// An old domain and the new one.
pub(crate) type Couple = (DomainId, DomainId);

impl Kernel {
    /// Lets the new domains serve, or changes nothing.
    pub(crate) fn commit_swap(&mut self, couples: &[Couple]) -> Result<(), Status> {
        require_different(couples)?;
        for &(old, new) in couples {
            self.check_commit(old, new)?;
        }
        self.require_unshared(couples)?;
        for &(old, new) in couples {
            self.change_sides(old, new);
        }
        for &(old, new) in couples {
            if let Some(domain) = self.domains.get_mut(new) {
                domain.swap.reason = Vec::new();
            }
            self.enter_phase(old, Phase::Replaced);
            self.enter_phase(new, Phase::Probation);
            self.release_calls(old);
            self.poke(new);
        }
        Ok(())
    }

    /// Lets the calls go on that wait where `old` was replaced.
    fn release_calls(&mut self, old: DomainId) {
        let mut index = 0;
        while let Some(item) = self.domains.get(old).and_then(|domain| domain.swap.shelf.get(index))
        {
            let endpoint = item.endpoint;
            self.release_held(endpoint);
            index += 1;
        }
    }

    fn check_commit(&self, old: DomainId, new: DomainId) -> Result<(), Status> {
        let phases = (self.phase(old)?, self.phase(new)?);
        let paired = self.partner(new) == Some(old) && self.partner(old) == Some(new);
        if phases != (Phase::Frozen, Phase::TookOver) || !paired {
            return Err(Status::NotReady);
        }
        let shelf = &self.live(new)?.0.swap.shelf;
        for staged in shelf {
            let endpoint = self.ipc.endpoints.get(staged.endpoint).ok_or(Status::Closed)?;
            if endpoint.server().is_some_and(|server| server != old) {
                return Err(Status::Exists);
            }
        }
        let left_over = self.ipc.endpoints.iter().any(|(id, endpoint)| {
            endpoint.server() == Some(old) && !shelf.iter().any(|staged| staged.endpoint == id)
        });
        if left_over { Err(Status::NotFound) } else { Ok(()) }
    }

    /// Fails if two of the new domains want to serve the same endpoint.
    fn require_unshared(&self, couples: &[Couple]) -> Result<(), Status> {
        for (index, &(_, new)) in couples.iter().enumerate() {
            for staged in &self.live(new)?.0.swap.shelf {
                let wants = |other: &Couple| {
                    self.domains.get(other.1).is_some_and(|other| {
                        other.swap.shelf.iter().any(|own| own.endpoint == staged.endpoint)
                    })
                };
                if couples.iter().skip(index + 1).any(wants) {
                    return Err(Status::Exists);
                }
            }
        }
        Ok(())
    }

    /// Binds what stands on the shelf of `new` and puts what it replaces on that of `old`.
    fn change_sides(&mut self, old: DomainId, new: DomainId) {
        let mut shelf = self.take_shelf(new);
        for staged in &mut shelf {
            let Some(endpoint) = self.ipc.endpoints.get(staged.endpoint) else { continue };
            staged.served = endpoint.server() == Some(old);
            if !staged.served {
                // What was kept here is paid by another; `new` goes on with its numbers.
                self.forget_interface(staged.endpoint);
            }
            let Some(endpoint) = self.ipc.endpoints.get_mut(staged.endpoint) else { continue };
            endpoint.incarnation = endpoint.incarnation.wrapping_add(1);
            core::mem::swap(&mut staged.badge, &mut endpoint.badge);
            core::mem::swap(&mut staged.descriptor, &mut endpoint.descriptor);
            (endpoint.bound, endpoint.holding) = (Some(new), None);
            self.rebind_drops(old, staged.endpoint);
            if let Some(twin) = staged.twin.take() {
                self.absorb_twin(twin, staged.endpoint);
            }
        }
        self.put_shelf(old, shelf);
    }

    /// Lets the old domains serve again, or changes nothing. The new ones end: what they have taken
    /// goes to the old ones, if it can be repeated, but for what they asked of each other, which is
    /// made for interfaces that the old ones may not have.
    pub(crate) fn revert_swap(&mut self, couples: &[Couple]) -> Result<(), Status> {
        require_different(couples)?;
        for &(old, new) in couples {
            self.check_revert(old, new)?;
        }
        for &(old, new) in couples {
            if self.phase(old) == Ok(Phase::Replaced) {
                self.give_back(old, new);
                self.enter_phase(new, Phase::Reverted);
            }
        }
        for &(old, _) in couples {
            self.resume_service(old);
        }
        // The old ones cannot take a call before all of this is over.
        for &(_, new) in couples {
            self.end(new, Ending::new(Cause::Killed, 0));
        }
        Ok(())
    }

    /// The new domain is on probation, or it ended and gave its endpoints back already.
    fn check_revert(&self, old: DomainId, new: DomainId) -> Result<(), Status> {
        let phase = self.phase(old)?;
        let ended = self.domains.get(new).is_none_or(|new| new.life == Life::Ended);
        let fits = match phase {
            Phase::Replaced => self.phase(new)? == Phase::Probation,
            Phase::Frozen => ended,
            _ => false,
        };
        if fits && self.partner(old) == Some(new) { Ok(()) } else { Err(Status::NotReady) }
    }

    /// Unbinds what `new` serves in place of `old`: calls wait at the endpoints as before the
    /// commit, objects that `new` minted are stale, drops that wait are `old`'s again.
    pub(super) fn give_back(&mut self, old: DomainId, new: DomainId) {
        let mut shelf = self.take_shelf(old);
        for replaced in &mut shelf {
            let id = replaced.endpoint;
            let Some(endpoint) = self.ipc.endpoints.get_mut(id) else { continue };
            if endpoint.server() != Some(new) {
                continue;
            }
            if replaced.served {
                core::mem::swap(&mut replaced.badge, &mut endpoint.badge);
                core::mem::swap(&mut replaced.descriptor, &mut endpoint.descriptor);
                (endpoint.bound, endpoint.holding) = (None, Some(old));
                self.orphan_objects(new, id);
            } else {
                self.unbind(id);
            }
            self.rebind_queues(new, id);
        }
        self.put_shelf(new, shelf);
    }

    /// Makes stale what was minted on an endpoint since the last change of server.
    fn orphan_objects(&mut self, server: DomainId, id: EndpointId) {
        let Some(endpoint) = self.ipc.endpoints.get(id) else { return };
        let since = endpoint.incarnation;
        let mut at = endpoint.minted.first(&self.ipc.minted);
        while let Some(object) = at {
            at = endpoint.minted.next(&self.ipc.minted, object);
            if let Some(minted) = self.ipc.minted.get_mut(object)
                && minted.incarnation == since
            {
                minted.standing = Standing::Orphaned;
            }
        }
        let Some(domain) = self.domains.get(server) else { return };
        let mut at = domain.inbox.drops.first(&self.ipc.minted);
        while let Some(object) = at {
            at = domain.inbox.drops.next(&self.ipc.minted, object);
            if let Some(minted) = self.ipc.minted.get_mut(object)
                && minted.endpoint == id
                && minted.incarnation == since
            {
                minted.standing = Standing::Orphaned;
            }
        }
    }

    pub(in super::super) fn take_shelf(&mut self, id: DomainId) -> Vec<Publication> {
        self.domains.get_mut(id).map(|own| core::mem::take(&mut own.swap.shelf)).unwrap_or_default()
    }

    fn put_shelf(&mut self, id: DomainId, shelf: Vec<Publication>) {
        if let Some(domain) = self.domains.get_mut(id) {
            domain.swap.shelf = shelf;
        }
    }
}

/// Fails unless all domains of the set are different ones.
fn require_different(couples: &[Couple]) -> Result<(), Status> {
    let mut seen = couples.iter().enumerate();
    let twice = seen.any(|(index, &(old, new))| {
        let names = |&(a, b): &Couple| a == old || a == new || b == old || b == new;
        old == new || couples.iter().skip(index + 1).any(names)
    });
    if twice { Err(Status::Invalid) } else { Ok(()) }
}
