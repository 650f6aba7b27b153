//! `atoll-native COMPONENT ARGUMENTS...`: runs a program on the host by the same runtime that runs
//! it in a domain of Atoll, so that the two can be compared.
//!
//! [`host`] gives it arguments, standard output and a clock that stands still: what it computes
//! and how many instructions that takes depends on nothing but the arguments. Every other import
//! links and fails when it is called.

#![forbid(unsafe_code)]

mod host;

use anyhow::{Context, Result, anyhow, bail};
use atoll_runtime::{Component, Instance, RuntimeLimits};
use std::{env, fs};

/// Those of a program in the system description.
const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 16 << 20,
    table_elements: 10_000,
    component_bytes: 4 << 20,
    handles: 1_000,
    ..RuntimeLimits::DEFAULT
};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let path = arguments.first().context("usage: atoll-native COMPONENT ARGUMENTS...")?;
    let bytes = fs::read(path).with_context(|| format!("cannot read {path}"))?;
    run(&bytes, host::Native::new(arguments.clone()))
}

/// Runs a program to its end.
fn run(bytes: &[u8], mut host: host::Native) -> Result<()> {
    let component = Component::parse(bytes, &LIMITS)?;
    let linked = component.link(&mut host)?;
    let mut instance = Instance::instantiate(linked, host, &LIMITS)
        .map_err(|trap| anyhow!("trapped at the start: {}", trap.message()))?;
    match instance.run() {
        None => bail!("the component exports no `wasi:cli/run`"),
        Some(Err(trap)) => bail!("trapped: {}", trap.message()),
        Some(Ok(Err(()))) => bail!("the program failed"),
        Some(Ok(Ok(()))) => Ok(()),
    }
}
