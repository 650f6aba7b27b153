//! Handles: counters of `echo` made, lent, passed on through `relay`, merged and dropped.

use super::atoll::testing::echo::{Counter, ErrorCode, living, peek};
use super::atoll::testing::relay;
use super::{Desk, print};

pub(super) fn check(desk: &mut Desk) {
    own(desk);
    many(desk);
    merged(desk);
    lent(desk);
    passed_on(desk);
}

fn own(desk: &mut Desk) {
    let before = living();
    let counter = Counter::new(40);
    desk.check("a counter is made", counter.get() == 40 && living() == before + 1);
    desk.check("a method changes it", counter.add(2) == 42 && counter.get() == 42);
    desk.check("it wraps", counter.add(u32::MAX) == 41);
    drop(counter);
    desk.check("its end reaches the server", living() == before);
}

fn many(desk: &mut Desk) {
    let before = living();
    let counters: Vec<Counter> = (0..50).map(Counter::new).collect();
    desk.check("fifty counters live", living() == before + 50);
    let right = counters.iter().zip(0..).all(|(counter, start)| counter.add(start) == 2 * start);
    desk.check("each is its own", right);
    drop(counters);
    desk.check("all fifty end", living() == before);
}

fn merged(desk: &mut Desk) {
    let before = living();
    let sum = Counter::merge(Counter::new(30), Counter::new(12));
    desk.check("two counters go in, one comes out", sum.get() == 42);
    desk.check("the two are gone", living() == before + 1);
}

fn lent(desk: &mut Desk) {
    let counter = Counter::new(7);
    desk.check("a counter is lent to its server", peek(&counter) == 7);
    let read = relay::read_lent(&counter);
    desk.check("a counter is lent through another server", matches!(read, Ok(7)));
    desk.check("it is still here afterwards", counter.add(1) == 8);
}

fn passed_on(desk: &mut Desk) {
    let before = living();
    let mut counter = Counter::new(100);
    let mut is_right = true;
    for round in 1..=10 {
        is_right &= relay::keep(counter).is_ok();
        is_right &= matches!(relay::add_kept(1), Ok(value) if value == 100 + round);
        counter = match relay::give_back() {
            Ok(counter) => counter,
            Err(_) => {
                desk.check("a counter comes back from another server", false);
                return;
            }
        };
    }
    desk.check("a counter goes to another server and back, ten times", is_right);
    desk.check("its value came along", counter.get() == 110);
    desk.check("it was not copied on the way", living() == before + 1);
    let empty = relay::give_back();
    desk.check("nothing is left behind", matches!(empty, Err(ErrorCode::Refused)));
    drop(counter);
    desk.check("all counters are gone", living() == before);
}

/// Leaves a counter of `echo` in `relay` when this program ends.
pub(super) fn keep(desk: &mut Desk) {
    let kept = relay::keep(Counter::new(100)).is_ok();
    desk.check("a counter stays with another server", kept);
    desk.check("it is used there", matches!(relay::add_kept(1), Ok(101)));
}

/// Says what becomes of using the counter that was left there.
pub(super) fn use_kept(desk: &Desk) {
    let outcome = match relay::add_kept(1) {
        Ok(value) => ["the kept counter says ", &value.to_string(), "\n"].concat(),
        Err(ErrorCode::Refused) => String::from("no counter is kept\n"),
        Err(ErrorCode::PeerRestarted) => String::from("its keeper ended when it used it\n"),
    };
    print(&desk.output, &outcome);
}
