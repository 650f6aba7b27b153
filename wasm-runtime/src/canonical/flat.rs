//! Flat values: what core functions take and return.
//!
//! Outside of wasmi a flat value is a *cell*, a `u64` with the raw bits: `i32` and `f32` in the low
//! half with zeros above, `i64` and `f64` as they are. The coercions between the joined types of a
//! variant are then nothing but taking or extending the low bits.
//! Specification: "Canonical ABI", section "Flattening".

use alloc::vec::Vec;

/// Most flat parameters; more are spilled to memory.
pub const MAX_FLAT_PARAMETERS: usize = 16;
/// Most flat results; more are spilled to memory.
pub const MAX_FLAT_RESULTS: usize = 1;
/// Cells that any core signature fits in: the parameters and a return pointer.
pub const MAX_CELLS: usize = MAX_FLAT_PARAMETERS + 1;

/// Type of a flat value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
}

impl CoreType {
    /// The type that can hold both.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::I32, Self::F32) | (Self::F32, Self::I32) => Self::I32,
            _ => Self::I64,
        }
    }
}

/// Type of a core function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreSignature {
    /// At most [`MAX_CELLS`].
    pub parameters: Vec<CoreType>,
    /// At most [`MAX_FLAT_RESULTS`].
    pub results: Vec<CoreType>,
}
