//! Programs: their streams, their ends, and those that they import from.

use atoll_supervisor::{
    kernel::{Cause, Error},
    server::State,
};

use crate::{CHAIN, simulated::World, streams};

#[test]
fn a_program_runs_and_tells_its_end() {
    let mut world = World::booted(CHAIN);
    let arguments = vec!["one".to_string(), "two".to_string()];
    let id = world.supervisor.run("p", arguments, streams()).expect("runs");
    assert_eq!(world.supervisor.task_name(id), "p.1");
    let finished = world.supervisor.task_finished(id).expect("pollable");
    {
        let domains = world.machine.domains.borrow();
        let domain = domains.last().expect("domain");
        assert_eq!(domain.arguments, ["p.1", "one", "two"]);
        assert!(domain.grants.contains(&"in out err".to_string()));
        assert!(domain.grants.contains(&"wasi:cli/stdout [] None".to_string()));
    }
    world.settle();
    assert_eq!(world.supervisor.task_exit(id), None);
    assert_eq!(
        world.supervisor.list().last().map(|listed| listed.name.clone()),
        Some("p.1".into())
    );
    world.crash("p.1", Cause::Exited, 7);
    assert_eq!(*world.machine.events.borrow(), [true]);
    let exit = world.supervisor.task_exit(id).expect("ended");
    assert_eq!((exit.completed, exit.code, exit.message.as_str()), (true, 7, ""));
    drop(finished);
    world.supervisor.task_drop(id);
    assert_eq!(world.supervisor.task_exit(id), None);
    assert!(world.machine.domains.borrow().last().is_some_and(|domain| domain.dropped));
}

#[test]
fn a_program_that_crashes_says_why() {
    let mut world = World::booted(CHAIN);
    let id = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    world.settle();
    world.crash("p.1", Cause::Trapped, 0);
    let exit = world.supervisor.task_exit(id).expect("ended");
    assert_eq!((exit.completed, exit.message.as_str()), (false, "trapped: unreachable"));
    assert!(world.logged("Warn: `p.1` trapped: unreachable"));
}

#[test]
fn dropping_or_killing_a_task_ends_the_program() {
    let mut world = World::booted(CHAIN);
    let first = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    let second = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    world.settle();
    assert!(world.machine.living("p.2").is_some());
    world.supervisor.task_drop(first);
    assert!(world.machine.living("p.1").is_none());
    assert_eq!(world.supervisor.kill("p.2"), Ok(()));
    assert!(world.machine.living("p.2").is_none());
    assert!(!world.supervisor.task_exit(second).expect("ended").completed);
    assert_eq!(world.supervisor.kill("p.2"), Err(Error::NotFound("p.2".to_string())));
}

#[test]
fn a_program_waits_for_a_provider_that_is_being_restarted() {
    let mut world = World::booted(CHAIN);
    assert_eq!(world.supervisor.kill("c"), Ok(()));
    let id = world.supervisor.run("p", vec!["x".to_string()], streams()).expect("waits");
    assert_eq!((world.machine.living("p.1"), world.supervisor.task_exit(id)), (None, None));
    assert_eq!(world.server("p.1").0, State::Starting);
    world.settle();
    assert_eq!(world.server("p.1").0, State::Running);
    assert_eq!(world.machine.domains.borrow().last().expect("domain").arguments, ["p.1", "x"]);
    world.supervisor.task_drop(id);

    assert_eq!(world.supervisor.kill("c"), Ok(()));
    let first = world.supervisor.run("p", Vec::new(), streams()).expect("waits");
    let second = world.supervisor.run("p", Vec::new(), streams()).expect("waits");
    world.supervisor.task_kill(first);
    assert_eq!(world.supervisor.task_exit(first).expect("ended").message, "was killed");
    assert_eq!(world.supervisor.stop("c"), Ok(()));
    let exit = world.supervisor.task_exit(second).expect("ended");
    assert_eq!((exit.completed, exit.message.as_str()), (false, "c is not running"));
    assert_eq!(*world.machine.events.borrow(), [true, true, true]);
}

#[test]
fn a_program_needs_its_providers_running() {
    let mut world = World::booted(CHAIN);
    assert_eq!(world.supervisor.stop("c"), Ok(()));
    let refused = world.supervisor.run("p", Vec::new(), streams());
    assert_eq!(refused, Err(Error::NotRunning("c".to_string())));
    let missing = world.supervisor.run("q", Vec::new(), streams());
    assert_eq!(missing, Err(Error::NotFound("q".to_string())));
}
