//! The checkpointer: signs the heads of logs that have grown, after checking them against what was signed before.
//! Every tenant has two: its ledger, and who did what there. So has the platform, which is no tenant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{TenantId, TenantScope, UnixMillis};
use ledger::bundle::Fault;
use ledger::merkle::Frontier;
use ledger::note::{Checkpoint, NoteError};
use store::{LogKind, Signing, SigningNow, Store, StoreError, StoredCheckpoint};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;

/// Leaf hashes that are read at once.
const LEAVES_PER_PAGE: u64 = 4096;
/// How often it is tried to sign while the key is being replaced, and how long it is waited between.
const REPLACING_TRIES: u32 = 40;
const REPLACING_PAUSE: Duration = Duration::from_millis(50);

/// Signs checkpoints. Keeps each log's frontier, so a leaf is read once.
#[derive(Debug)]
pub struct Checkpointer {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
    every: Duration,
    metrics: Arc<Metrics>,
    revision: Option<u64>,
    tenants: Vec<TenantId>,
    logs: HashMap<LogName, Known>,
}

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct LogName {
    tenant: TenantId,
    kind: LogKind,
}

impl LogName {
    fn scope(self) -> TenantScope {
        TenantScope::operator(self.tenant)
    }

    const fn tampered(self, size: u64) -> WorkerError {
        WorkerError::Tampered {
            tenant: self.tenant,
            log: self.kind,
            size,
        }
    }
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
    pub fn new(store: Arc<dyn Store>, signing: Arc<Signing>, every: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            signing,
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

    /// Signs the head of every log that has grown. One log's trouble does not keep the others from theirs; the first
    /// of it is returned. Returns how many were signed.
    pub async fn checkpoint_all(&mut self, now: UnixMillis) -> Result<u64, WorkerError> {
        self.refresh_tenants().await?;
        let (mut signed, mut trouble) = (0, None);
        for tenant in self.tenants.clone() {
            for kind in LogKind::ALL {
                match self.checkpoint(tenant, kind, now).await {
                    Ok(true) => signed += 1,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::error!(%tenant, log = kind.as_str(), %error, "no checkpoint for this log");
                        trouble = trouble.or(Some(error));
                    }
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
            let tenants = directory.tenants.iter().map(|tenant| tenant.id);
            self.tenants = tenants.chain([TenantId::PLATFORM]).collect();
            self.revision = Some(directory.revision);
        }
        Ok(())
    }

    /// Signs the log's head if it has grown. `false` if it has not: for that, its size is all that is asked.
    pub async fn checkpoint(
        &mut self,
        tenant: TenantId,
        kind: LogKind,
        now: UnixMillis,
    ) -> Result<bool, WorkerError> {
        let log = LogName { tenant, kind };
        let size = self.store.log_size(&log.scope(), kind).await?;
        let known = match self.logs.get(&log) {
            Some(known) if known.signed == size => return Ok(false),
            Some(known) => known.clone(),
            None => self.first_look(log, size).await?,
        };
        let known = self.grown(log, known, size).await?;
        self.sign_grown(log, known, now).await
    }

    async fn sign_grown(&mut self, log: LogName, known: Known, now: UnixMillis) -> Result<bool, WorkerError> {
        let (frontier_size, signed) = (known.frontier.size(), known.signed);
        if frontier_size < signed {
            // Shorter than what was signed: entries are gone.
            return Err(log.tampered(signed));
        }
        if frontier_size == signed {
            self.logs.insert(log, known);
            return Ok(false);
        }
        self.sign(log, &known.frontier, now).await?;
        self.logs.insert(
            log,
            Known {
                signed: frontier_size,
                ..known
            },
        );
        Ok(true)
    }

    /// Reads a log's leaves once, and holds them against the newest checkpoint.
    // threat: ANP-0012
    // threat: AGP-R3
    async fn first_look(&self, log: LogName, size: u64) -> Result<Known, WorkerError> {
        let stored = self.store.log_checkpoint(&log.scope(), log.kind).await?;
        let signed = stored.as_ref().map_or(0, |stored| stored.size);
        if size < signed {
            return Err(log.tampered(signed));
        }
        let mut frontier = Frontier::new();
        self.take_in(log, &mut frontier, signed).await?;
        let root_then = frontier.root();
        self.take_in(log, &mut frontier, size).await?;
        if let Some(stored) = stored {
            let origin = self.origin(log);
            match self.signing.now().await?.of_log(&origin).believed(&stored.note) {
                Ok(checkpoint)
                    if checkpoint.origin == origin
                        && checkpoint.size == signed
                        && checkpoint.root == root_then => {}
                // Signed when the logs had another name: nothing can be said of it here.
                Err(Fault::Note(NoteError::UnknownKey)) => {
                    tracing::warn!(
                        tenant = %log.tenant,
                        log = log.kind.as_str(),
                        "the newest checkpoint was signed with another key"
                    );
                }
                Ok(_) | Err(_) => return Err(log.tampered(signed)),
            }
        }
        Ok(Known { frontier, signed })
    }

    /// What the log's checkpoints are of.
    fn origin(&self, log: LogName) -> String {
        self.signing.origin(log.tenant, log.kind)
    }

    /// Takes in the leaves that have come since. They were hashed when their entries came: whoever changes an
    /// entry in the store later does not get the change signed.
    // threat: ANP-0012
    async fn grown(&self, log: LogName, mut known: Known, size: u64) -> Result<Known, WorkerError> {
        let from = known.frontier.size();
        if from > size {
            return Err(log.tampered(from));
        }
        match self.take_in(log, &mut known.frontier, size).await {
            // Of a log of this size some are not there.
            Err(StoreError::NotFound) => Err(log.tampered(from)),
            taken => Ok(taken.map(|()| known)?),
        }
    }

    /// Pushes the log's leaves up to `size`, a page at a time: a long log is not held in memory.
    async fn take_in(&self, log: LogName, frontier: &mut Frontier, size: u64) -> Result<(), StoreError> {
        let scope = log.scope();
        while frontier.size() < size {
            let (from, page_end) = (frontier.size(), size.min(frontier.size() + LEAVES_PER_PAGE));
            for leaf in self.store.log_leaves(&scope, log.kind, from, page_end).await? {
                frontier.push(leaf);
            }
            if frontier.size() < page_end {
                return Err(StoreError::NotFound);
            }
        }
        Ok(())
    }

    /// Signs with the key that signs now. While that is being replaced, or should it be replaced just now, again.
    // threat: AGP-R1
    async fn sign(&self, log: LogName, frontier: &Frontier, now: UnixMillis) -> Result<(), WorkerError> {
        let mut signed = self.sign_once(log, frontier, now).await;
        for _ in 0..REPLACING_TRIES {
            if !matches!(signed, Err(WorkerError::Store(StoreError::Superseded))) {
                break;
            }
            tokio::time::sleep(REPLACING_PAUSE).await;
            signed = self.sign_once(log, frontier, now).await;
        }
        signed
    }

    async fn sign_once(&self, log: LogName, frontier: &Frontier, now: UnixMillis) -> Result<(), WorkerError> {
        let checkpoint = Checkpoint {
            origin: self.origin(log),
            size: frontier.size(),
            root: frontier.root(),
        };
        let keys: Arc<SigningNow> = self.signing.now().await?;
        let note = checkpoint.sign(keys.signer()?).map_err(WorkerError::Sign)?;
        let stored = StoredCheckpoint {
            size: frontier.size(),
            signed: now,
            note,
        };
        match self
            .store
            .put_log_checkpoint(&log.scope(), log.kind, &stored, keys.epoch)
            .await
        {
            // Another replica was first. Ed25519 is deterministic: with the same key and the same log its note is this
            // one, and a different note means a different log. A head that the key before signed says the same.
            Err(StoreError::Conflict(_)) => self.agree(log, &stored, &keys).await,
            other => Ok(other?),
        }
    }

    async fn agree(
        &self,
        log: LogName,
        ours: &StoredCheckpoint,
        keys: &SigningNow,
    ) -> Result<(), WorkerError> {
        let same = |theirs: &StoredCheckpoint| {
            let of_log = keys.of_log(&self.origin(log));
            let (theirs, ours) = (of_log.believed(&theirs.note), of_log.believed(&ours.note));
            theirs.is_ok_and(|theirs| ours.is_ok_and(|ours| theirs == ours))
        };
        match self.store.log_checkpoint(&log.scope(), log.kind).await? {
            Some(theirs) if theirs.size == ours.size && !same(&theirs) => Err(log.tampered(ours.size)),
            _ => Ok(()),
        }
    }
}
