//! The kernel heap: a free list in a range of the kernel's address space that grows by whole
//! frames. It never shrinks.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use linked_list_allocator::Heap;
use spin::Mutex;

use super::kernel_space::{self, HEAP_BASE, HEAP_LIMIT};
use super::{Access, Cache, PAGE_SIZE, frames};

/// Bytes by which the heap grows at least.
const STEP: u64 = 64 * 1024;

#[global_allocator]
static HEAP: KernelHeap = KernelHeap(Mutex::new(Growing { heap: Heap::empty(), size: 0 }));

struct KernelHeap(Mutex<Growing>);

struct Growing {
    heap: Heap,
    /// Bytes mapped from [`HEAP_BASE`] on.
    size: u64,
}

/// Bytes of memory that the heap took from the frame allocator.
#[must_use]
pub fn size() -> u64 {
    HEAP.0.lock().size
}

impl Growing {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if let Ok(block) = self.heap.allocate_first_fit(layout) {
            return Some(block);
        }
        // Room for the block, for aligning it, and for the list's own hole in front of it.
        let need = (layout.size() as u64).checked_add(layout.align() as u64)?.checked_add(64)?;
        self.grow(need.max(STEP).checked_next_multiple_of(PAGE_SIZE)?)?;
        self.heap.allocate_first_fit(layout).ok()
    }

    /// Maps `bytes` more, a whole number of pages; `None` if memory is used up. What was mapped
    /// before a failure is used.
    fn grow(&mut self, bytes: u64) -> Option<()> {
        let wanted = self.size.checked_add(bytes).filter(|wanted| *wanted <= HEAP_LIMIT)?;
        let before = self.size;
        while self.size < wanted {
            let Some(frame) = frames::allocate() else { break };
            let (page, address) = (HEAP_BASE + self.size, frame.into_raw());
            kernel_space::map(page, address, Access::ReadWrite, Cache::WriteBack).ok()?;
            self.size += PAGE_SIZE;
        }
        let grown = (self.size - before) as usize;
        if before == 0 {
            // SAFETY: the pages were just mapped, are nobody else's, and stay mapped.
            unsafe { self.heap.init(HEAP_BASE as *mut u8, grown) };
        } else if grown > 0 {
            // SAFETY: the pages follow the heap's end, were just mapped, are nobody else's, and
            // stay mapped.
            unsafe { self.heap.extend(grown) };
        }
        if self.size == wanted { Some(()) } else { None }
    }
}

// SAFETY: blocks come from the free list, which hands out each byte once until it is given back.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.lock().allocate(layout).map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller gives back what `alloc` gave for this layout.
            unsafe { self.0.lock().heap.deallocate(block, layout) };
        }
    }
}
