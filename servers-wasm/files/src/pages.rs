//! The memory of file contents: pages of one size, cut from chunks that are never given back.
//!
//! Pages of one size cannot be scattered so that none fits, so a file system that was full and was
//! emptied is as good as new. The chunks come from the server's quota. Besides them some of the
//! heap stays free ([`HEADROOM`]): an allocation that fails would end the server, and all files
//! with it.

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Pages of a chunk.
const CHUNK_PAGES: u32 = 16;
/// Bytes of heap that nothing takes for good: for a message of the largest size coming in and one
/// going out, and for small things.
const HEADROOM: usize = 192 << 10;
/// Bytes of heap that contents leave to names, which would find none in a file system that is full
/// of pages, in use or not.
const NAMES: usize = 512 << 10;

/// A page of the pool; whoever has it is the only one.
#[derive(Debug, PartialEq, Eq)]
pub struct Page(u32);

/// All pages, those in use and those that are free.
#[derive(Debug)]
pub struct Pool {
    chunks: Vec<Box<[u8]>>,
    free: Vec<u32>,
    most_chunks: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(u32::MAX)
    }
}

impl Pool {
    /// A pool that takes so many chunks at most, and no more than the heap has.
    #[must_use]
    pub const fn new(most_chunks: u32) -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), most_chunks: most_chunks as usize }
    }

    /// Takes a page of zeroes; `None` if the file system is full.
    pub fn take(&mut self) -> Option<Page> {
        if self.free.is_empty() {
            self.grow()?;
        }
        let page = Page(self.free.pop()?);
        self.bytes_mut(&page).fill(0);
        Some(page)
    }

    /// Gives a page back.
    pub fn give_back(&mut self, page: Page) {
        self.free.push(page.0);
    }

    /// Whether something small can be allocated for good.
    #[must_use]
    pub fn has_headroom() -> bool {
        can_allocate(HEADROOM)
    }

    /// The bytes of a page.
    #[must_use]
    pub fn bytes(&self, page: &Page) -> &[u8] {
        let chunk = self.chunks.get((page.0 / CHUNK_PAGES) as usize);
        chunk.and_then(|chunk| chunk.get(range(page))).unwrap_or_default()
    }

    /// The bytes of a page, to change.
    pub fn bytes_mut(&mut self, page: &Page) -> &mut [u8] {
        let chunk = self.chunks.get_mut((page.0 / CHUNK_PAGES) as usize);
        chunk.and_then(|chunk| chunk.get_mut(range(page))).unwrap_or_default()
    }

    /// Pages that are in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.chunks.len() * CHUNK_PAGES as usize - self.free.len()
    }

    /// Takes one more chunk from the heap, if enough is left afterwards.
    fn grow(&mut self) -> Option<()> {
        if self.chunks.len() >= self.most_chunks {
            return None;
        }
        let first = u32::try_from(self.chunks.len()).ok()?.checked_mul(CHUNK_PAGES)?;
        let end = first.checked_add(CHUNK_PAGES)?;
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK_PAGES as usize * PAGE).ok()?;
        if !can_allocate(HEADROOM + NAMES) {
            return None;
        }
        chunk.resize(CHUNK_PAGES as usize * PAGE, 0);
        self.chunks.push(chunk.into_boxed_slice());
        self.free.extend((first..end).rev());
        Some(())
    }
}

/// Whether the heap has so many bytes in a row. What was allocated to find out is free again, and
/// stays with the heap.
fn can_allocate(bytes: usize) -> bool {
    Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
}

/// Where a page is in its chunk.
fn range(page: &Page) -> std::ops::Range<usize> {
    let start = (page.0 % CHUNK_PAGES) as usize * PAGE;
    start..start + PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_that_was_full_is_as_good_as_new() {
        let mut pool = Pool::new(2);
        for _ in 0..2 {
            let taken: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
            assert_eq!((taken.len(), pool.used()), (32, 32));
            taken.into_iter().for_each(|page| pool.give_back(page));
            assert_eq!(pool.used(), 0);
        }
    }

    #[test]
    fn a_page_that_is_used_again_is_zero() {
        let mut pool = Pool::new(1);
        let page = pool.take().unwrap();
        pool.bytes_mut(&page).fill(7);
        pool.give_back(page);
        let again = pool.take().unwrap();
        assert_eq!(pool.bytes(&again), [0; PAGE]);
    }
}
