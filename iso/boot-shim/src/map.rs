//! The memory map: what the firmware said, overlaid with what the shim puts into memory.
//!
//! Regions are page aligned, sorted and disjoint at any time, as the protocol wants usable and
//! reclaimable memory to be ("Memory Map Feature"). Where two claims overlap the stronger one
//! wins ([`Kind`]), so that a firmware that lists a range twice never gives away reserved memory.

/// Bytes in a page.
pub const PAGE: u64 = 4096;
/// Most regions of a map; the largest maps seen from firmware have about 150.
pub const REGIONS: usize = 512;

/// What a region is, as numbered by the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    /// Free for the kernel.
    Usable = 0,
    /// Not to be touched.
    Reserved = 1,
    /// ACPI tables.
    AcpiReclaimable = 2,
    /// Memory of the firmware that survives sleep.
    AcpiNvs = 3,
    /// Broken.
    Bad = 4,
    /// Free once the kernel has read the loader's answers.
    Reclaimable = 5,
    /// The kernel and its modules.
    KernelAndModules = 6,
    /// Pixels.
    Framebuffer = 7,
}

impl Kind {
    /// Which of two overlapping claims wins.
    const fn strength(self) -> u8 {
        match self {
            Self::Usable => 0,
            Self::Reclaimable => 1,
            Self::KernelAndModules => 2,
            Self::AcpiReclaimable => 3,
            Self::AcpiNvs => 4,
            Self::Reserved => 5,
            Self::Framebuffer => 6,
            Self::Bad => 7,
        }
    }
}

/// A range of physical addresses of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub base: u64,
    /// First address behind it.
    pub end: u64,
    /// What it is.
    pub kind: Kind,
}

/// Why a map cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There are more than [`REGIONS`] regions.
    TooManyRegions,
    /// No usable region has room.
    OutOfMemory,
}

/// A memory map.
#[derive(Clone, Debug)]
pub struct Map {
    regions: [Region; REGIONS],
    len: usize,
}

impl Default for Map {
    fn default() -> Self {
        Self { regions: [Region { base: 0, end: 0, kind: Kind::Reserved }; REGIONS], len: 0 }
    }
}

impl Map {
    /// The regions, sorted by address.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        self.regions.get(..self.len).unwrap_or_default()
    }

    /// Claims a range for a kind. Usable memory shrinks to whole pages, all else grows to them.
    ///
    /// # Errors
    /// [`Error::TooManyRegions`].
    pub fn claim(&mut self, base: u64, len: u64, kind: Kind) -> Result<(), Error> {
        let end = base.saturating_add(len);
        let last = u64::MAX - (PAGE - 1);
        let (base, end) = match kind {
            Kind::Usable => (base.min(last).next_multiple_of(PAGE), end / PAGE * PAGE),
            _ => (base / PAGE * PAGE, end.min(last).next_multiple_of(PAGE)),
        };
        if base >= end {
            return Ok(());
        }
        let mut merged = Self::default();
        let mut at = base;
        for &old in self.regions() {
            let overlap = Region { base: old.base.max(base), end: old.end.min(end), kind };
            if old.base >= end && at < end {
                merged.push(Region { base: at, end, kind })?;
                at = end;
            }
            if overlap.base >= overlap.end {
                merged.push(old)?;
                continue;
            }
            merged.push(Region { end: base, ..old })?;
            merged.push(Region { base: at, end: old.base, kind })?;
            let winner = if kind.strength() > old.kind.strength() { kind } else { old.kind };
            merged.push(Region { kind: winner, ..overlap })?;
            merged.push(Region { base: end, ..old })?;
            at = overlap.end;
        }
        merged.push(Region { base: at, end, kind })?;
        *self = merged;
        Ok(())
    }

    /// Takes usable pages below `limit` from the highest region that has room.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; [`Error::TooManyRegions`].
    pub fn allocate(&mut self, len: u64, limit: u64, kind: Kind) -> Result<u64, Error> {
        let len = len.max(1).checked_next_multiple_of(PAGE).ok_or(Error::OutOfMemory)?;
        let base = self
            .regions()
            .iter()
            .rev()
            .filter(|region| region.kind == Kind::Usable)
            .filter_map(|region| Some((region.base, region.end.min(limit).checked_sub(len)?)))
            .find(|(start, base)| base >= start)
            .ok_or(Error::OutOfMemory)?
            .1;
        self.claim(base, len, kind)?;
        Ok(base)
    }

    /// Appends a region behind all others; an empty one is left out, a fitting one merged.
    fn push(&mut self, region: Region) -> Result<(), Error> {
        if region.base >= region.end {
            return Ok(());
        }
        let last = self.len.checked_sub(1).and_then(|last| self.regions.get_mut(last));
        if let Some(last) = last.filter(|last| last.end == region.base && last.kind == region.kind)
        {
            last.end = region.end;
            return Ok(());
        }
        *self.regions.get_mut(self.len).ok_or(Error::TooManyRegions)? = region;
        self.len += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn listed(map: &Map) -> Vec<(u64, u64, Kind)> {
        map.regions().iter().map(|region| (region.base, region.end, region.kind)).collect()
    }

    #[test]
    fn stronger_claims_win_in_any_order() {
        let claims = [
            (0, 0x9_fc00, Kind::Usable),
            (0x9_fc00, 0x400, Kind::Reserved),
            (0x10_0000, 0x100_0000, Kind::Usable),
            (0x40_0000, 0x1234, Kind::AcpiNvs),
            (0x40_0000, 0x10_0000, Kind::Reclaimable),
            (0, 0x1000, Kind::Reserved),
        ];
        let expected = [
            (0, 0x1000, Kind::Reserved),
            (0x1000, 0x9_f000, Kind::Usable),
            (0x9_f000, 0xa_0000, Kind::Reserved),
            (0x10_0000, 0x40_0000, Kind::Usable),
            (0x40_0000, 0x40_2000, Kind::AcpiNvs),
            (0x40_2000, 0x50_0000, Kind::Reclaimable),
            (0x50_0000, 0x110_0000, Kind::Usable),
        ];
        let mut forward = Map::default();
        let mut backward = Map::default();
        for (base, len, kind) in claims {
            forward.claim(base, len, kind).unwrap();
        }
        for (base, len, kind) in claims.into_iter().rev() {
            backward.claim(base, len, kind).unwrap();
        }
        assert_eq!(listed(&forward), expected);
        assert_eq!(listed(&backward), expected);
    }

    #[test]
    fn allocation_is_from_the_top_below_the_limit() {
        let mut map = Map::default();
        map.claim(0x10_0000, 0x10_0000, Kind::Usable).unwrap();
        map.claim(0x1_0000_0000, 0x1_0000_0000, Kind::Usable).unwrap();
        let limit = 0x1_0000_0000;
        assert_eq!(map.allocate(0x1001, limit, Kind::Reclaimable), Ok(0x1f_e000));
        assert_eq!(map.allocate(0xf_e000, limit, Kind::KernelAndModules), Ok(0x10_0000));
        assert_eq!(map.allocate(1, limit, Kind::Reclaimable), Err(Error::OutOfMemory));
        assert_eq!(map.allocate(u64::MAX, limit, Kind::Reclaimable), Err(Error::OutOfMemory));
    }

    #[test]
    fn the_end_of_the_address_space_is_no_trap() {
        let mut map = Map::default();
        map.claim(u64::MAX - 10, 100, Kind::Reserved).unwrap();
        map.claim(u64::MAX - 10, 100, Kind::Usable).unwrap();
        map.claim(0xfd_0000_0000, 0x3_0000_0000, Kind::Reserved).unwrap();
        assert_eq!(map.regions().len(), 1);
    }

    #[test]
    fn too_many_regions_are_an_error() {
        let mut map = Map::default();
        for index in 0..REGIONS as u64 {
            map.claim(index * 2 * PAGE, PAGE, Kind::Usable).unwrap();
        }
        let next = REGIONS as u64 * 2 * PAGE;
        assert_eq!(map.claim(next, PAGE, Kind::Usable), Err(Error::TooManyRegions));
    }
}
