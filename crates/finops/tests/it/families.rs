//! Histories of several families, each from a seed: what spend looks like where people have looked at it.

use domain::Money;
use finops::{Day, Series};

/// Numbers that look random and are always the same (xorshift).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Around 1, never below 0.
    pub fn noise(&mut self, spread: f64) -> f64 {
        (spread * self.normal() - spread * spread / 2.0).exp()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// About the same every day.
    Steady,
    /// Offices: a quarter at weekends.
    Weekday,
    /// One per cent more every day, offices.
    Growing,
    /// Nothing on a third of days, and now and then a large job.
    Bursty,
    /// Offices that change their level to between a half and a double once.
    Step,
    /// Tails heavier than normal.
    Heavy,
    /// Few calls: counts.
    Sparse,
}

impl Family {
    /// Those that forecasts are tested on.
    pub const FORECAST: [Self; 5] = [
        Self::Steady,
        Self::Weekday,
        Self::Growing,
        Self::Bursty,
        Self::Step,
    ];
    /// Those in which nothing stands out.
    pub const BENIGN: [Self; 6] = [
        Self::Steady,
        Self::Weekday,
        Self::Growing,
        Self::Bursty,
        Self::Heavy,
        Self::Sparse,
    ];

    /// Dollars of each of so many days.
    pub fn dollars(self, days: usize, seed: u64) -> Vec<f64> {
        let mut dice = Dice::new(seed * 31 + self as u64 + 1);
        let step_at = (dice.uniform() * days as f64) as usize;
        let step_to = 0.5 * 4.0_f64.powf(dice.uniform());
        let size = 10.0 * 20.0_f64.powf(dice.uniform());
        (0..days)
            .map(|day| size * self.day(day, (step_at, step_to), &mut dice))
            .collect()
    }

    fn day(self, day: usize, (step_at, step_to): (usize, f64), dice: &mut Dice) -> f64 {
        let office = if day % 7 > 4 { 0.25 } else { 1.3 };
        match self {
            Self::Steady => dice.noise(0.15),
            Self::Weekday => office * dice.noise(0.2),
            Self::Growing => office * 1.01_f64.powi(day as i32) * dice.noise(0.2),
            Self::Bursty => match dice.uniform() {
                low if low < 0.3 => 0.0,
                high if high > 0.93 => 6.0 * dice.noise(0.5),
                _ => dice.noise(0.6),
            },
            Self::Step => office * dice.noise(0.2) * if day < step_at { 1.0 } else { step_to },
            // Normal noise, of which the spread is itself by chance.
            Self::Heavy => {
                let spread = 0.15 * 3.0_f64.powf(2.0 * dice.uniform() - 0.6);
                dice.noise(spread)
            }
            Self::Sparse => {
                let calls = (0..40).filter(|_| dice.uniform() < 0.1).count();
                calls as f64 / 4.0
            }
        }
    }
}

/// A Monday.
pub fn first() -> Day {
    "2026-01-05".parse().unwrap()
}

pub fn series(dollars: &[f64]) -> Series {
    let until = first().plus(dollars.len() as i64);
    let money = |dollars: &f64| Money::from_nanos((dollars * 1e9).round() as i64);
    let spent = dollars
        .iter()
        .enumerate()
        .map(|(at, day)| (first().plus(at as i64), money(day)));
    Series::filled(first(), until, spent)
}
