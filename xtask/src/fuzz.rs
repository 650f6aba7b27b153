//! Fuzzing and Miri: what looks for faults longer than a test run may take.
//!
//! The targets of `fuzz/` are libFuzzer programs, as `cargo fuzz` knows them. Here they are built by
//! the pinned compiler, which has what it takes (`docs/adr/0065-fuzzing-without-nightly.md`): the
//! coverage counters are an LLVM pass, AddressSanitizer comes with it, and libFuzzer is a crate.

use crate::project::{Project, run, step};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The flags that `cargo fuzz` passes, without its debug assertions: they would be wasmi's too.
const FLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    "--cfg",
    "fuzzing",
];
/// Named even where it is the host, so that build scripts are not instrumented.
const MACHINE: &str = "x86_64-unknown-linux-gnu";

/// `cargo xtask fuzz`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Target, a file in fuzz/fuzz_targets; all one after another if there is none
    target: Option<String>,
    /// An input to run once, instead of searching for one
    file: Option<PathBuf>,
    /// How long to search for each target
    #[arg(long, default_value_t = 60, conflicts_with_all = ["runs", "file"])]
    seconds: u64,
    /// How many inputs to run for each target, instead
    #[arg(long, conflicts_with = "file")]
    runs: Option<u64>,
}

/// Builds the targets and runs one or all.
pub(crate) fn fuzz(project: &Project, options: &Options) -> Result<()> {
    let mut targets = targets(project)?;
    if let Some(wanted) = &options.target {
        targets.retain(|target| target == wanted);
        if targets.is_empty() {
            bail!("there is no target `{wanted}` in fuzz/fuzz_targets");
        }
    }
    let programs = build(project)?;
    if let (Some(target), Some(file)) = (&options.target, &options.file) {
        return run(Command::new(programs.join(target)).arg(file));
    }
    let mut failed = Vec::new();
    for target in targets {
        if let Err(error) = search(project, &programs, &target, options) {
            println!("{target}: {error:#}");
            failed.push(target);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("found something: {}", failed.join(", ")) }
}

fn targets(project: &Project) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(project.root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a file without a name")?;
        targets.push(name.to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}

/// Builds all targets; gives back the folder of the programs.
fn build(project: &Project) -> Result<PathBuf> {
    step("building the fuzz targets");
    let target = project.target.join("fuzz");
    let mut cargo = project.plain_cargo("build");
    cargo
        .current_dir(project.root.join("fuzz"))
        .args(["--quiet", "--release", "--locked", "--bins", "--target", MACHINE])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    run(&mut cargo).context("libFuzzer takes a C++ compiler: package g++")?;
    Ok(target.join(MACHINE).join("release"))
}

/// Lets libFuzzer search, from the seeds and from what it found before.
fn search(project: &Project, programs: &Path, target: &str, options: &Options) -> Result<()> {
    step(&format!("fuzzing {target}"));
    let kept = project.target.join("fuzz/corpus").join(target);
    let found = project.target.join("fuzz/found");
    fs::create_dir_all(&kept)?;
    fs::create_dir_all(&found)?;
    let mut program = Command::new(programs.join(target));
    program.arg(&kept);
    let seeds = project.root.join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        program.arg(seeds);
    }
    match options.runs {
        Some(runs) => program.arg(format!("-runs={runs}")),
        None => program.arg(format!("-max_total_time={}", options.seconds)),
    };
    program
        .arg(format!("-artifact_prefix={}/{target}-", found.display()))
        .args(["-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1", "-len_control=0"])
        .arg(if target == "component" { "-max_len=16384" } else { "-max_len=1024" });
    run(&mut program)
}

/// Runs the runtime's pure modules under Miri, which only a nightly compiler has.
pub(crate) fn miri(project: &Project) -> Result<()> {
    let mut cargo = Command::new("rustup");
    cargo
        .current_dir(&project.root)
        .args(["run", "nightly", "cargo", "miri", "test", "--quiet"])
        .args(["--package", "atoll-runtime", "--lib"])
        .env("CARGO_TARGET_DIR", project.target.join("miri"))
        .env("MIRIFLAGS", "-Zmiri-strict-provenance");
    run(&mut cargo)
        .context("set up by `rustup toolchain install nightly --component miri,rust-src`")
}
