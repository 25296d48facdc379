//! Keys, limits, budgets and policies from the store into memory, within a fraction of a second of their change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::sheets::Kept;
use data::Gate;
use data::book::Book;
use data::directory::{Builder, Consented, Numbered, Own};
use domain::{TenantId, UnixMillis};
use policy::Consents;
use store::{Store, StoreError};
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
        let own = own(self.store.as_ref()).await?;
        let unprepared = self.builder.unprepared(&own.guards);
        let directory = self.builder.build(&dump, own, &self.book, UnixMillis::now());
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
// threat: AGP-D1 ANP-0017
pub async fn own(store: &dyn Store) -> Result<Own, StoreError> {
    let sheets = control::sheets::in_force(store).await?.into_iter();
    let guards = control::documents::in_force::<guard::Profiles>(store)
        .await?
        .into_iter();
    let consents = control::documents::in_force::<Consents>(store).await?.into_iter();
    Ok(Own {
        sheets: sheets.map(numbered).collect(),
        guards: guards
            .map(|(tenant, kept)| (tenant, kept.document))
            .filter(|(_, document)| *document != guard::Profiles::default())
            .collect(),
        consents: consents
            .filter(|(_, kept)| kept.document != Consents::default())
            .map(|(tenant, kept)| (tenant, consented(kept.number, kept.document)))
            .collect(),
    })
}

const fn consented(number: u64, consents: Consents) -> Consented {
    Consented { number, consents }
}

fn numbered(kept: Kept) -> (TenantId, Numbered) {
    let Kept {
        tenant,
        number,
        sheet,
        ..
    } = kept;
    (tenant, Numbered { number, sheet })
}
