//! Waiting for events, and what ends a wait.

use super::calls::write_header;
use super::{Activity, CPU, Kernel};
use crate::capability::{DomainId, MintedId, WatchId};
use crate::ipc::Item;
use atoll_gate::Status;
use atoll_gate::call::NO_DEADLINE;
use atoll_gate::message::{EventKind, Header, accept};

impl Kernel {
    /// Gives `domain` the next event of a kind in the mask; true if it got one, false if it is
    /// blocked now until one comes. `resume` is a domain that can go on; it gets the processor
    /// when `domain` blocks.
    #[inline]
    pub(crate) fn wait(
        &mut self,
        domain: DomainId,
        mask: u64,
        deadline: u64,
        resume: Option<DomainId>,
    ) -> Result<bool, Status> {
        if mask & accept::CALLS != 0 && self.deliver_probe(domain) {
            self.resume(resume);
            return Ok(true);
        }
        let oldest = |kernel: &Self| {
            let domain = kernel.domains.get(domain)?;
            domain.inbox.oldest(&kernel.ipc, domain.swap.open_to(mask))
        };
        while let Some(item) = oldest(self) {
            if self.take_item(domain, item) {
                self.resume(resume);
                return Ok(true);
            }
        }
        if deadline <= self.now {
            self.resume(resume);
            return Err(Status::TimedOut);
        }
        self.domain_mut(domain)?.activity = Activity::Waiting(mask);
        if deadline != NO_DEADLINE {
            self.scheduler.set_deadline(domain, deadline);
        }
        self.scheduler.block(domain, self.now);
        if let Some(caller) = resume {
            self.scheduler.hand_over(CPU, caller, self.now);
        }
        Ok(false)
    }

    /// Lets a domain run whose wait was finished.
    #[inline]
    pub(crate) fn resume(&mut self, domain: Option<DomainId>) {
        if let Some(domain) = domain {
            self.scheduler.wake(domain, self.now);
        }
    }

    /// Something arrived in the inbox of `domain`: ends its wait if that accepts it.
    pub(super) fn poke(&mut self, id: DomainId) {
        while let Some(domain) = self.domains.get(id)
            && let Activity::Waiting(mask) = domain.activity
            && let Some(item) = domain.inbox.oldest(&self.ipc, domain.swap.open_to(mask))
        {
            if self.take_item(id, item) {
                self.finish_wait(id, Status::Ok);
                self.scheduler.wake(id, self.now);
            }
        }
    }

    /// Writes the result of the gate call that `domain` is blocked in; it does not run yet.
    #[inline]
    pub(super) fn finish_wait(&mut self, id: DomainId, status: Status) {
        self.scheduler.clear_deadline(id);
        if let Some(domain) = self.domains.get_mut(id) {
            domain.activity = Activity::Runnable;
            if let Some(body) = &domain.body {
                body.space.context().set_result(status, 0);
            }
        }
    }

    /// The deadline of a blocked domain passed.
    pub(crate) fn time_out(&mut self, id: DomainId) {
        match self.domains.get(id).map(|domain| domain.activity) {
            Some(Activity::Calling(call)) => self.cancel_call(call),
            Some(Activity::Waiting(_)) => {}
            _ => return,
        }
        self.finish_wait(id, Status::TimedOut);
        self.scheduler.wake(id, self.now);
    }

    /// Moves the oldest entry of an inbox into the receive area; false if it turned out that it
    /// cannot be delivered and is gone.
    fn take_item(&mut self, domain: DomainId, item: Item) -> bool {
        let Some(inbox) = self.domains.get_mut(domain).map(|domain| &mut domain.inbox) else {
            return false;
        };
        let delivered = match item {
            Item::Call(id) => {
                let delivered = self.deliver_call(id, domain);
                match delivered {
                    Ok(()) => {
                        if let Some(domain) = self.domains.get_mut(domain) {
                            domain.inbox.calls.remove(&mut self.ipc.calls, id);
                        }
                    }
                    Err(status) => self.fail_call(id, status),
                }
                delivered
            }
            Item::Drop(id) => {
                inbox.drops.remove(&mut self.ipc.minted, id);
                self.deliver_drop(id, domain)
            }
            Item::Reply(id) => {
                inbox.replies.remove(&mut self.ipc.calls, id);
                self.deliver_reply(id, domain)
            }
            Item::Notification(id) => {
                inbox.notifications.remove(&mut self.ipc.watches, id);
                self.deliver_notification(id, domain)
            }
        };
        delivered.is_ok()
    }

    fn deliver_drop(&mut self, id: MintedId, domain: DomainId) -> Result<(), Status> {
        let minted = self.ipc.minted.get(id).ok_or(Status::Closed)?;
        let endpoint = self.ipc.endpoints.get(minted.endpoint).ok_or(Status::Closed)?;
        let header = Header {
            event: EventKind::Drop as u32,
            id: u64::from(minted.object),
            badge: endpoint.badge,
            ..Header::default()
        };
        let written = write_header(&self.live(domain)?.1.receive, header);
        self.forget_minted(id);
        written
    }

    fn deliver_notification(&mut self, id: WatchId, domain: DomainId) -> Result<(), Status> {
        let watch = self.ipc.watches.remove(id).ok_or(Status::Closed)?;
        if let Ok(entry) = self.domain_mut(domain)?.handles.get_mut(watch.handle) {
            entry.watch = None;
        }
        let header =
            Header { event: EventKind::Notification as u32, id: watch.token, ..Header::default() };
        write_header(&self.live(domain)?.1.receive, header)
    }
}
