//! I/O ports: one access of 1, 2 or 4 bytes.
//!
//! Safe to call: a port access touches no memory of ours by itself. What a device does on it is
//! for whoever holds the ports to answer for; drivers reach only ports that they were granted.

use x86_64::instructions::port::Port;

use super::super::Width;

/// Reads a port.
#[must_use]
pub fn read(port: u16, width: Width) -> u32 {
    match width {
        // SAFETY: reading a port has no effect on memory; the kernel runs in ring 0.
        Width::Byte => u32::from(unsafe { Port::<u8>::new(port).read() }),
        // SAFETY: as above.
        Width::Word => u32::from(unsafe { Port::<u16>::new(port).read() }),
        // SAFETY: as above.
        Width::Double => unsafe { Port::<u32>::new(port).read() },
    }
}

/// Writes the low bits of `value` to a port.
pub fn write(port: u16, width: Width, value: u32) {
    match width {
        // SAFETY: writing a port has no effect on memory by itself; the kernel runs in ring 0.
        Width::Byte => unsafe { Port::<u8>::new(port).write(value as u8) },
        // SAFETY: as above.
        Width::Word => unsafe { Port::<u16>::new(port).write(value as u16) },
        // SAFETY: as above.
        Width::Double => unsafe { Port::<u32>::new(port).write(value) },
    }
}
