//! Times of each kind of call. Under an instruction counter that ticks once a nanosecond the times
//! are instruction counts and the same in every run.

use super::atoll::clocks::monotonic;
use super::atoll::testing::echo::{self, Counter};
use super::atoll::testing::relay;
use super::{Desk, print};
use crate::{noise, work as integer};

/// Lists of more bytes than this are sent a tenth as often.
const LARGE: usize = 4096;

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
    handles(desk, count);
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
