//! What servers and programs for Atoll that are written in Rust have in common.
//!
//! | module | what it does |
//! |---|---|
//! | [`bindings!`] | the bindings of a server's world |
//! | [`mod@device`] | registers of devices with width, access and fields; interrupt lines |
//! | [`log`] | the macros of the crate `log`, on `atoll:log/log` |
//! | [`mod@program`] | a program as a function of its arguments |
//! | [`report`] | what programs that check or measure print |
//! | [`state`] | hands a server's state, and the objects that clients hold, over to its next version |
//! | [`stream`] | bytes through WASI's streams, lines |
//!
//! The crate has no bindings of its own: a server generates those of its world and nothing else, so
//! what it imports is what its world says. Where the crate needs types of the bindings, a macro
//! takes the module in which they are.
//!
//! With the feature `allocator`, which is on by default, it installs `atoll-allocator` for the guest.

#![forbid(unsafe_code)]

pub mod device;
pub mod log;
pub mod program;
pub mod report;
pub mod state;
pub mod stream;
mod world;

#[cfg(feature = "allocator")]
use atoll_allocator as _;
#[doc(hidden)]
pub use wit_bindgen;
