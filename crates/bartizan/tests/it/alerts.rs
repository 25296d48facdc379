//! Audit records on their way out: a real gate, a webhook that is scripted and syslog servers that only listen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use credential::MasterKey;
use serde_json::{Value, json};
use testkit::{Gate, Received, Reply, ScriptedProvider};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};

use crate::money_postgres::Postgres;
use crate::scene::{self, Scene, providers};

/// Two secrets in force, in both spellings.
fn secrets() -> (String, String) {
    let old = "former-webhook-secret-0123456789".to_owned();
    (format!("whsec_{}", STANDARD.encode([7u8; 32])), old)
}

async fn make_key(gate: &Gate, name: &str) -> String {
    let line = [
        "keys",
        "create",
        "--tenant",
        "acme",
        "--name",
        name,
        "--all-models",
        "--json",
    ];
    gate.cli_json(&line).await.to_string()
}

/// The check that docs/operations.md describes.
pub fn verifies(key: &[u8], received: &Received, body: &[u8], time: &str) -> bool {
    let id = received.header("webhook-id").unwrap();
    let content = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let all = received.header("webhook-signature").unwrap().split(' ');
    let codes = all.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    let mut codes = codes.filter(|code| hmac::verify(&key, &content, code).is_ok());
    codes.next().is_some()
}

/// Records of acme's by index, in the order in which they first came.
fn came(received: &[Received], tenant: &str) -> (Vec<u64>, BTreeMap<u64, Value>) {
    let (mut order, mut records) = (Vec::new(), BTreeMap::new());
    for request in received {
        let said: Value = serde_json::from_slice(&request.body).unwrap();
        let record = said["data"]["record"].clone();
        assert_eq!(said["type"], record["act"]);
        assert_eq!(request.header("webhook-id"), record["id"].as_str());
        if record["tenant"] == tenant {
            let index = said["data"]["index"].as_u64().unwrap();
            if records.insert(index, record).is_none() {
                order.push(index);
            }
        }
    }
    (order, records)
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_every_act_reaches_a_webhook_signed_and_in_order_past_an_outage_and_a_kill() {
    let (sink, elsewhere) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    let taken = || Reply::json(200, &json!({}));
    sink.script("/in", taken());
    let (new, old) = secrets();
    let alerts = format!(
        "alerts:\n  every_ms: 100\n  sinks:\n    - {{ name: siem, address: \"{}/in\", secrets: [\"env:HOOK_NEW\", \"env:HOOK_OLD\"] }}\n",
        sink.base_url()
    );
    let mut scene = Scene::built(&alerts, |b| b.env("HOOK_NEW", &new).env("HOOK_OLD", &old)).await;
    let made = scene
        .gate
        .cli_json(&["tenants", "create", "acme", "--json"])
        .await;
    let tenant = made["id"].as_str().unwrap().to_owned();
    let mut shown = vec![make_key(&scene.gate, "a").await, make_key(&scene.gate, "b").await];
    let count = |many: usize| came(&sink.requests(), &tenant).0.len() == many;
    until("the first records came", || count(3)).await;

    // It sends us elsewhere, then it is out of order: acts are done all the same.
    let away = Reply::redirect(307, &format!("{}/in", elsewhere.base_url()));
    sink.script_sequence("/in", [away, Reply::error(503, "out of order")]);
    let before = sink.requests().len();
    shown.push(make_key(&scene.gate, "c").await);
    shown.push(make_key(&scene.gate, "d").await);
    until("it was tried again", || sink.requests().len() >= before + 3).await;
    assert!(
        scene
            .metric("bartizan_alerts_pending_records{sink=\"siem\"}")
            .await
            >= 1.0
    );
    assert!(
        scene
            .metric("bartizan_alerts_failures_total{sink=\"siem\"}")
            .await
            >= 2.0
    );
    assert!(
        scene
            .gate
            .lines()
            .any(|line| line.contains("a sink does not take audit records"))
    );
    scene.gate.kill9().await;
    scene.gate.restart().await;
    sink.script("/in", taken());
    until("the rest came", || count(5)).await;
    assert!(elsewhere.requests().is_empty(), "no redirect is followed");

    let (order, records) = came(&sink.requests(), &tenant);
    assert_eq!(order, [0, 1, 2, 3, 4]);
    let listed = scene
        .gate
        .cli_json(&["audit", "list", "--tenant", "acme", "--json"])
        .await;
    for line in listed.as_array().unwrap() {
        let index = line["index"].as_u64().unwrap();
        assert_eq!(line["record"], records[&index], "as it stands in the log");
    }
    signed_and_without_secrets(&sink.requests(), &shown);
}

fn signed_and_without_secrets(received: &[Received], shown: &[String]) {
    let (new, old) = secrets();
    for request in received {
        let time = request.header("webhook-timestamp").unwrap();
        for key in [[7u8; 32].as_slice(), old.as_bytes()] {
            assert!(
                verifies(key, request, &request.body, time),
                "each secret in force signs"
            );
            let mut forged = request.body.to_vec();
            let last = forged.len() - 3;
            forged[last] ^= 1;
            assert!(!verifies(key, request, &forged, time), "a changed body");
            assert!(!verifies(key, request, &request.body, "1"), "another time");
        }
        assert!(
            !verifies(&[8u8; 32], request, &request.body, time),
            "another secret"
        );
        let said = format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body));
        for answer in shown {
            let answer: Value = serde_json::from_str(answer).unwrap();
            let key = answer["key"].as_str().unwrap();
            assert!(!said.contains(key), "{said}");
        }
        assert!(!said.contains(&new) && !said.contains(&old), "{said}");
    }
}

/// Frames with counted octets, until the connection's end.
async fn frames(listener: &TcpListener) -> Vec<String> {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.unwrap();
    let (mut rest, mut found) = (bytes.as_slice(), Vec::new());
    while let Some(at) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..at]).unwrap().parse().unwrap();
        found.push(String::from_utf8(rest[at + 1..at + 1 + length].to_vec()).unwrap());
        rest = &rest[at + 1 + length..];
    }
    assert!(rest.is_empty());
    found
}

fn of(lines: &[String], tenant: &str) -> Vec<u64> {
    let parsed = lines.iter().map(|line| {
        let parts: Vec<&str> = line.splitn(8, ' ').collect();
        assert!(parts[0].starts_with("<10") && parts[0].ends_with(">1"), "{line}");
        assert_eq!((parts[3], parts[4], parts[6]), ("bartizan", "-", "-"), "{line}");
        let data: Value = serde_json::from_str(parts[7]).unwrap();
        assert_eq!(data["record"]["act"], parts[5], "{line}");
        data
    });
    let ours = parsed.filter(|data| data["record"]["tenant"] == tenant);
    ours.map(|data| data["index"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_syslog_over_tcp_that_was_down_gets_everything_in_order_and_udp_too() {
    // A port where nobody listens yet.
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let udp = datagrams.local_addr().unwrap();
    let alerts = format!(
        "alerts:\n  every_ms: 100\n  sinks:\n    - {{ name: tcp, address: \"tcp://127.0.0.1:{port}\" }}\n    - {{ name: udp, address: \"udp://{udp}\", acts: [\"keys.*\"] }}\n"
    );
    let scene = Scene::with(&alerts).await;
    let made = scene
        .gate
        .cli_json(&["tenants", "create", "acme", "--json"])
        .await;
    let tenant = made["id"].as_str().unwrap().to_owned();
    for name in ["a", "b", "c"] {
        make_key(&scene.gate, name).await;
    }
    let (mut heard, mut buffer) = (Vec::new(), vec![0; 65_536]);
    while of(&heard, &tenant).len() < 3 {
        let reading = tokio::time::timeout(Duration::from_secs(10), datagrams.recv(&mut buffer));
        let length = reading.await.expect("a datagram").unwrap();
        heard.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    assert_eq!(of(&heard, &tenant), [1, 2, 3], "only what was asked for");
    let end = Instant::now() + Duration::from_secs(15);
    let waiting = async || {
        scene
            .metric("bartizan_alerts_pending_records{sink=\"tcp\"}")
            .await
    };
    while waiting().await < 4.0 {
        assert!(Instant::now() < end, "what waits is not counted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let mut lines = Vec::new();
    while of(&lines, &tenant).len() < 4 {
        let reading = tokio::time::timeout(Duration::from_secs(15), frames(&listener));
        lines.extend(reading.await.expect("frames"));
    }
    assert_eq!(of(&lines, &tenant), [0, 1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_two_nodes_on_postgresql_take_turns() {
    let postgres = Postgres::start().await;
    let (provider, sink) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    sink.script("/in", Reply::json(200, &json!({})));
    let text = format!(
        "{}alerts:\n  every_ms: 100\n  sinks:\n    - {{ name: siem, address: \"{}/in\", secrets: [\"env:HOOK\"] }}\n",
        providers(&provider.base_url())
            .replace("store: {", "store: { engine: postgres, url: \"env:DATABASE\","),
        sink.base_url()
    );
    let master = MasterKey::generate().unwrap().to_wrapping_file(None).unwrap();
    let node = || {
        scene::builder()
            .config(text.clone())
            .env("DATABASE", postgres.url())
            .env("HOOK", "webhook-secret-of-more-than-24-bytes")
            .file("data/master.key", master.as_bytes())
    };
    let nodes = [node().start().await, node().start().await];
    let made = nodes[0].cli_json(&["tenants", "create", "acme", "--json"]).await;
    let tenant = made["id"].as_str().unwrap();
    for at in 0..8 {
        make_key(&nodes[at % 2], &format!("key {at}")).await;
    }
    until("all came", || came(&sink.requests(), tenant).0.len() == 9).await;
    assert_eq!(came(&sink.requests(), tenant).0, (0..9).collect::<Vec<_>>());
    let mut ids: Vec<String> = sink
        .requests()
        .iter()
        .map(|it| it.header("webhook-id").unwrap().to_owned())
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "nobody died, so nothing came twice");
    drop(nodes);
    postgres.remove().await;
}
