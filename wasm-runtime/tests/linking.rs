//! Errors of linking: each names the import, what was expected and what was found.

mod common;

use atoll_runtime::{Component, Instance};
use common::{LIMITS, System, TestHost, wit};

/// Components that import `test:link/api` in the form given and call nothing.
fn importer(interface: &str, core: &str) -> Vec<u8> {
    let wit = format!("package test:link@1.3.0; {interface} world client {{ import api; }}");
    wit::component(&wit, "client", core)
}

/// A core module that imports these functions of the interface.
fn uses(functions: &[(&str, &str)]) -> String {
    let imports: String = functions
        .iter()
        .map(|(name, ty)| format!(r#"(import "test:link/api@1.3.0" "{name}" (func {ty}))"#))
        .collect();
    format!(
        r#"(module {imports} (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#
    )
}

/// A system that provides the interfaces of a package.
fn providing(package: &str) -> std::rc::Rc<System> {
    let system = System::new();
    for (name, descriptor) in wit::descriptors(package) {
        system.provide(&name, descriptor, |_, _| Vec::new());
    }
    system
}

fn error(provider: &str, client: &[u8]) -> String {
    providing(provider).link(client).expect_err("links").to_string()
}

const READ: &str = "interface api { read: func(at: u32) -> list<u8>; }";

fn reader() -> Vec<u8> {
    importer(READ, &uses(&[("read", "(param i32 i32)")]))
}

#[test]
fn nobody_provides_it() {
    assert_eq!(
        System::new().link(&reader()).unwrap_err().to_string(),
        "import `test:link/api@1.3.0`: nothing is granted under that name"
    );
}

#[test]
fn another_major_version_is_not_it() {
    let provider = format!("package test:link@2.0.0; {READ}");
    assert!(error(&provider, &reader()).contains("nothing is granted"));
}

#[test]
fn a_provider_may_have_more_and_another_minor_version() {
    let provider = "package test:link@1.9.0; interface api {
        resource thing { close: func(); }
        first: func();
        read: func(at: u32) -> list<u8>;
        write: func(at: u32, data: list<u8>);
    }";
    providing(provider).link(&reader()).expect("links");
}

#[test]
fn versions_meet_in_both_directions_along_their_track() {
    let package = |version: &str| {
        format!(
            "package test:link@{version};
             interface base {{ resource thing {{ close: func(); }} }}
             interface api {{ use base.{{thing}}; read: func(of: borrow<thing>) -> thing; }}"
        )
    };
    let uses = |version: &str| {
        format!(
            r#"(module
            (import "test:link/base@{version}" "[method]thing.close" (func (param i32)))
            (import "test:link/api@{version}" "read" (func (param i32) (result i32))))"#
        )
    };
    for (client, provider, meet) in [
        ("0.2.0", "0.2.6", true),
        ("0.2.6", "0.2.0", true),
        ("0.2.6", "0.3.0", false),
        ("0.3.0", "0.2.6", false),
        ("1.0.0", "1.9.4", true),
        ("1.9.4", "1.0.0", true),
        ("1.0.0", "2.0.0", false),
        ("0.0.1", "0.0.2", false),
        ("0.0.1", "0.0.1", true),
        ("1.0.0-rc", "1.0.0", false),
        ("1.0.0", "1.0.0-rc", false),
        ("0.2.0-rc-1", "0.2.0-rc-2", false),
        ("0.2.0-rc-1", "0.2.0-rc-1", true),
        ("1.2.3", "1.2.3", true),
    ] {
        let wit = format!("{} world client {{ import base; import api; }}", package(client));
        let component = wit::component(&wit, "client", &uses(client));
        let linked = providing(&package(provider)).link(&component);
        assert_eq!(linked.is_ok(), meet, "{client} from {provider}: {linked:?}");
    }
}

#[test]
fn what_a_gate_lets_through_is_what_counts() {
    // `@since` and `@unstable` are gone from binaries: a provider with more functions is one whose
    // gates were open wider, and a client that wants more than there is is refused by name.
    let gated = |version: &str| {
        format!(
            "package test:link@{version};
             interface api {{
                 @since(version = 0.2.0) read: func(at: u32) -> list<u8>;
                 @since(version = 0.2.4) write: func(at: u32);
                 @unstable(feature = later) seek: func();
             }}"
        )
    };
    let client = |version: &str, core: &str| {
        let wit = format!("{} world client {{ import api; }}", gated(version));
        wit::component(&wit, "client", core)
    };
    let reads = client(
        "0.2.4",
        r#"(module (import "test:link/api@0.2.4" "read" (func (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#,
    );
    let writes =
        client("0.2.4", r#"(module (import "test:link/api@0.2.4" "write" (func (param i32))))"#);
    let older = "package test:link@0.2.3; interface api { read: func(at: u32) -> list<u8>; }";
    providing(older).link(&reads).expect("an import has only what is used");
    assert!(error(older, &writes).contains("expected `write: func(at: u32)`"));
    for client in [&reads, &writes] {
        providing(&gated("0.2.9")).link(client).expect("links");
    }
}

#[test]
fn a_function_is_missing() {
    let provider = "package test:link@1.3.0; interface api { write: func(); }";
    assert_eq!(
        error(provider, &reader()),
        "import `test:link/api@1.3.0`: expected `read: func(at: u32) -> list<u8>`, found a \
         provider without a function of that name"
    );
}

#[test]
fn types_differ() {
    for (found, text) in [
        ("read: func(at: u64) -> list<u8>", "func(at: u64) -> list<u8>"),
        ("read: func(place: u32) -> list<u8>", "func(place: u32) -> list<u8>"),
        ("read: func(at: u32, n: u8) -> list<u8>", "func(at: u32, n: u8) -> list<u8>"),
        ("read: func(at: u32) -> string", "func(at: u32) -> string"),
        ("read: func(at: u32)", "func(at: u32)"),
        ("read: func(at: u32) -> option<list<u8>>", "func(at: u32) -> option<list<u8>>"),
    ] {
        let provider = format!("package test:link@1.3.0; interface api {{ {found}; }}");
        assert_eq!(
            error(&provider, &reader()),
            format!(
                "import `test:link/api@1.3.0`: function `read`: expected `func(at: u32) -> \
                 list<u8>`, found `{text}`"
            )
        );
    }
}

#[test]
fn labels_count() {
    let client = importer(
        "interface api {
            record point { x: u32, y: u32 }
            variant shape { dot, circle(f32) }
            enum colour { red, green }
            flags able { walk, fly }
            draw: func(p: point, s: shape, c: colour, a: able) -> result<_, tuple<u8, char>>;
        }",
        &uses(&[("draw", "(param i32 i32 i32 f32 i32 i32 i32)")]),
    );
    let provider = |types: &str| {
        format!(
            "package test:link@1.3.0; interface api {{ {types}
            draw: func(p: point, s: shape, c: colour, a: able) -> result<_, tuple<u8, char>>; }}"
        )
    };
    let same = "record point { x: u32, y: u32 } variant shape { dot, circle(f32) }
                enum colour { red, green } flags able { walk, fly }";
    providing(&provider(same)).link(&client).expect("links");
    for (from, to) in [
        ("{ x: u32", "{ z: u32"),
        ("y: u32 }", "y: u32, z: u32 }"),
        ("circle(f32)", "circle(u32)"),
        ("circle(f32)", "circle"),
        ("{ dot, circle(f32) }", "{ circle(f32), dot }"),
        ("red, green", "red, green, blue"),
        ("red, green", "green, red"),
        ("walk, fly", "walk"),
    ] {
        let error = error(&provider(&same.replace(from, to)), &client);
        let expected = "expected `func(p: record { x: u32, y: u32 }, s: variant { dot, \
                        circle(f32) }, c: enum { red, green }, a: flags { walk, fly }) -> \
                        result<_, tuple<u8, char>>`, found";
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
}

#[test]
fn resources_are_told_apart_by_who_declares_them() {
    let client = wit::component(
        "package test:link@1.3.0;
         interface base { resource thing; }
         interface api { use base.{thing}; take: func(t: thing) -> option<thing>; }
         world client { import api; }",
        "client",
        &uses(&[("take", "(param i32 i32)")]),
    );
    let base = "interface base { resource thing; }";
    let same = format!(
        "package test:link@1.4.0; {base}
         interface api {{ use base.{{thing}}; take: func(t: thing) -> option<thing>; }}"
    );
    providing(&same).link(&client).expect("links");
    let own = format!(
        "package test:link@1.3.0; {base}
         interface api {{ resource thing; take: func(t: thing) -> option<thing>; }}"
    );
    assert_eq!(
        error(&own, &client),
        "import `test:link/api@1.3.0`: function `take`: expected `func(t: \
         test:link/base@1.3.0.{thing}) -> option<test:link/base@1.3.0.{thing}>`, found `func(t: \
         thing) -> option<thing>`"
    );
    let lent = format!(
        "package test:link@1.3.0; {base}
         interface api {{ use base.{{thing}}; take: func(t: borrow<thing>) -> option<thing>; }}"
    );
    assert!(error(&lent, &client).contains("borrow<test:link/base@1.3.0.{thing}>"));
    let none = "package test:link@1.3.0; interface base { f: func(); }
         interface api { take: func(); }";
    assert_eq!(
        error(none, &client),
        "import `test:link/base@1.3.0`: expected `resource thing`, found a provider that declares \
         none"
    );
}

#[test]
fn an_import_that_only_names_types_needs_nobody() {
    let client = wit::component(
        "package test:link@1.3.0;
         interface types { enum error { a, b } }
         interface api { use types.{error}; read: func() -> error; }
         world client { import api; }",
        "client",
        &uses(&[("read", "(result i32)")]),
    );
    let provider = "package test:link@1.3.0;
         interface api { enum error { a, b } read: func() -> error; }";
    providing(provider).link(&client).expect("links");
}

#[test]
fn a_descriptor_that_makes_no_sense_is_named() {
    let system = System::new();
    system.provide("test:link/api@1.3.0", vec![1, 2, 3], |_, _| Vec::new());
    let error = system.link(&reader()).unwrap_err().to_string();
    assert!(error.starts_with("import `test:link/api@1.3.0`: expected a description"), "{error}");
}

#[test]
fn what_nobody_can_grant_is_named() {
    let component = wat::parse_str(r#"(component (import "code" (core module)))"#).unwrap();
    assert_eq!(
        System::new().link(&component).unwrap_err().to_string(),
        "import `code`: expected an interface or a function, found a core module: nobody can \
         grant it"
    );
}

#[test]
fn a_huge_type_is_cut_off_in_the_text() {
    let fields: String = (0..200).map(|n| format!("field-number-{n}: u32, ")).collect();
    let client = importer(
        &format!("interface api {{ record big {{ {fields} }} read: func(b: big); }}"),
        &uses(&[("read", "(param i32)")]),
    );
    let error = error("package test:link@1.3.0; interface api { read: func(b: u32); }", &client);
    assert!(error.len() < 700 && error.contains('…') && error.contains("found `func(b: u32)`"));
}

#[test]
fn one_interface_under_two_labels() {
    // The component names each by its label, and types are compared by the interface behind it.
    let client = wat::parse_str(
        r#"(component
        (import "first" (implements "test:link/base@1.2.0") (instance $first
            (export "thing" (type (sub resource)))
            (export "[method]thing.close" (func (param "self" (borrow 0))))))
        (import "second" (implements "test:link/base@1.2.0") (instance
            (export "thing" (type (sub resource)))))
        (alias export $first "thing" (type $thing))
        (import "test:link/api@1.2.0" (instance
            (alias outer 1 $thing (type $thing))
            (export "thing" (type $t (eq $thing)))
            (export "read" (func (param "of" (borrow $t)) (result (own $t)))))))"#,
    )
    .expect("text");
    let system = System::new();
    let package = "package test:link@1.3.0;
         interface base { resource thing { close: func(); } }
         interface api { use base.{thing}; read: func(of: borrow<thing>) -> thing; }";
    for (name, descriptor) in wit::descriptors(package) {
        let labels: &[&str] = if name.contains("base") { &["first", "second"] } else { &[&name] };
        for label in labels {
            system.provide(label, descriptor.clone(), |_, _| Vec::new());
        }
    }
    system.link(&client).expect("links");
    providing(package).link(&client).expect("links by the interface's own name");
    let other =
        package.replace("interface base", "interface basis").replace("use base", "use basis");
    assert_eq!(
        providing(&other).link(&client).unwrap_err().to_string(),
        "import `first`: nothing is granted under that name; unmet, too: `second`"
    );
}

#[test]
fn an_exported_interface_within_an_interface_declares_resources() {
    let component = wat::parse_str(
        r#"(component
        (type $r' (resource (rep i32)))
        (instance $inner (export "r" (type $r')))
        (instance $outer (export "i" (instance $inner)))
        (export $e "a:b/c" (instance $outer))
        (alias export $e "i" (instance $i))
        (alias export $i "r" (type $r))
        (core func $new (canon resource.new $r'))
        (core module $m (import "" "new" (func $new (param i32) (result i32)))
            (func (export "make") (result i32) (call $new (i32.const 9))))
        (core instance $m (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func $make (result (own $r)) (canon lift (core func $m "make")))
        (export "make" (func $make)))"#,
    )
    .expect("text");
    let domain = System::new().start(&component);
    let instance = domain.instance.borrow();
    assert_eq!(instance.exports()[0].ty.resources[0].0, "i/r");
    for export in 0..2 {
        let descriptor = instance.descriptor(export).expect("fits");
        atoll_runtime::descriptor::decode(&descriptor).expect("is one");
    }
}

#[test]
fn what_was_translated_is_instantiated_with_its_own_component() {
    let bytes = wat::parse_str("(component (core module $m) (core instance (instantiate $m)))");
    let bytes = bytes.expect("text");
    let read = || Component::parse(&bytes, &LIMITS).expect("is read");
    let (component, other) = (read(), read());
    let translated = component.translate(&LIMITS, false).expect("valid");
    let outcome = |component: Component<'_>| {
        let mut host = TestHost::new(System::new(), 0);
        let linked = component.link(&mut host).expect("links");
        let instance = Instance::from_translated(&linked, &translated, host, &LIMITS);
        instance.map(drop).map_err(|trap| trap.to_string())
    };
    assert_eq!(outcome(component), Ok(()));
    assert_eq!(outcome(other), Err("what was translated is another component".into()));
}
