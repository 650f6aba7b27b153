//! Swaps of several servers, and what swaps mean for others that wait.

use super::super::{Bench, PLAIN, copy, lengths};
use super::{STANDBY, Server, Swap};
use atoll_gate::call::rights;
use atoll_gate::record::{Cause, Phase};
use atoll_gate::start::DomainConfig;
use atoll_gate::{Call, Status};

#[test]
fn a_set_is_committed_whole_or_not_at_all() {
    let mut swap = Swap::new();
    let (old, new) = (swap.old, swap.new);
    let end = swap.bench.expect(swap.bench.init, Call::CreateEndpoint, []) as u32;
    let second = swap.bench.server(PLAIN, end);
    let heir = swap.bench.server(STANDBY, end);
    let (client, _, target) = swap.bench.spawn_with(PLAIN, &[copy(end, rights::CALL)]);
    swap.bench.freeze(old, b"", &[]);
    swap.bench.take_over(old, new);
    let set = [(old, new), (second, heir)];
    assert_eq!(swap.bench.commit_fails(&set), Status::NotReady);
    assert_eq!(swap.bench.phase(new), Phase::TookOver);
    swap.bench.freeze(second, b"", &[]);
    swap.bench.take_over(second, heir);
    swap.ask(b"one");
    assert_eq!(swap.bench.invoke(client, target[0], b"two", &[]), None);
    assert_eq!(swap.bench.commit_fails(&[(old, heir), (second, new)]), Status::NotReady);
    assert_eq!(swap.bench.commit_fails(&[(old, new), (old, new)]), Status::Invalid);
    swap.bench.commit(&set);
    assert_eq!(swap.bench.echo(new.domain), b"one");
    assert_eq!(swap.bench.echo(heir.domain), b"two");
    // And back.
    swap.ask(b"three");
    assert_eq!(swap.bench.revert_fails(&[(old, new), (heir, second)]), Status::NotReady);
    swap.bench.revert(&set);
    assert_eq!(swap.bench.echo(old.domain), b"three");
    assert_eq!(swap.bench.status(heir.control).0.cause, Cause::Killed as u32);
}

#[test]
fn the_next_server_must_serve_what_the_last_one_did() {
    let mut bench = Bench::new();
    let ends = [(); 2].map(|()| bench.expect(bench.init, Call::CreateEndpoint, []) as u32);
    let old = bench.server(PLAIN, ends[0]);
    let second = bench.spawn_with(PLAIN, &[]);
    let stranger = bench.server(PLAIN, ends[1]);
    bench.freeze(old, b"", &[]);
    // Nothing published.
    let (domain, control, _) = bench.spawn_with(STANDBY, &[]);
    bench.expect(domain, Call::Ready, []);
    let empty = Server { domain, control, serve: 0 };
    bench.take_over(old, empty);
    assert_eq!(bench.commit_fails(&[(old, empty)]), Status::NotFound);
    bench.kill(control);
    // What somebody else serves.
    let grants = ends.map(|end| copy(end, rights::SERVE));
    let (domain, control, handles) = bench.spawn_with(STANDBY, &grants);
    for handle in &handles {
        bench.put(domain, b"greedy", &[]);
        bench.expect(domain, Call::Publish, [(*handle).into(), 1, lengths(6, 0)]);
    }
    bench.expect(domain, Call::Ready, []);
    let greedy = Server { domain, control, serve: handles[0] };
    bench.take_over(old, greedy);
    assert_eq!(bench.commit_fails(&[(old, greedy)]), Status::Exists);
    bench.kill(stranger.control);
    bench.commit(&[(old, greedy)]);
    // The further endpoint is nobody's after the way back.
    bench.revert(&[(old, greedy)]);
    bench.expect(bench.init, Call::Describe, [ends[0].into(), 0]);
    let (stranger, _, target) = bench.spawn_with(PLAIN, &[copy(ends[1], rights::CALL)]);
    assert_eq!(bench.fails(stranger, Call::Describe, [target[0].into(), 0]), Status::NotReady);
    // Whoever serves it next is told what its clients know now.
    assert_eq!(bench.expect(bench.init, Call::Describe, [ends[1].into(), 0]), 6);
    bench.kill(second.1);
}

#[test]
fn waiting_callers_lend_their_priority_to_the_next_server() {
    let mut swap = Swap::new();
    let Swap { old, new, .. } = swap;
    let high = DomainConfig { priority: 7, ..PLAIN };
    let (top, _, target) = swap.bench.spawn_with(high, &[copy(swap.pair.endpoint, rights::CALL)]);
    let priority =
        |swap: &Swap, server: Server| swap.bench.kernel.scheduler.priority(server.domain);
    assert_eq!(swap.bench.invoke(top, target[0], b"", &[]), None);
    assert_eq!(priority(&swap, old), 7);
    swap.bench.freeze(old, b"", &[]);
    assert_eq!((priority(&swap, old), priority(&swap, new)), (3, 3));
    swap.bench.take_over(old, new);
    swap.bench.commit(&[(old, new)]);
    assert_eq!((priority(&swap, old), priority(&swap, new)), (3, 7));
    swap.bench.revert(&[(old, new)]);
    assert_eq!(priority(&swap, old), 7);
    swap.bench.echo(old.domain);
    assert_eq!(priority(&swap, old), 3);
}

#[test]
fn a_circle_through_a_held_endpoint_is_a_deadlock() {
    let mut bench = Bench::new();
    let ends = [(); 2].map(|()| bench.expect(bench.init, Call::CreateEndpoint, []) as u32);
    let [one, two] = [(0, 1), (1, 0)].map(|(own, other)| {
        let slots = [copy(ends[own], rights::SERVE), copy(ends[other], rights::CALL)];
        let (domain, control, handles) = bench.spawn_with(PLAIN, &slots);
        bench.publish(domain, handles[0]);
        bench.expect(domain, Call::Ready, []);
        (Server { domain, control, serve: handles[0] }, handles[1])
    });
    let (client, _, target) = bench.spawn_with(PLAIN, &[copy(ends[0], rights::CALL)]);
    assert_eq!(bench.invoke(client, target[0], b"", &[]), None);
    bench.take(one.0.domain);
    bench.expect(bench.init, Call::Quiesce, [one.0.control.into()]);
    // One works on a call that it took; two's call to it is held; one must not wait for two.
    assert_eq!(bench.invoke(two.0.domain, two.1, b"", &[]), None);
    assert_eq!(bench.invoke(one.0.domain, one.1, b"", &[]), Some((Status::Deadlock, 0)));
    // Nor two for one that waits for it, nor one for itself.
    let mut bench = Bench::new();
    let end = bench.expect(bench.init, Call::CreateEndpoint, []) as u32;
    let slots = [copy(end, rights::SERVE), copy(end, rights::CALL)];
    let (own, control, handles) = bench.spawn_with(PLAIN, &slots);
    bench.publish(own, handles[0]);
    bench.expect(own, Call::Ready, []);
    bench.expect(bench.init, Call::Quiesce, [control.into()]);
    assert_eq!(bench.invoke(own, handles[1], b"", &[]), Some((Status::Deadlock, 0)));
}
