//! Swaps: what the domain under test saves and reads, and what it asks of others.

use super::{Fake, Message, arriving};
use atoll_gate::call::{Call, Status};
use atoll_gate::message::{Header, MAX_PAYLOAD, MAX_SLOTS, ReceiveSlot, SendSlot};

impl Fake {
    pub(super) fn save_state(&mut self, lengths: u64) -> Result<u64, Status> {
        let (payload, slots) = self.sent(lengths)?;
        let mut state = self.state.borrow_mut();
        let limit = state.save_limit.unwrap_or(usize::MAX);
        if state.saved.len() + payload.len() > limit {
            return Err(Status::QuotaExceeded);
        }
        for slot in &slots {
            assert_eq!(SendSlot::from_raw(slot.kind), Some(SendSlot::Move));
            let thing = state.things.remove(&slot.handle).ok_or(Status::BadHandle)?;
            state.kept.push(thing);
        }
        state.saved.extend(payload);
        Ok(state.saved.len() as u64)
    }

    /// The domain is thawed by the next step of the script.
    pub(super) fn freeze(&mut self, status: u64, lengths: u64) -> Result<u64, Status> {
        let (reason, _) = self.sent(lengths)?;
        let reason = String::from_utf8(reason).expect("text");
        self.state.borrow_mut().frozen.push((status, reason));
        let step = self.state.borrow_mut().script.pop_front();
        let step = step.expect("the domain is frozen and nobody does anything");
        step(&mut self.state.borrow_mut());
        Ok(0)
    }

    pub(super) fn read_state(&mut self, offset: usize, first: usize) -> Result<u64, Status> {
        let mut state = self.state.borrow_mut();
        let part = state.saved.get(offset..).ok_or(Status::Invalid)?;
        let payload = part[..part.len().min(MAX_PAYLOAD)].to_vec();
        let whole = state.saved.len() as u64 | (state.kept.len() as u64) << 32;
        let things: Vec<_> = state.kept.iter().skip(first).take(MAX_SLOTS).cloned().collect();
        let slots: Vec<_> = things
            .into_iter()
            .map(|(thing, rights)| arriving(ReceiveSlot::Handle, state.add(thing, rights), 0, 0))
            .collect();
        drop(state);
        let (payload_len, slot_count) = (payload.len() as u32, slots.len() as u32);
        let header = Header { payload_len, slot_count, ..Header::default() };
        self.deliver(Message { header, payload, slots });
        Ok(whole)
    }

    /// Keeps the memory as it is now: the domain changes nothing before it is frozen.
    pub(super) fn offer(&mut self, memory: &[u8]) -> Result<u32, Status> {
        let mut state = self.state.borrow_mut();
        if state.save_limit == Some(0) {
            return Err(Status::QuotaExceeded);
        }
        state.offered.push(memory.to_vec());
        Ok(state.offered.len() as u32 - 1)
    }

    pub(super) fn take_offered(
        &mut self,
        offer: u32,
        offset: u64,
        to: &mut [u8],
    ) -> Result<(), Status> {
        let state = self.state.borrow();
        let offered = state.offered.get(offer as usize).and_then(|all| all.get(offset as usize..));
        let part = offered.and_then(|part| part.get(..to.len())).ok_or(Status::Invalid)?;
        to.copy_from_slice(part);
        Ok(())
    }

    /// What a supervisor asks for is noted.
    pub(super) fn swap_others(&mut self, call: Call, a: u64, b: u64) -> Result<u64, Status> {
        let (arguments, payload) = match call {
            Call::CommitSwap | Call::RevertSwap => ([0; 2], self.sent(a)?.0),
            _ => ([a, b], Vec::new()),
        };
        let mut state = self.state.borrow_mut();
        state.swaps.push((call, arguments, payload));
        state.swap_status.map_or(Ok(0), Err)
    }
}
