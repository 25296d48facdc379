//! Leases: the living keep theirs, the dead's count as spent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::{NodeId, UnixMillis};
use store::{Budgets, Registry, Store};
use telemetry::Metrics;
use tokio::sync::watch;
use worker::Sweeper;

use crate::{FlakyStore, NODE, NOW, budget, lease, scope, store};

const DEAD: NodeId = NodeId::from_u128(666);
const LEASE: Duration = Duration::from_secs(30);

async fn two_nodes() -> (Arc<FlakyStore>, Sweeper) {
    let store = store().await;
    store.put_budget(&scope(1), &budget(1)).await.unwrap();
    lease(&*store, 1, NODE, 300, NOW.plus(LEASE)).await;
    lease(&*store, 1, DEAD, 200, NOW.plus(LEASE)).await;
    let engine: Arc<dyn Store> = store.clone();
    let sweeper = Sweeper::new(engine, NODE, LEASE, Arc::new(Metrics::new("0")));
    (store, sweeper)
}

async fn standing(store: &FlakyStore) -> (i64, i64) {
    let standing = store
        .standing(&scope(1), budget(1).id, UnixMillis(0))
        .await
        .unwrap();
    (standing.leased.nanos(), standing.unexplained.nanos())
}

#[tokio::test]
async fn agp_budget_3_2_a_dead_nodes_lease_counts_as_spent_and_a_living_nodes_stays() {
    let (store, sweeper) = two_nodes().await;
    assert_eq!(sweeper.sweep(NOW.plus(LEASE / 2)).await.unwrap(), 0);
    assert_eq!(standing(&store).await, (500, 0));
    // Far past every expiry: renewing comes first, so the sweeper's own lease lives.
    assert_eq!(sweeper.sweep(NOW.plus(LEASE * 10)).await.unwrap(), 1);
    assert_eq!(standing(&store).await, (300, 200));
    assert_eq!(sweeper.sweep(NOW.plus(LEASE * 10)).await.unwrap(), 0, "once");
}

#[tokio::test]
async fn agp_budget_3_2_a_node_that_could_not_renew_expires_nobody() {
    let (store, sweeper) = two_nodes().await;
    store.fail.store(1, Ordering::SeqCst);
    assert!(sweeper.sweep(NOW.plus(LEASE * 10)).await.is_err());
    assert_eq!(standing(&store).await, (500, 0));
}

#[tokio::test]
async fn it_sweeps_again_after_failures_until_told_to_stop() {
    let (store, _) = two_nodes().await;
    store.fail.store(3, Ordering::SeqCst);
    let engine: Arc<dyn Store> = store.clone();
    let metrics = Arc::new(Metrics::new("0"));
    let sweeper = Sweeper::new(engine, NODE, Duration::from_millis(30), metrics.clone());
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(sweeper.run(stopped));
    // NOW lies in the past of the real clock or not: an hour-old lease of the dead node is expired by it.
    store
        .renew_leases(DEAD, UnixMillis(UnixMillis::now().0 - 3_600_000))
        .await
        .ok();
    tokio::time::timeout(Duration::from_secs(20), async {
        while metrics.gauges().leases_expired.get() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(20), running)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(standing(&store).await, (300, 200));
}
