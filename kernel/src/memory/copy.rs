//! Bytes that go from one address space to another.
//!
//! Both sides are reached through the direct map, a page at a time, by what their tables say: no
//! address of a domain is followed.

use super::pages::copy_bytes;
use super::space::is_own;
use super::table::{self, OWNED, PRESENT, WRITABLE};
use super::{AddressSpace, MapError, PAGE_SIZE, PhysAddr, VirtAddr, physical};

/// Bits of an entry for a page that its domain may write and that nobody else has.
const OWN_WRITABLE: u64 = PRESENT | OWNED | WRITABLE;

/// A piece of a copy that stays within one page on either side.
struct Piece {
    from: Option<PhysAddr>,
    to: PhysAddr,
    len: usize,
}

impl AddressSpace {
    /// Copies `len` bytes at `from` in another space to `to`. A page that the other space has not
    /// backed reads as zeros. `Missing`, and nothing written, if a page here is not the space's own
    /// to write, or one there is not its own to read.
    pub fn copy_from(
        &self,
        to: VirtAddr,
        source: &Self,
        from: VirtAddr,
        len: u64,
    ) -> Result<(), MapError> {
        let each = |action: fn(&Piece)| {
            let mut done = 0;
            while done < len {
                let piece = self.piece(source, to, from, done, len)?;
                action(&piece);
                done += piece.len as u64;
            }
            Ok(())
        };
        each(|_| ())?;
        each(Piece::copy)
    }

    /// The piece that begins `done` bytes into a copy.
    fn piece(
        &self,
        source: &Self,
        to: VirtAddr,
        from: VirtAddr,
        done: u64,
        len: u64,
    ) -> Result<Piece, MapError> {
        let from = from.checked_add(done).ok_or(MapError::BadAddress)?;
        let to = to.checked_add(done).ok_or(MapError::BadAddress)?;
        let rest = |address: VirtAddr| PAGE_SIZE - address.raw() % PAGE_SIZE;
        let len = rest(from).min(rest(to)).min(len - done) as usize;
        let place =
            |entry, address: VirtAddr| table::target(entry)?.checked_add(address.raw() % PAGE_SIZE);
        let own = self.entry(to).filter(|entry| entry & OWN_WRITABLE == OWN_WRITABLE);
        let to = own.and_then(|entry| place(entry, to)).ok_or(MapError::Missing)?;
        let from = match source.entry(from).filter(|entry| entry & PRESENT != 0) {
            Some(entry) if is_own(entry) => place(entry, from),
            Some(_) => return Err(MapError::Missing),
            None => None,
        };
        Ok(Piece { from, to, len })
    }
}

impl Piece {
    fn copy(&self) {
        let to = physical::pointer(self.to);
        match self.from {
            // SAFETY: `AddressSpace::piece` found both in frames that are owned by an address space
            // or its snapshot, and `len` bytes from there do not leave the frame. What is written
            // belongs to one space alone, so the two frames are different ones.
            Some(from) => unsafe { copy_bytes(physical::pointer(from), to, self.len) },
            // SAFETY: As above, for what is written.
            None => unsafe { to.write_bytes(0, self.len) },
        }
    }
}

#[cfg(test)]
impl AddressSpace {
    fn byte(&self, address: VirtAddr) -> *mut u8 {
        let frame = self.entry(address).and_then(table::target).expect("mapped");
        physical::pointer(frame).wrapping_add((address.raw() % PAGE_SIZE) as usize)
    }

    /// The bytes that the domain has there.
    pub(crate) fn peek(&self, address: u64, len: u64) -> std::vec::Vec<u8> {
        let addresses = (address..address + len).filter_map(VirtAddr::new);
        // SAFETY: `byte` is in a frame of this thread's fake memory.
        addresses.map(|address| unsafe { self.byte(address).read() }).collect()
    }

    /// Writes these bytes there.
    pub(crate) fn poke(&self, address: u64, bytes: &[u8]) {
        for (address, byte) in (address..).filter_map(VirtAddr::new).zip(bytes) {
            // SAFETY: As in `peek`.
            unsafe { self.byte(address).write(*byte) };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::memory::{Access, AddressSpace, Isolation, MapError, PAGE_SIZE, VirtAddr};
    use std::vec::Vec;

    const PAGE: u64 = PAGE_SIZE;
    const BASE: u64 = 0x10_0000;

    fn at(address: u64) -> VirtAddr {
        VirtAddr::new(address).expect("canonical")
    }

    /// A space with three pages from `BASE` on.
    fn space() -> AddressSpace {
        let mut space = AddressSpace::new(Isolation::User).expect("memory");
        space.commit(at(BASE), 3, Access::ReadWrite).expect("free");
        space
    }

    #[test]
    fn a_copy_crosses_pages_and_zeros_what_is_not_there() {
        let (mut source, target) = (space(), space());
        let bytes: Vec<_> = (0..3 * PAGE).map(|offset| (offset % 251) as u8 + 1).collect();
        source.poke(BASE, &bytes);
        target.poke(BASE, &[255; 3 * PAGE as usize]);
        assert_eq!(target.copy_from(at(BASE + 7), &source, at(BASE + 4090), 2 * PAGE), Ok(()));
        assert_eq!(target.peek(BASE + 7, 2 * PAGE), bytes[4090..][..2 * PAGE as usize]);
        assert_eq!(target.peek(BASE, 7), [255; 7]);
        assert_eq!(target.peek(BASE + 7 + 2 * PAGE, 1), [255]);
        source.unmap(at(BASE + PAGE)).expect("own tables");
        assert_eq!(target.copy_from(at(BASE), &source, at(BASE + PAGE - 1), PAGE + 2), Ok(()));
        let copied = target.peek(BASE, PAGE + 2);
        let (first, last) = (bytes[PAGE as usize - 1], bytes[2 * PAGE as usize]);
        assert_eq!((copied[0], copied[PAGE as usize + 1]), (first, last));
        assert!(copied[1..=PAGE as usize].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn nothing_is_written_unless_all_of_it_can_be() {
        let (source, mut target) = (space(), space());
        source.poke(BASE, &[9]);
        target.unmap(at(BASE + 2 * PAGE)).expect("own tables");
        let copy =
            |target: &AddressSpace, to, len| target.copy_from(at(to), &source, at(BASE), len);
        assert_eq!(copy(&target, BASE, 3 * PAGE), Err(MapError::Missing));
        assert_eq!(target.peek(BASE, 1), [0]);
        target.commit(at(BASE + 2 * PAGE), 1, Access::Read).expect("free");
        assert_eq!(copy(&target, BASE, 2 * PAGE + 1), Err(MapError::Missing));
        assert_eq!(copy(&target, BASE, 2 * PAGE), Ok(()));
        assert_eq!(target.peek(BASE, 1), [9]);
    }

    #[test]
    fn a_page_of_a_snapshot_is_read_and_not_written() {
        let (mut source, target) = (space(), space());
        source.poke(BASE, &[5]);
        let snapshot = source.take_snapshot(&[]).expect("memory");
        assert_eq!(target.copy_from(at(BASE), &source, at(BASE), PAGE), Ok(()));
        assert_eq!(target.peek(BASE, 1), [5]);
        assert_eq!(source.copy_from(at(BASE), &target, at(BASE), 1), Err(MapError::Missing));
        drop(snapshot);
    }
}
