//! Budgets as people and programs see them.

use std::io::{self, Write};

use domain::{BudgetId, Money, TenantId, UnixMillis};
use ledger::{Budget, BudgetScope, Standing, Terms, Unit, Window};
use serde::Serialize;

use super::time::said;
use crate::command::arguments::{limit_of, rfc3339, window_name};
use crate::command::find::Names;
use crate::command::show::Shown;
use crate::command::table::{Column, Table, facts};

/// Characters of a bar.
const BAR: u64 = 10;

/// A budget and how it stands in the current window.
#[derive(Debug, Serialize)]
pub struct BudgetView {
    id: BudgetId,
    name: String,
    tenant: String,
    tenant_id: TenantId,
    scope: BudgetScope,
    #[serde(skip)]
    of: String,
    #[serde(skip)]
    period: Window,
    window: &'static str,
    #[serde(skip)]
    said_window: String,
    window_start: Option<String>,
    window_end: Option<String>,
    #[serde(flatten)]
    terms: Terms,
    #[serde(skip)]
    limit: Money,
    #[serde(skip)]
    spent: Money,
    #[serde(skip)]
    leased: Money,
    #[serde(skip)]
    unexplained: Money,
    #[serde(skip)]
    remaining: Money,
    #[serde(skip)]
    carried: Money,
    /// Increases are in force.
    #[serde(skip)]
    is_raised: bool,
    #[serde(flatten)]
    amounts: Amounts,
}

/// The same five for programs, by what the budget counts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Amounts {
    Money {
        limit_nanos: Money,
        spent_nanos: Money,
        leased_nanos: Money,
        unexplained_nanos: Money,
        remaining_nanos: Money,
    },
    Tokens {
        limit_tokens: Money,
        spent_tokens: Money,
        leased_tokens: Money,
        unexplained_tokens: Money,
        remaining_tokens: Money,
    },
}

impl Amounts {
    fn of(limit: Money, standing: &Standing, remaining: Money, unit: Unit) -> Self {
        match unit {
            Unit::Money => Self::Money {
                limit_nanos: limit,
                spent_nanos: standing.spent,
                leased_nanos: standing.leased,
                unexplained_nanos: standing.unexplained,
                remaining_nanos: remaining,
            },
            Unit::Tokens => Self::Tokens {
                limit_tokens: limit,
                spent_tokens: standing.spent,
                leased_tokens: standing.leased,
                unexplained_tokens: standing.unexplained,
                remaining_tokens: remaining,
            },
        }
    }
}

/// An amount for people: dollars, or tokens.
fn money(amount: Money, unit: Unit) -> String {
    match unit {
        Unit::Money => format!("${amount}"),
        Unit::Tokens => format!("{} tokens", amount.nanos()),
    }
}

impl BudgetView {
    /// The budget at `now`, of which this is the standing in the window that holds `now`.
    pub fn new(budget: &Budget, standing: &Standing, names: &Names, now: UnixMillis) -> Self {
        let limit_now = budget.limit_at(now);
        let limit_open = budget.shut(now).map_or(limit_now, |_| Money::ZERO);
        let remaining = standing.remaining(limit_open);
        Self {
            id: budget.id,
            name: budget.name.clone(),
            tenant: names.tenant_name(budget.tenant),
            tenant_id: budget.tenant,
            scope: budget.scope,
            of: names.scope_name(budget),
            period: budget.window,
            window: window_name(budget.window),
            said_window: said(window_name(budget.window), &budget.terms),
            window_start: rfc3339(budget.start(now)),
            window_end: budget.end(now).and_then(rfc3339),
            terms: budget.terms.clone(),
            amounts: Amounts::of(budget.limit, standing, remaining, budget.terms.unit),
            limit: budget.limit,
            spent: standing.spent,
            leased: standing.leased,
            unexplained: standing.unexplained,
            remaining,
            carried: standing.carried,
            is_raised: limit_now > budget.limit,
        }
    }

    fn bar(&self) -> String {
        let held = self.spent.plus(self.leased).plus(self.unexplained);
        let (spent, taken) = (tenths(self.spent, self.limit), tenths(held, self.limit));
        let part =
            |character: char, count: u64| std::iter::repeat_n(character, usize::try_from(count).unwrap_or(0));
        part('█', spent)
            .chain(part('▒', taken.saturating_sub(spent)))
            .chain(part('░', BAR - taken))
            .collect()
    }
}

/// How many characters of a bar an amount is: none only if nothing, all only if all.
fn tenths(amount: Money, of: Money) -> u64 {
    let (amount, of) = (
        amount.nanos().max(0).unsigned_abs(),
        of.nanos().max(0).unsigned_abs(),
    );
    match (amount, of) {
        (0, 1..) => 0,
        (amount, of) if amount >= of => BAR,
        (amount, of) => {
            let share = u128::from(amount) * u128::from(BAR) / u128::from(of);
            u64::try_from(share).unwrap_or(BAR).clamp(1, BAR - 1)
        }
    }
}

impl Shown for BudgetView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}  {}", self.id, self.name)?;
        let unit = self.terms.unit;
        let limit = match unit {
            Unit::Money if self.said_window != self.window => {
                format!("{} ({})", money(self.limit, unit), self.said_window)
            }
            Unit::Money => limit_of(self.limit, self.period),
            Unit::Tokens => format!("{} ({})", money(self.limit, unit), self.said_window),
        };
        let mut all = vec![
            ("limits", self.of.clone()),
            ("limit", limit),
            ("spent", money(self.spent, unit)),
            ("leased", money(self.leased, unit)),
            ("unexplained", money(self.unexplained, unit)),
            (
                "remaining",
                format!("{}  {}", money(self.remaining, unit), self.bar()),
            ),
            (
                "window ends",
                self.window_end.clone().unwrap_or_else(|| "never".to_owned()),
            ),
        ];
        if !self.terms.marks.is_empty() {
            let marks: Vec<_> = self.terms.marks.iter().map(|mark| format!("{mark} %")).collect();
            all.push(("marks", marks.join(", ")));
        }
        if let Some(pause) = &self.terms.paused {
            let since = rfc3339(pause.since).unwrap_or_default();
            all.push(("paused", format!("since {since}: {}", pause.why)));
        }
        for increase in &self.terms.increases {
            let (amount, until) = (money(increase.amount, unit), rfc3339(increase.until));
            let until = until.unwrap_or_default();
            let text = format!(
                "{}: {amount} more until {until}: {}",
                increase.number, increase.why
            );
            all.push(("increase", text));
        }
        if self.terms.rollover.is_some() {
            all.push(("carried over", money(self.carried, unit)));
        }
        facts(out, &all)
    }
}

/// All budgets.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct BudgetList(pub Vec<BudgetView>);

impl Shown for BudgetList {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "no budgets; `bartizan budgets create` makes one");
        }
        let mut table = Table::new(&[
            Column::Text("name"),
            Column::Text("limits"),
            Column::Text("window"),
            Column::Number("limit $"),
            Column::Number("spent"),
            Column::Number("leased"),
            Column::Number("unexplained"),
            Column::Number("remaining"),
            Column::Text(""),
            Column::Text("id"),
        ]);
        for budget in &self.0 {
            let money = |money: Money| match budget.terms.unit {
                Unit::Money => money.to_string(),
                Unit::Tokens => format!("{} tok", money.nanos()),
            };
            let name = match (&budget.terms.paused, budget.is_raised) {
                (Some(_), _) => format!("{} (paused)", budget.name),
                (None, true) => format!("{} (raised)", budget.name),
                (None, false) => budget.name.clone(),
            };
            table.row([
                name,
                budget.of.clone(),
                budget.said_window.clone(),
                money(budget.limit),
                money(budget.spent),
                money(budget.leased),
                money(budget.unexplained),
                money(budget.remaining),
                budget.bar(),
                budget.id.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// A budget that is gone.
#[derive(Debug, Serialize)]
pub struct Deleted {
    /// Which.
    pub deleted: BudgetId,
    /// What it was called.
    pub name: String,
}

impl Shown for Deleted {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "deleted {}  {}", self.deleted, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::show::Show;
    use store::MemoryStore;

    async fn view(limit: i64, spent: i64, leased: i64, unexplained: i64) -> BudgetView {
        let names = Names::read(&MemoryStore::new()).await.unwrap();
        let budget = Budget {
            id: BudgetId::from_u128(1),
            tenant: TenantId::from_u128(2),
            scope: BudgetScope::Tenant,
            name: "monthly".to_owned(),
            limit: Money::from_dollars(limit),
            window: Window::Month,
            terms: Terms::default(),
        };
        let dollars = Money::from_dollars;
        let standing = Standing {
            spent: dollars(spent),
            leased: dollars(leased),
            unexplained: dollars(unexplained),
            ..Standing::default()
        };
        BudgetView::new(&budget, &standing, &names, UnixMillis(1_795_316_650_000))
    }

    #[tokio::test]
    async fn bars_show_what_is_spent_held_and_left() {
        for (amounts, bar) in [
            ((100, 0, 0, 0), "░░░░░░░░░░"),
            ((100, 1, 0, 0), "█░░░░░░░░░"),
            ((100, 50, 20, 10), "█████▒▒▒░░"),
            ((100, 99, 0, 0), "█████████░"),
            ((100, 100, 0, 0), "██████████"),
            ((100, 150, 0, 0), "██████████"),
            ((0, 0, 0, 0), "██████████"),
        ] {
            let (limit, spent, leased, unexplained) = amounts;
            assert_eq!(
                view(limit, spent, leased, unexplained).await.bar(),
                bar,
                "{amounts:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_budget_is_shown_as_reviewed() {
        let said = |what: &dyn Fn(Show, &mut Vec<u8>)| {
            let mut out = Vec::new();
            what(Show::new(false), &mut out);
            what(Show::new(true), &mut out);
            String::from_utf8(out).unwrap()
        };
        let one = view(10, 3, 2, 1).await;
        insta::assert_snapshot!(said(&|show, out| show.write(&one, out).unwrap()));
        let list = BudgetList(vec![one]);
        insta::assert_snapshot!(said(&|show, out| if out.is_empty() {
            show.write(&list, out).unwrap()
        }));
    }
}
