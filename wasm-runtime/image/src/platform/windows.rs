//! Granted windows of device memory, each access checked against them.

use alloc::vec::Vec;
use atoll_gate::layout::PAGE_SIZE;
use atoll_image::gate::{Width, Window};

extern crate alloc;

/// One mapped window.
#[derive(Clone, Copy, Debug)]
struct Mapped {
    handle: u32,
    base: u64,
    length: u64,
}

impl Mapped {
    /// Address of `count` bytes at `offset`; `None` if they are not all inside.
    fn at(self, offset: u64, count: u64) -> Option<u64> {
        let end = offset.checked_add(count)?;
        (end <= self.length).then(|| self.base + offset)
    }
}

/// The windows of this domain. A window is mapped as long as the domain lives: its handle belongs
/// to a grant, which is never closed.
#[derive(Debug, Default)]
pub(super) struct Windows {
    mapped: Vec<Mapped>,
}

impl Windows {
    pub(super) fn find(&self, handle: u32) -> Option<Window> {
        self.mapped
            .iter()
            .position(|window| window.handle == handle)
            .map(|number| Window(number as u32))
    }

    /// Adds a window that the kernel mapped: `pages` pages at `base`.
    pub(super) fn add(&mut self, handle: u32, base: u64, pages: u32) -> Window {
        self.mapped.push(Mapped { handle, base, length: u64::from(pages) * PAGE_SIZE });
        Window(self.mapped.len() as u32 - 1)
    }

    fn get(&self, window: Window) -> Option<Mapped> {
        self.mapped.get(window.0 as usize).copied()
    }

    pub(super) fn length(&self, window: Window) -> u64 {
        self.get(window).map_or(0, |window| window.length)
    }

    fn place(&self, window: Window, offset: u64, width: Width) -> Option<u64> {
        let width = width as u64;
        if offset.is_multiple_of(width) { self.get(window)?.at(offset, width) } else { None }
    }

    pub(super) fn load(&self, window: Window, offset: u64, width: Width) -> Option<u64> {
        let address = self.place(window, offset, width)?;
        // SAFETY (all four): `place` gives addresses inside a window that the kernel mapped for
        // this domain, aligned to the width because windows are page aligned. Device memory holds
        // no Rust object; volatile, so that each access is one access.
        Some(match width {
            // SAFETY: see above.
            Width::Byte => u64::from(unsafe { (address as *const u8).read_volatile() }),
            // SAFETY: see above.
            Width::Word => u64::from(unsafe { (address as *const u16).read_volatile() }),
            // SAFETY: see above.
            Width::Double => u64::from(unsafe { (address as *const u32).read_volatile() }),
            // SAFETY: see above.
            Width::Quad => unsafe { (address as *const u64).read_volatile() },
        })
    }

    pub(super) fn store(
        &mut self,
        window: Window,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Option<()> {
        let address = self.place(window, offset, width)?;
        // SAFETY (all four): as in `load`.
        match width {
            // SAFETY: see above.
            Width::Byte => unsafe { (address as *mut u8).write_volatile(value as u8) },
            // SAFETY: see above.
            Width::Word => unsafe { (address as *mut u16).write_volatile(value as u16) },
            // SAFETY: see above.
            Width::Double => unsafe { (address as *mut u32).write_volatile(value as u32) },
            // SAFETY: see above.
            Width::Quad => unsafe { (address as *mut u64).write_volatile(value) },
        }
        Some(())
    }

    pub(super) fn load_block(&self, window: Window, offset: u64, out: &mut [u8]) -> Option<()> {
        let address = self.get(window)?.at(offset, out.len() as u64)?;
        // SAFETY: The source is `out.len()` bytes inside a mapped window, where no Rust object is,
        // so it cannot overlap `out`. Callers ask for blocks of memory-like windows only, which may
        // be read in accesses of any size.
        unsafe { out.as_mut_ptr().copy_from_nonoverlapping(address as *const u8, out.len()) };
        Some(())
    }

    pub(super) fn store_block(&mut self, window: Window, offset: u64, bytes: &[u8]) -> Option<()> {
        let address = self.get(window)?.at(offset, bytes.len() as u64)?;
        // SAFETY: As in `load_block`, with the window as the target.
        unsafe { (address as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Some(())
    }

    pub(super) fn move_block(
        &mut self,
        window: Window,
        source: u64,
        target: u64,
        count: u64,
    ) -> Option<()> {
        let window = self.get(window)?;
        let (source, target) = (window.at(source, count)?, window.at(target, count)?);
        // SAFETY: Both ranges are inside one mapped window, where no Rust object is; they may
        // overlap, for which `copy_from` is made.
        unsafe { (target as *mut u8).copy_from(source as *const u8, count as usize) };
        Some(())
    }
}
