//! Handles in messages: minted, moved, lent, refused.

use super::{Argument, call, kernel, origin, own, pipe, place};
use crate::Place;
use crate::fake::{Fake, Message, Thing, arriving};
use crate::gate::Gate;
use crate::generated::Interface::{AtollClocksMonotonic, WasiCliStdout, WasiIoStreams};
use crate::generated::{INTERFACES, wasi_io_streams};
use crate::objects::{Hold, Kind, Object};
use crate::place::{Export, Minted, Service};
use crate::start::Grant;
use atoll_gate::call::{ObjectKind, Status, rights};
use atoll_gate::message::{EventKind, Header, ReceiveSlot, SendSlot, Slot};
use atoll_gate::start::GrantKind;
use atoll_runtime::Resolver;
use atoll_runtime::host::{CallError, Host, Origin, Passing, ResourceSlot, Target};
use std::cell::RefCell;
use std::rc::Rc;

const OURS: Origin = Origin::Export { interface: 0, resource: 1 };

/// A place with an export that is served and an import that goes to endpoint 5.
fn served() -> (Place<Fake>, Rc<RefCell<crate::fake::State>>, u32, u32) {
    served_by(GrantKind::Endpoint)
}

/// The same with another kind of grant for the import.
fn served_by(kind: GrantKind) -> (Place<Fake>, Rc<RefCell<crate::fake::State>>, u32, u32) {
    let mut handles = (0, 0);
    let (mut place, state) = place(|state| {
        let call = state.add(Thing::Endpoint(5), rights::CALL);
        handles = (state.add(Thing::Endpoint(6), rights::SERVE), call);
        state.descriptors.insert(call, INTERFACES[0].1.to_vec());
        let interface = "test:other/thing".into();
        vec![Grant { kind, interface, label: String::new(), handle: Some(call) }]
    });
    place.exports.push(Export {
        name: "test:own/thing".into(),
        interface: "test:own/thing".into(),
        descriptor: vec![1],
        services: vec![Service { serve: handles.0, number: 0 }],
        numbers: None,
        missing: None,
    });
    let provider = place.resolve("test:other/thing@1.0.0").expect("granted");
    assert_eq!(provider.target, Target::Endpoint(handles.1));
    (place, state, handles.0, handles.1)
}

fn deliver(place: &mut Place<Fake>, slots: &[Slot]) {
    let header = Header {
        event: EventKind::Call as u32,
        slot_count: slots.len() as u32,
        ..Header::default()
    };
    place.gate().deliver(Message { header, payload: vec![], slots: slots.into() });
    let header = place.gate().header();
    place.message_arrived(&header);
}

fn put(place: &mut Place<Fake>, passing: Passing, origin: Origin, number: u32) {
    place.put_slot(ResourceSlot { passing, origin, number }).expect("room");
}

#[test]
fn own_objects_go_out_under_numbers_and_come_home() {
    let (mut place, _, serve, _) = served();
    put(&mut place, Passing::Own, OURS, 0xdead_0001);
    put(&mut place, Passing::Own, OURS, 0xdead_0002);
    assert_eq!(place.send_slots(), Ok(2));
    place.sent();
    let home = |kind, object| arriving(kind, 0, object, 0);
    deliver(
        &mut place,
        &[home(ReceiveSlot::HomeBorrow, 1), home(ReceiveSlot::Home, 1), home(ReceiveSlot::Home, 1)],
    );
    let other = Origin::Export { interface: 0, resource: 0 };
    assert!(
        place.check_slot(0, Passing::Borrow, other).is_err(),
        "another type of the same interface"
    );
    assert!(place.check_slot(0, Passing::Own, OURS).is_err(), "lent, not given");
    assert_eq!(place.take_slot(0, Passing::Borrow, OURS), Ok(0xdead_0002));
    assert!(place.take_slot(0, Passing::Borrow, OURS).is_err(), "taken once");
    assert_eq!(place.take_slot(1, Passing::Own, OURS), Ok(0xdead_0002));
    assert!(place.take_slot(2, Passing::Own, OURS).is_err(), "it is home already");
    assert!(place.take_slot(3, Passing::Own, OURS).is_err(), "there is no such slot");
    place.last_holder_dropped(0);
    place.last_holder_dropped(0);
    let minted = Minted { interface: 0, resource: 1, rep: 0xdead_0001 };
    assert_eq!((place.next_dropped(), place.next_dropped()), (Some(minted), None));
    assert_ne!(serve, 0);
}

#[test]
fn what_cannot_be_sent_is_let_go_of() {
    let (mut place, state, ..) = served();
    let (input, _output) = pipe(&mut place, 8);
    call(&mut place, AtollClocksMonotonic, 1, &[Argument::U64(5)]).expect("ok");
    let timer = own(&mut place, 0, Kind::POLLABLE);
    put(&mut place, Passing::Own, OURS, 7);
    put(&mut place, Passing::Own, origin(Kind::POLLABLE), timer);
    put(&mut place, Passing::Own, origin(Kind::INPUT), input);
    let refused = place.send_slots().expect_err("a timer cannot be sent");
    assert!(refused.contains("timer"), "{refused}");
    assert!(!state.borrow().holds(&Thing::Reader(0)));
    assert_eq!(place.next_dropped().map(|minted| minted.rep), Some(7));
    put(&mut place, Passing::Own, Origin::Export { interface: 9, resource: 0 }, 8);
    assert!(place.send_slots().is_err(), "an export that is not served");
    for number in 0..65 {
        put(&mut place, Passing::Borrow, OURS, number);
    }
    assert!(place.send_slots().is_err(), "too many for a message");
}

#[test]
fn streams_move_and_pollables_go_as_copies_that_can_only_be_watched() {
    let (mut place, state, _, endpoint) = served();
    let (input, output) = pipe(&mut place, 8);
    let subscribe = wasi_io_streams::Function::InputStreamSubscribe as u32;
    call(&mut place, WasiIoStreams, subscribe, &[Argument::Borrow(Kind::INPUT, input)])
        .expect("ok");
    let pollable = own(&mut place, 0, Kind::POLLABLE);
    state.borrow_mut().server = Some(Box::new(|state, method, payload, slots| {
        assert_eq!((method, payload), (3, &b"xy"[..]));
        let kinds: Vec<u32> = slots.iter().map(|slot| slot.kind).collect();
        assert_eq!(kinds, [SendSlot::Move as u32, SendSlot::Lend as u32, SendSlot::Lend as u32]);
        let (thing, held) = state.things[&slots[1].handle].clone();
        assert_eq!((thing, held & (rights::READ | rights::WRITE)), (Thing::Reader(0), 0));
        (Status::Ok, b"result".to_vec(), vec![])
    }));
    put(&mut place, Passing::Own, origin(Kind::OUTPUT), output);
    put(&mut place, Passing::Borrow, origin(Kind::POLLABLE), pollable);
    put(&mut place, Passing::Borrow, origin(Kind::INPUT), input);
    place.outgoing()[..2].copy_from_slice(b"xy");
    place.call(Target::Endpoint(endpoint), 3, 2).expect("answered");
    assert_eq!(place.incoming(), b"result");
    assert_eq!(state.borrow().things.len(), 3, "the reader and the two endpoints are left");
    assert!(place.objects.get(output).is_none());
}

#[test]
fn handles_that_arrive_must_be_of_the_type() {
    let (mut place, state, ..) = served();
    let reader = {
        let mut state = state.borrow_mut();
        let pipe = state.pipe(8);
        state.add(Thing::Reader(pipe), rights::ALL)
    };
    let object = state.borrow_mut().add(Thing::Object { endpoint: 5, tag: 2 }, 0);
    let endpoint = place.start().grants[0].handle.expect("granted");
    let theirs = |resource| Origin::Import { target: Target::Endpoint(endpoint), resource };
    let slots = [
        arriving(ReceiveSlot::Handle, reader, 0, ObjectKind::PipeReader as u32),
        arriving(ReceiveSlot::Handle, object, 5, ObjectKind::Object as u32 | 2 << 16),
        arriving(ReceiveSlot::Handle, object, 6, ObjectKind::Object as u32 | 2 << 16),
    ];
    deliver(&mut place, &slots);
    assert!(place.check_slot(0, Passing::Own, origin(Kind::OUTPUT)).is_err());
    assert!(place.check_slot(0, Passing::Borrow, origin(Kind::INPUT)).is_err());
    assert!(place.check_slot(0, Passing::Own, theirs(2)).is_err());
    assert!(
        place.check_slot(1, Passing::Own, theirs(1)).is_err(),
        "another resource of the interface"
    );
    assert!(place.check_slot(2, Passing::Own, theirs(2)).is_err(), "another endpoint");
    assert_eq!(place.take_slot(1, Passing::Own, theirs(2)), Ok(object));
    let input = place.take_slot(0, Passing::Own, origin(Kind::INPUT)).expect("a stream");
    assert_eq!(place.objects.get(input).and_then(|object| object.handle()), Some(reader));
    // What was not taken is closed.
    deliver(&mut place, &slots[..1]);
    place.discard_incoming();
    assert!(!state.borrow().things.contains_key(&reader));
    assert!(place.check_slot(0, Passing::Own, origin(Kind::INPUT)).is_err());
}

#[test]
fn what_was_lent_is_gone_after_the_call_and_not_closed() {
    let (mut place, state, ..) = served();
    let reader = {
        let mut state = state.borrow_mut();
        let pipe = state.pipe(8);
        state.add(Thing::Reader(pipe), rights::ALL)
    };
    deliver(
        &mut place,
        &[arriving(ReceiveSlot::Borrowed, reader, 0, ObjectKind::PipeReader as u32)],
    );
    let input = place.take_slot(0, Passing::Borrow, origin(Kind::INPUT)).expect("a stream");
    put(&mut place, Passing::Own, origin(Kind::INPUT), input);
    assert!(place.send_slots().is_err(), "what is lent cannot be given away");
    deliver(
        &mut place,
        &[arriving(ReceiveSlot::Borrowed, reader, 0, ObjectKind::PipeReader as u32)],
    );
    let input = place.take_slot(0, Passing::Borrow, origin(Kind::INPUT)).expect("a stream");
    place.call_ended();
    assert!(place.objects.get(input).is_none());
    assert!(state.borrow().things.contains_key(&reader), "the kernel takes it back itself");
}

/// `filesystem-error-code` borrows an error of a stream from whoever asks.
#[test]
fn an_error_is_lent_by_a_handle_that_stands_for_it() {
    let (mut place, state, ..) = served();
    let error = place.objects.add(Object::Error("broken"), Hold::Owned);
    let before = state.borrow().things.len();
    put(&mut place, Passing::Borrow, origin(Kind::ERROR), error);
    assert_eq!(place.send_slots(), Ok(1));
    place.sent();
    assert_eq!(state.borrow().things.len(), before, "the handle is gone after the call");
    let event = state.borrow_mut().add(Thing::Event(0), rights::ALL);
    let slot = |kind| arriving(kind, event, 0, ObjectKind::Event as u32);
    deliver(&mut place, &[slot(ReceiveSlot::Handle)]);
    assert!(place.take_slot(0, Passing::Own, origin(Kind::ERROR)).is_err(), "never given");
    deliver(&mut place, &[slot(ReceiveSlot::Borrowed)]);
    let lent = place.take_slot(0, Passing::Borrow, origin(Kind::ERROR)).expect("an error");
    assert!(matches!(place.objects.get(lent), Some(Object::Error(_))));
    place.call_ended();
    assert!(place.objects.get(lent).is_none());
}

#[test]
fn a_call_traps_when_its_server_ends_if_the_grant_says_so() {
    let (mut place, state, _, endpoint) = served_by(GrantKind::EndpointOrTrap);
    state.borrow_mut().server =
        Some(Box::new(|_, _, _, _| (Status::PeerRestarted, vec![], vec![])));
    let error = place.call(Target::Endpoint(endpoint), 0, 0).expect_err("it ended");
    assert_eq!(error, CallError::Failed("the call failed: its server ended".into()));
}

#[test]
fn a_failed_call_says_why_and_leaks_nothing() {
    let (mut place, state, _, endpoint) = served();
    for (status, restarted) in
        [(Status::PeerRestarted, true), (Status::Revoked, true), (Status::Refused, false)]
    {
        let (input, output) = pipe(&mut place, 8);
        state.borrow_mut().server = Some(Box::new(move |_, _, _, _| (status, vec![], vec![])));
        put(&mut place, Passing::Own, origin(Kind::INPUT), input);
        let error = place.call(Target::Endpoint(endpoint), 0, 0).expect_err("it failed");
        assert_eq!(error == CallError::PeerRestarted, restarted, "{error:?}");
        place.drop_resource(Target::Provided(WasiIoStreams as u32), 1, output);
        assert_eq!(state.borrow().things.len(), 2, "the two endpoints are left");
        assert!(place.incoming().is_empty());
    }
    // A handle that the kernel does not take stays nowhere either.
    let (input, _) = pipe(&mut place, 8);
    put(&mut place, Passing::Own, origin(Kind::INPUT), input);
    assert!(place.call(Target::Endpoint(0x9999), 0, 0).is_err());
    assert!(!state.borrow().holds(&Thing::Reader(3)));
}

#[test]
fn text_for_the_log_cannot_be_passed_on() {
    let (mut place, ..) = served();
    call(&mut place, WasiCliStdout, 0, &[]).expect("ok");
    let output = own(&mut place, 0, Kind::OUTPUT);
    put(&mut place, Passing::Own, origin(Kind::OUTPUT), output);
    assert!(place.send_slots().is_err());
}

#[test]
fn an_import_is_met_by_its_grant_only() {
    let (mut place, _) = place(|state| {
        let log = state.add(Thing::Log, rights::READ);
        let system = state.add(Thing::System, rights::ALL);
        let endpoint = state.add(Thing::Endpoint(5), rights::CALL);
        vec![
            kernel("atoll:log/log", "", Some(log)),
            kernel("atoll:introspection/system@0.1.0", "", Some(system)),
            kernel("atoll:nothing/known", "", None),
            kernel("wasi:random/random", "", None),
            kernel("atoll:device/framebuffer", "", None),
            Grant { kind: GrantKind::Endpoint, ..kernel("a:b/c", "", Some(endpoint)) },
        ]
    });
    let mut resolve = |name| place.resolve(name).map(|provider| provider.target);
    assert!(resolve("wasi:io/streams@0.2.3").is_ok(), "the vocabulary needs no grant");
    assert!(resolve("wasi:io/streams@0.3.0").is_err(), "another track of versions");
    assert!(resolve("atoll:introspection/system@0.1.0").is_ok());
    assert!(resolve("atoll:device/framebuffer@0.1.0").is_ok(), "a machine without a screen");
    for (name, reason) in [
        ("atoll:log/log@0.1.0", "the log, to write"),
        ("atoll:clocks/monotonic@0.1.0", "expected a grant, found none"),
        ("atoll:nothing/known@1.0.0", "that it does not know it"),
        ("wasi:sockets/tcp@0.2.0", "expected a grant of an endpoint, found none"),
        ("wasi:random/random@0.2.12", "a processor without one"),
        ("a:b/c@1.0.0", "nobody serves it yet"),
    ] {
        let error = resolve(name).expect_err(name);
        assert!(error.contains(reason), "{name}: {error}");
    }
}
