//! The driver on a model of the clock.

use super::*;
use std::cell::{Cell, RefCell};

/// The clock's registers, as the data sheet describes them.
// ANCHOR: model
struct Model {
    registers: RefCell<[u8; 128]>,
    /// How many readings of the status are left in which the clock is in an update.
    in_update: Cell<u32>,
    /// How many readings of the minutes are left until the next minute begins.
    next_minute: Cell<Option<u32>>,
}

impl Registers<u8> for Model {
    fn read(&self, offset: u32) -> u8 {
        let mut registers = self.registers.borrow_mut();
        let value = registers[offset as usize];
        match offset {
            // Reading why it interrupts ends the request.
            0x0c => registers[0x0c] = 0,
            0x0a if self.in_update.get() > 0 => {
                self.in_update.set(self.in_update.get() - 1);
                return value | 0x80;
            }
            0x02 if self.next_minute.get() == Some(0) => {
                self.next_minute.set(None);
                (registers[0x02], registers[0x00]) = (0x30, 0x00);
            }
            0x02 => self.next_minute.set(self.next_minute.get().map(|left| left - 1)),
            _ => {}
        }
        value
    }

    fn write(&self, offset: u32, value: u8) {
        self.registers.borrow_mut()[offset as usize] = value;
    }
}
// ANCHOR_END: model

/// The sixth of May 2030, 19:29:59, in decimal digits and with 24 hours.
fn model() -> Model {
    let mut registers = [0; 128];
    for (offset, value) in [(0, 0x59), (2, 0x29), (4, 0x19), (7, 0x06), (8, 0x05), (9, 0x30)] {
        registers[offset] = value;
    }
    (registers[0x0b], registers[0x0d]) = (0x02, 0x80);
    Model { registers: registers.into(), in_update: Cell::new(0), next_minute: Cell::new(None) }
}

fn moment(hour: u8, minute: u8, second: u8) -> Moment {
    Moment { year: 2030, month: 5, day: 6, hour, minute, second }
}

fn told_by(change: impl FnOnce(&Model)) -> Result<Moment, Fault> {
    let model = model();
    change(&model);
    Clock::begin(model).now()
}

#[test]
fn the_time_is_told_in_each_form() {
    assert_eq!(told_by(|_| {}), Ok(moment(19, 29, 59)));
    let binary = |model: &Model| {
        model.write(0x0b, 0x06);
        for (offset, value) in [(0, 59), (2, 29), (4, 19), (7, 6), (8, 5), (9, 30)] {
            model.write(offset, value);
        }
    };
    assert_eq!(told_by(binary), Ok(moment(19, 29, 59)));
    for (hours, hour) in [(0x87, 19), (0x07, 7), (0x12, 0), (0x92, 12), (0x11, 11)] {
        let of_twelve = |model: &Model| {
            model.write(0x0b, 0x00);
            model.write(0x04, hours);
        };
        assert_eq!(told_by(of_twelve), Ok(moment(hour, 29, 59)), "{hours:#x}");
    }
}

// ANCHOR: test
#[test]
fn no_time_is_told_that_never_was() {
    // The minute ends between the reading of the minutes and that of the seconds: 19:29:00.
    let told = told_by(|model| model.next_minute.set(Some(0)));
    assert_eq!(told, Ok(moment(19, 30, 0)));
    assert_eq!(told_by(|model| model.in_update.set(100)), Ok(moment(19, 29, 59)));
    assert_eq!(told_by(|model| model.in_update.set(u32::MAX)), Err(Fault::Broken));
}
// ANCHOR_END: test

#[test]
fn what_is_no_time_is_refused() {
    assert_eq!(told_by(|model| model.write(0x0d, 0)), Err(Fault::NotSet));
    let wrong = [(0, 0x60), (2, 0x5a), (4, 0x24), (7, 0), (7, 0x32), (8, 0), (8, 0x13), (9, 0xff)];
    for (offset, value) in wrong {
        let told = told_by(|model| model.write(offset, value));
        assert_eq!(told, Err(Fault::NotSet), "{value:#x} in {offset}");
    }
    let thirteen = |model: &Model| {
        model.write(0x0b, 0x00);
        model.write(0x04, 0x13);
    };
    assert_eq!(told_by(thirteen), Err(Fault::NotSet));
}

#[test]
fn interrupts_count_seconds() {
    let model = model();
    model.write(0x0c, 0x90);
    let mut clock = Clock::begin(model);
    // What the clock had to say before is over, and it is asked for what comes.
    assert_eq!(clock.registers.read(0x0b), 0x12);
    clock.interrupted();
    assert_eq!(clock.seconds(), 0);
    for _ in 0..2 {
        clock.registers.write(0x0c, 0x90);
        clock.interrupted();
        clock.interrupted();
    }
    assert_eq!(clock.seconds(), 2);
}
