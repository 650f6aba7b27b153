//! Blocks of any size, and lists of small ones that were given back.
//!
//! `talc` keeps the memory and joins what is free. In front of it stands a list for each size of
//! small blocks: a block that is given back goes to the front of its list, and the next request of
//! that size takes it from there, without any search. Listed blocks are whole blocks of `talc`;
//! before the memory is grown all of them are given back to it, so lists never make a guest take
//! memory that it would not have taken without them.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use talc::{base::Talc, source::Manual, wasm::WasmBinning};

/// The step from one size of small blocks to the next: that of `talc`, which also aligns to it.
const STEP: usize = 4 * size_of::<usize>();
/// What `talc` needs in front of the next block.
const TAIL: usize = size_of::<usize>();
/// The size of the largest small block: a list of bytes of 4 KiB, the most that streams move at
/// once.
const LARGEST: usize = 4096;
/// How many sizes of small blocks there are; the first is never asked for.
const SIZES: usize = number(LARGEST) + 1;
/// What a heap needs beyond its largest block: `talc`'s own records and the alignment of both ends.
const OVERHEAD: usize = 4096;

/// Where the memory comes from.
///
/// # Safety
/// The memory that `grow` returns can be read and written, is nobody else's, and stays so for as
/// long as the heap is used.
pub unsafe trait Growth {
    /// Memory of at least so many bytes, its start and its size, or none.
    fn grow(&mut self, least: usize) -> Option<(NonNull<u8>, usize)>;
}

/// A block that was given back, in the list of its size.
struct Listed {
    next: *mut Listed,
}

/// A heap.
pub struct Heap<G> {
    /// The first block that was given back, by the number of its size; null when there is none.
    listed: [*mut Listed; SIZES],
    /// Whether a list may have a block.
    any_listed: bool,
    blocks: Talc<Manual, WasmBinning>,
    /// Where the youngest part of the memory ends.
    end: Option<NonNull<u8>>,
    growth: G,
}

/// The number of a small block's size.
const fn number(size: usize) -> usize {
    (size + TAIL).div_ceil(STEP)
}

/// What every block of that size is: as large as `talc` would make it anyway.
const fn layout(number: usize) -> Layout {
    match Layout::from_size_align(number * STEP - TAIL, STEP) {
        Ok(layout) => layout,
        Err(_) => panic!("no size of a small block is near the end of the address space"),
    }
}

/// The number of the size, if it is that of a small block.
fn small(layout: Layout) -> Option<usize> {
    (layout.size() <= LARGEST && layout.align() <= STEP).then(|| number(layout.size()))
}

impl<G: Growth> Heap<G> {
    /// A heap without memory.
    pub const fn new(growth: G) -> Self {
        Self {
            listed: [ptr::null_mut(); SIZES],
            any_listed: false,
            blocks: Talc::new(Manual),
            end: None,
            growth,
        }
    }

    /// A block of at least that size, which must not be zero, and of that alignment; nothing when
    /// the memory cannot grow. It is the caller's until it is released or resized.
    pub fn allocate(&mut self, wanted: Layout) -> Option<NonNull<u8>> {
        let Some(number) = small(wanted) else {
            return self.cut(wanted);
        };
        let Some(first) = self.listed.get_mut(number) else {
            return self.cut(wanted);
        };
        let Some(block) = NonNull::new(*first) else {
            return self.cut(layout(number));
        };
        // SAFETY: a block in a list is nobody's; `release` wrote its `next`.
        *first = unsafe { block.as_ref() }.next;
        Some(block.cast())
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// This heap gave it out for that layout, and nobody uses it any more.
    pub unsafe fn release(&mut self, block: NonNull<u8>, given: Layout) {
        let first = small(given).and_then(|number| self.listed.get_mut(number));
        let Some(first) = first else {
            // SAFETY: the caller's promise; a block of that layout was cut for just that layout.
            return unsafe { self.blocks.deallocate(block.as_ptr(), given) };
        };
        let listed: NonNull<Listed> = block.cast();
        // SAFETY: the block is nobody's any more, at least STEP - TAIL bytes large, which is enough
        // for a pointer, and aligned to STEP, as every block of `talc` is.
        unsafe { listed.write(Listed { next: *first }) };
        *first = listed.as_ptr();
        self.any_listed = true;
    }

    /// The same bytes in a block of another size, which must not be zero: as many as both sizes
    /// have. Without room for it the old block stays the caller's.
    ///
    /// # Safety
    /// This heap gave it out for that layout; if there is another block, nobody uses this one any
    /// more.
    pub unsafe fn resize(
        &mut self,
        block: NonNull<u8>,
        given: Layout,
        size: usize,
    ) -> Option<NonNull<u8>> {
        let wanted = Layout::from_size_align(size, given.align()).ok()?;
        match (small(given), small(wanted)) {
            (Some(before), Some(after)) if before == after => return Some(block),
            // SAFETY: the caller's promise; large blocks were cut for just their layout.
            (None, None) if unsafe { self.resize_in_place(block, given, size) } => {
                return Some(block);
            }
            _ => {}
        }
        let new = self.allocate(wanted)?;
        // SAFETY: both blocks have so many bytes, and they are two: the old one is not free yet.
        unsafe { new.copy_from_nonoverlapping(block, size.min(given.size())) };
        // SAFETY: the caller's promise, and its bytes were copied.
        unsafe { self.release(block, given) };
        Some(new)
    }

    /// Whether the large block could be given that size where it is.
    ///
    /// # Safety
    /// This heap gave it out for that layout.
    unsafe fn resize_in_place(&mut self, block: NonNull<u8>, given: Layout, size: usize) -> bool {
        // SAFETY: the caller's promise; the new size is that of a large block, so not zero.
        unsafe { self.blocks.try_realloc_in_place(block.as_ptr(), given, size) }
    }

    /// Cuts a block out of what is free, and makes more free if it has to.
    #[inline(never)]
    fn cut(&mut self, wanted: Layout) -> Option<NonNull<u8>> {
        loop {
            // SAFETY: no request has size zero, by the promise of who allocates; small ones were
            // rounded up.
            if let Some(block) = unsafe { self.blocks.try_allocate(wanted) } {
                return Some(block);
            }
            if !self.give_back() && !self.grow(wanted) {
                return None;
            }
        }
    }

    /// Gives all listed blocks back to `talc`; says whether there were any.
    fn give_back(&mut self) -> bool {
        if !self.any_listed {
            return false;
        }
        self.any_listed = false;
        let mut any = false;
        for (number, first) in self.listed.iter_mut().enumerate() {
            while let Some(block) = NonNull::new(*first) {
                // SAFETY: a block in a list is nobody's; `release` wrote its `next`.
                *first = unsafe { block.as_ref() }.next;
                // SAFETY: it was cut for the layout of its list.
                unsafe { self.blocks.deallocate(block.as_ptr().cast(), layout(number)) };
                any = true;
            }
        }
        any
    }

    /// Takes more memory, enough for a block of that layout; says whether there was any.
    fn grow(&mut self, wanted: Layout) -> bool {
        let least = wanted.size().saturating_add(wanted.align()).saturating_add(OVERHEAD);
        let Some((start, size)) = self.growth.grow(least) else {
            return false;
        };
        let end = start.as_ptr().wrapping_add(size);
        self.end = match self.end {
            // SAFETY: `grow` returned the memory for us alone, and it begins where ours ends.
            Some(before) if before == start => Some(unsafe { self.blocks.extend(before, end) }),
            // SAFETY: `grow` returned the memory for us alone.
            _ => unsafe { self.blocks.claim(start.as_ptr(), size) },
        };
        self.end.is_some()
    }
}

#[cfg(test)]
mod tests;
