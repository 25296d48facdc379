//! `bartizan sessions`: a stop for one session of an agent, and what is stopped.

use std::io::{self, Write};

use clap::Subcommand;
use domain::{BudgetId, Money, Permission, TenantId, UnixMillis};
use ledger::{Budget, BudgetScope, Only, Pause, Terms, Window};
use serde::Serialize;
use store::Change;

use super::arguments::quoted;
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, Shown};
use super::table::{Column, Table, facts};
use crate::failure::Failure;

/// What to do with sessions of agents.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// Pause a session: within a second no node begins a call of it
    #[command(after_help = "\
Examples:
  bartizan sessions pause run-4711 --why \"it runs in circles\"

The session is what callers say in the header `bartizan-session`. To stop an agent that changes it, suspend
its key, or pause a budget on it.")]
    Pause {
        /// The session
        #[arg(value_name = "SESSION")]
        session: String,
        /// Whose; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        /// Why, for whoever looks at it and for the audit log
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
    /// Let a paused session go on
    #[command(after_help = "\
Examples:
  bartizan sessions resume run-4711")]
    Resume {
        /// The session
        #[arg(value_name = "SESSION")]
        session: String,
        /// Whose; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// List sessions that are paused
    #[command(after_help = "\
Examples:
  bartizan sessions list
  bartizan sessions list --json | jq -r '.[].session'")]
    List {
        /// Only this tenant's
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

/// A paused session.
#[derive(Debug, Serialize)]
struct StopView {
    id: BudgetId,
    tenant: TenantId,
    session: String,
    since: UnixMillis,
    why: String,
}

/// All of them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Stops(Vec<StopView>);

/// Sessions that go on.
#[derive(Debug, Serialize)]
struct Resumed {
    resumed: String,
}

impl StopView {
    fn of(stop: &Budget) -> Option<Self> {
        let pause = stop.terms.paused.as_ref().filter(|_| stop.is_stop())?;
        Some(Self {
            id: stop.id,
            tenant: stop.tenant,
            session: stop.terms.only.session.clone()?,
            since: pause.since,
            why: pause.why.clone(),
        })
    }
}

fn said(time: UnixMillis) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0);
    time.map(|time| time.to_string()).unwrap_or_default()
}

impl Shown for StopView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let since = said(self.since);
        facts(
            out,
            &[
                ("paused", self.session.clone()),
                ("since", since),
                ("why", self.why.clone()),
            ],
        )
    }
}

impl Shown for Resumed {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "resumed {}", self.resumed)
    }
}

impl Shown for Stops {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "no session is paused");
        }
        let mut table = Table::new(&[
            Column::Text("SESSION"),
            Column::Text("SINCE"),
            Column::Text("WHY"),
        ]);
        for stop in &self.0 {
            table.row([stop.session.clone(), said(stop.since), stop.why.clone()]);
        }
        table.write(out)
    }
}

/// Runs one of them.
pub async fn run(command: SessionsCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    match command {
        SessionsCommand::Pause { session, tenant, why } => {
            let tenant = names.tenant(tenant.as_deref())?.id;
            if let Some(known) = stops(&names, Some(tenant)).find(|stop| stop.session == session) {
                return show.say(&known);
            }
            let stop = stop(tenant, session, &why)?;
            let view = StopView::of(&stop);
            let (id, change) = (stop.id, Change::PutBudget(stop));
            instance
                .act(tenant, Permission::BudgetsUpdate, id, &[change])
                .await?;
            view.map_or(Ok(()), |view| show.say(&view))
        }
        SessionsCommand::Resume { session, tenant } => {
            let tenant = names.tenant(tenant.as_deref())?.id;
            let mut found = stops(&names, Some(tenant)).filter(|stop| stop.session == session);
            let first = found.next().ok_or_else(|| {
                Failure::not_found(format!("the session {} is not paused", quoted(&session)))
            })?;
            for stop in std::iter::once(first).chain(found) {
                let change = Change::DeleteBudget(stop.id);
                instance
                    .act(tenant, Permission::BudgetsUpdate, stop.id, &[change])
                    .await?;
            }
            show.say(&Resumed { resumed: session })
        }
        SessionsCommand::List { tenant } => {
            let tenant = names.tenant_if_named(tenant.as_deref())?;
            show.say(&Stops(stops(&names, tenant).collect()))
        }
    }
}

fn stops(names: &Names, tenant: Option<TenantId>) -> impl Iterator<Item = StopView> + '_ {
    let budgets = names.all().budgets.iter().filter_map(StopView::of);
    budgets.filter(move |stop| tenant.is_none_or(|tenant| stop.tenant == tenant))
}

/// A budget of the session alone that holds nothing, and is paused.
fn stop(tenant: TenantId, session: String, why: &str) -> Result<Budget, Failure> {
    let terms = Terms {
        only: Only {
            session: Some(session),
            ..Only::default()
        },
        paused: Some(Pause {
            since: UnixMillis::now(),
            why: why.trim().to_owned(),
        }),
        ..Terms::default()
    };
    let terms = terms.tidied(Window::Total);
    Ok(Budget {
        id: BudgetId::generate(),
        tenant,
        scope: BudgetScope::Tenant,
        name: "a paused session".to_owned(),
        limit: Money::ZERO,
        window: Window::Total,
        terms: terms.map_err(|error| Failure::usage(error.to_string()))?,
    })
}
