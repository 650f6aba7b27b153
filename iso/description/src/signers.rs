//! Who has to have signed a component: `keys` and `require-signature` of the system, `signed-by` of
//! a server or program.

use crate::{
    document::Spanned,
    error::Fault,
    fields::{Fields, check_name, list, text},
    model::Signer,
};

/// Most keys: each signature of a component is tried with every one of them.
const MAX_KEYS: usize = 16;
/// What a key is written behind.
const KIND: &str = "ed25519:";

/// The keys of a system.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    all: Vec<Signer>,
    /// Whether every component has to be signed.
    pub(crate) required: bool,
}

impl Keys {
    /// Reads the keys of the system.
    pub(crate) fn read(system: &mut Fields) -> Result<Self, Fault> {
        let at = system.at;
        let entries = system.inner("keys")?.entries;
        let required = system.flag("require-signature", false)?;
        if entries.len() > MAX_KEYS {
            return Err(Fault::new(at, format!("`keys` has more than {MAX_KEYS}")));
        }
        if required && entries.is_empty() {
            return Err(Fault::new(at, "`require-signature` needs `keys`"));
        }
        let mut all = Vec::with_capacity(entries.len());
        for entry in entries {
            check_name(&entry.key, entry.key_at)?;
            all.push(Signer { name: entry.key, key: key(entry.value)? });
        }
        Ok(Self { all, required })
    }

    /// Those of which one has to have signed the component of a server or program: the ones that
    /// its `signed-by` names, else all if signatures are required, else none.
    pub(crate) fn signers(&self, fields: &mut Fields) -> Result<Vec<Signer>, Fault> {
        let Some(value) = fields.take("signed-by") else {
            return Ok(if self.required { self.all.clone() } else { Vec::new() });
        };
        let at = value.at;
        let names = list("signed-by", value)?;
        if names.is_empty() {
            return Err(Fault::new(at, "`signed-by` names no key"));
        }
        names.into_iter().map(|name| self.named(name)).collect()
    }

    fn named(&self, value: Spanned) -> Result<Signer, Fault> {
        let at = value.at;
        let name = text("signed-by", value)?;
        let known = self.all.iter().find(|signer| signer.name == name);
        known.cloned().ok_or_else(|| Fault::new(at, format!("`{name}` is none of the `keys`")))
    }
}

fn key(value: Spanned) -> Result<[u8; Signer::KEY], Fault> {
    let at = value.at;
    let text = text("keys", value)?;
    let digits = text.strip_prefix(KIND).map(str::as_bytes);
    let key = digits.filter(|digits| digits.len() == 2 * Signer::KEY).and_then(|digits| {
        let mut key = [0; Signer::KEY];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |byte, digit| Some(byte << 4 | nibble(*digit)?))?;
        }
        Some(key)
    });
    key.ok_or_else(|| {
        let wanted = format!("\"{KIND}\" and {} hexadecimal digits", 2 * Signer::KEY);
        Fault::new(at, format!("`{text}` is not a key, which is {wanted}"))
    })
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
