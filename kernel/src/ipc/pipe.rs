//! Pipes: bounded rings of bytes over frames, the primitive under every stream.

use super::ring::Ring;
use crate::capability::{DomainId, List};
use crate::memory::PageRun;
use alloc::sync::Arc;

/// A pipe. Its frames go back when the last end closes.
#[derive(Debug)]
pub struct Pipe {
    ring: Ring,
    frames: Arc<PageRun>,
    /// Handles to either end, whatever their rights.
    pub holders: u32,
    /// Handles by which bytes can be read.
    pub readers: u32,
    /// Handles by which bytes can be written.
    pub writers: u32,
    /// Armed watches of readers.
    pub read_watchers: List,
    /// Armed watches of writers.
    pub write_watchers: List,
    /// Whose quota the frames count against.
    pub creator: DomainId,
}

impl Pipe {
    /// An empty pipe over `frames`, whose ends nobody holds yet.
    #[must_use]
    pub fn new(frames: Arc<PageRun>, creator: DomainId) -> Self {
        Self {
            ring: Ring::new(frames.len()),
            frames,
            holders: 0,
            readers: 0,
            writers: 0,
            read_watchers: List::new(),
            write_watchers: List::new(),
            creator,
        }
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Whether a read would give bytes or the end.
    #[must_use]
    pub const fn is_readable(&self) -> bool {
        !self.ring.is_empty() || self.writers == 0
    }

    /// Whether a write would take bytes or fail for good.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        !self.ring.is_full() || self.readers == 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Moves up to `len` bytes from `from` at `offset` into the pipe; gives how many.
    pub fn fill(&mut self, from: &PageRun, offset: usize, len: usize) -> usize {
        let mut done = 0;
        for span in self.ring.room(len) {
            if from
                .copy_to(offset.saturating_add(done), &self.frames, span.offset, span.len)
                .is_err()
            {
                break;
            }
            done += span.len;
        }
        self.ring.produced(done);
        done
    }

    /// Moves up to `len` bytes out of the pipe to `to` at `offset`; gives how many.
    pub fn drain(&mut self, to: &PageRun, offset: usize, len: usize) -> usize {
        let mut done = 0;
        for span in self.ring.contents(len) {
            if self.frames.copy_to(span.offset, to, offset.saturating_add(done), span.len).is_err()
            {
                break;
            }
            done += span.len;
        }
        self.ring.consumed(done);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Id;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against a deque: every byte comes out once and in order, and the capacity holds.
        #[test]
        fn behaves_like_a_deque(steps in proptest::collection::vec((any::<bool>(), 0usize..9000), 1..60)) {
            let frames = PageRun::allocate(2).expect("memory");
            let area = PageRun::allocate(3).expect("memory");
            let mut pipe = Pipe::new(frames, Id::new(0, core::num::NonZeroU32::MIN));
            (pipe.readers, pipe.writers) = (1, 1);
            let mut model: VecDeque<u8> = VecDeque::new();
            let mut next = 0u8;
            for (write, len) in steps {
                if write {
                    let bytes: Vec<u8> = (0..len).map(|_| { next = next.wrapping_mul(5).wrapping_add(1); next }).collect();
                    area.write(7, &bytes).expect("in range");
                    let taken = pipe.fill(&area, 7, len);
                    prop_assert_eq!(taken, len.min(8192 - model.len()));
                    model.extend(bytes.get(..taken).expect("in range"));
                } else {
                    let got = pipe.drain(&area, 3, len);
                    prop_assert_eq!(got, len.min(model.len()));
                    let mut bytes = vec![0; got];
                    area.read(3, &mut bytes).expect("in range");
                    let expected: Vec<u8> = model.drain(..got).collect();
                    prop_assert_eq!(bytes, expected);
                }
                prop_assert_eq!(pipe.is_empty(), model.is_empty());
                prop_assert_eq!(pipe.is_writable(), model.len() < 8192);
                prop_assert_eq!(pipe.is_readable(), !model.is_empty());
            }
        }
    }
}
