//! Ports, control registers and the clock: the instructions that Rust has no words for.
//!
//! The shim is alone on the machine, in ring 0 and with interrupts off, so none of them can
//! disturb anything but the device they name; whether that is wanted is up to the caller.

use core::arch::asm;

/// Reads a byte from a port.
pub(crate) fn read_port(port: u16) -> u8 {
    let value;
    // SAFETY: an `in` in ring 0 touches no memory.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Writes a byte to a port.
pub(crate) fn write_port(port: u16, value: u8) {
    // SAFETY: the shim uses no port that starts a transfer to memory.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags))
    };
}

/// Reads 16 bits from a port.
pub(crate) fn read_port_16(port: u16) -> u16 {
    let value;
    // SAFETY: an `in` in ring 0 touches no memory.
    unsafe {
        asm!("in ax, dx", in("dx") port, out("ax") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Writes 16 bits to a port.
pub(crate) fn write_port_16(port: u16, value: u16) {
    // SAFETY: the shim uses no port that starts a transfer to memory.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags))
    };
}

/// Reads a 32-bit register of PCI configuration space by mechanism 1 (PCI 3.0, 3.2.2.3.2).
pub(crate) fn read_pci(bus: u8, device: u8, register: u8) -> u32 {
    let address = 1 << 31 | u32::from(bus) << 16 | u32::from(device) << 11 | u32::from(register);
    let value;
    // SAFETY: selecting a configuration register changes nothing else, no memory is touched.
    unsafe {
        asm!("out dx, eax", in("dx") 0xcf8_u16, in("eax") address, options(nomem, nostack, preserves_flags))
    };
    // SAFETY: reading a configuration register touches no memory.
    unsafe {
        asm!("in eax, dx", in("dx") 0xcfc_u16, out("eax") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Masks all lines of the legacy interrupt controllers.
pub(crate) fn mask_pic() {
    write_port(0x21, 0xff);
    write_port(0xa1, 0xff);
}

/// Stops for good.
pub(crate) fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off the processor sleeps; memory stays as it is.
        unsafe { asm!("cli; hlt", options(nomem, nostack)) };
    }
}

const EFER: u32 = 0xc000_0080;
const PAT: u32 = 0x277;
const NXE: u64 = 1 << 11;
/// The layout that the protocol asks for ("Caching"): WB, WT, UC-, UC, WP, WC and, where it says
/// nothing, the reset values UC- and UC.
const PAT_LAYOUT: u64 = 0x0007_0105_0007_0406;

/// What the processor offers of the features that the protocol asks for if present.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    /// No-execute pages.
    pub(crate) nx: bool,
    /// The page attribute table.
    pub(crate) pat: bool,
}

/// Asks the processor and switches on what is there.
pub(crate) fn enable_features() -> Features {
    let extended = core::arch::x86_64::__cpuid(0x8000_0001).edx;
    let basic = core::arch::x86_64::__cpuid(1).edx;
    let features = Features { nx: extended & 1 << 20 != 0, pat: basic & 1 << 16 != 0 };
    if features.nx {
        write_msr(EFER, read_msr(EFER) | NXE);
    }
    if features.pat {
        write_msr(PAT, PAT_LAYOUT);
    }
    features
}

fn read_msr(number: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: only called for registers that CPUID announced or that long mode implies.
    unsafe {
        asm!("rdmsr", in("ecx") number, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags))
    };
    u64::from(high) << 32 | u64::from(low)
}

fn write_msr(number: u32, value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: NXE adds a meaning to a bit that no table sets yet, and the PAT keeps the meaning of
    // its first four entries, the only ones that the shim's own tables use.
    unsafe {
        asm!("wrmsr", in("ecx") number, in("eax") low, in("edx") high, options(nostack, preserves_flags))
    };
}

/// Seconds since 1970 by the CMOS clock, taken as UTC; 0 if the clock makes no sense.
pub(crate) fn unix_time() -> i64 {
    let mut last = read_clock();
    // Two equal readings in a row cannot straddle an update. Ten tries is one more than a clock
    // that ticks can spoil.
    for _ in 0..10 {
        let now = read_clock();
        if now == last {
            break;
        }
        last = now;
    }
    let [second, minute, hour, day, month, year, century] = last.map(i64::from);
    let century = if (19..=29).contains(&century) { century } else { 20 };
    let (year, month) = (century * 100 + year, month.clamp(1, 12));
    (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second
}

/// Second, minute, hour, day, month, year and century in binary.
fn read_clock() -> [u8; 7] {
    let register = |index| {
        write_port(0x70, index);
        read_port(0x71)
    };
    let status = register(0x0b);
    let pm = register(4) & 0x80 != 0;
    let binary = |value: u8| if status & 4 != 0 { value } else { (value >> 4) * 10 + (value & 15) };
    let mut values = [0, 2, 4, 7, 8, 9, 0x32].map(register);
    values[2] &= 0x7f;
    let mut values = values.map(binary);
    if status & 2 == 0 {
        values[2] = values[2] % 12 + if pm { 12 } else { 0 };
    }
    values
}

/// Days from 1970 to a date of the Gregorian calendar, by counting years that begin in March.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months = (month + 9) % 12;
    let days = year * 365 + year / 4 - year / 100 + year / 400;
    // Days before each month of a year from March: 31, 30, 31, 30, 31 repeats every five months.
    days + (months * 153 + 2) / 5 + day - 1 - 719_468
}
