//! The console session: lines in, text out. Every failure means that the console is gone.

use std::collections::VecDeque;

use super::bindings::atoll::console::console::{self, ErrorCode, Mode};
use super::bindings::wasi::io::poll::Pollable;
use super::bindings::wasi::io::streams::{InputStream, OutputStream};
use crate::input::{Entries, Entry};
use atoll_sdk::stream;

const READ_SIZE: u64 = 1024;
/// Rows of a terminal that does not say how many it has.
const DEFAULT_ROWS: usize = 24;

/// The console ended or was restarted; the session is of no more use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// An open session. The pollable stands before its stream, to be dropped before it.
pub(super) struct Session {
    readable: Pollable,
    input: InputStream,
    output: OutputStream,
    session: console::Session,
    entries: Entries,
    waiting: VecDeque<Entry>,
}

impl Session {
    /// Opens a session; the error says why there is none.
    pub(super) fn open() -> Result<Self, &'static str> {
        let session = console::open("shell").map_err(|error| match error {
            ErrorCode::TooManySessions => "the console has too many sessions",
            ErrorCode::OutOfResources => "the console is out of resources",
            ErrorCode::PeerRestarted => "the console restarted",
            ErrorCode::Other => "the console gives no session",
        })?;
        let (Some(input), Some(output)) = (session.input(), session.output()) else {
            return Err("the console gives no streams");
        };
        Ok(Self {
            readable: input.subscribe(),
            input,
            output,
            session,
            entries: Entries::default(),
            waiting: VecDeque::new(),
        })
    }

    pub(super) fn print(&self, text: &str) -> Result<(), Gone> {
        self.write(text.as_bytes())
    }

    pub(super) fn print_line(&self, text: &str) -> Result<(), Gone> {
        self.print(text)?;
        self.print("\n")
    }

    /// Writes bytes and waits while the terminal is behind.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Gone> {
        stream::write(bytes, |piece| self.output.blocking_write_and_flush(piece)).map_err(|_| Gone)
    }

    /// The next thing that the operator entered, if it is here already.
    pub(super) fn take_entry(&mut self) -> Option<Entry> {
        self.waiting.pop_front()
    }

    /// Whether Ctrl-C was pressed since this was asked last.
    pub(super) fn take_interrupt(&mut self) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|entry| *entry != Entry::Interrupt);
        self.waiting.len() < before
    }

    /// Whether there are entries that were read together with an earlier one.
    pub(super) fn has_entries(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes in what has been typed by now; does not wait.
    pub(super) fn read_input(&mut self) -> Result<(), Gone> {
        let piece = self.input.read(READ_SIZE).map_err(|_| Gone)?;
        self.waiting.extend(self.entries.push(&piece));
        Ok(())
    }

    /// Ready when there is input, or the console is gone.
    pub(super) fn input_pollable(&self) -> &Pollable {
        &self.readable
    }

    /// Drops what was typed.
    pub(super) fn discard_input(&mut self) -> Result<(), Gone> {
        self.entries = Entries::default();
        self.input.read(READ_SIZE).map(drop).map_err(|_| Gone)
    }

    pub(super) fn set_raw(&self, raw: bool) -> Result<(), Gone> {
        let mode = if raw { Mode::Raw } else { Mode::Line };
        self.session.set_mode(mode).map_err(|_| Gone)
    }

    pub(super) fn set_completions(&self, words: Vec<String>) -> Result<(), Gone> {
        self.session.set_completions(&words).map_err(|_| Gone)
    }

    /// Rows of the terminal.
    pub(super) fn rows(&self) -> usize {
        self.session.size().map_or(DEFAULT_ROWS, |(_, rows)| rows as usize)
    }
}
