//! The program `atoll` as a user runs it, for the tests beside this folder.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `atoll` in a folder.
pub(crate) fn atoll(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atoll"));
    command.current_dir(folder).env_remove("ATOLL_HOME").args(arguments);
    command.output().expect("atoll runs")
}

/// What a command printed; the test fails if it did not end with that code.
pub(crate) fn expect(output: &Output, code: i32) -> String {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}
