//! `atoll-wast SUITE --list FILE --out FILE`: reads the `.wast` files of a suite, writes them as an
//! archive of scripts, and executes it on the host.
//!
//! [`suite`] finds the files, [`not_yet`] the directives that are known not to pass, [`convert`]
//! and [`values`] turn text into scripts. The report is that of `atoll_conformance::run`; the
//! archive is for whoever executes it elsewhere. `cargo xtask conformance` does both.

#![forbid(unsafe_code)]

mod convert;
mod not_yet;
mod suite;
mod values;

use anyhow::{Context, Result, anyhow, ensure};
use atoll_conformance::{
    Report, run,
    script::{self, File},
};
use clap::Parser;
use not_yet::NotYet;
use std::{fs, path::PathBuf, thread};
use suite::Suite;

/// Components nest calls through the host, and debug builds need much stack for each.
const STACK: usize = 256 << 20;

/// Turns `.wast` files into scripts and executes them.
#[derive(Debug, Parser)]
struct Arguments {
    /// A folder, or `core` for the suite of the core specification
    suite: Suite,
    /// The not-yet list
    #[arg(long)]
    list: PathBuf,
    /// Where the archive of scripts goes
    #[arg(long)]
    out: PathBuf,
    /// Only files whose names begin like this
    #[arg(long, default_value = "")]
    only: String,
    /// Prints lines for the not-yet list, without their reasons, instead of a report
    #[arg(long)]
    draft: bool,
}

/// Prints the report.
#[derive(Default)]
struct Printed {
    quiet: bool,
    lines: Vec<String>,
}

impl Report for Printed {
    fn line(&mut self, text: &str) {
        if self.quiet {
            self.lines.push(text.to_owned());
        } else {
            println!("{text}");
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let worker = thread::Builder::new().stack_size(STACK).spawn(move || perform(&arguments))?;
    worker.join().map_err(|_| anyhow!("the run panicked"))?
}

fn perform(arguments: &Arguments) -> Result<()> {
    let text = fs::read_to_string(&arguments.list)
        .with_context(|| format!("cannot read {}", arguments.list.display()))?;
    let mut not_yet = NotYet::read(text.leak())
        .with_context(|| format!("{} is no not-yet list", arguments.list.display()))?;
    let files: Vec<File<'_>> = arguments
        .suite
        .files()?
        .into_iter()
        .filter(|(name, _)| name.starts_with(&arguments.only))
        .map(|(name, text)| convert::file(name, text, not_yet.take(name)))
        .collect();
    ensure!(!files.is_empty(), "the suite has no file `{}*.wast`", arguments.only);
    for name in not_yet.rest().filter(|name| name.starts_with(&arguments.only)) {
        eprintln!("note: {name} is on the not-yet list, but not in the suite");
    }
    let archive = script::archive(&files);
    fs::write(&arguments.out, &archive)
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    let mut report = Printed { quiet: arguments.draft, ..Printed::default() };
    run(&archive, &mut report)?;
    if arguments.draft {
        not_yet::draft(&files, &report.lines).iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}
