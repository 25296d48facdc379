//! Amounts of other people's reports: more decimals than ours have, and none of them lost.

use std::fmt;
use std::ops::Neg;

use serde::{Serialize, Serializer};

use crate::decimal;

/// Decimals that are kept.
const PLACES: i32 = 18;
const ATTOS: u128 = 1_000_000_000_000_000_000;
/// A billion dollars in one figure is no bill of tokens.
const MOST: i128 = 1_000_000_000 * 1_000_000_000_000_000_000;

/// Dollars, in 10⁻¹⁸.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many nano-dollars.
    pub const fn of_nanos(nanos: i128) -> Self {
        Self(nanos.saturating_mul(1_000_000_000))
    }

    /// A number of dollars, or of hundredths of one. The nineteenth decimal and those behind it are cut off. `None` for
    /// what is no number, is below nothing, or above a billion.
    pub(super) fn read(text: &str, is_cents: bool) -> Option<Self> {
        let (mantissa, exponent) = decimal::read(text)?;
        let shift = exponent + PLACES - if is_cents { 2 } else { 0 };
        let by = 10i128.checked_pow(shift.unsigned_abs());
        let attos = match (shift >= 0, by) {
            (true, by) => mantissa.checked_mul(by?)?,
            (false, by) => by.map_or(0, |by| mantissa / by),
        };
        (0..=MOST).contains(&attos).then_some(Self(attos))
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Without its sign.
    #[must_use]
    pub const fn size(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Display for Amount {
    /// Dollars, every digit, at least two decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.unsigned_abs() / ATTOS, self.0.unsigned_abs() % ATTOS);
        let digits = format!("{fraction:018}");
        let kept = digits.trim_end_matches('0').len().max(2);
        let digits: String = digits.chars().take(kept).collect();
        f.pad(&format!("{sign}{whole}.{digits}"))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_kept() {
        for (text, is_cents, said) in [
            ("0.06", false, "0.06"),
            ("123.45", true, "1.2345"),
            ("0.1234567890123456789", false, "0.123456789012345678"),
            ("1E-7", false, "0.0000001"),
            ("1E-59", false, "0.00"),
        ] {
            assert_eq!(Amount::read(text, is_cents).unwrap().to_string(), said);
        }
        assert_eq!(Amount::of_nanos(-1).to_string(), "-0.000000001");
        for text in ["NaN", "-1", "1e12", "1E59", "$1", "1,5", ""] {
            assert_eq!(Amount::read(text, false), None, "{text}");
        }
    }
}
