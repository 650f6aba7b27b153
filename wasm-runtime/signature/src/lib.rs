//! Signatures of components: who vouches for every byte of one.
//!
//! The format is that of WebAssembly's tool conventions, `Signatures.md`: a custom section
//! `signature`, the first of the component, holds hashes of all that comes behind it and Ed25519
//! signatures of the hashes. [`check`] is what the domain image does before it reads anything else
//! of a component; it allocates nothing and takes time that the component's size bounds. With the
//! feature `sign`, [`sign`](fn@sign) and [`SecretKey`] make them, for the tools of a host.
//!
//! `section` finds the section, `data` reads and writes what is in it. Why the format is read as it
//! is: `docs/adr/0093`.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "sign")]
extern crate alloc;

mod check;
mod data;
mod key;
mod section;
#[cfg(feature = "sign")]
mod sign;

pub use check::{MAX_HASHES, MAX_SIGNATURES, Refusal, check};
pub use key::PublicKey;
#[cfg(feature = "sign")]
pub use key::{KeyError, SecretKey};
#[cfg(feature = "sign")]
pub use sign::sign;
