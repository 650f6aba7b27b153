//! Probes, as a server lives them.

use super::life::{ADDER, SERVER, grants, run, run_binary};
use crate::fake::State;
use crate::serve::End;
use atoll_gate::call::Status;
use atoll_gate::message::EventKind;
use atoll_gate::record::Cause;
use atoll_gate::start::Options;

/// A server that is well at its first check, then says that it is not, then traps.
const PATIENT: &str = r#"(component
    (core module $main
        (memory (export "memory") 1)
        (data (i32.const 64) "out of ink")
        (global $checks (mut i32) (i32.const 0))
        (func (export "check") (result i32)
            (global.set $checks (i32.add (global.get $checks) (i32.const 1)))
            (if (i32.eq (global.get $checks) (i32.const 3)) (then unreachable))
            (i32.store (i32.const 0) (i32.ne (global.get $checks) (i32.const 1)))
            (i32.store (i32.const 4) (i32.const 64))
            (i32.store (i32.const 8) (i32.const 10))
            (i32.const 0)))
    (core instance $main (instantiate $main))
    (func $check (result (result (error string)))
        (canon lift (core func $main "check") (memory (core memory $main "memory"))))
    (instance $health (export "check" (func $check)))
    (export "atoll:lifecycle/health@0.1.0" (instance $health)))"#;

/// Lives a component that gets these probes.
fn probed(component: &str, numbers: &[u64]) -> (End, State) {
    let component = wat::parse_str(component).expect("the component is well formed");
    run_binary(Options::default(), &component, false, |state| {
        for number in numbers {
            state.event(EventKind::Probe, *number, 0, 0, &[], &[]);
        }
        vec![]
    })
}

#[test]
fn a_component_answers_for_itself() {
    let (end, state) = probed(PATIENT, &[5, 6, 7]);
    let refused = Status::Refused as u64;
    assert_eq!(state.verdicts, [(5, 0, String::new()), (6, refused, "out of ink".into())]);
    assert_eq!(end.cause, Cause::Trapped);
    assert!(end.message.contains("check"), "{}", end.message);
}

#[test]
fn a_server_without_a_check_is_well_when_it_comes_back() {
    let (_, state) = run(SERVER, |state| {
        // add(2, 3), the probe, and then the trap.
        state.event(EventKind::Call, 1, ADDER, 0, &[2, 0, 0, 0, 3, 0, 0, 0], &[]);
        state.event(EventKind::Probe, 3, 0, 0, &[], &[]);
        state.event(EventKind::Call, 2, ADDER, 1, &[], &[]);
        grants(state)
    });
    assert_eq!(state.replies.len(), 1, "the reply that was due went out");
    assert_eq!(state.verdicts, [(3, 0, String::new())]);
}
