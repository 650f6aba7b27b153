//! Queues threaded through the entries of a slab, so that queueing never allocates.
//!
//! An entry has one [`Link`] and is in at most one [`List`] at a time. A list holds indices only;
//! the slab is passed to every operation.

use super::slab::{Id, Slab};

const NONE: u32 = u32::MAX;

/// An entry's place in the list that it is in.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    previous: u32,
    next: u32,
    order: u64,
    linked: bool,
}

impl Link {
    /// A link in no list.
    pub const FREE: Self = Self { previous: NONE, next: NONE, order: 0, linked: false };

    /// Whether the entry is in a list.
    #[must_use]
    pub const fn is_linked(self) -> bool {
        self.linked
    }
}

/// An entry that can be queued.
pub trait Linked {
    /// The entry's link.
    fn link(&mut self) -> &mut Link;
    /// The entry's link, to read.
    fn link_ref(&self) -> &Link;
}

/// A queue of entries of one slab, first in, first out.
#[derive(Clone, Copy, Debug)]
pub struct List {
    head: u32,
    tail: u32,
    len: u32,
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl List {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }

    /// Whether nothing is queued.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// Entries queued.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// The first entry.
    #[inline]
    #[must_use]
    pub fn first<V: Linked, T>(&self, slab: &Slab<V, T>) -> Option<Id<T>> {
        if self.head == NONE { None } else { slab.id_at(self.head) }
    }

    /// The entry after `id`.
    #[must_use]
    pub fn next<V: Linked, T>(&self, slab: &Slab<V, T>, id: Id<T>) -> Option<Id<T>> {
        let next = slab.get(id)?.link_ref().next;
        if next == NONE { None } else { slab.id_at(next) }
    }

    /// The first entry and the order number with which it was queued.
    #[inline]
    #[must_use]
    pub fn first_in_order<V: Linked, T>(&self, slab: &Slab<V, T>) -> Option<(Id<T>, u64)> {
        let id = self.first(slab)?;
        Some((id, slab.get(id)?.link_ref().order))
    }

    /// Queues an entry with a number that tells its place among the entries of several lists; one
    /// that is queued already, here or elsewhere, stays where it is.
    pub fn push<V: Linked, T>(&mut self, slab: &mut Slab<V, T>, id: Id<T>, order: u64) {
        let Some(entry) = slab.get_mut(id) else { return };
        let link = entry.link();
        if link.linked {
            return;
        }
        *link = Link { previous: self.tail, next: NONE, order, linked: true };
        match Self::neighbour(slab, self.tail) {
            Some(last) => last.next = id.index(),
            None => self.head = id.index(),
        }
        self.tail = id.index();
        self.len += 1;
    }

    /// Takes an entry out of the middle; it must be in this list.
    pub fn remove<V: Linked, T>(&mut self, slab: &mut Slab<V, T>, id: Id<T>) {
        let Some(entry) = slab.get_mut(id) else { return };
        let link = core::mem::replace(entry.link(), Link::FREE);
        if !link.linked {
            return;
        }
        match Self::neighbour(slab, link.previous) {
            Some(previous) => previous.next = link.next,
            None => self.head = link.next,
        }
        match Self::neighbour(slab, link.next) {
            Some(next) => next.previous = link.previous,
            None => self.tail = link.previous,
        }
        self.len = self.len.saturating_sub(1);
    }

    /// Takes the first entry.
    pub fn pop<V: Linked, T>(&mut self, slab: &mut Slab<V, T>) -> Option<Id<T>> {
        let first = self.first(slab)?;
        self.remove(slab, first);
        Some(first)
    }

    fn neighbour<V: Linked, T>(slab: &mut Slab<V, T>, index: u32) -> Option<&mut Link> {
        if index == NONE {
            return None;
        }
        let id = slab.id_at(index)?;
        slab.get_mut(id).map(Linked::link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    struct Entry {
        number: u32,
        link: Link,
    }

    impl Linked for Entry {
        fn link(&mut self) -> &mut Link {
            &mut self.link
        }
        fn link_ref(&self) -> &Link {
            &self.link
        }
    }

    fn numbers(list: &List, slab: &Slab<Entry>) -> Vec<u32> {
        let mut seen = Vec::new();
        let mut at = list.first(slab);
        while let Some(id) = at {
            seen.push(slab.get(id).expect("live").number);
            at = list.next(slab, id);
        }
        seen
    }

    proptest! {
        /// Pushes, pops and removals from the middle against a deque.
        #[test]
        fn behaves_like_a_deque(steps in proptest::collection::vec((0u8..3, any::<u8>()), 1..120)) {
            let mut slab: Slab<Entry> = Slab::new(200);
            let mut list = List::new();
            let mut model: VecDeque<u32> = VecDeque::new();
            let mut ids = std::collections::HashMap::new();
            for (number, (kind, pick)) in steps.into_iter().enumerate() {
                let number = number as u32;
                match kind {
                    0 => {
                        let id = slab.insert(Entry { number, link: Link::FREE }).expect("room");
                        ids.insert(number, id);
                        list.push(&mut slab, id, u64::from(number));
                        list.push(&mut slab, id, u64::from(number));
                        model.push_back(number);
                    }
                    1 => {
                        let popped = list.pop(&mut slab);
                        prop_assert_eq!(popped.and_then(|id| slab.remove(id)).map(|e| e.number), model.pop_front());
                    }
                    _ if !model.is_empty() => {
                        let gone = model.remove(usize::from(pick) % model.len()).expect("in range");
                        list.remove(&mut slab, ids[&gone]);
                        list.remove(&mut slab, ids[&gone]);
                        slab.remove(ids[&gone]);
                    }
                    _ => {}
                }
                prop_assert_eq!(numbers(&list, &slab), model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(list.len() as usize, model.len());
            }
        }
    }
}
