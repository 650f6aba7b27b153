//! Sets in which one server calls the other: the new versions reach each other, and their
//! interfaces may change if nobody else has them.

use atoll_supervisor::swap;

use super::{begin, is_settled, record, why};
use crate::simulated::{World, to};

/// `b` needs `a`, and nobody else does; `c` needs nothing.
const PAIR: &str = r#"
[system]
name = "pair"
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
[servers.b]
component = "b.wasm"
exports = ["x:y/b"]
imports = { "x:y/a" = { server = "a" } }
[servers.c]
component = "c.wasm"
"#;

/// The new version of `a` lacks something.
fn misses(world: &mut World) {
    let index = world.machine.running("a2.wasm").expect("lives");
    world.machine.domains.borrow_mut()[index].missing = Some("no `get`".to_string());
}

#[test]
fn a_new_caller_is_made_after_its_new_provider_and_reaches_it() {
    let mut world = World::booted(PAIR);
    assert_eq!(world.granted("b")[0], "x:y/a to 2");
    begin(&mut world, &[to("b", "b2.wasm"), to("a", "a2.wasm")]);
    assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b.wasm", "a2.wasm"]);
    world.step();
    assert_eq!(world.machine.components().last().map(String::as_str), Some("b2.wasm"));
    assert_eq!(world.granted("b"), ["x:y/a to 1002", "x:y/b on 3"]);
    world.settle();
    world.pass(1_000);
    assert_eq!(world.machine.components(), ["c.wasm", "a2.wasm", "b2.wasm"]);
    is_settled(&world);
    // Alone it is granted what there is.
    begin(&mut world, &[to("b", "b.wasm")]);
    assert_eq!(world.granted("b")[0], "x:y/a to 2");
}

#[test]
fn an_interface_changes_only_with_all_who_import_it() {
    let mut world = World::booted(PAIR);
    let id = begin(&mut world, &[to("a", "a2.wasm")]);
    misses(&mut world);
    world.settle();
    let why = why(&mut world, id);
    assert!(why.contains("of `a`: the new version does not fit `b`"), "{why}");
    assert!(why.ends_with("no `get`"), "{why}");
    assert_eq!(world.machine.components(), ["a.wasm", "c.wasm", "b.wasm"]);
    is_settled(&world);

    let id = begin(&mut world, &[to("a", "a2.wasm"), to("b", "b2.wasm")]);
    misses(&mut world);
    world.settle();
    // Who is linked now would be so to what may be taken back.
    let mut late = to("c", "c2.wasm");
    late.grants = vec!["x:y/a={ server = \"a\" }".to_string()];
    let refused = world.supervisor.swap(&[late.clone()], swap::Purpose::Replace);
    let refused = refused.expect_err("refused").to_string();
    assert!(refused.contains("c imports from a, which is on probation"), "{refused}");
    world.pass(1_000);
    assert_eq!(record(&mut world, id).result, swap::Result::Swapped);
    begin(&mut world, &[late]);
    world.settle();
    world.pass(1_000);
    is_settled(&world);
}

#[test]
fn who_comes_back_if_another_swap_is_taken_back_counts() {
    let mut world = World::booted(PAIR);
    // `c` imports from `a` until it is swapped again, and the version that does is on probation.
    let mut importer = to("c", "c2.wasm");
    importer.grants = vec!["x:y/a={ server = \"a\" }".to_string()];
    begin(&mut world, &[importer]);
    world.settle();
    world.pass(1_000);
    let back = world.supervisor.rollback("c").expect("a swap");
    world.settle();
    assert_eq!(record(&mut world, back).result, swap::Result::Running);
    let id = begin(&mut world, &[to("a", "a2.wasm"), to("b", "b2.wasm")]);
    misses(&mut world);
    world.settle();
    assert!(why(&mut world, id).contains("does not fit `c`"));
}
