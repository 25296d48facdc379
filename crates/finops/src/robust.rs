//! Statistics that a few wild days do not move.

/// 1.4826 times the median absolute deviation is the standard deviation of what is normal.
const MAD_TO_SIGMA: f64 = 1.4826;

/// The value below which that part of the sorted values lies, between neighbours in proportion; 0 of nothing.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = part.clamp(0.0, 1.0) * count(last);
    let below = whole(at).min(last);
    let low = sorted.get(below).copied().unwrap_or(0.0);
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    low + (high - low) * (at - count(below))
}

/// In order. No value that is no number comes here.
pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The middle; 0 of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(&sorted(values.into_iter().collect()), 0.5)
}

/// The spread around `middle`, as a standard deviation would be.
pub(crate) fn spread(values: &[f64], middle: f64) -> f64 {
    MAD_TO_SIGMA * median(values.iter().map(|value| (value - middle).abs()))
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len().max(1))
}

/// A count for statistics.
#[expect(clippy::cast_precision_loss, reason = "counts are of days and paths")]
pub(crate) const fn count(number: usize) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and an index of a list that is there"
)]
fn whole(number: f64) -> usize {
    number.floor().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let all = [1.0, 2.0, 4.0];
        for (part, value) in [
            (0.0, 1.0),
            (0.25, 1.5),
            (0.5, 2.0),
            (0.75, 3.0),
            (1.0, 4.0),
            (7.0, 4.0),
        ] {
            assert!((quantile(&all, part) - value).abs() < 1e-12, "{part}");
        }
        assert!(quantile(&[], 0.5).abs() < 1e-12);
    }

    #[test]
    fn one_wild_value_moves_neither_middle_nor_spread() {
        let calm = [9.0, 10.0, 11.0, 10.0, 9.5, 10.5, 10.0];
        let wild = [9.0, 10.0, 11.0, 10.0, 9.5, 10.5, 1_000_000.0];
        assert!((median(calm) - median(wild)).abs() < 0.3);
        assert!(spread(&wild, median(wild)) < 1.5);
    }
}
