//! Heirs: when a server has one, when it is used, and when it must not be.

use atoll_supervisor::{kernel::Cause, server::State, swap::Purpose};

use crate::simulated::{World, to};

/// `b` has an heir; two restarts in a row and no more within ten seconds.
const HEIR: &str = r#"
[system]
name = "heir"
versions = ["b2.wasm"]
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
restart = { escalate = true }
[servers.b]
component = "b.wasm"
exports = ["x:y/b"]
imports = { "x:y/a" = { server = "a" } }
restart = { heir = true, limit = 2, backoff = "100 ms" }
"#;

/// Domains of `b` that live.
fn population(world: &World) -> usize {
    world.machine.population().iter().filter(|name| *name == "b").count()
}

fn heir_in_words(world: &World) -> String {
    world.supervisor.policy("b").expect("a policy")[2].clone()
}

/// Boots and lets `b` have its heir.
fn with_heir(description: &str) -> World {
    let mut world = World::booted(description);
    assert_eq!(population(&world), 1, "clients come first");
    world.pass(10);
    world.settle();
    world
}

#[test]
fn an_heir_is_the_server_after_a_crash() {
    let mut world = with_heir(HEIR);
    assert_eq!(population(&world), 2);
    assert_eq!(heir_in_words(&world), "heir: a clone stands by");
    let made = world.machine.domains.borrow().len();
    let grants = world.granted("b");
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert!(world.logged("Info: `b` is ready: its heir serves"));
    assert_eq!(world.machine.domains.borrow().len(), made, "nothing else was started");
    assert_eq!(heir_in_words(&world), "heir: none yet");
    assert_eq!(world.granted("b"), grants);
    assert!(world.machine.given_up_alive.borrow().is_empty());
}

#[test]
fn the_next_heir_comes_when_a_restart_would_be_at_once_again() {
    let mut world = with_heir(HEIR);
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    world.pass(9_999);
    assert_eq!(population(&world), 1);
    world.crash("b", Cause::Trapped, 0);
    assert_eq!(world.server("b"), (State::BackingOff, 1));
    world.pass(100);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 2));
    world.pass(9_899);
    assert_eq!(population(&world), 1);
    world.pass(1);
    world.settle();
    assert_eq!(population(&world), 2);
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 3));
}

#[test]
fn without_the_setting_or_a_snapshot_there_is_none() {
    let cases = [
        ("heir = true, ", "", "heir: none"),
        (
            "[servers.b]",
            "[servers.b]\nsnapshot = false",
            "heir: none, as it is not kept for clones",
        ),
    ];
    for (from, to, words) in cases {
        let world = with_heir(&HEIR.replace(from, to));
        assert_eq!((population(&world), heir_in_words(&world).as_str()), (1, words));
    }
}

#[test]
fn whoever_is_ended_on_request_has_no_heir() {
    let mut world = with_heir(HEIR);
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    world.settle();
    assert_eq!((world.server("b").0, population(&world)), (State::Stopped, 0));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    world.settle();
    world.pass(10);
    world.settle();
    assert_eq!(world.supervisor.restart("b"), Ok(()));
    world.settle();
    assert_eq!((world.server("b").0, population(&world)), (State::Running, 1));
    world.pass(10);
    world.settle();
    assert_eq!(population(&world), 2);
    assert_eq!(world.supervisor.kill("b"), Ok(()));
    world.settle();
    assert_eq!((world.server("b"), population(&world)), ((State::Running, 2), 1));
}

#[test]
fn an_end_that_is_no_failure_leaves_no_heir() {
    let mut world = with_heir(HEIR);
    world.crash("b", Cause::Exited, 0);
    world.settle();
    assert_eq!((world.server("b").0, population(&world)), (State::Stopped, 0));
}

#[test]
fn dependants_that_are_restarted_get_new_heirs() {
    let mut world = with_heir(HEIR);
    world.crash("a", Cause::Trapped, 0);
    world.settle();
    assert!(world.logged("`b` is restarted because `a` is"));
    assert_eq!((world.server("b").0, population(&world)), (State::Running, 1));
    world.pass(10);
    world.settle();
    assert_eq!(population(&world), 2);
}

#[test]
fn an_heir_that_ends_leaves_the_server_alone() {
    let mut world = with_heir(HEIR);
    let heir = world.machine.domains.borrow().len() - 1;
    world.machine.end(heir, Cause::Refused, 1);
    world.deliver();
    assert!(world.logged("Warn: `b` has lost its heir"));
    world.crash("b", Cause::Trapped, 0);
    assert!(world.is_clone("b"));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
}

#[test]
fn an_heir_that_fails_at_its_start_is_replaced_in_the_same_restart() {
    let mut world = with_heir(HEIR);
    world.crash("b", Cause::Trapped, 0);
    assert_eq!(world.server("b"), (State::Starting, 1));
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert!(!world.is_clone("b"), "what failed at its start is not worth a clone");
}

#[test]
fn a_server_and_its_heir_that_are_both_gone_are_one_crash() {
    let mut world = with_heir(HEIR);
    let heir = world.machine.domains.borrow().len() - 1;
    let server = world.machine.living("b").expect("lives");
    world.machine.end(server, Cause::Trapped, 0);
    world.machine.end(heir, Cause::Trapped, 0);
    world.deliver();
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert_eq!(population(&world), 1);
}

#[test]
fn a_swap_has_no_heirs_and_what_stays_gets_one() {
    let mut world = with_heir(HEIR);
    let replacements = [to("b", "b2.wasm")];
    world.supervisor.swap(&replacements, Purpose::Replace).expect("begins");
    world.settle();
    assert_eq!(population(&world), 2, "the old version and the new one");
    world.pass(1_000);
    world.settle();
    assert_eq!(world.machine.running("b.wasm"), None);
    world.pass(10);
    world.settle();
    assert_eq!(population(&world), 2);
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert!(world.machine.running("b2.wasm").is_some());
    assert_eq!(world.server("b"), (State::Running, 1));
}

#[test]
fn no_room_for_an_heir_is_no_harm() {
    let mut world = World::booted(HEIR);
    world.machine.clones.set(false);
    world.pass(10);
    world.settle();
    assert!(world.logged("Warn: `b` has no heir: no room: memory"));
    assert_eq!(world.server("b"), (State::Running, 0));
}
