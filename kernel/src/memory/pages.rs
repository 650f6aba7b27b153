//! Pages presented as bytes: message areas, pipes, boot modules.
//!
//! A [`PageRun`] is a list of frames that the kernel reaches through the direct map whatever
//! address space is loaded. Domains may have the same frames mapped and change them at any time,
//! so bytes are only ever copied in and out and no reference into a run exists. Offsets are
//! checked; nothing here panics. `numbers` reads and writes aligned numbers in place.

mod numbers;

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
        Self::take(pages).map(Arc::new)
    }

    /// Allocates zeroed pages for so many bytes. The rest of the last page is not part of the run
    /// and stays zero.
    #[must_use]
    pub fn allocate_bytes(len: usize) -> Option<Arc<Self>> {
        let mut run = Self::take(len.div_ceil(PAGE))?;
        (run.len, run.writable) = (len, len);
        run.straight = run.straight.min(len);
        run.straight_writable = run.straight;
        Some(Arc::new(run))
    }

    fn take(pages: usize) -> Option<Self> {
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
        Some(run)
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
pub(super) unsafe fn copy_bytes(from: *const u8, to: *mut u8, count: usize) {
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
#[path = "pages_tests.rs"]
mod tests;
