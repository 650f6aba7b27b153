//! Keys against the standard: RFC 8032, section 7.1, and what it leaves open.

use super::{KeyError, PublicKey, SecretKey};

fn hex<const LEN: usize>(text: &str) -> [u8; LEN] {
    let digits = |at: usize| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("digits");
    assert_eq!(text.len(), LEN * 2);
    std::array::from_fn(digits)
}

/// Secret key, public key, message and signature of tests 1 to 3.
const VECTORS: [(&str, &str, &[u8], &str); 3] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        &[],
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        &[0x72],
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        &[0xaf, 0x82],
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];

#[test]
fn the_standards_signatures_are_made_and_taken() {
    for (seed, public, message, signature) in VECTORS {
        let key = SecretKey::from_seed(hex(seed)).expect("a key");
        let signature = hex(signature);
        assert_eq!(key.public(), PublicKey(hex(public)));
        assert_eq!(key.signature(message), signature);
        assert!(key.public().has_signed(&[message], &signature));
        assert!(!key.public().has_signed(&[message, b"x"], &signature));
        for bit in 0..512 {
            let mut other = signature;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.public().has_signed(&[message], &other), "bit {bit}");
        }
    }
}

/// The order of the group, which can be added to a signature's second half without changing what
/// the equation says.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn a_signature_cannot_be_turned_into_another_one() {
    let (_, public, message, signature) = VECTORS[2];
    let mut signature: [u8; 64] = hex(signature);
    let mut carry = 0;
    for (byte, more) in signature[32..].iter_mut().zip(hex::<32>(ORDER)) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert!(!PublicKey(hex(public)).has_signed(&[message], &signature));
}

#[test]
fn a_key_of_small_order_signs_nothing() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(!PublicKey(neutral).has_signed(&[b"anything"], &signature));
    assert!(!PublicKey([0xff; 32]).has_signed(&[b"anything"], &signature));
}

#[test]
fn files_of_keys_are_read_and_bad_ones_refused() {
    let key = SecretKey::from_seed([7; 32]).expect("a key");
    let file = key.write();
    assert_eq!(SecretKey::read(&file).expect("a key").public(), key.public());
    assert_eq!(key.write_public()[1..], key.public().0);
    for len in 0..file.len() {
        assert_eq!(SecretKey::read(&file[..len]).err(), Some(KeyError::NoPair), "{len}");
    }
    assert_eq!(SecretKey::read(&[&file[..], &[0]].concat()).err(), Some(KeyError::NoPair));
    assert_eq!(SecretKey::read(&key.write_public()).err(), Some(KeyError::NoPair));
    let mut mixed = file;
    mixed[64] ^= 1;
    assert_eq!(SecretKey::read(&mixed).err(), Some(KeyError::NotAPair));
    assert_eq!(SecretKey::from_seed([0; 32]).err(), Some(KeyError::Weak));
    let text = format!("{}", key.public());
    assert_eq!(PublicKey(hex(text.strip_prefix("ed25519:").expect("kind"))), key.public());
    assert!(!format!("{key:?}").contains("07070707"));
}
