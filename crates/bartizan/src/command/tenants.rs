//! `bartizan tenants`: whoever must not see each other.

mod offboard;

use std::io::{self, Write};

use clap::Subcommand;
use credential::Limits;
use domain::{Permission, TeamId, TenantId};
use serde::Serialize;
use store::{Change, StoreError, Team, Tenant};

use crate::failure::{Failure, Hint};

use super::arguments::{self, LimitArgs, quoted};
use super::find::{DEFAULT, Names};
use super::instance::Instance;
use super::show::{Show, Shown};
use super::table::{Column, Table};

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum TenantsCommand {
    /// Make a tenant with a first team, `default`
    #[command(after_help = "\
Examples:
  bartizan tenants create acme
  bartizan keys create --tenant acme --name \"first key\" --all-models
  bartizan tenants create trial --rpm 60 --tpm 100000 --concurrent 4

A new tenant has no key and no budget. Its limits hold for all its keys together, on each node.")]
    Create {
        /// What people call it; unique
        #[arg(value_name = "NAME", value_parser = arguments::name)]
        name: String,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// List tenants with what they have
    #[command(after_help = "\
Examples:
  bartizan tenants list
  bartizan tenants list --json")]
    List,
    /// End a tenant for good: nothing of it works any more, and its ledger and audit log stay
    #[command(after_help = "\
Examples:
  bartizan tenants offboard acme --reason \"the contract ended\" --dry-run
  bartizan tenants offboard acme --reason \"the contract ended\" --confirm acme

Revokes its keys, ends its sessions, disables its people and service accounts, takes their roles away, and destroys \
the key its content is sealed under. A serving instance stops serving it within a second. There is no way back, and \
its name stays taken. Interrupted, it is finished by whoever serves, or by running it again.")]
    Offboard(offboard::OffboardArgs),
    /// Print the signed certificate of a tenant's end
    #[command(after_help = "\
Examples:
  bartizan tenants certificate acme --out acme.certificate
  bartizan ledger verify-certificate acme.certificate --key ledger.key")]
    Certificate(offboard::CertificateArgs),
}

#[derive(Debug, Serialize)]
struct TenantView {
    id: TenantId,
    name: String,
    state: &'static str,
    teams: usize,
    keys: usize,
    budgets: usize,
}

impl TenantView {
    fn new(tenant: &Tenant, names: &Names) -> Self {
        let all = names.all();
        Self {
            id: tenant.id,
            name: tenant.name.clone(),
            state: tenant.state.as_str(),
            teams: all.teams.iter().filter(|team| team.tenant == tenant.id).count(),
            keys: all.keys.iter().filter(|key| key.tenant == tenant.id).count(),
            budgets: all
                .budgets
                .iter()
                .filter(|budget| budget.tenant == tenant.id)
                .count(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct TenantList(Vec<TenantView>);

impl Shown for TenantList {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = [
            Column::Text("name"),
            Column::Text("state"),
            Column::Number("teams"),
            Column::Number("keys"),
            Column::Number("budgets"),
            Column::Text("id"),
        ];
        let mut table = Table::new(&columns);
        for tenant in &self.0 {
            let counts = [tenant.teams, tenant.keys, tenant.budgets].map(|count| count.to_string());
            let row = [tenant.name.clone(), tenant.state.to_owned()]
                .into_iter()
                .chain(counts)
                .chain([tenant.id.to_string()]);
            table.row(row);
        }
        table.write(out)
    }
}

#[derive(Debug, Serialize)]
struct Created {
    id: TenantId,
    name: String,
    team: &'static str,
    team_id: TeamId,
}

impl Shown for Created {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}  {}, with team {} ({})",
            self.id, self.name, self.team, self.team_id
        )
    }
}

/// Runs one of them.
pub async fn run(command: TenantsCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    match command {
        TenantsCommand::Create { name, limits } => show.say(&create(name, limits, instance).await?),
        TenantsCommand::Offboard(args) => offboard::run(&args, instance, show).await,
        TenantsCommand::Certificate(args) => offboard::certificate(&args, instance).await,
        TenantsCommand::List => {
            let names = Names::read(instance.store.as_ref()).await?;
            let tenants = &names.all().tenants;
            show.say(&TenantList(
                tenants
                    .iter()
                    .map(|tenant| TenantView::new(tenant, &names))
                    .collect(),
            ))
        }
    }
}

async fn create(name: String, limits: LimitArgs, instance: &Instance) -> Result<Created, Failure> {
    let tenant = Tenant {
        id: TenantId::generate(),
        name: name.clone(),
        limits: limits.or(Limits::default()),
        state: store::TenantState::default(),
        history: ledger::Keeping::NONE,
    };
    let made = Change::CreateTenant(tenant.clone());
    match instance
        .act(TenantId::PLATFORM, Permission::TenantsCreate, tenant.id, &[made])
        .await
    {
        Err(StoreError::Conflict(_)) => {
            return Err(
                Failure::new(format!("there is a tenant {} already", quoted(&name)))
                    .hint("`bartizan tenants list` shows all"),
            );
        }
        other => other?,
    }
    let team = Team {
        id: TeamId::generate(),
        tenant: tenant.id,
        name: DEFAULT.to_owned(),
        limits: Limits::default(),
    };
    let made = Change::CreateTeam(team.clone());
    instance
        .act(tenant.id, Permission::TeamsCreate, team.id, &[made])
        .await?;
    Ok(Created {
        id: tenant.id,
        name,
        team: DEFAULT,
        team_id: team.id,
    })
}
