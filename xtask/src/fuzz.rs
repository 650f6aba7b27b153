//! Fuzzing and Miri: what looks for faults longer than a test run may take.
//!
//! The targets of `fuzz/` are libFuzzer programs, as `cargo fuzz` knows them. Here they are built by
//! the pinned compiler, which has what it takes (`docs/adr/0065-fuzzing-without-nightly.md`): the
//! coverage counters are an LLVM pass, AddressSanitizer comes with it, and libFuzzer is a crate.

use anyhow::{Context, Result, bail};
use atoll::home::Home;
use atoll::process::{run, step};
use atoll_scenarios::{Summary, side_by_side};
use clap::Args;
use std::env;
use std::ffi::OsString;
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
    /// Does what `cargo xtask test` does: some inputs for each target, always the same
    #[arg(long, conflicts_with_all = ["seconds", "runs", "target"])]
    pub(crate) bounded: bool,
}

/// Builds the targets and runs one or all.
pub(crate) fn fuzz(home: &Home, options: &Options) -> Result<()> {
    let mut targets = targets(home)?;
    if let Some(wanted) = &options.target {
        targets.retain(|target| target == wanted);
        if targets.is_empty() {
            bail!("there is no target `{wanted}` in fuzz/fuzz_targets");
        }
    }
    let programs = build(home)?;
    if let (Some(target), Some(file)) = (&options.target, &options.file) {
        return run(Command::new(programs.join(target)).arg(file));
    }
    let mut failed = Vec::new();
    for target in targets {
        if let Err(error) = search(home, &programs, &target, options) {
            println!("{target}: {error:#}");
            failed.push(target);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("found something: {}", failed.join(", ")) }
}

/// The bounded run that is part of all tests: the seeds and inputs near them, the same ones each
/// time.
pub(crate) fn bounded(home: &Home) -> Result<Summary> {
    let targets = targets(home)?;
    if !has_compiler() {
        println!("fuzzing: skipped: it takes a C++ compiler, package g++");
        return Ok(Summary { skipped: targets.len(), ..Summary::default() });
    }
    let programs = build(home)?;
    let summary = side_by_side(&targets, |target| match run_bounded(home, &programs, target) {
        Ok(()) => Summary { passed: 1, ..Summary::default() },
        Err(error) => {
            println!("fuzzing {target}: FAILED: {error:#}");
            Summary { failed: 1, ..Summary::default() }
        }
    });
    println!("fuzzing: {} passed, {} failed", summary.passed, summary.failed);
    Ok(summary)
}

/// Builds what the bounded run takes, if it can run here.
pub(crate) fn prepare(home: &Home) -> Result<()> {
    if has_compiler() { build(home).map(drop) } else { Ok(()) }
}

/// Whether there is the compiler that libFuzzer is built by.
fn has_compiler() -> bool {
    let compiler = env::var_os("CXX").unwrap_or_else(|| OsString::from("c++"));
    Command::new(&compiler).arg("--version").output().is_ok()
}

/// How many inputs the bounded run gives a target, seeds among them: a number and no time, so that
/// a slow machine does the same. Most take some 60 ms of processor time for one.
fn bounded_runs(target: &str) -> u32 {
    match target {
        "component" => 500,
        "lifting" => 10_000,
        _ => 100,
    }
}

fn run_bounded(home: &Home, programs: &Path, target: &str) -> Result<()> {
    // Empty, so that what earlier runs found changes nothing.
    let kept = home.target.join("fuzz/bounded").join(target);
    if kept.exists() {
        fs::remove_dir_all(&kept)?;
    }
    let mut program = program(home, programs, target, &kept)?;
    program.arg(format!("-runs={}", bounded_runs(target)));
    // No input is too slow: what guests do is metered, and machines differ.
    program.args(["-seed=1", "-timeout=0", "-verbosity=0"]);
    let output = program.output().context("cannot run a fuzz target")?;
    if !output.status.success() {
        print!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        bail!(
            "found something, which `cargo xtask fuzz {target} FILE` runs again: {}",
            output.status
        );
    }
    Ok(())
}

fn targets(home: &Home) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(home.root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a file without a name")?;
        targets.push(name.to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}

/// Builds all targets; gives back the folder of the programs.
fn build(home: &Home) -> Result<PathBuf> {
    step("building the fuzz targets");
    let target = home.target.join("fuzz");
    let mut cargo = home.plain_cargo("build");
    cargo
        .current_dir(home.root.join("fuzz"))
        .args(["--quiet", "--release", "--locked", "--bins", "--target", MACHINE])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    run(&mut cargo).context("libFuzzer takes a C++ compiler: package g++")?;
    Ok(target.join(MACHINE).join("release"))
}

/// Lets libFuzzer search, from the seeds and from what it found before.
fn search(home: &Home, programs: &Path, target: &str, options: &Options) -> Result<()> {
    step(&format!("fuzzing {target}"));
    let kept = home.target.join("fuzz/corpus").join(target);
    let mut program = program(home, programs, target, &kept)?;
    match options.runs {
        Some(runs) => program.arg(format!("-runs={runs}")),
        None => program.arg(format!("-max_total_time={}", options.seconds)),
    };
    run(program.args(["-timeout=30", "-print_final_stats=1"]))
}

/// A target's program, which begins with the inputs in `kept` and the seeds, and writes those that
/// reach something new into `kept`.
fn program(home: &Home, programs: &Path, target: &str, kept: &Path) -> Result<Command> {
    let found = home.target.join("fuzz/found");
    fs::create_dir_all(kept)?;
    fs::create_dir_all(&found)?;
    let mut program = Command::new(programs.join(target));
    program.arg(kept);
    let seeds = home.root.join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        program.arg(seeds);
    }
    program
        .arg(format!("-artifact_prefix={}/{target}-", found.display()))
        .args(["-rss_limit_mb=2048", "-len_control=0"])
        .arg(if target == "component" { "-max_len=16384" } else { "-max_len=1024" });
    Ok(program)
}

/// Runs the runtime's pure modules under Miri, which only a nightly compiler has: descriptors and
/// names, handle tables. What needs the interpreter takes minutes for a test.
pub(crate) fn miri(home: &Home) -> Result<()> {
    for tests in [&["--lib"][..], &["--test", "canonical", "--", "handles::"]] {
        let mut cargo = Command::new("rustup");
        cargo
            .current_dir(&home.root)
            .args(["run", "nightly", "cargo", "miri", "test", "--package", "atoll-runtime"])
            .args(tests)
            .env("CARGO_TARGET_DIR", home.target.join("miri"))
            .env("MIRIFLAGS", "-Zmiri-strict-provenance -Zmiri-env-forward=PROPTEST_CASES")
            .env("PROPTEST_CASES", env::var("PROPTEST_CASES").unwrap_or_else(|_| "16".into()));
        run(&mut cargo)
            .context("set up by `rustup toolchain install nightly --component miri,rust-src`")?;
    }
    Ok(())
}
