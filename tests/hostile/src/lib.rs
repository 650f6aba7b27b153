//! What fuzzing does with one input: a function for each target, from bytes to a verdict.
//!
//! A target takes arbitrary bytes, makes something hostile of them, gives it to the runtime and
//! checks what must hold whatever it was: no panic, bounded memory, promises kept. It panics when
//! one of that fails. The same bytes always do the same. `fuzz/` runs the targets under libFuzzer
//! and AddressSanitizer, `tests/bounded.rs` runs them with a fixed generator in every test run.
//!
//! [`choices`] reads decisions out of bytes, [`types`] makes random types and messages, [`host`] is
//! a place to run in that cannot be relied upon, [`load`] takes a component as far as it goes,
//! [`mutate`] changes components, [`seeds`] are components to begin with, [`memory`] bounds what
//! one input allocates and [`counts`] says how far the inputs got.

#![deny(unsafe_code)]

pub mod choices;
mod component;
pub mod counts;
mod descriptor;
mod guest;
pub mod host;
mod lifting;
pub mod load;
#[allow(unsafe_code, reason = "a global allocator is")]
pub mod memory;
mod message;
pub mod mutate;
mod mutated;
mod options;
mod rewrite;
pub mod seeds;
pub mod types;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as in `cargo xtask fuzz NAME`.
    pub name: &'static str,
    /// What is hostile.
    pub about: &'static str,
    run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 7] = [
    Target { name: "component", about: "arbitrary bytes as a component", run: component::run },
    Target {
        name: "mutated",
        about: "valid components, changed in their structure",
        run: mutated::run,
    },
    Target {
        name: "lifting",
        about: "guest memory, cells and realloc, while values are lifted and lowered",
        run: lifting::run,
    },
    Target {
        name: "options",
        about: "canonical options, signatures and memories that fit or do not",
        run: options::run,
    },
    Target { name: "message", about: "messages that come to a server", run: message::run },
    Target {
        name: "descriptor",
        about: "descriptors that a client's runtime fetches",
        run: descriptor::run,
    },
    Target {
        name: "rewrite",
        about: "modules that keep note of their calls, against the same that do not",
        run: rewrite::run,
    },
];

impl Target {
    /// Finds a target by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Runs the target on one input.
    ///
    /// # Panics
    /// When the runtime broke a promise, or allocated more than [`memory::LIMIT`].
    pub fn run(&self, input: &[u8]) {
        counts::input(self.name, input);
        memory::bounded(|| (self.run)(input));
    }
}
