//! The kernel's own address space.
//!
//! | from | what | rights |
//! |---|---|---|
//! | direct map, where the loader put it | all RAM but the kernel image | RW, NX |
//! | [`HEAP_BASE`] | kernel heap, grown on demand | RW, NX |
//! | [`DEVICE_BASE`] | registers and tables of devices and firmware | RW or R, NX |
//! | `0xffffffff80000000` | kernel image: text; rodata; data, bss, stacks | RX; R; RW |
//! | `arch::context::TRAMPOLINE` | the trampoline, with the kernel's own context page | as in all |
//!
//! Below each kernel stack a page is left out. Pages are only ever added, never changed, so no TLB
//! entry becomes stale.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::table::{self, LARGE, NO_EXECUTE, PRESENT, Table, WRITABLE};
use super::{Access, Cache, PAGE_SIZE, PhysAddr, VirtAddr, frames, physical};

/// Where the kernel heap begins.
pub const HEAP_BASE: u64 = 0xffff_f000_0000_0000;
/// Most bytes of kernel heap.
pub const HEAP_LIMIT: u64 = 1 << 36;
/// Where registers and firmware tables are mapped.
const DEVICE_BASE: u64 = 0xffff_f800_0000_0000;
const LARGE_PAGE: u64 = 2 << 20;

static ROOT: AtomicU64 = AtomicU64::new(0);
static NEXT_DEVICE: AtomicU64 = AtomicU64::new(DEVICE_BASE);

/// Where the loader put the kernel image, and what its parts are.
#[derive(Clone, Debug)]
pub(crate) struct KernelImage {
    /// Physical address of its first byte.
    pub(crate) physical: u64,
    /// Its parts by virtual address.
    pub(crate) parts: [(Range<u64>, Access); 3],
    /// Pages that stay unmapped: below stacks.
    pub(crate) guards: [u64; 2],
    /// Its whole extent.
    pub(crate) extent: Range<u64>,
}

/// No frame was left while the kernel's own tables were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfFrames;

/// Makes the kernel's page tables: the image and the direct map of `ram`. They are not loaded yet.
pub(crate) fn build(
    image: &KernelImage,
    ram: impl Iterator<Item = Range<u64>>,
) -> Result<PhysAddr, OutOfFrames> {
    let root = frames::allocate().ok_or(OutOfFrames)?.into_raw();
    ROOT.store(root.raw(), Relaxed);
    for (part, access) in &image.parts {
        let pages = part.clone().step_by(PAGE_SIZE as usize);
        for page in pages.filter(|page| !image.guards.contains(page)) {
            let frame = image.physical + (page - image.extent.start);
            map(page, PhysAddr::truncate(frame), *access, Cache::WriteBack)?;
        }
    }
    let (image_start, image_end) =
        (image.physical, image.physical + (image.extent.end - image.extent.start));
    for range in ram {
        map_direct(range.start..range.end.min(image_start))?;
        map_direct(range.start.max(image_end)..range.end)?;
    }
    Ok(root)
}

/// The root table; zero before [`build`].
pub(crate) fn root() -> PhysAddr {
    PhysAddr::truncate(ROOT.load(Relaxed))
}

/// Maps a page of the kernel's upper half that was not mapped before.
pub(crate) fn map(
    page: u64,
    frame: PhysAddr,
    access: Access,
    cache: Cache,
) -> Result<(), OutOfFrames> {
    let address = VirtAddr::new(page).ok_or(OutOfFrames)?;
    let entry = table::make(Table(root()), address, 0, &mut 0).ok_or(OutOfFrames)?;
    entry.set(frame.raw() | PRESENT | access.bits() | cache.bits());
    Ok(())
}

/// Maps registers or firmware tables, whole pages around the range, and gives where the first
/// byte is. Such mappings stay for ever.
pub(crate) fn map_device(
    start: PhysAddr,
    len: u64,
    access: Access,
    cache: Cache,
) -> Result<*mut u8, OutOfFrames> {
    let within = start.raw() % PAGE_SIZE;
    let pages = (within + len).div_ceil(PAGE_SIZE);
    let base = NEXT_DEVICE.fetch_add(pages * PAGE_SIZE, Relaxed);
    for index in 0..pages {
        let frame = PhysAddr::truncate(start.raw() - within + index * PAGE_SIZE);
        map(base + index * PAGE_SIZE, frame, access, cache)?;
    }
    Ok((base + within) as *mut u8)
}

/// Maps a range of RAM where [`physical::pointer`] looks for it, with large pages where they fit.
fn map_direct(range: Range<u64>) -> Result<(), OutOfFrames> {
    let mut at = range.start.next_multiple_of(PAGE_SIZE);
    while at + PAGE_SIZE <= range.end {
        let page = physical::offset() + at;
        if at.is_multiple_of(LARGE_PAGE) && at + LARGE_PAGE <= range.end {
            map_large(page, at)?;
            at += LARGE_PAGE;
        } else {
            map(page, PhysAddr::truncate(at), Access::ReadWrite, Cache::WriteBack)?;
            at += PAGE_SIZE;
        }
    }
    Ok(())
}

fn map_large(page: u64, frame: u64) -> Result<(), OutOfFrames> {
    let address = VirtAddr::new(page).ok_or(OutOfFrames)?;
    let mut table = Table(root());
    for level in [4, 3] {
        let at = table::index(address, level);
        table = table::descend(table, at, 0, &mut 0).ok_or(OutOfFrames)?;
    }
    table.entry(table::index(address, 2)).set(frame | PRESENT | WRITABLE | NO_EXECUTE | LARGE);
    Ok(())
}
