//! The supervisor over a simulated kernel: boot, crashes, restarts, requests, programs; [`swapping`]
//! has the swaps, [`operators`] who may do what, [`health`] the probes and who is restarted with whom,
//! [`resume`] supervisors that go on where another one ended, [`uploads`] components that come at run
//! time.

mod clones;
mod deadlines;
mod health;
mod heirs;
mod operators;
mod programs;
mod resume;
mod simulated;
mod swapping;
mod uploads;

use atoll_supervisor::{
    kernel::{Action, Cause, Error, Phase, Streams},
    server::State,
    swap::Purpose,
};
use proptest::prelude::{prop, proptest};
use simulated::{Source, World, to};

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
fn a_crash_restarts_at_once_then_backs_off_then_fails() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Trapped, 0);
    assert!(world.logged("Error: `b` trapped: unreachable; it is restarted at once"));
    assert_eq!(world.server("b"), (State::Starting, 1));
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 1));

    world.crash("b", Cause::Panicked, 0);
    assert_eq!(world.server("b"), (State::BackingOff, 1));
    world.pass(99);
    assert_eq!(world.server("b").0, State::BackingOff);
    world.pass(1);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 2));

    world.crash("b", Cause::OutOfMemory, 0);
    world.pass(200);
    world.settle();
    assert_eq!(world.server("b"), (State::Running, 3));

    world.crash("b", Cause::Faulted, 14 << 32 | 2);
    assert_eq!(world.server("b"), (State::Failed, 3));
    assert!(world.logged("faulted: exception 14 (error 0x2)"));
    assert!(world.logged("it has failed, after 3 restarts within 10 s"));
    world.pass(60_000);
    assert_eq!(world.machine.population(), ["a", "c"]);
    assert!(
        world
            .machine
            .pollables
            .borrow()
            .values()
            .all(|(source, _)| { !matches!(source, Source::Timer(_)) })
    );
}

#[test]
fn calls_wait_for_a_restart_but_not_for_an_operator() {
    let mut world = World::booted(CHAIN);
    let refusing = |world: &World| world.machine.refusing.borrow().clone();
    // The endpoints of `supervisor`, `c`, `b` and `a` are 1 to 4.
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    assert_eq!(refusing(&world), [3]);
    assert_eq!(world.supervisor.start("b"), Ok(()));
    assert!(refusing(&world).is_empty());
    world.settle();
    for _ in 0..3 {
        world.crash("b", Cause::Trapped, 0);
        assert!(refusing(&world).is_empty());
        world.pass(300);
        world.settle();
    }
    world.crash("b", Cause::Trapped, 0);
    assert_eq!(world.server("b").0, State::Failed);
    assert_eq!(refusing(&world), [3]);
    // Who waits for a server that is down would wait for ever.
    assert_eq!(world.supervisor.kill("c"), Ok(()));
    assert_eq!(world.server("c").0, State::Starting);
    assert_eq!(refusing(&world), [3, 2]);
    assert!(world.logged("Warn: `c` waits for `b`, which is down"));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    assert!(refusing(&world).is_empty());
}

#[test]
fn what_depends_on_a_crashed_server_goes_on_and_keeps_its_endpoint() {
    let mut world = World::booted(CHAIN);
    let endpoints = world.machine.endpoints.get();
    let before = world.granted("b");
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.granted("b"), before);
    assert_eq!(world.machine.endpoints.get(), endpoints);
    assert_eq!(world.server("c"), (State::Running, 0));
}

#[test]
fn a_server_has_one_capsule_in_all_its_lives() {
    let with = CHAIN.replace("exports = [\"x:y/b\"]", "exports = [\"x:y/b\"]\ncapsule = \"4 KiB\"");
    let mut world = World::booted(&with);
    let has =
        |world: &World, name: &str| world.granted(name).contains(&"capsule of 4096".to_string());
    assert!(has(&world, "b") && !has(&world, "a") && !has(&world, "c"));
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert!(has(&world, "b"));
    assert_eq!(world.supervisor.stop("b"), Ok(()));
    assert_eq!(world.supervisor.start("b"), Ok(()));
    world.settle();
    assert!(has(&world, "b"));
    assert_eq!(world.machine.capsules.get(), 1);
    let grants = world.supervisor.grants("b").expect("server");
    assert!(grants.contains(&"atoll:lifecycle/capsule -> capsule of 4096 bytes".to_string()));
}

#[test]
fn a_restarting_server_waits_for_a_dead_provider() {
    let mut world = World::booted(CHAIN);
    world.crash("a", Cause::Trapped, 0);
    assert_eq!(world.server("a"), (State::Failed, 0));
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert_eq!(world.server("b").0, State::Starting);
    assert_eq!(world.machine.population(), ["c"]);
    assert_eq!(world.supervisor.start("a"), Ok(()));
    world.settle();
    assert_eq!(world.server("b").0, State::Running);
}

#[test]
fn policies_decide_about_ends_that_went_well() {
    let mut world = World::booted(CHAIN);
    world.crash("b", Cause::Exited, 0);
    assert_eq!(world.server("b"), (State::Stopped, 0));
    world.crash("c", Cause::Exited, 3);
    assert!(world.logged("`c` exited with code 3"));
    // Its provider is stopped, so it waits.
    assert_eq!(world.server("c"), (State::Starting, 1));
}

#[test]
fn a_refused_component_is_not_tried_again() {
    let mut world = World::new(CHAIN);
    world.boot();
    world.crash("a", Cause::Refused, 0);
    assert_eq!(world.server("a"), (State::Failed, 0));
    assert_eq!(world.server("b").0, State::Starting);
}

#[test]
fn a_refusal_while_a_provider_restarts_is_tried_again() {
    let loaded = CHAIN.replace("[servers.c]", "[servers.c]\nsnapshot = false");
    let mut world = World::booted(&loaded);
    assert_eq!(world.supervisor.kill("c"), Ok(()));
    assert_eq!(world.server("c"), (State::Starting, 1));
    assert_eq!(world.supervisor.kill("b"), Ok(()));
    world.crash("c", Cause::Refused, 0);
    assert_eq!(world.server("c").0, State::BackingOff);
    world.settle();
    world.pass(100);
    world.settle();
    assert_eq!(world.server("c"), (State::Running, 2));
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
fn a_failed_grant_leaves_no_domain() {
    let mut world = World::new(CHAIN);
    world.machine.room.set(false);
    world.boot();
    assert!(world.machine.population().is_empty());
    assert_eq!(world.server("a").0, State::Failed);
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
fn grants_are_told_in_words() {
    let world = World::booted(CHAIN);
    assert_eq!(
        world.supervisor.grants("b").expect("grants"),
        ["x:y/a -> server a", "atoll:device/port-io -> ports uart 0x3f8-0x3ff, beeper 0x61"]
    );
    assert_eq!(world.supervisor.grants("p").expect("grants"), ["x:y/c -> server c"]);
    assert_eq!(world.supervisor.programs(), ["p"]);
}

#[test]
fn what_calls_come_to_in_a_crash_is_granted_and_told() {
    let retry = r#""x:y/b" = { server = "b", on-crash = "retry" }"#;
    let trap = r#""x:y/c" = { server = "c", on-crash = "trap" }"#;
    let system = CHAIN.replace(r#""x:y/b" = { server = "b" }"#, retry);
    let mut world = World::booted(&system.replace(r#""x:y/c" = { server = "c" }"#, trap));
    assert_eq!(
        world.supervisor.grants("c").expect("grants"),
        ["x:y/b -> server b, retry on crash"]
    );
    assert_eq!(world.supervisor.grants("p").expect("grants"), ["x:y/c -> server c, trap on crash"]);
    let id = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    let grants = |name: &str| {
        let index = world.machine.living(name).expect("lives");
        world.machine.domains.borrow()[index].grants.join(", ")
    };
    assert!(grants("b").contains("x:y/a to ") && !grants("b").contains(" or "));
    assert!(grants("c").contains(" or again"), "{}", grants("c"));
    assert!(grants("p.1").contains(" or trap"), "{}", grants("p.1"));
    world.supervisor.task_drop(id);
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

#[test]
fn what_a_server_handed_out_is_revoked() {
    let mut world = World::booted(CHAIN);
    let missing = Err(Error::NotFound("x".to_string()));
    assert_eq!(world.supervisor.revoke("x"), missing);
    assert_eq!(world.supervisor.revoke("a"), Ok(1));
    assert_eq!(world.machine.revoked.borrow().len(), 1);
    assert_eq!(world.server("a").1, 0, "nobody is restarted");
}

/// `slow` has two seconds to become ready, `other` the default.
#[test]
fn who_has_to_have_signed_goes_with_every_domain() {
    let key = |digits: &str| format!("ed25519:{}", digits.repeat(32));
    let text = format!(
        "[system]\nname = \"signed\"\nrequire-signature = true\n\
         keys = {{ release = \"{}\", review = \"{}\" }}\n\
         [servers.a]\ncomponent = \"a.wasm\"\nsigned-by = [\"review\"]\n\
         [servers.b]\ncomponent = \"b.wasm\"\n\
         [programs.p]\ncomponent = \"c.wasm\"\n",
        key("01"),
        key("02")
    );
    let mut world = World::booted(&text);
    let (release, review) = ("signed by release [1, 1]", "signed by review [2, 2]");
    let signers = |world: &World, name: &str| {
        let granted = world.granted(name);
        granted.into_iter().filter(|line| line.starts_with("signed")).collect::<Vec<_>>()
    };
    assert_eq!(signers(&world, "a"), [review]);
    assert_eq!(signers(&world, "b"), [release, review]);
    let policy = world.supervisor.policy("b").expect("policy");
    assert_eq!(policy.last().expect("a line"), "signed by: release or review");
    world.crash("a", Cause::Trapped, 0);
    assert!(world.is_clone("a"));
    assert_eq!(signers(&world, "a"), [review], "a clone compares them with its original's");
    world.settle();
    world.supervisor.swap(&[to("a", "a2.wasm")], Purpose::Replace).expect("a swap");
    assert!(world.machine.running("a2.wasm").is_some());
    assert_eq!(signers(&world, "a"), [review]);
    world.settle();
    world.supervisor.run("p", Vec::new(), streams()).expect("a task");
    let task =
        world.machine.population().into_iter().find(|name| name.starts_with("p.")).expect("p");
    assert_eq!(signers(&world, &task), [release, review]);
}
