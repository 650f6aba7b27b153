//! Tests of the canonical ABI against a model of the specification.
//!
//! The model (`model`) works on trees of values, knows nothing of plans and is written from the
//! specification alone. `values` makes random types and values, `guest` a guest with a memory and
//! an allocator, and the other modules compare.

mod cases;
mod edges;
mod fixed_lists;
mod guest;
mod handles;
mod hostile;
mod instances;
mod model;
mod plans;
mod round_trip;
mod short_ways;
mod strings;
mod traffic;
mod values;
