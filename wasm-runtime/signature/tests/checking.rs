//! What is taken for signed and what is not: damage, hostile sections, several signers.

use atoll_signature::{MAX_HASHES, MAX_SIGNATURES, Refusal, SecretKey, check, sign};
use proptest::prelude::{any, prop, proptest};

const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32]).expect("a key")
}

/// A component of two custom sections.
fn component() -> Vec<u8> {
    [PREAMBLE, b"\0\x05\x01aone", b"\0\x05\x01btwo"].concat()
}

fn leb(number: u32) -> Vec<u8> {
    // Padded to five bytes, which LEB128 allows.
    let part = |shift: u32| (number >> shift & 0x7f) as u8;
    vec![part(0) | 0x80, part(7) | 0x80, part(14) | 0x80, part(21) | 0x80, part(28)]
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&*leb(bytes.len() as u32), bytes].concat()
}

/// The component with this data in its section of signatures.
fn with_data(data: &[u8]) -> Vec<u8> {
    let section = [&*counted(b"signature"), data].concat();
    [PREAMBLE, &[0], &counted(&section), &component()[8..]].concat()
}

/// The data of a component that was signed.
fn data_of(signed: &[u8]) -> Vec<u8> {
    let before = signed.len() - (component().len() - 8);
    let name = signed.windows(9).position(|window| window == b"signature").expect("a section");
    signed[name + 9..before].to_vec()
}

#[test]
fn who_signed_is_found_among_the_keys() {
    let signed = sign(&component(), &key(2)).expect("signed");
    let [one, two, three] = [1, 2, 3].map(|seed| key(seed).public());
    assert_eq!(check(&signed, &[two]), Ok(0));
    assert_eq!(check(&signed, &[one, three, two]), Ok(2));
    assert_eq!(check(&signed, &[one, three]), Err(Refusal::Foreign));
    assert_eq!(check(&signed, &[]), Err(Refusal::Foreign));
    assert_eq!(check(&component(), &[two]), Err(Refusal::Unsigned));
}

#[test]
fn several_sign_and_nobody_twice() {
    let once = sign(&component(), &key(1)).expect("signed");
    assert_eq!(sign(&once, &key(1)).expect("signed"), once);
    let twice = sign(&once, &key(2)).expect("signed");
    for seed in [1, 2] {
        assert_eq!(check(&twice, &[key(seed).public()]), Ok(0));
    }
    assert_eq!(check(&twice, &[key(3).public()]), Err(Refusal::Foreign));
}

#[test]
fn what_was_changed_is_signed_anew() {
    let mut signed = sign(&component(), &key(1)).expect("signed");
    *signed.last_mut().expect("bytes") ^= 1;
    let again = sign(&signed, &key(2)).expect("signed");
    assert_eq!(check(&again, &[key(2).public()]), Ok(0));
    assert_eq!(check(&again, &[key(1).public()]), Err(Refusal::Foreign));
    assert_eq!(again.len(), signed.len(), "the signature of what it was is gone");
}

#[test]
fn every_changed_bit_is_seen() {
    let signed = sign(&component(), &key(1)).expect("signed");
    let public = [key(1).public()];
    let content = signed.len() - (component().len() - 8);
    for bit in 0..signed.len() * 8 {
        let mut other = signed.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let refusal = check(&other, &public).expect_err("a changed component");
        if bit / 8 < 8 {
            assert_eq!(refusal, Refusal::NoComponent);
        } else if bit / 8 >= content {
            assert_eq!(refusal, Refusal::Changed);
        }
    }
}

#[test]
fn a_component_that_is_cut_or_longer_is_not_what_was_signed() {
    let signed = sign(&component(), &key(1)).expect("signed");
    let public = [key(1).public()];
    for len in 0..signed.len() {
        assert!(check(&signed[..len], &public).is_err(), "{len}");
    }
    let longer = [&*signed, b"\0\x02\x01c"].concat();
    assert_eq!(check(&longer, &public), Err(Refusal::Changed));
}

#[test]
fn only_the_first_section_counts() {
    let signed = sign(&component(), &key(1)).expect("signed");
    let public = [key(1).public()];
    let section = &signed[8..signed.len() - (component().len() - 8)];
    // Behind another one, it is a section without meaning.
    let behind = [PREAMBLE, b"\0\x02\x01z", section, &component()[8..]].concat();
    assert_eq!(check(&behind, &public), Err(Refusal::Unsigned));
    // Twice: the second is a part of what would have to be signed.
    let twice = [PREAMBLE, section, section, &component()[8..]].concat();
    assert_eq!(check(&twice, &public), Err(Refusal::Changed));
    let foreign = sign(&component(), &key(9)).expect("signed");
    let foreign = &foreign[8..foreign.len() - (component().len() - 8)];
    let both = [PREAMBLE, foreign, section, &component()[8..]].concat();
    assert!(check(&both, &public).is_err());
}

#[test]
fn a_core_module_is_no_component() {
    let signed = sign(&component(), &key(1)).expect("signed");
    let module = [b"\0asm\x01\0\0\0", &signed[8..]].concat();
    assert_eq!(check(&module, &[key(1).public()]), Err(Refusal::NoComponent));
    assert_eq!(sign(&module, &key(1)), Err(Refusal::NoComponent));
    assert_eq!(check(&[], &[]), Err(Refusal::NoComponent));
}

/// A set of hashes and records in the layout with lengths.
fn set(hashes: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let count = leb((hashes.len() / 32) as u32);
    let records: Vec<u8> = records.iter().flat_map(|record| counted(record)).collect();
    let number = leb(records.len() as u32 / 72);
    counted(&[&*count, hashes, &*number, &records].concat())
}

#[test]
fn many_signatures_are_not_tried_for_ever() {
    let signed = data_of(&sign(&component(), &key(1)).expect("signed"));
    // Count of sets, length of the set, count of hashes; then the hash, the count of signatures
    // and their lengths.
    let (hash, record) = (signed[6..38].to_vec(), signed[40..].to_vec());
    assert_eq!(record.len(), 67);
    let mut foreign = record.clone();
    foreign[3] ^= 1;
    let data = |count: usize| {
        let mut records = vec![foreign.clone(); count - 1];
        records.push(record.clone());
        with_data(&[&[1, 1, 1, 1], &*set(&hash, &records)].concat())
    };
    let public = [key(1).public()];
    assert_eq!(check(&data(MAX_SIGNATURES), &public), Ok(0));
    assert_eq!(check(&data(MAX_SIGNATURES + 1), &public), Err(Refusal::TooMany));
    assert_eq!(check(&data(10_000), &public), Err(Refusal::TooMany));
    // Nor are sets whose hashes take longer to read than the component.
    let hashes = hash.repeat(MAX_HASHES + 1);
    let long = with_data(&[&[1, 1, 1, 1], &*set(&hashes, &[record])].concat());
    assert_eq!(check(&long, &public), Err(Refusal::Changed));
}

#[test]
fn other_algorithms_and_lengths_are_passed_over() {
    let signed = data_of(&sign(&component(), &key(1)).expect("signed"));
    let (hash, record) = (signed[6..38].to_vec(), signed[40..].to_vec());
    let mut other = record.clone();
    other[1] = 2;
    let short = [&[0, 1], &*counted(&record[3..66])].concat();
    for bad in [&other, &short] {
        let frame = |records: &[&Vec<u8>]| {
            let records: Vec<u8> = records.iter().flat_map(|record| counted(record)).collect();
            records
        };
        let alone = [&[1][..], &hash, &[1], &frame(&[bad])].concat();
        let both = [&[1][..], &hash, &[2], &frame(&[bad, &record])].concat();
        let data = |set: &[u8]| with_data(&[&[1, 1, 1, 1], &*counted(set)].concat());
        let public = [key(1).public()];
        assert_eq!(check(&data(&alone), &public), Err(Refusal::Foreign));
        assert_eq!(check(&data(&both), &public), Ok(0));
    }
}

#[test]
fn huge_counts_and_wrong_headers_are_refused_at_once() {
    let public = [key(1).public()];
    let huge = leb(u32::MAX);
    let too_large = [0xff, 0xff, 0xff, 0xff, 0x1f];
    let refused: [&[u8]; 11] = [
        &[],
        &[1, 1],
        &[1, 1, 1],
        &[2, 1, 1, 0],
        &[1, 2, 1, 0],
        &[1, 1, 2, 0],
        &[&[1, 1, 1], &*huge].concat(),
        &[&[1, 1, 1], &too_large[..], &[0]].concat(),
        &[&[1, 1, 1, 1], &*huge, &[0; 100]].concat(),
        &[&[1, 1, 1, 1, 0], &*huge, &[0; 100]].concat(),
        &[&[1, 1, 1, 1], &*counted(&[&*leb(1 << 27), &[0; 64]].concat())].concat(),
    ];
    for data in refused {
        assert_eq!(check(&with_data(data), &public), Err(Refusal::Malformed), "{data:?}");
    }
    assert_eq!(check(&with_data(&[1, 1, 1, 0]), &public), Err(Refusal::Changed));
}

proptest! {
    /// Whatever is in the section: nothing panics, and nothing passes.
    #[test]
    fn any_section_is_refused(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let public = [key(1).public()];
        assert!(check(&with_data(&data), &public).is_err());
        assert!(check(&with_data(&[&[1, 1, 1], &*data].concat()), &public).is_err());
        assert!(check(&[PREAMBLE, &*data].concat(), &public).is_err());
        assert!(check(&data, &public).is_err());
    }

    /// Whatever is done to the section of a signed component: it passes only with the signature
    /// in it as it was, and never another key's.
    #[test]
    fn a_damaged_section_is_refused_or_harmless(
        at in any::<prop::sample::Index>(),
        cut in 0_usize..8,
        put in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let signed = sign(&component(), &key(1)).expect("signed");
        let data = data_of(&signed);
        let at = at.index(data.len());
        let mut damaged = data[..at].to_vec();
        damaged.extend(&put);
        damaged.extend(&data[data.len().min(at + cut)..]);
        let damaged = with_data(&damaged);
        assert!(check(&damaged, &[key(2).public()]).is_err());
        if check(&damaged, &[key(1).public()]).is_ok() {
            let signature = &data[data.len() - 64..];
            assert!(damaged.windows(64).any(|window| window == signature));
        }
    }

    #[test]
    fn what_is_signed_is_checked(
        content in prop::collection::vec(any::<u8>(), 0..500),
        seed in 1_u8..,
        other in 1_u8..,
    ) {
        let signed = sign(&[PREAMBLE, &*content].concat(), &key(seed));
        // Random bytes may look like a section of signatures that is damaged.
        let Ok(signed) = signed else { return Ok(()) };
        assert!(signed.ends_with(&content) || content.starts_with(b"\0"));
        let expected = if seed == other { Ok(0) } else { Err(Refusal::Foreign) };
        assert_eq!(check(&signed, &[key(other).public()]), expected);
    }
}
