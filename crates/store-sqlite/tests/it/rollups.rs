//! Entries that an earlier version appended, without roll-ups: answers are exact before, while and after those are made up
//! for, also where that is broken off.

use std::path::Path;

use domain::{KeyId, Money, NodeId, RequestId, TeamId, TenantId, TenantScope, UnixMillis};
use ledger::Entry;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};
use store::usage::{Dimension, UsageQuery, UsageReport};
use store::{EntryLog, Shipment};
use store_sqlite::SqliteStore;

const TENANT: TenantId = TenantId::from_u128(1);
const NODE: NodeId = NodeId::from_u128(4);

fn shipment(number: u128) -> Shipment {
    let at = UnixMillis(1_795_305_600_000 + i64::try_from(number).unwrap() * 60_000);
    Shipment::from(&Entry {
        team: TeamId::from_u128(number % 2),
        key: KeyId::from_u128(5),
        node: NODE,
        started: at,
        finished: at,
        model: Some("m".into()),
        target: Some("p/m".into()),
        cost: Money::from_nanos(i64::try_from(number).unwrap()),
        price_version: "1".into(),
        ..Entry::sample(RequestId::from_u128(number), TENANT)
    })
}

async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn ask(store: &SqliteStore) -> UsageReport {
    let scope = TenantScope::operator(TENANT);
    let query = UsageQuery::over(UnixMillis(0), UnixMillis(i64::MAX)).by([Dimension::Team]);
    store.usage(&scope, &query).await.unwrap()
}

#[tokio::test]
async fn agp_r2_entries_without_roll_ups_are_made_up_for_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let scope = TenantScope::operator(TENANT);
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    let all: Vec<Shipment> = (0..1_200).map(shipment).collect();
    for batch in all.chunks(400) {
        store.append(&scope, NODE, batch).await.unwrap();
    }
    let want = ask(&store).await;
    assert_eq!(want.total.cost, Money::from_nanos((0..1_200).sum()));
    // As a version leaves it that knows of no roll-ups.
    let mut old = raw(&path).await;
    sqlx::raw_sql("UPDATE logs SET rolled = 0; DELETE FROM usage_hours; DELETE FROM usage_series")
        .execute(&mut old)
        .await
        .unwrap();
    assert_eq!(ask(&store).await, want, "answered from the entries");
    let first = store.roll_up(&scope).await.unwrap();
    assert!((1..1_200).contains(&first), "{first}: in steps");
    assert_eq!(ask(&store).await, want, "answered from both");
    drop(store);
    // Another start goes on where that was; what comes meanwhile waits behind what is missing.
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    let more = [shipment(1_200), shipment(7)];
    assert_eq!(store.append(&scope, NODE, &more).await, Ok(1));
    let mut left = u64::MAX;
    while left > 0 {
        let now = store.roll_up(&scope).await.unwrap();
        assert!(now < left, "{now} of {left}");
        left = now;
    }
    let total = Money::from_nanos((0..=1_200).sum());
    assert_eq!(ask(&store).await.total.cost, total);
    let sums = sqlx::query(
        "SELECT sum(requests), sum(cost_nanos), (SELECT rolled = size FROM logs) FROM usage_hours",
    );
    let sums = sums.fetch_one(&mut old).await.unwrap();
    assert_eq!(
        (sums.get::<i64, _>(0), sums.get::<i64, _>(1)),
        (1_201, total.nanos())
    );
    assert!(sums.get::<bool, _>(2), "all of it is in the roll-ups");
    // From here on they come with the entries.
    store.append(&scope, NODE, &[shipment(1_201)]).await.unwrap();
    assert_eq!(store.roll_up(&scope).await, Ok(0));
    assert_eq!(ask(&store).await.total.requests, 1_202);
}
