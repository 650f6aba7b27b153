//! Switching off and restarting.

use spin::Once;

use super::super::{Width, port};
use super::cpu;
use crate::boot::acpi::{PortWrite, SoftOff};

/// QEMU's debug exit device; it ends QEMU with status `2 * value + 1`.
const DEBUG_EXIT: u16 = 0xf4;
const CODE_OFF: u32 = 0x10;
const CODE_PANIC: u32 = 0x11;

const KEYBOARD_COMMAND: u16 = 0x64;
const KEYBOARD_BUSY: u32 = 2;
const KEYBOARD_RESET: u32 = 0xfe;

/// What is known of the machine's switches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Switches {
    pub(crate) soft_off: Option<SoftOff>,
    pub(crate) reset: Option<PortWrite>,
    /// Whether switching off is to go through the debug exit device.
    pub(crate) debug_exit: bool,
}

static SWITCHES: Once<Switches> = Once::new();

/// Records what boot found out.
pub(crate) fn set_switches(switches: Switches) {
    SWITCHES.call_once(|| switches);
}

fn switches() -> Switches {
    SWITCHES.get().copied().unwrap_or_default()
}

/// Switches the machine off, or stops it if it cannot be switched off. Does not return.
pub fn off() {
    let switches = switches();
    if switches.debug_exit {
        port::write(DEBUG_EXIT, Width::Double, CODE_OFF);
    }
    if let Some(soft_off) = switches.soft_off {
        if let Some(enable) = soft_off.enable {
            port::write(enable.port, Width::Byte, u32::from(enable.value));
        }
        for control in soft_off.control.into_iter().flatten() {
            port::write(control.port, Width::Word, u32::from(control.value));
        }
    }
    cpu::halt()
}

/// Restarts the machine: by the ACPI reset register, by the keyboard controller, by an exception
/// that cannot be delivered. Does not return.
pub fn reboot() {
    if let Some(reset) = switches().reset {
        port::write(reset.port, Width::Byte, u32::from(reset.value));
    }
    let free = |_| port::read(KEYBOARD_COMMAND, Width::Byte) & KEYBOARD_BUSY == 0;
    if (0..100_000).any(free) {
        port::write(KEYBOARD_COMMAND, Width::Byte, KEYBOARD_RESET);
    }
    super::descriptors::break_interrupts()
}

/// Ends QEMU with the status that says "kernel bug", under tests.
pub(crate) fn exit_after_panic() {
    if switches().debug_exit {
        port::write(DEBUG_EXIT, Width::Double, CODE_PANIC);
    }
}
