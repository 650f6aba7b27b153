//! The component: the granted devices, and `atoll:samples/calendar` on [`Clock`].

atoll_sdk::bindings!("atoll:servers/rtc" in "../../wit");

use crate::{Clock, Fault};
use atoll_sdk::device::{Register, Registers, WriteOnly};
use atoll_sdk::log;
use bindings::{
    atoll::device::{port_io::Ports, types::ErrorCode},
    exports::atoll::{
        io::handler,
        lifecycle::start,
        samples::calendar::{self, Error, Moment},
    },
};
use std::cell::RefCell;

// ANCHOR: cmos
atoll_sdk::port_registers!(Ports);

/// The number of the register that the other port then is. Its highest bit would switch
/// non-maskable interrupts off.
const INDEX: Register<u8, WriteOnly> = Register::at(0);
const VALUE: Register<u8> = Register::at(1);

/// The clock's registers, one after the other behind two ports.
struct Cmos(Ports);

impl Registers<u8> for Cmos {
    fn read(&self, offset: u32) -> u8 {
        INDEX.write(&self.0, offset as u8 & 0x7f);
        VALUE.read(&self.0)
    }

    fn write(&self, offset: u32, value: u8) {
        INDEX.write(&self.0, offset as u8 & 0x7f);
        VALUE.write(&self.0, value);
    }
}
// ANCHOR_END: cmos

/// What the driver has while it runs.
struct Driver {
    clock: Clock<Cmos>,
    line: InterruptLine,
}

thread_local! {
    static DRIVER: RefCell<Option<Driver>> = const { RefCell::new(None) };
}

struct Component;

// ANCHOR: start
atoll_sdk::interrupt_line!(bindings);

/// What `ready` is called with; there is one thing to wait for.
const INTERRUPT: u64 = 0;

impl start::Guest for Component {
    fn start() -> Result<(), String> {
        atoll_sdk::init_log!(bindings, Info);
        let ports = Ports::open("cmos").map_err(|why| refused("ports `cmos`", why))?;
        let line = InterruptLine::open("clock", INTERRUPT)
            .map_err(|why| refused("interrupt `clock`", why))?;
        let clock = Clock::begin(Cmos(ports));
        match clock.now() {
            Ok(_) => log::info!("the clock goes"),
            Err(fault) => log::warn!("the clock tells no time: {fault:?}"),
        }
        DRIVER.set(Some(Driver { clock, line }));
        Ok(())
    }
}

fn refused(what: &str, why: ErrorCode) -> String {
    format!("{what}: {why:?}")
}
// ANCHOR_END: start

// ANCHOR: ready
impl handler::Guest for Component {
    fn ready(_token: u64) {
        DRIVER.with_borrow_mut(|driver| {
            if let Some(Driver { clock, line }) = driver {
                line.serve(|| clock.interrupted());
            }
        });
    }
}
// ANCHOR_END: ready

// ANCHOR: serve
impl calendar::Guest for Component {
    fn now() -> Result<Moment, Error> {
        with_clock(|clock| match clock.now() {
            Ok(now) => Ok(Moment {
                year: now.year,
                month: now.month,
                day: now.day,
                hour: now.hour,
                minute: now.minute,
                second: now.second,
            }),
            Err(Fault::NotSet) => Err(Error::NotSet),
            Err(Fault::Broken) => Err(Error::Broken),
        })
    }

    fn seconds() -> Result<u64, Error> {
        with_clock(|clock| Ok(clock.seconds()))
    }
}

/// Before `start` there is no clock; nobody calls so early.
fn with_clock<T>(ask: impl FnOnce(&Clock<Cmos>) -> Result<T, Error>) -> Result<T, Error> {
    DRIVER.with_borrow(|driver| ask(&driver.as_ref().ok_or(Error::Broken)?.clock))
}
// ANCHOR_END: serve

bindings::export!(Component);
