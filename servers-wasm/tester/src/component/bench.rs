//! Times of each kind of call. Under an instruction counter that ticks once a nanosecond the times
//! are instruction counts and the same in every run.

use super::atoll::clocks::monotonic;
use super::atoll::testing::echo::{self, Counter, Item, Ten};
use super::atoll::testing::relay;
use super::{Desk, print};
use crate::{noise, work as integer};

/// Lists of more bytes than this are sent a tenth as often.
const LARGE: usize = 4096;
/// Records in a list of records.
const ITEMS: u32 = 100;
/// Rounds of integer work before calls are split: time enough to begin to watch.
const PAUSE: u32 = 2;

pub(super) fn run(desk: &Desk, count: u32) {
    measure(desk, "clock", count, || {
        monotonic::now();
    });
    measure(desk, "increment", count, || {
        echo::increment(1);
    });
    for (there_and_back, one_way, bytes) in [
        ("bytes-64", "measure-64", 64),
        ("bytes-4096", "measure-4096", 4096),
        ("bytes-60000", "measure-60000", 60_000),
    ] {
        let data = noise(bytes);
        let count = if bytes > LARGE { count.div_ceil(10) } else { count };
        measure(desk, there_and_back, count, || {
            echo::bytes(&data);
        });
        measure(desk, one_way, count, || {
            echo::measure(&data);
        });
    }
    let data = noise(16);
    measure(desk, "measure-16", count, || {
        echo::measure(&data);
    });
    records(desk, count);
    handles(desk, count);
}

/// Times one restart of `echo`: from before the call that ends it to after the next one, which
/// waits for it.
pub(super) fn crash(desk: &Desk) {
    let before = echo::increment(1);
    let start = monotonic::now();
    let ended = echo::die();
    let after = echo::increment(1);
    let total = monotonic::now().saturating_sub(start);
    if ended.is_err() && after == before {
        print(&desk.output, &["bench crash 1 ", &total.to_string(), "\n"].concat());
    }
}

/// Measures one of each shape, and nothing.
pub(super) fn split(desk: &Desk, count: u32) {
    print(&desk.output, "split begins\n");
    let result = integer::run(PAUSE);
    print(&desk.output, &["pause ", &result.to_string(), "\n"].concat());
    measure(desk, "nothing", count, || ());
    measure(desk, "increment", count, || {
        echo::increment(1);
    });
    for (name, bytes) in [("measure-16", 16), ("measure-4096", 4096)] {
        let data = noise(bytes);
        measure(desk, name, count, || {
            echo::measure(&data);
        });
    }
    let data = noise(4096);
    measure(desk, "bytes-4096", count, || {
        echo::bytes(&data);
    });
    records(desk, count);
    let counter = Counter::new(0);
    measure(desk, "method", count, || {
        counter.get();
    });
    print(&desk.output, "split ends\n");
}

fn records(desk: &Desk, count: u32) {
    let value = Ten { a: 1, b: 2, c: 3, d: 4, e: -5, f: 6.0, g: 7.0, h: true, i: 'i', j: 10 };
    measure(desk, "fields", count, || {
        echo::fields(value);
    });
    let items = |id| Item { id, kind: id as u8, weight: f64::from(id) };
    let items: Vec<_> = (0..ITEMS).map(items).collect();
    measure(desk, "items", count, || {
        echo::items(&items);
    });
}

/// Times rounds of integer work.
pub(super) fn work(desk: &Desk, rounds: u32) {
    let start = monotonic::now();
    let result = integer::run(rounds);
    let total = monotonic::now().saturating_sub(start);
    let numbers = [u64::from(rounds), u64::from(result), total].map(|number| number.to_string());
    print(&desk.output, &["work ", &numbers.join(" "), "\n"].concat());
}

fn handles(desk: &Desk, count: u32) {
    let counter = Counter::new(0);
    measure(desk, "method", count, || {
        counter.get();
    });
    measure(desk, "borrow", count, || {
        echo::peek(&counter);
    });
    measure(desk, "make-and-drop", count, || drop(Counter::new(0)));
    let mut passed = Some(counter);
    // One round moves an own handle to another server and back: two calls.
    measure(desk, "keep-and-give-back", count, || {
        let kept = passed.take().is_some_and(|counter| relay::keep(counter).is_ok());
        passed = if kept { relay::give_back().ok() } else { None };
    });
}

/// Times `count` rounds after one that does not count.
fn measure(desk: &Desk, name: &str, count: u32, mut round: impl FnMut()) {
    round();
    let start = monotonic::now();
    for _ in 0..count {
        round();
    }
    let total = monotonic::now().saturating_sub(start);
    let line = ["bench ", name, " ", &count.to_string(), " ", &total.to_string(), "\n"].concat();
    print(&desk.output, &line);
}
