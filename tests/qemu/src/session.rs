//! A running machine and its serial console.

use crate::clean::Cleaner;
use crate::{Images, Machine, PROMPT};
use anyhow::{Context, Result, bail, ensure};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one wait may take, unless a scenario says otherwise. It is far above what any step
/// takes on a busy machine: it ends tests that hang, it does not judge speed.
const LIMIT: Duration = Duration::from_secs(90);

/// A machine that runs. Dropping it switches it off.
pub struct Session {
    qemu: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    cleaner: Cleaner,
    /// What was said since the last match.
    heard: String,
    transcript: File,
    limit: Duration,
    folder: TempDir,
}

impl Session {
    pub(crate) fn start(machine: &Machine, images: &dyn Images, transcript: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("atoll-").tempdir()?;
        let machine = machine.clone().prepend("exit=isa-debug");
        let monitor = format!("unix:{},server=on,wait=off", monitor(folder.path()).display());
        // QEMU gets a signal when this process goes, however it goes.
        let mut qemu = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
            .args(machine.command(images, folder.path())?)
            .args(["-display", "none", "-serial", "stdio", "-no-reboot", "-monitor", &monitor])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("cannot start qemu-system-x86_64 (package qemu-system-x86)")?;
        let input = qemu.stdin.take().context("QEMU has no standard input")?;
        let stdout = qemu.stdout.take().context("QEMU has no standard output")?;
        let transcript = OpenOptions::new().create(true).append(true).open(transcript)?;
        Ok(Self {
            qemu,
            input,
            output: listen(stdout),
            cleaner: Cleaner::default(),
            heard: String::new(),
            transcript,
            limit: LIMIT,
            folder,
        })
    }

    /// Changes the limit of each following wait.
    pub fn limit(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// Waits for a text and gives all that was said up to its end. Steering of the terminal is
    /// left out.
    ///
    /// # Errors
    /// If the text does not come within the limit or QEMU ends before.
    pub fn expect(&mut self, text: &str) -> Result<String> {
        self.expect_any(&[text]).map(|(_, heard)| heard)
    }

    /// Waits for the first of several texts; gives which one came, and all up to its end.
    ///
    /// # Errors
    /// As [`Session::expect`].
    pub fn expect_any(&mut self, texts: &[&str]) -> Result<(usize, String)> {
        let end = Instant::now() + self.limit;
        loop {
            let found = texts.iter().enumerate().filter_map(|(index, text)| {
                self.heard.find(text).map(|at| (at + text.len(), index))
            });
            if let Some((to, index)) = found.min() {
                let rest = self.heard.split_off(to);
                return Ok((index, std::mem::replace(&mut self.heard, rest)));
            }
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.hear(&bytes)?,
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "expected {texts:?}, which did not come in {:?}; heard last: {:?}",
                        self.limit,
                        self.tail()
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.qemu.wait()?;
                    bail!(
                        "expected {texts:?}, but QEMU ended ({status}); heard last: {:?}",
                        self.tail()
                    )
                }
            }
        }
    }

    /// How often a text was said since the last match; does not wait for it.
    ///
    /// # Errors
    /// If the transcript cannot be written.
    pub fn times_said(&mut self, text: &str) -> Result<usize> {
        while let Ok(bytes) = self.output.try_recv() {
            self.hear(&bytes)?;
        }
        Ok(self.heard.matches(text).count())
    }

    /// Types a text, as it is.
    ///
    /// # Errors
    /// If QEMU is gone.
    pub fn send(&mut self, text: &str) -> Result<&mut Self> {
        self.input.write_all(text.as_bytes()).context("QEMU does not listen")?;
        self.input.flush()?;
        Ok(self)
    }

    /// Types a command and waits for the next prompt; gives what came between.
    ///
    /// # Errors
    /// As [`Session::expect`].
    pub fn command(&mut self, command: &str) -> Result<String> {
        self.send(&format!("{command}\r"))?;
        self.expect(command)?;
        let mut heard = self.expect(PROMPT)?;
        heard.truncate(heard.len() - PROMPT.len());
        Ok(heard.trim_matches('\n').to_owned())
    }

    /// Gives QEMU's monitor a command, such as `sendkey a` or `screendump FILE`, and gives what it
    /// answers, with the command itself as the monitor echoes it.
    ///
    /// # Errors
    /// If the monitor cannot be reached.
    pub fn monitor(&mut self, command: &str) -> Result<String> {
        let mut monitor = UnixStream::connect(monitor(self.folder.path()))?;
        monitor.set_read_timeout(Some(self.limit))?;
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
        let status = self.ended()?;
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
        let status = self.ended()?;
        ensure!(status.success(), "expected a reset, but QEMU ended with {}", kernel_code(status));
        Ok(())
    }

    /// Waits until QEMU ends by itself.
    fn ended(mut self) -> Result<ExitStatus> {
        let end = Instant::now() + self.limit;
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.hear(&bytes)?,
                Err(RecvTimeoutError::Disconnected) => return Ok(self.qemu.wait()?),
                Err(RecvTimeoutError::Timeout) => bail!(
                    "expected the end, which did not come in {:?}; heard last: {:?}",
                    self.limit,
                    self.tail()
                ),
            }
        }
    }

    /// The folder of this session, for files that belong to it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<()> {
        let before = self.heard.len();
        self.cleaner.clean(bytes, &mut self.heard);
        self.transcript.write_all(&self.heard.as_bytes()[before..])?;
        Ok(())
    }

    /// The end of what was said and not matched.
    fn tail(&self) -> &str {
        let start = self.heard.len().saturating_sub(300);
        let start = (start..).find(|&at| self.heard.is_char_boundary(at)).unwrap_or(0);
        &self.heard[start..]
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        let _ = writeln!(self.transcript, "\n--- switched off ---");
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

/// Passes on what QEMU says until it ends.
fn listen(mut stdout: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = stdout.read(&mut buffer) {
            if sender.send(buffer[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
