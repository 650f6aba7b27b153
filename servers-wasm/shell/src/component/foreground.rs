//! Programs in the foreground: the shell carries bytes between the session and the program's
//! standard streams until the program has ended.
//!
//! Lines go to its standard input, Ctrl-D closes that, Ctrl-C kills the program. Input that the
//! program does not read waits in the pipe and then here, up to [`INPUT_LIMIT`] bytes; more is
//! dropped, so that Ctrl-C always gets through.

use super::atoll::io::pipes;
use super::atoll::supervision::servers::{self, Task};
use super::services::failure;
use super::session::{Gone, Session};
use super::wasi::io::poll::{self, Pollable};
use super::wasi::io::streams::{InputStream, OutputStream};
use crate::input::Entry;
use crate::model::Exit;
use crate::views;

/// Bytes in each of the program's pipes.
const PIPE_SIZE: u32 = 8192;
/// Most bytes moved at once.
const PIECE: u64 = 4096;
/// Most bytes of input that wait for the program.
const INPUT_LIMIT: usize = 16 * 1024;

/// Runs a program to its end and reports how it ended if it did not succeed.
pub(super) fn run(session: &mut Session, program: &str, arguments: &[String]) -> Result<(), Gone> {
    let started = match Foreground::start(program, arguments) {
        Ok(started) => started,
        Err(reason) => return session.print_line(&reason),
    };
    let exit = started.carry(session)?;
    session.print(&views::exit(program, &exit))
}

/// A stream of the program that the shell reads. The pollable is dropped before its stream.
struct Source {
    pollable: Pollable,
    stream: InputStream,
}

/// The program's standard input, until it is closed. The pollable is dropped before its stream.
struct Sink {
    pollable: Pollable,
    stream: OutputStream,
}

struct Foreground {
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

impl Foreground {
    fn start(program: &str, arguments: &[String]) -> Result<Self, String> {
        let no_pipe = |_| String::from("no room for the program's pipes");
        let (stdin, writer) = pipes::create(PIPE_SIZE).map_err(no_pipe)?;
        let (output, stdout) = pipes::create(PIPE_SIZE).map_err(no_pipe)?;
        let (errors, stderr) = pipes::create(PIPE_SIZE).map_err(no_pipe)?;
        let task = servers::run(program, arguments, stdin, stdout, stderr).map_err(failure)?;
        let source = |stream: InputStream| Source { pollable: stream.subscribe(), stream };
        Ok(Self {
            finished: task.finished(),
            task,
            sources: vec![source(output), source(errors)],
            sink: Some(Sink { pollable: writer.subscribe(), stream: writer }),
            pending: Vec::new(),
            at_end: false,
        })
    }

    /// Carries bytes until the program has ended. When the console goes away the program goes with
    /// it: the task is dropped.
    fn carry(mut self, session: &mut Session) -> Result<Exit, Gone> {
        loop {
            let (ended, entered) = self.wait(session);
            if entered {
                for entry in session.entered()? {
                    self.take(entry);
                }
            }
            self.write_input();
            self.show_output(session)?;
            if ended {
                break;
            }
        }
        // Everything that the program wrote is in the pipes by now.
        while self.show_output(session)? {}
        let exit = self.task.exit();
        Ok(match exit {
            Some(status) => {
                Exit { completed: status.completed, code: status.code, message: status.message }
            }
            None => Exit {
                completed: false,
                code: 0,
                message: String::from("the supervisor does not know how"),
            },
        })
    }

    /// Waits until something can be done; says whether the program ended and whether the session
    /// has input.
    fn wait(&self, session: &Session) -> (bool, bool) {
        if session.has_entries() {
            return (false, true);
        }
        let mut pollables = vec![&self.finished, session.input_pollable()];
        pollables.extend(self.sources.iter().map(|source| &source.pollable));
        let sink = self.sink.as_ref().filter(|_| !self.pending.is_empty());
        pollables.extend(sink.map(|sink| &sink.pollable));
        let ready = poll::poll(&pollables);
        (ready.contains(&0), ready.contains(&1))
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Interrupt => self.task.kill(),
            Entry::End => self.at_end = true,
            Entry::Line(line) => {
                if !self.at_end && self.pending.len() + line.len() < INPUT_LIMIT {
                    self.pending.extend_from_slice(line.as_bytes());
                    self.pending.push(b'\n');
                }
            }
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

    /// Shows what the program wrote; says whether there was anything. Closed streams are let go.
    fn show_output(&mut self, session: &Session) -> Result<bool, Gone> {
        let mut shown = false;
        let mut open = Vec::new();
        for source in self.sources.drain(..) {
            if let Ok(bytes) = source.stream.read(PIECE) {
                shown |= !bytes.is_empty();
                session.write(&bytes)?;
                open.push(source);
            }
        }
        self.sources = open;
        Ok(shown)
    }
}
