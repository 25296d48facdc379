//! Percentiles and medians of measured values. Pure.

use serde::{Deserialize, Serialize};

/// A spread of durations in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half are at most this.
    pub p50: f64,
    /// Nine of ten are at most this.
    pub p90: f64,
    /// All but one in a hundred are at most this.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// The spread of these nanoseconds.
    pub fn of_nanos(mut nanos: Vec<u64>) -> Self {
        nanos.sort_unstable();
        let micros = |share| percentile(&nanos, share).map_or(0.0, |value| value as f64 / 1000.0);
        Self {
            p50: micros(0.50),
            p90: micros(0.90),
            p99: micros(0.99),
            max: micros(1.0),
        }
    }
}

/// The smallest value that at least this share of the sorted values does not exceed.
pub fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The middle value, or the mean of the two middle ones; nothing of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 0.50), Some(50));
        assert_eq!(percentile(&hundred, 0.99), Some(99));
        assert_eq!(percentile(&hundred, 1.0), Some(100));
        assert_eq!(percentile(&hundred, 0.0), Some(1));
        assert_eq!(percentile(&[7], 0.99), Some(7));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn medians_of_odd_even_and_none() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn spreads_sort_and_convert() {
        let spread = Spread::of_nanos(vec![3000, 1000, 2000]);
        assert_eq!(
            spread,
            Spread {
                p50: 2.0,
                p90: 3.0,
                p99: 3.0,
                max: 3.0
            }
        );
        assert_eq!(Spread::of_nanos(Vec::new()), Spread::default());
    }
}
