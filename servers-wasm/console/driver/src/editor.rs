//! The line editor: keys in, changes of the display out, whole lines at the end.
//!
//! [`Editor`] keeps the line, the cursor and the history of one session. It shows the line in one
//! row of the terminal, from the column where it was opened; a line that is longer than the row is
//! shown through a window that follows the cursor, so nothing ever wraps and the display can be
//! corrected with cursor movements alone, whatever the terminal does at its right edge.
//!
//! Every character is taken to be one column wide. `saved` hands a line and its history to the next
//! version.

mod saved;

use crate::keys::Key;

/// Most characters in a line.
pub const LINE_LIMIT: usize = 1000;
/// Most lines that the history keeps.
pub const HISTORY_LIMIT: usize = 64;
/// Most words that are offered for completion.
pub const COMPLETION_LIMIT: usize = 256;
/// Fewest columns that a line is given, however long the prompt is.
const MIN_ROOM: usize = 8;
const BELL: u8 = 7;

/// What a key led to besides a changed display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing; the line goes on.
    Editing,
    /// The line is complete.
    Line(String),
    /// The line was discarded by Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line.
    EndOfInput,
}

/// Where a line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// What stands in the row before the line, to show it again on a fresh row.
    pub prompt: &'a [u8],
    /// Column at which the line begins.
    pub column: usize,
    /// Columns of the terminal.
    pub columns: usize,
}

impl Place<'_> {
    /// How many characters of the line can be seen; the last column stays free, because terminals
    /// differ in what they do after it.
    fn room(self) -> usize {
        self.columns.saturating_sub(self.column + 1).max(MIN_ROOM)
    }
}

/// The line being edited, and those before it.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    line: Vec<char>,
    cursor: usize,
    /// First character that is shown.
    window: usize,
    /// Columns from the start of the line to where the terminal's cursor is now.
    shown_cursor: usize,
    history: Vec<String>,
    /// Index into the history of what is shown, or its length for the line being written.
    recalled: usize,
    /// The line being written, while an older one is shown.
    draft: Vec<char>,
    completions: Vec<String>,
}

impl Editor {
    /// Chooses the words that Tab completes; at most [`COMPLETION_LIMIT`] are kept, sorted.
    pub fn set_completions(&mut self, words: Vec<String>) {
        self.completions.clear();
        for word in words.into_iter().take(COMPLETION_LIMIT) {
            // By insertion: the standard sort would be the largest function of the server.
            if let Err(place) = self.completions.binary_search(&word) {
                self.completions.insert(place, word);
            }
        }
    }

    /// Whether nothing has been typed on this line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Takes away what was typed but not entered. The display must be hidden already.
    pub fn take_typed(&mut self) -> String {
        self.take_line().into_iter().collect()
    }

    /// Takes a key; display changes are appended to `out`.
    pub fn key(&mut self, key: Key, place: Place<'_>, out: &mut Vec<u8>) -> Outcome {
        match key {
            Key::Enter => return self.enter(out),
            Key::Interrupt => return self.interrupt(out),
            Key::EndOfInput if self.line.is_empty() => return Outcome::EndOfInput,
            Key::Char(character) => self.insert(character, place, out),
            Key::Tab => self.complete(place, out),
            Key::Up => self.recall(self.recalled.wrapping_sub(1), place, out),
            Key::Down => self.recall(self.recalled + 1, place, out),
            Key::Redraw => {
                out.extend_from_slice(b"\x1b[H\x1b[2J");
                self.reopen(place, out);
            }
            Key::Backspace
            | Key::Delete
            | Key::EndOfInput
            | Key::KillLine
            | Key::KillRest
            | Key::KillWord => self.kill(key, place, out),
            movement => {
                self.cursor = self.target(movement);
                self.show(place, out);
            }
        }
        Outcome::Editing
    }

    /// Takes the line off the display, so that other output can come in its place.
    pub fn hide(&mut self, out: &mut Vec<u8>) {
        move_cursor(self.shown_cursor, 0, out);
        out.extend_from_slice(b"\x1b[K");
        self.shown_cursor = 0;
    }

    /// Shows the line (again) from the terminal's cursor on, after [`Self::hide`].
    pub fn show(&mut self, place: Place<'_>, out: &mut Vec<u8>) {
        let room = place.room();
        if self.cursor < self.window {
            self.window = self.cursor;
        } else if self.cursor > self.window + room {
            self.window = self.cursor - room;
        }
        let end = self.line.len().min(self.window + room);
        move_cursor(self.shown_cursor, 0, out);
        push_characters(self.line.get(self.window..end).unwrap_or_default(), out);
        out.extend_from_slice(b"\x1b[K");
        self.shown_cursor = self.cursor - self.window;
        move_cursor(end - self.window, self.shown_cursor, out);
    }

    fn enter(&mut self, out: &mut Vec<u8>) -> Outcome {
        out.extend_from_slice(b"\r\n");
        let line: String = self.take_line().into_iter().collect();
        let repeats = self.history.last() == Some(&line);
        if !repeats && !line.trim().is_empty() {
            if self.history.len() == HISTORY_LIMIT {
                self.history.remove(0);
            }
            self.history.push(line.clone());
        }
        self.recalled = self.history.len();
        Outcome::Line(line)
    }

    fn interrupt(&mut self, out: &mut Vec<u8>) -> Outcome {
        out.extend_from_slice(b"^C\r\n");
        self.take_line();
        self.recalled = self.history.len();
        Outcome::Interrupted
    }

    fn take_line(&mut self) -> Vec<char> {
        self.cursor = 0;
        self.window = 0;
        self.shown_cursor = 0;
        self.draft.clear();
        std::mem::take(&mut self.line)
    }

    fn insert(&mut self, character: char, place: Place<'_>, out: &mut Vec<u8>) {
        if self.line.len() >= LINE_LIMIT {
            out.push(BELL);
            return;
        }
        let at_end = self.cursor == self.line.len();
        self.line.insert(self.cursor, character);
        self.cursor += 1;
        if at_end && self.cursor <= self.window + place.room() {
            // By far the most common case costs one character.
            push_characters(&[character], out);
            self.shown_cursor += 1;
        } else {
            self.show(place, out);
        }
    }

    fn kill(&mut self, key: Key, place: Place<'_>, out: &mut Vec<u8>) {
        let (from, to) = match key {
            Key::Backspace => (self.cursor.saturating_sub(1), self.cursor),
            Key::KillLine => (0, self.line.len()),
            Key::KillRest => (self.cursor, self.line.len()),
            Key::KillWord => (self.word_left(), self.cursor),
            _ => (self.cursor, (self.cursor + 1).min(self.line.len())),
        };
        if from == to {
            return;
        }
        let at_end = self.cursor == self.line.len();
        self.line.drain(from..to);
        self.cursor = from;
        if key == Key::Backspace && at_end && self.cursor >= self.window {
            out.extend_from_slice(b"\x08 \x08");
            self.shown_cursor -= 1;
        } else {
            self.show(place, out);
        }
    }

    fn target(&self, movement: Key) -> usize {
        match movement {
            Key::Left => self.cursor.saturating_sub(1),
            Key::Right => (self.cursor + 1).min(self.line.len()),
            Key::WordLeft => self.word_left(),
            Key::WordRight => self.word_right(),
            Key::Home => 0,
            Key::End => self.line.len(),
            _ => self.cursor,
        }
    }

    fn word_left(&self) -> usize {
        let before = self.line.get(..self.cursor).unwrap_or_default();
        let word_end = before.iter().rposition(|&c| c != ' ').map_or(0, |last| last + 1);
        let word = before.get(..word_end).unwrap_or_default();
        word.iter().rposition(|&c| c == ' ').map_or(0, |space| space + 1)
    }

    fn word_right(&self) -> usize {
        let after = self.line.get(self.cursor..).unwrap_or_default();
        let start = after.iter().position(|&c| c != ' ').unwrap_or(after.len());
        let word = after.get(start..).unwrap_or_default();
        self.cursor + start + word.iter().position(|&c| c == ' ').unwrap_or(word.len())
    }

    fn recall(&mut self, index: usize, place: Place<'_>, out: &mut Vec<u8>) {
        if index > self.history.len() {
            out.push(BELL);
            return;
        }
        if self.recalled == self.history.len() {
            self.draft.clone_from(&self.line);
        }
        self.line = match self.history.get(index) {
            Some(older) => older.chars().collect(),
            None => std::mem::take(&mut self.draft),
        };
        self.recalled = index;
        self.cursor = self.line.len();
        self.window = 0;
        self.show(place, out);
    }

    fn complete(&mut self, place: Place<'_>, out: &mut Vec<u8>) {
        let typed: String = self.line.iter().take(self.cursor).collect();
        if typed.contains(' ') {
            out.push(BELL);
            return;
        }
        let matches: Vec<String> =
            self.completions.iter().filter(|word| word.starts_with(&typed)).cloned().collect();
        let mut addition: String = common_prefix(&matches).chars().skip(self.cursor).collect();
        if matches.len() == 1 {
            addition.push(' ');
        }
        if !addition.is_empty() {
            for character in addition.chars() {
                self.insert(character, place, out);
            }
        } else if matches.is_empty() {
            out.push(BELL);
        } else {
            out.extend_from_slice(b"\r\n");
            list_words(&matches, place.columns, out);
            self.reopen(place, out);
        }
    }

    /// Shows prompt and line on a fresh row.
    fn reopen(&mut self, place: Place<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(place.prompt);
        self.shown_cursor = 0;
        self.show(place, out);
    }
}

/// The longest text that all words begin with.
fn common_prefix(words: &[String]) -> &str {
    let Some((first, rest)) = words.split_first() else { return "" };
    let mut prefix = first.as_str();
    for word in rest {
        while !word.starts_with(prefix) {
            let shorter = prefix.char_indices().next_back().map_or(0, |(start, _)| start);
            prefix = prefix.get(..shorter).unwrap_or_default();
        }
    }
    prefix
}

/// Prints words in columns.
fn list_words(words: &[String], columns: usize, out: &mut Vec<u8>) {
    let width = words.iter().map(|word| word.chars().count()).max().unwrap_or(0) + 2;
    let per_row = (columns.saturating_sub(1) / width).max(1);
    for row in words.chunks(per_row) {
        for (index, word) in row.iter().enumerate() {
            out.extend_from_slice(word.as_bytes());
            if index + 1 < row.len() {
                out.extend(std::iter::repeat_n(b' ', width - word.chars().count()));
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Moves the terminal's cursor within the row.
fn move_cursor(from: usize, to: usize, out: &mut Vec<u8>) {
    let (distance, direction) = if from > to { (from - to, b'D') } else { (to - from, b'C') };
    if distance == 0 {
        return;
    }
    out.extend_from_slice(b"\x1b[");
    push_number(distance, out);
    out.push(direction);
}

fn push_number(number: usize, out: &mut Vec<u8>) {
    if number >= 10 {
        push_number(number / 10, out);
    }
    out.push(b'0' + (number % 10) as u8);
}

fn push_characters(characters: &[char], out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    for character in characters {
        out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
}

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;
