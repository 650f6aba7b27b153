//! Keys and how they are written: in files as the convention has them, a byte for the kind before
//! the key; in a system description as `ed25519:` and hexadecimal digits.

use core::fmt;
use ed25519_compact::Signature;

/// A public key of Ed25519.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; Self::LEN]);

impl PublicKey {
    /// Bytes of a key.
    pub const LEN: usize = 32;

    /// Whether the signature is one of these parts, one after the other, by this key. A key or a
    /// signature that is no point of the curve, or one of small order, signs nothing.
    pub(crate) fn has_signed(&self, parts: &[&[u8]], signature: &[u8; 64]) -> bool {
        let key = ed25519_compact::PublicKey::new(self.0);
        let Ok(mut state) = key.verify_incremental(&Signature::new(*signature)) else {
            return false;
        };
        parts.iter().for_each(|part| state.absorb(part));
        state.verify().is_ok()
    }
}

/// As in a system description.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ed25519:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(feature = "sign")]
pub use secret::{KeyError, SecretKey};

#[cfg(feature = "sign")]
mod secret {
    use super::PublicKey;
    use core::fmt;
    use ed25519_compact::{KeyPair, Seed};

    /// What the convention calls an Ed25519 public key, in a file.
    const PUBLIC: u8 = 0x01;
    /// What it calls an Ed25519 key pair.
    const PAIR: u8 = 0x81;

    /// The key that signs, with its public one.
    pub struct SecretKey(KeyPair);

    /// Why bytes are no key.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum KeyError {
        /// They are no Ed25519 key pair, as the convention writes it.
        NoPair,
        /// The public key is not that of the secret one. To sign with such a pair would tell the
        /// secret.
        NotAPair,
        /// It is all zeros.
        Weak,
    }

    impl fmt::Display for KeyError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                Self::NoPair => "it holds no Ed25519 key pair (0x81 and 64 bytes)",
                Self::NotAPair => "its public key is not that of its secret key",
                Self::Weak => "its secret key is all zeros",
            })
        }
    }

    impl SecretKey {
        /// Bytes of a file with a key pair.
        pub const LEN: usize = 1 + 32 + PublicKey::LEN;

        /// The key that these random bytes are.
        ///
        /// # Errors
        /// If they are all zeros.
        pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
            KeyPair::try_from_seed(Seed::new(seed)).map(Self).map_err(|_| KeyError::Weak)
        }

        /// Reads a file with a key pair.
        ///
        /// # Errors
        /// What is wrong with it.
        pub fn read(file: &[u8]) -> Result<Self, KeyError> {
            let (Some((&PAIR, pair)), Self::LEN) = (file.split_first(), file.len()) else {
                return Err(KeyError::NoPair);
            };
            let (seed, public) = pair.split_first_chunk().ok_or(KeyError::NoPair)?;
            let key = Self::from_seed(*seed)?;
            if key.public().0 == *public { Ok(key) } else { Err(KeyError::NotAPair) }
        }

        /// The file with this key pair.
        #[must_use]
        pub fn write(&self) -> [u8; Self::LEN] {
            let mut file = [PAIR; Self::LEN];
            file[1..33].copy_from_slice(&*self.0.sk.seed());
            file[33..].copy_from_slice(&*self.0.pk);
            file
        }

        /// The file with its public key.
        #[must_use]
        pub fn write_public(&self) -> [u8; 1 + PublicKey::LEN] {
            let mut file = [PUBLIC; 1 + PublicKey::LEN];
            file[1..].copy_from_slice(&*self.0.pk);
            file
        }

        /// Its public key.
        #[must_use]
        pub fn public(&self) -> PublicKey {
            PublicKey(*self.0.pk)
        }

        /// The signature of a message, always the same one.
        pub(crate) fn signature(&self, message: &[u8]) -> [u8; 64] {
            *self.0.sk.sign(message, None)
        }
    }

    /// Without the secret.
    impl fmt::Debug for SecretKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "SecretKey of {}", self.public())
        }
    }
}

#[cfg(test)]
mod tests;
