//! A domain's handle table.
//!
//! A [`Handle`] is an index (low 16 bits) and a generation (high 16 bits); index 0 is never used,
//! so the number 0 is never a handle. Freed slots are used again in the order in which they became
//! free, which keeps a stale handle from meeting its own slot's next generations for as long as
//! possible. Handles mean something in their own table only, so even a generation that came round
//! would confuse nobody but the domain itself.

use super::object::{Object, WatchId};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::rights;

/// Most entries in any table: indices are 16 bits and 0 is none.
pub const MOST_HANDLES: u32 = 65_535;

/// A domain's name for one of its entries, not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Handle(pub u32);

impl Handle {
    /// No handle.
    pub const NONE: Self = Self(0);

    const fn new(index: u16, generation: u16) -> Self {
        Self(index as u32 | (generation as u32) << 16)
    }

    const fn index(self) -> u16 {
        self.0 as u16
    }

    const fn generation(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Reads an argument register; what does not fit 32 bits is no handle.
    #[must_use]
    pub fn from_raw(raw: u64) -> Self {
        u32::try_from(raw).map_or(Self::NONE, Self)
    }
}

/// How an entry is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// For as long as the domain wants.
    Owned,
    /// Until the call with which it came is answered.
    Borrowed {
        /// The next entry borrowed by the same call.
        next: Handle,
    },
}

/// One entry: an object, what may be done with it and on which terms it is held.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it names.
    pub object: Object,
    /// What may be done with it, of [`rights`].
    pub rights: u32,
    /// On which terms.
    pub hold: Hold,
    /// Calls not yet answered to which it is lent.
    pub lent: u16,
    /// Whether it is part of a message that was sent and not yet delivered.
    pub leaving: bool,
    /// The watch that this holder has on the object.
    pub watch: Option<WatchId>,
    /// What the holder is to the object. Domain: the number of state changes it has seen. Log: the
    /// sequence number behind the last entry that it read. Window: where it is mapped, 0 for
    /// nowhere.
    pub note: u64,
}

impl Entry {
    /// An owned entry.
    #[must_use]
    pub const fn owned(object: Object, rights: u32) -> Self {
        Self { object, rights, hold: Hold::Owned, lent: 0, leaving: false, watch: None, note: 0 }
    }

    /// Fails with `Denied` unless all of `needed` are there.
    #[inline]
    pub fn require(&self, needed: u32) -> Result<(), Status> {
        if self.rights & needed == needed { Ok(()) } else { Err(Status::Denied) }
    }

    /// Fails with `Denied` if the entry cannot leave the table now: it is borrowed or lent.
    pub fn require_movable(&self) -> Result<(), Status> {
        if self.hold == Hold::Owned && self.lent == 0 { Ok(()) } else { Err(Status::Denied) }
    }
}

#[derive(Debug)]
struct Slot {
    generation: u16,
    next_free: u16,
    entry: Option<Entry>,
}

/// All handles of one domain.
#[derive(Debug)]
pub struct HandleTable {
    slots: Vec<Slot>,
    first_free: u16,
    last_free: u16,
    live: u32,
    limit: u32,
}

impl HandleTable {
    /// An empty table for at most `limit` handles; memory is taken as it grows.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self {
            slots: Vec::new(),
            first_free: 0,
            last_free: 0,
            live: 0,
            limit: limit.min(MOST_HANDLES),
        }
    }

    /// Handles in use.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.live
    }

    /// Whether no handle is in use.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Makes sure that the next `count` insertions succeed.
    pub fn reserve(&mut self, count: u32) -> Result<(), Status> {
        let wanted = self.live.checked_add(count).ok_or(Status::QuotaExceeded)?;
        if wanted > self.limit {
            return Err(Status::QuotaExceeded);
        }
        while (self.slots.len() as u32) < wanted {
            self.grow()?;
        }
        Ok(())
    }

    /// Adds one free slot.
    fn grow(&mut self) -> Result<(), Status> {
        let index = u16::try_from(self.slots.len() + 1).map_err(|_| Status::QuotaExceeded)?;
        self.slots.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
        self.slots.push(Slot { generation: 1, next_free: 0, entry: None });
        self.append_free(index);
        Ok(())
    }

    fn append_free(&mut self, index: u16) {
        let last = self.last_free;
        match self.slot_mut(last) {
            Some(slot) => slot.next_free = index,
            None => self.first_free = index,
        }
        self.last_free = index;
    }

    #[inline]
    fn slot(&self, index: u16) -> Option<&Slot> {
        self.slots.get(usize::from(index).checked_sub(1)?)
    }

    #[inline]
    fn slot_mut(&mut self, index: u16) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(index).checked_sub(1)?)
    }

    /// Adds an entry and gives its handle; fails at the limit or when the kernel's heap is full.
    pub fn insert(&mut self, entry: Entry) -> Result<Handle, Status> {
        self.reserve(1)?;
        let index = self.first_free;
        let slot = self.slot_mut(index).ok_or(Status::OutOfMemory)?;
        let next = core::mem::take(&mut slot.next_free);
        let handle = Handle::new(index, slot.generation);
        slot.entry = Some(entry);
        self.first_free = next;
        if next == 0 {
            self.last_free = 0;
        }
        self.live += 1;
        Ok(handle)
    }

    /// The entry of `handle`, also one that is on its way out in a message.
    #[inline]
    pub fn find_pledged(&self, handle: Handle) -> Result<&Entry, Status> {
        match self.slot(handle.index()) {
            Some(Slot { generation, entry: Some(entry), .. })
                if *generation == handle.generation() =>
            {
                Ok(entry)
            }
            _ => Err(Status::BadHandle),
        }
    }

    /// The entry of `handle`.
    #[inline]
    pub fn get(&self, handle: Handle) -> Result<&Entry, Status> {
        let entry = self.find_pledged(handle)?;
        if entry.leaving { Err(Status::BadHandle) } else { Ok(entry) }
    }

    /// The entry of `handle`, to change; also one that is on its way out in a message.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Result<&mut Entry, Status> {
        match self.slot_mut(handle.index()) {
            Some(Slot { generation, entry: Some(entry), .. })
                if *generation == handle.generation() =>
            {
                Ok(entry)
            }
            _ => Err(Status::BadHandle),
        }
    }

    /// Takes out the entry of `handle`, whatever its state; the handle is stale from then on.
    pub fn remove(&mut self, handle: Handle) -> Result<Entry, Status> {
        let index = handle.index();
        let slot = self.slot_mut(index).ok_or(Status::BadHandle)?;
        if slot.generation != handle.generation() {
            return Err(Status::BadHandle);
        }
        let entry = slot.entry.take().ok_or(Status::BadHandle)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next_free = 0;
        self.live = self.live.saturating_sub(1);
        self.append_free(index);
        Ok(entry)
    }

    /// Takes out any one entry; for emptying a table.
    pub fn pop(&mut self) -> Option<(Handle, Entry)> {
        while let Some(slot) = self.slots.pop() {
            if let Some(entry) = slot.entry {
                let handle = Handle::new((self.slots.len() + 1) as u16, slot.generation);
                self.live = self.live.saturating_sub(1);
                return Some((handle, entry));
            }
        }
        (self.first_free, self.last_free) = (0, 0);
        None
    }

    /// Every handle with its entry, from slot `from` on.
    pub fn iter_from(&self, from: usize) -> impl Iterator<Item = (Handle, &Entry)> {
        self.slots
            .iter()
            .zip(1u16..)
            .filter_map(|(slot, index)| {
                slot.entry.as_ref().map(|entry| (Handle::new(index, slot.generation), entry))
            })
            .skip(from)
    }

    /// Every entry, to change.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut())
    }
}

/// Defines lookups that check generation, kind and rights, in this order.
macro_rules! lookups {
    ($($(#[$doc:meta])* $name:ident($variant:ident) -> $id:ty;)*) => {
        impl HandleTable {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(&self, handle: Handle, needed: u32) -> Result<$id, Status> {
                    let entry = self.get(handle)?;
                    let Object::$variant(id) = entry.object else { return Err(Status::WrongKind) };
                    entry.require(needed)?;
                    Ok(id)
                }
            )*
        }
    };
}

lookups! {
    /// The endpoint that `handle` names, if it has the rights `needed`.
    endpoint(Endpoint) -> super::EndpointId;
    /// The event that `handle` names, if it has the rights `needed`.
    event(Event) -> super::EventId;
    /// The interrupt that `handle` names, if it has the rights `needed`.
    interrupt(Interrupt) -> super::InterruptId;
    /// The ports that `handle` names, if it has the rights `needed`.
    ports(Ports) -> super::PortsId;
    /// The window that `handle` names, if it has the rights `needed`.
    window(Window) -> super::WindowId;
    /// The blob that `handle` names, if it has the rights `needed`.
    blob(Blob) -> super::BlobId;
    /// The capsule that `handle` names, if it has the rights `needed`.
    capsule(Capsule) -> super::CapsuleId;
    /// The domain that `handle` controls, if it has the rights `needed`.
    domain(Domain) -> super::DomainId;
}

impl HandleTable {
    /// Checks that `handle` is a system handle with the rights `needed`.
    pub fn system(&self, handle: Handle, needed: u32) -> Result<(), Status> {
        let entry = self.get(handle)?;
        if entry.object != Object::System {
            return Err(Status::WrongKind);
        }
        entry.require(needed)
    }

    /// What a duplicate of `handle` with at most the rights `keep` holds.
    pub fn duplicate(&self, handle: Handle, keep: u32) -> Result<Entry, Status> {
        let entry = self.get(handle)?;
        entry.require(rights::COPY)?;
        if entry.hold != Hold::Owned {
            return Err(Status::Denied);
        }
        Ok(Entry { note: entry.note, ..Entry::owned(entry.object, entry.rights & keep) })
    }
}
