//! The historian: seals what tenants keep of their calls under each tenant's content key and stores it; and removes what
//! its tenant keeps no longer.
//!
//! It works from memory: what waits when a process is killed is not stored, and the ledger shows that it is missing. Never
//! stores anything that is not sealed, and never holds a call up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use credential::{SealError, SealingKey};
use domain::{AuditId, ByClass, DataClass, TenantId, TenantScope, UnixMillis};
use ledger::exchange::removal::Removal;
use store::{
    ExchangeQuery, ExchangeRow, Over, SealedExchange, Store, StoreError, Tenant, TenantState, Waiting,
    exchange_place, forget_all_exchanges,
};
use telemetry::Metrics;
use tokio::sync::{mpsc, watch};

use crate::WorkerError;
use crate::pace::{Backoff, sleep_or_stop, stopped};

/// Stored in one transaction at most.
const STORED_AT_ONCE: usize = 64;
/// How often what is over is looked for.
const SWEPT_EVERY: Duration = Duration::from_secs(5 * 60);
/// What is over goes by whole hours.
const HOUR_MS: i64 = 3_600_000;
/// How long it is waited between attempts at a store that is away.
const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How often what waits is tried once the process is to stop.
const LAST_TRIES: usize = 3;

/// Where tenants' keys for their exchanges are at hand.
pub trait Seals: fmt::Debug + Send + Sync {
    /// The tenant's; nothing where it has none, or has ended.
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>>;
}

/// What the instance lets tenants keep, as of now.
pub trait Bounds: fmt::Debug + Send + Sync {
    /// For how many days at most, by what a call carries.
    fn days_max(&self) -> ByClass<u16>;
}

/// An exchange, sealed for its place.
fn sealed(waiting: &Waiting, key: &SealingKey) -> Result<SealedExchange, SealError> {
    let exchange = &waiting.exchange;
    Ok(SealedExchange {
        row: ExchangeRow::from(exchange),
        sealed: key.seal(&waiting.bytes, &exchange_place(exchange.tenant, exchange.id))?,
    })
}

/// Keeps, and forgets in time.
#[derive(Debug)]
pub struct Historian {
    store: Arc<dyn Store>,
    seals: Arc<dyn Seals>,
    bounds: Arc<dyn Bounds>,
    metrics: Arc<Metrics>,
}

impl Historian {
    /// One for this node's exchanges, and for the whole store's retention.
    pub fn new(
        store: Arc<dyn Store>,
        seals: Arc<dyn Seals>,
        bounds: Arc<dyn Bounds>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            seals,
            bounds,
            metrics,
        }
    }

    /// Stores what comes until told to stop, and then what still waits.
    pub async fn run(self, mut queue: mpsc::Receiver<Waiting>, mut shutdown: watch::Receiver<bool>) {
        loop {
            let mut taken = Vec::with_capacity(STORED_AT_ONCE);
            tokio::select! {
                () = stopped(&mut shutdown) => break,
                count = queue.recv_many(&mut taken, STORED_AT_ONCE) => match count {
                    0 => return,
                    _ => self.keep_all(taken, &mut shutdown).await,
                },
            }
        }
        queue.close();
        loop {
            let mut taken = Vec::with_capacity(STORED_AT_ONCE);
            if queue.recv_many(&mut taken, STORED_AT_ONCE).await == 0 {
                return;
            }
            self.keep_all(taken, &mut shutdown).await;
        }
    }

    /// Removes what is over, until told to stop.
    // threat: ANP-0010
    pub async fn sweep(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            match self.forget(UnixMillis::now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(
                    removed,
                    "exchanges that their tenants keep no longer were removed"
                ),
                Err(error) => tracing::warn!(%error, "exchanges whose time is over could not be removed"),
            }
            if sleep_or_stop(SWEPT_EVERY, &mut shutdown).await {
                return;
            }
        }
    }

    /// Removes what is over in every tenant, and all of those that have ended. Returns how many.
    pub async fn forget(&self, now: UnixMillis) -> Result<u64, WorkerError> {
        let (mut removed, mut trouble) = (0, None);
        for tenant in self.store.load().await?.tenants {
            match self.forget_of(&tenant, now).await {
                Ok(count) => removed += count,
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        trouble.map_or(Ok(removed), |error| Err(error.into()))
    }

    /// Removes one tenant's, by whole hours: a record for each removal, and not one for each sweep. What is graver never stays
    /// for longer, so each step takes what the one before left.
    // threat: ANP-0012 ANP-0020
    async fn forget_of(&self, tenant: &Tenant, now: UnixMillis) -> Result<u64, StoreError> {
        let scope = TenantScope::operator(tenant.id);
        if tenant.state == TenantState::Offboarded {
            // Whatever came late: it does not open any more, and nobody looks for it.
            return forget_all_exchanges(self.store.as_ref(), &scope, Over::all(UnixMillis(i64::MAX))).await;
        }
        let (days_max, mut gone, mut removed) = (self.bounds.days_max(), None, 0);
        for class in DataClass::ALL {
            let until = tenant.history.until(class, &days_max, now);
            let until = UnixMillis(until.0 - until.0.rem_euclid(HOUR_MS));
            if gone.is_none_or(|gone| gone < until) {
                removed += self
                    .forget_class((tenant.id, &scope), (class, until), now)
                    .await?;
                gone = Some(until);
            }
        }
        Ok(removed)
    }

    /// Removes what carries this class or a graver one and began before, if there is any.
    async fn forget_class(
        &self,
        (tenant, scope): (TenantId, &TenantScope),
        (class, before): (DataClass, UnixMillis),
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        let over = Over {
            before,
            data_class: Some(class),
        };
        let query = ExchangeQuery {
            until: Some(over.before),
            data_class: over.data_class,
            count: 1,
            ..ExchangeQuery::default()
        };
        if self.store.exchanges(scope, &query).await?.is_empty() {
            return Ok(0);
        }
        // First the record: what is gone and not spoken of was taken out by somebody else.
        let record = Removal::expiry((AuditId::generate(), tenant), now, (class, before));
        self.store.commit(scope, &[], Some(&record.into())).await?;
        forget_all_exchanges(self.store.as_ref(), scope, over).await
    }

    async fn keep_all(&self, taken: Vec<Waiting>, shutdown: &mut watch::Receiver<bool>) {
        let mut by_tenant: BTreeMap<TenantId, Vec<Waiting>> = BTreeMap::new();
        for waiting in taken {
            by_tenant
                .entry(waiting.exchange.tenant)
                .or_default()
                .push(waiting);
        }
        for (tenant, waiting) in by_tenant {
            self.keep(tenant, &waiting, shutdown).await;
        }
    }

    /// Stores one tenant's; tries for as long as the store is away, and a few times more once the process stops.
    // threat: ANP-0010
    async fn keep(&self, tenant: TenantId, waiting: &[Waiting], shutdown: &mut watch::Receiver<bool>) {
        let Some(key) = self.seals.key(tenant) else {
            tracing::warn!(%tenant, count = waiting.len(), "exchanges are not kept: there is no key to seal them with");
            return self.dropped(waiting.len());
        };
        let all: Result<Vec<_>, _> = waiting.iter().map(|one| sealed(one, &key)).collect();
        let Ok(all) = all else {
            tracing::error!(%tenant, "exchanges are not kept: they could not be sealed");
            return self.dropped(waiting.len());
        };
        let scope = TenantScope::operator(tenant);
        let (mut backoff, mut tries) = (Backoff::new(WAIT_MIN, WAIT_MAX), 0);
        loop {
            let error = match self.store.keep_exchanges(&scope, &all).await {
                Ok(_) => {
                    self.metrics.gauges().exchanges_kept.inc_by(all.len() as u64);
                    return;
                }
                Err(error) => error,
            };
            let is_away = matches!(error, StoreError::Unavailable(_));
            if is_away && tries == 0 {
                tracing::warn!(%tenant, %error, "exchanges wait: the store does not take them");
            }
            let stops = sleep_or_stop(backoff.wait(), shutdown).await;
            tries += usize::from(stops);
            if !is_away || tries > LAST_TRIES {
                tracing::error!(%tenant, %error, count = all.len(), "exchanges are not kept");
                return self.dropped(all.len());
            }
            if stops {
                tokio::time::sleep(WAIT_MIN).await;
            }
        }
    }

    fn dropped(&self, count: usize) {
        self.metrics.gauges().exchanges_dropped.inc_by(count as u64);
    }
}
