//! Text on the first serial port: the shim's only way to be heard.

use crate::machine::{read_port, write_port};
use core::fmt::{self, Write};

const PORT: u16 = 0x3f8;
/// Line status: the transmitter takes a byte.
const READY: u8 = 1 << 5;
/// Polls before a byte is dropped; a machine without the port answers at once with all bits set,
/// one with a stuck port must not stop the boot.
const PATIENCE: u32 = 100_000;

struct Port;

/// Sets 115200 baud, 8 bits, no parity, one stop bit, polled.
pub(crate) fn init() {
    for (register, value) in [(1, 0), (3, 0x80), (0, 1), (1, 0), (3, 3), (2, 7), (4, 3)] {
        write_port(PORT + register, value);
    }
}

/// Writes one line.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    // The port never fails; only a broken `Display` could.
    let _ = Port.write_fmt(text);
    let _ = Port.write_str("\r\n");
}

impl Write for Port {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let _ = (0..PATIENCE).find(|_| read_port(PORT + 5) & READY != 0);
            write_port(PORT, byte);
        }
        Ok(())
    }
}
