//! What the guests of a domain have, handed to another version that declares the same layout.

mod common;

use std::{cell::RefCell, rc::Rc};

use atoll_runtime::{Component, Instance, RuntimeLimits, Translation};
use common::{Domain, LIMITS, System, TestHost, wire};

const BOX: &str = "test:whole/box";
const LAYOUT: &str = r#"(@custom "atoll:layout" "one")"#;
/// What differs between versions, unless a test says otherwise.
const MEMORIES: &str = r#"(memory (export "memory") 1 9) (memory 1)"#;
const GLOBALS: &str = "(global $a (mut i32) (i32.const 0)) (global $b (mut i64) (i64.const 0))
    (global $c (mut f32) (f32.const 0)) (global $d (mut f64) (f64.const 0))
    (global $f (mut funcref) (ref.null func)) (global i32 (i32.const 7))";
const TABLE: &str = "(table 3 funcref) (elem (i32.const 0) func $version $put)";

/// A component with state of every kind. `version` is a constant in its code; `more` are functions
/// that some tests need.
fn component(
    version: u32,
    layout: &str,
    [memories, globals, table]: [&str; 3],
    more: &str,
) -> Vec<u8> {
    let text = format!(
        r#"(component {layout}
        (type $thing' (resource (rep i32)))
        (export $thing "thing" (type $thing'))
        (core func $new (canon resource.new $thing'))
        (core func $rep (canon resource.rep $thing'))
        (core func $drop (canon resource.drop $thing'))
        (core module $main
            (import "" "new" (func $new (param i32) (result i32)))
            (import "" "rep" (func $rep (param i32) (result i32)))
            (import "" "drop" (func $drop (param i32)))
            {memories} {globals} {table}
            (global $held (mut i32) (i32.const 0))
            (data (i32.const 32) "old")
            (func $put (export "put") (param i32)
                (i32.store (i32.const 8) (local.get 0))
                (i32.store 1 (i32.const 16) (local.get 0))
                (drop (memory.grow (i32.const 2)))
                (i32.store (i32.const 196600) (local.get 0))
                (global.set $a (local.get 0))
                (global.set $b (i64.extend_i32_u (local.get 0)))
                (global.set $c (f32.convert_i32_u (local.get 0)))
                (global.set $d (f64.convert_i32_u (local.get 0)))
                (drop (call $new (i32.const 1)))
                (call $drop (i32.const 1))
                (global.set $held (call $new (local.get 0)))
                (global.set $held (call $new (local.get 0)))
                (call $drop (i32.const 1)))
            (func (export "get") (result i32)
                (i32.add (i32.load (i32.const 8)) (i32.load 1 (i32.const 16)))
                (i32.add (i32.load (i32.const 196600)) (global.get $a))
                (i32.add (i32.wrap_i64 (global.get $b)) (i32.trunc_f32_u (global.get $c)))
                (i32.add (i32.trunc_f64_u (global.get $d)) (call $rep (global.get $held)))
                i32.add i32.add i32.add)
            (func $version (export "version") (result i32) (i32.const {version}))
            (func (export "next") (result i32) (call $new (i32.const 5)))
            {more})
        (core instance $i (instantiate $main (with "" (instance
            (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
        (func $put (param "to" u32) (canon lift (core func $i "put")))
        (func $get (result u32) (canon lift (core func $i "get")))
        (func $version (result u32) (canon lift (core func $i "version")))
        (func $next (result u32) (canon lift (core func $i "next")))
        (instance $box (export "put" (func $put)) (export "get" (func $get))
            (export "version" (func $version)) (export "next" (func $next)))
        (export "{BOX}" (instance $box)))"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn plain(version: u32) -> Vec<u8> {
    component(version, LAYOUT, [MEMORIES, GLOBALS, TABLE], "")
}

fn start(component: &[u8]) -> Domain {
    System::new().start(component)
}

fn start_without_backtraces(component: &[u8]) -> Domain {
    let system = System::new();
    let mut host = TestHost::new(system.clone(), 0);
    let component = Component::parse(component, &LIMITS).expect("component");
    let linked = component.link(&mut host).expect("linked");
    let translated = linked.component().translate_for(&LIMITS, Translation::default());
    let translated = translated.expect("translated");
    let instance = Instance::from_translated(&linked, &translated, host, &LIMITS).expect("made");
    Domain { system, instance: Rc::new(RefCell::new(instance)), number: 0 }
}

fn number(domain: &Domain, function: &str) -> u32 {
    let result = domain.call(BOX, function, &[]);
    u32::from_le_bytes(result.try_into().expect("a number"))
}

/// Hands what one has to the other.
fn hand_over(old: &Domain, new: &Domain) -> Result<(), String> {
    let contents = old.instance.borrow().contents()?;
    take(new, &contents, &memories(old))
}

fn memories(domain: &Domain) -> Vec<Vec<u8>> {
    let mut memories = Vec::new();
    let shown = domain.instance.borrow_mut().show_memories(|_, bytes| {
        memories.push(bytes.to_vec());
        Ok::<(), ()>(())
    });
    assert_eq!(shown, Ok(()));
    memories
}

fn take(new: &Domain, contents: &[u8], memories: &[Vec<u8>]) -> Result<(), String> {
    new.instance.borrow_mut().take_contents(contents, |_, memory, bytes| {
        bytes.copy_from_slice(&memories[memory as usize]);
        Ok(())
    })
}

#[test]
fn another_version_goes_on_with_all_that_there_was() {
    for starts in [start, start_without_backtraces] {
        let (old, new) = (starts(&plain(1)), starts(&plain(2)));
        old.call(BOX, "put", &wire(&[11]));
        assert_eq!(old.instance.borrow().layout(), Some(b"one".as_slice()));
        assert_eq!(hand_over(&old, &new), Ok(()));
        assert_eq!((number(&new, "get"), number(&new, "version")), (88, 2));
        // The handle keeps its index, and a free one is given out.
        assert_eq!(number(&new, "next"), 1);
        assert_eq!(number(&new, "next"), 3);
        // The old one is as it was, and so is what comes back.
        assert_eq!(number(&old, "get"), 88);
        new.call(BOX, "put", &wire(&[4]));
        let back = starts(&plain(1));
        assert_eq!(hand_over(&new, &back), Ok(()));
        assert_eq!((number(&back, "get"), number(&back, "version")), (32, 1));
    }
}

#[test]
fn a_version_that_is_not_alike_is_refused_by_what_differs() {
    let old = start(&plain(1));
    old.call(BOX, "put", &wire(&[11]));
    let refuses = |parts: [&str; 3], words: &str| {
        let new = start(&component(2, LAYOUT, parts, ""));
        assert_eq!(hand_over(&old, &new), Err(words.into()), "{parts:?}");
    };
    let another = MEMORIES.to_owned() + "(memory 1)";
    refuses([&another, GLOBALS, TABLE], "its memories are others");
    let larger = MEMORIES.replace("1 9", "4 9");
    refuses([&larger, GLOBALS, TABLE], "memory 0 has 196608 bytes and not 262144");
    let smaller = MEMORIES.replace("1 9", "1 2");
    refuses([&smaller, GLOBALS, TABLE], "there is no room for the 196608 bytes of memory 0");
    let wider = GLOBALS.to_owned() + "(global (mut i32) (i32.const 0))";
    refuses([MEMORIES, &wider, TABLE], "its globals are others");
    let swapped =
        GLOBALS.replace("$f (mut funcref) (ref.null func)", "(mut externref) (ref.null extern)");
    refuses([MEMORIES, &swapped, TABLE], "its globals are others");
    for table in [
        "(table 4 funcref) (elem (i32.const 0) func $version $put)",
        "(table 3 funcref) (elem (i32.const 0) func $put $version)",
        "(table 3 funcref) (elem (i32.const 1) func $version $put)",
        "",
    ] {
        refuses([MEMORIES, GLOBALS, table], "its tables of functions are others");
    }
}

#[test]
fn another_resource_type_is_refused() {
    let old = start(&plain(1));
    old.call(BOX, "put", &wire(&[11]));
    let text = component(2, LAYOUT, [MEMORIES, GLOBALS, TABLE], "");
    let other =
        format!("{LAYOUT} (type $other (resource (rep i32))) (export \"other\" (type $other))");
    assert_ne!(component(2, &other, [MEMORIES, GLOBALS, TABLE], ""), text);
    let new = start(&component(2, &other, [MEMORIES, GLOBALS, TABLE], ""));
    assert_eq!(hand_over(&old, &new), Err("its resource types are others".into()));
}

#[test]
fn what_belongs_to_one_domain_is_not_handed_on() {
    let refuses = |component: &[u8], words: &str| {
        let old = start(component);
        old.call(BOX, "put", &wire(&[1]));
        assert_eq!(old.instance.borrow().contents(), Err(words.into()));
    };
    let parts = [MEMORIES, GLOBALS, TABLE];
    for code in [
        "(table.set (i32.const 2) (ref.null func))",
        "(drop (table.grow (ref.null func) (i32.const 1)))",
    ] {
        let more = format!("(func {code})");
        refuses(
            &component(1, LAYOUT, parts, &more),
            "a core module has code that changes tables of functions",
        );
    }
    let set = GLOBALS.replace("(ref.null func)", "(ref.func $put)");
    refuses(
        &component(1, LAYOUT, [MEMORIES, &set, TABLE], ""),
        "a global has a reference to a function",
    );
    refuses(&component(1, "", parts, ""), "it declares no layout");
    // Its author took the name.
    let taken =
        "(func (export \"atoll:layout Memory 0\"))(func (export \"atoll:layout Global 0\"))";
    refuses(&component(1, LAYOUT, parts, taken), "a core module cannot be looked into");
}

#[test]
fn a_handle_to_what_another_server_has_is_named() {
    let system = System::new();
    system.start(
        &wat::parse_str(
            r#"(component
            (type $file' (resource (rep i32)))
            (core func $new (canon resource.new $file'))
            (core module $main (import "" "new" (func $new (param i32) (result i32)))
                (func (export "open") (result i32) (call $new (i32.const 9))))
            (core instance $i (instantiate $main
                (with "" (instance (export "new" (func $new))))))
            (component $inner
                (import "file" (type $file (sub resource)))
                (import "open" (func $open (result (own $file))))
                (export $out "file" (type $file))
                (export "open" (func $open) (func (result (own $out)))))
            (func $open (result (own $file')) (canon lift (core func $i "open")))
            (instance $files (instantiate $inner
                (with "file" (type $file')) (with "open" (func $open))))
            (export "test:disk/files" (instance $files)))"#,
        )
        .expect("well formed"),
    );
    let holder = |drops: &str| {
        let text = format!(
            r#"(component {LAYOUT}
            (import "test:disk/files" (instance $files
                (export "file" (type $file (sub resource)))
                (export "open" (func (result (own $file))))))
            (alias export $files "file" (type $file))
            (core func $open (canon lower (func $files "open")))
            (core func $drop (canon resource.drop $file))
            (core module $main (import "" "open" (func $open (result i32)))
                (import "" "drop" (func $drop (param i32)))
                (func (export "put") (param i32) (local $it i32)
                    (local.set $it (call $open)) {drops}))
            (core instance $i (instantiate $main (with "" (instance
                (export "open" (func $open)) (export "drop" (func $drop))))))
            (func $put (param "to" u32) (canon lift (core func $i "put")))
            (instance $box (export "put" (func $put)))
            (export "{BOX}" (instance $box)))"#
        );
        system.start(&wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}")))
    };
    let keeps = holder("");
    keeps.call(BOX, "put", &wire(&[0]));
    let refused = keeps.instance.borrow().contents();
    assert_eq!(refused, Err("it holds a `file` of another server or of the runtime".into()));
    let drops = holder("(call $drop (local.get $it))");
    drops.call(BOX, "put", &wire(&[0]));
    assert!(drops.instance.borrow().contents().is_ok());
}

#[test]
fn a_record_that_lies_is_refused_and_breaks_nothing() {
    let old = start(&plain(1));
    old.call(BOX, "put", &wire(&[11]));
    let contents = old.instance.borrow().contents().expect("can be handed on");
    let memories = memories(&old);
    // With few handles, so that a lie about an index is one about memory.
    let limits = RuntimeLimits { handles: 10, ..LIMITS };
    let (system, version) = (System::new(), plain(2));
    let mut host = TestHost::new(system.clone(), 0);
    let linked = Component::parse(&version, &limits).expect("component").link(&mut host);
    let linked = linked.expect("linked");
    let translated = linked.component().translate_for(&limits, Translation::default());
    let translated = translated.expect("translated");
    let make = || {
        let host = TestHost::new(system.clone(), 0);
        Instance::from_translated(&linked, &translated, host, &limits).expect("made")
    };
    let take = |instance: &mut Instance<TestHost>, contents: &[u8]| {
        instance.take_contents(contents, |_, memory, bytes| {
            let known = &memories[memory as usize];
            let len = bytes.len().min(known.len());
            bytes[..len].copy_from_slice(&known[..len]);
            Ok(())
        })
    };
    let mut refused = 0;
    for at in 0..contents.len() {
        for byte in [0, 1, 0x80, 0xff] {
            let mut lie = contents.clone();
            lie[at] = byte;
            let mut new = make();
            refused += u32::from(take(&mut new, &lie).is_err());
            // Whatever it has now, it is a guest in a sandbox.
            let export = new.export_index(BOX).expect("exported");
            for function in ["get", "next"] {
                let method = new.function_index(export, function).expect("there");
                let _ = new.call(export, method, &[]);
            }
        }
        assert!(take(&mut make(), &contents[..at]).is_err());
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn a_memory_that_cannot_be_filled_ends_the_attempt() {
    let (old, new) = (start(&plain(1)), start(&plain(2)));
    let contents = old.instance.borrow().contents().expect("can be handed on");
    let mut asked = Vec::new();
    let taken = new.instance.borrow_mut().take_contents(&contents, |_, memory, bytes| {
        asked.push((memory, bytes.len()));
        if memory == 1 { Err("gone".into()) } else { Ok(()) }
    });
    assert_eq!(taken, Err("gone".into()));
    assert_eq!(asked, [(0, 1 << 16), (1, 1 << 16)]);
}

#[test]
fn layouts_are_declared_anywhere_and_are_short() {
    let parse = |text: &str| {
        let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
        let component = Component::parse(&bytes, &LIMITS).map_err(|error| error.to_string())?;
        let linked = component.link(&mut TestHost::new(System::new(), 0)).expect("no imports");
        let host = TestHost::new(System::new(), 0);
        let instance = Instance::instantiate(linked, host, &LIMITS).expect("instantiated");
        Ok::<_, String>(instance.layout().map(<[u8]>::to_vec))
    };
    assert_eq!(parse("(component)"), Ok(None));
    assert_eq!(parse("(component (@custom \"atoll:layout\" \"\"))"), Ok(None));
    let inside = "(component (core module (@custom \"atoll:layout\" \"a\"))
        (@custom \"atoll:layout\" \"b\") (component (@custom \"atoll:layout\" \"c\")))";
    assert_eq!(parse(inside), Ok(Some(b"abc".to_vec())));
    let long = |len| format!("(component (@custom \"atoll:layout\" \"{}\"))", "x".repeat(len));
    assert_eq!(parse(&long(256)), Ok(Some(vec![b'x'; 256])));
    let error = parse(&long(257)).expect_err("too long");
    assert!(error.contains("a layout of more than 256 bytes (at byte 0x"), "{error}");
}
