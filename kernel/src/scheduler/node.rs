//! What the scheduler knows of one domain, and the ready queues threaded through it.

use super::{PRIORITIES, Share};
use crate::capability::DomainId;

const NONE: u32 = u32::MAX;

/// Where a domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for something, or stopped.
    Blocked,
    /// In the ready queue of this level.
    Ready(u8),
    /// Current on this processor.
    Running(u8),
}

/// One domain.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) domain: Option<DomainId>,
    pub(super) state: State,
    pub(super) cpu_ns: u64,
    pub(super) budget_ns: u64,
    period_ns: u64,
    spent_ns: u64,
    period_end: u64,
    exhausted: bool,
    /// Whether it has a deadline.
    pub(super) timed: bool,
    own: u8,
    /// Waiting callers by priority, and a bit for each priority that has one.
    donors: [u32; PRIORITIES as usize],
    donated: u8,
    previous: u32,
    next: u32,
}

impl Node {
    pub(super) const fn absent() -> Self {
        Self {
            domain: None,
            state: State::Blocked,
            cpu_ns: 0,
            budget_ns: 0,
            period_ns: 0,
            spent_ns: 0,
            period_end: 0,
            exhausted: false,
            timed: false,
            own: 0,
            donors: [0; PRIORITIES as usize],
            donated: 0,
            previous: NONE,
            next: NONE,
        }
    }

    pub(super) fn new(domain: DomainId, share: Share) -> Self {
        Self {
            domain: Some(domain),
            own: share.priority.min(PRIORITIES - 1),
            budget_ns: share.budget_ns,
            period_ns: share.period_ns,
            ..Self::absent()
        }
    }

    /// Its own priority or the highest of its waiting callers'.
    #[inline]
    pub(super) const fn priority(&self) -> u8 {
        if self.donated == 0 {
            return self.own;
        }
        let highest = 7 - self.donated.leading_zeros() as u8;
        if highest > self.own { highest } else { self.own }
    }

    /// The ready queue that it belongs into.
    #[inline]
    pub(super) const fn level(&self) -> usize {
        if self.exhausted { 0 } else { self.priority() as usize + 1 }
    }

    /// Takes a caller's priority if it is more than its own; gives what it took.
    #[inline]
    pub(super) fn receive(&mut self, priority: u8) -> Option<u8> {
        if priority <= self.own {
            return None;
        }
        self.add_donor(priority);
        Some(priority)
    }

    #[cold]
    fn add_donor(&mut self, priority: u8) {
        if let Some(count) = self.donors.get_mut(usize::from(priority)) {
            *count = count.saturating_add(1);
            self.donated |= 1 << priority;
        }
    }

    #[cold]
    pub(super) fn remove_donor(&mut self, priority: u8) {
        if let Some(count) = self.donors.get_mut(usize::from(priority)) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.donated &= !(1 << priority);
            }
        }
    }

    /// Counts `spent` against the budget; when that used it up, gives the time of the refill.
    pub(super) fn spend(&mut self, spent: u64, now: u64) -> Option<u64> {
        if now >= self.period_end && !self.exhausted {
            self.spent_ns = 0;
            self.period_end = now.saturating_add(self.period_ns);
        }
        self.spent_ns = self.spent_ns.saturating_add(spent);
        if self.exhausted || self.spent_ns < self.budget_ns {
            return None;
        }
        self.exhausted = true;
        Some(self.period_end)
    }

    /// Begins a new period.
    pub(super) fn refill(&mut self, now: u64) {
        self.exhausted = false;
        self.spent_ns = 0;
        self.period_end = now.saturating_add(self.period_ns);
    }

    /// Nanoseconds until the budget is used up, if there is one that can be.
    pub(super) const fn budget_left(&self) -> Option<u64> {
        if self.budget_ns == 0 || self.exhausted {
            None
        } else {
            Some(self.budget_ns.saturating_sub(self.spent_ns))
        }
    }
}

/// A ready queue: nodes by index, linked both ways.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    head: u32,
    tail: u32,
}

impl Queue {
    pub(super) const EMPTY: Self = Self { head: NONE, tail: NONE };

    pub(super) const fn is_empty(&self) -> bool {
        self.head == NONE
    }

    pub(super) const fn first(&self) -> Option<u32> {
        if self.head == NONE { None } else { Some(self.head) }
    }

    pub(super) fn push_back(&mut self, nodes: &mut [Node], index: u32) {
        if let Some(node) = nodes.get_mut(index as usize) {
            (node.previous, node.next) = (self.tail, NONE);
        }
        match nodes.get_mut(self.tail as usize) {
            Some(last) => last.next = index,
            None => self.head = index,
        }
        self.tail = index;
    }

    pub(super) fn push_front(&mut self, nodes: &mut [Node], index: u32) {
        if let Some(node) = nodes.get_mut(index as usize) {
            (node.previous, node.next) = (NONE, self.head);
        }
        match nodes.get_mut(self.head as usize) {
            Some(first) => first.previous = index,
            None => self.tail = index,
        }
        self.head = index;
    }

    pub(super) fn remove(&mut self, nodes: &mut [Node], index: u32) {
        let Some(node) = nodes.get_mut(index as usize) else { return };
        let (previous, next) = (node.previous, node.next);
        (node.previous, node.next) = (NONE, NONE);
        match nodes.get_mut(previous as usize) {
            Some(node) => node.next = next,
            None => self.head = next,
        }
        match nodes.get_mut(next as usize) {
            Some(node) => node.previous = previous,
            None => self.tail = previous,
        }
    }
}
