//! Interrupt lines by their global system interrupt number.
//!
//! A line is masked until its owner enables it. Level-triggered lines are masked from the
//! interrupt until [`acknowledge`]; edge-triggered ones stay open, because an I/O APIC forgets
//! edges of a masked pin. Beyond [`super::storm`]'s bound either kind is silenced.

/// Why a line cannot be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// No interrupt controller has such a line.
    NoSuchLine,
}

#[cfg(target_os = "none")]
pub use metal::{acknowledge, disable, enable};

#[cfg(not(target_os = "none"))]
mod host {
    use super::LineError;
    use crate::arch::host::{Action, record};

    /// Lines of the fake machine.
    const LINES: u32 = 24;

    fn checked(line: u32, action: Action) -> Result<(), LineError> {
        if line >= LINES {
            return Err(LineError::NoSuchLine);
        }
        record(action);
        Ok(())
    }

    /// Lets a line through.
    pub fn enable(line: u32) -> Result<(), LineError> {
        checked(line, Action::InterruptEnabled(line))
    }

    /// Masks a line.
    pub fn disable(line: u32) -> Result<(), LineError> {
        checked(line, Action::InterruptDisabled(line))
    }

    /// The owner has dealt with the device: the line may be raised again.
    pub fn acknowledge(line: u32) -> Result<(), LineError> {
        checked(line, Action::InterruptAcknowledged(line))
    }
}
#[cfg(not(target_os = "none"))]
pub use host::{acknowledge, disable, enable};
