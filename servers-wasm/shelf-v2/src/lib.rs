//! The sample server `shelf`, version 2: as version 1, and it remembers of each value which one it
//! replaced. Clients get that by the key with `~` behind it.
//!
//! Its layout is another one. It reads that of version 1 and writes it as well, so that one can go
//! back to a version 1 that has never heard of it. See `servers-wasm/shelf`.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[path = "../../shelf/src/component.rs"]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

use atoll_sdk::state::{Part, Parts, Refusal, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which version this is, as clients are told.
pub const VERSION: &str = "2";

/// Values by the names of their tables and by their keys.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// All tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    tables: Tables,
    /// What each value replaced.
    replaced: Tables,
}

/// What version 1 had.
#[derive(Serialize, Deserialize)]
struct One {
    tables: Tables,
}

impl State for Shelf {
    const LAYOUT: u32 = 2;

    fn read_other(part: &Part<'_>) -> Result<Self, Refusal> {
        match part.layout() {
            1 => part.read().map(|One { tables }| Self { tables, replaced: Tables::new() }),
            _ => Err(part.unknown()),
        }
    }

    fn write_others(&self, parts: &mut Parts) -> Result<(), Refusal> {
        parts.add(1, &One { tables: self.tables.clone() })
    }
}

/// An open table; the same as in version 1.
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
        let name = &table.name;
        let before = self.tables.entry(name.clone()).or_default().insert(key.clone(), value);
        if let Some(before) = &before {
            self.replaced.entry(name.clone()).or_default().insert(key, before.clone());
        }
        before
    }

    /// The value that was stored last, or the one that it replaced.
    #[must_use]
    pub fn get(&self, table: &Table, key: &str) -> Option<String> {
        let stored = |tables: &Tables, key| tables.get(&table.name)?.get(key).cloned();
        stored(&self.tables, key).or_else(|| stored(&self.replaced, key.strip_suffix('~')?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Shelf, Table};
    use atoll_sdk::state::{from_bytes, to_bytes};

    /// Bytes that some version 2 has written, which version 1 reads as well.
    const WRITTEN: &[u8] = b"\x02\
        \x02\x28\x01\x05paint\x01\x06colour\x05green\x01\x05paint\x01\x06colour\x03red\
        \x01\x15\x01\x05paint\x01\x06colour\x05green";

    fn filled() -> (Shelf, Table) {
        let mut shelf = Shelf::default();
        let paint = Table { name: "paint".into() };
        assert_eq!(shelf.put(&paint, "colour".into(), "red".into()), None);
        assert_eq!(shelf.put(&paint, "colour".into(), "green".into()), Some("red".into()));
        (shelf, paint)
    }

    #[test]
    fn what_a_value_replaced_is_remembered() {
        let (shelf, paint) = filled();
        assert_eq!(shelf.get(&paint, "colour"), Some("green".into()));
        assert_eq!(shelf.get(&paint, "colour~"), Some("red".into()));
        assert_eq!(shelf.get(&paint, "~"), None);
    }

    #[test]
    fn the_layout_is_what_it_was() {
        let (shelf, _) = filled();
        assert_eq!(to_bytes(&shelf).as_deref(), Ok(WRITTEN));
        assert_eq!(from_bytes(WRITTEN), Ok(shelf));
    }

    #[test]
    fn one_can_go_back_and_come_again() {
        let (shelf, paint) = filled();
        let older: atoll_shelf::Shelf = from_bytes(WRITTEN).expect("version 1 reads it");
        let again: Shelf = from_bytes(&to_bytes(&older).expect("fits")).expect("version 2 does");
        assert_eq!(again.get(&paint, "colour"), shelf.get(&paint, "colour"));
        // What version 1 does not know is gone.
        assert_eq!(again.get(&paint, "colour~"), None);
        let held: atoll_shelf::Table = from_bytes(&to_bytes(&paint).expect("fits")).expect("same");
        assert_eq!(held.name, paint.name);
    }
}
