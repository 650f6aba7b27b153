//! Handles on the move: every slot kind, every way in which a transfer is refused.

use super::{Bench, PLAIN, arrived, copy, lend_own, lengths, mint, slot};
use atoll_gate::call::{NO_DEADLINE, ObjectKind, REVOKE_ALL, rights};
use atoll_gate::message::{EventKind, ReceiveSlot, SendSlot, Slot};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

#[test]
fn a_moved_handle_changes_tables() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Move, event)]);
    let call = bench.take(pair.server);
    assert_eq!(arrived(call.slots[0]), Some(ReceiveSlot::Handle));
    assert_eq!(call.slots[0].detail, ObjectKind::Event as u32);
    assert_eq!(call.slots[0].object, 0);
    bench.reply(pair.server, call.id, b"", &[]);
    assert_eq!(bench.kind(pair.server, call.slots[0].handle), Some(ObjectKind::Event));
    assert_eq!(bench.fails(pair.client, Call::Close, [event.into()]), Status::BadHandle);
}

#[test]
fn a_lent_handle_comes_back_with_the_reply() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Lend, event)]);
    let call = bench.take(pair.server);
    let borrowed = call.slots[0].handle;
    assert_eq!(arrived(call.slots[0]), Some(ReceiveSlot::Borrowed));
    bench.expect(pair.server, Call::Signal, [borrowed.into(), 1]);
    assert_eq!(bench.fails(pair.server, Call::Close, [borrowed.into()]), Status::Denied);
    assert_eq!(
        bench.fails(pair.server, Call::Copy, [borrowed.into(), u64::from(rights::ALL)]),
        Status::Denied
    );
    bench.reply(pair.server, call.id, b"", &[]);
    assert_eq!(bench.fails(pair.server, Call::Signal, [borrowed.into(), 1]), Status::BadHandle);
    assert_eq!(bench.expect(pair.client, Call::Signal, [event.into(), 0]), 1);
    bench.expect(pair.client, Call::Close, [event.into()]);
    assert!(bench.kernel.ipc.events.is_empty());
}

#[test]
fn a_handle_that_is_lent_by_send_is_locked_until_the_reply() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.send(pair.client, pair.target, b"", &[slot(SendSlot::Lend, event)]);
    assert_eq!(bench.fails(pair.client, Call::Close, [event.into()]), Status::Denied);
    let call = bench.take(pair.server);
    assert_eq!(bench.fails(pair.client, Call::Close, [event.into()]), Status::Denied);
    assert_eq!(
        bench.send(pair.client, pair.target, b"", &[slot(SendSlot::Move, event)]).0,
        Status::Denied
    );
    // But it can be used, and lent again.
    bench.expect(pair.client, Call::Signal, [event.into(), 1]);
    let (status, second) =
        bench.send(pair.client, pair.target, b"", &[slot(SendSlot::Lend, event)]);
    assert_eq!(status, Status::Ok);
    bench.reply(pair.server, call.id, b"", &[]);
    assert_eq!(bench.fails(pair.client, Call::Close, [event.into()]), Status::Denied);
    assert_eq!(bench.take(pair.server).id, second);
    bench.reply(pair.server, second, b"", &[]);
    bench.expect(pair.client, Call::Close, [event.into()]);
}

#[test]
fn a_handle_in_a_queued_message_is_gone_from_the_sender() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.send(pair.client, pair.target, b"", &[slot(SendSlot::Move, event)]);
    assert_eq!(bench.fails(pair.client, Call::Signal, [event.into(), 1]), Status::BadHandle);
    assert_eq!(bench.fails(pair.client, Call::Close, [event.into()]), Status::BadHandle);
    let call = bench.take(pair.server);
    bench.expect(pair.server, Call::Signal, [call.slots[0].handle.into(), 1]);
}

#[test]
fn a_minted_object_goes_round_and_comes_home() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.invoke(pair.client, pair.target, b"", &[]);
    let call = bench.take(pair.server);
    let tagged = Slot { detail: 0x17, ..mint(pair.serve, 42) };
    assert_eq!(
        bench.reply(pair.server, call.id, b"", &[Slot { detail: 0x1_0000, ..tagged }]).0,
        Status::Invalid
    );
    bench.reply(pair.server, call.id, b"", &[tagged]);
    let got = bench.message(pair.client).slots[0];
    assert_eq!(
        (arrived(got), got.detail),
        (Some(ReceiveSlot::Handle), ObjectKind::Object as u32 | 0x17 << 16)
    );
    let endpoint = bench.expect(pair.client, Call::Inspect, [pair.target.into()]) >> 32;
    assert_eq!(u64::from(got.object), endpoint);
    assert_eq!(bench.expect(pair.client, Call::Inspect, [got.handle.into()]) >> 32, endpoint);
    // Lent home: the server sees its own number.
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Lend, got.handle)]);
    let call = bench.take(pair.server);
    assert_eq!((arrived(call.slots[0]), call.slots[0].object), (Some(ReceiveSlot::HomeBorrow), 42));
    bench.reply(pair.server, call.id, b"", &[]);
    // Moved home: the object is over.
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Move, got.handle)]);
    let call = bench.take(pair.server);
    assert_eq!((arrived(call.slots[0]), call.slots[0].object), (Some(ReceiveSlot::Home), 42));
    bench.reply(pair.server, call.id, b"", &[]);
    assert_eq!(bench.kind(pair.client, got.handle), None);
    assert!(bench.kernel.ipc.minted.is_empty());
    bench.nothing(pair.server);
}

/// Gives the client an object with the number 5.
fn with_object(bench: &mut Bench, pair: &super::Pair) -> u32 {
    bench.invoke(pair.client, pair.target, b"", &[]);
    let call = bench.take(pair.server);
    assert_eq!(bench.reply(pair.server, call.id, b"", &[mint(pair.serve, 5)]).0, Status::Ok);
    bench.message(pair.client).slots[0].handle
}

#[test]
fn closing_the_last_handle_tells_the_server() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let object = with_object(&mut bench, &pair);
    assert_eq!(bench.fails(pair.client, Call::Copy, [object.into(), 0]), Status::Denied);
    bench.expect(pair.client, Call::Close, [object.into()]);
    let drop = bench.take(pair.server);
    assert_eq!((drop.event, drop.id, drop.badge), (Some(EventKind::Drop), 5, 9));
    bench.nothing(pair.server);
    assert!(bench.kernel.ipc.minted.is_empty());
}

#[test]
fn an_object_passed_through_a_third_domain_stays_the_same() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    // A relay, which others can call and which is itself a client of the object's server.
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let slots = [copy(endpoint, rights::SERVE), copy(pair.endpoint, rights::CALL)];
    let (relay, _, handles) = bench.spawn_with(PLAIN, &slots);
    bench.publish(relay, handles[0]);
    // It gives an object to its own client, which lends it back, and the relay lends it on.
    let (owner, _, handles_of_owner) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::CALL)]);
    bench.invoke(relay, handles[1], b"", &[]);
    let call = bench.take(pair.server);
    bench.reply(pair.server, call.id, b"", &[mint(pair.serve, 7)]);
    let third = bench.message(relay).slots[0].handle;
    bench.invoke(owner, handles_of_owner[0], b"", &[]);
    let call = bench.take(relay);
    bench.reply(relay, call.id, b"", &[slot(SendSlot::Move, third)]);
    let passed = bench.message(owner).slots[0];
    let number = bench.expect(relay, Call::Inspect, [handles[1].into()]) >> 32;
    assert_eq!(u64::from(passed.object), number);
    bench.invoke(owner, handles_of_owner[0], b"", &[slot(SendSlot::Lend, passed.handle)]);
    let outer = bench.take(relay);
    bench.invoke(relay, handles[1], b"", &[slot(SendSlot::Lend, outer.slots[0].handle)]);
    let inner = bench.take(pair.server);
    assert_eq!(
        (arrived(inner.slots[0]), inner.slots[0].object),
        (Some(ReceiveSlot::HomeBorrow), 7)
    );
    bench.reply(pair.server, inner.id, b"", &[]);
    bench.reply(relay, outer.id, b"", &[]);
    assert_eq!(bench.kind(owner, passed.handle), Some(ObjectKind::Object));
}

#[test]
fn a_server_can_lend_its_own_object() {
    let mut bench = Bench::new();
    let first = bench.pair();
    // The first server is a client of the second.
    let second = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let (other, _, serve) = bench.spawn_with(PLAIN, &[copy(second, rights::SERVE)]);
    bench.publish(other, serve[0]);
    let (caller, _, handles) =
        bench.spawn_with(PLAIN, &[copy(first.endpoint, rights::SERVE), copy(second, rights::CALL)]);
    bench.invoke(caller, handles[1], b"", &[lend_own(handles[0], 3)]);
    let call = bench.take(other);
    assert_eq!(arrived(call.slots[0]), Some(ReceiveSlot::Borrowed));
    assert_eq!(bench.kind(other, call.slots[0].handle), Some(ObjectKind::Object));
    bench.reply(other, call.id, b"", &[]);
    assert_eq!(bench.kind(other, call.slots[0].handle), None);
    bench.nothing(first.server);
    assert!(bench.kernel.ipc.minted.is_empty());
}

#[test]
fn a_borrowed_handle_can_be_lent_on() {
    let mut bench = Bench::new();
    let first = bench.pair();
    let end = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let (last, _, serve) = bench.spawn_with(PLAIN, &[copy(end, rights::SERVE)]);
    bench.publish(last, serve[0]);
    let (middle, _, handles) =
        bench.spawn_with(PLAIN, &[copy(first.endpoint, rights::SERVE), copy(end, rights::CALL)]);
    bench.publish(middle, handles[0]);
    let event = bench.expect(first.client, Call::CreateEvent, []) as u32;
    bench.invoke(first.client, first.target, b"", &[slot(SendSlot::Lend, event)]);
    let call = bench.take(middle);
    let borrowed = call.slots[0].handle;
    bench.invoke(middle, handles[1], b"", &[slot(SendSlot::Lend, borrowed)]);
    let inner = bench.take(last);
    bench.expect(last, Call::Signal, [inner.slots[0].handle.into(), 1]);
    bench.reply(last, inner.id, b"", &[]);
    assert_eq!(bench.kind(middle, borrowed), Some(ObjectKind::Event));
    bench.reply(middle, call.id, b"", &[]);
    assert_eq!(bench.kind(middle, borrowed), None);
    bench.expect(first.client, Call::Close, [event.into()]);
    assert!(bench.kernel.ipc.events.is_empty());
}

#[test]
fn a_transfer_is_all_or_nothing() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    let other = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.wait(pair.server);
    let before = bench.footprint();
    let moved = slot(SendSlot::Move, event);
    for (slots, status) in [
        (vec![moved, slot(SendSlot::Move, 0)], Status::BadHandle),
        (vec![moved, moved], Status::BadHandle),
        (vec![moved, slot(SendSlot::Lend, event)], Status::BadHandle),
        (vec![slot(SendSlot::Lend, event), moved], Status::Denied),
        (vec![moved, Slot { kind: 77, ..moved }], Status::Invalid),
        (vec![moved, mint(other, 1)], Status::WrongKind),
        (vec![moved, mint(pair.target, 1)], Status::Denied),
        (vec![moved, lend_own(pair.target, 1)], Status::Denied),
    ] {
        assert_eq!(bench.invoke(pair.client, pair.target, b"", &slots), Some((status, 0)));
        assert_eq!(bench.send(pair.client, pair.target, b"", &slots), (status, 0));
        assert_eq!(bench.footprint(), before);
        bench.expect(pair.client, Call::Signal, [event.into(), 1]);
    }
    bench.expect(pair.client, Call::Close, [event.into()]);
    bench.expect(pair.client, Call::Close, [other.into()]);
}

#[test]
fn a_full_receiver_refuses_whole_messages() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let config = DomainConfig { handle_limit: 2, ..PLAIN };
    let (server, _, serve) = bench.spawn_with(config, &[copy(endpoint, rights::SERVE)]);
    let (client, _, target) =
        bench.spawn_with(config, &[copy(endpoint, rights::CALL | rights::COPY)]);
    bench.publish(server, serve[0]);
    let own = copy(target[0], rights::CALL);
    // Queued, refused at delivery: the next call is taken instead.
    bench.send(client, target[0], b"two", &[own, own]);
    bench.send(client, target[0], b"one", &[own]);
    assert_eq!(bench.take(server).payload, b"one");
    let refused = bench.take(client);
    assert_eq!(
        (refused.event, refused.method),
        (Some(EventKind::Reply), Status::QuotaExceeded as u32)
    );
    // Direct.
    bench.wait(server);
    assert_eq!(bench.invoke(client, target[0], b"", &[own, own]), Some((Status::QuotaExceeded, 0)));
    assert_eq!(
        bench.kernel.live(client).expect("alive").0.charged,
        super::super::super::ipc::Buffer::cost(atoll_gate::message::Lengths {
            payload: 3,
            slots: 1
        })
    );
}

#[test]
fn a_reply_that_does_not_fit_leaves_the_call_open() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let (server, _, serve) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::SERVE)]);
    let config = DomainConfig { handle_limit: 1, ..PLAIN };
    let (client, _, target) = bench.spawn_with(config, &[copy(endpoint, rights::CALL)]);
    bench.publish(server, serve[0]);
    bench.invoke(client, target[0], b"", &[]);
    let call = bench.take(server);
    let event = bench.expect(server, Call::CreateEvent, []) as u32;
    let moved = slot(SendSlot::Move, event);
    assert_eq!(bench.reply(server, call.id, b"", &[moved]), (Status::QuotaExceeded, 0));
    assert_eq!(
        bench.reply(server, call.id, b"", &[slot(SendSlot::Lend, event)]),
        (Status::Invalid, 0)
    );
    bench.expect(server, Call::Signal, [event.into(), 1]);
    bench.expect(server, Call::Reply, [call.id, Status::Refused as u64, 0]);
    assert_eq!(bench.message(client).method, Status::Refused as u32);
}

#[test]
fn a_reply_nobody_waits_for_drops_its_handles() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.put(pair.client, b"", &[]);
    bench.blocks(pair.client, Call::Call, [pair.target.into(), 1, 0, 5_000]);
    let call = bench.take(pair.server);
    bench.pass(5_000);
    let event = bench.expect(pair.server, Call::CreateEvent, []) as u32;
    let slots = [slot(SendSlot::Move, event), mint(pair.serve, 8)];
    assert_eq!(bench.reply(pair.server, call.id, b"", &slots), (Status::Ok, 0));
    assert!(bench.kernel.ipc.events.is_empty());
    let drop = bench.take(pair.server);
    assert_eq!((drop.event, drop.id), (Some(EventKind::Drop), 8));
    assert!(bench.kernel.ipc.minted.is_empty());
}

#[test]
fn rights_only_shrink() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let init = bench.init;
    let less = bench.expect(init, Call::Copy, [bench.log.into(), u64::from(rights::READ)]);
    assert_eq!(bench.fails(init, Call::Copy, [less, u64::from(rights::ALL)]), Status::Denied);
    assert_eq!(bench.fails(init, Call::Write, [less, 0]), Status::Denied);
    bench.invoke(pair.client, pair.target, b"", &[copy(pair.target, rights::ALL)]);
    let call = bench.take(pair.server);
    let value = bench.expect(pair.server, Call::Inspect, [call.slots[0].handle.into()]);
    assert_eq!((value >> 8) as u32 & rights::ALL, rights::CALL | rights::COPY);
}

#[test]
fn a_revoked_object_is_of_no_use_to_its_holder() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let object = with_object(&mut bench, &pair);
    let serve = u64::from(pair.serve);
    assert_eq!(bench.expect(pair.server, Call::Revoke, [serve, 6]), 0);
    assert_eq!(bench.expect(pair.server, Call::Revoke, [serve, 5]), 1);
    assert_eq!(bench.expect(pair.server, Call::Revoke, [serve, REVOKE_ALL]), 0);
    for kind in [SendSlot::Lend, SendSlot::Move] {
        let result = bench.invoke(pair.client, pair.target, b"", &[slot(kind, object)]);
        assert_eq!(result, Some((Status::Revoked, 0)));
    }
    // The server still hears when the holder lets go, so that it can free what it has.
    bench.expect(pair.client, Call::Close, [object.into()]);
    let drop = bench.take(pair.server);
    assert_eq!((drop.event, drop.id), (Some(EventKind::Drop), 5));
    bench.nothing(pair.server);
    assert!(bench.kernel.ipc.minted.is_empty());
    assert_eq!(bench.fails(pair.client, Call::Revoke, [pair.target.into(), 5]), Status::Denied);
}

#[test]
fn an_object_revoked_while_it_waits_is_refused_at_delivery() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let object = with_object(&mut bench, &pair);
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Move, object)]);
    bench.expect(pair.server, Call::Revoke, [pair.serve.into(), REVOKE_ALL]);
    bench.nothing(pair.server);
    assert_eq!(bench.result(pair.client), Some((Status::Revoked, 0)));
    bench.expect(pair.client, Call::Close, [object.into()]);
}

#[test]
fn handles_are_bounded_by_the_configuration() {
    let mut bench = Bench::new();
    let (domain, _, _) = bench.spawn_with(DomainConfig { handle_limit: 2, ..PLAIN }, &[]);
    bench.expect(domain, Call::CreateEvent, []);
    assert_eq!(bench.fails(domain, Call::CreatePipe, [1]), Status::QuotaExceeded);
    bench.expect(domain, Call::CreateEndpoint, []);
    assert_eq!(bench.fails(domain, Call::CreateEvent, []), Status::QuotaExceeded);
    assert_eq!(bench.fails(domain, Call::CreateEndpoint, []), Status::QuotaExceeded);
    assert!(bench.kernel.ipc.pipes.is_empty());
}

#[test]
fn calls_wait_for_a_server_only_while_they_may() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []);
    let (waiting, _, target) =
        bench.spawn_with(PLAIN, &[copy(endpoint as u32, rights::CALL | rights::SERVE)]);
    bench.invoke(waiting, target[0], b"", &[]);
    assert_eq!(bench.expect(bench.init, Call::Signal, [endpoint, 0]), 1);
    assert_eq!(bench.result(waiting), Some((Status::Closed, 0)));
    assert_eq!(bench.invoke(waiting, target[0], b"", &[]), Some((Status::Closed, 0)));
    assert_eq!(bench.fails(waiting, Call::Signal, [target[0].into(), 1]), Status::Denied);
    assert_eq!(bench.fails(bench.init, Call::Signal, [endpoint, 2]), Status::Invalid);
    assert_eq!(bench.expect(bench.init, Call::Signal, [endpoint, 1]), 0);
    assert_eq!(bench.invoke(waiting, target[0], b"", &[]), None);
}

#[test]
fn an_endpoint_without_a_server_to_come_is_closed() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let (waiting, _, target) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::CALL)]);
    bench.invoke(waiting, target[0], b"", &[]);
    bench.expect(bench.init, Call::Close, [endpoint.into()]);
    assert_eq!(bench.result(waiting), Some((Status::Closed, 0)));
    assert_eq!(bench.invoke(waiting, target[0], b"", &[]), Some((Status::Closed, 0)));
    assert_eq!(bench.fails(waiting, Call::Describe, [target[0].into(), 0]), Status::Closed);
    bench.expect(waiting, Call::Close, [target[0].into()]);
    assert!(bench.kernel.ipc.endpoints.is_empty());
}

#[test]
fn the_published_interface_is_read_in_parts() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    assert_eq!(bench.expect(pair.client, Call::Describe, [pair.target.into(), 0]), 10);
    assert_eq!(bench.payload(pair.client, 10), b"descriptor");
    assert_eq!(bench.expect(pair.client, Call::Describe, [pair.target.into(), 4]), 10);
    assert_eq!(bench.payload(pair.client, 6), b"riptor");
    assert_eq!(bench.fails(pair.client, Call::Describe, [pair.target.into(), 11]), Status::Invalid);
    let stranger = bench.spawn();
    assert_eq!(bench.fails(stranger, Call::Describe, [1, 0]), Status::BadHandle);
    assert_eq!(bench.fails(pair.client, Call::Publish, [pair.target.into(), 0, 0]), Status::Denied);
}

#[test]
fn handles_go_the_short_way_too() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    let other = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.wait(pair.server);
    let slots = [slot(SendSlot::Lend, event), slot(SendSlot::Move, other)];
    assert_eq!(bench.invoke(pair.client, pair.target, b"both", &slots), None);
    let call = bench.message(pair.server);
    assert_eq!(call.payload, b"both");
    let [lent, moved] = [call.slots[0], call.slots[1]];
    assert_eq!(
        [arrived(lent), arrived(moved)],
        [ReceiveSlot::Borrowed, ReceiveSlot::Handle].map(Some)
    );
    // A reply that cannot go leaves the call open and the loan with the server.
    let everything = [call.id, 0, lengths(0, 1), 7, NO_DEADLINE];
    bench.put(pair.server, b"", &[slot(SendSlot::Lend, moved.handle)]);
    assert_eq!(bench.fails(pair.server, Call::ReplyWait, everything), Status::Invalid);
    assert_eq!(bench.kind(pair.server, lent.handle), Some(ObjectKind::Event));
    bench.put(pair.server, b"", &[slot(SendSlot::Move, moved.handle)]);
    bench.blocks(pair.server, Call::ReplyWait, everything);
    assert_eq!(bench.result(pair.client), Some((Status::Ok, 0)));
    let back = bench.message(pair.client).slots[0].handle;
    for handle in [event, back] {
        bench.expect(pair.client, Call::Close, [handle.into()]);
    }
    assert!(bench.kernel.ipc.events.is_empty() && bench.kernel.ipc.calls.is_empty());
    assert_eq!(bench.kernel.live(pair.server).expect("alive").0.handles.len(), 1);
}
