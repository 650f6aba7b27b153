//! What goes wrong, and that the old version serves after it.

use atoll_supervisor::{
    kernel::{Cause, Phase},
    server::State,
    swap,
};

use super::{CHAIN, begin, is_settled, record, why};
use crate::simulated::{Source, World, to};

#[test]
fn every_failure_leaves_the_old_version() {
    /// After so many steps, what goes wrong, and what is said of it.
    type Case = (usize, fn(&mut World), &'static str);
    fn end(component: &str, world: &mut World) {
        let index = world.machine.running(component).expect("lives");
        world.machine.end(index, Cause::Trapped, 0);
        world.deliver();
    }
    fn hang(component: &str, world: &mut World) {
        let index = world.machine.running(component).expect("lives");
        world.machine.domains.borrow_mut()[index].hangs = true;
        world.settle();
    }
    let cases: [Case; 8] = [
        (0, |world| end("b2.wasm", world), "prepare of `b`: the new version trapped: unreachable"),
        (
            0,
            |world| {
                hang("b2.wasm", world);
                world.pass(30_000)
            },
            "prepare: the deadline passed",
        ),
        (1, |world| end("b2.wasm", world), "quiesce of `b`: the new version trapped: unreachable"),
        (
            1,
            |world| {
                hang("b.wasm", world);
                world.pass(1_000)
            },
            "quiesce: the deadline passed",
        ),
        (
            1,
            |world| {
                let old = world.machine.running("b.wasm").expect("lives");
                let mut domains = world.machine.domains.borrow_mut();
                domains[old].phase = Phase::Unsaved("too much".to_string());
                domains[old].changed = true;
                drop(domains);
                world.deliver();
            },
            "quiesce of `b`: the old version cannot save: too much",
        ),
        (2, |world| end("b2.wasm", world), "transfer of `b`: the new version trapped: unreachable"),
        (
            2,
            |world| {
                hang("b2.wasm", world);
                world.pass(1_000)
            },
            "transfer: the deadline passed",
        ),
        (
            3,
            |world| end("b2.wasm", world),
            "probation of `b`: the new version trapped: unreachable",
        ),
    ];
    for (steps, fail, said) in cases {
        let mut world = World::booted(CHAIN);
        let id = begin(&mut world, &[to("b", "b2.wasm")]);
        let old = world.machine.running("b.wasm").expect("lives");
        for _ in 0..steps {
            assert!(world.step());
        }
        fail(&mut world);
        assert_eq!(why(&mut world, id), said);
        assert!(world.logged(&format!(
            "Error: `b`: not swapped to b2.wasm, the old version serves: {said}"
        )));
        assert_eq!(world.machine.running("b.wasm"), Some(old), "{said}");
        assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm"], "{said}");
        assert_eq!(world.server("b"), (State::Running, 0), "{said}");
        world.machine.domains.borrow_mut()[old].hangs = false;
        is_settled(&world);
        // And it can be swapped after all.
        begin(&mut world, &[to("b", "b2.wasm")]);
        world.settle();
        world.pass(1_000);
        assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b2.wasm"], "{said}");
    }
}

#[test]
fn an_old_version_that_ends_is_restarted() {
    for steps in 0..3 {
        let mut world = World::booted(CHAIN);
        let id = begin(&mut world, &[to("b", "b2.wasm")]);
        for _ in 0..steps {
            world.step();
        }
        let old = world.machine.running("b.wasm").expect("lives");
        world.machine.end(old, Cause::Trapped, 0);
        world.settle();
        assert!(why(&mut world, id).ends_with("of `b`: the old version trapped: unreachable"));
        assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b.wasm"]);
        assert_eq!(world.server("b"), (State::Running, 1));
        is_settled(&world);
    }
    // On probation there is nothing to go back to any more.
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    world.settle();
    let old = world.machine.running("b.wasm").expect("lives");
    world.machine.end(old, Cause::Killed, 0);
    world.settle();
    assert_eq!(record(&mut world, id).result, swap::Result::Swapped);
    assert_eq!(world.server("b"), (State::Running, 0));
    is_settled(&world);
}

#[test]
fn when_both_versions_end_the_old_one_is_started() {
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    world.settle();
    for component in ["b.wasm", "b2.wasm"] {
        let index = world.machine.running(component).expect("lives");
        world.machine.end(index, Cause::Trapped, 0);
    }
    world.settle();
    world.pass(10_000);
    assert_ne!(record(&mut world, id).result, swap::Result::Running);
    assert_eq!(world.server("b").0, State::Running);
    assert_eq!(world.machine.population().len(), 3);
    is_settled(&world);
}

#[test]
fn deadlines_are_those_of_the_description() {
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("a", "a2.wasm"), to("c", "c2.wasm")]);
    let index = world.machine.running("a2.wasm").expect("lives");
    world.machine.domains.borrow_mut()[index].hangs = true;
    world.settle();
    world.pass(39_999);
    assert_eq!(record(&mut world, id).result, swap::Result::Running);
    world.pass(1);
    assert_eq!(why(&mut world, id), "prepare: the deadline passed");
}

#[test]
fn what_came_in_time_counts_even_if_the_deadline_is_heard_of_first() {
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    world.machine.now.set(world.machine.now.get() + 30_000_000_000);
    world.machine.step();
    let timers = world
        .machine
        .pollables
        .borrow()
        .values()
        .find_map(|(source, token)| token.filter(|_| matches!(source, Source::Timer(_))));
    world.supervisor.ready(timers.expect("a timer"));
    assert_eq!(record(&mut world, id).result, swap::Result::Running);
    world.settle();
    world.pass(1_000);
    assert_eq!(record(&mut world, id).result, swap::Result::Swapped);
}

#[test]
fn a_new_version_that_answers_nothing_on_probation_is_rolled_back() {
    for (calls, is_calling) in [(1, false), (0, false), (1, true)] {
        let mut world = World::booted(CHAIN);
        let id = begin(&mut world, &[to("b", "b2.wasm")]);
        world.settle();
        let index = world.machine.running("b2.wasm").expect("lives");
        if let Some(new) = world.machine.domains.borrow_mut().get_mut(index) {
            (new.hangs, new.calls, new.is_calling) = (true, calls, is_calling);
        }
        world.pass(1_000);
        if calls == 0 || is_calling {
            assert_eq!(record(&mut world, id).result, swap::Result::Swapped);
        } else {
            // The probation is over, but it may take another second to finish what it has.
            world.pass(999);
            assert_eq!(record(&mut world, id).result, swap::Result::Running);
            world.pass(1);
            let told = "the new version does not work: it answered none of the calls that it has";
            assert_eq!(why(&mut world, id), format!("probation of `b`: {told}"));
            assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm"]);
        }
    }
}

#[test]
fn a_missing_component_rolls_back_at_once() {
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("b", "nothing.wasm"), to("c", "c2.wasm")]);
    assert_eq!(why(&mut world, id), "prepare of `b`: nothing.wasm not found");
    assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm"]);
    is_settled(&world);
}

#[test]
fn stop_kill_and_restart_end_a_swap() {
    for steps in 0..4 {
        for request in ["stop", "kill", "restart"] {
            let mut world = World::booted(CHAIN);
            let id = begin(&mut world, &[to("b", "b2.wasm")]);
            for _ in 0..steps {
                world.step();
            }
            let done = match request {
                "stop" => world.supervisor.stop("b"),
                "kill" => world.supervisor.kill("b"),
                _ => world.supervisor.restart("b"),
            };
            assert_eq!(done, Ok(()));
            world.settle();
            assert!(matches!(record(&mut world, id).result, swap::Result::RolledBack(_)));
            let mut living = world.machine.components();
            living.sort();
            match request {
                "stop" => assert_eq!(living, ["a.wasm", "c.wasm"]),
                _ => assert_eq!(living, ["a.wasm", "b.wasm", "c.wasm"]),
            }
            is_settled(&world);
        }
    }
}
