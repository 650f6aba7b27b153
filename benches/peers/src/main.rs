//! `atoll-peers`: compares Atoll's component runtime with other component hosts on one machine,
//! in one run, as ratios.
//!
//! [`guests`] makes the components that all hosts run, from the same bytes. [`hosts`] says what a
//! host can do and implements it for Atoll, for wasmtime with its interpreter and with its
//! compiler, and for `wasm_component_layer`. [`cases`] is what is measured, [`measure`] how,
//! [`report`] the table and the JSON file.

#![forbid(unsafe_code)]

mod cases;
mod guests;
mod hosts;
mod measure;
mod report;

use anyhow::{Context, Result};
use clap::Parser;
use std::fs;
use std::path::PathBuf;

/// Compares component hosts.
#[derive(Debug, Parser)]
struct Arguments {
    /// Components that are loaded as well, by path
    #[arg(long = "component")]
    components: Vec<PathBuf>,
    /// Only cases whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Only hosts whose name contains this; Atoll is always there
    #[arg(long, default_value = "")]
    host: String,
    /// Rounds of interleaved measurements
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Milliseconds of processor time that one measurement takes at least
    #[arg(long, default_value_t = 4)]
    batch_ms: u64,
    /// Where the JSON goes
    #[arg(short, long)]
    output: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let guests = guests::build()?;
    let hosts = hosts::all(&arguments.host)?;
    let mut files = Vec::new();
    for path in &arguments.components {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, &*bytes.leak()));
    }
    let plan = measure::Plan { rounds: arguments.rounds, batch_ns: arguments.batch_ms * 1_000_000 };
    let mut figures = Vec::new();
    for case in cases::all(&guests, &files) {
        if !case.name.contains(&arguments.only) {
            continue;
        }
        eprintln!("{}", case.name);
        let mut runs = Vec::new();
        for host in &hosts {
            runs.push((case.prepare)(host.as_ref()).unwrap_or_else(|error| {
                eprintln!("{} cannot do it: {error:#}", host.name());
                None
            }));
        }
        let times = measure::interleaved(&plan, &mut runs)
            .with_context(|| format!("measuring {}", case.name))?;
        figures.push(report::Figure::new(case.name, times));
    }
    let names: Vec<&str> = hosts.iter().map(|host| host.name()).collect();
    print!("{}", report::table(&names, &figures));
    if let Some(path) = &arguments.output {
        let json = report::json(&names, &figures);
        fs::write(path, format!("{json:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
