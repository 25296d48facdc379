//! Budgets, their windows, and what one node holds of them.

use domain::{BudgetId, KeyId, Money, NodeId, ProjectId, TeamId, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

/// What a budget limits within its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum BudgetScope {
    /// Everything of the tenant.
    Tenant,
    /// One team.
    Team(TeamId),
    /// One project.
    Project(ProjectId),
    /// One virtual key.
    Key(KeyId),
}

/// Over what stretch of time a budget is counted. Calendar windows are UTC; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Once, never renewed.
    Total,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week from Monday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// A hard limit of money over a window. `settled + reserved + leased` never exceeds `limit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Which budget.
    pub id: BudgetId,
    /// Whose.
    pub tenant: TenantId,
    /// What it limits.
    pub scope: BudgetScope,
    /// What people call it.
    pub name: String,
    /// How much.
    pub limit: Money,
    /// Over what time.
    pub window: Window,
}

/// One node's slice of one budget in one window. A node has at most one for each; it grows and shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The budget it is cut from.
    pub budget: BudgetId,
    /// The window: when it began ([`Window::start`]).
    pub window_start: UnixMillis,
    /// Who may spend it.
    pub node: NodeId,
    /// All that was ever granted and not given back.
    pub amount: Money,
    /// Of `amount`: settled and shipped.
    pub used: Money,
    /// Until when the node must renew; past it the remainder is counted as unexplained until the node
    /// has replayed its journal. It is never granted to another node meanwhile.
    pub expires: UnixMillis,
}

/// What one settled entry takes from one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The budget.
    pub budget: BudgetId,
    /// The window the money was reserved in, also when the call ended in the next.
    pub window_start: UnixMillis,
    /// How much; may be zero.
    pub amount: Money,
}

/// How a budget stands in one window, over all nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Settled and shipped.
    pub spent: Money,
    /// Out on leases of living nodes and not yet shipped as spent.
    pub leased: Money,
    /// Remainders of expired leases, counted against the limit until their node has replayed its journal.
    pub unexplained: Money,
}

impl Standing {
    /// What may still be leased of `limit`.
    pub fn remaining(&self, limit: Money) -> Money {
        limit.minus_floor_zero(self.spent.plus(self.leased).plus(self.unexplained))
    }
}
