//! The supervisor over a simulated kernel ([`simulated`]): boot and requests here, every other
//! subject in a module of its own.

mod clones;
mod deadlines;
mod grants;
mod health;
mod heirs;
mod operators;
mod programs;
mod restarts;
mod resume;
mod simulated;
mod swapping;
mod uploads;

use atoll_supervisor::{
    kernel::{Action, Cause, Error, Phase, Streams},
    server::State,
};
use proptest::prelude::{prop, proptest};
use simulated::World;

const DEFAULT: &str = include_str!("../../../iso/systems/default.toml");

/// `c` needs `b`, which needs `a`; `p` is a program that needs `c`.
const CHAIN: &str = r#"
[system]
name = "chain"
[servers.c]
component = "c.wasm"
exports = ["x:y/c"]
[servers.c.imports]
"x:y/b" = { server = "b" }
[servers.b]
component = "b.wasm"
exports = ["x:y/b"]
restart = { policy = "on-failure", limit = 3, window = "10 s", backoff = "100 ms", backoff-max = "300 ms" }
[servers.b.imports]
"x:y/a" = { server = "a" }
"atoll:device/port-io" = { ports = { uart = "0x3f8-0x3ff", beeper = "0x61" } }
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
restart = { policy = "never" }
[programs.p]
component = "a.wasm"
[programs.p.imports]
"x:y/c" = { server = "c" }
"#;

fn streams() -> Streams<&'static str, &'static str> {
    Streams { input: "in", output: "out", error: "err" }
}

#[test]
fn servers_start_when_those_they_import_from_are_ready() {
    let mut world = World::new(CHAIN);
    world.boot();
    assert_eq!(world.machine.population(), ["a"]);
    assert_eq!(world.server("c").0, State::Starting);
    world.settle();
    assert_eq!(world.machine.population(), ["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        assert_eq!(world.server(name), (State::Running, 0));
    }
}

#[test]
fn the_default_system_boots_with_its_grants() {
    let world = World::booted(DEFAULT);
    assert_eq!(world.machine.population(), ["log", "console", "files", "shell"]);
    let published = world.machine.published.borrow();
    assert_eq!(
        *published,
        ["atoll:supervision/servers on 1 as 0", "atoll:supervision/swapping on 2 as 0"]
    );
    let shell = world.granted("shell");
    let lines =
        ["servers to 1", "swapping to 2"].map(|line| "atoll:supervision/".to_owned() + line);
    for line in lines.iter().map(String::as_str).chain(["atoll:log/journal to 3"]) {
        assert!(shell.iter().any(|grant| grant == line), "{line}: {shell:?}");
    }
    let console = world.granted("console");
    for line in [
        "atoll:console/console on 4",
        "atoll:device/port-io [uart] Ports(1016, 8)",
        "atoll:device/irq [keyboard] Interrupt(1)",
        "atoll:device/framebuffer [] Framebuffer",
    ] {
        assert!(console.iter().any(|grant| grant == line), "{line}: {console:?}");
    }
}

#[test]
fn without_a_screen_the_console_starts_all_the_same() {
    let mut world = World::new(DEFAULT);
    world.machine.screen.set(false);
    world.boot();
    let console = world.granted("console");
    assert!(console.iter().any(|grant| grant == "atoll:device/framebuffer [] None"), "{console:?}");
}

#[test]
fn a_bad_description_is_logged_with_its_place_and_nothing_starts() {
    let mut world = World::new("[system]\nname = \"x\"\n[servers.a]\ncolour = 1\n");
    world.boot();
    assert!(world.logged("system.toml:3:10: server `a` has no `component`"));
    assert!(world.machine.population().is_empty());
    assert!(world.supervisor.list().is_empty());

    let mut world = World::new("");
    world.machine.modules.borrow_mut().clear();
    world.boot();
    assert!(world.logged("system.toml not found"));

    let mut world = World::new("");
    world.machine.modules.borrow_mut().insert("system.toml".to_string(), vec![0xff]);
    world.boot();
    assert!(world.logged("not UTF-8"));
}

#[test]
fn a_missing_component_fails_its_server_only() {
    let mut world = World::new(CHAIN);
    world.machine.modules.borrow_mut().remove("c.wasm");
    world.boot();
    world.settle();
    assert_eq!(world.server("c"), (State::Failed, 0));
    assert!(world.logged("Error: `c` cannot start: c.wasm not found"));
    assert_eq!(world.server("b").0, State::Running);
    assert_eq!(world.supervisor.start("c"), Err(Error::NotFound("c.wasm".to_string())));
}

#[test]
fn stop_start_and_kill() {
    let mut world = World::booted(CHAIN);
    assert_eq!(world.supervisor.start("b"), Err(Error::AlreadyRunning("b".to_string())));
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    world.pass(60_000);
    assert_eq!(world.server("b"), (State::Stopped, 0));
    assert_eq!(world.supervisor.stop("b"), Err(Error::NotRunning("b".to_string())));
    assert_eq!(world.supervisor.kill("b"), Err(Error::NotRunning("b".to_string())));
    assert_eq!(world.supervisor.handles("b"), Err(Error::NotRunning("b".to_string())));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    assert_eq!(world.server("b").0, State::Starting);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 0));

    assert_eq!(world.supervisor.kill("b"), Ok(()));
    assert!(world.logged("`b` was killed; it is restarted at once"));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));
    assert_eq!(world.supervisor.kill("b"), Ok(()));
    assert_eq!(world.server("b").0, State::BackingOff);
    assert_eq!(world.supervisor.start("b"), Ok(()));
    world.settle();
    assert_eq!(world.server("b").0, State::Running);

    assert_eq!(world.supervisor.kill("b"), Ok(()));
    world.settle();
    assert_eq!(world.supervisor.kill("b"), Ok(()));
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    world.pass(60_000);
    assert_eq!(world.server("b").0, State::Stopped);
    let missing = Err(Error::NotFound("x".to_string()));
    assert_eq!(world.supervisor.stop("x"), missing);
    assert!(matches!(world.supervisor.stop("supervisor"), Err(Error::Invalid(_))));
    assert!(!world.machine.crashed.get());
    assert_eq!(world.supervisor.kill("supervisor"), Ok(()));
    assert!(world.machine.crashed.get());
}

#[test]
fn starting_by_hand_needs_the_providers() {
    let mut world = World::booted(CHAIN);
    for name in ["a", "b"] {
        assert_eq!(world.supervisor.stop(name), Ok(()));
    }
    assert_eq!(world.supervisor.start("b"), Err(Error::NotRunning("a".to_string())));
}

#[test]
fn power_is_passed_on() {
    let world = World::booted(CHAIN);
    assert!(world.supervisor.power(Action::Reboot).is_err());
    assert_eq!(world.machine.power.get(), Some(Action::Reboot));
}

proptest! {
    /// Whatever happens, a server has at most one living domain, and every server that is to run
    /// does once crashes end and time passes.
    #[test]
    fn one_domain_a_server(steps in prop::collection::vec((0_u8..7, 0_usize..3, 0_u64..400), 0..80)) {
        let mut world = World::booted(CHAIN);
        for (step, server, ms) in steps {
            let name = ["a", "b", "c"][server];
            match step {
                0 => { let _ = world.supervisor.kill(name); }
                1 => { let _ = world.supervisor.stop(name); }
                2 => { let _ = world.supervisor.start(name); }
                3 => world.pass(ms),
                4 => world.settle(),
                5 => if world.machine.living(name).is_some() { world.crash(name, Cause::Trapped, 0) },
                _ => { world.supervisor.list(); }
            }
            for name in ["a", "b", "c"] {
                let living = world.machine.population().into_iter().filter(|n| n == name).count();
                assert!(living <= 1, "{name} lives {living} times");
                let (state, _) = world.server(name);
                assert!(state != State::Running || living == 1, "{name} runs without a domain");
                assert!(living == 0 || matches!(state, State::Running | State::Starting));
            }
        }
        for name in ["a", "b", "c"] {
            let _ = world.supervisor.stop(name);
        }
        for name in ["a", "b", "c"] {
            assert_eq!(world.supervisor.start(name), Ok(()));
            world.settle();
        }
        assert!(world.machine.domains.borrow().iter().all(|domain| domain.phase != Phase::Starting));
        assert_eq!(world.machine.population().len(), 3);
        assert!(world.machine.given_up_alive.borrow().is_empty());
    }
}
