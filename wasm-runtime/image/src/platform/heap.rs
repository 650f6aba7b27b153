//! The global allocator: [`atoll_image::heap`] on pages that the gate commits.

use super::gate::enter;
use atoll_gate::call::{Call, Status};
use atoll_image::heap::{Heap, Memory, Resized};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

/// The heap range behind the gate.
#[derive(Debug)]
struct Pages;

impl Memory for Pages {
    fn commit(&mut self, address: u64, pages: u64) -> bool {
        enter(Call::Commit as u64, [address, pages, 0, 0, 0]).0 == Status::Ok as u64
    }

    fn reserve(&mut self, address: u64, pages: u64) -> bool {
        enter(Call::Reserve as u64, [address, pages, 0, 0, 0]).0 == Status::Ok as u64
    }

    fn release(&mut self, address: u64, pages: u64) {
        enter(Call::Release as u64, [address, pages, 0, 0, 0]);
    }

    fn load(&self, address: u64) -> u64 {
        // SAFETY: The heap's logic reads free blocks only: committed, aligned to 16 and used by
        // nobody else.
        unsafe { (address as *const u64).read() }
    }

    fn store(&mut self, address: u64, value: u64) {
        // SAFETY: As in `load`.
        unsafe { (address as *mut u64).write(value) };
    }
}

struct Global(UnsafeCell<Heap<Pages>>);

// SAFETY: A domain has one thread.
unsafe impl Sync for Global {}

impl Global {
    fn with<T>(&self, work: impl FnOnce(&mut Heap<Pages>) -> T) -> T {
        // SAFETY: A domain has one thread, and `work` in this module only calls the heap's logic,
        // which neither allocates nor comes back here: the borrow is the only one.
        work(unsafe { &mut *self.0.get() })
    }
}

/// A number that stands for every byte of the heap and for where its blocks are. What was reserved
/// and never touched is touched by this.
#[cfg(feature = "testing")]
pub(super) fn sum() -> u64 {
    GLOBAL.with(|heap| {
        let words = heap.parts().flat_map(|(base, end)| (base..end).step_by(8));
        words.fold(0, |sum: u64, address| {
            // SAFETY: The word is in a block or a free block of the heap, so it is readable; no
            // reference to it is made, and the domain's one thread is here.
            let word = unsafe { (address as *const u64).read_volatile() };
            (sum.rotate_left(7) ^ word ^ address).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    })
}

#[global_allocator]
static GLOBAL: Global = Global(UnsafeCell::new(Heap::new(Pages)));

// SAFETY: The heap's logic gives each live block addresses of its own, aligned as asked, and keeps
// them until the block is freed; it does not unwind. Every byte of a block can be read and written:
// its page is committed, or reserved, and then the kernel backs it at the touch or ends the domain
// as a failed allocation does.
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = self.with(|heap| heap.allocate(layout.size() as u64, layout.align() as u64));
        block.map_or(ptr::null_mut(), |address| address as *mut u8)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: The caller's promise about `layout` is passed on.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() && !Heap::<Pages>::is_zeroed(block as u64) {
            // SAFETY: `block` is a new block of that size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.with(|heap| heap.free(block as u64, layout.size() as u64, layout.align() as u64));
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (old, align) = (layout.size() as u64, layout.align() as u64);
        match self.with(|heap| heap.resize(block as u64, old, new_size as u64, align)) {
            Resized::InPlace => block,
            Resized::Failed => ptr::null_mut(),
            Resized::Move => {
                // SAFETY: The size is the caller's and not zero, the alignment is that of `layout`.
                let wanted = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
                // SAFETY: `wanted` is a layout that is not empty.
                let moved = unsafe { self.alloc(wanted) };
                if !moved.is_null() {
                    // SAFETY: Both blocks are live, different and at least that long.
                    unsafe { moved.copy_from_nonoverlapping(block, layout.size().min(new_size)) };
                    // SAFETY: The block and its layout are the caller's.
                    unsafe { self.dealloc(block, layout) };
                }
                moved
            }
        }
    }
}
