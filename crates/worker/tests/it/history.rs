//! The historian: what it stores is sealed, waits while the store is away, and goes when its time is over.

use std::sync::Arc;
use std::time::Duration;

use credential::{ContentKey, SealingKey, purpose};
use domain::{KeyId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::exchange::Side;
use ledger::exchange::removal::{Removal, Why};
use ledger::{AuditRecord, Exchange, Keeping, Kept};
use store::{
    AuditQuery, Change, Directory, ExchangeQuery, Exchanges, MemoryStore, Registry, Tenant, TenantState,
    exchange_queue,
};
use telemetry::Metrics;
use tokio::sync::watch;
use worker::{Historian, Seals};

const TENANT: TenantId = TenantId::from_u128(7);
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
const ALL: ExchangeQuery = ExchangeQuery {
    from: None,
    until: None,
    key: None,
    model: None,
    after: None,
    count: 100,
};

/// One key for one tenant.
#[derive(Debug)]
struct One(Arc<SealingKey>);

impl Seals for One {
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>> {
        (tenant == TENANT).then(|| self.0.clone())
    }
}

fn exchange(number: u128, tenant: TenantId, started: i64) -> Exchange {
    Exchange {
        id: RequestId::from_u128(number),
        tenant,
        key: KeyId::from_u128(1),
        started: UnixMillis(started),
        finished: UnixMillis(started),
        first_byte_ms: None,
        kept: Kept::Full,
        path: "/v1/messages".to_owned(),
        model: None,
        status: 200,
        streamed: false,
        request: Side {
            text: Some("zebra".to_owned()),
            ..Side::default()
        },
        answer: Side::default(),
    }
}

async fn house(store: &MemoryStore, days: u16) {
    let tenant = Tenant {
        id: TENANT,
        name: "acme".to_owned(),
        limits: Default::default(),
        state: TenantState::Active,
        history: Keeping {
            kept: Kept::Full,
            days,
        },
    };
    store.create_tenant(&tenant).await.unwrap();
}

/// The removals that the tenant's audit log speaks of.
async fn told(store: &MemoryStore) -> Vec<Removal> {
    let query = AuditQuery {
        count: 9,
        ..AuditQuery::default()
    };
    let stored = store.audit(&TenantScope::operator(TENANT), &query).await.unwrap();
    let records = stored
        .iter()
        .map(|stored| AuditRecord::from_bytes(&stored.bytes).unwrap());
    records.filter_map(|record| Removal::told_by(&record)).collect()
}

fn historian(store: &Arc<MemoryStore>) -> (Historian, Arc<Metrics>) {
    let key = ContentKey::generate()
        .unwrap()
        .sealing_key(purpose::EXCHANGES)
        .unwrap();
    let metrics = Arc::new(Metrics::new("test"));
    (
        Historian::new(store.clone(), Arc::new(One(Arc::new(key))), metrics.clone()),
        metrics,
    )
}

#[tokio::test]
async fn agp_i2_what_waits_is_sealed_and_stored_also_at_the_end_and_else_it_is_counted() {
    let store = Arc::new(MemoryStore::new());
    let (historian, metrics) = historian(&store);
    let (queue, receiver) = exchange_queue(1 << 20);
    let (stop, stopped) = watch::channel(false);
    for number in 0..200 {
        let tenant = if number < 150 {
            TENANT
        } else {
            TenantId::from_u128(8)
        };
        let exchange = exchange(number, tenant, 5);
        let bytes = exchange.to_bytes();
        assert!(queue.put(exchange, bytes));
    }
    let full = exchange(999, TENANT, 5);
    assert!(!queue.put(full, vec![0; 1 << 20]), "it never fits");
    stop.send(true).unwrap();
    let done = tokio::time::timeout(Duration::from_secs(30), historian.run(receiver, stopped));
    done.await.unwrap();
    let scope = TenantScope::operator(TENANT);
    let mut query = ALL;
    query.count = 500;
    assert_eq!(store.exchanges(&scope, &query).await.unwrap().len(), 150);
    let kept = store.exchange(&scope, RequestId::from_u128(3)).await.unwrap();
    assert!(!kept.sealed.windows(5).any(|window| window == b"zebra"));
    assert_eq!(metrics.gauges().exchanges_kept.get(), 150);
    assert_eq!(
        metrics.gauges().exchanges_dropped.get(),
        50,
        "no key, so nothing is stored"
    );
    assert_eq!(queue.room().free(), 1 << 20, "all room is given back");
}

#[tokio::test]
async fn anp_0010_exchanges_go_after_their_days_and_all_of_them_with_their_tenant() {
    let store = Arc::new(MemoryStore::new());
    house(&store, 2).await;
    let scope = TenantScope::operator(TENANT);
    let row = |number: u128, started: i64| store::SealedExchange {
        row: (&exchange(number, TENANT, started)).into(),
        sealed: vec![1],
    };
    let rows = [row(1, 0), row(2, DAY_MS), row(3, 3 * DAY_MS)];
    store.keep_exchanges(&scope, &rows).await.unwrap();
    let (historian, _) = historian(&store);
    let over = UnixMillis(2 * DAY_MS + HOUR_MS);
    let almost = UnixMillis(over.0 - 1);
    assert_eq!(historian.forget(almost).await.unwrap(), 0);
    assert_eq!(told(&store).await, [], "nothing went, and nothing is said");
    assert_eq!(historian.forget(over).await.unwrap(), 1);
    let expired = told(&store).await;
    let [removal] = expired.as_slice() else {
        panic!("{expired:?}")
    };
    assert_eq!(
        (removal.why, removal.at, removal.before),
        (Why::Expired, over, UnixMillis(HOUR_MS))
    );
    assert_eq!(historian.forget(over).await.unwrap(), 0);
    assert_eq!(told(&store).await.len(), 1);
    let before = store.load().await.unwrap().tenants.remove(0);
    let after = Tenant {
        state: TenantState::Offboarded,
        ..before.clone()
    };
    store
        .commit(&scope, &[Change::ReplaceTenant { before, after }], None)
        .await
        .unwrap();
    assert_eq!(historian.forget(over).await.unwrap(), 2);
    assert!(store.exchanges(&scope, &ALL).await.unwrap().is_empty());
}
