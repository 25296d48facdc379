//! How fast a budget is spent, and when it will be gone: by the days before where there are enough of them, else by its
//! own window so far. Amounts are in the budget's unit.

use domain::{Money, UnixMillis};

use crate::day::{DAY_MS, Day};
use crate::forecast::{COVERAGE, HORIZON_MAX, Outlook};
use crate::robust::{count, quantile};
use crate::series::{Series, nanos};

/// Whole days that a rate is the mean of.
const RECENT_DAYS: usize = 7;
/// A window is not extrapolated before so much of it is over, in hundredths of a per cent.
const PACE_FROM_BP: i64 = 1_000;

/// A budget in its window, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Spent in the window.
    pub spent: Money,
    /// What may be.
    pub limit: Money,
    /// When the window began.
    pub start: UnixMillis,
    /// When it ends, if ever.
    pub end: Option<UnixMillis>,
    /// Now.
    pub now: UnixMillis,
}

/// How much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utilisation {
    /// Spent, in hundredths of a per cent of the limit.
    pub used_bp: i64,
    /// How much of the window is over, likewise; nothing of a window that never ends.
    pub elapsed_bp: Option<i64>,
    /// What is left.
    pub remaining: Money,
}

/// What a rate is reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Burn {
    /// From the days before: a rate a day over the last seven, and futures drawn from all of them.
    Days {
        /// A day.
        per_day: Money,
        /// When it is gone.
        exhaustion: Exhaustion,
    },
    /// From the window so far, evenly: there are too few days before it, or it is too short for days.
    Pace {
        /// A day.
        per_day: Money,
        /// When it is gone at this pace; nothing if not within the window.
        at: Option<UnixMillis>,
    },
    /// There is nothing to reckon from yet.
    Unknown,
}

/// When a budget is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhaustion {
    /// In how many of ten thousand futures it is gone before the window ends, or within [`HORIZON_MAX`] days.
    pub chance_bp: i64,
    /// In the middle future; nothing if that one keeps within it.
    pub expected: Option<Day>,
    /// One in ten futures is gone by then.
    pub earliest: Option<Day>,
    /// Nine in ten futures are gone by then.
    pub latest: Option<Day>,
    /// What the window will have cost by its end, on the mean and within bounds; nothing if it ends beyond the horizon.
    pub at_end: Option<(Money, Money, Money)>,
}

/// How much is used.
pub fn utilisation(standing: &Standing) -> Utilisation {
    let over = standing.end.map(|end| {
        let (whole, over) = (
            end.0.saturating_sub(standing.start.0),
            standing.now.0.saturating_sub(standing.start.0),
        );
        share(over, whole)
    });
    Utilisation {
        used_bp: share(standing.spent.nanos(), standing.limit.nanos()),
        elapsed_bp: over,
        remaining: standing.limit.minus_floor_zero(standing.spent),
    }
}

/// In hundredths of a per cent, rounded down; all of nothing.
fn share(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 10_000;
    }
    let share = i128::from(part.max(0)) * 10_000 / i128::from(whole);
    i64::try_from(share).unwrap_or(i64::MAX)
}

/// How fast it is spent. `history` has the whole days up to yesterday of what the budget counts, where that is known.
pub fn burn(standing: &Standing, history: Option<&Series>) -> Burn {
    let today = Day::of(standing.now);
    let ahead = days_ahead(standing, today);
    let is_long = standing
        .end
        .is_none_or(|end| end.0.saturating_sub(standing.start.0) > DAY_MS);
    let left = standing.now.0.saturating_sub(today.start().0);
    let left = u16::try_from(10_000 - share(left, DAY_MS)).unwrap_or(0);
    let outlook = history.filter(|history| is_long && history.until() == today);
    let outlook = outlook.and_then(|history| Some((Outlook::of(history, ahead, left).ok()?, history)));
    match outlook {
        Some((outlook, history)) => Burn::Days {
            per_day: rate(history),
            exhaustion: exhaustion(standing, &outlook),
        },
        None => pace(standing),
    }
}

/// How many days, today included, the window still touches.
fn days_ahead(standing: &Standing, today: Day) -> usize {
    let Some(end) = standing.end else {
        return HORIZON_MAX;
    };
    let last = Day::of(UnixMillis(end.0.saturating_sub(1)));
    usize::try_from(last.since(today).saturating_add(1)).map_or(0, |days| days.min(HORIZON_MAX))
}

fn rate(history: &Series) -> Money {
    let recent = history.last(RECENT_DAYS);
    let days = i64::try_from(recent.len().max(1)).unwrap_or(1);
    Money::from_nanos(recent.total().nanos() / days)
}

fn exhaustion(standing: &Standing, outlook: &Outlook) -> Exhaustion {
    let left = standing.limit.minus_floor_zero(standing.spent);
    let (gone, futures) = outlook.reaching(nanos(left));
    let chance = share(
        i64::try_from(gone.len()).unwrap_or(0),
        i64::try_from(futures).unwrap_or(0),
    );
    // The part of all futures in which it is gone by a day: those that never are stand last.
    let by = |part: f64| {
        let among = part * count(futures) / count(gone.len().max(1));
        (among <= 1.0 && !gone.is_empty()).then(|| outlook.day(quantile(&gone, among)))
    };
    let is_whole = standing
        .end
        .is_some_and(|end| end.0 <= standing.now.0.saturating_add(HORIZON_MAX_MS));
    let at_end = is_whole.then(|| {
        let ahead = outlook.forecast(COVERAGE);
        let with = |more: Money| standing.spent.plus(more);
        (with(ahead.lower), with(ahead.expected), with(ahead.upper))
    });
    Exhaustion {
        chance_bp: chance,
        expected: by(0.5),
        earliest: by(0.1),
        latest: by(0.9),
        at_end,
    }
}

/// The horizon as time.
const HORIZON_MAX_MS: i64 = 92 * DAY_MS;

fn pace(standing: &Standing) -> Burn {
    let over = standing.now.0.saturating_sub(standing.start.0);
    let Some(end) = standing.end else {
        return Burn::Unknown;
    };
    if over <= 0 || share(over, end.0.saturating_sub(standing.start.0)) < PACE_FROM_BP {
        return Burn::Unknown;
    }
    let spent = i128::from(standing.spent.nanos().max(0));
    let per_day = i64::try_from(spent * i128::from(DAY_MS) / i128::from(over)).unwrap_or(i64::MAX);
    let left = i128::from(standing.limit.minus_floor_zero(standing.spent).nanos());
    let at = (spent > 0).then(|| i128::from(standing.now.0) + left * i128::from(over) / spent.max(1));
    let at = at.and_then(|at| i64::try_from(at).ok()).filter(|at| *at < end.0);
    Burn::Pace {
        per_day: Money::from_nanos(per_day),
        at: at.map(UnixMillis),
    }
}
