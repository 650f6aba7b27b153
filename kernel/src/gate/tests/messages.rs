//! Calls, replies, waiting: the normal ways and the refused ones.

use super::{Bench, PLAIN, copy, lengths};
use crate::arch::host;
use crate::domain::Activity;
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, MAX_PAYLOAD, accept};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

#[test]
fn a_call_goes_straight_to_a_waiting_server_and_back() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.blocks(bench.init, Call::Wait, [accept::ALL, 5_000]);
    bench.wait(pair.server);
    assert_eq!(bench.invoke(pair.client, pair.target, b"question", &[]), None);
    assert_eq!(bench.kernel.scheduler.current(0), Some(pair.server));
    assert_eq!(bench.result(pair.server), Some((Status::Ok, 0)));
    let call = bench.message(pair.server);
    assert_eq!((call.event, call.method, call.badge), (Some(EventKind::Call), 7, 9));
    assert_eq!(call.payload, b"question");
    bench.put(pair.server, b"answer!", &[]);
    bench.blocks(
        pair.server,
        Call::ReplyWait,
        [call.id, 0, lengths(7, 0), accept::ALL, NO_DEADLINE],
    );
    assert_eq!(bench.kernel.scheduler.current(0), Some(pair.client));
    assert_eq!(bench.result(pair.client), Some((Status::Ok, 0)));
    let reply = bench.message(pair.client);
    assert_eq!((reply.event, reply.method), (Some(EventKind::Reply), 0));
    assert_eq!(reply.payload, b"answer!");
    assert!(bench.kernel.ipc.calls.is_empty());
    bench.pass(5_000);
    let (status, _) = bench.status(pair.client_control);
    assert_eq!((status.calls_sent, status.calls_served), (1, 0));
    let (status, _) = bench.status(pair.server_control);
    assert_eq!((status.calls_sent, status.calls_served), (0, 1));
}

#[test]
fn a_call_to_a_busy_server_waits_in_its_inbox() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    assert_eq!(bench.invoke(pair.client, pair.target, b"later", &[]), None);
    let call = bench.take(pair.server);
    assert_eq!(call.payload, b"later");
    assert_eq!(bench.reply(pair.server, call.id, b"", &[]), (Status::Ok, 0));
    assert_eq!(bench.result(pair.client), Some((Status::Ok, 0)));
    assert_eq!(bench.reply(pair.server, call.id, b"", &[]), (Status::Invalid, 0));
}

#[test]
fn calls_before_publish_are_held_and_follow_it_in_order() {
    let mut bench = Bench::new();
    let init = bench.init;
    let endpoint = bench.expect(init, Call::CreateEndpoint, []) as u32;
    let (server, _, serve) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::SERVE)]);
    let (first, _, target) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::CALL)]);
    let (second, _, other) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::CALL)]);
    assert_eq!(bench.fails(first, Call::Describe, [target[0].into(), 0]), Status::NotReady);
    assert_eq!(bench.invoke(first, target[0], b"1", &[]), None);
    assert_eq!(bench.invoke(second, other[0], b"2", &[]), None);
    bench.nothing(server);
    bench.publish(server, serve[0]);
    assert_eq!(bench.take(server).payload, b"1");
    assert_eq!(bench.take(server).payload, b"2");
    bench.nothing(server);
}

#[test]
fn replies_may_be_late_and_out_of_order() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let ids: Vec<u64> =
        (0..3u8).map(|n| bench.send(pair.client, pair.target, &[n], &[]).1).collect();
    let calls: Vec<_> = (0..3).map(|_| bench.take(pair.server)).collect();
    for (call, id) in calls.iter().zip(&ids) {
        assert_eq!(call.id, *id);
    }
    for index in [2, 0, 1] {
        bench.reply(pair.server, calls[index].id, &[calls[index].payload[0] + 10], &[]);
    }
    for index in [2u8, 0, 1] {
        let reply = bench.take(pair.client);
        assert_eq!((reply.event, reply.id), (Some(EventKind::Reply), ids[usize::from(index)]));
        assert_eq!(reply.payload, [index + 10]);
    }
    bench.nothing(pair.client);
    assert!(bench.kernel.ipc.calls.is_empty());
    assert_eq!(bench.kernel.live(pair.client).expect("alive").0.charged, 0);
}

#[test]
fn a_reply_reaches_a_caller_that_waits_for_it_directly() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.wait(pair.server);
    let (_, id) = bench.send(pair.client, pair.target, b"go", &[]);
    bench.wait(pair.client);
    assert_eq!(bench.reply(pair.server, id, b"done", &[]), (Status::Ok, 0));
    assert_eq!(bench.result(pair.client), Some((Status::Ok, 0)));
    assert_eq!(bench.message(pair.client).payload, b"done");
    assert_eq!(bench.kernel.live(pair.client).expect("alive").0.charged, 0);
}

#[test]
fn events_of_kinds_not_accepted_stay_queued() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.send(pair.client, pair.target, b"call", &[]);
    let event = bench.expect(pair.server, Call::CreateEvent, []);
    bench.expect(pair.server, Call::Watch, [event, 77]);
    bench.expect(pair.server, Call::Signal, [event, 1]);
    bench.expect(pair.server, Call::Wait, [accept::NOTIFICATIONS, 0]);
    assert_eq!(bench.message(pair.server).id, 77);
    assert_eq!(bench.fails(pair.server, Call::Wait, [accept::REPLIES, 0]), Status::TimedOut);
    assert_eq!(bench.take(pair.server).payload, b"call");
    assert_eq!(bench.fails(pair.server, Call::Wait, [8, 0]), Status::Invalid);
}

#[test]
fn a_call_in_a_circle_is_a_deadlock() {
    let mut bench = Bench::new();
    let init = bench.init;
    let ends: Vec<u32> =
        (0..3).map(|_| bench.expect(init, Call::CreateEndpoint, []) as u32).collect();
    // Domain n serves endpoint n and calls endpoint n + 1.
    let ring: Vec<_> = (0..3)
        .map(|n| {
            let slots = [copy(ends[n], rights::SERVE), copy(ends[(n + 1) % 3], rights::CALL)];
            let (domain, _, handles) = bench.spawn_with(PLAIN, &slots);
            bench.publish(domain, handles[0]);
            (domain, handles[1])
        })
        .collect();
    assert_eq!(bench.invoke(ring[0].0, ring[0].1, b"", &[]), None);
    bench.take(ring[1].0);
    assert_eq!(bench.invoke(ring[1].0, ring[1].1, b"", &[]), None);
    let call = bench.take(ring[2].0);
    assert_eq!(bench.invoke(ring[2].0, ring[2].1, b"", &[]), Some((Status::Deadlock, 0)));
    // Sending without waiting is no circle.
    assert_eq!(bench.send(ring[2].0, ring[2].1, b"", &[]).0, Status::Ok);
    bench.reply(ring[2].0, call.id, b"", &[]);
    assert_eq!(bench.result(ring[1].0), Some((Status::Ok, 0)));
}

#[test]
fn a_server_cannot_call_itself() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let (server, _, handles) =
        bench.spawn_with(PLAIN, &[copy(endpoint, rights::SERVE), copy(endpoint, rights::CALL)]);
    bench.publish(server, handles[0]);
    assert_eq!(bench.invoke(server, handles[1], b"", &[]), Some((Status::Deadlock, 0)));
}

#[test]
fn the_call_limit_is_a_quota() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let config = DomainConfig { call_limit: 2, ..PLAIN };
    let (server, _, serve) = bench.spawn_with(config, &[copy(endpoint, rights::SERVE)]);
    let (client, _, target) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::CALL)]);
    bench.publish(server, serve[0]);
    assert_eq!(bench.send(client, target[0], b"", &[]).0, Status::Ok);
    assert_eq!(bench.send(client, target[0], b"", &[]).0, Status::Ok);
    assert_eq!(bench.send(client, target[0], b"", &[]).0, Status::QuotaExceeded);
    let call = bench.take(server);
    assert_eq!(bench.invoke(client, target[0], b"", &[]), Some((Status::QuotaExceeded, 0)));
    bench.reply(server, call.id, b"", &[]);
    assert_eq!(bench.send(client, target[0], b"", &[]).0, Status::Ok);
}

#[test]
fn kept_messages_count_against_the_sender() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let big = vec![1; MAX_PAYLOAD];
    let mut sent = 0;
    while sent < 16 && bench.send(pair.client, pair.target, &big, &[]).0 == Status::Ok {
        sent += 1;
    }
    let charged = bench.kernel.live(pair.client).expect("alive").0.charged;
    assert!(charged >= sent * MAX_PAYLOAD as u64);
    for _ in 0..sent {
        let call = bench.take(pair.server);
        assert_eq!(call.payload, big);
        bench.reply(pair.server, call.id, b"", &[]);
    }
    for _ in 0..sent {
        bench.take(pair.client);
    }
    assert_eq!(bench.kernel.live(pair.client).expect("alive").0.charged, 0);
}

#[test]
fn a_deadline_ends_a_wait_and_cancels_a_call() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.put(pair.client, b"slow", &[]);
    bench.blocks(pair.client, Call::Call, [pair.target.into(), 1, lengths(4, 0), 5_000]);
    let call = bench.take(pair.server);
    bench.blocks(pair.server, Call::Wait, [accept::ALL, 9_000]);
    bench.pass(4_999);
    assert_eq!(bench.result(pair.client), None);
    bench.pass(5_000);
    assert_eq!(bench.result(pair.client), Some((Status::TimedOut, 0)));
    assert_eq!(bench.result(pair.server), None);
    bench.pass(9_000);
    assert_eq!(bench.result(pair.server), Some((Status::TimedOut, 0)));
    // The late reply is dropped.
    assert_eq!(bench.reply(pair.server, call.id, b"late", &[]), (Status::Ok, 0));
    bench.nothing(pair.client);
    assert!(bench.kernel.ipc.calls.is_empty());
}

#[test]
fn a_call_that_was_not_taken_disappears_at_its_deadline() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.put(pair.client, b"slow", &[]);
    bench.blocks(pair.client, Call::Call, [pair.target.into(), 1, lengths(4, 0), 5_000]);
    bench.pass(6_000);
    bench.nothing(pair.server);
    assert_eq!(
        bench.fails(pair.client, Call::Call, [pair.target.into(), 1, 0, 6_000]),
        Status::TimedOut
    );
    assert!(bench.kernel.ipc.calls.is_empty());
}

#[test]
fn a_caller_lends_its_priority_along_the_chain() {
    let mut bench = Bench::new();
    let init = bench.init;
    let [low_end, middle_end] =
        [(); 2].map(|()| bench.expect(init, Call::CreateEndpoint, []) as u32);
    let low = DomainConfig { priority: 1, ..PLAIN };
    let (bottom, _, serve) = bench.spawn_with(low, &[copy(low_end, rights::SERVE)]);
    let (middle, _, handles) =
        bench.spawn_with(low, &[copy(middle_end, rights::SERVE), copy(low_end, rights::CALL)]);
    bench.publish(bottom, serve[0]);
    bench.publish(middle, handles[0]);
    // The middle waits for the bottom before the top waits for the middle.
    bench.send(middle, handles[1], b"first", &[]);
    assert_eq!(bench.invoke(middle, handles[1], b"", &[]), None);
    assert_eq!(bench.kernel.scheduler.priority(bottom), 1);
    let high = DomainConfig { priority: 7, ..PLAIN };
    let (top, _, target) = bench.spawn_with(high, &[copy(middle_end, rights::CALL)]);
    assert_eq!(bench.invoke(top, target[0], b"", &[]), None);
    assert_eq!(bench.kernel.scheduler.priority(middle), 7);
    assert_eq!(bench.kernel.scheduler.priority(bottom), 7);
    bench.take(bottom);
    let call = bench.take(bottom);
    bench.reply(bottom, call.id, b"", &[]);
    assert_eq!(bench.kernel.scheduler.priority(bottom), 1);
    assert_eq!(bench.kernel.scheduler.priority(middle), 7);
    let call = bench.take(middle);
    bench.reply(middle, call.id, b"", &[]);
    assert_eq!(bench.kernel.scheduler.priority(middle), 1);
}

#[test]
fn malformed_numbers_are_refused() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let (client, target) = (pair.client, u64::from(pair.target));
    let too_long = u64::from(MAX_PAYLOAD as u32 + 1);
    for (arguments, status) in [
        ([target, 1, too_long, NO_DEADLINE], Status::Invalid),
        ([target, 1, 65 << 32, NO_DEADLINE], Status::Invalid),
        ([target, 1 << 32, 0, NO_DEADLINE], Status::Invalid),
        ([0, 1, 0, NO_DEADLINE], Status::BadHandle),
        ([target + (1 << 16), 1, 0, NO_DEADLINE], Status::BadHandle),
        ([target + (1 << 32), 1, 0, NO_DEADLINE], Status::BadHandle),
    ] {
        assert_eq!(bench.fails(client, Call::Call, arguments), status);
    }
    assert_eq!(
        bench.fails(pair.server, Call::Call, [pair.serve.into(), 1, 0, NO_DEADLINE]),
        Status::Denied
    );
    assert_eq!(bench.raw(client, 0, [0; 5]), Some((Status::UnknownCall, 0)));
    assert_eq!(bench.raw(client, u64::MAX, [0; 5]), Some((Status::UnknownCall, 0)));
    assert_eq!(bench.fails(client, Call::Reply, [u64::MAX, 0, 0]), Status::Invalid);
    assert_eq!(bench.fails(client, Call::Reply, [0, 99, 0]), Status::Invalid);
}

#[test]
fn only_the_server_that_took_a_call_answers_it() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let stranger = bench.spawn();
    assert_eq!(bench.invoke(pair.client, pair.target, b"", &[]), None);
    let id = bench.kernel.ipc.calls.iter().next().expect("one call").0.to_raw();
    assert_eq!(bench.fails(pair.server, Call::Reply, [id, 0, 0]), Status::Invalid);
    bench.take(pair.server);
    assert_eq!(bench.fails(stranger, Call::Reply, [id, 0, 0]), Status::Invalid);
    assert_eq!(bench.reply(pair.server, id, b"", &[]).0, Status::Ok);
}

#[test]
fn the_clock_is_the_kernels() {
    let mut bench = Bench::new();
    host::set_clock(123_456);
    assert_eq!(bench.expect(bench.init, Call::Clock, []), 123_456);
}

#[test]
fn a_waiting_domain_says_so() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.expect(pair.server, Call::Ready, []);
    bench.wait(pair.server);
    assert_eq!(
        bench.kernel.live(pair.server).expect("alive").0.activity,
        Activity::Waiting(accept::ALL)
    );
    assert_eq!(
        bench.status(pair.server_control).0.state,
        atoll_gate::record::State::Waiting as u32
    );
}
