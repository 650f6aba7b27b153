//! The processor as tests play it: a clock that they set and devices that remember what was done.
//!
//! All state is per thread, so tests do not see each other.

use std::cell::{Cell, RefCell};
use std::vec::Vec;

/// What the kernel did to the fake machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Wrote to a port.
    PortWrite(u16, super::Width, u32),
    /// Read from a port; it saw the value set by [`set_port`].
    PortRead(u16, super::Width),
    /// Let an interrupt line through.
    InterruptEnabled(u32),
    /// Masked an interrupt line.
    InterruptDisabled(u32),
    /// Took note that the owner has seen the line.
    InterruptAcknowledged(u32),
    /// Armed the timer, `None` for never.
    Deadline(Option<u64>),
    /// Switched the machine off.
    PowerOff,
    /// Restarted the machine.
    Reboot,
}

thread_local! {
    static ACTIONS: RefCell<Vec<Action>> = const { RefCell::new(Vec::new()) };
    static CLOCK: Cell<u64> = const { Cell::new(0) };
    static PORT: Cell<u32> = const { Cell::new(0) };
}

/// Takes what the kernel did since the last call, in order.
#[must_use]
pub fn take_actions() -> Vec<Action> {
    ACTIONS.take()
}

/// Sets the fake clock.
pub fn set_clock(now_ns: u64) {
    CLOCK.set(now_ns);
}

/// Sets what every port reads as.
pub fn set_port(value: u32) {
    PORT.set(value);
}

pub(crate) fn clock() -> u64 {
    CLOCK.get()
}

pub(crate) fn record(action: Action) {
    ACTIONS.with_borrow_mut(|actions| actions.push(action));
}

/// I/O ports.
pub mod port {
    use super::{Action, PORT, record};
    use crate::arch::Width;

    /// Reads a port.
    #[must_use]
    pub fn read(port: u16, width: Width) -> u32 {
        record(Action::PortRead(port, width));
        match width {
            Width::Byte => PORT.get() & 0xff,
            Width::Word => PORT.get() & 0xffff,
            Width::Double => PORT.get(),
        }
    }

    /// Writes a port.
    pub fn write(port: u16, width: Width, value: u32) {
        record(Action::PortWrite(port, width, value));
    }
}

/// Switching off and restarting. Unlike on the machine these return.
pub mod power {
    use super::{Action, record};

    /// Switches the machine off.
    pub fn off() {
        record(Action::PowerOff);
    }

    /// Restarts the machine.
    pub fn reboot() {
        record(Action::Reboot);
    }
}
