//! Short-lived tokens in exchange for a key: narrowed, expired, ended with their key, never exchanged again.

use std::time::Duration;

use bytes::Bytes;
use credential::{KeyState, Limits};
use domain::{TenantScope, UnixMillis};
use http::Method;
use store::{Directory, Registry, TenantState};
use testkit::{Answer, Client};

use crate::scene::{Scene, becomes, call, code};
use crate::signing::Machine;

const CHAT: &str = "/v1/chat/completions";

pub fn form(more: &str) -> String {
    format!("grant_type=urn:ietf:params:oauth:grant-type:token-exchange{more}")
}

/// Asks for a token; `more` begins with `&`.
pub async fn exchange(client: &Client, more: &str) -> Answer {
    let client = client.header("content-type", "application/x-www-form-urlencoded");
    let form = Bytes::from(form(more));
    client.request(Method::POST, "/v1/token", form).await.unwrap()
}

/// A client with the token.
async fn holder(scene: &Scene, key: &str, more: &str) -> Client {
    let answer = exchange(&scene.gate.data().bearer(key), more).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    scene
        .gate
        .data()
        .bearer(answer.json()["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn anp_0001_a_token_works_as_its_key_and_holds_no_secret_of_it() {
    let scene = Scene::with("").await;
    let answer = exchange(&scene.client(), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let said = answer.json();
    assert_eq!(said["token_type"], "Bearer");
    assert_eq!(said["expires_in"], 900);
    let token = said["access_token"].as_str().unwrap();
    assert!(
        token.starts_with("btzt_") && !token.contains(&scene.key[4..]),
        "{token}"
    );
    let agent = scene.gate.data().bearer(token);
    let answered = agent.post(CHAT, &call("m-oa")).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    let anthropic = scene.gate.data().header("x-api-key", token);
    assert_eq!(anthropic.post("/v1/messages", &call("m-an")).await.status, 200);
    assert_eq!(
        agent.get("/v1/models").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    // Neither the provider nor a log has seen it.
    for received in scene.provider.requests() {
        assert!(!format!("{received:?}").contains(token));
    }
    assert!(!scene.gate.lines().tail().contains(token));
    // It cannot be exchanged again, nor be anything but what it is.
    let again = exchange(&agent, "").await;
    assert_eq!((again.status, code(&again).as_str()), (403, "not_exchangeable"));
    for forged in [
        token.replacen("btzt_", "btzt_A", 1),
        token[..token.len() - 4].to_owned(),
        "btzt_".into(),
    ] {
        let answer = scene.gate.data().bearer(&forged).post(CHAT, &call("m-oa")).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (401, "credential_invalid")
        );
    }
    let nobody = exchange(&scene.gate.data(), "").await;
    assert_eq!(code(&nobody), "credential_missing");
}

#[tokio::test]
async fn agp_e1_a_token_may_do_less_than_its_key_and_never_more() {
    let scene = Scene::with("").await;
    let narrow = holder(&scene, &scene.key, "&scope=chat+list_models+model:m-oa").await;
    assert_eq!(narrow.post(CHAT, &call("m-oa")).await.status, 200);
    let other = narrow.post(CHAT, &call("m-an")).await;
    assert_eq!(code(&other), "model_not_found");
    let embed = serde_json::json!({"model": "m-oa", "input": "hi"});
    let answer = narrow.post("/v1/embeddings", &embed).await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "policy_forbidden"));
    let listed = narrow.get("/v1/models").await.json();
    let names: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["id"].clone())
        .collect();
    assert_eq!(names, ["m-oa"]);
    assert_eq!(narrow.get("/v1/models/m-an").await.status, 404);
    // What the key may not do, no scope gives.
    let poor = scene
        .new_key(|key| {
            key.models = credential::ModelAccess::Some(vec!["m-oa".into()]);
            key.operations = vec![domain::Operation::Chat];
        })
        .await;
    let wide = holder(&scene, &poor, "&scope=chat+embeddings+model:m-oa+model:m-an").await;
    assert_eq!(wide.post(CHAT, &call("m-oa")).await.status, 200);
    assert_eq!(wide.post(CHAT, &call("m-an")).await.status, 404);
    assert!(wide.post("/v1/embeddings", &embed).await.status >= 403);
    let long = format!("&scope={}", format!("model:{}+", "m".repeat(200)).repeat(40));
    for bad in [
        "&scope=admin",
        "&expires_in=3601",
        "&expires_in=0",
        "&audience=x",
        "&scope=",
        &long,
    ] {
        let answer = exchange(&scene.client(), bad).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (400, "token_request_invalid"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn ctx_t3_a_token_ends_in_its_time_and_with_its_key() {
    let scene = Scene::with("").await;
    let brief = holder(&scene, &scene.key, "&expires_in=1").await;
    assert_eq!(brief.get("/v1/models").await.status, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let over = brief.get("/v1/models").await;
    assert_eq!(code(&over), "credential_invalid");

    let store = scene.store().await;
    let named = |name: &str| {
        let name = name.to_owned();
        let store = store.clone();
        async move {
            let keys = store.load().await.unwrap().keys;
            keys.into_iter().find(|key| key.name == name).unwrap()
        }
    };
    // Revoked.
    let revoked = scene.new_key(|key| key.name = "revoked".into()).await;
    let token = holder(&scene, &revoked, "").await;
    let before = named("revoked").await;
    let scope = TenantScope::operator(before.tenant);
    store
        .replace_key(&scope, &before, &before.revoke())
        .await
        .unwrap();
    becomes(&token, 401).await;
    assert_eq!(named("revoked").await.state, KeyState::Revoked);
    // Rotated without grace; with grace it goes on.
    for (name, grace, status) in [("at once", 0, 401), ("later", 60, 200)] {
        let key = scene.new_key(|key| key.name = name.into()).await;
        let token = holder(&scene, &key, "").await;
        let before = named(name).await;
        let after = before.rotate(
            [9; 32],
            "btz_new…".into(),
            Duration::from_secs(grace),
            UnixMillis::now(),
        );
        let after = credential::KeyRecord {
            digest: *blake3::hash(name.as_bytes()).as_bytes(),
            ..after
        };
        store.replace_key(&scope, &before, &after).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        becomes(&token, status).await;
    }
    // Used up: a token has no limits of its own.
    let limits = Limits {
        requests_per_minute: Some(1),
        ..Limits::default()
    };
    let scarce = scene.new_key(|key| key.limits = limits).await;
    let token = holder(&scene, &scarce, "").await;
    assert_eq!(
        scene
            .gate
            .data()
            .bearer(&scarce)
            .post(CHAT, &call("m-oa"))
            .await
            .status,
        200
    );
    assert_eq!(code(&token.post(CHAT, &call("m-oa")).await), "rate_limited");
    store.close().await;
    // The tenant suspended.
    let foreign = scene.foreign_key(|_| {}).await;
    let token = holder(&scene, &foreign, "").await;
    scene.set_state("elsewhere", TenantState::Suspended).await;
    becomes(&token, 403).await;
}

#[tokio::test]
async fn agp_s1_a_token_bound_to_a_key_pair_is_of_no_use_without_it() {
    let scene = Scene::with("").await;
    let agent = Machine::new();
    let public: String = form_urlencoded(&agent.public());
    let answer = exchange(&scene.client(), &format!("&signing_key={public}")).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let gate = scene.gate.data();
    let body = call("m-oa").to_string();
    let it = agent.call(CHAT, &gate, &token, "POST");
    assert_eq!(code(&it.send_with(&body, &[]).await), "signature_missing");
    let thief = Machine::new();
    assert_eq!(
        code(&thief.call(CHAT, &gate, &token, "POST").send(&body).await),
        "signature_invalid"
    );
    let headers = it.headers(&body);
    assert_eq!(it.send_with(&body, &headers).await.status, 200);
    assert_eq!(code(&it.send_with(&body, &headers).await), "signature_replayed");
}

#[tokio::test]
async fn agp_s1_a_key_that_signs_signs_its_exchange_too() {
    let scene = Scene::with("").await;
    let machine = Machine::new();
    let key = scene.new_key(|key| machine.sign_for(key)).await;
    let plain = exchange(&scene.gate.data().bearer(&key), "").await;
    assert_eq!(code(&plain), "signature_missing");
    let it = machine.call("/v1/token", &scene.gate.data(), &key, "POST");
    let headers = it.headers(&form(""));
    let widened = it.send_with(&form("&expires_in=3600"), &headers).await;
    assert_eq!(
        code(&widened),
        "signature_invalid",
        "another form than was signed"
    );
    let answer = it.send_with(&form(""), &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    // Without a pair of its own the token is used with the key's.
    let body = call("m-oa").to_string();
    let used = machine.call(CHAT, &scene.gate.data(), &token, "POST");
    assert_eq!(code(&used.send_with(&body, &[]).await), "signature_missing");
    assert_eq!(used.send(&body).await.status, 200);
}

fn form_urlencoded(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}
