//! The common case of a call and of its reply: the other side waits.
//!
//! These two functions do what `calls` and `replies` do, for that case alone and in as few
//! instructions as safe code needs: every table is indexed once, nothing is queued, and the
//! scheduler changes sides in one step. They either do the whole or refuse with nothing changed,
//! and then the general way is taken. A change to one way belongs into the other too; the
//! scenarios of `gate` run both.

use super::calls::Request;
use super::calls::write_header;
use super::replies::Answer;
use super::transfer::Slots;
use super::{Activity, CPU, Kernel};
use crate::capability::{DomainId, Handle, Id, Link};
use crate::ipc::{CallState, PendingCall};
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, Header, Lengths, MAX_PAYLOAD, PAYLOAD_OFFSET, accept};
use atoll_gate::{Call, Status};

const CALL: u64 = Call::Call as u64;
const REPLY_WAIT: u64 = Call::ReplyWait as u64;

impl Kernel {
    /// Serves the call that the running domain made if it is of the common case and passes no
    /// handles. None if not, and then nothing has changed.
    #[inline(always)]
    pub(crate) fn meet_plainly(&mut self) -> Option<()> {
        self.meet::<false>()
    }

    /// Serves the call that the running domain made if it is of the common case. None if not, and
    /// then nothing has changed.
    #[inline(never)]
    pub(crate) fn meet_with_handles(&mut self) -> Option<()> {
        self.meet::<true>()
    }

    /// Both of the above. `HANDLES` is constant so that the plain case keeps its registers.
    #[inline(always)]
    fn meet<const HANDLES: bool>(&mut self) -> Option<()> {
        let running_id = self.scheduler.current(CPU)?;
        let running = self.domains.get(running_id)?;
        let context = running.body.as_ref()?.space.context();
        let number = context.call_number();
        if number != CALL && number != REPLY_WAIT {
            return None;
        }
        let [first, second, lengths, fourth, fifth] = context.arguments();
        let lengths = match lengths {
            payload if payload <= MAX_PAYLOAD as u64 => {
                Lengths { payload: payload as u32, slots: 0 }
            }
            packed if HANDLES => Lengths::unpack(packed)?,
            _ => return None,
        };
        match number {
            CALL if fourth == NO_DEADLINE => {
                let endpoint =
                    running.handles.endpoint(Handle::from_raw(first), rights::CALL).ok()?;
                let method = u32::try_from(second).ok()?;
                self.meet_server::<HANDLES>(running_id, Request { endpoint, method, lengths })
            }
            REPLY_WAIT if fifth == NO_DEADLINE && fourth <= accept::ALL => {
                let answer = Answer {
                    call: Id::from_raw(first)?,
                    status: Status::from_raw(second)?,
                    lengths,
                };
                self.meet_caller::<HANDLES>(running_id, answer, fourth)
            }
            _ => None,
        }
    }

    /// `Call` without deadline, to a server that waits for one. None if the case is another one.
    #[inline(always)]
    fn meet_server<const HANDLES: bool>(
        &mut self,
        caller_id: DomainId,
        request: Request,
    ) -> Option<()> {
        let payload = request.lengths.payload;
        let endpoint = self.ipc.endpoints.get(request.endpoint)?;
        let (server_id, badge) = (endpoint.bound?, endpoint.badge);
        let mut borrowed = Handle::NONE;
        if HANDLES && request.lengths.slots > 0 {
            borrowed = self.pass_slots(caller_id, server_id, request)?;
        }
        let (caller, server) = self.domains.get_pair_mut(caller_id, server_id)?;
        match server.activity {
            Activity::Waiting(mask)
                if mask & accept::CALLS != 0 && server.calls_open < server.call_limit => {}
            _ => return None,
        }
        let (from, to) = (caller.body.as_ref()?, server.body.as_ref()?);
        if payload > 0 {
            from.send
                .copy_to(PAYLOAD_OFFSET, &to.receive, PAYLOAD_OFFSET, payload as usize)
                .ok()?;
        }
        let call = self.ipc.calls.insert(PendingCall {
            caller: Some(caller_id),
            server: Some(server_id),
            endpoint: request.endpoint,
            method: request.method,
            lengths: request.lengths,
            state: CallState::Taken,
            sync: true,
            donated: None,
            borrowed,
            mail: None,
            link: Link::FREE,
        });
        let call = call.ok()?;
        match self.scheduler.lend(CPU, caller_id, server_id, self.now) {
            Some(None) => {}
            Some(donated) => self.ipc.calls.get_mut(call)?.donated = donated,
            None => {
                self.ipc.calls.discard(call);
                return None;
            }
        }
        caller.activity = Activity::Calling(call);
        caller.calls_sent += 1;
        server.activity = Activity::Runnable;
        server.calls_open += 1;
        let header = Header {
            event: EventKind::Call as u32,
            method: request.method,
            id: call.to_raw(),
            badge,
            payload_len: payload,
            slot_count: if HANDLES { request.lengths.slots } else { 0 },
            sender: caller.number,
        };
        to.space.context().set_result(Status::Ok, 0);
        write_header(&to.receive, header).ok()
    }

    /// `ReplyWait` without deadline, by a server whose inbox is empty, to a caller that waits for
    /// it. None if the case is another one.
    #[inline(always)]
    fn meet_caller<const HANDLES: bool>(
        &mut self,
        server_id: DomainId,
        answer: Answer,
        mask: u64,
    ) -> Option<()> {
        let (id, payload) = (answer.call, answer.lengths.payload);
        let call = self.ipc.calls.get(id)?;
        if call.state != CallState::Taken || call.server != Some(server_id) || !call.sync {
            return None;
        }
        let (caller_id, donated) = (call.caller?, call.donated);
        let handles = call.borrowed != Handle::NONE || HANDLES && answer.lengths.slots > 0;
        if handles && !HANDLES {
            return None;
        }
        if handles {
            self.settle_slots(server_id, caller_id, answer)?;
        }
        let (server, caller) = self.domains.get_pair_mut(server_id, caller_id)?;
        if !handles && !server.inbox.is_empty() {
            return None;
        }
        let (from, to) = (server.body.as_ref()?, caller.body.as_ref()?);
        if payload > 0 {
            from.send
                .copy_to(PAYLOAD_OFFSET, &to.receive, PAYLOAD_OFFSET, payload as usize)
                .ok()?;
        }
        self.scheduler.give_back(CPU, server_id, caller_id, donated, self.now)?;
        self.ipc.calls.discard(id);
        caller.activity = Activity::Runnable;
        server.activity = Activity::Waiting(mask);
        server.calls_open = server.calls_open.wrapping_sub(1);
        server.calls_served += 1;
        let header = Header {
            event: EventKind::Reply as u32,
            method: answer.status as u32,
            id: id.to_raw(),
            badge: 0,
            payload_len: payload,
            slot_count: if HANDLES { answer.lengths.slots } else { 0 },
            sender: server.number,
        };
        to.space.context().set_result(Status::Ok, 0);
        write_header(&to.receive, header).ok()?;
        if handles {
            // What came home or was let go of may have told the server something.
            self.poke(server_id);
        }
        Some(())
    }

    /// Carries a call's handles to a server that waits for it. None, and nothing moved, if that is
    /// not so or they cannot be delivered: the general way says why.
    #[inline(never)]
    fn pass_slots(
        &mut self,
        caller: DomainId,
        server: DomainId,
        request: Request,
    ) -> Option<Handle> {
        if self.admit(caller, request, true).ok()? != Some(server) {
            return None;
        }
        self.ipc.calls.reserve(1).ok()?;
        let slots = Slots::read(&self.live(caller).ok()?.1.send, request.lengths.slots).ok()?;
        self.pledge(caller, &slots, true).ok()?;
        let moved = self.transfer(caller, server, &slots);
        // Loans of a blocked caller need not be remembered; on failure all is as it was.
        self.withdraw_pledge(caller, slots.as_slice());
        let (arrived, borrowed) = moved.ok()?;
        arrived.write(&self.live(server).ok()?.1.receive).ok()?;
        Some(borrowed)
    }

    /// Carries the reply's handles and ends the loans of the call. None, and nothing changed, if
    /// they cannot be delivered or if the server has other things to do: the general way goes on.
    #[inline(never)]
    fn settle_slots(&mut self, server: DomainId, caller: DomainId, answer: Answer) -> Option<()> {
        if !self.domains.get(server)?.inbox.is_empty() {
            return None;
        }
        if answer.lengths.slots > 0 {
            let slots = self.move_reply_slots(server, caller, answer.lengths).ok()?;
            slots.write(&self.live(caller).ok()?.1.receive).ok()?;
        }
        let call = self.ipc.calls.get_mut(answer.call)?;
        let borrowed = core::mem::take(&mut call.borrowed);
        self.take_back(server, borrowed);
        Some(())
    }
}
