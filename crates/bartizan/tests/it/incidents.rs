//! What broke in other gates, tried on this one: classes of published vulnerabilities that no other file has a
//! test of. docs/incidents.md lists all of them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use store::Directory;
use testkit::{Answer, Client};

use crate::administration::{PASSWORD, setup_token};
use crate::scene::{Scene, call, code};
use crate::tokens::exchange;

const CHAT: &str = "/v1/chat/completions";

/// A no, as its caller sees it.
fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text())
}

/// The places where callers put a credential.
fn shown(scene: &Scene, credential: &str) -> [Client; 2] {
    let data = scene.gate.data();
    [data.bearer(credential), data.header("x-api-key", credential)]
}

/// GHSA-69x8-hrgq-fjj8 of another gate: what was stored of a key could be shown instead of it.
#[tokio::test]
async fn ctx_t4_what_the_store_holds_of_a_key_opens_nothing() {
    let scene = Scene::with("").await;
    let store = scene.store().await;
    let keys = store.load().await.unwrap().keys;
    store.close().await;
    let record = keys.first().unwrap();
    let hex: String = record.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let texts = [
        hex.clone(),
        format!("btz_{hex}"),
        format!("btz_{}", URL_SAFE_NO_PAD.encode(record.digest)),
        STANDARD.encode(record.digest),
        record.id.to_string(),
        record.hint.clone(),
        record.name.clone(),
    ];
    for text in texts {
        for client in shown(&scene, &text) {
            let answer = client.post(CHAT, &call("m-oa")).await;
            assert_eq!(
                (answer.status, code(&answer).as_str()),
                (401, "credential_invalid"),
                "{text}"
            );
        }
    }
    assert!(scene.provider.requests().is_empty());
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
}

/// CVE-2026-42208 of another gate: SQL in a credential was executed before anybody was identified.
#[tokio::test]
async fn ctx_t1_anp_0007_a_credential_is_never_read_as_anything_else() {
    let scene = Scene::with("").await;
    let nobody = scene
        .gate
        .data()
        .bearer("btz_nobody")
        .post(CHAT, &call("m-oa"))
        .await;
    let key = scene.key.as_str();
    for text in [
        "' OR '1'='1",
        "' OR 1=1 --",
        "'; DROP TABLE virtual_keys; --",
        "' UNION SELECT * FROM virtual_keys --",
        "\\'; SELECT pg_sleep(5); --",
        "%",
        "_",
        "btz_%",
        "*",
        "${jndi:ldap://127.0.0.1:1/a}",
        "{{7*7}}",
        "$(id)",
        "../../etc/passwd",
        "null",
        "undefined",
        "true",
        "0",
        "[]",
        &format!("{key}' --"),
        &format!("{key}%"),
        &format!("{key} "),
        &"A".repeat(4_000),
        &key[..key.len() - 1],
    ] {
        for client in shown(&scene, text) {
            let answer = client.post(CHAT, &call("m-oa")).await;
            // A blank behind a credential is none of it (RFC 9110 section 5.5).
            let expected = if text.trim_end() == key { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{text}: {}", answer.text());
            if expected == 401 {
                assert_eq!(said(&answer), said(&nobody), "{text}");
            }
        }
    }
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
}

/// CVE-2026-35030 of another gate: tokens were remembered by their first characters.
#[tokio::test]
async fn agp_s3_what_agrees_but_for_one_character_is_not_the_same() {
    let scene = Scene::with("").await;
    let token = exchange(&scene.client(), "").await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for good in [scene.key.clone(), token] {
        for _ in 0..3 {
            let answer = scene.gate.data().bearer(&good).get("/v1/models").await;
            assert_eq!(answer.status, 200, "it is known by now");
        }
        for at in (4..good.len()).step_by(3).chain([good.len() - 1]) {
            let other = if &good[at..=at] == "A" { "B" } else { "A" };
            let forged = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            let answer = scene.gate.data().bearer(&forged).get("/v1/models").await;
            assert_eq!(answer.status, 401, "character {at} of {}", good.len());
        }
    }
}

/// CVE-2026-25591 of another gate and the like: filters of lists were patterns, or SQL.
#[tokio::test]
async fn anp_0007_anp_0015_what_lists_are_asked_for_is_compared_and_nothing_more() {
    let scene = Scene::with("").await;
    let control = scene.gate.control();
    let body = json!({"token": setup_token(&scene.gate).await, "email": "root@example.com", "name": "Root",
        "password": PASSWORD});
    let made = control.post("/api/v1/setup", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let root = control.bearer(made.json()["token"].as_str().unwrap());
    let tenants = root.get("/api/v1/tenants").await.json();
    let tenant = tenants["items"][0]["id"].as_str().unwrap().to_owned();
    let list = async |query: &str| -> Answer {
        let path = format!("/api/v1/tenants/{tenant}/{query}");
        root.request(Method::GET, &path, Bytes::new()).await.unwrap()
    };
    let all = list("keys").await.json();
    assert!(!all["items"].as_array().unwrap().is_empty());
    for hostile in [
        "'%20OR%20'1'='1",
        "%25",
        "_%25",
        "%5C",
        "%00",
        "';%20DROP%20TABLE%20records;%20--",
        "*",
        "..%2F..",
        "%25%25%25%25%25%25%25%25%25%25%25%25%25%25%25%25a",
    ] {
        for query in [
            format!("keys?team={hostile}"),
            format!("keys?cursor={hostile}"),
            format!("projects?team={hostile}"),
            format!("grants?holder={hostile}"),
            format!("sessions?user={hostile}"),
            format!("audit?act={hostile}"),
            format!("audit?actor={hostile}"),
            format!("audit?target={hostile}"),
            format!("users?limit={hostile}"),
        ] {
            let answer = list(&query).await;
            let found = answer.json()["items"].as_array().map_or(0, Vec::len);
            assert!(
                matches!(answer.status, 200 | 400 | 404 | 422) && found == 0,
                "{query}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
    assert_eq!(list("keys").await.json(), all);
}
