//! The relay server: keeps, passes on and gives back counters that are another server's.
//!
//! [`Shelf`] is its state; `component.rs`, the only module with generated and therefore unsafe
//! code, fills it with handles of `atoll:testing/echo`.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// Room for one thing.
#[derive(Debug)]
pub struct Shelf<T> {
    kept: Option<T>,
}

impl<T> Shelf<T> {
    /// An empty shelf.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept: None }
    }

    /// Keeps a thing; what was kept before is dropped.
    pub fn keep(&mut self, thing: T) {
        self.kept = Some(thing);
    }

    /// What is kept.
    #[must_use]
    pub const fn kept(&self) -> Option<&T> {
        self.kept.as_ref()
    }

    /// Gives it back.
    pub const fn give_back(&mut self) -> Option<T> {
        self.kept.take()
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Shelf;

    #[test]
    fn keeps_one_thing() {
        let mut shelf = Shelf::new();
        assert_eq!(shelf.kept(), None);
        shelf.keep(1);
        shelf.keep(2);
        assert_eq!(shelf.kept(), Some(&2));
        assert_eq!(shelf.give_back(), Some(2));
        assert_eq!(shelf.give_back(), None);
    }
}
