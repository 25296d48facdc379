//! What a budget's terms say of time: a zone, a stretch that moves with the clock or one that comes once; and
//! what changes its limit by time: a rest that is carried over, an increase that ends by itself.
//!
//! Pure arithmetic; never looks at a clock.

use domain::{Money, UnixMillis};
use serde::{Deserialize, Serialize};

/// In how many parts a rolling window is counted.
pub const ROLLING_BUCKETS: i64 = 60;
/// The longest rolling window: 366 days.
pub const ROLLING_MINUTES_MAX: u32 = 366 * 24 * 60;
/// How many increases a budget may have at once.
pub const INCREASES_MAX: usize = 8;

const MINUTE_MS: i64 = 60_000;

/// The last so many minutes. Counted in [`ROLLING_BUCKETS`] buckets; what was spent in a bucket leaves the window
/// as a whole, when all of it is older than the window is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// How many.
    pub minutes: u32,
}

impl Rolling {
    /// How long the window is.
    pub fn length_ms(self) -> i64 {
        i64::from(self.minutes) * MINUTE_MS
    }

    /// How long a bucket is: by so much later than exactly is something counted that was spent.
    pub fn bucket_ms(self) -> i64 {
        (self.length_ms() / ROLLING_BUCKETS).max(1)
    }

    /// When the bucket that holds `now` began.
    pub fn start(self, now: UnixMillis) -> UnixMillis {
        UnixMillis(now.0.saturating_sub(now.0.rem_euclid(self.bucket_ms())))
    }

    /// The first and the last bucket that lie in one stretch of the window's length with the bucket that began at
    /// `start`. What is out in all of these together is never more than the limit, so neither is it in any stretch:
    /// also where clocks disagree, and one node is still in a bucket that has ended for another.
    // threat: AGP-D1
    pub fn beside(self, start: UnixMillis) -> (UnixMillis, UnixMillis) {
        let length = self.length_ms();
        (
            UnixMillis(start.0.saturating_sub(length)),
            UnixMillis(start.0.saturating_add(length)),
        )
    }
}

/// One stretch of time: before it and after it nothing is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// From then on.
    pub from: UnixMillis,
    /// Until just before then.
    pub until: UnixMillis,
}

/// Why a budget is not spent from at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// It opens then.
    Until(UnixMillis),
    /// It ended then.
    Since(UnixMillis),
}

impl Between {
    /// Whether `now` is outside, and on which side.
    pub fn shut(self, now: UnixMillis) -> Option<Shut> {
        if now < self.from {
            return Some(Shut::Until(self.from));
        }
        (now >= self.until).then_some(Shut::Since(self.until))
    }
}

/// What was not spent of a window may be spent in the next, and only in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollover {
    /// At most so many per cent of the limit.
    pub percent_max: u8,
    /// Since when there is the budget: nothing is carried out of a window before it.
    pub since: UnixMillis,
}

impl Rollover {
    /// The most that can be carried.
    pub fn most(self, limit: Money) -> Money {
        let part = i128::from(limit.nanos().max(0)) * i128::from(self.percent_max) / 100;
        Money::from_nanos(i64::try_from(part).unwrap_or(i64::MAX))
    }
}

/// So much more may be spent until a time. By itself no more after that: what was spent stays spent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Increase {
    /// Which of the budget's: numbers rise.
    pub number: u32,
    /// How much, in the unit of the budget.
    pub amount: Money,
    /// Since when.
    pub since: UnixMillis,
    /// Until just before then.
    pub until: UnixMillis,
    /// Why, in the words of who asked for it.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// The rule that the stores keep: a grant fits with all that is out in the buckets beside its own. Spent at
        /// random times by a clock that also goes back: no stretch of the length holds more than the limit, and
        /// what was spent is free again one bucket after it is older than the window is long.
        #[test]
        fn agp_d1_no_stretch_of_the_length_holds_more_than_the_limit(
            minutes in 1u32..3000,
            limit in 1i64..1000,
            steps in proptest::collection::vec((-40_000i64..2_000_000, 0i64..700), 1..60),
        ) {
            let rolling = Rolling { minutes };
            let (mut now, mut buckets, mut spends) = (1_000_000_000_000, BTreeMap::new(), Vec::<(i64, i64)>::new());
            for (step, amount) in steps {
                now += step * i64::from(minutes) / 60;
                let start = rolling.start(UnixMillis(now));
                let (first, last) = rolling.beside(start);
                let out: i64 = buckets.range(first..=last).map(|(_, out)| *out).sum();
                if out + amount <= limit {
                    *buckets.entry(start).or_insert(0) += amount;
                    spends.push((now, amount));
                } else {
                    // Conservative by one bucket and no more, in either direction of time.
                    let far = rolling.length_ms() + rolling.bucket_ms();
                    let near: i64 = spends.iter().filter(|(at, _)| (now - at).abs() <= far).map(|(_, spent)| spent).sum();
                    prop_assert!(near + amount > limit, "refused although all but {} had left", near);
                }
            }
            for (from, _) in &spends {
                let within: i64 = spends.iter()
                    .filter(|(at, _)| (*from..=from + rolling.length_ms()).contains(at))
                    .map(|(_, amount)| amount).sum();
                prop_assert!(within <= limit, "{} of {} from {}", within, limit, from);
            }
        }
    }

    #[test]
    fn a_stretch_is_open_from_its_first_moment_and_shut_from_its_last() {
        let between = Between {
            from: UnixMillis(10),
            until: UnixMillis(20),
        };
        let shut = |now| between.shut(UnixMillis(now));
        assert_eq!(shut(9), Some(Shut::Until(UnixMillis(10))));
        assert_eq!((shut(10), shut(19)), (None, None));
        assert_eq!(shut(20), Some(Shut::Since(UnixMillis(20))));
    }
}
