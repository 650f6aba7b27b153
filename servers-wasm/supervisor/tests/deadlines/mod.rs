//! What does not become ready in time.

use atoll_supervisor::server::State;

use crate::{
    simulated::{Source, World},
    streams,
};

const SLOW: &str = r#"
[system]
name = "slow"
[servers.slow]
component = "a.wasm"
start-deadline = "2 s"
restart = { policy = "on-failure", limit = 2, window = "1 s", backoff = "100 ms", backoff-max = "100 ms" }
[servers.other]
component = "b.wasm"
[programs.p]
component = "c.wasm"
start-deadline = "1 s"
"#;

#[test]
fn a_server_that_does_not_become_ready_is_killed_at_its_deadline() {
    let mut world = World::new(SLOW);
    world.boot();
    world.pass(1_999);
    assert_eq!(world.machine.population(), ["slow", "other"]);
    world.pass(1);
    assert!(world.logged(
        "Error: `slow` was not ready 2 s after its start, its `start-deadline`, and was killed; \
         it is restarted at once"
    ));
    assert_eq!(world.server("slow"), (State::Starting, 1));
    assert_eq!(world.server("other"), (State::Starting, 0));
    // The window is shorter than the deadline, and still it is not tried for ever.
    world.pass(2_000);
    assert_eq!(world.server("slow"), (State::BackingOff, 1));
    world.pass(100);
    world.pass(2_000);
    assert_eq!(world.server("slow"), (State::Failed, 2));
    assert!(world.logged("and was killed; it has failed, after 2 restarts within 1 s"));
    assert_eq!(world.machine.population(), ["other"]);
}

#[test]
fn readiness_ends_the_deadline() {
    let mut world = World::booted(SLOW);
    world.pass(60_000);
    assert_eq!(world.server("slow"), (State::Running, 0));
    assert!(!world.logged("killed"));
    let timers = world.machine.pollables.borrow();
    assert!(timers.values().all(|(source, _)| !matches!(source, Source::Timer(_))));
}

#[test]
fn a_program_has_a_deadline_until_it_runs() {
    let mut world = World::booted(SLOW);
    let slow = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    world.pass(1_000);
    let exit = world.supervisor.task_exit(slow).expect("ended");
    assert!(!exit.completed);
    assert!(exit.message.starts_with("was not ready 1 s after its start"), "{}", exit.message);
    let quick = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    world.settle();
    world.pass(60_000);
    assert_eq!(world.supervisor.task_exit(quick), None);
}
