//! `atoll:lifecycle/capsule`, and the granting of capsules.

use super::interfaces::{create, system};
use super::{Argument, call, kernel, own, place};
use crate::Place;
use crate::fake::capsules::LIMIT;
use crate::fake::{Fake, State, Thing};
use crate::generated::Interface::{AtollLifecycleCapsule, AtollSupervisionDomains};
use crate::generated::atoll_lifecycle_capsule::Function;
use crate::generated::atoll_supervision_domains;
use crate::objects::Kind;
use crate::provided::check_grant;
use crate::start::Grant;
use atoll_gate::call::rights;

fn granted(held: u32) -> impl FnOnce(&mut State) -> Vec<Grant> {
    move |state| {
        let capsule = state.add(Thing::Capsule, held);
        vec![kernel("atoll:lifecycle/capsule", "", Some(capsule))]
    }
}

fn ask(place: &mut Place<Fake>, function: Function, arguments: &[Argument<'_>]) -> Vec<u8> {
    call(place, AtollLifecycleCapsule, function as u32, arguments).expect("no trap")
}

#[test]
fn records_are_written_read_and_listed() {
    let (mut place, _) = place(granted(rights::READ | rights::WRITE));
    let write = |place: &mut Place<Fake>, record, data: &[u8]| {
        ask(place, Function::Write, &[Argument::U32(record), Argument::Bytes(data)])
    };
    let read =
        |place: &mut Place<Fake>, record| ask(place, Function::Read, &[Argument::U32(record)]);
    assert_eq!(read(&mut place, 4), [0; 4]);
    assert_eq!(write(&mut place, 4, b"four"), [0; 4]);
    assert_eq!(write(&mut place, 2, b"two"), [0; 4]);
    assert_eq!(read(&mut place, 4), *b"\x01\0\0\0\x04\0\0\0four");
    assert_eq!(ask(&mut place, Function::Records, &[]), [2, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]);
    assert_eq!(ask(&mut place, Function::Used, &[]), 7u64.to_le_bytes());
    assert_eq!(ask(&mut place, Function::Limit, &[]), (LIMIT as u64).to_le_bytes());
    assert_eq!(write(&mut place, 4, b""), [0; 4]);
    assert_eq!(read(&mut place, 4), [0; 4]);
    let full = [1, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(write(&mut place, 5, &vec![5; LIMIT + 1]), full);
    let too_long = [1, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(write(&mut place, 5, &vec![5; 60_001]), too_long);
}

#[test]
fn a_capsule_that_cannot_be_written_is_no_grant() {
    let (mut place, _) = place(granted(rights::READ));
    let refused = check_grant(&mut place, AtollLifecycleCapsule).expect_err("refused");
    assert!(refused.starts_with("expected a grant of a capsule, found Capsule"), "{refused}");
}

#[test]
fn a_domain_is_granted_a_capsule_to_read_and_write() {
    use atoll_supervision_domains::Function;
    let (mut place, state) = place(system);
    let make = Function::CapsuleCreate as u32;
    let made = call(&mut place, AtollSupervisionDomains, make, &[Argument::U64(4096)]);
    assert_eq!(made.expect("ok")[..4], [0; 4]);
    let capsule = own(&mut place, 0, Kind::CAPSULE);
    assert_eq!(state.borrow().capsules, [4096]);
    let refused = call(&mut place, AtollSupervisionDomains, make, &[Argument::U64(1 << 40)]);
    assert_eq!(refused.expect("ok")[..8], [1, 0, 0, 0, 3, 0, 0, 0]);
    create(&mut place, "child", false);
    let domain = own(&mut place, 0, Kind::DOMAIN);
    let grant = Function::DomainGrantCapsule as u32;
    let lent = [Argument::Borrow(Kind::DOMAIN, domain), Argument::Borrow(Kind::CAPSULE, capsule)];
    let answer = call(&mut place, AtollSupervisionDomains, grant, &lent).expect("ok");
    assert_eq!(answer, [0; 4]);
    let state = state.borrow();
    let mut held = state.things.values().filter(|(thing, _)| *thing == Thing::Capsule);
    assert!(held.any(|(_, held)| *held == rights::READ | rights::WRITE));
}
