//! `cargo xtask run`: a system of the repository in QEMU.

use crate::check;
use anyhow::Result;
use atoll::artifacts;
use atoll::home::Home;
use std::path::PathBuf;

/// How to run a system.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// System description
    #[arg(long, default_value = atoll::DEFAULT_SYSTEM)]
    system: PathBuf,
    #[command(flatten)]
    machine: atoll::run::Options,
}

/// Boots and returns when QEMU ends.
pub(crate) fn run(home: &Home, options: &Options) -> Result<()> {
    let system = home.path(&options.system)?;
    atoll::run::run(&check::built(home)?, &artifacts::kernel(home), &system, &options.machine, None)
}
