//! Watches: arming, firing and dropping them, and the readiness of each kind of object.

use super::Kernel;
use crate::capability::{DomainId, Handle, Link, List, Object, WatchId};
use crate::ipc::Watch;
use crate::trace;
use atoll_gate::Status;
use atoll_gate::call::rights;

impl Kernel {
    /// Arms a watch on what `handle` names, or fires it at once; replaces an earlier one.
    pub(crate) fn watch(
        &mut self,
        owner: DomainId,
        handle: Handle,
        token: u64,
    ) -> Result<(), Status> {
        let entry = *self.domain_mut(owner)?.handles.get(handle)?;
        if self.watchers(entry.object).is_none() {
            return Err(Status::WrongKind);
        }
        entry.require(rights::WATCH)?;
        let id = match entry.watch {
            Some(old) => {
                self.unlink_watch(old);
                old
            }
            None => {
                let watch = Watch {
                    owner,
                    handle,
                    object: entry.object,
                    token,
                    queued: false,
                    link: Link::FREE,
                };
                self.ipc.watches.insert(watch).map_err(|_| Status::OutOfMemory)?
            }
        };
        self.domain_mut(owner)?.handles.get_mut(handle)?.watch = Some(id);
        if let Some(watch) = self.ipc.watches.get_mut(id) {
            (watch.token, watch.queued) = (token, false);
        }
        self.with_watchers(entry.object, |list, kernel| list.push(&mut kernel.ipc.watches, id, 0));
        if self.is_ready(entry.object, entry.note) {
            self.fire(id);
        } else if entry.object == Object::Log {
            self.log_end = trace::next_sequence();
        }
        Ok(())
    }

    /// Takes back the watch of `handle`, if there is one.
    pub(crate) fn unwatch(&mut self, owner: DomainId, handle: Handle) -> Result<(), Status> {
        let table = &mut self.domain_mut(owner)?.handles;
        table.get(handle)?;
        if let Some(watch) = table.get_mut(handle)?.watch.take() {
            self.drop_watch(watch);
        }
        Ok(())
    }

    /// Ends a watch, armed or queued.
    pub(super) fn drop_watch(&mut self, id: WatchId) {
        self.unlink_watch(id);
        self.ipc.watches.remove(id);
    }

    fn unlink_watch(&mut self, id: WatchId) {
        let Some(watch) = self.ipc.watches.get(id) else { return };
        let (owner, object) = (watch.owner, watch.object);
        if watch.queued {
            if let Some(domain) = self.domains.get_mut(owner) {
                domain.inbox.notifications.remove(&mut self.ipc.watches, id);
            }
        } else {
            self.with_watchers(object, |list, kernel| list.remove(&mut kernel.ipc.watches, id));
        }
    }

    /// Tells everybody who watches `object` that it is ready.
    pub(crate) fn fire_watches(&mut self, object: Object) {
        while let Some(id) = self.watchers(object).and_then(|list| list.first(&self.ipc.watches)) {
            self.fire(id);
        }
    }

    /// Moves an armed watch to its owner's inbox.
    fn fire(&mut self, id: WatchId) {
        let Some(watch) = self.ipc.watches.get_mut(id) else { return };
        let (owner, object) = (watch.owner, watch.object);
        watch.queued = true;
        self.with_watchers(object, |list, kernel| list.remove(&mut kernel.ipc.watches, id));
        if let Some(domain) = self.domains.get_mut(owner) {
            let order = domain.inbox.arrival();
            domain.inbox.notifications.push(&mut self.ipc.watches, id, order);
            self.poke(owner);
        }
    }

    /// The list of armed watches on an object; none if the kind cannot be watched.
    fn watchers(&self, object: Object) -> Option<List> {
        match object {
            Object::PipeReader(id) => self.ipc.pipes.get(id).map(|pipe| pipe.read_watchers),
            Object::PipeWriter(id) => self.ipc.pipes.get(id).map(|pipe| pipe.write_watchers),
            Object::Event(id) => self.ipc.events.get(id).map(|event| event.watchers),
            Object::Interrupt(id) => self.devices.interrupts.get(id).map(|line| line.watchers),
            Object::Domain(id) => self.domains.get(id).map(|domain| domain.watchers),
            Object::Log => Some(self.log_watchers),
            _ => None,
        }
    }

    /// Changes the list of armed watches on an object.
    fn with_watchers(&mut self, object: Object, change: impl FnOnce(&mut List, &mut Self)) {
        let Some(mut list) = self.watchers(object) else { return };
        change(&mut list, self);
        let place = match object {
            Object::PipeReader(id) => {
                self.ipc.pipes.get_mut(id).map(|pipe| &mut pipe.read_watchers)
            }
            Object::PipeWriter(id) => {
                self.ipc.pipes.get_mut(id).map(|pipe| &mut pipe.write_watchers)
            }
            Object::Event(id) => self.ipc.events.get_mut(id).map(|event| &mut event.watchers),
            Object::Interrupt(id) => {
                self.devices.interrupts.get_mut(id).map(|line| &mut line.watchers)
            }
            Object::Domain(id) => self.domains.get_mut(id).map(|domain| &mut domain.watchers),
            Object::Log => Some(&mut self.log_watchers),
            _ => None,
        };
        if let Some(place) = place {
            *place = list;
        }
    }

    /// Whether an object is ready for a holder whose entry has this note.
    fn is_ready(&self, object: Object, note: u64) -> bool {
        match object {
            Object::PipeReader(id) => {
                self.ipc.pipes.get(id).is_some_and(crate::ipc::Pipe::is_readable)
            }
            Object::PipeWriter(id) => {
                self.ipc.pipes.get(id).is_some_and(crate::ipc::Pipe::is_writable)
            }
            Object::Event(id) => self.ipc.events.get(id).is_some_and(crate::ipc::Event::is_ready),
            Object::Interrupt(id) => {
                self.devices.interrupts.get(id).is_some_and(|line| line.raised)
            }
            Object::Domain(id) => self.domains.get(id).is_some_and(|domain| domain.changes > note),
            Object::Log => trace::next_sequence() > note,
            _ => false,
        }
    }

    /// Whether the log grew for somebody who watches it.
    #[inline]
    pub(crate) fn has_log_news(&self) -> bool {
        !self.log_watchers.is_empty() && trace::next_sequence() != self.log_end
    }

    /// Tells those who watch the log that it grew, if it did.
    pub(crate) fn settle_log(&mut self) {
        if self.has_log_news() {
            self.log_end = trace::next_sequence();
            self.fire_watches(Object::Log);
        }
    }
}
