//! Backtraces of traps: which frames there are, and that keeping note of them changes nothing.

mod common;

use atoll_runtime::trace::Backtrace;
use atoll_runtime::{Component, Instance, RuntimeLimits, Translation, Trap};
use common::{LIMITS, System, TestHost, wire};

const UNREACHABLE: u8 = 0x00;
const CALL: u8 = 0x10;
const CALL_INDIRECT: u8 = 0x11;

/// A component and the way in which it ended.
struct Ended {
    bytes: Vec<u8>,
    trap: Trap,
}

impl Ended {
    fn backtrace(&self) -> &Backtrace {
        self.trap.backtrace().expect("a backtrace")
    }

    /// The names of the frames.
    fn names(&self) -> Vec<&str> {
        let frames = self.backtrace().frames().iter();
        frames.map(|frame| frame.function.as_ref().expect("found").name.as_str()).collect()
    }

    /// The instructions that the frames' offsets lead to.
    fn opcodes(&self) -> Vec<u8> {
        let frames = self.backtrace().frames().iter();
        frames.map(|frame| self.bytes[frame.offset as usize]).collect()
    }
}

fn instantiate(
    bytes: &[u8],
    limits: &RuntimeLimits,
    backtrace: bool,
) -> Result<Instance<TestHost>, Trap> {
    let mut host = TestHost::new(System::new(), 0);
    let component = Component::parse(bytes, limits).expect("a component");
    let translation = Translation { metered: false, backtrace };
    let translated = component.translate_for(limits, translation).expect("valid");
    let linked = component.link(&mut host).expect("no imports");
    Instance::from_translated(&linked, &translated, host, limits)
}

fn run(bytes: &[u8], parameters: &[u32], backtrace: bool) -> Result<Vec<u8>, Trap> {
    let mut instance = instantiate(bytes, &LIMITS, backtrace)?;
    let export = instance.export_index("$root").expect("exports");
    let method = instance.function_index(export, "run").expect("run");
    instance.call(export, method, &wire(parameters))
}

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the export `run`, which traps.
fn trap(text: &str) -> Ended {
    let bytes = parse(text);
    let mut trap = run(&bytes, &[], true).expect_err("traps");
    trap.describe(&bytes);
    Ended { bytes, trap }
}

/// A component of one core module whose function `$run` is exported.
fn module(fields: &str) -> String {
    format!(
        r#"(component
        (core module $m {fields} (export "run" (func $run)))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#
    )
}

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
    let mut trap = instantiate(&started, &LIMITS, true).expect_err("traps");
    trap.describe(&started);
    assert_eq!(Ended { bytes: started, trap }.names(), ["t", "s"]);
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
    assert_eq!(self::trap(&text("(call $deep)")).names(), ["deeper", "deep", "free"]);
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
        let mut trap = instance.call(0, 0, &[]).expect_err("traps");
        trap.describe(&bytes);
        let ended = Ended { bytes, trap };
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

/// A component of one core module with a custom section called `name` of these bytes.
fn with_names(names: &[u8]) -> Vec<u8> {
    let hex: String = names.iter().map(|byte| format!("\\{byte:02x}")).collect();
    parse(&format!(
        r#"(component
        (core module $m (func unreachable) (func (export "run") (call 0))
            (@custom "name" "{hex}"))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#
    ))
}

#[test]
fn hostile_names_are_harmless() {
    let name = |count: u8, index: u8, text: &[u8]| {
        let mut naming = vec![count, index];
        let len = text.len();
        naming.extend([(len & 0x7f) as u8 | 0x80, (len >> 7) as u8]);
        naming.extend_from_slice(text);
        let len = naming.len();
        [&[1, (len & 0x7f) as u8 | 0x80, (len >> 7) as u8], naming.as_slice()].concat()
    };
    let huge = vec![b'a'; 5000];
    for (names, first) in [
        (vec![], "function 0".to_owned()),
        (name(1, 0, b"good"), "good".into()),
        (name(1, 0, b"a\nb\x1b[2J\xc3\xa9"), "a\\u{a}b\\u{1b}[2J\\u{e9}".into()),
        (name(1, 0, &huge), format!("{}...{}", "a".repeat(28), "a".repeat(65))),
        (name(1, 0, b"_ZN4core6option6unwrap17h0123456789abcdefE"), "core::option::unwrap".into()),
        (name(1, 0, b"_RNvNtCs1234_7mycrate3foo3bar"), "mycrate::foo::bar".into()),
        (name(1, 0, b"_RNvNtCs1234_7mycrate9"), "_RNvNtCs1234_7mycrate9".into()),
        // Not UTF-8; more names than there are; a name longer than its section; cut short.
        (name(1, 0, b"\xff\xfe"), "function 0".into()),
        (name(9, 0, b"good"), "good".into()),
        (vec![1, 5, 1, 0, 0x7f, b'a', b'b'], "function 0".into()),
        (vec![1, 0x7f, 1, 0], "function 0".into()),
        (name(1, 1, b""), "function 0".into()),
    ] {
        let bytes = with_names(&names);
        let mut trap = run(&bytes, &[], true).expect_err("traps");
        trap.describe(&bytes);
        let ended = Ended { bytes, trap };
        assert_eq!(ended.names(), [first.as_str(), "run"]);
        assert!(ended.trap.to_string().lines().all(|line| line.len() < 120 && line.is_ascii()));
    }
}

#[test]
fn a_binary_that_is_not_the_components_gives_no_names() {
    let bytes = parse(&module("(func $run unreachable)"));
    let trap = run(&bytes, &[], true).expect_err("traps");
    for other in [&[][..], b"\0asm", &bytes[..bytes.len() / 2]] {
        let mut trap = trap.clone();
        trap.describe(other);
        assert_eq!(trap.to_string().lines().count(), 2, "{trap}");
    }
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
        let refused = |backtrace| {
            let translation = Translation { metered: false, backtrace };
            component.translate_for(&LIMITS, translation).map(|_| ()).expect_err(fields)
        };
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
            let judge = |backtrace| {
                let translation = Translation { metered: false, backtrace };
                component.translate_for(&LIMITS, translation).map(|_| ())
            };
            proptest::prop_assert_eq!(judge(true), judge(false));
        }
    }
}
