//! The component: `atoll:samples/store` on [`Tables`].

use std::cell::RefCell;

use atoll_store_tables::Tables;

atoll_sdk::bindings!("atoll:servers/store" in "../../wit");

use bindings::exports::atoll::{
    lifecycle::state::{self, Saved},
    samples::{
        store::{self, GuestTable, TableBorrow},
        store_handover,
    },
};

/// The layout in which this version hands its state on.
const LAYOUT: u32 = 1;

thread_local! {
    static TABLES: RefCell<Tables> = const { RefCell::new(Tables::new()) };
}

struct Component;

/// An open table.
struct Table {
    name: String,
}

impl store::Guest for Component {
    type Table = Table;

    fn version() -> String {
        "1".to_owned()
    }
}

impl GuestTable for Table {
    fn new(name: String) -> Self {
        Self { name }
    }

    fn put(&self, key: String, value: String) -> Option<String> {
        TABLES.with_borrow_mut(|tables| tables.put(&self.name, key, value))
    }

    fn get(&self, key: String) -> Option<String> {
        TABLES.with_borrow(|tables| tables.get(&self.name, &key))
    }
}

impl state::Guest for Component {
    fn save() -> Result<Saved, String> {
        let data = TABLES.with_borrow(Tables::triples);
        Ok(Saved { version: LAYOUT, data, inputs: Vec::new(), outputs: Vec::new() })
    }

    fn restore(saved: Saved) -> Result<(), String> {
        let tables = Tables::read(saved.version, &saved.data)?;
        TABLES.set(tables);
        Ok(())
    }
}

/// For tables that clients hold, the name is all there is to know.
impl store_handover::Guest for Component {
    fn save_table(object: TableBorrow<'_>) -> Vec<u8> {
        object.get::<Table>().name.clone().into_bytes()
    }

    fn restore_table(data: Vec<u8>) -> store::Table {
        store::Table::new(Table { name: String::from_utf8_lossy(&data).into_owned() })
    }
}

bindings::export!(Component);
