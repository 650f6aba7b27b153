//! The I/O APICs: which interrupt line goes to which vector, and whether it may.
//!
//! Line n, a global system interrupt, has vector [`FIRST_VECTOR`] + n. Data sheet: 82093AA.

use alloc::vec::Vec;

use spin::{Mutex, Once};

use super::super::{Width, port};
use super::apic;
use crate::boot::acpi::{Acpi, Override};
use crate::memory::{Access, Cache, PAGE_SIZE, PhysAddr, kernel_space};

/// Vector of line 0.
pub const FIRST_VECTOR: u8 = 0x20;
/// Lines that have a vector: those below the gate's.
pub const MAX_LINES: u32 = (atoll_gate::VECTOR - FIRST_VECTOR) as u32;

/// Lines of the ISA bus: edge-triggered and active high unless the tables say otherwise. The
/// others are PCI's: level-triggered and active low.
const ISA_LINES: u32 = 16;

const VERSION: u32 = 1;
const FIRST_ENTRY: u32 = 0x10;
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// The legacy controllers' command and data ports.
const LEGACY: [(u16, u16); 2] = [(0x20, 0x21), (0xa0, 0xa1)];
/// Where the legacy controllers' interrupts would come if they were not masked.
const LEGACY_VECTOR: u8 = 0xe0;

struct Controller {
    registers: *mut u32,
    first: u32,
    lines: u32,
}

// SAFETY: the pointer is to device registers that are mapped for ever; the lock around the
// controllers makes accesses take turns.
unsafe impl Send for Controller {}

struct Controllers {
    list: Vec<Controller>,
    overrides: Vec<Override>,
}

static CONTROLLERS: Once<Mutex<Controllers>> = Once::new();

/// The registers could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// Takes the controllers over, with all lines masked, and silences the legacy ones.
pub(crate) fn start(acpi: &Acpi) -> Result<u32, OutOfFrames> {
    silence_legacy();
    let mut list = Vec::new();
    for found in &acpi.io_apics {
        let address = PhysAddr::truncate(found.address);
        let registers =
            kernel_space::map_device(address, PAGE_SIZE, Access::ReadWrite, Cache::Uncached)
                .map_err(|_| OutOfFrames)?;
        let mut controller =
            Controller { registers: registers.cast(), first: found.first_line, lines: 0 };
        controller.lines = (controller.read(VERSION) >> 16 & 0xff) + 1;
        for index in 0..controller.lines {
            controller.write(FIRST_ENTRY + 2 * index, MASKED);
        }
        list.push(controller);
    }
    let lines = list.iter().map(|controller| controller.lines).sum();
    let controllers = Controllers { list, overrides: acpi.overrides.clone() };
    CONTROLLERS.call_once(|| Mutex::new(controllers));
    Ok(lines)
}

/// Moves the legacy controllers' vectors away from the exceptions' and masks all of them.
/// Data sheet: 8259A, initialisation command words 1 to 4.
fn silence_legacy() {
    for (index, (command, data)) in LEGACY.into_iter().enumerate() {
        let first = u32::from(LEGACY_VECTOR) + 8 * index as u32;
        let cascade = if index == 0 { 4 } else { 2 };
        port::write(command, Width::Byte, 0x11);
        for value in [first, cascade, 1, 0xff] {
            port::write(data, Width::Byte, value);
        }
    }
}

/// Masks a line or lets it through; `None` if there is no such line.
pub(crate) fn set_masked(line: u32, masked: bool) -> Option<()> {
    with(line, |controller, index, kind| {
        let vector = u32::from(FIRST_VECTOR) + line;
        let mask = if masked { MASKED } else { 0 };
        controller.write(FIRST_ENTRY + 2 * index + 1, u32::from(apic::identity()) << 24);
        controller.write(FIRST_ENTRY + 2 * index, vector | kind | mask);
    })
}

/// Whether a line is level-triggered.
pub(crate) fn is_level(line: u32) -> bool {
    with(line, |_, _, kind| kind & LEVEL != 0).unwrap_or(false)
}

/// Runs `action` on the controller of a line, the line's place there, and its trigger mode and
/// polarity.
fn with<T>(line: u32, action: impl FnOnce(&mut Controller, u32, u32) -> T) -> Option<T> {
    if line >= MAX_LINES {
        return None;
    }
    let mut controllers = CONTROLLERS.get()?.lock();
    let kind = match controllers.overrides.iter().find(|known| known.line == line) {
        Some(known) => {
            (if known.level { LEVEL } else { 0 }) | (if known.active_low { ACTIVE_LOW } else { 0 })
        }
        None if line < ISA_LINES => 0,
        None => LEVEL | ACTIVE_LOW,
    };
    let covers = |controller: &&mut Controller| {
        line.checked_sub(controller.first).is_some_and(|index| index < controller.lines)
    };
    let controller = controllers.list.iter_mut().find(covers)?;
    let index = line - controller.first;
    Some(action(controller, index, kind))
}

impl Controller {
    fn read(&mut self, register: u32) -> u32 {
        self.select(register);
        // SAFETY: the window register is 16 bytes above the selector, in the same mapped page.
        unsafe { self.registers.wrapping_add(4).read_volatile() }
    }

    fn write(&mut self, register: u32, value: u32) {
        self.select(register);
        // SAFETY: the window register is 16 bytes above the selector, in the same mapped page.
        unsafe { self.registers.wrapping_add(4).write_volatile(value) };
    }

    fn select(&mut self, register: u32) {
        // SAFETY: the selector is the first register of the mapped page.
        unsafe { self.registers.write_volatile(register) };
    }
}
