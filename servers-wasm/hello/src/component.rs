//! Glue between the logic and the world `atoll:servers/program`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "atoll:servers/program",
    generate_all,
});

use crate::{Request, greeting};
use atoll_allocator as _;
use atoll_sdk::stream::{self, Lines};
use exports::wasi::cli::run::Guest;
use wasi::cli::{environment, exit, stderr, stdin, stdout};
use wasi::io::streams::OutputStream;

struct Hello;

export!(Hello);

impl Guest for Hello {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let request = match Request::parse(arguments.get(1..).unwrap_or_default()) {
            Ok(request) => request,
            Err(mistake) => {
                print(&stderr::get_stderr(), mistake.message())?;
                exit::exit_with_code(2);
                return Err(());
            }
        };
        let output = stdout::get_stdout();
        print(&output, &greeting(&request.names))?;
        if request.reads_input {
            greet_lines(&output)?;
        }
        if request.exit_code != 0 {
            exit::exit_with_code(request.exit_code);
        }
        Ok(())
    }
}

fn greet_lines(output: &OutputStream) -> Result<(), ()> {
    let input = stdin::get_stdin();
    let mut lines = Lines::default();
    while let Ok(piece) = input.blocking_read(1024) {
        for line in lines.push(&piece) {
            print(output, &greeting(&[line]))?;
        }
    }
    lines.finish().map_or(Ok(()), |line| print(output, &greeting(&[line])))
}

fn print(output: &OutputStream, text: &str) -> Result<(), ()> {
    stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece)).map_err(|_| ())
}
