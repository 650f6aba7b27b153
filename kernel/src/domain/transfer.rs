//! Handles on their way from one table to another: a message's slots.
//!
//! A transfer has two steps. [`Kernel::pledge`] checks a message's slots when it is sent and marks
//! the entries, so that they cannot be used for anything else; [`Kernel::withdraw_pledge`] undoes
//! that. [`Kernel::transfer`] checks everything again when the message is delivered, makes room,
//! and only then changes both tables: a message's handles go over whole or not at all.

use super::Kernel;
use crate::capability::{DomainId, EndpointId, Entry, Handle, Hold, Link, Object};
use crate::ipc::{Minted, Standing};
use crate::memory::PageRun;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::rights;
use atoll_gate::message::{MAX_SLOTS, ReceiveSlot, SLOTS_OFFSET, SendSlot, Slot};

/// Bytes of a slot in an area.
const SLOT_SIZE: usize = size_of::<Slot>();

/// Slots of a message that are kept without memory of their own.
const FEW: usize = 4;

/// A message's slots, copied from the sender so that they cannot change.
#[derive(Debug)]
pub(crate) struct Slots {
    few: [Slot; FEW],
    /// All of them, if there are more than a few.
    many: Vec<Slot>,
    len: usize,
}

impl Slots {
    /// No slots yet, and room for `count`.
    pub(crate) fn with_room(count: usize) -> Result<Self, Status> {
        let mut many = Vec::new();
        if count > FEW {
            many.try_reserve_exact(count).map_err(|_| Status::OutOfMemory)?;
        }
        Ok(Self { few: [Slot { kind: 0, handle: 0, object: 0, detail: 0 }; FEW], many, len: 0 })
    }

    /// Reads the first `count` slots of an area.
    pub(crate) fn read(area: &PageRun, count: u32) -> Result<Self, Status> {
        let count = (count as usize).min(MAX_SLOTS);
        let mut slots = Self::with_room(count)?;
        for index in 0..count {
            slots.push(slot_at(area, index)?);
        }
        Ok(slots)
    }

    /// Takes slots that the kernel kept.
    pub(crate) fn from_kept(kept: &[Slot]) -> Result<Self, Status> {
        let mut slots = Self::with_room(kept.len())?;
        kept.iter().for_each(|slot| slots.push(*slot));
        Ok(slots)
    }

    /// Appends a slot; there must be room.
    pub(crate) fn push(&mut self, slot: Slot) {
        if self.many.capacity() > 0 {
            self.many.push(slot);
        } else if let Some(place) = self.few.get_mut(self.len) {
            *place = slot;
        }
        self.len += 1;
    }

    /// The slots in order.
    pub(crate) fn as_slice(&self) -> &[Slot] {
        self.few.get(..self.len).filter(|_| self.many.is_empty()).unwrap_or(&self.many)
    }

    /// The handles that a message lends.
    pub(crate) fn lent(&self) -> impl Iterator<Item = Handle> {
        let lends = |slot: &&Slot| SendSlot::from_raw(slot.kind) == Some(SendSlot::Lend);
        self.as_slice().iter().filter(lends).map(|slot| Handle(slot.handle))
    }

    /// Writes all slots into an area.
    pub(crate) fn write(&self, area: &PageRun) -> Result<(), Status> {
        for (index, slot) in self.as_slice().iter().enumerate() {
            let words = [
                u64::from(slot.kind) | u64::from(slot.handle) << 32,
                u64::from(slot.object) | u64::from(slot.detail) << 32,
            ];
            area.set_words(SLOTS_OFFSET + index * SLOT_SIZE, words).map_err(|_| Status::Invalid)?;
        }
        Ok(())
    }
}

/// Reads one slot of an area.
fn slot_at(area: &PageRun, index: usize) -> Result<Slot, Status> {
    let words = area.words_at::<2>(SLOTS_OFFSET + index * SLOT_SIZE);
    let halves = |word: u64| (word as u32, (word >> 32) as u32);
    let [(kind, handle), (object, detail)] = words.map_err(|_| Status::Invalid)?.map(halves);
    Ok(Slot { kind, handle, object, detail })
}

/// The tag in the slot of an object that its server sends.
fn tag_of(slot: Slot) -> Result<u16, Status> {
    u16::try_from(slot.detail).map_err(|_| Status::Invalid)
}

impl Kernel {
    /// Checks the slots of a message that `sender` sends and marks the entries they name.
    pub(crate) fn pledge(
        &mut self,
        sender: DomainId,
        slots: &Slots,
        may_lend: bool,
    ) -> Result<(), Status> {
        for (index, slot) in slots.as_slice().iter().enumerate() {
            if let Err(status) = self.pledge_slot(sender, *slot, may_lend) {
                self.withdraw_pledge(sender, slots.as_slice().get(..index).unwrap_or(&[]));
                return Err(status);
            }
        }
        Ok(())
    }

    fn pledge_slot(&mut self, sender: DomainId, slot: Slot, may_lend: bool) -> Result<(), Status> {
        let kind = SendSlot::from_raw(slot.kind).ok_or(Status::Invalid)?;
        if !may_lend && matches!(kind, SendSlot::Lend | SendSlot::LendOwn) {
            return Err(Status::Invalid);
        }
        let handle = Handle(slot.handle);
        let entry = *self.domain_mut(sender)?.handles.get(handle)?;
        self.require_fresh(entry.object)?;
        let table = &mut self.domain_mut(sender)?.handles;
        match kind {
            SendSlot::Move => {
                entry.require_movable()?;
                table.get_mut(handle)?.leaving = true;
            }
            SendSlot::Lend => {
                table.get_mut(handle)?.lent =
                    entry.lent.checked_add(1).ok_or(Status::QuotaExceeded)?;
            }
            SendSlot::Mint | SendSlot::LendOwn => {
                let endpoint = table.endpoint(handle, rights::SERVE)?;
                tag_of(slot)?;
                // A domain that stages would mint what whoever serves next does not know.
                self.live(sender)?.0.swap.minting_on(endpoint)?;
            }
            SendSlot::Copy => {
                table.duplicate(handle, slot.detail)?;
            }
        }
        Ok(())
    }

    /// Unmarks the entries of a message that stands in the sender's area and is not delivered.
    pub(crate) fn withdraw_pledged_area(&mut self, sender: DomainId, count: u32) {
        for index in 0..count as usize {
            let slot = self.live(sender).and_then(|(_, body)| slot_at(&body.send, index));
            if let Ok(slot) = slot {
                self.withdraw_pledge(sender, &[slot]);
            }
        }
    }

    /// Unmarks the entries of a message that is not delivered.
    pub(crate) fn withdraw_pledge(&mut self, sender: DomainId, slots: &[Slot]) {
        let Some(domain) = self.domains.get_mut(sender) else { return };
        for slot in slots {
            let Ok(entry) = domain.handles.get_mut(Handle(slot.handle)) else { continue };
            match SendSlot::from_raw(slot.kind) {
                Some(SendSlot::Move) => entry.leaving = false,
                Some(SendSlot::Lend) => entry.lent = entry.lent.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Carries pledged slots from `sender` to `receiver` and gives them as the receiver reads
    /// them, with the first of the entries that are only borrowed. On failure nothing has changed
    /// and the pledge still stands.
    pub(crate) fn transfer(
        &mut self,
        sender: DomainId,
        receiver: DomainId,
        slots: &Slots,
    ) -> Result<(Slots, Handle), Status> {
        let (mut entries, mut minted) = (0, 0);
        for slot in slots.as_slice() {
            let (object, makes) = self.recheck(sender, *slot)?;
            let home = self.is_home(object, receiver);
            entries += u32::from(!home);
            minted += u32::from(makes);
        }
        let mut out = Slots::with_room(slots.as_slice().len())?;
        self.ipc.minted.reserve(minted).map_err(|_| Status::OutOfMemory)?;
        self.domain_mut(receiver)?.handles.reserve(entries)?;
        let mut borrowed = Handle::NONE;
        for slot in slots.as_slice() {
            let arrived = self.carry(sender, receiver, *slot, &mut borrowed)?;
            out.push(arrived);
        }
        Ok((out, borrowed))
    }

    /// Checks one pledged slot again: the object it is about, and whether it makes a new one.
    fn recheck(&self, sender: DomainId, slot: Slot) -> Result<(Object, bool), Status> {
        let kind = SendSlot::from_raw(slot.kind).ok_or(Status::Invalid)?;
        let table = &self.live(sender)?.0.handles;
        let entry = table.find_pledged(Handle(slot.handle))?;
        self.require_fresh(entry.object)?;
        let makes = match kind {
            SendSlot::Move | SendSlot::Lend => false,
            SendSlot::Copy => {
                table.duplicate(Handle(slot.handle), slot.detail)?;
                false
            }
            SendSlot::Mint | SendSlot::LendOwn => {
                table.endpoint(Handle(slot.handle), rights::SERVE)?;
                tag_of(slot)?;
                true
            }
        };
        // A copied or moved endpoint handle is not an object of the endpoint, a minted one is.
        Ok((entry.object, makes))
    }

    /// Whether an object that is sent as such, or minted on the endpoint, belongs to `receiver`.
    fn home_of(&self, endpoint: EndpointId, receiver: DomainId) -> bool {
        self.ipc.endpoints.get(endpoint).is_some_and(|endpoint| endpoint.server() == Some(receiver))
    }

    fn is_home(&self, object: Object, receiver: DomainId) -> bool {
        match object {
            Object::Minted(id) => self
                .ipc
                .minted
                .get(id)
                .is_some_and(|minted| self.home_of(minted.endpoint, receiver)),
            _ => false,
        }
    }

    /// Carries one slot over. Room was made and everything checked.
    fn carry(
        &mut self,
        sender: DomainId,
        receiver: DomainId,
        slot: Slot,
        borrowed: &mut Handle,
    ) -> Result<Slot, Status> {
        let handle = Handle(slot.handle);
        match SendSlot::from_raw(slot.kind).ok_or(Status::Invalid)? {
            SendSlot::Move => {
                let entry = self.domain_mut(sender)?.handles.remove(handle)?;
                self.detach_entry(sender, &entry);
                if self.is_home(entry.object, receiver) {
                    return Ok(self.come_home(entry.object));
                }
                self.arrive(receiver, Entry::owned(entry.object, entry.rights), ReceiveSlot::Handle)
            }
            SendSlot::Copy => {
                let entry = self.domain_mut(sender)?.handles.duplicate(handle, slot.detail)?;
                self.hold(entry.object, entry.rights);
                self.arrive(receiver, Entry { note: 0, ..entry }, ReceiveSlot::Handle)
            }
            SendSlot::Mint => {
                let object = self.mint(sender, slot, false)?;
                self.arrive(receiver, Entry::owned(object, 0), ReceiveSlot::Handle)
            }
            SendSlot::LendOwn => {
                let object = self.mint(sender, slot, true)?;
                self.arrive_borrowed(receiver, object, 0, borrowed)
            }
            SendSlot::Lend => {
                let entry = *self.domain_mut(sender)?.handles.get_mut(handle)?;
                if let Object::Minted(id) = entry.object
                    && self.is_home(entry.object, receiver)
                {
                    let object = self.ipc.minted.get(id).map_or(0, |minted| minted.object);
                    return Ok(Slot {
                        kind: ReceiveSlot::HomeBorrow as u32,
                        handle: 0,
                        object,
                        detail: 0,
                    });
                }
                self.hold(entry.object, entry.rights);
                self.arrive_borrowed(receiver, entry.object, entry.rights, borrowed)
            }
        }
    }

    /// Makes a minted object with one holder, as the slot of its server says.
    fn mint(&mut self, server: DomainId, slot: Slot, lent: bool) -> Result<Object, Status> {
        let domain = self.domain_mut(server)?;
        let named = domain.handles.endpoint(Handle(slot.handle), rights::SERVE)?;
        let endpoint_id = domain.swap.minting_on(named)?;
        let endpoint = self.ipc.endpoints.get_mut(endpoint_id).ok_or(Status::Closed)?;
        let minted = Minted {
            endpoint: endpoint_id,
            object: slot.object,
            tag: tag_of(slot)?,
            incarnation: endpoint.incarnation,
            holders: 1,
            standing: Standing::Held,
            lent,
            link: Link::FREE,
        };
        let id = self.ipc.minted.insert(minted).map_err(|_| Status::OutOfMemory)?;
        endpoint.holders = endpoint.holders.saturating_add(1);
        endpoint.minted.push(&mut self.ipc.minted, id, 0);
        Ok(Object::Minted(id))
    }

    /// Gives a moved object back to its server: others who still borrow it lose it.
    fn come_home(&mut self, object: Object) -> Slot {
        let mut slot = Slot { kind: ReceiveSlot::Home as u32, handle: 0, object: 0, detail: 0 };
        if let Object::Minted(id) = object
            && let Some(minted) = self.ipc.minted.get_mut(id)
        {
            slot.object = minted.object;
            minted.standing = Standing::Home;
            self.release(object, 0);
        }
        slot
    }

    /// Adds an entry whose holder is counted already; gives it as its receiver reads it.
    pub(super) fn arrive(
        &mut self,
        receiver: DomainId,
        entry: Entry,
        kind: ReceiveSlot,
    ) -> Result<Slot, Status> {
        let handle = self.domain_mut(receiver)?.handles.insert(entry)?;
        let tag = match entry.object {
            Object::Minted(id) => self.ipc.minted.get(id).map_or(0, |minted| minted.tag),
            _ => 0,
        };
        Ok(Slot {
            kind: kind as u32,
            handle: handle.0,
            object: self.endpoint_number(entry.object),
            detail: entry.object.kind() as u32 | u32::from(tag) << 16,
        })
    }

    fn arrive_borrowed(
        &mut self,
        receiver: DomainId,
        object: Object,
        rights: u32,
        first: &mut Handle,
    ) -> Result<Slot, Status> {
        let entry = Entry { hold: Hold::Borrowed { next: *first }, ..Entry::owned(object, rights) };
        let slot = self.arrive(receiver, entry, ReceiveSlot::Borrowed)?;
        *first = Handle(slot.handle);
        Ok(slot)
    }

    /// Takes back what `server` borrowed with a call.
    pub(crate) fn take_back(&mut self, server: DomainId, mut first: Handle) {
        while first != Handle::NONE {
            let Some(domain) = self.domains.get_mut(server) else { return };
            let Ok(entry) = domain.handles.remove(first) else { return };
            self.discard_entry(server, &entry);
            let Hold::Borrowed { next } = entry.hold else { return };
            first = next;
        }
    }

    /// Drops the pledged handles of a message whose receiver is gone: what moved is closed, what
    /// was minted comes back to its server as a drop.
    pub(crate) fn discard_message(&mut self, sender: DomainId, slots: &Slots) {
        for slot in slots.as_slice() {
            let handle = Handle(slot.handle);
            match SendSlot::from_raw(slot.kind) {
                Some(SendSlot::Move) => {
                    let entry =
                        self.domain_mut(sender).and_then(|domain| domain.handles.remove(handle));
                    if let Ok(entry) = entry {
                        self.discard_entry(sender, &entry);
                    }
                }
                Some(SendSlot::Mint) => {
                    if let Ok(object) = self.mint(sender, *slot, false) {
                        self.release(object, 0);
                    }
                }
                _ => {}
            }
        }
    }
}
