//! What is restarted after an end and what is not, how soon, and what of a server stays the same.

use atoll_supervisor::{kernel::Cause, server::State};

use crate::{
    CHAIN,
    simulated::{Source, World},
};

#[test]
fn a_crash_restarts_at_once_then_backs_off_then_fails() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Trapped, 0);
    assert!(world.logged("Error: `b` trapped: unreachable; it is restarted at once"));
    assert_eq!(world.server("b"), (State::Starting, 1));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));

    world.crash("b", Cause::Panicked, 0);
    assert_eq!(world.server("b"), (State::BackingOff, 1));
    world.pass(99);
    assert_eq!(world.server("b").0, State::BackingOff);
    world.pass(1);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 2));

    world.crash("b", Cause::OutOfMemory, 0);
    world.pass(200);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 3));

    world.crash("b", Cause::Faulted, 14 << 32 | 2);
    assert_eq!(world.server("b"), (State::Failed, 3));
    assert!(world.logged("faulted: exception 14 (error 0x2)"));
    assert!(world.logged("it has failed, after 3 restarts within 10 s"));
    world.pass(60_000);
    assert_eq!(world.machine.population(), ["a", "c"]);
    assert!(
        world
            .machine
            .pollables
            .borrow()
            .values()
            .all(|(source, _)| { !matches!(source, Source::Timer(_)) })
    );
}

#[test]
fn calls_wait_for_a_restart_but_not_for_an_operator() {
    let mut world = World::booted(CHAIN);
    let refusing = |world: &World| world.machine.refusing.borrow().clone();
    // The endpoints of `supervisor`, `c`, `b` and `a` are 1 to 4.
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    assert_eq!(refusing(&world), [3]);
    assert_eq!(world.supervisor.start("b"), Ok(()));
    assert!(refusing(&world).is_empty());
    world.settle();
    for _ in 0..3 {
        world.crash("b", Cause::Trapped, 0);
        assert!(refusing(&world).is_empty());
        world.pass(300);
        world.settle();
    }
    world.crash("b", Cause::Trapped, 0);
    assert_eq!(world.server("b").0, State::Failed);
    assert_eq!(refusing(&world), [3]);
    // Who waits for a server that is down would wait for ever.
    assert_eq!(world.supervisor.kill("c"), Ok(()));
    assert_eq!(world.server("c").0, State::Starting);
    assert_eq!(refusing(&world), [3, 2]);
    assert!(world.logged("Warn: `c` waits for `b`, which is down"));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    assert!(refusing(&world).is_empty());
}

#[test]
fn what_depends_on_a_crashed_server_goes_on_and_keeps_its_endpoint() {
    let mut world = World::booted(CHAIN);
    let endpoints = world.machine.endpoints.get();
    let before = world.granted("b");
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.granted("b"), before);
    assert_eq!(world.machine.endpoints.get(), endpoints);
    assert_eq!(world.server("c"), (State::Running, 0));
}

#[test]
fn a_server_has_one_capsule_in_all_its_lives() {
    let with = CHAIN.replace("exports = [\"x:y/b\"]", "exports = [\"x:y/b\"]\ncapsule = \"4 KiB\"");
    let mut world = World::booted(&with);
    let has =
        |world: &World, name: &str| world.granted(name).contains(&"capsule of 4096".to_string());
    assert!(has(&world, "b") && !has(&world, "a") && !has(&world, "c"));
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert!(has(&world, "b"));
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    world.settle();
    assert!(has(&world, "b"));
    assert_eq!(world.machine.capsules.get(), 1);
    let grants = world.supervisor.grants("b").expect("server");
    assert!(grants.contains(&"atoll:lifecycle/capsule -> capsule of 4096 bytes".to_string()));
}

#[test]
fn a_restarting_server_waits_for_a_dead_provider() {
    let mut world = World::booted(CHAIN);
    world.crash("a", Cause::Trapped, 0);
    assert_eq!(world.server("a"), (State::Failed, 0));
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b").0, State::Starting);
    assert_eq!(world.machine.population(), ["c"]);
    assert_eq!(world.supervisor.start("a"), Ok(()));
    world.settle();
    assert_eq!(world.server("b").0, State::Running);
}

#[test]
fn policies_decide_about_ends_that_went_well() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Exited, 0);
    assert_eq!(world.server("b"), (State::Stopped, 0));
    world.crash("c", Cause::Exited, 3);
    assert!(world.logged("`c` exited with code 3"));
    // Its provider is stopped, so it waits.
    assert_eq!(world.server("c"), (State::Starting, 1));
}

#[test]
fn a_refused_component_is_not_tried_again() {
    let mut world = World::new(CHAIN);
    world.boot();
    world.crash("a", Cause::Refused, 0);
    assert_eq!(world.server("a"), (State::Failed, 0));
    assert_eq!(world.server("b").0, State::Starting);
}

#[test]
fn a_refusal_while_a_provider_restarts_is_tried_again() {
    let loaded = CHAIN.replace("[servers.c]", "[servers.c]\nsnapshot = false");
    let mut world = World::booted(&loaded);
    assert_eq!(world.supervisor.kill("c"), Ok(()));
    assert_eq!(world.server("c"), (State::Starting, 1));
    assert_eq!(world.supervisor.kill("b"), Ok(()));
    world.crash("c", Cause::Refused, 0);
    assert_eq!(world.server("c").0, State::BackingOff);
    world.settle();
    world.pass(100);
    world.settle();
    assert_eq!(world.server("c"), (State::Running, 2));
}
