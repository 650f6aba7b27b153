//! Calls: sending and delivering them, and what a waiting caller lends its server.
//!
//! A caller that waits is blocked, so its message stays in its send area until the server takes
//! it. A call that is sent without waiting is copied at once and counts against the sender's
//! quota. A server that waits gets its call directly and the processor with it.

use super::transfer::Slots;
use super::{Activity, CPU, Kernel};
use crate::capability::{CallId, DomainId, EndpointId, Handle, Link};
use crate::ipc::{Buffer, CallState, Endpoint, Mail, PendingCall};
use crate::memory::PageRun;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::call::NO_DEADLINE;
use atoll_gate::message::{EventKind, Header, Lengths, PAYLOAD_OFFSET, accept};

/// Servers in a row that are looked at for a deadlock or a donated priority.
const LONGEST_CHAIN: usize = 64;

/// A call as its caller asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Where it goes.
    pub(crate) endpoint: EndpointId,
    /// Function index.
    pub(crate) method: u32,
    /// Length of the message in the send area.
    pub(crate) lengths: Lengths,
}

/// Copies a message out of its sender's area.
fn copy_message(area: &PageRun, lengths: Lengths, slots: &Slots) -> Result<Buffer, Status> {
    let mut buffer = Buffer::with_room(lengths).ok_or(Status::OutOfMemory)?;
    buffer.payload.resize(lengths.payload as usize, 0);
    area.read(PAYLOAD_OFFSET, &mut buffer.payload).map_err(|_| Status::Invalid)?;
    buffer.slots.extend_from_slice(slots.as_slice());
    Ok(buffer)
}

/// Writes the header of an area.
#[inline(always)]
pub(super) fn write_header(area: &PageRun, header: Header) -> Result<(), Status> {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let words = [
        pair(header.event, header.method),
        header.id,
        pair(header.badge, header.payload_len),
        pair(header.slot_count, header.sender),
    ];
    area.set_words(0, words).map_err(|_| Status::Invalid)
}

impl Kernel {
    /// Sends a call and blocks the caller until its end. Nothing has happened on failure.
    pub(crate) fn call(
        &mut self,
        caller: DomainId,
        request: Request,
        deadline: u64,
    ) -> Result<(), Status> {
        if deadline <= self.now {
            return Err(Status::TimedOut);
        }
        let waiting = self.admit(caller, request, true)?;
        let id = self.new_call(caller, request, true)?;
        if let Err(status) = self.pledge_message(caller, request.lengths) {
            self.ipc.calls.remove(id);
            return Err(status);
        }
        if let Some(server) = waiting
            && let Err(status) = self.deliver_call(id, server)
        {
            self.withdraw_message(id);
            self.ipc.calls.remove(id);
            return Err(status);
        }
        let domain = self.domain_mut(caller)?;
        domain.activity = Activity::Calling(id);
        domain.calls_sent += 1;
        if deadline != NO_DEADLINE {
            self.scheduler.set_deadline(caller, deadline);
        }
        match waiting {
            Some(server) => {
                self.donate(id, caller, server);
                self.scheduler.block(caller, self.now);
                self.finish_wait(server, Status::Ok);
                self.scheduler.hand_over(CPU, server, self.now);
            }
            None => {
                self.enqueue_call(id);
                self.scheduler.block(caller, self.now);
            }
        }
        Ok(())
    }

    /// Sends a call whose reply comes to the inbox. Nothing has happened on failure.
    pub(crate) fn send(&mut self, caller: DomainId, request: Request) -> Result<CallId, Status> {
        let waiting = self.admit(caller, request, false)?;
        let cost = Buffer::cost(request.lengths);
        self.domain_mut(caller)?.require_memory(cost)?;
        let id = self.new_call(caller, request, false)?;
        if let Err(status) = self.post(id, caller, request.lengths, waiting) {
            self.ipc.take_mail(id);
            self.ipc.calls.remove(id);
            return Err(status);
        }
        let domain = self.domain_mut(caller)?;
        domain.calls_sent += 1;
        domain.charged = domain.charged.saturating_add(cost);
        match waiting {
            Some(server) => {
                self.finish_wait(server, Status::Ok);
                self.scheduler.wake(server, self.now);
            }
            None => self.enqueue_call(id),
        }
        Ok(id)
    }

    /// Delivers the message of a call whose caller goes on, or copies it out of its send area.
    fn post(
        &mut self,
        id: CallId,
        caller: DomainId,
        lengths: Lengths,
        waiting: Option<DomainId>,
    ) -> Result<(), Status> {
        let slots = Slots::read(&self.live(caller)?.1.send, lengths.slots)?;
        let mut loans = Vec::new();
        loans.try_reserve_exact(lengths.slots as usize).map_err(|_| Status::OutOfMemory)?;
        loans.extend(slots.lent());
        let kept = match waiting {
            Some(_) => None,
            None => Some(copy_message(&self.live(caller)?.1.send, lengths, &slots)?),
        };
        let mail = Mail { loans, kept, charged: Buffer::cost(lengths) };
        let mail = self.ipc.mail.insert(mail).map_err(|_| Status::OutOfMemory)?;
        if let Some(call) = self.ipc.calls.get_mut(id) {
            call.mail = Some(mail);
        }
        self.pledge(caller, &slots, true)?;
        let posted = waiting.map_or(Ok(()), |server| self.deliver_call(id, server));
        if posted.is_err() {
            self.withdraw_pledge(caller, slots.as_slice());
        }
        posted
    }

    /// Checks that a call may be sent, and gives the server if it waits for one.
    #[inline]
    pub(super) fn admit(
        &self,
        caller: DomainId,
        request: Request,
        sync: bool,
    ) -> Result<Option<DomainId>, Status> {
        let endpoint = self.ipc.endpoints.get(request.endpoint).ok_or(Status::Closed)?;
        let Some(server) = endpoint.bound else {
            return self.admit_held(caller, endpoint, sync);
        };
        let domain = self.domains.get(server).ok_or(Status::Closed)?;
        if domain.calls_open >= domain.call_limit {
            return Err(Status::QuotaExceeded);
        }
        match domain.activity {
            Activity::Waiting(mask) if mask & accept::CALLS != 0 => Ok(Some(server)),
            _ if sync && self.waits_for(server, caller) => Err(Status::Deadlock),
            _ => Ok(None),
        }
    }

    /// The same for an endpoint that nobody is bound to, or where calls are held.
    #[cold]
    fn admit_held(
        &self,
        caller: DomainId,
        endpoint: &Endpoint,
        sync: bool,
    ) -> Result<Option<DomainId>, Status> {
        match endpoint.holding {
            None if endpoint.is_abandoned() => Err(Status::Closed),
            Some(server) if sync && self.waits_for(server, caller) => Err(Status::Deadlock),
            _ => Ok(None),
        }
    }

    /// Whether `domain` is `other`, or waits, through whatever chain of calls, for it.
    fn waits_for(&self, domain: DomainId, other: DomainId) -> bool {
        let mut at = Some(domain);
        for _ in 0..LONGEST_CHAIN {
            let Some(domain) = at else { return false };
            if domain == other {
                return true;
            }
            at = self.awaited_by(domain);
        }
        // A chain that long is treated as a circle.
        true
    }

    /// The domain whose reply `domain` waits for, also while its call is held.
    fn awaited_by(&self, domain: DomainId) -> Option<DomainId> {
        let Activity::Calling(call) = self.domains.get(domain)?.activity else { return None };
        let call = self.ipc.calls.get(call)?;
        call.server.or_else(|| self.ipc.endpoints.get(call.endpoint)?.server())
    }

    #[inline]
    fn new_call(
        &mut self,
        caller: DomainId,
        request: Request,
        sync: bool,
    ) -> Result<CallId, Status> {
        let call = PendingCall {
            caller: Some(caller),
            server: None,
            endpoint: request.endpoint,
            method: request.method,
            lengths: request.lengths,
            state: CallState::Held,
            sync,
            donated: None,
            borrowed: Handle::NONE,
            mail: None,
            link: Link::FREE,
        };
        self.ipc.calls.insert(call).map_err(|_| Status::OutOfMemory)
    }

    /// Pledges the slots in the caller's send area.
    #[inline]
    pub(super) fn pledge_message(
        &mut self,
        caller: DomainId,
        lengths: Lengths,
    ) -> Result<(), Status> {
        if lengths.slots == 0 {
            return Ok(());
        }
        let slots = Slots::read(&self.live(caller)?.1.send, lengths.slots)?;
        self.pledge(caller, &slots, true)
    }

    /// The caller and the slots of a call that was not delivered.
    fn message_slots(&self, id: CallId) -> Option<(DomainId, Slots)> {
        let call = self.ipc.calls.get(id)?;
        let caller = call.caller.filter(|_| call.lengths.slots > 0)?;
        let slots = match self.ipc.mail_of(id).and_then(|mail| mail.kept.as_ref()) {
            Some(buffer) => Slots::from_kept(&buffer.slots).ok()?,
            None => Slots::read(&self.live(caller).ok()?.1.send, call.lengths.slots).ok()?,
        };
        Some((caller, slots))
    }

    /// Undoes the pledge of a call that was not delivered.
    pub(super) fn withdraw_message(&mut self, id: CallId) {
        let Some(call) = self.ipc.calls.get(id) else { return };
        let (Some(caller), count) = (call.caller, call.lengths.slots) else { return };
        match self.ipc.mail_of_mut(id).and_then(|mail| mail.kept.take()) {
            Some(kept) => self.withdraw_pledge(caller, &kept.slots),
            None => self.withdraw_pledged_area(caller, count),
        }
    }

    /// Puts a call into its server's inbox, or holds it at its endpoint.
    pub(super) fn enqueue_call(&mut self, id: CallId) {
        let Some(call) = self.ipc.calls.get_mut(id) else { return };
        let Some(endpoint) = self.ipc.endpoints.get_mut(call.endpoint) else { return };
        let (caller, sync) = (call.caller, call.sync);
        let Some((server, domain)) =
            endpoint.bound.and_then(|id| Some((id, self.domains.get_mut(id)?)))
        else {
            (call.state, call.server) = (CallState::Held, None);
            endpoint.held.push(&mut self.ipc.calls, id, 0);
            return;
        };
        (call.state, call.server) = (CallState::Queued, Some(server));
        domain.calls_open = domain.calls_open.saturating_add(1);
        let order = domain.inbox.arrival();
        domain.inbox.calls.push(&mut self.ipc.calls, id, order);
        if let Some(caller) = caller.filter(|_| sync) {
            self.donate(id, caller, server);
        }
    }

    /// Copies a call into a server's receive area; it is the server's from then on.
    pub(super) fn deliver_call(&mut self, id: CallId, server: DomainId) -> Result<(), Status> {
        let call = self.ipc.calls.get(id).ok_or(Status::Closed)?;
        let (caller, lengths) = (call.caller.ok_or(Status::Closed)?, call.lengths);
        if lengths.slots > 0 {
            self.deliver_call_slots(id, caller, server)?;
        }
        let (sender, from) = self.live(caller)?;
        let (_, to) = self.live(server)?;
        let call = self.ipc.calls.get(id).ok_or(Status::Closed)?;
        let len = lengths.payload as usize;
        match self.ipc.mail_of(id).and_then(|mail| mail.kept.as_ref()) {
            Some(buffer) => to.receive.write(PAYLOAD_OFFSET, &buffer.payload),
            None => from.send.copy_to(PAYLOAD_OFFSET, &to.receive, PAYLOAD_OFFSET, len),
        }
        .map_err(|_| Status::Invalid)?;
        let header = Header {
            event: EventKind::Call as u32,
            method: call.method,
            id: id.to_raw(),
            badge: self.ipc.endpoints.get(call.endpoint).map_or(0, |endpoint| endpoint.badge),
            payload_len: lengths.payload,
            slot_count: lengths.slots,
            sender: sender.number,
        };
        write_header(&to.receive, header)?;
        self.mark_taken(id, server);
        Ok(())
    }

    #[inline]
    fn mark_taken(&mut self, id: CallId, server: DomainId) {
        let Some(call) = self.ipc.calls.get_mut(id) else { return };
        if call.state == CallState::Held
            && let Some(domain) = self.domains.get_mut(server)
        {
            domain.calls_open = domain.calls_open.saturating_add(1);
        }
        (call.state, call.server) = (CallState::Taken, Some(server));
        if let Some(mail) = self.ipc.mail_of_mut(id) {
            mail.kept = None;
        }
    }

    fn deliver_call_slots(
        &mut self,
        id: CallId,
        caller: DomainId,
        server: DomainId,
    ) -> Result<(), Status> {
        let (_, slots) = self.message_slots(id).ok_or(Status::Closed)?;
        let (arrived, borrowed) = self.transfer(caller, server, &slots)?;
        let call = self.ipc.calls.get_mut(id).ok_or(Status::Closed)?;
        call.borrowed = borrowed;
        if call.sync {
            // A caller that is blocked cannot use what it lends, so nothing need remember it.
            self.withdraw_pledge(caller, slots.as_slice());
        }
        arrived.write(&self.live(server)?.1.receive)
    }

    /// Lends the caller's priority to the server that it waits for, and on along the chain.
    #[inline]
    pub(super) fn donate(&mut self, id: CallId, caller: DomainId, server: DomainId) {
        let priority = self.scheduler.priority(caller);
        let (donated, changed) = self.scheduler.donate(server, priority, self.now);
        if let Some(call) = self.ipc.calls.get_mut(id) {
            call.donated = donated;
        }
        if changed {
            self.pass_on_priority(server);
        }
    }

    /// Takes a donated priority back.
    #[inline]
    pub(super) fn withdraw_donation(&mut self, id: CallId) {
        let Some(call) = self.ipc.calls.get_mut(id) else { return };
        if let (Some(priority), Some(server)) = (call.donated.take(), call.server)
            && self.scheduler.withdraw(server, priority, self.now)
        {
            self.pass_on_priority(server);
        }
    }

    /// The priority of `domain` changed: so does what it donates to the server it waits for.
    #[cold]
    pub(super) fn pass_on_priority(&mut self, mut domain: DomainId) {
        for _ in 0..LONGEST_CHAIN {
            let Some(Activity::Calling(id)) =
                self.domains.get(domain).map(|domain| domain.activity)
            else {
                return;
            };
            let Some(call) = self.ipc.calls.get_mut(id) else { return };
            let Some(server) = call.server else { return };
            let fell = call
                .donated
                .take()
                .is_some_and(|old| self.scheduler.withdraw(server, old, self.now));
            let (donated, rose) =
                self.scheduler.donate(server, self.scheduler.priority(domain), self.now);
            call.donated = donated;
            if !fell && !rose {
                return;
            }
            domain = server;
        }
    }
}
