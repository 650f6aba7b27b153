//! Clients that may change some servers and not others.

use atoll_supervisor::{
    kernel::Error,
    swap::{Purpose, Replacement},
};

use crate::simulated::{World, to};

/// `b` needs `a`; `root` may change everything, `keeper` and `helper` only `a`, of which `keeper`
/// may give it a clock, and `reader` everything, but give nothing.
const SYSTEM: &str = r#"
[system]
name = "operators"
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
[servers.b]
component = "b.wasm"
[servers.b.imports]
"x:y/a" = { server = "a" }
[servers.root]
component = "c.wasm"
[servers.root.imports]
"atoll:supervision/swapping" = { server = "supervisor" }
[programs.keeper]
component = "hello.wasm"
[programs.keeper.imports]
"atoll:supervision/swapping@0.1.0" = { server = "supervisor", servers = ["a"], grants = { "atoll:clocks/monotonic" = "kernel" } }
[programs.helper]
component = "hello.wasm"
[programs.helper.imports]
"atoll:supervision/swapping" = { server = "supervisor", servers = ["a"], on-crash = "retry" }
[programs.reader]
component = "hello.wasm"
imports = { "atoll:supervision/swapping" = { server = "supervisor", grants = {} } }
"#;

/// By which numbers their calls come: in the order of the description, each scope once.
const ROOT: Option<u64> = Some(0);
const KEEPER: Option<u64> = Some(1);
const HELPER: Option<u64> = Some(2);
const READER: Option<u64> = Some(3);

fn with(server: &str, component: &str, grants: &[&str]) -> Replacement {
    let grants = grants.iter().map(|line| line.to_string()).collect();
    Replacement { grants, ..to(server, component) }
}

fn denied<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Denied(why)) => why,
        other => panic!("not denied: {other:?}"),
    }
}

#[test]
fn each_scope_has_its_endpoint() {
    let world = World::booted(SYSTEM);
    assert_eq!(
        *world.machine.published.borrow(),
        [
            "atoll:supervision/servers on 1 as 0",
            "atoll:supervision/swapping on 2 as 0",
            "atoll:supervision/swapping on 3 as 1",
            "atoll:supervision/swapping on 4 as 2",
            "atoll:supervision/swapping on 5 as 3",
        ]
    );
    assert_eq!(world.granted("root"), ["atoll:supervision/swapping to 2"]);
}

#[test]
fn programs_come_by_the_endpoint_of_their_scope() {
    let mut world = World::booted(SYSTEM);
    for (program, line) in [
        ("keeper", "atoll:supervision/swapping@0.1.0 to 3"),
        ("helper", "atoll:supervision/swapping to 4 or again"),
        ("reader", "atoll:supervision/swapping to 5"),
    ] {
        world.supervisor.run(program, Vec::new(), crate::streams()).expect("a task");
        let name = world.machine.population().into_iter().find(|name| name.starts_with(program));
        assert_eq!(world.granted(&name.expect("it runs"))[0], line);
    }
    let grants = |name: &str| world.supervisor.grants(name).expect("grants").join("; ");
    assert!(grants("root").contains("change all servers, grant anything"));
    assert!(grants("keeper").contains("change a, grant atoll:clocks/monotonic -> kernel"));
    assert!(grants("helper").contains("change a, grant nothing"));
    assert!(grants("reader").contains("change all servers, grant nothing"));
}

#[test]
fn nobody_changes_a_server_out_of_reach() {
    let mut world = World::booted(SYSTEM);
    for client in [KEEPER, HELPER, None, Some(4), Some(u64::MAX)] {
        let mut operator = world.supervisor.operator(client);
        let refused = [
            denied(operator.start("b")),
            denied(operator.stop("b")),
            denied(operator.kill("b")),
            denied(operator.restart("b")),
            denied(operator.revoke("b")),
            denied(operator.rollback("b")),
            denied(operator.history("b")),
            denied(operator.swap(&[with("b", "b2.wasm", &[])], Purpose::Check)),
        ];
        let why = "may be changed by `root` or `reader`, not by this client";
        assert!(refused.iter().all(|words| words.ends_with(why)), "{client:?}: {refused:?}");
        denied(operator.kill("supervisor"));
    }
    assert!(!world.machine.crashed.get());
    for client in [None, Some(4)] {
        denied(world.supervisor.operator(client).stop("a"));
    }
    let both = [with("a", "a2.wasm", &[]), with("b", "b2.wasm", &[])];
    denied(world.supervisor.operator(KEEPER).swap(&both, Purpose::Replace));
    assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b.wasm"], "nothing happened");
}

#[test]
fn what_is_in_reach_is_changed() {
    let mut world = World::booted(SYSTEM);
    let swap = |world: &mut World, client, version: Replacement| {
        let swapped = world.supervisor.operator(client).swap(&[version], Purpose::Replace);
        world.settle();
        world.pass(1_000);
        swapped.map(drop)
    };
    assert_eq!(swap(&mut world, HELPER, with("a", "a2.wasm", &[])), Ok(()));
    assert_eq!(world.machine.components(), ["c.wasm", "b.wasm", "a2.wasm"]);
    assert_eq!(world.supervisor.operator(HELPER).rollback("a").map(drop), Ok(()));
    world.settle();
    world.pass(1_000);
    let mut operator = world.supervisor.operator(KEEPER);
    assert_eq!(operator.history("a").expect("a history").len(), 2);
    assert_eq!(operator.restart("a"), Ok(()));
    world.settle();
    let mut operator = world.supervisor.operator(ROOT);
    assert_eq!(operator.stop("b"), Ok(()));
    assert_eq!(operator.start("b"), Ok(()));
    world.settle();
    let mut operator = world.supervisor.operator(READER);
    assert!(operator.kill("b").is_ok() && operator.revoke("a").is_ok());
    operator.kill("supervisor").expect("in reach");
    assert!(world.machine.crashed.get());
}

#[test]
fn nobody_grants_what_is_not_his_to_give() {
    let mut world = World::booted(SYSTEM);
    let (clock, log) = ("atoll:clocks/monotonic=kernel", "atoll:log/log={ log = \"write\" }");
    let mut ask = |client, lines: &[&str]| {
        let mut operator = world.supervisor.operator(client);
        let asked = operator.swap(&[with("a", "a2.wasm", lines)], Purpose::Check);
        world.settle();
        asked
    };
    for client in [HELPER, READER] {
        let why = denied(ask(client, &[clock]));
        let by = "may be granted so by `root` or `keeper`, not by this client";
        assert_eq!(why, format!("`atoll:clocks/monotonic` {by}"));
    }
    assert!(ask(KEEPER, &["atoll:clocks/monotonic@0.1.0=kernel"]).is_ok());
    let why = denied(ask(KEEPER, &[clock, log]));
    assert_eq!(why, "`atoll:log/log` may be granted so by `root`, not by this client");
    // The same interface on other terms is another line.
    denied(ask(KEEPER, &["atoll:clocks/monotonic={ server = \"b\" }"]));
    // To change servers is a line of authority, too.
    denied(ask(KEEPER, &["atoll:supervision/swapping={ server = \"supervisor\" }"]));
    assert!(ask(ROOT, &[clock, log]).is_ok());
    assert!(matches!(ask(KEEPER, &["nonsense"]), Err(Error::Invalid(_))));
}

#[test]
fn a_set_is_rolled_back_only_by_who_reaches_all_of_it() {
    let mut world = World::booted(SYSTEM);
    let both = [with("a", "a2.wasm", &[]), with("b", "b2.wasm", &[])];
    let swap = world.supervisor.operator(ROOT).swap(&both, Purpose::Replace).expect("a swap");
    // While it is not over, a rollback would cancel it.
    denied(world.supervisor.operator(KEEPER).rollback("a"));
    world.settle();
    world.pass(1_000);
    assert!(world.supervisor.swap_record(swap).is_some());
    let why = denied(world.supervisor.operator(KEEPER).rollback("a"));
    assert!(why.starts_with("`b` may be changed by"), "{why}");
    assert_eq!(world.machine.components(), ["c.wasm", "a2.wasm", "b2.wasm"]);
    // After a swap of its own, the last one of `a` concerns only that.
    let operator = &mut world.supervisor.operator(KEEPER);
    operator.swap(&[with("a", "a.wasm", &[])], Purpose::Replace).expect("a swap");
    world.settle();
    world.pass(1_000);
    assert!(world.supervisor.operator(KEEPER).rollback("a").is_ok());
}

#[test]
fn a_scope_that_is_granted_in_a_swap_gets_its_endpoint() {
    let mut world = World::booted(SYSTEM);
    let line = "atoll:supervision/swapping={ server = \"supervisor\", servers = [\"b\"] }";
    let version = with("a", "a2.wasm", &[line]);
    world.supervisor.operator(ROOT).swap(&[version], Purpose::Replace).expect("a swap");
    assert_eq!(
        world.machine.published.borrow().last().expect("one"),
        "atoll:supervision/swapping on 7 as 4"
    );
    let granted = world.granted("a");
    assert!(granted.iter().any(|line| line == "atoll:supervision/swapping to 7"), "{granted:?}");
    world.settle();
    world.pass(1_000);
    let mut operator = world.supervisor.operator(Some(4));
    assert_eq!(operator.restart("b"), Ok(()));
    denied(operator.restart("a"));
    let version = with(
        "a",
        "a3.wasm",
        &["atoll:supervision/swapping={ server = \"supervisor\", servers = [\"x\"] }"],
    );
    let refused = world.supervisor.operator(ROOT).swap(&[version], Purpose::Replace);
    assert_eq!(refused, Err(Error::Invalid("`a` may change `x`, which is not a server".into())));
}

#[test]
fn scopes_outlive_the_supervisor() {
    let mut world = World::booted(SYSTEM);
    let line = "atoll:supervision/swapping={ server = \"supervisor\", servers = [\"b\"] }";
    let version = with("a", "a2.wasm", &[line]);
    world.supervisor.operator(ROOT).swap(&[version], Purpose::Replace).expect("a swap");
    world.settle();
    world.pass(1_000);
    let published = world.machine.published.borrow().clone();
    for _ in 0..2 {
        world.machine.published.borrow_mut().clear();
        world.crash_supervisor();
        world.settle();
        assert_eq!(*world.machine.published.borrow(), published);
        assert_eq!(world.supervisor.operator(Some(4)).restart("b"), Ok(()));
        denied(world.supervisor.operator(Some(4)).restart("a"));
        denied(world.supervisor.operator(HELPER).restart("b"));
    }
}

#[test]
fn the_supervisor_is_changed_by_who_may_change_all() {
    let mut world = World::booted(SYSTEM);
    denied(world.supervisor.operator(KEEPER).rollback("supervisor"));
    let back = world.supervisor.operator(ROOT).rollback("supervisor");
    assert_eq!(back, Err(Error::NotFound("an earlier version of supervisor".into())));
}
