//! Probes, their deadlines, and who is restarted with whom.

use atoll_supervisor::{
    kernel::Cause,
    server::State,
    swap::{self, Purpose},
};

use crate::simulated::{Source, World, to};

/// `b` is probed and takes its dependants with it: `c` imports from it, `d` from `c`.
const PROBED: &str = r#"
[system]
name = "probed"
[servers.a]
component = "a.wasm"
[servers.b]
component = "b.wasm"
exports = ["x:y/b"]
health = { every = "2 s", deadline = "500 ms" }
restart = { limit = 2, window = "1 min", escalate = true }
[servers.c]
component = "c.wasm"
exports = ["x:y/c"]
imports = { "x:y/b" = { server = "b" } }
[servers.d]
component = "hello.wasm"
imports = { "x:y/c" = { server = "c" } }
"#;

fn hang(world: &mut World, component: &str, hangs: bool) {
    let index = world.machine.running(component).expect("lives");
    world.machine.domains.borrow_mut()[index].hangs = hangs;
}

#[test]
fn a_server_that_answers_is_probed_again_and_again() {
    let mut world = World::booted(PROBED);
    for number in 1..=3 {
        world.pass(2_000);
        let index = world.machine.running("b.wasm").expect("lives");
        assert_eq!(world.machine.domains.borrow()[index].probed, number);
        world.settle();
        world.pass(500);
    }
    assert_eq!(world.server("b"), (State::Running, 0));
    let others = world.machine.domains.borrow();
    assert!(others.iter().filter(|domain| domain.name != "b").all(|domain| domain.probed == 0));
}

#[test]
fn a_server_that_hangs_is_killed_and_restarted() {
    let mut world = World::booted(PROBED);
    hang(&mut world, "b.wasm", true);
    world.pass(2_000);
    world.pass(499);
    assert_eq!(world.server("b"), (State::Running, 0));
    world.pass(1);
    assert!(world.logged("Error: `b` did not answer a probe within 500 ms; it is killed"));
    assert!(world.logged("`b` was killed; it is restarted at once"));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    // The new domain is probed from the first on.
    world.pass(2_000);
    let index = world.machine.running("b.wasm").expect("lives");
    assert_eq!(world.machine.domains.borrow()[index].probed, 1);
}

#[test]
fn hanging_counts_against_the_limit() {
    let mut world = World::booted(PROBED);
    for _ in 0..3 {
        hang(&mut world, "b.wasm", true);
        world.pass(2_000);
        world.pass(500);
        world.settle();
        world.pass(200);
        world.settle();
    }
    assert_eq!(world.server("b"), (State::Failed, 2));
    let timers = world.machine.pollables.borrow();
    assert!(timers.values().all(|(source, _)| !matches!(source, Source::Timer(_))));
}

#[test]
fn a_server_that_says_that_it_is_ill_is_restarted() {
    let mut world = World::booted(PROBED);
    let index = world.machine.running("b.wasm").expect("lives");
    world.machine.domains.borrow_mut()[index].pulse.1 = Err("the disk is gone".to_string());
    world.pass(2_000);
    world.settle();
    assert!(world.logged("Error: `b` is not well: the disk is gone; it is killed"));
    assert_eq!(world.server("b"), (State::Running, 1));
}

#[test]
fn who_waits_for_another_server_is_not_to_blame() {
    let mut world = World::booted(PROBED);
    let index = world.machine.running("b.wasm").expect("lives");
    hang(&mut world, "b.wasm", true);
    world.machine.domains.borrow_mut()[index].is_calling = true;
    world.pass(2_000);
    for _ in 0..10 {
        world.pass(500);
    }
    assert_eq!(world.server("b"), (State::Running, 0));
    world.machine.domains.borrow_mut()[index].is_calling = false;
    world.pass(500);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
}

#[test]
fn a_kernel_without_probes_is_told_once() {
    let mut world = World::booted(PROBED);
    world.machine.probes.set(false);
    world.pass(2_000);
    world.pass(60_000);
    let log = world.machine.log.borrow();
    let told = log.iter().filter(|line| line.contains("`b` cannot be probed: no probes")).count();
    assert_eq!(told, 1);
    drop(log);
    assert_eq!(world.server("b"), (State::Running, 0));
}

fn swap(world: &mut World) -> u64 {
    world.supervisor.swap(&[to("b", "b2.wasm")], Purpose::Replace).expect("a swap")
}

#[test]
fn a_new_version_that_hangs_is_rolled_back() {
    const SLOW: &str = "health = { every = \"2 s\", deadline = \"500 ms\" }";
    let quick = "health = { every = \"100 ms\", deadline = \"100 ms\" }";
    let mut world = World::booted(&PROBED.replace(SLOW, quick));
    let id = swap(&mut world);
    world.settle();
    hang(&mut world, "b2.wasm", true);
    world.pass(100);
    world.pass(100);
    let record = world.supervisor.swap_record(id).expect("a transaction");
    let why =
        "probation of `b`: the new version does not work: did not answer a probe within 100 ms";
    assert_eq!(record.result, swap::Result::RolledBack(why.to_string()));
    assert!(world.machine.running("b2.wasm").is_none());
    assert_eq!(world.server("b"), (State::Running, 0));
    // The old one is probed again.
    world.pass(100);
    let index = world.machine.running("b.wasm").expect("lives");
    world.settle();
    assert_ne!(world.machine.domains.borrow()[index].pulse.0, 0);
}

#[test]
fn a_new_version_that_hangs_with_nothing_to_go_back_to_is_restarted() {
    let quick = "health = { every = \"100 ms\", deadline = \"100 ms\" }";
    let slow = "health = { every = \"2 s\", deadline = \"500 ms\" }";
    let mut world = World::booted(&PROBED.replace(slow, quick));
    swap(&mut world);
    world.settle();
    hang(&mut world, "b2.wasm", true);
    world.pass(100);
    let old = world.machine.running("b.wasm").expect("lives");
    world.machine.end(old, Cause::Killed, 0);
    world.pass(100);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert!(world.machine.running("b2.wasm").is_some());
}

#[test]
fn a_server_that_gives_up_its_state_is_not_probed() {
    let mut world = World::booted(PROBED);
    world.pass(1_900);
    swap(&mut world);
    world.step();
    hang(&mut world, "b.wasm", true);
    world.pass(900);
    let index = world.machine.running("b.wasm").expect("lives");
    assert_eq!(world.machine.domains.borrow()[index].probed, 0);
    // Until the deadline of the swap.
    world.pass(100);
    assert_eq!(world.server("b"), (State::Running, 0));
    assert!(world.machine.running("b2.wasm").is_none());
}

#[test]
fn dependants_are_restarted_with_it() {
    let mut world = World::booted(PROBED);
    let endpoints = world.machine.endpoints.get();
    world.crash("b", Cause::Trapped, 0);
    assert!(world.logged("Warn: `c` is restarted because `b` is"));
    assert!(world.logged("Warn: `d` is restarted because `b` is"));
    assert_eq!(world.machine.population(), ["a", "b"]);
    assert!(world.machine.refusing.borrow().is_empty(), "calls wait");
    world.settle();
    for name in ["b", "c", "d"] {
        assert_eq!(world.server(name), (State::Running, 1));
    }
    assert_eq!(world.server("a"), (State::Running, 0));
    assert_eq!(world.machine.endpoints.get(), endpoints);
    // Not the other way round.
    world.crash("c", Cause::Trapped, 0);
    world.settle();
    assert_eq!((world.server("b").1, world.server("c").1, world.server("d").1), (1, 2, 1));
    assert!(world.machine.given_up_alive.borrow().is_empty());
}

#[test]
fn dependants_of_a_server_that_stays_down_are_left_alone() {
    let mut world = World::booted(PROBED);
    world.crash("b", Cause::Exited, 0);
    assert_eq!(world.server("b").0, State::Stopped);
    assert_eq!(world.machine.population(), ["a", "c", "d"]);
}

#[test]
fn a_restart_on_request_takes_the_dependants_along() {
    let mut world = World::booted(PROBED);
    assert_eq!(world.supervisor.restart("b"), Ok(()));
    assert!(world.logged("Info: `b` is restarted on request"));
    world.settle();
    for name in ["b", "c", "d"] {
        assert_eq!(world.server(name), (State::Running, 1));
    }
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    assert!(world.supervisor.restart("b").is_err());
}

#[test]
fn policies_are_told_in_words() {
    let world = World::booted(PROBED);
    assert_eq!(
        world.supervisor.policy("b").expect("policy"),
        [
            "restart: on failure, at most 2 times within 60 s, after a pause of 100 ms to 5 s from \
             the second on",
            "escalate: c, d restart with it",
            "heir: none",
            "health: probed every 2 s, answers within 500 ms",
            "start: within 30 s",
            "swap: prepare 30 s, quiesce 1 s, transfer 1 s, probation 1 s",
        ]
    );
    assert_eq!(
        world.supervisor.policy("a").expect("policy")[1..4],
        ["escalate: no", "heir: none", "health: not probed"]
    );
    assert!(world.supervisor.policy("x").is_err());
}
