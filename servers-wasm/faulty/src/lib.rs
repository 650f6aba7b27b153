//! The server `faulty`: breaks itself on request, so that tests can see what that does to the
//! others: nothing.
//!
//! The tricks that need no hardware of the machine are made of plain data: [`forgery`] makes
//! messages that no runtime would send, [`babble`] makes gate calls that mean nothing. The rest,
//! and the playing, is in `component`, which joins them to the world `atoll:servers/faulty`. That
//! module breaks the rules of Rust on purpose: it is the guest that the walls are for.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;

pub mod babble;
pub mod forgery;

/// Numbers that look like nothing, the same in every run.
#[derive(Clone, Copy, Debug)]
pub struct Noise(u64);

impl Noise {
    /// A sequence of its own for each seed but 0.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (Marsaglia's xorshift).
    pub fn next_number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
