//! The line editor in a saved state.

use super::{COMPLETION_LIMIT, Editor, HISTORY_LIMIT, LINE_LIMIT};
use crate::state::{Damaged, Reader, Writer};

/// Most bytes of the history that go along; the oldest lines stay behind.
const HISTORY_BYTES: usize = 2000;

impl Editor {
    /// Writes the line down that is being edited.
    pub fn save(&self, out: &mut Writer) {
        for line in [&self.line, &self.draft] {
            out.bytes(line.iter().collect::<String>().as_bytes());
        }
        out.number(self.cursor);
        out.number(self.window);
        out.number(self.shown_cursor);
        out.number(self.history.len().saturating_sub(self.recalled));
    }

    /// Writes down what the next version can do without: words to complete, older lines.
    pub fn save_spare(&self, out: &mut Writer) {
        out.spare(|part| self.completions.iter().for_each(|word| part.bytes(word.as_bytes())));
        let mut room = HISTORY_BYTES;
        let fits = |line: &&String| {
            let rest = room.checked_sub(line.len());
            room = rest.unwrap_or(0);
            rest.is_some()
        };
        let newest: Vec<_> = self.history.iter().rev().take_while(fits).collect();
        out.spare(|part| newest.iter().rev().for_each(|line| part.bytes(line.as_bytes())));
    }

    /// Makes an editor with that line.
    ///
    /// # Errors
    /// Those are not the bytes of one.
    pub fn restore(state: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut line = || Ok(state.text()?.chars().take(LINE_LIMIT).collect::<Vec<_>>());
        let (line, draft) = (line()?, line()?);
        let cursor = state.number()?.min(line.len());
        let window = state.number()?.min(cursor);
        let shown_cursor = state.number()?.min(cursor - window);
        // Until the history is there, this is the distance from its end.
        let recalled = state.number()?;
        Ok(Self { line, draft, cursor, window, shown_cursor, recalled, ..Self::default() })
    }

    /// Takes what the version before had room for.
    ///
    /// # Errors
    /// Those are not the bytes of it.
    pub fn restore_spare(&mut self, state: &mut Reader<'_>) -> Result<(), Damaged> {
        self.completions = lines(state, COMPLETION_LIMIT)?;
        self.history = lines(state, HISTORY_LIMIT)?;
        self.recalled = self.history.len().saturating_sub(self.recalled);
        Ok(())
    }
}

/// The lines of a part, if it is there.
fn lines(state: &mut Reader<'_>, limit: usize) -> Result<Vec<String>, Damaged> {
    let mut lines = Vec::new();
    if let Some(mut part) = state.spare()? {
        while !part.is_at_end() && lines.len() < limit {
            lines.push(part.text()?);
        }
    }
    Ok(lines)
}
