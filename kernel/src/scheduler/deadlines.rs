//! Deadlines of domains: an indexed binary heap, at most one entry a domain.

use alloc::vec::Vec;

/// Position of a domain that has no deadline.
const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    when: u64,
    domain: u32,
}

/// A priority queue of `(when, domain index)`, earliest first; equal times in any order.
#[derive(Debug)]
pub struct Deadlines {
    heap: Vec<Entry>,
    positions: Vec<u32>,
}

impl Deadlines {
    /// A queue for domains with indices below `limit`; `None` if the kernel's heap is full.
    #[must_use]
    pub fn new(limit: usize) -> Option<Self> {
        let (mut heap, mut positions) = (Vec::new(), Vec::new());
        heap.try_reserve_exact(limit).ok()?;
        positions.try_reserve_exact(limit).ok()?;
        positions.resize(limit, ABSENT);
        Some(Self { heap, positions })
    }

    /// The earliest deadline.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.when)
    }

    /// Gives `domain` the deadline `when` in place of any earlier one.
    pub fn set(&mut self, domain: u32, when: u64) {
        self.clear(domain);
        let Some(position) = self.positions.get_mut(domain as usize) else { return };
        let index = self.heap.len();
        *position = index as u32;
        // Within the reserved capacity: there is at most one entry a position.
        self.heap.push(Entry { when, domain });
        self.rise(index);
    }

    /// Takes away the deadline of `domain`, if it has one.
    #[inline]
    pub fn clear(&mut self, domain: u32) {
        match self.positions.get(domain as usize) {
            Some(&position) if position != ABSENT => self.take(position as usize),
            _ => {}
        }
    }

    /// Takes out a domain whose deadline is not after `now`.
    pub fn expire(&mut self, now: u64) -> Option<u32> {
        let first = *self.heap.first()?;
        if first.when > now {
            return None;
        }
        self.take(0);
        Some(first.domain)
    }

    fn take(&mut self, index: usize) {
        if index >= self.heap.len() {
            return;
        }
        let gone = self.heap.swap_remove(index);
        if let Some(position) = self.positions.get_mut(gone.domain as usize) {
            *position = ABSENT;
        }
        if index < self.heap.len() {
            self.note(index);
            self.rise(index);
            self.sink(index);
        }
    }

    fn when(&self, index: usize) -> u64 {
        self.heap.get(index).map_or(u64::MAX, |entry| entry.when)
    }

    fn note(&mut self, index: usize) {
        let Some(entry) = self.heap.get(index) else { return };
        if let Some(position) = self.positions.get_mut(entry.domain as usize) {
            *position = index as u32;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note(a);
        self.note(b);
    }

    fn rise(&mut self, mut index: usize) {
        while let Some(above) = index.checked_sub(1).map(|below| below / 2) {
            if self.when(above) <= self.when(index) {
                break;
            }
            self.swap(above, index);
            index = above;
        }
    }

    fn sink(&mut self, mut index: usize) {
        loop {
            let left = index * 2 + 1;
            let least = if self.when(left + 1) < self.when(left) { left + 1 } else { left };
            if least >= self.heap.len() || self.when(index) <= self.when(least) {
                break;
            }
            self.swap(index, least);
            index = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map from domain to deadline.
        #[test]
        fn expires_everything_once_and_in_order(
            steps in proptest::collection::vec((0u8..4, 0u32..12, 0u64..100), 1..200)
        ) {
            let mut queue = Deadlines::new(12).expect("memory");
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            for (kind, domain, when) in steps {
                match kind {
                    0 | 1 => {
                        queue.set(domain, when);
                        model.insert(domain, when);
                    }
                    2 => {
                        queue.clear(domain);
                        model.remove(&domain);
                    }
                    _ => {
                        let mut expired = Vec::new();
                        while let Some(domain) = queue.expire(when) {
                            expired.push((model.remove(&domain).expect("in the model"), domain));
                        }
                        prop_assert!(expired.is_sorted_by_key(|(when, _)| *when));
                        prop_assert!(model.values().all(|left| *left > when));
                    }
                }
                prop_assert_eq!(queue.first(), model.values().min().copied());
            }
        }
    }
}
