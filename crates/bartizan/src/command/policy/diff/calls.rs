//! Recorded calls, asked again as stage 3 asks: may the call be made, and may it be sent to each target of its model?
//! Targets are those of the present configuration and the one that is recorded; nothing about them is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use control::why::{Circumstances, Scene};
use credential::KeyRecord;
use domain::{DataClass, KeyId, Operation, TenantId, TenantScope, UnixMillis};
use ledger::Entry;
use policy::{Decision, Engine, Moment, Place, Plane, PolicyTexts, Question, Thing};
use serde::Serialize;

use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::policy::Asking;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::Failure;
use crate::serving;

use super::targets::Targets;
use super::{DiffArgs, answered, otherwise, texts};

/// Entries read at once.
const READ_AT_ONCE: u64 = 500;

/// What was asked, as far as it is recorded and matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    tenant: TenantId,
    key: KeyId,
    operation: &'static str,
    model: String,
    minute: Option<(i64, i64)>,
}

/// How often.
#[derive(Debug, Default)]
struct Times {
    calls: u64,
    /// When last.
    at: UnixMillis,
    /// How many were sent where, last.
    sent: BTreeMap<Arc<str>, u64>,
}

/// A question that both sets answer differently.
#[derive(Debug, Serialize)]
struct Line {
    tenant: String,
    key: String,
    operation: &'static str,
    model: String,
    /// Where the call would be sent; nothing where it is about the call itself.
    target: Option<String>,
    from: String,
    to: String,
    /// The recorded calls that it is about.
    calls: u64,
    /// Those of them that were sent there.
    sent: u64,
}

/// What came out.
#[derive(Debug, Default, Serialize)]
struct Differences {
    calls: u64,
    questions: u64,
    /// Calls whose key is gone, or that were refused before their model was known.
    not_asked: u64,
    /// Calls that were sent to providers which are not configured any more: it is not known where those are.
    targets_not_asked: u64,
    differences: Vec<Line>,
    not_known: Vec<&'static str>,
}

/// What a call's record does not hold, and what is asked instead.
const NOT_KNOWN: [&str; 4] = [
    "whether it was streamed, offered tools or carried images: asked as if not",
    "where it came from: asked as if from nowhere",
    "what its key listed and was tagged with then, and where providers were: asked as they are now",
    "where it was tried in vain before the target that is recorded",
];
const CLASS_NOT_KNOWN: &str =
    "the data class that its caller gave: asked with its key's; `--data-class` asks with another";

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
        if self.targets_not_asked > 0 {
            writeln!(
                out,
                "{} were sent to providers that are not configured any more: whether they may be is not asked",
                self.targets_not_asked
            )?;
        }
        self.table(out)?;
        writeln!(out, "not known of a recorded call:")?;
        self.not_known
            .iter()
            .try_for_each(|unknown| writeln!(out, "  {unknown}"))
    }
}

impl Differences {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.differences.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&[
            Column::Text("tenant"),
            Column::Text("key"),
            Column::Text("operation"),
            Column::Text("model"),
            Column::Text("sent to"),
            Column::Text("from"),
            Column::Text("to"),
            Column::Number("calls"),
            Column::Number("sent there"),
        ]);
        for line in &self.differences {
            table.row([
                line.tenant.clone(),
                line.key.clone(),
                line.operation.to_owned(),
                line.model.clone(),
                line.target.clone().unwrap_or_default(),
                line.from.clone(),
                line.to.clone(),
                line.calls.to_string(),
                line.target
                    .as_ref()
                    .map_or_else(String::new, |_| line.sent.to_string()),
            ]);
        }
        table.write(out)
    }
}

/// Compares.
pub async fn run(
    args: &DiffArgs,
    (configured, names, since): (&policy::Configured, &Names, UnixMillis),
    instance: &Instance,
    show: Show,
) -> Result<(), Failure> {
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
    let mut asked = BTreeMap::new();
    for tenant in tenants {
        count(instance, tenant, since, reads_time, &mut (&mut asked, &mut found)).await?;
    }
    let asking = Asking::open(instance, Some("platform")).await?;
    let scene = asking.scene(instance);
    let comparing = Comparing {
        targets: if from.asks_targets() || to.asks_targets() {
            Some(Targets::of(instance).await?)
        } else {
            None
        },
        sets: (&from, &to),
        scene: &scene,
        names,
        data_class: args.data_class,
    };
    for (asked, times) in &asked {
        comparing.compare(asked, times, &mut found);
    }
    found.differences.sort_by_key(|one| std::cmp::Reverse(one.calls));
    found.not_known = NOT_KNOWN.to_vec();
    found
        .not_known
        .extend(args.data_class.is_none().then_some(CLASS_NOT_KNOWN));
    show.say(&found)?;
    otherwise(found.differences.len())
}

/// Counts the tenant's calls, newest first, back to `since`.
async fn count(
    instance: &Instance,
    tenant: TenantId,
    since: UnixMillis,
    reads_time: bool,
    (asked, found): &mut (&mut BTreeMap<Asked, Times>, &mut Differences),
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
            let Some(question) = asked_by(&entry, reads_time) else {
                found.not_asked += 1;
                continue;
            };
            let times = asked.entry(question).or_default();
            times.calls += 1;
            times.at = times.at.max(entry.started);
            if let Some(target) = entry.target {
                *times.sent.entry(target).or_default() += 1;
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

/// Both sets, and what questions are put together from.
#[derive(Debug)]
struct Comparing<'a> {
    sets: (&'a Engine, &'a Engine),
    scene: &'a Scene<'a>,
    names: &'a Names,
    /// Nothing where neither set is about sending: then every target is permitted.
    targets: Option<Targets>,
    data_class: Option<DataClass>,
}

/// One question with all that is known of it.
#[derive(Debug)]
struct Recorded<'a> {
    key: &'a KeyRecord,
    operation: Operation,
    model: &'a str,
    said: Circumstances,
}

/// Where a call could go, each with what it is called: the first `now` are the model's targets as configured, the
/// others are recorded.
#[derive(Debug, Default)]
struct Places {
    all: Vec<(Place, String)>,
    now: usize,
}

/// What one set says of a call, and of its places in their order: of none where the call itself is denied.
#[derive(Debug)]
struct Answers {
    call: Decision,
    sends: Vec<Decision>,
}

impl Comparing<'_> {
    fn compare(&self, asked: &Asked, times: &Times, found: &mut Differences) {
        let operation = serving::OPERATIONS
            .iter()
            .find(|one| one.as_str() == asked.operation);
        let key = self.scene.names.key(asked.tenant, asked.key);
        let (Some(key), Some(operation)) = (key, operation) else {
            found.not_asked += times.calls;
            return;
        };
        let recorded = Recorded {
            key,
            operation: *operation,
            model: &asked.model,
            said: Circumstances {
                at: Some(times.at),
                data_class: self.data_class,
                ..Circumstances::default()
            },
        };
        let places = self.places(asked, times, found);
        let before = self.answers(self.sets.0, &recorded, &places);
        let after = self.answers(self.sets.1, &recorded, &places);
        found.questions += 1;
        let line = |target: Option<&String>, (from, to): (&Decision, &Decision)| Line {
            tenant: self.names.tenant_name(asked.tenant),
            key: self.names.key_name(asked.key),
            operation: asked.operation,
            model: asked.model.clone(),
            target: target.cloned(),
            from: answered(from.permit, &from.policies),
            to: answered(to.permit, &to.policies),
            calls: times.calls,
            sent: target
                .and_then(|label| times.sent.get(label.as_str()))
                .copied()
                .unwrap_or(0),
        };
        let (was, is) = (before.in_the_end(places.now), after.in_the_end(places.now));
        if was.permit != is.permit {
            found.differences.push(line(None, (&was, &is)));
        }
        let both = before.sends.iter().zip(&after.sends);
        for ((_, label), (was, is)) in places.all.iter().zip(both) {
            found.questions += 1;
            if was.permit != is.permit {
                found.differences.push(line(Some(label), (was, is)));
            }
        }
    }

    fn places(&self, asked: &Asked, times: &Times, found: &mut Differences) -> Places {
        let Some(targets) = &self.targets else {
            return Places::default();
        };
        let now = targets.now(&asked.model).into_iter();
        let mut all: Vec<_> = now
            .filter_map(|label| Some((targets.place(&label)?, label)))
            .collect();
        let now = all.len();
        for (label, calls) in &times.sent {
            if all.iter().any(|(_, known)| **known == **label) {
                continue;
            }
            match targets.place(label) {
                Some(place) => all.push((place, label.to_string())),
                None => found.targets_not_asked += calls,
            }
        }
        Places { all, now }
    }

    /// Targets are asked about where the call may be made, as in stage 3.
    fn answers(&self, engine: &Engine, recorded: &Recorded<'_>, places: &Places) -> Answers {
        let ask = |place: Option<&Place>| {
            let Recorded {
                key,
                operation,
                model,
                said,
            } = recorded;
            self.scene
                .with_question(key, *operation, Some(model), said, |question| {
                    engine.decide(&Question {
                        thing: place.map(Thing::Target),
                        ..*question
                    })
                })
        };
        let call = ask(None);
        let asked = places.all.iter().filter(|_| call.permit);
        let sends = asked.map(|(place, _)| ask(Some(place))).collect();
        Answers { call, sends }
    }
}

impl Answers {
    /// What the caller gets: a call that may go to none of its model's `count` targets is refused.
    fn in_the_end(&self, count: usize) -> Decision {
        let now = self.sends.iter().take(count);
        if !self.call.permit || count == 0 || now.clone().any(|send| send.permit) {
            return self.call.clone();
        }
        let policies: BTreeSet<_> = now.flat_map(|send| send.policies.clone()).collect();
        Decision {
            permit: false,
            policies: policies.into_iter().collect(),
            ..self.call.clone()
        }
    }
}
