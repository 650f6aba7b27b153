//! Page-table entries and the walk through four levels of tables.
//!
//! Tables are frames reached through the direct map. Entries are atomic because the processor
//! writes accessed and dirty bits into them. Manual: AMD64 APM volume 2, section 5.3.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{PhysAddr, VirtAddr, physical};

/// Entries in a table.
pub(super) const ENTRIES: usize = 512;

/// Entries that [`Table::entries_with`] looks at together.
const GROUP: usize = 16;

pub(super) const PRESENT: u64 = 1;
pub(super) const WRITABLE: u64 = 1 << 1;
pub(super) const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
/// In a directory: the entry maps a large page and is no table.
#[cfg(target_os = "none")]
pub(super) const LARGE: u64 = 1 << 7;
/// In a last-level table: the third bit of the index into the PAT register.
const PAT: u64 = 1 << 7;
/// A bit that the processor ignores: the frame belongs to the address space that maps it.
pub(super) const OWNED: u64 = 1 << 9;
/// Another such bit: the page, or in a directory the table, belongs to the snapshot that the
/// address space uses. Such a table is copied before it is changed.
pub(super) const SHARED: u64 = 1 << 10;
/// A third: the domain may write the page, once it has a copy of its own.
pub(super) const COPY: u64 = 1 << 11;
pub(super) const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What may be done with a page. There is no way to ask for writing and executing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    ReadExecute,
}

impl Access {
    pub(super) const fn bits(self) -> u64 {
        match self {
            Self::Read => NO_EXECUTE,
            Self::ReadWrite => NO_EXECUTE | WRITABLE,
            Self::ReadExecute => 0,
        }
    }
}

/// How accesses to a page are cached; `arch` sets up the PAT register to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Normal memory.
    WriteBack,
    /// Device registers: every access reaches the device, in order.
    Uncached,
    /// Framebuffers: writes are collected.
    WriteCombining,
}

impl Cache {
    pub(super) const fn bits(self) -> u64 {
        match self {
            Self::WriteBack => 0,
            Self::Uncached => CACHE_DISABLE | WRITE_THROUGH,
            Self::WriteCombining => PAT | WRITE_THROUGH,
        }
    }
}

/// One table, named by its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table(pub(super) PhysAddr);

impl Table {
    #[inline]
    fn words(self) -> &'static [AtomicU64; ENTRIES] {
        let pointer = physical::pointer(self.0).cast::<[AtomicU64; ENTRIES]>();
        // SAFETY: a `Table` is only made of a frame that is a page table; such frames stay
        // allocated as long as the address space that the caller works on, are aligned, hold 512
        // entries, and are accessed atomically everywhere.
        unsafe { &*pointer }
    }

    /// An entry of the table, which must be a frame that serves as a table.
    #[inline]
    pub(super) fn entry(self, index: usize) -> Entry {
        let [first, ..] = self.words();
        Entry(self.words().get(index % ENTRIES).unwrap_or(first))
    }

    /// The entries in order.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry> {
        self.words().iter().map(Entry)
    }

    /// The entries that have one of these bits, in order.
    pub(super) fn entries_with(self, bits: u64) -> impl Iterator<Item = Entry> {
        self.places_with(bits).map(|(_, entry)| entry)
    }

    /// Those entries and where they are. Most tables are nearly empty, so it looks at a group of
    /// entries at a time.
    pub(super) fn places_with(self, bits: u64) -> impl Iterator<Item = (usize, Entry)> {
        let has_any = move |(_, group): &(usize, &[AtomicU64; GROUP])| {
            let all = group.iter().fold(0, |all, word| all | word.load(Ordering::Relaxed));
            all & bits != 0
        };
        let (groups, _) = self.words().as_chunks::<GROUP>();
        let groups = (0..).step_by(GROUP).zip(groups).filter(has_any);
        let places = groups.flat_map(|(first, group)| (first..).zip(group.iter().map(Entry)));
        places.filter(move |(_, entry)| entry.get() & bits != 0)
    }
}

/// One entry of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry(&'static AtomicU64);

impl Entry {
    #[inline]
    pub(super) fn get(self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn set(self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_present(self) -> bool {
        self.get() & PRESENT != 0
    }

    /// The table or page that the entry points to; `None` if it is not present.
    #[inline]
    pub(super) fn target(self) -> Option<PhysAddr> {
        target(self.get())
    }
}

/// The table or page that an entry of this value points to; `None` if it is not present.
#[inline]
pub(super) fn target(value: u64) -> Option<PhysAddr> {
    if value & PRESENT == 0 { None } else { Some(PhysAddr::truncate(value & ADDRESS)) }
}

/// The value of an entry, pointing to another page.
#[inline]
pub(super) fn retarget(value: u64, page: PhysAddr) -> u64 {
    value & !ADDRESS | page.raw()
}

/// Index of an address in a table of `level` (1 the last, 4 the root).
#[inline]
pub(super) const fn index(address: VirtAddr, level: u32) -> usize {
    (address.raw() >> (3 + 9 * level)) as usize % ENTRIES
}

/// The last-level entry of an address as a number, as far as tables exist.
pub(super) fn find(root: Table, address: VirtAddr) -> Option<u64> {
    let mut table = root;
    for level in [4, 3, 2] {
        table = Table(table.entry(index(address, level)).target()?);
    }
    Some(table.entry(index(address, 1)).get())
}

/// Finds the last-level entry of an address, to be changed: the tables that are missing are made,
/// with `rights` in their entries, those of a snapshot are copied; `None` when no frame is left.
/// `made` counts new tables, not copies.
pub(super) fn make(root: Table, address: VirtAddr, rights: u64, made: &mut usize) -> Option<Entry> {
    let mut table = root;
    for level in [4, 3, 2] {
        table = descend(table, index(address, level), rights, made)?;
    }
    Some(table.entry(index(address, 1)))
}

/// The table behind an entry, made if it is missing and copied if it belongs to a snapshot.
pub(super) fn descend(table: Table, at: usize, rights: u64, made: &mut usize) -> Option<Table> {
    let entry = table.entry(at);
    let next = match entry.target() {
        Some(own) if entry.get() & SHARED == 0 => return Some(Table(own)),
        Some(shared) => super::frames::copy(shared)?,
        None => {
            let next = super::frames::allocate()?;
            *made += 1;
            next
        }
    };
    let next = next.into_raw();
    entry.set(next.raw() | PRESENT | WRITABLE | rights);
    Some(Table(next))
}
