//! The domain image without its machine: heap logic, the runtime's host by gate calls, the
//! interfaces that the image provides, and the loop in which a domain lives.
//!
//! [`Place`] is the [`Host`](atoll_runtime::host::Host) of a domain; it reaches the kernel through
//! the trait [`gate::Gate`], which the program (`main.rs`, `platform/`) implements with gate calls
//! and the tests with a fake kernel. All unsafe code is in `platform`.
//!
//! | module | holds |
//! |---|---|
//! | [`gate`] | the gate's trait and its typed calls |
//! | [`heap`] | what addresses the allocator gives |
//! | [`start`] | the start record |
//! | [`place`] | the `Host`: message areas, handles, imports |
//! | [`objects`], [`watches`], [`answer`], [`wire`] | what provided interfaces are made of |
//! | `provided` | the provided interfaces, one module each |
//! | [`serve`] | loading, linking, and the event loop |
//! | `health` | answering probes |
//! | `swap` | giving the state up, and taking over |

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod answer;
pub mod gate;
mod health;
pub mod heap;
pub mod objects;
pub mod place;
mod provided;
pub mod serve;
pub mod slab;
pub mod start;
mod swap;
pub mod watches;
pub mod wire;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

/// Numbers, names and descriptors of the provided interfaces, made from `wit/` by `build.rs`.
pub mod generated {
    #![allow(missing_docs, reason = "numbers whose meaning is documented in wit/")]
    include!(concat!(env!("OUT_DIR"), "/provided.rs"));
}

pub use place::Place;
