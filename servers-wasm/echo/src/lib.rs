//! The echo server: gives back what it is given, for scenarios and benchmarks.
//!
//! The functions of `atoll:testing/echo` that do anything are here; `component.rs`, the only module
//! with generated and therefore unsafe code, converts types and keeps the resource.

#![deny(unsafe_code)]

use std::cell::Cell;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

thread_local! {
    static LIVING: Cell<u32> = const { Cell::new(0) };
}

/// How many counters live.
#[must_use]
pub fn living() -> u32 {
    LIVING.get()
}

/// A number that can be added to; the server knows how many there are.
#[derive(Debug)]
pub struct Counter {
    value: Cell<u32>,
}

impl Counter {
    /// A counter that starts there.
    #[must_use]
    pub fn new(start: u32) -> Self {
        LIVING.set(LIVING.get().wrapping_add(1));
        Self { value: Cell::new(start) }
    }

    /// Adds, wrapping, and gives the sum.
    pub fn add(&self, amount: u32) -> u32 {
        self.value.set(self.value.get().wrapping_add(amount));
        self.value.get()
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.value.get()
    }

    /// One counter with the sum of both, which end.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self::new(self.get().wrapping_add(other.get()))
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        LIVING.set(LIVING.get().wrapping_sub(1));
    }
}

/// The text with ASCII letters in upper case.
#[must_use]
pub fn shout(mut text: String) -> String {
    text.make_ascii_uppercase();
    text
}

/// The items in reverse order.
#[must_use]
pub fn reverse<T>(mut items: Vec<T>) -> Vec<T> {
    items.reverse();
    items
}

/// `a / b`; nothing when b is 0.
#[must_use]
pub const fn divide(a: u32, b: u32) -> Option<u32> {
    a.checked_div(b)
}

/// The number of bytes; more than a message can carry cannot come.
#[must_use]
pub fn measure(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Counter, divide, living, measure, reverse, shout};

    #[test]
    fn counters_are_counted() {
        let (a, b) = (Counter::new(u32::MAX), Counter::new(5));
        assert_eq!(living(), 2);
        assert_eq!(a.add(3), 2);
        let merged = a.merge(b);
        assert_eq!((merged.get(), living()), (7, 1));
        drop(merged);
        assert_eq!(living(), 0);
    }

    #[test]
    fn functions() {
        assert_eq!(shout("Grüße".to_string()), "GRüßE");
        assert_eq!(reverse(vec![1, 2, 3]), [3, 2, 1]);
        assert_eq!((divide(7, 2), divide(7, 0)), (Some(3), None));
        assert_eq!(measure(&[0; 9]), 9);
    }
}
