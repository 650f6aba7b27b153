//! Components that are malformed, or ask for too much: refused or ended, never a panic.

mod common;

use atoll_runtime::limits::{Exceeded, Limit};
use atoll_runtime::{Component, LoadError, RuntimeLimits};
use common::{LIMITS, System, on_a_small_stack, wire, wit};

/// A component with some of everything: records, handles, strings, a nested component.
fn specimen() -> Vec<u8> {
    wit::component(
        "package test:odd@0.1.0;
         interface api {
             resource thing { constructor(n: u32); name: func() -> string; }
             record pair { a: u8, b: list<string> }
             variant choice { none, some(pair), many(list<pair>) }
             pick: func(c: choice, t: borrow<thing>) -> result<pair, option<u64>>;
         }
         world odd { import api; export run: func(text: string) -> u32; }",
        "odd",
        r#"(module
        (import "test:odd/api@0.1.0" "[constructor]thing" (func $new (param i32) (result i32)))
        (import "test:odd/api@0.1.0" "[method]thing.name" (func $name (param i32 i32)))
        (import "test:odd/api@0.1.0" "[resource-drop]thing" (func $drop (param i32)))
        (import "test:odd/api@0.1.0" "pick" (func $pick (param i32 i32 i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (table 4 funcref)
        (elem (i32.const 0) func $new $drop)
        (global $g (mut i32) (i32.const 9))
        (data (i32.const 0) "some data")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 512))
        (func (export "run") (param i32 i32) (result i32)
            (local $t i32)
            (local.set $t (call $new (i32.const 1)))
            (call $drop (local.get $t))
            (local.get 1)))"#,
    )
}

fn small(bytes: &[u8]) -> RuntimeLimits {
    RuntimeLimits { component_bytes: bytes.len() as u32 + 8, ..LIMITS }
}

/// Loads bytes as far as they go: parse, link, instantiate. Panics are what this is about.
fn load(bytes: &[u8], descriptor: &[(String, Vec<u8>)]) -> bool {
    let system = System::new();
    for (name, descriptor) in descriptor {
        system.provide(name, descriptor.clone(), |_, _| Vec::new());
    }
    system.start_with(bytes, &small(bytes)).is_ok()
}

fn provided() -> Vec<(String, Vec<u8>)> {
    wit::descriptors(
        "package test:odd@0.1.0;
         interface api {
             resource thing { constructor(n: u32); name: func() -> string; }
             record pair { a: u8, b: list<string> }
             variant choice { none, some(pair), many(list<pair>) }
             pick: func(c: choice, t: borrow<thing>) -> result<pair, option<u64>>;
         }",
    )
}

#[test]
fn every_truncation_is_refused() {
    let bytes = specimen();
    let provided = provided();
    assert!(load(&bytes, &provided));
    for len in 0..bytes.len() {
        // Custom sections stand at the end, so a cut between sections may leave a component.
        load(&bytes[..len], &provided);
    }
}

#[test]
fn no_flipped_byte_makes_it_panic() {
    let bytes = specimen();
    let provided = provided();
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            accepted += u32::from(load(&bytes, &provided));
        }
    }
    assert!(accepted > 0, "names may be changed");
}

#[test]
fn no_pair_of_changed_bytes_makes_it_panic() {
    let bytes = specimen();
    let provided = provided();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..3000 {
        let mut bytes = bytes.clone();
        for _ in 0..2 {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        load(&bytes, &provided);
    }
}

fn refused(text: &str) -> String {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let error = match Component::parse(&bytes, &LIMITS) {
        Err(error) => error.to_string(),
        Ok(_) => System::new().start_with(&bytes, &LIMITS).err().expect("refused"),
    };
    println!("{error}");
    error
}

#[test]
fn a_component_over_its_bytes_is_refused() {
    let bytes = specimen();
    let limits = RuntimeLimits { component_bytes: 100, ..LIMITS };
    let found = bytes.len() as u64;
    assert_eq!(
        Component::parse(&bytes, &limits).err(),
        Some(LoadError::Limit(Exceeded { limit: Limit::ComponentBytes, found, most: 100 }))
    );
}

fn start(text: &str, limits: &RuntimeLimits) -> Result<common::Domain, String> {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    System::new().start_with(&bytes, limits)
}

/// A component that exports a core module's `run`.
fn module(core: &str) -> String {
    format!(
        r#"(component (core module $m {core}) (core instance $i (instantiate $m))
        (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#
    )
}

#[test]
fn memories_and_tables_stay_within_their_limits() {
    let limits = RuntimeLimits { linear_memory: 3 << 16, table_elements: 50, ..LIMITS };
    start(
        &module(r#"(memory 4) (func (export "run") (param i32) (result i32) unreachable)"#),
        &limits,
    )
    .err()
    .expect("too much memory");
    start(
        &module(r#"(table 51 funcref) (func (export "run") (param i32) (result i32) unreachable)"#),
        &limits,
    )
    .err()
    .expect("too large a table");
    let grows = start(
        &module(
            r#"(memory 1) (func (export "run") (param i32) (result i32)
                (memory.grow (local.get 0)))"#,
        ),
        &limits,
    )
    .expect("starts");
    assert_eq!(grows.call("$root", "run", &wire(&[3])), wire(&[u32::MAX]));
    assert_eq!(grows.call("$root", "run", &wire(&[2])), wire(&[1]));
    assert_eq!(grows.call("$root", "run", &wire(&[1])), wire(&[u32::MAX]));
    let table = start(
        &module(
            r#"(table 1 funcref) (func (export "run") (param i32) (result i32)
                (table.grow (ref.null func) (local.get 0)))"#,
        ),
        &limits,
    )
    .expect("starts");
    assert_eq!(table.call("$root", "run", &wire(&[50])), wire(&[u32::MAX]));
    assert_eq!(table.call("$root", "run", &wire(&[49])), wire(&[1]));
}

#[test]
fn endless_recursion_traps() {
    let domain = start(
        &module(
            r#"(func $f (export "run") (param i32) (result i32)
                (i32.add (i32.const 1) (call $f (local.get 0))))"#,
        ),
        &LIMITS,
    )
    .expect("starts");
    let trap = domain.try_call("$root", "run", &wire(&[1])).unwrap_err();
    assert!(trap.contains("call stack"), "{trap}");
    assert_eq!(domain.try_call("$root", "run", &wire(&[1])).unwrap_err(), trap, "it is dead");
}

#[test]
fn handles_run_out() {
    let text = r#"(component
        (type $thing (resource (rep i32)))
        (core func $new (canon resource.new $thing))
        (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (func (export "run") (param $count i32) (result i32) (local $last i32)
                (loop $more
                    (local.set $last (call $new (i32.const 0)))
                    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                    (br_if $more (local.get $count)))
                (local.get $last)))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#;
    let limits = RuntimeLimits { handles: 10, ..LIMITS };
    let domain = start(text, &limits).expect("starts");
    domain.call("$root", "run", &wire(&[10]));
    let trap = domain.try_call("$root", "run", &wire(&[1])).unwrap_err();
    assert!(trap.contains("handle"), "{trap}");
}

#[test]
fn a_bomb_of_instances_is_defused() {
    // Each component makes ten instances of the one before: ten thousand million in all.
    let mut text = String::from("(component $c0)");
    for level in 1..=10 {
        let inner = level - 1;
        let many = format!("(instance (instantiate $c{inner}))").repeat(10);
        text = format!(
            "{text} (component $c{level} (alias outer 1 $c{inner} (component $c{inner})) {many})"
        );
    }
    let text = format!("(component {text} (instance (instantiate $c10)))");
    let error = start(&text, &LIMITS).err().expect("refused");
    assert!(error.contains("instances") || error.contains("steps"), "{error}");
}

#[test]
fn a_type_of_exponential_size_is_refused() {
    let mut types = String::from("(type $t0 (tuple u8 u8))");
    for level in 1..30 {
        let inner = level - 1;
        types = format!("{types} (type $t{level} (tuple $t{inner} $t{inner}))");
    }
    let error = refused(&format!(r#"(component {types} (import "f" (func (param "x" $t29))))"#));
    assert!(error.contains("large") || error.contains("size"), "{error}");
}

#[test]
fn a_trap_in_a_start_function_is_an_error() {
    let error = start(
        r#"(component (core module $m (func $s unreachable) (start $s))
           (core instance (instantiate $m)))"#,
        &LIMITS,
    )
    .err()
    .expect("traps");
    assert!(error.contains("unreachable"), "{error}");
}

#[test]
fn ten_thousand_grows_need_no_native_stack() {
    for grow in [
        "(memory 0) (table 0 funcref)
         (func $grow (drop (memory.grow (i32.const 0))))",
        "(memory 0) (table 0 funcref)
         (func $grow (drop (table.grow (ref.null func) (i32.const 1))))",
    ] {
        let text = module(&format!(
            r#"{grow} (func (export "run") (param i32) (result i32)
                (loop $more (call $grow)
                    (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                    (br_if $more (local.get 0)))
                (i32.const 1))"#
        ));
        on_a_small_stack(move || {
            let domain = start(&text, &LIMITS).expect("starts");
            assert_eq!(domain.call("$root", "run", &wire(&[10_000])), wire(&[1]));
        });
    }
}

#[test]
fn growing_by_a_page_each_stays_on_a_small_stack() {
    let limits = RuntimeLimits { linear_memory: 600 << 16, ..LIMITS };
    let text = module(
        r#"(memory 0) (func (export "run") (param i32) (result i32)
            (loop $more (drop (memory.grow (i32.const 1)))
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if $more (local.get 0)))
            (memory.size))"#,
    );
    on_a_small_stack(move || {
        let domain = start(&text, &limits).expect("starts");
        assert_eq!(domain.call("$root", "run", &wire(&[10_000])), wire(&[600]));
    });
}

#[test]
fn deep_types_and_many_nested_calls_stay_on_a_small_stack() {
    let mut types = String::from("(type $t0 (list u8))");
    for level in 1..40 {
        let inner = level - 1;
        types = format!("{types} (type $t{level} (list $t{inner}))");
    }
    let text = format!(
        r#"(component {types}
        (core module $m (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "run") (param i32 i32) (result i32) (local.get 1)))
        (core instance $i (instantiate $m))
        (func (export "run") (param "x" $t39) (result u32)
            (canon lift (core func $i "run") (memory (core memory $i "memory"))
                (realloc (core func $i "realloc")))))"#
    );
    on_a_small_stack(move || {
        let domain = start(&text, &LIMITS).expect("starts");
        let mut parameters = wire(&[1; 39]);
        parameters.extend_from_slice(&wire(&[2]));
        parameters.extend_from_slice(&[1, 2]);
        assert_eq!(domain.call("$root", "run", &parameters), wire(&[1]));
    });
}
