//! Programs that are joined: the shell carries bytes between its session and their standard streams
//! until all of them have ended. Between two programs there is a pipe and no shell; a program that
//! reads or writes a file has the file's stream. Without any program a file is carried to where the
//! output goes.
//!
//! The first program gets the lines that are entered; Ctrl-D closes its input, Ctrl-C kills all.
//! Input that it does not read waits in its pipe and then here, up to [`INPUT_LIMIT`] bytes; more is
//! dropped, so that Ctrl-C always gets through. A job in the background reads nothing that is entered.

use super::super::bindings::atoll::io::pipes;
use super::super::bindings::wasi::io::poll::Pollable;
use super::super::bindings::wasi::io::streams::{InputStream, OutputStream};
use super::member::Member;
use crate::input::Entry;
use crate::line::Place;
use crate::model::Exit;
use crate::views;

/// Bytes in each pipe.
const PIPE_SIZE: u32 = 8192;
/// Most bytes moved at once.
const PIECE: u64 = 4096;
/// Bytes that one `blocking-write-and-flush` may carry.
const WRITE_LIMIT: usize = 4096;
/// Most bytes of input that wait for a program.
const INPUT_LIMIT: usize = 16 * 1024;

/// What a job is to be.
#[derive(Default)]
pub(in super::super) struct Plan {
    /// What the first program reads.
    pub(in super::super) input: Input,
    /// The programs; each reads what the one before it writes.
    pub(in super::super) programs: Vec<Program>,
    /// Where the last one writes, if that is not the terminal.
    pub(in super::super) output: Option<OutputStream>,
}

/// What is read.
#[derive(Default)]
pub(in super::super) enum Input {
    /// What is entered.
    #[default]
    Terminal,
    /// A text.
    Text(String),
    /// A file.
    File(InputStream),
}

/// A program that is to run.
pub(in super::super) struct Program {
    /// Its name.
    pub(in super::super) program: String,
    /// Its arguments.
    pub(in super::super) arguments: Vec<String>,
}

/// A stream that the shell reads. The pollable is dropped before its stream.
struct Source {
    pollable: Pollable,
    stream: InputStream,
}

impl Source {
    fn new(stream: InputStream) -> Self {
        Self { pollable: stream.subscribe(), stream }
    }
}

/// The first program's standard input, until it is closed. The pollable is dropped before its
/// stream.
struct Sink {
    pollable: Pollable,
    stream: OutputStream,
}

/// Running programs. They end when this is dropped.
pub(super) struct Job {
    members: Vec<Member>,
    /// The last program's standard output and the error streams of all, as long as they are open.
    sources: Vec<Source>,
    sink: Option<Sink>,
    /// What waits for room in the sink.
    pending: Vec<u8>,
    /// Whether the sink closes once nothing is pending.
    at_end: bool,
    /// The file that is written, if no program does.
    target: Option<OutputStream>,
}

impl Job {
    /// Starts the programs; the error says why there is none of them.
    pub(super) fn start(plan: Plan, place: Place) -> Result<Self, String> {
        let mut job = Self {
            members: Vec::new(),
            sources: Vec::new(),
            sink: None,
            pending: Vec::new(),
            at_end: place == Place::Background,
            target: plan.output,
        };
        let mut read = job.first_input(plan.input)?;
        let last = plan.programs.len().saturating_sub(1);
        for (number, program) in plan.programs.into_iter().enumerate() {
            let (errors, stderr) = pipe()?;
            let (next, stdout) = match job.target.take_if(|_| number == last) {
                Some(file) => (None, file),
                None => pipe().map(|(output, stdout)| (Some(output), stdout))?,
            };
            let stdin = std::mem::replace(&mut read, next);
            let stdin = stdin.ok_or_else(|| String::from("there is nothing to read"))?;
            job.members.push(Member::start(program, stdin, stdout, stderr)?);
            job.sources.push(Source::new(errors));
        }
        // What the last one writes is shown before what any says went wrong.
        job.sources.splice(..0, read.map(Source::new));
        job.write_input();
        Ok(job)
    }

    /// What the first program reads, and how it gets there.
    fn first_input(&mut self, input: Input) -> Result<Option<InputStream>, String> {
        if let Input::File(file) = input {
            return Ok(Some(file));
        }
        let (stdin, writer) = pipe()?;
        self.sink = Some(Sink { pollable: writer.subscribe(), stream: writer });
        if let Input::Text(text) = input {
            self.pending = text.into_bytes();
            self.at_end = true;
        }
        Ok(Some(stdin))
    }

    /// Names and numbers of the programs.
    pub(super) fn names(&self) -> Vec<&str> {
        self.members.iter().map(Member::name).collect()
    }

    /// How the programs ended that have: the last one, whose end is the job's, and those before it
    /// that did not come to theirs by themselves. One that nobody reads any more may fail for that.
    pub(super) fn exits(&self) -> impl Iterator<Item = (&Member, &Exit)> {
        let last = self.members.len().saturating_sub(1);
        let exits = self.members.iter().enumerate();
        exits.filter_map(move |(number, member)| {
            let exit = member.exit()?;
            (number == last || !exit.completed).then_some((member, exit))
        })
    }

    /// What the job waits for.
    pub(super) fn pollables(&self) -> impl Iterator<Item = &Pollable> {
        let sink = self.sink.as_ref().filter(|_| !self.pending.is_empty());
        let members = self.members.iter().filter_map(Member::pollable);
        let sources = self.sources.iter().map(|source| &source.pollable);
        members.chain(sources).chain(sink.map(|sink| &sink.pollable))
    }

    /// Hands over what was entered.
    pub(super) fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Interrupt => {
                self.members.iter_mut().for_each(Member::kill);
                if self.members.is_empty() {
                    self.sources.clear();
                }
            }
            Entry::End => self.at_end = true,
            Entry::Line(line) => {
                if !self.at_end && self.pending.len() + line.len() < INPUT_LIMIT {
                    self.pending.extend_from_slice(line.as_bytes());
                    self.pending.push(b'\n');
                }
            }
        }
    }

    /// Moves what can be moved, output to `text`; says whether all programs have ended.
    pub(super) fn carry(&mut self, text: &mut Vec<u8>) -> bool {
        self.write_input();
        let running = self.members.iter_mut().filter_map(|member| (!member.look()).then_some(()));
        let have_ended = running.count() == 0;
        // Once the programs have ended, all that they wrote is in the pipes.
        while self.read_output(text) && have_ended {}
        self.write_target(text);
        have_ended && (!self.members.is_empty() || self.sources.is_empty())
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

    /// Lets text go to the file that no program writes.
    fn write_target(&mut self, text: &mut Vec<u8>) {
        let Some(target) = &self.target else { return };
        let mut pieces = text.chunks(WRITE_LIMIT);
        let failed = pieces.any(|piece| target.blocking_write_and_flush(piece).is_err());
        text.clear();
        if failed {
            text.extend_from_slice(views::not_written().as_bytes());
            self.target = None;
            self.sources.clear();
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

fn pipe() -> Result<(InputStream, OutputStream), String> {
    pipes::create(PIPE_SIZE).map_err(|_| String::from("no room for the pipes of the programs"))
}
