//! The same format in another implementation, `wasmsign2`: what one signs, the other takes.

use atoll_signature::{PublicKey, Refusal, SecretKey, check, sign};
use wasmsign2::{KeyPair, Module, SecretKey as TheirSecret};

/// A component of three custom sections.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\0\x05\x01aone\0\x05\x01btwo\0\x07\x01cthree";

fn ours(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32]).expect("a key")
}

/// The same key in the other implementation, by way of the files.
fn theirs(key: &SecretKey) -> (TheirSecret, wasmsign2::PublicKey) {
    let secret = TheirSecret::from_bytes(&key.write()).expect("a key pair");
    let public = wasmsign2::PublicKey::from_bytes(&key.write_public()).expect("a public key");
    (secret, public)
}

fn module(bytes: &[u8]) -> Module {
    Module::deserialize(&mut &*bytes).expect("a component")
}

fn bytes(module: &Module) -> Vec<u8> {
    let mut bytes = Vec::new();
    module.serialize(&mut bytes).expect("a component");
    bytes
}

fn they_take(signed: &[u8], public: &wasmsign2::PublicKey) -> bool {
    public.verify(&mut &*signed, None).is_ok()
}

#[test]
fn they_take_what_we_sign() {
    let (_, public) = theirs(&ours(1));
    let signed = sign(COMPONENT, &ours(1)).expect("signed");
    assert!(they_take(&signed, &public));
    let twice = sign(&signed, &ours(2)).expect("signed");
    assert!(they_take(&twice, &public));
    assert!(they_take(&twice, &theirs(&ours(2)).1));
    let mut damaged = twice;
    *damaged.last_mut().expect("bytes") ^= 1;
    assert!(!they_take(&damaged, &public));
    assert!(!they_take(&signed, &theirs(&ours(2)).1));
}

#[test]
fn we_take_what_they_sign() {
    let (secret, _) = theirs(&ours(1));
    let public = [ours(1).public()];
    let id = b"somebody".to_vec();
    for key_id in [None, Some(&id)] {
        let signed = bytes(&secret.sign(module(COMPONENT), key_id).expect("signed"));
        assert_eq!(check(&signed, &public), Ok(0));
        assert_eq!(check(&signed, &[ours(2).public()]), Err(Refusal::Foreign));
        // On top of each other, in either order.
        let (second, _) = theirs(&ours(2));
        let both = second.sign_multi(module(&signed), None, false, false).expect("signed").0;
        let third = sign(&bytes(&both), &ours(3)).expect("signed");
        for seed in [1, 2, 3] {
            assert_eq!(check(&third, &[ours(seed).public()]), Ok(0), "{seed}");
            assert!(they_take(&third, &theirs(&ours(seed)).1), "{seed}");
        }
    }
}

#[test]
fn their_keys_are_ours() {
    let pair = KeyPair::generate();
    let key = SecretKey::read(&pair.sk.to_bytes()).expect("a key pair");
    assert_eq!(key.write().as_slice(), pair.sk.to_bytes());
    assert_eq!(key.write_public().as_slice(), pair.pk.to_bytes());
    assert_eq!(key.public(), PublicKey(pair.pk.to_bytes()[1..].try_into().expect("32 bytes")));
}

/// Signed with a delimiter behind each section, so that each beginning could be checked by itself.
#[test]
fn a_beginning_of_what_was_signed_is_not_all_of_it() {
    let (secret, _) = theirs(&ours(1));
    let public = [ours(1).public()];
    let signed = secret.sign_multi(module(COMPONENT), None, false, true).expect("signed").0;
    assert_eq!(check(&bytes(&signed), &public), Ok(0));
    for left in 1..signed.sections.len() {
        let mut beginning = signed.clone();
        beginning.sections.truncate(left);
        assert_eq!(check(&bytes(&beginning), &public), Err(Refusal::Changed), "{left}");
    }
    // A second signer adds to it and keeps the first.
    let both = sign(&bytes(&signed), &ours(2)).expect("signed");
    assert_eq!(check(&both, &public), Ok(0));
    assert_eq!(check(&both, &[ours(2).public()]), Ok(0));
}

/// The text of the convention has no lengths before sets and signatures.
#[test]
fn the_layout_of_the_text_is_taken_too() {
    let signed = sign(COMPONENT, &ours(1)).expect("signed");
    let content = &COMPONENT[8..];
    // Preamble, number and length of the section, its name with the length.
    let data_at = 8 + 2 + 10;
    let data = &signed[data_at..signed.len() - content.len()];
    assert!(data.starts_with(&[1, 1, 1, 1]));
    // Header, count of sets | length | count of hashes, hash, count of signatures | length | rest.
    let plain = [&data[..4], &data[5..39], &data[40..]].concat();
    let section = [&[9], &b"signature"[..], &plain].concat();
    let length = [section.len() as u8];
    let component = [&COMPONENT[..8], &[0], &length, &section, content].concat();
    assert_eq!(check(&component, &[ours(1).public()]), Ok(0));
    assert_eq!(check(&component, &[ours(2).public()]), Err(Refusal::Foreign));
    let framed = sign(&component, &ours(2)).expect("signed");
    assert_eq!(check(&framed, &[ours(1).public()]), Ok(0));
}
