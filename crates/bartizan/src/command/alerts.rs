//! `bartizan alerts`: who is told of acts, how that goes, and what was given up.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use config::section::Sink;
use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use serde::Serialize;
use store::delivery::{self, Standing};
use store::{Change, LogKind, RecordKind, StoreError};

use crate::failure::{Failure, Hint};

use super::arguments::when;
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, Shown};
use super::table::{Column, Table};

/// How often it is looked whether a test has arrived.
const LOOK: Duration = Duration::from_millis(200);
/// The acts, as the pusher knows them.
const TEST: &str = "alerts.test";
const RESEND: &str = "alerts.resend";
const DROP: &str = "alerts.drop";

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    /// List sinks: how far each has come, its last success and last trouble, what waits and what was given up
    #[command(after_help = "\
Examples:
  bartizan alerts list
  bartizan alerts list --json | jq '.[] | select(.dead > 0) | .name'")]
    List,
    /// List what sinks did not take and what was given up
    #[command(after_help = "\
Examples:
  bartizan alerts dead
  bartizan alerts dead --sink slack --json")]
    Dead {
        /// Only of this sink
        #[arg(long, value_name = "SINK")]
        sink: Option<String>,
    },
    /// Send what was given up again
    #[command(after_help = "\
Examples:
  bartizan alerts resend slack
  bartizan alerts resend slack --tenant acme

Whoever serves sends it, in the order of each log; what is refused again stays a dead letter.")]
    Resend(OfSink),
    /// Forget what was given up: it is in the audit log all the same
    #[command(after_help = "\
Examples:
  bartizan alerts drop slack --tenant acme")]
    Drop(OfSink),
    /// Send a test alert to a sink, and wait until it has taken it
    #[command(after_help = "\
Examples:
  bartizan alerts test slack")]
    Test {
        /// The sink's name
        #[arg(value_name = "SINK")]
        sink: String,
        /// How many seconds to wait; with 0 not at all
        #[arg(long, value_name = "SECONDS", default_value_t = 30)]
        wait: u64,
    },
}

/// A sink, and whose log.
#[derive(Debug, Args)]
pub struct OfSink {
    /// The sink's name
    #[arg(value_name = "SINK")]
    sink: String,
    /// Only of this tenant's log; `platform` for the instance's own; of all when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs one of them.
pub async fn run(command: AlertsCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    match command {
        AlertsCommand::List => list(instance, show).await,
        AlertsCommand::Dead { sink } => dead(sink.as_deref(), instance, show).await,
        AlertsCommand::Resend(of) => resend(&of, instance, show).await,
        AlertsCommand::Drop(of) => drop_letters(&of, instance, show).await,
        AlertsCommand::Test { sink, wait } => test(&sink, Duration::from_secs(wait), instance, show).await,
    }
}

/// Logs by the names of their tenants.
async fn logs(tenant: Option<&str>, instance: &Instance) -> Result<Vec<(String, TenantScope)>, Failure> {
    let platform = || ("platform".to_owned(), TenantScope::operator(TenantId::PLATFORM));
    let names = match tenant {
        Some("platform") => return Ok(vec![platform()]),
        _ => Names::read(instance.store.as_ref()).await?,
    };
    if tenant.is_some() {
        let found = names.tenant(tenant)?;
        return Ok(vec![(found.name.clone(), TenantScope::operator(found.id))]);
    }
    let tenants = instance.store.load().await?.tenants;
    let tenants = tenants
        .into_iter()
        .map(|it| (it.name, TenantScope::operator(it.id)));
    Ok(tenants.chain([platform()]).collect())
}

fn configured<'a>(name: &str, instance: &'a Instance) -> Result<&'a Sink, Failure> {
    let mut sinks = instance.config.alerts.sinks.iter();
    sinks.find(|sink| sink.name == name).ok_or_else(|| {
        Failure::usage(format!("there is no sink `{name}`")).hint("`bartizan alerts list` names them")
    })
}

/// One sink, without its secrets.
#[derive(Debug, Serialize)]
struct SinkLine {
    name: String,
    kind: &'static str,
    waiting: u64,
    dead: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Sinks(Vec<SinkLine>);

impl Shown for Sinks {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Text("sink"),
            Column::Text("kind"),
            Column::Number("waiting"),
            Column::Number("dead"),
            Column::Text("last success"),
            Column::Text("failing since"),
            Column::Text("last error"),
        ]);
        for line in &self.0 {
            table.row([
                line.name.clone(),
                line.kind.to_owned(),
                line.waiting.to_string(),
                line.dead.to_string(),
                line.last_success.clone().unwrap_or_default(),
                line.failing_since.clone().unwrap_or_default(),
                line.last_error.clone().unwrap_or_default(),
            ]);
        }
        table.write(out)
    }
}

async fn list(instance: &Instance, show: Show) -> Result<(), Failure> {
    let scopes: Vec<_> = logs(None, instance)
        .await?
        .into_iter()
        .map(|(_, scope)| scope)
        .collect();
    let mut lines = Vec::new();
    for sink in &instance.config.alerts.sinks {
        let found = delivery::summary(instance.store.as_ref(), &scopes, &sink.name).await?;
        lines.push(SinkLine {
            name: sink.name.clone(),
            kind: sink.kind().as_str(),
            waiting: found.waiting,
            dead: found.dead,
            last_success: found.taken.map(when),
            failing_since: found.failing.as_ref().map(|failing| when(failing.since)),
            last_error: found.failing.map(|failing| failing.why),
        });
    }
    show.say(&Sinks(lines))
}

#[derive(Debug, Serialize)]
struct Letter {
    sink: String,
    tenant: String,
    index: u64,
    record: AuditId,
    act: String,
    at: String,
    why: String,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Letters(Vec<Letter>);

impl Shown for Letters {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Text("sink"),
            Column::Text("tenant"),
            Column::Number("#"),
            Column::Text("act"),
            Column::Text("given up"),
            Column::Text("why"),
        ]);
        for letter in &self.0 {
            table.row([
                letter.sink.clone(),
                letter.tenant.clone(),
                letter.index.to_string(),
                letter.act.clone(),
                letter.at.clone(),
                letter.why.clone(),
            ]);
        }
        table.write(out)
    }
}

async fn dead(sink: Option<&str>, instance: &Instance, show: Show) -> Result<(), Failure> {
    let mut letters = Vec::new();
    for (tenant, scope) in logs(None, instance).await? {
        for (sink, letter) in delivery::dead_letters(instance.store.as_ref(), &scope, sink).await? {
            letters.push(Letter {
                sink,
                tenant: tenant.clone(),
                index: letter.index,
                record: letter.record,
                act: letter.act,
                at: when(letter.at),
                why: letter.why,
            });
        }
    }
    show.say(&Letters(letters))
}

/// What was asked for, and in how many logs.
#[derive(Debug, Serialize)]
struct Asked {
    sink: String,
    letters: u64,
    #[serde(skip)]
    what: &'static str,
}

impl Shown for Asked {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} dead letter(s) of {} {}",
            self.letters, self.sink, self.what
        )
    }
}

/// The record in each log is what the pusher acts on.
// threat: AGP-R3
async fn resend(of: &OfSink, instance: &Instance, show: Show) -> Result<(), Failure> {
    let sink = configured(&of.sink, instance)?;
    let mut letters = 0;
    for (_, scope) in logs(of.tenant.as_deref(), instance).await? {
        let found = delivery::dead_letters(instance.store.as_ref(), &scope, Some(&sink.name)).await?;
        if !found.is_empty() {
            letters += found.len() as u64;
            instance.record(scope.tenant(), RESEND, &sink.name, &[]).await?;
        }
    }
    show.say(&Asked {
        sink: sink.name.clone(),
        letters,
        what: "will be sent again",
    })
}

/// Of sinks that are no more as well.
// threat: AGP-R3
async fn drop_letters(of: &OfSink, instance: &Instance, show: Show) -> Result<(), Failure> {
    let mut letters = 0;
    for (_, scope) in logs(of.tenant.as_deref(), instance).await? {
        let found = delivery::dead_letters(instance.store.as_ref(), &scope, Some(&of.sink)).await?;
        let mut changes = Vec::with_capacity(found.len());
        for (sink, letter) in &found {
            changes.push(Change::Remove(letter.to_record(sink)?));
        }
        letters += changes.len() as u64;
        for some in changes.chunks(200) {
            instance.record(scope.tenant(), DROP, &of.sink, some).await?;
        }
    }
    show.say(&Asked {
        sink: of.sink.clone(),
        letters,
        what: "forgotten",
    })
}

/// What became of a test.
#[derive(Debug, Serialize)]
struct Tested {
    sink: String,
    taken: bool,
}

impl Shown for Tested {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.taken {
            true => writeln!(out, "{} took it", self.sink),
            false => writeln!(
                out,
                "{} is asked to take it; `bartizan alerts list` says whether it did",
                self.sink
            ),
        }
    }
}

/// A record like any other, which the sink is told of whatever else it asks for.
async fn test(sink: &str, wait: Duration, instance: &Instance, show: Show) -> Result<(), Failure> {
    let (sink, scope) = (
        configured(sink, instance)?.name.clone(),
        TenantScope::operator(TenantId::PLATFORM),
    );
    instance.record(TenantId::PLATFORM, TEST, &sink, &[]).await?;
    let size = instance.store.log_size(&scope, LogKind::Audit).await?;
    let (began, asked) = (Instant::now(), UnixMillis::now());
    let mut tested = Tested { sink, taken: false };
    while !wait.is_zero() {
        let standing = match instance
            .store
            .record(&scope, RecordKind::Delivery, &tested.sink)
            .await
        {
            Ok(record) => Some(Standing::of(&record)?),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let failing = standing.as_ref().and_then(|standing| standing.failing.clone());
        if standing.is_some_and(|standing| standing.next >= size) {
            let letters = delivery::dead_letters(instance.store.as_ref(), &scope, Some(&tested.sink)).await?;
            let lost = letters
                .iter()
                .find(|(_, letter)| letter.act == TEST && letter.index + 1 >= size);
            if let Some((_, letter)) = lost {
                return Err(Failure::new(format!(
                    "{} did not take it: {}",
                    tested.sink, letter.why
                )));
            }
            tested.taken = true;
            break;
        }
        if began.elapsed() >= wait {
            let why = failing
                .filter(|failing| failing.at >= asked)
                .map(|failing| failing.why);
            let why = why.unwrap_or_else(|| "nobody has pushed it".to_owned());
            return Err(Failure::new(format!("{} has not taken it: {why}", tested.sink))
                .hint("is `bartizan serve` running with this sink?"));
        }
        tokio::time::sleep(LOOK).await;
    }
    show.say(&tested)
}
