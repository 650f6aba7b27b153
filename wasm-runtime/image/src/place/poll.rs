//! Readiness: `wasi:io/poll`, blocking on one handle, and the watches of `atoll:io/watch`.
//!
//! The kernel tells of readiness by one-shot notifications whose token here is the watched handle.
//! A poll watches each of its handles, waits, and takes the watches back. A notification that was
//! meant for a watch of the guest goes to [`crate::watches`], where the main loop finds it.

use super::Place;
use crate::gate::{Calls, Gate};
use crate::objects::{Object, Source};
use crate::watches::Trigger;
use alloc::vec::Vec;
use atoll_gate::call::{NO_DEADLINE, Status};
use atoll_gate::message::accept;

/// One thing that a poll waits for.
#[derive(Clone, Copy, Debug)]
struct Waited {
    trigger: Option<Trigger>,
    ready: bool,
}

impl<G: Gate> Place<G> {
    /// What a pollable waits for; `None` if it is ready for good.
    fn trigger(&self, pollable: u32) -> Option<Trigger> {
        match self.objects.get(pollable)? {
            Object::Pollable(Source::At(time)) => Some(Trigger::At(*time)),
            _ => self.objects.waits_on(pollable).map(Trigger::Handle),
        }
    }

    /// Which of the pollables are ready, by index. Waits until one is, or not at all.
    pub(crate) fn poll(&mut self, pollables: &[u32], wait: bool) -> Vec<u32> {
        let triggers = pollables.iter().map(|pollable| self.trigger(*pollable));
        let mut waited: Vec<_> =
            triggers.map(|trigger| Waited { trigger, ready: trigger.is_none() }).collect();
        self.arm(&mut waited);
        loop {
            self.tick(&mut waited);
            let none_yet = waited.iter().all(|one| !one.ready);
            let deadline = if wait && none_yet { earliest(&waited) } else { 0 };
            match self.next_notification(deadline) {
                Some(handle) => note(&mut waited, handle),
                None if wait && none_yet => {}
                None => break,
            }
        }
        self.disarm(&waited);
        (0u32..).zip(&waited).filter(|(_, one)| one.ready).map(|(index, _)| index).collect()
    }

    /// Waits until a kernel handle is ready.
    ///
    /// # Errors
    /// It cannot be watched.
    pub(crate) fn block_on(&mut self, handle: u32) -> Result<(), Status> {
        self.watch_handle(handle)?;
        while self.next_notification(NO_DEADLINE).is_some_and(|told| told != handle) {}
        Ok(())
    }

    fn watch_handle(&mut self, handle: u32) -> Result<(), Status> {
        if self.watches.watches(handle) {
            // A notification may be on its way that is older than what the guest did since.
            self.gate.unwatch(handle);
        }
        self.gate.watch(handle, u64::from(handle))
    }

    /// Watches the handles; one that cannot be watched counts as ready.
    fn arm(&mut self, waited: &mut [Waited]) {
        for one in waited {
            if let Some(Trigger::Handle(handle)) = one.trigger {
                one.ready = self.watch_handle(handle).is_err();
            }
        }
    }

    /// Takes back the watches that did not come true, but for those that the guest set itself.
    fn disarm(&mut self, waited: &[Waited]) {
        for one in waited.iter().filter(|one| !one.ready) {
            if let Some(Trigger::Handle(handle)) = one.trigger
                && !self.watches.watches(handle)
            {
                self.gate.unwatch(handle);
            }
        }
    }

    /// Marks the times that have passed.
    fn tick(&mut self, waited: &mut [Waited]) {
        if waited.iter().any(|one| matches!(one.trigger, Some(Trigger::At(_)))) {
            let now = self.gate.clock();
            for one in waited {
                one.ready |= matches!(one.trigger, Some(Trigger::At(time)) if time <= now);
            }
        }
    }

    /// The handle of the next notification; `None` if none came until the deadline.
    fn next_notification(&mut self, deadline: u64) -> Option<u32> {
        self.gate.wait(accept::NOTIFICATIONS, deadline).ok()?;
        let handle = self.gate.header().id as u32;
        self.watches.notified(handle);
        Some(handle)
    }

    /// Watches a pollable for the guest.
    pub(crate) fn watch(&mut self, pollable: u32, token: u64) {
        match self.trigger(pollable) {
            Some(Trigger::Handle(handle)) if self.watch_handle(handle).is_ok() => {
                self.watches.add(pollable, Trigger::Handle(handle), token);
            }
            Some(Trigger::At(time)) => self.watches.add(pollable, Trigger::At(time), token),
            _ => self.watches.add_ready(pollable, token),
        }
    }

    /// Ends the guest's watch on a pollable.
    pub(crate) fn unwatch(&mut self, pollable: u32) {
        let watched = self.watches.remove(pollable);
        if let Some(Trigger::Handle(handle)) = self.trigger(pollable)
            && watched
            && !self.watches.watches(handle)
        {
            self.gate.unwatch(handle);
        }
    }
}

/// The earliest time that is waited for.
fn earliest(waited: &[Waited]) -> u64 {
    let times = waited.iter().filter_map(|one| match one.trigger {
        Some(Trigger::At(time)) => Some(time),
        _ => None,
    });
    times.min().unwrap_or(NO_DEADLINE)
}

/// Marks what waits for a handle.
fn note(waited: &mut [Waited], handle: u32) {
    for one in waited {
        one.ready |= one.trigger == Some(Trigger::Handle(handle));
    }
}
