//! The direct map: where physical memory appears in the kernel's address space.
//!
//! On the machine it is a constant offset that the boot loader chose and our own page tables keep.
//! On hosts each thread has a fake physical memory of its own, so that tests do not see each
//! other's frames.

use super::PhysAddr;

/// Pointer to a physical address in the direct map. Whoever uses it argues that the address is
/// RAM that it may touch.
#[inline]
pub(crate) fn pointer(address: PhysAddr) -> *mut u8 {
    offset().wrapping_add(address.raw()) as *mut u8
}

#[cfg(target_os = "none")]
mod place {
    use core::sync::atomic::{AtomicU64, Ordering};

    static OFFSET: AtomicU64 = AtomicU64::new(0);

    /// Where physical address 0 would be mapped.
    #[inline]
    pub(crate) fn offset() -> u64 {
        OFFSET.load(Ordering::Relaxed)
    }

    /// Records where the boot loader put the direct map. Called once, before any frame is touched.
    pub(crate) fn set_offset(offset: u64) {
        OFFSET.store(offset, Ordering::Relaxed);
    }
}

#[cfg(not(target_os = "none"))]
mod place {
    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

    /// Bytes of fake physical memory of a thread.
    pub(crate) const HOST_MEMORY: usize = 64 << 20;

    struct Arena(*mut u8);

    const LAYOUT: Layout = match Layout::from_size_align(HOST_MEMORY, 4096) {
        Ok(layout) => layout,
        Err(_) => panic!("the arena's layout is constant"),
    };

    impl Arena {
        fn new() -> Self {
            // SAFETY: the layout is not empty.
            let base = unsafe { alloc_zeroed(LAYOUT) };
            if base.is_null() {
                handle_alloc_error(LAYOUT);
            }
            Self(base)
        }
    }

    impl Drop for Arena {
        fn drop(&mut self) {
            // SAFETY: `new` allocated it with this layout, and the thread that used it is over.
            unsafe { dealloc(self.0, LAYOUT) };
        }
    }

    thread_local! {
        static ARENA: Arena = Arena::new();
    }

    /// Where this thread's fake physical address 0 is.
    pub(crate) fn offset() -> u64 {
        ARENA.with(|arena| arena.0 as u64)
    }
}

#[cfg(not(target_os = "none"))]
pub(crate) use place::HOST_MEMORY;
pub(crate) use place::offset;
#[cfg(target_os = "none")]
pub(crate) use place::set_offset;
