//! A kernel that is played by data structures: domains get further or end when a test says so,
//! and time passes when a test lets it.
//!
//! [`machine`] is the state of it all, [`kernel`] how the supervisor gets at that, by [`handles`].
//! What a swap asks of domains is in [`swap`], what tests do to a supervisor and its machine in
//! [`world`].

mod handles;
mod kernel;
mod machine;
mod swap;
mod world;

pub(crate) use kernel::Play;
pub(crate) use machine::{Machine, Simulated, Source};
pub(crate) use swap::Step;
pub(crate) use world::{World, to};
