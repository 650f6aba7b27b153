//! One export on several endpoints: by which one a call came, and where objects are minted.

use super::interfaces::system;
use super::{Argument, call, own, place};
use crate::Place;
use crate::fake::{Fake, State, Thing};
use crate::generated::Interface::AtollSupervisionDomains;
use crate::generated::atoll_supervision_domains::Function;
use crate::objects::Kind;
use crate::place::{Export, Incoming};
use atoll_gate::call::rights;
use atoll_gate::message::EventKind;
use atoll_runtime::host::{Host, Origin, Passing, ResourceSlot};
use std::cell::RefCell;
use std::rc::Rc;

/// A place with two exports, of which the second is `test:own/thing`.
fn exporting() -> (Place<Fake>, Rc<RefCell<State>>) {
    let (mut place, state) = place(system);
    for name in ["test:own/other", "test:own/thing"] {
        place.exports.push(Export {
            name: name.into(),
            interface: name.into(),
            descriptor: vec![1],
            services: Vec::new(),
            numbers: None,
            missing: None,
        });
    }
    (place, state)
}

/// Serves `test:own/thing` on a new endpoint under a number; the endpoint's kernel handle.
fn publish(place: &mut Place<Fake>, number: u64) -> u32 {
    call(place, AtollSupervisionDomains, Function::EndpointNew as u32, &[]).expect("ok");
    let endpoint = own(place, 0, Kind::ENDPOINT);
    let handle = place.handle_of(endpoint).expect("a handle");
    let arguments = [
        Argument::Borrow(Kind::ENDPOINT, endpoint),
        Argument::Bytes(b"test:own/thing"),
        Argument::U64(number),
    ];
    let publish = Function::EndpointPublish as u32;
    let result = call(place, AtollSupervisionDomains, publish, &arguments).expect("no trap");
    assert_eq!(result, [0; 4]);
    handle
}

/// What the component hears when it asks by whom it is called.
fn caller(place: &mut Place<Fake>) -> Option<u64> {
    let answer = call(place, AtollSupervisionDomains, Function::Caller as u32, &[]).expect("ok");
    match answer.as_slice() {
        [0, 0, 0, 0] => None,
        [1, 0, 0, 0, number @ ..] => Some(u64::from_le_bytes(number.try_into().expect("a u64"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_component_learns_by_which_endpoint_it_is_called() {
    let (mut place, state) = exporting();
    let numbers = [7, u64::MAX, 0];
    let serves = numbers.map(|number| publish(&mut place, number));
    assert_eq!(caller(&mut place), None, "nobody calls");
    let published = state.borrow().published.clone();
    let badges: Vec<u32> = published.iter().map(|published| published.1 as u32).collect();
    assert_eq!(published.iter().map(|published| published.0).collect::<Vec<_>>(), serves);
    for (at, badge) in badges.iter().enumerate() {
        state.borrow_mut().event(EventKind::Call, at as u64, *badge, 3, &[], &[]);
        assert_eq!(place.next_call(), Some(Incoming { export: 1, method: 3 }));
        assert_eq!(caller(&mut place), Some(numbers[at]));
        // An object that the call hands out is one of the endpoint that it came by.
        let origin = Origin::Export { interface: 1, resource: 0 };
        let slot = ResourceSlot { passing: Passing::Own, origin, number: 5 };
        place.put_slot(slot).expect("room");
        place.end_call(Some(0)).expect("sent");
    }
    state.borrow_mut().event(EventKind::Notification, 0, 0, 0, &[], &[]);
    assert_eq!(place.next_call(), None);
    assert!(place.next_pending().is_none());
    let minted: Vec<u32> = state.borrow().replies.iter().map(|reply| reply.3[0].handle).collect();
    assert_eq!(minted, serves);
}

#[test]
fn between_calls_nobody_calls() {
    let (mut place, state) = exporting();
    publish(&mut place, 7);
    let badge = state.borrow().published[0].1 as u32;
    state.borrow_mut().event(EventKind::Call, 1, badge, 0, &[], &[]);
    place.next_call().expect("a call");
    place.end_call(Some(0)).expect("sent");
    state.borrow_mut().event(EventKind::Probe, 3, 0, 0, &[], &[]);
    assert_eq!(place.next_call(), None);
    assert!(place.next_pending().is_some());
    assert_eq!(caller(&mut place), None);
    // A badge that stands for no service is that of nobody.
    state.borrow_mut().event(EventKind::Call, 1, badge | 9 << 16, 0, &[], &[]);
    place.next_call().expect("a call");
    assert_eq!(caller(&mut place), None);
}

#[test]
fn clients_of_all_endpoints_know_the_same_numbers() {
    let (mut place, state) = exporting();
    let endpoint = |state: &Rc<RefCell<State>>, published: Option<&[u8]>| {
        let mut state = state.borrow_mut();
        let handle = state.add(Thing::Endpoint(6), rights::SERVE);
        if let Some(published) = published {
            state.descriptors.insert(handle, published.to_vec());
        }
        handle
    };
    let first = endpoint(&state, None);
    assert_eq!(place.publish(1, first, 1), Ok(()));
    let same = endpoint(&state, Some(&[1]));
    assert_eq!(place.publish(1, same, 2), Ok(()));
    let other = endpoint(&state, Some(&[2]));
    let refused = place.publish(1, other, 3).expect_err("other numbers");
    assert_eq!(refused, "its clients know it by other numbers there");
    // On an endpoint where it is served it can get another number.
    assert_eq!(place.publish(1, first, 4), Ok(()));
    let numbers: Vec<u64> = place.exports[1].services.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [4, 2]);
    assert_eq!(place.publish(2, first, 4), Err("there is no such export".into()));
}
