//! The address space of a domain: its page tables, its context page, its gate trampoline.
//!
//! The lower half is the domain's. The upper half has one slot, the last, and in it the trampoline
//! (see `arch`): pages that all domains share, read-only or of no interest, and the context page,
//! which is the domain's own. Dropping an address space frees its tables and the frames that it
//! owns and lets go of the runs that it shares. Tables and pages of the lower half can belong to
//! a snapshot (see `snapshot`): such tables are not changed and not freed here.
//!
//! Tables change only while the kernel runs, and the kernel runs in its own address space: no
//! processor has the changed tables loaded, and loading them flushes what it remembers of them.
//! Hence nothing here invalidates TLB entries.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::table::{
    self, ENTRIES, Entry, NO_EXECUTE, OWNED, PRESENT, SHARED, Table, USER, WRITABLE,
};
use super::{
    Access, Cache, Frame, PAGE_SIZE, PageRun, PhysAddr, Snapshot, VirtAddr, frames, physical,
};
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
    /// Tables below the root, the trampoline's among them; without copies of a snapshot's.
    pub(super) tables: usize,
    /// Frames in the lower half that are the space's own.
    pub(super) owned: usize,
    /// Runs that are mapped and must live as long as the space.
    pub(super) runs: Vec<Arc<PageRun>>,
    /// What the space started from.
    pub(super) snapshot: Option<Arc<Snapshot>>,
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
            snapshot: None,
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

    /// Frames that the space holds: root, context, tables, owned pages and those of its snapshot;
    /// not the shared runs.
    #[must_use]
    pub fn frame_count(&self) -> usize {
        let shared = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.frame_count());
        2 + self.tables + self.owned + shared
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

    /// Frees owned pages, all or none; pages of the snapshot are the domain's own, too. Only the
    /// want of a frame for the copy of a table can end it half-way.
    pub fn release(&mut self, base: VirtAddr, pages: u64) -> Result<(), MapError> {
        let range = lower_half_range(base, pages)?;
        let own = |page| self.entry(page).is_some_and(is_own);
        if !range.clone().all(own) {
            return Err(MapError::Missing);
        }
        range.into_iter().try_for_each(|page| self.unmap(page))
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
    /// where a table is missing, all its pages are passed over. Ends half-way as `release` does.
    pub fn clear(&mut self, base: VirtAddr, pages: u64) -> Result<(), MapError> {
        drop(lower_half_range(base, pages)?);
        let mut next = 0;
        while let Some(page) = base.checked_add_pages(next).filter(|_| next < pages) {
            next += match self.entry(page) {
                Some(entry) => {
                    if is_own(entry) {
                        self.unmap(page)?;
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
        self.map_pages(base, run, access)?;
        self.runs.push(run.clone());
        Ok(())
    }

    /// Maps all pages of a run, for whoever keeps it alive; all or none.
    pub(super) fn map_pages(
        &mut self,
        base: VirtAddr,
        run: &PageRun,
        access: Access,
    ) -> Result<(), MapError> {
        let mut frames = run.frames().iter();
        self.each(base, run.pages() as u64, |space, page| {
            let frame = *frames.next().ok_or(MapError::BadAddress)?;
            space.map_shared(page, frame, access, Cache::WriteBack)
        })
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

    /// Unmaps a page if it is mapped and frees its frame if the space owns it. Fails if its table
    /// is a snapshot's and no frame is left for a copy.
    pub fn unmap(&mut self, page: VirtAddr) -> Result<(), MapError> {
        if !self.is_mapped(page) {
            return Ok(());
        }
        let entry = self.changeable(page)?;
        let value = entry.get();
        let Some(frame) = entry.target() else { return Ok(()) };
        entry.set(0);
        if value & OWNED != 0 {
            self.owned -= 1;
            drop(Frame::from_raw(frame));
        }
        Ok(())
    }

    /// Unmaps a range, mapped or not; fails as `unmap` does.
    pub fn unmap_range(&mut self, base: VirtAddr, pages: u64) -> Result<(), MapError> {
        lower_half_range(base, pages)?.try_for_each(|page| self.unmap(page))
    }

    /// Whether a page of the lower half is mapped.
    #[must_use]
    pub fn is_mapped(&self, page: VirtAddr) -> bool {
        self.entry(page).is_some_and(|entry| entry & PRESENT != 0)
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
                // The tables were changed just now, so they are the space's own.
                let undone = self.unmap_range(base, done as u64);
                debug_assert!(undone.is_ok(), "{base:?}");
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

    pub(super) const fn root_table(&self) -> Table {
        Table(self.root.address())
    }

    /// The entry of a page as a number, as far as there are tables.
    pub(super) fn entry(&self, page: VirtAddr) -> Option<u64> {
        if page.is_lower_half() { table::find(self.root_table(), page) } else { None }
    }

    /// The entry of a page of the lower half in a table of the space's own.
    pub(super) fn changeable(&mut self, page: VirtAddr) -> Result<Entry, MapError> {
        let (root, rights) = (self.root_table(), self.ring_bit());
        table::make(root, page, rights, &mut self.tables).ok_or(MapError::OutOfFrames)
    }

    fn free_entry(&mut self, page: VirtAddr) -> Result<Entry, MapError> {
        if !page.is_lower_half() || !page.is_page_aligned() {
            return Err(MapError::BadAddress);
        }
        let entry = self.changeable(page)?;
        if entry.is_present() { Err(MapError::Exists) } else { Ok(entry) }
    }

    /// Makes the tables of the upper slot and gives the last one. They are supervisor-only.
    fn trampoline_table(&mut self) -> Option<Table> {
        let mut table = self.root_table();
        for level in [4, 3, 2] {
            let at = table::index(context::ADDRESS, level);
            table = table::descend(table, at, 0, &mut self.tables)?;
        }
        Some(table)
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        for (slot, entry) in self.root_table().places_with(PRESENT) {
            if let Some(table) = entry.target().filter(|_| entry.get() & SHARED == 0) {
                free_tables(Table(table), 3, slot != UPPER_SLOT);
            }
        }
    }
}

/// Whether the page of this entry is the domain's own, be it in a snapshot.
pub(super) const fn is_own(entry: u64) -> bool {
    entry & PRESENT != 0 && entry & (OWNED | SHARED) != 0
}

/// Frees a table, the tables below it and, where pages can be `owned`, the owned pages; not what
/// belongs to a snapshot.
fn free_tables(table: Table, level: u32, owned: bool) {
    let wanted = match level {
        1 if owned => OWNED,
        1 => 0,
        _ => PRESENT,
    };
    for entry in table.entries_with(wanted) {
        match entry.target() {
            Some(page) if level == 1 => drop(Frame::from_raw(page)),
            Some(next) if entry.get() & SHARED == 0 => free_tables(Table(next), level - 1, owned),
            _ => {}
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
