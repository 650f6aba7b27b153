//! The sample driver `rtc`: the PC's clock that goes on while the machine is off.
//!
//! [`Clock`] is the driver, on the clock's [`Registers`]: granted ports on the machine, a model in
//! the tests. `component.rs`, the only module with generated and therefore unsafe code, opens the
//! devices and serves `atoll:samples/calendar`. Registers and bits are those of the MC146818A data
//! sheet.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;
#[cfg(test)]
mod tests;

use atoll_sdk::device::{Field, ReadOnly, Register, Registers};

// ANCHOR: registers
const SECONDS: Register<u8> = Register::at(0x00);
const MINUTES: Register<u8> = Register::at(0x02);
const HOURS: Register<u8> = Register::at(0x04);
const DAY: Register<u8> = Register::at(0x07);
const MONTH: Register<u8> = Register::at(0x08);
const YEAR: Register<u8> = Register::at(0x09);

const STATUS_A: Register<u8> = Register::at(0x0a);
/// The clock is about to count, or counts; what is read meanwhile may be half of each.
const IN_UPDATE: Field<u8> = Field::bit(7);

const STATUS_B: Register<u8> = Register::at(0x0b);
/// An interrupt after each update, once a second.
const UPDATE_INTERRUPT: Field<u8> = Field::bit(4);
const IS_BINARY: Field<u8> = Field::bit(2);
const IS_24_HOURS: Field<u8> = Field::bit(1);

/// Why the clock interrupts; reading it ends the request.
const STATUS_C: Register<u8, ReadOnly> = Register::at(0x0c);
const WAS_UPDATED: Field<u8> = Field::bit(4);

const STATUS_D: Register<u8, ReadOnly> = Register::at(0x0d);
/// There was power all the time since the clock was set.
const IS_VALID: Field<u8> = Field::bit(7);
// ANCHOR_END: registers

/// In the hours, where the clock counts to twelve: it is afternoon.
const AFTERNOON: Field<u8> = Field::bit(7);
/// How often the clock is read before it counts as broken. An update takes 2 ms at most, which are
/// some hundred readings; only a clock that is always in one is read so often.
const PATIENCE: usize = 100_000;

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// 2000 to 2099.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// Why the clock does not tell the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It lost its power, or what it tells is no time.
    NotSet,
    /// It does not come to rest.
    Broken,
}

/// The clock, and how many updates it has reported.
#[derive(Debug)]
pub struct Clock<R> {
    registers: R,
    seconds: u64,
}

// ANCHOR: clock
impl<R: Registers<u8>> Clock<R> {
    /// Takes a clock over, whatever was asked of it before, and asks it for its interrupt.
    pub fn begin(registers: R) -> Self {
        let clock = Self { registers, seconds: 0 };
        let status = STATUS_B.read(&clock.registers);
        STATUS_B.write(&clock.registers, UPDATE_INTERRUPT.put(status, 1));
        // A request from before would hold the line, and no edge would ever come.
        STATUS_C.read(&clock.registers);
        clock
    }

    /// Answers the device's request, if it has one, and so ends it.
    pub fn interrupted(&mut self) {
        if WAS_UPDATED.is_set(STATUS_C.read(&self.registers)) {
            self.seconds = self.seconds.saturating_add(1);
        }
    }

    /// How many seconds have begun since the driver took the clock over.
    pub const fn seconds(&self) -> u64 {
        self.seconds
    }

    /// The date and time now.
    ///
    /// # Errors
    /// If the clock has none.
    pub fn now(&self) -> Result<Moment, Fault> {
        if !IS_VALID.is_set(STATUS_D.read(&self.registers)) {
            return Err(Fault::NotSet);
        }
        // An update may begin between two registers, so a reading counts if the next is the same.
        let mut before = None;
        for _ in 0..PATIENCE {
            let reading = self.reading();
            if reading.is_some() && reading == before {
                return reading.and_then(|registers| self.moment(registers)).ok_or(Fault::NotSet);
            }
            before = reading;
        }
        Err(Fault::Broken)
    }

    /// Year, month, day, hour, minute and second as they are in the registers; none in an update.
    fn reading(&self) -> Option<[u8; 6]> {
        let is_at_rest = !IN_UPDATE.is_set(STATUS_A.read(&self.registers));
        let registers = [YEAR, MONTH, DAY, HOURS, MINUTES, SECONDS];
        is_at_rest.then(|| registers.map(|register| register.read(&self.registers)))
    }
}
// ANCHOR_END: clock

impl<R: Registers<u8>> Clock<R> {
    /// What the registers mean; none if it is no time.
    fn moment(&self, [year, month, day, hours, minute, second]: [u8; 6]) -> Option<Moment> {
        let status = STATUS_B.read(&self.registers);
        let number = |value: u8| match IS_BINARY.is_set(status) {
            true => Some(value),
            false => decimal(value),
        };
        let hour = match IS_24_HOURS.is_set(status) {
            true => number(hours)?,
            false => full_hour(number(AFTERNOON.put(hours, 0))?, AFTERNOON.is_set(hours))?,
        };
        let moment = Moment {
            year: 2000 + u16::from(number(year)?),
            month: number(month)?,
            day: number(day)?,
            hour,
            minute: number(minute)?,
            second: number(second)?,
        };
        let is_a_date = moment.year < 2100
            && (1..=12).contains(&moment.month)
            && (1..=31).contains(&moment.day);
        let is_a_time = moment.hour < 24 && moment.minute < 60 && moment.second < 60;
        (is_a_date && is_a_time).then_some(moment)
    }
}

/// A number of two decimal digits, one in each half of a byte.
fn decimal(value: u8) -> Option<u8> {
    let (tens, ones) = (value >> 4, value & 0x0f);
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

/// The hour of a clock with twelve: 12 is the first of each half of the day.
fn full_hour(hour: u8, is_afternoon: bool) -> Option<u8> {
    (1..=12).contains(&hour).then_some(hour % 12 + if is_afternoon { 12 } else { 0 })
}
