//! The end of a tenant, on real binaries: on two replicas of one PostgreSQL by the API, and on one by the command
//! line. What opened a door there opens nothing any more, and the certificate verifies anywhere.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use store::TenantState;
use testkit::{Client, Gate, Reply, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::scene::{Scene, becomes};

const PASSWORD: &str = "quartz lantern mumbles 42";
/// The promise is a second; a machine that does other things beside is given three.
const BOUND: Duration = Duration::from_secs(3);

async fn root(gate: &Gate) -> Client {
    let line = gate
        .lines()
        .wait_for("good once and for an hour: ", Duration::from_secs(10))
        .await;
    let token = line.rsplit(' ').next().unwrap();
    let body = json!({"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let made = gate.control().post("/api/v1/setup", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    gate.control().bearer(made.json()["token"].as_str().unwrap())
}

async fn make(client: &Client, path: &str, body: &Value) -> Value {
    let made = client.post(path, body).await;
    assert_eq!(made.status, 201, "{path}: {}", made.text());
    made.json()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

fn question() -> Value {
    json!({"model": "gpt-4o", "max_tokens": 16, "messages": [{"role": "user", "content": "Say hello."}]})
}

/// Until the answer to this is one of those.
async fn until(what: &str, since: Instant, ask: impl AsyncFn() -> u16, statuses: &[u16]) {
    loop {
        let status = ask().await;
        if statuses.contains(&status) {
            return;
        }
        assert!(since.elapsed() < BOUND, "{what} is still answered with {status}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn run(gate: &Gate, line: &str) -> (i32, String, String) {
    let done = gate.cli(&line.split(' ').collect::<Vec<_>>()).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        done.status.code().unwrap(),
        text(&done.stdout),
        text(&done.stderr),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_agp_e1_agp_s1_an_offboarded_tenant_is_dead_on_every_replica() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", Reply::text("a cached secret"));
    let postgres = Postgres::start().await;
    let more = "cache: { enabled: true, ttl_ms: 60000 }\n";
    let (a, b) = tokio::join!(
        postgres.gate(&provider, None, more).start(),
        postgres.gate(&provider, None, more).start()
    );
    let at_a = root(&a).await;
    let tenant = text(
        &make(&at_a, "/api/v1/tenants", &json!({"name": "acme"})).await,
        "id",
    );
    let base = format!("/api/v1/tenants/{tenant}");
    let team = text(
        &make(&at_a, &format!("{base}/teams"), &json!({"name": "default"})).await,
        "id",
    );
    let key = json!({"name": "ci", "all_models": true});
    let key = make(&at_a, &format!("{base}/teams/{team}/keys"), &key).await;
    let user = json!({"email": "ann@acme.example", "name": "Ann"});
    let invited = make(&at_a, &format!("{base}/users"), &user).await;
    let set = json!({"tenant": "acme", "email": "ann@acme.example", "token": invited["setup_token"], "password": PASSWORD});
    assert_eq!(b.control().post("/api/v1/password", &set).await.status, 204);
    let sign_in = json!({"tenant": "acme", "email": "ann@acme.example", "password": PASSWORD});
    let session = make(&b.control(), "/api/v1/sessions", &sign_in).await;
    let session = text(&session, "token");
    let secret = text(&key, "secret");
    for gate in [&a, &b] {
        let client = gate.data().bearer(&secret);
        becomes(&client, 200).await;
        // The key its answers are sealed under comes with the directory, a moment later.
        let since = Instant::now();
        loop {
            let before = provider.requests().len();
            assert_eq!(client.post("/v1/chat/completions", &question()).await.status, 200);
            if provider.requests().len() == before {
                break;
            }
            assert!(since.elapsed() < BOUND, "no answer is cached");
        }
        assert_eq!(
            gate.control().bearer(&session).get("/api/v1/me").await.status,
            200
        );
    }

    let reached = provider.requests().len();
    let since = Instant::now();
    let body = json!({"reason": "the contract ended", "name": "acme"});
    let ended = at_a.post(&format!("{base}/offboard"), &body).await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    for gate in [&a, &b] {
        let (data, control) = (gate.data().bearer(&secret), gate.control());
        let call = async || data.post("/v1/chat/completions", &question()).await.status;
        until("a cached call", since, call, &[401, 403]).await;
        let me = async || control.bearer(&session).get("/api/v1/me").await.status;
        until("a session", since, me, &[401]).await;
        let again = async || control.post("/api/v1/sessions", &sign_in).await.status;
        until("a sign-in", since, again, &[401]).await;
        let token = async || control.post("/api/v1/password", &set).await.status;
        until("a one-time token", since, token, &[401]).await;
    }
    assert_eq!(provider.requests().len(), reached, "nothing was sent upstream");

    // The other replica knows the certificate; it verifies with the public key alone, and goes with the ledger.
    let (_, public, _) = run(&b, "ledger key").await;
    std::fs::write(b.folder().join("ledger.key"), public).unwrap();
    let (code, _, err) = run(&b, "tenants certificate acme --out acme.certificate").await;
    assert_eq!(code, 0, "{err}");
    let certificate = std::fs::read_to_string(b.folder().join("acme.certificate")).unwrap();
    assert_eq!(ended.json()["certificate"], certificate.as_str());
    assert!(certificate.contains(&text(&key, "id")));
    let (code, _, err) = run(&b, "audit export --tenant acme --out acme-audit.jsonl").await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(&b, "ledger export --tenant acme --out acme.jsonl").await;
    assert_eq!(code, 0, "{err}");
    let verify = "ledger verify-certificate acme.certificate --key ledger.key --export acme.jsonl --audit acme-audit.jsonl";
    let (code, said, err) = run(&b, verify).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        said.contains("verified: acme has ended") && said.contains("holds all of it"),
        "{said}"
    );
    std::fs::write(b.folder().join("bent"), certificate.replacen("acme", "acmf", 1)).unwrap();
    let (code, _, err) = run(&b, "ledger verify-certificate bent --key ledger.key").await;
    assert_eq!(code, 4, "{err}");
    let (code, _, err) = run(&b, "keys create --tenant acme --name more --all-models").await;
    assert_ne!(code, 0);
    assert!(err.contains("offboarded"), "{err}");
    drop((a, b));
    postgres.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_a_tenant_is_offboarded_on_its_store_beside_a_serving_gate() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    gate.cli_json(&["tenants", "create", "acme", "--json"]).await;
    let key = [
        "keys",
        "create",
        "--tenant",
        "acme",
        "--name",
        "ci",
        "--all-models",
        "--json",
    ];
    let key = gate.cli_json(&key).await;
    let client = gate.data().bearer(key["key"].as_str().unwrap());
    becomes(&client, 200).await;
    let reason = ["tenants", "offboard", "acme", "--reason", "over"];
    let line = |more: &[&'static str]| [&reason, more].concat();
    let planned = gate.cli_json(&line(&["--dry-run", "--json"])).await;
    assert_eq!(planned["revoked"]["keys"], json!([key["id"]]));
    for unconfirmed in [line(&[]), line(&["--confirm", "acne"])] {
        assert_eq!(gate.cli(&unconfirmed).await.status.code(), Some(2));
    }
    assert_eq!(client.get("/v1/models").await.status, 200);
    let (code, _, err) = run(gate, "tenants certificate acme").await;
    assert_eq!(code, 3, "{err}");

    let ended = gate.cli_json(&line(&["--confirm", "acme", "--json"])).await;
    assert_eq!(ended["revoked"]["keys"], json!([key["id"]]));
    let call = async || client.get("/v1/models").await.status;
    until("a key", Instant::now(), call, &[401, 403]).await;
    let (code, certificate, _) = run(gate, "tenants certificate acme").await;
    assert_eq!(code, 0);
    assert!(certificate.contains(r#""by":{"operator":"uid "#), "{certificate}");
    std::fs::write(gate.folder().join("c"), &certificate).unwrap();
    let (code, said, _) = run(gate, "ledger verify-certificate c").await;
    assert_eq!(code, 0, "{said}");
    let again = gate.cli_json(&line(&["--confirm", "acme", "--json"])).await;
    assert_eq!(again["revoked"], ended["revoked"], "asked again it says the same");
    let taken = gate.cli(&["tenants", "create", "acme"]).await;
    assert_eq!(taken.status.code(), Some(1), "its name is not free");
    let listed = gate.cli_json(&["tenants", "list", "--json"]).await;
    let state = |name: &str| {
        let mut all = listed.as_array().unwrap().iter();
        all.find(|tenant| tenant["name"] == name).unwrap()["state"].clone()
    };
    assert_eq!(
        (state("acme"), state("default")),
        (json!("offboarded"), json!("active"))
    );
}

/// The process that began it is gone: whoever serves finishes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_a_serving_gate_finishes_what_was_begun() {
    let scene = Scene::with("").await;
    scene
        .gate
        .cli_json(&["tenants", "create", "acme", "--json"])
        .await;
    scene.set_state("acme", TenantState::Offboarding).await;
    let since = Instant::now();
    loop {
        let (code, said, _) = run(&scene.gate, "tenants certificate acme").await;
        if code == 0 {
            assert!(said.contains(r#""by":{"gate":"offboarding"}"#), "{said}");
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "nobody finished it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
