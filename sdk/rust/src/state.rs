//! State that outlives a version of a server: `atoll:lifecycle/state` in a few lines.
//!
//! What goes along in a swap, the server's state and that of each object that clients hold, is a
//! type with `serde`'s traits and [`State`], which numbers its layout. [`export_state!`] implements
//! the interface on it, [`hand_over!`] the two functions for a resource.
//!
//! [`export_state!`]: crate::export_state
//! [`hand_over!`]: crate::hand_over
//!
//! ```
//! use atoll_sdk::state::{Part, Parts, Refusal, State};
//! use serde::{Deserialize, Serialize};
//!
//! /// A lamp, with its brightness. Version 1 knew whether it was lit.
//! #[derive(Serialize, Deserialize)]
//! struct Lamp {
//!     percent: u8,
//! }
//!
//! impl State for Lamp {
//!     const LAYOUT: u32 = 2;
//!
//!     fn read_other(part: &Part<'_>) -> Result<Self, Refusal> {
//!         match part.layout() {
//!             1 => part.read().map(|is_lit| Self { percent: if is_lit { 100 } else { 0 } }),
//!             _ => Err(part.unknown()),
//!         }
//!     }
//!
//!     fn write_others(&self, parts: &mut Parts) -> Result<(), Refusal> {
//!         parts.add(1, &(self.percent > 0))
//!     }
//! }
//! # use atoll_sdk::state::{from_bytes, to_bytes};
//! # #[derive(Serialize, Deserialize)]
//! # struct Old(bool);
//! # impl State for Old {
//! #     const LAYOUT: u32 = 1;
//! # }
//! # assert_eq!(from_bytes::<Lamp>(&to_bytes(&Old(true))?)?.percent, 100);
//! # assert!(from_bytes::<Old>(&to_bytes(&Lamp { percent: 7 })?)?.0);
//! # Ok::<(), Refusal>(())
//! ```
//!
//! # The bytes
//!
//! A state is written in [postcard's format](https://postcard.jamesmunns.com/wire-format): a list of
//! *parts*, each a number of a layout (`u32`) and bytes, which are the value in that layout, again in
//! postcard's format. The first part is the version's own layout, whose number is also the
//! `version` in the `saved` of the interface. A part for another layout follows if
//! [`State::write_others`] adds it. The reader takes the first part that it knows.
//!
//! The format has no names and no types in it, so any change of the type is another layout. What
//! only formats with names can do, does not work: `flatten`, `untagged`, `skip_serializing_if`. The
//! same value gives the same bytes as long as it has an order: a `BTreeMap`, not a `HashMap`.
//!
//! Bytes of which nothing is known may be read: they are refused and never panic. A type that
//! contains itself goes as deep as they say, so the stack limits it.

mod export;
mod parts;
mod refusal;
#[cfg(test)]
mod tests;

pub use export::{restore, restore_object, save, save_object};
pub use parts::{Part, Parts, from_bytes, to_bytes};
pub use refusal::Refusal;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes of a state, by `atoll:lifecycle/state`.
pub const LIMIT: usize = 60_000;

/// What goes along in a swap, in numbered layouts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be handed over to another version",
    label = "has no numbered layout",
    note = "implement `atoll_sdk::state::State` for it, with serde's `Serialize` and `Deserialize`"
)]
pub trait State: Serialize + DeserializeOwned {
    /// Number of the layout that this type is. Another one for every change of the type, and of the
    /// types in it.
    const LAYOUT: u32;

    /// Makes it of a part in another layout, one that an older version wrote or a newer one will.
    ///
    /// # Errors
    /// [`Part::unknown`] unless that layout is known; what [`Part::read`] says.
    fn read_other(part: &Part<'_>) -> Result<Self, Refusal> {
        Err(part.unknown())
    }

    /// Adds parts in layouts of older versions, the newest first, for swaps back to them. What does
    /// not fit is left out.
    ///
    /// # Errors
    /// What [`Parts::add`] says.
    fn write_others(&self, _parts: &mut Parts) -> Result<(), Refusal> {
        Ok(())
    }
}

/// What does not compile.
///
/// A state without a layout:
///
/// ```compile_fail,E0277
/// thread_local! {
///     static STATE: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::default();
/// }
/// let _ = atoll_sdk::state::save(&STATE);
/// ```
///
/// A world that does not export the interface:
///
/// ```compile_fail,E0433
/// # #[derive(Default, serde::Serialize, serde::Deserialize)]
/// # struct Lamp(u8);
/// # impl atoll_sdk::state::State for Lamp {
/// #     const LAYOUT: u32 = 1;
/// # }
/// # thread_local! {
/// #     static LAMP: std::cell::RefCell<Lamp> = std::cell::RefCell::default();
/// # }
/// # struct Component;
/// mod bindings {
///     pub mod exports {}
/// }
/// atoll_sdk::export_state!(bindings, Component, LAMP);
/// # fn main() {}
/// ```
///
/// A layout of types that `serde` cannot write:
///
/// ```compile_fail,E0277
/// struct Lamp(std::time::Instant);
/// impl atoll_sdk::state::State for Lamp {
///     const LAYOUT: u32 = 1;
/// }
/// ```
#[cfg(doctest)]
struct Misuse;
