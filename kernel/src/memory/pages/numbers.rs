//! Little-endian numbers in a [`PageRun`], read and written in place. They are aligned, so none
//! crosses a page.

use super::{OutOfRange, PAGE, PageRun};

impl PageRun {
    /// Reads a little-endian number at an offset that is a multiple of 4.
    #[inline]
    pub fn u32_at(&self, offset: usize) -> Result<u32, OutOfRange> {
        let place = self.number(offset, 4)?;
        // SAFETY: `number` checked the range and the alignment; frames are readable RAM.
        Ok(unsafe { place.cast::<u32>().read_volatile() })
    }

    /// Reads a little-endian number at an offset that is a multiple of 8.
    #[inline]
    pub fn u64_at(&self, offset: usize) -> Result<u64, OutOfRange> {
        let place = self.number(offset, 8)?;
        // SAFETY: `number` checked the range and the alignment; frames are readable RAM.
        Ok(unsafe { place.cast::<u64>().read_volatile() })
    }

    /// Writes a little-endian number at an offset that is a multiple of 4.
    #[inline]
    pub fn set_u32(&self, offset: usize, value: u32) -> Result<(), OutOfRange> {
        self.check_writable(offset, 4)?;
        let place = self.number(offset, 4)?;
        // SAFETY: `number` checked the range and the alignment; the frame is the run's own.
        unsafe { place.cast::<u32>().write_volatile(value) };
        Ok(())
    }

    /// Writes a little-endian number at an offset that is a multiple of 8.
    #[inline]
    pub fn set_u64(&self, offset: usize, value: u64) -> Result<(), OutOfRange> {
        self.check_writable(offset, 8)?;
        let place = self.number(offset, 8)?;
        // SAFETY: `number` checked the range and the alignment; the frame is the run's own.
        unsafe { place.cast::<u64>().write_volatile(value) };
        Ok(())
    }

    /// Reads `N` little-endian numbers that follow each other, from an offset that is a multiple of
    /// 8; they must lie in one page.
    #[inline]
    pub fn words_at<const N: usize>(&self, offset: usize) -> Result<[u64; N], OutOfRange> {
        self.check(offset, 8 * N)?;
        let place = self.words(offset, N)?;
        // SAFETY: `words` checked that all of them lie in one frame; frames are readable RAM.
        Ok(core::array::from_fn(|index| unsafe { place.wrapping_add(index).read_volatile() }))
    }

    /// Writes `N` little-endian numbers that follow each other, to an offset that is a multiple of
    /// 8; they must lie in one page.
    #[inline]
    pub fn set_words<const N: usize>(
        &self,
        offset: usize,
        words: [u64; N],
    ) -> Result<(), OutOfRange> {
        self.check_writable(offset, 8 * N)?;
        let place = self.words(offset, N)?;
        for (index, word) in words.into_iter().enumerate() {
            // SAFETY: `words` checked that all of them lie in one frame, which is the run's own.
            unsafe { place.wrapping_add(index).write_volatile(word) };
        }
        Ok(())
    }

    /// Where `count` aligned words within one page are.
    #[inline]
    fn words(&self, offset: usize, count: usize) -> Result<*mut u64, OutOfRange> {
        if offset.is_multiple_of(8) && offset % PAGE + 8 * count <= PAGE {
            Ok(self.place(offset)?.0.cast())
        } else {
            Err(OutOfRange)
        }
    }

    /// Where an aligned number of `size` bytes is; aligned numbers do not cross pages.
    #[inline]
    fn number(&self, offset: usize, size: usize) -> Result<*mut u8, OutOfRange> {
        self.check(offset, size)?;
        if offset.is_multiple_of(size) { Ok(self.place(offset)?.0) } else { Err(OutOfRange) }
    }
}
