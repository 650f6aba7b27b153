//! What of a component is as in another one: the host's side of [`crate::pieces`].
//!
//! The other one is cut into blocks, whose rolling sums are looked up at every place of the new one,
//! as rsync does. A block that is found is made longer in both directions.

use crate::pieces::Piece;
use std::collections::HashMap;

/// Most bytes of a piece that is sent, so that one fits a frame, packed or not.
pub(crate) const MOST_NEW: usize = 4 << 10;
/// Most bytes of a piece that is copied.
const MOST_SAME: usize = 128 << 10;

/// Bytes of a block: a piece that is the same takes nine, and its neighbours are packed worse.
const BLOCK: usize = 256;

/// The pieces of which a component is made beside another.
pub(crate) fn pieces(old: &[u8], new: &[u8]) -> Vec<Piece> {
    let blocks = blocks(old);
    let mut pieces = Vec::new();
    // What is not in a piece yet begins here, and the window there.
    let (mut begin, mut at) = (0, 0);
    let mut sum = new.get(..BLOCK).map(Sum::of);
    while let Some(known) = &mut sum {
        let found = blocks.get(&known.0).and_then(|&from| same(old, from, new, begin, at));
        if let Some(Match { from, to, length }) = found {
            send(&mut pieces, new.get(begin..to).unwrap_or_default());
            copy(&mut pieces, from, length);
            (begin, at) = (to + length, to + length);
            sum = new.get(at..).and_then(|rest| rest.get(..BLOCK)).map(Sum::of);
        } else {
            let ends = new.get(at).zip(new.get(at + BLOCK));
            sum = ends.map(|(first, next)| known.roll(*first, *next));
            at += 1;
        }
    }
    send(&mut pieces, new.get(begin..).unwrap_or_default());
    pieces
}

/// Where each block is, by its sum; the first of several.
fn blocks(old: &[u8]) -> HashMap<u32, usize> {
    let mut blocks = HashMap::new();
    for (number, block) in old.chunks_exact(BLOCK).enumerate() {
        blocks.entry(Sum::of(block).0).or_insert(number * BLOCK);
    }
    blocks
}

/// A stretch that both have.
struct Match {
    from: usize,
    to: usize,
    length: usize,
}

/// The stretch around a block that has the same sum, if it is the same; `begin` is as far as it may
/// reach back.
fn same(old: &[u8], from: usize, new: &[u8], begin: usize, to: usize) -> Option<Match> {
    let alike = |(one, other): (&u8, &u8)| one == other;
    let forward = old.get(from..)?.iter().zip(new.get(to..)?).take_while(|pair| alike(*pair));
    let forward = forward.count();
    if forward < BLOCK {
        return None;
    }
    let back = old.get(..from)?.iter().rev().zip(new.get(begin..to)?.iter().rev());
    let back = back.take_while(|pair| alike(*pair)).count();
    Some(Match { from: from - back, to: to - back, length: back + forward })
}

fn send(pieces: &mut Vec<Piece>, data: &[u8]) {
    pieces.extend(data.chunks(MOST_NEW).map(|data| Piece::New(data.to_vec())));
}

fn copy(pieces: &mut Vec<Piece>, mut from: usize, mut length: usize) {
    while length > 0 {
        let part = length.min(MOST_SAME);
        pieces.push(Piece::Same { at: from as u32, length: part as u32 });
        (from, length) = (from + part, length - part);
    }
}

/// The sum of a window of [`BLOCK`] bytes: a polynomial in them.
#[derive(Clone, Copy)]
struct Sum(u32);

impl Sum {
    /// Odd, so that multiplying loses nothing.
    const FACTOR: u32 = 0x0100_0193;
    /// The factor of the byte that leaves.
    const LAST: u32 = Self::FACTOR.wrapping_pow(BLOCK as u32);

    fn of(window: &[u8]) -> Self {
        let add = |sum: u32, byte: &u8| sum.wrapping_mul(Self::FACTOR).wrapping_add((*byte).into());
        Self(window.iter().fold(0, add))
    }

    fn roll(self, first: u8, next: u8) -> Self {
        let grown = self.0.wrapping_mul(Self::FACTOR).wrapping_add(next.into());
        Self(grown.wrapping_sub(Self::LAST.wrapping_mul(first.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, MOST_NEW, MOST_SAME, Sum, pieces};
    use crate::pieces::Piece;
    use proptest::prelude::*;

    /// What the system makes of pieces.
    fn made(old: &[u8], pieces: &[Piece]) -> Vec<u8> {
        let bytes = |piece: &Piece| match piece {
            Piece::New(data) => data.clone(),
            Piece::Same { at, length } => old[*at as usize..][..*length as usize].to_vec(),
        };
        pieces.iter().flat_map(bytes).collect()
    }

    fn sent(pieces: &[Piece]) -> usize {
        let sent = |piece: &Piece| if let Piece::New(data) = piece { data.len() } else { 0 };
        pieces.iter().map(sent).sum()
    }

    /// Bytes of which no two blocks are the same.
    fn bytes(count: usize) -> Vec<u8> {
        (0..count as u32).map(|index| (index.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect()
    }

    #[test]
    fn the_sum_of_a_window_rolls() {
        let data = bytes(3 * BLOCK);
        let mut sum = Sum::of(&data[..BLOCK]);
        for at in 0..2 * BLOCK {
            sum = sum.roll(data[at], data[at + BLOCK]);
            assert_eq!(sum.0, Sum::of(&data[at + 1..at + 1 + BLOCK]).0);
        }
    }

    #[test]
    fn only_what_is_new_is_sent() {
        let old = bytes(300_000);
        for (at, removed, put) in [(0, 0, 1), (100_000, 7, 40), (299_999, 1, 3), (150_000, 0, 0)] {
            let mut new = old.clone();
            new.splice(at..at + removed, vec![0xee; put]);
            let pieces = pieces(&old, &new);
            assert!(made(&old, &pieces) == new, "at {at}");
            assert!(sent(&pieces) <= put + BLOCK, "{} bytes sent", sent(&pieces));
        }
    }

    #[test]
    fn without_another_everything_is_sent_in_parts() {
        let new = bytes(10_000);
        let pieces = pieces(&[], &new);
        assert_eq!((made(&[], &pieces), sent(&pieces)), (new, 10_000));
        assert!(pieces.iter().all(|piece| piece.length() as usize <= MOST_NEW));
        let zeros = vec![0; 3 * MOST_SAME];
        let copied = super::pieces(&zeros, &zeros);
        assert!(copied.iter().all(|piece| piece.length() as usize <= MOST_SAME));
    }

    proptest! {
        #[test]
        fn whatever_the_two_are_the_new_one_comes_out(
            parts in prop::collection::vec((0..40_usize, 0..700_usize, any::<u8>()), 0..12),
        ) {
            // The new one is made of parts of the old one, and of others.
            let old = bytes(8_000);
            let mut new = Vec::new();
            for (at, length, fill) in parts {
                match fill % 3 {
                    0 => new.extend(vec![fill; length]),
                    _ => new.extend(&old[at * 150..at * 150 + length]),
                }
            }
            let pieces = pieces(&old, &new);
            prop_assert!(made(&old, &pieces) == new);
        }
    }
}
