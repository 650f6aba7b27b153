//! Handles: counters of `echo` made, lent, passed on through `relay`, merged and dropped.

use super::bindings::atoll::testing::echo::{Counter, ErrorCode, living, peek};
use super::bindings::atoll::testing::relay;
use atoll_sdk::report::Checks;
use std::io::{self, Write};

pub(super) fn check(checks: &mut Checks<'_>) {
    own(checks);
    many(checks);
    merged(checks);
    lent(checks);
    passed_on(checks);
}

fn own(checks: &mut Checks<'_>) {
    let before = living();
    let counter = Counter::new(40);
    checks.check("a counter is made", counter.get() == 40 && living() == before + 1);
    checks.check("a method changes it", counter.add(2) == 42 && counter.get() == 42);
    checks.check("it wraps", counter.add(u32::MAX) == 41);
    drop(counter);
    checks.check("its end reaches the server", living() == before);
}

fn many(checks: &mut Checks<'_>) {
    let before = living();
    let counters: Vec<Counter> = (0..50).map(Counter::new).collect();
    checks.check("fifty counters live", living() == before + 50);
    let right = counters.iter().zip(0..).all(|(counter, start)| counter.add(start) == 2 * start);
    checks.check("each is its own", right);
    drop(counters);
    checks.check("all fifty end", living() == before);
}

fn merged(checks: &mut Checks<'_>) {
    let before = living();
    let sum = Counter::merge(Counter::new(30), Counter::new(12));
    checks.check("two counters go in, one comes out", sum.get() == 42);
    checks.check("the two are gone", living() == before + 1);
}

fn lent(checks: &mut Checks<'_>) {
    let counter = Counter::new(7);
    checks.check("a counter is lent to its server", peek(&counter) == 7);
    let read = relay::read_lent(&counter);
    checks.check("a counter is lent through another server", matches!(read, Ok(7)));
    checks.check("it is still here afterwards", counter.add(1) == 8);
}

fn passed_on(checks: &mut Checks<'_>) {
    let before = living();
    let mut counter = Counter::new(100);
    let mut is_right = true;
    for round in 1..=10 {
        is_right &= relay::keep(counter).is_ok();
        is_right &= matches!(relay::add_kept(1), Ok(value) if value == 100 + round);
        counter = match relay::give_back() {
            Ok(counter) => counter,
            Err(_) => {
                checks.check("a counter comes back from another server", false);
                return;
            }
        };
    }
    checks.check("a counter goes to another server and back, ten times", is_right);
    checks.check("its value came along", counter.get() == 110);
    checks.check("it was not copied on the way", living() == before + 1);
    let empty = relay::give_back();
    checks.check("nothing is left behind", matches!(empty, Err(ErrorCode::Refused)));
    drop(counter);
    checks.check("all counters are gone", living() == before);
}

/// Leaves a counter of `echo` in `relay` when this program ends.
pub(super) fn keep(checks: &mut Checks<'_>) {
    let kept = relay::keep(Counter::new(100)).is_ok();
    checks.check("a counter stays with another server", kept);
    checks.check("it is used there", matches!(relay::add_kept(1), Ok(101)));
}

/// Says what becomes of using the counter that was left there.
pub(super) fn use_kept(output: &mut dyn Write) -> io::Result<()> {
    match relay::add_kept(1) {
        Ok(value) => writeln!(output, "the kept counter says {value}"),
        Err(ErrorCode::Refused) => writeln!(output, "no counter is kept"),
        Err(ErrorCode::PeerRestarted) => writeln!(output, "its keeper ended when it used it"),
    }
}
