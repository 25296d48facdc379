//! What will be spent, with bounds: simple exponential smoothing over weekdays, and a damped growth where history shows
//! one, drawn forward many times with the errors that it made in the past.
//!
//! Errors are not assumed to have any shape: they are those of the history itself (bootstrap). How well the bounds hold
//! is tested on histories of several families, see `tests/it/backtest.rs`; the method in words is in `docs/finops.md`.

use domain::Money;

use crate::chance::Chance;
use crate::day::Day;
use crate::robust::{count, mean, median, quantile, sorted};
use crate::season::Season;
use crate::series::{Series, TooShort, money};
use crate::trend::trend;

/// The fewest days since the first spend that are called a history.
pub const DAYS_MIN: usize = 14;
/// Days that are looked back at, at most: a quarter.
pub const DAYS_MAX: usize = 91;
/// Days that are looked ahead, at most.
pub const HORIZON_MAX: usize = 92;
/// How often in a hundred the bounds shall hold unless another number is asked for.
pub const COVERAGE: u8 = 80;

/// Futures that are drawn.
const PATHS: usize = 500;
/// How fast the level follows, of which the one that erred least is taken.
const ALPHAS: [f64; 4] = [0.05, 0.1, 0.2, 0.4];
/// A day moves the level by no more than if it had so many times the level.
const CLIP: f64 = 3.0;
/// Growth loses so much of itself a day.
const DAMPING: f64 = 0.98;
/// Growth is believed if it errs less than this part of what a level without growth does.
const GROWTH_PAYS: f64 = 0.9;
/// The sum of so many days is what candidates are judged by.
const JUDGED_DAYS: usize = 14;
/// Days at the beginning that only set the level.
const WARM: usize = 7;
/// A level below this part of the mean day counts as this part, so that a pause is no infinity later.
const LEVEL_MIN: f64 = 0.1;

/// A day ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForecastDay {
    /// Which.
    pub day: Day,
    /// On the mean.
    pub expected: Money,
    /// Below this it is seldom.
    pub lower: Money,
    /// Above this it is seldom.
    pub upper: Money,
}

/// What will be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The sum of the days, on the mean.
    pub expected: Money,
    /// The sum is below this in half of the cases that the bounds leave out.
    pub lower: Money,
    /// The sum is above this in the other half.
    pub upper: Money,
    /// How often in a hundred the bounds shall hold.
    pub coverage: u8,
    /// Each day; their bounds are of the day alone, and do not add up to those of the sum.
    pub days: Vec<ForecastDay>,
    /// Whether weekdays differ.
    pub is_seasonal: bool,
    /// Whether a growth, up or down, is drawn forward.
    pub is_growing: bool,
}

/// Futures that history makes likely.
#[derive(Debug, Clone)]
pub struct Outlook {
    first: Day,
    paths: Vec<Vec<f64>>,
    is_seasonal: bool,
    is_growing: bool,
}

/// The forecast of the `ahead` days that follow this history.
pub fn forecast(history: &Series, ahead: usize, coverage: u8) -> Result<Forecast, TooShort> {
    Ok(Outlook::of(history, ahead, 10_000)?.forecast(coverage))
}

impl Outlook {
    /// Of the `ahead` days that follow this history of whole days. Of the first only the part that is left counts, in
    /// hundredths of a per cent: it may be today.
    pub fn of(history: &Series, ahead: usize, first_left_bp: u16) -> Result<Self, TooShort> {
        let history = history.since_first_spend().last(DAYS_MAX);
        if history.len() < DAYS_MIN {
            return Err(TooShort {
                days: history.len(),
                needs: DAYS_MIN,
            });
        }
        let days = history.floats();
        let season = Season::of(&days);
        let level: Vec<f64> = days
            .iter()
            .map(|(weekday, value)| value / season.at(*weekday))
            .collect();
        let model = Model::fitted(&level, trend(&history.last(56)).is_ok_and(|trend| trend.is_clear));
        let first = history.until();
        let ahead = ahead.min(HORIZON_MAX);
        let left = f64::from(first_left_bp.min(10_000)) / 10_000.0;
        let factors: Vec<f64> = (0..)
            .zip(std::iter::once(left).chain(std::iter::repeat(1.0)))
            .take(ahead)
            .map(|(at, part)| part * season.at(first.plus(at).weekday()))
            .collect();
        let mut chance = Chance::new();
        Ok(Self {
            first,
            paths: (0..PATHS).map(|_| model.path(&factors, &mut chance)).collect(),
            is_seasonal: season != Season::NONE,
            is_growing: model.growth.is_some(),
        })
    }

    /// What it says of the sum and of each day.
    pub fn forecast(&self, coverage: u8) -> Forecast {
        let outside = f64::from(100 - coverage.clamp(1, 99)) / 200.0;
        let bounds = |values: Vec<f64>| {
            let values = sorted(values);
            let middle = mean(&values);
            let lower = quantile(&values, outside).min(middle);
            (lower, middle, quantile(&values, 1.0 - outside).max(middle))
        };
        let horizon = self.paths.first().map_or(0, Vec::len);
        let days = (0..horizon).map(|at| {
            let (lower, expected, upper) = bounds(
                self.paths
                    .iter()
                    .filter_map(|path| path.get(at).copied())
                    .collect(),
            );
            ForecastDay {
                day: self.first.plus(i64::try_from(at).unwrap_or(0)),
                expected: money(expected),
                lower: money(lower),
                upper: money(upper),
            }
        });
        let days: Vec<ForecastDay> = days.collect();
        let (lower, _, upper) = bounds(self.paths.iter().map(|path| path.iter().sum()).collect());
        let expected: Money = days.iter().map(|day| day.expected).sum();
        Forecast {
            expected,
            lower: money(lower).min(expected),
            upper: money(upper).max(expected),
            coverage: coverage.clamp(1, 99),
            days,
            is_seasonal: self.is_seasonal,
            is_growing: self.is_growing,
        }
    }

    /// On which day each future has spent `amount`; those that never do are left out. And how many futures there are.
    pub(crate) fn reaching(&self, amount: f64) -> (Vec<f64>, usize) {
        let reached = |path: &Vec<f64>| {
            let mut spent = 0.0;
            path.iter().position(|day| {
                spent += day;
                spent >= amount
            })
        };
        let days = self.paths.iter().filter_map(reached).map(count).collect();
        (sorted(days), self.paths.len())
    }

    /// The day that is so many after its first.
    pub(crate) fn day(&self, after: f64) -> Day {
        let horizon = self.paths.first().map_or(0, Vec::len);
        let at = (0..horizon).take_while(|at| count(*at) < after).count();
        self.first.plus(i64::try_from(at).unwrap_or(0))
    }
}

/// Growth of the level a day, in logarithms, and how unsure that is.
#[derive(Debug, Clone, Copy)]
struct Growth {
    rate: f64,
    error: f64,
}

impl Growth {
    /// Theil and Sen's slope through the logarithms of up to eight whole weeks; nothing of less than four, or where one
    /// had no spend.
    fn of(level: &[f64]) -> Option<Self> {
        let weeks: Vec<f64> = level
            .rchunks_exact(7)
            .take(8)
            .map(|week| week.iter().sum())
            .collect();
        if weeks.len() < 4 || weeks.iter().any(|total| *total <= 0.0) {
            return None;
        }
        let logs: Vec<f64> = weeks.iter().rev().map(|total| total.ln()).collect();
        let mut slopes = Vec::new();
        for (at, early) in logs.iter().enumerate() {
            let late = logs.iter().skip(at + 1).enumerate();
            slopes.extend(late.map(|(between, late)| (late - early) / count(between + 1)));
        }
        let slope = median(slopes);
        let around: Vec<f64> = logs
            .iter()
            .enumerate()
            .map(|(at, log)| log - slope * count(at))
            .collect();
        let middle = median(around.iter().copied());
        let squares: f64 = around.iter().map(|rest| (rest - middle).powi(2)).sum();
        let n = count(logs.len());
        let error = (squares / (n - 2.0) / (n * (n * n - 1.0) / 12.0)).sqrt();
        Some(Self {
            rate: slope / 7.0,
            error: error / 7.0,
        })
    }

    fn rate_of(growth: Option<Self>) -> f64 {
        growth.map_or(0.0, |growth| growth.rate)
    }
}

/// A smoothing that has followed the history.
#[derive(Debug)]
struct Model {
    alpha: f64,
    growth: Option<Growth>,
    level: f64,
    /// The level is not taken for less.
    least: f64,
    /// What a day had, in parts of what was expected.
    errors: Vec<f64>,
    /// The mean of them, each clipped: what the level sees of them.
    pull: f64,
}

impl Model {
    /// The candidate that erred least in the past.
    fn fitted(level: &[f64], may_grow: bool) -> Self {
        let best = |grows: bool| {
            let judged = ALPHAS.map(|alpha| (misses(level, alpha, grows), alpha));
            judged
                .into_iter()
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap_or((0.0, 0.1))
        };
        let (flat, alpha) = best(false);
        let growth = Growth::of(level).filter(|_| may_grow);
        let (growing, growing_alpha) = if growth.is_some() {
            best(true)
        } else {
            (f64::MAX, alpha)
        };
        if growing < flat * GROWTH_PAYS {
            return Self::followed(level, growing_alpha, growth);
        }
        Self::followed(level, alpha, None)
    }

    fn followed(days: &[f64], alpha: f64, growth: Option<Growth>) -> Self {
        let beginning: Vec<f64> = days.iter().take(WARM).copied().collect();
        let mut model = Self {
            alpha,
            growth,
            level: mean(&beginning),
            least: mean(days) * LEVEL_MIN,
            errors: Vec::with_capacity(days.len()),
            pull: 1.0,
        };
        let grown = Growth::rate_of(growth).exp();
        let (mut had, mut expected) = (0.0, 0.0);
        for (at, day) in days.iter().enumerate() {
            let base = model.base();
            if at >= WARM && base > 0.0 {
                model.errors.push(day / base);
                had += day;
                expected += base;
            }
            let seen = day.min(CLIP * model.level.max(mean(days)));
            model.level = (model.level + alpha * (seen - model.level)) * grown;
        }
        // A quotient's mean is above the quotient of the means: what was had in all is what must be expected in all.
        let fair = if had > 0.0 {
            had / expected / mean(&model.errors)
        } else {
            1.0
        };
        model.errors.iter_mut().for_each(|error| *error *= fair);
        let clipped: Vec<f64> = model.errors.iter().map(|error| error.min(CLIP)).collect();
        model.pull = mean(&clipped).max(LEVEL_MIN);
        model
    }

    const fn base(&self) -> f64 {
        self.level.max(self.least)
    }

    /// One future.
    fn path(&self, factors: &[f64], chance: &mut Chance) -> Vec<f64> {
        let mut level = self.base() * self.unsure(chance);
        let mut rate = self
            .growth
            .map_or(0.0, |growth| growth.rate + growth.error * chance.normal());
        let next = |factor: &f64| {
            let day = level * chance.one_of(&self.errors);
            let seen = day.min(CLIP * level) / self.pull;
            rate *= DAMPING;
            level = ((level + self.alpha * (seen - level)) * rate.exp()).max(self.least);
            day * factor
        };
        factors.iter().map(next).collect()
    }

    /// By how much the level may be off now: it is a mean of about this many days.
    fn unsure(&self, chance: &mut Chance) -> f64 {
        let weighs =
            (1..=self.errors.len()).take_while(|days| count(*days) <= (2.0 - self.alpha) / self.alpha);
        let drawn: Vec<f64> = weighs.map(|_| chance.one_of(&self.errors).min(CLIP)).collect();
        if drawn.is_empty() {
            1.0
        } else {
            mean(&drawn) / self.pull
        }
    }
}

/// By how much a candidate has missed the sums of the days after each day of the past.
fn misses(level: &[f64], alpha: f64, grows: bool) -> f64 {
    let horizon = JUDGED_DAYS.min(level.len() / 3);
    let last = level.len().saturating_sub(horizon);
    let first = last.saturating_sub(56).max(WARM);
    let miss = |at: usize| {
        let (known, then) = (
            level.iter().take(at).copied(),
            level.iter().skip(at).take(horizon),
        );
        let known: Vec<f64> = known.collect();
        let growth = if grows { Growth::of(&known) } else { None };
        let model = Model::followed(&known, alpha, growth);
        let (mut rate, mut rise, mut expected) = (Growth::rate_of(growth), 0.0_f64, 0.0);
        for _ in 0..horizon {
            rate *= DAMPING;
            rise += rate;
            expected += model.base() * rise.exp();
        }
        (then.sum::<f64>() - expected).abs()
    };
    (first..=last).map(miss).sum()
}
