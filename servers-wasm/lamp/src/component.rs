//! Glue between the program and the world `atoll:servers/lamp`.

atoll_sdk::bindings!("atoll:servers/lamp" in "../../wit");

use crate::{Failure, Request, USAGE};
use atoll_allocator as _;
use atoll_sdk::stream;
use bindings::atoll::clocks::monotonic;
use bindings::atoll::samples::lamp::{self, Bulb, Error};
use bindings::exports::wasi::cli::run::Guest;
use bindings::wasi::cli::{environment, exit, stderr, stdout};
use bindings::wasi::io::streams::OutputStream;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

struct Lamp;

impl Guest for Lamp {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        match Request::parse(arguments.get(1..).unwrap_or_default()) {
            Some(Request::Show(name)) => {
                let mut show = Show { output: stdout::get_stdout(), is_right: true };
                show.all(name);
                if !show.is_right {
                    exit::exit_with_code(EXIT_FAILED);
                }
                Ok(())
            }
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

fn bench(output: &OutputStream, count: u32) {
    let pattern = [7; 16];
    measure(output, "blink-16", count, || {
        let _ = lamp::blink(&pattern);
    });
    let bulb = Bulb::new("bench");
    measure(output, "brightness", count, || {
        bulb.brightness();
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
    print(output, &format!("bench {name} {count} {total}\n"));
}

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}

/// The calls, and what is printed of them.
struct Show {
    output: OutputStream,
    /// Whether those failed that should, and no others.
    is_right: bool,
}

impl Show {
    fn all(&mut self, name: &str) {
        self.line(&["A lamp made in ", &lamp::maker(), "."].concat());
        let bulb = Bulb::new(name);
        let name = bulb.name();
        self.line(&format!("{name} is at {} %", bulb.brightness()));
        let set = bulb.set(80).map(|before| format!("before, at {before} %"));
        self.expect(&format!("{name} at 80 %"), set, false);
        let set = bulb.set(130).map(|before| format!("before, at {before} %"));
        self.expect(&format!("{name} at 130 %"), set, true);
        self.line(&format!("{name} is at {} %", bulb.brightness()));
        let time = |tenths| format!("{tenths} tenths of a second");
        self.expect("three flashes", lamp::blink(&[1, 2, 0, 3]).map(time), false);
        self.expect("no flash", lamp::blink(&[0, 0]).map(time), true);
    }

    /// Says how a call ended, of which is known whether it should fail.
    fn expect(&mut self, what: &str, answer: Result<String, Error>, fails: bool) {
        self.is_right &= answer.is_err() == fails;
        match answer {
            Ok(answer) => self.line(&format!("{what}: {answer}")),
            Err(error) => self.line(&format!("{what}: refused, {}", failure(error).words())),
        }
    }

    fn line(&self, text: &str) {
        print(&self.output, &[text, "\n"].concat());
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Dark => Failure::Dark,
        Error::TooBright(by) => Failure::TooBright(by),
        Error::PeerRestarted => Failure::Restarted,
    }
}

bindings::export!(Lamp with_types_in bindings);
