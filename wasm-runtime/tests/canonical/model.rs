//! The canonical ABI by the book: values as trees, one function for each of the specification's.
//!
//! Names follow `definitions.py` of the specification. Flat values are cells, as in the crate, but
//! joined and coerced explicitly. [`layout`] has what depends on types alone, [`lift`] what a
//! guest's values become, [`lower`] what they are made of and [`wire`] the form they travel in.

mod layout;
mod lift;
mod lower;
mod wire;

use atoll_runtime::canonical::StringEncoding;

pub(crate) use self::layout::{Core, elem_size, flatten};
pub(crate) use self::wire::{decode, encode};
use crate::values::Ty;

/// Why the specification traps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trap(pub(crate) &'static str);

/// A guest as the model sees it: bytes, strings and what handles mean.
pub(crate) struct Guest<'a> {
    pub(crate) memory: Vec<u8>,
    pub(crate) encoding: StringEncoding,
    /// Where the next allocation goes.
    pub(crate) free: u64,
    /// Wire bytes that may still be lifted.
    pub(crate) budget: u64,
    /// Lifting: index to representation. Lowering: representation to index.
    pub(crate) handle: &'a mut dyn FnMut(&Ty, u32) -> Result<u32, Trap>,
}
