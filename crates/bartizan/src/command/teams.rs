//! `bartizan teams`: people within a tenant who own keys and share budgets.

use std::io::{self, Write};

use clap::Subcommand;
use credential::Limits;
use domain::{Permission, TeamId, TenantId};
use serde::Serialize;
use store::{Change, StoreError, Team};

use crate::failure::{Failure, Hint};

use super::arguments::{self, LimitArgs, quoted};
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, Shown};
use super::table::{Column, Table};

/// What to do with teams.
#[derive(Debug, Subcommand)]
pub enum TeamsCommand {
    /// Make a team
    #[command(after_help = "\
Examples:
  bartizan teams create research
  bartizan teams create research --tenant acme
  bartizan teams create interns --rpm 120 --tpm 200000

Its limits hold for all its keys together, on each node.")]
    Create {
        /// What people call it; unique within the tenant
        #[arg(value_name = "NAME", value_parser = arguments::name)]
        name: String,
        /// Whose it is; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// List teams
    #[command(after_help = "\
Examples:
  bartizan teams list --tenant acme")]
    List {
        /// Only this tenant's
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

#[derive(Debug, Serialize)]
struct TeamView {
    id: TeamId,
    name: String,
    tenant: String,
    tenant_id: TenantId,
    keys: usize,
}

impl TeamView {
    fn new(team: &Team, names: &Names) -> Self {
        Self {
            id: team.id,
            name: team.name.clone(),
            tenant: names.tenant_name(team.tenant),
            tenant_id: team.tenant,
            keys: names.all().keys.iter().filter(|key| key.team == team.id).count(),
        }
    }
}

impl Shown for TeamView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}  {} of tenant {}", self.id, self.name, self.tenant)
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct TeamList(Vec<TeamView>);

impl Shown for TeamList {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = [
            Column::Text("name"),
            Column::Text("tenant"),
            Column::Number("keys"),
            Column::Text("id"),
        ];
        let mut table = Table::new(&columns);
        for team in &self.0 {
            table.row([
                team.name.clone(),
                team.tenant.clone(),
                team.keys.to_string(),
                team.id.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// Runs one of them.
pub async fn run(command: TeamsCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    match command {
        TeamsCommand::Create { name, tenant, limits } => {
            let tenant = names.tenant(tenant.as_deref())?.id;
            let team = Team {
                id: TeamId::generate(),
                tenant,
                name,
                limits: limits.or(Limits::default()),
            };
            create(&team, instance).await?;
            show.say(&TeamView::new(&team, &names))
        }
        TeamsCommand::List { tenant } => {
            let tenant = names.tenant_if_named(tenant.as_deref())?;
            let teams = names
                .all()
                .teams
                .iter()
                .filter(|team| tenant.is_none_or(|tenant| team.tenant == tenant));
            show.say(&TeamList(teams.map(|team| TeamView::new(team, &names)).collect()))
        }
    }
}

async fn create(team: &Team, instance: &Instance) -> Result<(), Failure> {
    let change = Change::CreateTeam(team.clone());
    match instance
        .act(team.tenant, Permission::TeamsCreate, team.id, &[change])
        .await
    {
        Err(StoreError::Conflict(_)) => Err(Failure::new(format!(
            "the tenant has a team {} already",
            quoted(&team.name)
        ))
        .hint("`bartizan teams list` shows all")),
        other => Ok(other?),
    }
}
