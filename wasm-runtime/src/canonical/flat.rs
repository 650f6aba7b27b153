//! Flat values: what core functions take and return.
//!
//! Outside of wasmi a flat value is a *cell*, a `u64` with the raw bits: `i32` and `f32` in the low
//! half with zeros above, `i64` and `f64` as they are. The coercions between the joined types of a
//! variant are then nothing but taking or extending the low bits.
//! Specification: "Canonical ABI", section "Flattening".

use alloc::vec::Vec;

use wasmi::{F32, F64, Val, ValType};

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
    /// The same type in wasmi's terms.
    #[must_use]
    pub const fn val_type(self) -> ValType {
        match self {
            Self::I32 => ValType::I32,
            Self::I64 => ValType::I64,
            Self::F32 => ValType::F32,
            Self::F64 => ValType::F64,
        }
    }

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

impl CoreSignature {
    /// The same signature in wasmi's terms.
    #[must_use]
    pub fn func_type(&self) -> wasmi::FuncType {
        wasmi::FuncType::new(
            self.parameters.iter().map(|ty| ty.val_type()),
            self.results.iter().map(|ty| ty.val_type()),
        )
    }
}

/// The cell of a value; 0 for a reference, which no component function passes.
#[must_use]
pub fn cell_from_val(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(value.cast_unsigned()),
        Val::I64(value) => value.cast_unsigned(),
        Val::F32(value) => u64::from(value.to_bits()),
        Val::F64(value) => value.to_bits(),
        _ => 0,
    }
}

/// The value in a cell.
#[must_use]
pub fn cell_to_val(ty: CoreType, cell: u64) -> Val {
    match ty {
        CoreType::I32 => Val::I32((cell as u32).cast_signed()),
        CoreType::I64 => Val::I64(cell.cast_signed()),
        CoreType::F32 => Val::F32(F32::from_bits(cell as u32)),
        CoreType::F64 => Val::F64(F64::from_bits(cell)),
    }
}
