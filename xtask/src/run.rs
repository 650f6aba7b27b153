//! `cargo xtask run`: a system in QEMU with its console on the terminal.

use crate::check::Built;
use crate::project::{Project, run as run_command};
use anyhow::Result;
use atoll_scenarios::{Firmware, Machine, Medium};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// How to run a system.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Boots from the ISO, through a boot loader
    #[arg(long)]
    iso: bool,
    /// Boots from the ISO under UEFI
    #[arg(long)]
    uefi: bool,
    /// System description
    #[arg(long, default_value = crate::DEFAULT_SYSTEM)]
    system: PathBuf,
    /// Memory
    #[arg(long, default_value = "256M")]
    memory: String,
    /// Words for the kernel's command line
    #[arg(long, default_value = "")]
    append: String,
    /// Shows the machine's screen in a window
    #[arg(long)]
    screen: bool,
    /// Arguments for QEMU
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Boots and returns when QEMU ends.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let (medium, firmware) = match (options.iso, options.uefi) {
        (_, true) => (Medium::Cd, Firmware::Uefi),
        (true, false) => (Medium::Cd, Firmware::Bios),
        (false, false) => (Medium::Direct, Firmware::Bios),
    };
    let machine = Machine::new(project.path(&options.system)?)
        .by(medium, firmware)
        .memory(&options.memory)
        .append(&options.append)
        .arguments(&options.arguments);
    let folder = tempfile::tempdir()?;
    let built = Built::new(project)?;
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(machine.command(&built, folder.path())?);
    // Monitor and serial port share the terminal: Ctrl-A X leaves, Ctrl-A C changes over.
    qemu.args(["-serial", "mon:stdio"]);
    if !options.screen {
        qemu.args(["-display", "none"]);
    }
    eprintln!("Leave with Ctrl-A X.");
    run_command(&mut qemu)
}
