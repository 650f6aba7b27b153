//! The processor: the only room that knows registers and ports.
//!
//! Two faces behind one set of names: `x86_64` is the machine, `host` plays it for tests.
//! [`context`] is common to both. Neighbours: everything above; below is only hardware.

pub mod context;

#[cfg(not(target_os = "none"))]
pub mod host;
#[cfg(target_os = "none")]
pub mod x86_64;

#[cfg(not(target_os = "none"))]
pub use host::{port, power};
#[cfg(target_os = "none")]
pub use x86_64::{port, power};

pub use context::{Context, Start};

/// Width of one device access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Word,
    /// 32 bits.
    Double,
}

impl Width {
    /// Reads a number of bytes: 1, 2 or 4.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Option<Self> {
        match bytes {
            1 => Some(Self::Byte),
            2 => Some(Self::Word),
            4 => Some(Self::Double),
            _ => None,
        }
    }

    /// Bytes that an access moves.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Double => 4,
        }
    }
}
