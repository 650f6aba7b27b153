//! Blobs: named bytes that domains are made from.
//!
//! Boot modules are there for ever. Others are made at run time: filled once, from the front to the
//! back, sealed by the last byte and then as immutable as those.

use crate::capability::DomainId;
use crate::memory::PageRun;
use alloc::string::String;
use alloc::sync::Arc;
use atoll_gate::Status;

/// A blob.
#[derive(Debug)]
pub struct Blob {
    /// The name that it is opened by.
    pub name: String,
    bytes: Arc<PageRun>,
    /// Bytes that it has so far.
    filled: usize,
    /// Handles to it, domains that run it, and one of the kernel's own to a boot module.
    pub holders: u32,
    /// Whose quota its pages count against; boot modules count against nobody's.
    pub maker: Option<DomainId>,
}

impl Blob {
    /// A boot module, which the kernel holds.
    #[must_use]
    pub fn boot(name: String, bytes: Arc<PageRun>) -> Self {
        let filled = bytes.len();
        Self { name, bytes, filled, holders: 1, maker: None }
    }

    /// A blob without bytes yet, which nobody holds.
    #[must_use]
    pub const fn new(name: String, bytes: Arc<PageRun>, maker: DomainId) -> Self {
        Self { name, bytes, filled: 0, holders: 0, maker: Some(maker) }
    }

    /// Bytes that it has once it is sealed.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn footprint(&self) -> u64 {
        self.bytes.pages() as u64 * crate::memory::PAGE_SIZE
    }

    /// Its bytes.
    ///
    /// # Errors
    /// `NotReady` before it is sealed.
    pub fn sealed(&self) -> Result<&Arc<PageRun>, Status> {
        if self.filled == self.bytes.len() { Ok(&self.bytes) } else { Err(Status::NotReady) }
    }

    /// Appends `len` bytes from `from` at `offset`, all or, with `Invalid`, none, if there is no
    /// room for them.
    pub fn append(&mut self, from: &PageRun, offset: usize, len: usize) -> Result<(), Status> {
        let end = self.filled.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(Status::Invalid)?;
        from.copy_to(offset, &self.bytes, self.filled, len).map_err(|_| Status::Invalid)?;
        self.filled = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Id;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against a vector: bytes stand in the order in which they came, no append goes past the
        /// end or changes what is there, and only a full blob can be used.
        #[test]
        fn behaves_like_a_vector(size in 1usize..9000, steps in proptest::collection::vec(0usize..4000, 1..12)) {
            let area = PageRun::allocate(1).expect("memory");
            let bytes = PageRun::allocate_bytes(size).expect("memory");
            let maker = Id::new(0, core::num::NonZeroU32::MIN);
            let mut blob = Blob::new("a".into(), bytes, maker);
            prop_assert_eq!((blob.size(), blob.footprint()), (size as u64, size.next_multiple_of(4096) as u64));
            let mut model: Vec<u8> = Vec::new();
            for (number, len) in steps.into_iter().enumerate() {
                let chunk = vec![number as u8 + 1; len];
                area.write(5, &chunk).expect("in range");
                let fits = model.len() + len <= size;
                prop_assert_eq!(blob.append(&area, 5, len), if fits { Ok(()) } else { Err(Status::Invalid) });
                if fits {
                    model.extend(chunk);
                }
                prop_assert_eq!(blob.sealed().is_ok(), model.len() == size);
                if let Ok(run) = blob.sealed() {
                    let mut found = vec![0; size];
                    run.read(0, &mut found).expect("in range");
                    prop_assert_eq!(&found, &model);
                    // The rest of the last page is nobody's, and domains see it.
                    prop_assert!(run.read(0, &mut vec![0; size + 1]).is_err());
                }
            }
        }
    }
}
