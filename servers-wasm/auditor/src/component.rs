//! The program on the world `atoll:servers/auditor`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

atoll_sdk::bindings!("atoll:servers/auditor" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{Request, USAGE};
use atoll_sdk::program::Failure;
use atoll_sdk::report::{Checks, Meter};
use bindings::atoll::clocks::monotonic;
use bindings::atoll::testing::tally::{self, Account};
use std::io::{self, Write};

/// The greatest number that a server of `tally` knows.
const LARGEST: u32 = 1_000_000_000;

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))? {
        Request::Audit(language) => audit(&language, Checks::new(output)),
        Request::Bench(count) => Ok(bench(&mut Meter::new(output, monotonic::now), count)?),
    }
}

fn audit(language: &str, mut checks: Checks<'_>) -> Result<(), Failure> {
    checks.check("the language", tally::language() == language);
    values(&mut checks);
    accounts(&mut checks);
    checks.finish()
}

fn values(checks: &mut Checks<'_>) {
    checks.check("a sum", tally::sum(&[1, 2, 253]) == Ok(256));
    checks.check("a large list", tally::sum(&[0xff; 60_000]) == Ok(60_000 * 255));
    checks.check("an empty list", tally::sum(&[]) == Err("nothing to add".to_owned()));
    checks
        .check("numbers", tally::parse("0") == Ok(0) && tally::parse("1000000000") == Ok(LARGEST));
    let is_refused = |text: &str| tally::parse(text) == Err(["not a number: ", text].concat());
    checks.check("texts", ["", "-1", "+1", " 1", "0x1", "1000000001"].into_iter().all(is_refused));
    checks.check(
        "texts beyond ASCII",
        ["zw\u{f6}lf", "\u{661}", "\u{1f30a}"].into_iter().all(is_refused),
    );
    let long = "\u{4e00}".repeat(5000);
    checks.check("a long text", is_refused(&long));
    checks.check(
        "many calls",
        (1..=100).all(|number| tally::parse(&number.to_string()) == Ok(number)),
    );
}

fn accounts(checks: &mut Checks<'_>) {
    let (one, other) = (Account::new(7), Account::new(LARGEST - 5));
    checks.check("a method", one.add(&[1, 2]) == Ok(10) && one.total() == 10);
    checks.check("an error of a method", other.add(&[6]) == Err("overflow".to_owned()));
    checks.check("what an error changed", other.add(&[5]) == Ok(LARGEST) && one.total() == 10);
    drop(one);
    checks.check("the one that is left", other.total() == LARGEST);
    let is_right = |start| Account::new(start).add(&[1]) == Ok(start + 1);
    checks.check("many accounts", (0..100).all(is_right));
}

fn bench(meter: &mut Meter<'_>, count: u32) -> io::Result<()> {
    let bytes = [7; 16];
    meter.measure("sum-16", count, || {
        let _ = tally::sum(&bytes);
    })?;
    let account = Account::new(0);
    meter.measure("method", count, || {
        account.total();
    })
}
