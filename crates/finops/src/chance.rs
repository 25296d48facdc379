//! Chance that is always the same: the numbers by which paths are drawn. Nothing about it is secret, and the same
//! history gives the same forecast on every node.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The one sequence that forecasts use.
    pub(crate) const fn new() -> Self {
        Self(0x5eed_0f0f_ca57)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of them; 0 if there is none.
    pub(crate) fn one_of(&mut self, from: &[f64]) -> f64 {
        let count = u64::try_from(from.len()).unwrap_or(1).max(1);
        let at = usize::try_from(self.next() % count).unwrap_or(0);
        from.get(at).copied().unwrap_or(0.0)
    }

    /// About normal, around 0 with a spread of 1: twelve uniform numbers.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn normal(&mut self) -> f64 {
        let uniform = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
        (0..12).map(|_| uniform(self.next())).sum::<f64>() - 6.0
    }
}
