//! The sessions of the terminal: who gets the input, what is displayed.
//!
//! [`Terminal`] takes bytes from the sources of input and from the sessions, and keeps two kinds
//! of results for whoever moves bytes: what each session is to read, and what is to be displayed.
//! The newest session has the input. In line mode its [`Editor`] echoes; when other output arrives
//! in the middle of a line, the line is taken off the display and shown again after it. `saved`
//! hands all of it to the next version.

mod saved;

use std::collections::VecDeque;

use crate::editor::{Editor, Outcome, Place};
use crate::keys::Decoder;

/// Most sessions at a time.
pub const SESSION_LIMIT: usize = 15;
/// Most bytes that wait for a session to read them, beyond its pipe.
pub const INPUT_LIMIT: usize = 4096;
/// Longest prompt that can be shown again.
const PROMPT_LIMIT: usize = 256;
const BELL: u8 = 7;

/// Where input comes from. Sequences of bytes are put together for each source by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The serial line.
    Serial,
    /// The keyboard.
    Keyboard,
}

/// How input reaches a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Whole lines, echoed and edited.
    #[default]
    Line,
    /// Every byte as it comes.
    Raw,
}

/// Names a session; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u32);

/// Why no session could be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySessions;

#[derive(Debug)]
struct Session {
    id: SessionId,
    mode: Mode,
    editor: Editor,
    pending: VecDeque<u8>,
}

impl Session {
    /// Queues bytes for the session; `false` when they do not fit, and then none is taken.
    fn deliver(&mut self, bytes: &[u8]) -> bool {
        let fits = self.pending.len() + bytes.len() <= INPUT_LIMIT;
        if fits {
            self.pending.extend(bytes);
        }
        fits
    }

    fn is_editing(&self) -> bool {
        self.mode == Mode::Line && !self.editor.is_empty()
    }
}

/// All sessions and the display they share.
#[derive(Debug)]
pub struct Terminal {
    /// Oldest first; the last one has the input.
    sessions: Vec<Session>,
    next_id: u32,
    serial: Decoder,
    keyboard: Decoder,
    row: Row,
    columns: usize,
    display: Vec<u8>,
}

impl Terminal {
    /// A terminal of `columns` columns (at least one) without sessions.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self {
            sessions: Vec::new(),
            next_id: 1,
            serial: Decoder::default(),
            keyboard: Decoder::default(),
            row: Row::default(),
            columns: columns.max(1),
            display: Vec::new(),
        }
    }

    /// Opens a session, which has the input from now on. Its output starts in a fresh row.
    ///
    /// # Errors
    /// When [`SESSION_LIMIT`] sessions are open.
    pub fn open(&mut self) -> Result<SessionId, TooManySessions> {
        if self.sessions.len() >= SESSION_LIMIT {
            return Err(TooManySessions);
        }
        self.hide_line();
        if self.row.column > 0 {
            self.display_text(b"\n");
        }
        let id = SessionId(self.next_id);
        self.next_id += 1;
        self.sessions.push(Session {
            id,
            mode: Mode::default(),
            editor: Editor::default(),
            pending: VecDeque::new(),
        });
        Ok(id)
    }

    /// Ends a session; the one before it has the input again if this one had it.
    pub fn close(&mut self, id: SessionId) {
        let had_input = self.sessions.last().is_some_and(|session| session.id == id);
        if had_input {
            self.hide_line();
        }
        self.sessions.retain(|session| session.id != id);
        if had_input {
            self.show_line();
        }
    }

    /// Chooses how input reaches a session. What was typed but not entered is delivered when the
    /// mode becomes raw.
    pub fn set_mode(&mut self, id: SessionId, mode: Mode) {
        if mode == Mode::Raw && self.sessions.last().is_some_and(|session| session.id == id) {
            self.hide_line();
        }
        let Some(session) = self.session(id) else { return };
        if mode == Mode::Raw {
            let typed = session.editor.take_typed();
            session.deliver(typed.as_bytes());
        }
        session.mode = mode;
    }

    /// Chooses the words that Tab completes in a session.
    pub fn set_completions(&mut self, id: SessionId, words: Vec<String>) {
        if let Some(session) = self.session(id) {
            session.editor.set_completions(words);
        }
    }

    /// Takes a byte of input.
    pub fn input(&mut self, source: Source, byte: u8) {
        let decoder = match source {
            Source::Serial => &mut self.serial,
            Source::Keyboard => &mut self.keyboard,
        };
        let Some(session) = self.sessions.last_mut() else { return };
        if session.mode == Mode::Raw {
            *decoder = Decoder::default();
            if !session.deliver(&[byte]) {
                self.display.push(BELL);
            }
            return;
        }
        let Some(key) = decoder.push(byte) else { return };
        let place = self.row.place(self.columns);
        let taken = match session.editor.key(key, place, &mut self.display) {
            Outcome::Editing => return,
            Outcome::EndOfInput => session.deliver(&[4]),
            Outcome::Interrupted => {
                self.row = Row::default();
                session.deliver(&[3])
            }
            Outcome::Line(mut line) => {
                self.row = Row::default();
                line.push('\n');
                session.deliver(line.as_bytes())
            }
        };
        if !taken {
            self.display.push(BELL);
        }
    }

    /// Displays what a session wrote; LF starts a new row.
    pub fn output(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.hide_line();
        self.display_text(bytes);
        self.show_line();
    }

    /// Takes what is to be displayed: bytes for a terminal, with CR LF at line ends.
    pub fn take_display(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.display)
    }

    /// The first bytes that a session is to read, at most `count`.
    #[must_use]
    pub fn pending(&self, id: SessionId, count: usize) -> Vec<u8> {
        let session = self.sessions.iter().find(|session| session.id == id);
        session
            .map_or_else(Vec::new, |session| session.pending.iter().copied().take(count).collect())
    }

    /// Forgets the first `count` bytes of what a session is to read.
    pub fn consume(&mut self, id: SessionId, count: usize) {
        if let Some(session) = self.session(id) {
            let count = count.min(session.pending.len());
            session.pending.drain(..count);
        }
    }

    fn session(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    fn display_text(&mut self, bytes: &[u8]) {
        let mut previous = 0;
        for &byte in bytes {
            if byte == b'\n' && previous != b'\r' {
                self.display.push(b'\r');
            }
            self.display.push(byte);
            self.row.push(byte, self.columns);
            previous = byte;
        }
    }

    fn hide_line(&mut self) {
        if let Some(session) = self.sessions.last_mut().filter(|session| session.is_editing()) {
            session.editor.hide(&mut self.display);
        }
    }

    fn show_line(&mut self) {
        if let Some(session) = self.sessions.last_mut().filter(|session| session.is_editing()) {
            session.editor.show(self.row.place(self.columns), &mut self.display);
        }
    }
}

/// What stands in the terminal's current row, as far as the sessions wrote it.
#[derive(Debug, Default)]
struct Row {
    /// The bytes since the row began.
    prompt: Vec<u8>,
    /// Column of the cursor.
    column: usize,
    escape: Escape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    No,
    Started,
    Sequence,
}

impl Row {
    fn push(&mut self, byte: u8, columns: usize) {
        match (self.escape, byte) {
            (_, b'\n' | b'\r') => {
                *self = Self::default();
                return;
            }
            (_, 0x1b) => self.escape = Escape::Started,
            (Escape::Started, b'[') => self.escape = Escape::Sequence,
            (Escape::Started, _) => self.escape = Escape::No,
            (Escape::Sequence, b'H') => {
                *self = Self::default();
                return;
            }
            (Escape::Sequence, 0x40..=0x7e) => self.escape = Escape::No,
            (Escape::Sequence, _) => {}
            (Escape::No, 0x08) => self.column = self.column.saturating_sub(1),
            // Continuation bytes of UTF-8 take no column of their own.
            (Escape::No, 0x20..=0x7e | 0xc0..=0xff) => self.column = (self.column + 1) % columns,
            (Escape::No, _) => {}
        }
        if self.prompt.len() == PROMPT_LIMIT {
            self.prompt.clear();
        }
        self.prompt.push(byte);
    }

    fn place(&self, columns: usize) -> Place<'_> {
        Place { prompt: &self.prompt, column: self.column, columns }
    }
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
