//! Limits narrow on their way down: whatever a key is allowed, its team's and its tenant's limits hold for all their keys
//! together, from the moment that somebody sets them.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use testkit::{Client, Gate, Reply};

use crate::administration::{PASSWORD, setup_token};
use crate::scene::{Scene, call};

async fn root(gate: &Gate) -> Client {
    let body = json!({"token": setup_token(gate).await, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let session = gate.control().post("/api/v1/setup", &body).await.json();
    gate.control().bearer(session["token"].as_str().unwrap())
}

async fn make(root: &Client, path: &str, body: &Value) -> Value {
    let made = root.post(path, body).await;
    assert_eq!(made.status, 201, "{path}: {}", made.text());
    made.json()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

async fn set_limits(root: &Client, path: &str, limits: &Value) {
    let read = root.get(path).await;
    let tag = read.header("etag").unwrap().to_owned();
    let body = json!({ "limits": limits }).to_string();
    let root = root
        .header("if-match", &tag)
        .header("content-type", "application/json");
    let changed = root.request(Method::PATCH, path, body.into()).await.unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
}

/// How many calls in a row are let through, of so many.
async fn passed(client: &Client, calls: usize) -> usize {
    let mut passed = 0;
    for _ in 0..calls {
        let answer = client.post("/v1/chat/completions", &call("m-oa")).await;
        match answer.status {
            200 => passed += 1,
            429 => assert_eq!(
                answer.header("x-refusal-code"),
                Some("rate_limited"),
                "{}",
                answer.text()
            ),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    passed
}

/// Until the first refusal, which must come within seconds of a limit's being set.
async fn until_refused(client: &Client) {
    let end = Instant::now() + Duration::from_secs(10);
    while passed(client, 1).await == 1 {
        assert!(Instant::now() < end, "the limit holds nobody");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_anp_0004_no_key_is_wider_than_its_team_and_no_team_than_its_tenant() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m-oa",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    scene.provider.script("*", Reply::json(200, &answer));
    let root = root(gate).await;
    let tenant = text(
        &make(&root, "/api/v1/tenants", &json!({"name": "acme"})).await,
        "id",
    );
    let at = format!("/api/v1/tenants/{tenant}");
    let mut teams = Vec::new();
    let mut keys = Vec::new();
    for name in ["research", "sales"] {
        let team = text(
            &make(&root, &format!("{at}/teams"), &json!({ "name": name })).await,
            "id",
        );
        for key in ["one", "two"] {
            let wide = json!({"name": key, "all_models": true, "limits": {"requests_per_minute": 100_000}});
            let made = make(&root, &format!("{at}/teams/{team}/keys"), &wide).await;
            keys.push(gate.data().bearer(&text(&made, "secret")));
        }
        teams.push(format!("{at}/teams/{team}"));
    }
    let [first, second, third, fourth] = keys.try_into().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while fourth.post("/v1/chat/completions", &call("m-oa")).await.status != 200 {
        assert!(Instant::now() < end, "the keys are not known");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(passed(&first, 6).await, 6, "nothing but the keys' own limits");

    // The team's: for both its keys together, and for no other team's.
    set_limits(&root, &teams[0], &json!({"requests_per_minute": 3})).await;
    until_refused(&first).await;
    assert_eq!(passed(&second, 3).await, 0, "one bucket for the whole team");
    assert_eq!(passed(&third, 6).await, 6);

    // A wider limit of the key's own changes nothing about it.
    set_limits(&root, &teams[0], &json!({"requests_per_minute": 2})).await;
    until_refused(&second).await;
    assert_eq!(passed(&first, 3).await, 0);

    // The tenant's: for every team.
    set_limits(&root, &at, &json!({"requests_per_minute": 4})).await;
    until_refused(&third).await;
    assert_eq!(passed(&fourth, 3).await, 0, "one bucket for the whole tenant");
    // And not for another tenant.
    assert_eq!(passed(&scene.client(), 6).await, 6);
}
