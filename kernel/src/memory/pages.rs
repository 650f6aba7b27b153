//! Pages presented as bytes: message areas, pipes, boot modules.
//!
//! A [`PageRun`] is a list of frames that the kernel reaches through the direct map whatever
//! address space is loaded. Domains may have the same frames mapped and change them at any time,
//! so bytes are only ever copied in and out and no reference into a run exists. Offsets are
//! checked; nothing here panics.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::arch::asm;

use super::{Frame, PAGE_SIZE, PhysAddr, frames, physical};

const PAGE: usize = PAGE_SIZE as usize;

/// The offset and length do not lie within the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

/// Most pages for which a run looks for frames that follow each other.
const CONTIGUOUS_LIMIT: usize = 32;

/// Whole pages as one range of bytes. Usually behind an [`Arc`], which every address space that
/// maps the run holds as well.
#[derive(Debug)]
pub struct PageRun {
    /// Where the first page is.
    start: PhysAddr,
    /// Bytes from the start that may be read and lie in frames that follow each other: all of a
    /// small run, unless memory is in pieces.
    straight: usize,
    /// Those of them that may be written.
    straight_writable: usize,
    /// Bytes that may be read.
    len: usize,
    /// Bytes that may be written: all, or none of a boot module. Runs that may be written own
    /// their frames.
    writable: usize,
    frames: Vec<PhysAddr>,
}

impl PageRun {
    /// Allocates zeroed pages; `None` when memory is used up or `pages` is 0.
    #[must_use]
    pub fn allocate(pages: usize) -> Option<Arc<Self>> {
        let mut run = Self {
            start: PhysAddr::truncate(0),
            straight: 0,
            straight_writable: 0,
            len: 0,
            writable: pages.checked_mul(PAGE)?,
            frames: Vec::new(),
        };
        run.frames.try_reserve_exact(pages).ok()?;
        let row = if pages <= CONTIGUOUS_LIMIT { frames::allocate_contiguous(pages) } else { None };
        match row {
            Some(row) => run.frames.extend(row.into_iter().map(Frame::into_raw)),
            None => {
                for _ in 0..pages {
                    // A failure half-way drops `run`, which frees what it has.
                    run.frames.push(frames::allocate()?.into_raw());
                }
            }
        }
        run.measure()?;
        Some(Arc::new(run))
    }

    /// Describes memory that is never freed and that the kernel does not write: a boot module of
    /// `len` bytes at a page-aligned address. The rest of its last page is cleared, for domains
    /// will see it.
    #[cfg(any(test, target_os = "none"))]
    pub(crate) fn machine(start: PhysAddr, len: usize) -> Option<Arc<Self>> {
        let frames = Vec::new();
        let mut run = Self { start, straight: len, straight_writable: 0, len, writable: 0, frames };
        run.frames.try_reserve_exact(len.div_ceil(PAGE)).ok()?;
        for offset in (0..len as u64).step_by(PAGE) {
            run.frames.push(start.checked_add(offset)?);
        }
        let rest = len.next_multiple_of(PAGE) - len;
        let tail = physical::pointer(start).wrapping_add(len);
        // SAFETY: the loader gives a module whole pages, so the rest of the last is nobody's.
        unsafe { tail.write_bytes(0, rest) };
        Some(Arc::new(run))
    }

    /// Finds where the run begins and how far its frames follow each other.
    fn measure(&mut self) -> Option<()> {
        let start = *self.frames.first()?;
        let follows = |(index, frame): &(usize, &PhysAddr)| {
            start.checked_add((index * PAGE) as u64) == Some(**frame)
        };
        self.start = start;
        self.straight = self.frames.iter().enumerate().take_while(follows).count() * PAGE;
        self.straight_writable = self.straight;
        self.len = self.frames.len() * PAGE;
        Some(())
    }

    /// Bytes in the run.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the run has no byte: an empty boot module.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pages that the run covers, the last one perhaps in part.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.frames.len()
    }

    /// Frames that the run owns, for quotas: 0 for a boot module.
    #[must_use]
    pub fn owned_frames(&self) -> usize {
        if self.writable == 0 { 0 } else { self.frames.len() }
    }

    /// Where the pages are, in order.
    pub(crate) fn frames(&self) -> &[PhysAddr] {
        &self.frames
    }

    /// Copies bytes out of the run.
    #[inline]
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Result<(), OutOfRange> {
        self.check(offset, out.len())?;
        let mut done = 0;
        while done < out.len() {
            let (from, room) = self.place(offset + done)?;
            let count = room.min(out.len() - done);
            // SAFETY: `place` gives `room` readable bytes of the direct map, and `count` is at
            // most that and at most what is left of `out`, which is ours alone.
            unsafe { copy_bytes(from, out.as_mut_ptr().wrapping_add(done), count) };
            done += count;
        }
        Ok(())
    }

    /// Copies bytes into the run. A boot module refuses: it is shared and read-only.
    #[inline]
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfRange> {
        self.check_writable(offset, bytes.len())?;
        let mut done = 0;
        while done < bytes.len() {
            let (to, room) = self.place(offset + done)?;
            let count = room.min(bytes.len() - done);
            // SAFETY: `place` gives `room` bytes of an owned frame in the direct map, and `count`
            // is at most that and at most what is left of `bytes`.
            unsafe { copy_bytes(bytes.as_ptr().wrapping_add(done), to, count) };
            done += count;
        }
        Ok(())
    }

    /// Copies `len` bytes from this run into another.
    #[inline]
    pub fn copy_to(
        &self,
        offset: usize,
        to: &Self,
        to_offset: usize,
        len: usize,
    ) -> Result<(), OutOfRange> {
        let ends = (offset.checked_add(len), to_offset.checked_add(len));
        if let (Some(end), Some(to_end)) = ends
            && end <= self.straight
            && to_end <= to.straight_writable
        {
            let source = physical::pointer(self.start).wrapping_add(offset);
            let target = physical::pointer(to.start).wrapping_add(to_offset);
            // SAFETY: both ranges lie in frames that follow each other, on either side. If both
            // runs are one and the ranges overlap, the bytes are some mix of both, which is what
            // the caller asked for.
            unsafe { copy_bytes(source, target, len) };
            return Ok(());
        }
        self.copy_scattered(offset, to, to_offset, len)
    }

    #[cold]
    fn copy_scattered(
        &self,
        offset: usize,
        to: &Self,
        to_offset: usize,
        len: usize,
    ) -> Result<(), OutOfRange> {
        self.check(offset, len)?;
        to.check_writable(to_offset, len)?;
        let mut done = 0;
        while done < len {
            let (source, readable) = self.place(offset + done)?;
            let (target, writable) = to.place(to_offset + done)?;
            let count = readable.min(writable).min(len - done);
            // SAFETY: as in `copy_to`, for this piece.
            unsafe { copy_bytes(source, target, count) };
            done += count;
        }
        Ok(())
    }

    /// Fills a range with zeros.
    pub fn clear(&self, offset: usize, len: usize) -> Result<(), OutOfRange> {
        self.check_writable(offset, len)?;
        let mut done = 0;
        while done < len {
            let (to, room) = self.place(offset + done)?;
            let count = room.min(len - done);
            // SAFETY: `place` gives `room` bytes of an owned frame and `count` is at most that.
            unsafe { to.write_bytes(0, count) };
            done += count;
        }
        Ok(())
    }

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

    #[inline]
    fn check(&self, offset: usize, len: usize) -> Result<(), OutOfRange> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(OutOfRange),
        }
    }

    #[inline]
    fn check_writable(&self, offset: usize, len: usize) -> Result<(), OutOfRange> {
        match offset.checked_add(len) {
            Some(end) if end <= self.writable => Ok(()),
            _ => Err(OutOfRange),
        }
    }

    /// Where the byte at `offset` is and how many can be reached from there.
    #[inline]
    fn place(&self, offset: usize) -> Result<(*mut u8, usize), OutOfRange> {
        if offset < self.straight {
            return Ok((
                physical::pointer(self.start).wrapping_add(offset),
                self.straight - offset,
            ));
        }
        self.place_scattered(offset)
    }

    #[cold]
    fn place_scattered(&self, offset: usize) -> Result<(*mut u8, usize), OutOfRange> {
        let frame = *self.frames.get(offset / PAGE).ok_or(OutOfRange)?;
        let within = offset % PAGE;
        Ok((physical::pointer(frame).wrapping_add(within), PAGE - within))
    }

    /// Where an aligned number of `size` bytes is; aligned numbers do not cross pages.
    #[inline]
    fn number(&self, offset: usize, size: usize) -> Result<*mut u8, OutOfRange> {
        self.check(offset, size)?;
        if offset.is_multiple_of(size) { Ok(self.place(offset)?.0) } else { Err(OutOfRange) }
    }
}

impl Drop for PageRun {
    fn drop(&mut self) {
        if self.writable > 0 {
            for frame in &self.frames {
                drop(Frame::from_raw(*frame));
            }
        }
    }
}

/// Copies bytes of which either side may change meanwhile, which a Rust copy must not see.
/// Eight at a time, then the rest: the string instructions are the fastest copy a kernel without
/// vector registers has, and one instruction for a short message.
///
/// # Safety
/// `from` is readable and `to` writable for `count` bytes.
#[inline]
unsafe fn copy_bytes(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller vouches for both ranges; the direction flag is clear in Rust code.
    unsafe {
        asm!(
            "rep movsq",
            "mov ecx, {tail:e}",
            "rep movsb",
            tail = in(reg) count % 8,
            inout("rcx") count / 8 => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{OutOfRange, PAGE, PageRun};
    use crate::memory::frames::statistics;
    use proptest::prelude::{ProptestConfig, any, proptest};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn copies_like_slices(
            bytes in proptest::collection::vec(any::<u8>(), 0..3 * PAGE),
            from in 0..3 * PAGE,
            to in 0..3 * PAGE,
            len in 0..3 * PAGE,
        ) {
            let (source, target) = (PageRun::allocate(3).unwrap(), PageRun::allocate(2).unwrap());
            let mut model = std::vec![0_u8; 3 * PAGE];
            model[..bytes.len()].copy_from_slice(&bytes);
            source.write(0, &bytes).unwrap();
            let mut model_target = std::vec![0_u8; 2 * PAGE];
            let fits = from + len <= 3 * PAGE && to + len <= 2 * PAGE;
            assert_eq!(source.copy_to(from, &target, to, len).is_ok(), fits);
            if fits {
                model_target[to..to + len].copy_from_slice(&model[from..from + len]);
            }
            let mut seen = std::vec![1_u8; 2 * PAGE];
            target.read(0, &mut seen).unwrap();
            assert_eq!(seen, model_target);
        }
    }

    #[test]
    fn numbers_need_alignment_and_room() {
        let run = PageRun::allocate(1).unwrap();
        run.set_u64(8, 0x1122_3344_5566_7788).unwrap();
        assert_eq!(run.u32_at(12), Ok(0x1122_3344));
        assert_eq!(run.u64_at(4), Err(OutOfRange));
        assert_eq!(run.set_u32(PAGE, 1), Err(OutOfRange));
        assert_eq!(run.u64_at(usize::MAX - 7), Err(OutOfRange));
    }

    #[test]
    fn words_stay_within_a_page() {
        let run = PageRun::allocate(2).unwrap();
        run.set_words(16, [1, 2, 3]).unwrap();
        assert_eq!(run.words_at(16), Ok([1, 2, 3]));
        assert_eq!(run.u64_at(24), Ok(2));
        assert_eq!(run.words_at::<2>(PAGE - 8), Err(OutOfRange));
        assert_eq!(run.set_words(12, [1]), Err(OutOfRange));
        assert_eq!(run.set_words(2 * PAGE - 8, [1, 2]), Err(OutOfRange));
    }

    #[test]
    fn scattered_frames_are_one_range() {
        let mut holes: Vec<_> = (0..80).map(|_| PageRun::allocate(1).unwrap()).collect();
        let rest = std::iter::from_fn(|| PageRun::allocate(32)).collect::<Vec<_>>();
        let mut index = 0;
        holes.retain(|_| {
            index += 1;
            index % 2 == 0
        });
        let run = PageRun::allocate(40).unwrap();
        assert!(run.straight < 40 * PAGE);
        let bytes: Vec<u8> = (0..40 * PAGE).map(|at| (at / 7) as u8).collect();
        run.write(0, &bytes).unwrap();
        let other = PageRun::allocate(3);
        drop(rest);
        let straight = PageRun::allocate(32).unwrap();
        run.copy_to(5, &straight, 9, 30 * PAGE).unwrap();
        let mut seen = std::vec![0; 30 * PAGE];
        straight.read(9, &mut seen).unwrap();
        assert_eq!(seen, bytes[5..][..30 * PAGE]);
        drop(other);
    }

    #[test]
    fn a_boot_module_is_read_only_and_ends_in_zeros() {
        let start = crate::memory::PhysAddr::truncate(0x2000);
        let module = PageRun::machine(start, PAGE - 3).unwrap();
        let mut bytes = std::vec![1; PAGE - 3];
        module.read(0, &mut bytes).unwrap();
        assert_eq!(module.write(0, b"x"), Err(OutOfRange));
        assert_eq!(module.set_u32(0, 1), Err(OutOfRange));
        assert_eq!(module.read(PAGE - 3, &mut [0]), Err(OutOfRange));
        assert_eq!((module.pages(), module.owned_frames()), (1, 0));
    }

    #[test]
    fn the_last_holder_frees_the_frames() {
        let before = statistics().free;
        let run = PageRun::allocate(5).unwrap();
        let other = run.clone();
        drop(run);
        assert_eq!(statistics().free, before - 5);
        drop(other);
        assert_eq!(statistics().free, before);
    }
}
