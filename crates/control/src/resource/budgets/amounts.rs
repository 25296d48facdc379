//! Amounts of budgets as they are shown and given: money in nano-dollars, or tokens.

use domain::Money;
use ledger::Unit;

use crate::problem::{Code, Problem};

/// An amount where it is money, and where it is tokens.
pub const fn shown(amount: Money, unit: Unit) -> (Option<i64>, Option<i64>) {
    match unit {
        Unit::Money => (Some(amount.nanos()), None),
        Unit::Tokens => (None, Some(amount.nanos())),
    }
}

/// The limit that was given in what stands at `at`, and what it counts: one of the two.
pub fn limit(nanos: Option<i64>, tokens: Option<i64>, at: &str) -> Result<(Money, Unit), Problem> {
    let (amount, unit, member) = match (nanos, tokens) {
        (Some(nanos), None) => (nanos, Unit::Money, "limit_nanos"),
        (None, Some(tokens)) => (tokens, Unit::Tokens, "limit_tokens"),
        _ => {
            let detail = "a budget limits money or tokens: say `limit_nanos` or `limit_tokens`";
            return Err(Problem::new(Code::Invalid, detail).at(format!("{at}/limit_nanos")));
        }
    };
    if amount < 0 {
        return Err(Problem::new(Code::Invalid, "a limit is not negative").at(format!("{at}/{member}")));
    }
    Ok((Money::from_nanos(amount), unit))
}
