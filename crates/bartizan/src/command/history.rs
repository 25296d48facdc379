//! `bartizan history`: exchanges that tenants keep. Whoever has the machine has the keys: what is read here is recorded in
//! the tenant's audit log as what is read through the control plane is.

mod verify;
mod view;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use control::{Histories, Opened};
use domain::{ByClass, DataClass, Permission, RequestId, TenantScope, UnixMillis};
use ledger::exchange::{KEPT_DAYS_MAX, removal};
use ledger::{Keeping, Kept};
use store::{Change, ExchangeQuery, Over, Tenant, forget_all_exchanges};

use crate::cli::At;
use crate::failure::{Failure, Hint};

use self::view::{Checked, ExchangeList, Exported, Kept as KeptView, One, Purged};
use super::arguments::Since;
use super::find::Names;
use super::instance::Instance;
use super::show::{Show, finish};

/// Rows that are read at once.
const READ_AT_ONCE: u64 = 500;

/// What to do with kept exchanges.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Say what a tenant keeps of its calls, and for how long; or show it
    #[command(after_help = "\
Examples:
  bartizan history keep --tenant acme
  bartizan history keep metadata --tenant acme
  bartizan history keep redacted --days 90 --tenant acme
  bartizan history keep full --days 90 --days-max confidential=30,restricted=0 --tenant acme
  bartizan history keep none --tenant acme

A serving instance follows within a second. What is kept already stays until its days are over, or until it is purged.")]
    Keep(KeepArgs),
    /// List kept exchanges, newest first: nothing of what was said
    #[command(after_help = "\
Examples:
  bartizan history list --since 7d --model gpt-4o
  bartizan history list --key crawler --tenant acme --json")]
    List(ListArgs),
    /// Open one, and hold it against the ledger
    #[command(after_help = "\
Examples:
  bartizan history show req_93429a207cfa0c9792e0000000000002

Reading it is written into the tenant's audit log.")]
    Show(OneArgs),
    /// Whether everything that the ledger says was kept is there and as it was
    #[command(after_help = "\
Examples:
  bartizan history check --since 7d

What was purged, or went when its days were over, is counted as removed, with who and when. Exits with 4 if something was
changed or is missing. What waited in memory when the gate was killed is missing, too.")]
    Check(SpanArgs),
    /// Write exchanges with their proofs as JSON lines, oldest first
    #[command(after_help = "\
Examples:
  bartizan history export --since 2026-10-01 --out october.jsonl
  bartizan history verify october.jsonl --key ledger.key")]
    Export(ExportArgs),
    /// Remove all that began before a time
    #[command(after_help = "\
Examples:
  bartizan history purge --before 30d --tenant acme")]
    Purge(PurgeArgs),
    /// Verify exported exchanges, with nothing but the ledger's public key
    Verify(verify::VerifyArgs),
}

/// What to keep.
#[derive(Debug, Args)]
pub struct KeepArgs {
    /// `none`, `metadata`, `redacted` or `full`; shows what is kept when left out
    #[arg(value_name = "WHAT")]
    kept: Option<Kept>,
    /// For how many days; as before when left out
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=i64::from(KEPT_DAYS_MAX)), requires = "kept")]
    days: Option<u16>,
    /// For how many days at most where a call carries data of a class or of a graver one; 0 keeps nothing of such calls.
    /// As before when left out, `none` takes all back
    #[arg(long, value_name = "CLASS=DAYS,…", requires = "kept")]
    days_max: Option<DaysMax>,
    #[command(flatten)]
    whose: Whose,
}

/// Days by class of data, as people write them.
#[derive(Debug, Clone, Copy)]
struct DaysMax(ByClass<u16>);

impl FromStr for DaysMax {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = ByClass::NONE;
        for part in text.split(',').filter(|part| *part != "none") {
            let (class, days) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` is not CLASS=DAYS, such as `restricted=7`"))?;
            let class: DataClass = class.trim().parse().map_err(|error| format!("{error}"))?;
            let days: u16 = days
                .trim()
                .parse()
                .map_err(|_| format!("`{days}` is no number of days"))?;
            *match class {
                DataClass::Public => &mut all.public,
                DataClass::Internal => &mut all.internal,
                DataClass::Confidential => &mut all.confidential,
                DataClass::Restricted => &mut all.restricted,
            } = Some(days);
        }
        Ok(Self(all))
    }
}

/// Whose exchanges.
#[derive(Debug, Args)]
pub struct Whose {
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// From when until when.
#[derive(Debug, Args)]
pub struct SpanArgs {
    /// From when on: how long ago (24h, 7d), a day (2026-07-01) or a time (2026-07-01T12:00:00Z)
    #[arg(long, value_name = "WHEN", default_value = "24h")]
    since: Since,
    /// Until when; now when left out
    #[arg(long, value_name = "WHEN")]
    until: Option<Since>,
    #[command(flatten)]
    whose: Whose,
}

/// Which to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    span: SpanArgs,
    /// Only by this key: its id, name or hint
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only of this model
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: u16,
}

/// Which one.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The call's id, as its answer's `x-request-id` has it
    #[arg(value_name = "REQUEST")]
    request: RequestId,
    #[command(flatten)]
    whose: Whose,
}

/// Which to export, and where to.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    span: SpanArgs,
    /// Where to write, a new file that only you may read; standard output when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What goes.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// All that began before: how long ago (30d), a day or a time
    #[arg(long, value_name = "WHEN")]
    before: Since,
    #[command(flatten)]
    whose: Whose,
}

/// Runs one of them.
pub async fn run(command: HistoryCommand, at: &At, show: Show) -> Result<(), Failure> {
    let command = match command {
        HistoryCommand::Verify(args) => return verify::run(&args, at, show).await,
        command => command,
    };
    let instance = Instance::open(at).await?;
    match command {
        HistoryCommand::Keep(args) => show.say(&keep(&args, &instance).await?),
        HistoryCommand::List(args) => show.say(&list(&args, &instance).await?),
        HistoryCommand::Show(args) => one(&args, &instance, show).await,
        HistoryCommand::Check(args) => check(&args, &instance, show).await,
        HistoryCommand::Export(args) => export(&args, &instance, show).await,
        HistoryCommand::Purge(args) => show.say(&purge(&args, &instance).await?),
        HistoryCommand::Verify(_) => Ok(()),
    }
}

async fn tenant(whose: &Whose, instance: &Instance) -> Result<Tenant, Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    names.tenant(whose.tenant.as_deref()).cloned()
}

fn histories(instance: &Instance) -> Result<Histories, Failure> {
    let keys =
        control::Keys::derive(&instance.home.master).map_err(|error| Failure::new(error.to_string()))?;
    let content = keys.content_keys(instance.store.clone());
    Ok(Histories::new(
        instance.store.clone(),
        content,
        instance.signing()?,
    ))
}

fn failed(error: &control::HistoryError) -> Failure {
    Failure::new(error.to_string())
}

impl SpanArgs {
    fn span(&self, now: UnixMillis) -> (UnixMillis, UnixMillis) {
        let until = self.until.map_or(now, |until| until.seen_from(now));
        (self.since.seen_from(now), until)
    }
}

// threat: ANP-0010
async fn keep(args: &KeepArgs, instance: &Instance) -> Result<KeptView, Failure> {
    let before = tenant(&args.whose, instance).await?;
    let Some(kept) = args.kept else {
        return Ok(KeptView::of(&before));
    };
    let history = Keeping {
        kept,
        days: args.days.unwrap_or(before.history.days),
        days_max: args.days_max.map_or(before.history.days_max, |days| days.0),
    };
    let longer = history.days_max.said().into_iter();
    let longer = longer.filter_map(|(class, days)| Some((class, days?)));
    if let Some((class, days)) = longer.into_iter().find(|(_, days)| *days > history.days) {
        let all = history.days;
        return Err(Failure::usage(format!(
            "{days} days of {class} data are more than the {all} of all data"
        ))
        .hint("`--days-max` only shortens: say less, or leave it out"));
    }
    let after = Tenant {
        history,
        ..before.clone()
    };
    let view = KeptView::of(&after);
    let said = serde_json::json!(history);
    let made = (before.id.to_string(), Some(said));
    let change = Change::ReplaceTenant { before, after };
    instance
        .act_saying(view.tenant_id, Permission::HistoryUpdate, made, &[change])
        .await?;
    Ok(view)
}

async fn list(args: &ListArgs, instance: &Instance) -> Result<ExchangeList, Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let tenant = names.tenant(args.span.whose.tenant.as_deref())?;
    let key = args.key.as_deref().map(|key| names.key(Some(tenant.id), key));
    let (from, until) = args.span.span(UnixMillis::now());
    let query = ExchangeQuery {
        from: Some(from),
        until: Some(until),
        key: key.transpose()?.map(|key| key.id),
        model: args.model.clone(),
        data_class: None,
        after: None,
        count: u64::from(args.limit),
    };
    let rows = instance
        .store
        .exchanges(&TenantScope::operator(tenant.id), &query)
        .await?;
    Ok(ExchangeList::new(&rows, &names))
}

// threat: AGP-R3
async fn one(args: &OneArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let tenant = tenant(&args.whose, instance).await?;
    let scope = TenantScope::operator(tenant.id);
    instance
        .record(tenant.id, Permission::ExchangesRead.as_str(), args.request, &[])
        .await?;
    let opened = histories(instance)?
        .open(&scope, args.request, UnixMillis::now())
        .await;
    let opened: Opened = opened.map_err(|error| match error {
        control::HistoryError::Store(store::StoreError::NotFound) => {
            Failure::new(format!("nothing is kept of `{}` in this tenant", args.request))
                .hint("`bartizan history list` shows what is")
        }
        error => failed(&error),
    })?;
    let shown = One::new(args.request, opened);
    show.say(&shown)?;
    shown.must_be_told()
}

// threat: ANP-0012
async fn check(args: &SpanArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let tenant = tenant(&args.whose, instance).await?;
    let now = UnixMillis::now();
    let (from, until) = args.span(now);
    let scope = TenantScope::operator(tenant.id);
    let looked = histories(instance)?
        .look(&scope, (from, until), u64::MAX, now)
        .await;
    let checked = Checked(looked.map_err(|error| failed(&error))?.unwrap_or_default());
    show.say(&checked)?;
    checked.must_be_whole()
}

// threat: AGP-R3
// threat: ANP-0012
async fn export(args: &ExportArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let tenant = tenant(&args.span.whose, instance).await?;
    let (from, until) = args.span.span(UnixMillis::now());
    let said = serde_json::json!({"from": from, "until": until});
    let what = (tenant.id.to_string(), Some(said));
    instance
        .act_saying(tenant.id, Permission::ExchangesExport, what, &[])
        .await?;
    let mut file = match &args.out {
        Some(path) => {
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path);
            let file = opened
                .map_err(|error| Failure::new(format!("`{}` cannot be made: {error}", path.display())))?;
            Some(io::BufWriter::new(file))
        }
        None => None,
    };
    let scope = TenantScope::operator(tenant.id);
    let histories = histories(instance)?;
    let (mut written, mut left_out) = (0_u64, 0_u64);
    for id in ids(instance, &scope, (from, until)).await? {
        let line = histories.exported(&scope, id, UnixMillis::now()).await;
        let Some(line) = line.map_err(|error| failed(&error))? else {
            left_out += 1;
            continue;
        };
        let text = serde_json::to_string(&line).map_err(|error| Failure::new(error.to_string()))?;
        finish(match &mut file {
            Some(file) => writeln!(file, "{text}"),
            None => writeln!(io::stdout().lock(), "{text}"),
        })?;
        written += 1;
    }
    if let (Some(mut file), Some(path)) = (file, &args.out) {
        finish(file.flush())?;
        show.say(&Exported {
            file: path.display().to_string(),
            exchanges: written,
        })?;
    }
    match left_out {
        0 => Ok(()),
        count => Err(Failure::tampered(format!(
            "{count} exchanges are not what the ledger says, and were left out: `bartizan history check` names them"
        ))),
    }
}

/// The calls of a time, oldest first.
async fn ids(
    instance: &Instance,
    scope: &TenantScope,
    (from, until): (UnixMillis, UnixMillis),
) -> Result<Vec<RequestId>, Failure> {
    let mut query = ExchangeQuery {
        from: Some(from),
        until: Some(until),
        count: READ_AT_ONCE,
        ..ExchangeQuery::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = instance.store.exchanges(scope, &query).await?;
        let Some(last) = page.last() else {
            ids.reverse();
            return Ok(ids);
        };
        query.after = Some((last.started, last.id));
        ids.extend(page.iter().map(|row| row.id));
    }
}

// threat: ANP-0010
async fn purge(args: &PurgeArgs, instance: &Instance) -> Result<Purged, Failure> {
    let tenant = tenant(&args.whose, instance).await?;
    let before = args.before.seen_from(UnixMillis::now());
    let said = serde_json::to_value(removal::Before {
        before_ms: before,
        data_class: None,
    });
    let what = (tenant.id.to_string(), said.ok());
    instance
        .act_saying(tenant.id, Permission::HistoryPurge, what, &[])
        .await?;
    let scope = TenantScope::operator(tenant.id);
    let removed = forget_all_exchanges(instance.store.as_ref(), &scope, Over::all(before)).await?;
    Ok(Purged { removed })
}
