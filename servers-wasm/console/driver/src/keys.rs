//! Turns the bytes of a terminal into keys, one byte at a time.
//!
//! [`Decoder`] is a state machine that understands UTF-8, control characters and the escape
//! sequences that terminals send for cursor keys (ECMA-48 control sequences and the `SS3` forms of
//! DEC terminals). Sequences may arrive cut anywhere. What it does not know is swallowed whole, so
//! that half a sequence never ends up in a line of text.

use crate::state::{Damaged, Reader, Writer};

/// A key, by what it means to the line editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A printable character.
    Char(char),
    /// End of line, by CR, LF or CR LF.
    Enter,
    /// Deletes backwards.
    Backspace,
    /// Deletes forwards.
    Delete,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// One word to the left.
    WordLeft,
    /// One word to the right.
    WordRight,
    /// To the start of the line.
    Home,
    /// To the end of the line.
    End,
    /// Older line.
    Up,
    /// Newer line.
    Down,
    /// Completes a word.
    Tab,
    /// Discards the line (Ctrl-U).
    KillLine,
    /// Discards from the cursor on (Ctrl-K).
    KillRest,
    /// Discards the word before the cursor (Ctrl-W).
    KillWord,
    /// Interrupts (Ctrl-C).
    Interrupt,
    /// End of input, or delete forwards (Ctrl-D).
    EndOfInput,
    /// Clears the screen and shows the line again (Ctrl-L).
    Redraw,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// A line feed that follows now belongs to the carriage return before it.
    AfterReturn,
    /// Inside a UTF-8 sequence.
    Utf8 {
        code: u32,
        missing: u8,
        least: u32,
    },
    Escape,
    /// After `ESC O`.
    SingleShift,
    /// After `ESC [`: first and last number so far.
    Control {
        first: u16,
        last: u16,
        many: bool,
    },
}

/// The state machine of one source of bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    state: State,
}

impl Decoder {
    /// Takes the next byte; returns the key that it completes.
    pub fn push(&mut self, byte: u8) -> Option<Key> {
        let state = std::mem::take(&mut self.state);
        match state {
            State::Ground => self.ground(byte),
            State::AfterReturn if byte == b'\n' => None,
            State::AfterReturn => self.ground(byte),
            State::Utf8 { code, missing, least } => self.continue_utf8(byte, code, missing, least),
            State::Escape => self.escape(byte),
            State::SingleShift => cursor_key(byte, 0),
            State::Control { first, last, many } => self.control(byte, first, last, many),
        }
    }

    /// Writes down where it is in a sequence.
    pub fn save(self, out: &mut Writer) {
        let numbers = match self.state {
            State::Ground => [0; 4],
            State::AfterReturn => [1, 0, 0, 0],
            State::Utf8 { code, missing, least } => {
                [2, code as usize, usize::from(missing), least as usize]
            }
            State::Escape => [3, 0, 0, 0],
            State::SingleShift => [4, 0, 0, 0],
            State::Control { first, last, many } => {
                [5, usize::from(first), usize::from(last), usize::from(many)]
            }
        };
        numbers.into_iter().for_each(|number| out.number(number));
    }

    /// Makes one that is where that one was.
    ///
    /// # Errors
    /// Those are not the bytes of one.
    pub fn restore(state: &mut Reader<'_>) -> Result<Self, Damaged> {
        let [kind, a, b, c] = [state.number()?, state.number()?, state.number()?, state.number()?];
        let small = |number: usize| u16::try_from(number).map_err(|_| Damaged);
        let state = match (kind, b) {
            (0, _) => State::Ground,
            (1, _) => State::AfterReturn,
            (2, 1..=3) => State::Utf8 {
                code: u32::try_from(a).map_err(|_| Damaged)? & 0x1f_ffff,
                missing: b as u8,
                least: u32::try_from(c).map_err(|_| Damaged)?,
            },
            (3, _) => State::Escape,
            (4, _) => State::SingleShift,
            (5, _) => State::Control { first: small(a)?, last: small(b)?, many: c != 0 },
            _ => return Err(Damaged),
        };
        Ok(Self { state })
    }

    fn ground(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b'\r' => {
                self.state = State::AfterReturn;
                Key::Enter
            }
            b'\n' => Key::Enter,
            0x08 | 0x7f => Key::Backspace,
            b'\t' => Key::Tab,
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x04 => Key::EndOfInput,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x0b => Key::KillRest,
            0x0c => Key::Redraw,
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::KillLine,
            0x17 => Key::KillWord,
            0x20..=0x7e => Key::Char(char::from(byte)),
            _ => return self.start_sequence(byte),
        })
    }

    fn start_sequence(&mut self, byte: u8) -> Option<Key> {
        self.state = match byte {
            0x1b => State::Escape,
            0xc2..=0xdf => State::Utf8 { code: u32::from(byte & 0x1f), missing: 1, least: 0x80 },
            0xe0..=0xef => State::Utf8 { code: u32::from(byte & 0x0f), missing: 2, least: 0x800 },
            0xf0..=0xf4 => State::Utf8 { code: u32::from(byte & 0x07), missing: 3, least: 0x10000 },
            _ => State::Ground,
        };
        None
    }

    fn continue_utf8(&mut self, byte: u8, code: u32, missing: u8, least: u32) -> Option<Key> {
        if byte & 0xc0 != 0x80 {
            // The sequence broke off; what interrupts it counts for itself.
            return self.ground(byte);
        }
        let code = code << 6 | u32::from(byte & 0x3f);
        if missing > 1 {
            self.state = State::Utf8 { code, missing: missing - 1, least };
            return None;
        }
        char::from_u32(code)
            .filter(|character| code >= least && !character.is_control())
            .map(Key::Char)
    }

    fn escape(&mut self, byte: u8) -> Option<Key> {
        match byte {
            b'[' => self.state = State::Control { first: 0, last: 0, many: false },
            b'O' => self.state = State::SingleShift,
            0x1b => self.state = State::Escape,
            b'b' => return Some(Key::WordLeft),
            b'f' => return Some(Key::WordRight),
            0x08 | 0x7f => return Some(Key::KillWord),
            _ => {}
        }
        None
    }

    fn control(&mut self, byte: u8, first: u16, last: u16, many: bool) -> Option<Key> {
        match byte {
            b'0'..=b'9' => {
                let last = last.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                let first = if many { first } else { last };
                self.state = State::Control { first, last, many };
                None
            }
            b';' | b':' => {
                self.state = State::Control { first, last: 0, many: true };
                None
            }
            // Private markers and intermediates carry nothing that is wanted here.
            0x20..=0x3f => {
                self.state = State::Control { first, last, many };
                None
            }
            b'~' => match first {
                1 | 7 => Some(Key::Home),
                3 => Some(Key::Delete),
                4 | 8 => Some(Key::End),
                _ => None,
            },
            0x40..=0x7e => cursor_key(byte, if many { last } else { 0 }),
            _ => self.ground(byte),
        }
    }
}

/// The key of a cursor sequence's final byte; `modifier` is xterm's (5 is Ctrl, 3 is Alt).
fn cursor_key(last: u8, modifier: u16) -> Option<Key> {
    let by_word = matches!(modifier, 3 | 5);
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' if by_word => Key::WordRight,
        b'D' if by_word => Key::WordLeft,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'M' => Key::Enter,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        bytes.iter().filter_map(|&byte| decoder.push(byte)).collect()
    }

    #[test]
    fn every_line_end_is_one_enter() {
        assert_eq!(keys(b"\r"), [Key::Enter]);
        assert_eq!(keys(b"\n"), [Key::Enter]);
        assert_eq!(keys(b"\r\n"), [Key::Enter]);
        assert_eq!(keys(b"\r\r\n\n"), [Key::Enter, Key::Enter, Key::Enter]);
    }

    #[test]
    fn cursor_keys_in_their_forms() {
        assert_eq!(keys(b"\x1b[A\x1bOB"), [Key::Up, Key::Down]);
        assert_eq!(keys(b"\x1b[1~\x1b[4~\x1b[3~"), [Key::Home, Key::End, Key::Delete]);
        assert_eq!(keys(b"\x1b[H\x1bOF"), [Key::Home, Key::End]);
        assert_eq!(keys(b"\x1b[1;5C\x1b[1;5D"), [Key::WordRight, Key::WordLeft]);
    }

    #[test]
    fn unknown_sequences_are_swallowed_whole() {
        assert_eq!(keys(b"\x1b[15~\x1b[?25hx\x1b[>0;276;0c"), [Key::Char('x')]);
        assert_eq!(keys(b"\x1bxy"), [Key::Char('y')]);
    }

    #[test]
    fn utf8_is_put_together_and_broken_utf8_dropped() {
        assert_eq!(keys("aé€😀".as_bytes()).len(), 4);
        assert_eq!(keys(b"\xc3a\xe2\x82"), [Key::Char('a')]);
        assert_eq!(keys(b"\xe0\x80\x80b"), [Key::Char('b')], "overlong");
        assert_eq!(keys(b"\xed\xa0\x80c"), [Key::Char('c')], "surrogate");
    }

    proptest! {
        #[test]
        fn text_comes_through(text in "[ -~à-ÿα-ω]{0,40}") {
            let expected: Vec<Key> = text.chars().map(Key::Char).collect();
            prop_assert_eq!(keys(text.as_bytes()), expected);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut decoder = Decoder::default();
            for byte in bytes {
                if let Some(Key::Char(character)) = decoder.push(byte) {
                    prop_assert!(!character.is_control());
                }
            }
        }
    }
}
