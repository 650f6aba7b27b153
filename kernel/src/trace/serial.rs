//! The log on the first serial port, 0x3f8, until a driver takes it.
//!
//! The port is an 16550: line status in register 5, bit 5 when the transmitter takes a byte. A
//! port that never does (there is none) costs a bounded wait, once.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Level;
use crate::arch::{Width, port};

const DATA: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = DATA + 1;
const FIFO_CONTROL: u16 = DATA + 2;
const LINE_CONTROL: u16 = DATA + 3;
const MODEM_CONTROL: u16 = DATA + 4;
const LINE_STATUS: u16 = DATA + 5;
const READY: u32 = 1 << 5;
/// Reads of the line status before the port is given up: 10 bytes' time at 115,200 baud on any
/// machine, as a port read takes near a microsecond.
const PATIENCE: u32 = 1000;

static MIRROR: AtomicBool = AtomicBool::new(false);

/// Sets the port to 115,200 baud, 8 bits, no parity, and starts mirroring the log.
pub(super) fn start() {
    let settings = [
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, 0x80),
        (DATA, 1),
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, 3),
        (FIFO_CONTROL, 7),
        (MODEM_CONTROL, 3),
    ];
    for (register, value) in settings {
        port::write(register, Width::Byte, value);
    }
    MIRROR.store(true, Relaxed);
}

pub(super) fn stop() {
    MIRROR.store(false, Relaxed);
}

/// Writes a log line if mirroring is on.
pub(super) fn mirror(time_ns: u64, name: &str, level: Level, text: &str) {
    if MIRROR.load(Relaxed) {
        let (seconds, micros) = (time_ns / 1_000_000_000, time_ns / 1000 % 1_000_000);
        let level = match level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        let _ = writeln!(Port, "[{seconds:3}.{micros:06}] {level:5} {name}: {text}");
    }
}

/// The port as a writer; line feeds become carriage return and line feed.
pub(super) struct Port;

impl Write for Port {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
        }
        Ok(())
    }
}

fn send(byte: u8) {
    let ready = |_| port::read(LINE_STATUS, Width::Byte) & READY != 0;
    if (0..PATIENCE).any(ready) {
        port::write(DATA, Width::Byte, u32::from(byte));
    } else {
        stop();
    }
}
