//! `bartizan policy diff`: what is recorded, asked again of two sets of policies. Changes nothing. Calls are here,
//! acts on the control plane in [`acts`].

mod acts;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use control::versions;
use control::why::{Circumstances, Scene};
use domain::{KeyId, Operation, TenantId, TenantScope, UnixMillis};
use ledger::Entry;
use policy::{Engine, Moment, Plane, PolicyTexts};
use serde::Serialize;

use crate::command::arguments::Since;
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::{Failure, Hint};
use crate::policies;

use super::Asking;

pub const HELP: &str = "\
Examples:
  bartizan policy diff --to policies/calls
  bartizan policy diff --from active --to 7 --since 30d --tenant acme
  bartizan policy diff --plane control --to policies/control

`active` is what is in force, `configured` the configuration's files alone; a number is a stored version, anything else
a folder or file. All but `active` stand on top of the configuration's files. Exits with 1 when something differs.

A ledger entry holds the key, the operation, the model and the time of a call; not whether it was streamed, offered
tools or carried images, not where it came from, and not what its key listed then. Such calls are asked as if
not, from nowhere, and with the key as it is now; where they were sent is not asked again.

An audit record holds who did what, to which id, and whether a second person let them; not their roles then, not how
they had signed in, and of what was refused not what it was asked of. Such acts are asked with the roles and things of
today, as if just signed in with a second factor; those that cannot be asked are counted by why.";

/// Entries read at once.
const READ_AT_ONCE: u64 = 500;

/// What to compare.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The set that answers first: `active`, `configured`, a version's number, a folder or a file
    #[arg(long, value_name = "SET", default_value = "active")]
    from: String,
    /// The set that answers then, likewise
    #[arg(long, value_name = "SET")]
    to: String,
    /// Which sets, and what is asked again: `calls`, or `control` for acts on the control plane
    #[arg(long, value_name = "PLANE", default_value = "calls", value_parser = ["calls", "control"])]
    plane: String,
    /// From when on: how long ago (24h, 7d), a day or a time
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: Since,
    /// Whose; everybody's when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// What was asked, as far as it is recorded and matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    tenant: TenantId,
    key: KeyId,
    operation: &'static str,
    model: String,
    minute: Option<(i64, i64)>,
}

/// A question that both sets answer differently.
#[derive(Debug, Serialize)]
struct Line {
    tenant: String,
    key: String,
    operation: &'static str,
    model: String,
    from: String,
    to: String,
    calls: u64,
}

/// What came out.
#[derive(Debug, Default, Serialize)]
struct Differences {
    calls: u64,
    questions: u64,
    /// Calls whose key is gone, or that were refused before their model was known.
    not_asked: u64,
    differences: Vec<Line>,
}

impl Shown for Differences {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} recorded calls, {} questions, {} answered otherwise; {} calls hold too little to be asked again",
            self.calls,
            self.questions,
            self.differences.len(),
            self.not_asked
        )?;
        if self.differences.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&[
            Column::Text("tenant"),
            Column::Text("key"),
            Column::Text("operation"),
            Column::Text("model"),
            Column::Text("from"),
            Column::Text("to"),
            Column::Number("calls"),
        ]);
        for line in &self.differences {
            table.row([
                line.tenant.clone(),
                line.key.clone(),
                line.operation.to_owned(),
                line.model.clone(),
                line.from.clone(),
                line.to.clone(),
                line.calls.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// Compares.
pub async fn run(args: DiffArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let configured = policies::read(&instance.config)?;
    let names = Names::read(instance.store.as_ref()).await?;
    let since = args.since.seen_from(UnixMillis::now());
    if args.plane == Plane::Control.as_str() {
        return acts::run(&args, (&configured, &names, since), instance, show).await;
    }
    let engine = |wanted: &str, texts: Option<PolicyTexts>| {
        let engine = configured.engine(texts.as_ref());
        engine.map_err(|error| Failure::new(format!("`{wanted}`: {error}")))
    };
    let from = engine(&args.from, texts(&args.from, Plane::Calls, instance).await?)?;
    let to = engine(&args.to, texts(&args.to, Plane::Calls, instance).await?)?;
    let tenants: Vec<TenantId> = match names.tenant_if_named(args.tenant.as_deref())? {
        Some(tenant) => vec![tenant],
        None => names.all().tenants.iter().map(|tenant| tenant.id).collect(),
    };
    let reads_time = from.reads().time || to.reads().time;
    let mut found = Differences::default();
    let mut asked: BTreeMap<Asked, (u64, UnixMillis)> = BTreeMap::new();
    for tenant in tenants {
        count(instance, tenant, since, reads_time, &mut (&mut asked, &mut found)).await?;
    }
    let asking = Asking::open(instance, Some("platform")).await?;
    let scene = asking.scene(instance);
    found.questions = asked.len() as u64;
    for (asked, (calls, at)) in asked {
        compare((&from, &to), &scene, &names, (asked, calls, at), &mut found);
    }
    found.differences.sort_by_key(|one| std::cmp::Reverse(one.calls));
    show.say(&found)?;
    otherwise(found.differences.len())
}

/// An exit code that a script can ask.
fn otherwise(count: usize) -> Result<(), Failure> {
    match count {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} questions would be answered otherwise"
        ))),
    }
}

/// The set that somebody means, on top of what is configured.
async fn texts(wanted: &str, plane: Plane, instance: &Instance) -> Result<Option<PolicyTexts>, Failure> {
    let store = instance.store.as_ref();
    Ok(match (wanted, wanted.parse::<u64>()) {
        ("configured", _) => None,
        ("active", _) if instance.config.policies.ignore_activated => None,
        ("active", _) => {
            let standing = versions::standing(store).await?;
            let current = versions::current(store, &standing, plane).await?;
            current.texts().cloned()
        }
        (_, Ok(number)) => Some(of_version(number, plane, instance).await?),
        (path, _) if Path::new(path).exists() => Some(policies::texts(&[PathBuf::from(path)])?),
        (other, _) => {
            return Err(
                Failure::not_found(format!("there is no set of policies `{other}`"))
                    .hint("`active`, `configured`, a version's number, a folder or a file"),
            );
        }
    })
}

async fn of_version(number: u64, plane: Plane, instance: &Instance) -> Result<PolicyTexts, Failure> {
    let missing = || {
        let plane = plane.as_str();
        Failure::not_found(format!("there is no version {number} of policies for `{plane}`"))
            .hint("`bartizan ctl policies list` shows all; `--plane` says whose")
    };
    match versions::version(instance.store.as_ref(), number).await {
        Ok(version) if version.plane == plane => Ok(version.texts),
        Ok(_) | Err(store::StoreError::NotFound) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// Counts the tenant's calls, newest first, back to `since`.
async fn count(
    instance: &Instance,
    tenant: TenantId,
    since: UnixMillis,
    reads_time: bool,
    (asked, found): &mut (&mut BTreeMap<Asked, (u64, UnixMillis)>, &mut Differences),
) -> Result<(), Failure> {
    let scope = TenantScope::operator(tenant);
    let mut end = instance.store.size(&scope).await?;
    while end > 0 {
        let start = end.saturating_sub(READ_AT_ONCE);
        let read = instance.store.entries(&scope, start, end - start).await?;
        let mut is_old = read.is_empty();
        for stored in &read {
            let entry = Entry::from_bytes(&stored.bytes)
                .map_err(|error| Failure::new(format!("entry {}: {error}", stored.index)))?;
            if entry.started < since {
                is_old = true;
                continue;
            }
            found.calls += 1;
            match asked_by(&entry, reads_time) {
                Some(question) => {
                    let (calls, at) = asked.entry(question).or_insert((0, entry.started));
                    *calls += 1;
                    *at = (*at).max(entry.started);
                }
                None => found.not_asked += 1,
            }
        }
        if is_old {
            return Ok(());
        }
        end = start;
    }
    Ok(())
}

fn asked_by(entry: &Entry, reads_time: bool) -> Option<Asked> {
    let moment = Moment::of(entry.started);
    Some(Asked {
        tenant: entry.tenant,
        key: entry.key,
        operation: entry.operation.as_str(),
        model: entry.model.as_deref()?.to_owned(),
        minute: reads_time.then_some((moment.weekday, moment.minute)),
    })
}

fn compare(
    (from, to): (&Engine, &Engine),
    scene: &Scene<'_>,
    names: &Names,
    (asked, calls, at): (Asked, u64, UnixMillis),
    found: &mut Differences,
) {
    let operation = crate::serving::OPERATIONS
        .iter()
        .find(|one| one.as_str() == asked.operation);
    let key = scene.names.key(asked.tenant, asked.key);
    let (Some(key), Some(operation)) = (key, operation) else {
        found.not_asked += calls;
        return;
    };
    let said = Circumstances {
        at: Some(at),
        ..Circumstances::default()
    };
    let decide = |engine: &Engine, operation: Operation| {
        scene.with_question(key, operation, Some(&asked.model), &said, |question| {
            engine.decide(question)
        })
    };
    let (before, after) = (decide(from, *operation), decide(to, *operation));
    if before.permit == after.permit {
        return;
    }
    found.differences.push(Line {
        tenant: names.tenant_name(asked.tenant),
        key: names.key_name(asked.key),
        operation: asked.operation,
        model: asked.model,
        from: answered(before.permit, &before.policies),
        to: answered(after.permit, &after.policies),
        calls,
    });
}

fn answered(permit: bool, policies: &[String]) -> String {
    let word = if permit { "permit" } else { "deny" };
    if policies.is_empty() {
        return word.to_owned();
    }
    format!("{word} by {}", policies.join(", "))
}
