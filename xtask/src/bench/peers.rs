//! Atoll's runtime against other component hosts, on the host (`benches/peers`).

use anyhow::{Context, Result};
use atoll::components;
use atoll::home::Home;
use atoll::process::{run, step};
use std::path::Path;
use std::process::Command;

/// The package's folder: a workspace of its own, so that nothing of the others gets into Atoll's.
const FOLDER: &str = "benches/peers";
/// Servers whose loading is measured: a small one and the largest.
const SERVERS: [&str; 2] = ["echo", "supervisor"];

/// Builds the comparison, runs it, prints its table and writes its JSON.
pub(super) fn peers(home: &Home, output: Option<&Path>) -> Result<()> {
    let components = components::build(home)?;
    step("building the other hosts; the first time takes many minutes");
    let target = home.target.join("peers");
    let folder = home.root.join(FOLDER);
    run(home
        .plain_cargo("build")
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .args(["--quiet", "--release"]))?;
    step("comparing");
    let mut command = Command::new(target.join("release/atoll-peers"));
    for server in SERVERS {
        command.arg("--component").arg(components.join(format!("{server}.wasm")));
    }
    let output = match output {
        Some(path) => path.to_owned(),
        None => home.target.join("peers.json"),
    };
    run(command.arg("--output").arg(&output)).context("the comparison failed")?;
    eprintln!("{}", output.display());
    Ok(())
}
