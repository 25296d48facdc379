//! `bartizan budgets create`.

use std::str::FromStr;

use clap::Args;
use domain::{BudgetId, IdError, Money, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, BudgetScope, Only, Terms, Unit, Window};
use store::{RecordKind, Store, StoreError};

use super::time::During;
use super::{amount, tokens};
use crate::command::arguments::{self, quoted, window};
use crate::command::find::Names;
use crate::failure::{Failure, Hint};

/// What the budget shall be.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan budgets create --name \"acme monthly\" --limit 250 --window month --tenant acme
  bartizan budgets create --name \"research daily\" --limit 12.50 --window day --team research
  bartizan budgets create --name \"ci total\" --limit 5.00 --window total --key ci

  bartizan budgets create --name \"opus\" --limit 40 --window month --team research --model claude-opus
  bartizan budgets create --name \"anna\" --tokens 2000000 --window day --user anna@example.com --mark 80

  bartizan budgets create --name \"berlin\" --limit 20 --window day --zone Europe/Berlin --rollover 50
  bartizan budgets create --name \"burst\" --limit 5 --rolling 1h
  bartizan budgets create --name \"fair\" --limit 300 --from 2027-03-01 --until 2027-03-08

Several budgets may limit one call: all of them must have room. Windows are UTC unless a zone is named; weeks
begin on Monday.")]
pub struct CreateArgs {
    /// What people call it
    #[arg(long, value_parser = arguments::name)]
    name: String,
    /// How much, in dollars, such as 5.00
    #[arg(long, value_name = "DOLLARS", value_parser = amount, required_unless_present = "tokens")]
    limit: Option<Money>,
    /// How many LLM tokens, prompt and output, instead of dollars
    #[arg(long, value_name = "N", value_parser = tokens, conflicts_with = "limit")]
    tokens: Option<Money>,
    /// Over what time: minute, hour, day, week, month, year or total
    #[arg(long, value_name = "WINDOW", value_parser = window, required_unless_present_any = ["rolling", "from"])]
    window: Option<Window>,
    /// More of its time
    #[command(flatten)]
    during: During,
    /// Whose it is; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Limit this team; without anybody named it limits the whole tenant
    #[arg(long, value_name = "TEAM", group = "whose")]
    team: Option<String>,
    /// Limit this key
    #[arg(long, value_name = "KEY", group = "whose")]
    key: Option<String>,
    /// Limit the keys of this person, by e-mail address
    #[arg(long, value_name = "EMAIL", group = "whose")]
    user: Option<String>,
    /// Limit the keys of this service account, by name
    #[arg(long, value_name = "NAME", group = "whose")]
    service: Option<String>,
    /// Count only calls for this model, by the name that callers use
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Count only calls that this provider serves
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Count only calls of keys with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Count only calls of this session of an agent
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Tell when so many per cent of the limit are spent; may be repeated
    #[arg(long = "mark", value_name = "PERCENT")]
    marks: Vec<u8>,
}

impl CreateArgs {
    /// The budget, if the tenant has none of that name.
    pub async fn budget(&self, store: &dyn Store, names: &Names) -> Result<Budget, Failure> {
        let (tenant, scope) = self.scope(store, names).await?;
        if let Some(id) = names.has_budget(tenant, &self.name) {
            return Err(
                Failure::new(format!("there is a budget {} already: {id}", quoted(&self.name)))
                    .hint("`bartizan budgets set-limit` changes it; a second one needs another name"),
            );
        }
        let (limit, unit) = match self.tokens {
            Some(tokens) => (tokens, Unit::Tokens),
            None => (self.limit.unwrap_or_default(), Unit::Money),
        };
        let window = self.window.unwrap_or(Window::Total);
        let mut terms = Terms {
            only: Only {
                model: self.model.clone(),
                provider: self.provider.clone(),
                tag: self.tag.clone(),
                session: self.session.clone(),
            },
            unit,
            marks: self.marks.clone(),
            ..Terms::default()
        };
        let during = self.during.put(&mut terms, UnixMillis::now());
        during.map_err(Failure::usage)?;
        Ok(Budget {
            id: BudgetId::generate(),
            tenant,
            scope,
            name: self.name.clone(),
            limit,
            window,
            terms: terms
                .tidied(window)
                .map_err(|error| Failure::usage(error.to_string()))?,
        })
    }

    /// What is limited, and whose it is: a key's tenant is known by the key.
    async fn scope(&self, store: &dyn Store, names: &Names) -> Result<(TenantId, BudgetScope), Failure> {
        if let Some(key) = &self.key {
            let key = names.key(names.tenant_if_named(self.tenant.as_deref())?, key)?;
            return Ok((key.tenant, BudgetScope::Key(key.id)));
        }
        let tenant = names.tenant(self.tenant.as_deref())?.id;
        if let Some(team) = &self.team {
            return Ok((tenant, BudgetScope::Team(names.team(tenant, team)?.id)));
        }
        if let Some(email) = &self.user {
            let id = named(store, tenant, RecordKind::User, &email.to_lowercase(), "user").await?;
            return Ok((tenant, BudgetScope::User(id)));
        }
        if let Some(name) = &self.service {
            let id = named(store, tenant, RecordKind::Service, name, "service account").await?;
            return Ok((tenant, BudgetScope::Service(id)));
        }
        Ok((tenant, BudgetScope::Tenant))
    }
}

/// The id of somebody of the tenant's.
async fn named<T: FromStr<Err = IdError>>(
    store: &dyn Store,
    tenant: TenantId,
    kind: RecordKind,
    name: &str,
    what: &str,
) -> Result<T, Failure> {
    let scope = TenantScope::operator(tenant);
    match store.record_named(&scope, kind, name).await {
        Ok(record) => record
            .id
            .parse()
            .map_err(|error: IdError| Failure::new(error.to_string())),
        Err(StoreError::NotFound) => Err(Failure::not_found(format!("there is no {what} {}", quoted(name)))),
        Err(error) => Err(error.into()),
    }
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
            id: TenantId::from_u128(1),
            name: "acme".into(),
            limits: Default::default(),
            state: store::TenantState::default(),
            history: ledger::Keeping::NONE,
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
        let scope = async |line: &[&str]| {
            let args = read(line).unwrap();
            let budget = args.budget(&MemoryStore::new(), &names).await;
            budget.map(|budget| budget.scope)
        };
        assert_eq!(scope(&[]).await.unwrap(), BudgetScope::Tenant);
        assert_eq!(
            scope(&["--team", "ops"]).await.unwrap(),
            BudgetScope::Team(domain::TeamId::from_u128(2))
        );
        for nobody in [
            ["--key", "ci"],
            ["--tenant", "other"],
            ["--user", "a@b.example"],
            ["--service", "bot"],
        ] {
            assert_eq!(scope(&nobody).await.unwrap_err().exit(), 3, "{nobody:?}");
        }
        assert!(read(&["--team", "ops", "--key", "ci"]).is_err());
        assert!(read(&["--user", "a", "--service", "b"]).is_err());
        assert!(read(&["--tokens", "5"]).is_err(), "money or tokens");
    }

    #[tokio::test]
    async fn a_budget_counts_what_it_is_told_to() {
        let names = names().await;
        let line = [
            "--model",
            "m",
            "--provider",
            "p",
            "--tag",
            "t",
            "--mark",
            "80",
            "--mark",
            "50",
        ];
        let budget = read(&line)
            .unwrap()
            .budget(&MemoryStore::new(), &names)
            .await
            .unwrap();
        let only: Vec<_> = budget.terms.only.conditions().collect();
        assert_eq!(only, [("model", "m"), ("provider", "p"), ("tag", "t")]);
        assert_eq!(
            (budget.terms.unit, budget.terms.marks),
            (Unit::Money, vec![50, 80])
        );
        assert_eq!(
            names.scope_name(&Budget {
                terms: Terms::default(),
                ..budget
            }),
            "tenant acme"
        );
        let bad = read(&["--mark", "0"]).unwrap();
        assert!(bad.budget(&MemoryStore::new(), &names).await.is_err());
        assert_eq!(tokens("2000"), Ok(Money::from_nanos(2000)));
        assert!(tokens("-1").is_err() && tokens("1.5").is_err());
    }
}
