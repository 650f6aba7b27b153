//! Text without what steers the terminal: escape sequences, carriage returns, bells. What a
//! terminal would show is what scenarios look for.

/// Takes bytes as they come, sequences cut anywhere, and gives text.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    state: State,
    rest: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind ESC.
    Escape,
    /// Behind ESC [, until a final byte (ECMA-48, 5.4).
    Sequence,
}

impl Cleaner {
    /// Adds what of the bytes is text. A character that is cut off waits for its rest.
    pub(crate) fn clean(&mut self, bytes: &[u8], out: &mut String) {
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (State::Text, 0x1b) => State::Escape,
                (State::Text, _) => {
                    if byte == b'\n' || byte == b'\t' || byte >= b' ' {
                        self.rest.push(byte);
                    }
                    State::Text
                }
                (State::Escape, b'[') => State::Sequence,
                (State::Sequence, 0x20..=0x3f) => State::Sequence,
                (State::Escape | State::Sequence, _) => State::Text,
            };
        }
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.rest.len(),
        };
        out.push_str(&String::from_utf8_lossy(&self.rest[..whole]));
        self.rest.drain(..whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_steering_goes_however_it_is_cut() {
        let raw = "a\x1b[1;31mb\x1b[0K\r\nc\u{7}\x1bMd\tü".as_bytes();
        for size in 1..raw.len() {
            let mut cleaner = Cleaner::default();
            let mut out = String::new();
            raw.chunks(size).for_each(|chunk| cleaner.clean(chunk, &mut out));
            assert_eq!(out, "ab\ncd\tü", "{size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_show_as_such() {
        let mut out = String::new();
        Cleaner::default().clean(b"a\xffb", &mut out);
        assert_eq!(out, "a\u{fffd}b");
    }
}
