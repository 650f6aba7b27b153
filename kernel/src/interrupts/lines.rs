//! Interrupt lines by their global system interrupt number.
//!
//! A line is masked until its owner enables it. Level-triggered lines are masked from the
//! interrupt until [`acknowledge`]; edge-triggered ones stay open, because an I/O APIC forgets
//! edges of a masked pin. Beyond the bound of `storm` either kind is silenced.

/// Why a line cannot be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// No interrupt controller has such a line.
    NoSuchLine,
}

#[cfg(target_os = "none")]
mod metal {
    use super::super::storm::{Meter, Verdict};
    use super::LineError;
    use crate::arch::x86_64::apic;
    use crate::arch::x86_64::io_apic::{self, FIRST_VECTOR, MAX_LINES};
    use crate::trace::{self, Level};

    static METERS: spin::Mutex<[Option<Meter>; MAX_LINES as usize]> =
        spin::Mutex::new([None; MAX_LINES as usize]);

    /// Lets a line through.
    pub fn enable(line: u32) -> Result<(), LineError> {
        set_meter(line, Some(Meter::default()))?;
        mask(line, false)
    }

    /// Masks a line.
    pub fn disable(line: u32) -> Result<(), LineError> {
        set_meter(line, None)?;
        mask(line, true)
    }

    /// The owner has dealt with the device: the line may be raised again.
    pub fn acknowledge(line: u32) -> Result<(), LineError> {
        let mut meters = METERS.lock();
        let meter = meters.get_mut(line as usize).ok_or(LineError::NoSuchLine)?;
        let silenced = meter.as_mut().is_some_and(Meter::acknowledge);
        let owned = meter.is_some();
        drop(meters);
        if owned && (silenced || io_apic::is_level(line)) { mask(line, false) } else { Ok(()) }
    }

    fn set_meter(line: u32, meter: Option<Meter>) -> Result<(), LineError> {
        let mut meters = METERS.lock();
        *meters.get_mut(line as usize).ok_or(LineError::NoSuchLine)? = meter;
        Ok(())
    }

    fn mask(line: u32, masked: bool) -> Result<(), LineError> {
        io_apic::set_masked(line, masked).ok_or(LineError::NoSuchLine)
    }

    /// Deals with an interrupt vector; gives the line whose owner is to be told.
    pub(crate) fn raised(vector: u8) -> Option<u32> {
        let line = u32::from(vector.checked_sub(FIRST_VECTOR)?);
        let verdict =
            METERS.lock().get_mut(line as usize).and_then(Option::as_mut).map(Meter::raise);
        let silence = !matches!(verdict, Some(Verdict::Deliver));
        if silence || io_apic::is_level(line) {
            let _ = io_apic::set_masked(line, true);
        }
        apic::end_of_interrupt();
        match verdict {
            Some(Verdict::Deliver) => return Some(line),
            Some(Verdict::Silence) => trace::kernel(
                Level::Warn,
                format_args!("interrupt line {line} storms: masked until it is acknowledged"),
            ),
            Some(Verdict::Ignore) => {}
            None => trace::kernel(
                Level::Warn,
                format_args!("interrupt {vector:#x} has no owner: masked"),
            ),
        }
        None
    }
}
#[cfg(target_os = "none")]
pub(crate) use metal::raised;
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
