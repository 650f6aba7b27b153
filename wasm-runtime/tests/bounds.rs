//! What a component can make the runtime allocate, counted by the global allocator: little for a
//! number that it only claims, a bounded multiple of its size for what it brings, nothing twice
//! for what is instantiated twice, and the same in every domain.

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System as Heap},
    cell::Cell,
};

use atoll_runtime::{Component, Instance, RuntimeLimits};
use common::{System, TestHost};

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
    static TOTAL: Cell<u64> = const { Cell::new(0) };
    static SEQUENCE: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with an account of each thread.
struct Counting;

const ALLOCATE: u64 = 1;
const FREE: u64 = 2;
const RESIZE: u64 = 3;

/// Notes a request by its kind and size, and what it changes.
fn note(kind: u64, size: usize, change: i64) {
    let live = LIVE.get().wrapping_add(change);
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    TOTAL.set(TOTAL.get().wrapping_add(change.max(0) as u64));
    // Not what is freed: on a host, the hash maps of the tools that the tests use are open in the
    // validator too, and are dropped in any order. The domain image has none.
    if kind != FREE {
        let mixed = SEQUENCE.get().rotate_left(5) ^ (size as u64).wrapping_mul(4) ^ kind;
        SEQUENCE.set(mixed.wrapping_mul(0x517c_c1b7_2722_0a95));
    }
}

// SAFETY: every method hands its arguments on to `Heap` and returns its answer; counting in
// thread-local cells that need no destructor does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(ALLOCATE, layout.size(), layout.size() as i64);
        // SAFETY: the caller's promises are those that `Heap` asks for.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(FREE, layout.size(), -(layout.size() as i64));
        // SAFETY: `block` came from `alloc` or `realloc`, which are those of `Heap`.
        unsafe { Heap.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(RESIZE, size, size as i64 - layout.size() as i64);
        // SAFETY: as for `dealloc`, and the new size is the caller's.
        unsafe { Heap.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes that `run` has at a time.
fn peak<T>(run: impl FnOnce() -> T) -> (u64, T) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = run();
    (PEAK.get().wrapping_sub(before) as u64, result)
}

/// All bytes that `run` asks for.
fn total<T>(run: impl FnOnce() -> T) -> (u64, T) {
    let before = TOTAL.get();
    let result = run();
    (TOTAL.get().wrapping_sub(before), result)
}

const LIMITS: RuntimeLimits = RuntimeLimits { component_bytes: 8 << 20, ..RuntimeLimits::DEFAULT };

/// Parses, translates and instantiates a component without imports, as far as it goes.
fn load(bytes: &[u8]) -> Result<Instance<TestHost>, String> {
    let component = Component::parse(bytes, &LIMITS).map_err(|error| error.to_string())?;
    instantiate(component)
}

fn instantiate(component: Component<'_>) -> Result<Instance<TestHost>, String> {
    let mut host = TestHost::new(System::new(), 0);
    let linked = component.link(&mut host).map_err(|error| error.to_string())?;
    Instance::instantiate(linked, host, &LIMITS).map_err(|error| error.to_string())
}

fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len() as u64), content].concat()
}

fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0".to_vec(), sections.concat()].concat()
}

fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// A component with this core module, instantiated.
fn around(module: &[u8]) -> Vec<u8> {
    component(&[section(1, module), section(2, &[1, 0, 0, 0])])
}

/// A core module with functions without parameters, and their bodies.
fn functions(count: usize, body: &[u8]) -> Vec<u8> {
    let types = section(1, &[1, 0x60, 0, 0]);
    let indexes = [leb(count as u64), vec![0; count]].concat();
    let body = [leb(body.len() as u64), body.to_vec()].concat();
    let bodies = [leb(count as u64), body.repeat(count)].concat();
    module(&[types, section(3, &indexes), section(10, &bodies)])
}

#[test]
fn claimed_numbers_are_not_allocated() {
    let most = u64::from(u32::MAX);
    let claims = [vec![], vec![0], vec![1], vec![0x60]];
    let mut tried = 0;
    let mut check = |what: String, bytes: &[u8]| {
        let (peak, outcome) = peak(|| load(bytes));
        outcome.err().unwrap_or_else(|| panic!("{what} was accepted"));
        assert!(peak < 256 << 10, "{what}: {peak} bytes");
        tried += 1;
    };
    for count in [1 << 16, 1 << 24, most] {
        for before in &claims {
            let claim = [before.clone(), leb(count), vec![1, 0, 0x40, 0x72, 0x60, 0x7f]].concat();
            for id in 1..=13 {
                check(format!("section {id} of {claim:x?}"), &component(&[section(id, &claim)]));
                let module = module(&[section(id, &claim)]);
                check(format!("core section {id} of {claim:x?}"), &around(&module));
            }
            // The first byte says what is defined: records, variants, lists, functions, instances…
            for kind in 0x3f..=0x7f {
                let claim = [vec![1, kind], before.clone(), leb(count), vec![1, b'a']].concat();
                check(format!("type {claim:x?}"), &component(&[section(7, &claim)]));
                check(format!("core type {claim:x?}"), &component(&[section(3, &claim)]));
            }
        }
        // Targets of a jump table, and locals.
        let jump = [vec![0, 0x41, 0, 0x0e], leb(count), vec![0, 0x0b]].concat();
        check(format!("{count} jumps"), &around(&functions(1, &jump)));
        let locals = [vec![1], leb(count), vec![0x7f, 0x0b]].concat();
        check(format!("{count} locals"), &around(&functions(1, &locals)));
        // A table and a memory.
        let table = module(&[section(4, &[vec![1, 0x70, 0], leb(count)].concat())]);
        check(format!("a table of {count}"), &around(&table));
        let memory = module(&[section(5, &[vec![1, 0], leb(count.min(65536))].concat())]);
        check(format!("a memory of {count}"), &around(&memory));
        // Passive segments whose content is not there.
        let data = module(&[section(11, &[vec![1, 1], leb(count), vec![0]].concat())]);
        check(format!("a segment of {count}"), &around(&data));
    }
    assert!(tried > 1500, "{tried}");
}

/// The worst shapes that are known: bytes at the peak for each byte of the component.
#[test]
fn what_is_brought_costs_a_bounded_multiple() {
    let blocks = |count: usize| {
        let body = [vec![0], [2, 0x40].repeat(count), vec![0x0b; count + 1]].concat();
        around(&functions(1, &body))
    };
    let fields = |count: usize| {
        let fields: String = (0..count).map(|field| format!("(field \"f{field}\" u8)")).collect();
        wat::parse_str(format!("(component (type (record {fields})))")).expect("text")
    };
    let exports = |count: usize| {
        let exports: String = (0..count).map(|e| format!("(export \"e{e}\" (func 0))")).collect();
        wat::parse_str(format!(
            "(component (core module $m (func) {exports}) (core instance (instantiate $m)))"
        ))
        .expect("text")
    };
    let types = |count: usize| {
        component(&[section(7, &[leb(count as u64), [0x70, 0x7d].repeat(count)].concat())])
    };
    let core_types = |count: usize| {
        let types = [leb(count as u64), [0x60, 0, 0].repeat(count)].concat();
        around(&module(&[section(1, &types)]))
    };
    let cases: [(&str, Vec<u8>, u64); 6] = [
        ("nested blocks", blocks(100_000), 130),
        ("empty functions", around(&functions(90_000, &[0, 0x0b])), 120),
        ("record fields", fields(5_000), 60),
        ("core exports", exports(15_000), 60),
        ("list types", types(190_000), 250),
        ("core types", core_types(19_000), 120),
    ];
    for (what, bytes, most) in cases {
        let (peak, outcome) = peak(|| load(&bytes).map(drop));
        let factor = peak / bytes.len() as u64;
        println!("{what}: {} bytes, peak {peak}, factor {factor}, {outcome:?}", bytes.len());
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        assert!(factor <= most, "{what}: {peak} bytes for {}", bytes.len());
    }
}

/// A component whose one large module is instantiated as often as said, some of it by way of a
/// nested component.
fn repeated(times: usize) -> Vec<u8> {
    let body = "(drop (i32.const 1)) ".repeat(20_000);
    let (direct, nested) = (times / 2, times - times / 2);
    wat::parse_str(format!(
        "(component (core module $m (func {body})) {}
            (component $c (core instance (instantiate $m)))
            {})",
        "(core instance (instantiate $m))".repeat(direct),
        "(instance (instantiate $c))".repeat(nested),
    ))
    .expect("text")
}

#[test]
fn a_module_is_translated_once() {
    let (once, _) = total(|| load(&repeated(1)).expect("starts"));
    let (often, _) = total(|| load(&repeated(9)).expect("starts"));
    assert!(once > 500_000, "translation takes {once} bytes");
    assert!(often < once + once / 10, "{once} bytes for one, {often} for nine");
}

/// A component that exports functions which take a list of a type with many parts.
fn planned(functions: usize) -> Vec<u8> {
    let tuple = ["u8 char u16 f64 bool s32"; 8].join(" ");
    let exports: String = (0..functions)
        .map(|number| {
            format!(
                r#"(func (export "f{number}") (param "values" (list (tuple {tuple})))
                    (canon lift (core func $i "f") (memory (core memory $i "m"))
                        (realloc (core func $i "r"))))"#
            )
        })
        .collect();
    wat::parse_str(format!(
        r#"(component
            (core module $m
                (memory (export "m") 0)
                (func (export "f") (param i32 i32))
                (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
            (core instance $i (instantiate $m))
            {exports})"#
    ))
    .expect("text")
}

#[test]
fn plans_are_compiled_once_for_all_instances() {
    let bytes = planned(50);
    let component = Component::parse(&bytes, &LIMITS).expect("is read");
    let (translating, translated) = total(|| component.translate(&LIMITS, false).expect("valid"));
    let linked = component.link(&mut TestHost::new(System::new(), 0)).expect("links");
    for _ in 0..2 {
        let host = TestHost::new(System::new(), 0);
        let (instantiating, instance) =
            total(|| Instance::from_translated(&linked, &translated, host, &LIMITS));
        assert_eq!(instance.expect("starts").exports()[0].ty.functions.len(), 50);
        // Of which most is the record of calls for backtraces.
        let most = translating / 4;
        assert!(instantiating < most, "{translating} bytes, then {instantiating}");
    }
}

/// Says in a child process that it is to load a component and tell how.
const CHILD: &str = "ATOLL_BOUNDS_CHILD";

/// Nothing that a fresh domain asks of its heap depends on when or where it is made, so its
/// addresses are the same in every domain. A process stands for a domain, from the component as it
/// was read: while it is read, the order of wasmparser's maps is that of the host's random seeds,
/// which a domain does not have (the scenario `limits-heap` compares whole heaps of domains).
#[test]
fn every_domain_allocates_alike() {
    let bytes = common::wit::component(
        "package test:same@0.1.0;
         interface api {
             resource thing { constructor(n: u32); name: func() -> string; }
             record pair { a: u8, b: list<string> }
             f: func(x: option<pair>) -> result<list<pair>, string>;
         }
         world server { export api; }",
        "server",
        r#"(module
            (import "[export]test:same/api@0.1.0" "[resource-new]thing" (func (param i32) (result i32)))
            (memory (export "memory") 17)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export "test:same/api@0.1.0#[constructor]thing") (param i32) (result i32) unreachable)
            (func (export "test:same/api@0.1.0#[method]thing.name") (param i32) (result i32) unreachable)
            (func (export "test:same/api@0.1.0#f") (param i32 i32 i32 i32) (result i32) unreachable))"#,
    );
    if std::env::var_os(CHILD).is_some() {
        let component = Component::parse(&bytes, &LIMITS).expect("is read");
        SEQUENCE.set(0);
        let instance = instantiate(component).expect("starts");
        println!("sequence {:x}", SEQUENCE.get());
        return drop(instance);
    }
    let domain = |number: &str| {
        let mut test = std::process::Command::new(std::env::current_exe().expect("path"));
        test.args(["--exact", "every_domain_allocates_alike", "--nocapture"]).env(CHILD, number);
        let output = test.output().expect("runs");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        let told = text.lines().find_map(|line| line.split_once("sequence "));
        told.map(|(_, sequence)| sequence.to_string()).expect("a sequence")
    };
    let first = domain("1");
    assert!(first.len() > 8, "{first}");
    assert_eq!(first, domain("a later one"));
}
