//! One budget on this node: what is held of it, and the window it is held in.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{BudgetId, Money, TenantScope, UnixMillis};
use ledger::{Budget, Holding, Spend, Unit};
use store::StoreError;

/// One budget on this node.
#[derive(Debug)]
pub struct Cell {
    pub(super) scope: TenantScope,
    /// What it counts; never changes.
    unit: Unit,
    state: Mutex<State>,
    /// Held while the store is asked, so that a hundred callers ask once.
    pub(super) asking: tokio::sync::Mutex<()>,
    pub(super) prefetching: AtomicBool,
}

/// Why a cell reserves nothing by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum No {
    /// Somebody paused the budget.
    Paused,
    /// The lease is so much short.
    Short(Money),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) budget: Budget,
    pub(super) start: UnixMillis,
    end: Option<UnixMillis>,
    pub(super) holding: Holding,
    /// Windows that have ended but still have calls under way.
    pub(super) past: Vec<(UnixMillis, Holding)>,
    pub(super) exhausted: Option<(UnixMillis, Money, Money)>,
    /// Spend since the last tidy, for the size of the next lease.
    pub(super) recent: Money,
    /// What the store said is left, after the last grant.
    pub(super) remaining_hint: Money,
    /// An answer of the store's was lost: its lease may be larger than what is held here.
    pub(super) unsure: bool,
    /// What calls that wait for the lease to grow need together.
    pub(super) waiting: Money,
    /// The window in which a refusal was told of, and the limit then.
    told: Option<(UnixMillis, Money)>,
}

impl Cell {
    pub(crate) fn new(budget: Budget, now: UnixMillis) -> Self {
        let (start, end) = (budget.start(now), budget.end(now));
        let (scope, unit) = (TenantScope::operator(budget.tenant), budget.terms.unit);
        let remaining_hint = budget.limit;
        let state = State {
            budget,
            start,
            end,
            holding: Holding::new(),
            past: Vec::new(),
            exhausted: None,
            recent: Money::ZERO,
            remaining_hint,
            unsure: false,
            waiting: Money::ZERO,
            told: None,
        };
        Self {
            scope,
            unit,
            state: Mutex::new(state),
            asking: tokio::sync::Mutex::new(()),
            prefetching: AtomicBool::new(false),
        }
    }

    /// The budget's id.
    pub fn id(&self) -> BudgetId {
        self.lock().budget.id
    }

    /// What it counts.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// As much of `spend` as it counts.
    pub(super) fn counts(&self, spend: Spend) -> Money {
        spend.counted_in(self.unit)
    }

    /// Takes the budget as it is now; what was known of a limit is forgotten with it.
    pub(super) fn replace(&self, budget: &Budget) {
        let mut state = self.lock();
        if state.budget != *budget {
            state.exhausted = None;
            state.remaining_hint = budget.limit;
            state.budget = budget.clone();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned cell is still consistent: every update below is one assignment at its end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves from what the node holds: the window, and whether little is left.
    // threat: AGP-D1
    pub(super) fn try_reserve(&self, amount: Money, now: UnixMillis) -> Result<(UnixMillis, bool), No> {
        let mut state = self.lock();
        if state.budget.terms.paused.is_some() {
            return Err(No::Paused);
        }
        state.roll(now);
        let reserved = state.holding.reserve(amount);
        reserved.map_err(|short| No::Short(short.missing))?;
        let low = state.holding.available() < amount.plus(amount).plus(amount);
        Ok((state.start, low))
    }

    pub(super) fn holding_of<T>(
        &self,
        window_start: UnixMillis,
        then: impl FnOnce(&mut Holding) -> T,
    ) -> Option<T> {
        let mut state = self.lock();
        if state.start == window_start {
            return Some(then(&mut state.holding));
        }
        state
            .past
            .iter_mut()
            .find(|(start, _)| *start == window_start)
            .map(|(_, holding)| then(holding))
    }

    pub(super) fn settle(&self, window_start: UnixMillis, reserved: Money, actual: Money) {
        let overrun = self.holding_of(window_start, |holding| holding.settle(reserved, actual));
        if let Some(overrun) = overrun.filter(|overrun| !overrun.is_none()) {
            // Only a provider that used more than it was asked for comes here. It is counted all the same.
            tracing::error!(budget = %self.id(), nanos = overrun.0.nanos(), "a call cost more than its bound");
        }
        let mut state = self.lock();
        state.recent = state.recent.plus(actual);
    }

    pub(super) fn void(&self, window_start: UnixMillis, reserved: Money) {
        self.holding_of(window_start, |holding| holding.void(reserved));
    }

    /// The budget and its window, if no refusal of it was told of in that window, or it was raised since.
    pub(crate) fn first_refusal(&self) -> Option<(Budget, UnixMillis)> {
        let mut state = self.lock();
        let now = (state.start, state.budget.limit);
        (state.told.replace(now) != Some(now)).then(|| (state.budget.clone(), now.0))
    }

    /// The refusal could not be told of: the next one is.
    pub(crate) fn forget_refusal(&self) {
        self.lock().told = None;
    }

    pub(super) fn waits_for(&self, change: impl FnOnce(Money) -> Money) {
        let mut state = self.lock();
        state.waiting = change(state.waiting);
    }

    /// The store did not say that it took `amount` back. A lease that is gone needs nothing more.
    pub(super) fn not_given_back(&self, window_start: UnixMillis, amount: Money, error: &StoreError) {
        if *error == StoreError::NotFound {
            return;
        }
        let mut state = self.lock();
        if state.start == window_start {
            state.unsure = true;
        } else if let Some((_, holding)) = state.past.iter_mut().find(|(start, _)| *start == window_start) {
            holding.undo_give_back(amount);
        }
    }
}

impl State {
    /// Moves to the current window; the old one stays until its calls are settled.
    pub(super) fn roll(&mut self, now: UnixMillis) {
        if self.end.is_none_or(|end| now < end) {
            return;
        }
        let old = std::mem::replace(&mut self.holding, Holding::new());
        self.past.push((self.start, old));
        self.start = self.budget.start(now);
        self.end = self.budget.end(now);
        self.exhausted = None;
        self.remaining_hint = self.budget.limit;
    }
}
