//! Reports that are delivered by themselves: a real gate, a folder, an S3 server of somebody else's and a webhook; what
//! arrived is held against the ledger. And destinations that are away, slow, send us elsewhere or refuse, past a kill.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use domain::{NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use exports::focus::check_csv;
use finops::Day;
use http::StatusCode;
use ledger::Entry;
use serde_json::{Value, json};
use store::{Directory, EntryLog, Shipment};
use testkit::s3::{KEY_ID, SECRET};
use testkit::{Gate, GateBuilder, Mood, Reply, S3Server, ScriptedProvider};

use crate::scene::Scene;

const PATIENCE: Duration = Duration::from_secs(60);
const HOOK: &str = "a-secret-for-webhooks-0123456789";
const BUCKET: &str = "costs";

fn day(ago: i64) -> Day {
    Day::of(UnixMillis::now()).plus(-ago)
}

/// A call of a dollar at noon of each of these days, and the tenant.
async fn seed(scene: &Scene, days: impl Iterator<Item = i64>) -> TenantId {
    let store = scene.store().await;
    let dump = store.load().await.unwrap();
    let key = dump.keys.first().unwrap();
    let call = |ago: i64| -> Shipment {
        let at = day(ago).start().0 + 12 * 3_600_000;
        let entry: Entry = serde_json::from_value(json!({
            "id": RequestId::generate(), "tenant": key.tenant, "team": key.team, "key": key.id,
            "node": NodeId::from_u128(7), "started": at, "finished": at, "operation": "chat", "dialect": "openai",
            "model": "m-oa", "target": "oa/m-oa", "outcome": "completed", "status": 200, "attempts": 1,
            "usage": {"input": 100, "output": 20}, "usage_source": "provider", "cost": 1_000_000_000, "price_version": "1",
            "charges": [],
        }))
        .unwrap();
        Shipment::from(&entry)
    };
    let all: Vec<Shipment> = days.map(call).collect();
    let scope = TenantScope::operator(key.tenant);
    store.append(&scope, NodeId::from_u128(7), &all).await.unwrap();
    let tenant = key.tenant;
    store.close().await;
    tenant
}

fn config(destinations: &str, schedules: &str) -> String {
    format!(
        "ledger: {{ checkpoint_every_ms: 1000 }}
exports:
  every_ms: 200
  settle_ms: 0
  destinations:
{destinations}
  schedules:
{schedules}
"
    )
}

fn secrets(builder: GateBuilder) -> GateBuilder {
    builder
        .env("S3_ID", KEY_ID)
        .env("S3_SECRET", SECRET)
        .env("HOOK", HOOK)
}

fn bucket(server: &S3Server, name: &str) -> String {
    format!(
        "    - {{ name: s3, address: \"s3://{name}/finance\", endpoint: \"{}\", secrets: [\"env:S3_ID\", \"env:S3_SECRET\"] }}",
        server.endpoint()
    )
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn status(gate: &Gate) -> Vec<Value> {
    let all = gate.cli_json(&["exports", "status", "--json"]).await;
    all.as_array().unwrap().clone()
}

async fn delivered(gate: &Gate, schedule: &str, many: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until("reports were delivered", async || {
        found = status(gate).await;
        found.retain(|one| one["schedule"] == schedule && one["state"] == "delivered");
        found.len() >= many
    })
    .await;
    found
}

async fn last_error(gate: &Gate) -> String {
    let all = gate.cli_json(&["exports", "list", "--json"]).await;
    all[0]["last_error"].as_str().unwrap_or_default().to_owned()
}

/// The file is the manifest's, and both are the ledger's.
async fn verifies(gate: &Gate, file: &Path) {
    let done = gate.cli(&["export", "verify", file.to_str().unwrap()]).await;
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(done.status.success(), "{said}");
    assert!(said.contains("byte for byte"), "{said}");
}

fn hex(bytes: &[u8]) -> String {
    let whole = digest(&SHA256, bytes);
    whole.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut all: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// Tampering with what arrived is found.
async fn tampered(gate: &Gate, file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, [&bytes[..], b"x"].concat()).unwrap();
    let done = gate.cli(&["export", "verify", file.to_str().unwrap()]).await;
    assert_eq!(done.status.code(), Some(4));
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_agp_t4_what_was_missed_arrives_in_a_folder_and_is_the_ledgers() {
    let folder = tempfile::tempdir().unwrap();
    let to = format!(
        "    - {{ name: share, address: \"file://{}\" }}",
        folder.path().display()
    );
    let schedules = [("focus", "costs"), ("parquet", "costs"), ("json", "costs"), ("originals", "costs"), ("csv", "usage"), ("csv", "chargeback")]
        .map(|(format, report)| {
            let since = day(3);
            format!("    - {{ name: {report}-{format}, to: share, report: {report}, format: {format}, every: day, since: \"{since}\" }}")
        })
        .join("\n");
    let mut scene = Scene::built(&config(&to, &schedules), secrets).await;
    let tenant = seed(&scene, 0..10).await.to_string();
    for name in ["costs-focus", "costs-parquet", "costs-json", "costs-originals"] {
        let found = delivered(&scene.gate, name, 3).await;
        assert_eq!(
            found.len(),
            3,
            "the three days since then that are over, and no other"
        );
        for (one, ago) in found.iter().zip([3, 2, 1]) {
            assert_eq!(one["time"], day(ago).to_string());
            let file = folder.path().join(one["file"].as_str().unwrap());
            assert!(file.starts_with(folder.path().join(&tenant).join(name)));
            assert_eq!(one["sha256"], hex(&std::fs::read(&file).unwrap()));
        }
    }
    // Seeded while the gate ran: whatever was delivered before the calls came is not what the ledger has now.
    let again = [
        "exports",
        "run",
        "costs-focus",
        "--time",
        &day(2).to_string(),
        "--json",
    ];
    let again = scene.gate.cli_json(&again).await;
    let file = folder.path().join(again[0]["file"].as_str().unwrap());
    verifies(&scene.gate, &file).await;
    tampered(&scene.gate, &file).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(check_csv(text.as_bytes()).unwrap().is_good());
    let names: Vec<_> = files(file.parent().unwrap());
    assert_eq!(
        names.len(),
        6,
        "three files and three manifests, nothing half, nothing twice: {names:?}"
    );
    for name in ["usage-csv", "chargeback-csv"] {
        for one in delivered(&scene.gate, name, 3).await {
            let file = folder.path().join(one["file"].as_str().unwrap());
            let manifest = std::fs::read_to_string(format!("{}.manifest.json", file.display())).unwrap();
            let manifest: Value = serde_json::from_str(&manifest).unwrap();
            assert_eq!(manifest["sha256"], hex(&std::fs::read(&file).unwrap()));
            assert_eq!(manifest["format"], "bartizan-report/1");
        }
    }
    let log = scene
        .gate
        .cli_json(&["audit", "list", "--tenant", "default", "--last", "100", "--json"])
        .await;
    assert!(log.to_string().contains("exports.deliver"), "{log}");
    // A new start delivers nothing that was delivered.
    let before = status(&scene.gate).await.len();
    scene.gate.kill9().await;
    scene.gate.restart().await;
    assert_eq!(status(&scene.gate).await.len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_a_bucket_gets_every_time_once_past_refusals_an_outage_and_a_kill() {
    let (server, elsewhere) = (S3Server::start(BUCKET).await, S3Server::start(BUCKET).await);
    server.feel(Mood::Answers(StatusCode::FORBIDDEN, None));
    let schedule = format!(
        "    - {{ name: daily, to: s3, every: day, since: \"{}\" }}",
        day(2)
    );
    let mut scene = Scene::built(&config(&bucket(&server, BUCKET), &schedule), secrets).await;
    let tenant = seed(&scene, 0..5).await;
    until("it was refused", async || {
        last_error(&scene.gate)
            .await
            .contains("403 Forbidden (AccessDenied)")
    })
    .await;
    let place = format!("{}/x", elsewhere.endpoint());
    server.feel(Mood::Answers(StatusCode::TEMPORARY_REDIRECT, Some(place)));
    until("it was sent elsewhere", async || {
        last_error(&scene.gate).await.contains("307")
    })
    .await;
    assert!(status(&scene.gate).await.is_empty());
    // It is killed while it waits for an answer.
    server.feel(Mood::Silent);
    let asked = server.asked().len();
    until("it asks again", async || server.asked().len() > asked).await;
    scene.gate.kill9().await;
    server.feel(Mood::Well);
    scene.gate.restart().await;
    let found = delivered(&scene.gate, "daily", 2).await;
    assert_eq!(found.len(), 2);
    assert!(elsewhere.asked().is_empty(), "nobody was sent there");
    let folder = server.file(BUCKET, &format!("finance/{tenant}/daily"));
    let all = files(&folder);
    assert_eq!(all.len(), 4, "two files, two manifests: {all:?}");
    for ago in [2, 1] {
        verifies(&scene.gate, &folder.join(format!("{}.focus.csv", day(ago)))).await;
    }
    assert!(
        scene
            .metric("bartizan_alerts_failures_total{sink=\"export daily\"}")
            .await
            >= 0.0
    );
    for line in scene.gate.lines().all() {
        for never in [SECRET, "X-Amz-Signature", "you wrote a secret"] {
            assert!(!line.contains(never), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_what_nobody_takes_is_given_up_told_and_delivered_when_somebody_asks() {
    let (server, chat) = (S3Server::start(BUCKET).await, ScriptedProvider::start().await);
    chat.script("/in", Reply::json(200, &json!({})));
    let schedule = format!(
        "    - {{ name: daily, to: s3, every: day, since: \"{}\", give_up_after_ms: 1000 }}
alerts:
  every_ms: 100
  sinks:
    - {{ name: chat, address: \"{}/in\", secrets: [\"env:HOOK\"], acts: [\"exports.*\"] }}",
        day(1),
        chat.base_url()
    );
    server.feel(Mood::Answers(StatusCode::NOT_FOUND, None));
    let scene = Scene::built(&config(&bucket(&server, BUCKET), &schedule), secrets).await;
    seed(&scene, 0..3).await;
    let mut found = Vec::new();
    until("it is given up", async || {
        found = status(&scene.gate).await;
        !found.is_empty()
    })
    .await;
    assert_eq!(
        (&found[0]["state"], &found[0]["time"]),
        (&json!("given up"), &json!(day(1).to_string()))
    );
    assert!(
        found[0]["why"].as_str().unwrap().contains("404 Not Found"),
        "{found:?}"
    );
    until("somebody was told", async || {
        let told = chat.requests();
        told.iter()
            .any(|one| String::from_utf8_lossy(&one.body).contains("exports.failed"))
    })
    .await;
    // Somebody mends it, and asks for what was given up.
    server.feel(Mood::Well);
    let done = scene.gate.cli_json(&["exports", "run", "daily", "--json"]).await;
    assert_eq!(done[0]["state"], "delivered", "{done}");
    let found = status(&scene.gate).await;
    assert_eq!(
        (found.len(), &found[0]["state"]),
        (1, &json!("delivered")),
        "in place of what was given up"
    );
    let wrong = scene
        .gate
        .cli(&["exports", "run", "daily", "--time", &day(0).to_string()])
        .await;
    assert_eq!(wrong.status.code(), Some(2), "that day is not over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_t1_a_webhook_gets_the_file_signed_under_the_same_id_each_time() {
    let hook = ScriptedProvider::start().await;
    hook.script_sequence("/in", [Reply::error(503, "later"), Reply::json(200, &json!({}))]);
    let to = format!(
        "    - {{ name: hook, address: \"{}/in\", secrets: [\"env:HOOK\"] }}",
        hook.base_url()
    );
    let schedule = format!(
        "    - {{ name: daily, to: hook, every: day, format: originals, since: \"{}\" }}",
        day(1)
    );
    let scene = Scene::built(&config(&to, &schedule), secrets).await;
    seed(&scene, 0..3).await;
    delivered(&scene.gate, "daily", 1).await;
    scene.gate.cli_json(&["exports", "run", "daily", "--json"]).await;
    let came = hook.requests();
    assert!(came.len() >= 3, "{}", came.len());
    let ids: std::collections::BTreeSet<_> =
        came.iter().map(|one| one.header("webhook-id").unwrap()).collect();
    assert_eq!(ids.len(), 1);
    let last = came.last().unwrap();
    let said: Value = serde_json::from_slice(&last.body).unwrap();
    let file = &said["data"]["file"];
    let content = file["content"].as_str().unwrap();
    assert!(content.starts_with("date,user_id,team_id,model,"), "{content}");
    assert!(content.contains(",100,20,"), "the call of that day: {content}");
    assert_eq!(
        (&said["type"], &file["sha256"]),
        (&json!("export.delivered"), &json!(hex(content.as_bytes())))
    );
    assert_eq!(said["data"]["manifest"]["sha256"], file["sha256"]);
    let time = last.header("webhook-timestamp").unwrap();
    assert!(crate::alerts::verifies(HOOK.as_bytes(), last, &last.body, time));
}
