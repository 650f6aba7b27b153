//! Reading and writing the boot archive: a POSIX ustar file (IEEE Std 1003.1, `pax`, "ustar
//! Interchange Format") with the boot configuration, the kernel and its modules.
//!
//! Only plain files with names of at most [`NAME_MAX`] bytes occur. `tar tf` lists an archive.

/// Bytes in a block; headers and contents are padded to it.
pub const BLOCK: usize = 512;
/// Longest name of a file.
pub const NAME_MAX: usize = 100;

const SIZE: core::ops::Range<usize> = 124..136;
const CHECKSUM: core::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const MAGIC: core::ops::Range<usize> = 257..265;

/// A file of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Its path, without a leading slash.
    pub name: &'a str,
    /// Its contents.
    pub bytes: &'a [u8],
}

/// Why an archive cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A header or a file is cut off.
    Truncated,
    /// A header has no ustar magic or a wrong checksum.
    BadHeader,
    /// A name is not UTF-8 or a size is not an octal number.
    BadField,
}

/// The files of an archive, in order.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    rest: &'a [u8],
}

/// Starts reading an archive.
#[must_use]
pub const fn files(archive: &[u8]) -> Files<'_> {
    Files { rest: archive }
}

/// Finds a file by its name.
///
/// # Errors
/// What [`Files`] meets before it finds the file.
pub fn find<'a>(archive: &'a [u8], name: &str) -> Result<Option<File<'a>>, Error> {
    for file in files(archive) {
        let file = file?;
        if file.name == name {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

impl<'a> Iterator for Files<'a> {
    type Item = Result<File<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // An archive ends with empty blocks; one that was cut exactly there is whole as well.
        if self.rest.iter().take(BLOCK).all(|&byte| byte == 0) {
            return None;
        }
        let next = take(&mut self.rest);
        if next.is_err() {
            self.rest = &[];
        }
        Some(next)
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<File<'a>, Error> {
    let (header, body) = rest.split_at_checked(BLOCK).ok_or(Error::Truncated)?;
    if header.get(MAGIC) != Some(b"ustar\x0000") || octal(header, CHECKSUM)? != checksum(header) {
        return Err(Error::BadHeader);
    }
    let size = octal(header, SIZE)?;
    let name = header.get(..NAME_MAX).ok_or(Error::Truncated)?;
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let bytes = body.get(..size).ok_or(Error::Truncated)?;
    *rest = body.get(size.next_multiple_of(BLOCK)..).ok_or(Error::Truncated)?;
    Ok(File { name: core::str::from_utf8(name).map_err(|_| Error::BadField)?, bytes })
}

fn octal(header: &[u8], field: core::ops::Range<usize>) -> Result<usize, Error> {
    let field = header.get(field).ok_or(Error::Truncated)?;
    let digits = field.iter().take_while(|byte| !matches!(byte, 0 | b' '));
    digits.copied().try_fold(0_usize, |number, digit| match digit {
        b'0'..=b'7' => number
            .checked_mul(8)
            .and_then(|number| number.checked_add(usize::from(digit - b'0')))
            .ok_or(Error::BadField),
        _ => Err(Error::BadField),
    })
}

/// The sum of a header's bytes, its checksum field counted as blanks.
fn checksum(header: &[u8]) -> usize {
    let counted = |(at, &byte)| usize::from(if CHECKSUM.contains(&at) { b' ' } else { byte });
    header.iter().enumerate().map(counted).sum()
}

/// Builds the header of a file. Owner and time are zero, so equal files give equal archives.
/// `None` if the name is empty or too long, or the file is of 8 GiB or more.
#[must_use]
pub fn header(name: &str, size: usize) -> Option<[u8; BLOCK]> {
    if name.is_empty() || name.len() > NAME_MAX || size >= 1 << 33 {
        return None;
    }
    let mut header = [0; BLOCK];
    header.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    write_octal(header.get_mut(100..107)?, 0o644);
    write_octal(header.get_mut(108..115)?, 0);
    write_octal(header.get_mut(116..123)?, 0);
    write_octal(header.get_mut(124..135)?, size);
    write_octal(header.get_mut(136..147)?, 0);
    *header.get_mut(TYPE)? = b'0';
    header.get_mut(MAGIC)?.copy_from_slice(b"ustar\x0000");
    let sum = checksum(&header);
    write_octal(header.get_mut(148..154)?, sum);
    *header.get_mut(155)? = b' ';
    Some(header)
}

fn write_octal(field: &mut [u8], mut number: usize) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 8) as u8;
        number /= 8;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, bytes) in files {
            out.extend(header(name, bytes.len()).unwrap());
            out.extend(*bytes);
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        out.resize(out.len() + 2 * BLOCK, 0);
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let written =
            archive(&[("limine.cfg", b"TIMEOUT=0\n"), ("boot/empty", b""), ("x", &[7; 513])]);
        let names: Vec<_> = files(&written).map(|file| file.unwrap().name).collect();
        assert_eq!(names, ["limine.cfg", "boot/empty", "x"]);
        assert_eq!(find(&written, "x").unwrap().unwrap().bytes, [7; 513]);
        assert_eq!(find(&written, "y").unwrap(), None);
    }

    #[test]
    fn damage_is_noticed() {
        let whole = archive(&[("a", b"contents")]);
        assert_eq!(files(&whole[..600]).next(), Some(Err(Error::Truncated)));
        let mut damaged = whole.clone();
        damaged[0] = b'b';
        assert_eq!(files(&damaged).next(), Some(Err(Error::BadHeader)));
        assert_eq!(files(&[1; 100]).next(), Some(Err(Error::Truncated)));
    }

    #[test]
    fn names_and_sizes_have_bounds() {
        assert!(header("", 0).is_none());
        assert!(header(core::str::from_utf8(&[b'x'; 101]).unwrap(), 0).is_none());
        assert!(header("x", 1 << 33).is_none());
        let long = [b'x'; 100];
        let name = core::str::from_utf8(&long).unwrap();
        assert_eq!(files(&archive(&[(name, b"")])).next().unwrap().unwrap().name, name);
    }
}
