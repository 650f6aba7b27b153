//! A grid of character cells that understands what terminals understand: the part of ECMA-48 and
//! its relatives that text programs use. Parsing is the crate `vte`'s.
//!
//! The grid knows both what should be on the screen and what is ([`Grid::changes`] compares), so
//! that only cells that changed are painted. Scrolling is counted and done as one move of pixels.
//! `saved` hands it to the next version as terminal output.

mod saved;

use vte::{Params, Parser, Perform};

/// Longest sequence that may be cut by a swap.
const TAIL: usize = 64;

/// Colours and weight of a cell: foreground in bits 0..4, background in 4..8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style(pub u8);

impl Style {
    /// Light grey on the background colour.
    pub const DEFAULT: Self = Self(0x07);

    /// Palette index of the foreground.
    #[must_use]
    pub fn foreground(self) -> u8 {
        self.0 & 0x0f
    }

    /// Palette index of the background.
    #[must_use]
    pub fn background(self) -> u8 {
        self.0 >> 4
    }

    /// What a cursor of that colour makes of it: foreground and background change places, unless
    /// the cursor has a colour of its own.
    fn under_cursor(self, colour: Option<u8>) -> Self {
        let Self(inverted) = self.inverted();
        colour.map_or(Self(inverted), |colour| Self(inverted & 0x0f | colour << 4))
    }

    fn inverted(self) -> Self {
        Self(self.0.rotate_left(4))
    }
}

/// A character and its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character; a blank cell has a space.
    pub character: char,
    /// Its colours.
    pub style: Style,
}

impl Cell {
    /// Nothing to see.
    pub const BLANK: Self = Self { character: ' ', style: Style::DEFAULT };
}

/// No output leads to such a cell.
const UNKNOWN: Cell = Cell { character: '\0', style: Style::DEFAULT };

/// Cells of one row that have to be painted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Row of the cells.
    pub row: usize,
    /// Column of the first one.
    pub column: usize,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// What brings the screen up to date: first the scrolling, then the runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rows by which the whole screen moves up. The rows that come free keep their old pixels.
    pub scroll: usize,
    /// Cells to paint.
    pub runs: Vec<Run>,
}

/// The grid and the parser in front of it.
pub struct Grid {
    parser: Parser,
    page: Page,
    /// What was last reported by `changes`, cursor included.
    shown: Vec<Cell>,
    /// The last bytes of output, at most [`TAIL`].
    tail: Vec<u8>,
    /// Palette index of the cursor, if it has a colour of its own.
    cursor_colour: Option<u8>,
}

impl Grid {
    /// A blank grid; both sizes are at least 1.
    #[must_use]
    pub fn new(columns: usize, rows: usize) -> Self {
        let page = Page::new(columns.max(1), rows.max(1));
        let shown = page.cells.clone();
        Self { parser: Parser::new(), page, shown, tail: Vec::new(), cursor_colour: None }
    }

    /// The same with a cursor of this colour, an index of the palette.
    #[must_use]
    pub fn with_cursor(self, colour: Option<u8>) -> Self {
        Self { cursor_colour: colour, ..self }
    }

    /// Takes terminal output.
    pub fn write(&mut self, bytes: &[u8]) {
        self.parser.advance(&mut self.page, bytes);
        let last = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default();
        self.tail.extend_from_slice(last);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
    }

    /// The next report tells of every cell.
    pub fn forget_shown(&mut self) {
        self.shown.fill(UNKNOWN);
        self.page.touched.fill(true);
    }

    /// The next report tells of the cursor alone: everything else was shown by another grid.
    pub fn assume_shown(&mut self) {
        self.shown.copy_from_slice(&self.page.cells);
        self.page.touched.fill(false);
        self.page.scrolled = 0;
        let (column, row) = self.cursor();
        if let Some(cell) = self.shown.get_mut(row * self.page.columns + column) {
            *cell = UNKNOWN;
        }
    }

    /// Column and row of the cursor.
    #[must_use]
    pub fn cursor(&self) -> (usize, usize) {
        (self.page.column.min(self.page.columns - 1), self.page.row)
    }

    /// The text of a row without the blanks at its end.
    #[must_use]
    pub fn row_text(&self, row: usize) -> String {
        let cells = self.page.cells.chunks(self.page.columns).nth(row).unwrap_or_default();
        let text: String = cells.iter().map(|cell| cell.character).collect();
        text.trim_end().to_owned()
    }

    /// Reports what has to be painted since the last report.
    pub fn changes(&mut self) -> Changes {
        let scroll = std::mem::take(&mut self.page.scrolled).min(self.page.rows);
        // The pixels of the last rows stay where they are when those above them move up.
        self.shown.copy_within(scroll * self.page.columns.., 0);
        let (cursor_column, cursor_row) = self.cursor();
        let columns = self.page.columns;
        let mut runs = Vec::new();
        for row in 0..self.page.rows {
            let touched = std::mem::take(&mut self.page.touched[row]);
            if !touched && scroll == 0 && row != cursor_row {
                continue;
            }
            let start = row * columns;
            let mut wanted = self.page.cells[start..start + columns].to_vec();
            if row == cursor_row && self.page.cursor_visible {
                let cell = &mut wanted[cursor_column];
                cell.style = cell.style.under_cursor(self.cursor_colour);
                // The next report has to take the cursor away again.
                self.page.touched[row] = true;
            }
            let shown = &mut self.shown[start..start + columns];
            collect_runs(row, &wanted, shown, &mut runs);
            shown.copy_from_slice(&wanted);
        }
        Changes { scroll, runs }
    }
}

/// Finds the stretches where `wanted` differs from `shown`. Short gaps are bridged: starting a
/// run costs more than painting a few cells again.
fn collect_runs(row: usize, wanted: &[Cell], shown: &[Cell], runs: &mut Vec<Run>) {
    const BRIDGED: usize = 4;
    let mut open: Option<(usize, usize)> = None;
    let mut close = |(from, to): (usize, usize)| {
        runs.push(Run { row, column: from, cells: wanted[from..to].to_vec() });
    };
    for (column, (cell, old)) in wanted.iter().zip(shown).enumerate() {
        if cell == old {
            continue;
        }
        open = Some(match open {
            Some((from, to)) if column <= to + BRIDGED => (from, column + 1),
            Some(finished) => {
                close(finished);
                (column, column + 1)
            }
            None => (column, column + 1),
        });
    }
    if let Some(finished) = open {
        close(finished);
    }
}

/// The cells and what output does to them. `column` may be `columns`: the next character wraps.
struct Page {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
    touched: Vec<bool>,
    scrolled: usize,
    column: usize,
    row: usize,
    saved: (usize, usize),
    cursor_visible: bool,
    style: Style,
    bold: bool,
    inverse: bool,
}

impl Page {
    fn new(columns: usize, rows: usize) -> Self {
        Self {
            columns,
            rows,
            cells: vec![Cell::BLANK; columns * rows],
            touched: vec![false; rows],
            scrolled: 0,
            column: 0,
            row: 0,
            saved: (0, 0),
            cursor_visible: true,
            style: Style::DEFAULT,
            bold: false,
            inverse: false,
        }
    }

    /// The style of what is written now: bold brightens, inverse swaps.
    fn current_style(&self) -> Style {
        let style = if self.bold { Style(self.style.0 | 0x08) } else { self.style };
        if self.inverse { style.inverted() } else { style }
    }

    fn line_feed(&mut self) {
        if self.row + 1 < self.rows {
            self.row += 1;
            return;
        }
        self.cells.copy_within(self.columns.., 0);
        let last = self.cells.len() - self.columns;
        self.cells[last..].fill(Cell::BLANK);
        self.touched.fill(true);
        self.scrolled += 1;
    }

    fn move_to(&mut self, column: usize, row: usize) {
        self.column = column.min(self.columns - 1);
        self.row = row.min(self.rows - 1);
    }

    /// Blanks the cells from index `from` up to `to`.
    fn erase(&mut self, from: usize, to: usize) {
        let blank = Cell { character: ' ', style: Style(self.style.0 & 0xf0 | 0x07) };
        self.cells[from..to].fill(blank);
        for row in from / self.columns..to.div_ceil(self.columns) {
            self.touched[row] = true;
        }
    }

    fn erase_in_line(&mut self, mode: u16) {
        let start = self.row * self.columns;
        let cursor = start + self.column.min(self.columns - 1);
        match mode {
            0 if self.column >= self.columns => {}
            0 => self.erase(cursor, start + self.columns),
            1 => self.erase(start, cursor + 1),
            _ => self.erase(start, start + self.columns),
        }
    }

    fn erase_in_display(&mut self, mode: u16) {
        let cursor = self.row * self.columns + self.column.min(self.columns - 1);
        match mode {
            0 => self.erase(cursor, self.cells.len()),
            1 => self.erase(0, cursor + 1),
            _ => self.erase(0, self.cells.len()),
        }
    }

    fn select_graphics(&mut self, params: &Params) {
        for param in params {
            match param.first().copied().unwrap_or(0) {
                0 => (self.style, self.bold, self.inverse) = (Style::DEFAULT, false, false),
                1 => self.bold = true,
                22 => self.bold = false,
                7 => self.inverse = true,
                27 => self.inverse = false,
                colour @ 30..=37 => self.set_foreground((colour - 30) as u8),
                39 => self.set_foreground(7),
                colour @ 90..=97 => self.set_foreground((colour - 90) as u8 | 8),
                colour @ 40..=47 => self.set_background((colour - 40) as u8),
                49 => self.set_background(0),
                colour @ 100..=107 => self.set_background((colour - 100) as u8 | 8),
                _ => {}
            }
        }
    }

    fn set_foreground(&mut self, index: u8) {
        self.style = Style(self.style.0 & 0xf0 | index);
    }

    fn set_background(&mut self, index: u8) {
        self.style = Style(self.style.0 & 0x0f | index << 4);
    }
}

impl Perform for Page {
    fn print(&mut self, character: char) {
        if self.column >= self.columns {
            self.column = 0;
            self.line_feed();
        }
        let style = self.current_style();
        self.cells[self.row * self.columns + self.column] = Cell { character, style };
        self.touched[self.row] = true;
        self.column += 1;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' | 0x0b | 0x0c => self.line_feed(),
            b'\r' => self.column = 0,
            0x08 => self.column = self.column.min(self.columns - 1).saturating_sub(1),
            b'\t' => self.column = (self.column / 8 * 8 + 8).min(self.columns - 1),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, marks: &[u8], ignore: bool, action: char) {
        if ignore {
            return;
        }
        let param = |index: usize| params.iter().nth(index).and_then(|p| p.first()).copied();
        let count = usize::from(param(0).unwrap_or(0).max(1));
        let column = self.column.min(self.columns - 1);
        match (marks, action) {
            ([], 'A') => self.move_to(column, self.row.saturating_sub(count)),
            ([], 'B') => self.move_to(column, self.row + count),
            ([], 'C') => self.move_to(column + count, self.row),
            ([], 'D') => self.move_to(column.saturating_sub(count), self.row),
            ([], 'G') => self.move_to(count - 1, self.row),
            ([], 'd') => self.move_to(column, count - 1),
            ([], 'H' | 'f') => {
                self.move_to(usize::from(param(1).unwrap_or(0).max(1)) - 1, count - 1);
            }
            ([], 'J') => self.erase_in_display(param(0).unwrap_or(0)),
            ([], 'K') => self.erase_in_line(param(0).unwrap_or(0)),
            ([], 'm') => self.select_graphics(params),
            ([], 's') => self.saved = (column, self.row),
            ([], 'u') => self.move_to(self.saved.0, self.saved.1),
            ([b'?'], 'h' | 'l') if param(0) == Some(25) => self.cursor_visible = action == 'h',
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, marks: &[u8], _ignore: bool, byte: u8) {
        match (marks, byte) {
            ([], b'7') => self.saved = (self.column.min(self.columns - 1), self.row),
            ([], b'8') => self.move_to(self.saved.0, self.saved.1),
            ([], b'c') => {
                *self =
                    Self { touched: vec![true; self.rows], ..Self::new(self.columns, self.rows) }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
