//! What operators may ask for: checks, grants, rollback, and what is refused.

use atoll_supervisor::{
    kernel::Error,
    swap::{self, Purpose, Replacement},
};

use super::{CHAIN, begin, is_settled, record, why};
use crate::simulated::{World, to};

#[test]
fn a_check_changes_nothing() {
    let mut world = World::booted(CHAIN);
    let id = world.supervisor.swap(&[to("b", "b2.wasm")], Purpose::Check).expect("a check");
    world.settle();
    assert_eq!(record(&mut world, id).result, swap::Result::Checked);
    assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm"]);
    assert!(world.logged("`b`: can be swapped to b2.wasm"));
    assert!(matches!(world.supervisor.rollback("b"), Err(Error::NotFound(_))));
    is_settled(&world);
}

#[test]
fn a_version_gets_the_old_grants_and_those_of_the_command() {
    let mut world = World::booted(CHAIN);
    let mut version = to("b", "b2.wasm");
    version.grants = vec!["atoll:clocks/monotonic=kernel".to_string()];
    begin(&mut world, &[version.clone()]);
    let granted = world.granted("b");
    let has = |grant: &str| granted.iter().any(|line| line == grant);
    assert!(has("atoll:clocks/monotonic [] None"), "{granted:?}");
    assert!(has("atoll:device/port-io [uart] Ports(1016, 8)"), "{granted:?}");
    assert_eq!(world.supervisor.grants("b").expect("grants").len(), 2, "not before it serves");
    world.settle();
    assert_eq!(world.supervisor.grants("b").expect("grants").len(), 3);
    world.pass(1_000);

    let mut refused = |server: &str, grant: &str| {
        let grants = vec![grant.to_string()];
        let version = Replacement { grants, ..to(server, "a2.wasm") };
        match world.supervisor.swap(&[version], Purpose::Replace) {
            Err(Error::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(refused("a", "clock").contains("is no grant"));
    let taken = refused("a", "atoll:device/port-io={ ports = { mine = \"0x3f8\" } }");
    assert_eq!(taken, "`b` is granted ports that `a` has already");
    assert!(refused("a", "x:y/b={ server = \"b\" }").contains("cannot start"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::booted(CHAIN);
    let mut refused = |replacements: &[Replacement]| {
        world.supervisor.swap(replacements, Purpose::Replace).expect_err("refused")
    };
    assert!(matches!(refused(&[]), Error::Invalid(_)));
    assert!(matches!(refused(&[to("b", "b2.wasm"), to("b", "b2.wasm")]), Error::Invalid(_)));
    let both = [to("supervisor", "b2.wasm"), to("b", "b2.wasm")];
    assert!(matches!(refused(&both), Error::Invalid(_)));
    assert!(matches!(refused(&[to("supervisor", "none.wasm")]), Error::NotFound(_)));
    assert_eq!(refused(&[to("x", "b2.wasm")]), Error::NotFound("x".to_string()));
    assert_eq!(world.supervisor.stop("c"), Ok(()));
    let stopped = world.supervisor.swap(&[to("c", "c2.wasm")], Purpose::Replace);
    assert_eq!(stopped, Err(Error::NotRunning("c".to_string())));
    begin(&mut world, &[to("b", "b2.wasm")]);
    for name in ["a", "b"] {
        let busy = world.supervisor.swap(&[to(name, "a2.wasm")], Purpose::Replace);
        assert!(matches!(busy, Err(Error::Invalid(_))), "{name}");
    }
    world.settle();
    // One on probation holds no calls: another one may be swapped.
    begin(&mut world, &[to("a", "a2.wasm")]);
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["b2.wasm", "a2.wasm"]);
}

#[test]
fn rollback_goes_to_the_version_before_and_to_the_one_after() {
    let mut world = World::booted(CHAIN);
    begin(&mut world, &[to("a", "a2.wasm"), to("b", "b2.wasm")]);
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["c.wasm", "a2.wasm", "b2.wasm"]);
    world.supervisor.rollback("b").expect("a swap back");
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["c.wasm", "a.wasm", "b.wasm"]);
    world.supervisor.rollback("a").expect("a swap forth");
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["c.wasm", "a2.wasm", "b2.wasm"]);
    let history = world.supervisor.history("a").expect("history");
    let versions: Vec<(&str, &str)> = history
        .iter()
        .map(|record| (record.changes[0].old.as_str(), record.changes[0].new.as_str()))
        .collect();
    let forth = ("a.wasm", "a2.wasm");
    assert_eq!(versions, [forth, ("a2.wasm", "a.wasm"), forth]);
    assert!(world.supervisor.history("c").expect("history").is_empty());
    is_settled(&world);
}

#[test]
fn rollback_cancels_what_is_not_over() {
    for steps in 0..4 {
        let mut world = World::booted(CHAIN);
        let id = begin(&mut world, &[to("b", "b2.wasm")]);
        for _ in 0..steps {
            world.step();
        }
        assert_eq!(world.supervisor.rollback("b"), Ok(id));
        assert!(why(&mut world, id).ends_with("it was cancelled"));
        assert_eq!(world.machine.components(), ["a.wasm", "b.wasm", "c.wasm"]);
        is_settled(&world);
        world.supervisor.swap_drop(id);
        assert!(world.supervisor.swap_record(id).is_some(), "it has two clients");
        world.supervisor.swap_drop(id);
        assert_eq!(world.supervisor.swap_record(id), None);
    }
}

#[test]
fn rollback_leaves_alone_what_was_swapped_by_itself_since() {
    let mut world = World::booted(CHAIN);
    for set in [vec![to("a", "a2.wasm"), to("b", "b2.wasm")], vec![to("a", "hello.wasm")]] {
        begin(&mut world, &set);
        world.settle();
        world.pass(1_000);
    }
    world.supervisor.rollback("b").expect("a swap back");
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["c.wasm", "hello.wasm", "b.wasm"]);
}
