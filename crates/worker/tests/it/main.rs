//! Work beside requests against a store that fails, a process that dies and entries nobody can read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod auditing;
mod bucket;
mod burying;
mod checkpointing;
mod flaky;
mod fleet;
mod history;
mod housekeeping;
mod pushing;
mod recovery;
mod reporting;
mod retention;
mod retention_of_entries;
mod shipping;
mod signals;
mod sweeping;
mod telling;
mod witnessing;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{
    BudgetId, KeyId, Money, NodeId, Operation, RequestId, TeamId, TenantId, TenantScope, UnixMillis,
};
use journal::{Journal, JournalError, JournalOptions, Record, Recovered};
use ledger::{Budget, BudgetScope, Charge, Entry, Intent, Terms, Window};
use store::{LeaseAnswer, LeaseWish, Store, Tenant};
use telemetry::Metrics;
use worker::{ShipOptions, Shipper};

pub use flaky::FlakyStore;

pub const NODE: NodeId = NodeId::from_u128(77);
pub const NOW: UnixMillis = UnixMillis(1_795_305_600_000);

pub fn tenant(n: u128) -> TenantId {
    TenantId::from_u128(n)
}

pub fn scope(n: u128) -> TenantScope {
    TenantScope::operator(tenant(n))
}

pub fn entry(id: u128, of: u128) -> Entry {
    Entry {
        team: TeamId::from_u128(3),
        key: KeyId::from_u128(5),
        node: NODE,
        started: NOW,
        finished: NOW,
        model: Some("fast".into()),
        target: Some("local/smollm2".into()),
        cost: Money::from_nanos(10),
        price_version: "p1".into(),
        ..Entry::sample(RequestId::from_u128(id), tenant(of))
    }
}

pub fn budget(of: u128) -> Budget {
    Budget {
        id: BudgetId::from_u128(9),
        tenant: tenant(of),
        scope: BudgetScope::Tenant,
        name: "all".into(),
        limit: Money::from_nanos(1000),
        window: Window::Total,
        terms: Terms::default(),
    }
}

pub fn charge(nanos: i64) -> Charge {
    Charge {
        budget: BudgetId::from_u128(9),
        window_start: UnixMillis(0),
        amount: Money::from_nanos(nanos),
    }
}

pub fn intent(id: u128, of: u128, bound: i64) -> Intent {
    Intent {
        id: RequestId::from_u128(id),
        tenant: tenant(of),
        team: TeamId::from_u128(3),
        project: None,
        key: KeyId::from_u128(5),
        node: NODE,
        started: NOW,
        operation: Operation::Chat,
        dialect: "openai".into(),
        model: "fast".into(),
        target: None,
        bound: Money::from_nanos(bound),
        charges: vec![charge(bound)],
        token_charges: Vec::new(),
        owner: None,
        tags: [].into(),
        labels: ledger::Labels::default(),
        session: None,
        price_version: "p1".into(),
    }
}

pub fn append(journal: &Journal, entry: &Entry) {
    journal
        .append(Record::Entry {
            id: entry.id,
            bytes: &entry.to_record(),
        })
        .unwrap();
}

/// A store with two tenants.
pub async fn store() -> Arc<FlakyStore> {
    let store = Arc::new(FlakyStore::default());
    for n in 1..=2 {
        let tenant = Tenant {
            id: tenant(n),
            name: format!("tenant-{n}"),
            limits: credential::Limits::default(),
            state: store::TenantState::default(),
            history: ledger::Keeping::NONE,
        };
        store::Registry::create_tenant(&*store, &tenant).await.unwrap();
    }
    store
}

pub async fn lease(store: &dyn Store, of: u128, node: NodeId, nanos: i64, expires: UnixMillis) {
    let amount = Money::from_nanos(nanos);
    let window_start = UnixMillis(0);
    let wish = LeaseWish {
        budget: budget(of).id,
        window_start,
        node,
        at_least: amount,
        wanted: amount,
        at: window_start,
        expires,
    };
    assert!(matches!(
        store.grow_lease(&scope(of), &wish).await.unwrap(),
        LeaseAnswer::Granted { .. }
    ));
}

/// Opens the journal, once its last owner's thread has let go of it.
pub fn open(dir: &Path) -> (Journal, Recovered) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let options = JournalOptions {
            segment_bytes_max: 8 * 1024,
            ..JournalOptions::new(dir)
        };
        match Journal::open(options) {
            Err(JournalError::InUse { .. }) if Instant::now() < until => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

pub fn shipper(journal: &Journal, store: &Arc<FlakyStore>, dir: &Path) -> (Shipper, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new("0"));
    let options = ShipOptions {
        batch_bytes: 4 * 1024,
        linger: Duration::from_millis(1),
        retry_min: Duration::from_millis(1),
        retry_max: Duration::from_millis(20),
        ..ShipOptions::new(dir)
    };
    let engine: Arc<dyn Store> = store.clone();
    (
        Shipper::new(journal.clone(), engine, NODE, metrics.clone(), options),
        metrics,
    )
}

/// Request ids in the tenant's log, in order.
pub async fn logged(store: &FlakyStore, of: u128) -> Vec<u128> {
    let entries = store::EntryLog::entries(&store.inner, &scope(of), 0, 100_000)
        .await
        .unwrap();
    entries
        .iter()
        .map(|stored| Entry::from_bytes(&stored.bytes).unwrap().id.as_u128())
        .collect()
}
