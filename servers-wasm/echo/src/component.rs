//! The component: `atoll:testing/echo` on the functions of this crate.

use crate::Counter;

atoll_sdk::bindings!("atoll:servers/echo" in "../../wit");

use bindings::{
    atoll::log::log,
    exports::atoll::testing::echo::{
        self, CounterBorrow, ErrorCode, Guest, GuestCounter, Item, Sample, Shape, Ten,
    },
};

struct Component;

impl Guest for Component {
    type Counter = Counter;

    fn increment(value: u32) -> u32 {
        value.wrapping_add(1)
    }

    fn bytes(data: Vec<u8>) -> Vec<u8> {
        data
    }

    fn measure(data: Vec<u8>) -> u32 {
        crate::measure(&data)
    }

    fn fields(value: Ten) -> Ten {
        value
    }

    fn items(values: Vec<Item>) -> Vec<Item> {
        values
    }

    fn shout(text: String) -> String {
        crate::shout(text)
    }

    fn reverse(samples: Vec<Sample>) -> Vec<Sample> {
        crate::reverse(samples)
    }

    fn reshape(shape: Shape) -> Shape {
        shape
    }

    fn divide(a: u32, b: u32) -> Result<u32, ErrorCode> {
        crate::divide(a, b).ok_or(ErrorCode::Refused)
    }

    fn peek(counter: CounterBorrow<'_>) -> u32 {
        counter.get::<Counter>().get()
    }

    fn living() -> u32 {
        crate::living()
    }

    fn die() -> Result<u32, ErrorCode> {
        log::write(log::Level::Info, "dying on request");
        core::arch::wasm32::unreachable()
    }
}

impl GuestCounter for Counter {
    fn new(start: u32) -> Self {
        Self::new(start)
    }

    fn add(&self, amount: u32) -> u32 {
        self.add(amount)
    }

    fn get(&self) -> u32 {
        self.get()
    }

    fn merge(a: echo::Counter, b: echo::Counter) -> echo::Counter {
        echo::Counter::new(a.into_inner::<Self>().merge(b.into_inner::<Self>()))
    }
}

bindings::export!(Component);
