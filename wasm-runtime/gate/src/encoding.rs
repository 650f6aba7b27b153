//! How records are encoded: fields in order, integers little-endian, strings and lists behind a
//! `u32` count.

use core::str;

/// Appends encoded fields to a buffer; sticky failure when it is full.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
    full: bool,
}

impl<'a> Writer<'a> {
    /// Starts at the beginning of `out`.
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0, full: false }
    }

    /// Appends raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let target =
            self.len.checked_add(bytes.len()).and_then(|end| self.out.get_mut(self.len..end));
        match target {
            Some(target) if !self.full => {
                target.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            _ => self.full = true,
        }
    }

    /// Appends a byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    /// Appends a 32-bit number.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Appends a 64-bit number.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Appends a string behind its length.
    pub fn string(&mut self, value: &str) {
        match u32::try_from(value.len()) {
            Ok(len) => {
                self.u32(len);
                self.bytes(value.as_bytes());
            }
            Err(_) => self.full = true,
        }
    }

    /// Bytes written, or `None` if something did not fit.
    #[must_use]
    pub fn finish(self) -> Option<usize> {
        if self.full { None } else { Some(self.len) }
    }
}

/// Takes encoded fields from bytes; every method gives `None` when they end early.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes `len` raw bytes.
    pub fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Takes a byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// Takes a 32-bit number.
    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// Takes a 64-bit number.
    pub fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    /// Takes a string; `None` also if it is not UTF-8.
    pub fn string(&mut self) -> Option<&'a str> {
        let len = self.u32()?;
        str::from_utf8(self.bytes(usize::try_from(len).ok()?)?).ok()
    }

    /// Bytes that were not taken.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
