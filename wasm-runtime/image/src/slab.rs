//! Numbered places for things: the lowest free number is given first.

use alloc::vec::Vec;

/// Things by number.
#[derive(Debug)]
pub struct Slab<T> {
    places: Vec<Option<T>>,
    /// No number below this one is free.
    first_free: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), first_free: 0 }
    }
}

impl<T> Slab<T> {
    /// Puts a thing and returns its number.
    pub fn insert(&mut self, thing: T) -> u32 {
        let free = (self.first_free..self.places.len())
            .find(|at| self.places.get(*at).is_some_and(Option::is_none));
        let number = free.unwrap_or(self.places.len());
        match self.places.get_mut(number) {
            Some(place) => *place = Some(thing),
            None => self.places.push(Some(thing)),
        }
        self.first_free = number + 1;
        number as u32
    }

    /// Puts a thing under a number of the caller's; `false`, and nothing put, if that is taken.
    pub fn put(&mut self, number: u32, thing: T) -> bool {
        let at = number as usize;
        if self.places.len() <= at {
            self.places.resize_with(at + 1, || None);
        }
        match self.places.get_mut(at) {
            Some(place @ None) => *place = Some(thing),
            _ => return false,
        }
        true
    }

    /// The thing with that number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&T> {
        self.places.get(number as usize)?.as_ref()
    }

    /// The thing with that number, to change.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.places.get_mut(number as usize)?.as_mut()
    }

    /// Takes the thing with that number; the number is free again.
    pub fn remove(&mut self, number: u32) -> Option<T> {
        let thing = self.places.get_mut(number as usize)?.take()?;
        self.first_free = self.first_free.min(number as usize);
        Some(thing)
    }

    /// All things with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(number, place)| Some((number as u32, place.as_ref()?)))
    }

    /// All things with their numbers, in order, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.places
            .iter_mut()
            .enumerate()
            .filter_map(|(number, place)| Some((number as u32, place.as_mut()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn gives_the_lowest_free_number(steps in proptest::collection::vec((0u8..5, 0u32..20), 0..200)) {
            let mut slab = Slab::default();
            let mut model = BTreeMap::new();
            for (kind, value) in steps {
                if kind == 4 {
                    prop_assert_eq!(slab.put(value, value), !model.contains_key(&value));
                    model.entry(value).or_insert(value);
                } else if kind < 2 {
                    let expected = (0..).find(|number| !model.contains_key(number)).expect("some number is free");
                    prop_assert_eq!(slab.insert(value), expected);
                    model.insert(expected, value);
                } else {
                    prop_assert_eq!(slab.remove(value), model.remove(&value));
                }
                prop_assert_eq!(slab.get(value), model.get(&value));
                prop_assert!(slab.iter().eq(model.iter().map(|(number, value)| (*number, value))));
            }
        }
    }
}
