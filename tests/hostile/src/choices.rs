//! Decisions read out of an input.
//!
//! Bytes are taken from the front; when there are none left every decision is 0, and generators
//! are written so that 0 ends them.

/// Numbers at which something changes: sizes, signs, limits of encodings, surrogates.
const INTERESTING: [u32; 24] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    64,
    255,
    256,
    0xD800,
    0xFFFF,
    0x1_0000,
    0x10_FFFF,
    0x11_0000,
    0x0FFF_FFFF,
    0x1000_0000,
    0x3FFF_FFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFF8,
    0xFFFF_FFFF,
];

/// What is left of an input.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Starts at the front.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    /// The next four bytes.
    pub fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// The next eight bytes.
    pub fn double(&mut self) -> u64 {
        u64::from(self.word()) | u64::from(self.word()) << 32
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        match bound {
            ..=1 => 0,
            2..=256 => u32::from(self.byte()) % bound,
            257..=65_536 => u32::from(u16::from_le_bytes([self.byte(), self.byte()])) % bound,
            _ => self.word() % bound,
        }
    }

    /// Whether something happens that does so `times` in 256.
    pub fn chance(&mut self, times: u8) -> bool {
        self.byte() > u8::MAX - times
    }

    /// One of several things.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<T: Clone>(&mut self, things: &[T]) -> T {
        things[self.below(things.len() as u32) as usize].clone()
    }

    /// A number that is likely to be at an edge.
    pub fn number(&mut self) -> u32 {
        match self.byte() {
            0..=99 => self.below(32),
            100..=159 => self.below(2048),
            160..=219 => self.pick(&INTERESTING),
            _ => self.word(),
        }
    }

    /// Bytes, at most `most`, borrowed from the input.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let len = usize::from(self.byte()).min(most).min(self.bytes.len());
        let (taken, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        taken
    }
}
