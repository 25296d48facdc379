//! Witnesses: hands every head that is signed to somebody outside the store, who remembers what each log was. What it signs
//! is kept beside the head; that it saw another log is told at once, and stays so until the log is again what it saw.
//!
//! Signs nothing itself, and never takes a head for handed over that a witness did not take.

mod bucket;
mod file;
mod http;
mod standing;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{NodeId, TenantId, TenantScope, UnixMillis};
use ledger::witness::AddCheckpoint;
use store::cosigned::Cosigned;
use store::{LogKind, Paths, Signing, Store, StoreError, StoredCheckpoint};
use telemetry::metrics::WitnessMetrics;
use tokio::sync::watch;

use crate::WorkerError;
use crate::pace::sleep_or_stop;
use standing::{Disagreement, Turn};

pub use bucket::BucketWitness;
pub use file::FileWitness;
pub use http::HttpWitness;

/// Its size is asked for once; other replicas may ask it meanwhile.
const TRIES: u32 = 6;

/// Somebody who remembers heads. The protocol is C2SP's `tlog-witness`, whatever carries it.
#[async_trait]
pub trait Witness: fmt::Debug + Send + Sync {
    /// Hands it a head, with the path from what it saw last. Returns what it put below the head: nothing if it does not
    /// sign.
    async fn add(&self, asked: &AddCheckpoint) -> Result<Option<String>, NotTaken>;
    /// The name of the key that it signs with, if it does.
    fn signs_as(&self) -> Option<&str>;
    /// Whether all replicas have the same one, so that one of them is enough.
    fn is_shared(&self) -> bool;
}

/// Why a witness did not take a head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It saw a log of another length last.
    #[error("it saw {0} entries last")]
    Seen(u64),
    /// It saw another log.
    #[error("{0}")]
    Disagrees(String),
    /// It does not know this log, or its word is not to be believed.
    #[error("{0}")]
    Refused(String),
    /// It does not answer.
    #[error("{0}")]
    Away(String),
}

/// How a witness is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorOptions {
    /// What the witness is called here.
    pub name: String,
    /// How often it is handed what was signed since.
    pub every: Duration,
    /// After how long without its word that is told.
    pub silent_after: Duration,
}

/// Hands heads to one witness.
#[derive(Debug)]
pub struct Anchor {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
    paths: Paths,
    node: NodeId,
    witness: Box<dyn Witness>,
    options: AnchorOptions,
    metrics: WitnessMetrics,
    /// Up to where it has each log.
    has: HashMap<(TenantId, LogKind), u64>,
}

/// Why a head was not handed over.
enum Trouble {
    /// The witness saw another log, which had so many entries.
    Disagrees {
        seen: u64,
        size: u64,
        why: String,
    },
    /// It did not take it.
    NotTaken(NotTaken),
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Anchor {
    /// One for the whole store. `counted` is the witness's own.
    pub fn new(
        (store, signing, node): (Arc<dyn Store>, Arc<Signing>, NodeId),
        witness: Box<dyn Witness>,
        options: AnchorOptions,
        counted: WitnessMetrics,
    ) -> Self {
        Self {
            paths: Paths::new(store.clone()),
            store,
            signing,
            node,
            witness,
            options,
            metrics: counted,
            has: HashMap::new(),
        }
    }

    /// Hands over what is new until told to stop.
    // threat: ANP-0012
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.round(UnixMillis::now()).await {
                self.metrics.failures.inc();
                tracing::warn!(witness = self.options.name, %error, "heads could not be handed to a witness");
            }
            if sleep_or_stop(self.options.every, &mut shutdown).await {
                return;
            }
        }
    }

    /// Hands over every head that the witness does not have. Returns how many it took.
    // threat: ANP-0012
    // threat: AGP-R1
    pub async fn round(&mut self, now: UnixMillis) -> Result<u64, WorkerError> {
        let id = match self.witness.is_shared() {
            true => self.options.name.clone(),
            false => format!("{}@{}", self.options.name, self.node),
        };
        let held = self.options.every * 2 + Duration::from_secs(60);
        let store = self.store.clone();
        let claimed = Turn::claim(store.as_ref(), id, (self.node, held), now).await?;
        let mut turn = match claimed {
            Ok(turn) => turn,
            Err(elsewhere) => {
                self.show(
                    elsewhere.failing.map(|failing| failing.since),
                    elsewhere.disagreed.len(),
                );
                return Ok(0);
            }
        };
        let (mut taken, mut waiting) = (0, None::<UnixMillis>);
        let (mut failing, mut trouble) = (None, None::<StoreError>);
        for (tenant, log) in self.logs().await? {
            let scope = TenantScope::operator(tenant);
            let Some(head) = self.store.log_checkpoint(&scope, log).await? else {
                continue;
            };
            let has = self.has.get(&(tenant, log));
            if has == Some(&head.size) {
                continue;
            }
            let (origin, signed) = (self.signing.origin(tenant, log), head.signed);
            match self.hand_over((&scope, log), head).await {
                Ok(()) => {
                    taken += 1;
                    self.metrics.taken.inc();
                    self.metrics.taken_at.set(signed.0 / 1000);
                    turn.standing.disagreed.remove(&origin);
                    continue;
                }
                // The others are handed over, and what was found of them is told.
                Err(Trouble::Store(error)) => {
                    tracing::error!(log = origin, %error, "no path to this log's head");
                    trouble = trouble.or(Some(error));
                }
                Err(Trouble::Disagrees { seen, size, why }) => {
                    self.disagrees(&origin, (seen, size), &why);
                    turn.disagrees(
                        &origin,
                        Disagreement {
                            seen,
                            size,
                            why,
                            since: now,
                        },
                    );
                }
                Err(Trouble::NotTaken(why)) => {
                    self.metrics.failures.inc();
                    tracing::warn!(witness = self.options.name, log = origin, %why, "a witness did not take a head");
                    let is_away = matches!(why, NotTaken::Away(_));
                    failing = Some(why.to_string());
                    waiting = Some(waiting.map_or(signed, |since| since.min(signed)));
                    if is_away {
                        break;
                    }
                }
            }
            waiting = Some(waiting.map_or(signed, |since| since.min(signed)));
        }
        turn.heard(failing, now, self.options.silent_after);
        self.show(waiting, turn.standing.disagreed.len());
        turn.keep(store.as_ref(), &self.options.name, now).await?;
        trouble.map_or(Ok(taken), |error| Err(error.into()))
    }

    fn show(&self, waiting: Option<UnixMillis>, disagreed: usize) {
        self.metrics
            .waiting_since
            .set(waiting.map_or(0, |since| since.0 / 1000));
        let disagreed = i64::try_from(disagreed).unwrap_or(i64::MAX);
        self.metrics.disagreements.set(disagreed);
    }

    fn disagrees(&self, origin: &str, (seen, size): (u64, u64), why: &str) {
        self.metrics.failures.inc();
        tracing::error!(
            witness = self.options.name,
            log = origin,
            seen,
            size,
            why,
            "a log is not what a witness saw"
        );
    }

    async fn logs(&self) -> Result<Vec<(TenantId, LogKind)>, WorkerError> {
        let tenants = self.store.load().await?.tenants;
        let tenants = tenants.into_iter().map(|tenant| tenant.id);
        let all = tenants.chain([TenantId::PLATFORM]);
        Ok(all
            .flat_map(|tenant| LogKind::ALL.map(|log| (tenant, log)))
            .collect())
    }

    /// Asks from where the witness is. What it says of its size is followed, what it says of another log never.
    async fn hand_over(
        &mut self,
        (scope, log): (&TenantScope, LogKind),
        mut head: StoredCheckpoint,
    ) -> Result<(), Trouble> {
        let name = (scope.tenant(), log);
        let mut old_size = self.has.get(&name).copied().unwrap_or(0);
        let mut is_fresh = false;
        for _ in 0..TRIES {
            if old_size > head.size {
                // Another replica may have signed and handed over more since. A head is kept before it is shown to
                // anybody: a store without it was set back.
                head = self.store.log_checkpoint(scope, log).await?.unwrap_or(head);
                if old_size > head.size {
                    let why = format!("it was rolled back from {old_size} entries to {}", head.size);
                    return Err(Trouble::Disagrees {
                        seen: old_size,
                        size: head.size,
                        why,
                    });
                }
            }
            let path = self.paths.consistency(scope, log, (old_size, head.size)).await?;
            let note = head.note.clone();
            match self.witness.add(&AddCheckpoint { old_size, path, note }).await {
                Ok(lines) => {
                    if let (Some(lines), Some(by)) = (lines, self.witness.signs_as()) {
                        Cosigned::keep(self.store.as_ref(), (scope, log), &head, (by, &lines)).await?;
                    }
                    self.has.insert(name, head.size);
                    return Ok(());
                }
                Err(NotTaken::Seen(seen)) if seen != old_size => old_size = seen,
                // The path may have been made of what was remembered: once more, of what is there.
                Err(NotTaken::Disagrees(_) | NotTaken::Seen(_)) if !is_fresh => {
                    self.paths.forget(name.0, log);
                    is_fresh = true;
                }
                Err(NotTaken::Disagrees(why)) => {
                    return Err(Trouble::Disagrees {
                        seen: old_size,
                        size: head.size,
                        why,
                    });
                }
                Err(not_taken) => return Err(Trouble::NotTaken(not_taken)),
            }
        }
        let busy = "it is asked by others all the time".to_owned();
        Err(Trouble::NotTaken(NotTaken::Away(busy)))
    }
}
