//! The component that is swapped: counters as objects, a total, two streams, and a state of them.
//!
//! Its versions differ in the functions, by number and order, and in what they export for swaps.

use crate::fake::State;
use crate::tests::wit;
use atoll_gate::message::{EventKind, Slot};
use atoll_runtime::{Component, RuntimeLimits};

pub(super) const COUNTER: &str = "test:swap/counter";
/// The real interface, without its first line.
const STATE: &str = include_str!("../../../../../wit/lifecycle/state.wit");

/// A world of these exports, with the members of the interface in this order.
fn world(members: [&str; 3], exports: &str) -> String {
    let (_, state) = STATE.split_once(";").expect("a package line");
    format!(
        "package test:swap@1.0.0;
        interface counter {{
            use wasi:io/streams@0.2.12.{{input-stream, output-stream}};
            resource counter {{ constructor(start: u32); bump: func() -> u32; }}
            {}
        }}
        interface counter-handover {{
            use counter.{{counter}};
            save-counter: func(object: borrow<counter>) -> list<u8>;
            restore-counter: func(data: list<u8>) -> counter;
        }}
        world server {{ export counter; {exports} }}
        package wasi:io@0.2.12 {{
            interface streams {{
                resource input-stream;
                resource output-stream;
            }}
        }}
        package atoll:lifecycle@0.1.0 {{ {state} }}",
        members.concat()
    )
}

pub(super) const TOTAL: &str = "total: func() -> u32; restores: func() -> u32;";
pub(super) const ATTACH: &str =
    "attach: func(input: input-stream, output: output-stream); set: func(to: u32);";
pub(super) const END: &str = "refuse: func(); die: func();";
pub(super) const ALL: &str = "export counter-handover; export atoll:lifecycle/state@0.1.0;";

/// The functions of the interface and, as far as they are exported, of the others.
fn core(exports: &str) -> String {
    let handover = r#"
        (func (export "test:swap/counter-handover@1.0.0#save-counter") (param i32) (result i32)
            (i32.store (i32.const 1300) (local.get 0))
            (i32.store (i32.const 1304) (i32.const 4))
            (i32.const 1300))
        (func (export "test:swap/counter-handover@1.0.0#restore-counter")
              (param i32 i32) (result i32)
            (call $make (i32.load (local.get 0))))"#;
    let state = r#"
        (func (export "atoll:lifecycle/state@0.1.0#save") (result i32)
            (if (global.get $refusing) (then
                (global.set $refusing (i32.const 0))
                (i32.store (i32.const 1024) (i32.const 1))
                (i32.store (i32.const 1028) (i32.const 512))
                (i32.store (i32.const 1032) (i32.const 4))
                (return (i32.const 1024))))
            (i32.store (i32.const 1024) (i32.const 0))
            (i32.store (i32.const 1028) (i32.const 3))
            (i32.store (i32.const 1032) (i32.const 1100))
            (i32.store (i32.const 1036) (i32.const 4))
            (i32.store (i32.const 1040) (i32.const 1104))
            (i32.store (i32.const 1044) (i32.ne (global.get $in) (i32.const 0)))
            (i32.store (i32.const 1048) (i32.const 1108))
            (i32.store (i32.const 1052) (i32.ne (global.get $out) (i32.const 0)))
            (i32.store (i32.const 1100) (global.get $total))
            (i32.store (i32.const 1104) (global.get $in))
            (i32.store (i32.const 1108) (global.get $out))
            (global.set $in (i32.const 0))
            (global.set $out (i32.const 0))
            (i32.const 1024))
        (func (export "atoll:lifecycle/state@0.1.0#restore")
              (param $version i32) (param $data i32) (param i32)
              (param $in i32) (param $ins i32) (param $out i32) (param $outs i32) (result i32)
            (if (i32.ne (local.get $version) (i32.const 3)) (then
                (i32.store (i32.const 1200) (i32.const 1))
                (i32.store (i32.const 1204) (i32.const 512))
                (i32.store (i32.const 1208) (i32.const 4))
                (return (i32.const 1200))))
            (global.set $total (i32.load (local.get $data)))
            (global.set $restores (i32.add (global.get $restores) (i32.const 1)))
            (if (local.get $ins) (then (global.set $in (i32.load (local.get $in)))))
            (if (local.get $outs) (then (global.set $out (i32.load (local.get $out)))))
            (i32.store (i32.const 1200) (i32.const 0))
            (i32.const 1200))"#;
    format!(
        r#"(module
        (import "[export]test:swap/counter@1.0.0" "[resource-new]counter"
            (func $new (param i32) (result i32)))
        {allocator}
        (data (i32.const 512) "busy")
        (global $total (mut i32) (i32.const 0))
        (global $restores (mut i32) (i32.const 0))
        (global $in (mut i32) (i32.const 0))
        (global $out (mut i32) (i32.const 0))
        (global $refusing (mut i32) (i32.const 0))
        (func $make (export "test:swap/counter@1.0.0#[constructor]counter")
              (param $start i32) (result i32)
            (local $rep i32)
            (local.set $rep (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4)))
            (i32.store (local.get $rep) (local.get $start))
            (call $new (local.get $rep)))
        (func (export "test:swap/counter@1.0.0#[method]counter.bump") (param i32) (result i32)
            (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
            (i32.load (local.get 0)))
        (func (export "test:swap/counter@1.0.0#total") (result i32) (global.get $total))
        (func (export "test:swap/counter@1.0.0#restores") (result i32) (global.get $restores))
        (func (export "test:swap/counter@1.0.0#attach") (param i32 i32)
            (global.set $in (local.get 0)) (global.set $out (local.get 1)))
        (func (export "test:swap/counter@1.0.0#set") (param i32)
            (global.set $total (local.get 0)))
        (func (export "test:swap/counter@1.0.0#refuse") (global.set $refusing (i32.const 1)))
        (func (export "test:swap/counter@1.0.0#die") unreachable)
        {handover} {state})"#,
        allocator = wit::ALLOCATOR,
        handover = if exports.contains("handover") { handover } else { "" },
        state = if exports.contains("state") { state } else { "" },
    )
}

pub(super) fn server(members: [&str; 3], exports: &str) -> Vec<u8> {
    wit::component(&world(members, exports), "server", &core(exports))
}

/// The first version.
pub(super) fn first() -> Vec<u8> {
    server([TOTAL, ATTACH, END], ALL)
}

/// The numbers of a component's exported counters.
pub(super) struct Numbers {
    pub(super) export: u32,
    /// Names of the functions in their order.
    pub(super) functions: Vec<String>,
    pub(super) descriptor: Vec<u8>,
}

impl Numbers {
    pub(super) fn of(binary: &[u8]) -> Self {
        let component = Component::parse(binary, &RuntimeLimits::DEFAULT).expect("parses");
        let export = component.export_index(COUNTER).expect("exported");
        let functions = component.exports()[export as usize].ty.functions.iter();
        let functions = functions.map(|(name, _)| name.clone()).collect();
        Self { export, functions, descriptor: component.descriptor(export).expect("small") }
    }

    /// Puts a call into the inbox, under the numbers of this version, with the badge of `export`.
    pub(super) fn call(
        &self,
        state: &mut State,
        export: u32,
        name: &str,
        payload: &[u8],
        slots: &[Slot],
    ) {
        let method = self.functions.iter().position(|known| known == name).expect("a function");
        let id = 100 + state.inbox.len() as u64;
        state.event(EventKind::Call, id, export, method as u32, payload, slots);
    }
}
