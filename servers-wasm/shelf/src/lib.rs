//! The sample server `shelf`, version 1: tables of texts, as `store` serves them.
//!
//! Where `store` writes its state down by hand, this one leaves that to the SDK: the state is
//! [`Shelf`], and [`Table`] what clients hold. `component.rs`, the only module with generated and
//! therefore unsafe code, serves them; version 2 has the same.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

use atoll_sdk::state::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which version this is, as clients are told.
pub const VERSION: &str = "1";

/// All tables, by name: values by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl State for Shelf {
    const LAYOUT: u32 = 1;
}

/// An open table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
}

impl State for Table {
    const LAYOUT: u32 = 1;
}

impl Shelf {
    /// Stores a value and gives the one before it.
    pub fn put(&mut self, table: &Table, key: String, value: String) -> Option<String> {
        self.tables.entry(table.name.clone()).or_default().insert(key, value)
    }

    /// The value that was stored last.
    #[must_use]
    pub fn get(&self, table: &Table, key: &str) -> Option<String> {
        self.tables.get(&table.name)?.get(key).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Shelf, Table};
    use atoll_sdk::state::{from_bytes, to_bytes};

    // ANCHOR: layout
    /// Bytes that some version 1 has written. They stay as they are; another layout gets another
    /// number.
    const WRITTEN: &[u8] = b"\x01\x01\x15\x01\x05paint\x01\x06colour\x05green";

    #[test]
    fn the_layout_is_what_it_was() {
        let mut shelf = Shelf::default();
        let paint = Table { name: "paint".into() };
        assert_eq!(shelf.put(&paint, "colour".into(), "red".into()), None);
        assert_eq!(shelf.put(&paint, "colour".into(), "green".into()), Some("red".into()));
        assert_eq!(to_bytes(&shelf).as_deref(), Ok(WRITTEN));
        assert_eq!(from_bytes(WRITTEN), Ok(shelf));
        assert_eq!(to_bytes(&paint).as_deref(), Ok(&b"\x01\x01\x06\x05paint"[..]));
    }
    // ANCHOR_END: layout
}
