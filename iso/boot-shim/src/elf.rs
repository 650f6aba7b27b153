//! Reading the kernel: a static 64-bit ELF executable for x86-64 (ELF-64 Object File Format
//! 1.5, chapters 3 and 6) linked at or above -2 GiB ("Entry memory layout" of the protocol).
//!
//! Position-independent kernels, which the protocol lets a loader relocate, are refused.

use crate::map::PAGE;

/// Lowest address that a kernel may be linked at.
pub const LOWEST: u64 = 0xffff_ffff_8000_0000;

/// Why a kernel cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not a little-endian 64-bit ELF file for x86-64.
    NotElf,
    /// Position independent or not linked.
    NotStatic,
    /// A table or a segment lies outside the file.
    Truncated,
    /// A segment lies below -2 GiB or wraps around.
    BadAddress,
    /// There is nothing to load.
    Empty,
}

/// A loadable part of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its virtual address.
    pub address: u64,
    /// Bytes in memory; what the file does not fill is zero.
    pub size: u64,
    /// What the file has of it.
    pub bytes: &'a [u8],
    /// Whether it may be written.
    pub write: bool,
    /// Whether it may be executed.
    pub execute: bool,
}

/// A kernel file whose header and segments were checked.
#[derive(Clone, Copy, Debug)]
pub struct Kernel<'a> {
    file: &'a [u8],
    headers: &'a [u8],
    /// Address of its entry.
    pub entry: u64,
    /// First page.
    pub base: u64,
    /// Bytes from the first page to the end of the last one.
    pub size: u64,
}

const HEADER: usize = 56;

impl<'a> Kernel<'a> {
    /// Checks a kernel file.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let magic = file.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]);
        if !magic || u16_at(file, 18)? != 62 || usize::from(u16_at(file, 54)?) != HEADER {
            return Err(Error::NotElf);
        }
        if u16_at(file, 16)? != 2 {
            return Err(Error::NotStatic);
        }
        let offset = usize::try_from(u64_at(file, 32)?).map_err(|_| Error::Truncated)?;
        let len = usize::from(u16_at(file, 56)?) * HEADER;
        let headers =
            file.get(offset..).and_then(|rest| rest.get(..len)).ok_or(Error::Truncated)?;
        let mut kernel = Self { file, headers, entry: u64_at(file, 24)?, base: u64::MAX, size: 0 };
        let mut end = 0;
        for segment in kernel.segments() {
            let segment = segment?;
            kernel.base = kernel.base.min(segment.address / PAGE * PAGE);
            end = end.max(segment.address + segment.size);
        }
        kernel.size = end.checked_sub(kernel.base).ok_or(Error::Empty)?.next_multiple_of(PAGE);
        Ok(kernel)
    }

    /// The segments to load. After [`Kernel::parse`] none of them is an error.
    pub fn segments(&self) -> impl Iterator<Item = Result<Segment<'a>, Error>> + use<'a> {
        let file = self.file;
        let loadable = |header: &&[u8]| u32_at(header, 0) == Ok(1) && u64_at(header, 40) != Ok(0);
        self.headers.chunks_exact(HEADER).filter(loadable).map(move |header| segment(file, header))
    }
}

fn segment<'a>(file: &'a [u8], header: &[u8]) -> Result<Segment<'a>, Error> {
    let offset = usize::try_from(u64_at(header, 8)?).map_err(|_| Error::Truncated)?;
    let len = usize::try_from(u64_at(header, 32)?).map_err(|_| Error::Truncated)?;
    let bytes = file.get(offset..).and_then(|rest| rest.get(..len)).ok_or(Error::Truncated)?;
    let (address, size) = (u64_at(header, 16)?, u64_at(header, 40)?);
    // The last page stays free, so that ends can be rounded up without wrapping.
    let end = address.checked_add(size).filter(|&end| end <= u64::MAX - PAGE);
    if address < LOWEST || end.is_none() || size < bytes.len() as u64 {
        return Err(Error::BadAddress);
    }
    let flags = u32_at(header, 4)?;
    Ok(Segment { address, size, bytes, write: flags & 2 != 0, execute: flags & 1 != 0 })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Error> {
    let field = bytes.get(at..).and_then(|rest| rest.get(..N)).ok_or(Error::Truncated)?;
    field.try_into().map_err(|_| Error::Truncated)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Error> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Error> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Error> {
    array(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn file(kind: u16, address: u64, bytes: &[u8], size: u64) -> Vec<u8> {
        let mut file = Vec::from([0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(kind.to_le_bytes());
        file.extend(62_u16.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        for word in [address, 64, 0] {
            file.extend(word.to_le_bytes());
        }
        for (word, len) in [(0_u64, 4), (64, 2), (56, 2), (1, 2), (0, 6)] {
            file.extend(&word.to_le_bytes()[..len]);
        }
        file.extend(1_u32.to_le_bytes());
        file.extend(5_u32.to_le_bytes());
        for word in [120, address, address, bytes.len() as u64, size, PAGE] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
        file
    }

    #[test]
    fn a_kernel_is_measured_in_pages() {
        let file = file(2, LOWEST + 0x1010, b"code", 0x1000);
        let kernel = Kernel::parse(&file).unwrap();
        assert_eq!((kernel.base, kernel.size), (LOWEST + 0x1000, 0x2000));
        let segment = kernel.segments().next().unwrap().unwrap();
        assert_eq!(segment.bytes, b"code");
        assert!(segment.execute && !segment.write);
    }

    #[test]
    fn unfit_kernels_are_refused() {
        let refused = |file: &[u8]| Kernel::parse(file).unwrap_err();
        assert_eq!(refused(b"MZ"), Error::NotElf);
        assert_eq!(refused(&file(3, LOWEST, b"", 1)), Error::NotStatic);
        assert_eq!(refused(&file(2, 0x10_0000, b"code", 4)), Error::BadAddress);
        assert_eq!(refused(&file(2, u64::MAX - 0x800, b"code", 0x700)), Error::BadAddress);
        assert_eq!(refused(&file(2, LOWEST, b"code", 3)), Error::BadAddress);
        assert_eq!(refused(&file(2, LOWEST, b"", 0)), Error::Empty);
        let whole = file(2, LOWEST, b"code", 4);
        for len in 6..whole.len() {
            assert!(Kernel::parse(&whole[..len]).is_err(), "{len}");
        }
    }
}
