//! The page tables that the kernel starts with ("Entry memory layout" and "Caching"): four
//! levels, the direct map in 2 MiB pages, the kernel in 4 KiB pages with the rights of its
//! segments.

use crate::Problem;
use crate::machine::Features;
use crate::physical::Block;
use atoll_boot_shim::map::{Kind, Map, PAGE};

const LARGE: u64 = 2 << 20;
const GIBIBYTE: u64 = 1 << 30;

const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
/// With the PAT bit it selects entry 5: write-combining.
const WRITE_THROUGH: u64 = 1 << 3;
const LARGE_PAGE: u64 = 1 << 7;
const SMALL_PAT: u64 = 1 << 7;
const LARGE_PAT: u64 = 1 << 12;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// How a range may be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// It may be written.
    pub(crate) write: bool,
    /// It may be executed.
    pub(crate) execute: bool,
    /// Writes are combined: pixels.
    pub(crate) combine: bool,
}

impl Access {
    /// What the protocol gives to the direct map.
    pub(crate) const ALL: Self = Self { write: true, execute: true, combine: false };
    /// Pixels in the direct map.
    pub(crate) const PIXELS: Self = Self { combine: true, ..Self::ALL };
}

/// A range of virtual addresses and what it shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapping {
    /// First virtual address, page aligned.
    pub(crate) address: u64,
    /// First physical address, page aligned.
    pub(crate) physical: u64,
    /// Bytes, whole pages.
    pub(crate) len: u64,
    /// How it may be used.
    pub(crate) access: Access,
}

/// Page tables under construction, in one block; entries point into it.
#[derive(Debug)]
pub(crate) struct Tables {
    block: Block,
    used: usize,
    features: Features,
}

impl Tables {
    /// Reserves tables for mappings of these lengths.
    pub(crate) fn new(
        map: &mut Map,
        features: Features,
        lengths: impl Iterator<Item = u64>,
    ) -> Result<Self, Problem> {
        // A range touches at most two gibibytes more than it has; at either end of it may be a
        // run of small pages, and a range without large pages has a table per 2 MiB.
        let needed =
            |len: u64| 2 + len / GIBIBYTE + 4 + if len < GIBIBYTE { len / LARGE } else { 0 };
        let count = 1 + lengths.map(needed).sum::<u64>();
        Ok(Self {
            block: Block::allocate(map, count * PAGE, Kind::Reclaimable)?,
            used: 1,
            features,
        })
    }

    /// Physical address of the top table.
    pub(crate) const fn root(&self) -> u64 {
        self.block.base()
    }

    /// Maps a range. Pages of the kernel may meet: the later mapping adds its rights.
    pub(crate) fn map(&mut self, mapping: Mapping) -> Result<(), Problem> {
        let mut at = 0;
        while at < mapping.len {
            let (address, physical) = (mapping.address + at, mapping.physical + at);
            let large = (address | physical).is_multiple_of(LARGE) && mapping.len - at >= LARGE;
            let entry = self.entry(address, if large { 2 } else { 1 })?;
            let bits = self.bits(mapping.access, large);
            let old = *self.word(entry)?;
            // NX is the one right that is given by a zero.
            let no_execute = if old & PRESENT == 0 { bits } else { bits & old } & NO_EXECUTE;
            *self.word(entry)? = ((physical | bits | old) & !NO_EXECUTE) | no_execute;
            at += if large { LARGE } else { PAGE };
        }
        Ok(())
    }

    const fn bits(&self, access: Access, large: bool) -> u64 {
        let mut bits = PRESENT | if large { LARGE_PAGE } else { 0 };
        if access.write {
            bits |= WRITE;
        }
        if !access.execute && self.features.nx {
            bits |= NO_EXECUTE;
        }
        if access.combine && self.features.pat {
            bits |= WRITE_THROUGH | if large { LARGE_PAT } else { SMALL_PAT };
        }
        bits
    }

    /// Index of the entry for an address at a level (1 is the lowest), its tables made as needed.
    fn entry(&mut self, address: u64, level: u32) -> Result<usize, Problem> {
        let mut table = self.root();
        for upper in (level + 1..=4).rev() {
            let entry = self.index(table, address, upper);
            if *self.word(entry)? & PRESENT == 0 {
                let new = self.root() + self.used as u64 * PAGE;
                self.used += 1;
                *self.word(entry)? = new | PRESENT | WRITE;
            }
            table = *self.word(entry)? & ADDRESS;
        }
        Ok(self.index(table, address, level))
    }

    const fn index(&self, table: u64, address: u64, level: u32) -> usize {
        ((table - self.root()) / 8 + (address >> (3 + 9 * level) & 511)) as usize
    }

    fn word(&mut self, index: usize) -> Result<&mut u64, Problem> {
        self.block.words().get_mut(index).ok_or(Problem::new("too few page tables reserved", ""))
    }
}
