//! What each client holds open, and how much that may be.
//!
//! Whoever asks for the directories opens a *share*; what is opened by way of these directories
//! counts in it. So a client that opens without end comes to the end of its share, and others keep
//! theirs. A share is open as long as anything in it is.

use std::cell::Cell;
use std::rc::Rc;

/// Most shares at a time.
const MOST_SHARES: u32 = 32;
/// Most descriptors and directory streams in a share.
const MOST_DESCRIPTORS: u32 = 256;
/// Most streams of bytes in a share.
const MOST_STREAMS: u32 = 32;

/// All shares.
#[derive(Debug, Default)]
pub struct Shares {
    open: Rc<Cell<u32>>,
}

/// The share of one client.
#[derive(Clone, Debug)]
pub struct Share(Rc<Counts>);

#[derive(Debug)]
struct Counts {
    shares: Rc<Cell<u32>>,
    descriptors: Cell<u32>,
    streams: Cell<u32>,
}

/// A place in a share, held until it is dropped.
#[derive(Debug)]
pub struct Held {
    share: Share,
    count: fn(&Counts) -> &Cell<u32>,
}

impl Shares {
    /// Opens a share; `None` if there are too many.
    #[must_use]
    pub fn open(&self) -> Option<Share> {
        more(&self.open, MOST_SHARES)?;
        let shares = Rc::clone(&self.open);
        Some(Share(Rc::new(Counts { shares, descriptors: Cell::new(0), streams: Cell::new(0) })))
    }
}

impl Share {
    /// A place for a descriptor or a directory stream; `None` if there are too many.
    #[must_use]
    pub fn descriptor(&self) -> Option<Held> {
        self.hold(|counts| &counts.descriptors, MOST_DESCRIPTORS)
    }

    /// A place for a stream; `None` if there are too many.
    #[must_use]
    pub fn stream(&self) -> Option<Held> {
        self.hold(|counts| &counts.streams, MOST_STREAMS)
    }

    fn hold(&self, count: fn(&Counts) -> &Cell<u32>, most: u32) -> Option<Held> {
        more(count(&self.0), most)?;
        Some(Held { share: self.clone(), count })
    }
}

impl Held {
    /// The share in which it is.
    #[must_use]
    pub const fn share(&self) -> &Share {
        &self.share
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        fewer((self.count)(&self.share.0));
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        fewer(&self.shares);
    }
}

fn more(count: &Cell<u32>, most: u32) -> Option<()> {
    let now = count.get();
    (now < most).then(|| count.set(now + 1))
}

fn fewer(count: &Cell<u32>) {
    count.set(count.get().saturating_sub(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_its_share_leaves_others_theirs() {
        let shares = Shares::default();
        let (greedy, modest) = (shares.open().unwrap(), shares.open().unwrap());
        let held: Vec<_> = std::iter::from_fn(|| greedy.stream()).collect();
        assert_eq!(held.len(), MOST_STREAMS as usize);
        assert!(greedy.descriptor().is_some() && modest.stream().is_some());
        drop(held);
        assert!(greedy.stream().is_some());
    }

    #[test]
    fn a_share_is_open_as_long_as_anything_in_it_is() {
        let shares = Shares::default();
        let held = shares.open().unwrap().descriptor().unwrap();
        let others: Vec<_> = std::iter::from_fn(|| shares.open()).collect();
        assert_eq!(others.len(), MOST_SHARES as usize - 1);
        assert!(held.share().stream().is_some());
        drop(held);
        assert!(shares.open().is_some());
    }
}
