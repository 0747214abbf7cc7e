//! Numbers by chance that are the same each time.

/// A row of numbers that a seed begins: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub(crate) struct Chance(u64);

impl Chance {
    /// The row of a state: one for each number.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut chance = Self(seed);
        Self(chance.next() ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// One of the numbers from 0 on that are smaller.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// One of these and the numbers between them.
    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// How many of ten things happen: often all, none, or half of them.
    pub(crate) fn share(&mut self) -> usize {
        [0, 1, 2, 5, 5, 8, 9, 10][self.below(8)]
    }

    /// Whether one of ten things happens of which so many do.
    pub(crate) fn happens(&mut self, share: usize) -> bool {
        self.below(10) < share
    }
}
