//! Domains that end, in every state and for every cause.

use super::{Bench, PLAIN, copy, lengths, mint, slot};
use crate::interrupts::{Events, Fault};
use crate::memory::frames;
use atoll_gate::call::{NO_DEADLINE, rights};
use atoll_gate::message::{EventKind, SendSlot};
use atoll_gate::record::{Cause, State};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

#[test]
fn a_caller_hears_that_its_server_ended() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.send(pair.client, pair.target, b"async", &[slot(SendSlot::Lend, event)]);
    bench.take(pair.server);
    bench.invoke(pair.client, pair.target, b"sync", &[]);
    bench.take(pair.server);
    bench.kill(pair.server_control);
    assert_eq!(bench.result(pair.client), Some((Status::PeerRestarted, 0)));
    let reply = bench.take(pair.client);
    assert_eq!((reply.event, reply.method), (Some(EventKind::Reply), Status::PeerRestarted as u32));
    // The loan is over.
    bench.expect(pair.client, Call::Close, [event.into()]);
    assert!(bench.kernel.ipc.calls.is_empty());
    assert!(bench.kernel.ipc.events.is_empty());
}

#[test]
fn waiting_calls_are_kept_for_the_successor() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.invoke(pair.client, pair.target, b"patient", &[]);
    bench.kill(pair.server_control);
    assert_eq!(bench.result(pair.client), None);
    let (successor, _, serve) = bench.spawn_with(PLAIN, &[copy(pair.endpoint, rights::SERVE)]);
    bench.publish(successor, serve[0]);
    let call = bench.take(successor);
    assert_eq!(call.payload, b"patient");
    bench.reply(successor, call.id, b"", &[]);
    assert_eq!(bench.result(pair.client), Some((Status::Ok, 0)));
}

#[test]
fn the_successor_is_told_what_was_published_last() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let charged = |bench: &Bench| bench.kernel.live(bench.init).expect("alive").0.charged;
    let before = charged(&bench);
    bench.kill(pair.server_control);
    assert_eq!(charged(&bench), before + 10, "whoever made the endpoint pays");
    let describe = [pair.target.into(), 0];
    assert_eq!(bench.fails(pair.client, Call::Describe, describe), Status::NotReady);
    let (successor, _, serve) = bench.spawn_with(PLAIN, &[copy(pair.endpoint, rights::SERVE)]);
    assert_eq!(bench.expect(successor, Call::Describe, [serve[0].into(), 4]), 10);
    assert_eq!(bench.payload(successor, 6), b"riptor");
    bench.publish(successor, serve[0]);
    assert_eq!(charged(&bench), before, "whoever serves pays");
    assert_eq!(bench.expect(pair.client, Call::Describe, describe), 10);
}

#[test]
fn what_was_published_last_goes_with_whoever_pays_for_it() {
    let mut bench = Bench::new();
    let way = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    bench.publish(bench.init, way);
    let (maker, control, handles) = bench.spawn_with(PLAIN, &[copy(way, rights::CALL)]);
    let endpoint = bench.expect(maker, Call::CreateEndpoint, []) as u32;
    bench.publish(maker, endpoint);
    bench.send(maker, handles[0], b"", &[copy(endpoint, rights::ALL)]);
    let given = u64::from(bench.take(bench.init).slots[0].handle);
    assert_eq!(bench.expect(bench.init, Call::Describe, [given, 0]), 10);
    bench.kill(control);
    assert_eq!(bench.fails(bench.init, Call::Describe, [given, 0]), Status::NotReady);
    let gone = bench.kernel.ipc.endpoints.iter().find(|(_, end)| end.server().is_none());
    assert!(gone.expect("init holds it").1.descriptor.is_empty());
}

#[test]
fn objects_of_a_dead_server_are_stale() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.invoke(pair.client, pair.target, b"", &[]);
    let call = bench.take(pair.server);
    bench.reply(pair.server, call.id, b"", &[mint(pair.serve, 5)]);
    let object = bench.message(pair.client).slots[0].handle;
    bench.kill(pair.server_control);
    let (successor, _, serve) = bench.spawn_with(PLAIN, &[copy(pair.endpoint, rights::SERVE)]);
    bench.publish(successor, serve[0]);
    let lent = [slot(SendSlot::Lend, object)];
    assert_eq!(
        bench.invoke(pair.client, pair.target, b"", &lent),
        Some((Status::PeerRestarted, 0))
    );
    bench.expect(pair.client, Call::Close, [object.into()]);
    bench.nothing(successor);
    assert!(bench.kernel.ipc.minted.is_empty());
}

#[test]
fn an_object_that_goes_stale_while_its_call_waits_is_refused() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.invoke(pair.client, pair.target, b"", &[]);
    let call = bench.take(pair.server);
    bench.reply(pair.server, call.id, b"", &[mint(pair.serve, 5)]);
    let object = bench.message(pair.client).slots[0].handle;
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Lend, object)]);
    bench.kill(pair.server_control);
    let (successor, _, serve) = bench.spawn_with(PLAIN, &[copy(pair.endpoint, rights::SERVE)]);
    bench.publish(successor, serve[0]);
    bench.nothing(successor);
    assert_eq!(bench.result(pair.client), Some((Status::PeerRestarted, 0)));
    bench.expect(pair.client, Call::Close, [object.into()]);
}

#[test]
fn a_dead_caller_leaves_its_server_undisturbed() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let event = bench.expect(pair.client, Call::CreateEvent, []) as u32;
    bench.invoke(pair.client, pair.target, b"", &[slot(SendSlot::Lend, event)]);
    let call = bench.take(pair.server);
    bench.kill(pair.client_control);
    // What was lent can be used until the reply.
    bench.expect(pair.server, Call::Signal, [call.slots[0].handle.into(), 1]);
    assert_eq!(bench.reply(pair.server, call.id, b"", &[]), (Status::Ok, 0));
    assert_eq!(
        bench.fails(pair.server, Call::Signal, [call.slots[0].handle.into(), 1]),
        Status::BadHandle
    );
    assert!(bench.kernel.ipc.calls.is_empty());
    assert!(bench.kernel.ipc.events.is_empty());
}

#[test]
fn a_dead_callers_waiting_calls_are_gone() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.send(pair.client, pair.target, b"1", &[]);
    bench.invoke(pair.client, pair.target, b"2", &[]);
    bench.kill(pair.client_control);
    bench.nothing(pair.server);
    assert!(bench.kernel.ipc.calls.is_empty());
    assert_eq!(bench.kernel.live(pair.server).expect("alive").0.calls_open, 0);
}

#[test]
fn the_holder_of_a_dead_domains_pipe_reads_the_end() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    let ends = bench.expect(pair.client, Call::CreatePipe, [4096]);
    let (reader, writer) = (ends as u32, ends >> 32);
    bench.put(pair.client, b"will", &[]);
    bench.expect(pair.client, Call::Write, [writer, lengths(4, 0)]);
    bench.send(pair.client, pair.target, b"", &[slot(SendSlot::Move, reader)]);
    let call = bench.take(pair.server);
    let reader = u64::from(call.slots[0].handle);
    bench.kill(pair.client_control);
    assert_eq!(bench.expect(pair.server, Call::Read, [reader, 0, 100]), 4);
    assert_eq!(bench.fails(pair.server, Call::Read, [reader, 0, 100]), Status::Closed);
    bench.reply(pair.server, call.id, b"", &[]);
    bench.expect(pair.server, Call::Close, [reader]);
    assert!(bench.kernel.ipc.pipes.is_empty());
}

#[test]
fn a_dead_domain_can_still_be_read_about() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    bench.expect(bench.init, Call::Watch, [control.into(), 3]);
    bench.put(domain, b"I am done", &[]);
    assert_eq!(bench.call(domain, Call::Exit, [Cause::Trapped as u64, 17, lengths(9, 0)]), None);
    let notification = bench.take(bench.init);
    assert_eq!((notification.event, notification.id), (Some(EventKind::Notification), 3));
    let (status, words) = bench.status(control);
    assert_eq!((status.state, status.cause), (State::Ended as u32, Cause::Trapped as u32));
    assert_eq!((status.code, status.memory, status.handles), (17, 0, 0));
    assert_eq!(words, b"I am done");
    bench.expect(bench.init, Call::KillDomain, [control.into()]);
    assert_eq!(bench.fails(bench.init, Call::StartDomain, [control.into(), 0]), Status::Closed);
    bench.expect(bench.init, Call::Close, [control.into()]);
    assert_eq!(bench.kernel.domains.len(), 1);
}

#[test]
fn a_fault_ends_the_domain_with_its_addresses() {
    let mut bench = Bench::new();
    let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
    let other = bench.spawn();
    bench.kernel.scheduler.run_now(0, domain);
    bench.kernel.fault(Fault {
        vector: 14,
        error: 2,
        instruction: 0x40_1234,
        address: 0xdead_0000,
    });
    bench.kernel.next();
    let (status, _) = bench.status(control);
    assert_eq!(status.cause, Cause::Faulted as u32);
    assert_eq!(
        (status.code, status.address, status.fault_address),
        (14 << 32 | 2, 0x40_1234, 0xdead_0000)
    );
    bench.expect(other, Call::Clock, []);
}

#[test]
fn a_domain_cannot_claim_a_cause_that_is_not_its_own() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    for cause in [Cause::Faulted as u64, Cause::Killed as u64, 0, 8, u64::MAX] {
        assert_eq!(bench.fails(domain, Call::Exit, [cause, 0, 0]), Status::Invalid);
    }
}

#[test]
fn the_last_control_handle_ends_the_domain_and_its_own_in_turn() {
    let mut bench = Bench::new();
    let before = bench.footprint();
    let (inner, inner_control) = {
        let (domain, control, _) = bench.spawn_with(PLAIN, &[]);
        (domain, control)
    };
    let (_, outer_control, _) = bench.spawn_with(PLAIN, &[slot(SendSlot::Move, inner_control)]);
    assert!(bench.kernel.live(inner).is_ok());
    bench.expect(bench.init, Call::Close, [outer_control.into()]);
    assert_eq!(bench.footprint(), before);
}

#[test]
fn a_domain_may_hold_the_last_handle_to_itself() {
    let mut bench = Bench::new();
    let before = bench.footprint();
    let (domain, control) = bench.create(PLAIN);
    bench.put(bench.init, b"", &[slot(SendSlot::Move, control)]);
    // Moving the handle while starting through it: from then on only the domain holds it.
    bench.expect(bench.init, Call::StartDomain, [control.into(), lengths(0, 1)]);
    assert!(bench.kernel.live(domain).is_ok());
    let own = bench.message(domain).slots[0].handle;
    assert_eq!(bench.call(domain, Call::KillDomain, [own.into()]), None);
    assert_eq!(bench.footprint(), before);
}

#[test]
fn thousands_of_lives_leave_nothing_behind() {
    let mut bench = Bench::new();
    let endpoint = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let (server, _, serve) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::SERVE)]);
    bench.publish(server, serve[0]);
    let mut before = None;
    for round in 0..2000 {
        let (domain, control, handles) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::CALL)]);
        bench.expect(domain, Call::CreatePipe, [4096]);
        let event = bench.expect(domain, Call::CreateEvent, []) as u32;
        bench.expect(domain, Call::Watch, [event.into(), 1]);
        bench.expect(domain, Call::Commit, [atoll_gate::layout::HEAP_BASE, 3]);
        match round % 4 {
            0 => drop(bench.invoke(domain, handles[0], b"x", &[slot(SendSlot::Move, event)])),
            1 => {
                bench.send(domain, handles[0], b"x", &[slot(SendSlot::Lend, event)]);
                let call = bench.take(server);
                bench.kill(control);
                bench.reply(server, call.id, b"", &[mint(serve[0], 1)]);
                assert_eq!(bench.take(server).event, Some(EventKind::Drop));
            }
            2 => bench.blocks(domain, Call::Wait, [7, NO_DEADLINE - 1]),
            _ => {}
        }
        bench.kill(control);
        bench.expect(bench.init, Call::Close, [control.into()]);
        if round == 8 {
            before = Some(bench.footprint());
        }
    }
    assert_eq!(Some(bench.footprint()), before);
}

#[test]
fn memory_that_runs_out_is_a_status_and_leaks_nothing() {
    let mut bench = Bench::new();
    let big = DomainConfig { memory_limit: 1 << 30, ..PLAIN };
    let (domain, control, _) = bench.spawn_with(big, &[]);
    let pages = frames::statistics().free - 40;
    bench.expect(domain, Call::Commit, [atoll_gate::layout::HEAP_BASE, pages]);
    let before = frames::statistics().free;
    let beyond = atoll_gate::layout::HEAP_BASE + (pages + 600) * 4096;
    assert_eq!(bench.fails(domain, Call::Commit, [beyond, 100]), Status::OutOfMemory);
    assert_eq!(bench.fails(domain, Call::CreatePipe, [100 << 12]), Status::OutOfMemory);
    let left = frames::statistics().free;
    assert!(before - left <= 4, "tables only");
    let mut config = [0; 200];
    let mut writer = atoll_gate::start::Writer::new(&mut config);
    PLAIN.write(&mut writer);
    let len = writer.finish().expect("fits");
    bench.put(bench.init, &config[..len], &[]);
    let arguments = [bench.system.into(), bench.blob.into(), lengths(len, 0)];
    assert_eq!(bench.fails(bench.init, Call::CreateDomain, arguments), Status::OutOfMemory);
    assert_eq!(frames::statistics().free, left);
    bench.kill(control);
    bench.create(PLAIN);
}
