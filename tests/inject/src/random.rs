//! Numbers that depend on a seed and nothing else: SplitMix64, by Steele, Lea and Flood.

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The sequence of one injection of a campaign.
    pub(crate) fn of(seed: u64, injection: u64) -> Self {
        let mut random = Self { state: seed };
        let mixed = random.next();
        Self { state: mixed ^ injection.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        if bound == 0 { 0 } else { (self.next() % bound) as usize }
    }

    /// Whether something happens that does so `part` times out of `whole`.
    pub(crate) fn chance(&mut self, part: usize, whole: usize) -> bool {
        self.below(whole) < part
    }

    /// One of several; `None` if there is none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn injections_have_sequences_of_their_own_and_the_same_each_time() {
        let first = |seed, injection| Random::of(seed, injection).next();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
        assert!((0..1000).all(|injection| Random::of(7, injection).below(10) < 10));
        assert_eq!(Random::of(1, 1).pick::<u8>(&[]), None);
    }
}
