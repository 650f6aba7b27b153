//! The way of an old domain: its calls are held, it finishes what it took, saves its state and
//! stops; and the way back.

use super::super::calls::write_header;
use super::super::transfer::Slots;
use super::super::{Activity, Kernel, Life};
use crate::capability::{DomainId, Entry, Handle};
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::message::{EventKind, Header, Lengths, PAYLOAD_OFFSET, SendSlot, accept};
use atoll_gate::record::Phase;

/// What a kept handle counts against its owner's quota.
const KEPT_COST: u64 = size_of::<Entry>() as u64;

impl Kernel {
    /// Holds the calls to a domain, so that it comes to rest; tells it the note of the `next` one.
    pub(crate) fn quiesce(&mut self, id: DomainId, next: Option<DomainId>) -> Result<(), Status> {
        let (domain, _) = self.live(id)?;
        if domain.life != Life::Ready || domain.swap.phase != Phase::Settled {
            return Err(Status::NotReady);
        }
        let note = next.map(|next| self.note_of(next)).transpose()?;
        self.add_turn(id)?;
        self.domain_mut(id)?.swap.note = note.unwrap_or_default();
        for index in 0..self.ipc.endpoints.extent() {
            let Some(endpoint_id) = self.ipc.endpoints.id_at(index) else { continue };
            let Some(endpoint) = self.ipc.endpoints.get_mut(endpoint_id) else { continue };
            if endpoint.bound == Some(id) {
                (endpoint.bound, endpoint.holding) = (None, Some(id));
                self.rebind_calls(id, endpoint_id);
            }
        }
        self.enter_phase(id, Phase::Quiescing);
        Ok(())
    }

    /// Notes that a domain is to be told something as soon as it waits.
    pub(in super::super) fn add_turn(&mut self, id: DomainId) -> Result<(), Status> {
        self.turns.try_reserve(1).map_err(|_| Status::OutOfMemory)?;
        self.turns.push(id);
        self.unsettled = true;
        Ok(())
    }

    /// Tells the domains that wait what a swap or a probe wants of them.
    pub(crate) fn settle_swaps(&mut self) {
        let mut index = 0;
        while let Some(id) = self.turns.get(index).copied() {
            if self.take_turn(id) {
                self.turns.swap_remove(index);
            } else {
                index += 1;
            }
        }
    }

    /// Tells one domain, if it has nothing else to do; true if nothing is left to tell it.
    fn take_turn(&mut self, id: DomainId) -> bool {
        let Ok((domain, body)) = self.live(id) else { return true };
        let waits = matches!(domain.activity, Activity::Waiting(mask) if mask & accept::CALLS != 0);
        if domain.health.is_asked() {
            if waits && self.deliver_probe(id) {
                self.finish_wait(id, Status::Ok);
                self.scheduler.wake(id, self.now);
            }
            return waits;
        }
        let event = match domain.swap.phase {
            Phase::Quiescing if domain.calls_open > 0 => return false,
            Phase::Quiescing => EventKind::Quiesce,
            Phase::TakingOver => EventKind::TakeOver,
            Phase::Inheriting => EventKind::Inherit,
            _ => return true,
        };
        let note = if event == EventKind::Quiesce { domain.swap.note.as_slice() } else { &[] };
        let payload_len = note.len() as u32;
        let header = Header { event: event as u32, payload_len, ..Header::default() };
        let told = || body.receive.write(PAYLOAD_OFFSET, note).is_ok();
        if !waits || !told() || write_header(&body.receive, header).is_err() {
            return false;
        }
        if event == EventKind::Quiesce {
            self.enter_phase(id, Phase::Saving);
        }
        self.finish_wait(id, Status::Ok);
        self.scheduler.wake(id, self.now);
        true
    }

    /// Appends a message from the send area of `id` to its saved state; gives the bytes in all.
    pub(crate) fn save_state(&mut self, id: DomainId, lengths: Lengths) -> Result<u64, Status> {
        if !matches!(self.phase(id)?, Phase::Saving | Phase::Thawed) {
            return Err(Status::NotReady);
        }
        let slots = Slots::read(&self.live(id)?.1.send, lengths.slots)?;
        let moves = |kind| SendSlot::from_raw(kind) == Some(SendSlot::Move);
        if !slots.as_slice().iter().all(|slot| moves(slot.kind)) {
            return Err(Status::Invalid);
        }
        self.pledge(id, &slots, false)?;
        let appended = self.append_bytes(id, lengths);
        if appended.is_err() {
            self.withdraw_pledge(id, slots.as_slice());
        }
        let total = appended?;
        for slot in slots.as_slice() {
            self.keep_handle(id, Handle(slot.handle));
        }
        Ok(total)
    }

    /// Appends the payload and makes room for the handles; nothing has changed on failure.
    fn append_bytes(&mut self, id: DomainId, lengths: Lengths) -> Result<u64, Status> {
        let cost = u64::from(lengths.payload) + u64::from(lengths.slots) * KEPT_COST;
        self.domain_mut(id)?.require_memory(cost)?;
        let area = self.live(id)?.1.send.clone();
        let domain = self.domain_mut(id)?;
        let saved = &mut domain.swap.saved;
        let (before, len) = (saved.bytes.len(), lengths.payload as usize);
        saved.kept.try_reserve(lengths.slots as usize).map_err(|_| Status::OutOfMemory)?;
        saved.bytes.try_reserve(len).map_err(|_| Status::OutOfMemory)?;
        saved.bytes.resize(before.saturating_add(len), 0);
        let read = saved.bytes.get_mut(before..).map(|to| area.read(PAYLOAD_OFFSET, to));
        if !matches!(read, Some(Ok(()))) {
            saved.bytes.truncate(before);
            return Err(Status::Invalid);
        }
        saved.charged = saved.charged.saturating_add(cost);
        let total = saved.bytes.len() as u64;
        domain.charged = domain.charged.saturating_add(cost);
        Ok(total)
    }

    /// Takes a pledged handle out of the table of `id` and keeps it.
    fn keep_handle(&mut self, id: DomainId, handle: Handle) {
        let entry = self.domain_mut(id).and_then(|domain| domain.handles.remove(handle));
        let Ok(entry) = entry else { return };
        self.detach_entry(id, &entry);
        if let Some(domain) = self.domains.get_mut(id) {
            domain.swap.saved.kept.push(Entry::owned(entry.object, entry.rights));
        }
    }

    /// Stops a domain that saved its state, or could not; true if it was thawed in between and
    /// goes on.
    pub(crate) fn freeze(
        &mut self,
        id: DomainId,
        status: Status,
        words: usize,
    ) -> Result<bool, Status> {
        match self.phase(id)? {
            Phase::Saving => {}
            Phase::Thawed => return Ok(true),
            _ => return Err(Status::NotReady),
        }
        let saved = status == Status::Ok;
        let reason = if saved { Vec::new() } else { self.last_words(id, words) };
        let domain = self.domain_mut(id)?;
        domain.swap.reason = reason;
        domain.activity = Activity::Frozen;
        self.scheduler.block(id, self.now);
        self.enter_phase(id, if saved { Phase::Frozen } else { Phase::Unsaved });
        Ok(false)
    }

    /// Lets a domain serve again that was asked to come to rest, or did.
    pub(crate) fn thaw(&mut self, id: DomainId) -> Result<(), Status> {
        match self.phase(id)? {
            Phase::Quiescing | Phase::Saving | Phase::Frozen | Phase::Unsaved => {
                self.resume_service(id);
                Ok(())
            }
            _ => Err(Status::NotReady),
        }
    }

    /// The whole way back of an old domain: its endpoints, held calls, and itself if it stopped.
    pub(super) fn resume_service(&mut self, id: DomainId) {
        self.part(id);
        let Some(domain) = self.domains.get(id) else { return };
        let (activity, phase) = (domain.activity, domain.swap.phase);
        for index in 0..self.ipc.endpoints.extent() {
            let Some(endpoint_id) = self.ipc.endpoints.id_at(index) else { continue };
            let Some(endpoint) = self.ipc.endpoints.get_mut(endpoint_id) else { continue };
            if endpoint.holding == Some(id) {
                (endpoint.bound, endpoint.holding) = (Some(id), None);
                self.release_held(endpoint_id);
            }
        }
        if activity == Activity::Frozen {
            self.finish_wait(id, Status::Ok);
            self.scheduler.wake(id, self.now);
        }
        let stopped = phase != Phase::Quiescing;
        self.enter_phase(id, if stopped { Phase::Thawed } else { Phase::Settled });
        self.poke(id);
    }
}
