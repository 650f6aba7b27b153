//! The component: `atoll:samples/store` until a [`Trick`] is played.

use std::cell::{Cell, RefCell};

use atoll_store_tables::Tables;

use crate::Trick;

atoll_sdk::bindings!("atoll:servers/store-bad" in "../../wit");

use bindings::{
    atoll::clocks::monotonic,
    exports::atoll::{
        lifecycle::state::{self, Saved},
        samples::{
            store::{self, GuestTable, TableBorrow},
            store_handover,
        },
    },
};

/// The layout in which this version hands its state on.
const LAYOUT: u32 = 2;

thread_local! {
    static TABLES: RefCell<Tables> = const { RefCell::new(Tables::new()) };
    static TRICK: Cell<Option<Trick>> = const { Cell::new(None) };
}

struct Component;

/// An open table.
struct Table {
    name: String,
}

impl store::Guest for Component {
    type Table = Table;

    fn version() -> String {
        play_on_call();
        "bad".to_owned()
    }
}

impl GuestTable for Table {
    fn new(name: String) -> Self {
        Self { name }
    }

    fn put(&self, key: String, value: String) -> Option<String> {
        play_on_call();
        TABLES.with_borrow_mut(|tables| tables.put(&self.name, key, value))
    }

    fn get(&self, key: String) -> Option<String> {
        play_on_call();
        TABLES.with_borrow(|tables| tables.get(&self.name, &key))
    }
}

impl state::Guest for Component {
    fn save() -> Result<Saved, String> {
        let data = TABLES.with_borrow(Tables::groups);
        Ok(Saved { version: LAYOUT, data, inputs: Vec::new(), outputs: Vec::new() })
    }

    fn restore(saved: Saved) -> Result<(), String> {
        let tables = Tables::read(saved.version, &saved.data)?;
        let trick = tables.get("control", "mischief");
        let trick = trick.and_then(|name| Trick::named(&name));
        TRICK.set(trick);
        match trick {
            Some(Trick::TrapInRestore) => core::arch::wasm32::unreachable(),
            Some(Trick::HangInRestore) => hang(),
            Some(Trick::FailInRestore) => return Err("it was told to fail".to_owned()),
            _ => {}
        }
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

fn play_on_call() {
    match TRICK.get() {
        Some(Trick::TrapOnCall) => core::arch::wasm32::unreachable(),
        Some(Trick::HangOnCall) => hang(),
        _ => {}
    }
}

/// Waits for the end of time.
fn hang() {
    while monotonic::now() < u64::MAX {}
}

bindings::export!(Component);
