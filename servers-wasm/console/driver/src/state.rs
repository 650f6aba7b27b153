//! The bytes of a saved state: numbers little endian, texts and lists after their length.
//!
//! Each module writes and reads its own part. What the next version can do without is written last
//! and as far as there is room ([`Writer::spare`]).
//!
//! The steps are not inlined: they run once in the life of a version, and their code is translated
//! at every start.

/// Most bytes of a state, by `atoll:lifecycle/state`.
pub const LIMIT: usize = 60_000;

/// The bytes are not those of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// Puts a state together.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends a number; no count here comes near 32 bits.
    #[inline(never)]
    pub fn number(&mut self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Appends bytes.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a part of its own, empty if what `write` writes would not fit.
    pub fn spare(&mut self, write: impl FnOnce(&mut Self)) {
        let mut part = Self::default();
        write(&mut part);
        let fits = self.bytes.len() + size_of::<u32>() + part.bytes.len() <= LIMIT;
        self.bytes(if fits { &part.bytes } else { &[] });
    }

    /// The whole; `None` if it is more than a state may have.
    #[must_use]
    pub fn finish(self) -> Option<Vec<u8>> {
        (self.bytes.len() <= LIMIT).then_some(self.bytes)
    }
}

/// Takes a state apart.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes a number.
    ///
    /// # Errors
    /// The bytes end before.
    #[inline(never)]
    pub fn number(&mut self) -> Result<usize, Damaged> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(Damaged)?;
        self.rest = rest;
        usize::try_from(u32::from_le_bytes(*number)).map_err(|_| Damaged)
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// The bytes end before.
    #[inline(never)]
    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let len = self.number()?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Damaged)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Takes a text.
    ///
    /// # Errors
    /// The bytes end before or are no UTF-8.
    #[inline(never)]
    pub fn text(&mut self) -> Result<String, Damaged> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Damaged)
    }

    /// Takes a part that may have been left out; `None` if it was.
    ///
    /// # Errors
    /// The bytes end before.
    pub fn spare(&mut self) -> Result<Option<Self>, Damaged> {
        let rest = self.bytes()?;
        Ok((!rest.is_empty()).then_some(Self { rest }))
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        writer.number(7);
        writer.bytes("é".as_bytes());
        writer.spare(|part| part.number(9));
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.number(), reader.text()), (Ok(7), Ok("é".to_owned())));
        assert_eq!(reader.spare().unwrap().unwrap().number(), Ok(9));
        assert!(reader.is_at_end());
        assert_eq!(reader.number(), Err(Damaged));
    }

    #[test]
    fn what_does_not_fit_is_left_out_or_refused() {
        let mut writer = Writer::default();
        writer.bytes(&vec![0; LIMIT - 12]);
        writer.spare(|part| part.bytes(&[1]));
        writer.spare(|_| {});
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.bytes().map(<[u8]>::len), Ok(LIMIT - 12));
        assert!(reader.spare().unwrap().is_none());
        let mut writer = Writer::default();
        writer.bytes(&vec![0; LIMIT]);
        assert_eq!(writer.finish(), None);
    }
}
