//! Other programs, and saying what they are run for.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// Says what is being done, so that nobody has to wonder about a quiet minute.
pub fn step(what: &str) {
    eprintln!("atoll: {what}");
}

/// Runs a command with its output on the terminal.
///
/// # Errors
/// If it does not start or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run {name}; `make setup` installs what is missing"))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        bail!("`{name} {}` failed ({status})", arguments.join(" "));
    }
    Ok(())
}
