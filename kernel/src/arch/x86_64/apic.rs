//! The local APIC: end of interrupt and the timer's counter.
//!
//! Registers are memory (xAPIC) or, where the processor has them or the firmware has switched to
//! them, MSRs (x2APIC). Manual: APM volume 2, chapter 16.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use x86_64::registers::model_specific::Msr;

use super::cpu;
use crate::memory::{Access, Cache, PAGE_SIZE, PhysAddr, kernel_space};

/// Vector of the timer, above those of all lines.
pub const TIMER_VECTOR: u8 = 0xf0;
/// Vector of interrupts that vanished while they were delivered.
pub const SPURIOUS_VECTOR: u8 = 0xff;

const BASE_REGISTER: u32 = 0x1b;
const BASE_ENABLED: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;
const X2APIC_REGISTERS: u32 = 0x800;

const IDENTITY: u32 = 0x20;
const TASK_PRIORITY: u32 = 0x80;
const END_OF_INTERRUPT: u32 = 0xb0;
const SPURIOUS: u32 = 0xf0;
const SPURIOUS_ENABLE: u32 = 1 << 8;
const LOCAL_TIMER: u32 = 0x320;
const LOCAL_LINES: [u32; 3] = [0x340, 0x350, 0x370];
const MASKED: u32 = 1 << 16;
const TIMER_INITIAL: u32 = 0x380;
const TIMER_CURRENT: u32 = 0x390;
const TIMER_DIVIDE: u32 = 0x3e0;
/// Counts at the bus frequency divided by 16.
const DIVIDE_BY_16: u32 = 0b0011;

/// Where the registers are mapped; 0 when they are MSRs.
static REGISTERS: AtomicU64 = AtomicU64::new(0);

/// The registers could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// Switches the local APIC on, with every local source masked but the timer, which does not count
/// yet.
pub(crate) fn start(address: u64) -> Result<(), OutOfFrames> {
    let mut base = Msr::new(BASE_REGISTER);
    // SAFETY: every processor with a local APIC has this register.
    let mut state = unsafe { base.read() } | BASE_ENABLED;
    if cpu::features().x2apic {
        state |= BASE_X2APIC;
    }
    if state & BASE_X2APIC == 0 {
        let registers = kernel_space::map_device(
            PhysAddr::truncate(address),
            PAGE_SIZE,
            Access::ReadWrite,
            Cache::Uncached,
        );
        REGISTERS.store(registers.map_err(|_| OutOfFrames)? as u64, Relaxed);
    }
    // SAFETY: enabling is allowed in every state, and x2APIC is asked for only where it exists.
    unsafe { base.write(state) };
    write(SPURIOUS, SPURIOUS_ENABLE | u32::from(SPURIOUS_VECTOR));
    write(TASK_PRIORITY, 0);
    for line in LOCAL_LINES {
        write(line, MASKED);
    }
    write(TIMER_DIVIDE, DIVIDE_BY_16);
    write(LOCAL_TIMER, u32::from(TIMER_VECTOR));
    write(TIMER_INITIAL, 0);
    Ok(())
}

/// The APIC's number, to which lines are routed.
#[must_use]
pub fn identity() -> u8 {
    let raw = read(IDENTITY);
    if REGISTERS.load(Relaxed) == 0 { raw as u8 } else { (raw >> 24) as u8 }
}

/// Says that the interrupt in service has been dealt with.
#[inline]
pub(crate) fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// Lets the timer count from `ticks` down to an interrupt; 0 stops it.
pub(crate) fn count_down(ticks: u32) {
    write(TIMER_INITIAL, ticks);
}

/// What is left of the count.
pub(crate) fn count() -> u32 {
    read(TIMER_CURRENT)
}

fn read(register: u32) -> u32 {
    match REGISTERS.load(Relaxed) {
        // SAFETY: the APIC is in x2APIC mode, where each register has an MSR.
        0 => (unsafe { Msr::new(X2APIC_REGISTERS + (register >> 4)).read() }) as u32,
        base => {
            let pointer = (base + u64::from(register)) as *const u32;
            // SAFETY: `start` mapped the registers for ever; all accesses are of 32 bits.
            unsafe { pointer.read_volatile() }
        }
    }
}

fn write(register: u32, value: u32) {
    match REGISTERS.load(Relaxed) {
        0 => {
            let mut msr = Msr::new(X2APIC_REGISTERS + (register >> 4));
            // SAFETY: the APIC is in x2APIC mode, where each register has an MSR; no register
            // written here has a reserved bit set.
            unsafe { msr.write(u64::from(value)) };
        }
        base => {
            let pointer = (base + u64::from(register)) as *mut u32;
            // SAFETY: `start` mapped the registers for ever; all accesses are of 32 bits.
            unsafe { pointer.write_volatile(value) };
        }
    }
}
