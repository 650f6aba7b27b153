//! Bounds what one input makes the runtime allocate.
//!
//! The crate brings the global allocator: the system's, which counts what each thread holds. Under
//! AddressSanitizer the system's allocator is the sanitizer's. What an input allocated is compared
//! with [`LIMIT`] when it is done; an allocation that alone is larger than that fails at once.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use crate::counts;

/// Most bytes that one input may make the runtime hold at one time. The limits that the targets
/// set (`load::LIMITS`) allow for the most of it: 100 memories of 256 KiB, which double as they
/// grow, and a value stack.
pub const LIMIT: i64 = 96 << 20;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
#[derive(Debug)]
struct Counting;

fn hold(bytes: i64) {
    // The cells have no destructors, so they can be used as long as the thread lives.
    let held = HELD.get() + bytes;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

fn refused(bytes: usize) -> bool {
    i64::try_from(bytes).is_ok_and(|bytes| bytes > LIMIT)
}

// SAFETY: every method hands its arguments on to `System` and returns its answer, or null, which
// every caller has to expect; counting in cells without destructors does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if refused(layout.size()) {
            return std::ptr::null_mut();
        }
        hold(layout.size() as i64);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if refused(layout.size()) {
            return std::ptr::null_mut();
        }
        hold(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if refused(size) {
            return std::ptr::null_mut();
        }
        hold(size as i64 - layout.size() as i64);
        // SAFETY: as above, and `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-(layout.size() as i64));
        // SAFETY: as above, and `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs something and checks how much it held at most.
///
/// # Panics
/// When that is more than [`LIMIT`].
pub fn bounded(run: impl FnOnce()) {
    let before = HELD.get();
    PEAK.set(before);
    run();
    let most = PEAK.get() - before;
    assert!(most <= LIMIT, "one input held {most} bytes");
    counts::peak("bytes held by one input at most", most.max(0) as u64);
}
