//! The estate: what a first domain held at its end, until the next one has settled.
//!
//! Of all that it held, endpoints, control of domains and capsules can be adopted, and blobs opened
//! by their names; the rest, such as events and pipes of which it alone knew the meaning, goes with
//! it. Adopting makes a duplicate, so whoever ends in the middle of it leaves the estate as it was.

use super::Kernel;
use crate::capability::{DomainId, Entry, Handle, HandleTable, Hold, Object};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::{ObjectKind, rights};

/// Whether an entry of a first domain is worth keeping for the next.
fn is_heritable(entry: &Entry) -> bool {
    let kind = match entry.object {
        // Others are twins, which a swap needs for a moment and which have the same numbers.
        Object::Endpoint(_) => entry.rights & rights::SERVE != 0,
        Object::Domain(_) | Object::Capsule(_) | Object::Blob(_) => true,
        _ => false,
    };
    kind && entry.hold == Hold::Owned
}

impl Kernel {
    /// Keeps what a first domain that ends holds. If it had not settled, that is what is kept
    /// already, and what it made since ends with it; nor is it worth a clone. Without memory for
    /// it nothing is kept.
    pub(in super::super) fn leave_estate(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        if self.guardian.estate.is_some() {
            domain.pristine = None;
            return self.close_all(id);
        }
        let mut table = core::mem::replace(&mut domain.handles, HandleTable::new(0));
        let mut estate = Vec::new();
        let has_room = estate.try_reserve_exact(table.len() as usize).is_ok();
        while let Some((_, entry)) = table.pop() {
            self.detach_entry(id, &entry);
            if has_room && is_heritable(&entry) {
                estate.push(Entry::owned(entry.object, entry.rights));
            } else {
                self.release(entry.object, entry.rights);
            }
        }
        self.guardian.estate = has_room.then_some(estate);
    }

    /// Lets go of what is kept.
    pub(super) fn drop_estate(&mut self) {
        for entry in self.guardian.estate.take().unwrap_or_default() {
            self.release(entry.object, entry.rights);
        }
    }

    /// Gives `caller` a duplicate of the n-th object of a kind that it can adopt.
    pub(crate) fn adopt(
        &mut self,
        caller: DomainId,
        kind: ObjectKind,
        n: usize,
    ) -> Result<Handle, Status> {
        let wanted = |entry: &&Entry| entry.object.kind() == kind && is_heritable(entry);
        let found = if self.is_first(caller) {
            let estate = self.guardian.estate.as_deref().unwrap_or_default();
            estate.iter().filter(wanted).nth(n).copied()
        } else {
            let old = self.succeeded_by(caller).ok_or(Status::Denied)?;
            let mut held = self.live(old)?.0.handles.iter_from(0).map(|(_, entry)| entry);
            held.by_ref().filter(wanted).nth(n).copied()
        };
        let Entry { object, rights, .. } = found.ok_or(Status::NotFound)?;
        self.domain_mut(caller)?.handles.reserve(1)?;
        self.give(caller, object, rights)
    }

    /// The first domain has what it wants.
    pub(crate) fn settle_estate(&mut self, caller: DomainId) -> Result<(), Status> {
        if !self.is_first(caller) {
            return Err(Status::Denied);
        }
        self.drop_estate();
        Ok(())
    }
}
