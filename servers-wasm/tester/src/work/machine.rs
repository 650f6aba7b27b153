//! A state machine that reads numbers as people write them: `12`, `-3.5`, `+7e-2`.

use super::crc;

/// Words, some of which are no numbers.
const TEXT: &[u8] = b"5012,+874,-110.700,.1234500,-122e+12,1.2.3,T0.3e-1F,+-3,68e,3.14159,0,--,";

#[derive(Clone, Copy)]
enum State {
    Start,
    Signed,
    Whole,
    Point,
    Fraction,
    Exponent,
    Power,
    Bad,
}

/// How many states there are.
const STATES: usize = State::Bad as usize + 1;

/// The text, which changes from round to round and back.
pub(super) struct Machine {
    text: Vec<u8>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { text: TEXT.repeat(3) }
    }

    /// Reads the text, spoils some of it, reads that, and mends it.
    pub(super) fn round(&mut self, seed: u16) -> u16 {
        let mask = seed as u8 & 0x1f;
        let stride = usize::from(seed >> 8 & 0x0f) + 3;
        let mut crc = self.read(seed);
        self.spoil(mask, stride);
        crc = self.read(crc);
        self.spoil(mask, stride);
        crc
    }

    /// Changes some letters, but no comma; doing it again changes them back.
    fn spoil(&mut self, mask: u8, stride: usize) {
        let letters = self.text.iter_mut().zip(TEXT.iter().cycle());
        for (letter, _) in letters.step_by(stride).filter(|(_, original)| **original != b',') {
            *letter ^= mask;
        }
    }

    /// Counts how often each state is entered and how often a word ends in it.
    fn read(&self, mut crc: u16) -> u16 {
        let mut entered = [0_u16; STATES];
        let mut ended = [0_u16; STATES];
        let mut state = State::Start;
        for &letter in &self.text {
            let counts = if letter == b',' { &mut ended } else { &mut entered };
            let next = if letter == b',' { state } else { step(state, letter) };
            if let Some(count) = counts.get_mut(next as usize) {
                *count += 1;
            }
            state = if letter == b',' { State::Start } else { next };
        }
        for count in entered.into_iter().chain(ended) {
            crc = crc::add(crc, count);
        }
        crc
    }
}

fn step(state: State, letter: u8) -> State {
    match (state, letter) {
        (State::Start, b'+' | b'-') => State::Signed,
        (State::Start | State::Signed | State::Whole, b'0'..=b'9') => State::Whole,
        (State::Start | State::Signed | State::Whole, b'.') => State::Point,
        (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
        (State::Whole | State::Fraction, b'e' | b'E') => State::Exponent,
        (State::Exponent, b'+' | b'-' | b'0'..=b'9') | (State::Power, b'0'..=b'9') => State::Power,
        _ => State::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::{Machine, State, TEXT, step};

    fn end(word: &str) -> State {
        word.bytes().fold(State::Start, step)
    }

    #[test]
    fn numbers_are_told_from_others() {
        assert!(matches!(end("5012"), State::Whole));
        assert!(matches!(end("-110.700"), State::Fraction));
        assert!(matches!(end("-122e+12"), State::Power));
        for bad in ["1.2.3", "T0", "+-3", "3e1.5"] {
            assert!(matches!(end(bad), State::Bad), "{bad}");
        }
    }

    #[test]
    fn the_text_is_mended() {
        let mut machine = Machine::new();
        machine.round(0x4d1b);
        assert_eq!(machine.text, TEXT.repeat(3));
    }
}
