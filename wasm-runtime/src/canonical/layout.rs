//! Where values stand in linear memory.
//!
//! Sizes are kept below 2^28 bytes, the bound that the specification sets for a type, so sums of
//! two of them cannot overflow.
//! Specification: "Canonical ABI", sections "Alignment" and "Element Size".

use super::compile::PlanError;

/// Most bytes of a string, of a list's elements, and of a value.
pub(super) const MAX_BYTES: u32 = (1 << 28) - 1;

/// Extent of a value in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes, a multiple of `align`.
    pub(super) size: u32,
    /// 1, 2, 4 or 8.
    pub(super) align: u32,
}

impl Layout {
    /// A string or a list: pointer and length.
    pub(super) const RANGE: Self = Self { size: 8, align: 4 };

    /// A number or another value of `size` bytes that is aligned to its size.
    pub(super) const fn natural(size: u32) -> Self {
        Self { size, align: size }
    }

    /// Flags: one, two or four bytes, and whole words above.
    pub(super) const fn flags(words: u32, labels: u32) -> Self {
        match labels {
            0..=8 => Self::natural(1),
            9..=16 => Self::natural(2),
            _ => Self { size: words.saturating_mul(4), align: 4 },
        }
    }
}

/// Bytes of the number that says which case a variant is.
pub(super) const fn discriminant_size(cases: u32) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The next multiple of `align`, a power of two; both are below 2^28.
pub(super) const fn align_to(offset: u32, align: u32) -> u32 {
    offset.saturating_add(align - 1) & !(align - 1)
}

/// Whether an address is a multiple of a power of two.
pub(super) const fn is_aligned(address: u32, align: u32) -> bool {
    address & (align - 1) == 0
}

/// Lays out the fields of a record one after another.
#[derive(Debug)]
pub(super) struct Sequence {
    end: u32,
    align: u32,
}

impl Sequence {
    pub(super) const fn new() -> Self {
        Self { end: 0, align: 1 }
    }

    /// Places one more field and returns its offset.
    pub(super) fn place(&mut self, field: Layout) -> Result<u32, PlanError> {
        let offset = align_to(self.end, field.align);
        self.end = bounded(offset.saturating_add(field.size))?;
        self.align = self.align.max(field.align);
        Ok(offset)
    }

    pub(super) fn finish(&self) -> Result<Layout, PlanError> {
        Ok(Layout { size: bounded(align_to(self.end, self.align))?, align: self.align })
    }
}

pub(super) const fn bounded(size: u32) -> Result<u32, PlanError> {
    if size <= MAX_BYTES { Ok(size) } else { Err(PlanError::TooLarge) }
}
