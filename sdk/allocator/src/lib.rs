//! The allocator of Rust guests: `atoll-sdk` brings it along; without that, `use atoll_allocator as _;`
//! in a component is all there is to do.
//!
//! A guest's allocator is translated whenever the server is loaded, and interpreted in every call
//! that brings a list or a string. The standard library's is more than half of a small server's
//! code, and half of what a call with a list takes; this one is less than half as large, and takes a
//! block of a size that was given back before from the front of a list ([`heap`]). Why it is made
//! so, and what else was tried: `docs/adr/0075-guests-have-a-small-allocator.md`.
//!
//! On the host nothing is installed: tests of a guest's logic allocate as every program does.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod heap;
#[cfg(target_family = "wasm")]
mod installed;
