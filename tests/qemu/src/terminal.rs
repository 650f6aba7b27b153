//! A program that runs, and the terminal that it is talked to by: QEMU or one that runs QEMU, with
//! the serial console of a machine.

use crate::PROMPT;
use crate::clean::Cleaner;
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long one wait may take, unless a scenario says otherwise. It is far above what any step
/// takes on a busy machine: it ends tests that hang, it does not judge speed.
const LIMIT: Duration = Duration::from_secs(90);
/// How long what a program has started may take to end after it.
const FOLLOW: Duration = Duration::from_secs(10);

/// A program that runs. Dropping it ends it.
pub struct Terminal {
    name: String,
    program: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    cleaner: Cleaner,
    /// What was said since the last match.
    heard: String,
    transcript: File,
    limit: Duration,
}

impl Terminal {
    /// Starts a program. What it writes to its standard output and its standard error stands on the
    /// terminal in the order in which it came.
    pub(crate) fn start(program: &Command, transcript: &Path) -> Result<Self> {
        let name = program.get_program().to_string_lossy().into_owned();
        let transcript = OpenOptions::new().create(true).append(true).open(transcript)?;
        let (output, writer) = io::pipe()?;
        let mut bound = bound(program);
        bound.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
        let mut program = bound.spawn().context("cannot run setpriv (package util-linux)")?;
        // The end of the output is seen when nobody else can write any more.
        drop(bound);
        let input = program.stdin.take().with_context(|| format!("{name} has no input"))?;
        Ok(Self {
            name,
            program,
            input,
            output: listen(output),
            cleaner: Cleaner::default(),
            heard: String::new(),
            transcript,
            limit: LIMIT,
        })
    }

    /// Changes the limit of each following wait.
    pub fn limit(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// How long each wait may take.
    pub(crate) fn patience(&self) -> Duration {
        self.limit
    }

    /// Waits for a text and gives all that was said up to its end. Steering of the terminal is
    /// left out.
    ///
    /// # Errors
    /// If the text does not come within the limit or the program ends before.
    pub fn expect(&mut self, text: &str) -> Result<String> {
        self.expect_any(&[text]).map(|(_, heard)| heard)
    }

    /// Waits for the first of several texts; gives which one came, and all up to its end.
    ///
    /// # Errors
    /// As [`Terminal::expect`].
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
                    let status = self.program.wait()?;
                    bail!(
                        "expected {texts:?}, but {} ended ({status}); heard last: {:?}",
                        self.name,
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
    /// If the program is gone.
    pub fn send(&mut self, text: &str) -> Result<&mut Self> {
        let Self { name, input, .. } = self;
        input.write_all(text.as_bytes()).with_context(|| format!("{name} does not listen"))?;
        input.flush()?;
        Ok(self)
    }

    /// Types a command and waits for the next prompt; gives what came between.
    ///
    /// # Errors
    /// As [`Terminal::expect`].
    pub fn command(&mut self, command: &str) -> Result<String> {
        self.send(&format!("{command}\r"))?;
        self.expect(command)?;
        let mut heard = self.expect(PROMPT)?;
        heard.truncate(heard.len() - PROMPT.len());
        Ok(heard.trim_matches('\n').to_owned())
    }

    /// Waits until the program ends by itself, and what it has started with it.
    ///
    /// # Errors
    /// If that does not come within the limit.
    pub fn expect_end(mut self) -> Result<ExitStatus> {
        let end = Instant::now() + self.limit;
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.hear(&bytes)?,
                Err(RecvTimeoutError::Disconnected) => return Ok(self.program.wait()?),
                Err(RecvTimeoutError::Timeout) => bail!(
                    "expected the end of {}, which did not come in {:?}; heard last: {:?}",
                    self.name,
                    self.limit,
                    self.tail()
                ),
            }
        }
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

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.program.kill();
        let _ = self.program.wait();
        // What it has started may still use the folder that goes next.
        let end = Instant::now() + FOLLOW;
        while self.output.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
        let _ = writeln!(self.transcript, "\n--- switched off ---");
    }
}

/// A program that gets a signal when this process goes, however it goes.
fn bound(program: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL"]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(folder) = program.get_current_dir() {
        bound.current_dir(folder);
    }
    bound
}

/// Passes on what is said until it ends.
fn listen(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = output.read(&mut buffer) {
            if sender.send(buffer[..len].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Terminal {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        Terminal::start(&shell, Path::new("/dev/null")).unwrap()
    }

    #[test]
    fn output_and_errors_stand_in_their_order() {
        let mut terminal = shell("echo one; echo two >&2; read word; echo \"three $word\"; exit 4");
        assert_eq!(terminal.expect("two").unwrap(), "one\ntwo");
        terminal.send("times\n").unwrap();
        assert_eq!(terminal.expect_any(&["four", "times"]).unwrap(), (1, "\nthree times".into()));
        assert_eq!(terminal.expect_end().unwrap().code(), Some(4));
    }

    #[test]
    fn an_end_is_no_silence() {
        let said = shell("echo no more; exit 3").expect("less").unwrap_err().to_string();
        assert!(said.contains("sh ended (exit status: 3)") && said.contains("no more"), "{said}");
        let mut silent = shell("exec sleep 1000");
        let said = silent.limit(Duration::from_millis(10)).expect("less").unwrap_err().to_string();
        assert!(said.contains("did not come in 10ms"), "{said}");
    }
}
