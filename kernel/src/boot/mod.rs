//! What the boot loader tells the kernel, as plain data.
//!
//! [`BootInfo`] has copies of everything: the loader's own memory is freed once it exists.
//! Neighbours: `limine` (on the machine) fills it, `main` hands it to `domain`.

#[cfg(any(test, target_os = "none"))]
pub mod acpi;
pub mod command_line;
#[cfg(target_os = "none")]
pub mod limine;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use command_line::{CommandLine, OnPanic};

use crate::memory::{PAGE_SIZE, PageRun, PhysAddr};

/// What a range of physical addresses is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// RAM that the kernel manages.
    Usable,
    /// RAM that the loader used and that became usable when the kernel had read its answers.
    Loader,
    /// RAM in use: the kernel, boot modules, what firmware keeps.
    Reserved,
    /// The framebuffer: no RAM of ours, may be granted.
    Framebuffer,
}

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: PhysAddr,
    /// Bytes.
    pub len: u64,
    /// What it is.
    pub kind: RegionKind,
}

/// What the loader and the firmware say of physical memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryMap {
    regions: Vec<Region>,
}

impl MemoryMap {
    /// Takes regions in any order.
    #[must_use]
    pub const fn new(regions: Vec<Region>) -> Self {
        Self { regions }
    }

    /// Adds a region.
    #[cfg(target_os = "none")]
    pub(crate) fn push(&mut self, region: Region) {
        self.regions.push(region);
    }

    /// All regions.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Whether whole pages from `start` on may be granted to a driver: page aligned and nowhere
    /// RAM, interrupt controller or whatever else the kernel keeps for itself.
    #[must_use]
    pub fn is_device(&self, start: PhysAddr, len: u64) -> bool {
        let Some(end) = start.checked_add(len) else { return false };
        let overlaps = |region: &&Region| {
            let region_end = region.start.raw().saturating_add(region.len);
            region.start < end && region_end > start.raw()
        };
        len > 0
            && start.is_page_aligned()
            && len.is_multiple_of(PAGE_SIZE)
            && self
                .regions
                .iter()
                .filter(overlaps)
                .all(|region| region.kind == RegionKind::Framebuffer)
    }
}

/// A file that the loader put into memory.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its file name, without the path.
    pub name: String,
    /// Its bytes: shared, read-only, there for ever.
    pub bytes: Arc<PageRun>,
}

/// A linear framebuffer of 32 bits a pixel or whatever `bits_per_pixel` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framebuffer {
    /// Where it is.
    pub address: PhysAddr,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row to the next.
    pub pitch: u32,
    /// Bits in a pixel.
    pub bits_per_pixel: u32,
}

impl Framebuffer {
    /// Bytes that it covers, whole pages.
    #[must_use]
    pub const fn size(&self) -> u64 {
        (self.pitch as u64 * self.height as u64).next_multiple_of(PAGE_SIZE)
    }
}

/// Everything that the kernel learns from the loader.
#[derive(Clone, Debug, Default)]
pub struct BootInfo {
    /// What is where in physical memory.
    pub memory_map: MemoryMap,
    /// The boot modules.
    pub modules: Vec<Module>,
    /// The parsed command line.
    pub command_line: CommandLine,
    /// The framebuffer, if there is one.
    pub framebuffer: Option<Framebuffer>,
    /// Wall clock at boot in seconds since 1970; 0 if unknown.
    pub boot_time_s: u64,
}

impl BootInfo {
    /// Finds a module by its file name.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryMap, PhysAddr, Region, RegionKind};

    fn region(start: u64, len: u64, kind: RegionKind) -> Region {
        Region { start: PhysAddr::truncate(start), len, kind }
    }

    #[test]
    fn only_what_is_no_ram_may_be_granted() {
        let map = MemoryMap::new(std::vec![
            region(0x1000, 0x9_e000, RegionKind::Usable),
            region(0x8000_0000, 0x10_0000, RegionKind::Framebuffer),
            region(0xfee0_0000, 0x1000, RegionKind::Reserved),
        ]);
        let device = |start, len| map.is_device(PhysAddr::truncate(start), len);
        assert!(device(0xa_0000, 0x2_0000));
        assert!(device(0x8000_0000, 0x10_0000));
        assert!(!device(0x9_e000, 0x2000));
        assert!(!device(0xfedf_f000, 0x2000));
        assert!(!device(0xa_0800, 0x1000));
        assert!(!device(0xa_0000, 0));
        assert!(!device(0xf_ffff_ffff_f000, u64::MAX));
    }
}
