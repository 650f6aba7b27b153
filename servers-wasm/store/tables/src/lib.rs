//! The tables of the sample server `store`, and the two layouts in which its versions hand them on.
//!
//! Version 1 writes triples of table, key and value. Version 2 also counts how often a value was
//! stored, and writes each table's name once. Both versions read both layouts, so that a swap works
//! in both directions; what a layout lacks begins anew ([`Entry::writes`]).

#![forbid(unsafe_code)]

mod bytes;

use std::collections::BTreeMap;

use bytes::{Reader, put_number, put_text};

/// A value and its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: String,
    /// How often it was stored, as far as it is known; at least once.
    pub writes: u32,
}

/// All tables, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    tables: BTreeMap<String, BTreeMap<String, Entry>>,
}

impl Tables {
    /// No tables.
    #[must_use]
    pub const fn new() -> Self {
        Self { tables: BTreeMap::new() }
    }

    /// Stores a value and gives the one before it.
    pub fn put(&mut self, table: &str, key: String, value: String) -> Option<String> {
        let entries = self.tables.entry(table.to_owned()).or_default();
        let entry = entries.entry(key).or_default();
        let before = std::mem::replace(&mut entry.value, value);
        let is_new = entry.writes == 0;
        entry.writes = entry.writes.saturating_add(1);
        (!is_new).then_some(before)
    }

    /// An entry.
    #[must_use]
    pub fn entry(&self, table: &str, key: &str) -> Option<&Entry> {
        self.tables.get(table)?.get(key)
    }

    /// The value that was stored last.
    #[must_use]
    pub fn get(&self, table: &str, key: &str) -> Option<String> {
        self.entry(table, key).map(|entry| entry.value.clone())
    }

    /// The layout of version 1: for each value its table, its key and itself.
    #[must_use]
    pub fn triples(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (table, entries) in &self.tables {
            for (key, entry) in entries {
                put_text(&mut out, table);
                put_text(&mut out, key);
                put_text(&mut out, &entry.value);
            }
        }
        out
    }

    /// The layout of version 2: for each table its name and number of entries, then these.
    #[must_use]
    pub fn groups(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (table, entries) in &self.tables {
            put_text(&mut out, table);
            put_number(&mut out, u32::try_from(entries.len()).unwrap_or(u32::MAX));
            for (key, entry) in entries {
                put_text(&mut out, key);
                put_text(&mut out, &entry.value);
                put_number(&mut out, entry.writes);
            }
        }
        out
    }

    /// Reads the layout of either version.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(version: u32, data: &[u8]) -> Result<Self, String> {
        let tables = match version {
            1 => Self::from_triples(data),
            2 => Self::from_groups(data),
            _ => return Err(format!("layout {version} is not known")),
        };
        tables.ok_or_else(|| format!("the state is cut off in layout {version}"))
    }

    fn from_triples(data: &[u8]) -> Option<Self> {
        let mut tables = Self::new();
        let mut reader = Reader::new(data);
        while !reader.is_at_end() {
            let (table, key, value) = (reader.text()?, reader.text()?, reader.text()?);
            tables.insert(&table, key, Entry { value, writes: 1 });
        }
        Some(tables)
    }

    fn from_groups(data: &[u8]) -> Option<Self> {
        let mut tables = Self::new();
        let mut reader = Reader::new(data);
        while !reader.is_at_end() {
            let (table, count) = (reader.text()?, reader.number()?);
            for _ in 0..count {
                let key = reader.text()?;
                let entry = Entry { value: reader.text()?, writes: reader.number()?.max(1) };
                tables.insert(&table, key, entry);
            }
        }
        Some(tables)
    }

    fn insert(&mut self, table: &str, key: String, entry: Entry) {
        self.tables.entry(table.to_owned()).or_default().insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::Tables;
    use proptest::prelude::*;

    fn filled(entries: &[(String, String, String)]) -> Tables {
        let mut tables = Tables::new();
        for (table, key, value) in entries {
            tables.put(table, key.clone(), value.clone());
        }
        tables
    }

    #[test]
    fn the_value_before_is_given_back() {
        let mut tables = Tables::new();
        assert_eq!(tables.put("a", "k".into(), "1".into()), None);
        assert_eq!(tables.put("b", "k".into(), "2".into()), None);
        assert_eq!(tables.put("a", "k".into(), "3".into()), Some("1".into()));
        assert_eq!(tables.get("a", "k"), Some("3".into()));
        assert_eq!(tables.entry("a", "k").map(|entry| entry.writes), Some(2));
        assert_eq!(tables.get("c", "k"), None);
    }

    #[test]
    fn other_layouts_are_refused() {
        assert_eq!(Tables::read(3, &[]), Err("layout 3 is not known".into()));
        assert!(Tables::read(1, &[1, 0, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn both_layouts_come_back(entries: Vec<(String, String, String)>) {
            let tables = filled(&entries);
            prop_assert_eq!(Tables::read(2, &tables.groups()), Ok(tables.clone()));
            let read = Tables::read(1, &tables.triples()).expect("whole");
            for (table, key, _) in &entries {
                prop_assert_eq!(read.get(table, key), tables.get(table, key));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(version in 0..4_u32, data: Vec<u8>) {
            let _ = Tables::read(version, &data);
        }
    }
}
