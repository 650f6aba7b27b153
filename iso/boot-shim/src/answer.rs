//! The answers to the kernel's requests ("Feature List"): every response is a structure of 64-bit
//! fields that begins with its revision.

use crate::Problem;
use crate::front::Framebuffer;
use crate::machine;
use crate::memory::{Arena, DIRECT_MAP};
use crate::requests::Feature;
use atoll_boot_shim::map::Map;

/// A file in memory: the kernel's or a module's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadedFile {
    /// Physical address, page aligned.
    pub(crate) address: u64,
    /// Bytes.
    pub(crate) len: u64,
    /// Path on the boot volume, without the leading slash.
    pub(crate) path: &'static str,
    /// Command line, in parts.
    pub(crate) command_line: [&'static str; 3],
}

/// All that the kernel can be told.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The memory map in its final form.
    pub(crate) map: &'a Map,
    /// The kernel's file.
    pub(crate) kernel: LoadedFile,
    /// Physical and virtual address of the loaded kernel.
    pub(crate) kernel_at: (u64, u64),
    /// The modules.
    pub(crate) modules: &'a [LoadedFile],
    /// The screen.
    pub(crate) framebuffer: Option<Framebuffer>,
    /// Physical address of the ACPI root pointer.
    pub(crate) rsdp: Option<u64>,
    /// Physical address of the EFI system table.
    pub(crate) efi_system_table: Option<u64>,
}

impl Facts<'_> {
    /// Stores the response of a feature and gives its address; `None` where there is nothing to
    /// tell, so that the request stays unanswered.
    pub(crate) fn respond(
        &self,
        arena: &mut Arena,
        feature: Feature,
    ) -> Result<Option<u64>, Problem> {
        let fields: &[u64] = match feature {
            Feature::BootloaderInfo => {
                &[arena.text(&["Atoll boot shim"])?, arena.text(&[env!("CARGO_PKG_VERSION")])?]
            }
            Feature::CommandLine => &[arena.text(&self.kernel.command_line)?],
            Feature::FirmwareType => &[if self.efi_system_table.is_some() { 2 } else { 0 }],
            Feature::StackSize | Feature::EntryPoint => &[],
            Feature::DirectMap => &[DIRECT_MAP],
            Feature::PagingMode => &[0],
            Feature::Framebuffer => return self.framebuffers(arena),
            Feature::MemoryMap => {
                let entries = self.memory_map(arena)?;
                &[self.map.regions().len() as u64, entries]
            }
            Feature::KernelFile => &[file(arena, &self.kernel)?],
            Feature::Modules => {
                let modules = list(arena, self.modules.iter(), file)?;
                &[self.modules.len() as u64, modules]
            }
            Feature::Rsdp => match self.rsdp {
                Some(address) => &[DIRECT_MAP + address],
                None => return Ok(None),
            },
            Feature::EfiSystemTable => match self.efi_system_table {
                Some(address) => &[DIRECT_MAP + address],
                None => return Ok(None),
            },
            Feature::BootTime => &[machine::unix_time() as u64],
            Feature::KernelAddress => &[self.kernel_at.0, self.kernel_at.1],
        };
        response(arena, 0, fields).map(Some)
    }

    /// The entries of the memory map.
    fn memory_map(&self, arena: &mut Arena) -> Result<u64, Problem> {
        list(arena, self.map.regions().iter(), |arena, region| {
            arena.words(&[region.base, region.end - region.base, region.kind as u64])
        })
    }

    /// The one framebuffer with its one mode, in revision 1 of the response.
    fn framebuffers(&self, arena: &mut Arena) -> Result<Option<u64>, Problem> {
        let Some(screen) = self.framebuffer else {
            return Ok(None);
        };
        let [(red_size, red), (green_size, green), (blue_size, blue)] = screen.masks;
        const RGB: u8 = 1;
        let depth = screen.bits.to_le_bytes()[0];
        let model =
            u64::from_le_bytes([depth, 0, RGB, red_size, red, green_size, green, blue_size]);
        let [pitch, width, height] = [screen.pitch, screen.width, screen.height].map(u64::from);
        let mode = arena.words(&[pitch, width, height, model, blue.into()])?;
        let modes = arena.words(&[mode])?;
        let address = DIRECT_MAP + screen.address;
        let fields = [address, width, height, pitch, model, blue.into(), 0, 0, 1, modes];
        let framebuffer = arena.words(&fields)?;
        let framebuffers = arena.words(&[framebuffer])?;
        response(arena, 1, &[1, framebuffers]).map(Some)
    }
}

/// Stores a response: its revision, then its fields.
fn response(arena: &mut Arena, revision: u64, fields: &[u64]) -> Result<u64, Problem> {
    let mut words = [revision; 4];
    let target =
        words.get_mut(1..=fields.len()).ok_or(Problem::new("a response is too long", ""))?;
    target.copy_from_slice(fields);
    arena.words(&words[..=fields.len()])
}

/// Stores elements and the array of pointers to them.
fn list<T>(
    arena: &mut Arena,
    elements: impl ExactSizeIterator<Item = T>,
    store: impl Fn(&mut Arena, T) -> Result<u64, Problem>,
) -> Result<u64, Problem> {
    let mut pointers = [0; atoll_boot_shim::map::REGIONS];
    let len = elements.len();
    for (pointer, element) in pointers.iter_mut().zip(elements) {
        *pointer = store(arena, element)?;
    }
    arena.words(pointers.get(..len).ok_or(Problem::new("too many modules", ""))?)
}

/// Stores a file structure. Where it came from — disk, partition — is not known: all zero.
fn file(arena: &mut Arena, file: &LoadedFile) -> Result<u64, Problem> {
    let mut words = [0; 14];
    words[1] = DIRECT_MAP + file.address;
    words[2] = file.len;
    words[3] = arena.text(&["/", file.path])?;
    words[4] = arena.text(&file.command_line)?;
    arena.words(&words)
}
