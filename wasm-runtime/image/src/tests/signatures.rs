//! Domains whose component has to be signed.

use super::life::{ADDER, KEPT, SERVER, grants, start_record_signed};
use crate::fake::Fake;
use crate::serve::{End, live};
use atoll_gate::message::EventKind;
use atoll_gate::record::Cause;
use atoll_gate::start::{Options, Signer};
use atoll_signature::{SecretKey, sign};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32]).expect("a key")
}

fn signer(name: &str, seed: u8) -> Signer<'_> {
    Signer { name, key: key(seed).public().0 }
}

fn server() -> Vec<u8> {
    wat::parse_str(SERVER).expect("the component is well formed")
}

/// The end of a domain of this component, and how often it became ready; its death is scripted.
fn live_signed(component: &[u8], signers: &[Signer<'_>]) -> (End, u32) {
    let (mut gate, state) = Fake::new();
    let grants = grants(&mut state.borrow_mut());
    gate.deliver(start_record_signed(Options::default(), signers, &[], &grants));
    state.borrow_mut().event(EventKind::Call, 1, ADDER, 1, &[], &[]);
    let end = live(gate, component, |end| end);
    let ready = state.borrow().ready;
    (end, ready)
}

#[test]
fn who_is_signed_by_one_of_the_signers_lives() {
    let signers = [signer("release", 1), signer("review", 2)];
    for seed in [1, 2] {
        let signed = sign(&server(), &key(seed)).expect("signed");
        let (end, ready) = live_signed(&signed, &signers);
        assert_eq!((end.cause, ready), (Cause::Trapped, 1), "{}", end.message);
    }
    // Nobody has to have signed: neither signatures nor their absence mean anything.
    for component in [server(), sign(&server(), &key(9)).expect("signed")] {
        assert_eq!(live_signed(&component, &[]).1, 1);
    }
}

#[test]
fn who_is_not_is_refused_and_told_why() {
    let refused = |component: &[u8]| {
        let signers = [signer("release", 1), signer("review", 2)];
        let (end, ready) = live_signed(component, &signers);
        assert_eq!((end.cause, end.code, ready), (Cause::Refused, 1, 0));
        let why = end.message.strip_prefix("the component must be signed by `release` or `review`");
        why.expect("whose signature it needs").to_owned()
    };
    let signed = sign(&server(), &key(1)).expect("signed");
    assert_eq!(refused(&server()), ": it is not signed");
    let foreign = sign(&server(), &key(3)).expect("signed");
    assert_eq!(refused(&foreign), ": it is signed by an unknown key");
    let mut damaged = signed.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    assert_eq!(refused(&damaged), ": it is not what was signed: it was changed or damaged");
    // Byte 23 is the count of sets of hashes.
    let mut damaged = signed;
    damaged[23] = 0x7f;
    assert_eq!(refused(&damaged), ": its section of signatures is damaged");
    // Nothing else of it was read: what it imports and exports is not complained about.
    assert_eq!(refused(b"\0asm\x0d\0\x01\0\xff\xff"), ": it is not signed");
    assert_eq!(refused(b"\0asm\x01\0\0\0"), ": it is no component");
    assert_eq!(refused(b""), ": it is no component");
}

#[test]
fn a_clone_that_another_has_to_have_signed_is_refused() {
    let signed = sign(&server(), &key(1)).expect("signed");
    let (mut gate, state) = Fake::new();
    let original = grants(&mut state.borrow_mut());
    let same = original.clone();
    state.borrow_mut().clone =
        Some(Box::new(move |_| start_record_signed(KEPT, &[signer("release", 2)], &[], &same)));
    gate.deliver(start_record_signed(KEPT, &[signer("release", 1)], &[], &original));
    let end = live(gate, &signed, |end| end);
    assert_eq!(end.cause, Cause::Refused);
    assert_eq!(end.message, "the clone has other signers than its original");
}
