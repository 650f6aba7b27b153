//! Swaps as a domain lives them: a component with objects, streams and a number gives them up, and
//! another version of it takes over. What is swapped is the [`component`].

mod component;

use super::life::{KEPT, run_binary, start_record};
use crate::fake::{State, Thing, arriving};
use crate::serve::End;
use crate::start::Grant;
use atoll_gate::call::{Status, rights};
use atoll_gate::message::{EventKind, ReceiveSlot, SendSlot, Slot};
use atoll_gate::record::Cause;
use atoll_gate::start::{GrantKind, Options};
use component::{ALL, ATTACH, COUNTER, END, Numbers, TOTAL, first, server};

fn grant(state: &mut State) -> Vec<Grant> {
    let endpoint = state.add(Thing::Endpoint(9), rights::SERVE);
    let (interface, label) = (COUNTER.into(), String::new());
    vec![Grant { kind: GrantKind::Export, interface, label, handle: Some(endpoint) }]
}

/// The streams that a test attaches, as they arrive.
fn streams(state: &mut State) -> [Slot; 2] {
    let pipes = [state.pipe(16), state.pipe(16)];
    let ends = [Thing::Reader(pipes[0]), Thing::Writer(pipes[1])];
    let kinds = [3, 4];
    let mut index = 0;
    ends.map(|end| {
        let handle = state.add(end, rights::ALL);
        index += 1;
        arriving(ReceiveSlot::Handle, handle, 0, kinds[index - 1])
    })
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Payloads of the replies that are numbers.
fn replies(state: &State) -> Vec<u32> {
    let payloads = state.replies.iter().filter(|(_, _, payload, _)| payload.len() == 4);
    payloads.map(|(_, _, p, _)| u32::from_le_bytes(p[..].try_into().expect("4"))).collect()
}

/// Two counters, a total and two streams; then it is asked to come to rest and, once it is frozen,
/// what `after` says.
fn old(binary: &[u8], after: impl FnOnce(&mut State) + 'static) -> (End, State) {
    let numbers = Numbers::of(binary);
    run_binary(Options::default(), binary, false, |state| {
        let export = numbers.export;
        numbers.call(state, export, "[constructor]counter", &words(&[5]), &[]);
        numbers.call(state, export, "[constructor]counter", &words(&[70]), &[]);
        let slots = streams(state);
        numbers.call(state, export, "attach", &words(&[0, 1]), &slots);
        numbers.call(state, export, "set", &words(&[1234]), &[]);
        state.event(EventKind::Quiesce, 0, 0, 0, &[], &[]);
        state.script.push_back(Box::new(after));
        grant(state)
    })
}

/// Lets a domain end that was thawed.
fn die(numbers: &Numbers, state: &mut State) {
    numbers.call(state, numbers.export, "die", &[], &[]);
}

fn borrowed(object: u32) -> Slot {
    arriving(ReceiveSlot::HomeBorrow, 0, object, 0)
}

#[test]
fn a_thawed_server_goes_on_with_what_it_gave_up() {
    let binary = first();
    let numbers = Numbers::of(&binary);
    let (end, state) = old(&binary, move |state| {
        assert_eq!(state.kept.len(), 2);
        assert!(!state.holds(&Thing::Reader(0)) && !state.holds(&Thing::Writer(1)));
        let export = numbers.export;
        numbers.call(state, export, "[method]counter.bump", &words(&[0]), &[borrowed(0)]);
        numbers.call(state, export, "total", &[], &[]);
        numbers.call(state, export, "restores", &[], &[]);
        numbers.call(state, export, "refuse", &[], &[]);
        state.event(EventKind::Quiesce, 0, 0, 0, &[], &[]);
        state.script.push_back(Box::new(move |state| {
            // It holds its streams again.
            assert!(state.holds(&Thing::Reader(0)) && state.holds(&Thing::Writer(1)));
            die(&numbers, state);
        }));
    });
    assert_eq!(end.cause, Cause::Trapped);
    assert_eq!(replies(&state)[2..], [6, 1234, 1]);
    assert_eq!(state.frozen, [(0, String::new()), (Status::Refused as u64, "busy".into())]);
    assert_eq!(state.ready, 3);
}

#[test]
fn another_version_takes_over_under_the_old_numbers() {
    let binary = first();
    let numbers = Numbers::of(&binary);
    let first_numbers = Numbers::of(&binary);
    let (_, before) = old(&binary, move |state| die(&numbers, state));
    // The functions in another order.
    let next = server([END, ATTACH, TOTAL], ALL);
    let own = Numbers::of(&next);
    assert_ne!(own.functions, first_numbers.functions, "another order");
    let published = first_numbers.descriptor.clone();
    let (end, state) = run_binary(Options::default(), &next, true, |state| {
        state.pipes = before.pipes.clone();
        state.saved = before.saved.clone();
        state.kept = before.kept.clone();
        let grants = grant(state);
        let serve = grants[0].handle.expect("an endpoint");
        state.descriptors.insert(serve, first_numbers.descriptor.clone());
        state.script.push_back(Box::new(move |state| {
            assert_eq!(state.ready, 1, "it is prepared");
            state.event(EventKind::TakeOver, 0, 0, 0, &[], &[]);
            let bump = "[method]counter.bump";
            first_numbers.call(state, own.export, bump, &words(&[0]), &[borrowed(1)]);
            first_numbers.call(state, own.export, "total", &[], &[]);
            first_numbers.call(state, own.export, "restores", &[], &[]);
            first_numbers.call(state, own.export, "[constructor]counter", &words(&[1]), &[]);
            first_numbers.call(state, own.export, "die", &[], &[]);
        }));
        grants
    });
    assert_eq!((end.cause, state.ready), (Cause::Trapped, 2), "{}", end.message);
    assert!(state.holds(&Thing::Reader(0)) && state.holds(&Thing::Writer(1)));
    assert_eq!(replies(&state)[..3], [71, 1234, 1]);
    assert_eq!(state.published[0].2, published);
    // A new object has a number that is free, and the tag that clients know.
    let minted = state.replies.last().expect("a reply").3[0];
    assert_eq!((minted.kind, minted.object, minted.detail), (SendSlot::Mint as u32, 2, 0));
}

#[test]
fn an_heir_starts_without_a_state() {
    let binary = first();
    let numbers = Numbers::of(&binary);
    let (end, state) = run_binary(Options::default(), &binary, true, |state| {
        let grants = grant(state);
        state.script.push_back(Box::new(move |state| {
            assert_eq!((state.ready, state.published.len()), (1, 1), "it is prepared");
            // What is none of its business yet is passed over.
            state.event(EventKind::Notification, 0, 0, 0, &[], &[]);
            state.event(EventKind::Inherit, 0, 0, 0, &[], &[]);
            let export = numbers.export;
            numbers.call(state, export, "total", &[], &[]);
            numbers.call(state, export, "restores", &[], &[]);
            numbers.call(state, export, "die", &[], &[]);
        }));
        grants
    });
    assert_eq!((end.cause, state.ready), (Cause::Trapped, 2), "{}", end.message);
    assert_eq!(replies(&state), [0, 0]);
}

/// A server that starts where clients know `known`, and gets the calls of one of them; `as_clone`
/// once it was kept.
fn restart(binary: &[u8], known: &Numbers, as_clone: bool) -> (End, State) {
    let options = if as_clone { KEPT } else { Options::default() };
    let export = Numbers::of(binary).export;
    run_binary(options, binary, false, |state| {
        let grants = grant(state);
        let serve = grants[0].handle.expect("an endpoint");
        state.descriptors.insert(serve, known.descriptor.clone());
        known.call(state, export, "set", &words(&[8]), &[]);
        known.call(state, export, "total", &[], &[]);
        known.call(state, export, "die", &[], &[]);
        if as_clone {
            let same = grants.clone();
            state.clone = Some(Box::new(move |_| start_record(options, &[], &same)));
        }
        grants
    })
}

#[test]
fn a_restart_goes_on_under_the_numbers_that_clients_know() {
    let first = Numbers::of(&first());
    let next = server([END, ATTACH, TOTAL], ALL);
    assert_ne!(Numbers::of(&next).functions, first.functions, "another order");
    for as_clone in [false, true] {
        let (end, state) = restart(&next, &first, as_clone);
        assert_eq!(end.cause, Cause::Trapped, "{}", end.message);
        assert_eq!(state.snapshots, u32::from(as_clone));
        assert_eq!(replies(&state), [8]);
        assert_eq!(state.published[0].2, first.descriptor);
    }
}

#[test]
fn a_restart_without_what_clients_may_call_is_refused() {
    let less = server(["total: func() -> u32;", ATTACH, END], ALL);
    let (end, state) = restart(&less, &Numbers::of(&first()), false);
    assert_eq!(end.cause, Cause::Refused);
    assert!(end.message.contains("clients may call `restores: "), "{}", end.message);
    assert!(state.published.is_empty());
}

#[test]
fn bytes_that_a_pipe_had_no_room_for_go_along() {
    let stream = crate::place::Parted { handle: Some(1), rest: vec![1, 2, 3] };
    let (mut place, state) = super::place(|_| vec![]);
    let pipe = state.borrow_mut().pipe(16);
    let handle = state.borrow_mut().add(Thing::Writer(pipe), rights::ALL);
    let stream = crate::place::Parted { handle: Some(handle), ..stream };
    let slot = place.adopt(crate::objects::Kind::OUTPUT, stream.clone());
    assert!(place.can_part(slot, crate::objects::Kind::OUTPUT));
    assert!(!place.can_part(slot, crate::objects::Kind::INPUT));
    assert_eq!(place.part(slot.number), stream);
    assert!(state.borrow().holds(&Thing::Writer(pipe)), "only the object is gone");
    assert!(!place.can_part(slot, crate::objects::Kind::OUTPUT));
}

#[test]
fn a_server_with_objects_that_it_cannot_hand_over_says_which() {
    for (exports, words) in [
        ("", "`test:swap/counter-handover@1.0.0` with `save-counter`"),
        ("export counter-handover;", ""),
    ] {
        let binary = server([TOTAL, ATTACH, END], exports);
        let numbers = Numbers::of(&binary);
        let (_, state) = old(&binary, move |state| die(&numbers, state));
        let (status, reason) = state.frozen[0].clone();
        assert_eq!(status == 0, words.is_empty());
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_state_that_the_kernel_does_not_take_comes_back() {
    let binary = first();
    let numbers = Numbers::of(&binary);
    let (_, state) = run_binary(Options::default(), &binary, false, |state| {
        state.save_limit = Some(10);
        let slots = streams(state);
        numbers.call(state, numbers.export, "attach", &words(&[0, 1]), &slots);
        numbers.call(state, numbers.export, "set", &words(&[9]), &[]);
        state.event(EventKind::Quiesce, 0, 0, 0, &[], &[]);
        state.script.push_back(Box::new(move |state| {
            numbers.call(state, numbers.export, "total", &[], &[]);
            numbers.call(state, numbers.export, "restores", &[], &[]);
            die(&numbers, state);
        }));
        grant(state)
    });
    assert_eq!(state.frozen[0].0, Status::QuotaExceeded as u64);
    assert!(state.frozen[0].1.contains("quota"), "{}", state.frozen[0].1);
    assert_eq!(replies(&state), [9, 1]);
    assert!(state.holds(&Thing::Reader(0)) && state.holds(&Thing::Writer(1)));
}

/// A version that takes over what the first one saved and its clients know; its last words.
fn take_over(binary: &[u8], change: impl FnOnce(&mut State)) -> String {
    let first = first();
    let numbers = Numbers::of(&first);
    let descriptor = numbers.descriptor.clone();
    let (_, before) = old(&first, move |state| die(&numbers, state));
    let (end, _) = run_binary(Options::default(), binary, true, |state| {
        state.pipes = before.pipes.clone();
        state.saved = before.saved.clone();
        state.kept = before.kept.clone();
        let grants = grant(state);
        let serve = grants[0].handle.expect("an endpoint");
        state.descriptors.insert(serve, descriptor);
        change(state);
        state.script.push_back(Box::new(|state| {
            state.event(EventKind::TakeOver, 0, 0, 0, &[], &[]);
        }));
        grants
    });
    end.message
}

#[test]
fn a_version_that_cannot_take_over_ends_and_says_why() {
    let same = [TOTAL, ATTACH, END];
    let handover = "export counter-handover;";
    let state = "export atoll:lifecycle/state@0.1.0;";
    let message = take_over(&server(same, handover), |_| {});
    assert!(message.contains("exports no `atoll:lifecycle/state`"), "{message}");
    let message = take_over(&server(same, state), |_| {});
    assert!(message.contains("`counter` of `test:swap/counter@1.0.0`"), "{message}");
    assert!(message.contains("with `restore-counter`"), "{message}");
    // The layout's version, which is the first word of the component's state.
    let message = take_over(&server(same, ALL), |state| state.saved[2] = 9);
    assert_eq!(message, "restore failed: busy");
    let message = take_over(&server(same, ALL), |state| state.saved.truncate(9));
    assert!(message.contains("cannot be read"), "{message}");
}

/// Clients that are swapped with it know its own numbers; of what they held before, it makes again
/// what it can.
#[test]
fn a_version_with_another_interface_says_so_and_has_its_own_numbers() {
    for (exports, kept) in [(ALL, true), ("export atoll:lifecycle/state@0.1.0;", false)] {
        let first = first();
        let known = Numbers::of(&first);
        let descriptor = known.descriptor.clone();
        let (_, before) = old(&first, move |state| die(&known, state));
        let next = server([END, ATTACH, "total: func() -> u32;"], exports);
        let (own, published) = (Numbers::of(&next), Numbers::of(&next).descriptor);
        let (end, state) = run_binary(Options::default(), &next, true, |state| {
            state.pipes = before.pipes.clone();
            state.saved = before.saved.clone();
            state.kept = before.kept.clone();
            let grants = grant(state);
            state.descriptors.insert(grants[0].handle.expect("an endpoint"), descriptor);
            state.script.push_back(Box::new(move |state| {
                state.event(EventKind::TakeOver, 0, 0, 0, &[], &[]);
                own.call(state, own.export, "total", &[], &[]);
                own.call(state, own.export, "[method]counter.bump", &words(&[0]), &[borrowed(1)]);
                // Its last holder is gone; the number is free again.
                state.event(EventKind::Drop, 1, 0, 0, &[], &[]);
                own.call(state, own.export, "[constructor]counter", &words(&[1]), &[]);
                own.call(state, own.export, "[constructor]counter", &words(&[1]), &[]);
                die(&own, state);
            }));
            grants
        });
        assert_eq!((end.cause, state.ready), (Cause::Trapped, 2), "{}", end.message);
        let missing = &state.missing[0];
        assert!(missing.contains("counter@1.0.0`: clients may call `restores: "), "{missing}");
        assert_eq!(state.published[0].2, published);
        let statuses: Vec<_> = state.replies.iter().map(|(_, status, _, _)| *status).collect();
        let bumped = if kept { Status::Ok } else { Status::Refused };
        assert_eq!(statuses[..2], [Status::Ok as u64, bumped as u64]);
        let minted = state.replies.iter().filter_map(|(_, _, _, slots)| slots.first());
        assert_eq!(minted.map(|slot| slot.object).collect::<Vec<_>>(), [1, 2]);
    }
}
