//! The heap of this guest: linear memory beyond what the linker laid out, grown page by page.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};

use crate::heap::{Growth, Heap};

/// Bytes in a page of linear memory.
const PAGE: usize = 65_536;

#[global_allocator]
static ALLOCATOR: Installed = Installed(UnsafeCell::new(Heap::new(LinearMemory)));

struct LinearMemory;

// SAFETY: `memory.grow` gives pages that are this guest's alone and that nobody ever takes away,
// and nothing else in a guest that links this crate grows the memory to use it.
unsafe impl Growth for LinearMemory {
    fn grow(&mut self, least: usize) -> Option<(NonNull<u8>, usize)> {
        let pages = least.div_ceil(PAGE);
        let before = core::arch::wasm32::memory_grow::<0>(pages);
        if before == usize::MAX {
            return None;
        }
        Some((NonNull::new(ptr::with_exposed_provenance_mut(before * PAGE))?, pages * PAGE))
    }
}

struct Installed(UnsafeCell<Heap<LinearMemory>>);

#[cfg(target_feature = "atomics")]
compile_error!("the allocator is for guests with one thread");

// SAFETY: the guest has one thread, as its target has no atomics.
unsafe impl Sync for Installed {}

impl Installed {
    #[expect(clippy::mut_from_ref, reason = "there is one thread, and the heap calls nobody back")]
    fn heap(&self) -> &mut Heap<LinearMemory> {
        // SAFETY: each method below takes the reference once and gives it up before it returns; the
        // heap runs no code of the guest, so none of them begins while another is in progress.
        unsafe { &mut *self.0.get() }
    }
}

// SAFETY: what `GlobalAlloc` asks for is what `Heap` promises of the blocks that it gives out.
unsafe impl GlobalAlloc for Installed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.heap().allocate(layout).map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: the caller promises that `block` is one of this allocator, of that layout.
            unsafe { self.heap().release(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(block) = NonNull::new(block) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller promises that `block` is one of this allocator, of that layout.
        let resized = unsafe { self.heap().resize(block, layout, size) };
        resized.map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}
