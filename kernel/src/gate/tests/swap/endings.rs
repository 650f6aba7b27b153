//! Domains that end in the middle of a swap, and calls that are repeated.

use super::super::{Bench, PLAIN, copy, mint, slot};
use super::{STANDBY, Server, Swap};
use atoll_gate::call::rights;
use atoll_gate::message::{EventKind, SendSlot};
use atoll_gate::record::{Cause, Phase};
use atoll_gate::{Call, Status};

/// Steps before a commit, in order; each is one moment at which somebody ends.
fn advance(swap: &mut Swap, moment: usize) {
    let Swap { old, new, .. } = *swap;
    match moment {
        0 => drop(swap.bench.expect(swap.bench.init, Call::Quiesce, [old.control.into()])),
        1 => assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Quiesce)),
        2 => {
            let event = swap.bench.expect(old.domain, Call::CreateEvent, []) as u32;
            swap.bench.save(old, b"state", &[event]);
        }
        3 => swap.bench.blocks(old.domain, Call::Freeze, [0, 0]),
        4 => swap.bench.tell_to_take_over(old, new),
        5 => assert_eq!(swap.bench.hear(new.domain), Some(EventKind::TakeOver)),
        6 => drop(swap.bench.expect(new.domain, Call::ReadState, [0, 0])),
        7 => drop(swap.bench.expect(new.domain, Call::Ready, [])),
        _ => swap.bench.commit(&[(old, new)]),
    }
}

#[test]
fn the_end_of_the_new_one_changes_nothing_before_the_commit() {
    for moments in 0..=8 {
        let mut swap = Swap::new();
        swap.ask(b"question");
        for moment in 0..moments {
            advance(&mut swap, moment);
        }
        let Swap { old, new, .. } = swap;
        swap.bench.kill(new.control);
        swap.bench.expect(swap.bench.init, Call::Close, [new.control.into()]);
        assert_eq!(swap.bench.result(swap.pair.client), None);
        if moments > 0 {
            swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
        }
        assert_eq!(swap.bench.echo(old.domain), b"question", "{moments}");
        swap.answered(b"question");
        if swap.bench.phase(old) == Phase::Thawed {
            swap.bench.expect(old.domain, Call::Ready, []);
        }
        assert_eq!(swap.bench.kernel.ipc.population()[2..6], [0; 4], "{moments}");
    }
}

#[test]
fn the_end_of_the_old_one_is_a_crash_before_the_commit() {
    for moments in 0..=8 {
        let mut swap = Swap::new();
        swap.ask(b"question");
        for moment in 0..moments {
            advance(&mut swap, moment);
        }
        let Swap { old, new, .. } = swap;
        swap.bench.kill(old.control);
        if moments > 4 && moments < 7 {
            if moments == 5 {
                assert_eq!(swap.bench.hear(new.domain), Some(EventKind::TakeOver));
            }
            assert_eq!(swap.bench.fails(new.domain, Call::ReadState, [0, 0]), Status::Closed);
        }
        assert_eq!(swap.bench.commit_fails(&[(old, new)]), Status::Closed);
        assert_eq!(swap.bench.result(swap.pair.client), None);
        let next = swap.bench.server(PLAIN, swap.pair.endpoint);
        assert_eq!(swap.bench.echo(next.domain), b"question", "{moments}");
        swap.answered(b"question");
        swap.bench.kill(new.control);
        swap.bench.kill(next.control);
        assert_eq!(swap.bench.kernel.ipc.population()[1..7], [0; 6], "{moments}");
    }
}

#[test]
fn the_end_of_the_new_one_on_probation_loses_no_call() {
    let mut swap = Swap::committed();
    let Swap { old, new, .. } = swap;
    let (second, _, target) =
        swap.bench.spawn_with(PLAIN, &[copy(swap.pair.endpoint, rights::CALL)]);
    swap.ask(b"taken");
    swap.bench.take(new.domain);
    let lost = swap.bench.send(second, target[0], b"taken without waiting", &[]).1;
    swap.bench.take(new.domain);
    swap.bench.send(second, target[0], b"queued", &[]);
    swap.bench.kill(new.control);
    assert_eq!(swap.phases(), (Phase::Frozen, Phase::Settled));
    assert_eq!(swap.bench.result(swap.pair.client), None);
    assert_eq!(swap.bench.kernel.scheduler.priority(old.domain), 3);
    assert_eq!(swap.bench.invoke(second, target[0], b"held", &[]), None);
    swap.bench.revert(&[(old, new)]);
    assert_eq!(swap.bench.phase(old), Phase::Thawed);
    for expected in [b"taken".as_slice(), b"queued", b"held"] {
        assert_eq!(swap.bench.echo(old.domain), expected);
    }
    swap.answered(b"taken");
    let failed = swap.bench.take(second);
    assert_eq!((failed.id, failed.method), (lost, Status::PeerRestarted as u32));
    assert_eq!(swap.bench.take(second).payload, b"queued");
    assert!(swap.bench.kernel.ipc.calls.is_empty());
}

#[test]
fn what_was_lent_is_lent_again_and_what_moved_is_gone() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    swap.ask(b"");
    let call = swap.bench.take(old.domain);
    swap.bench.reply(old.domain, call.id, b"", &[mint(old.serve, 5)]);
    let object = swap.bench.message(swap.pair.client).slots[0].handle;
    swap.bench.freeze(old, b"", &[]);
    swap.bench.take_over(old, new);
    swap.bench.commit(&[(old, new)]);
    let (client, target) = (swap.pair.client, swap.pair.target);
    let event = swap.bench.expect(client, Call::CreateEvent, []) as u32;
    let slots = [slot(SendSlot::Lend, event), slot(SendSlot::Lend, object)];
    assert_eq!(swap.bench.invoke(client, target, b"lent", &slots), None);
    swap.bench.take(new.domain);
    let (mover, control, handles) =
        swap.bench.spawn_with(PLAIN, &[copy(swap.pair.endpoint, rights::CALL)]);
    let gone = swap.bench.expect(mover, Call::CreateEvent, []) as u32;
    let moved = [slot(SendSlot::Move, gone)];
    assert_eq!(swap.bench.invoke(mover, handles[0], b"moved", &moved), None);
    swap.bench.take(new.domain);
    swap.bench.kill(new.control);
    assert_eq!(swap.bench.result(mover), Some((Status::PeerRestarted, 0)));
    swap.bench.kill(control);
    swap.bench.revert(&[(old, new)]);
    let call = swap.bench.take(old.domain);
    assert_eq!((call.payload.as_slice(), call.slots[1].object), (b"lent".as_slice(), 5));
    swap.bench.expect(old.domain, Call::Signal, [call.slots[0].handle.into(), 1]);
    swap.bench.reply(old.domain, call.id, b"", &[]);
    assert_eq!(swap.bench.result(client), Some((Status::Ok, 0)));
    // Nothing is lent any more.
    swap.bench.expect(client, Call::Close, [event.into()]);
    swap.bench.expect(client, Call::Close, [object.into()]);
    assert_eq!(swap.bench.take(old.domain).event, Some(EventKind::Drop));
    assert!(swap.bench.kernel.ipc.events.is_empty());
}

#[test]
fn a_revert_ends_the_new_one_and_what_it_took_goes_to_the_old_one() {
    let mut swap = Swap::committed();
    let Swap { old, new, .. } = swap;
    swap.ask(b"taken");
    swap.bench.take(new.domain);
    let (second, _, target) =
        swap.bench.spawn_with(PLAIN, &[copy(swap.pair.endpoint, rights::CALL)]);
    assert_eq!(swap.bench.invoke(second, target[0], b"waiting", &[]), None);
    swap.bench.revert(&[(old, new)]);
    assert_eq!(swap.bench.status(new.control).0.cause, Cause::Killed as u32);
    for expected in [b"waiting".as_slice(), b"taken"] {
        assert_eq!(swap.bench.echo(old.domain), expected);
    }
    swap.answered(b"taken");
    assert_eq!(swap.bench.result(second), Some((Status::Ok, 0)));
}

#[test]
fn another_one_can_take_over_what_a_failed_one_left() {
    for committed in [false, true] {
        let mut swap = Swap::new();
        let Swap { old, new, .. } = swap;
        swap.bench.freeze(old, b"state", &[]);
        swap.bench.take_over(old, new);
        let third = swap.bench.server(STANDBY, swap.pair.endpoint);
        let arguments = [old.control.into(), third.control.into()];
        assert_eq!(swap.bench.fails(swap.bench.init, Call::TakeOver, arguments), Status::NotReady);
        if committed {
            swap.bench.commit(&[(old, new)]);
        }
        swap.bench.kill(new.control);
        swap.bench.take_over(old, third);
        assert_eq!(swap.bench.message(third.domain).payload, b"state");
        swap.bench.commit(&[(old, third)]);
        swap.ask(b"x");
        swap.bench.echo(third.domain);
        swap.answered(b"x");
    }
}

#[test]
fn the_end_of_the_replaced_one_makes_the_swap_final() {
    let mut swap = Swap::committed();
    let Swap { old, new, .. } = swap;
    swap.ask(b"taken");
    swap.bench.take(new.domain);
    swap.bench.expect(swap.bench.init, Call::Watch, [new.control.into(), 4]);
    swap.bench.take(swap.bench.init);
    swap.bench.status(new.control);
    swap.bench.expect(swap.bench.init, Call::Watch, [new.control.into(), 5]);
    swap.bench.kill(old.control);
    assert_eq!(swap.bench.take(swap.bench.init).id, 5);
    assert_eq!(swap.phases(), (Phase::Settled, Phase::Settled));
    assert_eq!(swap.bench.revert_fails(&[(old, new)]), Status::Closed);
    // From now on its end is a crash.
    swap.bench.kill(new.control);
    assert_eq!(swap.bench.result(swap.pair.client), Some((Status::PeerRestarted, 0)));
}

#[test]
fn a_call_that_may_be_repeated_survives_a_crash() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let grants = [copy(pair.endpoint, rights::CALL | rights::RETRY)];
    let (patient, _, handles) = bench.spawn_with(PLAIN, &grants);
    let (lender, _, others) = bench.spawn_with(PLAIN, &grants);
    let event = bench.expect(lender, Call::CreateEvent, []) as u32;
    assert_eq!(bench.invoke(patient, handles[0], b"again", &[]), None);
    bench.take(pair.server);
    assert_eq!(bench.invoke(lender, others[0], b"", &[slot(SendSlot::Lend, event)]), None);
    bench.take(pair.server);
    assert_eq!(bench.invoke(pair.client, pair.target, b"once", &[]), None);
    bench.take(pair.server);
    bench.kill(pair.server_control);
    assert_eq!(bench.result(pair.client), Some((Status::PeerRestarted, 0)));
    assert_eq!(bench.result(lender), Some((Status::PeerRestarted, 0)));
    assert_eq!(bench.result(patient), None);
    let next = bench.server(PLAIN, pair.endpoint);
    assert_eq!(bench.echo(next.domain), b"again");
    assert_eq!(bench.result(patient), Some((Status::Ok, 0)));
    // Nobody to wait for: it fails.
    bench.expect(bench.init, Call::Signal, [pair.endpoint.into(), 0]);
    assert_eq!(bench.invoke(patient, handles[0], b"", &[]), None);
    bench.take(next.domain);
    bench.kill(next.control);
    assert_eq!(bench.result(patient), Some((Status::Closed, 0)));
    assert!(bench.kernel.ipc.calls.is_empty());
}

#[test]
fn the_heir_pays_for_what_was_kept_at_the_endpoints_of_the_old_one() {
    let mut bench = Bench::new();
    let ends = [(); 2].map(|()| bench.expect(bench.init, Call::CreateEndpoint, []) as u32);
    bench.publish(bench.init, ends[1]);
    let grants = [copy(ends[0], rights::SERVE | rights::COPY), copy(ends[1], rights::CALL)];
    let (domain, control, handles) = bench.spawn_with(PLAIN, &grants);
    bench.publish(domain, handles[0]);
    bench.expect(domain, Call::Ready, []);
    let old = Server { domain, control, serve: handles[0] };
    // It makes an endpoint, which another domain serves and leaves.
    let made = bench.expect(domain, Call::CreateEndpoint, []) as u32;
    bench.send(domain, handles[1], b"", &[copy(made, rights::ALL)]);
    let call = bench.take(bench.init);
    bench.reply(bench.init, call.id, b"", &[]);
    bench.take(domain);
    let given = call.slots[0].handle;
    let server = bench.server(PLAIN, given);
    bench.kill(server.control);
    let charged = |bench: &Bench, domain| bench.kernel.live(domain).expect("alive").0.charged;
    assert_eq!(charged(&bench, domain), 10 + 15);
    let new = bench.server(STANDBY, ends[0]);
    bench.freeze(old, b"", &[]);
    bench.take_over(old, new);
    bench.commit(&[(old, new)]);
    assert_eq!(charged(&bench, new.domain), 15);
    bench.kill(control);
    assert_eq!(charged(&bench, new.domain), 15 + 15);
    assert_eq!(bench.expect(bench.init, Call::Describe, [given.into(), 0]), 15);
    bench.kill(new.control);
    assert_eq!(bench.fails(bench.init, Call::Describe, [given.into(), 0]), Status::NotReady);
}

#[test]
fn a_thousand_swaps_leave_nothing_behind() {
    let mut swap = Swap::new();
    let Swap { mut old, mut new, .. } = swap;
    let mut before = None;
    for round in 0..1_000 {
        let ends = swap.bench.expect(old.domain, Call::CreatePipe, [4096]);
        swap.ask(b"question");
        swap.bench.freeze(old, &[7; 5000], &[ends as u32, (ends >> 32) as u32]);
        swap.bench.take_over(old, new);
        if round % 3 == 0 {
            swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
            swap.bench.expect(old.domain, Call::Ready, []);
            swap.bench.kill(new.control);
        } else {
            swap.bench.commit(&[(old, new)]);
            if round % 3 == 1 {
                swap.bench.revert(&[(old, new)]);
                swap.bench.expect(old.domain, Call::Ready, []);
                swap.bench.kill(new.control);
            } else {
                std::mem::swap(&mut old, &mut new);
                swap.bench.kill(new.control);
                // What it read is its own: the pipe's ends.
                for handle in [0, 1].map(|at| swap.bench.message(old.domain).slots[at].handle) {
                    swap.bench.expect(old.domain, Call::Close, [handle.into()]);
                }
            }
        }
        swap.bench.expect(swap.bench.init, Call::Close, [new.control.into()]);
        swap.bench.echo(old.domain);
        swap.answered(b"question");
        new = swap.bench.server(STANDBY, swap.pair.endpoint);
        if round == 8 {
            before = Some(swap.bench.footprint());
        }
    }
    let after = swap.bench.footprint();
    let (free, rest) = (after.0, (after.1, after.2, after.3));
    let before = before.expect("more rounds");
    assert_eq!((free, rest), (before.0, (before.1, before.2, before.3)));
}
