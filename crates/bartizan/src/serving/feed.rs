//! Keys, limits, budgets and policies from the store into memory, within a fraction of a second of their change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use control::sheets::Kept;
use control::texts::{self, Marks};
use data::Gate;
use data::book::Book;
use data::directory::{Builder, Consented, Directory, Numbered, Own, Unread};
use domain::{TenantId, UnixMillis};
use policy::Consents;
use store::{Store, StoreError};
use telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::content::Contents;
use super::rules::Rules;
use crate::failure::Failure;

/// Polls the store's revision and replaces the directory when it has risen.
///
/// While the store is away the keys known last keep working: revoking needs the store, serving does not.
#[derive(Debug)]
pub struct Feed {
    /// Where keys are kept.
    pub store: Arc<dyn Store>,
    /// Who uses them.
    pub gate: Arc<Gate>,
    /// What budgets they spend from.
    pub book: Arc<Book>,
    /// What policies they are judged by.
    pub rules: Arc<Rules>,
    /// Counters that outlive a directory.
    pub builder: Arc<Builder>,
    /// What tenants' content is sealed under.
    pub contents: Contents,
    /// What knows whether samples and prompts are as they were written.
    pub marks: Marks,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How often to ask.
    pub every: Duration,
}

impl Feed {
    /// Runs until stopped.
    // threat: CTX-T3
    // threat: ANP-0016
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (mut away, mut preparing, mut owed) = (false, None, false);
        loop {
            owed |= tokio::select! {
                () = tokio::time::sleep(self.every) => false,
                is_ready = ended(&mut preparing) => is_ready,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let refreshed = self.refresh(owed, &mut preparing).await;
            owed &= refreshed.is_err();
            match refreshed {
                Ok(()) if away => {
                    away = false;
                    tracing::info!("the store answers again: keys and budgets are current");
                }
                Ok(()) => {}
                Err(error) if away => tracing::debug!(%error, "the store is still away"),
                Err(error) => {
                    away = true;
                    tracing::warn!(%error, "the store does not answer: keys and budgets stay as last known");
                }
            }
        }
    }

    /// Keys and revocations go first: what tenants' guards take to be made ready nobody else waits for.
    // threat: AGP-D2
    async fn refresh(&self, is_ready: bool, preparing: &mut Preparing) -> Result<(), StoreError> {
        let known = self.gate.view().directory.revision;
        if !is_ready && self.store.revision().await? == known && !self.contents.is_behind() {
            return Ok(());
        }
        let dump = self.store.load().await?;
        // Before the directory, by whose revision it is known what was read.
        self.rules.refresh(&self.gate).await?;
        // So are the keys: what a tenant begins to keep has one when it comes.
        self.contents.keep(&dump.tenants).await;
        let mut own = own(self.store.as_ref(), &self.marks).await?;
        let unprepared = self.builder.unprepared(&own.guards);
        // Guards that were mended are in force when they are ready, and until then their tenant's calls stay refused.
        for (tenant, what) in self.gate.view().directory.unread() {
            if unprepared.contains_key(tenant) {
                own.unread.insert(*tenant, *what);
            }
        }
        let directory = self.builder.build(&dump, own, &self.book, UnixMillis::now());
        tell_unread(Some(&self.gate.view().directory), &directory, &self.metrics);
        self.gate.set_directory(Arc::new(directory));
        tracing::info!(
            revision = dump.revision,
            keys = dump.keys.len(),
            "keys and budgets reloaded"
        );
        if !unprepared.is_empty() && preparing.is_none() {
            let builder = self.builder.clone();
            *preparing = Some(tokio::task::spawn_blocking(move || builder.prepare(unprepared)));
        }
        Ok(())
    }
}

/// Tenants' guards that are being made ready.
type Preparing = Option<JoinHandle<()>>;

/// Waits until they are; whether they are then.
async fn ended(preparing: &mut Preparing) -> bool {
    let Some(task) = preparing.as_mut() else {
        return std::future::pending().await;
    };
    let ended = task.await;
    *preparing = None;
    if let Err(error) = &ended {
        tracing::error!(%error, "tenants' guards could not be made ready: those before them hold");
    }
    ended.is_ok()
}

/// Makes tenants' guards ready before anything is served.
pub async fn prepared(
    builder: &Arc<Builder>,
    guards: &HashMap<TenantId, guard::Profiles>,
) -> Result<(), Failure> {
    let (builder, unprepared) = (builder.clone(), builder.unprepared(guards));
    let task = tokio::task::spawn_blocking(move || builder.prepare(unprepared));
    task.await.map_err(|error| Failure::new(error.to_string()))
}

/// Tenants' own documents that calls are answered by. Read after the directory: what comes in between raises the revision,
/// and is read again.
// threat: AGP-D1 ANP-0017 ANP-0021
pub async fn own(store: &dyn Store, marks: &Marks) -> Result<Own, StoreError> {
    let mut unread = BTreeMap::new();
    let sheets = control::sheets::in_force(store).await?;
    let sheets = read(sheets, Unread::PriceSheet, &mut unread);
    let guards = control::documents::in_force::<guard::Profiles>(store).await?;
    let guards = read(guards, Unread::Guards, &mut unread);
    let consents = control::documents::in_force::<Consents>(store).await?;
    let consents = read(consents, Unread::Consents, &mut unread);
    Ok(Own {
        shelves: texts::shelves(store, marks).await?,
        sheets: sheets.into_iter().map(numbered).collect(),
        guards: guards
            .into_iter()
            .map(|(tenant, kept)| (tenant, kept.document))
            .filter(|(_, document)| *document != guard::Profiles::default())
            .collect(),
        consents: consents
            .into_iter()
            .filter(|(_, kept)| kept.document != Consents::default())
            .map(|(tenant, kept)| (tenant, consented(kept.number, kept.document)))
            .collect(),
        unread,
    })
}

/// Those that read; of whom one does not is put down.
fn read<T>(
    all: Vec<(TenantId, Option<T>)>,
    what: Unread,
    unread: &mut BTreeMap<TenantId, Unread>,
) -> Vec<(TenantId, T)> {
    let of = |(tenant, kept): (TenantId, Option<T>)| {
        if kept.is_none() {
            unread.insert(tenant, what);
        }
        Some((tenant, kept?))
    };
    all.into_iter().filter_map(of).collect()
}

/// Says once whose calls are refused because something of theirs does not read, and when it reads again.
pub fn tell_unread(before: Option<&Directory>, after: &Directory, metrics: &Metrics) {
    let unread = after.unread();
    let count = i64::try_from(unread.len()).unwrap_or(i64::MAX);
    metrics.gauges().tenants_unreadable.set(count);
    let known = before.map(Directory::unread);
    for (tenant, what) in unread {
        if known.and_then(|known| known.get(tenant)) != Some(what) {
            let what = what.as_str();
            tracing::error!(%tenant, what, "a tenant's document in the store does not read: its calls are refused until it is put anew; others are served");
        }
    }
    for tenant in known.into_iter().flatten().map(|(tenant, _)| tenant) {
        if !unread.contains_key(tenant) {
            tracing::info!(%tenant, "the tenant's documents read again: its calls are let in");
        }
    }
}

const fn consented(number: u64, consents: Consents) -> Consented {
    Consented { number, consents }
}

fn numbered((tenant, kept): (TenantId, Kept)) -> (TenantId, Numbered) {
    let Kept { number, sheet, .. } = kept;
    (tenant, Numbered { number, sheet })
}
