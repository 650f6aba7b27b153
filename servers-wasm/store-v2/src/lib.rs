//! The sample server `store`, version 2: as version 1, and it counts how often each value was
//! stored, which it keeps over swaps.
//!
//! Made as version 1 is: see `servers-wasm/store`.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;
