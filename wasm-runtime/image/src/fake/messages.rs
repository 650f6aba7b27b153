//! Messages: waiting for one, calls to the scripted server, replies.

use super::{Fake, Message};
use atoll_gate::call::{NO_DEADLINE, Status, rights};
use atoll_gate::message::{EventKind, Header, SendSlot, Slot, accept};

impl Fake {
    /// Takes what moves out of the domain's table.
    pub(super) fn hand_over(&self, slots: &[Slot]) -> Result<(), Status> {
        let mut state = self.state.borrow_mut();
        for slot in slots {
            let kind = SendSlot::from_raw(slot.kind).ok_or(Status::Invalid)?;
            state.thing(u64::from(slot.handle), 0)?;
            if kind == SendSlot::Move {
                state.things.remove(&slot.handle);
            }
        }
        Ok(())
    }

    pub(super) fn wait(&mut self, mask: u64, deadline: u64) -> Result<u64, Status> {
        loop {
            self.state.borrow_mut().notify();
            let accepted = |message: &Message| {
                let wanted = match EventKind::from_raw(message.header.event) {
                    Some(
                        EventKind::Call
                        | EventKind::Drop
                        | EventKind::Quiesce
                        | EventKind::TakeOver
                        | EventKind::Inherit
                        | EventKind::Probe,
                    ) => accept::CALLS,
                    Some(EventKind::Reply) => accept::REPLIES,
                    _ => accept::NOTIFICATIONS,
                };
                mask & wanted != 0
            };
            let at = self.state.borrow().inbox.iter().position(accepted);
            if let Some(message) = at.and_then(|at| self.state.borrow_mut().inbox.remove(at)) {
                self.deliver(message);
                return Ok(0);
            }
            if deadline != NO_DEADLINE {
                let mut state = self.state.borrow_mut();
                state.now = state.now.max(deadline);
                return Err(Status::TimedOut);
            }
            let step = self.state.borrow_mut().script.pop_front();
            let step = step.expect("the domain waits and nobody does anything");
            step(&mut self.state.borrow_mut());
        }
    }

    pub(super) fn call(&mut self, handle: u64, method: u64, lengths: u64) -> Result<u64, Status> {
        self.state.borrow().thing(handle, rights::CALL)?;
        let (payload, slots) = self.sent(lengths)?;
        self.hand_over(&slots)?;
        let mut server = self.state.borrow_mut().server.take().expect("a server is scripted");
        let answer = server(&mut self.state.borrow_mut(), method as u32, &payload, &slots);
        self.state.borrow_mut().server = Some(server);
        let (status, payload, slots) = answer;
        if status == Status::PeerRestarted {
            return Err(status);
        }
        let header = Header {
            event: EventKind::Reply as u32,
            method: status as u32,
            payload_len: payload.len() as u32,
            slot_count: slots.len() as u32,
            ..Header::default()
        };
        self.deliver(Message { header, payload, slots });
        Ok(0)
    }

    pub(super) fn reply(&mut self, id: u64, status: u64, lengths: u64) -> Result<u64, Status> {
        if let Some(refusal) = self.state.borrow_mut().reply_status.take() {
            return Err(refusal);
        }
        let (payload, slots) = self.sent(lengths)?;
        self.hand_over(&slots)?;
        self.state.borrow_mut().replies.push((id, status, payload, slots));
        Ok(0)
    }
}
