//! Several nodes push one tenant's audit log to one sink: nothing is lost or out of order, whoever is at it.

use std::sync::Arc;
use std::time::Duration;

use domain::{AuditId, NodeId, Secret, UnixMillis};
use ledger::{AuditActor, AuditRecord};
use store::{Change, MemoryStore, Registry, Store, Tenant};
use telemetry::Metrics;
use testkit::{Reply, ScriptedProvider};
use tokio::sync::watch;
use upstream::{Client, ClientOptions};
use worker::{Keyring, Place, Posted, Pusher, Route, Severity, SinkOptions};

use super::{scope, tenant};

#[derive(Debug)]
struct Fixed;

#[async_trait::async_trait]
impl Keyring for Fixed {
    async fn secrets(&self) -> Result<Vec<Secret>, String> {
        Ok(vec![Secret::new("a secret of more than 24 bytes")])
    }
}

pub fn posted(sink: &ScriptedProvider) -> Box<Posted> {
    Box::new(Posted {
        address: format!("{}/in", sink.base_url()),
        allow_plaintext: false,
        keys: Arc::new(Fixed),
        client: Client::new(&ClientOptions::default()),
    })
}

fn pusher(store: &Arc<MemoryStore>, node: u128, sink: &ScriptedProvider, acts: &[&str]) -> Pusher {
    bent((store, node), sink, acts, |_| ())
}

pub fn bent(
    (store, node): (&Arc<MemoryStore>, u128),
    sink: &ScriptedProvider,
    acts: &[&str],
    bend: impl FnOnce(&mut SinkOptions),
) -> Pusher {
    let mut options = SinkOptions {
        name: "siem".to_owned(),
        place: Place::Webhook(posted(sink)),
        route: Route {
            acts: acts.iter().map(|&act| act.to_owned()).collect(),
            tenants: Vec::new(),
            teams: Vec::new(),
            budgets: Vec::new(),
            severity_min: Severity::Info,
        },
        every: Duration::from_millis(10),
        repeat: Duration::ZERO,
        gather: Duration::ZERO,
        give_up_after: None,
        public_url: None,
        own: None,
    };
    bend(&mut options);
    let store: Arc<dyn Store> = store.clone();
    let metrics = Metrics::new("test").gauges().sink("siem");
    Pusher::new((store, NodeId::from_u128(node)), options, metrics).unwrap()
}

pub async fn act(store: &MemoryStore, of: u128, number: u128, name: &str) {
    let record = AuditRecord::done(
        (AuditId::from_u128(of * 1_000_000 + number), tenant(of)),
        UnixMillis::now(),
        AuditActor::Gate("test".to_owned()),
        name,
    );
    store.commit(&scope(of), &[], Some(&record.into())).await.unwrap();
}

pub async fn store_with(tenants: u128) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for of in 1..=tenants {
        let made = Tenant {
            id: tenant(of),
            name: format!("t{of}"),
            limits: Default::default(),
            state: Default::default(),
            history: ledger::Keeping::NONE,
        };
        store
            .commit(&scope(of), &[Change::CreateTenant(made)], None)
            .await
            .unwrap();
    }
    store
}

/// Indexes in the order in which they first came, by tenant.
pub fn came(sink: &ScriptedProvider, of: u128) -> Vec<u64> {
    let mut seen = Vec::new();
    for request in sink.requests() {
        let said: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let index = said["data"]["index"].as_u64().unwrap();
        if said["data"]["record"]["tenant"] == tenant(of).to_string().as_str() && !seen.contains(&index) {
            seen.push(index);
        }
    }
    seen
}

pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not so in time: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_three_nodes_push_everything_once_and_in_order() {
    let (store, sink) = (store_with(2).await, ScriptedProvider::start().await);
    sink.script("*", Reply::json(200, &serde_json::json!({})));
    let (stop, stopped) = watch::channel(false);
    for node in 1..=3 {
        tokio::spawn(pusher(&store, node, &sink, &["*"]).run(stopped.clone()));
    }
    for number in 0..130 {
        act(&store, 1, number, "keys.create").await;
        if number % 10 == 0 {
            act(&store, 2, number, "keys.revoke").await;
        }
    }
    until("all came", || {
        came(&sink, 1).len() == 130 && came(&sink, 2).len() == 13
    })
    .await;
    assert_eq!(came(&sink, 1), (0..130).collect::<Vec<_>>());
    assert_eq!(came(&sink, 2), (0..13).collect::<Vec<_>>());
    assert_eq!(sink.requests().len(), 143, "nobody died, so nothing came twice");
    stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_a_log_whose_record_is_refused_waits_and_keeps_no_other() {
    let (store, sink) = (store_with(2).await, ScriptedProvider::start().await);
    let (mine, other) = (tenant(1).to_string(), tenant(2).to_string());
    let refusing = move |request: &testkit::Received| {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        Reply::json(
            if text.contains(&mine) { 500 } else { 200 },
            &serde_json::json!({}),
        )
    };
    sink.script("*", Reply::from_request(refusing));
    for number in 0..5 {
        act(&store, 1, number, "keys.create").await;
        act(&store, 2, number, "keys.create").await;
    }
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(pusher(&store, 1, &sink, &["*"]).run(stopped.clone()));
    until("the other's came", || came(&sink, 2).len() == 5).await;
    assert_eq!(
        came(&sink, 1),
        [0],
        "the first is tried again, none is left out: {other}"
    );
    sink.script("*", Reply::json(200, &serde_json::json!({})));
    until("all came", || came(&sink, 1).len() == 5).await;
    assert_eq!(came(&sink, 1), (0..5).collect::<Vec<_>>());
    stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_acts_that_are_asked_for_are_pushed() {
    let (store, sink) = (store_with(1).await, ScriptedProvider::start().await);
    sink.script("*", Reply::json(200, &serde_json::json!({})));
    let acts = [
        "sign_in",
        "keys.create",
        "keys.honey",
        "sign_in_again",
        "budgets.put",
        "keys.revoke",
    ];
    for (number, name) in acts.iter().enumerate() {
        act(&store, 1, number as u128, name).await;
    }
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(pusher(&store, 1, &sink, &["keys.*", "sign_in"]).run(stopped.clone()));
    until("those came", || came(&sink, 1).len() == 4).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(came(&sink, 1), [0, 1, 2, 5]);
    stop.send(true).unwrap();
}
