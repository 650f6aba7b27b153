//! The common case of a call and of its reply: the other side waits, and only bytes go over.
//!
//! These two functions do what `calls` and `replies` do, for that case alone and in as few
//! instructions as safe code needs: every table is indexed once, nothing is queued, and the
//! scheduler changes sides in one step. They either do the whole or refuse with nothing changed,
//! and then the general way is taken. A change to one way belongs into the other too; the
//! scenarios of `gate` run both.

use super::calls::write_header;
use super::replies::Answer;
use super::{Activity, CPU, Kernel};
use crate::capability::{DomainId, EndpointId, Handle, Id, Link};
use crate::ipc::{CallState, PendingCall};
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, Header, Lengths, MAX_PAYLOAD, PAYLOAD_OFFSET, accept};
use atoll_gate::{Call, Status};

const CALL: u64 = Call::Call as u64;
const REPLY_WAIT: u64 = Call::ReplyWait as u64;

impl Kernel {
    /// Serves the call that the running domain made if it is of the common case. None if not, and
    /// then nothing has changed.
    #[inline(always)]
    pub(crate) fn meet(&mut self) -> Option<()> {
        let running_id = self.scheduler.current(CPU)?;
        let running = self.domains.get(running_id)?;
        let context = running.body.as_ref()?.space.context();
        let number = context.call_number();
        if number != CALL && number != REPLY_WAIT {
            return None;
        }
        let [first, second, lengths, fourth, fifth] = context.arguments();
        if lengths > MAX_PAYLOAD as u64 {
            return None;
        }
        match number {
            CALL if fourth == NO_DEADLINE => {
                let endpoint =
                    running.handles.endpoint(Handle::from_raw(first), rights::CALL).ok()?;
                self.meet_server(running_id, endpoint, u32::try_from(second).ok()?, lengths as u32)
            }
            REPLY_WAIT if fifth == NO_DEADLINE && fourth <= accept::ALL => {
                let answer = Answer {
                    call: Id::from_raw(first)?,
                    status: Status::from_raw(second)?,
                    lengths: Lengths { payload: lengths as u32, slots: 0 },
                };
                self.meet_caller(running_id, answer, fourth)
            }
            _ => None,
        }
    }

    /// `Call` without deadline and handles, to a server that waits for one. None if the case is
    /// another one.
    #[inline(always)]
    fn meet_server(
        &mut self,
        caller_id: DomainId,
        endpoint_id: EndpointId,
        method: u32,
        payload: u32,
    ) -> Option<()> {
        let endpoint = self.ipc.endpoints.get(endpoint_id)?;
        let (server_id, badge) = (endpoint.bound?, endpoint.badge);
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
            endpoint: endpoint_id,
            method,
            lengths: Lengths { payload, slots: 0 },
            state: CallState::Taken,
            sync: true,
            donated: None,
            borrowed: Handle::NONE,
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
            method,
            id: call.to_raw(),
            badge,
            payload_len: payload,
            slot_count: 0,
            sender: caller.number,
        };
        to.space.context().set_result(Status::Ok, 0);
        write_header(&to.receive, header).ok()
    }

    /// `ReplyWait` without deadline and handles, by a server whose inbox is empty, to a caller
    /// that waits for it. None if the case is another one.
    #[inline(always)]
    fn meet_caller(&mut self, server_id: DomainId, answer: Answer, mask: u64) -> Option<()> {
        let (id, payload) = (answer.call, answer.lengths.payload);
        let call = self.ipc.calls.get(id)?;
        if call.state != CallState::Taken
            || call.server != Some(server_id)
            || !call.sync
            || call.borrowed != Handle::NONE
        {
            return None;
        }
        let (caller_id, donated) = (call.caller?, call.donated);
        let (server, caller) = self.domains.get_pair_mut(server_id, caller_id)?;
        if !server.inbox.is_empty() {
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
            slot_count: 0,
            sender: server.number,
        };
        to.space.context().set_result(Status::Ok, 0);
        write_header(&to.receive, header).ok()
    }
}
