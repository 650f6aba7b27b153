//! Every limit is met by a component that asks for more, and its error says which it is, what was
//! asked for, and how it is raised.

mod common;

use std::fmt::Write;

use atoll_runtime::{Component, RuntimeLimits, limits::Limit};
use common::{Domain, LIMITS, System, wire};

fn start(text: &str, limits: &RuntimeLimits) -> Result<Domain, String> {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    System::new().start_with(&bytes, limits)
}

/// Starts the component with these limits, which it must not keep, and with one more, which it
/// does.
fn met(limit: Limit, most: u64, text: &str) {
    let set = |value: u64| {
        let mut limits = LIMITS;
        let small = u32::try_from(value).expect("small");
        match limit {
            Limit::LinearMemory => limits.linear_memory = value,
            Limit::TableElements => limits.table_elements = small,
            Limit::CoreModules => limits.core_modules = small,
            Limit::CoreFunctions => limits.core_functions = small,
            Limit::CoreDefinitions => limits.core_definitions = small,
            Limit::CoreInstances => limits.core_instances = small,
            Limit::Instances => limits.instances = small,
            Limit::Memories => limits.memories = small,
            Limit::Tables => limits.tables = small,
            Limit::InterfaceItems => limits.interface_items = small,
            Limit::TypeParts => limits.type_parts = small,
            Limit::TypeDepth => limits.type_depth = small,
            Limit::Steps => limits.steps = small,
            Limit::ComponentBytes | Limit::Handles | Limit::CallDepth | Limit::StackBytes => {
                unreachable!("met elsewhere")
            }
        }
        limits
    };
    let error = start(text, &set(most)).err().unwrap_or_else(|| panic!("{limit} is not kept"));
    let found = most + 1;
    for part in [
        format!("{found} {}, more than the limit of {most}", limit.what()),
        format!("can raise `limits.{limit}` to {}", limit.range().1),
    ] {
        assert!(error.contains(&part), "{limit}: {error}");
    }
    start(text, &set(found)).unwrap_or_else(|error| panic!("{limit} of {found}: {error}"));
}

#[test]
fn what_core_modules_define() {
    met(Limit::CoreModules, 2, "(component (core module) (core module) (core module))");
    let functions = "(core module (func) (func))";
    met(Limit::CoreFunctions, 3, &format!("(component {functions} {functions})"));
    // A type, two globals, a memory with a segment, a table with another, an export.
    let module = r#"(core module (type (func)) (global i32 (i32.const 0)) (memory 1)
        (global i64 (i64.const 0)) (data (i32.const 0) "x") (table 1 funcref) (elem declare func)
        (export "m" (memory 0)))"#;
    met(Limit::CoreDefinitions, 7, &format!("(component {module})"));
}

#[test]
fn what_is_instantiated() {
    met(
        Limit::CoreInstances,
        2,
        "(component (core module $m) (core instance (instantiate $m))
            (core instance (instantiate $m)) (core instance (instantiate $m)))",
    );
    met(
        Limit::Memories,
        2,
        "(component (core module $m (memory 1) (memory 1))
            (core module $n (memory 1)) (core instance (instantiate $m))
            (core instance (instantiate $n)))",
    );
    met(
        Limit::Tables,
        2,
        "(component (core module $m (table 1 funcref) (table 1 funcref) (table 1 funcref))
            (core instance (instantiate $m)))",
    );
    met(
        Limit::Instances,
        3,
        "(component (component $c) (instance (instantiate $c)) (instance (instantiate $c))
            (instance (instantiate $c)))",
    );
}

#[test]
fn what_is_made_at_first() {
    met(
        Limit::LinearMemory,
        (3 << 16) - 1,
        "(component (core module $m (memory 3)) (core instance (instantiate $m)))",
    );
    met(
        Limit::TableElements,
        50,
        "(component (core module $m (table 51 funcref)) (core instance (instantiate $m)))",
    );
}

#[test]
fn what_is_imported_and_exported() {
    let functions: String = (0..20).fold(String::new(), |mut text, number| {
        let _ = write!(text, r#"(export "f{number}" (func))"#);
        text
    });
    let text = format!(
        r#"(component (type $t (instance {functions}))
            (import "a:b/c" (instance (type $t))) (import "a:b/d" (instance (type $t))))"#
    );
    let bytes = wat::parse_str(text).expect("text");
    let limits = RuntimeLimits { interface_items: 39, ..LIMITS };
    let error = Component::parse(&bytes, &limits).expect_err("too many").to_string();
    assert!(error.contains("40 functions and resources in imports and exports"), "{error}");
    assert!(error.contains("`limits.interface-items`"), "{error}");
    Component::parse(&bytes, &RuntimeLimits { interface_items: 40, ..LIMITS }).expect("enough");
}

#[test]
fn the_size_of_types() {
    // A function of a component; its type is converted when the component is instantiated.
    let lifted = |ty: &str| {
        format!(
            r#"(component
                (component
                    (core module $m (memory (export "m") 1)
                        (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                        (func (export "f") (param i32 i32)))
                    (core instance $i (instantiate $m))
                    (type $t {ty})
                    (func (export "f") (param "x" $t)
                        (canon lift (core func $i "f") (memory (core memory $i "m"))
                            (realloc (core func $i "realloc")))))
                (instance (instantiate 0)))"#
        )
    };
    let deep = |levels: usize| "(list ".repeat(levels) + "u8" + &")".repeat(levels);
    met(Limit::TypeDepth, 5, &lifted(&deep(6)));
    met(Limit::TypeParts, 4, &lifted("(list (tuple u8 u8 u8))"));
}

#[test]
fn how_long_instantiation_takes() {
    let text = "(component (core module $m) (core instance (instantiate $m))
        (core instance (instantiate $m)))";
    met(Limit::Steps, 2, text);
}

/// What grows beyond its limit is told so, and lives on.
#[test]
fn growth_beyond_a_limit_fails() {
    let run = |core: &str| {
        format!(
            r#"(component (core module $m {core}) (core instance $i (instantiate $m))
            (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#
        )
    };
    let limits = RuntimeLimits { linear_memory: 3 << 16, table_elements: 50, ..LIMITS };
    let memory = run(r#"(memory 1) (func (export "run") (param i32) (result i32)
            (memory.grow (local.get 0)))"#);
    let memory = start(&memory, &limits).expect("starts");
    let table = run(r#"(table 1 funcref) (func (export "run") (param i32) (result i32)
            (table.grow (ref.null func) (local.get 0)))"#);
    let table = start(&table, &limits).expect("starts");
    for (domain, too_many, most) in [(memory, 3, 2), (table, 50, 49)] {
        assert_eq!(domain.call("$root", "run", &wire(&[too_many])), wire(&[u32::MAX]));
        assert_eq!(domain.call("$root", "run", &wire(&[most])), wire(&[1]));
    }
}

/// A memory does not grow when the host has no room for it, and what was there stays.
#[test]
fn growth_without_room_fails() {
    let text = r#"(component
        (core module $m (memory 1) (func (export "run") (param i32) (result i32)
            (memory.grow (local.get 0))))
        (core instance $i (instantiate $m))
        (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#;
    let system = System::new();
    system.room.set(5 << 16);
    let bytes = wat::parse_str(text).expect("text");
    let domain = system.start_with(&bytes, &LIMITS).expect("starts");
    assert_eq!(domain.call("$root", "run", &wire(&[6])), wire(&[u32::MAX]));
    assert_eq!(domain.call("$root", "run", &wire(&[5])), wire(&[1]));
    system.room.set((1 << 16) - 1);
    assert_eq!(domain.call("$root", "run", &wire(&[1])), wire(&[u32::MAX]));
    let error = system.start_with(&bytes, &LIMITS).err().expect("no room");
    assert!(error.contains("no room for 65536 bytes"), "{error}");
}

#[test]
fn recursion_is_bounded_by_frames_and_by_bytes() {
    let text = r#"(component
        (core module $m (func $f (export "run") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0)))))
        (core instance $i (instantiate $m))
        (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))"#;
    let run = |limits: RuntimeLimits, depth: u32| {
        let domain = start(text, &limits).expect("starts");
        domain.try_call("$root", "run", &wire(&[depth]))
    };
    let deep = RuntimeLimits { call_depth: 5000, stack_bytes: 1 << 20, ..LIMITS };
    assert_eq!(run(deep, 4900), Ok(wire(&[4900])));
    for shallow in
        [RuntimeLimits { call_depth: 500, ..deep }, RuntimeLimits { stack_bytes: 1 << 14, ..deep }]
    {
        assert_eq!(run(shallow, 100), Ok(wire(&[100])));
        let trap = run(shallow, 4900).expect_err("too deep");
        assert!(trap.contains("call stack"), "{trap}");
    }
}

/// Modules as large as those of languages that bring an interpreter along.
#[test]
fn large_components_fit() {
    let modules = "(core module)".repeat(38);
    let instances: String = (0..38).fold(String::new(), |mut text, module| {
        let _ = write!(text, "(core instance (instantiate {module}))");
        text
    });
    start(&format!("(component {modules} {instances})"), &LIMITS).expect("38 modules");
    let data = "x".repeat(20 << 20);
    let text = format!(
        r#"(component (core module $m (memory 320) (data (i32.const 0) "{data}"))
            (core instance (instantiate $m)))"#
    );
    let limits = RuntimeLimits { component_bytes: 32 << 20, linear_memory: 32 << 20, ..LIMITS };
    start(&text, &limits).expect("20 MiB");
}

/// `8 MiB` for bytes, `20,000` for anything else.
fn quantity(limit: Limit, number: u64) -> String {
    if matches!(limit, Limit::LinearMemory | Limit::ComponentBytes | Limit::StackBytes) {
        let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
        let unit = units.iter().find(|(_, shift)| number >= 1 << shift);
        return unit
            .map_or(format!("{number} B"), |(unit, shift)| format!("{} {unit}", number >> shift));
    }
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}

#[test]
fn the_operators_table_is_true() {
    let table = include_str!("../../docs/limits.md");
    for limit in Limit::ALL {
        let (least, most) = limit.range();
        let line = format!(
            "| `{limit}` | {} | {} | {} to {} |",
            limit.what(),
            quantity(*limit, RuntimeLimits::DEFAULT.get(*limit)),
            quantity(*limit, least),
            quantity(*limit, most)
        );
        assert!(table.contains(&line), "docs/limits.md lacks\n{line}");
    }
}
