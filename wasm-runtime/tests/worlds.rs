//! Worlds as WIT can say them and `wit-component` encodes them: what stands outside of interfaces,
//! interfaces in place, interfaces under names of their own.

mod common;

use common::{System, wire, wire_bytes, wit};

#[test]
fn functions_and_types_outside_of_interfaces() {
    let system = System::new();
    let provider = wit::component(
        "package test:w@0.1.0;
         world provider {
             enum colour { red, green }
             export pick: func(n: u32) -> colour;
             export name: func(c: colour) -> string;
         }",
        "provider",
        &format!(
            r#"(module {}
            (data (i32.const 16) "redgreen")
            (func (export "pick") (param i32) (result i32) (i32.and (local.get 0) (i32.const 1)))
            (func (export "name") (param i32) (result i32)
                (i32.store (i32.const 64) (select (i32.const 19) (i32.const 16) (local.get 0)))
                (i32.store (i32.const 68) (select (i32.const 5) (i32.const 3) (local.get 0)))
                (i32.const 64)))"#,
            wit::ALLOCATOR
        ),
    );
    let provider = system.start(&provider);
    assert_eq!(provider.call("$root", "pick", &wire(&[7])), wire(&[1]));
    assert_eq!(provider.call("$root", "name", &wire(&[1])), wire_bytes(b"green"));
    let user = wit::component(
        "package test:w@0.1.0;
         world user {
             enum colour { red, green }
             import pick: func(n: u32) -> colour;
             import name: func(c: colour) -> string;
             export run: func(n: u32) -> string;
         }",
        "user",
        &format!(
            r#"(module
            (import "$root" "pick" (func $pick (param i32) (result i32)))
            (import "$root" "name" (func $name (param i32 i32)))
            {}
            (func (export "run") (param i32) (result i32)
                (call $name (call $pick (local.get 0)) (i32.const 64)) (i32.const 64)))"#,
            wit::ALLOCATOR
        ),
    );
    let user = system.start(&user);
    assert_eq!(user.call("$root", "run", &wire(&[2])), wire_bytes(b"red"));
    assert_eq!(user.call("$root", "run", &wire(&[3])), wire_bytes(b"green"));
}

/// Counters that a server makes and a client uses, in an interface in place.
const COUNTERS: &str = "interface {
    resource counter {
        constructor(start: u32);
        add: func(n: u32) -> u32;
        join: static func(a: counter, b: borrow<counter>) -> counter;
    }
    largest: func(of: list<borrow<counter>>) -> option<u32>;
}";

#[test]
fn an_interface_in_place_with_a_resource() {
    let system = System::new();
    let server = system.start(&wit::component(
        &format!("package test:w; world server {{ export counters: {COUNTERS} }}"),
        "server",
        &format!(
            r#"(module
            (import "[export]counters" "[resource-new]counter" (func $new (param i32) (result i32)))
            (import "[export]counters" "[resource-rep]counter" (func $rep (param i32) (result i32)))
            (import "[export]counters" "[resource-drop]counter" (func $drop (param i32)))
            {}
            ;; A representation is the address of the count.
            (global $free (mut i32) (i32.const 1024))
            (global $ended (export "ended") (mut i32) (i32.const 0))
            (func $make (param i32) (result i32)
                (i32.store (global.get $free) (local.get 0))
                (call $new (global.get $free))
                (global.set $free (i32.add (global.get $free) (i32.const 4))))
            (func (export "counters#[constructor]counter") (param i32) (result i32)
                (call $make (local.get 0)))
            (func (export "counters#[method]counter.add") (param i32 i32) (result i32)
                (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (local.get 1)))
                (i32.load (local.get 0)))
            (func (export "counters#[static]counter.join") (param i32 i32) (result i32) (local $sum i32)
                (local.set $sum (i32.add (i32.load (call $rep (local.get 0))) (i32.load (local.get 1))))
                (call $drop (local.get 0))
                (call $make (local.get $sum)))
            (func (export "counters#largest") (param i32 i32) (result i32) (local $n i32)
                (i32.store (i32.const 64) (i32.ne (local.get 1) (i32.const 0)))
                (i32.store (i32.const 68) (i32.const 0))
                (block $done (loop $next
                    (br_if $done (i32.eqz (local.get 1)))
                    (local.set $n (i32.load (i32.load (local.get 0))))
                    (if (i32.gt_u (local.get $n) (i32.load (i32.const 68)))
                        (then (i32.store (i32.const 68) (local.get $n))))
                    (local.set 0 (i32.add (local.get 0) (i32.const 4)))
                    (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
                    (br $next)))
                (i32.const 64))
            (func (export "counters#[dtor]counter") (param i32)
                (global.set $ended (i32.add (global.get $ended) (i32.const 1)))))"#,
            wit::ALLOCATOR
        ),
    ));
    let client = system.start(&wit::component(
        &format!("package test:w; world client {{ import counters: {COUNTERS} export run: func() -> u32; }}"),
        "client",
        &format!(
            r#"(module
            (import "counters" "[constructor]counter" (func $make (param i32) (result i32)))
            (import "counters" "[method]counter.add" (func $add (param i32 i32) (result i32)))
            (import "counters" "[static]counter.join" (func $join (param i32 i32) (result i32)))
            (import "counters" "[resource-drop]counter" (func $drop (param i32)))
            (import "counters" "largest" (func $largest (param i32 i32 i32)))
            {}
            (func (export "run") (result i32) (local $a i32) (local $b i32) (local $c i32)
                (local.set $a (call $make (i32.const 3)))
                (local.set $b (call $make (i32.const 4)))
                (drop (call $add (local.get $a) (i32.const 10)))
                (local.set $c (call $join (local.get $a) (local.get $b)))
                (i32.store (i32.const 128) (local.get $b))
                (i32.store (i32.const 132) (local.get $c))
                (i32.store (i32.const 136) (local.get $b))
                (call $largest (i32.const 128) (i32.const 3) (i32.const 64))
                (call $drop (local.get $b))
                (call $drop (local.get $c))
                (i32.add (i32.mul (i32.load (i32.const 64)) (i32.const 1000)) (i32.load (i32.const 68)))))"#,
            wit::ALLOCATOR
        ),
    ));
    for _ in 0..3 {
        assert_eq!(client.call("$root", "run", &[]), wire(&[1017]));
        assert_eq!(system.deliver_drops(), 2);
        assert!(system.holders.borrow().is_empty());
        assert_eq!(server.instance.borrow().host().held(), 0);
    }
}

#[test]
fn one_interface_imported_twice_under_names_of_its_own() {
    let text = "package test:w@1.0.0;
        interface store { get: func() -> u32; }
        world client {
            import first: store;
            import second: store;
            export run: func() -> u32;
        }";
    let client = wit::component(
        text,
        "client",
        r#"(module
        (import "first" "get" (func $first (result i32)))
        (import "second" "get" (func $second (result i32)))
        (func (export "run") (result i32)
            (i32.add (i32.mul (call $first) (i32.const 100)) (call $second))))"#,
    );
    let system = System::new();
    let (_, descriptor) = wit::descriptors(text).remove(0);
    system.provide("first", descriptor.clone(), |_, _| wire(&[4]));
    system.provide("second", descriptor, |_, _| wire(&[2]));
    let client = system.start(&client);
    assert_eq!(client.call("$root", "run", &[]), wire(&[402]));
}

#[test]
fn maps_and_lists_of_fixed_length_between_servers() {
    let system = System::new();
    let interface =
        "interface tables { sum: func(m: map<string, u32>, k: list<u8, 4>) -> list<u16, 2>; }";
    system.start(&wit::component(
        &format!("package test:w@1.0.0; {interface} world server {{ export tables; }}"),
        "server",
        &format!(
            r#"(module {}
            (func (export "test:w/tables@1.0.0#sum") (param i32 i32 i32 i32 i32 i32) (result i32)
                ;; The last value, and the four bytes together.
                (i32.store16 (i32.const 64) (i32.load offset=8 (i32.add (local.get 0)
                    (i32.mul (i32.sub (local.get 1) (i32.const 1)) (i32.const 12)))))
                (i32.store16 (i32.const 66) (i32.add (i32.add (local.get 2) (local.get 3))
                    (i32.add (local.get 4) (local.get 5))))
                (i32.const 64)))"#,
            wit::ALLOCATOR
        ),
    ));
    let client = system.start(&wit::component(
        &format!(
            "package test:w@1.0.0; {interface} world client {{
                import tables; export run: func() -> tuple<u16, u16>; }}"
        ),
        "client",
        &format!(
            r#"(module
            (import "test:w/tables@1.0.0" "sum" (func $sum (param i32 i32 i32 i32 i32 i32 i32)))
            {}
            (data (i32.const 16) "onetwo")
            (data (i32.const 32) "\10\00\00\00\03\00\00\00\07\00\00\00\13\00\00\00\03\00\00\00\09\00\00\00")
            (func (export "run") (result i32)
                (call $sum (i32.const 32) (i32.const 2) (i32.const 1) (i32.const 2) (i32.const 3)
                    (i32.const 0xfa) (i32.const 64))
                (i32.const 64)))"#,
            wit::ALLOCATOR
        ),
    ));
    assert_eq!(client.call("$root", "run", &[]), [9, 0, 0, 1]);
}
