//! Glue between the program and the world `atoll:servers/date`.

atoll_sdk::bindings!("atoll:servers/date" in "../../wit");

use crate::{Request, USAGE, line};
use atoll_allocator as _;
use atoll_sdk::stream;
use bindings::{
    atoll::samples::calendar::{self, Error},
    exports::wasi::cli::run::Guest,
    wasi::{
        cli::{environment, exit, stderr, stdout},
        io::streams::OutputStream,
    },
};

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

struct Date;

impl Guest for Date {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let Some(request) = Request::parse(arguments.get(1..).unwrap_or_default()) else {
            print(&stderr::get_stderr(), USAGE);
            exit::exit_with_code(EXIT_USAGE);
            return Err(());
        };
        match answer(request) {
            Ok(text) => print(&stdout::get_stdout(), &text),
            Err(error) => {
                print(&stderr::get_stderr(), reason(error));
                exit::exit_with_code(EXIT_FAILED);
            }
        }
        Ok(())
    }
}

fn answer(request: Request) -> Result<String, Error> {
    match request {
        Request::Seconds => calendar::seconds().map(|seconds| format!("{seconds} seconds\n")),
        Request::Now => calendar::now().map(|now| {
            let date = [now.year, u16::from(now.month), u16::from(now.day)];
            line(date, [now.hour, now.minute, now.second])
        }),
    }
}

fn reason(error: Error) -> &'static str {
    match error {
        Error::NotSet => "date: the clock is not set\n",
        Error::Broken => "date: the clock does not work\n",
        Error::PeerRestarted => "date: the clock's server restarted; ask again\n",
    }
}

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}

bindings::export!(Date with_types_in bindings);
