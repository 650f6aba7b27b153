//! Tests of the editor: what it delivers, and that a terminal which obeys its output shows the
//! line and the cursor it believes in.

use super::*;
use crate::keys::Decoder;
use crate::screen::grid::Grid;
use proptest::prelude::*;

const PROMPT: &[u8] = b"atoll> ";

/// An editor, a terminal of 40 columns that shows what it sends, and what was delivered.
struct Desk {
    editor: Editor,
    decoder: Decoder,
    grid: Grid,
    delivered: Vec<Outcome>,
}

impl Desk {
    fn new() -> Self {
        let mut desk = Self {
            editor: Editor::default(),
            decoder: Decoder::default(),
            grid: Grid::new(40, 6),
            delivered: Vec::new(),
        };
        desk.grid.write(PROMPT);
        desk
    }

    fn type_bytes(&mut self, bytes: &[u8]) {
        let place = Place { prompt: PROMPT, column: PROMPT.len(), columns: 40 };
        for &byte in bytes {
            let Some(key) = self.decoder.push(byte) else { continue };
            let mut out = Vec::new();
            let outcome = self.editor.key(key, place, &mut out);
            self.grid.write(&out);
            if outcome != Outcome::Editing {
                self.delivered.push(outcome);
                self.grid.write(PROMPT);
            }
        }
    }

    fn lines(&self) -> Vec<String> {
        self.delivered
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Line(line) => Some(line.clone()),
                _ => None,
            })
            .collect()
    }

    fn row(&self) -> String {
        self.grid.row_text(self.grid.cursor().1)
    }
}

fn typed(bytes: &[u8]) -> Desk {
    let mut desk = Desk::new();
    desk.type_bytes(bytes);
    desk
}

#[test]
fn plain_typing() {
    assert_eq!(typed(b"help\r").lines(), ["help"]);
    assert_eq!(typed(b"hel").row(), "atoll> hel");
}

#[test]
fn corrections() {
    assert_eq!(typed(b"hexx\x7f\x7flp\r").lines(), ["help"]);
    assert_eq!(typed(b"one two\x17three\r").lines(), ["one three"]);
    assert_eq!(typed(b"nonsense\x15ps\r").lines(), ["ps"]);
    assert_eq!(typed(b"ac\x1b[Db\r").lines(), ["abc"]);
    assert_eq!(typed(b"bc\x1b[Ha\x1b[Fd\r").lines(), ["abcd"]);
    assert_eq!(typed(b"axb\x1b[D\x1b[D\x1b[3~\r").lines(), ["ab"]);
    assert_eq!(typed(b"abc\x01\x0b\r").lines(), [""]);
    assert_eq!(typed("né\x7fe\r".as_bytes()).lines(), ["ne"]);
}

#[test]
fn interrupts_and_ends() {
    let desk = typed(b"abc\x03\x04x\x04\r");
    let expected = [Outcome::Interrupted, Outcome::EndOfInput, Outcome::Line(String::from("x"))];
    assert_eq!(desk.delivered, expected);
}

#[test]
fn history_goes_back_and_forth() {
    let mut desk = typed(b"first\rsecond\rdraft");
    desk.type_bytes(b"\x1b[A");
    assert_eq!(desk.row(), "atoll> second");
    desk.type_bytes(b"\x1b[A\x1b[A");
    assert_eq!(desk.row(), "atoll> first");
    desk.type_bytes(b"\x1b[B\x1b[B");
    assert_eq!(desk.row(), "atoll> draft");
    desk.type_bytes(b"\x1b[A\r");
    assert_eq!(desk.lines(), ["first", "second", "second"]);
    assert_eq!(desk.editor.history, ["first", "second"], "a repetition is kept once");
}

#[test]
fn completes_the_first_word() {
    let mut desk = Desk::new();
    let words = ["poweroff", "provoke", "ps", "log", "programs"];
    desk.editor.set_completions(words.map(String::from).to_vec());
    desk.type_bytes(b"l\tx\r");
    assert_eq!(desk.lines(), ["log x"]);
    desk.type_bytes(b"pr\t");
    assert_eq!(desk.row(), "atoll> pro");
    desk.type_bytes(b"\t");
    assert_eq!(desk.row(), "atoll> pro");
    let listed = desk.grid.row_text(desk.grid.cursor().1 - 1);
    assert_eq!(listed, "programs  provoke");
}

#[test]
fn long_lines_stay_in_their_row() {
    let text: Vec<u8> = (0..100).map(|index| b'a' + index % 26).collect();
    let mut desk = typed(&text);
    assert_eq!(desk.grid.cursor().1, 0);
    desk.type_bytes(b"\x01");
    assert_eq!(desk.row(), "atoll> abcdefghijklmnopqrstuvwxyzabcdef");
    desk.type_bytes(b"\r");
    assert_eq!(desk.lines(), [String::from_utf8(text).unwrap()]);
}

#[test]
fn line_length_is_bounded() {
    let desk = typed(&[b'x'; LINE_LIMIT + 50]);
    assert_eq!(desk.editor.line.len(), LINE_LIMIT);
}

#[test]
fn hides_and_shows_around_other_output() {
    let mut desk = typed(b"half");
    let mut out = Vec::new();
    desk.editor.hide(&mut out);
    out.extend_from_slice(b"noise\r\n");
    out.extend_from_slice(PROMPT);
    let place = Place { prompt: PROMPT, column: PROMPT.len(), columns: 40 };
    desk.editor.show(place, &mut out);
    desk.grid.write(&out);
    assert_eq!(desk.grid.row_text(0), "atoll> noise");
    assert_eq!(desk.row(), "atoll> half");
}

proptest! {
    /// Whatever is typed, what can be seen is the prompt and a window of the line, with the
    /// terminal's cursor where the editor has its own.
    #[test]
    fn display_agrees_with_the_line(pieces in prop::collection::vec(
        prop_oneof![
            3 => "[a-z ]{1,12}".prop_map(String::into_bytes),
            1 => prop::sample::select(vec![
                b"\x7f".to_vec(), b"\x1b[D".to_vec(), b"\x1b[C".to_vec(), b"\x1b[A".to_vec(),
                b"\x1b[B".to_vec(), b"\x01".to_vec(), b"\x05".to_vec(), b"\x17".to_vec(),
                b"\x15".to_vec(), b"\x0b".to_vec(), b"\x1b[3~".to_vec(), b"\x1b[1;5D".to_vec(),
                b"\r".to_vec(), b"\x0c".to_vec(), b"\t".to_vec(),
            ]),
        ],
        0..40,
    )) {
        let mut desk = Desk::new();
        for piece in pieces {
            desk.type_bytes(&piece);
            let editor = &desk.editor;
            prop_assert!(editor.cursor <= editor.line.len());
            let room = 40 - PROMPT.len() - 1;
            let seen: String = editor.line.iter().skip(editor.window).take(room).collect();
            let expected = format!("atoll> {seen}");
            prop_assert_eq!(desk.row(), expected.trim_end());
            let column = PROMPT.len() + editor.cursor - editor.window;
            prop_assert_eq!(desk.grid.cursor().0, column);
        }
    }
}
