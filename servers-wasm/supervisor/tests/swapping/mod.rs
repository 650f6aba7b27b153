//! Swaps over a simulated kernel: phases and what is told of them; [`failures`] at every point,
//! [`requests`] of operators, and [`sets`] in which one server calls the other.

mod failures;
mod requests;
mod sets;

use atoll_supervisor::{
    kernel::{Cause, Phase},
    server::State,
    swap::{self, Purpose, Record, Replacement},
};
use proptest::prelude::{prop, proptest};

use crate::simulated::{Source, World, to};

/// `c` needs `b`, which needs `a`.
const CHAIN: &str = r#"
[system]
name = "chain"
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
swap = { prepare = "10 s", quiesce = "200 ms", transfer = "300 ms", probation = "400 ms" }
[servers.b]
component = "b.wasm"
exports = ["x:y/b"]
[servers.b.imports]
"x:y/a" = { server = "a" }
"atoll:device/port-io" = { ports = { uart = "0x3f8-0x3ff" } }
[servers.c]
component = "c.wasm"
[servers.c.imports]
"x:y/b" = { server = "b" }
"#;

fn begin(world: &mut World, replacements: &[Replacement]) -> u64 {
    world.supervisor.swap(replacements, Purpose::Replace).expect("a swap")
}

fn record(world: &mut World, id: u64) -> Record {
    world.supervisor.swap_record(id).expect("a transaction")
}

fn why(world: &mut World, id: u64) -> String {
    match record(world, id).result {
        swap::Result::RolledBack(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Nothing is left of a swap but what serves, and no timer.
fn is_settled(world: &World) {
    let domains = world.machine.domains.borrow();
    for domain in domains.iter().filter(|domain| !matches!(domain.phase, Phase::Ended(_))) {
        assert_eq!(domain.phase, Phase::Ready, "{}", domain.component);
    }
    let pollables = world.machine.pollables.borrow();
    assert!(pollables.values().all(|(source, _)| !matches!(source, Source::Timer(_))));
    assert!(world.machine.given_up_alive.borrow().is_empty());
}

#[test]
fn a_swap_goes_through_its_phases() {
    let mut world = World::booted(CHAIN);
    let before = world.granted("b");
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    assert!(world.logged("Info: `b`: being swapped to b2.wasm"));
    assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm", "b2.wasm"]);
    world.machine.now.set(world.machine.now.get() + 5_000_000);
    world.step();
    assert_eq!(record(&mut world, id).phases, [(swap::Phase::Prepare, 5_000_000)]);
    let old = world.machine.running("b.wasm").expect("lives");
    world.machine.domains.borrow_mut()[old].calls = 3;
    world.machine.now.set(world.machine.now.get() + 2_000);
    world.step();
    assert_eq!(world.machine.domains.borrow()[old].phase, Phase::Frozen(100));
    world.machine.now.set(world.machine.now.get() + 3_000);
    world.step();
    let during = record(&mut world, id);
    assert_eq!((during.state_bytes, during.calls_held, during.downtime_ns()), (100, 3, 5_000));
    assert_eq!(during.result, swap::Result::Running);
    assert_eq!(world.server("b"), (State::Running, 0));
    assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm", "b2.wasm"]);
    world.pass(999);
    assert_eq!(record(&mut world, id).result, swap::Result::Running);
    world.pass(1);
    let record = record(&mut world, id);
    assert_eq!(record.result, swap::Result::Swapped);
    let phases: Vec<swap::Phase> = record.phases.iter().map(|(phase, _)| *phase).collect();
    use swap::Phase::{Commit, Prepare, Probation, Quiesce, Transfer};
    assert_eq!(phases, [Prepare, Quiesce, Transfer, Commit, Probation]);
    assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b2.wasm"]);
    assert_eq!(world.granted("b"), before);
    assert_eq!(world.server("b"), (State::Running, 0));
    assert!(world.logged("Info: `b`: quiesce took 2 us"));
    let end = "`b`: swapped to b2.wasm: 100 bytes of state, 3 calls held, down for 5 us";
    assert!(world.logged(end));
    is_settled(&world);

    // Its restart is one of the new version.
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b2.wasm"]);
    assert_eq!(world.server("b"), (State::Running, 1));
}

#[test]
fn a_client_is_told_of_the_phases_when_no_call_waits() {
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    let is_set = |world: &World| world.machine.events.borrow().last().copied().expect("event");
    assert!(!is_set(&world));
    for _ in 0..3 {
        world.step();
        assert!(!is_set(&world));
    }
    assert!(!world.logged("Info: `b`: quiesce took"));
    world.pass(1);
    assert!(is_set(&world));
    assert!(world.logged("Info: `b`: quiesce took"));
    assert_eq!(record(&mut world, id).phases.len(), 4);
    assert!(!is_set(&world));
    world.pass(999);
    assert!(is_set(&world));
    record(&mut world, id);
    assert!(is_set(&world), "nothing more will come");
    world.supervisor.swap_drop(id);
    assert_eq!(world.supervisor.swap_record(id), None);
}

#[test]
fn a_client_that_waits_hears_of_the_first_phase_before_calls_are_held() {
    let mut world = World::booted(CHAIN);
    let old = world.machine.running("b.wasm").expect("lives");
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    let changed = world.supervisor.swap_changed(id).expect("a pollable");
    let is_set = |world: &World| world.machine.events.borrow().last().copied().expect("event");
    world.step();
    assert!(is_set(&world));
    assert!(world.logged("Info: `b`: prepare took"));
    assert_eq!(record(&mut world, id).phases.len(), 1);
    world.step();
    assert_eq!(world.machine.domains.borrow()[old].phase, Phase::Ready, "calls are not held yet");
    world.pass(30);
    world.step();
    assert_eq!(world.machine.domains.borrow()[old].phase, Phase::Frozen(100));
    world.settle();
    assert_eq!(record(&mut world, id).downtime_ns(), 0, "the pause does not count");
    world.pass(1_000);
    assert_eq!(record(&mut world, id).result, swap::Result::Swapped);
    drop(changed);
    is_settled(&world);
}

#[test]
fn a_pause_ends_with_whatever_happens_in_it() {
    for crashes in [false, true] {
        let mut world = World::booted(CHAIN);
        let id = begin(&mut world, &[to("b", "b2.wasm")]);
        let changed = world.supervisor.swap_changed(id).expect("a pollable");
        world.step();
        if crashes {
            world.crash("b", Cause::Trapped, 0);
        } else {
            world.supervisor.swap_cancel(id);
        }
        world.settle();
        world.pass(1_000);
        assert!(why(&mut world, id).starts_with("quiesce"));
        let mut left = world.machine.components();
        left.sort();
        assert_eq!(left, ["a.wasm", "b.wasm", "c.wasm"]);
        drop(changed);
        is_settled(&world);
    }
}

#[test]
fn nobody_has_to_watch_a_swap() {
    let mut world = World::booted(CHAIN);
    let id = begin(&mut world, &[to("b", "b2.wasm")]);
    world.supervisor.swap_drop(id);
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b2.wasm"]);
    assert_eq!(world.supervisor.swap_record(id), None);
    assert_eq!(world.supervisor.history("b").expect("history").len(), 1);
}

#[test]
fn a_set_is_quiesced_from_the_callers_and_taken_over_from_the_called() {
    let mut world = World::booted(CHAIN);
    let set = [to("a", "a2.wasm"), to("c", "c2.wasm")];
    let id = begin(&mut world, &set);
    world.step();
    world.step();
    let phase = |world: &World, component: &str| {
        let index = world.machine.running(component).expect("lives");
        world.machine.domains.borrow()[index].phase.clone()
    };
    world.step();
    assert_eq!(
        (phase(&world, "c.wasm"), phase(&world, "a.wasm")),
        (Phase::Frozen(100), Phase::Ready)
    );
    world.step();
    assert_eq!(phase(&world, "a.wasm"), Phase::Frozen(100));
    world.step();
    assert_eq!(
        (phase(&world, "a2.wasm"), phase(&world, "c2.wasm")),
        (Phase::TookOver, Phase::Prepared(None))
    );
    world.step();
    assert_eq!((phase(&world, "a2.wasm"), phase(&world, "c2.wasm")), (Phase::Ready, Phase::Ready));
    world.pass(1_000);
    let told = record(&mut world, id);
    assert_eq!((told.result, told.state_bytes), (swap::Result::Swapped, 200));
    assert!(world.logged("`a` and `c`: swapped to a2.wasm, c2.wasm"));

    // One that fails takes the other one back.
    let set = [to("a", "a.wasm"), to("c", "c.wasm")];
    let id = begin(&mut world, &set);
    world.settle();
    let index = world.machine.running("c.wasm").expect("lives");
    world.machine.end(index, Cause::Faulted, 0);
    world.settle();
    assert!(why(&mut world, id).starts_with("probation of `c`: the new version faulted"));
    assert_eq!(world.machine.components(), ["b.wasm", "a2.wasm", "c2.wasm"]);
    is_settled(&world);
}

#[test]
fn a_thousand_swaps_leave_nothing_behind() {
    let mut world = World::booted(CHAIN);
    for round in 0..1_000 {
        let component = if round % 2 == 0 { "b2.wasm" } else { "b.wasm" };
        let id = begin(&mut world, &[to("b", component)]);
        world.settle();
        world.pass(1_000);
        assert_eq!(record(&mut world, id).result, swap::Result::Swapped);
        world.supervisor.swap_drop(id);
        assert_eq!(world.machine.population().len(), 3);
        // One for each domain.
        assert_eq!(world.machine.pollables.borrow().len(), 3);
    }
    assert_eq!(world.supervisor.history("b").expect("history").len(), swap::record::REMEMBERED);
    let domains = world.machine.domains.borrow();
    assert!(domains.iter().filter(|domain| !domain.dropped).count() == 3);
}

proptest! {
    /// Whatever happens and in whatever order, in the end each server has one domain, which
    /// serves, of the version that the supervisor says, and nothing else lives.
    #[test]
    fn a_swap_ends_in_old_or_new(steps in prop::collection::vec((0_u8..10, 0_usize..3, 0_u64..1500), 0..60)) {
        let mut world = World::booted(CHAIN);
        let mut ids = Vec::new();
        for (step, server, ms) in steps {
            let name = ["a", "b", "c"][server];
            match step {
                0 => ids.extend(world.supervisor.swap(&[to(name, &format!("{name}2.wasm"))], Purpose::Replace)),
                1 => ids.extend(world.supervisor.swap(
                    &[to("a", "a2.wasm"), to("b", "b.wasm")],
                    if ms % 2 == 0 { Purpose::Replace } else { Purpose::Check },
                )),
                2 => ids.extend(world.supervisor.rollback(name)),
                3 => { let _ = world.supervisor.kill(name); }
                4 => world.pass(ms),
                5 => {
                    let living = world.machine.domains.borrow().len() - 1;
                    world.machine.end(living, Cause::Trapped, 0);
                    world.deliver();
                }
                6 => { let _ = world.supervisor.restart(name); }
                7 => {
                    let last = world.machine.domains.borrow().len() - 1;
                    world.machine.domains.borrow_mut()[last].hangs = true;
                }
                _ => { world.step(); }
            }
        }
        for _ in 0..10 {
            world.pass(60_000);
            for domain in world.machine.domains.borrow_mut().iter_mut() {
                domain.hangs = false;
            }
            world.settle();
        }
        for name in ["a", "b", "c"] {
            let _ = world.supervisor.start(name);
            world.settle();
        }
        for id in ids {
            assert_ne!(record(&mut world, id).result, swap::Result::Running);
            world.supervisor.swap_drop(id);
        }
        let mut population = world.machine.population();
        population.sort();
        assert_eq!(population, ["a", "b", "c"]);
        is_settled(&world);
    }
}
