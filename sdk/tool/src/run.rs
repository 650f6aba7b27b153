//! A system in QEMU with its console on the terminal.

use anyhow::{Context, Result, bail};
use atoll_scenarios::{Firmware, Images, Machine, Medium};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// The program.
const QEMU: &str = "qemu-system-x86_64";
/// What setpriv ends with if it does not find the program.
const NOT_FOUND: i32 = 127;

/// The machine that a system is run on. No group of arguments: those into which it is flattened have
/// the same name.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Boots from the ISO, through a boot loader
    #[arg(long)]
    iso: bool,
    /// Boots from the ISO under UEFI
    #[arg(long)]
    uefi: bool,
    /// Memory
    #[arg(long, default_value = "256M")]
    memory: String,
    /// Words for the kernel's command line
    #[arg(long, default_value = "")]
    append: String,
    /// Shows the machine's screen in a window
    #[arg(long)]
    display: bool,
    /// Waits for gdb on this port before the first instruction
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "1234")]
    gdb: Option<u16>,
    /// Arguments for QEMU
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Boots a system and returns when QEMU ends. For gdb, the kernel's file has its symbols. The socket,
/// if there is one, is made for the second serial line.
///
/// # Errors
/// If an image does not build, or QEMU is missing or fails.
pub fn run(
    images: &dyn Images,
    kernel: &Path,
    system: &Path,
    options: &Options,
    socket: Option<&Path>,
) -> Result<()> {
    let (medium, firmware) = match (options.iso, options.uefi) {
        (_, true) => (Medium::Cd, Firmware::Uefi),
        (true, false) => (Medium::Cd, Firmware::Bios),
        (false, false) => (Medium::Direct, Firmware::Bios),
    };
    let mut machine = Machine::new(system)
        .by(medium, firmware)
        .memory(&options.memory)
        .append(&options.append)
        .arguments(&options.arguments);
    if let Some(port) = options.gdb {
        machine = machine.debugged(&format!("tcp:127.0.0.1:{port}"));
        eprintln!("QEMU waits for gdb; in another terminal:\n  {}", attach(kernel, port));
    }
    let folder = tempfile::tempdir()?;
    // A machine that nobody waits for any more would keep the terminal.
    let mut qemu = Command::new("setpriv");
    qemu.args(["--pdeathsig", "TERM", QEMU]);
    qemu.args(machine.command(images, folder.path())?);
    // Monitor and serial port share the terminal: Ctrl-A X leaves, Ctrl-A C changes over.
    qemu.args(["-serial", "mon:stdio"]);
    if let Some(socket) = socket {
        qemu.arg("-serial").arg(format!("unix:{},server=on,wait=off", socket.display()));
    }
    if !options.display {
        qemu.args(["-display", "none"]);
    }
    eprintln!("Leave with Ctrl-A X.");
    match qemu.status().context("cannot run setpriv; `make setup` installs it")? {
        status if status.success() => Ok(()),
        status if status.code() == Some(NOT_FOUND) => {
            bail!("cannot run {QEMU}; `make setup` installs it")
        }
        status => bail!("QEMU failed ({status})"),
    }
}

/// The command that attaches gdb to a waiting machine.
fn attach(kernel: &Path, port: u16) -> String {
    format!("gdb '{}' -ex 'target remote localhost:{port}'", kernel.display())
}
