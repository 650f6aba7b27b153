//! Glue between the program and the world `atoll:servers/tester`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "atoll:servers/tester",
    generate_all,
});

mod bench;
mod calls;
mod handles;
mod recover;
mod values;

use crate::{Report, Request, USAGE};
use atoll_allocator as _;
use atoll_sdk::stream;
use exports::wasi::cli::run::Guest;
use wasi::cli::{environment, exit, stderr, stdout};
use wasi::io::streams::OutputStream;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

struct Tester;

export!(Tester);

impl Guest for Tester {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let Some(request) = Request::parse(arguments.get(1..).unwrap_or_default()) else {
            print(&stderr::get_stderr(), USAGE);
            exit::exit_with_code(EXIT_USAGE);
            return Err(());
        };
        let mut desk = Desk { output: stdout::get_stdout(), report: Report::default() };
        match request {
            Request::Bench(count) => {
                bench::run(&desk, count);
                return Ok(());
            }
            Request::Crash => {
                bench::crash(&desk);
                return Ok(());
            }
            Request::Split(count) => {
                bench::split(&desk, count);
                return Ok(());
            }
            Request::Keep => handles::keep(&mut desk),
            Request::Kept => {
                handles::use_kept(&desk);
                return Ok(());
            }
            Request::Work(rounds) => {
                bench::work(&desk, rounds);
                return Ok(());
            }
            Request::Loop(count) => calls::numbered(&mut desk, count),
            Request::Plain(count) => calls::plain(&mut desk, count),
            Request::Checks(groups) => {
                for (is_wanted, group) in [
                    (groups.values, values::check as fn(&mut Desk)),
                    (groups.handles, handles::check),
                    (groups.calls, calls::check),
                    (groups.recover, recover::check),
                ] {
                    if is_wanted {
                        group(&mut desk);
                    }
                }
            }
        }
        print(&desk.output, &desk.report.summary());
        if !desk.report.is_clean() {
            exit::exit_with_code(EXIT_FAILED);
        }
        Ok(())
    }
}

/// Where checks report.
struct Desk {
    output: OutputStream,
    report: Report,
}

impl Desk {
    /// Counts a check and prints its line.
    fn check(&mut self, name: &str, passed: bool) {
        print(&self.output, &self.report.line(name, passed));
    }
}

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}
