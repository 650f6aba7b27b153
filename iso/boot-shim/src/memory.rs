//! Where the shim puts its answers: an arena in bootloader-reclaimable memory whose addresses are
//! the ones that the kernel sees ("General Notes" of the protocol: pointers have the offset of
//! the higher half direct map added).

use crate::Problem;
use crate::physical::Block;
use atoll_boot_shim::map::{Kind, Map};

/// Where the direct map begins: the first address of the higher half.
pub(crate) const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;

/// An append-only store of structures for the kernel.
#[derive(Debug)]
pub(crate) struct Arena {
    block: Block,
    used: usize,
}

impl Arena {
    /// Reserves room.
    pub(crate) fn new(map: &mut Map, len: u64) -> Result<Self, Problem> {
        Ok(Self { block: Block::allocate(map, len, Kind::Reclaimable)?, used: 0 })
    }

    /// Stores a structure of 64-bit fields and gives its address in the direct map.
    pub(crate) fn words(&mut self, words: &[u64]) -> Result<u64, Problem> {
        let (at, target) = self.take(words.len() * 8)?;
        for (bytes, word) in target.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Ok(at)
    }

    /// Stores the parts of a text, one after another, and the zero that ends it.
    pub(crate) fn text(&mut self, parts: &[&str]) -> Result<u64, Problem> {
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        let (at, mut target) = self.take(len + 1)?;
        for part in parts {
            let (head, tail) = target.split_at_mut(part.len());
            head.copy_from_slice(part.as_bytes());
            target = tail;
        }
        Ok(at)
    }

    fn take(&mut self, len: usize) -> Result<(u64, &mut [u8]), Problem> {
        let at = self.used.next_multiple_of(16);
        let address = DIRECT_MAP + self.block.base() + at as u64;
        let target = self.block.bytes().get_mut(at..).and_then(|rest| rest.get_mut(..len));
        let target = target.ok_or(Problem::new("too much to tell the kernel", ""))?;
        self.used = at + len;
        Ok((address, target))
    }
}
