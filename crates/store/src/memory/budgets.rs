//! Budgets and leases in memory.

use async_trait::async_trait;
use domain::{BudgetId, Money, NodeId, TenantScope, UnixMillis};
use ledger::{Budget, Charge, Lease, Standing, is_session_window};

use super::{MemoryStore, State, WindowRow};
use crate::accounts::{self, Held};
use crate::{Budgets, Change, LeaseAnswer, LeaseWish, MARKS_DUE_MAX, MarkDue, StoreError};

impl State {
    /// The tenant's budget.
    fn budget(&self, scope: &TenantScope, id: BudgetId) -> Result<&Budget, StoreError> {
        let found = self
            .rows
            .budgets
            .get(&id)
            .filter(|budget| budget.tenant == scope.tenant());
        found.ok_or(StoreError::NotFound)
    }

    /// The row of a window; one that is opened now gets what is carried into it.
    fn open(&mut self, budget: &Budget, start: UnixMillis) -> &mut WindowRow {
        let place = (budget.id, start);
        if let (false, Some(before)) = (self.windows.contains_key(&place), budget.carries_from(start)) {
            let before = self.windows.entry((budget.id, before)).or_default();
            let opened = accounts::open(budget, &mut before.standing);
            self.windows.entry(place).or_default().standing = opened;
        }
        self.windows.entry(place).or_default()
    }

    /// How a window would stand that nobody has opened yet.
    fn to_be_opened(&self, budget: &Budget, start: UnixMillis) -> Standing {
        let Some(before) = budget.carries_from(start) else {
            return Standing::default();
        };
        let row = self.windows.get(&(budget.id, before));
        let mut before = row.map(|row| row.standing).unwrap_or_default();
        accounts::open(budget, &mut before)
    }

    /// How the buckets stand that lie in a rolling window with this one, without itself.
    fn beside(&self, budget: &Budget, start: UnixMillis) -> Standing {
        let Some(rolling) = budget.terms.rolling else {
            return Standing::default();
        };
        let (first, last) = rolling.beside(start);
        let rows = self.windows.range((budget.id, first)..=(budget.id, last));
        let others = rows.filter(|((_, at), _)| *at != start);
        accounts::sum(others.map(|(_, row)| &row.standing))
    }

    /// Counts a charge as spent; one on a budget that is gone is nobody's.
    pub(super) fn charge(&mut self, scope: &TenantScope, node: NodeId, charge: &Charge) {
        let Ok(budget) = self.budget(scope, charge.budget) else {
            return;
        };
        let budget = budget.clone().of_window(charge.window_start);
        let (limit, terms) = (budget.limit, budget.terms.clone());
        let row = self.open(&budget, charge.window_start);
        accounts::charge(&mut row.standing, row.leases.get_mut(&node), charge.amount);
        row.reached = terms.reached(row.standing.spent, limit).max(row.reached);
    }
}

/// A window of a budget, and the highest mark told in it.
type Told = ((BudgetId, UnixMillis), u8);

impl State {
    /// What changes of the windows' marks these are, if all of them can be made.
    pub(super) fn telling(&self, scope: &TenantScope, changes: &[Change]) -> Result<Vec<Told>, StoreError> {
        let mut told = Vec::new();
        for change in changes {
            let Change::TellMarks {
                budget,
                window_start,
                before,
                after,
            } = change
            else {
                continue;
            };
            let place = (*budget, *window_start);
            let row = self.budget(scope, *budget).ok().and(self.windows.get(&place));
            if row.is_none_or(|row| row.told != *before) {
                return Err(StoreError::Conflict("the mark was told meanwhile".to_owned()));
            }
            told.push((place, *after));
        }
        Ok(told)
    }
}

impl WindowRow {
    fn grow(&mut self, limit: Money, wish: &LeaseWish) -> LeaseAnswer {
        let mut held = self.leases.get(&wish.node).copied().unwrap_or(Held::new(wish));
        let answer = accounts::grow(&mut self.standing, limit, &mut held, wish);
        if matches!(answer, LeaseAnswer::Granted { .. }) {
            self.leases.insert(wish.node, held);
        }
        answer
    }

    fn expire(&mut self, now: UnixMillis) -> u64 {
        let mut count = 0;
        for held in self.leases.values_mut().filter(|held| held.is_due(now)) {
            accounts::expire(&mut self.standing, held);
            count += 1;
        }
        count
    }

    fn close(&mut self, node: NodeId) -> Option<Lease> {
        let held = self.leases.remove(&node)?;
        accounts::close(&mut self.standing, &held);
        Some(held.lease)
    }
}

#[async_trait]
impl Budgets for MemoryStore {
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError> {
        let state = self.state();
        Ok(state
            .rows
            .budgets
            .values()
            .filter(|budget| budget.tenant == scope.tenant())
            .cloned()
            .collect())
    }

    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError> {
        let mut state = self.state();
        let budget = state
            .budget(scope, wish.budget)?
            .clone()
            .of_window(wish.window_start);
        let others = state.beside(&budget, wish.window_start).taken();
        let limit = accounts::limit(&budget, wish.at, others);
        let row = state.open(&budget, wish.window_start);
        row.touched = row.touched.max(wish.at);
        Ok(row.grow(limit, wish))
    }

    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError> {
        let mut state = self.state();
        state.budget(scope, lease.budget)?;
        let row = state
            .windows
            .get_mut(&(lease.budget, lease.window_start))
            .ok_or(StoreError::NotFound)?;
        let held = row.leases.get_mut(&lease.node).ok_or(StoreError::NotFound)?;
        Ok(accounts::shrink(&mut row.standing, held, amount))
    }

    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError> {
        for row in self.state().windows.values_mut() {
            if let Some(held) = row.leases.get_mut(&node) {
                accounts::revive(&mut row.standing, held, expires);
            }
        }
        Ok(())
    }

    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError> {
        Ok(self.state().windows.values_mut().map(|row| row.expire(now)).sum())
    }

    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError> {
        Ok(self
            .state()
            .windows
            .values_mut()
            .filter_map(|row| row.close(node))
            .collect())
    }

    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        window_start: UnixMillis,
    ) -> Result<Standing, StoreError> {
        let state = self.state();
        let found = &state.budget(scope, budget)?.clone().of_window(window_start);
        let others = state.beside(found, window_start);
        let own = match state.windows.get(&(budget, window_start)) {
            Some(row) => row.standing,
            None => state.to_be_opened(found, window_start),
        };
        Ok(accounts::sum([&own, &others]))
    }

    async fn forget_sessions(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let mut state = self.state();
        let had = state.windows.len();
        state.windows.retain(|(_, start), row| {
            let is_held = row.standing.leased.plus(row.standing.unexplained) > Money::ZERO;
            !is_session_window(*start) || is_held || row.touched >= before
        });
        Ok(had.saturating_sub(state.windows.len()) as u64)
    }

    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError> {
        let state = self.state();
        let due = state.windows.iter().filter(|(_, row)| row.told < row.reached);
        let marks = due.filter_map(|((budget, window_start), row)| {
            Some(MarkDue {
                budget: state.rows.budgets.get(budget)?.clone(),
                window_start: *window_start,
                spent: row.standing.spent,
                told: row.told,
                reached: row.reached,
            })
        });
        Ok(marks
            .take(usize::try_from(MARKS_DUE_MAX).unwrap_or(usize::MAX))
            .collect())
    }
}
