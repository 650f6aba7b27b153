//! Glue between the program and the world `atoll:servers/clerk`.

#[allow(missing_docs, unreachable_pub, reason = "generated")]
#[allow(clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "atoll:servers/clerk",
        generate_all,
    });
}

use crate::{Request, Tally, USAGE};
use atoll_allocator as _;
use atoll_sdk::stream;
use bindings::{
    atoll::{
        clocks::monotonic,
        samples::{
            counter,
            store::{self, Table},
        },
    },
    exports::wasi::cli::run::Guest,
    wasi::{
        cli::{environment, exit, stderr, stdout},
        io::streams::OutputStream,
    },
};

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
/// Rounds of two calls between pauses, so that others get on.
const ROUNDS: u32 = 8;
const PAUSE_NS: u64 = 1_000_000;
/// The number by which `counter` knows this program.
const CLIENT: u32 = 1;
/// The table by which one run of this program tells another something.
const CONTROL: &str = "control";

struct Clerk;

impl Guest for Clerk {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let output = stdout::get_stdout();
        match Request::parse(arguments.get(1..).unwrap_or_default()) {
            Some(Request::Work) => {
                let tally = work();
                print(&output, &tally.summary());
                if !tally.is_clean() {
                    exit::exit_with_code(EXIT_FAILED);
                }
            }
            Some(Request::Stop) => {
                Table::new(CONTROL).put("stop", "yes");
            }
            Some(Request::Put(key, value)) => {
                Table::new(CONTROL).put(&key, &value);
            }
            Some(Request::Get(key)) => {
                let value = Table::new(CONTROL).get(&key);
                print(&output, &(value.unwrap_or_default() + "\n"));
            }
            Some(Request::Fill(count, size)) => {
                let table = Table::new("ballast");
                let value = "x".repeat(size as usize);
                for number in 0..count {
                    table.put(&number.to_string(), &value);
                }
            }
            Some(Request::Version) => {
                print(&output, &["version ", &store::version(), "\n"].concat());
            }
            Some(Request::Count(times)) => match count(times) {
                Ok(count) => print(&output, &format!("counted to {count}\n")),
                Err(what) => {
                    print(&stderr::get_stderr(), &format!("{what}\n"));
                    exit::exit_with_code(EXIT_FAILED);
                }
            },
            None => {
                print(&stderr::get_stderr(), USAGE);
                exit::exit_with_code(EXIT_USAGE);
            }
        }
        Ok(())
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

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}

bindings::export!(Clerk with_types_in bindings);
