//! `bartizan budgets`: hard limits of money over a window, and how they stand.

mod view;

use clap::{Args, Subcommand};
use domain::{BudgetId, Money, Permission, TenantScope, UnixMillis};
use ledger::{Budget, BudgetScope, Window};
use store::Change;

use crate::failure::{Failure, Hint};

use super::arguments::{self, quoted, window};
use super::find::Names;
use super::instance::Instance;
use super::show::Show;
use view::{BudgetList, BudgetView, Deleted};

/// What to do with budgets.
#[derive(Debug, Subcommand)]
pub enum BudgetsCommand {
    /// Limit what a tenant, a team or a key may spend
    Create(CreateArgs),
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
        /// The new limit, in dollars
        #[arg(value_name = "DOLLARS", value_parser = amount)]
        limit: Money,
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

/// What the budget shall be.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan budgets create --name \"acme monthly\" --limit 250 --window month --tenant acme
  bartizan budgets create --name \"research daily\" --limit 12.50 --window day --team research
  bartizan budgets create --name \"ci total\" --limit 5.00 --window total --key ci

Several budgets may limit one call: all of them must have room. Windows are UTC; weeks begin on Monday.")]
pub struct CreateArgs {
    /// What people call it
    #[arg(long, value_parser = arguments::name)]
    name: String,
    /// How much, in dollars, such as 5.00
    #[arg(long, value_name = "DOLLARS", value_parser = amount)]
    limit: Money,
    /// Over what time: minute, hour, day, week, month, year or total
    #[arg(long, value_name = "WINDOW", value_parser = window)]
    window: Window,
    /// Whose it is; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Limit this team; without --team and --key it limits the whole tenant
    #[arg(long, value_name = "TEAM", conflicts_with = "key")]
    team: Option<String>,
    /// Limit this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Runs one of them.
pub async fn run(command: BudgetsCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    match command {
        BudgetsCommand::Create(args) => {
            let budget = args.budget(&names)?;
            let change = Change::PutBudget(budget.clone());
            instance
                .act(budget.tenant, Permission::BudgetsCreate, budget.id, &[change])
                .await?;
            show.say(&standing(&budget, instance, &names).await?)
        }
        BudgetsCommand::List { tenant } => list(tenant.as_deref(), instance, &names, show).await,
        BudgetsCommand::SetLimit { budget, limit } => {
            let before = budget.find(&names)?.clone();
            let budget = Budget {
                limit,
                ..before.clone()
            };
            let change = Change::ReplaceBudget {
                before,
                after: budget.clone(),
            };
            instance
                .act(budget.tenant, Permission::BudgetsUpdate, budget.id, &[change])
                .await?;
            show.say(&standing(&budget, instance, &names).await?)
        }
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

/// An amount of dollars, at least 0.
pub fn amount(text: &str) -> Result<Money, String> {
    match text.parse::<Money>() {
        Ok(money) if money.is_negative() => Err("an amount is not negative".to_owned()),
        other => other.map_err(|_| "expected dollars with at most nine decimals, such as `12.50`".to_owned()),
    }
}

impl CreateArgs {
    fn budget(&self, names: &Names) -> Result<Budget, Failure> {
        let (tenant, scope) = self.scope(names)?;
        if let Some(id) = names.has_budget(tenant, &self.name) {
            return Err(
                Failure::new(format!("there is a budget {} already: {id}", quoted(&self.name)))
                    .hint("`bartizan budgets set-limit` changes it; a second one needs another name"),
            );
        }
        Ok(Budget {
            id: BudgetId::generate(),
            tenant,
            scope,
            name: self.name.clone(),
            limit: self.limit,
            window: self.window,
        })
    }

    /// What is limited, and whose it is: a key's tenant is known by the key.
    fn scope(&self, names: &Names) -> Result<(domain::TenantId, BudgetScope), Failure> {
        if let Some(key) = &self.key {
            let key = names.key(names.tenant_if_named(self.tenant.as_deref())?, key)?;
            return Ok((key.tenant, BudgetScope::Key(key.id)));
        }
        let tenant = names.tenant(self.tenant.as_deref())?.id;
        match &self.team {
            Some(team) => Ok((tenant, BudgetScope::Team(names.team(tenant, team)?.id))),
            None => Ok((tenant, BudgetScope::Tenant)),
        }
    }
}

async fn list(tenant: Option<&str>, instance: &Instance, names: &Names, show: Show) -> Result<(), Failure> {
    let tenant = names.tenant_if_named(tenant)?;
    let mut views = Vec::new();
    for budget in names
        .all()
        .budgets
        .iter()
        .filter(|budget| tenant.is_none_or(|tenant| budget.tenant == tenant))
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
        .standing(&scope, budget.id, budget.window.start(now))
        .await?;
    Ok(BudgetView::new(budget, &standing, names, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use store::{MemoryStore, Registry, Team, Tenant};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: CreateArgs,
    }

    fn read(line: &[&str]) -> Result<CreateArgs, clap::Error> {
        Line::try_parse_from(
            [
                &["create", "--name", "b", "--limit", "5.00", "--window", "month"],
                line,
            ]
            .concat(),
        )
        .map(|line| line.args)
    }

    async fn names() -> Names {
        let store = MemoryStore::new();
        let tenant = Tenant {
            id: domain::TenantId::from_u128(1),
            name: "acme".into(),
            limits: Default::default(),
            state: store::TenantState::default(),
        };
        store.create_tenant(&tenant).await.unwrap();
        let team = Team {
            id: domain::TeamId::from_u128(2),
            tenant: tenant.id,
            name: "ops".into(),
            limits: Default::default(),
        };
        store
            .create_team(&TenantScope::operator(tenant.id), &team)
            .await
            .unwrap();
        Names::read(&store).await.unwrap()
    }

    #[test]
    fn amounts_are_dollars_and_never_negative() {
        assert_eq!(amount("5.00"), Ok(Money::from_dollars(5)));
        assert_eq!(amount("0"), Ok(Money::ZERO));
        assert_eq!(amount("$0.000000001"), Ok(Money::from_nanos(1)));
        for text in ["-1", "1e3", "", "0.0000000001", "NaN", "99999999999"] {
            assert!(amount(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_budget_limits_the_tenant_unless_a_team_or_key_is_named() {
        let names = names().await;
        let scope = |line: &[&str]| read(line).unwrap().budget(&names).map(|budget| budget.scope);
        assert_eq!(scope(&[]).unwrap(), BudgetScope::Tenant);
        assert_eq!(
            scope(&["--team", "ops"]).unwrap(),
            BudgetScope::Team(domain::TeamId::from_u128(2))
        );
        assert_eq!(scope(&["--key", "ci"]).unwrap_err().exit(), 3);
        assert_eq!(scope(&["--tenant", "other"]).unwrap_err().exit(), 3);
        assert!(read(&["--team", "ops", "--key", "ci"]).is_err());
    }
}
