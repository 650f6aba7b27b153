//! The console server without its version: one terminal made of a serial line, a screen and a
//! keyboard, shared by several sessions.
//!
//! Bytes come in from the UART (`atoll-uart`) and the keyboard ([`keyboard`]), are understood by
//! [`keys`], edited by [`editor`] and delivered to the newest session of [`terminal`]. What the
//! sessions write is made ready for display there, and goes to the serial line and to the screen
//! ([`screen`]). All of this is pure: bytes in, bytes out. `component` joins it to the world
//! `atoll:servers/console`: it owns the devices and the pipes and moves bytes when they are ready.
//! `servers-wasm/console` and the packages beside it make versions ([`Version`]) of it.
//!
//! Back-pressure. Nothing blocks. Output is taken from a session's pipe only while the serial
//! line's queue is short, so a slow terminal fills the pipe and makes its writer wait. Input that
//! a session does not read waits in its pipe and then in a bounded queue
//! ([`terminal::INPUT_LIMIT`]); what does not fit is dropped and the bell is rung.
//!
//! Swaps. Every part writes itself down in a [`state`] and is made of one again; the devices are
//! left as they are (docs/adr/0089).

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod component;

pub mod editor;
pub mod keyboard;
pub mod keys;
pub mod screen;
pub mod state;
pub mod terminal;
mod version;

#[cfg(target_arch = "wasm32")]
pub use component::{Component, bindings, export};
pub use version::Version;
