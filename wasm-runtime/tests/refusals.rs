//! What the runtime does not carry out is refused by name when a component is loaded, with the
//! place in the binary and the page that explains it, before anything is linked or run.

mod common;

use atoll_runtime::{Component, LoadError};
use common::LIMITS;

/// Loads a component as far as nothing of it runs: reading it and translating its core modules.
fn load(bytes: &[u8]) -> Result<(), LoadError> {
    Component::parse(bytes, &LIMITS)?.translate(&LIMITS, false).map(|_| ())
}

/// Makes sure that each component is refused with a text that has the words and the place.
fn refused(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (component, words) in cases {
        let bytes =
            wat::parse_str(component).unwrap_or_else(|error| panic!("{component}: {error}"));
        let text = match load(&bytes) {
            Ok(()) => "it was accepted".to_string(),
            Err(error) => error.to_string(),
        };
        let place = text.rsplit_once("(at byte 0x").map(|(_, place)| place.trim_end_matches(')'));
        let place = place.and_then(|place| usize::from_str_radix(place, 16).ok());
        let placed = place.is_some_and(|place| (8..=bytes.len()).contains(&place));
        let explained = text.contains("docs/features.md") || words.contains("not a valid");
        if !placed || !explained || !text.to_lowercase().contains(&words.to_lowercase()) {
            wrong.push(format!("{component}\n    lacks `{words}`: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A component with a core module of these fields.
macro_rules! core {
    ($fields:literal) => {
        concat!("(component (core module ", $fields, "))")
    };
}

#[test]
fn proposals_of_core_modules() {
    refused(&[
        (core!("(memory 1 1 shared)"), "threads"),
        (core!("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"), "threads"),
        (core!("(func atomic.fence)"), "threads"),
        (core!("(memory i64 1)"), "memory64"),
        (core!("(table i64 1 funcref)"), "memory64"),
        (core!("(tag)"), "exceptions"),
        (core!(r#"(import "" "" (tag))"#), "exceptions"),
        (core!("(func (try_table))"), "exceptions"),
        (core!("(func (param exnref))"), "exception"),
        (core!("(type (struct))"), "gc"),
        (core!("(type (array i8))"), "gc"),
        (core!("(type (sub (func)))"), "gc"),
        (core!("(func (drop (ref.i31 (i32.const 0))))"), "gc"),
        (core!("(func (param anyref))"), "gc"),
        (core!("(type $f (func)) (func (param (ref $f)))"), "reference"),
        (core!("(type $f (func)) (func (param (ref null $f)))"), "reference"),
        (core!("(func (param v128))"), "SIMD"),
        (core!("(func (drop (v128.const i64x2 0 0)))"), "SIMD"),
        (core!("(global v128 (v128.const i64x2 0 0))"), "SIMD"),
        (core!("(memory 1 (pagesize 1))"), "page size"),
        (
            core!(
                "(func (drop (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))))"
            ),
            "wide",
        ),
        (core!("(type $f (func)) (type (cont $f))"), "stack"),
    ]);
}

#[test]
fn types_of_the_component_model() {
    refused(&[
        ("(component (type (stream u8)))", "stream"),
        ("(component (type (stream)))", "stream"),
        ("(component (type (future u8)))", "future"),
        ("(component (type (future)))", "future"),
        ("(component (type error-context))", "error-context"),
        ("(component (type (func async)))", "async"),
        (r#"(component (import "f" (func async)))"#, "async"),
        (r#"(component (import "i" (instance (export "f" (func async)))))"#, "async"),
        (r#"(component (import "v" (value string)))"#, "value"),
        (r#"(component (type (component (export "v" (value u8)))))"#, "value"),
        ("(component (type (resource (rep i64))))", "i64"),
        (r#"(component (component (import "f" (func $f)) (start $f)))"#, "start"),
        (r#"(component (import "a:b:c/d" (func)))"#, "not a valid extern name"),
        ("(component (core type (module (import \"\" \"\" (tag)))))", "exceptions"),
        ("(component (core type (module (export \"\" (memory i64 1)))))", "memory64"),
        ("(component (core type (module (export \"\" (memory 1 1 shared)))))", "threads"),
    ]);
}

/// A component with a canonical definition; `$f` is a core function, `$r` a resource, `$g` a
/// function of the component and `$m` a memory.
macro_rules! canon {
    ($definition:literal) => {
        concat!(
            r#"(component (import "g" (func $g)) (type $r (resource (rep i32)))
            (core module $mod (func (export "f")) (func (export "cb") (param i32 i32 i32)
                (result i32) unreachable) (memory (export "m") 1))
            (core instance $i (instantiate $mod)) (alias core export $i "f" (core func $f))
            (alias core export $i "cb" (core func $cb)) (alias core export $i "m" (core memory $m))"#,
            $definition,
            ")"
        )
    };
}

#[test]
fn built_ins() {
    refused(&[
        (canon!("(core func (canon task.return))"), "task.return"),
        (canon!("(core func (canon task.cancel))"), "task.cancel"),
        (canon!("(core func (canon backpressure.inc))"), "backpressure.inc"),
        (canon!("(core func (canon backpressure.dec))"), "backpressure.dec"),
        (canon!("(core func (canon context.get i32 0))"), "context.get"),
        (canon!("(core func (canon context.set i32 0))"), "context.set"),
        (canon!("(core func (canon subtask.drop))"), "subtask.drop"),
        (canon!("(core func (canon subtask.cancel))"), "subtask.cancel"),
        (canon!("(core func (canon waitable-set.new))"), "waitable-set.new"),
        (canon!("(core func (canon waitable-set.wait (memory $m)))"), "waitable-set.wait"),
        (canon!("(core func (canon waitable-set.poll (memory $m)))"), "waitable-set.poll"),
        (canon!("(core func (canon waitable-set.drop))"), "waitable-set.drop"),
        (canon!("(core func (canon waitable.join))"), "waitable.join"),
        (canon!("(core func (canon error-context.drop))"), "error-context.drop"),
        (canon!("(core func (canon error-context.new (memory $m)))"), "error-context.new"),
        (
            canon!("(core func (canon error-context.debug-message (memory $m)))"),
            "error-context.debug-message",
        ),
        (canon!("(core func (canon thread.yield))"), "thread.yield"),
        (canon!("(core func (canon thread.index))"), "thread.index"),
        (
            canon!("(core func (canon thread.available_parallelism))"),
            "thread.available_parallelism",
        ),
        (canon!("(core func (canon thread.suspend))"), "thread.suspend"),
        (canon!("(core func (canon thread.resume-later))"), "thread.resume-later"),
        (canon!("(core func (canon thread.suspend-then-resume))"), "thread.suspend-then-resume"),
        (canon!("(core func (canon thread.yield-then-resume))"), "thread.yield-then-resume"),
        (canon!("(core type $t (func)) (core func (canon thread.spawn-ref $t))"), "thread.spawn"),
        (canon!("(type $s (stream u8)) (core func (canon stream.new $s))"), "stream"),
        (canon!("(type $s (future u8)) (core func (canon future.new $s))"), "future"),
    ]);
}

#[test]
fn options() {
    refused(&[
        (canon!("(core func (canon lower (func $g) async))"), "async"),
        (canon!("(func (canon lift (core func $f) async))"), "async"),
        (canon!("(func (canon lift (core func $f) async (callback $cb)))"), "async"),
        (canon!("(func (canon lift (core func $f) gc))"), "gc"),
    ]);
}

#[test]
fn a_malformed_body_is_refused_in_place_though_nothing_instantiates_its_module() {
    // The body is `i32.const 77; i64.eqz; drop`: the second instruction is wrong.
    let good = r#"(core module (func (param i32) (drop (local.get 0))))"#;
    let bad = "(core module (func i32.const 77 i64.eqz drop))";
    for component in [
        format!("(component {bad})"),
        format!("(component {good} {good} {bad})"),
        format!("(component {good} (component (component {bad}) {good}))"),
    ] {
        let bytes = wat::parse_str(&component).expect("text");
        let body = [0x41, 77 | 0x80, 0, 0x50, 0x1a];
        let at = bytes.windows(5).position(|window| window == body).expect("the body") as u64;
        match load(&bytes) {
            Err(LoadError::Invalid { message, offset }) => {
                assert!(message.contains("type mismatch"), "{message}");
                assert_eq!(offset, at + 3, "{component}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_type_over_the_bounds_is_named_with_its_place() {
    let mut types = String::from("(type $t0 (tuple u8 u8))");
    for level in 1..14 {
        types += &format!("(type $t{level} (tuple $t{} $t{}))", level - 1, level - 1);
    }
    let bytes = wat::parse_str(format!(
        r#"(component {types} (import "a:b/c" (instance (alias outer 1 $t13 (type $t))
            (export "f" (func (param "x" $t))))))"#
    ))
    .expect("text");
    let text = load(&bytes).expect_err("too large").to_string();
    assert!(text.starts_with("the type of `f` of `a:b/c` is too large: "), "{text}");
    assert!(text.contains("`type-parts`") || text.contains("limit of 10000 (at byte 0x"), "{text}");
}
