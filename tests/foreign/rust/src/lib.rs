//! The server `tally` in Rust.

use std::cell::Cell;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "atoll:servers/tally",
    generate_all,
});

use atoll::log::log::{Level, write};
use exports::atoll::testing::tally::{Guest, GuestAccount};

const LARGEST: u32 = 1_000_000_000;

struct Tally;

impl Guest for Tally {
    type Account = Account;

    fn language() -> String {
        write(Level::Info, "Rust speaking");
        "Rust".to_owned()
    }

    fn sum(data: Vec<u8>) -> Result<u32, String> {
        if data.is_empty() {
            return Err("nothing to add".to_owned());
        }
        Ok(total(&data))
    }

    fn parse(text: String) -> Result<u32, String> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|&number| is_number && number <= LARGEST);
        number.ok_or_else(|| format!("not a number: {text}"))
    }
}

struct Account(Cell<u32>);

impl GuestAccount for Account {
    fn new(start: u32) -> Self {
        Self(Cell::new(start))
    }

    fn add(&self, data: Vec<u8>) -> Result<u32, String> {
        let sum = self.0.get().checked_add(total(&data)).filter(|&sum| sum <= LARGEST);
        let sum = sum.ok_or("overflow")?;
        self.0.set(sum);
        Ok(sum)
    }

    fn total(&self) -> u32 {
        self.0.get()
    }
}

fn total(data: &[u8]) -> u32 {
    data.iter().map(|&byte| u32::from(byte)).sum()
}

export!(Tally);
