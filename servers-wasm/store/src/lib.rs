//! The sample server `store`, version 1: tables of texts.
//!
//! The tables and their layouts are in `atoll-store-tables`; `component.rs`, the only module with
//! generated and therefore unsafe code, serves them and hands them over in a swap.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;
