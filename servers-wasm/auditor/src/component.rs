//! Glue between the program and the world `atoll:servers/auditor`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "atoll:servers/auditor",
    generate_all,
});

use crate::{Report, Request, USAGE};
use atoll::clocks::monotonic;
use atoll::testing::tally::{self, Account};
use atoll_allocator as _;
use atoll_sdk::stream;
use exports::wasi::cli::run::Guest;
use wasi::cli::{environment, exit, stderr, stdout};
use wasi::io::streams::OutputStream;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
/// The greatest number that a server of `tally` knows.
const LARGEST: u32 = 1_000_000_000;

struct Auditor;

export!(Auditor);

impl Guest for Auditor {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        match Request::parse(arguments.get(1..).unwrap_or_default()) {
            Some(Request::Audit(language)) => audit(&language),
            Some(Request::Bench(count)) => {
                bench(&stdout::get_stdout(), count);
                Ok(())
            }
            None => {
                print(&stderr::get_stderr(), USAGE);
                exit::exit_with_code(EXIT_USAGE);
                Err(())
            }
        }
    }
}

fn audit(language: &str) -> Result<(), ()> {
    let output = stdout::get_stdout();
    let mut report = Report::default();
    let mut check = |name: &str, passed: bool| print(&output, &report.line(name, passed));
    check("the language", tally::language() == language);
    values(&mut check);
    accounts(&mut check);
    print(&output, &report.summary());
    if !report.is_clean() {
        exit::exit_with_code(EXIT_FAILED);
    }
    Ok(())
}

fn values(check: &mut dyn FnMut(&str, bool)) {
    check("a sum", tally::sum(&[1, 2, 253]) == Ok(256));
    check("a large list", tally::sum(&[0xff; 60_000]) == Ok(60_000 * 255));
    check("an empty list", tally::sum(&[]) == Err("nothing to add".to_owned()));
    check("numbers", tally::parse("0") == Ok(0) && tally::parse("1000000000") == Ok(LARGEST));
    let is_refused = |text: &str| tally::parse(text) == Err(["not a number: ", text].concat());
    check("texts", ["", "-1", "+1", " 1", "0x1", "1000000001"].into_iter().all(is_refused));
    check("texts beyond ASCII", ["zw\u{f6}lf", "\u{661}", "\u{1f30a}"].into_iter().all(is_refused));
    let long = "\u{4e00}".repeat(5000);
    check("a long text", is_refused(&long));
    check("many calls", (1..=100).all(|number| tally::parse(&number.to_string()) == Ok(number)));
}

fn accounts(check: &mut dyn FnMut(&str, bool)) {
    let (one, other) = (Account::new(7), Account::new(LARGEST - 5));
    check("a method", one.add(&[1, 2]) == Ok(10) && one.total() == 10);
    check("an error of a method", other.add(&[6]) == Err("overflow".to_owned()));
    check("what an error changed", other.add(&[5]) == Ok(LARGEST) && one.total() == 10);
    drop(one);
    check("the one that is left", other.total() == LARGEST);
    let is_right = |start| Account::new(start).add(&[1]) == Ok(start + 1);
    check("many accounts", (0..100).all(is_right));
}

fn bench(output: &OutputStream, count: u32) {
    let bytes = [7; 16];
    measure(output, "sum-16", count, || {
        let _ = tally::sum(&bytes);
    });
    let account = Account::new(0);
    measure(output, "method", count, || {
        account.total();
    });
}

/// Times `count` rounds after one that does not count.
fn measure(output: &OutputStream, name: &str, count: u32, mut round: impl FnMut()) {
    round();
    let start = monotonic::now();
    for _ in 0..count {
        round();
    }
    let total = monotonic::now().saturating_sub(start);
    print(
        output,
        &["bench ", name, " ", &count.to_string(), " ", &total.to_string(), "\n"].concat(),
    );
}

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}
