//! The program on the world `atoll:servers/clerk`.

atoll_sdk::bindings!("atoll:servers/clerk" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{Request, Tally, USAGE};
use atoll_sdk::program::{EXIT_FAILED, Failure};
use bindings::atoll::{
    clocks::monotonic,
    samples::{
        counter,
        store::{self, Table},
    },
};
use std::io::Write;

/// Rounds of two calls between pauses, so that others get on.
const ROUNDS: u32 = 8;
const PAUSE_NS: u64 = 1_000_000;
/// The number by which `counter` knows this program.
const CLIENT: u32 = 1;
/// The table by which one run of this program tells another something.
const CONTROL: &str = "control";

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))? {
        Request::Work => {
            let tally = work();
            output.write_all(tally.summary().as_bytes())?;
            if !tally.is_clean() {
                return Err(Failure::code(EXIT_FAILED));
            }
        }
        Request::Stop => {
            Table::new(CONTROL).put("stop", "yes");
        }
        Request::Put(key, value) => {
            Table::new(CONTROL).put(&key, &value);
        }
        Request::Get(key) => {
            writeln!(output, "{}", Table::new(CONTROL).get(&key).unwrap_or_default())?;
        }
        Request::Fill(count, size) => fill(count, size),
        Request::Version => writeln!(output, "version {}", store::version())?,
        Request::Count(times) => writeln!(output, "counted to {}", count(times)?)?,
    }
    Ok(())
}

/// Puts that many values of that many bytes into a table of their own.
fn fill(count: u32, size: u32) {
    let table = Table::new("ballast");
    let value = "x".repeat(size as usize);
    for number in 0..count {
        table.put(&number.to_string(), &value);
    }
}

/// Stores numbers under one key and reads them back: a call that was lost or made twice shows in
/// the next answer.
fn work() -> Tally {
    let (table, control) = (Table::new("clerk"), Table::new(CONTROL));
    control.put("stop", "no");
    let mut tally = Tally::default();
    let mut before = table.get("number");
    for number in 1_u32.. {
        let value = number.to_string();
        let answer = timed(&mut tally, || table.put("number", &value), &before);
        before = Some(value);
        if !answer || !timed(&mut tally, || table.get("number"), &before) {
            before = table.get("number");
        }
        if number % ROUNDS == 0 {
            if control.get("stop").as_deref() == Some("yes") {
                break;
            }
            monotonic::subscribe_duration(PAUSE_NS).block();
        }
    }
    tally
}

/// Counts on from where it is, with a pause now and then; the last count. Whatever happens to the
/// server, each request counts once.
fn count(times: u32) -> Result<u64, String> {
    let mut count = counted(0)?;
    for round in 1..=times {
        let expected = count + 1;
        count = counted(expected)?;
        if count != expected {
            return Err(format!("counted {count} where {expected} comes next"));
        }
        if round % ROUNDS == 0 {
            monotonic::subscribe_duration(PAUSE_NS).block();
        }
    }
    Ok(count)
}

fn counted(request: u64) -> Result<u64, String> {
    counter::count(CLIENT, request).map_err(|error| format!("request {request}: {error:?}"))
}

/// Makes a call, counts its answer, and says whether it was the expected one.
fn timed(
    tally: &mut Tally,
    call: impl FnOnce() -> Option<String>,
    expected: &Option<String>,
) -> bool {
    let begin = monotonic::now();
    let is_right = call() == *expected;
    tally.count(is_right, monotonic::now().saturating_sub(begin));
    is_right
}
