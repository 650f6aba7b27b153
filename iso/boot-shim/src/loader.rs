//! From the archive to the kernel: copies the files to where the kernel finds them, loads the
//! kernel's segments, answers its requests, builds its page tables and enters it.

use crate::answer::{Facts, LoadedFile};
use crate::enter::{Entrance, enter};
use crate::front::Handoff;
use crate::machine::{self, Features};
use crate::memory::{Arena, DIRECT_MAP};
use crate::paging::{Access, Mapping, Tables};
use crate::physical::{Block, LIMIT};
use crate::requests::{self, Feature, Requests};
use crate::{Problem, file, vbe};
use atoll_boot_shim::config::{self, Entry};
use atoll_boot_shim::elf::{self, Kernel};
use atoll_boot_shim::map::{Kind, Map, PAGE};

/// Most modules.
const MODULES: usize = 256;
/// Least stack ("Machine state at entry").
const STACK: u64 = 64 * 1024;
/// Room for all answers: 512 regions and 256 modules take 70 KiB without their texts.
const ANSWERS: u64 = 256 * 1024;

/// Loads and enters the entry's kernel.
pub(crate) fn load(mut handoff: Handoff, entry: Entry<'static>) -> Result<(), Problem> {
    let features = machine::enable_features();
    let (kernel, kernel_file) = copy_kernel(&mut handoff, entry)?;
    let kernel = Kernel::parse(kernel).map_err(|error| unfit(error, kernel_file.path))?;
    let mut image = load_segments(&mut handoff.map, &kernel)?;
    let requests = requests::find(image.words())?;
    let (modules, count) = copy_modules(&mut handoff, entry)?;
    let framebuffer = handoff.framebuffer.or_else(|| vbe::set_up(entry.resolution()));
    if let Some(screen) = framebuffer {
        handoff.map.claim(screen.address, screen.len(), Kind::Framebuffer)?;
    }

    let mut arena = Arena::new(&mut handoff.map, ANSWERS)?;
    let stack_size = requests.argument(image.words(), Feature::StackSize).unwrap_or(0).max(STACK);
    let stack = Block::allocate(&mut handoff.map, stack_size, Kind::Reclaimable)?;
    let tables = build_tables(&mut handoff.map, features, &kernel, image.base())?;

    let facts = Facts {
        map: &handoff.map,
        kernel: kernel_file,
        kernel_at: (image.base(), kernel.base),
        modules: &modules[..count],
        framebuffer,
        rsdp: handoff.rsdp,
        efi_system_table: handoff.efi_system_table,
    };
    answer(&facts, &mut arena, &requests, image.words())?;
    machine::mask_pic();
    enter(Entrance {
        root: tables.root(),
        stack: DIRECT_MAP + stack.base() + stack_size / 16 * 16,
        entry: requests.argument(image.words(), Feature::EntryPoint).unwrap_or(kernel.entry),
    })
}

/// Writes the response pointers into the image; unanswered requests keep theirs.
fn answer(
    facts: &Facts<'_>,
    arena: &mut Arena,
    requests: &Requests,
    image: &mut [u64],
) -> Result<(), Problem> {
    for (feature, at) in requests.iter() {
        if let Some(response) = facts.respond(arena, feature)? {
            let pointer = image.get_mut(at + 5).ok_or(Problem::new("a request is cut off", ""))?;
            *pointer = response;
        }
    }
    Ok(())
}

/// Copies the kernel's file, which the kernel may want to read, out of the archive.
fn copy_kernel(
    handoff: &mut Handoff,
    entry: Entry<'static>,
) -> Result<(&'static [u8], LoadedFile), Problem> {
    let path = entry.kernel().ok_or(Problem::new("the entry has no KERNEL_PATH", entry.title))?;
    let bytes = file(handoff.archive, path)?;
    let command_line = [entry.command_line(), " ", handoff.command_line];
    Ok((bytes, copy(&mut handoff.map, bytes, path, command_line)?))
}

/// Copies the modules to page boundaries ("File Structure": addresses are 4 KiB aligned).
fn copy_modules(
    handoff: &mut Handoff,
    entry: Entry<'static>,
) -> Result<([LoadedFile; MODULES], usize), Problem> {
    let none = LoadedFile { address: 0, len: 0, path: "", command_line: [""; 3] };
    let mut modules = [none; MODULES];
    let mut count = 0;
    for config::Module { path, command_line } in entry.modules() {
        let module = modules.get_mut(count).ok_or(Problem::new("too many modules", path))?;
        let bytes = file(handoff.archive, path)?;
        *module = copy(&mut handoff.map, bytes, path, [command_line, "", ""])?;
        count += 1;
    }
    Ok((modules, count))
}

fn copy(
    map: &mut Map,
    bytes: &[u8],
    path: &'static str,
    command_line: [&'static str; 3],
) -> Result<LoadedFile, Problem> {
    let len = bytes.len() as u64;
    let mut block = Block::allocate(map, len, Kind::KernelAndModules)?;
    block.bytes().copy_from_slice(bytes);
    Ok(LoadedFile { address: block.base(), len, path, command_line })
}

/// Puts the kernel's segments into one contiguous block ("Entry memory layout").
fn load_segments(map: &mut Map, kernel: &Kernel<'_>) -> Result<Block, Problem> {
    let mut image = Block::allocate(map, kernel.size, Kind::KernelAndModules)?;
    for segment in kernel.segments().flatten() {
        let at = (segment.address - kernel.base) as usize;
        let target =
            image.bytes().get_mut(at..).and_then(|rest| rest.get_mut(..segment.bytes.len()));
        target
            .ok_or(Problem::new("a segment lies outside the kernel", ""))?
            .copy_from_slice(segment.bytes);
    }
    Ok(image)
}

/// The direct map, the kernel, and the shim itself where it stands.
fn build_tables(
    map: &mut Map,
    features: Features,
    kernel: &Kernel<'_>,
    image: u64,
) -> Result<Tables, Problem> {
    let before = map.clone();
    let direct = || direct_map(&before);
    let own = crate::front::own_image();
    let lengths = direct().map(|mapping| mapping.len).chain([kernel.size, own.len]);
    let mut tables = Tables::new(map, features, lengths)?;
    for mapping in direct().chain([own]) {
        tables.map(mapping)?;
    }
    for segment in kernel.segments().flatten() {
        let address = segment.address / PAGE * PAGE;
        let len = (segment.address + segment.size).next_multiple_of(PAGE) - address;
        let physical = image + (address - kernel.base);
        let access = Access { write: segment.write, execute: segment.execute, combine: false };
        tables.map(Mapping { address, physical, len, access })?;
    }
    Ok(tables)
}

/// The first 4 GiB whatever they are, and above them what is neither reserved nor bad (base
/// revision 2); pixels are write-combined wherever they are.
fn direct_map(map: &Map) -> impl Iterator<Item = Mapping> + Clone + use<'_> {
    let pixels = map.regions().iter().filter(|region| region.kind == Kind::Framebuffer);
    let low_pixels = pixels.clone().find(|region| region.base < LIMIT);
    let (from, to) =
        low_pixels.map_or((LIMIT, LIMIT), |region| (region.base, region.end.min(LIMIT)));
    let low = [(0, from, Access::ALL), (from, to, Access::PIXELS), (to, LIMIT, Access::ALL)];
    let absent = |kind| matches!(kind, Kind::Reserved | Kind::Bad);
    let high = map.regions().iter().filter(move |region| !absent(region.kind)).map(|region| {
        let access = if region.kind == Kind::Framebuffer { Access::PIXELS } else { Access::ALL };
        (region.base.max(LIMIT), region.end, access)
    });
    low.into_iter().chain(high).filter(|(base, end, _)| base < end).map(|(base, end, access)| {
        Mapping { address: DIRECT_MAP + base, physical: base, len: end - base, access }
    })
}

fn unfit(error: elf::Error, path: &'static str) -> Problem {
    let what = match error {
        elf::Error::NotElf => "the kernel is not a 64-bit ELF file",
        elf::Error::NotStatic => "the kernel is not linked statically",
        elf::Error::Truncated => "the kernel's file is cut off",
        elf::Error::BadAddress => "a segment of the kernel lies below -2 GiB",
        elf::Error::Empty => "the kernel has nothing to load",
    };
    Problem::new(what, path)
}
