//! `atoll:supervision/guardian`: a supervisor that goes on, and is succeeded.

use super::{Argument, call, kernel, own, place};
use crate::Place;
use crate::fake::{Fake, State, Thing};
use crate::generated::Interface::{AtollSupervisionDomains, AtollSupervisionGuardian};
use crate::generated::atoll_supervision_domains;
use crate::generated::atoll_supervision_guardian::Function;
use crate::objects::Kind;
use crate::start::Grant;
use crate::wire::Input;
use atoll_gate::call::{Call, Status, rights};
use std::cell::RefCell;
use std::rc::Rc;

fn first() -> (Place<Fake>, Rc<RefCell<State>>) {
    place(|state| -> Vec<Grant> {
        let system = state.add(Thing::System, rights::ALL);
        let names = ["guardian", "domains", "modules"];
        let names = names.map(|name| format!("atoll:supervision/{name}"));
        names.iter().map(|name| kernel(name, "", Some(system))).collect()
    })
}

fn ask(place: &mut Place<Fake>, function: Function, arguments: &[Argument<'_>]) -> Vec<u8> {
    call(place, AtollSupervisionGuardian, function as u32, arguments).expect("no trap")
}

#[test]
fn a_life_is_told_how_it_began() {
    let (mut place, _) = first();
    let mut tell = |arguments: &[&str]| {
        place.start.arguments = arguments.iter().map(|word| (*word).into()).collect();
        let life = ask(&mut place, Function::Began, &[]);
        let mut life = Input::new(&life);
        let component = life.string().expect("a name").to_owned();
        let before = life.case(2).expect("an option") == 1;
        (component, before.then(|| life.string().expect("words").to_owned()))
    };
    assert_eq!(tell(&["supervisor.wasm", "", ""]), ("supervisor.wasm".into(), None));
    let killed = tell(&["supervisor.wasm", "was killed", ""]);
    assert_eq!(killed, ("supervisor.wasm".into(), Some("was killed".into())));
    let trapped = tell(&["v2.wasm", "trapped", "unreachable"]);
    assert_eq!(trapped, ("v2.wasm".into(), Some("trapped: unreachable".into())));
    assert_eq!(tell(&[]), (String::new(), None));
}

#[test]
fn what_is_adopted_comes_as_lists() {
    let (mut place, state) = first();
    assert_eq!(ask(&mut place, Function::AdoptDomains, &[]), [0; 4]);
    let estate = [Thing::Domain, Thing::Endpoint(8), Thing::Capsule, Thing::Domain];
    state.borrow_mut().estate = estate.into();
    let domains = ask(&mut place, Function::AdoptDomains, &[]);
    assert_eq!(domains, [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    let [first, second] = [0, 1].map(|index| own(&mut place, index, Kind::DOMAIN));
    assert_ne!(first, second);
    let start = atoll_supervision_domains::Function::DomainStatus as u32;
    let lent = [Argument::Borrow(Kind::DOMAIN, first)];
    assert!(call(&mut place, AtollSupervisionDomains, start, &lent).is_ok());
    let id = |place: &mut Place<Fake>, kind, number, function| {
        let lent = [Argument::Borrow(kind, number)];
        call(place, AtollSupervisionDomains, function, &lent).expect("an id")
    };
    let function = atoll_supervision_domains::Function::DomainId as u32;
    assert_eq!(id(&mut place, Kind::DOMAIN, first, function), [5, 0, 0, 0]);
    assert_eq!(ask(&mut place, Function::AdoptEndpoints, &[])[..4], [1, 0, 0, 0]);
    let endpoint = own(&mut place, 0, Kind::ENDPOINT);
    let function = atoll_supervision_domains::Function::EndpointId as u32;
    assert_eq!(id(&mut place, Kind::ENDPOINT, endpoint, function), [8, 0, 0, 0]);
    assert_eq!(ask(&mut place, Function::AdoptCapsules, &[])[..4], [1, 0, 0, 0]);
    let capsule = own(&mut place, 0, Kind::CAPSULE);
    let function = atoll_supervision_domains::Function::CapsuleId as u32;
    assert_eq!(id(&mut place, Kind::CAPSULE, capsule, function), [3, 0, 0, 0]);
    assert!(ask(&mut place, Function::Settle, &[]).is_empty());
    assert_eq!(state.borrow().guardian, [(Call::Settle, [0; 3])]);
}

#[test]
fn a_successor_is_made_and_succeeds_by_a_deadline() {
    let (mut place, state) = first();
    let open = [Argument::Bytes(b"there")];
    call(&mut place, crate::generated::Interface::AtollSupervisionModules, 0, &open).expect("ok");
    let module = own(&mut place, 0, Kind::MODULE);
    let lent = [Argument::Borrow(Kind::MODULE, module)];
    assert_eq!(ask(&mut place, Function::MakeSuccessor, &lent)[..4], [0; 4]);
    let successor = own(&mut place, 0, Kind::DOMAIN);
    state.borrow_mut().now = 1000;
    let arguments =
        || [Argument::Borrow(Kind::DOMAIN, successor), Argument::U64(500), Argument::U64(70)];
    assert_eq!(ask(&mut place, Function::Succeed, &arguments()), [0; 4]);
    let control = u64::from(place.handle_of(successor).expect("a handle"));
    assert_eq!(state.borrow().guardian[1], (Call::Succeed, [control, 1500, 70]));
    state.borrow_mut().guardian_status = Some(Status::NotReady);
    assert_eq!(ask(&mut place, Function::Succeed, &arguments())[..4], [1, 0, 0, 0]);
    assert_eq!(ask(&mut place, Function::MakeSuccessor, &lent)[..4], [1, 0, 0, 0]);
}
