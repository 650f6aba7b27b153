//! The program on the world `atoll:servers/program`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

atoll_sdk::bindings!("atoll:servers/program" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{Request, greeting};
use atoll_sdk::program::Failure;
use atoll_sdk::stream::Lines;
use bindings::wasi::cli::stdin;
use std::io::{self, Write};

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    let request = Request::parse(arguments).map_err(|mistake| Failure::usage(mistake.message()))?;
    output.write_all(greeting(&request.names).as_bytes())?;
    if request.reads_input {
        greet_lines(output)?;
    }
    match request.exit_code {
        0 => Ok(()),
        code => Err(Failure::code(code)),
    }
}

fn greet_lines(output: &mut dyn Write) -> io::Result<()> {
    let input = stdin::get_stdin();
    let mut lines = Lines::default();
    while let Ok(piece) = input.blocking_read(1024) {
        for line in lines.push(&piece) {
            output.write_all(greeting(&[line]).as_bytes())?;
        }
    }
    lines.finish().map_or(Ok(()), |line| output.write_all(greeting(&[line]).as_bytes()))
}
