//! Signing a component.

use crate::check::Refusal;
use crate::data::{DOMAIN, ED25519, HASH, HEADER, Record, layout, walk};
use crate::key::SecretKey;
use crate::section::{NAME, PREAMBLE, parts};
use alloc::vec::Vec;

/// Hashes and what signs them.
struct Set<'a> {
    hashes: &'a [u8],
    records: Vec<Record<'a>>,
}

/// The component with a signature by this key. Signatures of it that are there stay, those of what
/// it was before go. A component that the key has signed comes back as it is.
///
/// # Errors
/// If it is no component, or its section of signatures is damaged.
pub fn sign(component: &[u8], key: &SecretKey) -> Result<Vec<u8>, Refusal> {
    let parts = parts(component).ok_or(Refusal::NoComponent)?;
    let hash = hmac_sha256::Hash::hash(parts.content);
    let mut sets = match parts.signatures {
        Some(data) => valid_sets(data, &hash).ok_or(Refusal::Malformed)?,
        None => Vec::new(),
    };
    let signature = key.signature(&[DOMAIN, &HEADER, &hash].concat());
    let record = Record { key_id: &[], algorithm: ED25519, signature: &signature };
    match sets.iter_mut().find(|set| set.hashes == hash) {
        Some(set) if set.records.iter().any(|other| other.signature == signature) => {
            return Ok(component.to_vec());
        }
        Some(set) => set.records.push(record),
        None => sets.push(Set { hashes: &hash, records: Vec::from([record]) }),
    }
    Ok(assemble(&sets, parts.content))
}

/// The sets whose last hash is that of the whole component.
fn valid_sets<'a>(data: &'a [u8], hash: &[u8; HASH]) -> Option<Vec<Set<'a>>> {
    let mut sets: Vec<Set<'a>> = Vec::new();
    walk(data, layout(data)?, |hashes, record| {
        if !hashes.ends_with(hash) {
            return;
        }
        match sets.iter_mut().find(|set| set.hashes == hashes) {
            Some(set) => set.records.push(record),
            None => sets.push(Set { hashes, records: Vec::from([record]) }),
        }
    })?;
    Some(sets)
}

fn assemble(sets: &[Set<'_>], content: &[u8]) -> Vec<u8> {
    let mut section = counted(NAME);
    section.extend(HEADER);
    section.extend(leb(sets.len()));
    for set in sets {
        let mut frame = leb(set.hashes.len() / HASH);
        frame.extend(set.hashes);
        frame.extend(leb(set.records.len()));
        for Record { key_id, algorithm, signature } in &set.records {
            frame.extend(counted(
                &[counted(key_id), [*algorithm].into(), counted(signature)].concat(),
            ));
        }
        section.extend(counted(&frame));
    }
    [&PREAMBLE, [0].as_slice(), &counted(&section), content].concat()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut all = leb(bytes.len());
    all.extend(bytes);
    all
}

/// A number in LEB128.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
