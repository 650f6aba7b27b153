//! The ends of calls: answered, failed or cancelled.

use super::calls::write_header;
use super::transfer::Slots;
use super::{Activity, Kernel};
use crate::capability::{CallId, DomainId, Handle};
use crate::ipc::{Buffer, CallState};
use atoll_gate::Status;
use atoll_gate::message::{EventKind, Header, Lengths, PAYLOAD_OFFSET, accept};

/// A reply as the server gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The call.
    pub(crate) call: CallId,
    /// The reply's status.
    pub(crate) status: Status,
    /// Length of the message in the server's send area.
    pub(crate) lengths: Lengths,
}

impl Kernel {
    /// Answers a call that `server` took. Gives the caller if it waited for that and can go on;
    /// whoever asked lets it run. On failure the call is still open and nothing has moved.
    pub(crate) fn reply(
        &mut self,
        server: DomainId,
        answer: Answer,
    ) -> Result<Option<DomainId>, Status> {
        let id = answer.call;
        let call = self.ipc.calls.get(id).ok_or(Status::Invalid)?;
        if call.state != CallState::Taken || call.server != Some(server) {
            return Err(Status::Invalid);
        }
        let Some(caller) = call.caller else {
            self.discard_reply(server, answer.lengths)?;
            self.end_service(id, server);
            self.forget_call(id);
            return Ok(None);
        };
        let sync = call.sync;
        if sync || self.accepts_replies(caller) {
            self.hand_reply(server, caller, answer)?;
            self.end_service(id, server);
            self.forget_call(id);
            self.finish_wait(caller, Status::Ok);
            return Ok(Some(caller));
        }
        self.keep_reply(server, caller, answer)?;
        self.end_service(id, server);
        self.queue_reply(id, answer.status);
        Ok(None)
    }

    fn accepts_replies(&self, domain: DomainId) -> bool {
        let activity = self.domains.get(domain).map(|domain| domain.activity);
        matches!(activity, Some(Activity::Waiting(mask)) if mask & accept::REPLIES != 0)
    }

    /// Copies a reply into the receive area of the caller, which waits for it.
    #[inline]
    fn hand_reply(
        &mut self,
        server: DomainId,
        caller: DomainId,
        answer: Answer,
    ) -> Result<(), Status> {
        let lengths = answer.lengths;
        if lengths.slots > 0 {
            let slots = self.move_reply_slots(server, caller, lengths)?;
            slots.write(&self.live(caller)?.1.receive)?;
        }
        let (sender, from) = self.live(server)?;
        let to = &self.live(caller)?.1.receive;
        let copied =
            from.send.copy_to(PAYLOAD_OFFSET, to, PAYLOAD_OFFSET, lengths.payload as usize);
        copied.map_err(|_| Status::Invalid)?;
        write_header(to, reply_header(answer.call, answer.status, lengths, sender.number))
    }

    /// Keeps a reply for a caller that does not wait for it now, at that caller's expense.
    fn keep_reply(
        &mut self,
        server: DomainId,
        caller: DomainId,
        answer: Answer,
    ) -> Result<(), Status> {
        let (id, lengths) = (answer.call, answer.lengths);
        let paid = self.ipc.mail_of(id).map_or(0, |mail| mail.charged);
        let cost = Buffer::cost(lengths);
        self.domain_mut(caller)?.require_memory(cost.saturating_sub(paid))?;
        let mut buffer = Buffer::with_room(lengths).ok_or(Status::OutOfMemory)?;
        buffer.payload.resize(lengths.payload as usize, 0);
        let area = &self.live(server)?.1.send;
        area.read(PAYLOAD_OFFSET, &mut buffer.payload).map_err(|_| Status::Invalid)?;
        if lengths.slots > 0 {
            buffer
                .slots
                .extend_from_slice(self.move_reply_slots(server, caller, lengths)?.as_slice());
        }
        self.refund(caller, paid);
        if let Some(domain) = self.domains.get_mut(caller) {
            domain.charged = domain.charged.saturating_add(cost);
        }
        if let Some(call) = self.ipc.calls.get_mut(id) {
            call.lengths = lengths;
        }
        if let Some(mail) = self.ipc.mail_of_mut(id) {
            (mail.kept, mail.charged) = (Some(buffer), cost);
        }
        Ok(())
    }

    /// Moves a reply's handles into the caller's table.
    pub(super) fn move_reply_slots(
        &mut self,
        server: DomainId,
        caller: DomainId,
        lengths: Lengths,
    ) -> Result<Slots, Status> {
        let slots = Slots::read(&self.live(server)?.1.send, lengths.slots)?;
        self.pledge(server, &slots, false)?;
        match self.transfer(server, caller, &slots) {
            Ok((arrived, _)) => Ok(arrived),
            Err(status) => {
                self.withdraw_pledge(server, slots.as_slice());
                Err(status)
            }
        }
    }

    /// Drops the handles of a reply that nobody waits for any more.
    fn discard_reply(&mut self, server: DomainId, lengths: Lengths) -> Result<(), Status> {
        if lengths.slots == 0 {
            return Ok(());
        }
        let slots = Slots::read(&self.live(server)?.1.send, lengths.slots)?;
        self.pledge(server, &slots, false)?;
        self.discard_message(server, &slots);
        Ok(())
    }

    /// Ends the server's part in a call that it took: loans, donation, its place among the open.
    #[inline]
    fn end_service(&mut self, id: CallId, server: DomainId) {
        let Some(call) = self.ipc.calls.get_mut(id) else { return };
        let (borrowed, lent) = (core::mem::take(&mut call.borrowed), call.mail.is_some());
        if borrowed != Handle::NONE {
            self.take_back(server, borrowed);
        }
        if lent {
            self.end_loans(id);
        }
        self.withdraw_donation(id);
        if let Some(domain) = self.domains.get_mut(server) {
            domain.calls_open = domain.calls_open.saturating_sub(1);
            domain.calls_served += 1;
        }
    }

    /// Gives a caller that went on the full use of what it had lent back.
    fn end_loans(&mut self, id: CallId) {
        let Some(caller) = self.ipc.calls.get(id).map(|call| call.caller) else { return };
        let loans = self
            .ipc
            .mail_of_mut(id)
            .map(|mail| core::mem::take(&mut mail.loans))
            .unwrap_or_default();
        let Some(domain) = caller.and_then(|caller| self.domains.get_mut(caller)) else { return };
        for handle in loans {
            if let Ok(entry) = domain.handles.get_mut(handle) {
                entry.lent = entry.lent.saturating_sub(1);
            }
        }
    }

    /// Puts a call that is over into its caller's inbox.
    fn queue_reply(&mut self, id: CallId, status: Status) {
        let Some(call) = self.ipc.calls.get_mut(id) else { return };
        (call.state, call.server) = (CallState::Answered(status), None);
        let caller = call.caller;
        let Some((caller, domain)) = caller.and_then(|id| Some((id, self.domains.get_mut(id)?)))
        else {
            self.forget_call(id);
            return;
        };
        let order = domain.inbox.arrival();
        domain.inbox.replies.push(&mut self.ipc.calls, id, order);
        self.poke(caller);
    }

    /// Gives a domain the reply to a call that it sent without waiting.
    pub(super) fn deliver_reply(&mut self, id: CallId, caller: DomainId) -> Result<(), Status> {
        let to = &self.live(caller)?.1.receive;
        let call = self.ipc.calls.get(id).ok_or(Status::Closed)?;
        let CallState::Answered(status) = call.state else { return Err(Status::Invalid) };
        let mut lengths = Lengths::default();
        if let Some(kept) = self.ipc.mail_of(id).and_then(|mail| mail.kept.as_ref()) {
            lengths = call.lengths;
            to.write(PAYLOAD_OFFSET, &kept.payload).map_err(|_| Status::Invalid)?;
            Slots::from_kept(&kept.slots)?.write(to)?;
        }
        write_header(to, reply_header(id, status, lengths, 0))?;
        self.forget_call(id);
        Ok(())
    }

    /// Removes a call that is in no queue and with no server.
    #[inline]
    fn forget_call(&mut self, id: CallId) {
        self.end_mail(id);
        self.ipc.calls.remove(id);
    }

    /// Drops what is kept for a call, and what that counted against its caller.
    fn end_mail(&mut self, id: CallId) {
        let caller = self.ipc.calls.get(id).and_then(|call| call.caller);
        if let Some(mail) = self.ipc.take_mail(id)
            && let Some(caller) = caller
        {
            self.refund(caller, mail.charged);
        }
    }

    /// Takes a call that was not delivered out of the queue that it is in.
    fn unqueue(&mut self, id: CallId) {
        self.withdraw_donation(id);
        let Some(call) = self.ipc.calls.get(id) else { return };
        match (call.state, call.server.and_then(|server| self.domains.get_mut(server))) {
            (CallState::Queued, Some(server)) => {
                server.inbox.calls.remove(&mut self.ipc.calls, id);
                server.calls_open = server.calls_open.saturating_sub(1);
            }
            (CallState::Held, _) => {
                if let Some(endpoint) = self.ipc.endpoints.get_mut(call.endpoint) {
                    endpoint.held.remove(&mut self.ipc.calls, id);
                }
            }
            _ => {}
        }
    }

    /// Ends a call for its caller without a reply: nobody will serve it, its server ended, or its
    /// message cannot be delivered.
    pub(super) fn fail_call(&mut self, id: CallId, status: Status) {
        let Some(call) = self.ipc.calls.get(id) else { return };
        let (caller, sync) = (call.caller, call.sync);
        if call.state == CallState::Taken {
            self.withdraw_donation(id);
            self.end_loans(id);
        } else {
            self.unqueue(id);
            self.withdraw_message(id);
        }
        let Some(caller) = caller else {
            self.forget_call(id);
            return;
        };
        if sync {
            self.forget_call(id);
            self.finish_wait(caller, status);
            self.scheduler.wake(caller, self.now);
            return;
        }
        if let Some(mail) = self.ipc.mail_of_mut(id) {
            mail.kept = None;
            mail.loans.clear();
        }
        self.queue_reply(id, status);
    }

    /// Ends a call at its caller's side: the deadline passed or the caller ended. A server that
    /// has it keeps it and may answer, to no effect.
    pub(super) fn cancel_call(&mut self, id: CallId) {
        let Some(call) = self.ipc.calls.get(id) else { return };
        match call.state {
            CallState::Taken => {
                self.withdraw_donation(id);
                self.end_loans(id);
                self.end_mail(id);
                if let Some(call) = self.ipc.calls.get_mut(id) {
                    call.caller = None;
                }
            }
            CallState::Answered(_) => {
                if let Some(caller) = call.caller.and_then(|caller| self.domains.get_mut(caller)) {
                    caller.inbox.replies.remove(&mut self.ipc.calls, id);
                }
                self.forget_call(id);
            }
            CallState::Held | CallState::Queued => {
                self.unqueue(id);
                self.withdraw_message(id);
                self.forget_call(id);
            }
        }
    }
}

const fn reply_header(id: CallId, status: Status, lengths: Lengths, sender: u32) -> Header {
    Header {
        event: EventKind::Reply as u32,
        method: status as u32,
        id: id.to_raw(),
        badge: 0,
        payload_len: lengths.payload,
        slot_count: lengths.slots,
        sender,
    }
}
