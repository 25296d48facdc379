//! The historian: what it stores is sealed, waits while the store is away, and goes when its time is over.

use std::sync::Arc;
use std::time::Duration;

use credential::{ContentKey, SealingKey, purpose};
use domain::{ByClass, DataClass, KeyId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::exchange::Side;
use ledger::exchange::removal::{Removal, Why};
use ledger::{AuditRecord, Exchange, Keeping, Kept};
use store::{
    AuditQuery, Change, Directory, ExchangeQuery, Exchanges, MemoryStore, Registry, Tenant, TenantState,
    exchange_queue,
};
use telemetry::Metrics;
use tokio::sync::watch;
use worker::{Bounds, Historian, Seals};

const TENANT: TenantId = TenantId::from_u128(7);
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
const ALL: ExchangeQuery = ExchangeQuery {
    from: None,
    until: None,
    key: None,
    model: None,
    data_class: None,
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

/// What the instance says.
#[derive(Debug)]
struct Instance(ByClass<u16>);

impl Bounds for Instance {
    fn days_max(&self) -> ByClass<u16> {
        self.0
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
        data_class: None,
        request: Side {
            text: Some("zebra".to_owned()),
            ..Side::default()
        },
        answer: Side::default(),
    }
}

async fn house(store: &MemoryStore, days: u16, days_max: ByClass<u16>) {
    let tenant = Tenant {
        id: TENANT,
        name: "acme".to_owned(),
        limits: Default::default(),
        state: TenantState::Active,
        history: Keeping {
            kept: Kept::Full,
            days,
            days_max,
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
    historian_of(store, ByClass::NONE)
}

fn historian_of(store: &Arc<MemoryStore>, days_max: ByClass<u16>) -> (Historian, Arc<Metrics>) {
    let key = ContentKey::generate()
        .unwrap()
        .sealing_key(purpose::EXCHANGES)
        .unwrap();
    let metrics = Arc::new(Metrics::new("test"));
    (
        Historian::new(
            store.clone(),
            Arc::new(One(Arc::new(key))),
            Arc::new(Instance(days_max)),
            metrics.clone(),
        ),
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
    house(&store, 2, ByClass::NONE).await;
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

#[tokio::test]
async fn anp_0020_what_is_graver_goes_earlier_by_the_shortest_time_that_applies_and_is_spoken_of() {
    let store = Arc::new(MemoryStore::new());
    let own = ByClass {
        confidential: Some(4),
        ..ByClass::NONE
    };
    house(&store, 8, own).await;
    let scope = TenantScope::operator(TENANT);
    // Of each class one that began on each of ten days; the last is of before classes were written down.
    let mut rows = Vec::new();
    for day in 0..10 {
        for class in 0..5_u128 {
            let mut one = exchange(u128::try_from(day).unwrap() * 5 + class, TENANT, day * DAY_MS);
            one.data_class = DataClass::ALL.get(usize::try_from(class).unwrap()).copied();
            rows.push(store::SealedExchange {
                row: (&one).into(),
                sealed: vec![1],
            });
        }
    }
    store.keep_exchanges(&scope, &rows).await.unwrap();
    let instance = ByClass {
        restricted: Some(1),
        ..ByClass::NONE
    };
    let (historian, _) = historian_of(&store, instance);
    // Days are over at the moment they are, so that the exchange of that very day stays.
    let now = UnixMillis(10 * DAY_MS);
    let (public, confidential, restricted) = (2, 6, 9);
    let gone = 2 * public + confidential + 2 * restricted;
    assert_eq!(historian.forget(now).await.unwrap(), gone);
    let left = store.exchanges(&scope, &ALL).await.unwrap();
    for (class, days) in DataClass::ALL.into_iter().zip([8, 8, 4, 2]) {
        let of = left.iter().filter(|row| row.data_class == class);
        assert_eq!(of.count(), days, "{class}");
    }
    let removals = told(&store).await;
    let said: Vec<_> = removals
        .iter()
        .map(|one| (one.data_class, one.before.0 / DAY_MS))
        .collect();
    let expected = [
        (DataClass::Public, 2),
        (DataClass::Confidential, 6),
        (DataClass::Restricted, 9),
    ];
    assert!(
        said.len() == 3 && expected.iter().all(|one| said.contains(one)),
        "{said:?}"
    );
    // The records explain all that went, and nothing that did not.
    for row in &rows {
        let (at, class) = ((row.row.started, row.row.started), row.row.data_class);
        let is_explained = removals.iter().any(|one| one.explains(at, class));
        let is_there = left.iter().any(|one| one.id == row.row.id);
        assert_ne!(is_explained, is_there, "{:?}", row.row);
    }
    assert_eq!(historian.forget(now).await.unwrap(), 0);
    assert_eq!(
        told(&store).await.len(),
        3,
        "nothing went, and nothing more is said"
    );
}
