//! The end of a domain: one way for every cause.
//!
//! Everything a domain has is in its body, its handle table and the tables under its id, so its
//! end is dropping these. Calls that it took fail for their callers, calls that wait at its
//! endpoints are kept for a successor, objects that it minted go stale, handles are closed. What
//! is different in the middle of a swap is in `swap`, and where there is an heir in `heirs`.

use super::endpoints::read_payload;
use super::{Activity, Kernel, Life};
use crate::capability::{CallId, DomainId, EndpointId, HandleTable, MintedId, Object};
use crate::ipc::{CallState, Endpoint, Inbox};
use crate::trace;
use alloc::vec::Vec;
use atoll_gate::record::{Cause, Level};

/// Most bytes of a domain's last words that are kept.
const LAST_WORDS: usize = 4096;

/// How a domain ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why.
    pub cause: Cause,
    /// Its exit code, or the exception's vector and error code (`vector << 32 | error`).
    pub code: u64,
    /// Instruction address at a fault.
    pub address: u64,
    /// Address that the fault touched.
    pub fault_address: u64,
    /// Processor time it used.
    pub cpu_ns: u64,
    /// Its reason in words.
    pub message: Vec<u8>,
}

impl Ending {
    /// An end without addresses and words.
    #[must_use]
    pub const fn new(cause: Cause, code: u64) -> Self {
        Self { cause, code, address: 0, fault_address: 0, cpu_ns: 0, message: Vec::new() }
    }

    /// Its reason, as far as that is text.
    #[must_use]
    pub fn words(&self) -> &str {
        self.message.utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }
}

impl Kernel {
    /// Ends a domain; nothing happens to one that has ended.
    pub(crate) fn end(&mut self, id: DomainId, mut ending: Ending) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        if domain.body.is_none() {
            return;
        }
        let activity = core::mem::replace(&mut domain.activity, Activity::Runnable);
        let has_heir = self.note_end(id);
        let Some(domain) = self.domains.get_mut(id) else { return };
        domain.life = Life::Ended;
        self.scheduler.block(id, self.now);
        ending.cpu_ns = self.scheduler.used_ns(id);
        self.report(id, &ending);
        let heir = self.heir(id, &ending);
        if let Activity::Calling(call) = activity {
            self.cancel_call(call);
        }
        self.end_calls(id);
        self.end_swap(id);
        self.unbind_endpoints(id, has_heir);
        if has_heir {
            self.leave_estate(id);
        } else {
            self.close_all(id);
        }
        self.scheduler.remove(id, self.now);
        let Some(domain) = self.domains.get_mut(id) else { return };
        let body = domain.body.take();
        domain.inbox = Inbox::default();
        domain.charged = 0;
        domain.calls_open = 0;
        domain.ending = Some(ending);
        domain.changes = domain.changes.saturating_add(1);
        let held = domain.holders > 0;
        self.unsettled = true;
        if heir.is_none_or(|heir| self.wake_heir(id, heir, body).is_err()) {
            self.fire_watches(Object::Domain(id));
        }
        if !held {
            self.doomed.remove(&mut self.domains, id);
            self.forget_domain(id);
        }
    }

    /// The beginning of the send payload of a domain that is about to end itself.
    pub(crate) fn last_words(&self, id: DomainId, len: usize) -> Vec<u8> {
        let area = self.live(id).map(|(_, body)| &body.send);
        area.and_then(|area| read_payload(area, len.min(LAST_WORDS))).unwrap_or_default()
    }

    fn report(&self, id: DomainId, ending: &Ending) {
        let Some(domain) = self.domains.get(id) else { return };
        let mut words = ending.words().lines();
        let (name, number) = (domain.name(), domain.number);
        match ending.cause {
            Cause::Faulted => trace::kernel(
                Level::Error,
                format_args!(
                    "{name} (domain {number}) ended: exception {} error {:#x} at {:#x}, address {:#x}",
                    ending.code >> 32,
                    ending.code & 0xffff_ffff,
                    ending.address,
                    ending.fault_address
                ),
            ),
            Cause::Exited | Cause::Killed => trace::kernel(
                Level::Debug,
                format_args!(
                    "{name} (domain {number}) ended: {:?}, code {}",
                    ending.cause, ending.code
                ),
            ),
            cause => {
                let first = words.next().unwrap_or("");
                trace::kernel(
                    Level::Error,
                    format_args!(
                        "{name} (domain {number}) ended: {cause:?}, code {}: {first}",
                        ending.code
                    ),
                );
                // What else it says, like the frames of a backtrace.
                for line in words {
                    trace::log(Level::Error, number, name, format_args!("{line}"));
                }
            }
        }
    }

    /// Ends the part that `id` has in every call: those it sent are cancelled, those it took fail
    /// or wait for the next server.
    fn end_calls(&mut self, id: DomainId) {
        for index in 0..self.ipc.calls.extent() {
            let Some(call_id) = self.ipc.calls.id_at(index) else { continue };
            let Some(call) = self.ipc.calls.get(call_id) else { continue };
            let (sent, taken) = (
                call.caller == Some(id),
                call.server == Some(id) && call.state == CallState::Taken,
            );
            if sent {
                self.cancel_call(call_id);
            }
            if taken && self.ipc.calls.get(call_id).is_some() {
                self.end_taken(call_id, id);
            }
        }
    }

    /// What an heir will pay for, it has to find.
    fn unbind_endpoints(&mut self, id: DomainId, has_heir: bool) {
        for index in 0..self.ipc.endpoints.extent() {
            let Some(endpoint_id) = self.ipc.endpoints.id_at(index) else { continue };
            let Some(endpoint) = self.ipc.endpoints.get(endpoint_id) else { continue };
            if endpoint.server() == Some(id) {
                self.unbind(endpoint_id);
                self.rebind_queues(id, endpoint_id);
                self.settle_endpoint(endpoint_id);
            }
            let paid = |endpoint: &Endpoint| endpoint.maker == id && endpoint.server().is_none();
            if !has_heir && self.ipc.endpoints.get(endpoint_id).is_some_and(paid) {
                self.forget_interface(endpoint_id);
            }
        }
    }

    /// Moves what waits in `old`'s inbox for an endpoint to where the endpoint is bound now, or
    /// holds it there.
    pub(super) fn rebind_queues(&mut self, old: DomainId, endpoint: EndpointId) {
        self.rebind_calls(old, endpoint);
        self.rebind_drops(old, endpoint);
    }

    /// The part of [`Self::rebind_queues`] for calls.
    pub(super) fn rebind_calls(&mut self, old: DomainId, endpoint: EndpointId) {
        let mut at =
            self.domains.get(old).and_then(|domain| domain.inbox.calls.first(&self.ipc.calls));
        while let Some(call) = at {
            at = self
                .domains
                .get(old)
                .and_then(|domain| domain.inbox.calls.next(&self.ipc.calls, call));
            if self.ipc.calls.get(call).is_some_and(|call| call.endpoint == endpoint) {
                self.requeue_call(old, call);
            }
        }
    }

    /// The part of [`Self::rebind_queues`] for drops.
    pub(super) fn rebind_drops(&mut self, old: DomainId, endpoint: EndpointId) {
        let mut at =
            self.domains.get(old).and_then(|domain| domain.inbox.drops.first(&self.ipc.minted));
        while let Some(drop) = at {
            at = self
                .domains
                .get(old)
                .and_then(|domain| domain.inbox.drops.next(&self.ipc.minted, drop));
            if self.ipc.minted.get(drop).is_some_and(|minted| minted.endpoint == endpoint) {
                if let Some(domain) = self.domains.get_mut(old) {
                    domain.inbox.drops.remove(&mut self.ipc.minted, drop);
                }
                self.requeue_drop(drop);
            }
        }
    }

    fn requeue_call(&mut self, old: DomainId, call: CallId) {
        self.withdraw_donation(call);
        if let Some(domain) = self.domains.get_mut(old) {
            domain.inbox.calls.remove(&mut self.ipc.calls, call);
            domain.calls_open = domain.calls_open.saturating_sub(1);
        }
        self.enqueue_call(call);
    }

    fn requeue_drop(&mut self, drop: MintedId) {
        let Some(minted) = self.ipc.minted.get(drop) else { return };
        let endpoint = self.ipc.endpoints.get(minted.endpoint);
        let endpoint = endpoint.filter(|endpoint| minted.is_missed(endpoint));
        match endpoint.and_then(crate::ipc::Endpoint::server) {
            Some(server) => self.queue_drop(server, drop),
            None => self.forget_minted(drop),
        }
    }

    /// Closes every handle of a domain.
    pub(super) fn close_all(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        let mut table = core::mem::replace(&mut domain.handles, HandleTable::new(0));
        while let Some((_, entry)) = table.pop() {
            self.discard_entry(id, &entry);
        }
    }

    /// Ends the domains that lost their last holder. Their own holdings follow in turn.
    pub(crate) fn reap(&mut self) {
        while let Some(id) = self.doomed.pop(&mut self.domains) {
            self.end(id, Ending::new(Cause::Killed, 0));
        }
    }
}
