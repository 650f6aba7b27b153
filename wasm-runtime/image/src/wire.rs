//! The wire form of values, typed: what the provided interfaces read and write.
//!
//! The form is that of `docs/architecture.md`, section "IPC". [`Input`] takes parameters,
//! [`Output`] appends results; there are no dynamic values in between. A list or string is read as
//! a range of the message, so that its bytes can be moved inside the message area.

use alloc::string::String;
use atoll_gate::start::Reader;
use core::ops::Range;

/// The message is not what the function's type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Result of taking a value.
pub type Taken<T> = Result<T, Malformed>;

/// Takes values from a message.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    /// Starts at the beginning of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn array<const N: usize>(&mut self) -> Taken<[u8; N]> {
        let range = self.range(N)?;
        self.bytes.get(range).and_then(|bytes| bytes.try_into().ok()).ok_or(Malformed)
    }

    fn range(&mut self, count: usize) -> Taken<Range<usize>> {
        let end =
            self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or(Malformed)?;
        let start = core::mem::replace(&mut self.at, end);
        Ok(start..end)
    }

    /// Takes a `u8`.
    ///
    /// # Errors
    /// The message ends early; also for all that follow.
    pub fn u8(&mut self) -> Taken<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// Takes a `u16`.
    ///
    /// # Errors
    /// See [`Input::u8`].
    pub fn u16(&mut self) -> Taken<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Takes a `u32`, or the index of a handle's slot.
    ///
    /// # Errors
    /// See [`Input::u8`].
    pub fn u32(&mut self) -> Taken<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Takes a `u64`.
    ///
    /// # Errors
    /// See [`Input::u8`].
    pub fn u64(&mut self) -> Taken<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Takes the case number of an enum or a variant of `count` cases.
    ///
    /// # Errors
    /// Also if there is no such case.
    pub fn case(&mut self, count: u32) -> Taken<u32> {
        self.u32().and_then(|case| if case < count { Ok(case) } else { Err(Malformed) })
    }

    /// Takes a `list<u8>`: where in the message its bytes are.
    ///
    /// # Errors
    /// See [`Input::u8`].
    pub fn bytes(&mut self) -> Taken<Range<usize>> {
        let count = self.u32()?;
        self.range(count as usize)
    }

    /// Takes a `string`.
    ///
    /// # Errors
    /// Also if it is not UTF-8.
    pub fn string(&mut self) -> Taken<&'a str> {
        let range = self.bytes()?;
        self.bytes.get(range).and_then(|bytes| core::str::from_utf8(bytes).ok()).ok_or(Malformed)
    }

    /// Takes a record of plain numbers, whose encoding in the gate's messages is the wire form.
    ///
    /// # Errors
    /// See [`Input::u8`].
    pub fn record<T>(&mut self, read: impl FnOnce(&mut Reader<'a>) -> Option<T>) -> Taken<T> {
        let rest = self.bytes.get(self.at..).ok_or(Malformed)?;
        let mut reader = Reader::new(rest);
        let record = read(&mut reader).ok_or(Malformed)?;
        self.at = self.bytes.len().saturating_sub(reader.left());
        Ok(record)
    }

    /// Says that nothing may follow.
    ///
    /// # Errors
    /// Something does.
    pub const fn end(self) -> Taken<()> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(Malformed) }
    }
}

/// Appends values to a message; what does not fit makes it [`Output::is_full`] for good.
#[derive(Debug)]
pub struct Output<'a> {
    bytes: &'a mut [u8],
    len: usize,
    full: bool,
}

impl<'a> Output<'a> {
    /// Starts at `len` bytes into `bytes`.
    pub const fn new(bytes: &'a mut [u8], len: usize) -> Self {
        Self { bytes, len, full: false }
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether something did not fit.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Forgets what was written after `len`, and that something did not fit.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.full = false;
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        let place =
            self.len.checked_add(bytes.len()).and_then(|end| self.bytes.get_mut(self.len..end));
        match place {
            Some(place) if !self.full => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            _ => self.full = true,
        }
    }

    /// Appends that many bytes, for the caller to fill; `None` if they do not fit.
    pub fn reserve(&mut self, count: usize) -> Option<&mut [u8]> {
        let end = self.len.checked_add(count).filter(|end| *end <= self.bytes.len() && !self.full);
        let Some(end) = end else {
            self.full = true;
            return None;
        };
        let start = core::mem::replace(&mut self.len, end);
        self.bytes.get_mut(start..end)
    }

    /// Appends a `u8`.
    pub fn u8(&mut self, value: u8) {
        self.raw(&[value]);
    }

    /// Appends a `bool`.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Appends a `u16`.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends a `u32`, a case number or the index of a handle's slot.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends a `u64`.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends a `list<u8>`.
    pub fn bytes(&mut self, value: &[u8]) {
        self.u32(value.len() as u32);
        self.raw(value);
    }

    /// Appends a `string`.
    pub fn string(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// Overwrites the `u32` at `at`, which was appended before: the count of a list, known late.
    pub fn patch(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
}

/// A string that is at most `most` bytes long, cut at a character.
#[must_use]
pub fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// Bytes as text; what is not UTF-8 is shown as replacement characters.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Input, Malformed, Output, cut};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(a: u8, b: u16, c: u32, d: u64, text: String, bytes: Vec<u8>) {
            let mut area = vec![0; 64 + text.len() + bytes.len()];
            let mut output = Output::new(&mut area, 0);
            output.u8(a);
            output.u16(b);
            output.u32(c);
            output.u64(d);
            output.string(&text);
            output.bytes(&bytes);
            prop_assert!(!output.is_full());
            let len = output.len();
            let mut input = Input::new(&area[..len]);
            prop_assert_eq!((input.u8(), input.u16(), input.u32(), input.u64()), (Ok(a), Ok(b), Ok(c), Ok(d)));
            prop_assert_eq!(input.string(), Ok(text.as_str()));
            let range = input.bytes().expect("a list");
            prop_assert_eq!(&area[range], &bytes[..]);
            prop_assert_eq!(input.end(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let mut input = Input::new(&bytes);
            let _ = (input.u16(), input.string(), input.bytes(), input.case(3), input.u64(), input.end());
        }
    }

    #[test]
    fn a_message_that_ends_early_is_malformed() {
        assert_eq!(Input::new(&[1, 2, 3]).u32(), Err(Malformed));
        assert_eq!(Input::new(&[255, 255, 255, 255, 1]).bytes(), Err(Malformed));
        assert_eq!(Input::new(&[1, 0, 0, 0, 0xff]).string(), Err(Malformed));
        assert_eq!(Input::new(&[5, 0, 0, 0]).case(5), Err(Malformed));
    }

    #[test]
    fn a_full_message_stays_full() {
        let mut area = [0; 6];
        let mut output = Output::new(&mut area, 0);
        output.u32(7);
        output.u32(8);
        output.u8(9);
        assert!(output.is_full());
        output.truncate(4);
        assert!(!output.is_full());
        assert_eq!(output.len(), 4);
    }

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
