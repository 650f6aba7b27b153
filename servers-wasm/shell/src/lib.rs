//! The shell: reads commands from a console session, asks the supervisor, the log server and the
//! kernel's counters, and prints what they say.
//!
//! [`words`] cuts a line into words, [`mod@line`] finds the commands that it joins, [`command`] understands each, [`model`] holds what the other
//! servers told in plain data, and [`views`] turns that into text of at most 80 columns, with the
//! help of [`table`] and [`units`]. All of this is pure. `component` joins it to the world
//! `atoll:servers/shell`: the session, the calls, and the program in the foreground.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;

pub mod command;
pub mod input;
pub mod line;
pub mod model;
pub mod table;
pub mod units;
pub mod views;
pub mod words;

/// The version in the banner.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the shell says when it waits for a command.
pub const PROMPT: &str = "atoll> ";
