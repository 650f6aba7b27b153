//! The host tool of Atoll, as a library: what `atoll` does, and what `cargo xtask` does with the
//! same code.
//!
//! [`home`] knows the checkout and calls cargo. [`artifacts`] builds the native parts,
//! [`components`] and [`c_guest`] the servers of the repository, with [`wit`], [`bindings`],
//! [`encode`], [`preview1`], [`exports`], [`toolchains`] and [`downloads`]. [`image`] puts them together by means of `atoll-iso`; [`built`]
//! gives the images to machines, and [`run`] runs one with its console on the terminal. [`project`]
//! is what a user has: a server of their own. [`check`] says what a component takes, [`inspect`]
//! shows its world, [`mod@test`] calls it on the host, [`sign`]
//! signs it, and [`usb`] brings an image onto a stick.

#![forbid(unsafe_code)]

pub mod artifacts;
pub mod bindings;
pub mod built;
pub mod c_guest;
pub mod check;
pub mod components;
pub mod downloads;
pub mod encode;
pub mod exports;
pub mod files;
pub mod home;
pub mod image;
pub mod inspect;
pub mod interfaces;
mod mistake;
pub mod preview1;
pub mod process;
pub mod progress;
pub mod project;
pub mod run;
pub mod sign;
pub mod test;
pub mod toolchains;
pub mod usb;
pub mod watch;
pub mod wit;

pub use mistake::Mistake;

/// The system description that is used when none is named, from the repository's root.
pub const DEFAULT_SYSTEM: &str = "iso/systems/default.toml";
