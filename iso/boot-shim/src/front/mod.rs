//! The front ends: what each loader leaves in memory, turned into one form.
//!
//! [`multiboot2`] serves GRUB under BIOS and UEFI, [`pvh`] serves `qemu -kernel`. Both fill a
//! [`Handoff`]; the core knows nothing of either.

mod multiboot2;
mod pvh;

use crate::Problem;
use crate::paging::{Access, Mapping};
use crate::physical::left_by_loader;
use atoll_boot_shim::map::{Kind, Map};

/// What the core needs to know.
#[derive(Debug)]
pub(crate) struct Handoff {
    /// The firmware's memory map, with everything claimed that the loader left.
    pub(crate) map: Map,
    /// The boot archive.
    pub(crate) archive: &'static [u8],
    /// The shim's own command line; what is not for the shim goes to the kernel.
    pub(crate) command_line: &'static str,
    /// Physical address of the ACPI root pointer.
    pub(crate) rsdp: Option<u64>,
    /// Physical address of the EFI system table.
    pub(crate) efi_system_table: Option<u64>,
    /// The screen, if the loader set one up.
    pub(crate) framebuffer: Option<Framebuffer>,
}

/// A linear framebuffer of direct colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framebuffer {
    /// Physical address.
    pub(crate) address: u64,
    /// Pixels in a line.
    pub(crate) width: u32,
    /// Lines.
    pub(crate) height: u32,
    /// Bytes from one line to the next.
    pub(crate) pitch: u32,
    /// Bits of a pixel.
    pub(crate) bits: u8,
    /// Size and shift of red, green and blue.
    pub(crate) masks: [(u8, u8); 3],
}

impl Framebuffer {
    /// Bytes from the first pixel to the end of the last line.
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.pitch) * u64::from(self.height)
    }
}

/// Reads what the loader with this magic number left.
pub(crate) fn read(magic: u32, information: u32) -> Result<Handoff, Problem> {
    match magic {
        multiboot2::MAGIC => multiboot2::read(information),
        pvh::MAGIC => pvh::read(information),
        _ => Err(Problem::new("entered by neither Multiboot2 nor PVH", "")),
    }
}

/// Starts a memory map with what holds under every loader: page 0 is never usable ("Memory Map
/// Feature"), and the shim stands where it stands.
fn new_map() -> Result<Map, Problem> {
    let own = own_image();
    let mut map = Map::default();
    map.claim(0, 0x1000, Kind::Reserved)?;
    map.claim(own.physical, own.len, Kind::Reclaimable)?;
    Ok(map)
}

/// The shim itself where it stands: whole pages, by `shim.ld`.
pub(crate) fn own_image() -> Mapping {
    unsafe extern "C" {
        static __image_start: u8;
        static __image_end: u8;
    }
    let (start, end) = (&raw const __image_start as u64, &raw const __image_end as u64);
    Mapping { address: start, physical: start, len: end - start, access: Access::ALL }
}

/// Type numbers of the E820 interface, which both loaders use (ACPI 6.5, table 15.4).
const fn kind_of(e820: u32) -> Kind {
    match e820 {
        1 => Kind::Usable,
        3 => Kind::AcpiReclaimable,
        4 => Kind::AcpiNvs,
        5 => Kind::Bad,
        _ => Kind::Reserved,
    }
}

/// Claims what the loader left, so that it is neither given away nor overwritten, and reads it.
fn claimed(map: &mut Map, address: u64, len: u64) -> Result<&'static [u8], Problem> {
    map.claim(address, len, Kind::Reclaimable)?;
    // SAFETY: blocks come from usable memory, and this no longer is.
    unsafe { left_by_loader(address, len) }
}

/// Claims and reads a text that ends with a zero; a missing text is empty.
fn claimed_text(map: &mut Map, address: u64) -> Result<&'static str, Problem> {
    const LONGEST: u64 = 4096;
    if address == 0 {
        return Ok("");
    }
    text(claimed(map, address, LONGEST)?)
}

/// The text before the first zero.
fn text(bytes: &'static [u8]) -> Result<&'static str, Problem> {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    core::str::from_utf8(bytes).map_err(|_| Problem::new("a command line is not UTF-8", ""))
}

/// A little-endian number in what the loader left.
fn number(bytes: &[u8], at: usize, len: usize) -> Result<u64, Problem> {
    let field = bytes.get(at..).and_then(|rest| rest.get(..len));
    let field = field.ok_or(Problem::new("the loader's information is cut off", ""))?;
    Ok(field.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}
