//! Random numbers that a seed repeats (SplitMix64).

#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `from..until`.
    pub fn within(&mut self, from: i64, until: i64) -> i64 {
        let width = u64::try_from(until - from).expect("an empty range").max(1);
        from + i64::try_from(self.next() % width).expect("less than an i64's width")
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.within(0, i64::try_from(end).unwrap())).unwrap()
    }

    /// True in `percent` of a hundred.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.within(0, 100) < percent
    }
}
