//! The address space of a domain: its page tables, its context page, its gate trampoline.
//!
//! The lower half is the domain's. The upper half has one slot, the last, and in it the trampoline
//! (see `arch`): pages that all domains share, read-only or of no interest, and the context page,
//! which is the domain's own. Dropping an address space frees its tables and the frames that it
//! owns and lets go of the runs that it shares.
//!
//! Tables change only while the kernel runs, and the kernel runs in its own address space: no
//! processor has the changed tables loaded, and loading them flushes what it remembers of them.
//! Hence nothing here invalidates TLB entries.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::table::{self, ENTRIES, Entry, NO_EXECUTE, OWNED, PRESENT, Table, USER, WRITABLE};
use super::{Access, Cache, Frame, PAGE_SIZE, PageRun, PhysAddr, VirtAddr, frames, physical};
use crate::arch::context::{self, Context};

/// Slot of the root table in which the kernel image and the trampoline are.
pub(super) const UPPER_SLOT: usize = ENTRIES - 1;

/// The ring in which a domain runs; re-exported so that callers need not name the gate.
pub use atoll_gate::start::Isolation;

/// Why a page could not be mapped or unmapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The address is not the start of a page in the lower half, or the range leaves it.
    BadAddress,
    /// A page of the range is mapped already.
    Exists,
    /// A page of the range is not mapped, or is not owned by the address space.
    Missing,
    /// No frame is left.
    OutOfFrames,
}

/// Page tables, context page and the memory in them.
#[derive(Debug)]
pub struct AddressSpace {
    root: Frame,
    context: Frame,
    user: bool,
    /// Tables below the root, the trampoline's among them.
    tables: usize,
    /// Frames in the lower half that are the space's own.
    owned: usize,
    /// Runs that are mapped and must live as long as the space.
    runs: Vec<Arc<PageRun>>,
}

impl AddressSpace {
    /// Makes an address space with nothing in its lower half; `None` when memory is used up.
    #[must_use]
    pub fn new(ring: Isolation) -> Option<Self> {
        let mut space = Self {
            root: frames::allocate()?,
            context: frames::allocate()?,
            user: ring == Isolation::User,
            tables: 0,
            owned: 0,
            runs: Vec::new(),
        };
        let last = space.trampoline_table()?;
        for (to, from) in last.entries().zip(super::trampoline::template()) {
            to.set(from);
        }
        let context_index = table::index(context::ADDRESS, 1);
        let entry = space.context.address().raw() | PRESENT | WRITABLE | NO_EXECUTE;
        last.entry(context_index).set(entry);
        space.context().bind(physical::offset(), space.context.address(), space.root.address());
        Some(space)
    }

    /// The registers of the domain.
    #[inline]
    #[must_use]
    pub fn context(&self) -> &Context {
        let pointer = physical::pointer(self.context.address()).cast::<Context>();
        // SAFETY: the frame is the space's own for as long as `self` lives, is a page long and
        // aligned, holds zeros or what earlier accesses left, and every field is atomic.
        unsafe { &*pointer }
    }

    /// The ring that the tables are made for.
    #[must_use]
    pub const fn ring(&self) -> Isolation {
        if self.user { Isolation::User } else { Isolation::Kernel }
    }

    /// Frames that the space holds: root, context, tables and owned pages; not the shared runs.
    #[must_use]
    pub const fn frame_count(&self) -> usize {
        2 + self.tables + self.owned
    }

    /// Maps a frame that from now on belongs to the space.
    pub fn map_owned(
        &mut self,
        page: VirtAddr,
        frame: Frame,
        access: Access,
    ) -> Result<(), MapError> {
        let entry = self.free_entry(page)?;
        entry.set(self.leaf(frame.into_raw(), access, Cache::WriteBack) | OWNED);
        self.owned += 1;
        Ok(())
    }

    /// Backs free pages with zeroed frames, all or none.
    pub fn commit(&mut self, base: VirtAddr, pages: u64, access: Access) -> Result<(), MapError> {
        self.each(base, pages, |space, page| {
            let frame = frames::allocate().ok_or(MapError::OutOfFrames)?;
            space.map_owned(page, frame, access)
        })
    }

    /// Frees owned pages, all or none.
    pub fn release(&mut self, base: VirtAddr, pages: u64) -> Result<(), MapError> {
        let range = lower_half_range(base, pages)?;
        let owned = |page| self.entry(page).is_some_and(|entry| entry.get() & OWNED != 0);
        if !range.clone().all(owned) {
            return Err(MapError::Missing);
        }
        range.for_each(|page| self.unmap(page));
        Ok(())
    }

    /// Backs those pages of a range that are free with zeroed frames, as far as frames are left.
    pub fn fill(&mut self, base: VirtAddr, pages: u64) -> Result<(), MapError> {
        for page in lower_half_range(base, pages)? {
            if !self.is_mapped(page) {
                self.commit(page, 1, Access::ReadWrite)?;
            }
        }
        Ok(())
    }

    /// Frees the owned pages of a range, of which any may be missing. Takes time by what is there:
    /// where a table is missing, all its pages are passed over.
    pub fn clear(&mut self, base: VirtAddr, pages: u64) -> Result<(), MapError> {
        drop(lower_half_range(base, pages)?);
        let mut next = 0;
        while let Some(page) = base.checked_add_pages(next).filter(|_| next < pages) {
            next += match self.entry(page) {
                Some(entry) => {
                    if entry.get() & OWNED != 0 {
                        self.unmap(page);
                    }
                    1
                }
                None => (ENTRIES - table::index(page, 1)) as u64,
            };
        }
        Ok(())
    }

    /// Maps all pages of a run that stays shared, and keeps the run alive; all or none.
    pub fn map_run(
        &mut self,
        base: VirtAddr,
        run: &Arc<PageRun>,
        access: Access,
    ) -> Result<(), MapError> {
        self.runs.try_reserve(1).map_err(|_| MapError::OutOfFrames)?;
        let mut frames = run.frames().iter();
        self.each(base, run.pages() as u64, |space, page| {
            let frame = *frames.next().ok_or(MapError::BadAddress)?;
            space.map_shared(page, frame, access, Cache::WriteBack)
        })?;
        self.runs.push(run.clone());
        Ok(())
    }

    /// Maps device memory for reading and writing; all or none. The caller has checked that the
    /// range is no RAM (`boot::MemoryMap::is_device`).
    pub fn map_window(
        &mut self,
        base: VirtAddr,
        start: PhysAddr,
        pages: u64,
        cache: Cache,
    ) -> Result<(), MapError> {
        let mut next = start;
        if !start.is_page_aligned() {
            return Err(MapError::BadAddress);
        }
        self.each(base, pages, |space, page| {
            space.map_shared(page, next, Access::ReadWrite, cache)?;
            next = next.checked_add(PAGE_SIZE).ok_or(MapError::BadAddress)?;
            Ok(())
        })
    }

    /// Unmaps a page if it is mapped and frees its frame if the space owns it.
    pub fn unmap(&mut self, page: VirtAddr) {
        let Some(entry) = self.entry(page) else { return };
        let value = entry.get();
        let Some(frame) = entry.target() else { return };
        entry.set(0);
        if value & OWNED != 0 {
            self.owned -= 1;
            drop(Frame::from_raw(frame));
        }
    }

    /// Unmaps a range, mapped or not.
    pub fn unmap_range(&mut self, base: VirtAddr, pages: u64) {
        if let Ok(range) = lower_half_range(base, pages) {
            range.for_each(|page| self.unmap(page));
        }
    }

    /// Whether a page of the lower half is mapped.
    #[must_use]
    pub fn is_mapped(&self, page: VirtAddr) -> bool {
        self.entry(page).is_some_and(Entry::is_present)
    }

    /// Runs `action` on each page of a range, and unmaps those before a failure.
    fn each(
        &mut self,
        base: VirtAddr,
        pages: u64,
        mut action: impl FnMut(&mut Self, VirtAddr) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        for (done, page) in lower_half_range(base, pages)?.enumerate() {
            if let Err(error) = action(self, page) {
                self.unmap_range(base, done as u64);
                return Err(error);
            }
        }
        Ok(())
    }

    fn map_shared(
        &mut self,
        page: VirtAddr,
        frame: PhysAddr,
        access: Access,
        cache: Cache,
    ) -> Result<(), MapError> {
        let entry = self.free_entry(page)?;
        entry.set(self.leaf(frame, access, cache));
        Ok(())
    }

    fn leaf(&self, frame: PhysAddr, access: Access, cache: Cache) -> u64 {
        frame.raw() | PRESENT | self.ring_bit() | access.bits() | cache.bits()
    }

    const fn ring_bit(&self) -> u64 {
        if self.user { USER } else { 0 }
    }

    fn entry(&self, page: VirtAddr) -> Option<Entry> {
        if page.is_lower_half() { table::find(Table(self.root.address()), page) } else { None }
    }

    fn free_entry(&mut self, page: VirtAddr) -> Result<Entry, MapError> {
        if !page.is_lower_half() || !page.is_page_aligned() {
            return Err(MapError::BadAddress);
        }
        let (root, rights) = (Table(self.root.address()), self.ring_bit());
        let entry = table::make(root, page, rights, &mut self.tables);
        let entry = entry.ok_or(MapError::OutOfFrames)?;
        if entry.is_present() { Err(MapError::Exists) } else { Ok(entry) }
    }

    /// Makes the tables of the upper slot and gives the last one. They are supervisor-only.
    fn trampoline_table(&mut self) -> Option<Table> {
        let mut table = Table(self.root.address());
        for level in [4, 3, 2] {
            let at = table::index(context::ADDRESS, level);
            table = table::descend(table, at, 0, &mut self.tables)?;
        }
        Some(table)
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        let root = Table(self.root.address());
        for (slot, entry) in root.entries().enumerate() {
            if let Some(table) = entry.target() {
                free_tables(Table(table), 3, slot != UPPER_SLOT);
            }
        }
    }
}

/// Frees a table, the tables below it and, where pages can be `owned`, the owned pages.
fn free_tables(table: Table, level: u32, owned: bool) {
    for entry in table.entries() {
        let Some(target) = entry.target() else { continue };
        if level > 1 {
            free_tables(Table(target), level - 1, owned);
        } else if owned && entry.get() & OWNED != 0 {
            drop(Frame::from_raw(target));
        }
    }
    drop(Frame::from_raw(table.0));
}

/// The pages of a range that lies whole in the lower half.
fn lower_half_range(
    base: VirtAddr,
    pages: u64,
) -> Result<impl Iterator<Item = VirtAddr> + Clone, MapError> {
    let end = base.checked_add_pages(pages).map_or(1 << 47, VirtAddr::raw);
    if !base.is_page_aligned() || !base.is_lower_half() || pages > 1 << 35 || end >= 1 << 47 {
        return Err(MapError::BadAddress);
    }
    Ok((0..pages).filter_map(move |page| base.checked_add_pages(page)))
}

#[cfg(test)]
#[path = "space_tests.rs"]
mod tests;
