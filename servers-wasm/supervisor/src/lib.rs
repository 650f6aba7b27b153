//! The supervisor: the first server, which starts, watches, restarts and stops all others.
//!
//! It is policy on the kernel's mechanism. [`Supervisor`] holds the state of every server and
//! program and reacts to two things: calls of its service ([`service`], [`task`]) and readiness of
//! what it watches ([`Supervisor::ready`]). [`operator`] keeps clients that change servers to what
//! they were granted. [`launch`] turns a description's entry into a domain
//! with grants, [`restart`] decides what the end of a server leads to, [`health`] finds those that
//! hang, [`heir`] has clones stand by, [`swap`] replaces a server by another version of it,
//! [`uploads`] has the components that came at run time, [`report`] words all this. A supervisor that ends is followed by another one: [`ledger`] is what
//! it leaves, [`resume`] how the next one goes on from it, [`succession`] how another version of
//! the supervisor takes its place.
//!
//! Everything below is written against the trait [`Kernel`]. The component implements it with the
//! interfaces of its world (`component.rs`, the only module with generated and therefore unsafe
//! code), the tests with a simulated kernel.
//!
//! Invariants: the endpoint of every export is made once and kept over restarts, so clients never
//! notice more than a failed call; a server runs only when those that it imports from are ready;
//! nothing here blocks.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;
mod ends;
pub mod health;
pub mod heir;
pub mod kernel;
pub mod launch;
pub mod ledger;
pub mod operator;
pub mod report;
pub mod restart;
pub mod resume;
pub mod server;
pub mod service;
mod starting;
pub mod succession;
pub mod supervisor;
pub mod swap;
pub mod task;
pub mod uploads;
pub mod version;

pub use kernel::{Error, Kernel};
pub use supervisor::Supervisor;
