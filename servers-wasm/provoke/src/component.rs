//! Glue between the program and the world `atoll:servers/provoke`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "atoll:servers/provoke",
    generate_all,
});

use crate::{ENDLESS, Request, TRICKS, report};
use atoll::testing::mischief::{self, ErrorCode, Trick};
use atoll_allocator as _;
use atoll_sdk::stream;
use exports::wasi::cli::run::Guest;
use wasi::cli::{environment, exit, stderr, stdout};
use wasi::io::streams::OutputStream;

const EXIT_USAGE: u8 = 2;

struct Provoke;

export!(Provoke);

impl Guest for Provoke {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let request = match Request::parse(arguments.get(1..).unwrap_or_default()) {
            Ok(request) => request,
            Err(mistake) => {
                print(&stderr::get_stderr(), mistake)?;
                exit::exit_with_code(EXIT_USAGE);
                return Err(());
            }
        };
        let output = stdout::get_stdout();
        match request {
            Request::One(place) => play(&output, place),
            Request::All => (0..TRICKS.len())
                .filter(|&place| TRICKS[place] != ENDLESS)
                .try_for_each(|place| play(&output, place)),
            Request::List => TRICKS.iter().try_for_each(|name| {
                print(&output, name)?;
                print(&output, "\n")
            }),
        }
    }
}

/// The tricks in the order of [`TRICKS`].
const ORDER: [Trick; 13] = [
    Trick::Trap,
    Trick::Spin,
    Trick::Hoard,
    Trick::Recurse,
    Trick::Overrun,
    Trick::Divide,
    Trick::UseDropped,
    Trick::UseStolen,
    Trick::Grow,
    Trick::Forge,
    Trick::Babble,
    Trick::Wild,
    Trick::Heap,
];

fn play(output: &OutputStream, place: usize) -> Result<(), ()> {
    let outcome = mischief::play(ORDER[place]);
    let words = match &outcome {
        Ok(words) => words,
        Err(ErrorCode::PeerRestarted) => "the server ended",
        Err(ErrorCode::Survived) => "the server survived",
        Err(ErrorCode::Unavailable) => "not possible here",
    };
    print(output, &report(TRICKS[place], words))
}

fn print(output: &OutputStream, text: &str) -> Result<(), ()> {
    stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece)).map_err(|_| ())
}
