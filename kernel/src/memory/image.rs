//! The program that every domain runs, ready to be mapped.
//!
//! Text and read-only data are loaded once and shared by all domains; each domain gets a copy of
//! its own of the writable segments.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::elf::{Elf, ElfError, Segment};
use super::{Access, AddressSpace, MapError, PAGE_SIZE, PageRun, VirtAddr, frames};

/// Why the domain image cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// The file is no domain image.
    Malformed(ElfError),
    /// No frame is left.
    OutOfMemory,
}

#[derive(Debug)]
struct Part {
    base: VirtAddr,
    access: Access,
    /// Pages in memory; of a shared part as many as `bytes` has.
    pages: u64,
    /// The content; of a writable part only the pages that are not all zero.
    bytes: Option<Arc<PageRun>>,
}

/// The loaded domain image.
#[derive(Debug)]
pub struct DomainImage {
    entry: VirtAddr,
    parts: Vec<Part>,
}

impl DomainImage {
    /// Loads an ELF file.
    pub fn load(file: &[u8]) -> Result<Self, ImageError> {
        let elf = Elf::parse(file).map_err(ImageError::Malformed)?;
        let entry = VirtAddr::new(elf.entry()).ok_or(ImageError::Malformed(ElfError::BadEntry))?;
        let mut parts = Vec::new();
        for segment in elf.segments() {
            let segment = segment.map_err(ImageError::Malformed)?;
            parts.push(load_part(&elf, &segment)?);
        }
        Ok(Self { entry, parts })
    }

    /// Loads the ELF file in a boot module.
    pub fn load_module(module: &PageRun) -> Result<Self, ImageError> {
        let mut file = Vec::new();
        file.try_reserve_exact(module.len()).map_err(|_| ImageError::OutOfMemory)?;
        file.resize(module.len(), 0);
        module.read(0, &mut file).map_err(|_| ImageError::OutOfMemory)?;
        Self::load(&file)
    }

    /// The first instruction of a domain.
    #[must_use]
    pub const fn entry(&self) -> VirtAddr {
        self.entry
    }

    /// Maps the shared parts and copies the writable ones. After a failure the space holds some
    /// of them and should be dropped.
    pub fn map_into(&self, space: &mut AddressSpace) -> Result<(), MapError> {
        for part in &self.parts {
            match (&part.bytes, part.access) {
                (Some(bytes), Access::Read | Access::ReadExecute) => {
                    space.map_run(part.base, bytes, part.access)?;
                }
                (bytes, access) => copy_part(space, part, bytes.as_deref(), access)?,
            }
        }
        Ok(())
    }
}

fn load_part(elf: &Elf<'_>, segment: &Segment) -> Result<Part, ImageError> {
    let base = VirtAddr::new(segment.address);
    let base = base.ok_or(ImageError::Malformed(ElfError::BadSegment))?;
    let content = match segment.access {
        Access::ReadWrite => segment.file_len.div_ceil(PAGE_SIZE as usize),
        Access::Read | Access::ReadExecute => segment.pages(),
    };
    let bytes = match content {
        0 => None,
        pages => {
            let run = PageRun::allocate(pages).ok_or(ImageError::OutOfMemory)?;
            run.write(0, elf.bytes(segment)).map_err(|_| ImageError::OutOfMemory)?;
            Some(run)
        }
    };
    Ok(Part { base, access: segment.access, pages: segment.pages() as u64, bytes })
}

/// Gives the space pages of its own with the part's content, zeros after it.
fn copy_part(
    space: &mut AddressSpace,
    part: &Part,
    bytes: Option<&PageRun>,
    access: Access,
) -> Result<(), MapError> {
    for page in 0..part.pages {
        let frame = match bytes.and_then(|bytes| bytes.frames().get(page as usize)) {
            Some(from) => frames::copy(*from),
            None => frames::allocate(),
        };
        let frame = frame.ok_or(MapError::OutOfFrames)?;
        let address = part.base.checked_add_pages(page).ok_or(MapError::BadAddress)?;
        space.map_owned(address, frame, access)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::elf::tests::image;
    use super::{AddressSpace, DomainImage, VirtAddr};
    use crate::memory::Isolation;
    use crate::memory::frames::statistics;
    use atoll_gate::layout::IMAGE_BASE;

    #[test]
    fn text_is_shared_and_data_is_copied() {
        let file = image(
            IMAGE_BASE,
            &[(IMAGE_BASE, 5, 3, b"abc"), (IMAGE_BASE + 0x1000, 6, 0x3000, b"data")],
        );
        let loaded = DomainImage::load(&file).unwrap();
        let before = statistics().free;
        let mut space = AddressSpace::new(Isolation::Kernel).unwrap();
        let bare = space.frame_count();
        loaded.map_into(&mut space).unwrap();
        // Three data pages and the tables of one range of addresses.
        assert_eq!(space.frame_count(), bare + 3 + 3);
        for page in 0..4 {
            assert!(space.is_mapped(VirtAddr::new(IMAGE_BASE + page * 4096).unwrap()));
        }
        drop(space);
        assert_eq!(statistics().free, before);
    }
}
