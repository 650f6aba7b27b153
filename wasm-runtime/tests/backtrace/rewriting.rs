//! What a module is to its guest and to validation is the same whether it keeps note of its calls
//! or not.

use atoll_runtime::{Component, LoadError, Translation};

use crate::{common::LIMITS, module, parse, run};

/// Whether the component is valid, with its calls kept note of or not.
fn judge(component: &Component<'_>, backtrace: bool) -> Result<(), LoadError> {
    component.translate_for(&LIMITS, Translation { metered: false, backtrace }).map(|_| ())
}

/// What a guest can see of its module is the same with and without a trace.
#[test]
fn a_rewritten_module_is_the_same_to_its_guest() {
    let bytes = parse(
        r#"(component
        (core module $a (memory (export "m") 1 3) (global $g (export "g") (mut i32) (i32.const 5))
            (func $f (result i32) (loop (result i32) (call $h) (call $h) i32.add))
            (func $h (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))
                (if (i32.const 0) (then unreachable)) (global.get $g))
            (export "f" (func $f)))
        (core instance $a (instantiate $a))
        (core module $b (import "a" "m" (memory 1)) (import "a" "f" (func $f (result i32)))
            (import "a" "g" (global $g (mut i32)))
            (memory $own 2) (global $k i32 (i32.const 9)) (global $x (mut i64) (i64.const 1))
            (data $d (memory $own) (i32.const 8) "\07") (data (i32.const 4) "\03")
            (func $calls (result i32) (drop (call $f)) (i32.const 100))
            (func (export "run") (param i32) (result i32)
                (i32.store (i32.const 0) (call $f))
                (global.set $x (i64.add (global.get $x) (i64.const 1000)))
                (memory.copy $own 0 (i32.const 16) (i32.const 0) (i32.const 4))
                (block $out (result i32)
                    (br_if 1 (call $calls) (i32.eqz (local.get 0)))
                    (i32.add (i32.load (i32.const 4)))
                    (i32.add (i32.load $own (i32.const 8)))
                    (i32.add (i32.load $own (i32.const 16)))
                    (i32.add (memory.size $own)) (i32.add (memory.grow $own (i32.const 1)))
                    (i32.add (memory.size)) (i32.add (memory.grow (i32.const 5)))
                    (i32.add (global.get $k)) (i32.add (i32.wrap_i64 (global.get $x)))
                    (i32.add (global.get $g)) (i32.add (call $calls)))))
        (core instance $b (instantiate $b (with "a" (instance $a))))
        (func (export "run") (param "n" u32) (result u32) (canon lift (core func $b "run"))))"#,
    );
    for parameter in [0, 1] {
        let plain = run(&bytes, &[parameter], false).expect("no trap");
        assert_eq!(run(&bytes, &[parameter], true).expect("no trap"), plain);
    }
}

/// What is added has a memory, a global and locals; none of them makes an invalid body valid.
#[test]
fn an_invalid_module_stays_invalid() {
    for fields in [
        "(func $run call $run local.get 0 drop)",
        "(func $run call $run i32.const 0 local.set 1)",
        "(func $run call $run i32.const 0 i32.load drop)",
        "(func $run call $run memory.size drop)",
        "(memory 1) (func $run call $run i32.const 0 i32.load 1 drop)",
        "(memory 1) (func $run call $run i32.const 0 i32.const 0 i32.const 0 memory.copy 1 0)",
        "(func $run call $run global.get 0 drop)",
        "(func $run call $run i32.const 0 global.set 0)",
        "(global i64 (i64.const 0)) (func $run call $run i32.const 0 global.set 0)",
        "(func $run call $run i32.add)",
    ] {
        let bytes = parse(&module(fields));
        let component = Component::parse(&bytes, &LIMITS).expect("bodies are looked at later");
        let refused = |backtrace| judge(&component, backtrace).expect_err(fields);
        assert_eq!(refused(true), refused(false), "{fields}");
    }
}

/// A component whose one module has a bit of everything that is rewritten.
const MUCH: &str = r#"(component
    (core module $m (memory (export "m") 1) (table 2 funcref) (elem (i32.const 0) $run $last)
        (global $g (export "g") (mut i32) (i32.const 5))
        (func $run (export "run") (local i64 i64 f32)
            (loop $l (call $last) (br_if 1 (global.get $g)) (call_indirect (i32.const 1))
                (if (i32.const 1) (then (br $l)) (else (return_call $last)))))
        (func $last (param) (local i32)
            (block (br_table 0 1 0 (i32.load offset=3 (local.get 0))))
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))
            (if (f32.lt (f32.const 1) (f32.const 2)) (then (global.set $g (i32.const 7)) return))
            unreachable))
    (core instance $i (instantiate $m))
    (func (export "run") (canon lift (core func $i "run"))))"#;

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 500, ..Default::default() })]

    /// Whether a module is valid does not depend on whether it is rewritten, nor does what is
    /// wrong with it.
    #[test]
    fn damaged_modules_are_judged_the_same(
        damage in proptest::collection::vec((0..400_usize, proptest::num::u8::ANY), 1..4),
    ) {
        let mut bytes = parse(MUCH);
        let len = bytes.len();
        for (at, byte) in damage {
            bytes[at % len] = byte;
        }
        if let Ok(component) = Component::parse(&bytes, &LIMITS) {
            proptest::prop_assert_eq!(judge(&component, true), judge(&component, false));
        }
    }
}
