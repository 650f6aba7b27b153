//! A running machine: its serial console, which is QEMU's terminal, and its monitor.

use crate::terminal::Terminal;
use crate::{Images, Machine};
use anyhow::{Context, Result, ensure};
use std::io::{Read, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use tempfile::TempDir;

/// A machine that runs. Dropping it switches it off.
pub struct Session {
    console: Terminal,
    folder: TempDir,
}

/// A machine is talked to by its console.
impl Deref for Session {
    type Target = Terminal;

    fn deref(&self) -> &Terminal {
        &self.console
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Terminal {
        &mut self.console
    }
}

impl Session {
    pub(crate) fn start(machine: &Machine, images: &dyn Images, transcript: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("atoll-").tempdir()?;
        let machine = machine.clone().prepend("exit=isa-debug");
        let monitor = format!("unix:{},server=on,wait=off", monitor(folder.path()).display());
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(machine.command(images, folder.path())?)
            .args(["-display", "none", "-serial", "stdio", "-no-reboot", "-monitor", &monitor])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
            .current_dir(folder.path());
        Ok(Self { console: Terminal::start(&qemu, transcript)?, folder })
    }

    /// Gives QEMU's monitor a command, such as `sendkey a` or `screendump FILE`, and gives what it
    /// answers, with the command itself as the monitor echoes it.
    ///
    /// # Errors
    /// If the monitor cannot be reached.
    pub fn monitor(&mut self, command: &str) -> Result<String> {
        let mut monitor = UnixStream::connect(monitor(self.folder.path()))?;
        monitor.set_read_timeout(Some(self.console.patience()))?;
        wait_for_monitor(&mut monitor)?;
        writeln!(monitor, "{command}")?;
        wait_for_monitor(&mut monitor)
    }

    /// Waits until the machine switches itself off, and checks the exit code of the kernel.
    ///
    /// # Errors
    /// If it does not end within the limit, or with another code.
    pub fn expect_exit(self, code: i32) -> Result<()> {
        // `isa-debug-exit` makes 2n + 1 of the kernel's n.
        let wanted = code * 2 + 1;
        let status = self.console.expect_end()?;
        ensure!(
            status.code() == Some(wanted),
            "expected exit code {code} of the kernel, but QEMU ended ({})",
            kernel_code(status)
        );
        Ok(())
    }

    /// Waits until the machine resets, which ends QEMU as it is started here.
    ///
    /// # Errors
    /// If it does not reset within the limit, or switches itself off.
    pub fn expect_reset(self) -> Result<()> {
        let status = self.console.expect_end()?;
        ensure!(status.success(), "expected a reset, but QEMU ended with {}", kernel_code(status));
        Ok(())
    }

    /// The folder of this session, for files that belong to it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn monitor(folder: &Path) -> PathBuf {
    folder.join("monitor")
}

fn wait_for_monitor(monitor: &mut UnixStream) -> Result<String> {
    let mut heard = Vec::new();
    while !heard.ends_with(b"(qemu) ") {
        let mut byte = [0];
        monitor.read_exact(&mut byte).context("QEMU's monitor does not answer")?;
        heard.extend(byte);
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

fn kernel_code(status: ExitStatus) -> String {
    match status.code() {
        Some(code) if code % 2 == 1 => format!("exit code {} of the kernel", code / 2),
        _ => status.to_string(),
    }
}
