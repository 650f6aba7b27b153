//! Core functions as the runtime calls them.
//!
//! wasmi checks the types of every call that goes through its general form. For the signatures
//! that most functions, post-returns and destructors have, they are checked once, when the
//! function is linked; all others get an [adapter](crate::recipe::adapter).

use wasmi::{Error, Func, Store, StoreContextMut, TypedFunc};

use crate::{
    canonical::CoreType,
    recipe::adapter::{Adapter, width},
};

/// A core function whose signature is known.
#[derive(Debug)]
pub(crate) enum Entry {
    /// No parameter, no result.
    None0(TypedFunc<(), ()>),
    /// One `i32`, no result.
    None1(TypedFunc<u32, ()>),
    /// Two `i32`, no result.
    None2(TypedFunc<(u32, u32), ()>),
    /// No parameter, an `i32`.
    One0(TypedFunc<(), u32>),
    /// One `i32`, an `i32`.
    One1(TypedFunc<u32, u32>),
    /// Two `i32`, an `i32`.
    One2(TypedFunc<(u32, u32), u32>),
    /// Three `i32`, an `i32`.
    One3(TypedFunc<(u32, u32, u32), u32>),
    /// Adapters of three widths.
    Even4(TypedFunc<(u64, u64, u64, u64), u64>),
    Even8(TypedFunc<Eight, u64>),
    Even16(TypedFunc<Sixteen, u64>),
}

type Eight = (u64, u64, u64, u64, u64, u64, u64, u64);
type Sixteen = (u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64);

/// Whether functions with these parameters and results are called without an adapter.
pub(crate) fn is_common(parameters: &[CoreType], results: &[CoreType]) -> bool {
    let most = match results {
        [] => 2,
        [CoreType::I32] => 3,
        _ => return false,
    };
    parameters.len() <= most && parameters.iter().all(|ty| *ty == CoreType::I32)
}

impl Entry {
    /// Prepares calls of a function with these parameters and results, by an adapter if they are
    /// not [common](is_common).
    ///
    /// # Errors
    /// When the function has another signature, or there are too many core instances.
    pub(super) fn new<T>(
        store: &mut Store<T>,
        function: Func,
        parameters: &[CoreType],
        results: &[CoreType],
        adapter: Option<&Adapter>,
    ) -> Result<Self, Error> {
        use CoreType::I32;
        Ok(match (parameters, results) {
            ([], []) => Self::None0(function.typed(store)?),
            ([I32], []) => Self::None1(function.typed(store)?),
            ([I32, I32], []) => Self::None2(function.typed(store)?),
            ([], [I32]) => Self::One0(function.typed(store)?),
            ([I32], [I32]) => Self::One1(function.typed(store)?),
            ([I32, I32], [I32]) => Self::One2(function.typed(store)?),
            ([I32, I32, I32], [I32]) => Self::One3(function.typed(store)?),
            (parameters, _) => {
                let adapter = adapter.ok_or_else(|| Error::new("an adapter is missing"))?;
                let even = adapter.for_runtime(store, function)?;
                match width(parameters.len()) {
                    4 => Self::Even4(even.typed(store)?),
                    8 => Self::Even8(even.typed(store)?),
                    _ => Self::Even16(even.typed(store)?),
                }
            }
        })
    }

    /// Whether four cells are enough for a call.
    #[inline]
    pub(crate) const fn is_narrow(&self) -> bool {
        !matches!(self, Self::Even8(_) | Self::Even16(_))
    }

    /// Calls the function with the first cells, of which there are enough, and gives back the cell
    /// of its result, 0 if it has none.
    ///
    /// # Errors
    /// The trap.
    #[inline]
    pub(crate) fn call<T>(&self, ctx: StoreContextMut<'_, T>, cells: &[u64]) -> Result<u64, Error> {
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
        let word = |index: usize| cell(index) as u32;
        match self {
            Self::None0(function) => function.call(ctx, ()).map(|()| 0),
            Self::None1(function) => function.call(ctx, word(0)).map(|()| 0),
            Self::None2(function) => function.call(ctx, (word(0), word(1))).map(|()| 0),
            Self::One0(function) => function.call(ctx, ()).map(u64::from),
            Self::One1(function) => function.call(ctx, word(0)).map(u64::from),
            Self::One2(function) => function.call(ctx, (word(0), word(1))).map(u64::from),
            Self::One3(function) => function.call(ctx, (word(0), word(1), word(2))).map(u64::from),
            Self::Even4(function) => function.call(ctx, (cell(0), cell(1), cell(2), cell(3))),
            Self::Even8(function) => {
                let [a, b, c, d, e, f, g, h] = core::array::from_fn(cell);
                function.call(ctx, (a, b, c, d, e, f, g, h))
            }
            Self::Even16(function) => {
                let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = core::array::from_fn(cell);
                function.call(ctx, (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p))
            }
        }
    }
}
