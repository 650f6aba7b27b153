//! Reader of the domain image's file: a static ELF64 executable for x86-64.
//!
//! Only the header and the loadable segments are read; every number of the file is checked before
//! it is used. Layout: System V ABI, "ELF Header" and "Program Header".

use atoll_gate::layout::{IMAGE_BASE, IMAGE_END, PAGE_SIZE};

use super::Access;

const HEADER_SIZE: usize = 64;
const PROGRAM_HEADER_SIZE: u64 = 56;
/// `\x7fELF`, 64 bits, little-endian, version 1.
const IDENTITY: [u8; 7] = [0x7f, b'E', b'L', b'F', 2, 1, 1];
const EXECUTABLE: u16 = 2;
const X86_64: u16 = 62;
const LOAD: u32 = 1;
const FLAG_EXECUTE: u32 = 1;
const FLAG_WRITE: u32 = 2;
/// Most program headers that are looked at.
const MAX_HEADERS: u16 = 32;

/// Why a file is no domain image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// It is shorter than its headers say.
    CutShort,
    /// It is no static ELF64 executable for x86-64.
    NotAnExecutable,
    /// A segment is writable and executable, not page aligned, outside the space for the image,
    /// or longer in the file than in memory.
    BadSegment,
    /// The entry is in no executable segment.
    BadEntry,
}

/// A loadable segment, checked: whole pages within the space for the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it is mapped; page aligned.
    pub address: u64,
    /// Where its bytes are in the file.
    pub offset: usize,
    /// How many bytes come from the file.
    pub file_len: usize,
    /// How many bytes it has in memory; those beyond the file's are zero.
    pub memory_len: usize,
    /// What may be done with it.
    pub access: Access,
}

impl Segment {
    /// Pages that it covers.
    #[must_use]
    pub const fn pages(&self) -> usize {
        self.memory_len.div_ceil(PAGE_SIZE as usize)
    }
}

/// A file whose headers were checked.
#[derive(Clone, Copy, Debug)]
pub struct Elf<'a> {
    file: &'a [u8],
    entry: u64,
    headers: u64,
    count: u16,
}

impl<'a> Elf<'a> {
    /// Checks the headers, the entry and every segment.
    pub fn parse(file: &'a [u8]) -> Result<Self, ElfError> {
        let header = file.get(..HEADER_SIZE).ok_or(ElfError::CutShort)?;
        if !header.starts_with(&IDENTITY)
            || u16_at(file, 16)? != EXECUTABLE
            || u16_at(file, 18)? != X86_64
            || u64::from(u16_at(file, 54)?) != PROGRAM_HEADER_SIZE
        {
            return Err(ElfError::NotAnExecutable);
        }
        let count = u16_at(file, 56)?;
        if count > MAX_HEADERS {
            return Err(ElfError::NotAnExecutable);
        }
        let elf = Self { file, entry: u64_at(file, 24)?, headers: u64_at(file, 32)?, count };
        let mut entered = false;
        for segment in elf.segments() {
            let segment = segment?;
            let within = elf.entry.wrapping_sub(segment.address) < segment.file_len as u64;
            entered |= within && segment.access == Access::ReadExecute;
        }
        if entered { Ok(elf) } else { Err(ElfError::BadEntry) }
    }

    /// The first instruction.
    #[must_use]
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// The loadable segments that are not empty.
    pub fn segments(&self) -> impl Iterator<Item = Result<Segment, ElfError>> + use<'a> {
        let elf = *self;
        (0..elf.count).filter_map(move |index| elf.segment(index).transpose())
    }

    /// The bytes that a segment takes from the file.
    #[must_use]
    pub fn bytes(&self, segment: &Segment) -> &'a [u8] {
        let end = segment.offset.saturating_add(segment.file_len);
        self.file.get(segment.offset..end).unwrap_or(&[])
    }

    fn segment(&self, index: u16) -> Result<Option<Segment>, ElfError> {
        let at = self.headers.checked_add(u64::from(index) * PROGRAM_HEADER_SIZE);
        let at = at.and_then(|at| usize::try_from(at).ok()).ok_or(ElfError::CutShort)?;
        let header = self.file.get(at..).ok_or(ElfError::CutShort)?;
        let memory_len = u64_at(header, 40)?;
        if u32_at(header, 0)? != LOAD || memory_len == 0 {
            return Ok(None);
        }
        let access = match u32_at(header, 4)? & (FLAG_WRITE | FLAG_EXECUTE) {
            0 => Access::Read,
            FLAG_WRITE => Access::ReadWrite,
            FLAG_EXECUTE => Access::ReadExecute,
            _ => return Err(ElfError::BadSegment),
        };
        let (offset, address, file_len) =
            (u64_at(header, 8)?, u64_at(header, 16)?, u64_at(header, 32)?);
        let end = address.checked_add(memory_len).ok_or(ElfError::BadSegment)?;
        let aligned = address.is_multiple_of(PAGE_SIZE);
        if !aligned || address < IMAGE_BASE || end > IMAGE_END || file_len > memory_len {
            return Err(ElfError::BadSegment);
        }
        if offset.checked_add(file_len).is_none_or(|end| end > self.file.len() as u64) {
            return Err(ElfError::CutShort);
        }
        Ok(Some(Segment {
            address,
            offset: offset as usize,
            file_len: file_len as usize,
            memory_len: memory_len as usize,
            access,
        }))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, ElfError> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(ElfError::CutShort)?;
    Ok(u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ElfError> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(ElfError::CutShort)?;
    Ok(u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, ElfError> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(ElfError::CutShort)?;
    Ok(u64::from_le_bytes(*bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Access, Elf, ElfError, IDENTITY, IMAGE_BASE};
    use proptest::prelude::{any, proptest};

    /// Makes an image of (address, flags, bytes in memory, content) segments.
    pub(crate) fn image(entry: u64, segments: &[(u64, u32, u64, &[u8])]) -> Vec<u8> {
        let mut file = vec![0; 64 + 56 * segments.len()];
        file[..7].copy_from_slice(&IDENTITY);
        file[16] = 2;
        file[18] = 62;
        file[24..32].copy_from_slice(&entry.to_le_bytes());
        file[32] = 64;
        file[54] = 56;
        file[56] = segments.len() as u8;
        for (index, (address, flags, memory_len, bytes)) in segments.iter().enumerate() {
            let offset = file.len() as u64;
            let header = &mut file[64 + 56 * index..][..56];
            header[0] = 1;
            header[4..8].copy_from_slice(&flags.to_le_bytes());
            header[8..16].copy_from_slice(&offset.to_le_bytes());
            header[16..24].copy_from_slice(&address.to_le_bytes());
            header[32..40].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
            header[40..48].copy_from_slice(&memory_len.to_le_bytes());
            file.extend_from_slice(bytes);
        }
        file
    }

    #[test]
    fn segments_are_read() {
        let file = image(
            IMAGE_BASE + 1,
            &[(IMAGE_BASE, 5, 3, b"abc"), (IMAGE_BASE + 0x1000, 6, 0x2001, b"data")],
        );
        let elf = Elf::parse(&file).unwrap();
        let segments: Vec<_> = elf.segments().map(Result::unwrap).collect();
        assert_eq!(segments.len(), 2);
        assert_eq!(elf.bytes(&segments[0]), b"abc");
        assert_eq!(segments[1].access, Access::ReadWrite);
        assert_eq!(segments[1].pages(), 3);
    }

    #[test]
    fn bad_images_are_refused() {
        let text: (u64, u32, u64, &[u8]) = (IMAGE_BASE, 5, 3, b"abc");
        let parse = |file: &[u8]| Elf::parse(file).map(|_| ());
        assert_eq!(parse(&image(IMAGE_BASE, &[text])), Ok(()));
        assert_eq!(parse(&image(IMAGE_BASE + 3, &[text])), Err(ElfError::BadEntry));
        let bad = |segment| parse(&image(IMAGE_BASE, &[text, segment]));
        assert_eq!(bad((IMAGE_BASE + 0x1000, 7, 1, b"")), Err(ElfError::BadSegment));
        assert_eq!(bad((IMAGE_BASE + 0x1001, 4, 1, b"")), Err(ElfError::BadSegment));
        assert_eq!(bad((0x1000, 4, 1, b"")), Err(ElfError::BadSegment));
        assert_eq!(bad((IMAGE_BASE + 0x1000, 4, u64::MAX, b"")), Err(ElfError::BadSegment));
        assert_eq!(bad((IMAGE_BASE + 0x1000, 4, 1, b"ab")), Err(ElfError::BadSegment));
        assert_eq!(parse(b"\x7fELF"), Err(ElfError::CutShort));
    }

    proptest! {
        #[test]
        fn damaged_images_do_not_panic(
            damage in proptest::collection::vec((0_usize..200, any::<u8>()), 0..8),
            cut in 0_usize..200,
        ) {
            let mut file = image(
                IMAGE_BASE,
                &[(IMAGE_BASE, 5, 3, b"abc"), (IMAGE_BASE + 0x1000, 6, 0x2001, b"data")],
            );
            for (at, byte) in damage {
                if let Some(place) = file.get_mut(at) {
                    *place = byte;
                }
            }
            file.truncate(cut);
            if let Ok(elf) = Elf::parse(&file) {
                for segment in elf.segments() {
                    let _ = elf.bytes(&segment.unwrap());
                }
            }
        }
    }
}
