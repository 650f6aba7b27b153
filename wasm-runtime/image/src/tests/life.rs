//! A whole domain: a component from its start record to its end.

use super::{LIMITS, log};
use crate::fake::{Fake, Message, State, Thing};
use crate::generated::{INTERFACES, Interface};
use crate::serve::{End, live};
use crate::start::Grant;
use atoll_gate::call::{Status, rights};
use atoll_gate::message::{EventKind, Header, ReceiveSlot, Slot};
use atoll_gate::record::Cause;
use atoll_gate::start::{GrantKind, NO_SLOT, Options, Signer, StartRecord, Writer};
use std::rc::Rc;

/// Number of the server's export `test:adder/adder`.
pub(super) const ADDER: u32 = 2;
/// A component with an interface `test:adder/adder` and a handler, which logs its tokens.
pub(super) const SERVER: &str = include_str!("server.wat");

/// Lives a component with these grants and returns its end.
pub(super) fn run(component: &str, prepare: impl FnOnce(&mut State) -> Vec<Grant>) -> (End, State) {
    run_with(Options::default(), component, prepare)
}

fn run_with(
    options: Options,
    component: &str,
    prepare: impl FnOnce(&mut State) -> Vec<Grant>,
) -> (End, State) {
    let component = wat::parse_str(component).expect("the component is well formed");
    run_binary(options, &component, false, prepare)
}

/// The same for a component's binary, and for one that is to take over.
pub(super) fn run_binary(
    options: Options,
    component: &[u8],
    standby: bool,
    prepare: impl FnOnce(&mut State) -> Vec<Grant>,
) -> (End, State) {
    let (mut gate, state) = Fake::new();
    let grants = prepare(&mut state.borrow_mut());
    let mut start = start_record(options, &[], &grants);
    start.header.method = u32::from(standby);
    gate.deliver(start);
    let end = live(gate, component, |end| end);
    let state = std::mem::take(&mut *state.borrow_mut());
    (end, state)
}

pub(super) fn start_record(options: Options, arguments: &[&str], grants: &[Grant]) -> Message {
    start_record_signed(options, &[], arguments, grants)
}

/// The same of a domain whose component somebody must have signed.
pub(super) fn start_record_signed(
    options: Options,
    signers: &[Signer<'_>],
    arguments: &[&str],
    grants: &[Grant],
) -> Message {
    let mut slots = Vec::new();
    let mut lines = Vec::new();
    for grant in grants {
        let slot = grant.handle.map_or(NO_SLOT, |handle| {
            slots.push(Slot { kind: ReceiveSlot::Handle as u32, handle, ..Slot::default() });
            slots.len() as u32 - 1
        });
        let Grant { kind, interface, label, .. } = grant;
        lines.push(atoll_gate::start::Grant { kind: *kind, interface, label, slot });
    }
    let record = StartRecord {
        name: "server",
        limits: LIMITS,
        options,
        signers,
        arguments,
        environment: &[],
        grants: &lines,
    };
    let mut payload = vec![0; 4096];
    let mut writer = Writer::new(&mut payload);
    record.write(&mut writer);
    let len = writer.finish().expect("fits");
    payload.truncate(len);
    let header = Header {
        payload_len: payload.len() as u32,
        slot_count: slots.len() as u32,
        ..Header::default()
    };
    Message { header, payload, slots }
}

fn adder(state: &mut State) -> Grant {
    let endpoint = state.add(Thing::Endpoint(9), rights::SERVE);
    let interface = "test:adder/adder".into();
    Grant { kind: GrantKind::Export, interface, label: String::new(), handle: Some(endpoint) }
}

fn plain(interface: &str) -> Grant {
    super::kernel(interface, "", None)
}

pub(super) fn grants(state: &mut State) -> Vec<Grant> {
    vec![log(state), plain("atoll:clocks/monotonic"), plain("atoll:io/watch"), adder(state)]
}

#[test]
fn a_server_answers_calls_hears_its_timer_and_ends_with_a_trap() {
    let (end, state) = run(SERVER, |state| {
        let call = |state: &mut State, id, method, payload: &[u8]| {
            state.event(EventKind::Call, id, ADDER, method, payload, &[]);
        };
        // add(2, 3); a message that is none; add that nobody takes; then the trap.
        call(state, 1, 0, &[2, 0, 0, 0, 3, 0, 0, 0]);
        call(state, 2, 0, &[2, 0, 0, 0]);
        state.event(EventKind::Drop, 77, 0, 0, &[], &[]);
        state.script.push_back(Box::new(move |state| {
            state.reply_status = Some(Status::QuotaExceeded);
            call(state, 3, 0, &[1, 0, 0, 0, 1, 0, 0, 0]);
            call(state, 4, 1, &[]);
        }));
        grants(state)
    });
    assert_eq!(state.ready, 1);
    assert_eq!(
        state.published.iter().map(|published| published.1).collect::<Vec<_>>(),
        [u64::from(ADDER)]
    );
    let replies: Vec<_> = state
        .replies
        .iter()
        .map(|(id, status, payload, _)| (*id, *status, payload.clone()))
        .collect();
    assert_eq!(
        replies,
        [
            (1, Status::Ok as u64, vec![5, 0, 0, 0]),
            (2, Status::Refused as u64, vec![]),
            (3, Status::Refused as u64, vec![]),
        ]
    );
    assert_eq!(state.log, [(3, "tick".into())]);
    assert_eq!((end.cause, end.code), (Cause::Trapped, 1));
    assert!(end.message.contains("die: wasm trap"), "{}", end.message);
}

#[test]
fn a_server_whose_import_is_not_granted_is_refused() {
    let (end, state) = run(SERVER, |state| vec![log(state), adder(state)]);
    assert_eq!(end.cause, Cause::Refused);
    assert!(end.message.contains("import `atoll:clocks/monotonic@0.1.0`"), "{}", end.message);
    assert_eq!(state.ready, 0);
}

#[test]
fn a_grant_to_serve_what_is_not_exported_is_refused() {
    let (end, _) = run(SERVER, |state| {
        let mut grants = grants(state);
        grants.push(Grant { interface: "test:other/other".into(), ..adder(state) });
        grants
    });
    assert_eq!(end.cause, Cause::Refused);
    assert!(end.message.contains("export `test:other/other`"), "{}", end.message);
}

#[test]
fn a_memory_needs_room() {
    let component = "(component
        (core module $m (memory 3) (func $start unreachable) (start $start))
        (core instance (instantiate $m)))";
    let (end, state) = run(component, |state| {
        state.is_full = true;
        vec![]
    });
    assert_eq!(end.cause, Cause::Trapped);
    assert!(end.message.contains("no room for 196608 bytes"), "{}", end.message);
    assert!(state.asked_room.is_empty());
    let (end, state) = run(component, |_| vec![]);
    assert!(end.message.contains("unreachable"), "{}", end.message);
    assert_eq!(state.asked_room, [48], "pages");
}

#[test]
fn the_end_is_told_before_the_guest_goes_unless_its_memory_is_needed() {
    let component = wat::parse_str(
        r#"(component
            (core module $m (func $inner unreachable)
                (func (export "run") (result i32) (call $inner) (i32.const 0)))
            (core instance $m (instantiate $m))
            (func $run (result (result)) (canon lift (core func $m "run")))
            (instance $run (export "run" (func $run)))
            (export "wasi:cli/run@0.2.12" (instance $run)))"#,
    );
    let component = component.expect("the component is well formed");
    for full in [false, true] {
        let (mut gate, state) = Fake::new();
        state.borrow_mut().is_full = full;
        gate.deliver(start_record(Options { backtrace: true, ..Options::default() }, &[], &[]));
        // The instance has the gate.
        let tell = |end: End| (end, Rc::strong_count(&state) > 1);
        let (end, is_there) = live(gate, &component, tell);
        assert_eq!((end.cause, is_there), (Cause::Trapped, !full));
        let frames: Vec<&str> = end.message.lines().skip(1).collect();
        assert!(
            matches!(*frames, [inner, run] if inner.ends_with(" inner") && run.ends_with(" run"))
        );
    }
}

#[test]
fn a_program_runs_once_and_its_result_is_the_exit_code() {
    for (value, code) in [(0, 0), (1, 1)] {
        let program = format!(
            r#"(component
                (core module $m (func (export "run") (result i32) i32.const {value}))
                (core instance $i (instantiate $m))
                (func $run (result (result)) (canon lift (core func $i "run")))
                (instance $run (export "run" (func $run)))
                (export "wasi:cli/run@0.2.12" (instance $run)))"#
        );
        let (end, state) = run(&program, |_| vec![]);
        assert_eq!(end, End { cause: Cause::Exited, code, message: String::new(), trap: None });
        assert_eq!(state.ready, 1);
    }
}

#[test]
fn a_component_that_is_none_is_refused() {
    let (mut gate, _) = Fake::new();
    gate.deliver(Message::default());
    assert_eq!(live(gate, b"\0asm", |end| end.message), "the start record is malformed");
    let (end, _) = run("(module)", |_| vec![]);
    assert_eq!(end.cause, Cause::Refused);
}

pub(super) const KEPT: Options = Options { backtrace: false, snapshot: true };

/// A component that imports an interface from another server and fails at its start with its first
/// argument as the reason.
const IMPORTER: &str = r#"(component
    (import "atoll:clocks/monotonic@0.1.0" (instance (export "now" (func (result u64)))))
    (import "wasi:cli/environment@0.2.12" (instance $cli
        (export "get-arguments" (func (result (list string))))))
    (core module $memory
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 256))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $next (i32.add (global.get $next) (i32.const 64)))
            (global.get $next)))
    (core instance $memory (instantiate $memory))
    (core func $arguments (canon lower (func $cli "get-arguments")
        (memory (core memory $memory "memory"))
        (realloc (core func $memory "realloc"))))
    (core module $main
        (import "" "memory" (memory 1))
        (import "" "arguments" (func $arguments (param i32)))
        (func (export "start") (result i32)
            (call $arguments (i32.const 16))
            (i32.store (i32.const 32) (i32.const 1))
            (i64.store (i32.const 36) (i64.load (i32.load (i32.const 16))))
            (i32.const 32)))
    (core instance $main (instantiate $main (with "" (instance
        (export "memory" (memory $memory "memory"))
        (export "arguments" (func $arguments))))))
    (func $start (result (result (error string)))
        (canon lift (core func $main "start") (memory (core memory $memory "memory"))))
    (instance $lifecycle (export "start" (func $start)))
    (export "atoll:lifecycle/start@0.1.0" (instance $lifecycle)))"#;

/// Grants of [`IMPORTER`].
fn importer_grants(state: &mut State) -> Vec<Grant> {
    let endpoint = state.add(Thing::Endpoint(3), rights::CALL);
    state.descriptors.insert(endpoint, descriptor(Interface::AtollClocksMonotonic));
    let interface = "atoll:clocks/monotonic".into();
    let clock = Grant {
        kind: GrantKind::Endpoint,
        interface,
        label: String::new(),
        handle: Some(endpoint),
    };
    vec![clock, plain("wasi:cli/environment")]
}

fn descriptor(interface: Interface) -> Vec<u8> {
    INTERFACES[interface as usize].1.to_vec()
}

/// Lives [`IMPORTER`] until its snapshot and then as a clone that `change` makes.
fn run_clone(
    change: impl FnOnce(&mut State, Vec<Grant>) -> (Options, Vec<Grant>) + 'static,
) -> (End, State) {
    run_with(KEPT, IMPORTER, |state| {
        let grants = importer_grants(state);
        let same = grants.clone();
        state.clone = Some(Box::new(move |state| {
            let (options, grants) = change(state, same);
            start_record(options, &["argument"], &grants)
        }));
        grants
    })
}

#[test]
fn a_clone_goes_on_with_its_own_start_record() {
    let (end, state) = run_clone(|_, grants| (KEPT, grants));
    assert_eq!((end.cause, end.message.as_str()), (Cause::Exited, "start failed: argument"));
    assert_eq!(state.snapshots, 1);
}

#[test]
fn a_clone_that_finds_other_grants_is_refused() {
    let refused = |(end, state): (End, State)| {
        assert_eq!((end.cause, state.ready), (Cause::Refused, 0));
        end.message
    };
    let other_grants = "the clone has other grants than its original";
    let (end, state) = run_clone(|state, mut grants| {
        grants[0].handle = Some(state.add(Thing::Endpoint(3), rights::CALL));
        (KEPT, grants)
    });
    assert_eq!(refused((end, state)), other_grants, "another handle");
    let run = run_clone(|_, mut grants| {
        grants.swap(0, 1);
        (KEPT, grants)
    });
    assert_eq!(refused(run), other_grants, "in another order");
    let run = run_clone(|_, grants| (Options { backtrace: true, ..KEPT }, grants));
    assert_eq!(refused(run), "the clone has other options than its original");
}

#[test]
fn a_clone_whose_import_is_served_otherwise_is_refused() {
    let other = "an import is served by another interface than at first";
    let (end, _) = run_clone(|state, grants| {
        let endpoint = grants[0].handle.expect("an endpoint");
        state.descriptors.insert(endpoint, descriptor(Interface::AtollLogLog));
        (KEPT, grants)
    });
    assert_eq!((end.cause, end.message.as_str()), (Cause::Refused, other));
    let (end, _) = run_clone(|state, grants| {
        let endpoint = grants[0].handle.expect("an endpoint");
        state.descriptors.entry(endpoint).or_default().push(0);
        (KEPT, grants)
    });
    assert_eq!(end.message, other);
    let (end, _) = run_clone(|state, grants| {
        let endpoint = grants[0].handle.expect("an endpoint");
        state.things.insert(endpoint, (Thing::Endpoint(4), rights::CALL));
        (KEPT, grants)
    });
    assert_eq!(end.message, other, "another endpoint");
    let (end, _) = run_clone(|state, grants| {
        state.descriptors.clear();
        (KEPT, grants)
    });
    assert_eq!(end.message, "an import cannot be looked at: nobody serves it yet");
}

#[test]
fn a_domain_is_kept_if_it_may_and_goes_on_if_it_cannot() {
    for (options, asked) in [(Options::default(), 0), (KEPT, 1)] {
        let (end, state) = run_with(options, IMPORTER, |state| {
            state.refusal = Some(Status::QuotaExceeded);
            importer_grants(state)
        });
        // Without arguments it fails with what stands at address 0: nothing.
        assert_eq!(end.cause, Cause::Exited, "{}", end.message);
        assert_eq!(state.snapshots, asked);
    }
}

#[test]
fn a_domain_that_called_an_import_while_it_was_instantiated_is_not_kept() {
    let component = r#"(component
        (import "atoll:clocks/monotonic@0.1.0" (instance $clock
            (export "now" (func (result u64)))))
        (core func $now (canon lower (func $clock "now")))
        (core module $m
            (import "" "now" (func $now (result i64)))
            (func $start (drop (call $now)))
            (start $start)
            (func (export "run") (result i32) i32.const 0))
        (core instance $i (instantiate $m (with "" (instance (export "now" (func $now))))))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance $run (export "run" (func $run)))
        (export "wasi:cli/run@0.2.12" (instance $run)))"#;
    let (end, state) = run_with(KEPT, component, |_| vec![plain("atoll:clocks/monotonic")]);
    assert_eq!((end.cause, end.code), (Cause::Exited, 0), "{}", end.message);
    assert_eq!(state.snapshots, 0);
}

#[test]
fn the_loading_of_a_large_component_is_told() {
    let small = wat::parse_str(SERVER).expect("the component is well formed");
    let mut large = small.clone();
    // A custom section of the component, with a length of three bytes and a name of one.
    let rest = LIMITS.component_bytes as usize - large.len() - 4;
    large.extend([0, rest as u8 | 0x80, (rest >> 7) as u8 | 0x80, (rest >> 14) as u8, 1, b'p']);
    large.resize(LIMITS.component_bytes as usize, 0);
    let loaded = |component: &[u8]| {
        let (_, state) = run_binary(Options::default(), component, false, |state| {
            // The call that traps, so that it ends.
            state.event(EventKind::Call, 4, ADDER, 1, &[], &[]);
            grants(state)
        });
        assert_eq!(state.ready, 1);
        state.loaded
    };
    assert!(loaded(&small).is_empty());
    let told = loaded(&large);
    assert!(told.is_sorted_by(|a, b| a < b), "{told:?}");
    assert!(told.contains(&33) && told.last().is_some_and(|last| *last < 100), "{told:?}");
}
