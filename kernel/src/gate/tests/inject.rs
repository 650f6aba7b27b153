//! Faults on order: gate calls 60 to 62 of kernels that inject them.

use super::{Bench, PLAIN};
use atoll_gate::layout::HEAP_BASE;
use atoll_gate::{Call, Status};

const FLIP: u64 = 60;
const FAIL: u64 = 61;
const FAILED: u64 = 62;

#[test]
fn the_gate_call_that_was_ordered_to_fails_once() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    let number = u64::from(bench.status(control).0.id);
    let order = [number, 1, Status::Revoked as u64];
    assert_eq!(bench.raw(bench.init, FAIL, order), Some((Status::Ok, 0)));
    bench.expect(domain, Call::Clock, []);
    assert_eq!(bench.fails(domain, Call::CreateEvent, []), Status::Revoked);
    bench.expect(domain, Call::CreateEvent, []);
    let failed = Call::CreateEvent as u64;
    assert_eq!(bench.raw(bench.init, FAILED, []), Some((Status::Ok, failed)));
    assert_eq!(bench.raw(bench.init, FAILED, []), Some((Status::Ok, 0)));
}

#[test]
fn an_order_that_was_taken_back_does_nothing() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    let number = u64::from(bench.status(control).0.id);
    assert_eq!(bench.raw(bench.init, FAIL, [number, 0, 99]), Some((Status::Invalid, 0)));
    let order = [number, 0, Status::Revoked as u64];
    assert_eq!(bench.raw(bench.init, FAIL, order), Some((Status::Ok, 0)));
    assert_eq!(bench.raw(bench.init, FAILED, []), Some((Status::Ok, 0)));
    bench.expect(domain, Call::Clock, []);
}

#[test]
fn a_gate_call_of_the_next_domain_can_be_ordered_to_fail() {
    let mut bench = Bench::new();
    let (older, ..) = bench.spawn_with(PLAIN, &[]);
    let order = [0, 0, Status::Denied as u64];
    assert_eq!(bench.raw(bench.init, FAIL, order), Some((Status::Ok, 0)));
    bench.expect(older, Call::CreateEvent, []);
    let (next, ..) = bench.spawn_with(PLAIN, &[]);
    assert_eq!(bench.fails(next, Call::CreateEvent, []), Status::Denied);
    bench.expect(next, Call::CreateEvent, []);
}

#[test]
fn bits_of_a_domain_flip_where_only_it_may_write() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    bench.expect(domain, Call::Commit, [HEAP_BASE, 1]);
    // Its pages belong to the snapshot from now on; each is copied before it is changed.
    bench.expect(domain, Call::Snapshot, []);
    let number = u64::from(bench.status(control).0.id);
    let mut seen = std::collections::BTreeSet::new();
    for place in 0..200 {
        let (status, address) = bench.raw(bench.init, FLIP, [number, place, 9]).expect("answered");
        assert_eq!((status, address % 4096), (Status::Ok, 1));
        seen.insert(address - 1);
    }
    assert!(seen.contains(&HEAP_BASE), "{seen:x?}");
    assert_eq!(bench.raw(bench.init, FLIP, [9_999, 0, 0]), Some((Status::NotFound, 0)));
    // Nothing of it reaches the domains that are made of the snapshot, or others.
    bench.expect(domain, Call::Clock, []);
    bench.expect(bench.init, Call::CloneDomain, [control.into()]);
}
