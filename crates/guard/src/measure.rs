//! How good a guard is on labelled texts: what was counted, and what follows from it. Never looks at text.
//!
//! Shares carry their 95 % interval by Wilson's score method, which holds for few texts and for shares near 0 and 1,
//! where the textbook interval does not (E. B. Wilson, 1927; Brown, Cai and DasGupta, 2001).

use serde::Serialize;

/// Texts by what they are and what was said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Labelled, and found.
    pub right: u64,
    /// Not labelled, and found all the same.
    pub wrong: u64,
    /// Labelled, and not found.
    pub missed: u64,
    /// Not labelled, and left alone.
    pub left_alone: u64,
}

impl Tally {
    /// Counts one text.
    pub const fn add(&mut self, is_labelled: bool, is_found: bool) {
        let slot = match (is_labelled, is_found) {
            (true, true) => &mut self.right,
            (false, true) => &mut self.wrong,
            (true, false) => &mut self.missed,
            (false, false) => &mut self.left_alone,
        };
        *slot += 1;
    }

    /// Of what was found, how much is what it was taken for. `None` where nothing was found.
    #[must_use]
    pub fn precision(&self) -> Option<Share> {
        Share::of(self.right, self.right + self.wrong)
    }

    /// Of what is labelled, how much was found. `None` where nothing is labelled.
    #[must_use]
    pub fn recall(&self) -> Option<Share> {
        Share::of(self.right, self.right + self.missed)
    }

    /// Of what is not labelled, how much was found all the same. `None` where everything is labelled.
    #[must_use]
    pub fn false_positives(&self) -> Option<Share> {
        Share::of(self.wrong, self.wrong + self.left_alone)
    }

    /// The harmonic mean of precision and recall. `None` where neither is known.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let of = 2 * self.right + self.wrong + self.missed;
        (of > 0).then(|| 2.0 * real(self.right) / real(of))
    }
}

/// How many of how many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The share, 0 to 1.
    pub value: f64,
    /// Where the true share lies with a probability of 95 %: from here,
    pub low: f64,
    /// to here.
    pub high: f64,
}

/// The normal distribution's quantile for two sides of 2.5 % each.
const Z: f64 = 1.959_963_984_540_054;

impl Share {
    /// `hits` of `of`. `None` of nothing.
    #[must_use]
    pub fn of(hits: u64, of: u64) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let (n, value) = (real(of), real(hits.min(of)) / real(of));
        let z2 = Z * Z;
        let middle = (value + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z / (1.0 + z2 / n) * (value * (1.0 - value) / n + z2 / (4.0 * n * n)).sqrt();
        Some(Self {
            value,
            low: (middle - half).clamp(0.0, value),
            high: (middle + half).clamp(value, 1.0),
        })
    }
}

/// Scores of labelled texts and of others: how well the score tells them apart, whatever the threshold.
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    labelled: Vec<f64>,
    others: Vec<f64>,
}

impl Ranking {
    /// Counts one text. A score that is no number counts as the lowest.
    pub fn add(&mut self, is_labelled: bool, score: f64) {
        let side = if is_labelled {
            &mut self.labelled
        } else {
            &mut self.others
        };
        side.push(if score.is_nan() { f64::NEG_INFINITY } else { score });
    }

    /// The area under the receiver operating characteristic: how probably a labelled text scores higher than another,
    /// ties counting half. `None` where one side is empty.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        if self.labelled.is_empty() || self.others.is_empty() {
            return None;
        }
        let others = sorted(&self.others);
        let won: f64 = self
            .labelled
            .iter()
            .map(|score| {
                let below = others.partition_point(|other| other < score);
                let not_above = others.partition_point(|other| other <= score);
                (below + not_above) as f64 / 2.0
            })
            .sum();
        Some(won / (self.labelled.len() as f64 * others.len() as f64))
    }

    /// The lowest threshold at which at most this share of the others scores as high, and the recall there. `None`
    /// where one side is empty.
    #[must_use]
    pub fn recall_at(&self, false_positives_max: f64) -> Option<(f64, Share)> {
        let others = sorted(&self.others);
        let allowed = (others.len() as f64 * false_positives_max.clamp(0.0, 1.0)).floor() as usize;
        // The best of those that may not be found: everything above it may.
        let bound = *others.get(others.len().checked_sub(allowed + 1)?)?;
        let above = self.labelled.iter().filter(|score| **score > bound);
        let found = above.clone().count() as u64;
        let threshold = above.copied().fold(f64::INFINITY, f64::min);
        Some((threshold, Share::of(found, self.labelled.len() as u64)?))
    }
}

fn sorted(scores: &[f64]) -> Vec<f64> {
    let mut scores = scores.to_vec();
    scores.sort_by(f64::total_cmp);
    scores
}

fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_of_a_tally() {
        let mut tally = Tally::default();
        for (labelled, found) in [
            (true, true),
            (true, true),
            (true, false),
            (false, true),
            (false, false),
        ] {
            tally.add(labelled, found);
        }
        assert_eq!(
            tally,
            Tally {
                right: 2,
                wrong: 1,
                missed: 1,
                left_alone: 1
            }
        );
        let near = |is: f64, want: f64| assert!((is - want).abs() < 5e-4, "{is} is not {want}");
        near(tally.precision().unwrap().value, 0.6667);
        near(tally.recall().unwrap().value, 0.6667);
        near(tally.false_positives().unwrap().value, 0.5);
        near(tally.f1().unwrap(), 0.6667);
        assert_eq!(Tally::default().precision(), None);
        assert_eq!(Tally::default().f1(), None);
    }

    #[test]
    fn intervals_are_wilsons() {
        // Worked examples: 0 of 10 is up to 27.8 %, 81 of 263 is 25.5 % to 36.6 %.
        let near = |is: f64, want: f64| assert!((is - want).abs() < 5e-4, "{is} is not {want}");
        let none = Share::of(0, 10).unwrap();
        near(none.low, 0.0);
        near(none.high, 0.2775);
        let some = Share::of(81, 263).unwrap();
        near(some.low, 0.2553);
        near(some.high, 0.3662);
    }

    #[test]
    fn a_score_that_tells_nothing_has_half_the_area() {
        let mut ranking = Ranking::default();
        for labelled in [true, false, true, false] {
            ranking.add(labelled, 1.0);
        }
        assert_eq!(ranking.auc(), Some(0.5));
        assert_eq!(ranking.recall_at(0.0).unwrap().1.value, 0.0);
        assert_eq!(Ranking::default().auc(), None);
    }

    proptest! {
        #[test]
        fn the_area_is_what_counting_all_pairs_gives(scores in prop::collection::vec((any::<bool>(), 0_u8..8), 0..40)) {
            let mut ranking = Ranking::default();
            for (labelled, score) in &scores {
                ranking.add(*labelled, f64::from(*score));
            }
            let of = |wanted: bool| scores.iter().filter(move |(labelled, _)| *labelled == wanted).map(|(_, score)| *score);
            let pairs: Vec<f64> = of(true)
                .flat_map(|one| of(false).map(move |other| match one.cmp(&other) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                }))
                .collect();
            match ranking.auc() {
                None => prop_assert!(pairs.is_empty()),
                Some(area) => prop_assert!((area - pairs.iter().sum::<f64>() / pairs.len() as f64).abs() < 1e-9),
            }
        }

        #[test]
        fn no_more_of_the_others_are_found_than_asked(
            scores in prop::collection::vec((any::<bool>(), 0_u8..20), 1..60),
            most in 0.0_f64..1.0,
        ) {
            let mut ranking = Ranking::default();
            for (labelled, score) in &scores {
                ranking.add(*labelled, f64::from(*score));
            }
            if let Some((threshold, recall)) = ranking.recall_at(most) {
                let others: Vec<_> = scores.iter().filter(|(labelled, _)| !labelled).collect();
                let found = others.iter().filter(|(_, score)| f64::from(*score) >= threshold).count();
                prop_assert!(found as f64 <= others.len() as f64 * most + 1e-9);
                prop_assert!((0.0..=1.0).contains(&recall.value) && recall.low <= recall.value && recall.value <= recall.high);
            }
        }

        #[test]
        fn intervals_hold_their_share(hits in 0_u64..500, more in 0_u64..500) {
            if let Some(share) = Share::of(hits, hits + more) {
                prop_assert!(0.0 <= share.low && share.low <= share.value && share.value <= share.high && share.high <= 1.0);
            }
        }
    }
}
