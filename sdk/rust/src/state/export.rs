//! Between a server's bindings and its state.

use super::parts::{from_parts, parts};
use super::{Refusal, State, from_bytes, to_bytes};
use std::cell::RefCell;
use std::process;
use std::thread::LocalKey;

/// Implements the exported interface `atoll:lifecycle/state` of a server whose state is a
/// thread-local [`RefCell`] of a type with [`State`], and which hands no streams over.
///
/// It is short for the implementation of the bindings' trait by [`save`] and [`restore`]; a server
/// with streams writes that itself.
///
/// ```
/// # mod bindings {
/// #     pub mod exports {
/// #         pub mod atoll {
/// #             pub mod lifecycle {
/// #                 pub mod state {
/// #                     pub struct Saved {
/// #                         pub version: u32,
/// #                         pub data: Vec<u8>,
/// #                         pub inputs: Vec<()>,
/// #                         pub outputs: Vec<()>,
/// #                     }
/// #                     pub trait Guest {
/// #                         fn save() -> Result<Saved, String>;
/// #                         fn restore(saved: Saved) -> Result<(), String>;
/// #                     }
/// #                 }
/// #             }
/// #         }
/// #     }
/// # }
/// # use atoll_sdk::state::State;
/// # use std::cell::RefCell;
/// # #[derive(Default, serde::Serialize, serde::Deserialize)]
/// # struct Lamp(u8);
/// # impl State for Lamp {
/// #     const LAYOUT: u32 = 1;
/// # }
/// struct Component;
///
/// thread_local! {
///     static LAMP: RefCell<Lamp> = RefCell::default();
/// }
///
/// atoll_sdk::export_state!(bindings, Component, LAMP);
/// # use bindings::exports::atoll::lifecycle::state::Guest;
/// # LAMP.set(Lamp(7));
/// # let saved = Component::save().unwrap();
/// # LAMP.set(Lamp(0));
/// # Component::restore(saved).unwrap();
/// # assert_eq!(LAMP.with_borrow(|lamp| lamp.0), 7);
/// ```
#[macro_export]
macro_rules! export_state {
    ($($bindings:ident)::+, $component:ident, $state:path) => {
        impl $($bindings)::+::exports::atoll::lifecycle::state::Guest for $component {
            fn save() -> ::core::result::Result<
                $($bindings)::+::exports::atoll::lifecycle::state::Saved,
                ::std::string::String,
            > {
                let (version, data) = $crate::state::save(&$state)
                    .map_err(|refusal| ::std::string::ToString::to_string(&refusal))?;
                ::core::result::Result::Ok(
                    $($bindings)::+::exports::atoll::lifecycle::state::Saved {
                        version,
                        data,
                        inputs: ::std::vec::Vec::new(),
                        outputs: ::std::vec::Vec::new(),
                    },
                )
            }

            fn restore(
                saved: $($bindings)::+::exports::atoll::lifecycle::state::Saved,
            ) -> ::core::result::Result<(), ::std::string::String> {
                let restored = if saved.inputs.is_empty() && saved.outputs.is_empty() {
                    $crate::state::restore(&$state, saved.version, &saved.data)
                } else {
                    ::core::result::Result::Err($crate::state::Refusal::Streams)
                };
                restored.map_err(|refusal| ::std::string::ToString::to_string(&refusal))
            }
        }
    };
}

/// Implements the functions of a `-handover` interface for one resource, whose objects are a type
/// with [`State`]; stands in the implementation of the interface.
///
/// `Table: save_table(TableBorrow), restore_table -> store::Table` names the type, the function that
/// saves with the bindings' type of a borrowed object, and the function that restores with that of
/// an owned one. It is short for the two by [`save_object`] and [`restore_object`].
///
/// ```
/// # mod bindings {
/// #     pub struct Table(pub crate::Table);
/// #     impl Table {
/// #         pub fn new(table: crate::Table) -> Self {
/// #             Self(table)
/// #         }
/// #     }
/// #     pub struct TableBorrow<'a>(pub &'a dyn std::any::Any);
/// #     impl TableBorrow<'_> {
/// #         pub fn get<T: 'static>(&self) -> &T {
/// #             self.0.downcast_ref().unwrap()
/// #         }
/// #     }
/// #     pub mod store_handover {
/// #         pub trait Guest {
/// #             fn save_table(object: super::TableBorrow<'_>) -> Vec<u8>;
/// #             fn restore_table(data: Vec<u8>) -> super::Table;
/// #         }
/// #     }
/// # }
/// # use bindings::{TableBorrow, store_handover};
/// # mod store {
/// #     pub use super::bindings::Table;
/// # }
/// # use atoll_sdk::state::State;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Table {
/// #     name: String,
/// # }
/// # impl State for Table {
/// #     const LAYOUT: u32 = 1;
/// # }
/// # struct Component;
/// impl store_handover::Guest for Component {
///     atoll_sdk::hand_over!(Table: save_table(TableBorrow), restore_table -> store::Table);
/// }
/// # use store_handover::Guest;
/// # fn main() {
/// #     let data = Component::save_table(TableBorrow(&Table { name: "a".into() }));
/// #     assert_eq!(Component::restore_table(data).0.name, "a");
/// # }
/// ```
#[macro_export]
macro_rules! hand_over {
    ($object:ty: $save:ident($($borrow:ident)::+), $restore:ident -> $resource:ty) => {
        fn $save(object: $($borrow)::+<'_>) -> ::std::vec::Vec<u8> {
            $crate::state::save_object(object.get::<$object>())
        }

        fn $restore(data: ::std::vec::Vec<u8>) -> $resource {
            <$resource>::new($crate::state::restore_object::<$object>(&data))
        }
    };
}

/// The `version` and `data` of a server's saved state.
///
/// # Errors
/// [`Refusal::InUse`] if it is mutably borrowed; what [`to_bytes`] says.
pub fn save<S: State>(state: &'static LocalKey<RefCell<S>>) -> Result<(u32, Vec<u8>), Refusal> {
    state.with(|cell| {
        let state = cell.try_borrow().map_err(|_| Refusal::InUse)?;
        Ok((S::LAYOUT, to_bytes(&*state)?))
    })
}

/// Puts a saved state in the place of the one that the server has.
///
/// # Errors
/// [`Refusal::Foreign`] if `version` is not the layout of the first part, as in a state that was
/// written by other means; [`Refusal::InUse`] if the state is borrowed; what [`from_bytes`] says.
/// The server's state is then as it was.
pub fn restore<S: State>(
    state: &'static LocalKey<RefCell<S>>,
    version: u32,
    data: &[u8],
) -> Result<(), Refusal> {
    let parts = parts(data)?;
    if parts.first().is_none_or(|first| first.layout() != version) {
        return Err(Refusal::Foreign);
    }
    let restored = from_parts(&parts)?;
    state.with(|cell| {
        *cell.try_borrow_mut().map_err(|_| Refusal::InUse)? = restored;
        Ok(())
    })
}

/// An object that a client holds, as bytes. One that cannot be written is none, which no version
/// takes for an object: the version that serves must not end by that, the new one may.
#[must_use]
pub fn save_object<S: State>(object: &S) -> Vec<u8> {
    to_bytes(object).unwrap_or_else(|refusal| {
        log::error!("an object that a client holds is not saved: {refusal}");
        Vec::new()
    })
}

/// The object that these bytes are.
///
/// The interface has no error for bytes that are none. So this ends the server, which rolls the swap
/// back; a made-up object would answer a client that meant another. Why is in the log, if the server
/// has one.
#[must_use]
pub fn restore_object<S: State>(data: &[u8]) -> S {
    from_bytes(data).unwrap_or_else(|refusal| {
        log::error!("an object that a client holds is not restored: {refusal}");
        process::abort()
    })
}
