use super::*;
use crate::screen::grid::Grid;
use crate::state::{Reader, Writer};
use proptest::prelude::*;

fn feed(terminal: &mut Terminal, bytes: &[u8]) {
    for &byte in bytes {
        terminal.input(Source::Serial, byte);
    }
}

fn read(terminal: &mut Terminal, id: SessionId) -> Vec<u8> {
    let bytes = terminal.pending(id, usize::MAX);
    terminal.consume(id, bytes.len());
    bytes
}

#[test]
fn lines_are_echoed_and_delivered() {
    let mut terminal = Terminal::new(80);
    let shell = terminal.open().unwrap();
    terminal.output(b"atoll> ");
    feed(&mut terminal, b"ps\r");
    assert_eq!(terminal.take_display(), b"atoll> ps\r\n");
    assert_eq!(read(&mut terminal, shell), b"ps\n");
    feed(&mut terminal, b"x\x03\x04");
    assert_eq!(read(&mut terminal, shell), [3, 4]);
}

#[test]
fn newest_session_has_the_input() {
    let mut terminal = Terminal::new(80);
    let first = terminal.open().unwrap();
    let second = terminal.open().unwrap();
    feed(&mut terminal, b"b\r");
    terminal.close(second);
    feed(&mut terminal, b"a\r");
    assert_eq!(read(&mut terminal, first), b"a\n");
    assert_eq!(read(&mut terminal, second), b"");
}

#[test]
fn raw_mode_passes_bytes_and_hands_over_what_was_typed() {
    let mut terminal = Terminal::new(80);
    let shell = terminal.open().unwrap();
    feed(&mut terminal, b"q");
    terminal.set_mode(shell, Mode::Raw);
    terminal.take_display();
    feed(&mut terminal, b"\x1b[A\r");
    assert_eq!(read(&mut terminal, shell), b"q\x1b[A\r");
    assert_eq!(terminal.take_display(), b"");
}

#[test]
fn sources_do_not_mix_their_sequences() {
    let mut terminal = Terminal::new(80);
    let shell = terminal.open().unwrap();
    terminal.input(Source::Serial, 0x1b);
    terminal.input(Source::Keyboard, b'a');
    terminal.input(Source::Serial, b'[');
    terminal.input(Source::Serial, b'D');
    feed(&mut terminal, b"b\r");
    assert_eq!(read(&mut terminal, shell), b"ba\n");
}

#[test]
fn output_in_the_middle_of_a_line_leaves_the_line_whole() {
    let mut terminal = Terminal::new(40);
    terminal.open().unwrap();
    let mut grid = Grid::new(40, 5);
    terminal.output(b"atoll> ");
    feed(&mut terminal, b"half");
    terminal.output(b"noise\natoll> ");
    grid.write(&terminal.take_display());
    assert_eq!(grid.row_text(0), "atoll> noise");
    assert_eq!(grid.row_text(1), "atoll> half");
    assert_eq!(grid.cursor(), (11, 1));
}

#[test]
fn new_sessions_start_in_a_fresh_row() {
    let mut terminal = Terminal::new(80);
    terminal.open().unwrap();
    terminal.output(b"atoll> ");
    terminal.open().unwrap();
    assert_eq!(terminal.take_display(), b"atoll> \r\n");
}

#[test]
fn unread_input_is_bounded() {
    let mut terminal = Terminal::new(80);
    let shell = terminal.open().unwrap();
    for _ in 0..INPUT_LIMIT {
        feed(&mut terminal, b"xy\r");
    }
    assert!(read(&mut terminal, shell).len() <= INPUT_LIMIT);
    assert!(terminal.take_display().ends_with(&[BELL]));
}

#[test]
fn sessions_are_bounded() {
    let mut terminal = Terminal::new(80);
    for _ in 0..SESSION_LIMIT {
        terminal.open().unwrap();
    }
    assert_eq!(terminal.open(), Err(TooManySessions));
}

#[test]
fn colours_in_a_prompt_take_no_columns() {
    let mut row = Row::default();
    for &byte in b"\x1b[32matoll>\x1b[0m \xc3\xa9" {
        row.push(byte, 80);
    }
    assert_eq!(row.column, 8);
}

/// What is displayed and delivered if the terminal is replaced by another after so many bytes.
fn replaced_after(count: usize, typed: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut terminal = Terminal::new(40);
    let shell = terminal.open().unwrap();
    terminal.set_completions(shell, vec!["echo".into(), "exit".into()]);
    terminal.output(b"\x1b[32matoll> ");
    let (first, second) = typed.split_at(count);
    feed(&mut terminal, first);
    let mut display = terminal.take_display();
    let mut state = Writer::default();
    terminal.save(&mut state);
    let state = state.finish().unwrap();
    let mut reader = Reader::new(&state);
    let mut next = Terminal::restore(40, &mut reader).unwrap();
    assert!(reader.is_at_end());
    feed(&mut next, second);
    next.output(b"noise\n");
    display.extend(next.take_display());
    (display, read(&mut next, shell))
}

proptest! {
    #[test]
    fn another_terminal_goes_on_wherever_this_one_is(
        typed in proptest::collection::vec(
            prop_oneof![
                Just(b"e".to_vec()), Just(b"\t".to_vec()), Just(b"\r".to_vec()),
                Just(b"\x1b[A".to_vec()), Just(b"\x1b[D".to_vec()), Just(b"\x1b[3~".to_vec()),
                Just("é".into()), Just(b"\x7f".to_vec()), Just(b"word ".to_vec()),
            ],
            0..40,
        ),
        at: proptest::sample::Index,
    ) {
        let typed = typed.concat();
        let whole = replaced_after(typed.len(), &typed);
        prop_assert_eq!(replaced_after(at.index(typed.len() + 1), &typed), whole);
    }

    #[test]
    fn any_bytes_are_no_state_or_one(bytes: Vec<u8>) {
        if let Ok(mut terminal) = Terminal::restore(80, &mut Reader::new(&bytes)) {
            feed(&mut terminal, b"x\x1b[A\x7f\r");
        }
    }
}

#[test]
fn what_another_version_dealt_with_is_forgotten() {
    let mut terminal = Terminal::new(80);
    let shell = terminal.open().unwrap();
    feed(&mut terminal, b"one\rtwo\x1b[");
    terminal.take_display();
    terminal.forget_typed();
    assert_eq!(read(&mut terminal, shell), b"");
    feed(&mut terminal, b"three\r");
    assert_eq!(read(&mut terminal, shell), b"three\n");
    assert_eq!(terminal.take_display(), b"three\r\n");
}
