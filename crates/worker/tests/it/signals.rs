//! Replicas that learn one key's habits together, and what they do when something stands out.

use std::sync::Arc;
use std::time::Duration;

use credential::{KeyRecord, KeyState, Limits, ModelAccess, Suspension};
use domain::{KeyId, TeamId, UnixMillis};
use habit::{Mode, Rules, Use};
use ledger::AuditRecord;
use serde_json::{Value, json};
use store::{
    AuditQuery, Change, Directory, MemoryStore, Record, RecordKind, Registry, StoreError, Team, Tenant,
};
use telemetry::Metrics;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use worker::{Housekeeper, Outlets, Scribe, Watcher};

use super::{NOW, scope, tenant};

const KEY: KeyId = KeyId::from_u128(5);
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn rules(modes: [Mode; 4]) -> Rules {
    Rules {
        learn_ms: u64::try_from(2 * DAY).unwrap(),
        learn_calls_min: 20,
        forget_ms: u64::try_from(30 * DAY).unwrap(),
        window_ms: u64::try_from(HOUR).unwrap(),
        volume_times: 5,
        volume_calls_min: 50,
        volume_tokens_min: 10_000,
        modes,
    }
}

fn key() -> KeyRecord {
    KeyRecord {
        id: KEY,
        tenant: tenant(1),
        team: TeamId::from_u128(3),
        project: None,
        owner: None,
        name: "ci".to_owned(),
        digest: [7; 32],
        hint: "btz_7".to_owned(),
        predecessor: None,
        state: KeyState::Active,
        created: NOW,
        expires: None,
        models: ModelAccess::All,
        operations: Vec::new(),
        networks: Vec::new(),
        limits: Limits::default(),
        signing_key: None,
        bindings: Vec::new(),
        honey: false,
        receipts: false,
        suspended: None,
        marks: credential::Marks::default(),
    }
}

async fn store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let made = Tenant {
        id: tenant(1),
        name: "acme".to_owned(),
        limits: Limits::default(),
        state: Default::default(),
        history: ledger::Keeping::NONE,
    };
    let team = Team {
        id: TeamId::from_u128(3),
        tenant: tenant(1),
        name: "search".to_owned(),
        limits: Limits::default(),
    };
    let changes = [
        Change::CreateTenant(made),
        Change::CreateTeam(team),
        Change::CreateKey(Box::new(key())),
    ];
    store.commit(&scope(1), &changes, None).await.unwrap();
    store
}

/// What of a node learns and tells.
struct Node {
    uses: mpsc::Sender<Use>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    metrics: Arc<Metrics>,
}

impl Node {
    fn start(store: &Arc<MemoryStore>, modes: [Mode; 4]) -> Self {
        let (uses, used) = mpsc::channel(worker::USES_MAX);
        let (alarms, alarmed) = mpsc::channel::<AuditRecord>(worker::ALARMS_MAX);
        let (stop, stopped) = watch::channel(false);
        let (_, rules) = watch::channel(Arc::new(rules(modes)));
        let metrics = Arc::new(Metrics::new("test"));
        let outlets = Outlets {
            alarms,
            metrics: metrics.clone(),
        };
        let watcher = Watcher::new(store.clone(), outlets, rules, Duration::from_millis(20));
        let tasks = vec![
            tokio::spawn(watcher.run(used, stopped.clone())),
            tokio::spawn(Scribe::new(store.clone()).run(alarmed, stopped)),
        ];
        Self {
            uses,
            stop,
            tasks,
            metrics,
        }
    }

    async fn see(&self, uses: impl IntoIterator<Item = Use>) {
        for used in uses {
            self.uses.send(used).await.unwrap();
        }
    }

    /// Ends it when all that it was shown has been learnt.
    async fn end(self) -> Arc<Metrics> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.stop.send(true).unwrap();
        for task in self.tasks {
            task.await.unwrap();
        }
        self.metrics
    }
}

fn from(address: &str, at: i64) -> Use {
    Use {
        tenant: tenant(1),
        key: KEY,
        at: UnixMillis(NOW.0 + at),
        address: Some(address.parse().unwrap()),
        model: None,
        calls: 1,
        tokens: 0,
    }
}

fn of(model: &str, at: i64) -> Use {
    Use {
        address: None,
        model: Some(model.into()),
        calls: 0,
        tokens: 10,
        ..from("127.0.0.1", at)
    }
}

/// Two days of calls at noon: `NOW` is midnight.
fn usual() -> impl Iterator<Item = Use> {
    (0..20).flat_map(|n| {
        let at = (n / 10) * DAY + 12 * HOUR + n;
        [from("192.0.2.7", at), of("m", at)]
    })
}

const LATER: i64 = 3 * DAY + 12 * HOUR;

async fn told(store: &MemoryStore) -> Vec<Value> {
    let query = AuditQuery {
        count: 1_000,
        ..AuditQuery::default()
    };
    let found = store.audit(&scope(1), &query).await.unwrap();
    let records = found.iter().rev();
    records
        .map(|stored| serde_json::from_slice(&stored.bytes).unwrap())
        .collect()
}

#[tokio::test]
async fn agp_s1_what_one_replica_learnt_another_knows_and_both_tell_it_once() {
    let store = store().await;
    let first = Node::start(&store, [Mode::Observe; 4]);
    first.see(usual()).await;
    first.end().await;
    assert_eq!(told(&store).await, [Value::Null; 0], "nothing while it is learnt");

    // Both hold the habit in memory when the stranger comes, first to one and then to the other.
    let nodes = [(); 2].map(|()| Node::start(&store, [Mode::Observe; 4]));
    for node in &nodes {
        node.see([from("192.0.2.9", LATER), of("m", LATER)]).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for node in &nodes {
        node.see([from("198.51.100.7", LATER + 1), of("dear", LATER + 1)])
            .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for node in nodes {
        node.end().await;
    }
    let records = told(&store).await;
    let after: Vec<_> = records.iter().map(|record| record["after"].clone()).collect();
    let expected = [
        json!({"network": "198.51.100.0/24", "signal": "new_network", "leads_to": "observe"}),
        json!({"model": "dear", "signal": "new_model", "leads_to": "observe"}),
    ];
    assert_eq!(after, expected);
    for record in &records {
        assert_eq!(
            (&record["act"], &record["threat"]),
            (&json!("keys.anomaly"), &json!("AGP-S1"))
        );
        assert_eq!(record["target"], KEY.to_string());
        assert_eq!(record["actor"], json!({"gate": "signals"}));
    }
    assert_eq!(records[0]["address"], "198.51.100.7");
}

#[tokio::test]
async fn anp_0001_hours_and_volume_over_all_replicas_stand_out() {
    let store = store().await;
    let nodes = [(); 2].map(|()| Node::start(&store, [Mode::Observe; 4]));
    nodes[0].see(usual()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Neither of them sees more than fifty.
    for round in 0..4 {
        for node in &nodes {
            node.see((0..9).map(|n| from("192.0.2.7", LATER + round * 10 + n)))
                .await;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
    nodes[0].see([from("192.0.2.7", LATER + 8 * HOUR)]).await;
    for node in nodes {
        node.end().await;
    }
    let records = told(&store).await;
    let after: Vec<_> = records.iter().map(|record| record["after"].clone()).collect();
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!(
        (&after[0]["signal"], &after[0]["usual_calls"]),
        (&json!("volume"), &json!(9))
    );
    assert!(after[0]["calls"].as_u64().unwrap() > 50, "{after:?}");
    assert_eq!(
        (&after[1]["signal"], &after[1]["utc_hour"]),
        (&json!("unusual_hour"), &json!(20))
    );
}

#[tokio::test]
async fn anp_0001_a_key_is_suspended_once_and_what_was_resumed_is_known() {
    let store = store().await;
    let node = Node::start(&store, [Mode::Suspend; 4]);
    node.see(usual()).await;
    node.see([from("198.51.100.7", LATER), of("dear", LATER)]).await;
    let metrics = node.end().await;
    let suspended = store.keys(&scope(1)).await.unwrap().remove(0);
    let why = suspended.suspended.clone().map(|it: Suspension| it.why);
    assert_eq!(why.as_deref(), Some("new_network"));
    let records = told(&store).await;
    let of_act = |act: &str| records.iter().filter(|record| record["act"] == act).count();
    assert_eq!(
        (of_act("keys.suspend"), of_act("keys.anomaly")),
        (1, 2),
        "{records:?}"
    );
    let turned = records
        .iter()
        .find(|record| record["act"] == "keys.suspend")
        .unwrap();
    assert_eq!(
        turned["after"],
        json!({"state": "suspended", "why": "new_network"})
    );
    assert_eq!(metrics.gauges().keys_suspended.get(), 1);
    assert_eq!(metrics.gauges().key_signals("new_model").get(), 1);

    let resumed = Change::ReplaceKey {
        after: Box::new(suspended.resume()),
        before: Box::new(suspended),
    };
    store.commit(&scope(1), &[resumed], None).await.unwrap();
    let again = Node::start(&store, [Mode::Suspend; 4]);
    again
        .see([from("198.51.100.99", LATER + 5), of("dear", LATER + 5)])
        .await;
    again.end().await;
    assert_eq!(store.keys(&scope(1)).await.unwrap()[0].suspended, None);
    assert_eq!(told(&store).await.len(), records.len());
}

/// However a stolen key is used, its tenant's log gets a bounded number of lines, and the store one document.
#[tokio::test]
async fn agp_d2_a_flood_of_strange_calls_fills_neither_the_log_nor_the_store() {
    let store = store().await;
    let node = Node::start(&store, [Mode::Observe; 4]);
    node.see(usual()).await;
    node.see((0..3_000).map(|n| from(&format!("10.{}.{}.1", n / 250, n % 250), LATER + n)))
        .await;
    node.see((0..3_000).map(|n| of(&format!("model-{n}"), LATER + n)))
        .await;
    let metrics = node.end().await;
    let records = told(&store).await;
    assert!((4..=8).contains(&records.len()), "{}: {records:?}", records.len());
    let counted = records
        .iter()
        .filter_map(|record| record["after"]["not_recorded_one_by_one"].as_u64());
    let counted: u64 = counted.sum();
    assert_eq!(
        counted,
        30 + 62,
        "one of each was told, and no more than are remembered"
    );
    assert_eq!(metrics.gauges().key_signals("new_network").get(), 31);
    let habit = store
        .record(&scope(1), RecordKind::Habit, &KEY.to_string())
        .await
        .unwrap();
    assert!(habit.document.len() < 8 * 1024);
}

#[tokio::test]
async fn anp_0016_a_habit_dies_with_its_key() {
    let store = store().await;
    let node = Node::start(&store, [Mode::Observe; 4]);
    node.see(usual()).await;
    node.end().await;
    let other = Record {
        kind: RecordKind::Habit,
        id: KeyId::from_u128(6).to_string(),
        parent: None,
        name: None,
        created: NOW,
        document: "{}".to_owned(),
    };
    store
        .commit(&scope(1), &[Change::Create(other.clone())], None)
        .await
        .unwrap();
    let keeper = Housekeeper::new(store.clone());
    assert_eq!(keeper.clean(NOW).await.unwrap(), 0);
    let revoked = Change::ReplaceKey {
        before: Box::new(key()),
        after: Box::new(key().revoke()),
    };
    store.commit(&scope(1), &[revoked], None).await.unwrap();
    assert_eq!(keeper.clean(NOW).await.unwrap(), 1);
    let gone = store.record(&scope(1), RecordKind::Habit, &KEY.to_string()).await;
    assert_eq!(gone, Err(StoreError::NotFound));
    assert!(
        store
            .record(&scope(1), RecordKind::Habit, &other.id)
            .await
            .is_ok()
    );
}
