//! `cargo xtask conformance`: runs the suites of the core specification, of the component model and
//! of this repository.
//!
//! `tests/wast` turns a suite into an archive of scripts and executes it on the host; [`kernel`]
//! boots the same archive in a domain, and both must come to the same for every directive.
//! [`reference`] compares the core specification's suite with wasmi's own runner. [`report`] reads
//! what they print.

mod kernel;
mod reference;
mod report;

use crate::check;
use anyhow::{Context, Result, ensure};
use atoll::home::Home;
use atoll::process::{run, step};
use atoll_scenarios::Summary;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the not-yet lists are.
const LISTS: &str = "tests/conformance/not-yet";

/// Which suites, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A folder with `.wast` files, such as `test` of the repository WebAssembly/component-model;
    /// without it, the core specification's suite and this repository's own
    folder: Option<PathBuf>,
    /// Runs them in a booted kernel too, and compares
    #[arg(long)]
    kernel: bool,
    /// Only files whose names begin like this
    #[arg(long, default_value = "")]
    only: String,
}

/// A set of files.
#[derive(Clone, Debug)]
struct Suite {
    /// What it is called, on the terminal and in file names.
    name: &'static str,
    /// What `tests/wast` knows it by.
    source: PathBuf,
    /// Its not-yet list.
    list: PathBuf,
}

impl Suite {
    fn core(home: &Home) -> Self {
        Self { name: "core", source: "core".into(), list: list(home, "core.txt") }
    }

    fn own(home: &Home) -> Self {
        let source = home.root.join("tests/conformance");
        Self { name: "own", source, list: list(home, "own.txt") }
    }

    fn folder(home: &Home, folder: &Path) -> Result<Self> {
        let list = list(home, "component-model.txt");
        Ok(Self { name: "folder", source: home.path(folder)?, list })
    }
}

fn list(home: &Home, name: &str) -> PathBuf {
    home.root.join(LISTS).join(name)
}

/// Runs the suites and prints the line that sums up, last and alone.
pub(crate) fn conformance(home: &Home, options: &Options) -> Result<()> {
    let suites = match &options.folder {
        Some(folder) => vec![Suite::folder(home, folder)?],
        None => vec![Suite::core(home), Suite::own(home)],
    };
    let mut summary = Summary::default();
    for suite in &suites {
        summary.add(suite_once(home, suite, &options.only, options.kernel)?);
    }
    check::report(summary)
}

/// What `make test` runs: the suites that need no folder, on the host and in the kernel. Each counts
/// as one test.
pub(crate) fn test(home: &Home) -> Result<Summary> {
    let mut summary = Summary::default();
    for suite in [Suite::own(home), Suite::core(home)] {
        let outcome = suite_once(home, &suite, "", true)?;
        summary.add(match outcome.failed {
            0 => Summary { passed: 1, ..Summary::default() },
            _ => Summary { failed: 1, ..Summary::default() },
        });
    }
    Ok(summary)
}

/// Runs a suite on the host, and in the kernel if that is wanted. Each difference counts as a
/// failure.
fn suite_once(home: &Home, suite: &Suite, only: &str, in_kernel: bool) -> Result<Summary> {
    let archive = home.target.join("conformance").join(format!("{}.script", suite.name));
    let [host, recording] = on_host(home, suite, only, &archive)?;
    host.failures.iter().for_each(|failure| println!("  {failure}"));
    println!("{} on the host: {}", suite.name, host.line());
    let mut summary = host.summary;
    summary.failed += host.differences(&recording, "with calls recorded");
    if suite.name == "core" && only.is_empty() {
        summary.failed += reference::differences(home, &host)?;
    }
    if in_kernel {
        let transcript =
            home.target.join("scenarios").join(format!("conformance-{}.log", suite.name));
        let [inside, recording] = kernel::run(home, &archive, &transcript)?;
        println!("{} in the kernel: {}", suite.name, inside.line());
        summary.failed += host.differences(&inside, "in the kernel");
        summary.failed += host.differences(&recording, "in the kernel with calls recorded");
    }
    Ok(summary)
}

/// Makes the archive of a suite and executes it on the host.
fn on_host(home: &Home, suite: &Suite, only: &str, archive: &Path) -> Result<[Report; 2]> {
    if let Some(folder) = archive.parent() {
        std::fs::create_dir_all(folder)?;
    }
    step("building the runner");
    run(home.plain_cargo("build").args(["--quiet", "-p", "atoll-wast"]))?;
    let mut command = Command::new(home.target.join("debug/atoll-wast"));
    command.arg(&suite.source).arg("--list").arg(&suite.list).arg("--out").arg(archive);
    command.args(["--only", only]);
    output(&mut command).and_then(|text| Report::read_both(&text))
}

/// What a program prints; that it went well is its status.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} failed ({})", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
