//! Strings between the encodings of guests and the UTF-8 of messages.
//!
//! The calls of `realloc` are those of the specification, in its order: a guess at the size first,
//! then a correction.
//! Specification: "Canonical ABI", `load_string` and `store_string`.

use alloc::format;

use super::{
    StringEncoding, Transfer,
    error::{Outcome, broken, guest},
    layout::MAX_BYTES,
    lift::{Lift, present},
    lower::{Allocation, Lower},
};

/// In a length under `latin1+utf16`: the units are UTF-16, not Latin-1.
const UTF16_TAG: u32 = 1 << 31;

impl<D: Transfer> Lift<'_, D> {
    /// Lifts a string; `units` is its length as the guest gave it.
    pub(super) fn string(&mut self, address: u32, units: u32) -> Outcome<()> {
        match self.encoding {
            StringEncoding::Utf8 => {
                let start = self.string_range(address, u64::from(units), 1)?;
                self.emit_utf8(start, units as usize)
            }
            StringEncoding::Utf16 => self.utf16(address, units),
            StringEncoding::Latin1OrUtf16 if units & UTF16_TAG != 0 => {
                self.utf16(address, units & !UTF16_TAG)
            }
            StringEncoding::Latin1OrUtf16 => self.latin1(address, units),
        }
    }

    fn string_range(&self, address: u32, bytes: u64, align: u32) -> Outcome<usize> {
        if bytes > u64::from(MAX_BYTES) {
            return guest(format!("a string takes {bytes} bytes, too many"));
        }
        self.range(address, bytes, align)
    }

    fn utf16(&mut self, address: u32, units: u32) -> Outcome<()> {
        let bytes = u64::from(units) * 2;
        let start = self.string_range(address, bytes, 2)?;
        let source = present(self.memory.get(start..start + bytes as usize))?;
        let (pairs, _) = source.as_chunks();
        let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
        self.counted(|lift| {
            for letter in char::decode_utf16(units) {
                match letter {
                    Ok(letter) => lift.letter(letter)?,
                    Err(_) => return guest("a string has half a surrogate pair"),
                }
            }
            Ok(())
        })
    }

    fn latin1(&mut self, address: u32, units: u32) -> Outcome<()> {
        let start = self.string_range(address, u64::from(units), 2)?;
        let source = present(self.memory.get(start..start + units as usize))?;
        self.counted(|lift| source.iter().try_for_each(|byte| lift.letter(char::from(*byte))))
    }

    /// Writes a count of bytes and the bytes that `write` appends.
    fn counted(&mut self, write: impl FnOnce(&mut Self) -> Outcome<()>) -> Outcome<()> {
        let count_at = self.at;
        self.emit([0; 4])?;
        let text_at = self.at;
        write(self)?;
        let len = (self.at - text_at) as u32;
        let count = self.data.outgoing().get_mut(count_at..).and_then(<[u8]>::first_chunk_mut);
        *present(count)? = len.to_le_bytes();
        Ok(())
    }

    fn letter(&mut self, letter: char) -> Outcome<()> {
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            self.emit([byte])?;
        }
        Ok(())
    }
}

impl<D: Transfer> Lower<'_, '_, D> {
    /// Lowers a string into memory of its own; returns address and length as the guest wants it.
    pub(super) fn string(&mut self) -> Outcome<(u32, u32)> {
        let (start, len) = self.text()?;
        match self.options.encoding {
            StringEncoding::Utf8 => {
                let to = self.allocate(1, len)?;
                self.view().copy_incoming(start, to.start, len as usize)?;
                Ok((to.address, len))
            }
            StringEncoding::Utf16 => {
                let units = self.with_text(start, len, |text| text.encode_utf16().count())?;
                let guess = self.doubled(len)?;
                let to = self.allocate(2, guess)?;
                // Encoded before the correction, so that `realloc` moves the text.
                self.write_utf16(start, len, to)?;
                let to = self.corrected(to, guess, 2, units as u32 * 2)?;
                Ok((to.address, units as u32))
            }
            StringEncoding::Latin1OrUtf16 => self.latin1_or_utf16(start, len),
        }
    }

    fn latin1_or_utf16(&mut self, start: usize, len: u32) -> Outcome<(u32, u32)> {
        let (letters, latin1) = self.with_text(start, len, |text| {
            (text.chars().count(), text.chars().all(|letter| u32::from(letter) < 0x100))
        })?;
        let to = self.allocate(2, len)?;
        if latin1 {
            self.write_latin1(start, len, to)?;
            let to = self.corrected(to, len, 2, letters as u32)?;
            return Ok((to.address, letters as u32));
        }
        let units = self.with_text(start, len, |text| text.encode_utf16().count())? as u32;
        let guess = self.doubled(len)?;
        let to = self.reallocate(to.address, len, 2, guess)?;
        self.write_utf16(start, len, to)?;
        let to = self.corrected(to, guess, 2, units * 2)?;
        Ok((to.address, units | UTF16_TAG))
    }

    /// The most bytes that so much UTF-8 takes as UTF-16.
    fn doubled(&self, len: u32) -> Outcome<u32> {
        match len.checked_mul(2) {
            Some(bytes) if bytes <= MAX_BYTES => Ok(bytes),
            _ => super::error::message(format!("a string of {len} bytes is too long")),
        }
    }

    /// Gives back what a guess had too much.
    fn corrected(
        &mut self,
        to: Allocation,
        guess: u32,
        align: u32,
        bytes: u32,
    ) -> Outcome<Allocation> {
        if bytes < guess { self.reallocate(to.address, guess, align, bytes) } else { Ok(to) }
    }

    fn write_utf16(&mut self, start: usize, len: u32, to: Allocation) -> Outcome<()> {
        let view = self.view();
        let target = view.memory.get_mut(to.start..).unwrap_or_default();
        let (pairs, _) = target.as_chunks_mut();
        let text = text_at(view.data, start, len)?;
        let units = text.encode_utf16();
        for (pair, unit) in pairs.iter_mut().zip(units) {
            *pair = unit.to_le_bytes();
        }
        Ok(())
    }

    fn write_latin1(&mut self, start: usize, len: u32, to: Allocation) -> Outcome<()> {
        let view = self.view();
        let target = view.memory.get_mut(to.start..).unwrap_or_default();
        let text = text_at(view.data, start, len)?;
        for (byte, letter) in target.iter_mut().zip(text.chars()) {
            *byte = u32::from(letter) as u8;
        }
        Ok(())
    }

    fn with_text<R>(
        &mut self,
        start: usize,
        len: u32,
        measure: impl FnOnce(&str) -> R,
    ) -> Outcome<R> {
        Ok(measure(text_at(self.view().data, start, len)?))
    }
}

/// Text of the message that was checked to be UTF-8.
fn text_at<D: Transfer>(data: &D, start: usize, len: u32) -> Outcome<&str> {
    let bytes = start.checked_add(len as usize).and_then(|end| data.incoming().get(start..end));
    match core::str::from_utf8(present(bytes)?) {
        Ok(text) => Ok(text),
        Err(_) => broken(),
    }
}
