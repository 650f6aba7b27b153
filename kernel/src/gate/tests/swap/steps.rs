//! The way from one server to the next, and back.

use super::super::{Bench, PLAIN, copy, lengths, mint, slot};
use super::{STANDBY, Server, Swap};
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, ReceiveSlot, SendSlot, accept};
use atoll_gate::record::{Phase, State};
use atoll_gate::{Call, Status};

#[test]
fn a_server_is_replaced_without_losing_a_call() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    swap.ask(b"queued");
    let other = swap.bench.spawn_with(PLAIN, &[copy(swap.pair.endpoint, rights::CALL)]);
    let (second, target) = (other.0, other.2[0]);
    let async_id = swap.bench.send(second, target, b"async", &[]).1;
    swap.bench.freeze(old, b"state", &[]);
    assert_eq!(swap.phases(), (Phase::Frozen, Phase::Prepared));
    assert_eq!(swap.bench.invoke(second, target, b"held", &[]), None);
    swap.bench.take_over(old, new);
    assert_eq!(swap.bench.message(new.domain).payload, b"state");
    assert_eq!(swap.phases(), (Phase::Frozen, Phase::TookOver));
    swap.bench.nothing(new.domain);
    swap.bench.commit(&[(old, new)]);
    assert_eq!(swap.phases(), (Phase::Replaced, Phase::Probation));
    let (status, _) = swap.bench.status(old.control);
    assert_eq!((status.state, status.saved, status.calls_open), (State::Frozen as u32, 5, 0));
    for expected in [b"queued".as_slice(), b"async", b"held"] {
        let call = swap.bench.take(new.domain);
        assert_eq!((call.payload.as_slice(), call.badge), (expected, 11));
        swap.bench.reply(new.domain, call.id, expected, &[]);
    }
    swap.answered(b"queued");
    assert_eq!(swap.bench.result(second), Some((Status::Ok, 0)));
    let reply = swap.bench.take(second);
    assert_eq!((reply.event, reply.id), (Some(EventKind::Reply), async_id));
    swap.bench.kill(old.control);
    assert_eq!(swap.bench.phase(new), Phase::Settled);
    swap.ask(b"after");
    swap.bench.echo(new.domain);
    swap.answered(b"after");
    assert!(swap.bench.kernel.ipc.calls.is_empty());
}

#[test]
fn a_server_that_waits_is_told_at_once_and_one_that_works_when_it_is_done() {
    let mut swap = Swap::new();
    swap.bench.wait(swap.old.domain);
    swap.ask(b"taken");
    let call = swap.bench.message(swap.old.domain);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [swap.old.control.into()]);
    assert_eq!(swap.bench.phase(swap.old), Phase::Quiescing);
    let (status, _) = swap.bench.status(swap.old.control);
    assert_eq!(status.calls_open, 1);
    // It waits with the call open: nothing to tell yet.
    swap.bench.wait(swap.old.domain);
    swap.bench.expect(swap.bench.init, Call::Thaw, [swap.old.control.into()]);
    assert_eq!(swap.bench.phase(swap.old), Phase::Settled);
    let sent = swap.bench.spawn_with(PLAIN, &[copy(swap.pair.endpoint, rights::CALL)]);
    swap.bench.send(sent.0, sent.2[0], b"wake", &[]);
    let wake = swap.bench.message(swap.old.domain);
    swap.bench.reply(swap.old.domain, wake.id, b"", &[]);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [swap.old.control.into()]);
    // The reply by the short way ends in a wait as well.
    let arguments = [call.id, 0, lengths(0, 0), accept::ALL, NO_DEADLINE];
    assert_eq!(swap.bench.call(swap.old.domain, Call::ReplyWait, arguments), Some((Status::Ok, 0)));
    assert_eq!(swap.bench.message(swap.old.domain).event, Some(EventKind::Quiesce));
    assert_eq!(swap.bench.result(swap.pair.client), Some((Status::Ok, 0)));
    assert_eq!(swap.bench.phase(swap.old), Phase::Saving);
    // The other way round: it waits first.
    let mut swap = Swap::new();
    swap.bench.wait(swap.old.domain);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [swap.old.control.into()]);
    assert_eq!(swap.bench.message(swap.old.domain).event, Some(EventKind::Quiesce));
}

#[test]
fn what_waits_besides_calls_comes_before_the_end() {
    let mut swap = Swap::new();
    let old = swap.old;
    swap.ask(b"");
    let call = swap.bench.take(old.domain);
    swap.bench.reply(old.domain, call.id, b"", &[mint(old.serve, 5), mint(old.serve, 6)]);
    let [first, second] = [0, 1].map(|at| swap.bench.message(swap.pair.client).slots[at].handle);
    let event = swap.bench.expect(old.domain, Call::CreateEvent, []);
    swap.bench.expect(old.domain, Call::Watch, [event, 77]);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [old.control.into()]);
    swap.bench.expect(swap.pair.client, Call::Close, [first.into()]);
    swap.bench.expect(old.domain, Call::Signal, [event, 1]);
    assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Drop));
    assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Notification));
    assert_eq!(swap.bench.hear(old.domain), Some(EventKind::Quiesce));
    swap.bench.blocks(old.domain, Call::Freeze, [0, 0]);
    // A drop that comes now waits, and goes to the next server.
    swap.bench.expect(swap.pair.client, Call::Close, [second.into()]);
    swap.bench.take_over(old, swap.new);
    swap.bench.nothing(swap.new.domain);
    swap.bench.commit(&[(old, swap.new)]);
    let drop = swap.bench.take(swap.new.domain);
    assert_eq!((drop.event, drop.id, drop.badge), (Some(EventKind::Drop), 6, 11));
}

#[test]
fn objects_outlive_a_swap_and_not_a_crash() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    swap.ask(b"");
    let call = swap.bench.take(old.domain);
    swap.bench.reply(old.domain, call.id, b"", &[mint(old.serve, 5)]);
    let object = swap.bench.message(swap.pair.client).slots[0].handle;
    swap.bench.freeze(old, b"", &[]);
    swap.bench.take_over(old, new);
    let show = |swap: &mut Swap| {
        let (client, target) = (swap.pair.client, swap.pair.target);
        swap.bench.invoke(client, target, b"", &[slot(SendSlot::Lend, object)])
    };
    assert_eq!(show(&mut swap), None);
    swap.bench.commit(&[(old, new)]);
    let call = swap.bench.take(new.domain);
    assert_eq!(super::super::arrived(call.slots[0]), Some(ReceiveSlot::HomeBorrow));
    assert_eq!(call.slots[0].object, 5);
    swap.bench.reply(new.domain, call.id, b"", &[mint(new.serve, 8)]);
    let young = swap.bench.message(swap.pair.client).slots[0].handle;
    // Back: what the new one minted is not known to the old one.
    swap.bench.revert(&[(old, new)]);
    assert_eq!(show(&mut swap), None);
    let call = swap.bench.take(old.domain);
    assert_eq!((call.slots[0].object, call.badge), (5, 9));
    swap.bench.reply(old.domain, call.id, b"", &[]);
    let stale =
        swap.bench.invoke(swap.pair.client, swap.pair.target, b"", &[slot(SendSlot::Lend, young)]);
    assert_eq!(stale, Some((Status::PeerRestarted, 0)));
    swap.bench.expect(swap.pair.client, Call::Close, [young.into()]);
    swap.bench.nothing(old.domain);
    swap.bench.kill(old.control);
    assert_eq!(show(&mut swap), Some((Status::PeerRestarted, 0)));
}

#[test]
fn saved_handles_are_duplicated_for_each_reader() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    let ends = swap.bench.expect(old.domain, Call::CreatePipe, [4096]);
    let (reader, writer) = (ends as u32, (ends >> 32) as u32);
    let before = swap.bench.kernel.live(old.domain).expect("alive").0.charged;
    swap.bench.put(old.domain, b"bytes", &[]);
    swap.bench.expect(old.domain, Call::Write, [writer.into(), lengths(5, 0)]);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [old.control.into()]);
    swap.bench.hear(old.domain);
    assert_eq!(swap.bench.save(old, b"one ", &[reader]), 4);
    assert_eq!(swap.bench.save(old, b"two", &[writer]), 7);
    swap.bench.blocks(old.domain, Call::Freeze, [0, 0]);
    swap.bench.tell_to_take_over(old, new);
    swap.bench.hear(new.domain);
    assert_eq!(swap.bench.expect(new.domain, Call::ReadState, [4, 1]), 7 | 2 << 32);
    let part = swap.bench.message(new.domain);
    assert_eq!((part.payload.as_slice(), part.slots.len()), (b"two".as_slice(), 1));
    assert_eq!(swap.bench.expect(new.domain, Call::ReadState, [0, 0]), 7 | 2 << 32);
    let all = swap.bench.message(new.domain);
    assert_eq!((all.payload.as_slice(), all.slots.len()), (b"one two".as_slice(), 2));
    assert_eq!(swap.bench.fails(new.domain, Call::ReadState, [8, 0]), Status::Invalid);
    let theirs = u64::from(all.slots[0].handle);
    assert_eq!(swap.bench.expect(new.domain, Call::Read, [theirs, 0, 2]), 2);
    // Thawed, the old one has the same.
    swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
    assert_eq!(swap.bench.fails(new.domain, Call::ReadState, [0, 0]), Status::Closed);
    assert_eq!(swap.bench.expect(old.domain, Call::ReadState, [0, 0]), 7 | 2 << 32);
    let own = swap.bench.message(old.domain).slots;
    assert_eq!(swap.bench.expect(old.domain, Call::Read, [own[0].handle.into(), 0, 9]), 3);
    swap.bench.expect(old.domain, Call::Ready, []);
    assert_eq!(swap.bench.phase(old), Phase::Settled);
    assert_eq!(swap.bench.fails(old.domain, Call::ReadState, [0, 0]), Status::NotReady);
    assert_eq!(swap.bench.kernel.live(old.domain).expect("alive").0.charged, before);
    for end in [own[0].handle, own[1].handle] {
        swap.bench.expect(old.domain, Call::Close, [end.into()]);
    }
    swap.bench.kill(new.control);
    assert!(swap.bench.kernel.ipc.pipes.is_empty());
}

#[test]
fn a_state_counts_against_the_quota_and_handles_must_move() {
    let mut swap = Swap::new();
    let old = swap.old;
    swap.bench.expect(swap.bench.init, Call::Quiesce, [old.control.into()]);
    swap.bench.hear(old.domain);
    let event = swap.bench.expect(old.domain, Call::CreateEvent, []) as u32;
    for slots in [
        vec![slot(SendSlot::Lend, event)],
        vec![copy(event, rights::ALL)],
        vec![mint(old.serve, 1)],
    ] {
        swap.bench.put(old.domain, b"", &slots);
        assert_eq!(swap.bench.fails(old.domain, Call::SaveState, [lengths(0, 1)]), Status::Invalid);
    }
    let twice = [slot(SendSlot::Move, event); 2];
    swap.bench.put(old.domain, b"", &twice);
    assert_eq!(swap.bench.fails(old.domain, Call::SaveState, [lengths(0, 2)]), Status::BadHandle);
    let mut saved = 0;
    let last = loop {
        match swap.bench.call(old.domain, Call::SaveState, [lengths(60_000, 0)]) {
            Some((Status::Ok, total)) => saved = total,
            other => break other,
        }
    };
    assert_eq!(last, Some((Status::QuotaExceeded, 0)));
    assert!(saved > 1_000_000);
    swap.bench.put(old.domain, b"too much", &[]);
    swap.bench.blocks(old.domain, Call::Freeze, [Status::QuotaExceeded as u64, lengths(8, 0)]);
    let (status, words) = swap.bench.status(old.control);
    assert_eq!((status.phase, status.saved), (Phase::Unsaved as u32, saved));
    assert_eq!(words, b"too much");
    let arguments = [old.control.into(), swap.new.control.into()];
    assert_eq!(swap.bench.fails(swap.bench.init, Call::TakeOver, arguments), Status::NotReady);
    swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
    swap.bench.expect(old.domain, Call::Ready, []);
    assert_eq!(swap.bench.status(old.control).1, b"");
    // The event is still there, and can be lent.
    swap.bench.expect(old.domain, Call::Close, [event.into()]);
}

#[test]
fn a_thaw_ends_a_swap_at_each_moment() {
    for moment in 0..6 {
        let mut swap = Swap::new();
        let Swap { old, new, .. } = swap;
        swap.ask(b"question");
        swap.bench.expect(swap.bench.init, Call::Quiesce, [old.control.into()]);
        if moment >= 1 {
            swap.bench.hear(old.domain);
            swap.bench.save(old, b"state", &[]);
        }
        if moment >= 2 {
            swap.bench.blocks(old.domain, Call::Freeze, [0, 0]);
        }
        match moment {
            3 => swap.bench.tell_to_take_over(old, new),
            4 => {
                swap.bench.tell_to_take_over(old, new);
                swap.bench.hear(new.domain);
            }
            5 => swap.bench.take_over(old, new),
            _ => {}
        }
        swap.bench.expect(swap.bench.init, Call::Thaw, [old.control.into()]);
        if moment == 1 {
            // It has not noticed yet, and goes on.
            swap.bench.save(old, b"more", &[]);
            swap.bench.expect(old.domain, Call::Freeze, [0, 0]);
        }
        assert_eq!(swap.bench.echo(old.domain), b"question", "{moment}");
        swap.answered(b"question");
        assert_eq!(swap.bench.commit_fails(&[(old, new)]), Status::NotReady);
        if moment > 0 {
            assert_eq!(
                swap.bench.fails(swap.bench.init, Call::Quiesce, [old.control.into()]),
                Status::NotReady
            );
            swap.bench.expect(old.domain, Call::ReadState, [0, 0]);
            swap.bench.expect(old.domain, Call::Ready, []);
        }
        // A second attempt does not take what the first one read.
        swap.bench.freeze(old, b"later", &[]);
        assert_eq!(swap.bench.commit_fails(&[(old, new)]), Status::NotReady);
        let third = swap.bench.server(STANDBY, swap.pair.endpoint);
        swap.bench.take_over(old, third);
        assert_eq!(swap.bench.message(third.domain).payload, b"later");
        swap.bench.commit(&[(old, third)]);
        swap.ask(b"again");
        swap.bench.echo(third.domain);
        swap.answered(b"again");
    }
}

#[test]
fn steps_in_the_wrong_order_change_nothing() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    let init = swap.bench.init;
    let before = swap.phases();
    for (call, arguments) in [
        (Call::Quiesce, [new.control.into(), 0]),
        (Call::Thaw, [old.control.into(), 0]),
        (Call::Thaw, [new.control.into(), 0]),
        (Call::TakeOver, [old.control.into(), new.control.into()]),
        (Call::TakeOver, [new.control.into(), old.control.into()]),
    ] {
        assert_eq!(swap.bench.fails(init, call, arguments), Status::NotReady, "{call:?}");
    }
    for domain in [old.domain, new.domain] {
        assert_eq!(swap.bench.fails(domain, Call::SaveState, [0]), Status::NotReady);
        assert_eq!(swap.bench.fails(domain, Call::Freeze, [0, 0]), Status::NotReady);
        assert_eq!(swap.bench.fails(domain, Call::ReadState, [0, 0]), Status::NotReady);
        swap.bench.expect(domain, Call::Ready, []);
    }
    for couples in [&[(old, new)][..], &[(new, old)]] {
        assert_eq!(swap.bench.commit_fails(couples), Status::NotReady);
        assert_eq!(swap.bench.revert_fails(couples), Status::NotReady);
    }
    assert_eq!(swap.bench.commit_fails(&[(old, old)]), Status::Invalid);
    assert_eq!(swap.bench.fails(init, Call::CommitSwap, [lengths(7, 0)]), Status::Invalid);
    assert_eq!(swap.bench.fails(init, Call::CommitSwap, [lengths(520, 0)]), Status::Invalid);
    assert_eq!(swap.phases(), before);
    // Ready before it was told is not yet an answer.
    swap.bench.freeze(old, b"", &[]);
    swap.bench.tell_to_take_over(old, new);
    swap.bench.expect(new.domain, Call::Ready, []);
    assert_eq!(swap.bench.phase(new), Phase::TakingOver);
    swap.bench.hear(new.domain);
    swap.bench.expect(new.domain, Call::Ready, []);
    swap.bench.commit(&[(old, new)]);
    for call in [Call::Quiesce, Call::Thaw] {
        for control in [old.control, new.control] {
            assert_eq!(swap.bench.fails(init, call, [control.into()]), Status::NotReady);
        }
    }
    assert_eq!(swap.bench.commit_fails(&[(old, new)]), Status::NotReady);
    swap.ask(b"served");
    assert_eq!(swap.bench.echo(new.domain), b"served");
}

#[test]
fn control_is_needed_over_both() {
    let mut swap = Swap::new();
    let (old, init) = (swap.old, swap.bench.init);
    let weak = |bench: &mut Bench, server: Server| {
        let keep = u64::from(rights::ALL & !rights::CONTROL);
        let control = bench.expect(init, Call::Copy, [server.control.into(), keep]) as u32;
        Server { control, ..server }
    };
    let weak_old = weak(&mut swap.bench, old);
    let weak_new = weak(&mut swap.bench, swap.new);
    assert_eq!(swap.bench.fails(init, Call::Quiesce, [weak_old.control.into()]), Status::Denied);
    swap.bench.freeze(old, b"", &[]);
    assert_eq!(swap.bench.fails(init, Call::Thaw, [weak_old.control.into()]), Status::Denied);
    swap.bench.take_over(old, swap.new);
    for couple in [(weak_old, swap.new), (old, weak_new)] {
        assert_eq!(swap.bench.commit_fails(&[couple]), Status::Denied);
    }
    let system = Server { control: swap.bench.system, ..old };
    assert_eq!(swap.bench.commit_fails(&[(system, swap.new)]), Status::WrongKind);
    swap.bench.commit(&[(old, swap.new)]);
}

#[test]
fn the_interface_changes_with_the_server() {
    let mut swap = Swap::new();
    let describe = |swap: &mut Swap| {
        let handle = u64::from(swap.pair.target);
        let len = swap.bench.expect(swap.pair.client, Call::Describe, [handle, 0]) as usize;
        swap.bench.payload(swap.pair.client, len)
    };
    assert_eq!(describe(&mut swap), b"descriptor");
    swap.bench.freeze(swap.old, b"", &[]);
    assert_eq!(describe(&mut swap), b"descriptor");
    swap.bench.take_over(swap.old, swap.new);
    swap.bench.commit(&[(swap.old, swap.new)]);
    assert_eq!(describe(&mut swap), b"next descriptor");
    swap.bench.revert(&[(swap.old, swap.new)]);
    assert_eq!(describe(&mut swap), b"descriptor");
    // It does not publish in the wrong phase.
    swap.bench.expect(swap.old.domain, Call::Ready, []);
    swap.bench.expect(swap.bench.init, Call::Quiesce, [swap.old.control.into()]);
    let publish = [u64::from(swap.old.serve), 3, lengths(4, 0)];
    assert_eq!(swap.bench.fails(swap.old.domain, Call::Publish, publish), Status::NotReady);
}

#[test]
fn a_standby_domain_mints_nothing() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let own = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let grants = [copy(own, rights::SERVE), copy(pair.endpoint, rights::CALL)];
    let (domain, _, handles) = bench.spawn_with(STANDBY, &grants);
    let minted = [mint(handles[0], 4)];
    assert_eq!(bench.send(domain, handles[1], b"", &minted).0, Status::NotReady);
    assert_eq!(bench.send(domain, handles[1], b"", &[]).0, Status::Ok);
}
