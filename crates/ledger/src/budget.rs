//! Budgets, their windows, and what one node holds of them.

use domain::{
    ActorId, BudgetId, KeyId, Money, NodeId, ProjectId, ServiceId, TeamId, TenantId, UnixMillis, UserId,
};
use serde::{Deserialize, Serialize};

use crate::session::is_session_window;
use crate::{Between, Shut, Terms, zone};

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

/// Over what stretch of time a budget is counted. Calendar windows are UTC unless its terms name a zone; weeks begin
/// on Monday.
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

    /// The budget as it holds in the window that began at `start`: in a session's, its ceiling for one session and
    /// nothing else that it says of time.
    // threat: AGP-D1
    #[must_use]
    pub fn of_window(self, start: UnixMillis) -> Self {
        if !is_session_window(start) {
            return self;
        }
        let limit = self.terms.per_session.map_or(Money::ZERO, |it| it.limit);
        let until = UnixMillis(i64::MAX);
        let terms = Terms {
            only: self.terms.only,
            unit: self.terms.unit,
            paused: self.terms.paused,
            between: Some(Between { from: start, until }),
            ..Terms::default()
        };
        let window = Window::Total;
        Self {
            limit,
            window,
            terms,
            ..self
        }
    }

    /// Whether it is a stop: a budget of one session that was made to pause it, and holds nothing.
    pub fn is_stop(&self) -> bool {
        self.scope == BudgetScope::Tenant
            && self.limit == Money::ZERO
            && self.terms.only.session.is_some()
            && self.terms.paused.is_some()
    }

    /// When the window that holds `now` began and when it ends, if ever. Of a rolling window: the bucket.
    pub fn period(&self, now: UnixMillis) -> (UnixMillis, Option<UnixMillis>) {
        if let Some(rolling) = self.terms.rolling {
            let start = rolling.start(now);
            return (
                start,
                Some(UnixMillis(start.0.saturating_add(rolling.bucket_ms()))),
            );
        }
        if let Some(between) = self.terms.between {
            return (between.from, Some(between.until));
        }
        match self.terms.zone.as_deref().and_then(zone::named) {
            Some((zone, _)) => zone::period(self.window, &zone, now),
            None => (self.window.start(now), self.window.end(now)),
        }
    }

    /// When the window that holds `now` began.
    pub fn start(&self, now: UnixMillis) -> UnixMillis {
        self.period(now).0
    }

    /// When the window that holds `now` ends; `None` is never.
    pub fn end(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.period(now).1
    }

    /// Whether this version can tell its windows. A zone that only a later version knows cannot be told: nothing is
    /// spent then.
    pub fn is_legible(&self) -> bool {
        let zone = self.terms.zone.as_deref();
        zone.is_none_or(|name| zone::named(name).is_some())
    }

    /// Why nothing is spent from it at `now`, if its time is not then.
    pub fn shut(&self, now: UnixMillis) -> Option<Shut> {
        self.terms.between.and_then(|between| between.shut(now))
    }

    /// Its limit at `now`, with the increases that are in force. What was carried over comes on top.
    pub fn limit_at(&self, now: UnixMillis) -> Money {
        let in_force = self.terms.increases.iter().filter(|it| now < it.until);
        in_force.fold(self.limit, |limit, it| limit.plus(it.amount))
    }

    /// The most that a window may ever hold as things are at `now`: by this a raise is weighed.
    pub fn most_at(&self, now: UnixMillis) -> Money {
        let carried = self.terms.rollover.map_or(Money::ZERO, |it| it.most(self.limit));
        self.limit_at(now).plus(carried)
    }

    /// The window before the one that began at `start`, if what was not spent of it is carried over.
    pub fn carries_from(&self, start: UnixMillis) -> Option<UnixMillis> {
        let rollover = self.terms.rollover.filter(|it| it.since < start)?;
        let before = self.start(UnixMillis(start.0.checked_sub(1)?));
        (rollover.percent_max > 0 && before < start).then_some(before)
    }

    /// What of a window that stands so is carried into the next: what nobody spent, holds or has not explained, as
    /// far as the budget's own limit reaches. What was carried in itself is spent first, and carried no further.
    pub fn carried(&self, before: &Standing) -> Money {
        let most = self.terms.rollover.map_or(Money::ZERO, |it| it.most(self.limit));
        most.min(before.remaining(self.limit)).max(Money::ZERO)
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
    /// What was carried in from the window before, less what was carried out into the next.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub carried: Money,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(money: &Money) -> bool {
    *money == Money::ZERO
}

impl Standing {
    /// What is spent or held.
    pub fn taken(&self) -> Money {
        self.spent.plus(self.leased).plus(self.unexplained)
    }

    /// What may still be leased of `limit` and what was carried in.
    pub fn remaining(&self, limit: Money) -> Money {
        limit.plus(self.carried).minus_floor_zero(self.taken())
    }

    /// Moves what may be carried of this window into one that is opened.
    // threat: AGP-D1
    pub fn carry(&mut self, amount: Money, opened: &mut Self) {
        self.carried = self.carried.minus(amount);
        opened.carried = opened.carried.plus(amount);
    }
}
