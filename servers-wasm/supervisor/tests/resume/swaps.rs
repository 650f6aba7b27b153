//! Swaps that were under way when the supervisor ended.

use atoll_supervisor::{
    kernel::{Cause, Phase},
    server::State,
    swap::{Purpose, Replacement, Result},
};
use proptest::prelude::{any, prop, proptest};

use crate::simulated::{self, Source, World};

/// `c` needs `b`, which needs `a`.
const CHAIN: &str = r#"
[system]
name = "chain"
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
[servers.b]
component = "b.wasm"
exports = ["x:y/b"]
[servers.b.imports]
"x:y/a" = { server = "a" }
[servers.c]
component = "c.wasm"
[servers.c.imports]
"x:y/b" = { server = "b" }
"#;

fn to(server: &str) -> Replacement {
    let grants = vec!["atoll:clocks/monotonic=kernel".to_string()];
    Replacement { grants, ..simulated::to(server, &format!("{server}2.wasm")) }
}

fn begin(world: &mut World, servers: &[&str]) {
    let replacements: Vec<Replacement> = servers.iter().map(|server| to(server)).collect();
    world.supervisor.swap(&replacements, Purpose::Replace).expect("a swap");
}

/// One domain a server, all of the old or all of the new version, and nothing left over.
fn is_whole(world: &mut World, servers: &[&str], what: &str) -> bool {
    let mut components = world.machine.components();
    components.sort();
    let versions = |new: bool| {
        let version = |server: &&str| {
            let is_new = new && servers.contains(server);
            if is_new { format!("{server}2.wasm") } else { format!("{server}.wasm") }
        };
        ["a", "b", "c"].iter().map(version).collect::<Vec<_>>()
    };
    let is_new = components == versions(true);
    assert!(is_new || components == versions(false), "{what}: {components:?}");
    for domain in world.machine.domains.borrow().iter() {
        let rests = matches!(domain.phase, Phase::Ready | Phase::Ended(_));
        assert!(rests, "{what}: {} is {:?}", domain.component, domain.phase);
    }
    for name in ["a", "b", "c"] {
        assert_eq!(world.server(name).0, State::Running, "{what}: {name}");
    }
    let pollables = world.machine.pollables.borrow();
    assert!(pollables.values().all(|(source, _)| !matches!(source, Source::Timer(_))), "{what}");
    is_new
}

#[test]
fn a_swap_is_rolled_back_wherever_it_was() {
    for servers in [&["b"][..], &["a", "b"]] {
        for steps in 0..8 {
            let mut world = World::booted(CHAIN);
            begin(&mut world, servers);
            for _ in 0..steps {
                world.step();
            }
            let what = format!("{servers:?} after {steps} steps");
            world.crash_supervisor();
            world.settle();
            assert!(!is_whole(&mut world, servers, &what), "{what}");
            for server in servers {
                assert_eq!(world.server(server).1, 0, "{what}: nobody is restarted");
                let last = world.supervisor.history(server).expect("known").pop().expect("a swap");
                assert!(matches!(last.result, Result::RolledBack(_)), "{what}: {last:?}");
                // What an operator granted to the new version is not the old one's.
                let grants = world.supervisor.grants(server).expect("known");
                assert!(!grants.iter().any(|line| line.contains("clocks")), "{what}: {grants:?}");
            }
            assert!(world.machine.given_up_alive.borrow().iter().all(|name| name != "c"));
            // It can be tried again.
            begin(&mut world, servers);
            world.settle();
            world.pass(1_000);
            assert!(is_whole(&mut world, servers, &what), "{what}");
        }
    }
}

#[test]
fn a_swap_whose_old_version_has_ended_is_finished() {
    let mut world = World::booted(CHAIN);
    begin(&mut world, &["a", "b"]);
    world.settle();
    // Its probation ends, and the supervisor with it, when one old version is gone.
    let old = world.machine.running("a.wasm").expect("kept");
    world.machine.end(old, Cause::Killed, 0);
    world.crash_supervisor();
    world.settle();
    assert!(is_whole(&mut world, &["a", "b"], "finished"));
    let last = world.supervisor.history("a").expect("known").pop().expect("a swap");
    assert_eq!(last.result, Result::Swapped);
    // It knows what it was before.
    world.supervisor.rollback("a").expect("a swap");
    world.settle();
    world.pass(1_000);
    assert!(!is_whole(&mut world, &["a", "b"], "back"));
}

#[test]
fn versions_and_history_outlive_the_supervisor() {
    let mut world = World::booted(CHAIN);
    begin(&mut world, &["b"]);
    world.settle();
    world.pass(1_000);
    let before = world.supervisor.history("b").expect("known");
    world.crash_supervisor();
    assert_eq!(world.supervisor.history("b").expect("known"), before);
    assert!(
        world
            .supervisor
            .grants("b")
            .expect("known")
            .contains(&"atoll:clocks/monotonic -> kernel".to_string())
    );
    world.crash("b", Cause::Trapped, 0);
    world.settle();
    assert!(is_whole(&mut world, &["b"], "restarted"));
    world.crash_supervisor();
    world.supervisor.rollback("b").expect("a swap");
    world.settle();
    world.pass(1_000);
    assert!(!is_whole(&mut world, &["b"], "back"));
    world.crash_supervisor();
    assert!(!is_whole(&mut world, &["b"], "back"));
    assert_eq!(world.supervisor.history("b").expect("known").len(), 2);
}

#[test]
fn a_check_leaves_nothing_behind() {
    let mut world = World::booted(CHAIN);
    world.supervisor.swap(&[to("b")], Purpose::Check).expect("a check");
    world.crash_supervisor();
    world.settle();
    assert!(!is_whole(&mut world, &["b"], "checked"));
}

proptest! {
    /// Whatever happens, in whatever order, and whether or not the supervisor had written it down.
    #[test]
    fn whole_whatever_happens(
        steps in prop::collection::vec((0_u8..8, any::<bool>()), 1..24),
    ) {
        let mut world = World::booted(CHAIN);
        begin(&mut world, &["a", "b"]);
        for (step, kept) in &steps {
            match step {
                0..4 => {
                    world.step();
                }
                4 if *kept => world.crash_supervisor(),
                4 => world.crash_unkept(),
                5 => world.pass(300),
                6 => {
                    let running = world.machine.running(if *kept { "a2.wasm" } else { "b.wasm" });
                    if let Some(index) = running {
                        world.machine.end(index, Cause::Trapped, 0);
                    }
                }
                _ => {
                    let again = world.supervisor.swap(&[to("a"), to("b")], Purpose::Replace);
                    let _ = again;
                }
            }
        }
        for _ in 0..12 {
            world.settle();
            world.pass(6_000);
        }
        world.crash_supervisor();
        for _ in 0..12 {
            world.settle();
            world.pass(6_000);
        }
        let failed = ["a", "b", "c"].iter().any(|name| world.server(name).0 == State::Failed);
        if !failed {
            is_whole(&mut world, &["a", "b"], &format!("{steps:?}"));
        }
    }
}
