//! Swaps between versions that declare the same layout: the guests go along as they are.

use super::life::run_binary;
use super::wit;
use crate::fake::{State, Thing, arriving};
use crate::serve::End;
use crate::start::Grant;
use atoll_gate::call::{Status, rights};
use atoll_gate::message::{EventKind, ReceiveSlot, SendSlot, Slot};
use atoll_gate::record::Cause;
use atoll_gate::start::{GrantKind, Options};
use atoll_runtime::{Component, RuntimeLimits};

const TILL: &str = "test:whole/till";
const LAYOUT: &[u8] = b"till 1";
const START: &str = include_str!("../../../../wit/lifecycle/start.wit");
const STATE: &str = include_str!("../../../../wit/lifecycle/state.wit");
const SAVES: &str = "export atoll:lifecycle/state@0.1.0;";

fn world(exports: &str) -> String {
    let [start, state] = [START, STATE].map(|text| text.split_once(';').expect("a package line").1);
    format!(
        "package test:whole@1.0.0;
        interface till {{
            use wasi:io/streams@0.2.12.{{input-stream}};
            resource drawer {{ constructor(start: u32); add: func() -> u32; }}
            total: func() -> u32; version: func() -> u32; grow: func(); die: func();
            attach: func(input: input-stream);
        }}
        interface till-handover {{
            use till.{{drawer}};
            save-drawer: func(object: borrow<drawer>) -> list<u8>;
            restore-drawer: func(data: list<u8>) -> drawer;
        }}
        world server {{ export till; export atoll:lifecycle/start@0.1.0; {exports} }}
        package wasi:io@0.2.12 {{ interface streams {{ resource input-stream; resource output-stream; }} }}
        package atoll:lifecycle@0.1.0 {{ {start} {} }}",
        state.replace("package atoll:lifecycle@0.1.0;", "")
    )
}

/// A component whose start makes the total 900, so that it shows whether it ran.
fn server(version: u32, layout: &str, exports: &str) -> Vec<u8> {
    let section = if layout.is_empty() {
        String::new()
    } else {
        format!("(@custom \"atoll:layout\" \"{layout}\")")
    };
    let state = if exports.contains("state") { STATE_CORE } else { "" };
    let core = format!(
        r#"(module {section}
        (import "[export]test:whole/till@1.0.0" "[resource-new]drawer"
            (func $new (param i32) (result i32)))
        {allocator}
        (memory $hidden 0 4)
        (global $total (mut i32) (i32.const 0))
        (global $in (mut i32) (i32.const 0))
        (func (export "atoll:lifecycle/start@0.1.0#start") (result i32)
            (global.set $total (i32.const 900)) (i32.const 2048))
        (func (export "test:whole/till@1.0.0#[constructor]drawer") (param $start i32) (result i32)
            (local $rep i32)
            (local.set $rep (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 4)))
            (i32.store (local.get $rep) (local.get $start))
            (call $new (local.get $rep)))
        (func (export "test:whole/till@1.0.0#[method]drawer.add") (param i32) (result i32)
            (global.set $total (i32.add (global.get $total) (i32.const 1)))
            (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
            (i32.load (local.get 0)))
        (func (export "test:whole/till@1.0.0#total") (result i32)
            (if (memory.size $hidden)
                (then (return (i32.load $hidden (i32.const 70000)))))
            (global.get $total))
        (func (export "test:whole/till@1.0.0#version") (result i32) (i32.const {version}))
        (func (export "test:whole/till@1.0.0#grow")
            (drop (memory.grow $hidden (i32.const 2)))
            (i32.store $hidden (i32.const 70000) (i32.const 77)))
        (func (export "test:whole/till@1.0.0#attach") (param i32)
            (global.set $in (local.get 0)))
        (func (export "test:whole/till@1.0.0#die") unreachable)
        {state})"#,
        allocator = wit::ALLOCATOR,
    );
    wit::component(&world(exports), "server", &core)
}

/// Saves the total in four bytes, and the stream.
const STATE_CORE: &str = r#"
    (func (export "atoll:lifecycle/state@0.1.0#save") (result i32)
        (i32.store (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 1028) (i32.const 3))
        (i32.store (i32.const 1032) (i32.const 1100))
        (i32.store (i32.const 1036) (i32.const 4))
        (i32.store (i32.const 1040) (i32.const 1104))
        (i32.store (i32.const 1044) (i32.ne (global.get $in) (i32.const 0)))
        (i32.store (i32.const 1048) (i32.const 1108))
        (i32.store (i32.const 1052) (i32.const 0))
        (i32.store (i32.const 1100) (global.get $total))
        (i32.store (i32.const 1104) (global.get $in))
        (global.set $in (i32.const 0))
        (i32.const 1024))
    (func (export "atoll:lifecycle/state@0.1.0#restore")
          (param i32) (param $data i32) (param i32 i32 i32 i32 i32) (result i32)
        (global.set $total (i32.load (local.get $data)))
        (i32.const 2048))"#;

fn methods(binary: &[u8]) -> (u32, Vec<String>) {
    let component = Component::parse(binary, &RuntimeLimits::DEFAULT).expect("parses");
    let export = component.export_index(TILL).expect("exported");
    let functions = &component.exports()[export as usize].ty.functions;
    (export, functions.iter().map(|(name, _)| name.clone()).collect())
}

fn call(state: &mut State, binary: &[u8], name: &str, payload: &[u8], slots: &[Slot]) {
    let (export, methods) = methods(binary);
    let method = methods.iter().position(|known| known == name).expect("a function");
    let id = 100 + state.inbox.len() as u64;
    state.event(EventKind::Call, id, export, method as u32, payload, slots);
}

fn grant(state: &mut State) -> Vec<Grant> {
    let endpoint = state.add(Thing::Endpoint(9), rights::SERVE);
    let (interface, label) = (TILL.into(), String::new());
    vec![Grant { kind: GrantKind::Export, interface, label, handle: Some(endpoint) }]
}

/// Payloads of the replies that are numbers.
fn replies(state: &State) -> Vec<u32> {
    let payloads = state.replies.iter().filter(|(_, _, payload, _)| payload.len() == 4);
    payloads.map(|(_, _, p, _)| u32::from_le_bytes(p[..].try_into().expect("4"))).collect()
}

fn borrowed(object: u32) -> Slot {
    arriving(ReceiveSlot::HomeBorrow, 0, object, 0)
}

/// Two drawers, of which the second is at 71; then it is asked for its state with this note, and
/// dies when it was thawed, after `more` calls.
fn old(binary: &[u8], note: &[u8], before: impl FnOnce(&mut State)) -> (End, State) {
    run_binary(Options::default(), binary, false, |state| {
        let add = "[method]drawer.add";
        for start in [5_u8, 70] {
            call(state, binary, "[constructor]drawer", &[start, 0, 0, 0], &[]);
        }
        call(state, binary, add, &[0; 4], &[borrowed(1)]);
        before(state);
        state.event(EventKind::Quiesce, 0, 0, 0, note, &[]);
        let thawed = binary.to_vec();
        state.script.push_back(Box::new(move |state| {
            call(state, &thawed, add, &[0; 4], &[borrowed(1)]);
            call(state, &thawed, "die", &[], &[]);
        }));
        grant(state)
    })
}

/// Takes over what `before` left, and answers: the second drawer, the total, the version.
fn new(binary: &[u8], before: State, change: impl FnOnce(&mut State)) -> (End, State) {
    run_binary(Options::default(), binary, true, |state| {
        (state.saved, state.kept) = (before.saved, before.kept);
        (state.offered, state.pipes) = (before.offered, before.pipes);
        change(state);
        let binary = binary.to_vec();
        state.script.push_back(Box::new(move |state| {
            state.event(EventKind::TakeOver, 0, 0, 0, &[], &[]);
            call(state, &binary, "[method]drawer.add", &[0; 4], &[borrowed(1)]);
            for function in ["total", "version"] {
                call(state, &binary, function, &[], &[]);
            }
            call(state, &binary, "[constructor]drawer", &[9, 0, 0, 0], &[]);
            call(state, &binary, "die", &[], &[]);
        }));
        grant(state)
    })
}

/// What the total was before: the start's, and one drawer's.
const TOTAL: u32 = 901;

#[test]
fn a_version_with_the_same_layout_goes_on_where_the_other_was() {
    let (first, next) = (server(1, "till 1", ""), server(2, "till 1", ""));
    let (end, before) = old(&first, LAYOUT, |_| {});
    // It was thawed and had lost nothing.
    assert_eq!((end.cause, replies(&before).last()), (Cause::Trapped, Some(&72)));
    assert_eq!(before.frozen, [(0, String::new())]);
    assert_eq!(before.offered.iter().map(Vec::len).collect::<Vec<_>>(), [1 << 16]);
    let (end, state) = new(&next, before, |_| {});
    assert_eq!((end.cause, state.ready), (Cause::Trapped, 2), "{}", end.message);
    assert_eq!(state.note, LAYOUT);
    // Its own start would have made it 900 once more.
    assert_eq!(replies(&state)[..3], [72, TOTAL + 1, 2]);
    let minted = state.replies.last().expect("a reply").3[0];
    assert_eq!((minted.kind, minted.object), (SendSlot::Mint as u32, 2));
}

#[test]
fn memories_that_grew_are_as_long_in_the_next_version() {
    let (first, next) = (server(1, "till 1", ""), server(2, "till 1", ""));
    let (_, before) = old(&first, LAYOUT, |state| call(state, &first, "grow", &[], &[]));
    let mut lens: Vec<_> = before.offered.iter().map(Vec::len).collect();
    lens.sort_unstable();
    assert_eq!(lens, [1 << 16, 2 << 16]);
    let (end, state) = new(&next, before, |_| {});
    assert_eq!(replies(&state)[..3], [72, 77, 2], "{}", end.message);
}

#[test]
fn another_layout_falls_back_to_the_saved_state_or_refuses() {
    for note in [b"till 2".as_slice(), b""] {
        let (_, before) = old(&server(1, "till 1", ""), note, |_| {});
        let (status, reason) = &before.frozen[0];
        assert_eq!(*status, Status::Refused as u64);
        assert_eq!(
            reason,
            "its memory cannot go along: the new version declares another layout or none; and it \
             exports no `atoll:lifecycle/state`"
        );
        assert!(before.saved.is_empty() && before.offered.is_empty());
    }
    let first = server(1, "till 1", SAVES);
    let (_, before) = old(&first, b"till 2", |_| {});
    // Clients hold drawers, which it cannot write down.
    assert!(before.frozen[0].1.contains("`save-drawer`"), "{}", before.frozen[0].1);
    let (_, before) = run_binary(Options::default(), &first, false, |state| {
        state.event(EventKind::Quiesce, 0, 0, 0, b"till 2", &[]);
        let first = first.clone();
        state.script.push_back(Box::new(move |state| call(state, &first, "die", &[], &[])));
        grant(state)
    });
    assert_eq!(before.frozen, [(0, String::new())]);
    let (_, state) = new(&server(2, "till 2", SAVES), before, |_| {});
    assert_eq!(replies(&state)[..2], [900, 2]);
}

#[test]
fn a_stream_stays_behind_and_is_named() {
    let attach = |state: &mut State, binary: &[u8]| {
        let pipe = state.pipe(16);
        let handle = state.add(Thing::Reader(pipe), rights::ALL);
        let slot = arriving(ReceiveSlot::Handle, handle, 0, 3);
        call(state, binary, "attach", &[0; 4], &[slot]);
    };
    let first = server(1, "till 1", "");
    let (_, before) = old(&first, LAYOUT, |state| attach(state, &first));
    let (status, reason) = &before.frozen[0];
    assert_eq!(*status, Status::Refused as u64);
    assert!(reason.contains("it holds a `input-stream` of another server"), "{reason}");
    // With a state of its own it hands the stream over by that.
    let first = server(1, "till 1", SAVES);
    let (_, before) = run_binary(Options::default(), &first, false, |state| {
        attach(state, &first);
        state.event(EventKind::Quiesce, 0, 0, 0, LAYOUT, &[]);
        let first = first.clone();
        state.script.push_back(Box::new(move |state| call(state, &first, "die", &[], &[])));
        grant(state)
    });
    assert_eq!((before.frozen[0].0, before.kept.len()), (0, 1), "{}", before.frozen[0].1);
}

#[test]
fn what_the_kernel_refuses_to_take_is_told() {
    let first = server(1, "till 1", "");
    let (_, before) = old(&first, LAYOUT, |state| state.save_limit = Some(0));
    let (status, reason) = &before.frozen[0];
    assert_eq!(*status, Status::Refused as u64);
    assert!(reason.contains("the server's quota is used up"), "{reason}");
}

#[test]
fn a_version_that_is_not_what_it_says_is_refused() {
    let first = server(1, "till 1", "");
    let refusal = |binary: &[u8], change: &dyn Fn(&mut State)| {
        let (_, before) = old(&first, LAYOUT, |_| {});
        let (end, _) = new(binary, before, change);
        assert_eq!(end.cause, Cause::Refused);
        end.message
    };
    let alike = server(2, "till 1", "");
    let message = refusal(&server(2, "till 2", ""), &|_| {});
    assert_eq!(message, "the other version's memory is of no use: it has another layout");
    let message = refusal(&server(2, "", ""), &|_| {});
    assert!(message.ends_with("it has another layout"), "{message}");
    let message = refusal(&alike, &|state| state.offered[0].truncate(9));
    assert!(
        message.ends_with("memory 0 cannot be copied: an argument is out of range"),
        "{message}"
    );
    let message = refusal(&alike, &|state| state.offered.clear());
    assert!(
        message.ends_with("memory 0 cannot be copied: an argument is out of range"),
        "{message}"
    );
}

#[test]
fn no_state_that_lies_makes_it_panic() {
    let (first, next) = (server(1, "till 1", ""), server(2, "till 1", ""));
    let (_, before) = old(&first, LAYOUT, |_| {});
    let mut refused = 0;
    for at in 0..before.saved.len() {
        let mut copy = State::default();
        (copy.saved, copy.offered) = (before.saved.clone(), before.offered.clone());
        let (end, state) = new(&next, copy, |state| state.saved[at] ^= 0xff);
        refused += u32::from(end.cause == Cause::Refused);
        assert!(matches!(end.cause, Cause::Refused | Cause::Trapped), "{at}: {}", end.message);
        assert!(end.cause == Cause::Refused || state.ready == 2);
    }
    assert!(refused > 100, "{refused} of {}", before.saved.len());
}
