//! I/O ports: one access of 1, 2 or 4 bytes.
//!
//! Safe to call: a port access touches no memory of ours by itself. What a device does on it is
//! for whoever holds the ports to answer for; drivers reach only ports that they were granted.

use core::arch::asm;

use super::super::Width;

/// Reads a port.
#[must_use]
pub fn read(port: u16, width: Width) -> u32 {
    let value: u32;
    // SAFETY: reading a port has no effect on memory; the kernel runs in ring 0.
    unsafe {
        match width {
            Width::Byte => asm!("xor eax, eax", "in al, dx", in("dx") port, out("eax") value,
                options(nomem, nostack)),
            Width::Word => asm!("xor eax, eax", "in ax, dx", in("dx") port, out("eax") value,
                options(nomem, nostack)),
            Width::Double => asm!("in eax, dx", in("dx") port, out("eax") value,
                options(nomem, nostack, preserves_flags)),
        }
    }
    value
}

/// Writes the low bits of `value` to a port.
pub fn write(port: u16, width: Width, value: u32) {
    // SAFETY: writing a port has no effect on memory by itself; the kernel runs in ring 0.
    unsafe {
        match width {
            Width::Byte => asm!("out dx, al", in("dx") port, in("eax") value,
                options(nomem, nostack, preserves_flags)),
            Width::Word => asm!("out dx, ax", in("dx") port, in("eax") value,
                options(nomem, nostack, preserves_flags)),
            Width::Double => asm!("out dx, eax", in("dx") port, in("eax") value,
                options(nomem, nostack, preserves_flags)),
        }
    }
}
