//! Snapshots of domains, and clones.

use super::{Bench, PLAIN, copy, lengths, memory, mint, touch};
use crate::capability::DomainId;
use crate::memory::frames;
use atoll_gate::call::{DeviceKind, rights};
use atoll_gate::layout::{HEAP_BASE, STACK_BASE};
use atoll_gate::record::{Cause, State};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

const PAGE: u64 = 4096;
/// Error codes of page faults: a write to a page that is there, and to one that is not.
const WRITE_TO_PRESENT: u64 = 3;
const WRITE_TO_MISSING: u64 = 2;

/// A domain that took its snapshot, and init's control handle.
fn original(bench: &mut Bench, config: DomainConfig<'_>) -> (DomainId, u32) {
    let (domain, control, _) = bench.spawn_with(config, &[]);
    bench.expect(domain, Call::Commit, [HEAP_BASE, 4]);
    assert_eq!(bench.expect(domain, Call::Snapshot, []), 0);
    (domain, control)
}

/// Makes and starts a clone; gives it and init's control handle.
fn clone_of(bench: &mut Bench, control: u32) -> (DomainId, u32) {
    let clone = bench.expect(bench.init, Call::CloneDomain, [control.into()]) as u32;
    let domain = bench.newest();
    assert_eq!(bench.status(clone).0.state, State::Created as u32);
    bench.put(bench.init, b"again", &[]);
    bench.expect(bench.init, Call::StartDomain, [clone.into(), lengths(5, 0)]);
    assert_eq!(bench.result(domain), Some((Status::Ok, 1)));
    assert_eq!(bench.message(domain).payload, b"again");
    (domain, clone)
}

#[test]
fn a_clone_goes_on_where_the_snapshot_was_taken() {
    let mut bench = Bench::new();
    let config = DomainConfig { name: "twin", handle_limit: 3, priority: 6, ..PLAIN };
    let (domain, control) = original(&mut bench, config);
    let registers = |bench: &Bench, domain| {
        let body = bench.kernel.live(domain).expect("alive").1;
        body.space.context().saved().named().map(|(name, value)| {
            // The answer of the gate call is what differs.
            if name == "rdx" { (name, 0) } else { (name, value) }
        })
    };
    let then = registers(&bench, domain);
    // What the original does from now on is not the clone's.
    bench.expect(domain, Call::Commit, [HEAP_BASE + 9 * PAGE, 1]);
    bench.expect(domain, Call::CreateEvent, []);
    let (clone, clone_control) = clone_of(&mut bench, control);
    assert_eq!(registers(&bench, clone), then);
    let (first, second) = (bench.status(control).0, bench.status(clone_control).0);
    assert_eq!((first.has_snapshot, first.is_clone), (1, 0));
    assert_eq!((second.has_snapshot, second.is_clone), (1, 1));
    assert_eq!((second.name, second.priority), (first.name, 6));
    assert_eq!((second.handles, second.memory_limit), (0, first.memory_limit));
    assert_ne!(second.id, first.id);
    for page in [HEAP_BASE + 3 * PAGE, STACK_BASE] {
        touch(&mut bench, clone, page, WRITE_TO_PRESENT);
        bench.expect(clone, Call::Clock, []);
    }
    bench.expect(clone, Call::Commit, [HEAP_BASE + 9 * PAGE, 1]);
    // It has its own limits and a clone's snapshot already.
    for _ in 0..3 {
        bench.expect(clone, Call::CreateEvent, []);
    }
    assert_eq!(bench.fails(clone, Call::CreateEvent, []), Status::QuotaExceeded);
    assert_eq!(bench.fails(clone, Call::Snapshot, []), Status::Exists);
    assert_eq!(bench.fails(domain, Call::Snapshot, []), Status::Exists);
}

#[test]
fn grants_of_a_clone_have_the_numbers_that_the_original_had() {
    let mut bench = Bench::new();
    let slots = [copy(bench.log, rights::READ), copy(bench.system, rights::READ)];
    let (domain, control, handles) = bench.spawn_with(PLAIN, &slots);
    bench.expect(domain, Call::Snapshot, []);
    bench.kill(control);
    let clone = bench.expect(bench.init, Call::CloneDomain, [control.into()]);
    bench.put(bench.init, b"start", &slots);
    bench.expect(bench.init, Call::StartDomain, [clone, lengths(5, 2)]);
    let arrived = bench.message(bench.newest()).slots;
    assert_eq!(arrived.iter().map(|slot| slot.handle).collect::<Vec<_>>(), handles);
}

#[test]
fn a_domain_into_which_something_came_is_not_kept() {
    let refused = |bench: &mut Bench, domain| {
        assert_eq!(bench.fails(domain, Call::Snapshot, []), Status::Invalid);
    };
    let mut bench = Bench::new();
    let ready = bench.spawn();
    bench.expect(ready, Call::Ready, []);
    refused(&mut bench, ready);

    let pair = bench.pair();
    refused(&mut bench, pair.server);
    bench.send(pair.client, pair.target, b"call", &[]);
    refused(&mut bench, pair.client);

    // An object is out, on an endpoint that its server is not bound to.
    let (server, _, handles) =
        bench.spawn_with(PLAIN, &[copy(pair.endpoint, rights::SERVE | rights::CALL)]);
    let id = bench.take(pair.server).id;
    assert_eq!(bench.reply(pair.server, id, b"", &[mint(pair.serve, 5)]).0, Status::Ok);
    refused(&mut bench, server);
    assert_eq!(bench.kind(server, handles[0]), Some(atoll_gate::call::ObjectKind::Endpoint));

    let (driver, _, _) = bench.spawn_with(PLAIN, &[]);
    bench.expect(driver, Call::Snapshot, []);
}

#[test]
fn a_domain_with_a_window_is_not_kept() {
    let mut bench = Bench::new();
    let arguments = [bench.system.into(), DeviceKind::Window as u64, 0xfe00_0000, PAGE];
    let window = bench.expect(bench.init, Call::CreateDevice, arguments) as u32;
    let (driver, _, handles) = bench.spawn_with(PLAIN, &[copy(window, rights::COPY)]);
    bench.expect(driver, Call::MapWindow, [handles[0].into()]);
    assert_eq!(bench.fails(driver, Call::Snapshot, []), Status::Invalid);
}

#[test]
fn copies_count_and_a_snapshot_counts_whole() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    let before = memory(&mut bench, control);
    bench.expect(domain, Call::Snapshot, []);
    let kept = memory(&mut bench, control);
    assert!(kept > before && kept < before + 20 * PAGE, "its tables once more");
    let (clone, clone_control) = clone_of(&mut bench, control);
    assert_eq!(memory(&mut bench, clone_control), kept);
    for (which, handle) in [(domain, control), (clone, clone_control)] {
        let free = frames::statistics().free;
        touch(&mut bench, which, STACK_BASE + 100, WRITE_TO_PRESENT);
        assert_eq!(memory(&mut bench, handle), kept + PAGE);
        assert!(free - frames::statistics().free >= 1);
        // Once it has its copy, a write to the page is no reason to enter the kernel.
        touch(&mut bench, which, STACK_BASE + 100, WRITE_TO_PRESENT);
        assert_eq!(bench.status(handle).0.cause, Cause::Faulted as u32);
    }
}

#[test]
fn the_last_user_frees_what_was_kept() {
    let mut bench = Bench::new();
    let before = bench.footprint();
    let (_, control) = original(&mut bench, PLAIN);
    bench.kill(control);
    // The ended domain can be cloned as often as anybody wants, and so can its clones.
    let (clone, clone_control) = clone_of(&mut bench, control);
    bench.expect(bench.init, Call::Close, [control.into()]);
    touch(&mut bench, clone, HEAP_BASE, WRITE_TO_PRESENT);
    let (second, second_control) = clone_of(&mut bench, clone_control);
    bench.kill(clone_control);
    bench.expect(bench.init, Call::Close, [clone_control.into()]);
    touch(&mut bench, second, HEAP_BASE, WRITE_TO_PRESENT);
    bench.expect(second, Call::Clock, []);
    // The last control handle ends it.
    bench.expect(bench.init, Call::Close, [second_control.into()]);
    assert_eq!(bench.footprint(), before);
}

#[test]
fn killing_an_ended_domain_frees_what_was_kept() {
    let mut bench = Bench::new();
    let (_, control) = original(&mut bench, PLAIN);
    let kept = |bench: &mut Bench, control| bench.status(control).0.has_snapshot == 1;
    bench.kill(control);
    let ended = frames::statistics().free;
    assert!(kept(&mut bench, control));
    let (_, clone) = clone_of(&mut bench, control);
    bench.kill(control);
    assert!(!kept(&mut bench, control) && kept(&mut bench, clone));
    assert_eq!(bench.fails(bench.init, Call::CloneDomain, [control.into()]), Status::NotReady);
    bench.kill(clone);
    bench.kill(clone);
    // An image page, its data, the stack, the heap, and the tables over them.
    assert!(frames::statistics().free >= ended + 64 + 4 + 3);
}

#[test]
fn two_hundred_lives_take_no_more_than_one() {
    let mut bench = Bench::new();
    let (_, mut control) = original(&mut bench, PLAIN);
    let mut footprint = None;
    for _ in 0..200 {
        bench.kill(control);
        let (clone, next) = clone_of(&mut bench, control);
        bench.expect(bench.init, Call::Close, [control.into()]);
        touch(&mut bench, clone, HEAP_BASE + PAGE, WRITE_TO_PRESENT);
        control = next;
        let now = bench.footprint();
        assert_eq!(*footprint.get_or_insert(now), now);
    }
}

#[test]
fn only_writes_to_pages_of_the_snapshot_are_backed() {
    let faults = [
        (HEAP_BASE + 4 * PAGE, WRITE_TO_MISSING),
        (HEAP_BASE, 1),
        (HEAP_BASE, WRITE_TO_PRESENT | 16),
        (atoll_gate::layout::IMAGE_BASE, WRITE_TO_PRESENT),
        (atoll_gate::layout::COMPONENT_BASE, WRITE_TO_PRESENT),
    ];
    for (address, error) in faults {
        let mut bench = Bench::new();
        let (domain, control) = original(&mut bench, PLAIN);
        touch(&mut bench, domain, address, error);
        assert_eq!(bench.status(control).0.cause, Cause::Faulted as u32, "{address:#x} {error}");
    }
}

#[test]
fn a_quota_without_room_keeps_nothing_and_one_that_fills_up_gives_it_up() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    let most = memory(&mut bench, control);
    for room in [0, 1, 4, 100] {
        let config = DomainConfig { memory_limit: most + room * PAGE, ..PLAIN };
        let (domain, control, _) = bench.spawn_with(config, &[]);
        let before = bench.footprint();
        let taken = bench.call(domain, Call::Snapshot, []).expect("an answer");
        assert_eq!(taken == (Status::Ok, 0), room == 100, "{room}: {taken:?}");
        if room < 100 {
            assert_eq!(taken.0, Status::QuotaExceeded);
            assert_eq!(bench.footprint(), before);
            assert_eq!(memory(&mut bench, control), most);
            assert_eq!(
                bench.fails(bench.init, Call::CloneDomain, [control.into()]),
                Status::NotReady
            );
        }
    }
    // All of the quota can still be used, as if no snapshot had ever been taken.
    bench.expect(domain, Call::Snapshot, []);
    let left = (PLAIN.memory_limit - most) / PAGE - 6;
    bench.expect(domain, Call::Commit, [HEAP_BASE, left - left / 512]);
    assert_eq!(bench.status(control).0.has_snapshot, 0);
    touch(&mut bench, domain, HEAP_BASE, WRITE_TO_PRESENT);
    assert_eq!(bench.status(control).0.cause, Cause::Faulted as u32, "the page is its own again");
}

#[test]
fn a_write_beyond_the_quota_gives_the_snapshot_up_or_ends_the_domain() {
    let mut bench = Bench::new();
    let (_, control, _) = bench.spawn_with(PLAIN, &[]);
    let most = memory(&mut bench, control);
    let config = DomainConfig { memory_limit: most + 12 * PAGE, ..PLAIN };
    let life = |bench: &mut Bench, domain, control| {
        (0..60).find(|page| {
            touch(bench, domain, STACK_BASE + page * PAGE, WRITE_TO_PRESENT);
            let status = bench.status(control).0;
            assert!(status.memory <= config.memory_limit);
            status.has_snapshot == 0 || status.cause != 0
        })
    };
    let (domain, control, _) = bench.spawn_with(config, &[]);
    bench.expect(domain, Call::Snapshot, []);
    let (clone, clone_control) = clone_of(&mut bench, control);
    // Two use it: neither can have it for itself.
    assert!(life(&mut bench, domain, control).is_some_and(|pages| pages > 1));
    let status = bench.status(control).0;
    assert_eq!((status.cause, status.has_snapshot), (Cause::OutOfMemory as u32, 1));
    bench.expect(bench.init, Call::Close, [control.into()]);
    assert!(life(&mut bench, clone, clone_control).is_some_and(|pages| pages > 1));
    let status = bench.status(clone_control).0;
    assert_eq!((status.cause, status.has_snapshot), (0, 0));
    bench.expect(clone, Call::Clock, []);
}

#[test]
fn without_frames_there_is_no_clone_and_nothing_of_one() {
    let mut bench = Bench::new();
    let (_, control) = original(&mut bench, PLAIN);
    let (hog, _, _) = bench.spawn_with(DomainConfig { memory_limit: 1 << 30, ..PLAIN }, &[]);
    let mut pages = 0;
    for step in (0..14).rev().map(|bit| 1_u64 << bit) {
        let base = HEAP_BASE + pages * PAGE;
        if bench
            .call(hog, Call::Commit, [base, step])
            .is_some_and(|(status, _)| status == Status::Ok)
        {
            pages += step;
        }
    }
    let mut failures = 0;
    loop {
        let before = bench.footprint();
        match bench.call(bench.init, Call::CloneDomain, [control.into()]) {
            Some((Status::Ok, clone)) => {
                bench.expect(bench.init, Call::Close, [clone]);
                break;
            }
            result => assert_eq!(result, Some((Status::OutOfMemory, 0))),
        }
        assert_eq!(bench.footprint(), before);
        failures += 1;
        pages -= 1;
        bench.expect(hog, Call::Release, [HEAP_BASE + pages * PAGE, 1]);
    }
    assert!(failures > 20, "{failures} frames were too few");
    // A clone that writes when no frame is left ends; the snapshot is not its alone.
    let (clone, clone_control) = clone_of(&mut bench, control);
    let free = frames::statistics().free;
    assert!(free < 50, "{free} frames are left");
    for page in 0..free {
        bench.expect(hog, Call::Commit, [HEAP_BASE + (pages + page) * PAGE, 1]);
    }
    touch(&mut bench, clone, HEAP_BASE, WRITE_TO_PRESENT);
    assert_eq!(bench.status(clone_control).0.cause, Cause::OutOfMemory as u32);
}

#[test]
fn a_clone_needs_control_over_a_domain_that_was_kept() {
    let mut bench = Bench::new();
    let (_, plain, _) = bench.spawn_with(PLAIN, &[]);
    let init = bench.init;
    assert_eq!(bench.fails(init, Call::CloneDomain, [plain.into()]), Status::NotReady);
    bench.kill(plain);
    assert_eq!(bench.fails(init, Call::CloneDomain, [plain.into()]), Status::NotReady);
    let (domain, control) = original(&mut bench, PLAIN);
    let seen = bench.expect(init, Call::Copy, [control.into(), rights::READ.into()]);
    assert_eq!(bench.fails(init, Call::CloneDomain, [seen]), Status::Denied);
    assert_eq!(bench.fails(init, Call::CloneDomain, [bench.system.into()]), Status::WrongKind);
    assert_eq!(bench.fails(domain, Call::CloneDomain, [control.into()]), Status::BadHandle);
}
