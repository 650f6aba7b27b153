//! Running the tools of the distribution.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// Runs a tool quietly; what it printed is part of the error when it fails.
pub(crate) fn run(command: &mut Command, package: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| {
        format!("cannot run {name} (package {package}); `make setup` installs it")
    })?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{name} failed ({}):\n{}", output.status, String::from_utf8_lossy(&said));
    }
    Ok(())
}
