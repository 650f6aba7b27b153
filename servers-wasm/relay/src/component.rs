//! The component: `atoll:testing/relay` on counters of `atoll:testing/echo`.

use std::cell::RefCell;

use crate::Shelf;

atoll_sdk::bindings!("atoll:servers/relay" in "../../wit");

use bindings::{
    atoll::testing::echo::{self, Counter},
    exports::atoll::testing::relay::{ErrorCode, Guest},
};

thread_local! {
    static SHELF: RefCell<Shelf<Counter>> = const { RefCell::new(Shelf::new()) };
}

struct Component;

impl Guest for Component {
    fn keep(counter: Counter) -> Result<(), ErrorCode> {
        SHELF.with_borrow_mut(|shelf| shelf.keep(counter));
        Ok(())
    }

    fn add_kept(amount: u32) -> Result<u32, ErrorCode> {
        SHELF.with_borrow(|shelf| {
            shelf.kept().map(|counter| counter.add(amount)).ok_or(ErrorCode::Refused)
        })
    }

    fn give_back() -> Result<Counter, ErrorCode> {
        SHELF.with_borrow_mut(Shelf::give_back).ok_or(ErrorCode::Refused)
    }

    fn read_lent(counter: &Counter) -> Result<u32, ErrorCode> {
        Ok(echo::peek(counter))
    }
}

bindings::export!(Component);
