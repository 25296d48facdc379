//! Weekdays: whether spend differs by them at all, and by how much. Differences that chance makes are not believed.

use crate::robust::{count, mean, median};

const WEEK: usize = 7;
/// Kruskal and Wallis' H above this is chance in one of ten series without a season (chi-squared, six degrees).
const H_MIN: f64 = 10.64;

/// How each weekday stands to the mean day; all 1 where no season is found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Season([f64; WEEK]);

impl Season {
    /// No season.
    pub(crate) const NONE: Self = Self([1.0; WEEK]);

    /// That of these days: each weekday's median share of the week that ends with it, if the test by Kruskal and
    /// Wallis on those shares says that weekdays differ.
    pub(crate) fn of(days: &[(usize, f64)]) -> Self {
        let mut shares: [Vec<f64>; WEEK] = Default::default();
        for week in days.windows(WEEK) {
            let middle = mean(&week.iter().map(|(_, value)| *value).collect::<Vec<_>>());
            // The day in the middle of its week: growth within the week cancels out.
            if let Some((weekday, value)) = week.get(WEEK / 2)
                && middle > 0.0
                && let Some(of) = shares.get_mut(*weekday)
            {
                of.push(value / middle);
            }
        }
        if shares.iter().any(Vec::is_empty) || !differ(&shares) {
            return Self::NONE;
        }
        let mut factors = shares.map(median);
        let middle = mean(&factors);
        if middle <= 0.0 {
            return Self::NONE;
        }
        // A weekday on which nothing is spent would make whatever is spent on it infinitely much.
        factors
            .iter_mut()
            .for_each(|factor| *factor = (*factor / middle).max(0.02));
        Self(factors)
    }

    /// That of a weekday.
    pub(crate) fn at(&self, weekday: usize) -> f64 {
        self.0.get(weekday % WEEK).copied().unwrap_or(1.0)
    }
}

/// Kruskal and Wallis' test, ties at their middle rank.
fn differ(groups: &[Vec<f64>; WEEK]) -> bool {
    let mut all: Vec<(f64, usize)> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        all.extend(group.iter().map(|value| (*value, at)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total = count(all.len());
    let (mut sums, mut ties, mut below) = ([0.0; WEEK], 0.0, 0_usize);
    for same in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let size = count(same.len());
        let rank = count(below) + f64::midpoint(size, 1.0);
        for (_, group) in same {
            if let Some(sum) = sums.get_mut(*group) {
                *sum += rank;
            }
        }
        ties += size * size * size - size;
        below += same.len();
    }
    let between = sums
        .iter()
        .zip(groups)
        .map(|(sum, group)| sum * sum / count(group.len().max(1)));
    let h = 12.0 / (total * (total + 1.0)) * between.sum::<f64>() - 3.0 * (total + 1.0);
    let tied = 1.0 - ties / (total * total * total - total);
    tied > 0.0 && h / tied > H_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(count: usize, on: impl Fn(usize, usize) -> f64) -> Vec<(usize, f64)> {
        (0..count * WEEK)
            .map(|at| (at % WEEK, on(at / WEEK, at % WEEK)))
            .collect()
    }

    #[test]
    fn weekends_are_found_and_chance_is_not() {
        let offices = weeks(
            6,
            |week, day| if day > 4 { 10.0 } else { 100.0 + count(week + day) },
        );
        let season = Season::of(&offices);
        assert!(season.at(6) < 0.2 && season.at(2) > 1.2, "{season:?}");
        assert_eq!(
            Season::of(&weeks(6, |week, day| 100.0 + count((week * 31 + day * 17) % 13))),
            Season::NONE
        );
        assert_eq!(Season::of(&weeks(6, |_, _| 5.0)), Season::NONE);
        assert_eq!(Season::of(&weeks(1, |_, day| count(day))), Season::NONE);
    }
}
