//! What stands in a file: bytes on pages, with holes where nothing was written.

use crate::Error;
use crate::pages::{PAGE, Page, Pool};

/// Most bytes in a file, holes included.
pub const MOST_SIZE: u64 = 1 << 40;

/// The bytes of a file. It gives its pages back by [`Content::clear`] alone.
#[derive(Debug, Default)]
pub struct Content {
    /// By position in pages, in order; what is not there is zero, and so is everything behind the
    /// end. A list, as most files grow at the end, and its code is small.
    pages: Vec<(u32, Page)>,
    size: u64,
}

impl Content {
    /// Bytes up to the end.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// At most so many bytes from there on; fewer only at the end.
    #[must_use]
    pub fn read(&self, pool: &Pool, offset: u64, most: usize) -> Vec<u8> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; most.min(left)];
        let mut done = 0;
        while let Some(into) = bytes.get_mut(done..).filter(|into| !into.is_empty()) {
            let (number, start) = place(offset.saturating_add(done as u64));
            let count = into.len().min(PAGE - start);
            let page = self.find(number).map(|page| pool.bytes(page));
            let from = page.and_then(|page| page.get(start..start + count));
            if let (Some(from), Some(into)) = (from, into.get_mut(..count)) {
                into.copy_from_slice(from);
            }
            done += count;
        }
        bytes
    }

    /// Puts bytes there, behind a hole if that is behind the end; how many, which are fewer when
    /// the file system is full.
    ///
    /// # Errors
    /// `FileTooLarge`; `InsufficientSpace` if there was room for none.
    pub fn write(&mut self, pool: &mut Pool, offset: u64, bytes: &[u8]) -> Result<usize, Error> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= MOST_SIZE);
        end.ok_or(Error::FileTooLarge)?;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let (number, start) = place(offset.saturating_add(done as u64));
            let count = rest.len().min(PAGE - start);
            let Some(page) = self.page(pool, number) else { break };
            let into = pool.bytes_mut(page).get_mut(start..start + count);
            if let (Some(into), Some(from)) = (into, rest.get(..count)) {
                into.copy_from_slice(from);
            }
            done += count;
        }
        if done == 0 && !bytes.is_empty() {
            return Err(Error::InsufficientSpace);
        }
        if done > 0 {
            self.size = self.size.max(offset.saturating_add(done as u64));
        }
        Ok(done)
    }

    /// Cuts the file there, or moves its end there.
    ///
    /// # Errors
    /// `FileTooLarge`
    pub fn set_size(&mut self, pool: &mut Pool, size: u64) -> Result<(), Error> {
        if size > MOST_SIZE {
            return Err(Error::FileTooLarge);
        }
        let (number, start) = place(size);
        if size < self.size {
            let first_gone = if start == 0 { number } else { number.saturating_add(1) };
            let kept = self.pages.partition_point(|(number, _)| *number < first_gone);
            self.pages.drain(kept..).for_each(|(_, page)| pool.give_back(page));
            let last = self.find(number).filter(|_| start > 0);
            if let Some(cut) = last.and_then(|page| pool.bytes_mut(page).get_mut(start..)) {
                cut.fill(0);
            }
        }
        self.size = size;
        Ok(())
    }

    /// Gives all pages back.
    pub fn clear(&mut self, pool: &mut Pool) {
        std::mem::take(&mut self.pages).into_iter().for_each(|(_, page)| pool.give_back(page));
        self.size = 0;
    }

    fn place_of(&self, number: u32) -> Result<usize, usize> {
        self.pages.binary_search_by_key(&number, |(number, _)| *number)
    }

    fn find(&self, number: u32) -> Option<&Page> {
        self.pages.get(self.place_of(number).ok()?).map(|(_, page)| page)
    }

    /// The page of that number, which is made if it is not there; `None` if there is none left.
    fn page(&mut self, pool: &mut Pool, number: u32) -> Option<&Page> {
        let place = match self.place_of(number) {
            Ok(place) => place,
            Err(place) => {
                self.pages.try_reserve(1).ok()?;
                self.pages.insert(place, (number, pool.take()?));
                place
            }
        };
        self.pages.get(place).map(|(_, page)| page)
    }
}

/// The page of a byte and where it is on it. No offset above [`MOST_SIZE`] has one of its own.
fn place(offset: u64) -> (u32, usize) {
    let number = u32::try_from(offset / PAGE as u64).unwrap_or(u32::MAX);
    (number, (offset % PAGE as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sizes and places around pages.
    const END: u64 = 5 * PAGE as u64;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        SetSize(u64),
        Read(u64, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..END, proptest::collection::vec(1u8.., 0..9000))
                .prop_map(|(at, bytes)| Step::Write(at, bytes)),
            (0..END).prop_map(Step::SetSize),
            (0..END, 0usize..9000).prop_map(|(at, most)| Step::Read(at, most)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        /// Against a vector: the same bytes everywhere, zeroes in holes, and no page is lost.
        #[test]
        fn behaves_like_a_vector(steps in proptest::collection::vec(step(), 1..40)) {
            let mut pool = Pool::new(4);
            let mut content = Content::default();
            let mut model: Vec<u8> = Vec::new();
            for step in steps {
                match step {
                    Step::Write(at, bytes) => {
                        let done = content.write(&mut pool, at, &bytes).unwrap();
                        prop_assert_eq!(done, bytes.len());
                        let end = at as usize + bytes.len();
                        if !bytes.is_empty() {
                            model.resize(model.len().max(end), 0);
                            model[at as usize..end].copy_from_slice(&bytes);
                        }
                    }
                    Step::SetSize(size) => {
                        content.set_size(&mut pool, size).unwrap();
                        model.resize(size as usize, 0);
                    }
                    Step::Read(at, most) => {
                        let start = model.len().min(at as usize);
                        let end = model.len().min(start + most);
                        prop_assert_eq!(content.read(&pool, at, most), &model[start..end]);
                    }
                }
                prop_assert_eq!(content.size(), model.len() as u64);
            }
            prop_assert_eq!(content.read(&pool, 0, model.len()), model);
            content.clear(&mut pool);
            prop_assert_eq!(pool.used(), 0);
        }
    }

    #[test]
    fn a_full_pool_takes_what_fits() {
        let mut pool = Pool::new(1);
        let mut content = Content::default();
        let bytes = vec![1; 17 * PAGE];
        assert_eq!(content.write(&mut pool, 0, &bytes), Ok(16 * PAGE));
        let full = content.write(&mut pool, 16 * PAGE as u64, b"x");
        assert_eq!(full, Err(Error::InsufficientSpace));
        assert_eq!(content.write(&mut pool, 3, b"over"), Ok(4), "no new page");
    }

    #[test]
    fn a_hole_costs_nothing_and_the_largest_size_holds() {
        let mut pool = Pool::new(1);
        let mut content = Content::default();
        content.set_size(&mut pool, MOST_SIZE).unwrap();
        assert_eq!(content.write(&mut pool, MOST_SIZE - 1, b"x"), Ok(1));
        assert_eq!(content.read(&pool, MOST_SIZE - 2, 9), b"\0x");
        let beyond = content.write(&mut pool, MOST_SIZE, b"x");
        assert_eq!(beyond, Err(Error::FileTooLarge));
        assert_eq!(content.set_size(&mut pool, MOST_SIZE + 1), Err(Error::FileTooLarge));
        let overflow = content.write(&mut pool, u64::MAX, b"xy");
        assert_eq!(overflow, Err(Error::FileTooLarge));
        assert_eq!(pool.used(), 1);
        assert_eq!(content.read(&pool, u64::MAX, 9), b"");
    }
}
