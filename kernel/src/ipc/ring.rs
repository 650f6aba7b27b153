//! Positions in a ring of bytes: where the next bytes go and come from.

/// A contiguous part of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) offset: usize,
    pub(super) len: usize,
}

/// The state of a ring: how much is in it and where that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    capacity: usize,
    start: usize,
    len: usize,
}

impl Ring {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { capacity, start: 0, len: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len >= self.capacity
    }

    /// Where up to `wanted` further bytes go: one part, or two where the ring wraps.
    pub(super) fn room(&self, wanted: usize) -> [Span; 2] {
        let free = self.capacity.saturating_sub(self.len);
        self.spans(self.wrap(self.start.saturating_add(self.len)), wanted.min(free))
    }

    /// Where the oldest up to `wanted` bytes are.
    pub(super) fn contents(&self, wanted: usize) -> [Span; 2] {
        self.spans(self.start, wanted.min(self.len))
    }

    /// Counts `bytes` more, which were put where [`Self::room`] said.
    pub(super) fn produced(&mut self, bytes: usize) {
        self.len = self.len.saturating_add(bytes).min(self.capacity);
    }

    /// Forgets the oldest `bytes`.
    pub(super) fn consumed(&mut self, bytes: usize) {
        let bytes = bytes.min(self.len);
        self.start = self.wrap(self.start.saturating_add(bytes));
        self.len -= bytes;
    }

    const fn wrap(&self, position: usize) -> usize {
        if position >= self.capacity { position - self.capacity } else { position }
    }

    fn spans(&self, offset: usize, len: usize) -> [Span; 2] {
        let first = len.min(self.capacity.saturating_sub(offset));
        [Span { offset, len: first }, Span { offset: 0, len: len - first }]
    }
}
