//! Keys, limits, budgets and policies from the store into memory, within a fraction of a second of their change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use control::sheets::Kept;
use data::Gate;
use data::book::Book;
use data::directory::{Builder, Numbered};
use domain::{TenantId, UnixMillis};
use store::{Store, StoreError};
use tokio::sync::watch;

use super::content::Contents;
use super::rules::Rules;

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
        let mut away = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            match self.refresh().await {
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

    async fn refresh(&self) -> Result<(), StoreError> {
        let known = self.gate.view().directory.revision;
        if self.store.revision().await? == known && !self.contents.is_behind() {
            return Ok(());
        }
        let dump = self.store.load().await?;
        // Before the directory, by whose revision it is known what was read.
        self.rules.refresh(&self.gate).await?;
        // So are the keys: what a tenant begins to keep has one when it comes.
        self.contents.keep(&dump.tenants).await;
        let sheets = sheets(self.store.as_ref()).await?;
        let directory = self.builder.build(&dump, sheets, &self.book, UnixMillis::now());
        self.gate.set_directory(Arc::new(directory));
        tracing::info!(
            revision = dump.revision,
            keys = dump.keys.len(),
            "keys and budgets reloaded"
        );
        Ok(())
    }
}

/// What tenants are charged where it is not what the list says. Read after the directory: what comes in between raises
/// the revision, and is read again.
// threat: AGP-D1
pub async fn sheets(store: &dyn Store) -> Result<HashMap<TenantId, Numbered>, StoreError> {
    let all = control::sheets::in_force(store).await?.into_iter();
    let numbered = all.map(|kept| {
        let Kept {
            tenant,
            number,
            sheet,
            ..
        } = kept;
        (tenant, Numbered { number, sheet })
    });
    Ok(numbered.collect())
}
