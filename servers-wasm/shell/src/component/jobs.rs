//! Programs: the shell carries bytes between its session and their standard streams until they
//! have ended.
//!
//! A program in the foreground gets the lines that are entered; Ctrl-D closes its input, Ctrl-C
//! kills it. Input that it does not read waits in its pipe and then here, up to [`INPUT_LIMIT`]
//! bytes; more is dropped, so that Ctrl-C always gets through. Programs in the background have no
//! input; what they write is shown as it comes. So is the end of a swap in the background.

use super::atoll::io::pipes;
use super::atoll::supervision::servers::{self, Task};
use super::atoll::supervision::swapping::Transaction;
use super::atoll::supervision::types::Error;
use super::services::{failure, programs};
use super::session::{Gone, Session};
use super::swaps::Background;
use super::wasi::io::poll::{self, Pollable};
use super::wasi::io::streams::{InputStream, OutputStream};
use crate::command::Place;
use crate::input::Entry;
use crate::model::Exit;
use crate::{PROMPT, views};

/// Bytes in each of a program's pipes.
const PIPE_SIZE: u32 = 8192;
/// Most bytes moved at once.
const PIECE: u64 = 4096;
/// Most bytes of input that wait for a program.
const INPUT_LIMIT: usize = 16 * 1024;
/// Takes the prompt off the display.
const ERASE_ROW: &str = "\r\x1b[K";

/// The programs and the swaps in the background.
#[derive(Default)]
pub(super) struct Jobs {
    background: Vec<Job>,
    swaps: Vec<Background>,
}

impl Jobs {
    /// Waits for the next thing that the operator enters and shows what comes from the background.
    pub(super) fn next_entry(&mut self, session: &mut Session) -> Result<Entry, Gone> {
        loop {
            if let Some(entry) = session.take_entry() {
                return Ok(entry);
            }
            if self.wait(session, None) {
                session.read_input()?;
            }
            let mut text = self.collect();
            if !text.is_empty() {
                text.splice(..0, ERASE_ROW.bytes());
                text.extend_from_slice(PROMPT.as_bytes());
                session.write(&text)?;
            }
        }
    }

    /// Waits until that pollable is ready and shows what comes from the background meanwhile. Ends
    /// early with true when Ctrl-C is pressed; lines that are entered wait.
    pub(super) fn wait_beside(
        &mut self,
        session: &mut Session,
        source: &Pollable,
    ) -> Result<bool, Gone> {
        while !source.ready() {
            let mut sources = self.pollables(session, None);
            sources.push(source);
            if poll::poll(&sources).contains(&0) {
                session.read_input()?;
            }
            session.write(&self.collect())?;
            if session.take_interrupt() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs a program: to its end in the foreground, and reports how it ended if it did not
    /// succeed.
    pub(super) fn run(
        &mut self,
        session: &mut Session,
        program: &str,
        arguments: &[String],
        place: Place,
    ) -> Result<(), Gone> {
        let mut job = match Job::start(program, arguments, place) {
            Ok(job) => job,
            Err(reason) => return session.print_line(&reason),
        };
        if place == Place::Background {
            session.print_line(&views::in_background(&job.name))?;
            self.background.push(job);
            return Ok(());
        }
        loop {
            if self.wait(session, Some(&job)) {
                session.read_input()?;
                while let Some(entry) = session.take_entry() {
                    job.take(entry);
                }
            }
            session.write(&self.collect())?;
            let mut text = Vec::new();
            let ended = job.carry(&mut text);
            session.write(&text)?;
            if let Some(exit) = ended {
                return session.print(&views::exit(program, &exit));
            }
        }
    }

    /// What the background has to show; programs that ended are let go.
    fn collect(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        self.background.retain_mut(|job| {
            let ended = job.carry(&mut text);
            if let Some(exit) = &ended {
                text.extend_from_slice(views::background_exit(&job.name, exit).as_bytes());
            }
            ended.is_none()
        });
        self.swaps.retain_mut(|swap| {
            let end = swap.end();
            text.extend(end.iter().flat_map(|end| end.bytes()));
            end.is_none()
        });
        text
    }

    /// Adds a swap, of which the end will be shown.
    pub(super) fn add_swap(&mut self, transaction: Transaction) -> Result<(), String> {
        self.swaps.push(Background::new(transaction)?);
        Ok(())
    }

    /// Waits until the session, a program or a swap has something to do; says whether the session
    /// has input.
    fn wait(&self, session: &Session, foreground: Option<&Job>) -> bool {
        session.has_entries() || poll::poll(&self.pollables(session, foreground)).contains(&0)
    }

    /// What the session, which is the first, the programs and the swaps wait for.
    fn pollables<'a>(
        &'a self,
        session: &'a Session,
        foreground: Option<&'a Job>,
    ) -> Vec<&'a Pollable> {
        let mut pollables = vec![session.input_pollable()];
        for job in self.background.iter().chain(foreground) {
            pollables.push(&job.finished);
            pollables.extend(job.sources.iter().map(|source| &source.pollable));
            let sink = job.sink.as_ref().filter(|_| !job.pending.is_empty());
            pollables.extend(sink.map(|sink| &sink.pollable));
        }
        pollables.extend(self.swaps.iter().map(|swap| &swap.changed));
        pollables
    }
}

/// A stream that the shell reads. The pollable is dropped before its stream.
struct Source {
    pollable: Pollable,
    stream: InputStream,
}

/// A program's standard input, until it is closed. The pollable is dropped before its stream.
struct Sink {
    pollable: Pollable,
    stream: OutputStream,
}

/// A running program. It ends when this is dropped.
struct Job {
    name: String,
    finished: Pollable,
    task: Task,
    /// Standard output and error, as long as they are open.
    sources: Vec<Source>,
    sink: Option<Sink>,
    /// What waits for room in the sink.
    pending: Vec<u8>,
    /// Whether the sink closes once nothing is pending.
    at_end: bool,
}

impl Job {
    fn start(program: &str, arguments: &[String], place: Place) -> Result<Self, String> {
        let no_pipe = |_| String::from("no room for the program's pipes");
        let (stdin, writer) = pipes::create(PIPE_SIZE).map_err(no_pipe)?;
        let (output, stdout) = pipes::create(PIPE_SIZE).map_err(no_pipe)?;
        let (errors, stderr) = pipes::create(PIPE_SIZE).map_err(no_pipe)?;
        let task =
            servers::run(program, arguments, stdin, stdout, stderr).map_err(
                |error| match error {
                    Error::NotFound(_) => {
                        views::no_program(program, &programs().unwrap_or_default())
                    }
                    other => failure(other),
                },
            )?;
        let source = |stream: InputStream| Source { pollable: stream.subscribe(), stream };
        // Without a writer the program finds its input at the end.
        let sink = (place == Place::Foreground)
            .then(|| Sink { pollable: writer.subscribe(), stream: writer });
        Ok(Self {
            name: task.name().map_err(failure)?,
            finished: task.finished().map_err(failure)?,
            task,
            sources: vec![source(output), source(errors)],
            sink,
            pending: Vec::new(),
            at_end: false,
        })
    }

    /// Hands over what was entered.
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Interrupt => self.kill(),
            Entry::End => self.at_end = true,
            Entry::Line(line) => {
                if !self.at_end && self.pending.len() + line.len() < INPUT_LIMIT {
                    self.pending.extend_from_slice(line.as_bytes());
                    self.pending.push(b'\n');
                }
            }
        }
    }

    /// Moves what can be moved, output to `text`; says how the program ended once it has.
    fn carry(&mut self, text: &mut Vec<u8>) -> Option<Exit> {
        self.write_input();
        let ended = if self.finished.ready() { self.ended() } else { None };
        // Once the program has ended, all that it wrote is in the pipes.
        while self.read_output(text) && ended.is_some() {}
        ended
    }

    /// How the program ended, if it did. When the supervisor ended, the next one is asked.
    fn ended(&mut self) -> Option<Exit> {
        let unknown = |message: String| Some(Exit { completed: false, code: 0, message });
        let exit = match self.task.exit() {
            Err(Error::PeerRestarted) => match self.attach() {
                Ok(()) => self.task.exit(),
                Err(error) => Err(error),
            },
            exit => exit,
        };
        match exit {
            Ok(Some(status)) => Some(Exit {
                completed: status.completed,
                code: status.code,
                message: status.message,
            }),
            Ok(None) => match self.task.finished() {
                Ok(finished) => {
                    self.finished = finished;
                    None
                }
                // Asked again at once.
                Err(_) => None,
            },
            Err(Error::PeerRestarted) => None,
            Err(Error::NotFound(_)) => unknown(String::from("the supervisor lost it")),
            Err(other) => unknown(failure(other)),
        }
    }

    /// Holds the program by the supervisor that goes on in the place of another one.
    fn attach(&mut self) -> Result<(), Error> {
        self.task = servers::attach(&self.name)?;
        Ok(())
    }

    fn kill(&mut self) {
        if let Err(Error::PeerRestarted) = self.task.kill()
            && self.attach().is_ok()
        {
            // If that fails too, the operator tries again.
            let _ = self.task.kill();
        }
    }

    fn write_input(&mut self) {
        while let Some(sink) = self.sink.as_ref().filter(|_| !self.pending.is_empty()) {
            let room = match sink.stream.check_write() {
                Ok(0) => return,
                Ok(room) => usize::try_from(room).unwrap_or(usize::MAX).min(self.pending.len()),
                Err(_) => {
                    self.close_input();
                    return;
                }
            };
            let rest = self.pending.split_off(room);
            let piece = std::mem::replace(&mut self.pending, rest);
            if sink.stream.write(&piece).is_err() {
                self.close_input();
            }
        }
        if self.at_end {
            self.close_input();
        }
    }

    /// The program no longer reads, or has read all there is.
    fn close_input(&mut self) {
        self.sink = None;
        self.pending.clear();
    }

    /// Takes a piece of each stream; says whether there was anything. Closed streams are let go.
    fn read_output(&mut self, text: &mut Vec<u8>) -> bool {
        let before = text.len();
        self.sources.retain(|source| match source.stream.read(PIECE) {
            Ok(bytes) => {
                text.extend_from_slice(&bytes);
                true
            }
            Err(_) => false,
        });
        text.len() > before
    }
}
