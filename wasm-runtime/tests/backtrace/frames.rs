//! Which frames a backtrace has: those of the calls in progress, with the one that trapped first.

use atoll_runtime::RuntimeLimits;

use crate::{Ended, common::LIMITS, instantiate, module, parse, run, trap};

const UNREACHABLE: u8 = 0x00;
const CALL: u8 = 0x10;
const CALL_INDIRECT: u8 = 0x11;

#[test]
fn calls_in_progress_are_listed_and_no_others() {
    let ended = trap(&module(
        "(func $leaf) (func $done (call $leaf) (loop (call $leaf)))
         (func $inner (call $done) (br_if 0 (i32.const 0)) unreachable)
         (func $middle (loop (call $done) (call $inner)))
         (func $outer (call $done) (call $middle) (call $done))
         (func $run (call $outer))",
    ));
    assert_eq!(ended.names(), ["inner", "middle", "outer", "run"]);
    assert_eq!(ended.opcodes(), [UNREACHABLE, CALL, CALL, CALL]);
    assert!(ended.backtrace().is_exact());
    let function = ended.backtrace().frames()[0].function.as_ref().expect("found");
    assert_eq!((function.module, function.index), (0, 2));
    let text = ended.trap.to_string();
    let frames: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        text.lines().next(),
        Some("run: wasm trap: wasm `unreachable` instruction executed")
    );
    assert!(frames[0].starts_with("  0: 0x") && frames[0].ends_with(" inner"), "{text}");
}

#[test]
fn an_unreachable_of_any_function_is_the_first_frame() {
    // A leaf, one that calls before, one whose calls never return, one with many calls.
    for (body, name) in [
        ("(func $at unreachable)", "at"),
        ("(func $g) (func $at (call $g) unreachable (call $g))", "at"),
        ("(func $g) (func $at (if (i32.const 0) (then (call $g) unreachable)) unreachable)", "at"),
        ("(func $g unreachable) (func $at (loop (br_if 0 (i32.const 0)) (call $g)))", "g"),
        ("(func $g unreachable) (func $at (call $g) unreachable)", "g"),
        ("(func $g) (func $at (call $g) unreachable)", "at"),
    ] {
        let ended = trap(&module(&format!("{body} (func $run (call $at))")));
        let names = ended.names();
        let expected: &[&str] = if name == "g" { &["g", "at", "run"] } else { &["at", "run"] };
        assert_eq!(names, expected, "{body}");
        assert_eq!(ended.opcodes()[0], UNREACHABLE, "{body}");
    }
}

#[test]
fn a_call_through_a_table_that_fails_is_the_first_frame() {
    for body in
        ["(call_indirect (i32.const 0))", "(call_indirect (param i32) (i32.const 7) (i32.const 1))"]
    {
        let ended = trap(&module(&format!(
            "(table 2 funcref) (elem (i32.const 1) $run)
             (func $at {body}) (func $run (call $at))"
        )));
        assert_eq!(ended.names(), ["at", "run"]);
        assert_eq!(ended.opcodes(), [CALL_INDIRECT, CALL]);
    }
}

#[test]
fn a_tail_call_takes_the_place_of_its_caller() {
    for (call, before) in
        [("return_call $at", ""), ("return_call_indirect (i32.const 0)", "(loop (call $g))")]
    {
        let ended = trap(&module(&format!(
            "(table 1 funcref) (elem (i32.const 0) $at) (func $h) (func $g (call $h))
             (func $at (call $g) unreachable)
             (func $gone (call $g) {before} ({call})) (func $run (call $gone))"
        )));
        assert_eq!(ended.names(), ["at", "run"]);
    }
}

#[test]
fn a_fault_is_somewhere_behind_the_first_frame() {
    let memory = "(memory 1) (func $load (drop (i32.load (i32.const 65536))))";
    for (body, at, callee) in [
        ("(func $g) (func $at (call $g) (drop (i32.load (i32.const 65536))))", "run", Some("at")),
        ("(func $at (call $load))", "run", Some("at")),
        ("(func $g unreachable) (func $at (call $load) (call $g))", "run", Some("at")),
        (
            "(func $g (if (i32.const 0) (then unreachable)) (call $load))
          (func $at (loop (call $g) (call $g)))",
            "at",
            Some("g"),
        ),
        (
            "(table 1 funcref) (elem (i32.const 0) $load)
          (func $at (loop (call_indirect (i32.const 0))))",
            "at",
            None,
        ),
    ] {
        let ended = trap(&module(&format!("{memory} {body} (func $run (call $at))")));
        assert!(!ended.backtrace().is_exact());
        assert_eq!(ended.names()[0], at, "{body}");
        let found = ended.backtrace().callee().map(|function| function.name.as_str());
        assert_eq!(found, callee, "{body}");
        assert!(ended.trap.to_string().contains("\n  0: after 0x"), "{}", ended.trap);
    }
}

#[test]
fn an_unreachable_behind_a_call_that_came_back_is_told_by_the_call() {
    let ended = trap(&module(
        "(table 1 funcref) (elem (i32.const 0) $g) (func $g)
         (func $run (call_indirect (i32.const 0)) unreachable)",
    ));
    assert_eq!((ended.names(), ended.opcodes()), (vec!["run"], vec![CALL_INDIRECT]));
}

#[test]
fn start_functions_and_all_that_the_runtime_calls_have_backtraces() {
    let started = parse(
        "(component (core module $m (func $s (call $t)) (func $t unreachable) (start $s))
          (core instance (instantiate $m)))",
    );
    let start = instantiate(&started, &LIMITS, true).expect_err("traps");
    assert_eq!(Ended::of(started, start).names(), ["t", "s"]);
    // The result is a string that the runtime takes out, and then lets the guest free it.
    let text = |freed: &str| {
        format!(
            r#"(component
            (core module $m (memory (export "memory") 1) (func $deep (loop (call $deeper)))
                (func $deeper unreachable)
                (func $run (result i32) (i32.const 0))
                (func $free (param i32) {freed})
                (export "run" (func $run)) (export "free" (func $free)))
            (core instance $i (instantiate $m))
            (func (export "run") (result string) (canon lift (core func $i "run")
                (memory (core memory $i "memory")) (post-return (core func $i "free")))))"#
        )
    };
    assert!(run(&parse(&text("")), &[], true).is_ok());
    assert_eq!(trap(&text("(call $deep)")).names(), ["deeper", "deep", "free"]);
}

/// A component with a nested one, `$inner`, which takes a string and calls nothing but its own.
fn nested(inner: &str) -> String {
    format!(
        r#"(component
        (component $inner
            (core module $m
                (memory (export "memory") 1) {inner}
                (export "take" (func $take)) (export "realloc" (func $realloc)))
            (core instance $i (instantiate $m))
            (func (export "take") (param "text" string)
                (canon lift (core func $i "take") (memory (core memory $i "memory"))
                    (realloc (core func $i "realloc")))))
        (component $outer
            (import "take" (func $take (param "text" string)))
            (core module $libc (memory (export "memory") 1)
                (table (export "table") 4 funcref)
                (func $twice (export "twice") (param i32)
                    (loop (call_indirect (local.get 0)))))
            (core instance $libc (instantiate $libc))
            (core func $take (canon lower (func $take) (memory (core memory $libc "memory"))))
            (core module $m
                (import "take" "take" (func $take (param i32 i32)))
                (import "libc" "twice" (func $twice (param i32)))
                (import "libc" "table" (table 4 funcref))
                (elem (i32.const 3) $back)
                (func $back (call $take (i32.const 0) (i32.const 3)))
                (func $run (export "run") (loop (call $twice (i32.const 3)))))
            (core instance $i (instantiate $m (with "libc" (instance $libc))
                (with "take" (instance (export "take" (func $take))))))
            (func (export "run") (canon lift (core func $i "run"))))
        (instance $in (instantiate $inner))
        (instance $out (instantiate $outer (with "take" (func $in "take"))))
        (export "run" (func $out "run")))"#
    )
}

#[test]
fn frames_of_modules_and_components_are_in_order() {
    let outside = ["back", "twice", "run"];
    let ended = trap(&nested(
        "(func $take (param i32 i32) (loop (call $deep))) (func $deep unreachable)
         (func $realloc (param i32 i32 i32 i32) (result i32) (loop (call $g)) (i32.const 8))
         (func $g (if (i32.const 0) (then unreachable)))",
    ));
    assert_eq!(ended.names(), [&["deep", "take"][..], &outside].concat());
    let modules = ended.backtrace().frames().iter();
    let modules: Vec<u32> = modules.map(|frame| frame.function.as_ref().unwrap().module).collect();
    assert_eq!(modules, [0, 0, 2, 1, 2]);
    let ended = trap(&nested(
        "(func $take (param i32 i32))
         (func $realloc (param i32 i32 i32 i32) (result i32) (call $deep) (i32.const 8))
         (func $deep unreachable)",
    ));
    assert_eq!(ended.names(), [&["deep", "realloc"][..], &outside].concat());
    assert!(ended.trap.message().contains("realloc"), "{}", ended.trap);
}

#[test]
fn a_failed_call_of_the_runtime_is_the_first_frame() {
    let ended = trap(&nested(
        "(func $take (param i32 i32))
         (func $realloc (param i32 i32 i32 i32) (result i32) (i32.const -1))",
    ));
    assert_eq!(ended.names(), ["back", "twice", "run"]);
    assert!(ended.backtrace().is_exact());
}

#[test]
fn a_destructor_has_a_backtrace() {
    let ended = trap(
        r#"(component
        (core module $d (func $end (export "end") (param i32) unreachable))
        (core instance $d (instantiate $d))
        (type $r (resource (rep i32) (dtor (core func $d "end"))))
        (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))
        (core module $m
            (import "r" "new" (func $new (param i32) (result i32)))
            (import "r" "drop" (func $drop (param i32)))
            (func $run (export "run") (call $drop (call $new (i32.const 5)))))
        (core instance $i (instantiate $m (with "r" (instance
            (export "new" (func $new)) (export "drop" (func $drop))))))
        (func (export "run") (canon lift (core func $i "run"))))"#,
    );
    assert_eq!(ended.names(), ["end", "run"]);
}

#[test]
fn a_deep_stack_is_cut_in_the_middle_and_never_too_deep_for_the_trace() {
    let limits = RuntimeLimits { call_depth: 20_000, stack_bytes: 16 << 20, ..LIMITS };
    for body in ["(call $down)", "(loop (call $down))", "(call $down) (call $down) (call $down)"] {
        let text = module(&format!("(func $down {body}) (func $run (call $down))"));
        let bytes = parse(&text);
        let mut instance = instantiate(&bytes, &limits, true).expect("starts");
        let trap = instance.call(0, 0, &[]).expect_err("traps");
        let ended = Ended::of(bytes, trap);
        assert!(ended.trap.message().contains("stack"), "{}", ended.trap);
        assert_eq!(ended.names().len(), 32);
        assert_eq!((ended.names()[30], ended.names()[31]), ("down", "run"));
        let deep = ended.backtrace().omitted();
        assert!((10_000..20_000).contains(&deep), "{deep}");
        let text = ended.trap.to_string();
        assert!(text.contains(&format!("\n  ... {deep} more\n{}: 0x", deep + 24)), "{text}");
    }
}

#[test]
fn without_the_switch_there_is_no_backtrace() {
    let bytes = parse(&module("(func $run (call $run))"));
    let trap = run(&bytes, &[], false).expect_err("traps");
    assert_eq!((trap.backtrace(), trap.to_string().lines().count()), (None, 1));
}
