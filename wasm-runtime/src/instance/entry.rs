//! Core functions as the runtime calls them.
//!
//! wasmi checks the types of every call that goes through its general form. For the signatures
//! that most functions, post-returns and destructors have, they are checked once, when the
//! function is linked.

use wasmi::{Error, Func, Store, StoreContextMut, TypedFunc, Val};

use crate::canonical::{CoreSignature, CoreType, MAX_CELLS, cell_from_val, cell_to_val};

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
    /// Any other signature.
    Any(Func, CoreSignature),
}

impl Entry {
    /// Prepares calls of a function with that signature.
    ///
    /// # Errors
    /// When the function has another signature.
    pub(crate) fn new<T>(
        store: &Store<T>,
        function: Func,
        signature: &CoreSignature,
    ) -> Result<Self, Error> {
        use CoreType::I32;
        Ok(match (signature.parameters.as_slice(), signature.results.as_slice()) {
            ([], []) => Self::None0(function.typed(store)?),
            ([I32], []) => Self::None1(function.typed(store)?),
            ([I32, I32], []) => Self::None2(function.typed(store)?),
            ([], [I32]) => Self::One0(function.typed(store)?),
            ([I32], [I32]) => Self::One1(function.typed(store)?),
            ([I32, I32], [I32]) => Self::One2(function.typed(store)?),
            ([I32, I32, I32], [I32]) => Self::One3(function.typed(store)?),
            _ => Self::Any(function, signature.clone()),
        })
    }

    /// Calls the function with the first cells and gives back the cell of its result, 0 if it has
    /// none.
    ///
    /// # Errors
    /// The trap.
    pub(crate) fn call<T>(
        &self,
        ctx: StoreContextMut<'_, T>,
        cells: &[u64; MAX_CELLS],
    ) -> Result<u64, Error> {
        let [a, b, c, ..] = *cells;
        let (a, b, c) = (a as u32, b as u32, c as u32);
        match self {
            Self::None0(function) => function.call(ctx, ()).map(|()| 0),
            Self::None1(function) => function.call(ctx, a).map(|()| 0),
            Self::None2(function) => function.call(ctx, (a, b)).map(|()| 0),
            Self::One0(function) => function.call(ctx, ()).map(u64::from),
            Self::One1(function) => function.call(ctx, a).map(u64::from),
            Self::One2(function) => function.call(ctx, (a, b)).map(u64::from),
            Self::One3(function) => function.call(ctx, (a, b, c)).map(u64::from),
            Self::Any(function, signature) => any(*function, signature, ctx, cells),
        }
    }
}

/// A call through wasmi's general form.
fn any<T>(
    function: Func,
    signature: &CoreSignature,
    ctx: StoreContextMut<'_, T>,
    cells: &[u64; MAX_CELLS],
) -> Result<u64, Error> {
    let mut parameters = [const { Val::I32(0) }; MAX_CELLS];
    for ((ty, cell), value) in signature.parameters.iter().zip(cells).zip(&mut parameters) {
        *value = cell_to_val(*ty, *cell);
    }
    let parameters = parameters.get(..signature.parameters.len()).unwrap_or_default();
    let mut results = [Val::I32(0)];
    let wanted = results.get_mut(..signature.results.len()).unwrap_or_default();
    function.call(ctx, parameters, wanted)?;
    Ok(cell_from_val(&results[0]))
}
