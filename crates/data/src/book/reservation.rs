//! What is held for one call in each of its budgets. Settled or voided exactly once: both consume it.

use std::sync::Arc;

use domain::{Money, UnixMillis};
use ledger::{Charge, Spend, Unit};

use super::Cell;

/// Held in one budget.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) cell: Arc<Cell>,
    pub(super) window_start: UnixMillis,
    pub(super) amount: Money,
    /// For calls that one of these targets serves, by their labels, and no others.
    pub(super) targets: Option<Vec<Arc<str>>>,
}

impl Held {
    fn counts(&self, served: Served<'_>) -> bool {
        match (&self.targets, served) {
            (None, _) | (_, Served::Perhaps) => true,
            (Some(targets), Served::By(label)) => targets.iter().any(|target| Some(&**target) == label),
        }
    }
}

/// Which target a call was served by.
#[derive(Debug, Clone, Copy)]
pub enum Served<'a> {
    /// It may yet be any that something is held for.
    Perhaps,
    /// By the one with this label, or by none.
    By(Option<&'a str>),
}

/// What is held for one call, in each of its budgets.
#[derive(Debug, Default)]
#[must_use = "a reservation is settled or voided"]
pub struct Reservation {
    pub(super) held: Vec<Held>,
}

impl Reservation {
    /// Whether some budget of tokens is in it.
    pub fn counts_tokens(&self) -> bool {
        self.held.iter().any(|held| held.cell.unit() == Unit::Tokens)
    }

    /// What the entry of a call takes from each budget that counts in `unit`.
    pub fn charges(&self, unit: Unit, spend: Spend, served: Served<'_>) -> Vec<Charge> {
        let counted = self.held.iter().filter(|held| held.cell.unit() == unit);
        let charge = |held: &Held| Charge {
            budget: held.cell.id(),
            window_start: held.window_start,
            amount: held.cell.counts(spend),
        };
        counted.filter(|held| held.counts(served)).map(charge).collect()
    }

    /// The call took `actual` and was served so; the rest is free again.
    pub fn settle(self, actual: Spend, served: Served<'_>) {
        for held in &self.held {
            if held.counts(served) {
                let actual = held.cell.counts(actual);
                held.cell.settle(held.window_start, held.amount, actual);
            } else {
                held.cell.void(held.window_start, held.amount);
            }
        }
    }

    /// The call took nothing.
    pub fn void(mut self) {
        self.void_from(0);
    }

    /// Frees what was held after the first `kept` budgets.
    pub(super) fn void_from(&mut self, kept: usize) {
        for held in self.held.drain(kept.min(self.held.len())..) {
            held.cell.void(held.window_start, held.amount);
        }
    }
}
