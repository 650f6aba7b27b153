//! Exports that are imports, unchanged: calls of them go on to who provides the import.

mod common;

use std::rc::Rc;

use atoll_runtime::host::CallError;
use common::{Domain, LIMITS, System, host::AREA, wire, wire_bytes, wit};

/// Counts, joins words and makes tokens, for whoever imports it.
fn server(system: &Rc<System>) -> Domain {
    system.start(&wit::component(
        "package test:pass@1.0.0;
         interface base { resource token { constructor(n: u32); } }
         interface api {
             use base.{token};
             enum error { closed, peer-restarted }
             double: func(n: u32) -> u32;
             join: func(words: list<string>) -> result<string, error>;
             swap: func(keep: borrow<token>, give: token) -> tuple<u32, option<token>>;
             fail: func();
         }
         world server { export base; export api; }",
        "server",
        &format!(
            r#"(module
            (import "[export]test:pass/base@1.0.0" "[resource-new]token"
                (func $new (param i32) (result i32)))
            (import "[export]test:pass/base@1.0.0" "[resource-rep]token"
                (func $rep (param i32) (result i32)))
            {}
            (func (export "test:pass/base@1.0.0#[constructor]token") (param i32) (result i32)
                (call $new (local.get 0)))
            (func (export "test:pass/api@1.0.0#double") (param i32) (result i32)
                (i32.mul (local.get 0) (i32.const 2)))
            (func (export "test:pass/api@1.0.0#join") (param i32 i32) (result i32)
                ;; The last word, or `closed` when there is none.
                (i32.store8 (i32.const 64) (i32.eqz (local.get 1)))
                (i32.store8 (i32.const 68) (i32.const 0))
                (if (local.get 1) (then
                    (i64.store align=4 (i32.const 68) (i64.load align=4
                        (i32.add (local.get 0)
                            (i32.mul (i32.sub (local.get 1) (i32.const 1)) (i32.const 8)))))))
                (i32.const 64))
            (func (export "test:pass/api@1.0.0#swap") (param i32 i32) (result i32)
                (i32.store (i32.const 64) (i32.add (i32.mul (local.get 0) (i32.const 100))
                    (call $rep (local.get 1))))
                (i32.store (i32.const 68) (i32.const 1))
                (i32.store (i32.const 72) (local.get 1))
                (i32.const 64))
            (func (export "test:pass/api@1.0.0#fail") unreachable))"#,
            // With room for the longest message.
            wit::ALLOCATOR.replace(r#""memory") 1"#, r#""memory") 3"#)
        ),
    ))
}

/// The type of the server's interface without its resources.
const PLAIN: &str = r#"
    (export "double" (func (param "n" u32) (result u32)))
    (type $error' (enum "closed" "peer-restarted"))
    (export "error" (type $error (eq $error')))
    (export "join" (func (param "words" (list string)) (result (result string (error $error)))))
    (export "fail" (func))"#;

/// Starts a component in text form.
fn start(system: &Rc<System>, text: &str) -> Result<Domain, String> {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    system.start_with(&bytes, &LIMITS)
}

/// A domain that passes on all of the server's interface.
fn middle(system: &Rc<System>) -> Domain {
    let text = format!(
        r#"(component (import "test:pass/api@1.0.0" (instance $api {PLAIN}))
            (export "test:pass/again@1.0.0" (instance $api)))"#
    );
    start(system, &text).expect("starts")
}

#[test]
fn an_interface_is_passed_on() {
    let system = System::new();
    server(&system);
    let middle = middle(&system);
    let name = "test:pass/again@1.0.0";
    assert_eq!(middle.call(name, "double", &wire(&[21])), wire(&[42]));
    let mut words = wire(&[2]);
    words.extend(wire_bytes(b"one"));
    words.extend(wire_bytes("zwölf".as_bytes()));
    let mut last = wire(&[0]);
    last.extend(wire_bytes("zwölf".as_bytes()));
    assert_eq!(middle.call(name, "join", &words), last);
    assert_eq!(middle.call(name, "join", &wire(&[0])), wire(&[1, 0]));
}

#[test]
fn the_longest_message_is_passed_on() {
    let system = System::new();
    server(&system);
    let middle = middle(&system);
    // With the count of words, and the case of the result, as much as an area holds.
    let word = wire_bytes(&[b'x'; AREA - 8]);
    let reply = middle.call("test:pass/again@1.0.0", "join", &[wire(&[1]), word.clone()].concat());
    assert!(reply == [wire(&[0]), word].concat(), "{} bytes", reply.len());
}

#[test]
fn a_client_in_another_domain_calls_through() {
    let system = System::new();
    server(&system);
    middle(&system);
    let client = start(
        &system,
        r#"(component
            (import "test:pass/again@1.0.0" (instance $again
                (export "double" (func (param "n" u32) (result u32)))))
            (core func $double (canon lower (func $again "double")))
            (core module $m
                (import "" "double" (func $double (param i32) (result i32)))
                (func (export "run") (param i32) (result i32)
                    (call $double (call $double (local.get 0)))))
            (core instance $i (instantiate $m
                (with "" (instance (export "double" (func $double))))))
            (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#,
    )
    .expect("starts");
    assert_eq!(client.call("$root", "run", &wire(&[10])), wire(&[40]));
}

#[test]
fn a_function_is_passed_on_through_nested_components_aliases_and_bundles() {
    let system = System::new();
    server(&system);
    let domain = start(
        &system,
        r#"(component
            (import "test:pass/api@1.0.0" (instance $api
                (export "double" (func (param "n" u32) (result u32)))))
            (component $inner
                (import "in" (instance $in (export "f" (func (param "n" u32) (result u32)))))
                (component $innermost
                    (import "f" (func $f (param "n" u32) (result u32)))
                    (export "g" (func $f)))
                (alias export $in "f" (func $f))
                (instance $i (instantiate $innermost (with "f" (func $f))))
                (export "out" (instance $i)))
            (instance $bundle (export "f" (func $api "double")))
            (instance $i (instantiate $inner (with "in" (instance $bundle))))
            (alias export $i "out" (instance $out))
            (alias export $out "g" (func $g))
            (export "twice" (func $g))
            (instance $exported (export "h" (func $g)) (export "i" (func $g)))
            (export "test:pass/out" (instance $exported)))"#,
    )
    .expect("starts");
    assert_eq!(domain.call("$root", "twice", &wire(&[4])), wire(&[8]));
    assert_eq!(domain.call("test:pass/out", "h", &wire(&[5])), wire(&[10]));
    assert_eq!(domain.call("test:pass/out", "i", &wire(&[6])), wire(&[12]));
}

/// Passes on functions whose resource another interface declares.
const WITH_HANDLES: &str = r#"(component
    (import "test:pass/base@1.0.0" (instance $base (export "token" (type (sub resource)))))
    (alias export $base "token" (type $token))
    (import "test:pass/api@1.0.0" (instance $api
        (alias outer 1 $token (type $t))
        (export "token" (type (eq $t)))
        (export "swap" (func (param "keep" (borrow $t)) (param "give" (own $t))
            (result (tuple u32 (option (own $t))))))))
    (export "test:pass/again@1.0.0" (instance $api)))"#;

#[test]
fn handles_are_passed_on() {
    let system = System::new();
    let server = server(&system);
    let middle = start(&system, WITH_HANDLES).expect("starts");
    let client = system.start(&wit::component(
        "package test:pass@1.0.0;
         interface base { resource token { constructor(n: u32); } }
         interface again {
             use base.{token};
             swap: func(keep: borrow<token>, give: token) -> tuple<u32, option<token>>;
         }
         world client { import base; import again; export run: func() -> u32; }",
        "client",
        &format!(
            r#"(module
            (import "test:pass/base@1.0.0" "[constructor]token" (func $new (param i32) (result i32)))
            (import "test:pass/base@1.0.0" "[resource-drop]token" (func $drop (param i32)))
            (import "test:pass/again@1.0.0" "swap" (func $swap (param i32 i32 i32)))
            {}
            (func (export "run") (result i32) (local $a i32) (local $b i32)
                (local.set $a (call $new (i32.const 3)))
                (local.set $b (call $new (i32.const 4)))
                (call $swap (local.get $a) (local.get $b) (i32.const 32))
                (if (i32.ne (i32.load8_u (i32.const 36)) (i32.const 1)) (then unreachable))
                (call $drop (i32.load (i32.const 40)))
                (call $drop (local.get $a))
                (i32.load (i32.const 32))))"#,
            wit::ALLOCATOR
        ),
    ));
    for _ in 0..3 {
        assert_eq!(client.call("$root", "run", &[]), wire(&[304]));
        assert_eq!(system.deliver_drops(), 2);
        let held = |domain: &Domain| domain.instance.borrow().host().held();
        assert_eq!((held(&middle), held(&client), held(&server)), (0, 0, 0));
        assert!(system.holders.borrow().is_empty());
    }
}

#[test]
fn a_malformed_message_is_refused_and_does_no_harm() {
    let system = System::new();
    server(&system);
    let middle = middle(&system);
    let mut instance = middle.instance.borrow_mut();
    let export = instance.export_index("test:pass/again@1.0.0").expect("export");
    let join = instance.function_index(export, "join").expect("function");
    for bad in [&wire(&[1, 9])[..], &wire(&[1, 1]), &[1, 0, 0, 0, 1, 0, 0, 0, 0xff], &wire(&[0, 0])]
    {
        instance.host_mut().incoming = bad.to_vec();
        let error = instance.dispatch(export, join).expect_err("refused").to_string();
        assert!(error.starts_with("message refused: function `test:pass/api"), "{error}");
    }
    instance.host_mut().incoming = wire(&[0]);
    assert_eq!(instance.dispatch(export, join), Ok(8), "it lives on");
}

#[test]
fn a_restarted_provider_is_said_in_the_type_or_ends_the_domain() {
    let system = System::new();
    server(&system);
    let middle = middle(&system);
    middle.instance.borrow_mut().host_mut().failing = Some(CallError::PeerRestarted);
    let name = "test:pass/again@1.0.0";
    assert_eq!(middle.call(name, "join", &wire(&[0])), wire(&[1, 1]));
    let trap = middle.try_call(name, "double", &wire(&[1])).unwrap_err();
    assert!(trap.contains("no error case `peer-restarted`"), "{trap}");
    assert_eq!(middle.try_call(name, "join", &wire(&[0])).unwrap_err(), trap, "it is dead");
}

#[test]
fn a_call_that_fails_ends_the_domain() {
    let system = System::new();
    server(&system);
    let middle = middle(&system);
    middle.instance.borrow_mut().host_mut().failing =
        Some(CallError::Failed("no such luck".into()));
    let trap = middle.try_call("test:pass/again@1.0.0", "fail", &[]).unwrap_err();
    assert_eq!(trap, "call of `test:pass/api@1.0.0#fail`: no such luck");
}

#[test]
fn a_malformed_reply_ends_the_domain() {
    let system = System::new();
    let descriptors = wit::descriptors(
        "package test:pass@1.0.0; interface api { double: func(n: u32) -> bool; }",
    );
    let (name, descriptor) = descriptors.into_iter().next().expect("one");
    system.provide(&name, descriptor, |_, _| vec![2]);
    let text = r#"(component (import "test:pass/api@1.0.0" (instance $api
        (export "double" (func (param "n" u32) (result bool)))))
        (export "double" (func $api "double")))"#;
    let domain = start(&system, text).expect("starts");
    let trap = domain.try_call("$root", "double", &wire(&[1])).unwrap_err();
    assert!(trap.contains("malformed reply") && trap.contains("2 is not a bool"), "{trap}");
}

#[test]
fn resources_are_not_exported_under_another_identity() {
    let system = System::new();
    server(&system);
    let error = start(
        &system,
        r#"(component
            (import "test:pass/base@1.0.0" (instance $base (export "token" (type (sub resource)))))
            (alias export $base "token" (type $token))
            (component $maker (import "t" (type $t (sub resource))) (export "u" (type $t)))
            (component $user
                (import "make" (component $make
                    (import "t" (type (sub resource)))
                    (export "u" (type (sub resource)))))
                (import "t" (type $t (sub resource)))
                (instance $i (instantiate $make (with "t" (type $t))))
                (export "u" (type $i "u")))
            (instance $i (instantiate $user
                (with "make" (component $maker)) (with "t" (type $token))))
            (export "mine" (type $i "u")))"#,
    )
    .err()
    .expect("refused");
    assert_eq!(
        error,
        "resource `mine` is exported as another type than `token`, which it is: not supported"
    );
}

#[test]
fn a_client_that_takes_the_re_exporter_for_the_owner_is_refused() {
    let system = System::new();
    server(&system);
    start(&system, WITH_HANDLES).expect("starts");
    let client = wat::parse_str(
        r#"(component (import "test:pass/again@1.0.0" (instance
            (export "token" (type $t (sub resource)))
            (export "swap" (func (param "keep" (borrow $t)) (param "give" (own $t))
                (result (tuple u32 (option (own $t)))))))))"#,
    )
    .expect("text");
    let error = system.link(&client).unwrap_err().to_string();
    assert!(
        error.starts_with("import `test:pass/again@1.0.0`: function `swap`: expected"),
        "{error}"
    );
    assert!(error.contains("found `func(keep: borrow<test:pass/base@1.0.0.{token}>"), "{error}");
}
