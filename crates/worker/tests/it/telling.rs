//! Marks of budgets: told once each, by whoever comes first.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::{AuditQuery, EntryLog, Registry, Shipment, Store};
use telemetry::Metrics;
use worker::Teller;

use crate::{FlakyStore, NODE, NOW, budget, charge, entry, scope, store};

async fn spend(store: &FlakyStore, id: u128, nanos: i64) {
    let mut spent = entry(id, 1);
    spent.charges = vec![charge(nanos)];
    store
        .append(&scope(1), NODE, &[Shipment::from(&spent)])
        .await
        .unwrap();
}

async fn told(store: &FlakyStore) -> Vec<u64> {
    let query = AuditQuery {
        act: Some("budgets.mark".to_owned()),
        count: 100,
        ..AuditQuery::default()
    };
    let found = store.audit(&scope(1), &query).await.unwrap();
    let marks = found.iter().rev().map(|stored| {
        let record: serde_json::Value = serde_json::from_slice(&stored.bytes).unwrap();
        assert_eq!(record["target"], budget(1).id.to_string());
        assert_eq!(record["after"]["limit_nanos"], 1000);
        record["after"]["mark"].as_u64().unwrap()
    });
    marks.collect()
}

#[tokio::test]
async fn agp_d1_every_mark_that_is_passed_is_told_once_by_one_of_two_nodes() {
    let store = store().await;
    let mut marked = budget(1);
    marked.terms.marks = vec![50, 80, 100];
    store.put_budget(&scope(1), &marked).await.unwrap();
    let teller = || {
        let engine: Arc<dyn Store> = store.clone();
        Teller::new(engine, Arc::new(Metrics::new("0")))
    };
    let (one, other) = (teller(), teller());
    spend(&store, 1, 499).await;
    assert_eq!(one.tell(NOW).await.unwrap(), 0);
    spend(&store, 2, 1).await;
    let (a, b) = tokio::join!(one.tell(NOW), other.tell(NOW));
    assert_eq!(a.unwrap() + b.unwrap(), 1);
    assert_eq!(told(&store).await, [50]);
    // Two at once, by a node that has just started; and it is not told again.
    spend(&store, 3, 600).await;
    assert_eq!(teller().tell(NOW).await.unwrap(), 2);
    assert_eq!(one.tell(NOW).await.unwrap() + other.tell(NOW).await.unwrap(), 0);
    assert_eq!(told(&store).await, [50, 80, 100]);
}

#[tokio::test]
async fn agp_r3_a_store_that_is_away_keeps_what_is_to_be_told() {
    let store = store().await;
    let mut marked = budget(1);
    marked.terms.marks = vec![10];
    store.put_budget(&scope(1), &marked).await.unwrap();
    spend(&store, 1, 100).await;
    store.down.store(true, Ordering::SeqCst);
    let engine: Arc<dyn Store> = store.clone();
    let teller = Teller::new(engine, Arc::new(Metrics::new("0")));
    assert!(teller.tell(NOW).await.is_err());
    store.down.store(false, Ordering::SeqCst);
    assert_eq!(teller.tell(NOW).await.unwrap(), 1);
    assert_eq!(told(&store).await, [10]);
}
