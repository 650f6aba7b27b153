//! A whole domain: a component from its start record to its end.

use super::{LIMITS, log};
use crate::fake::{Fake, Message, State, Thing};
use crate::serve::{End, live};
use crate::start::Grant;
use atoll_gate::call::{Status, rights};
use atoll_gate::message::{EventKind, Header, ReceiveSlot, Slot};
use atoll_gate::record::Cause;
use atoll_gate::start::{GrantKind, NO_SLOT, Options, StartRecord, Writer};

/// Number of the server's export `test:adder/adder`.
const ADDER: u32 = 2;
/// A component with an interface `test:adder/adder` and a handler, which logs its tokens.
const SERVER: &str = include_str!("server.wat");

/// Lives a component with these grants and returns its end.
fn run(component: &str, prepare: impl FnOnce(&mut State) -> Vec<Grant>) -> (End, State) {
    let (mut gate, state) = Fake::new();
    let grants = prepare(&mut state.borrow_mut());
    let mut slots = Vec::new();
    let mut lines = Vec::new();
    for grant in &grants {
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
        options: Options::default(),
        arguments: &[],
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
    gate.deliver(Message { header, payload, slots });
    let component = wat::parse_str(component).expect("the component is well formed");
    let end = live(gate, &component);
    let state = std::mem::take(&mut *state.borrow_mut());
    (end, state)
}

fn adder(state: &mut State) -> Grant {
    let endpoint = state.add(Thing::Endpoint(9), rights::SERVE);
    let interface = "test:adder/adder".into();
    Grant { kind: GrantKind::Export, interface, label: String::new(), handle: Some(endpoint) }
}

fn plain(interface: &str) -> Grant {
    super::kernel(interface, "", None)
}

fn grants(state: &mut State) -> Vec<Grant> {
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
    assert!(state.ready);
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
    assert!(!state.ready);
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
        assert!(state.ready);
    }
}

#[test]
fn a_component_that_is_none_is_refused() {
    let (mut gate, _) = Fake::new();
    gate.deliver(Message::default());
    assert_eq!(live(gate, b"\0asm").message, "the start record is malformed");
    let (end, _) = run("(module)", |_| vec![]);
    assert_eq!(end.cause, Cause::Refused);
}
