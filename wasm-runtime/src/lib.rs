//! The component runtime: executes WebAssembly components on wasmi, without an operating system.
//!
//! A server is started in four steps, each of which can refuse it by name:
//!
//! 1. [`Component::parse`] reads and validates the binary ([`component`]).
//! 2. [`Component::link`] meets its imports: a [`Resolver`] says who provides each interface, and
//!    the provider's [`descriptor`] must fit ([`link`]).
//! 3. [`Instance::instantiate`] translates the core modules and works out what an instance is made
//!    of ([`Component::translate`]), and makes one ([`instance`]).
//! 4. [`Instance::dispatch`] and its siblings run exports.
//!
//! All that leaves the component goes through one [`Host`] in the wire form of
//! `docs/architecture.md`; the domain image implements it with gate calls, tests with plain data.
//! Values are marshalled by precomputed plans ([`canonical`]), handles live in tables of each
//! component instance ([`resources`]).
//!
//! No guest, however hostile, can make this library panic, and no allocation has a size of its
//! choosing before a limit was checked. It contains no unsafe code.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod canonical;
pub mod component;
pub mod contents;
pub mod descriptor;
pub mod engine;
mod error;
pub mod host;
pub mod instance;
pub mod limits;
pub mod link;
pub mod progress;
mod recipe;
pub mod resources;
pub mod trace;
mod translated;
pub mod types;

pub use component::{Component, describe_package};
pub use error::{DispatchError, LinkError, LoadError, Problem, Trap};
pub use host::Host;
pub use instance::Instance;
pub use limits::RuntimeLimits;
pub use link::{Linked, Provider, Resolver};
pub use progress::Progress;
pub use trace::Backtrace;
pub use translated::{Translated, Translation};
