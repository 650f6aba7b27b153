//! The server `{{name}}`: a lamp with bulbs that can be dimmed.

atoll_sdk::bindings!("server" in "wit");

use atoll_sdk::log;
use bindings::exports::atoll::lifecycle::start;
use bindings::exports::atoll::samples::lamp::{self, Error, GuestBulb};
use std::cell::Cell;

const BRIGHTEST: u32 = 100;
/// Bytes that a bulb's name may have.
const NAME_MAX: usize = 64;

struct Server;

impl start::Guest for Server {
    fn start() -> Result<(), String> {
        atoll_sdk::init_log!(bindings, Info);
        log::info!("a lamp made in Rust");
        Ok(())
    }
}

impl lamp::Guest for Server {
    type Bulb = Bulb;

    fn maker() -> String {
        "Rust".to_owned()
    }

    fn blink(pattern: Vec<u8>) -> Result<u32, Error> {
        let tenths: u32 = pattern.iter().map(|&flash| u32::from(flash)).sum();
        if tenths == 0 { Err(Error::Dark) } else { Ok(tenths) }
    }
}

struct Bulb {
    name: String,
    percent: Cell<u32>,
}

impl GuestBulb for Bulb {
    fn new(mut name: String) -> Self {
        name.truncate(name.floor_char_boundary(NAME_MAX));
        Self { name, percent: Cell::new(0) }
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn set(&self, percent: u32) -> Result<u32, Error> {
        match percent.checked_sub(BRIGHTEST) {
            Some(by @ 1..) => Err(Error::TooBright(by)),
            _ => Ok(self.percent.replace(percent)),
        }
    }

    fn brightness(&self) -> u32 {
        self.percent.get()
    }
}

bindings::export!(Server);
