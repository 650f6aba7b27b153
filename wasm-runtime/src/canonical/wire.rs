//! Reading numbers and text of bytes that nobody vouches for.

use core::str::Utf8Error;

/// The `N` bytes from `at` on, `None` when they are not all there.
#[inline]
pub(super) fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The little-endian word at `at`.
#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes_at(bytes, at)?))
}

/// A little-endian number of 1, 2 or 4 bytes at `at`.
#[inline]
pub(super) fn number_at(bytes: &[u8], at: usize, size: u32) -> Option<u32> {
    match size {
        1 => Some(u32::from(*bytes.get(at)?)),
        2 => Some(u32::from(u16::from_le_bytes(bytes_at(bytes, at)?))),
        _ => u32_at(bytes, at),
    }
}

/// Writes a little-endian number of 1, 2 or 4 bytes; `None` when it does not fit.
#[inline]
pub(super) fn put_number(bytes: &mut [u8], at: usize, size: u32, number: u32) -> Option<()> {
    let target = bytes.get_mut(at..)?;
    match size {
        1 => *target.first_mut()? = number as u8,
        2 => *target.first_chunk_mut()? = (number as u16).to_le_bytes(),
        _ => *target.first_chunk_mut()? = number.to_le_bytes(),
    }
    Some(())
}

/// Makes sure that bytes are UTF-8. Most text is ASCII, and to see that takes a sixth of the
/// instructions that decoding it does.
#[inline]
pub(super) fn check_utf8(bytes: &[u8]) -> Result<(), Utf8Error> {
    if bytes.is_ascii() { Ok(()) } else { core::str::from_utf8(bytes).map(drop) }
}
