//! The grid as output of a terminal that leads to it, so that versions need no other language for
//! it than the one that they all speak.

use super::{Cell, Grid, Page, Style};

const ESCAPE: u8 = 0x1b;

impl Grid {
    /// Output after which a new grid of the same size is as this one is.
    #[must_use]
    pub fn replay(&self) -> Vec<u8> {
        let mut out = self.page.replay();
        out.extend_from_slice(unfinished(&self.tail));
        out
    }
}

impl Page {
    fn replay(&self) -> Vec<u8> {
        let mut out = String::new();
        for (row, cells) in self.cells.chunks(self.columns).enumerate() {
            push_row(row, cells, &mut out);
        }
        place(self.saved, &mut out);
        out.push_str("\x1b7");
        place((self.column.min(self.columns - 1), self.row), &mut out);
        let last = self.cells.get(self.row * self.columns + self.columns - 1);
        if let Some(last) = last.filter(|_| self.column >= self.columns) {
            // Only writing the last cell of a row leads behind it.
            colour(last.style, &mut out);
            out.push(last.character);
        }
        colour(self.style, &mut out);
        out.push_str(if self.bold { "\x1b[1m" } else { "" });
        out.push_str(if self.inverse { "\x1b[7m" } else { "" });
        out.push_str(if self.cursor_visible { "" } else { "\x1b[?25l" });
        out.into_bytes()
    }
}

/// Writes a row up to the blanks at its end.
fn push_row(row: usize, cells: &[Cell], out: &mut String) {
    let Some(last) = cells.iter().rposition(|cell| *cell != Cell::BLANK) else { return };
    place((0, row), out);
    let mut style = None;
    for cell in cells.iter().take(last + 1) {
        if style != Some(cell.style) {
            style = Some(cell.style);
            colour(cell.style, out);
        }
        out.push(cell.character);
    }
}

/// Moves the cursor to a column and row.
fn place((column, row): (usize, usize), out: &mut String) {
    out.push_str("\x1b[");
    push_number(row + 1, out);
    out.push(';');
    push_number(column + 1, out);
    out.push('H');
}

/// Chooses both colours and nothing else.
fn colour(style: Style, out: &mut String) {
    out.push_str("\x1b[0");
    for (index, base) in [(style.foreground(), 30), (style.background(), 40)] {
        out.push(';');
        // The eight bright ones have numbers of their own, 60 above.
        push_number(base + usize::from(index & 7) + usize::from(index >> 3) * 60, out);
    }
    out.push('m');
}

fn push_number(number: usize, out: &mut String) {
    if number >= 10 {
        push_number(number / 10, out);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// The bytes at the end that only make sense with those to come: a sequence or a character.
fn unfinished(tail: &[u8]) -> &[u8] {
    if let Some(at) = tail.iter().rposition(|&byte| byte == ESCAPE) {
        let sequence = tail.get(at..).unwrap_or_default();
        if !is_finished(sequence) {
            return sequence;
        }
    }
    match str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => {
            tail.get(error.valid_up_to()..).unwrap_or_default()
        }
        Err(_) => unfinished_character(tail),
        Ok(_) => &[],
    }
}

/// The same for a tail that begins in the middle of a character or has other bytes in it.
fn unfinished_character(tail: &[u8]) -> &[u8] {
    let start = tail.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
    let last = tail.get(start..).unwrap_or_default();
    let cut = str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
    if cut { last } else { &[] }
}

/// Whether a sequence that begins with ESC is whole (ECMA-48, 5.3 and 5.4).
fn is_finished(sequence: &[u8]) -> bool {
    let (kind, rest) = match sequence {
        [_, kind, rest @ ..] => (*kind, rest),
        _ => return false,
    };
    match kind {
        b'[' => rest.iter().any(|byte| !matches!(byte, 0x20..=0x3f)),
        // Strings end with BEL; ESC \ begins another sequence here.
        b']' | b'P' | b'X' | b'^' | b'_' => rest.contains(&7),
        0x20..=0x2f => rest.iter().any(|byte| !matches!(byte, 0x20..=0x2f)),
        _ => true,
    }
}
