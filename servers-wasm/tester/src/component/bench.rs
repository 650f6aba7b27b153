//! Times of each kind of call. Under an instruction counter that ticks once a nanosecond the times
//! are instruction counts and the same in every run.

use super::bindings::atoll::clocks::monotonic;
use super::bindings::atoll::testing::echo::{self, Counter, Item, Ten};
use super::bindings::atoll::testing::relay;
use crate::{noise, work as integer};
use atoll_sdk::report::Meter;
use std::io;

/// Lists of more bytes than this are sent a tenth as often.
const LARGE: usize = 4096;
/// Records in a list of records.
const ITEMS: u32 = 100;
/// Rounds of integer work before calls are split: time enough to begin to watch.
const PAUSE: u32 = 2;

pub(super) fn run(meter: &mut Meter<'_>, count: u32) -> io::Result<()> {
    meter.measure("clock", count, || {
        monotonic::now();
    })?;
    meter.measure("increment", count, || {
        echo::increment(1);
    })?;
    for (there_and_back, one_way, bytes) in [
        ("bytes-64", "measure-64", 64),
        ("bytes-4096", "measure-4096", 4096),
        ("bytes-60000", "measure-60000", 60_000),
    ] {
        let data = noise(bytes);
        let count = if bytes > LARGE { count.div_ceil(10) } else { count };
        meter.measure(there_and_back, count, || {
            echo::bytes(&data);
        })?;
        meter.measure(one_way, count, || {
            echo::measure(&data);
        })?;
    }
    let data = noise(16);
    meter.measure("measure-16", count, || {
        echo::measure(&data);
    })?;
    records(meter, count)?;
    handles(meter, count)
}

/// Times one restart of `echo`: from before the call that ends it to after the next one, which
/// waits for it.
pub(super) fn crash(meter: &mut Meter<'_>) -> io::Result<()> {
    let before = echo::increment(1);
    let (mut ended, mut after) = (Ok(0), 0);
    let total = meter.timed(|| {
        ended = echo::die();
        after = echo::increment(1);
    });
    if ended.is_err() && after == before {
        meter.line(&format!("bench crash 1 {total}"))?;
    }
    Ok(())
}

/// Measures one of each shape, and nothing.
pub(super) fn split(meter: &mut Meter<'_>, count: u32) -> io::Result<()> {
    meter.line("split begins")?;
    let result = integer::run(PAUSE);
    meter.line(&format!("pause {result}"))?;
    meter.measure("nothing", count, || ())?;
    meter.measure("increment", count, || {
        echo::increment(1);
    })?;
    for (name, bytes) in [("measure-16", 16), ("measure-4096", 4096)] {
        let data = noise(bytes);
        meter.measure(name, count, || {
            echo::measure(&data);
        })?;
    }
    let data = noise(4096);
    meter.measure("bytes-4096", count, || {
        echo::bytes(&data);
    })?;
    records(meter, count)?;
    let counter = Counter::new(0);
    meter.measure("method", count, || {
        counter.get();
    })?;
    meter.line("split ends")
}

fn records(meter: &mut Meter<'_>, count: u32) -> io::Result<()> {
    let value = Ten { a: 1, b: 2, c: 3, d: 4, e: -5, f: 6.0, g: 7.0, h: true, i: 'i', j: 10 };
    meter.measure("fields", count, || {
        echo::fields(value);
    })?;
    let items = |id| Item { id, kind: id as u8, weight: f64::from(id) };
    let items: Vec<_> = (0..ITEMS).map(items).collect();
    meter.measure("items", count, || {
        echo::items(&items);
    })
}

/// Times rounds of integer work.
pub(super) fn work(meter: &mut Meter<'_>, rounds: u32) -> io::Result<()> {
    let mut result = 0;
    let total = meter.timed(|| result = integer::run(rounds));
    meter.line(&format!("work {rounds} {result} {total}"))
}

fn handles(meter: &mut Meter<'_>, count: u32) -> io::Result<()> {
    let counter = Counter::new(0);
    meter.measure("method", count, || {
        counter.get();
    })?;
    meter.measure("borrow", count, || {
        echo::peek(&counter);
    })?;
    meter.measure("make-and-drop", count, || drop(Counter::new(0)))?;
    let mut passed = Some(counter);
    // One round moves an own handle to another server and back: two calls.
    meter.measure("keep-and-give-back", count, || {
        let kept = passed.take().is_some_and(|counter| relay::keep(counter).is_ok());
        passed = if kept { relay::give_back().ok() } else { None };
    })
}
