//! Baits: keys that open nothing, look like nothing, and tell their owners who took them.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Gate, Reply, ScriptedProvider};

use crate::scene::{Scene, call, code};

async fn alarms(gate: &Gate) -> Vec<Value> {
    let listed = gate
        .cli_json(&["audit", "list", "--tenant", "acme", "--json"])
        .await;
    let all = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["record"].clone());
    all.filter(|record| record["act"] == "keys.honey").collect()
}

/// What of an answer does not differ from one call to the next.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let own = answer
        .header("x-request-id")
        .or(answer.header("request-id"))
        .unwrap_or_default()
        .to_owned();
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "request-id", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let body = match own.is_empty() {
        true => answer.text(),
        false => answer.text().replace(&own, "ID"),
    };
    (answer.status, headers, body)
}

async fn every_way(gate: &Gate, key: &str) -> Vec<(u16, Vec<(String, String)>, String)> {
    let clients: [Client; 2] = [gate.data().bearer(key), gate.data().header("x-api-key", key)];
    let mut answers = Vec::new();
    for client in clients {
        answers.push(client.post("/v1/chat/completions", &call("m-oa")).await);
        answers.push(client.post("/v1/messages", &call("m-an")).await);
        answers.push(client.post("/v1/messages/count_tokens", &call("m-an")).await);
        answers.push(client.get("/v1/models").await);
        let form = client.header("content-type", "application/x-www-form-urlencoded");
        let exchange = form.request(Method::POST, "/v1/token", "grant_type=client_credentials".into());
        answers.push(exchange.await.unwrap());
    }
    for answer in &answers {
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    assert_eq!(code(&answers[0]), "credential_invalid");
    answers.iter().map(seen).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_s1_anp_0001_a_honey_key_opens_nothing_looks_like_nothing_and_raises_an_alarm() {
    let sink = ScriptedProvider::start().await;
    sink.script("/in", Reply::json(200, &json!({})));
    let alerts = format!(
        "alerts:\n  every_ms: 100\n  sinks:\n    - {{ name: siem, address: \"{}/in\", secrets: [\"env:HOOK\"], acts: [keys.honey] }}\n",
        sink.base_url()
    );
    let scene = Scene::built(&alerts, |b| b.env("HOOK", "webhook-secret-of-more-than-24-bytes")).await;
    let gate = &scene.gate;
    gate.cli_json(&["tenants", "create", "acme", "--json"]).await;
    let line = [
        "keys",
        "create",
        "--tenant",
        "acme",
        "--name",
        "prod backup",
        "--all-models",
        "--honey",
        "--json",
    ];
    let made = gate.cli_json(&line).await;
    let (honey, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!(made["honey"], true);
    let shown = gate
        .cli_json(&["keys", "list", "--tenant", "acme", "--json"])
        .await;
    assert!(shown.to_string().contains("\"honey\":true"), "{shown}");

    // A key of the right form that nobody ever made.
    let unknown = credential::VirtualKey::generate().unwrap().expose().to_owned();
    let used = async || scene.metric("bartizan_honey_key_uses_total").await;
    let end = Instant::now() + Duration::from_secs(5);
    while used().await < 1.0 {
        assert!(Instant::now() < end, "the gate never heard of it");
        gate.data().bearer(honey).get("/v1/models").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(every_way(gate, honey).await, every_way(gate, &unknown).await);
    for _ in 0..20 {
        gate.data().bearer(honey).get("/v1/models").await;
    }
    assert!(used().await >= 31.0);
    assert!(scene.provider.requests().is_empty());

    let pushed = sink.wait_for_requests(1, Duration::from_secs(10)).await;
    let said: Value = serde_json::from_slice(&pushed[0].body).unwrap();
    let records = alarms(gate).await;
    assert_eq!(records.len(), 1, "one a minute: {records:?}");
    let record = &records[0];
    assert_eq!(&said["data"]["record"], record);
    assert_eq!(record["target"], id);
    assert_eq!(record["address"], "127.0.0.1");
    assert_eq!(record["threat"], "AGP-S1");
    assert_eq!(record["outcome"]["refused"], "credential_invalid");
    assert_eq!(record["actor"]["stranger"], made["hint"]);
    assert!(
        gate.lines()
            .any(|line| line.contains("an alarm was raised") && line.contains(id))
    );
    assert!(
        !gate.lines().any(|line| line.contains(honey)),
        "its text is in no log line"
    );
    assert!(!String::from_utf8_lossy(&pushed[0].body).contains(honey));

    // Revoked it is a key like any other that is gone.
    gate.cli_json(&["keys", "revoke", id, "--json"]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = used().await;
    every_way(gate, honey).await;
    assert!(used().await - before < 1.0, "no alarm any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_what_was_only_counted_is_written_when_the_gate_ends() {
    let mut scene = Scene::with("").await;
    let gate = &scene.gate;
    gate.cli_json(&["tenants", "create", "acme", "--json"]).await;
    let line = [
        "keys", "create", "--tenant", "acme", "--name", "bait", "--honey", "--json",
    ];
    let made = gate.cli_json(&line).await;
    let client = gate.data().bearer(made["key"].as_str().unwrap());
    let end = Instant::now() + Duration::from_secs(5);
    while alarms(gate).await.is_empty() {
        assert!(Instant::now() < end, "no alarm");
        client.get("/v1/models").await;
    }
    for _ in 0..10 {
        client.get("/v1/models").await;
    }
    gate.terminate().await;
    scene.gate.wait(Duration::from_secs(20)).await;
    let records = alarms(&scene.gate).await;
    assert_eq!(records.len(), 2, "{records:?}");
    let counted: Vec<u64> = records
        .iter()
        .filter_map(|record| record["after"]["not_recorded_one_by_one"].as_u64())
        .collect();
    assert!(counted.len() == 1 && counted[0] >= 10, "{records:?}");
}
