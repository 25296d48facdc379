//! How budgets are used, how fast they are spent, and when they are gone.

use std::collections::BTreeMap;

use credential::KeyRecord;
use domain::{ActorId, Money, UnixMillis};
use finops::{Burn, Day, Standing, burn, utilisation};
use ledger::{Budget, BudgetScope, Unit};
use schemars::JsonSchema;
use serde::Serialize;
use store::{DirectoryDump, StoreError};

use super::{By, From, History, daily};
use crate::resource::budgets::BudgetView;
use crate::resource::words::time;

/// Days that are looked back at.
const BEFORE: i64 = 91;

/// An amount and its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AmountRange")]
pub struct Range {
    /// On the mean.
    pub expected: i64,
    /// Seldom below this.
    pub lower: i64,
    /// Seldom above this.
    pub upper: i64,
}

/// One budget.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BudgetOutlook")]
pub struct BudgetLine {
    /// The budget.
    pub budget: BudgetView,
    /// What the amounts of this row are: `nanos` of dollars, or `tokens`.
    pub unit: &'static str,
    /// When the window began, RFC 3339.
    pub window_start: String,
    /// When it ends; not there if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_end: Option<String>,
    /// Spent in it.
    pub spent: i64,
    /// What is left.
    pub remaining: i64,
    /// Spent, in hundredths of a per cent of the limit.
    pub used_bp: i64,
    /// How much of the window is over, likewise; not there of one that never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_bp: Option<i64>,
    /// What the next three are reckoned from: the `days` before, the `pace` of the window, or nothing (`unknown`).
    pub basis: &'static str,
    /// Spent a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_per_day: Option<i64>,
    /// In how many of ten thousand futures it is gone before its window ends, or within 92 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhaustion_chance_bp: Option<i64>,
    /// When it is gone, a day or (of a `pace`) a time; not there if it lasts as long as is looked ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<String>,
    /// The day by which it is gone in one of ten futures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted_earliest: Option<String>,
    /// The day by which it is gone in nine of ten futures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted_latest: Option<String>,
    /// What the window will have cost at its end, where that is within 92 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_end: Option<Range>,
}

/// Budgets.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BudgetsOutlook")]
pub struct BudgetsView {
    /// Those most used first.
    pub budgets: Vec<BudgetLine>,
}

/// Where these budgets stand. `directory` holds the keys by which what a person, project or service spends is known.
pub async fn budgets(
    from: From<'_>,
    asked: &[&Budget],
    (directory, now): (&DirectoryDump, UnixMillis),
) -> Result<BudgetsView, StoreError> {
    let today = Day::of(now);
    let mut known = BTreeMap::new();
    let mut lines = Vec::new();
    for budget in asked {
        let standing = from
            .store
            .standing(from.scope, budget.id, budget.start(now))
            .await;
        let standing = match standing {
            // It was removed meanwhile.
            Err(StoreError::NotFound) => continue,
            standing => standing?,
        };
        if let Some(by) = counted_by(budget)
            && !known.contains_key(&by)
        {
            known.insert(by, daily(from, by, today.plus(-BEFORE), today).await?);
        }
        let history = counted(budget, &known, directory, today);
        let series = history.as_ref().map(|history| match budget.terms.unit {
            Unit::Money => &history.cost,
            Unit::Tokens => &history.tokens,
        });
        let standing = Standing {
            spent: standing.spent,
            limit: budget.limit,
            start: budget.start(now),
            end: budget.end(now),
            now,
        };
        lines.push(BudgetLine::new(budget, &standing, burn(&standing, series)));
        // Calls are served by the same threads.
        tokio::task::yield_now().await;
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.used_bp));
    Ok(BudgetsView { budgets: lines })
}

/// By what the days of this budget can be told apart from others; nothing where they cannot.
fn counted_by(budget: &Budget) -> Option<By> {
    let only = &budget.terms.only;
    match (budget.scope, &only.model) {
        _ if only.provider.is_some() || only.tag.is_some() => None,
        (BudgetScope::Tenant, None) => Some(By::Total),
        (BudgetScope::Tenant, Some(_)) => Some(By::Model),
        (_, Some(_)) => None,
        (BudgetScope::Team(_), None) => Some(By::Team),
        (_, None) => Some(By::Key),
    }
}

/// What this budget would have counted on the days before today.
fn counted(
    budget: &Budget,
    known: &BTreeMap<By, BTreeMap<String, History>>,
    directory: &DirectoryDump,
    today: Day,
) -> Option<History> {
    let groups = known.get(&counted_by(budget)?)?;
    let none = || {
        let empty = finops::Series::filled(today.plus(-BEFORE), today, []);
        History {
            cost: empty.clone(),
            tokens: empty,
        }
    };
    let of = |group: &str| groups.get(group).cloned().unwrap_or_else(none);
    let keys = |is_own: &dyn Fn(&KeyRecord) -> bool| {
        let own = directory
            .keys
            .iter()
            .filter(|key| key.tenant == budget.tenant && is_own(key));
        own.fold(none(), |sum, key| match groups.get(&key.id.to_string()) {
            Some(history) => sum.with(history),
            None => sum,
        })
    };
    Some(match budget.scope {
        BudgetScope::Tenant => of(budget.terms.only.model.as_deref().unwrap_or("-")),
        BudgetScope::Team(team) => of(&team.to_string()),
        BudgetScope::Key(key) => of(&key.to_string()),
        BudgetScope::Project(project) => keys(&|key| key.project == Some(project)),
        BudgetScope::User(user) => keys(&|key| key.owner == Some(ActorId::User(user))),
        BudgetScope::Service(service) => keys(&|key| key.owner == Some(ActorId::Service(service))),
    })
}

impl BudgetLine {
    fn new(budget: &Budget, standing: &Standing, burn: Burn) -> Self {
        let used = utilisation(standing);
        let line = Self {
            budget: BudgetView::from(budget),
            unit: match budget.terms.unit {
                Unit::Money => "nanos",
                Unit::Tokens => "tokens",
            },
            window_start: time(standing.start),
            window_end: standing.end.map(time),
            spent: standing.spent.nanos(),
            remaining: used.remaining.nanos(),
            used_bp: used.used_bp,
            elapsed_bp: used.elapsed_bp,
            basis: "unknown",
            burn_per_day: None,
            exhaustion_chance_bp: None,
            exhausted: None,
            exhausted_earliest: None,
            exhausted_latest: None,
            at_end: None,
        };
        match burn {
            Burn::Unknown => line,
            Burn::Pace { per_day, at } => Self {
                basis: "pace",
                burn_per_day: Some(per_day.nanos()),
                exhausted: at.map(time),
                ..line
            },
            Burn::Days { per_day, exhaustion } => {
                let range = |(lower, expected, upper): (Money, Money, Money)| Range {
                    expected: expected.nanos(),
                    lower: lower.nanos(),
                    upper: upper.nanos(),
                };
                Self {
                    basis: "days",
                    burn_per_day: Some(per_day.nanos()),
                    exhaustion_chance_bp: Some(exhaustion.chance_bp),
                    exhausted: exhaustion.expected.map(|day| day.to_string()),
                    exhausted_earliest: exhaustion.earliest.map(|day| day.to_string()),
                    exhausted_latest: exhaustion.latest.map(|day| day.to_string()),
                    at_end: exhaustion.at_end.map(range),
                    ..line
                }
            }
        }
    }
}
