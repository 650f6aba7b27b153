//! Tests of the grid: what output does to it, and that its reports keep a screen up to date.

use super::*;
use proptest::prelude::*;

fn written(columns: usize, rows: usize, bytes: &[u8]) -> Grid {
    let mut grid = Grid::new(columns, rows);
    grid.write(bytes);
    grid
}

fn rows(grid: &Grid) -> Vec<String> {
    (0..grid.page.rows).map(|row| grid.row_text(row)).collect()
}

#[test]
fn text_wraps_and_scrolls() {
    let grid = written(5, 3, b"abcdefg\r\nx\r\ny\r\nz");
    assert_eq!(rows(&grid), ["x", "y", "z"]);
    assert_eq!(rows(&written(5, 3, b"abcdefg")), ["abcde", "fg", ""]);
    assert_eq!(written(5, 3, b"abcde").cursor(), (4, 0), "the wrap waits for the next character");
}

#[test]
fn cursor_moves_and_erases() {
    assert_eq!(rows(&written(8, 2, b"abcdef\x1b[3D\x1b[K")), ["abc", ""]);
    assert_eq!(rows(&written(8, 2, b"abc\x08\x08X")), ["aXc", ""]);
    assert_eq!(rows(&written(8, 2, b"abc\x1b[2;3Hz\x1b[Hq")), ["qbc", "  z"]);
    assert_eq!(rows(&written(8, 2, b"abc\r\ndef\x1b[H\x1b[J")), ["", ""]);
    assert_eq!(rows(&written(8, 2, b"abc\r\ndef\x1b[2J")), ["", ""]);
    assert_eq!(rows(&written(20, 1, b"a\tb")), ["a       b"]);
}

#[test]
fn colours_are_kept() {
    let grid = written(8, 1, b"a\x1b[31mb\x1b[1mc\x1b[7md\x1b[0;44me");
    let styles: Vec<u8> = grid.page.cells.iter().take(5).map(|cell| cell.style.0).collect();
    assert_eq!(styles, [0x07, 0x01, 0x09, 0x90, 0x47]);
}

#[test]
fn private_and_unknown_sequences_are_ignored() {
    assert_eq!(rows(&written(20, 1, b"\x1b[?1049ha\x1b]0;title\x07b\x1b(Bc")), ["abc"]);
}

#[test]
fn only_what_changed_is_reported() {
    let mut grid = Grid::new(20, 3);
    grid.changes();
    grid.write(b"hello");
    let changes = grid.changes();
    assert_eq!(changes.runs.len(), 1);
    assert_eq!(changes.runs[0].column, 0);
    assert_eq!(changes.runs[0].cells.len(), 6, "five letters and the cursor");
    assert_eq!(grid.changes(), Changes::default());
}

/// A screen that does what the reports say.
struct Screen {
    columns: usize,
    cells: Vec<Cell>,
}

impl Screen {
    fn apply(&mut self, changes: &Changes) {
        self.cells.copy_within(changes.scroll * self.columns.., 0);
        for run in &changes.runs {
            let start = run.row * self.columns + run.column;
            self.cells[start..start + run.cells.len()].copy_from_slice(&run.cells);
        }
    }
}

proptest! {
    #[test]
    fn reports_keep_a_screen_up_to_date(pieces in prop::collection::vec(
        prop_oneof![
            4 => "[a-z ]{1,9}".prop_map(String::into_bytes),
            2 => Just(b"\r\n".to_vec()),
            1 => (0..12u8, b'@'..=b'~')
                .prop_map(|(number, action)| format!("\x1b[{number}{}", action as char).into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 1..6),
        ],
        0..60,
    )) {
        let mut grid = Grid::new(11, 4);
        let mut screen = Screen { columns: 11, cells: grid.shown.clone() };
        for (index, piece) in pieces.iter().enumerate() {
            grid.write(piece);
            if index % 3 == 0 {
                screen.apply(&grid.changes());
            }
        }
        screen.apply(&grid.changes());
        let mut wanted = grid.page.cells.clone();
        if grid.page.cursor_visible {
            let (column, row) = grid.cursor();
            let cell = &mut wanted[row * 11 + column];
            cell.style = cell.style.inverted();
        }
        prop_assert_eq!(screen.cells, wanted);
    }
}

/// Output of programs, in pieces that may end anywhere.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[ -~]{1,12}".prop_map(String::into_bytes),
        Just("grün".into()),
        Just(b"\r\n".to_vec()),
        Just(b"\x08".to_vec()),
        Just(b"\x1b7".to_vec()),
        Just(b"\x1b8".to_vec()),
        Just(b"\x1b[K".to_vec()),
        Just(b"\x1b[?25l".to_vec()),
        Just(b"\x1b]0;title\x07".to_vec()),
        (0..110_u8).prop_map(|number| format!("\x1b[{number}m").into_bytes()),
        (1..9_u8, 1..9_u8).prop_map(|(row, column)| format!("\x1b[{row};{column}H").into_bytes()),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn another_grid_goes_on_wherever_this_one_is(
        bytes in output(),
        at: proptest::sample::Index,
    ) {
        let whole = written(7, 4, &bytes);
        let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
        let mut grid = written(7, 4, &written(7, 4, first).replay());
        grid.write(second);
        prop_assert_eq!(&grid.page.cells, &whole.page.cells);
        let rest = |page: &Page| {
            (page.column, page.row, page.saved, page.cursor_visible, page.current_style())
        };
        prop_assert_eq!(rest(&grid.page), rest(&whole.page));
    }
}
