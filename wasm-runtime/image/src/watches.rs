//! What the guest watches between calls, and the timers, which the kernel does not have.
//!
//! A watch belongs to a pollable and carries the guest's token. The kernel's token is the handle
//! that is watched, so one notification serves all watches on that handle. Watches that came true
//! queue here until the main loop delivers them, in the order in which they did.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What a watch waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A notification of this kernel handle.
    Handle(u32),
    /// A time.
    At(u64),
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    pollable: u32,
    trigger: Trigger,
    token: u64,
}

/// Watches that wait and watches that came true.
#[derive(Debug, Default)]
pub struct Watches {
    waiting: Vec<Watch>,
    ready: VecDeque<(u32, u64)>,
}

impl Watches {
    /// Adds a watch in place of the pollable's earlier one.
    pub fn add(&mut self, pollable: u32, trigger: Trigger, token: u64) {
        self.remove(pollable);
        self.waiting.push(Watch { pollable, trigger, token });
    }

    /// Adds a watch that is true already.
    pub fn add_ready(&mut self, pollable: u32, token: u64) {
        self.remove(pollable);
        self.ready.push_back((pollable, token));
    }

    /// Forgets the pollable's watch, even if it came true and was not delivered; whether it was
    /// still waiting.
    pub fn remove(&mut self, pollable: u32) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|watch| watch.pollable != pollable);
        self.ready.retain(|(of, _)| *of != pollable);
        self.waiting.len() != before
    }

    /// Whether a watch waits on this kernel handle.
    #[must_use]
    pub fn watches(&self, handle: u32) -> bool {
        self.waiting.iter().any(|watch| watch.trigger == Trigger::Handle(handle))
    }

    /// A notification of this kernel handle came.
    pub fn notified(&mut self, handle: u32) {
        let Self { waiting, ready } = self;
        waiting.retain(|watch| {
            let true_now = watch.trigger == Trigger::Handle(handle);
            if true_now {
                ready.push_back((watch.pollable, watch.token));
            }
            !true_now
        });
    }

    /// The earliest time that a watch waits for.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let times = self.waiting.iter().filter_map(|watch| match watch.trigger {
            Trigger::At(time) => Some(time),
            Trigger::Handle(_) => None,
        });
        times.min()
    }

    /// The time is `now`: watches on times up to it come true, the earlier first.
    pub fn passed(&mut self, now: u64) {
        while let Some(first) = self.deadline().filter(|time| *time <= now) {
            let due = |watch: &Watch| watch.trigger == Trigger::At(first);
            let Some(at) = self.waiting.iter().position(due) else { return };
            let watch = self.waiting.remove(at);
            self.ready.push_back((watch.pollable, watch.token));
        }
    }

    /// Whether a watch came true and waits to be delivered.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the token of the watch that came true first.
    pub fn pop(&mut self) -> Option<u64> {
        self.ready.pop_front().map(|(_, token)| token)
    }
}

#[cfg(test)]
mod tests {
    use super::{Trigger, Watches};

    fn drain(watches: &mut Watches) -> Vec<u64> {
        std::iter::from_fn(|| watches.pop()).collect()
    }

    #[test]
    fn a_notification_serves_all_watches_on_its_handle_once() {
        let mut watches = Watches::default();
        watches.add(1, Trigger::Handle(7), 100);
        watches.add(2, Trigger::Handle(7), 200);
        watches.add(3, Trigger::Handle(8), 300);
        watches.notified(7);
        watches.notified(7);
        assert_eq!(drain(&mut watches), [100, 200]);
        assert!(watches.watches(8) && !watches.watches(7));
    }

    #[test]
    fn a_second_watch_replaces_the_first_even_when_that_came_true() {
        let mut watches = Watches::default();
        watches.add(1, Trigger::Handle(7), 100);
        watches.notified(7);
        watches.add(1, Trigger::Handle(7), 101);
        assert!(!watches.has_ready());
        watches.notified(7);
        assert_eq!(drain(&mut watches), [101]);
    }

    #[test]
    fn timers_come_true_in_the_order_of_their_times() {
        let mut watches = Watches::default();
        for (pollable, time) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 99)] {
            watches.add(pollable, Trigger::At(time), u64::from(pollable));
        }
        assert_eq!(watches.deadline(), Some(10));
        watches.passed(9);
        assert!(!watches.has_ready());
        watches.passed(30);
        assert_eq!(drain(&mut watches), [2, 4, 3, 1]);
        assert_eq!(watches.deadline(), Some(99));
    }

    #[test]
    fn a_removed_watch_is_not_delivered() {
        let mut watches = Watches::default();
        watches.add_ready(1, 1);
        watches.add(2, Trigger::At(5), 2);
        watches.remove(1);
        watches.remove(2);
        watches.passed(10);
        assert!(drain(&mut watches).is_empty());
        assert_eq!(watches.deadline(), None);
    }
}
