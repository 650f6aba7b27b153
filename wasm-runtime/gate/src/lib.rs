//! The gate's numbers and layouts: all that the kernel and a domain agree on.
//!
//! A domain enters the kernel by `int VECTOR` with the call number in `rax` and up to five
//! arguments in `rdi`, `rsi`, `rdx`, `r10` and `r8`. It comes back with a [`Status`] in `rax` and
//! one value in `rdx`; every other general register is preserved and the vector registers are
//! lost. Bytes cross only through the domain's two message areas ([`message`]), so no gate call
//! takes a pointer, except those that name pages of the domain's own heap and, in a swap, memory
//! in it.
//!
//! Neighbours: `kernel::gate` implements the calls, `wasm-runtime/image` issues them. Nothing here
//! allocates or touches hardware.

#![no_std]
#![forbid(unsafe_code)]

pub mod blob;
pub mod call;
pub mod capsule;
pub mod encoding;
pub mod layout;
pub mod limits;
pub mod message;
pub mod record;
pub mod start;

pub use call::{Call, Status, VECTOR};
