//! `atoll`: makes, builds and runs servers for Atoll.
//!
//! The command line only: what the commands do is the library's.

#![forbid(unsafe_code)]

mod command;

use clap::Parser;
use console::style;
use std::process::ExitCode;

/// Something went wrong.
const FAILED: u8 = 1;
/// The command or the project makes no sense as it is; also clap's code.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match command::perform(command::Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", style("error:").red().bold().for_stderr());
            ExitCode::from(if error.is::<atoll::Mistake>() { USAGE } else { FAILED })
        }
    }
}
