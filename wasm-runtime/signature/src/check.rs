//! Whether a component is signed by who has to have signed it.

use crate::data::{DOMAIN, ED25519, HASH, HEADER, Record, layout, walk};
use crate::key::PublicKey;
use crate::section::parts;
use core::fmt;

/// Most hashes in a set whose signatures are looked at.
pub const MAX_HASHES: usize = 64;
/// Most signatures that are tried, each with every key.
pub const MAX_SIGNATURES: usize = 16;

/// Why a component is not taken for signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not begin as components do.
    NoComponent,
    /// Its first section is not one of signatures.
    Unsigned,
    /// What is in that section is not what the convention says.
    Malformed,
    /// It is signed, but it was another one when that was done, or only a part of it was signed.
    Changed,
    /// It has more signatures than are tried.
    TooMany,
    /// Its signatures are not by one of the keys.
    Foreign,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoComponent => "it is no component",
            Self::Unsigned => "it is not signed",
            Self::Malformed => "its section of signatures is damaged",
            Self::Changed => "it is not what was signed: it was changed or damaged",
            Self::TooMany => "it has too many signatures",
            Self::Foreign => "it is signed by an unknown key",
        })
    }
}

/// Finds a key that has signed the whole component, every byte behind the section of signatures;
/// its index. Signatures of a part of it count as none.
///
/// # Errors
/// Why none of the keys has.
pub fn check(component: &[u8], keys: &[PublicKey]) -> Result<usize, Refusal> {
    let parts = parts(component).ok_or(Refusal::NoComponent)?;
    let data = parts.signatures.ok_or(Refusal::Unsigned)?;
    let layout = layout(data).ok_or(Refusal::Malformed)?;
    let hash = hmac_sha256::Hash::hash(parts.content);
    let mut search = Search { hash, keys, tried: 0, result: Err(Refusal::Changed) };
    walk(data, layout, |hashes, record| search.consider(hashes, record));
    search.result
}

struct Search<'k> {
    hash: [u8; HASH],
    keys: &'k [PublicKey],
    tried: usize,
    result: Result<usize, Refusal>,
}

impl Search<'_> {
    fn consider(&mut self, hashes: &[u8], record: Record<'_>) {
        // The hashes of a set are of the component up to each delimiter, so the last one says it
        // all: if that is the hash of everything, nothing is missing or more.
        if self.result.is_ok() || !hashes.ends_with(&self.hash) || hashes.len() > MAX_HASHES * HASH
        {
            return;
        }
        if self.tried == MAX_SIGNATURES {
            self.result = Err(Refusal::TooMany);
            return;
        }
        self.tried += 1;
        let signer = self.signer(hashes, record);
        self.result = signer.ok_or(Refusal::Foreign);
    }

    fn signer(&self, hashes: &[u8], record: Record<'_>) -> Option<usize> {
        let signature = record.signature.try_into().ok().filter(|_| record.algorithm == ED25519)?;
        let message: [&[u8]; 3] = [DOMAIN, &HEADER, hashes];
        self.keys.iter().position(|key| key.has_signed(&message, signature))
    }
}
