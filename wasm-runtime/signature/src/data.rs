//! The signature data: what is in the section.
//!
//! Sets of hashes, each with signatures of all of its hashes. The convention's text has sets and
//! signatures one after the other; the tool that its authors maintain puts the length of each
//! before it. Both are read, the second is written.

/// Version of the convention, content type (WebAssembly), hash function (SHA-256).
pub(crate) const HEADER: [u8; 3] = [1, 1, 1];
/// What every signed message begins with, before [`HEADER`] and the hashes.
pub(crate) const DOMAIN: &[u8] = b"wasmsig";
/// Bytes of a hash.
pub(crate) const HASH: usize = 32;
/// The algorithm Ed25519.
pub(crate) const ED25519: u8 = 1;

/// Takes values from bytes; every method gives `None` when they end early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// A number in LEB128, of at most 32 bits.
    pub(crate) fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let part = u32::from(byte & 0x7f);
            if shift == 28 && part > 0xf {
                return None;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Bytes behind their number.
    pub(crate) fn counted(&mut self) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.bytes(usize::try_from(count).ok()?)
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

/// One signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Which key it is by; anybody may have written that, so it is not believed.
    pub(crate) key_id: &'a [u8],
    pub(crate) algorithm: u8,
    pub(crate) signature: &'a [u8],
}

/// How sets and signatures stand in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Each behind its length.
    Framed,
    /// One after the other.
    Plain,
}

/// The layout of the data; `None` if it has neither.
pub(crate) fn layout(data: &[u8]) -> Option<Layout> {
    let fits = |layout: &Layout| walk(data, *layout, |_, _| {}).is_some();
    [Layout::Framed, Layout::Plain].into_iter().find(fits)
}

/// Shows each signature and the hashes that it signs; `None` if the data is not of this layout.
/// Takes time for each byte at most: whatever is counted takes bytes.
pub(crate) fn walk<'a>(
    data: &'a [u8],
    layout: Layout,
    mut see: impl FnMut(&'a [u8], Record<'a>),
) -> Option<()> {
    let mut reader = Reader::new(data.strip_prefix(&HEADER)?);
    for _ in 0..reader.number()? {
        each(&mut reader, layout, |reader| set(reader, layout, &mut see))?;
    }
    reader.end()
}

/// Reads one thing, which fills its frame if it has one.
fn each<'a, T>(
    reader: &mut Reader<'a>,
    layout: Layout,
    read: impl FnOnce(&mut Reader<'a>) -> Option<T>,
) -> Option<T> {
    match layout {
        Layout::Plain => read(reader),
        Layout::Framed => {
            let mut frame = Reader::new(reader.counted()?);
            let thing = read(&mut frame)?;
            frame.end().map(|()| thing)
        }
    }
}

fn set<'a>(
    reader: &mut Reader<'a>,
    layout: Layout,
    see: &mut impl FnMut(&'a [u8], Record<'a>),
) -> Option<()> {
    let count = usize::try_from(reader.number()?).ok()?;
    let hashes = reader.bytes(count.checked_mul(HASH)?)?;
    for _ in 0..reader.number()? {
        see(hashes, each(reader, layout, record)?);
    }
    Some(())
}

fn record<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    Some(Record {
        key_id: reader.counted()?,
        algorithm: reader.byte()?,
        signature: reader.counted()?,
    })
}
