//! The component: `atoll:samples/store` on [`Shelf`].

use std::cell::RefCell;

use crate::{Shelf, Table, VERSION};
use atoll_sdk::log;

atoll_sdk::bindings!("atoll:servers/shelf" in "../../wit");

use bindings::exports::atoll::{
    lifecycle::start,
    samples::{
        store::{self, GuestTable, TableBorrow},
        store_handover,
    },
};

thread_local! {
    static SHELF: RefCell<Shelf> = RefCell::default();
}

struct Component;

impl start::Guest for Component {
    fn start() -> Result<(), String> {
        atoll_sdk::init_log!(bindings, Info);
        log::info!("version {VERSION} is there");
        Ok(())
    }
}

impl store::Guest for Component {
    type Table = Table;

    fn version() -> String {
        VERSION.to_owned()
    }
}

impl GuestTable for Table {
    fn new(name: String) -> Self {
        Self { name }
    }

    fn put(&self, key: String, value: String) -> Option<String> {
        SHELF.with_borrow_mut(|shelf| shelf.put(self, key, value))
    }

    fn get(&self, key: String) -> Option<String> {
        SHELF.with_borrow(|shelf| shelf.get(self, &key))
    }
}

atoll_sdk::export_state!(bindings, Component, SHELF);

impl store_handover::Guest for Component {
    atoll_sdk::hand_over!(Table: save_table(TableBorrow), restore_table -> store::Table);
}

bindings::export!(Component);
