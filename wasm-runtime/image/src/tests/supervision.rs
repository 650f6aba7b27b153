//! `atoll:supervision/domains`: what a supervisor does to swap domains.

use super::interfaces::{create, system};
use super::{Argument, call, own, place};
use crate::Place;
use crate::fake::{Fake, State};
use crate::generated::Interface::AtollSupervisionDomains;
use crate::generated::atoll_supervision_domains::Function;
use crate::objects::Kind;
use atoll_gate::Call;
use atoll_gate::call::Status;
use atoll_gate::limits::Limit;
use atoll_gate::start::{SIGNER_KEY, StartReader};
use std::cell::RefCell;
use std::rc::Rc;

/// A supervisor with two domains, of which the second is to take over.
fn two() -> (Place<Fake>, Rc<RefCell<State>>, [u32; 2]) {
    let (mut place, state) = place(system);
    let domains = [false, true].map(|standby| {
        assert_eq!(create(&mut place, "child", standby)[..4], [0; 4]);
        own(&mut place, 0, Kind::DOMAIN)
    });
    (place, state, domains)
}

fn ask(place: &mut Place<Fake>, function: Function, rest: &[Argument<'_>]) -> Vec<u8> {
    call(place, AtollSupervisionDomains, function as u32, rest).expect("no trap")
}

fn lent(domain: u32) -> Argument<'static> {
    Argument::Borrow(Kind::DOMAIN, domain)
}

#[test]
fn steps_of_a_swap_become_gate_calls() {
    let (mut place, state, [old, new]) = two();
    let [old_control, new_control] =
        [old, new].map(|domain| place.handle_of(domain).expect("a handle"));
    assert_eq!(ask(&mut place, Function::DomainQuiesce, &[lent(old), lent(new)]), [0; 4]);
    assert_eq!(ask(&mut place, Function::DomainTakeOver, &[lent(new), lent(old)]), [0; 4]);
    assert_eq!(ask(&mut place, Function::DomainSetHeir, &[lent(old), lent(new)]), [0; 4]);
    ask(&mut place, Function::EndpointNew, &[]);
    let endpoint = own(&mut place, 0, Kind::ENDPOINT);
    let serve = place.handle_of(endpoint).expect("a handle");
    let twin = [Argument::Borrow(Kind::ENDPOINT, endpoint), lent(new)];
    assert_eq!(ask(&mut place, Function::EndpointTwin, &twin)[..4], [0; 4]);
    for function in [Function::Commit, Function::Revert] {
        let arguments = [Argument::U32(1), lent(old), lent(new)];
        assert_eq!(ask(&mut place, function, &arguments), [0; 4]);
    }
    assert_eq!(ask(&mut place, Function::DomainThaw, &[lent(old)]), [0; 4]);
    let couple: Vec<u8> =
        [old_control, new_control].iter().flat_map(|control| control.to_le_bytes()).collect();
    let [old_control, new_control] = [old_control, new_control].map(u64::from);
    assert_eq!(
        state.borrow().swaps,
        [
            (Call::Quiesce, [old_control, new_control], vec![]),
            (Call::TakeOver, [old_control, new_control], vec![]),
            (Call::SetHeir, [old_control, new_control], vec![]),
            (Call::CreateEndpoint, [serve.into(), new_control], vec![]),
            (Call::CommitSwap, [0; 2], couple.clone()),
            (Call::RevertSwap, [0; 2], couple),
            (Call::Thaw, [old_control, 0], vec![]),
        ]
    );
}

#[test]
fn a_supervisor_asks_how_a_domain_is() {
    let (mut place, state, [domain, _]) = two();
    let control = place.handle_of(domain).expect("a handle");
    let probe = [lent(domain), Argument::U64(8)];
    assert_eq!(ask(&mut place, Function::DomainProbe, &probe), [0; 4]);
    assert_eq!(state.borrow().swaps, [(Call::Probe, [u64::from(control), 8], vec![])]);
    state.borrow_mut().swap_status = Some(Status::NotReady);
    assert_eq!(ask(&mut place, Function::DomainProbe, &probe)[..4], [1, 0, 0, 0]);
    // The last answer, that something is wrong and what, and that it waits for a reply.
    let mut expected = vec![7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 0];
    expected.extend(b"out of ink\x01");
    assert_eq!(ask(&mut place, Function::DomainPulse, &[lent(domain)]), expected);
}

#[test]
fn a_step_that_the_kernel_refuses_is_an_error_in_words() {
    let (mut place, state, [old, new]) = two();
    state.borrow_mut().swap_status = Some(Status::NotReady);
    let arguments = [Argument::U32(1), lent(old), lent(new)];
    let answer = ask(&mut place, Function::Commit, &arguments);
    assert_eq!(answer[..4], [1, 0, 0, 0]);
    let text = String::from_utf8_lossy(&answer[12..]).into_owned();
    assert_eq!(text, "the swap cannot be committed: it is in another phase");
}

#[test]
fn devices_are_shared_with_a_domain_that_takes_over_only() {
    let (mut place, state, domains) = two();
    for domain in domains {
        let line = [
            lent(domain),
            Argument::Bytes(b"atoll:device/irq"),
            Argument::Bytes(b"uart"),
            Argument::U32(1),
            Argument::U32(4),
        ];
        assert_eq!(ask(&mut place, Function::DomainGrantKernel, &line), [0; 4]);
    }
    assert_eq!(state.borrow().shared, [false, true]);
}

#[test]
fn signers_go_with_the_start_record() {
    let (mut place, state, [domain, _]) = two();
    let add = |place: &mut Place<Fake>, name: &[u8], key: &[u8]| {
        let arguments = [lent(domain), Argument::Bytes(name), Argument::Bytes(key)];
        ask(place, Function::DomainAddSigner, &arguments)
    };
    assert_eq!(add(&mut place, b"release", &[1; SIGNER_KEY]), [0; 4]);
    assert_eq!(add(&mut place, b"review", &[2; SIGNER_KEY]), [0; 4]);
    for len in [0, SIGNER_KEY - 1, SIGNER_KEY + 1] {
        assert_eq!(add(&mut place, b"bad", &vec![1; len])[..8], [1, 0, 0, 0, 3, 0, 0, 0], "{len}");
    }
    let mut start = vec![lent(domain), Argument::U64(1 << 20)];
    start.extend((1..Limit::ALL.len() as u32).map(Argument::U32));
    // No options, arguments or environment.
    start.extend([0; 3].map(Argument::U32));
    assert_eq!(ask(&mut place, Function::DomainStart, &start), [0; 4]);
    let late = add(&mut place, b"late", &[1; SIGNER_KEY]);
    assert_eq!(late[..8], [1, 0, 0, 0, 1, 0, 0, 0], "it runs already");
    let (record, _) = state.borrow().started[0].clone();
    let record = StartReader::read(&record).expect("well formed");
    let signers: Vec<_> = record.signers().map(|signer| (signer.name, signer.key)).collect();
    assert_eq!(signers, [("release", [1; SIGNER_KEY]), ("review", [2; SIGNER_KEY])]);
}
