//! Small blocks: size classes with free lists, above a frontier that only rises.
//!
//! Classes are multiples of 16 up to 128 bytes and then four to a doubling, so that at most a
//! fifth of a block is lost. A free block holds the address of the next free one of its class in
//! its first word. A new block is cut from the frontier; what alignment skips there becomes free
//! blocks. Small memory is not given back to the kernel: it is the domain's working set and goes
//! with the domain.

use super::{Memory, SLOTS_BASE};
use atoll_gate::layout::{HEAP_BASE, PAGE_SIZE};

/// Number of classes: 8 up to 128 bytes, then four for each doubling up to 64 GiB.
const CLASSES: usize = 8 + 4 * 29;
/// Smallest block and the alignment of all blocks.
const GRAIN: u64 = 16;
/// Pages committed at the frontier at once.
const STEP: u64 = 16 * PAGE_SIZE;

/// Free blocks by class, and the frontier.
#[derive(Debug)]
pub struct Classes {
    free: [u64; CLASSES],
    next: u64,
    committed: u64,
}

/// Number of the class that serves a request; `None` if it is larger than the largest.
#[must_use]
pub fn class_of(size: u64, align: u64) -> Option<usize> {
    // A class that is a power of two is cut at multiples of itself, up to a page.
    let size =
        if align > GRAIN { size.max(align).checked_next_power_of_two()? } else { size.max(1) };
    let number = if size <= 128 {
        (size.div_ceil(GRAIN) - 1) as usize
    } else {
        // The doubling (2^n, 2^(n+1)] that holds the size, in quarters.
        let doubling = (size - 1).ilog2();
        let quarter = ((size - 1) >> (doubling - 2)) & 3;
        8 + (doubling as usize - 7) * 4 + quarter as usize
    };
    (number < CLASSES).then_some(number)
}

/// Bytes of the blocks of a class.
#[must_use]
pub fn class_size(class: usize) -> u64 {
    if class < 8 {
        return (class as u64 + 1) * GRAIN;
    }
    let (doubling, quarter) = ((class - 8) / 4, (class - 8) % 4);
    (quarter as u64 + 5) << (doubling + 5)
}

impl Default for Classes {
    fn default() -> Self {
        Self::new()
    }
}

impl Classes {
    /// Nothing free, nothing committed.
    pub const fn new() -> Self {
        Self { free: [0; CLASSES], next: HEAP_BASE, committed: HEAP_BASE }
    }

    /// Start of the blocks and the frontier.
    pub const fn extent(&self) -> (u64, u64) {
        (HEAP_BASE, self.next)
    }

    /// A block for a request; `None` if there is no memory or the alignment is above a page.
    pub fn allocate<M: Memory>(&mut self, memory: &mut M, size: u64, align: u64) -> Option<u64> {
        if align > PAGE_SIZE {
            return None;
        }
        let class = class_of(size, align)?;
        let head = self.free.get_mut(class)?;
        if *head != 0 {
            let block = *head;
            *head = memory.load(block);
            return Some(block);
        }
        self.cut(memory, class_size(class))
    }

    /// Takes back a block of the class of that request.
    pub fn free<M: Memory>(&mut self, memory: &mut M, address: u64, size: u64, align: u64) {
        if let Some(class) = class_of(size, align) {
            self.push(memory, class, address);
        }
    }

    fn push<M: Memory>(&mut self, memory: &mut M, class: usize, block: u64) {
        if let Some(head) = self.free.get_mut(class) {
            memory.store(block, *head);
            *head = block;
        }
    }

    /// Cuts a block from the frontier.
    fn cut<M: Memory>(&mut self, memory: &mut M, size: u64) -> Option<u64> {
        let align = (1 << size.trailing_zeros()).min(PAGE_SIZE);
        let block = self.next.next_multiple_of(align);
        let end = block.checked_add(size).filter(|end| *end <= SLOTS_BASE)?;
        if end > self.committed {
            let target = end.next_multiple_of(STEP).min(SLOTS_BASE);
            if !memory.commit(self.committed, (target - self.committed) / PAGE_SIZE) {
                return None;
            }
            self.committed = target;
        }
        let skipped = core::mem::replace(&mut self.next, end);
        self.keep(memory, skipped, block);
        Some(block)
    }

    /// Makes free blocks of the bytes from `start` to `end`, the largest first.
    fn keep<M: Memory>(&mut self, memory: &mut M, mut start: u64, end: u64) {
        while start < end {
            // Only power-of-two blocks that are aligned like all others of their class.
            let fitting = 1 << (end - start).ilog2();
            let size = (1 << start.trailing_zeros()).min(fitting);
            if let Some(class) = class_of(size, GRAIN) {
                self.push(memory, class, start);
            }
            start += size;
        }
    }
}
