//! The shipper: drains the journal into the store, in order, at least once; the store makes it exactly once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::{NodeId, TenantId, TenantScope};
use journal::{Batch, BatchEntry, Journal};
use ledger::{EntryError, Posting};
use store::{Shipment, Store, StoreError};
use telemetry::Metrics;
use tokio::sync::{Mutex, watch};

use crate::pace::{Backoff, sleep_or_stop, stopped};
use crate::{WorkerError, blocking, quarantine};

/// How to ship.
#[derive(Debug, Clone)]
pub struct ShipOptions {
    /// Where unreadable entries go; a folder inside the journal's.
    pub quarantine: PathBuf,
    /// About this many bytes of records a batch.
    pub batch_bytes: usize,
    /// How long to gather entries after the first, so that a quiet gate ships soon and a busy one in bulk.
    pub linger: Duration,
    /// The first wait after the store failed; it doubles.
    pub retry_min: Duration,
    /// The longest wait.
    pub retry_max: Duration,
}

impl ShipOptions {
    /// Batches of 256 KiB gathered for 50 ms; retries after 100 ms to 10 s.
    pub fn new(journal_dir: &std::path::Path) -> Self {
        Self {
            quarantine: journal_dir.join("quarantine"),
            batch_bytes: 256 * 1024,
            linger: Duration::from_millis(50),
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(10),
        }
    }
}

/// What one batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries the store did not have before.
    pub new: u64,
    /// Entries set aside.
    pub quarantined: u64,
    /// Whether the journal's present end was reached.
    pub last: bool,
}

/// Ships one journal. Clones are the same shipper.
#[derive(Debug, Clone)]
pub struct Shipper(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    journal: Journal,
    store: Arc<dyn Store>,
    node: NodeId,
    metrics: Arc<Metrics>,
    options: ShipOptions,
    /// One batch at a time: `run` and `flush` may meet.
    shipping: Mutex<()>,
}

/// One tenant's part of a batch: what the journal held, and what goes to the store, in the same order.
#[derive(Debug, Default)]
struct Load<'a> {
    raw: Vec<&'a BatchEntry>,
    shipments: Vec<Shipment>,
}

/// What the journal's record says, without reading the entry itself: its bytes go on as they are.
// threat: ANP-0006
fn shipment(raw: &BatchEntry) -> Result<Shipment, EntryError> {
    let (posting, bytes) = Posting::read(&raw.bytes)?;
    if posting.request != raw.id {
        let why = format!("the record is of {}, its entry of {}", raw.id, posting.request);
        return Err(EntryError::Malformed(why));
    }
    let bytes = raw.bytes.slice_ref(bytes);
    Ok(Shipment { posting, bytes })
}

impl Shipper {
    /// A shipper of this node's journal into `store`.
    pub fn new(
        journal: Journal,
        store: Arc<dyn Store>,
        node: NodeId,
        metrics: Arc<Metrics>,
        options: ShipOptions,
    ) -> Self {
        Self(Arc::new(Inner {
            journal,
            store,
            node,
            metrics,
            options,
            shipping: Mutex::new(()),
        }))
    }

    /// The journal it drains.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.0.store.as_ref()
    }

    pub(crate) fn node(&self) -> NodeId {
        self.0.node
    }

    /// Ships until told to stop. Call [`Shipper::flush`] afterwards.
    // threat: AGP-R1
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let mut backoff = self.backoff();
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => return,
                () = self.0.journal.wait_for_more() => {}
            }
            let pause = match self.ship_batch().await {
                Ok(progress) => {
                    backoff.reset();
                    if progress.last {
                        self.0.options.linger
                    } else {
                        Duration::ZERO
                    }
                }
                Err(error) => self.complain(&error, backoff.wait()),
            };
            if sleep_or_stop(pause, &mut shutdown).await {
                return;
            }
        }
    }

    /// Ships until the journal's end is reached, retrying as long as `deadline` allows. For shutdown and recovery.
    pub async fn flush(&self, deadline: Duration) -> Result<(), WorkerError> {
        let all = async {
            let mut backoff = self.backoff();
            loop {
                match self.ship_batch().await {
                    Ok(progress) if progress.last => return Ok(()),
                    Ok(_) => backoff.reset(),
                    Err(WorkerError::Stopped) => return Err(WorkerError::Stopped),
                    Err(error) => tokio::time::sleep(self.complain(&error, backoff.wait())).await,
                }
            }
        };
        let depth_bytes = || self.0.journal.depth_bytes();
        tokio::time::timeout(deadline, all).await.unwrap_or_else(|_| {
            Err(WorkerError::Deadline {
                depth_bytes: depth_bytes(),
            })
        })
    }

    /// Ships one batch. The cursor moves only after the store has it all, or it lies in quarantine.
    pub async fn ship_batch(&self) -> Result<Progress, WorkerError> {
        let _one_at_a_time = self.0.shipping.lock().await;
        let (journal, bytes_max) = (self.0.journal.clone(), self.0.options.batch_bytes);
        let batch = blocking(move || journal.read_from_cursor(bytes_max)).await?;
        let progress = self.ship(&batch).await?;
        let (journal, next) = (self.0.journal.clone(), batch.next);
        blocking(move || journal.advance(next)).await?;
        self.count(&progress);
        Ok(progress)
    }

    async fn ship(&self, batch: &Batch) -> Result<Progress, WorkerError> {
        let mut progress = Progress {
            last: batch.last,
            ..Progress::default()
        };
        let mut tenants: BTreeMap<TenantId, Load<'_>> = BTreeMap::new();
        for raw in &batch.entries {
            match shipment(raw) {
                Ok(shipment) => {
                    let load = tenants.entry(shipment.posting.tenant).or_default();
                    load.raw.push(raw);
                    load.shipments.push(shipment);
                }
                Err(error) => {
                    self.quarantine(raw, &error.to_string()).await?;
                    progress.quarantined += 1;
                }
            }
        }
        for (tenant, load) in &tenants {
            self.ship_tenant(*tenant, load, &mut progress).await?;
        }
        Ok(progress)
    }

    /// In one transaction if the store takes it. If it refuses for good, one by one, and what it refuses even alone is
    /// set aside: one tenant's bad entry must not hold up everybody's.
    async fn ship_tenant(
        &self,
        tenant: TenantId,
        load: &Load<'_>,
        progress: &mut Progress,
    ) -> Result<(), WorkerError> {
        let scope = TenantScope::operator(tenant);
        let append = |shipments| self.0.store.append(&scope, self.0.node, shipments);
        match append(&load.shipments).await {
            Ok(new) => progress.new += new,
            Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
            Err(_) => {
                for (raw, shipment) in load.raw.iter().zip(&load.shipments) {
                    match append(std::slice::from_ref(shipment)).await {
                        Ok(new) => progress.new += new,
                        Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
                        Err(error) => {
                            self.quarantine(raw, &error.to_string()).await?;
                            progress.quarantined += 1;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn quarantine(&self, raw: &BatchEntry, why: &str) -> Result<(), WorkerError> {
        let name = format!("{}-{}.entry", raw.id, raw.position);
        let path = self.set_aside(name, raw.bytes.to_vec()).await?;
        tracing::error!(request = %raw.id, file = %path.display(), why, "ledger entry set aside: a person must look");
        Ok(())
    }

    /// Puts bytes that nobody can read into quarantine.
    pub(crate) async fn set_aside(&self, name: String, bytes: Vec<u8>) -> Result<PathBuf, WorkerError> {
        let dir = self.0.options.quarantine.clone();
        blocking(move || quarantine::set_aside(&dir, &name, &bytes)).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.0.options.retry_min, self.0.options.retry_max)
    }

    fn complain(&self, error: &WorkerError, wait: Duration) -> Duration {
        let gauges = self.0.metrics.gauges();
        gauges.ship_failures.inc();
        gauges.journal_depth_bytes.set(self.depth());
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(%error, wait_ms, depth_bytes = self.depth(), "the store did not take the journal's entries");
        wait
    }

    fn count(&self, progress: &Progress) {
        let gauges = self.0.metrics.gauges();
        gauges.entries_shipped.inc_by(progress.new);
        gauges.entries_quarantined.inc_by(progress.quarantined);
        gauges.journal_depth_bytes.set(self.depth());
    }

    fn depth(&self) -> i64 {
        i64::try_from(self.0.journal.depth_bytes()).unwrap_or(i64::MAX)
    }
}
