//! The way of a new domain: it publishes to no effect, is told to take over, reads the saved state.

use super::super::Kernel;
use super::super::calls::write_header;
use super::super::transfer::Slots;
use super::Publication;
use crate::capability::{DomainId, EndpointId};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::message::{Header, MAX_NOTE, MAX_PAYLOAD, MAX_SLOTS, PAYLOAD_OFFSET, ReceiveSlot};
use atoll_gate::record::Phase;

impl Kernel {
    /// Keeps what a new domain publishes until the commit; a second time replaces the first.
    pub(in super::super) fn stage(
        &mut self,
        server: DomainId,
        endpoint: EndpointId,
        badge: u32,
        len: usize,
    ) -> Result<u32, Status> {
        let number = self.ipc.endpoints.get(endpoint).ok_or(Status::Closed)?.number;
        let descriptor = self.copy_descriptor(server, len)?;
        let mut publication =
            Publication { endpoint, badge, descriptor, served: false, twin: None };
        let domain = self.domain_mut(server)?;
        let shelf = &mut domain.swap.shelf;
        let replaced = match shelf.iter_mut().find(|staged| staged.endpoint == endpoint) {
            Some(staged) => {
                publication.twin = staged.twin;
                core::mem::replace(staged, publication).descriptor.len()
            }
            None => {
                shelf.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
                shelf.push(publication);
                0
            }
        };
        domain.charged = domain.charged.saturating_add(len as u64).saturating_sub(replaced as u64);
        Ok(number)
    }

    /// Keeps what a domain that prepares itself says in `len` bytes of its send payload: a note of
    /// `note` bytes for the domain that it replaces, and what clients of that would miss, in words.
    pub(crate) fn leave_note(
        &mut self,
        id: DomainId,
        note: usize,
        len: usize,
    ) -> Result<(), Status> {
        if len == 0 || !self.live(id)?.0.swap.is_standby() {
            return Ok(());
        }
        let said = self.last_words(id, len);
        let parts = said.split_at_checked(note).filter(|(note, _)| note.len() <= MAX_NOTE);
        let (note, words) = parts.ok_or(Status::Invalid)?;
        let (note, words) = (copy_of(note)?, copy_of(words)?);
        let swap = &mut self.domain_mut(id)?.swap;
        (swap.note, swap.reason) = (note, words);
        Ok(())
    }

    /// What a prepared domain left for the one that it replaces.
    pub(super) fn note_of(&self, id: DomainId) -> Result<Vec<u8>, Status> {
        match self.phase(id)? {
            Phase::Prepared => copy_of(&self.live(id)?.0.swap.note),
            _ => Err(Status::NotReady),
        }
    }

    /// Tells a prepared domain to take over from a frozen one.
    pub(crate) fn take_over(&mut self, old: DomainId, new: DomainId) -> Result<(), Status> {
        if self.phase(old)? != Phase::Frozen || self.phase(new)? != Phase::Prepared {
            return Err(Status::NotReady);
        }
        if self.partner(old).is_some_and(|partner| self.live(partner).is_ok()) {
            return Err(Status::NotReady);
        }
        self.add_turn(new)?;
        self.domain_mut(old)?.swap.partner = Some(new);
        self.domain_mut(new)?.swap.partner = Some(old);
        self.enter_phase(new, Phase::TakingOver);
        Ok(())
    }

    /// A domain says that it has done what it was started, told or thawed for.
    pub(in super::super) fn advance_swap(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get(id) else { return };
        match domain.swap.phase {
            Phase::Standby => self.enter_phase(id, Phase::Prepared),
            Phase::TakingOver if !self.turns.contains(&id) => {
                self.open_twins(id);
                self.enter_phase(id, Phase::TookOver);
            }
            Phase::Inheriting if !self.turns.contains(&id) => self.inherit(id),
            Phase::Thawed => {
                self.drop_saved(id);
                self.enter_phase(id, Phase::Settled);
            }
            _ => {}
        }
    }

    /// Copies a part of the saved state that `reader` may see into its receive area, with
    /// duplicates of the handles from `first` on; gives how much there is in all.
    pub(crate) fn read_state(
        &mut self,
        reader: DomainId,
        offset: u64,
        first: u64,
    ) -> Result<u64, Status> {
        let owner = match self.phase(reader)? {
            Phase::Thawed => reader,
            Phase::TakingOver => self.partner(reader).ok_or(Status::Closed)?,
            _ => return Err(Status::NotReady),
        };
        let area = self.live(reader)?.1.receive.clone();
        let saved = &self.live(owner)?.0.swap.saved;
        let offset = usize::try_from(offset).map_err(|_| Status::Invalid)?;
        let rest = saved.bytes.get(offset..).ok_or(Status::Invalid)?;
        let part = rest.get(..MAX_PAYLOAD).unwrap_or(rest);
        let payload_len = part.len() as u32;
        let whole = saved.bytes.len() as u64 | (saved.kept.len() as u64) << 32;
        let wanted = usize::try_from(first).unwrap_or(usize::MAX);
        let kept = saved.kept.get(wanted..).unwrap_or(&[]);
        let kept = copy_of(kept.get(..MAX_SLOTS).unwrap_or(kept))?;
        area.write(PAYLOAD_OFFSET, part).map_err(|_| Status::Invalid)?;
        self.domain_mut(reader)?.handles.reserve(kept.len() as u32)?;
        let mut slots = Slots::with_room(kept.len())?;
        for entry in &kept {
            self.hold(entry.object, entry.rights);
            slots.push(self.arrive(reader, *entry, ReceiveSlot::Handle)?);
        }
        slots.write(&area)?;
        let slot_count = kept.len() as u32;
        write_header(&area, Header { payload_len, slot_count, ..Header::default() })?;
        Ok(whole)
    }
}

/// The same items once more.
fn copy_of<T: Copy>(items: &[T]) -> Result<Vec<T>, Status> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(items.len()).map_err(|_| Status::OutOfMemory)?;
    copy.extend_from_slice(items);
    Ok(copy)
}
