//! Supervisors that go on where another one ended; [`swaps`] that were under way, and the
//! supervisor's own.

mod succession;
mod swaps;

use atoll_supervisor::{
    kernel::{Cause, Error, Phase},
    server::State,
};

use crate::{
    CHAIN,
    simulated::{Source, World},
    streams,
};

/// The domains that live, with their numbers.
fn living(world: &World) -> Vec<(usize, String)> {
    let domains = world.machine.domains.borrow();
    let living = domains.iter().enumerate();
    let living = living.filter(|(_, domain)| !matches!(domain.phase, Phase::Ended(_)));
    living.map(|(index, domain)| (index, domain.name.clone())).collect()
}

#[test]
fn nobody_is_restarted_when_the_supervisor_ends() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    let (before, endpoints) = (living(&world), world.machine.endpoints.get());
    for _ in 0..5 {
        world.crash_supervisor();
        world.settle();
    }
    assert_eq!(living(&world), before);
    assert_eq!(world.machine.endpoints.get(), endpoints);
    assert!(world.machine.given_up_alive.borrow().is_empty());
    for (name, restarts) in [("a", 0), ("b", 1), ("c", 0)] {
        assert_eq!(world.server(name), (State::Running, restarts), "{name}");
    }
    assert!(world.logged("goes on as supervisor after the one before trapped"));
    // Its limit has not forgotten the restart.
    world.crash("b", Cause::Trapped, 0);
    assert_eq!(world.server("b"), (State::BackingOff, 1));
}

#[test]
fn what_ended_meanwhile_is_restarted_as_its_policy_says() {
    let mut world = World::booted(CHAIN);
    for name in ["a", "b"] {
        let index = world.machine.living(name).expect("lives");
        world.machine.end(index, Cause::Trapped, 0);
    }
    world.crash_supervisor();
    assert!(world.logged("Error: `a` trapped: unreachable; it has failed"));
    assert_eq!(world.server("a"), (State::Failed, 0));
    // `b` waits for `a`.
    assert_eq!(world.server("b"), (State::Starting, 1));
    assert_eq!(world.supervisor.start("a"), Ok(()));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert_eq!(world.machine.population(), ["c", "a", "b"]);
}

#[test]
fn what_operators_and_policies_decided_stands() {
    let mut world = World::booted(CHAIN);
    assert_eq!(world.supervisor.stop("c"), Ok(()));
    world.crash("a", Cause::Trapped, 0);
    world.crash("b", Cause::Trapped, 0);
    world.crash_supervisor();
    world.settle();
    assert_eq!(world.server("c").0, State::Stopped);
    assert_eq!(world.server("a").0, State::Failed);
    assert_eq!(world.server("b").0, State::Starting);
    // Calls to those that are down fail, still.
    let mut refusing = world.machine.refusing.borrow().clone();
    refusing.sort_unstable();
    assert_eq!(refusing, [2, 3, 4]);
}

#[test]
fn a_pause_begins_again() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    world.crash("b", Cause::Trapped, 0);
    assert_eq!(world.server("b"), (State::BackingOff, 1));
    world.crash_supervisor();
    assert_eq!(world.server("b"), (State::BackingOff, 1));
    world.pass(100);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 2));
}

#[test]
fn a_restart_that_was_under_way_goes_on() {
    for kept in [false, true] {
        let mut world = World::booted(CHAIN);
        let index = world.machine.living("b").expect("lives");
        world.machine.end(index, Cause::Trapped, 0);
        // The supervisor makes the next domain, and ends before or after it has noted that.
        let token = world.machine.token_of(Source::Domain(index)).expect("watched");
        world.supervisor.ready(token);
        assert_eq!(world.machine.population(), ["a", "c", "b"]);
        let before = living(&world);
        if kept {
            world.crash_supervisor();
        } else {
            world.crash_unkept();
        }
        world.settle();
        assert_eq!(living(&world), before);
        assert_eq!(world.server("b").0, State::Running);
    }
}

#[test]
fn a_start_that_does_not_come_to_an_end_has_a_deadline_again() {
    let mut world = World::new(CHAIN);
    world.boot();
    let index = world.machine.living("a").expect("lives");
    world.machine.domains.borrow_mut()[index].hangs = true;
    world.crash_supervisor();
    assert_eq!(world.server("a").0, State::Starting);
    world.pass(30_000);
    assert_eq!(world.server("a").0, State::Failed);
}

#[test]
fn a_supervisor_that_ends_while_it_begins_is_followed_by_one_that_begins() {
    let mut world = World::new(CHAIN);
    assert_eq!(world.supervisor.boot(), Ok(()));
    world.crash_unkept();
    world.settle();
    assert_eq!(world.machine.population(), ["a", "b", "c"]);
}

#[test]
fn programs_go_on_and_are_found_by_name() {
    let mut world = World::booted(CHAIN);
    let id = world.supervisor.run("p", vec![], streams()).expect("runs");
    let name = world.supervisor.task_name(id);
    assert_eq!(name, "p.1");
    world.settle();
    world.crash_supervisor();
    let listed: Vec<String> =
        world.supervisor.list().into_iter().map(|listed| listed.name).collect();
    assert!(listed.contains(&name), "{listed:?}");
    let id = world.supervisor.task_named(&name).expect("is there");
    assert_eq!(world.supervisor.task_exit(id), None);
    world.crash(&name, Cause::Exited, 3);
    assert_eq!(world.supervisor.task_exit(id).map(|exit| exit.code), Some(3));
    world.supervisor.task_drop(id);
    assert_eq!(world.supervisor.task_named(&name), Err(Error::NotFound(name)));
    // Names go on, too.
    let id = world.supervisor.run("p", vec![], streams()).expect("runs");
    assert_eq!(world.supervisor.task_name(id), "p.2");
}

#[test]
fn how_a_program_ended_meanwhile_is_known() {
    let mut world = World::booted(CHAIN);
    world.supervisor.run("p", vec![], streams()).expect("runs");
    world.settle();
    let index = world.machine.living("p.1").expect("lives");
    world.machine.end(index, Cause::Exited, 4);
    world.crash_supervisor();
    let id = world.supervisor.task_named("p.1").expect("is there");
    assert_eq!(world.supervisor.task_exit(id).map(|exit| exit.code), Some(4));
}

#[test]
fn tasks_that_nobody_asks_for_are_forgotten_in_the_end() {
    let mut world = World::booted(CHAIN);
    for _ in 0..20 {
        world.supervisor.run("p", vec![], streams()).expect("runs");
    }
    world.settle();
    world.crash_supervisor();
    for number in 1..=20 {
        world.crash(&format!("p.{number}"), Cause::Exited, 0);
    }
    assert_eq!(world.supervisor.task_named("p.4"), Err(Error::NotFound("p.4".to_string())));
    assert!(world.supervisor.task_named("p.5").is_ok());
}

#[test]
fn an_heir_serves_while_there_is_no_supervisor_and_the_next_one_is_made_after() {
    let own = |world: &World| -> Vec<usize> {
        living(world).into_iter().filter(|(_, name)| name == "b").map(|(index, _)| index).collect()
    };
    for fails in [false, true] {
        let mut world = World::booted(&CHAIN.replace("limit = 3", "heir = true, limit = 3"));
        world.pass(10);
        world.settle();
        let [server, heir] = own(&world)[..] else { panic!("it has an heir") };
        if fails {
            world.machine.end(server, Cause::Trapped, 0);
        }
        world.crash_supervisor();
        world.settle();
        let serving = if fails { heir } else { server };
        assert_eq!((own(&world), world.server("b").0), (vec![serving], State::Running));
        world.pass(10);
        world.settle();
        assert_eq!(own(&world).len(), 2);
        world.crash("b", Cause::Trapped, 0);
        world.settle();
        assert!(world.logged("Info: `b` is ready: its heir serves"));
    }
}

#[test]
fn capsules_and_probes_go_on() {
    let description = CHAIN.replace(
        "exports = [\"x:y/b\"]",
        "exports = [\"x:y/b\"]\ncapsule = \"4 KiB\"\nhealth = { every = \"1 s\", deadline = \"1 s\" }",
    );
    let mut world = World::booted(&description);
    world.crash_supervisor();
    assert_eq!(world.machine.capsules.get(), 1);
    let index = world.machine.living("b").expect("lives");
    world.machine.domains.borrow_mut()[index].hangs = true;
    world.pass(1_000);
    world.pass(1_000);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert!(world.granted("b").contains(&"capsule of 4096".to_string()));
}

#[test]
fn a_ledger_that_is_not_understood_is_not_overwritten() {
    let mut world = World::booted(CHAIN);
    world.machine.records.borrow_mut().insert(0, vec![9; 12]);
    let before = world.machine.records.borrow().clone();
    world.machine.estate.set(true);
    let play = crate::simulated::Play(world.machine.clone());
    world.supervisor = atoll_supervisor::Supervisor::new(play);
    let refused = world.supervisor.boot().expect_err("refused");
    assert!(refused.contains("layout"), "{refused}");
    world.supervisor.keep();
    assert_eq!(*world.machine.records.borrow(), before);
}
