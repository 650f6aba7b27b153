//! Components within components: what composition makes, and what type ascription needs.

mod common;

use common::{System, wire};

fn run(component: &str) -> Result<Vec<u8>, String> {
    let bytes = wat::parse_str(component).unwrap_or_else(|error| panic!("{error}"));
    let system = System::new();
    let domain = system.start_with(&bytes, &common::LIMITS)?;
    domain.try_call("$root", "run", &[])
}

/// A nested component that exports `double`.
const DOUBLE: &str = r#"
    (component $double
        (core module $m (func (export "double") (param i32) (result i32)
            (i32.mul (local.get 0) (i32.const 2))))
        (core instance $i (instantiate $m))
        (func (export "double") (param "n" u32) (result u32)
            (canon lift (core func $i "double"))))
"#;

#[test]
fn a_call_between_instances_of_one_domain() {
    let component = format!(
        r#"(component {DOUBLE}
        (component $user
            (import "double" (func $double (param "n" u32) (result u32)))
            (core func $lowered (canon lower (func $double)))
            (core module $m
                (import "" "double" (func $double (param i32) (result i32)))
                (func (export "run") (result i32) (call $double (call $double (i32.const 10)))))
            (core instance $i (instantiate $m
                (with "" (instance (export "double" (func $lowered))))))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))
        (instance $d (instantiate $double))
        (instance $u (instantiate $user (with "double" (func $d "double"))))
        (export "run" (func $u "run")))"#
    );
    assert_eq!(run(&component), Ok(wire(&[40])));
}

#[test]
fn strings_are_copied_between_instances_and_transcoded() {
    let component = r#"(component
        (component $sizes
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
                (func (export "size") (param i32 i32) (result i32)
                    (i32.add (i32.mul (local.get 1) (i32.const 1000))
                             (i32.load16_u (local.get 0)))))
            (core instance $i (instantiate $m))
            (func (export "size") (param "text" string) (result u32)
                (canon lift (core func $i "size") string-encoding=utf16
                    (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
        (component $user
            (import "size" (func $size (param "text" string) (result u32)))
            (core module $memory (memory (export "memory") 1) (data (i32.const 8) "\c3\a4bc"))
            (core instance $memory (instantiate $memory))
            (core func $lowered (canon lower (func $size) (memory (core memory $memory "memory"))))
            (core module $m
                (import "" "size" (func $size (param i32 i32) (result i32)))
                (func (export "run") (result i32) (call $size (i32.const 8) (i32.const 4))))
            (core instance $i (instantiate $m
                (with "" (instance (export "size" (func $lowered))))))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))
        (instance $s (instantiate $sizes))
        (instance $u (instantiate $user (with "size" (func $s "size"))))
        (export "run" (func $u "run")))"#;
    assert_eq!(run(component), Ok(wire(&[3 * 1000 + 0xe4])));
}

/// Two nested components: one implements a resource, the other uses it.
fn resources(user: &str) -> String {
    format!(
        r#"(component
        (component $maker
            (core module $destructor
                (global $ended (mut i32) (i32.const 0))
                (func (export "end") (param i32)
                    (global.set $ended (i32.add (global.get $ended) (local.get 0))))
                (func (export "ended") (result i32) (global.get $ended)))
            (core instance $destructor (instantiate $destructor))
            (type $thing' (resource (rep i32) (dtor (core func $destructor "end"))))
            (export $thing "thing" (type $thing'))
            (core func $new (canon resource.new $thing'))
            (core module $m
                (import "" "new" (func $new (param i32) (result i32)))
                (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
                (func (export "look") (param i32) (result i32) (local.get 0)))
            (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
            (func (export "make") (param "n" u32) (result (own $thing))
                (canon lift (core func $i "make")))
            (func (export "look") (param "t" (borrow $thing)) (result u32)
                (canon lift (core func $i "look")))
            (func (export "ended") (result u32)
                (canon lift (core func $destructor "ended"))))
        (component $user
            (import "maker" (instance $maker
                (export "thing" (type $thing (sub resource)))
                (export "make" (func (param "n" u32) (result (own $thing))))
                (export "look" (func (param "t" (borrow $thing)) (result u32)))
                (export "ended" (func (result u32)))))
            (alias export $maker "thing" (type $thing))
            (core func $make (canon lower (func $maker "make")))
            (core func $look (canon lower (func $maker "look")))
            (core func $ended (canon lower (func $maker "ended")))
            (core func $drop (canon resource.drop $thing))
            (core module $m
                (import "" "make" (func $make (param i32) (result i32)))
                (import "" "look" (func $look (param i32) (result i32)))
                (import "" "ended" (func $ended (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (func (export "run") (result i32) (local $a i32) (local $b i32) {user}))
            (core instance $i (instantiate $m (with "" (instance
                (export "make" (func $make)) (export "look" (func $look))
                (export "ended" (func $ended)) (export "drop" (func $drop))))))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))
        (instance $m (instantiate $maker))
        (instance $u (instantiate $user (with "maker" (instance $m))))
        (export "run" (func $u "run")))"#
    )
}

#[test]
fn a_resource_of_one_instance_is_used_and_dropped_by_another() {
    let user = "
        (local.set $a (call $make (i32.const 7)))
        (local.set $b (call $make (i32.const 20)))
        (if (i32.ne (call $look (local.get $a)) (i32.const 7)) (then unreachable))
        (if (call $ended) (then unreachable))
        (call $drop (local.get $a))
        (if (i32.ne (call $ended) (i32.const 7)) (then unreachable))
        (if (i32.ne (call $look (local.get $b)) (i32.const 20)) (then unreachable))
        (call $drop (local.get $b))
        (call $ended)";
    assert_eq!(run(&resources(user)), Ok(wire(&[27])));
}

#[test]
fn a_dropped_handle_is_gone() {
    let user = "
        (local.set $a (call $make (i32.const 7)))
        (call $drop (local.get $a))
        (call $look (local.get $a))";
    let trap = run(&resources(user)).unwrap_err();
    assert!(trap.contains("look"), "{trap}");
    let twice = "
        (local.set $a (call $make (i32.const 7)))
        (call $drop (local.get $a))
        (call $drop (local.get $a))
        (i32.const 0)";
    run(&resources(twice)).unwrap_err();
}

#[test]
fn two_instances_of_one_component_have_resource_types_of_their_own() {
    // The handle of the first instance's resource is not accepted by the second, because the
    // validator keeps them apart: as types, before anything runs.
    let component = r#"(component
        (component $maker
            (type $thing' (resource (rep i32)))
            (export "thing" (type $thing')))
        (instance $a (instantiate $maker))
        (instance $b (instantiate $maker))
        (alias export $a "thing" (type $ta))
        (alias export $b "thing" (type $tb))
        (core func $drop-a (canon resource.drop $ta))
        (core func $drop-b (canon resource.drop $tb))
        (core module $m
            (import "" "a" (func $a (param i32)))
            (import "" "b" (func $b (param i32)))
            (func (export "run") (result i32) (call $b (i32.const 1)) (i32.const 0)))
        (core instance $i (instantiate $m (with "" (instance
            (export "a" (func $drop-a)) (export "b" (func $drop-b))))))
        (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;
    let trap = run(component).unwrap_err();
    assert!(trap.contains("handle"), "{trap}");
}

#[test]
fn an_instance_in_a_call_is_not_entered_again() {
    let component = r#"(component
        (component $inner
            (import "back" (func $back))
            (core func $lowered (canon lower (func $back)))
            (core module $m (import "" "back" (func $back)) (func (export "go") (call $back)))
            (core instance $i (instantiate $m
                (with "" (instance (export "back" (func $lowered))))))
            (func (export "go") (canon lift (core func $i "go"))))
        (core module $table
            (table (export "t") 1 funcref)
            (type $f (func))
            (func (export "back") (call_indirect (type $f) (i32.const 0))))
        (core instance $table (instantiate $table))
        (func $back (canon lift (core func $table "back")))
        (instance $inner (instantiate $inner (with "back" (func $back))))
        (core func $go (canon lower (func $inner "go")))
        (core module $fix
            (import "" "go" (func $go))
            (import "" "t" (table 1 funcref))
            (elem (i32.const 0) func $go)
            (func (export "run") (result i32) (call $go) (i32.const 0)))
        (core instance $fix (instantiate $fix (with "" (instance
            (export "go" (func $go)) (export "t" (table $table "t"))))))
        (func (export "run") (result u32) (canon lift (core func $fix "run"))))"#;
    let trap = run(component).unwrap_err();
    assert!(trap.contains("cannot enter"), "{trap}");
}

#[test]
fn realloc_and_post_return_cannot_call_out() {
    for (realloc, post) in [("(call $f)", ""), ("", "(call $f)")] {
        let component = format!(
            r#"(component
            (component $other
                (core module $m (func (export "f")))
                (core instance $i (instantiate $m))
                (func (export "f") (canon lift (core func $i "f"))))
            (instance $other (instantiate $other))
            (core func $f (canon lower (func $other "f")))
            (core module $m
                (import "" "f" (func $f))
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    {realloc} (i32.const 64))
                (func (export "run") (param i32 i32) (result i32) (i32.const 32))
                (func (export "post") (param i32) {post}))
            (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
            (func (export "run") (param "text" string) (result string)
                (canon lift (core func $i "run") (memory (core memory $i "memory"))
                    (realloc (core func $i "realloc")) (post-return (core func $i "post")))))"#
        );
        let bytes = wat::parse_str(component).unwrap();
        let domain = System::new().start(&bytes);
        let parameters = common::wire_bytes(b"hi");
        let trap = domain.try_call("$root", "run", &parameters).unwrap_err();
        assert!(trap.contains("leave"), "{trap}");
    }
}

#[test]
fn modules_and_components_of_enclosing_components_are_reached() {
    let component = r#"(component
        (core module $m (func (export "n") (result i32) (i32.const 11)))
        (component $leaf (core module $k (func (export "n") (result i32) (i32.const 22)))
            (core instance $i (instantiate $k))
            (func (export "n") (result u32) (canon lift (core func $i "n"))))
        (component $middle
            (component $inside
                (alias outer 2 0 (core module $m))
                (alias outer 2 0 (component $leaf))
                (core instance $i (instantiate $m))
                (instance $l (instantiate $leaf))
                (component $adder
                    (alias outer 3 0 (core module $m))
                    (import "n" (func $n (result u32)))
                    (core func $n' (canon lower (func $n)))
                    (core instance $i (instantiate $m))
                    (core module $sum
                        (import "a" "n" (func $a (result i32)))
                        (import "b" "n" (func $b (result i32)))
                        (func (export "run") (result i32) (i32.add (call $a) (call $b))))
                    (core instance $sum (instantiate $sum
                        (with "a" (instance $i))
                        (with "b" (instance (export "n" (func $n'))))))
                    (func (export "run") (result u32) (canon lift (core func $sum "run"))))
                (instance $sum (instantiate $adder (with "n" (func $l "n"))))
                (export "run" (func $sum "run")))
            (instance $x (instantiate $inside))
            (export "run" (func $x "run")))
        (instance $o (instantiate $middle))
        (export "run" (func $o "run")))"#;
    assert_eq!(run(component), Ok(wire(&[33])));
}

#[test]
fn components_and_modules_are_passed_as_arguments() {
    let component = format!(
        r#"(component {DOUBLE}
        (core module $seven (func (export "n") (result i32) (i32.const 7)))
        (component $user
            (import "code" (core module $code (export "n" (func (result i32)))))
            (import "factory" (component $factory
                (export "double" (func (param "n" u32) (result u32)))))
            (instance $made (instantiate $factory))
            (component $caller
                (import "code" (core module $code (export "n" (func (result i32)))))
                (import "double" (func $double (param "n" u32) (result u32)))
                (core instance $code (instantiate $code))
                (core func $lowered (canon lower (func $double)))
                (core module $m
                    (import "a" "n" (func $n (result i32)))
                    (import "b" "double" (func $double (param i32) (result i32)))
                    (func (export "run") (result i32) (call $double (call $n))))
                (core instance $i (instantiate $m (with "a" (instance $code))
                    (with "b" (instance (export "double" (func $lowered))))))
                (func (export "run") (result u32) (canon lift (core func $i "run"))))
            (instance $c (instantiate $caller
                (with "code" (core module $code)) (with "double" (func $made "double"))))
            (export "run" (func $c "run")))
        (instance $u (instantiate $user
            (with "code" (core module $seven)) (with "factory" (component $double))))
        (export "run" (func $u "run")))"#
    );
    assert_eq!(run(&component), Ok(wire(&[14])));
}

#[test]
fn destructors_that_drop_in_turn_end_in_a_trap_not_in_a_stack_overflow() {
    // Each object owns the next; dropping the first drops a thousand, through the runtime.
    let component = r#"(component
        (core module $table
            (table (export "t") 1 funcref)
            (type $f (func (param i32)))
            (func (export "end") (param i32) (call_indirect (type $f) (local.get 0) (i32.const 0))))
        (core instance $table (instantiate $table))
        (type $thing (resource (rep i32) (dtor (core func $table "end"))))
        (core func $new (canon resource.new $thing))
        (core func $drop (canon resource.drop $thing))
        (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (import "" "drop" (func $drop (param i32)))
            (import "" "t" (table 1 funcref))
            (func $end (param i32)
                (if (local.get 0) (then (call $drop (local.get 0)))))
            (elem (i32.const 0) func $end)
            (func (export "run") (param $count i32) (result i32) (local $last i32)
                (loop $more
                    (local.set $last (call $new (local.get $last)))
                    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                    (br_if $more (local.get $count)))
                (call $drop (local.get $last))
                (i32.const 1)))
        (core instance $i (instantiate $m (with "" (instance
            (export "new" (func $new)) (export "drop" (func $drop))
            (export "t" (table $table "t"))))))
        (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#;
    let bytes = wat::parse_str(component).unwrap();
    common::on_a_small_stack(move || {
        let domain = System::new().start(&bytes);
        assert_eq!(domain.call("$root", "run", &wire(&[10])), wire(&[1]));
        let trap = domain.try_call("$root", "run", &wire(&[90])).unwrap_err();
        assert!(trap.contains("nested through the runtime"), "{trap}");
    });
}

#[test]
fn a_chain_of_instances_calls_through_up_to_the_limit() {
    // Each component calls the one before; every link is a call through the runtime.
    let chain = |links: usize| {
        let mut text = String::from(
            r#"(component $c (import "next" (func $next (param "n" u32) (result u32)))
            (core func $lowered (canon lower (func $next)))
            (core module $m
                (import "" "next" (func $next (param i32) (result i32)))
                (func (export "f") (param i32) (result i32)
                    (call $next (i32.add (local.get 0) (i32.const 1)))))
            (core instance $i (instantiate $m
                (with "" (instance (export "next" (func $lowered))))))
            (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
            (component $end
                (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
                (core instance $i (instantiate $m))
                (func (export "f") (param "n" u32) (result u32) (canon lift (core func $i "f"))))
            (instance $end (instantiate $end))
            (alias export $end "f" (func $f0))"#,
        );
        for link in 0..links {
            let next = link + 1;
            text = format!(
                r#"{text} (instance $i{link} (instantiate $c (with "next" (func $f{link}))))
                (alias export $i{link} "f" (func $f{next}))"#
            );
        }
        wat::parse_str(format!("(component {text} (export \"run\" (func $f{links})))")).unwrap()
    };
    common::on_a_small_stack(move || {
        let short = System::new().start(&chain(20));
        assert_eq!(short.call("$root", "run", &wire(&[100])), wire(&[120]));
        let long = System::new().start(&chain(60));
        let trap = long.try_call("$root", "run", &wire(&[100])).unwrap_err();
        assert!(trap.contains("nested through the runtime"), "{trap}");
    });
}
