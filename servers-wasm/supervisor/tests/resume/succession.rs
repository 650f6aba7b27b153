//! Swaps of the supervisor itself, with the guardian's part played by the test.

use atoll_supervisor::{
    Supervisor,
    kernel::{Beginning, Cause, Error, Phase},
    server::State,
    swap::{self, Purpose, Replacement, Result},
};

use super::living;
use crate::{
    CHAIN,
    simulated::{Play, World, to},
    streams,
};

/// The next version.
const NEXT: &str = "a2.wasm";
const FIRST: &str = "supervisor.wasm";

fn replacement() -> Replacement {
    to("supervisor", NEXT)
}

fn booted() -> World {
    let mut world = World::new(CHAIN);
    world.machine.began.borrow_mut().component = FIRST.to_string();
    world.machine.modules.borrow_mut().insert(FIRST.to_string(), Vec::new());
    world.boot();
    world.settle();
    world
}

/// Asks for the next version, which is prepared; the transaction and its domain.
fn asked(world: &mut World) -> (u64, usize) {
    let id = world.supervisor.swap(&[replacement()], Purpose::Replace).expect("a swap");
    world.supervisor.keep();
    world.step();
    let successor = world.machine.succeeding.get().expect("the guardian was asked");
    (id, successor)
}

/// Another supervisor takes over, or goes on.
fn another(world: &mut World, component: &str, before: Option<&str>) {
    world.supervisor.keep();
    world.machine.estate.set(true);
    let before = before.map(str::to_string);
    world.machine.began.replace(Beginning { component: component.to_string(), before });
    world.supervisor = Supervisor::new(Play(world.machine.clone()));
    world.boot();
    world.deliver();
}

/// Components and results of the supervisor's swaps.
fn history(world: &World) -> Vec<(String, Result)> {
    let records = world.supervisor.history("supervisor").expect("known");
    records.into_iter().map(|record| (record.changes[0].new.clone(), record.result)).collect()
}

#[test]
fn the_next_version_has_everything_and_knows_how_it_came() {
    let mut world = booted();
    let others = living(&world);
    let (id, successor) = asked(&mut world);
    another(&mut world, NEXT, None);
    world.machine.end(successor, Cause::Killed, 0);
    let during = world.supervisor.swap_record(id).expect("it can be followed");
    assert_eq!(during.result, Result::Running);
    world.pass(5_000);
    let record = world.supervisor.swap_record(id).expect("a record");
    assert_eq!(record.result, Result::Swapped);
    let phases: Vec<swap::Phase> = record.phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(phases, [swap::Phase::Prepare, swap::Phase::Transfer, swap::Phase::Probation]);
    assert_eq!(record.phases[2].1, 5_000_000_000);
    assert!(world.logged("`supervisor`: swapped to a2.wasm"));
    assert_eq!(history(&world), [(NEXT.to_string(), Result::Swapped)]);
    assert_eq!(living(&world), others);
    for name in ["a", "b", "c"] {
        assert_eq!(world.server(name), (State::Running, 0));
    }
    // And back.
    world.supervisor.rollback("supervisor").expect("a swap");
    world.supervisor.keep();
    world.step();
    another(&mut world, FIRST, None);
    world.pass(5_000);
    assert_eq!(history(&world)[1], (FIRST.to_string(), Result::Swapped));
}

#[test]
fn a_version_that_fails_before_it_serves_is_told_by_the_old_one() {
    let mut world = booted();
    let (id, successor) = asked(&mut world);
    world.machine.end(successor, Cause::Trapped, 0);
    world.deliver();
    let record = world.supervisor.swap_record(id).expect("a record");
    let why = "transfer of `supervisor`: the new version trapped: unreachable".to_string();
    assert_eq!(record.result, Result::RolledBack(why));
    // What was pending is not any more, for whoever comes next.
    world.crash_supervisor();
    assert_eq!(history(&world).len(), 1);
}

#[test]
fn a_version_that_ends_on_probation_is_told_by_the_one_that_comes_back() {
    let mut world = booted();
    asked(&mut world);
    another(&mut world, NEXT, None);
    world.pass(1_000);
    another(&mut world, FIRST, Some("trapped: unreachable"));
    let why = "probation of `supervisor`: the new version trapped: unreachable".to_string();
    assert_eq!(history(&world), [(NEXT.to_string(), Result::RolledBack(why))]);
    let back = world.supervisor.rollback("supervisor");
    assert_eq!(back, Err(Error::NotFound("an earlier version of supervisor".to_string())));
}

#[test]
fn a_version_that_does_not_load_or_is_only_checked_changes_nothing() {
    let mut world = booted();
    let before = living(&world);
    let id = world.supervisor.swap(&[replacement()], Purpose::Replace).expect("a swap");
    let heir = world.machine.living("supervisor").expect("loads");
    world.machine.domains.borrow_mut()[heir].hangs = true;
    world.settle();
    world.pass(30_000);
    world.deliver();
    let record = world.supervisor.swap_record(id).expect("a record");
    assert!(matches!(record.result, Result::RolledBack(_)), "{record:?}");

    let id = world.supervisor.swap(&[replacement()], Purpose::Check).expect("a check");
    world.settle();
    assert_eq!(world.supervisor.swap_record(id).expect("a record").result, Result::Checked);

    let id = world.supervisor.swap(&[replacement()], Purpose::Replace).expect("a swap");
    world.supervisor.swap_cancel(id);
    let record = world.supervisor.swap_record(id).expect("a record");
    assert!(matches!(record.result, Result::RolledBack(_)), "{record:?}");
    assert_eq!(world.machine.succeeding.get(), None);
    assert_eq!(living(&world), before);
}

#[test]
fn a_supervisor_that_ends_in_its_own_swap_is_followed_by_itself() {
    let mut world = booted();
    let before = living(&world);
    let id = world.supervisor.swap(&[replacement()], Purpose::Replace).expect("a swap");
    world.crash_supervisor();
    world.settle();
    assert_eq!(living(&world), before, "the next version is not kept");
    assert_eq!(world.supervisor.swap_record(id), None);
    let (_, successor) = asked(&mut world);
    another(&mut world, FIRST, Some("was killed"));
    assert!(matches!(history(&world)[0].1, Result::RolledBack(_)));
    assert!(matches!(world.machine.domains.borrow()[successor].phase, Phase::Ended(_)));
}

#[test]
fn what_would_be_left_halfway_is_refused() {
    let mut world = booted();
    let refused = |world: &mut World, replacements: &[Replacement]| match world
        .supervisor
        .swap(replacements, Purpose::Replace)
    {
        Err(Error::Invalid(why)) => why,
        other => panic!("{other:?}"),
    };
    let server = to("b", "b2.wasm");
    let alone = refused(&mut world, &[replacement(), server.clone()]);
    assert_eq!(alone, "the supervisor is swapped alone, and granted nothing");
    world.supervisor.swap(std::slice::from_ref(&server), Purpose::Replace).expect("a swap");
    assert!(refused(&mut world, &[replacement()]).contains("`b` are being swapped"));
    world.settle();
    world.pass(1_000);
    asked(&mut world);
    assert!(refused(&mut world, &[replacement()]).contains("being swapped already"));
    assert!(refused(&mut world, &[server]).contains("the supervisor is being swapped"));
}

#[test]
fn nobody_is_swapped_whose_signature_would_not_be_checked() {
    let key = format!("ed25519:{}", "01".repeat(32));
    let keys = format!("[system]\nkeys = {{ release = \"{key}\" }}\nrequire-signature = true");
    let mut world = World::booted(&CHAIN.replace("[system]", &keys));
    let refused = world.supervisor.swap(&[replacement()], Purpose::Replace);
    assert!(matches!(refused, Err(Error::Invalid(why)) if why.contains("signature")));
}

#[test]
fn programs_run_on() {
    let mut world = booted();
    world.supervisor.run("p", vec![], streams()).expect("runs");
    world.settle();
    asked(&mut world);
    another(&mut world, NEXT, None);
    let id = world.supervisor.task_named("p.1").expect("is there");
    world.crash("p.1", Cause::Exited, 0);
    assert!(world.supervisor.task_exit(id).expect("ended").completed);
}

#[test]
fn what_clients_hold_of_programs_is_handed_over() {
    let mut world = booted();
    let ids = [(), ()].map(|()| world.supervisor.run("p", vec![], streams()).expect("runs"));
    world.settle();
    world.crash("p.2", Cause::Exited, 6);
    assert_eq!(world.supervisor.task_exit(ids[1]).map(|exit| exit.code), Some(6));
    let saved = ids.map(|id| world.supervisor.save_task(id));
    asked(&mut world);
    another(&mut world, NEXT, None);
    let ids = saved.map(|data| world.supervisor.restore_task(&data));
    assert_eq!(world.supervisor.task_name(ids[0]), "p.1");
    assert_eq!(world.supervisor.task_exit(ids[0]), None);
    assert_eq!(world.supervisor.task_exit(ids[1]).map(|exit| exit.code), Some(6));
    world.supervisor.task_drop(ids[0]);
    assert_eq!(world.machine.living("p.1"), None, "who drops it ends it, still");
    let lost = world.supervisor.restore_task(b"nonsense");
    assert!(!world.supervisor.task_exit(lost).expect("it is over").completed);
}
