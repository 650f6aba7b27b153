//! Blobs: named bytes that domains are made from, see [`crate::Call::CreateBlob`].

/// Most bytes of a blob that is made at run time.
pub const MAX_SIZE: u64 = 64 << 20;
/// Most bytes of its name.
pub const MAX_NAME: usize = 128;
