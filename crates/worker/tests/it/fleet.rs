//! What tenants have set up for themselves: each is told of its own log alone, beginning where its maker put it; what is
//! changed or removed ends first, and what is slow keeps nobody else waiting.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{NodeId, UnixMillis};
use store::delivery::Standing;
use store::{Change, MemoryStore, Record, RecordKind, Registry, Store, StoreError};
use testkit::{Reply, ScriptedProvider};
use tokio::sync::watch;
use worker::{Fleet, Job, Place, Roster, Route, Severity, SinkOptions, Work};

use super::pushing::{act, came, posted, store_with, until};
use super::{scope, tenant};

/// Sinks by tenant, and how often each was changed.
#[derive(Default)]
struct Listed(Mutex<Vec<(u128, u32, Arc<ScriptedProvider>)>>);

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listed")
    }
}

#[async_trait]
impl Roster for Listed {
    async fn jobs(&self) -> Result<Vec<Job>, StoreError> {
        let all = self.0.lock().unwrap();
        let job = |(of, version, sink): &(u128, u32, Arc<ScriptedProvider>)| Job {
            id: format!("snk_{of}"),
            mark: version.to_string(),
            work: Work::Sink(Box::new(SinkOptions {
                name: format!("snk_{of}"),
                place: Place::Webhook(posted(sink)),
                route: Route {
                    acts: vec!["*".to_owned()],
                    tenants: Vec::new(),
                    teams: Vec::new(),
                    budgets: Vec::new(),
                    severity_min: Severity::Info,
                },
                every: Duration::from_millis(10),
                repeat: Duration::ZERO,
                gather: Duration::ZERO,
                give_up_after: Some(Duration::from_secs(60)),
                public_url: None,
                own: Some(tenant(*of)),
            })),
        };
        Ok(all.iter().map(job).collect())
    }
}

fn cursor(of: u128, next: u64) -> Record {
    let standing = Standing {
        next,
        holder: NodeId::from_u128(0),
        until: UnixMillis(0),
        taken: None,
        failing: None,
        told: Vec::new(),
        open: Default::default(),
        again: None,
    };
    Record {
        kind: RecordKind::Delivery,
        id: format!("snk_{of}"),
        parent: None,
        name: None,
        created: UnixMillis(1),
        document: standing.document().unwrap(),
    }
}

/// A document whose change every node hears of.
fn document(of: u128) -> Record {
    Record {
        kind: RecordKind::OwnSink,
        id: format!("snk_{of}"),
        parent: None,
        name: None,
        created: UnixMillis(1),
        document: "{}".to_owned(),
    }
}

async fn set_up(store: &MemoryStore, of: u128, next: u64) {
    let changes = [Change::Create(document(of)), Change::Create(cursor(of, next))];
    store.commit(&scope(of), &changes, None).await.unwrap();
}

async fn sink() -> Arc<ScriptedProvider> {
    let sink = Arc::new(ScriptedProvider::start().await);
    sink.script("*", Reply::json(200, &serde_json::json!({})));
    sink
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i1_each_tenant_is_told_of_its_own_and_of_nothing_before_it_asked_or_after_it_left() {
    let store = store_with(2).await;
    for number in 0..3 {
        act(&store, 1, number, "keys.create").await;
        act(&store, 2, number, "keys.create").await;
    }
    let (first, second) = (sink().await, sink().await);
    let listed = Arc::new(Listed::default());
    listed
        .0
        .lock()
        .unwrap()
        .extend([(1, 1, first.clone()), (2, 1, second.clone())]);
    set_up(&store, 1, 3).await;
    set_up(&store, 2, 2).await;
    let (stop, stopped) = watch::channel(false);
    let shared: Arc<dyn Store> = store.clone();
    let fleet = Fleet::new(
        (shared, NodeId::from_u128(1)),
        listed.clone(),
        Duration::from_millis(10),
    );
    let running = tokio::spawn(fleet.run(stopped));
    act(&store, 1, 3, "keys.revoke").await;
    act(&store, 2, 3, "keys.revoke").await;
    until("both were told", || {
        came(&first, 1) == [3] && came(&second, 2) == [2, 3]
    })
    .await;

    // The first is removed with its cursor: what is done then, and what was done long ago, it is not told of.
    listed.0.lock().unwrap().retain(|(of, ..)| *of != 1);
    let kept = store
        .record(&scope(1), RecordKind::Delivery, "snk_1")
        .await
        .unwrap();
    let changes = [Change::Remove(document(1)), Change::Remove(kept)];
    store.commit(&scope(1), &changes, None).await.unwrap();
    for number in 4..8 {
        act(&store, 1, number, "keys.create").await;
        act(&store, 2, number, "keys.create").await;
    }
    until("the other goes on", || came(&second, 2) == [2, 3, 4, 5, 6, 7]).await;
    assert!(
        store
            .record(&scope(1), RecordKind::Delivery, "snk_1")
            .await
            .is_err(),
        "it is not begun again"
    );
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(came(&first, 1), [3]);
    assert!(
        came(&first, 2).is_empty() && came(&second, 1).is_empty(),
        "nothing of another's"
    );
    assert_eq!(
        first.requests().len() + second.requests().len(),
        1 + 6,
        "and nothing twice"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_a_tenant_whose_sink_hangs_keeps_nobody_else_waiting() {
    let store = store_with(2).await;
    let (slow, quick) = (Arc::new(ScriptedProvider::start().await), sink().await);
    let late = Reply::json(200, &serde_json::json!({}));
    slow.script("*", late.delay(60_000));
    let listed = Arc::new(Listed::default());
    listed
        .0
        .lock()
        .unwrap()
        .extend([(1, 1, slow.clone()), (2, 1, quick.clone())]);
    set_up(&store, 1, 0).await;
    set_up(&store, 2, 0).await;
    act(&store, 1, 0, "keys.create").await;
    let (stop, stopped) = watch::channel(false);
    let shared: Arc<dyn Store> = store.clone();
    let fleet = Fleet::new((shared, NodeId::from_u128(1)), listed, Duration::from_millis(10));
    let running = tokio::spawn(fleet.run(stopped));
    until("the slow one is asked", || !slow.requests().is_empty()).await;
    act(&store, 2, 0, "keys.create").await;
    until("the other is told", || came(&quick, 2) == [0]).await;
    stop.send(true).unwrap();
    running.await.unwrap();
}
