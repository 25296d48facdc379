//! Keys that are not used as they usually are: told, pushed, counted, and where it is wished suspended.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Gate, Reply, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::scene::{self, Scene, call, code};
use crate::stored::administrator;

const CHAT: &str = "/v1/chat/completions";
const USUAL: usize = 12;

/// The gate behind a proxy on loopback that says who calls; habits are learnt in ten calls.
fn signals(modes: &str) -> String {
    format!(
        "listen:
  data: 127.0.0.1:@data_port@
  control: 127.0.0.1:@control_port@
  health: 127.0.0.1:@health_port@
  trusted_proxies: [\"127.0.0.1/32\"]
signals: {{ learn_ms: 0, learn_calls_min: 10, volume_calls_min: 60, window_ms: 86400000, flush_every_ms: 100{modes} }}
"
    )
}

/// A key of acme's.
struct Key {
    id: String,
    text: String,
}

async fn make_key(gate: &Gate) -> Key {
    gate.cli_json(&["tenants", "create", "acme", "--json"]).await;
    let line = "keys create --tenant acme --name ci --all-models --json";
    let line: Vec<&str> = line.split(' ').collect();
    let made = gate.cli_json(&line).await;
    let text = made["key"].as_str().unwrap().to_owned();
    let key = Key {
        id: made["id"].as_str().unwrap().to_owned(),
        text,
    };
    settles(&from(gate, &key, "192.0.2.7"), 200).await;
    key
}

/// A client with this key that a proxy says calls from there.
fn from(gate: &Gate, key: &Key, address: &str) -> Client {
    gate.data().bearer(&key.text).header("x-forwarded-for", address)
}

/// How long until the gate answers so.
async fn settles(client: &Client, status: u16) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = client.get("/v1/models").await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn learn(gate: &Gate, key: &Key) {
    let usual = from(gate, key, "192.0.2.7");
    for _ in 0..USUAL {
        assert_eq!(usual.post(CHAT, &call("m-oa")).await.status, 200);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}

async fn records(gate: &Gate, act: &str) -> Vec<Value> {
    let line = ["audit", "list", "--tenant", "acme", "--last", "200", "--json"];
    let listed = gate.cli_json(&line).await;
    let all = listed.as_array().unwrap().iter();
    let mut all: Vec<_> = all.map(|line| line["record"].clone()).collect();
    all.retain(|record| record["act"] == act);
    all.sort_by_key(|record| record["at"].as_i64());
    all
}

/// So many records of that act, once they are there.
async fn recorded(gate: &Gate, act: &str, count: usize) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let found = records(gate, act).await;
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        assert!(Instant::now() < end, "{found:?} {}", gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_s1_anp_0001_a_stranger_another_model_and_a_burst_are_told_and_pushed_and_counted() {
    let sink = ScriptedProvider::start().await;
    sink.script("/in", Reply::json(200, &json!({})));
    let alerts = format!(
        "{}alerts:\n  every_ms: 100\n  sinks:\n    - {{ name: siem, address: \"{}/in\", secrets: [\"env:HOOK\"], acts: [keys.anomaly] }}\n",
        signals(""),
        sink.base_url()
    );
    let mut scene = Scene::built(&alerts, |b| b.env("HOOK", "webhook-secret-of-more-than-24-bytes")).await;
    let key = make_key(&scene.gate).await;
    learn(&scene.gate, &key).await;
    assert_eq!(
        records(&scene.gate, "keys.anomaly").await.len(),
        0,
        "while it is learnt"
    );

    // What was learnt outlives the gate.
    scene.gate.terminate().await;
    scene.gate.wait(Duration::from_secs(20)).await;
    scene.gate.restart().await;
    let gate = &scene.gate;
    let stranger = from(gate, &key, "203.0.113.9");
    assert_eq!(
        stranger.post(CHAT, &call("m-oa")).await.status,
        200,
        "it is told, not refused"
    );
    let found = recorded(gate, "keys.anomaly", 1).await;
    let expected = json!({"network": "203.0.113.0/24", "signal": "new_network", "leads_to": "observe"});
    assert_eq!(found[0]["after"], expected);
    assert_eq!(
        (&found[0]["target"], &found[0]["address"]),
        (&json!(key.id), &json!("203.0.113.9"))
    );
    assert_eq!(
        (&found[0]["threat"], &found[0]["actor"]["gate"]),
        (&json!("AGP-S1"), &json!("signals"))
    );

    let usual = from(gate, &key, "192.0.2.200");
    assert_eq!(usual.post("/v1/messages", &call("m-an")).await.status, 200);
    let found = recorded(gate, "keys.anomaly", 2).await;
    assert_eq!(
        found[1]["after"],
        json!({"model": "m-an", "signal": "new_model", "leads_to": "observe"})
    );
    for _ in 0..70 {
        usual.get("/v1/models").await;
    }
    let found = recorded(gate, "keys.anomaly", 3).await;
    assert_eq!(found[2]["after"]["signal"], "volume");
    assert_eq!(found[2]["after"]["calls"], 61);

    let pushed = sink.wait_for_requests(3, Duration::from_secs(10)).await;
    let said: Value = serde_json::from_slice(&pushed[0].body).unwrap();
    assert_eq!(said["data"]["record"], found[0]);
    for signal in ["new_network", "new_model", "volume"] {
        let line = format!("bartizan_key_signals_total{{signal=\"{signal}\"}}");
        assert!((scene.metric(&line).await - 1.0).abs() < 0.1, "{signal}");
        let mut lines = gate.lines().all().into_iter();
        assert!(lines.any(|line| line.contains("an alarm was raised") && line.contains(signal)));
    }
    assert!(!gate.lines().any(|line| line.contains(&key.text)));
    // Known by now: nothing is told again.
    for client in [&stranger, &usual] {
        client.post("/v1/messages", &call("m-an")).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(records(gate, "keys.anomaly").await.len(), 3);
}

/// A stolen key is mostly tried before it is used, and often where it does not even work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_s1_a_key_that_is_only_tried_from_elsewhere_is_told_as_well() {
    let scene = Scene::with(&signals(", new_model: \"off\"")).await;
    let key = make_key(&scene.gate).await;
    learn(&scene.gate, &key).await;
    let admin = administrator(&scene.gate).await;
    let tenant = tenant(&scene.gate).await;
    let path = format!("/api/v1/tenants/{tenant}/keys/{}", key.id);
    let fenced = json!({"networks": ["192.0.2.0/24"]}).to_string();
    let admin = admin
        .header("content-type", "application/json")
        .header("if-match", "*");
    let changed = admin.request(Method::PATCH, &path, fenced.into()).await.unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    let stranger = from(&scene.gate, &key, "2001:db8:7:1::9");
    settles(&stranger, 403).await;
    let found = recorded(&scene.gate, "keys.anomaly", 1).await;
    assert_eq!(found[0]["after"]["network"], "2001:db8:7::/48");
    assert_eq!(code(&stranger.get("/v1/models").await), "network_forbidden");
    from(&scene.gate, &key, "192.0.2.1")
        .post("/v1/messages", &call("m-an"))
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        records(&scene.gate, "keys.anomaly").await.len(),
        1,
        "models are off"
    );
}

async fn tenant(gate: &Gate) -> String {
    let listed = gate.cli_json(&["tenants", "list", "--json"]).await;
    let mut all = listed.as_array().unwrap().iter();
    let acme = all.find(|tenant| tenant["name"] == "acme").unwrap();
    acme["id"].as_str().unwrap().to_owned()
}

fn is_suspended(answer: &Answer) {
    assert_eq!(
        (answer.status, code(answer).as_str()),
        (403, "key_suspended"),
        "{}",
        answer.text()
    );
    let said = answer.text();
    for signal in ["network", "hour", "volume", "model\"", "203.0.113"] {
        assert!(!said.contains(signal), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0001_a_suspended_key_is_refused_in_all_its_forms_until_somebody_resumes_it() {
    let scene = Scene::with(&signals(", new_network: suspend")).await;
    let gate = &scene.gate;
    let key = make_key(gate).await;
    learn(gate, &key).await;
    let usual = from(gate, &key, "192.0.2.7");
    let form = usual.header("content-type", "application/x-www-form-urlencoded");
    let asked = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let exchanged = form
        .request(Method::POST, "/v1/token", asked.into())
        .await
        .unwrap();
    let token = exchanged.json()["access_token"].as_str().unwrap().to_owned();
    let by_token = gate.data().bearer(&token).header("x-forwarded-for", "192.0.2.7");
    assert_eq!(by_token.post(CHAT, &call("m-oa")).await.status, 200);

    let stranger = from(gate, &key, "203.0.113.9");
    assert_eq!(
        stranger.get("/v1/models").await.status,
        200,
        "the first one is what tells"
    );
    let took = settles(&stranger, 403).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    is_suspended(&stranger.post(CHAT, &call("m-oa")).await);
    is_suspended(&usual.post("/v1/messages", &call("m-an")).await);
    is_suspended(&usual.get("/v1/models").await);
    is_suspended(&by_token.post(CHAT, &call("m-oa")).await);
    is_suspended(
        &form
            .request(Method::POST, "/v1/token", asked.into())
            .await
            .unwrap(),
    );
    let elsewhere = gate.data().bearer(&scene.key);
    assert_eq!(
        elsewhere.post(CHAT, &call("m-oa")).await.status,
        200,
        "nobody else is"
    );

    let told = recorded(gate, "keys.suspend", 1).await;
    assert_eq!(
        told[0]["after"],
        json!({"state": "suspended", "why": "new_network"})
    );
    assert_eq!(
        (&told[0]["target"], &told[0]["actor"]["gate"]),
        (&json!(key.id), &json!("signals"))
    );
    assert!((scene.metric("bartizan_keys_suspended_total").await - 1.0).abs() < 0.1);
    let listed = gate
        .cli_json(&["keys", "list", "--tenant", "acme", "--json"])
        .await;
    assert_eq!(
        (&listed[0]["state"], &listed[0]["suspended"]["why"]),
        (&json!("suspended"), &json!("new_network"))
    );
    let admin = administrator(gate).await;
    let path = format!("/api/v1/tenants/{}/keys", tenant(gate).await);
    let shown = admin.get(&format!("{path}?state=suspended")).await.json();
    assert_eq!(
        (
            &shown["items"][0]["state"],
            &shown["items"][0]["suspended"]["why"]
        ),
        (&json!("suspended"), &json!("new_network"))
    );

    // Resumed, the network that made it so is one of its own.
    let resume = format!("{path}/{}/resume", key.id);
    let resumed = admin.request(Method::POST, &resume, "".into()).await.unwrap();
    assert_eq!(
        (resumed.status, &resumed.json()["state"]),
        (200, &json!("active")),
        "{}",
        resumed.text()
    );
    settles(&stranger, 200).await;
    for client in [&stranger, &usual, &by_token] {
        assert_eq!(client.post(CHAT, &call("m-oa")).await.status, 200);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stranger.get("/v1/models").await.status, 200);
    let acts = records(gate, "keys.update").await;
    assert_eq!(
        (&acts[0]["before"]["state"], &acts[0]["after"]["state"]),
        (&json!("suspended"), &json!("active"))
    );

    // By hand, from the machine.
    gate.cli_json(&["keys", "suspend", &key.id, "--json"]).await;
    settles(&usual, 403).await;
    is_suspended(&usual.get("/v1/models").await);
    let again = gate.cli_json(&["keys", "show", &key.id, "--json"]).await;
    assert_eq!(again["suspended"]["why"], "by_hand");
    gate.cli_json(&["keys", "resume", &key.id, "--json"]).await;
    settles(&usual, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0001_what_one_replica_suspends_every_replica_refuses_within_a_second() {
    let postgres = Postgres::start().await;
    let provider = ScriptedProvider::start().await;
    let text = scene::providers(&provider.base_url())
        .replace("store: {", "store: { engine: postgres, url: \"env:DATABASE\",");
    let text = format!("{text}{}", signals(", new_network: suspend"));
    let master = credential::MasterKey::generate()
        .unwrap()
        .to_wrapping_file(None)
        .unwrap();
    let node = || {
        scene::builder()
            .config(text.clone())
            .env("DATABASE", postgres.url())
            .file("data/master.key", master.as_bytes())
    };
    let first = node().start().await;
    first
        .lines()
        .wait_for("shown this once: ", Duration::from_secs(10))
        .await;
    let second = node().start().await;
    let key = make_key(&first).await;
    settles(&from(&second, &key, "192.0.2.7"), 200).await;
    learn(&first, &key).await;
    // Learnt at the first, seen at the second, refused at both.
    let stranger = from(&second, &key, "203.0.113.9");
    assert_eq!(stranger.get("/v1/models").await.status, 200);
    for gate in [&second, &first] {
        let client = from(gate, &key, "192.0.2.7");
        let took = settles(&client, 403).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
        is_suspended(&client.post(CHAT, &call("m-oa")).await);
    }
    assert_eq!(recorded(&first, "keys.suspend", 1).await.len(), 1);
    first.cli_json(&["keys", "resume", &key.id, "--json"]).await;
    for gate in [&second, &first] {
        settles(&from(gate, &key, "203.0.113.9"), 200).await;
    }
    drop((first, second));
    postgres.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_off_nothing_is_learnt_and_a_reload_turns_it_on() {
    let scene = Scene::with(&signals(", enabled: false")).await;
    let gate = &scene.gate;
    let key = make_key(gate).await;
    learn(gate, &key).await;
    from(gate, &key, "203.0.113.9").get("/v1/models").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(records(gate, "keys.anomaly").await.len(), 0);
    let text = std::fs::read_to_string(gate.config_path()).unwrap();
    std::fs::write(
        gate.config_path(),
        text.replace("enabled: false", "enabled: true"),
    )
    .unwrap();
    gate.lines()
        .wait_for("the new configuration is in force", Duration::from_secs(10))
        .await;
    learn(gate, &key).await;
    from(gate, &key, "198.51.100.9").get("/v1/models").await;
    let found = recorded(gate, "keys.anomaly", 1).await;
    assert_eq!(found[0]["after"]["network"], "198.51.100.0/24");
}
