//! First domains that hang, and others that do not.

use super::*;
use crate::arch::host;
use crate::gate::CPU;
use atoll_gate::message::EventKind;

const PERIOD_NS: u64 = 2_000_000_000;

/// Lets so many periods pass while a domain, or the first one, has the processor; whether the first domain is still
/// the same.
fn runs(bench: &mut Bench, domain: Option<DomainId>, periods: u64) -> bool {
    let init = bench.init;
    let domain = domain.unwrap_or(init);
    for _ in 0..periods {
        if bench.kernel.scheduler.current(CPU) != Some(domain) && bench.lives(domain) {
            bench.kernel.scheduler.run_now(CPU, domain);
        }
        bench.pass(host::clock() + PERIOD_NS);
    }
    bench.meet_first();
    bench.init == init
}

#[test]
fn one_that_loops_is_ended() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.expect(bench.init, Call::Ready, []);
    assert!(runs(&mut bench, None, 1), "it may be busy");
    assert!(!runs(&mut bench, None, 2), "it hangs");
    assert!(bench.lives(pair.server));
}

#[test]
fn one_that_waits_for_something_else_than_calls_is_ended() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.expect(bench.init, Call::Ready, []);
    bench.blocks(bench.init, Call::Wait, [accept::NOTIFICATIONS, NO_DEADLINE]);
    assert!(!runs(&mut bench, Some(pair.client), 3));
}

#[test]
fn one_that_waits_for_calls_is_left_alone() {
    let mut bench = Bench::new();
    let pair = bench.pair();
    bench.expect(bench.init, Call::Ready, []);
    bench.wait(bench.init);
    assert!(runs(&mut bench, Some(pair.client), 20));
    assert_eq!(bench.result(bench.init), None, "it was not even asked");
}

#[test]
fn one_that_is_busy_but_comes_back_is_left_alone() {
    let mut bench = Bench::new();
    bench.expect(bench.init, Call::Ready, []);
    for _ in 0..10 {
        assert!(runs(&mut bench, None, 1));
        let probe = bench.take(bench.init);
        assert_eq!(probe.event, Some(EventKind::Probe));
        bench.expect(bench.init, Call::AnswerProbe, [probe.id, 0, 0]);
    }
}

#[test]
fn one_that_others_keep_from_the_processor_does_not_hang() {
    let mut bench = Bench::new();
    let busy = bench.spawn();
    bench.expect(bench.init, Call::Ready, []);
    assert!(runs(&mut bench, Some(busy), 30));
}

#[test]
fn one_that_never_becomes_ready_is_ended() {
    let mut bench = Bench::new();
    assert!(runs(&mut bench, None, 14));
    assert!(!runs(&mut bench, None, 4));
}

/// The times for which the timer was set since the last question.
fn deadlines() -> Vec<Option<u64>> {
    let set = |action| match action {
        host::Action::Deadline(when) => Some(when),
        _ => None,
    };
    host::take_actions().into_iter().filter_map(set).collect()
}

#[test]
fn a_machine_that_rests_is_not_woken_for_the_watch_and_watched_again_when_it_wakes() {
    let mut bench = Bench::new();
    let event = bench.expect(bench.init, Call::CreateEvent, []) as u32;
    let (peer, _, handles) = bench.spawn_with(PLAIN, &[copy(event, rights::SIGNAL)]);
    bench.expect(bench.init, Call::Ready, []);
    bench.expect(bench.init, Call::Watch, [event.into(), 1]);
    bench.wait(bench.init);
    let later = host::clock() + 10 * PERIOD_NS;
    bench.blocks(peer, Call::Wait, [accept::ALL, later]);
    drop(deadlines());
    bench.pass(host::clock() + PERIOD_NS);
    assert_eq!(deadlines(), [Some(later)], "only what somebody waits for");
    // The peer wakes, and has the first domain begin to loop.
    bench.pass(later);
    assert!(deadlines().contains(&Some(later + PERIOD_NS)));
    bench.expect(peer, Call::Signal, [handles[0].into(), 1]);
    assert!(!runs(&mut bench, None, 3), "it hangs");
}
