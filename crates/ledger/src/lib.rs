//! Floor 1: money and evidence: prices, budgets, entries, Merkle logs. Never does I/O, never reads a clock.

mod budget;
mod entry;
pub mod merkle;

pub use budget::{Budget, BudgetScope, Charge, Lease, Standing, Window};
pub use entry::{Entry, Outcome, UsageSource};
