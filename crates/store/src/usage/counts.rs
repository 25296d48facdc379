//! What is counted: as stored of one series in one hour, and as reports say it.

use domain::Money;
use ledger::{Outcome, Posting, Tokens};
use serde::{Deserialize, Serialize};

/// What is kept of a series in an hour. Everything else that is reported follows from it and the series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls.
    pub requests: u64,
    /// What they used.
    pub tokens: Tokens,
    /// What they cost.
    pub cost: Money,
}

impl Counts {
    /// One entry's: a call's, or what corrects the cost of one.
    pub const fn of(posting: &Posting) -> Self {
        Self {
            requests: if matches!(posting.outcome, Outcome::Adjusted) {
                0
            } else {
                1
            },
            tokens: posting.tokens,
            cost: posting.cost,
        }
    }

    /// Both together; saturates.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.plus(&other.tokens),
            cost: self.cost.plus(other.cost),
        }
    }
}

/// What a report says of some calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Calls: entries of the ledger that correct no other.
    pub requests: u64,
    /// Of them, refused before anything was billed.
    pub refused: u64,
    /// Of them, broken off by the provider, or by the end of the gate's process.
    pub failed: u64,
    /// Of them, answered from the gate's own cache.
    pub cached: u64,
    /// What they used.
    pub tokens: Tokens,
    /// What they cost, corrections of calls made before included.
    pub cost: Money,
    /// Of it, what calls cost that were not answered to the last byte.
    pub wasted: Money,
}

impl Sums {
    /// Both together; saturates.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            refused: self.refused.saturating_add(other.refused),
            failed: self.failed.saturating_add(other.failed),
            cached: self.cached.saturating_add(other.cached),
            tokens: self.tokens.plus(&other.tokens),
            cost: self.cost.plus(other.cost),
            wasted: self.wasted.plus(other.wasted),
        }
    }

    /// Prompt and output tokens.
    pub const fn all_tokens(&self) -> u64 {
        self.tokens.prompt().saturating_add(self.tokens.output)
    }
}
