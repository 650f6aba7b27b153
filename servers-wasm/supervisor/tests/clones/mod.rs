//! Restarts as clones, and when a server is loaded instead.

use atoll_supervisor::{kernel::Cause, server::State};

use crate::{CHAIN, simulated::World};

#[test]
fn a_restart_is_a_clone_with_the_same_grants() {
    let mut world = World::booted(CHAIN);
    let (grants, arguments) = (world.granted("b"), world.arguments("b"));
    assert!(!world.is_clone("b"));
    for _ in 0..2 {
        world.crash("b", Cause::Trapped, 0);
        world.pass(100);
        assert!(world.is_clone("b"));
        assert_eq!(world.server("b").0, State::Starting);
        world.settle();
        assert_eq!(world.server("b").0, State::Running);
        assert_eq!((world.granted("b"), world.arguments("b")), (grants.clone(), arguments.clone()));
    }
    assert!(world.logged("Info: `b` is ready, as a clone"));
    assert_eq!(world.server("b").1, 2);
}

#[test]
fn without_a_snapshot_a_restart_loads() {
    let mut world = World::booted(&CHAIN.replace("[servers.b]", "[servers.b]\nsnapshot = false"));
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert!(!world.is_clone("b") && !world.logged("cannot be cloned"));
}

#[test]
fn a_server_that_cannot_be_cloned_is_loaded() {
    let mut world = World::booted(CHAIN);
    world.machine.clones.set(false);
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert!(!world.is_clone("b"));
    assert!(world.logged("Warn: `b` cannot be cloned: no room: memory"));
    assert!(world.machine.given_up_alive.borrow().is_empty());
}

#[test]
fn a_clone_that_is_not_ready_by_itself_or_in_time_is_loaded_in_the_same_restart() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Trapped, 0);
    assert!(world.is_clone("b"));
    world.crash("b", Cause::Refused, 1);
    assert!(world.logged("Warn: `b` was refused, as a clone; it is loaded instead"));
    assert!(!world.is_clone("b"));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));

    // What was loaded is kept again.
    world.crash("b", Cause::Trapped, 0);
    world.pass(100);
    assert!(world.is_clone("b"));
    world.pass(30_000);
    assert!(world.logged("and was killed, as a clone; it is loaded instead"));
    assert!(!world.is_clone("b"));
    world.crash("b", Cause::Refused, 1);
    assert_eq!(world.server("b").0, State::Failed, "bytes that are refused are not tried again");
}

#[test]
fn nothing_is_kept_of_a_server_that_is_down() {
    let mut world = World::booted(CHAIN);
    let kept = |world: &World| {
        let domains = world.machine.domains.borrow();
        domains.iter().any(|domain| domain.name == "b" && domain.kept && !domain.dropped)
    };
    assert!(kept(&world));
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    assert!(!kept(&world));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    world.settle();
    assert!(!world.is_clone("b") && kept(&world));
    world.crash("b", Cause::Exited, 0);
    assert_eq!(world.server("b").0, State::Stopped);
    assert!(!kept(&world));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    world.settle();
    for _ in 0..4 {
        assert!(kept(&world));
        world.crash("b", Cause::Trapped, 0);
        world.pass(300);
        world.settle();
    }
    assert_eq!(world.server("b").0, State::Failed);
    assert!(!kept(&world));
}
