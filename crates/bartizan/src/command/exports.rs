//! `bartizan exports`: reports that are delivered by themselves: which there are, how that goes, and one delivered now.

use std::io::{self, Write};
use std::sync::Arc;

use clap::{Args, Subcommand};
use config::section::Schedule;
use domain::{TenantScope, UnixMillis};
use jiff::civil::Date;
use serde::Serialize;
use store::delivery::Standing;
use store::exported::{Exported, exported, kept_as};
use store::{LogKind, RecordKind, StoreError, Tenant};
use telemetry::Metrics;
use upstream::{Client, ClientOptions};

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::reports::{Press, due, midnight};
use crate::resolve::Resolver;

use super::arguments::{quoted, when};
use super::find::Names;
use super::instance::{Instance, operator};
use super::ledger::settled;
use super::show::{Show, Shown};
use super::table::{Column, Table};

/// What to do with them.
#[derive(Debug, Subcommand)]
pub enum ExportsCommand {
    /// List schedules: what is delivered, how often and whereto, and how far each has come
    #[command(after_help = "\
Examples:
  bartizan exports list
  bartizan exports list --json | jq '.[] | select(.last_error) | .schedule'")]
    List,
    /// List what was delivered, and what was given up
    #[command(after_help = "\
Examples:
  bartizan exports status
  bartizan exports status --schedule monthly --tenant acme --json")]
    Status {
        /// Only of this schedule
        #[arg(long, value_name = "SCHEDULE")]
        schedule: Option<String>,
        /// Only of this tenant
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// Deliver one report now, whether it was before or not: its name stays the same
    #[command(after_help = "\
Examples:
  bartizan exports run monthly                          the last month that is over, of every tenant of the schedule
  bartizan exports run monthly --tenant acme --time 2026-10-01")]
    Run(RunArgs),
}

/// Which report.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The schedule's name
    #[arg(value_name = "SCHEDULE")]
    schedule: String,
    /// Only of this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// A day of the time that is meant; the last that is over when left out
    #[arg(long, value_name = "DAY")]
    time: Option<Date>,
}

/// Runs one of them.
pub async fn run(command: ExportsCommand, at: &At, show: Show) -> Result<(), Failure> {
    let instance = Instance::open(at).await?;
    match command {
        ExportsCommand::List => list(&instance, show).await,
        ExportsCommand::Status { schedule, tenant } => {
            status(schedule.as_deref(), tenant.as_deref(), &instance, show).await
        }
        ExportsCommand::Run(args) => run_now(&args, &instance, show).await,
    }
}

/// The schedule's tenants, or the one that is named.
fn tenants<'a>(
    schedule: Option<&Schedule>,
    named: Option<&str>,
    names: &'a Names,
) -> Result<Vec<&'a Tenant>, Failure> {
    if named.is_some() {
        return names.tenant(named).map(|tenant| vec![tenant]);
    }
    let is_meant = |tenant: &&Tenant| {
        let list = schedule.map_or(&[][..], |schedule| &schedule.tenants);
        list.is_empty()
            || list
                .iter()
                .any(|one| *one == tenant.name || *one == tenant.id.to_string())
    };
    Ok(names.all().tenants.iter().filter(is_meant).collect())
}

#[derive(Debug, Serialize)]
struct Line {
    schedule: String,
    tenant: String,
    to: String,
    report: String,
    every: String,
    zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl Shown for Lines {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles = [
            "schedule",
            "tenant",
            "to",
            "report",
            "every",
            "zone",
            "next",
            "last success",
            "failing since",
            "last error",
        ];
        let mut table = Table::new(&titles.map(Column::Text));
        for line in &self.0 {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
            table.row([
                line.schedule.clone(),
                line.tenant.clone(),
                line.to.clone(),
                line.report.clone(),
                line.every.clone(),
                line.zone.clone(),
                or_none(&line.next),
                or_none(&line.last_success),
                or_none(&line.failing_since),
                or_none(&line.last_error),
            ]);
        }
        table.write(out)
    }
}

/// A word of the configuration, as it is written there.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value
        .and_then(|value| Some(value.as_str()?.to_owned()))
        .unwrap_or_default()
}

async fn list(instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let mut lines = Vec::new();
    for schedule in &instance.config.exports.schedules {
        for tenant in tenants(Some(schedule), None, &names)? {
            let scope = TenantScope::operator(tenant.id);
            let id = kept_as(&schedule.name);
            let standing = match instance.store.record(&scope, RecordKind::Delivery, &id).await {
                Ok(record) => Some(Standing::of(&record)?),
                Err(StoreError::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            let next = standing.as_ref().and_then(|standing| {
                let at = UnixMillis(i64::try_from(standing.next).ok()?);
                let due = due(&instance.config, schedule)?;
                Some(due.every.with(at, &due.zone)?.name)
            });
            let failing = standing.as_ref().and_then(|standing| standing.failing.clone());
            lines.push(Line {
                schedule: schedule.name.clone(),
                tenant: tenant.name.clone(),
                to: schedule.to.clone(),
                report: format!("{} {}", word(schedule.report), word(schedule.format)),
                every: word(schedule.every),
                zone: schedule.zone.clone(),
                next,
                last_success: standing.and_then(|standing| standing.taken).map(when),
                failing_since: failing.as_ref().map(|failing| when(failing.since)),
                last_error: failing.map(|failing| failing.why),
            });
        }
    }
    show.say(&Lines(lines))
}

#[derive(Debug, Serialize)]
struct Done {
    schedule: String,
    tenant: String,
    time: String,
    state: &'static str,
    at: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Done {
    fn of(exported: Exported, tenant: &Tenant) -> Self {
        let state = if exported.file.is_some() {
            "delivered"
        } else {
            "given up"
        };
        let (file, bytes, sha256) = match exported.file {
            Some(file) => (Some(file.name), Some(file.bytes), Some(file.sha256)),
            None => (None, None, None),
        };
        Self {
            schedule: exported.schedule,
            tenant: tenant.name.clone(),
            time: exported.name,
            state,
            at: when(exported.at),
            to: exported.to,
            file,
            bytes,
            sha256,
            why: exported.why,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct All(Vec<Done>);

impl Shown for All {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles = ["schedule", "tenant", "time", "state", "at", "to", "file or why"];
        let mut table = Table::new(&titles.map(Column::Text));
        for done in &self.0 {
            table.row([
                done.schedule.clone(),
                done.tenant.clone(),
                done.time.clone(),
                done.state.to_owned(),
                done.at.clone(),
                done.to.clone(),
                done.file.clone().or_else(|| done.why.clone()).unwrap_or_default(),
            ]);
        }
        table.write(out)
    }
}

async fn status(
    schedule: Option<&str>,
    tenant: Option<&str>,
    instance: &Instance,
    show: Show,
) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let mut all = Vec::new();
    for tenant in tenants(None, tenant, &names)? {
        let scope = TenantScope::operator(tenant.id);
        let found = exported(instance.store.as_ref(), &scope, schedule).await?;
        all.extend(found.into_iter().map(|one| Done::of(one, tenant)));
    }
    show.say(&All(all))
}

/// The name, the place and the bytes are those that the schedule would deliver; where it stands is not changed.
// threat: AGP-R2
async fn run_now(args: &RunArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let mut all = instance.config.exports.schedules.iter();
    let schedule = all
        .find(|schedule| schedule.name == args.schedule)
        .ok_or_else(|| {
            Failure::usage(format!("there is no schedule {}", quoted(&args.schedule)))
                .hint("`exports.schedules` of the configuration names them")
        })?;
    let due = due(&instance.config, schedule).ok_or_else(|| Failure::usage("its time zone does not read"))?;
    let now = UnixMillis::now();
    let time = match args.time {
        None => due.last(now),
        Some(day) => midnight(day, &due.zone).and_then(|at| due.with(at, now)),
    };
    let time =
        time.ok_or_else(|| Failure::usage("that time is not over yet, or its calls are still on their way"))?;
    let names = Names::read(instance.store.as_ref()).await?;
    let signing = instance.signing()?;
    let mut resolver = Resolver::for_looking(&instance.config).await?;
    resolver.attach(&instance.config, &instance.home, instance.store.clone())?;
    let press = Press {
        store: instance.store.clone(),
        node: instance.home.node,
        signing: signing.clone(),
        resolver: Arc::new(resolver),
        scrubber: None,
        metrics: Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))),
        client: Client::new(&ClientOptions::default()),
    };
    let reporter = press.reporter(&instance.config, schedule).await?;
    let mut done = Vec::new();
    for tenant in tenants(Some(schedule), args.tenant.as_deref(), &names)? {
        let scope = TenantScope::operator(tenant.id);
        if instance.store.log_size(&scope, LogKind::Ledger).await? > 0 {
            settled(instance, &signing, (&scope, LogKind::Ledger), u64::MAX).await?;
        }
        let delivered = reporter.deliver_now(tenant.id, &time, operator()).await;
        let delivered = delivered.map_err(|why| Failure::new(format!("{}: {why}", tenant.name)))?;
        done.push(Done::of(delivered, tenant));
    }
    show.say(&All(done))
}
