//! Capsules: bytes that the kernel keeps beyond the end of the domain that wrote them.
//!
//! A capsule has records by number. [`crate::Call::WriteCapsule`] replaces one as a whole.

/// Most bytes of one record.
pub const MAX_RECORD: usize = 60_000;
/// What a record counts against the capsule's limit besides its bytes.
pub const RECORD_COST: u64 = 64;
/// Most bytes that a capsule may be made for.
pub const MAX_LIMIT: u64 = 512 << 10;
/// Added to a number n in [`crate::Call::ReadCapsule`]: the numbers of the records, from the n-th
/// on and in ascending order, as 32 bits each.
pub const NUMBERS: u64 = 1 << 32;
/// In the place of a record's number: the bytes that count, and the limit, as 64 bits each.
pub const ROOM: u64 = 1 << 33;
