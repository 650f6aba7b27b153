//! The report of a kernel bug: what, where, registers, calls under way, and which domain was running.
//!
//! It goes to the serial port, whoever owns it: nothing runs afterwards. It takes no lock and
//! allocates nothing.

use core::fmt::Write;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::serial::Port;
use crate::arch::context::Registers;
use crate::arch::x86_64::cpu::{self, Cpu};
use crate::arch::x86_64::{power, stack};
use crate::boot::OnPanic;

static REBOOT: AtomicBool = AtomicBool::new(false);
static REPORTING: AtomicBool = AtomicBool::new(false);

/// Most calls that are listed.
const MAX_CALLS: usize = 24;

const EXCEPTIONS: [&str; 22] = [
    "divide error",
    "debug",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 floating point",
    "alignment check",
    "machine check",
    "SIMD floating point",
    "virtualization",
    "control protection",
];

/// Records what follows a report.
pub(crate) fn set_on_panic(action: OnPanic) {
    REBOOT.store(action == OnPanic::Reboot, Relaxed);
}

/// Reports a panic and ends the machine's work.
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    begin();
    let mut out = Port;
    let _ = write!(out, "{}", info.message());
    if let Some(location) = info.location() {
        let _ = write!(out, "\n  at {}:{}", location.file(), location.line());
    }
    end(stack::pointer(), Cpu::current().last_owner())
}

/// Reports an exception in the kernel and ends the machine's work. `domain` is the number of the
/// domain that ran last, 0 for none.
pub(crate) fn exception(registers: &Registers, fault_address: u64, domain: u64) -> ! {
    begin();
    let mut out = Port;
    let (vector, error) = registers.cause();
    let name = EXCEPTIONS.get(vector as usize).copied().unwrap_or("exception");
    let _ = write!(out, "{name} (vector {vector}, error {error:#x})");
    if vector == 14 {
        let _ = write!(out, " touching {fault_address:#x}");
    }
    for (index, (name, value)) in registers.named().into_iter().enumerate() {
        let separator = if index % 4 == 0 { "\n  " } else { "  " };
        let _ = write!(out, "{separator}{name:>6} {value:016x}");
    }
    end(registers.stack_pointer(), domain)
}

/// Starts a report; a bug in the reporting ends it.
fn begin() {
    if REPORTING.swap(true, Relaxed) {
        finish();
    }
    super::serial::start();
    super::serial::stop();
    let _ = write!(Port, "\n\n*** Atoll kernel bug: ");
}

fn end(stack_pointer: u64, domain: u64) -> ! {
    let mut out = Port;
    let _ = write!(out, "\n  calls:");
    for address in stack::calls(stack_pointer).take(MAX_CALLS) {
        let _ = write!(out, " {address:#x}");
    }
    match domain {
        0 => drop(write!(out, "\n  no domain was running\n")),
        domain => drop(write!(out, "\n  domain {domain} was running\n")),
    }
    let then = if REBOOT.load(Relaxed) { "restarting" } else { "halted" };
    let _ = writeln!(out, "*** {then}");
    finish()
}

fn finish() -> ! {
    power::exit_after_panic();
    if REBOOT.load(Relaxed) {
        power::reboot();
    }
    cpu::halt()
}
