//! The checkpointer: signs the heads of logs that have grown, after checking them against what was signed before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{TenantId, TenantScope, UnixMillis};
use ledger::bundle::origin_of;
use ledger::merkle::Frontier;
use ledger::note::{self, Checkpoint, NoteError, Signer};
use store::{Store, StoreError, StoredCheckpoint};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;

/// Leaf hashes that are read at once.
const LEAVES_PER_PAGE: u64 = 4096;

/// Signs checkpoints. Keeps each log's frontier, so a leaf is read once.
#[derive(Debug)]
pub struct Checkpointer {
    store: Arc<dyn Store>,
    signer: Arc<Signer>,
    every: Duration,
    metrics: Arc<Metrics>,
    revision: Option<u64>,
    tenants: Vec<TenantId>,
    logs: HashMap<TenantId, Known>,
}

/// What is known of one log.
#[derive(Debug, Clone)]
struct Known {
    frontier: Frontier,
    /// Up to where a checkpoint is in the store.
    signed: u64,
}

impl Checkpointer {
    /// One that looks through all logs every so often.
    pub fn new(store: Arc<dyn Store>, signer: Arc<Signer>, every: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            signer,
            every,
            metrics,
            revision: None,
            tenants: Vec::new(),
            logs: HashMap::new(),
        }
    }

    /// Checkpoints until told to stop.
    // threat: AGP-R1
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.checkpoint_all(UnixMillis::now()).await {
                tracing::warn!(%error, "checkpoints could not be signed");
            }
            if sleep_or_stop(self.every, &mut shutdown).await {
                return;
            }
        }
    }

    /// Signs the head of every log that has grown. One tenant's trouble does not keep the others from theirs; the first
    /// of it is returned. Returns how many were signed.
    pub async fn checkpoint_all(&mut self, now: UnixMillis) -> Result<u64, WorkerError> {
        self.refresh_tenants().await?;
        let (mut signed, mut trouble) = (0, None);
        for tenant in self.tenants.clone() {
            match self.checkpoint(tenant, now).await {
                Ok(true) => signed += 1,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%tenant, %error, "no checkpoint for this ledger");
                    trouble = trouble.or(Some(error));
                }
            }
        }
        self.metrics.gauges().checkpoints_signed.inc_by(signed);
        if let Some(error) = trouble {
            return Err(error);
        }
        self.metrics.gauges().checkpointed();
        Ok(signed)
    }

    async fn refresh_tenants(&mut self) -> Result<(), WorkerError> {
        let revision = self.store.revision().await?;
        if self.revision != Some(revision) {
            let directory = self.store.load().await?;
            self.tenants = directory.tenants.iter().map(|tenant| tenant.id).collect();
            self.revision = Some(directory.revision);
        }
        Ok(())
    }

    /// Signs the tenant's head if its log has grown. `false` if it has not.
    pub async fn checkpoint(&mut self, tenant: TenantId, now: UnixMillis) -> Result<bool, WorkerError> {
        let scope = TenantScope::operator(tenant);
        let size = self.store.size(&scope).await?;
        let known = match self.logs.get(&tenant) {
            Some(known) if known.signed == size => return Ok(false),
            Some(known) => known.clone(),
            None => self.first_look(&scope, size).await?,
        };
        let known = self.grown(&scope, known, size).await?;
        let (frontier_size, signed) = (known.frontier.size(), known.signed);
        if frontier_size < signed {
            // Shorter than what was signed: entries are gone.
            return Err(WorkerError::Tampered { tenant, size: signed });
        }
        if frontier_size == signed {
            self.logs.insert(tenant, known);
            return Ok(false);
        }
        self.sign(&scope, &known.frontier, now).await?;
        self.logs.insert(
            tenant,
            Known {
                signed: frontier_size,
                ..known
            },
        );
        Ok(true)
    }

    /// Reads a log's leaves once, and holds them against the newest checkpoint.
    // threat: ANP-0012
    async fn first_look(&self, scope: &TenantScope, size: u64) -> Result<Known, WorkerError> {
        let stored = self.store.checkpoint(scope).await?;
        let signed = stored.as_ref().map_or(0, |stored| stored.size);
        let tampered = || WorkerError::Tampered {
            tenant: scope.tenant(),
            size: signed,
        };
        if size < signed {
            return Err(tampered());
        }
        let mut frontier = Frontier::new();
        self.take_in(scope, &mut frontier, signed).await?;
        let root_then = frontier.root();
        self.take_in(scope, &mut frontier, size).await?;
        if let Some(stored) = stored {
            match note::open(&stored.note, std::slice::from_ref(self.signer.verifier())) {
                Ok(checkpoint) if checkpoint.size == signed && checkpoint.root == root_then => {}
                // Signed under a former key: nothing can be said of it here, the offline verifier has all keys.
                Err(NoteError::UnknownKey) => {
                    tracing::warn!(tenant = %scope.tenant(), "the newest checkpoint was signed with another key");
                }
                Ok(_) | Err(_) => return Err(tampered()),
            }
        }
        Ok(Known { frontier, signed })
    }

    /// Takes in the leaves that have come since. They were hashed when their entries came: whoever changes an
    /// entry in the store later does not get the change signed.
    // threat: ANP-0012
    async fn grown(&self, scope: &TenantScope, mut known: Known, size: u64) -> Result<Known, WorkerError> {
        let from = known.frontier.size();
        let tampered = || WorkerError::Tampered {
            tenant: scope.tenant(),
            size: from,
        };
        if from > size {
            return Err(tampered());
        }
        match self.take_in(scope, &mut known.frontier, size).await {
            // Of a log of this size some are not there.
            Err(StoreError::NotFound) => Err(tampered()),
            taken => Ok(taken.map(|()| known)?),
        }
    }

    /// Pushes the log's leaves up to `size`, a page at a time: a long log is not held in memory.
    async fn take_in(
        &self,
        scope: &TenantScope,
        frontier: &mut Frontier,
        size: u64,
    ) -> Result<(), StoreError> {
        while frontier.size() < size {
            let (from, page_end) = (frontier.size(), size.min(frontier.size() + LEAVES_PER_PAGE));
            for leaf in self.store.leaf_hashes(scope, from, page_end).await? {
                frontier.push(leaf);
            }
            if frontier.size() < page_end {
                return Err(StoreError::NotFound);
            }
        }
        Ok(())
    }

    async fn sign(
        &self,
        scope: &TenantScope,
        frontier: &Frontier,
        now: UnixMillis,
    ) -> Result<(), WorkerError> {
        let origin = origin_of(self.signer.verifier().name(), scope.tenant());
        let checkpoint = Checkpoint {
            origin,
            size: frontier.size(),
            root: frontier.root(),
        };
        let note = checkpoint.sign(&self.signer).map_err(WorkerError::Sign)?;
        let stored = StoredCheckpoint {
            size: frontier.size(),
            signed: now,
            note,
        };
        match self.store.put_checkpoint(scope, &stored).await {
            // Another replica was first. Ed25519 is deterministic: with the same key and the same log its note is this
            // one, and a different note means a different log.
            Err(StoreError::Conflict(_)) => self.agree(scope, &stored).await,
            other => Ok(other?),
        }
    }

    async fn agree(&self, scope: &TenantScope, ours: &StoredCheckpoint) -> Result<(), WorkerError> {
        let tampered = WorkerError::Tampered {
            tenant: scope.tenant(),
            size: ours.size,
        };
        match self.store.checkpoint(scope).await? {
            Some(theirs) if theirs.size == ours.size && theirs.note != ours.note => Err(tampered),
            _ => Ok(()),
        }
    }
}
