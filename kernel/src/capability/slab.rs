//! Slabs: tables of kernel objects under ids that carry a generation.
//!
//! An [`Id`] is an index and a generation, typed by a tag, so that ids of different tables cannot
//! be mixed up. A lookup is index arithmetic and one comparison. A slot that is used again has a
//! higher generation, so an id never names two things; a slot whose generations are used up is
//! retired. Growth is fallible: a full heap is [`Full`], never a panic.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::num::{NonZeroU32, NonZeroU64};

/// Index that stands for no slot.
const NONE: u32 = u32::MAX;

/// Names a slot of the slab with tag `T` for one occupation: the slot's number in the low half, its
/// generation, which is never 0, in the high half. One word, also as an `Option`.
pub struct Id<T> {
    raw: NonZeroU64,
    tag: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// An id by its parts; it names something only if a slab gave out the same parts.
    #[inline]
    #[must_use]
    pub const fn new(index: u32, generation: NonZeroU32) -> Self {
        // The generation is not 0, so the whole never is.
        let raw = match NonZeroU64::new(index as u64 | (generation.get() as u64) << 32) {
            Some(raw) => raw,
            None => NonZeroU64::MIN,
        };
        Self { raw, tag: PhantomData }
    }

    /// The slot's number, less than the slab's capacity.
    #[inline]
    #[must_use]
    pub const fn index(self) -> u32 {
        self.raw.get() as u32
    }

    #[inline]
    const fn generation(self) -> u32 {
        (self.raw.get() >> 32) as u32
    }

    /// As one number, for the gate.
    #[inline]
    #[must_use]
    pub const fn to_raw(self) -> u64 {
        self.raw.get()
    }

    /// Reads a number that may come from a domain; nothing is checked before the lookup but that
    /// 0 names nothing.
    #[inline]
    #[must_use]
    pub const fn from_raw(raw: u64) -> Option<Self> {
        match NonZeroU64::new(raw) {
            Some(raw) => Some(Self { raw, tag: PhantomData }),
            None => None,
        }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<T> Eq for Id<T> {}

impl<T> core::fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "#{}.{}", self.index(), self.generation())
    }
}

/// The slab is at its limit, or the kernel's heap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[derive(Debug)]
struct Slot<V> {
    generation: NonZeroU32,
    next_free: u32,
    value: Option<V>,
}

/// A table of `V` under ids with tag `T`.
#[derive(Debug)]
pub struct Slab<V, T = V> {
    slots: Vec<Slot<V>>,
    free: u32,
    free_slots: u32,
    retired: u32,
    limit: u32,
    tag: PhantomData<fn() -> T>,
}

impl<V, T> Slab<V, T> {
    /// An empty slab that grows to `limit` slots; it owns no memory yet.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self { slots: Vec::new(), free: NONE, free_slots: 0, retired: 0, limit, tag: PhantomData }
    }

    /// Occupied slots.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.slots.len() as u32 - self.free_slots - self.retired
    }

    /// Whether no slot is occupied.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts `value` into a slot and gives its id.
    #[inline(always)]
    pub fn insert(&mut self, value: V) -> Result<Id<T>, Full> {
        let index = if self.free == NONE { self.grow()? } else { self.free };
        let slot = self.slots.get_mut(index as usize).ok_or(Full)?;
        self.free = slot.next_free;
        slot.value = Some(value);
        self.free_slots -= 1;
        Ok(Id::new(index, slot.generation))
    }

    /// Adds one free slot and gives its index.
    #[cold]
    fn grow(&mut self) -> Result<u32, Full> {
        let index = u32::try_from(self.slots.len()).map_err(|_| Full)?;
        if index >= self.limit {
            return Err(Full);
        }
        self.slots.try_reserve(1).map_err(|_| Full)?;
        self.slots.push(Slot { generation: NonZeroU32::MIN, next_free: self.free, value: None });
        self.free = index;
        self.free_slots += 1;
        Ok(index)
    }

    /// Makes room, so that the next `count` insertions succeed.
    pub fn reserve(&mut self, count: u32) -> Result<(), Full> {
        while self.free_slots < count {
            self.grow()?;
        }
        Ok(())
    }

    /// What `id` names, if it still does.
    #[inline]
    #[must_use]
    pub fn get(&self, id: Id<T>) -> Option<&V> {
        let slot = self.slots.get(id.index() as usize)?;
        if slot.generation.get() == id.generation() { slot.value.as_ref() } else { None }
    }

    /// What `id` names, if it still does.
    #[inline]
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut V> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        if slot.generation.get() == id.generation() { slot.value.as_mut() } else { None }
    }

    /// Two different entries at once; `None` if either is gone or both are the same.
    #[inline(always)]
    pub fn get_pair_mut(&mut self, a: Id<T>, b: Id<T>) -> Option<(&mut V, &mut V)> {
        let pair = self.slots.get_disjoint_mut([a.index() as usize, b.index() as usize]).ok()?;
        let [slot_a, slot_b] = pair;
        if slot_a.generation.get() != a.generation() || slot_b.generation.get() != b.generation() {
            return None;
        }
        Some((slot_a.value.as_mut()?, slot_b.value.as_mut()?))
    }

    /// Takes out what `id` names; the id is stale from then on.
    #[inline]
    pub fn remove(&mut self, id: Id<T>) -> Option<V> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        if slot.generation.get() != id.generation() {
            return None;
        }
        let value = slot.value.take()?;
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            slot.next_free = self.free;
            self.free = id.index();
            self.free_slots += 1;
        } else {
            self.retired += 1;
        }
        Some(value)
    }

    /// Drops what `id` names; the id is stale from then on.
    #[inline(always)]
    pub fn discard(&mut self, id: Id<T>) {
        let Some(slot) = self.slots.get_mut(id.index() as usize) else { return };
        if slot.generation.get() != id.generation() || slot.value.is_none() {
            return;
        }
        slot.value = None;
        if let Some(generation) = slot.generation.checked_add(1) {
            slot.generation = generation;
            slot.next_free = self.free;
            self.free = id.index();
            self.free_slots += 1;
        } else {
            self.retired += 1;
        }
    }

    /// The id under which the slot `index` is occupied now.
    #[must_use]
    pub fn id_at(&self, index: u32) -> Option<Id<T>> {
        let slot = self.slots.get(index as usize)?;
        slot.value.as_ref().map(|_| Id::new(index, slot.generation))
    }

    /// Slots ever made: indices of ids are below it.
    #[must_use]
    pub fn extent(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Every entry with its id, by index.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &V)> {
        self.slots.iter().zip(0u32..).filter_map(|(slot, index)| {
            slot.value.as_ref().map(|value| (Id::new(index, slot.generation), value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn a_reused_slot_has_another_id() {
        let mut slab: Slab<&str> = Slab::new(4);
        let first = slab.insert("first").expect("room");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert("second").expect("room");
        assert_eq!(second.index(), first.index());
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&"second"));
    }

    #[test]
    fn the_limit_holds() {
        let mut slab: Slab<u8> = Slab::new(2);
        slab.insert(1).expect("room");
        let second = slab.insert(2).expect("room");
        assert_eq!(slab.insert(3), Err(Full));
        assert_eq!(slab.reserve(1), Err(Full));
        slab.remove(second);
        assert!(slab.reserve(1).is_ok());
        assert!(slab.insert(3).is_ok());
    }

    #[test]
    fn a_pair_is_two_different_entries() {
        let mut slab: Slab<u8> = Slab::new(2);
        let a = slab.insert(1).expect("room");
        let b = slab.insert(2).expect("room");
        let (x, y) = slab.get_pair_mut(a, b).expect("both live");
        core::mem::swap(x, y);
        assert_eq!((slab.get(a), slab.get(b)), (Some(&2), Some(&1)));
        assert!(slab.get_pair_mut(a, a).is_none());
        slab.remove(b);
        assert!(slab.get_pair_mut(a, b).is_none());
    }

    proptest! {
        /// Against a map with unique ids: nothing is lost, doubled or found after its end.
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((any::<bool>(), any::<u8>()), 1..200)) {
            let mut slab: Slab<u32> = Slab::new(32);
            let mut model = HashMap::new();
            let mut ended = Vec::new();
            let mut ids = Vec::new();
            for (number, (insert, pick)) in steps.into_iter().enumerate() {
                if insert {
                    match slab.insert(number as u32) {
                        Ok(id) => {
                            prop_assert!(model.insert(id.to_raw(), number as u32).is_none());
                            ids.push(id);
                        }
                        Err(Full) => prop_assert_eq!(model.len(), 32),
                    }
                } else if !ids.is_empty() {
                    let id = ids.swap_remove(usize::from(pick) % ids.len());
                    prop_assert_eq!(slab.remove(id), model.remove(&id.to_raw()));
                    ended.push(id);
                }
                prop_assert_eq!(slab.len() as usize, model.len());
                for id in &ids {
                    prop_assert_eq!(slab.get(*id), model.get(&id.to_raw()));
                }
                for id in &ended {
                    prop_assert!(slab.get(*id).is_none());
                }
            }
        }
    }
}
