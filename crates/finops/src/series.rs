//! A daily series: an amount for every day of a stretch, none left out. Days without spend are zeros.

use domain::Money;

use crate::day::Day;

/// There is less history than a method needs. It is said, and nothing is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not enough history: {days} days, and it takes {needs}")]
pub struct TooShort {
    /// Days since the first spend.
    pub days: usize,
    /// Days that it takes.
    pub needs: usize,
}

/// Amounts of consecutive days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    first: Day,
    amounts: Vec<Money>,
}

impl Series {
    /// From `first` up to but not including `until`: what is spent on a day, summed; zero where nothing is said of it.
    pub fn filled(first: Day, until: Day, spent: impl IntoIterator<Item = (Day, Money)>) -> Self {
        let length = usize::try_from(until.since(first)).unwrap_or(0);
        let mut amounts = vec![Money::ZERO; length];
        for (day, amount) in spent {
            let at = usize::try_from(day.since(first)).ok();
            if let Some(slot) = at.and_then(|at| amounts.get_mut(at)) {
                *slot = slot.plus(amount);
            }
        }
        Self { first, amounts }
    }

    /// The day of its first amount.
    pub const fn first(&self) -> Day {
        self.first
    }

    /// The day after its last amount.
    pub fn until(&self) -> Day {
        self.first
            .plus(i64::try_from(self.amounts.len()).unwrap_or(i64::MAX))
    }

    /// How many days it has.
    pub fn len(&self) -> usize {
        self.amounts.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.amounts.is_empty()
    }

    /// All amounts, in the order of days.
    pub fn amounts(&self) -> &[Money] {
        &self.amounts
    }

    /// Each day and its amount.
    pub fn days(&self) -> impl Iterator<Item = (Day, Money)> {
        let days = (0..).map(|at| self.first.plus(at));
        days.zip(self.amounts.iter().copied())
    }

    /// What was spent on that day.
    pub fn at(&self, day: Day) -> Money {
        let at = usize::try_from(day.since(self.first)).ok();
        at.and_then(|at| self.amounts.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// All amounts together.
    pub fn total(&self) -> Money {
        self.amounts.iter().copied().sum()
    }

    /// Its last `count` days, or all if it has fewer.
    #[must_use]
    pub fn last(&self, count: usize) -> Self {
        self.after(self.len().saturating_sub(count))
    }

    /// Without the days before anything was spent: what is new has no history, not one of zeros.
    #[must_use]
    pub fn since_first_spend(&self) -> Self {
        let spent = self.amounts.iter().position(|amount| *amount != Money::ZERO);
        self.after(spent.unwrap_or(self.len()))
    }

    /// What comes before this day.
    #[must_use]
    pub fn until_day(&self, day: Day) -> Self {
        Self::filled(self.first, day.min(self.until()), self.days())
    }

    /// Without its last day, which is given beside.
    pub fn split_last(&self) -> Option<(Self, Money)> {
        let (last, before) = self.amounts.split_last()?;
        let before = Self {
            first: self.first,
            amounts: before.to_vec(),
        };
        Some((before, *last))
    }

    fn after(&self, skipped: usize) -> Self {
        Self {
            first: self.first.plus(i64::try_from(skipped).unwrap_or(i64::MAX)),
            amounts: self.amounts.iter().skip(skipped).copied().collect(),
        }
    }

    /// For statistics: nano-dollars as floats, never below zero, each with its weekday.
    pub(crate) fn floats(&self) -> Vec<(usize, f64)> {
        let float = |(day, amount): (Day, Money)| (day.weekday(), nanos(amount));
        self.days().map(float).collect()
    }
}

/// An amount for statistics. What was taken back counts as nothing.
#[expect(clippy::cast_precision_loss, reason = "statistics, not sums")]
pub(crate) fn nanos(amount: Money) -> f64 {
    amount.nanos().max(0) as f64
}

/// An amount that a statistic says, to the nano-dollar.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast holds at the ends of the range"
)]
pub(crate) fn money(nanos: f64) -> Money {
    Money::from_nanos(nanos.round() as i64)
}
