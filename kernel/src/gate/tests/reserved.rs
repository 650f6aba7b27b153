//! Memory that comes into being when it is touched.

use super::{Bench, PLAIN, memory, touch};
use crate::memory::frames;
use atoll_gate::layout::HEAP_BASE;
use atoll_gate::record::Cause;
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

const PAGE: u64 = 4096;
const PART: u64 = HEAP_BASE + (64 << 30);

#[test]
fn touched_pages_are_backed_with_those_around_them() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    bench.expect(domain, Call::Reserve, [PART, 1 << 20]);
    let before = memory(&mut bench, control);
    touch(&mut bench, domain, PART + 20 * PAGE + 5, 2);
    let after = memory(&mut bench, control);
    // Sixteen pages, and the two tables above them.
    assert_eq!(after, before + 18 * PAGE);
    touch(&mut bench, domain, PART, 0);
    assert_eq!(memory(&mut bench, control), after + 16 * PAGE);
    bench.expect(domain, Call::Clock, []);
    // What is there and what is missing goes back; the tables stay.
    bench.expect(domain, Call::Release, [PART, 1 << 20]);
    assert_eq!(memory(&mut bench, control), before + 2 * PAGE);
    bench.expect(domain, Call::Reserve, [PART, 0]);
    assert_eq!(bench.fails(domain, Call::Release, [PART, 1]), Status::Invalid);
}

#[test]
fn a_touch_outside_of_a_part_or_of_a_page_that_is_there_is_a_fault() {
    for (address, error) in
        [(PART + 4 * PAGE, 0), (PART - 1, 2), (PART + PAGE, 3), (PART + PAGE, 16), (0x10, 0)]
    {
        let mut bench = Bench::new();
        let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
        bench.expect(domain, Call::Reserve, [PART, 4]);
        touch(&mut bench, domain, address, error);
        let (status, _) = bench.status(control);
        assert_eq!(status.cause, Cause::Faulted as u32, "{address:#x} {error}");
        assert_eq!(status.fault_address, address);
    }
}

#[test]
fn a_touch_beyond_the_quota_ends_the_domain_for_want_of_memory() {
    let mut bench = Bench::new();
    let (domain, control, _) =
        bench.spawn_with(DomainConfig { memory_limit: 1 << 20, ..PLAIN }, &[]);
    let other = bench.spawn();
    let free = frames::statistics().free;
    bench.expect(domain, Call::Reserve, [PART, 1 << 20]);
    assert_eq!(bench.fails(domain, Call::Room, [256]), Status::QuotaExceeded);
    let mut touched = 0;
    while bench.status(control).0.cause == 0 {
        touch(&mut bench, domain, PART + touched * PAGE, 2);
        touched += 1;
        assert!(memory(&mut bench, control) <= 1 << 20);
    }
    assert!((20..256).contains(&touched), "{touched} pages");
    assert_eq!(bench.status(control).0.cause, Cause::OutOfMemory as u32);
    assert!(frames::statistics().free >= free, "its memory is free again");
    bench.expect(other, Call::Clock, []);
}

#[test]
fn what_there_is_room_for_can_be_had() {
    let mut bench = Bench::new();
    let (domain, _, _) = bench.spawn_with(PLAIN, &[]);
    let most = (0..2048).rev().find(|pages| {
        bench.kernel.domain_mut(domain).expect("lives").require_pages(*pages).is_ok()
    });
    let most = most.expect("some");
    assert!(most > 800, "{most} of 1024 pages");
    bench.expect(domain, Call::Room, [most]);
    assert_eq!(bench.fails(domain, Call::Room, [most + 1]), Status::QuotaExceeded);
    assert_eq!(bench.fails(domain, Call::Room, [u64::MAX]), Status::QuotaExceeded);
    bench.expect(domain, Call::Reserve, [PART, most]);
    for page in 0..most {
        touch(&mut bench, domain, PART + page * PAGE, 2);
    }
    bench.expect(domain, Call::Clock, []);
}

#[test]
fn parts_are_within_the_heap_and_few() {
    let mut bench = Bench::new();
    let (domain, _, _) = bench.spawn_with(PLAIN, &[]);
    for base in [0, HEAP_BASE - PAGE, HEAP_BASE + 1, u64::MAX - 4095] {
        assert_eq!(bench.fails(domain, Call::Reserve, [base, 1]), Status::Invalid);
    }
    for part in 0..512 {
        bench.expect(domain, Call::Reserve, [HEAP_BASE + part * PAGE, 1]);
    }
    assert_eq!(bench.fails(domain, Call::Reserve, [PART, 1]), Status::QuotaExceeded);
}
