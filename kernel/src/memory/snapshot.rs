//! A domain's memory as it was when it had just been set up, to start other domains from.
//!
//! Taking a [`Snapshot`] moves page tables and pages of an address space into it. From then on the
//! space and every clone of it has only a root table that points to these tables. Each entry for
//! something of the snapshot's is marked [`SHARED`]; pages that can be written are read-only and
//! marked [`COPY`]. A table is copied before it is changed (`table::make`), a page when it is
//! written ([`AddressSpace::copy_page`]), so a clone takes time and memory by what it changes.
//!
//! A snapshot lives as long as somebody uses it: spaces, and whoever means to clone it. The last
//! space that uses it can take it back ([`AddressSpace::absorb_snapshot`]).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::space::UPPER_SLOT;
use super::table::{self, COPY, OWNED, SHARED, Table, WRITABLE};
use super::{Access, AddressSpace, Frame, Isolation, MapError, PageRun, VirtAddr, frames};

/// Tables and pages that several address spaces start from.
#[derive(Debug)]
pub struct Snapshot {
    /// Points to the tables; its upper half is empty.
    root: Frame,
    ring: Isolation,
    size: Size,
    /// Runs that the tables map.
    runs: Vec<Arc<PageRun>>,
}

/// How much of each there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    /// Tables below the root.
    tables: usize,
    pages: usize,
}

/// A run and where it is mapped.
pub type Mapping<'a> = (VirtAddr, &'a Arc<PageRun>);

impl Snapshot {
    /// Frames that count against whoever uses it. Its tables count twice: the copies that a space
    /// makes of them are paid for, so that giving pages back never takes more memory.
    #[must_use]
    pub const fn frame_count(&self) -> usize {
        1 + 2 * self.size.tables + self.size.pages
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        for entry in Table(self.root.address()).entries_with(SHARED) {
            if let Some(table) = entry.target() {
                free_shared(Table(table), 3);
            }
        }
    }
}

impl AddressSpace {
    /// Moves what the space owns in its lower half into a snapshot, which it uses from then on.
    /// The runs `apart`, mapped for writing, stay the space's own. All or nothing; `Exists` if it
    /// uses a snapshot already.
    pub fn take_snapshot(&mut self, apart: &[Mapping<'_>]) -> Result<Arc<Snapshot>, MapError> {
        if self.snapshot.is_some() {
            return Err(MapError::Exists);
        }
        let root = frames::allocate().ok_or(MapError::OutOfFrames)?;
        let mut own = Vec::new();
        own.try_reserve_exact(apart.len()).map_err(|_| MapError::OutOfFrames)?;
        for (base, run) in apart {
            self.unmap_range(*base, run.pages() as u64)?;
            own.push(Arc::clone(run));
        }
        let is_apart = |run: &Arc<PageRun>| own.iter().any(|other| Arc::ptr_eq(run, other));
        self.runs.retain(|run| !is_apart(run));
        let runs = core::mem::replace(&mut self.runs, own);
        let mut snapshot = Snapshot { root, ring: self.ring(), size: Size::default(), runs };
        let (mine, theirs) = (self.root_table(), Table(snapshot.root.address()));
        for (mine, theirs) in mine.entries().zip(theirs.entries()).take(UPPER_SLOT) {
            if let Some(table) = mine.target() {
                share(Table(table), 3, &mut snapshot.size);
                mine.set(mine.get() | SHARED);
                theirs.set(mine.get());
            }
        }
        self.tables -= snapshot.size.tables;
        self.owned -= snapshot.size.pages;
        let snapshot = Arc::new(snapshot);
        self.snapshot = Some(snapshot.clone());
        let mapped =
            apart.iter().try_for_each(|(base, run)| self.map_pages(*base, run, Access::ReadWrite));
        if let Err(error) = mapped {
            drop(snapshot);
            self.restore(apart);
            return Err(error);
        }
        Ok(snapshot)
    }

    /// Undoes a snapshot half taken.
    fn restore(&mut self, apart: &[Mapping<'_>]) {
        let absorbed = self.absorb_snapshot();
        debug_assert!(absorbed, "nobody else has it yet");
        for (base, run) in apart {
            let mapped = self.map_pages(*base, run, Access::ReadWrite);
            debug_assert!(mapped != Err(MapError::OutOfFrames), "the tables are there");
        }
    }

    /// Makes a space that starts from a snapshot; `None` when memory is used up.
    #[must_use]
    pub fn from_snapshot(snapshot: &Arc<Snapshot>) -> Option<Self> {
        let mut space = Self::new(snapshot.ring)?;
        for (slot, theirs) in Table(snapshot.root.address()).places_with(SHARED) {
            space.root_table().entry(slot).set(theirs.get());
        }
        space.snapshot = Some(snapshot.clone());
        Some(space)
    }

    /// Whether a page is one of the snapshot's that the domain may write when it has a copy.
    #[must_use]
    pub fn is_copied_on_write(&self, page: VirtAddr) -> bool {
        self.entry(page).is_some_and(|entry| entry & COPY != 0)
    }

    /// Gives the space its own copy of such a page; `Missing` for any other.
    pub fn copy_page(&mut self, page: VirtAddr) -> Result<(), MapError> {
        let shared = self.entry(page).filter(|entry| entry & COPY != 0);
        let shared = shared.ok_or(MapError::Missing)?;
        let from = table::target(shared).ok_or(MapError::Missing)?;
        let entry = self.changeable(page)?;
        let copy = frames::copy(from).ok_or(MapError::OutOfFrames)?.into_raw();
        entry.set(table::retarget(shared, copy) & !(SHARED | COPY) | WRITABLE | OWNED);
        self.owned += 1;
        Ok(())
    }

    /// Whether nobody but the space, and `others` more, use its snapshot.
    #[must_use]
    pub fn is_last_user(&self, others: usize) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| Arc::strong_count(snapshot) == 1 + others)
    }

    /// Makes everything in the space its own again, if nobody else uses its snapshot, and frees
    /// what it had copies of; tells whether it did.
    pub fn absorb_snapshot(&mut self) -> bool {
        let Some(mut snapshot) = self.snapshot.take() else { return false };
        let room = self.runs.try_reserve(snapshot.runs.len()).is_ok();
        let Some(last) = Arc::get_mut(&mut snapshot).filter(|_| room) else {
            self.snapshot = Some(snapshot);
            return false;
        };
        let mut taken = Size::default();
        take_back(self.root_table(), Table(last.root.address()), 4, &mut taken);
        self.tables += taken.tables;
        self.owned += taken.pages;
        self.runs.append(&mut last.runs);
        true
    }
}

/// Marks a table's entries, and those of the tables below it, as a snapshot's.
fn share(table: Table, level: u32, size: &mut Size) {
    size.tables += 1;
    for entry in table.entries() {
        let (value, Some(target)) = (entry.get(), entry.target()) else { continue };
        if level > 1 {
            share(Table(target), level - 1, size);
            entry.set(value | SHARED);
        } else if value & OWNED != 0 {
            let copy = if value & WRITABLE != 0 { COPY } else { 0 };
            entry.set(value & !(OWNED | WRITABLE) | SHARED | copy);
            size.pages += 1;
        }
    }
}

/// Takes the marks away again.
fn unshare(table: Table, level: u32, size: &mut Size) {
    size.tables += 1;
    for entry in table.entries() {
        let (value, Some(target)) = (entry.get(), entry.target()) else { continue };
        if level > 1 {
            unshare(Table(target), level - 1, size);
            entry.set(value & !SHARED);
        } else if value & SHARED != 0 {
            entry.set(owned(value));
            size.pages += 1;
        }
    }
}

/// An entry for a page of a snapshot's, as the page's owner has it.
const fn owned(entry: u64) -> u64 {
    let writable = if entry & COPY != 0 { WRITABLE } else { 0 };
    entry & !(SHARED | COPY) | OWNED | writable
}

/// Gives the tables and pages below the snapshot's table `theirs` to the space whose table `mine`
/// began as the same; what the space has copies of is freed. `theirs` is empty afterwards.
fn take_back(mine: Table, theirs: Table, level: u32, taken: &mut Size) {
    for (mine, theirs) in mine.entries().zip(theirs.entries()) {
        let (value, Some(target)) = (theirs.get(), theirs.target()) else { continue };
        let is_same = mine.get() & SHARED != 0 && mine.target() == Some(target);
        theirs.set(0);
        match (level, is_same) {
            (1, true) => {
                mine.set(owned(mine.get()));
                taken.pages += 1;
            }
            (1, false) if value & SHARED != 0 => drop(Frame::from_raw(target)),
            (1, false) => {}
            (_, true) => {
                unshare(Table(target), level - 1, taken);
                mine.set(mine.get() & !SHARED);
            }
            (_, false) => {
                // A table is never taken out of a space, so there is a copy of this one.
                if let Some(copy) = mine.target() {
                    take_back(Table(copy), Table(target), level - 1, taken);
                    taken.tables += 1;
                }
                free_shared(Table(target), level - 1);
            }
        }
    }
}

/// Frees a table of a snapshot's, the tables below it and the snapshot's pages.
fn free_shared(table: Table, level: u32) {
    for entry in table.entries_with(SHARED) {
        match entry.target() {
            Some(page) if level == 1 => drop(Frame::from_raw(page)),
            Some(next) => free_shared(Table(next), level - 1),
            None => {}
        }
    }
    drop(Frame::from_raw(table.0));
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
