//! The frame allocator: which physical pages are free.
//!
//! One bit a frame, set when it is in use or not RAM. [`Frame`] is the ownership of one allocated
//! frame and gives it back when dropped, so a frame cannot be freed twice or used afterwards by
//! code without `unsafe`. The search starts where the lowest free frame can be and looks at 64 at a
//! time. Neighbours: `boot` hands over the usable ranges, [`super::space`] and [`super::pages`]
//! allocate.

use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::{PAGE_SIZE, PhysAddr, physical};

/// How much memory there is, in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames of RAM that the allocator manages.
    pub total: u64,
    /// Frames of it that are free.
    pub free: u64,
}

/// Ownership of one frame; dropping it frees the frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame(PhysAddr);

impl Frame {
    /// Where the frame is.
    #[must_use]
    pub const fn address(&self) -> PhysAddr {
        self.0
    }

    /// Fills the frame with what another one holds.
    fn copy_from(&self, from: PhysAddr) {
        let (from, to) = (physical::pointer(from), physical::pointer(self.0));
        // SAFETY: both are whole frames in the direct map, and this one is ours alone, so they
        // do not overlap.
        unsafe { to.copy_from_nonoverlapping(from, PAGE_SIZE as usize) };
    }

    /// Hands the ownership to a raw address, to be taken back by [`Frame::from_raw`].
    pub(crate) fn into_raw(self) -> PhysAddr {
        let address = self.0;
        mem::forget(self);
        address
    }

    /// Takes back what [`Frame::into_raw`] gave. The caller owns the frame: it is allocated and no
    /// other `Frame` names it.
    pub(crate) const fn from_raw(address: PhysAddr) -> Self {
        Self(address)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        with_allocator(|allocator| allocator.free(self.0));
    }
}

/// Allocates one zeroed frame; `None` when memory is used up.
#[must_use]
pub fn allocate() -> Option<Frame> {
    let frame = Frame(with_allocator(FrameAllocator::allocate)??);
    zero(frame.0);
    Some(frame)
}

/// Allocates one frame with what another one holds; `None` when memory is used up.
#[must_use]
pub(super) fn copy(from: PhysAddr) -> Option<Frame> {
    let frame = Frame(with_allocator(FrameAllocator::allocate)??);
    frame.copy_from(from);
    Some(frame)
}

/// Allocates `count` zeroed frames whose addresses follow each other; `None` if no such run is
/// free or `count` is 0.
#[must_use]
pub fn allocate_contiguous(count: usize) -> Option<Vec<Frame>> {
    let mut frames = Vec::new();
    frames.try_reserve_exact(count).ok()?;
    let first = with_allocator(|allocator| allocator.allocate_run(count as u64))??;
    for index in 0..count as u64 {
        let address = PhysAddr::truncate(first.raw() + index * PAGE_SIZE);
        zero(address);
        frames.push(Frame(address));
    }
    Some(frames)
}

/// How much memory there is and how much of it is free.
#[must_use]
pub fn statistics() -> Statistics {
    with_allocator(|allocator| allocator.statistics()).unwrap_or_default()
}

fn zero(frame: PhysAddr) {
    let pointer = physical::pointer(frame);
    // SAFETY: the frame was just allocated, so it is RAM in the direct map and nobody else's.
    unsafe { pointer.write_bytes(0, PAGE_SIZE as usize) };
}

/// The bitmap of all frames below the end of RAM.
#[derive(Debug)]
pub struct FrameAllocator {
    /// Bit set: in use, or not RAM.
    used: &'static mut [u64],
    /// Word of the bitmap below which nothing is free.
    cursor: usize,
    statistics: Statistics,
}

impl FrameAllocator {
    /// Words of bitmap that memory up to `end` needs.
    #[must_use]
    pub const fn words_for(end: PhysAddr) -> usize {
        (end.raw().div_ceil(PAGE_SIZE)).div_ceil(64) as usize
    }

    /// Starts with no frame at all; `bitmap` bounds the memory that can be added.
    #[must_use]
    pub fn new(bitmap: &'static mut [u64]) -> Self {
        bitmap.fill(u64::MAX);
        Self { used: bitmap, cursor: 0, statistics: Statistics::default() }
    }

    /// Adds the whole frames of a range of RAM that is not in use. Frames that were added before
    /// or that lie beyond the bitmap are left out. Frame 0 is never handed out, so that a zero
    /// address cannot be a frame.
    pub fn add(&mut self, range: Range<u64>) {
        let first = range.start.div_ceil(PAGE_SIZE).max(1);
        for number in first..range.end / PAGE_SIZE {
            if self.set(number, false) {
                self.cursor = self.cursor.min((number / 64) as usize);
                self.statistics.total += 1;
                self.statistics.free += 1;
            }
        }
    }

    /// How much is managed and free.
    #[must_use]
    pub const fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Takes a free frame.
    pub fn allocate(&mut self) -> Option<PhysAddr> {
        let free = |(_, bits): &(usize, &u64)| **bits != u64::MAX;
        let (word, _) = self.used.iter().enumerate().skip(self.cursor).find(free)?;
        self.cursor = word;
        let bit = self.used.get(word)?.trailing_ones();
        let number = word as u64 * 64 + u64::from(bit);
        self.take(number);
        Some(PhysAddr::truncate(number * PAGE_SIZE))
    }

    /// Takes `count` free frames in a row and gives the first. All frames below the cursor's word
    /// are in use, so the search starts there.
    pub fn allocate_run(&mut self, count: u64) -> Option<PhysAddr> {
        if count == 0 {
            return None;
        }
        let mut run = 0;
        for (index, bits) in self.used.iter().enumerate().skip(self.cursor) {
            if *bits == u64::MAX {
                run = 0;
                continue;
            }
            for bit in 0..64 {
                run = if bits & 1 << bit != 0 { 0 } else { run + 1 };
                if run == count {
                    let first = index as u64 * 64 + bit + 1 - count;
                    (first..first + count).for_each(|number| self.take(number));
                    return Some(PhysAddr::truncate(first * PAGE_SIZE));
                }
            }
        }
        None
    }

    /// Gives a frame back.
    pub fn free(&mut self, frame: PhysAddr) {
        let number = frame.raw() / PAGE_SIZE;
        let changed = self.set(number, false);
        debug_assert!(changed, "{frame:?} was free already");
        self.statistics.free += u64::from(changed);
        self.cursor = self.cursor.min((number / 64) as usize);
    }

    fn take(&mut self, number: u64) {
        if self.set(number, true) {
            self.statistics.free -= 1;
        }
    }

    /// Marks a frame and tells whether that changed anything.
    fn set(&mut self, number: u64, used: bool) -> bool {
        let Some(word) = self.used.get_mut((number / 64) as usize) else { return false };
        let mask = 1 << (number % 64);
        let changed = (*word & mask != 0) != used;
        *word = if used { *word | mask } else { *word & !mask };
        changed
    }
}

#[cfg(target_os = "none")]
mod global {
    use super::FrameAllocator;

    static ALLOCATOR: spin::Mutex<Option<FrameAllocator>> = spin::Mutex::new(None);

    /// Makes `allocator` the machine's.
    pub(crate) fn install(allocator: FrameAllocator) {
        *ALLOCATOR.lock() = Some(allocator);
    }

    /// Adds RAM that has become free.
    pub(crate) fn add(range: core::ops::Range<u64>) {
        if let Some(allocator) = ALLOCATOR.lock().as_mut() {
            allocator.add(range);
        }
    }

    /// Runs `action` on the machine's allocator; `None` before there is one.
    pub(super) fn with_allocator<T>(action: impl FnOnce(&mut FrameAllocator) -> T) -> Option<T> {
        ALLOCATOR.lock().as_mut().map(action)
    }
}

#[cfg(not(target_os = "none"))]
mod global {
    use super::{FrameAllocator, physical};
    use std::cell::RefCell;
    use std::vec;

    /// Where the fake memory's usable part begins, as on a PC above the first megabyte.
    const USABLE: u64 = 1 << 20;

    thread_local! {
        static ALLOCATOR: RefCell<FrameAllocator> = RefCell::new(fresh(physical::HOST_MEMORY));
    }

    fn fresh(bytes: usize) -> FrameAllocator {
        let bitmap = vec![0; physical::HOST_MEMORY / 4096 / 64].leak();
        let mut allocator = FrameAllocator::new(bitmap);
        allocator.add(USABLE..bytes as u64);
        allocator
    }

    /// Runs `action` on this thread's allocator; `None` while the thread ends.
    pub(super) fn with_allocator<T>(action: impl FnOnce(&mut FrameAllocator) -> T) -> Option<T> {
        ALLOCATOR.try_with(|allocator| action(&mut allocator.borrow_mut())).ok()
    }

    /// Gives this thread a fresh fake memory of only `bytes` bytes above the first megabyte, for
    /// tests of exhaustion. No frame may be in use.
    pub fn limit_host_memory(bytes: usize) {
        let end = (USABLE as usize + bytes).min(physical::HOST_MEMORY);
        ALLOCATOR.with(|allocator| *allocator.borrow_mut() = fresh(end));
    }
}

#[cfg(not(target_os = "none"))]
pub use global::limit_host_memory;
use global::with_allocator;
#[cfg(target_os = "none")]
pub(crate) use global::{add, install};

#[cfg(test)]
mod tests {
    use super::{FrameAllocator, PAGE_SIZE, Statistics, allocate, statistics};
    use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
    use proptest::strategy::Strategy;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Step {
        Allocate,
        Run(u64),
        Free(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<()>().prop_map(|()| Step::Allocate),
            1 => (1_u64..9).prop_map(Step::Run),
            3 => any::<usize>().prop_map(Step::Free),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn behaves_like_a_set_of_free_frames(
            start in 0_u64..200,
            len in 1_u64..400,
            steps in proptest::collection::vec(step(), 1..300),
        ) {
            let mut allocator = FrameAllocator::new(std::vec![0; 8].leak());
            allocator.add(start * PAGE_SIZE + 1..(start + len) * PAGE_SIZE + 5);
            let mut free: BTreeSet<u64> = (start + 1..(start + len).min(512)).collect();
            let total = free.len() as u64;
            let mut taken = Vec::new();
            for step in steps {
                match step {
                    Step::Allocate => match allocator.allocate() {
                        Some(frame) => {
                            assert!(free.remove(&(frame.raw() / PAGE_SIZE)));
                            taken.push(frame);
                        }
                        None => assert!(free.is_empty()),
                    },
                    Step::Run(count) => match allocator.allocate_run(count) {
                        Some(first) => for index in 0..count {
                            let frame = first.checked_add(index * PAGE_SIZE).unwrap();
                            assert!(free.remove(&(frame.raw() / PAGE_SIZE)));
                            taken.push(frame);
                        },
                        None => assert!(!free.iter().any(|first| {
                            (0..count).all(|index| free.contains(&(first + index)))
                        })),
                    },
                    Step::Free(which) => if !taken.is_empty() {
                        let frame = taken.swap_remove(which % taken.len());
                        allocator.free(frame);
                        free.insert(frame.raw() / PAGE_SIZE);
                    },
                }
                let expected = Statistics { total, free: free.len() as u64 };
                assert_eq!(allocator.statistics(), expected);
            }
        }
    }

    #[test]
    fn a_dropped_frame_is_free_again() {
        let before = statistics();
        let frame = allocate().unwrap();
        assert_eq!(statistics().free, before.free - 1);
        drop(frame);
        assert_eq!(statistics(), before);
    }
}
