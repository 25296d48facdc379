//! Budgets, their windows, and what one node holds of them.

use domain::{
    ActorId, BudgetId, KeyId, Money, NodeId, ProjectId, ServiceId, TeamId, TenantId, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};

use crate::Terms;

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
    /// The keys of one person.
    User(UserId),
    /// The keys of one service account.
    Service(ServiceId),
}

/// Whose calls, as far as budgets ask.
#[derive(Debug, Clone, Copy)]
pub struct Spender<'a> {
    /// The key.
    pub key: KeyId,
    /// Its team.
    pub team: TeamId,
    /// Its project.
    pub project: Option<ProjectId>,
    /// Whose key it is.
    pub owner: Option<ActorId>,
    /// Its tags.
    pub tags: &'a [String],
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

/// A hard limit of money or tokens over a window. `settled + reserved + leased` never exceeds `limit`.
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
    /// How much, in the unit of its terms.
    pub limit: Money,
    /// Over what time.
    pub window: Window,
    /// Everything else.
    #[serde(default)]
    pub terms: Terms,
}

impl Budget {
    /// Whether calls of `spender` may be among those it counts. What is left to ask is of each call: its model
    /// and the provider that serves it.
    pub fn covers(&self, spender: &Spender<'_>) -> bool {
        let is_in_scope = match self.scope {
            BudgetScope::Tenant => true,
            BudgetScope::Team(team) => team == spender.team,
            BudgetScope::Project(project) => spender.project == Some(project),
            BudgetScope::Key(key) => key == spender.key,
            BudgetScope::User(user) => spender.owner == Some(ActorId::User(user)),
            BudgetScope::Service(service) => spender.owner == Some(ActorId::Service(service)),
        };
        let tag = self.terms.only.tag.as_ref();
        is_in_scope && tag.is_none_or(|tag| spender.tags.contains(tag))
    }

    /// When the window that holds `now` began.
    pub fn start(&self, now: UnixMillis) -> UnixMillis {
        self.window.start(now)
    }

    /// When the window that holds `now` ends; `None` is never.
    pub fn end(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.window.end(now)
    }
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
    /// How much, in the budget's unit; may be zero.
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
