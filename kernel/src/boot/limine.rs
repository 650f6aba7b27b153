//! From the loader's first answer to a running kernel: memory, page tables, tables of the
//! processor, interrupt controllers, clock.
//!
//! The Limine boot protocol, base revision 2. What the loader answers lies in memory that
//! [`start`] frees at its end, so everything is copied before.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use limine::memmap::{
    Entry, MEMMAP_BOOTLOADER_RECLAIMABLE, MEMMAP_EXECUTABLE_AND_MODULES, MEMMAP_FRAMEBUFFER,
    MEMMAP_USABLE,
};
use limine::paging::PagingMode;
use limine::request::{
    DateAtBootRequest, ExecutableAddressRequest, ExecutableFileRequest, FramebufferRequest,
    HhdmRequest, MemmapRequest, ModulesRequest, PagingModeRequest, RsdpRequest,
};
use limine::{BaseRevision, RequestsEndMarker, RequestsStartMarker};
use x86_64::registers::control::Cr3;

use super::acpi::{self, Acpi};
use super::{BootInfo, CommandLine, Framebuffer, MemoryMap, Module, Region, RegionKind};
use crate::arch::x86_64::{apic, clock, cpu, descriptors, entry, io_apic, power};
use crate::memory::frames::{self, FrameAllocator};
use crate::memory::kernel_space::{self, KernelImage};
use crate::memory::{Access, Cache, PAGE_SIZE, PageRun, PhysAddr, physical};
use crate::trace::{self, Level};

#[used]
#[unsafe(link_section = ".requests_start")]
static START: RequestsStartMarker = RequestsStartMarker::new();
#[used]
#[unsafe(link_section = ".requests_end")]
static END: RequestsEndMarker = RequestsEndMarker::new();
#[used]
#[unsafe(link_section = ".requests")]
static REVISION: BaseRevision = BaseRevision::with_revision(2);
#[used]
#[unsafe(link_section = ".requests")]
static MEMORY_MAP: MemmapRequest = MemmapRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static DIRECT_MAP: HhdmRequest = HhdmRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static PAGING: PagingModeRequest = PagingModeRequest::new_exact(PagingMode::X86_64_4LVL);
#[used]
#[unsafe(link_section = ".requests")]
static KERNEL_ADDRESS: ExecutableAddressRequest = ExecutableAddressRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static KERNEL_FILE: ExecutableFileRequest = ExecutableFileRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static MODULES: ModulesRequest = ModulesRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static FRAMEBUFFERS: FramebufferRequest = FramebufferRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static ROOT_POINTER: RsdpRequest = RsdpRequest::new();
#[used]
#[unsafe(link_section = ".requests")]
static DATE: DateAtBootRequest = DateAtBootRequest::new();

unsafe extern "C" {
    static kernel_text_start: u8;
    static kernel_text_end: u8;
    static kernel_rodata_end: u8;
    static kernel_end: u8;
}

/// Takes the machine over from the loader. Called once, on the boot processor, with interrupts
/// off; what it misses ends in a report, for without it there is no kernel.
pub fn start() -> BootInfo {
    trace::start_serial();
    clock::start();
    assert!(REVISION.is_supported(), "the boot loader does not know base revision 2");
    let entries = MEMORY_MAP.response().expect("the boot loader gives no memory map").entries();
    let direct_map = DIRECT_MAP.response().expect("the boot loader gives no direct map").offset;
    take_memory(entries, direct_map);
    let mut info = boot_info(entries, direct_map);
    trace::set_level(info.command_line.log_level());
    trace::report::set_on_panic(info.command_line.on_panic());
    let acpi = read_acpi(direct_map);
    start_devices(&acpi, &info.command_line);
    keep(&mut info.memory_map, &acpi);
    free_loader(&info);
    let memory = frames::statistics();
    trace::kernel(
        Level::Info,
        format_args!(
            "{} MiB of memory, {} MiB free, {} modules",
            (memory.total * PAGE_SIZE) >> 20,
            (memory.free * PAGE_SIZE) >> 20,
            info.modules.len()
        ),
    );
    info
}

/// From the loader's page tables to our own, with a frame allocator and a heap.
fn take_memory(entries: &[&Entry], direct_map: u64) {
    physical::set_offset(direct_map);
    let end = entries.iter().filter(|entry| is_ram(entry)).map(|entry| entry.base + entry.length);
    let words = FrameAllocator::words_for(PhysAddr::truncate(end.max().unwrap_or(0)));
    let bytes = (words as u64 * 8).next_multiple_of(PAGE_SIZE);
    let usable = || entries.iter().filter(|entry| entry.type_ == MEMMAP_USABLE);
    let home = usable().find(|entry| entry.length >= bytes && entry.base > 0);
    let home = home.expect("no memory for the frame allocator").base;
    let bitmap = physical::pointer(PhysAddr::truncate(home)).cast::<u64>();
    // SAFETY: the range is usable RAM, is left out below, and the loader maps it.
    let bitmap = unsafe { core::slice::from_raw_parts_mut(bitmap, words) };
    let mut allocator = FrameAllocator::new(bitmap);
    for entry in usable() {
        let start = if entry.base == home { home + bytes } else { entry.base };
        allocator.add(start..entry.base + entry.length);
    }
    frames::install(allocator);
    cpu::protect();
    let image = kernel_image();
    let ram = entries.iter().filter(|entry| is_ram(entry));
    let ram = ram.map(|entry| entry.base..entry.base + entry.length);
    let root = kernel_space::build(&image, ram).expect("no memory for page tables");
    let context = descriptors::build(PhysAddr::truncate(image.physical));
    let context = context.expect("no memory for the trampoline");
    let frame = x86_64::PhysAddr::new(root.raw());
    let frame = x86_64::structures::paging::PhysFrame::containing_address(frame);
    // SAFETY: the new tables map the kernel image and stack as the loader's do, and the direct map
    // at the same place.
    unsafe { Cr3::write(frame, Cr3::read().1) };
    descriptors::load(0).expect("no memory for the processor's tables");
    entry::set_own_context(context);
}

fn is_ram(entry: &Entry) -> bool {
    matches!(
        entry.type_,
        MEMMAP_USABLE | MEMMAP_BOOTLOADER_RECLAIMABLE | MEMMAP_EXECUTABLE_AND_MODULES
    )
}

fn kernel_image() -> KernelImage {
    let physical = KERNEL_ADDRESS.response().expect("the boot loader hides the kernel's address");
    let start = &raw const kernel_text_start as u64;
    let text_end = &raw const kernel_text_end as u64;
    let rodata_end = &raw const kernel_rodata_end as u64;
    let end = (&raw const kernel_end as u64).next_multiple_of(PAGE_SIZE);
    assert!(physical.virtual_base == start, "the kernel is not where it was linked");
    KernelImage {
        physical: physical.physical_base,
        parts: [
            (start..text_end, Access::ReadExecute),
            (text_end..rodata_end, Access::Read),
            (rodata_end..end, Access::ReadWrite),
        ],
        guards: cpu::guard_pages(),
        extent: start..end,
    }
}

/// Copies what the loader answered.
fn boot_info(entries: &[&Entry], direct_map: u64) -> BootInfo {
    let command_line = KERNEL_FILE.response().map(|file| file.executable_file().cmdline());
    let modules = MODULES.response().map(|response| response.modules()).unwrap_or_default();
    let date = DATE.response().and_then(|date| u64::try_from(date.timestamp).ok());
    BootInfo {
        memory_map: MemoryMap::new(entries.iter().map(|entry| region(entry)).collect()),
        modules: modules.iter().map(|file| module(file, direct_map)).collect(),
        command_line: CommandLine::parse(command_line.unwrap_or_default()),
        framebuffer: framebuffer(direct_map),
        boot_time_s: date.unwrap_or(0),
    }
}

fn region(entry: &Entry) -> Region {
    let kind = match entry.type_ {
        MEMMAP_USABLE => RegionKind::Usable,
        MEMMAP_BOOTLOADER_RECLAIMABLE => RegionKind::Loader,
        MEMMAP_FRAMEBUFFER => RegionKind::Framebuffer,
        _ => RegionKind::Reserved,
    };
    Region { start: PhysAddr::truncate(entry.base), len: entry.length, kind }
}

fn module(file: &limine::file::File, direct_map: u64) -> Module {
    let (path, data) = (file.path(), file.data());
    let name = path.rsplit('/').next().unwrap_or(path);
    let start = PhysAddr::new((data.as_ptr() as u64).wrapping_sub(direct_map));
    let start = start.filter(|start| start.is_page_aligned()).expect("a boot module is misplaced");
    let bytes = PageRun::machine(start, data.len()).expect("no memory for boot modules");
    Module { name: String::from(name), bytes }
}

fn framebuffer(direct_map: u64) -> Option<Framebuffer> {
    let found = FRAMEBUFFERS.response()?.framebuffers().first()?;
    Some(Framebuffer {
        address: PhysAddr::new((found.address() as u64).wrapping_sub(direct_map))?,
        width: u32::try_from(found.width).ok()?,
        height: u32::try_from(found.height).ok()?,
        pitch: u32::try_from(found.pitch).ok()?,
        bits_per_pixel: u32::from(found.bpp),
    })
}

/// Firmware tables, mapped where they are read.
struct Firmware;

impl acpi::Physical for Firmware {
    fn bytes(&mut self, address: u64, len: usize) -> Option<&'static [u8]> {
        let start = PhysAddr::new(address)?;
        start.checked_add(len as u64)?;
        let bytes =
            kernel_space::map_device(start, len as u64, Access::Read, Cache::WriteBack).ok()?;
        // SAFETY: the mapping covers the range and stays; firmware does not change its tables.
        Some(unsafe { core::slice::from_raw_parts(bytes, len) })
    }
}

fn read_acpi(direct_map: u64) -> Acpi {
    let root = ROOT_POINTER.response().expect("the machine has no ACPI tables").address as u64;
    // Loaders of different revisions give the address in the direct map or as it is.
    let root = if root >= direct_map { root - direct_map } else { root };
    acpi::read(&mut Firmware, root).expect("the ACPI tables are damaged")
}

fn start_devices(acpi: &Acpi, command_line: &CommandLine) {
    power::set_switches(power::Switches {
        soft_off: acpi.soft_off,
        reset: acpi.reset,
        debug_exit: command_line.exit_by_debug_port(),
    });
    apic::start(acpi.local_apic).expect("no memory for the local APIC");
    let lines = io_apic::start(acpi).expect("no memory for the I/O APICs");
    let found = clock::calibrate(acpi.timer).expect("nothing to measure the clock against");
    trace::kernel(
        Level::Info,
        format_args!(
            "{lines} interrupt lines, clock {} MHz, timer {} MHz",
            (found.counter + 500_000) / 1_000_000,
            (found.timer + 500_000) / 1_000_000
        ),
    );
}

/// Keeps the interrupt controllers out of what may be granted.
fn keep(map: &mut MemoryMap, acpi: &Acpi) {
    let controllers = acpi.io_apics.iter().map(|found| found.address);
    for address in controllers.chain([acpi.local_apic]) {
        map.push(Region {
            start: PhysAddr::truncate(address),
            len: PAGE_SIZE,
            kind: RegionKind::Reserved,
        });
    }
}

/// Gives the loader's own memory to the frame allocator.
fn free_loader(info: &BootInfo) {
    let loader =
        info.memory_map.regions().iter().filter(|region| region.kind == RegionKind::Loader);
    let ranges: Vec<Range<u64>> =
        loader.map(|region| region.start.raw()..region.start.raw() + region.len).collect();
    for range in ranges {
        frames::add(range);
    }
}
