//! Ends of the first domain.

use super::*;
use crate::arch::host::{self, Action};

#[test]
fn nobody_ends_with_the_first_domain_and_no_call_is_lost() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    assert_eq!(bench.invoke(pair.client, pair.target, b"question", &[]), None);
    let call = bench.take(pair.server);
    bench.crash();
    assert!(bench.lives(pair.server) && bench.lives(pair.client));
    bench.reply(pair.server, call.id, b"answer", &[]);
    assert_eq!(bench.message(pair.client).payload, b"answer");
    // It is in control again, and its endpoint serves the next life of its server.
    let control = bench.adopt_domain(pair.server);
    bench.adopt_domain(pair.client);
    let [endpoint] = bench.adopt_all(ObjectKind::Endpoint)[..] else { panic!("one endpoint") };
    bench.expect(bench.init, Call::Settle, []);
    bench.kill(control);
    assert_eq!(bench.invoke(pair.client, pair.target, b"again", &[]), None);
    let (server, _, handles) = bench.spawn_with(PLAIN, &[copy(endpoint, rights::SERVE)]);
    bench.publish(server, handles[0]);
    let call = bench.take(server);
    assert_eq!(call.payload, b"again");
}

#[test]
fn calls_to_the_first_domain_wait_for_the_next_but_for_those_that_it_took() {
    let mut bench = Bench::new();
    let serve = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    bench.publish(bench.init, serve);
    let client = |bench: &mut Bench| {
        let (client, _, handles) = bench.spawn_with(PLAIN, &[copy(serve, rights::CALL)]);
        assert_eq!(bench.invoke(client, handles[0], b"hello", &[]), None);
        client
    };
    let (first, second) = (client(&mut bench), client(&mut bench));
    bench.take(bench.init);
    bench.crash();
    assert_eq!(bench.result(first), Some((Status::PeerRestarted, 0)));
    assert_eq!(bench.result(second), None);
    let serve = bench.adopt_all(ObjectKind::Endpoint)[0];
    // Clients know functions by the numbers that were published last.
    let len = bench.expect(bench.init, Call::Describe, [serve.into(), 0]) as usize;
    assert_eq!(bench.payload(bench.init, len), b"descriptor");
    bench.publish(bench.init, serve);
    let call = bench.take(bench.init);
    bench.reply(bench.init, call.id, b"welcome", &[]);
    assert_eq!(bench.message(second).payload, b"welcome");
}

#[test]
fn only_endpoints_that_it_could_serve_are_adopted() {
    let mut bench = Bench::new();
    let serve = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    bench.expect(bench.init, Call::Copy, [serve.into(), rights::CALL.into()]);
    bench.crash();
    assert_eq!(bench.adopt_all(ObjectKind::Endpoint).len(), 1);
}

#[test]
fn numbers_are_kept_though_their_server_ends_after_the_first_domain_did() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.crash();
    assert_eq!(bench.call(pair.server, Call::Exit, [Cause::Exited as u64, 0, 0]), None);
    let [endpoint] = bench.adopt_all(ObjectKind::Endpoint)[..] else { panic!("one endpoint") };
    let len = bench.expect(bench.init, Call::Describe, [endpoint.into(), 0]) as usize;
    assert_eq!(bench.payload(bench.init, len), b"descriptor");
}

#[test]
fn what_was_not_adopted_ends_when_the_next_one_has_settled() {
    let mut bench = Bench::new();
    let (kept, dropped) = (bench.pair(), bench.spawn());
    bench.crash();
    for domain in [kept.server, kept.client] {
        bench.adopt_domain(domain);
    }
    assert!(bench.lives(dropped));
    bench.expect(bench.init, Call::Settle, []);
    assert!(!bench.lives(dropped) && bench.lives(kept.server) && bench.lives(kept.client));
    assert_eq!(bench.adopt_all(ObjectKind::Domain), []);
}

#[test]
fn who_ends_before_it_has_settled_leaves_the_same_again() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    for _ in 0..3 {
        bench.crash();
        bench.adopt_domain(pair.server);
        bench.adopt_all(ObjectKind::Endpoint);
        // What it made before it had settled goes with it.
        let (made, _, _) = bench.spawn_with(PLAIN, &[]);
        assert!(bench.lives(made));
    }
    bench.crash();
    let domains = bench.adopt_all(ObjectKind::Domain);
    assert_eq!(domains.len(), 2);
    assert_eq!(bench.adopt_all(ObjectKind::Endpoint).len(), 1);
    bench.expect(bench.init, Call::Settle, []);
    assert!(bench.lives(pair.server) && bench.lives(pair.client));
    // Nothing is left over of all that: the first domain, the pair, and their handles.
    assert_eq!(bench.kernel.domains.len(), 3);
    assert_eq!(bench.kernel.ipc.endpoints.len(), 1);
}

#[test]
fn the_next_one_finds_the_capsule_and_is_told_how_the_last_one_ended() {
    let mut bench = Bench::new();
    assert_eq!(bench.first_arguments(), ["init.wasm", "", ""]);
    let charged = bench.kernel.live(bench.init).expect("alive").0.charged;
    bench.put(bench.init, b"remember", &[]);
    let capsule = bench.first_capsule();
    bench.expect(bench.init, Call::WriteCapsule, [capsule.into(), 1, lengths(8, 0)]);
    bench.crash();
    assert_eq!(bench.first_arguments(), ["init.wasm", "trapped", "by mistake"]);
    let capsule = bench.first_capsule();
    assert_eq!(bench.expect(bench.init, Call::ReadCapsule, [capsule.into(), 1]), 8);
    assert_eq!(bench.payload(bench.init, 8), b"remember");
    assert_eq!(bench.kernel.live(bench.init).expect("alive").0.charged, charged);
}

#[test]
fn capsules_of_servers_go_along() {
    let mut bench = Bench::new();
    let system = u64::from(bench.system);
    let capsule = bench.expect(bench.init, Call::CreateCapsule, [system, 4096]) as u32;
    let identity = bench.expect(bench.init, Call::Inspect, [capsule.into()]) >> 32;
    let charged = bench.kernel.live(bench.init).expect("alive").0.charged;
    bench.crash();
    let adopted = bench.adopt_all(ObjectKind::Capsule);
    let same = |bench: &mut Bench, handle: u32| {
        bench.expect(bench.init, Call::Inspect, [handle.into()]) >> 32 == identity
    };
    let found = adopted.into_iter().filter(|handle| same(&mut bench, *handle)).count();
    assert_eq!(found, 1);
    assert_eq!(bench.kernel.live(bench.init).expect("alive").0.charged, charged);
    let [system, ..] = bench.message(bench.init).slots[..] else { panic!("handles") };
    let handle = bench.expect(bench.init, Call::Inspect, [system.handle.into()]);
    assert_eq!(ObjectKind::from_raw(handle & 0xff), Some(ObjectKind::System));
}

#[test]
fn who_ends_too_often_takes_all_along_and_begins_anew_three_times() {
    let mut bench = Bench::with_command_line("init=init.wasm panic=reboot");
    let _ = host::take_actions();
    for beginning in 0..4 {
        let domain = bench.spawn();
        let capsule = bench.first_capsule();
        let known = bench.call(bench.init, Call::ReadCapsule, [capsule.into(), 1]);
        assert_eq!(known, Some((Status::NotFound, 0)), "a new capsule");
        bench.put(bench.init, b"known", &[]);
        bench.expect(bench.init, Call::WriteCapsule, [capsule.into(), 1, lengths(5, 0)]);
        for _ in 0..5 {
            bench.crash();
            assert!(bench.lives(domain));
        }
        assert_eq!(bench.call(bench.init, Call::Exit, [Cause::Panicked as u64, 0, 0]), None);
        assert!(!bench.lives(domain));
        assert_eq!(bench.kernel.domains.len(), u32::from(beginning < 3));
        if beginning < 3 {
            bench.meet_first();
            bench.take_authority();
        }
    }
    assert!(host::take_actions().contains(&Action::Reboot));
    assert_eq!(bench.kernel.ipc.population()[..7], [0; 7]);
}

#[test]
fn who_ends_now_and_then_goes_on_for_ever() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    for time in 1..=50 {
        host::set_clock(time * 2_100_000_000);
        bench.crash();
        let control = bench.adopt_domain(domain);
        bench.expect(bench.init, Call::Settle, []);
        bench.status(control);
        assert!(bench.lives(domain));
    }
}

#[test]
fn the_next_one_is_a_clone_if_it_can_be() {
    let mut bench = Bench::new();
    bench.expect(bench.init, Call::Close, [bench.blob.into()]);
    assert_eq!(bench.expect(bench.init, Call::Snapshot, []), 0);
    let is_clone = |bench: &Bench| bench.kernel.live(bench.init).expect("alive").0.is_clone;
    bench.crash();
    assert!(is_clone(&bench));
    bench.expect(bench.init, Call::Settle, []);
    bench.crash();
    assert!(is_clone(&bench));
    // One that did not settle is not worth another clone.
    bench.crash();
    assert!(!is_clone(&bench));
}

#[test]
fn who_waits_for_an_event_that_nobody_can_set_any_more_is_told() {
    let mut bench = Bench::new();
    let event = bench.expect(bench.init, Call::CreateEvent, []) as u32;
    let (waiting, _, handles) = bench.spawn_with(PLAIN, &[copy(event, rights::WATCH)]);
    bench.expect(waiting, Call::Watch, [handles[0].into(), 5]);
    bench.nothing(waiting);
    bench.crash();
    assert_eq!(bench.take(waiting).id, 5);
    bench.expect(waiting, Call::Watch, [handles[0].into(), 6]);
    assert_eq!(bench.take(waiting).id, 6);
}

#[test]
fn others_have_nothing_to_adopt() {
    let mut bench = Bench::new();
    let domain = bench.spawn();
    let kind = ObjectKind::Domain as u64;
    assert_eq!(bench.fails(domain, Call::Adopt, [kind, 0]), Status::Denied);
    assert_eq!(bench.fails(domain, Call::Settle, []), Status::Denied);
    assert_eq!(bench.fails(bench.init, Call::Adopt, [kind, 0]), Status::NotFound);
    assert_eq!(bench.fails(bench.init, Call::Adopt, [99, 0]), Status::Invalid);
    assert_eq!(bench.fails(bench.init, Call::Adopt, [kind, 1 << 32]), Status::Invalid);
}

#[test]
fn a_first_domain_that_waits_is_killed_like_any_other() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.blocks(bench.init, Call::Wait, [accept::ALL, NO_DEADLINE]);
    let init = bench.init;
    bench.kernel.end(init, crate::domain::Ending::new(Cause::Killed, 0));
    bench.kernel.settle();
    bench.meet_first();
    assert_ne!(bench.init, init);
    assert!(bench.lives(pair.server));
}
