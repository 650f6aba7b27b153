//! The component: `atoll:samples/store` on [`Tables`].

use std::cell::RefCell;

use atoll_store_tables::Tables;

atoll_sdk::bindings!("atoll:servers/till" in "../../wit");

use bindings::exports::atoll::samples::store::{self, GuestTable};

/// Declares the layout: a version with the same bytes here can go on with this one's memory.
#[used]
#[unsafe(link_section = "atoll:layout")]
static LAYOUT: [u8; 6] = *b"till 1";

/// A constant of the code. What stands in memory, such as the text of a string, is the older
/// version's after a swap.
const VERSION: u8 = env!("CARGO_PKG_VERSION_MAJOR").as_bytes()[0];

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
        char::from(VERSION).to_string()
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

bindings::export!(Component);
