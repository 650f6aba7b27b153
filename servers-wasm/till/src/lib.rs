//! The server `till`: the interface of `store`, and no code for swaps.
//!
//! Its package is built a second time, as `till-v2`, with another version. Both declare the same
//! layout (`component`), so that all that one has, tables and objects of clients, goes along to
//! the other as it is.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;
