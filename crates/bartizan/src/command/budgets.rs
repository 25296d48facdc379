//! `bartizan budgets`: hard limits of money or tokens over a window, and how they stand.

mod create;
mod time;
mod view;

use clap::{Args, Subcommand};
use domain::{Money, Permission, TenantScope, UnixMillis};
use ledger::{Budget, Increase, Pause, Terms, Unit};
use store::Change;

use crate::failure::Failure;

use super::find::Names;
use super::instance::Instance;
use super::show::Show;
use view::{BudgetList, BudgetView, Deleted};

/// What to do with budgets.
#[derive(Debug, Subcommand)]
pub enum BudgetsCommand {
    /// Limit what a tenant, a team, a key or somebody may spend
    Create(Box<create::CreateArgs>),
    /// List budgets with what is spent, held and left in the current window
    #[command(after_help = "\
Examples:
  bartizan budgets list
  bartizan budgets list --json | jq '.[] | {name, remaining_nanos}'

spent        settled and in the ledger
leased       held by serving nodes, for calls under way and to come
unexplained  held by a node that stopped answering; counted against the limit until its journal is read
remaining    what may still be leased: limit - spent - leased - unexplained

The bar shows spent (█), held (▒) and left (░).")]
    List {
        /// Only this tenant's
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// Change a budget's limit; holds from the next lease on
    #[command(after_help = "\
Examples:
  bartizan budgets set-limit \"first month\" 25.00
  bartizan budgets set-limit bgt_0198f7c2a8d27c51b5a1f3d1c0ffee00 0        nothing more may be spent")]
    SetLimit {
        /// Which budget
        #[command(flatten)]
        budget: OneBudget,
        /// The new limit: dollars, or tokens of a budget of tokens
        #[arg(value_name = "LIMIT")]
        limit: String,
    },
    /// Pause a budget: within a second no node begins a call that would spend from it
    #[command(after_help = "\
Examples:
  bartizan budgets pause \"agents daily\" --why \"an agent runs in circles\"")]
    Pause {
        /// Which budget
        #[command(flatten)]
        budget: OneBudget,
        /// Why, for whoever looks at the budget and for the audit log
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let a paused budget be spent again
    #[command(after_help = "\
Examples:
  bartizan budgets resume \"agents daily\"")]
    Resume(OneBudget),
    /// Raise a budget's limit for a while; by itself it is lower again after
    #[command(after_help = "\
Examples:
  bartizan budgets increase \"agents daily\" 50 --for 48h --why \"the launch\"")]
    Increase {
        /// Which budget
        #[command(flatten)]
        budget: OneBudget,
        /// How much more: dollars, or tokens of a budget of tokens
        #[arg(value_name = "AMOUNT")]
        amount: String,
        /// For how long, such as 90m, 48h or 7d
        #[arg(long = "for", value_name = "DURATION", value_parser = crate::command::arguments::duration)]
        lasts: std::time::Duration,
        /// Why, for whoever looks at the budget and for the audit log
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// End an increase before its time; what was spent stays spent
    #[command(after_help = "\
Examples:
  bartizan budgets end-increase \"ci monthly\" 1")]
    EndIncrease {
        /// Which budget
        #[command(flatten)]
        budget: OneBudget,
        /// The increase's number, as `bartizan budgets list --json` has it
        #[arg(value_name = "NUMBER")]
        number: u32,
    },
    /// Remove a budget and its leases: nothing limits any more what it limited
    #[command(after_help = "\
Examples:
  bartizan budgets delete \"ci monthly\"")]
    Delete(OneBudget),
}

/// One budget.
#[derive(Debug, Args)]
pub struct OneBudget {
    /// Its id or its name
    #[arg(value_name = "BUDGET")]
    budget: String,
    /// Look in this tenant only
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

impl OneBudget {
    fn find<'a>(&self, names: &'a Names) -> Result<&'a Budget, Failure> {
        names.budget(names.tenant_if_named(self.tenant.as_deref())?, &self.budget)
    }
}

/// Runs one of them.
pub async fn run(command: BudgetsCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    match command {
        BudgetsCommand::Create(args) => {
            let budget = args.budget(instance.store.as_ref(), &names).await?;
            let change = Change::PutBudget(budget.clone());
            instance
                .act(budget.tenant, Permission::BudgetsCreate, budget.id, &[change])
                .await?;
            show.say(&standing(&budget, instance, &names).await?)
        }
        BudgetsCommand::List { tenant } => list(tenant.as_deref(), instance, &names, show).await,
        BudgetsCommand::SetLimit { budget, limit } => {
            let before = budget.find(&names)?;
            let after = Budget {
                limit: limit_in(before.terms.unit, &limit).map_err(Failure::usage)?,
                ..before.clone()
            };
            show.say(&replaced(before, after, instance, &names).await?)
        }
        BudgetsCommand::Pause { budget, why } => {
            let (since, why) = (UnixMillis::now(), why.trim().to_owned());
            let paused = Some(Pause { since, why });
            turn(budget.find(&names)?, paused, instance, &names, show).await
        }
        BudgetsCommand::Increase {
            budget,
            amount,
            lasts,
            why,
        } => {
            let before = budget.find(&names)?;
            let amount = limit_in(before.terms.unit, &amount).map_err(Failure::usage)?;
            let after = increased(before, amount, lasts, &why)?;
            show.say(&replaced(before, after, instance, &names).await?)
        }
        BudgetsCommand::EndIncrease { budget, number } => {
            let before = budget.find(&names)?;
            let mut after = before.clone();
            after.terms.increases.retain(|it| it.number != number);
            if after == *before {
                return Err(Failure::not_found(format!("there is no increase {number}")));
            }
            show.say(&replaced(before, after, instance, &names).await?)
        }
        BudgetsCommand::Resume(budget) => turn(budget.find(&names)?, None, instance, &names, show).await,
        BudgetsCommand::Delete(one) => {
            let budget = one.find(&names)?;
            let change = Change::DeleteBudget(budget.id);
            instance
                .act(budget.tenant, Permission::BudgetsDelete, budget.id, &[change])
                .await?;
            show.say(&Deleted {
                deleted: budget.id,
                name: budget.name.clone(),
            })
        }
    }
}

/// The budget with one more increase; those that have ended are forgotten.
fn increased(
    before: &Budget,
    amount: Money,
    lasts: std::time::Duration,
    why: &str,
) -> Result<Budget, Failure> {
    let (since, mut terms) = (UnixMillis::now(), before.terms.clone());
    let number = terms.increases.iter().map(|it| it.number).max().unwrap_or(0);
    terms.increases.retain(|it| since < it.until);
    terms.increases.push(Increase {
        number: number.saturating_add(1),
        amount,
        since,
        until: since.plus(lasts),
        why: why.trim().to_owned(),
    });
    let terms = terms.tidied(before.window);
    Ok(Budget {
        terms: terms.map_err(|error| Failure::usage(error.to_string()))?,
        ..before.clone()
    })
}

async fn turn(
    before: &Budget,
    paused: Option<Pause>,
    instance: &Instance,
    names: &Names,
    show: Show,
) -> Result<(), Failure> {
    if before.terms.paused.is_some() == paused.is_some() {
        return show.say(&standing(before, instance, names).await?);
    }
    let terms = Terms {
        paused,
        ..before.terms.clone()
    };
    let after = Budget {
        terms: terms
            .tidied(before.window)
            .map_err(|error| Failure::usage(error.to_string()))?,
        ..before.clone()
    };
    show.say(&replaced(before, after, instance, names).await?)
}

async fn replaced(
    before: &Budget,
    after: Budget,
    instance: &Instance,
    names: &Names,
) -> Result<BudgetView, Failure> {
    let change = Change::ReplaceBudget {
        before: Box::new(before.clone()),
        after: Box::new(after.clone()),
    };
    let permission = Permission::BudgetsUpdate;
    instance
        .act(after.tenant, permission, after.id, &[change])
        .await?;
    standing(&after, instance, names).await
}

/// A limit of a budget that counts so.
fn limit_in(unit: Unit, text: &str) -> Result<Money, String> {
    match unit {
        Unit::Money => amount(text),
        Unit::Tokens => tokens(text),
    }
}

/// A number of tokens, at least 0.
pub fn tokens(text: &str) -> Result<Money, String> {
    let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
    number
        .map(Money::from_nanos)
        .ok_or_else(|| "expected a whole number of tokens".to_owned())
}

/// An amount of dollars, at least 0.
pub fn amount(text: &str) -> Result<Money, String> {
    match text.parse::<Money>() {
        Ok(money) if money.is_negative() => Err("an amount is not negative".to_owned()),
        other => other.map_err(|_| "expected dollars with at most nine decimals, such as `12.50`".to_owned()),
    }
}

async fn list(tenant: Option<&str>, instance: &Instance, names: &Names, show: Show) -> Result<(), Failure> {
    let tenant = names.tenant_if_named(tenant)?;
    let mut views = Vec::new();
    for budget in names
        .all()
        .budgets
        .iter()
        .filter(|budget| tenant.is_none_or(|tenant| budget.tenant == tenant) && !budget.is_stop())
    {
        views.push(standing(budget, instance, names).await?);
    }
    show.say(&BudgetList(views))
}

async fn standing(budget: &Budget, instance: &Instance, names: &Names) -> Result<BudgetView, Failure> {
    let now = UnixMillis::now();
    let scope = TenantScope::operator(budget.tenant);
    let standing = instance
        .store
        .standing(&scope, budget.id, budget.start(now))
        .await?;
    Ok(BudgetView::new(budget, &standing, names, now))
}
