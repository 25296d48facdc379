//! Who calls: every endpoint with every kind of key that must not open it, and tenants kept apart.

use std::time::{Duration, Instant};

use bytes::Bytes;
use credential::{KeyState, ModelAccess};
use domain::{Operation, UnixMillis};
use http::Method;
use serde_json::{Value, json};
use store::TenantState;
use testkit::client::raw;
use testkit::{Answer, Client, Reply};

use crate::scene::{Scene, becomes, call, code};

/// Every endpoint, with a body that it would answer.
fn endpoints() -> Vec<(Method, &'static str, Value)> {
    let count = json!({"model": "m-an", "messages": [{"role": "user", "content": "hi"}]});
    vec![
        (Method::POST, "/v1/chat/completions", call("m-oa")),
        (
            Method::POST,
            "/v1/completions",
            json!({"model": "m-oa", "prompt": "hi", "max_tokens": 5}),
        ),
        (
            Method::POST,
            "/v1/embeddings",
            json!({"model": "m-oa", "input": "hi"}),
        ),
        (Method::POST, "/v1/messages", call("m-an")),
        (Method::POST, "/v1/messages/count_tokens", count),
        (Method::GET, "/v1/models", Value::Null),
        (Method::GET, "/v1/models/m-oa", Value::Null),
    ]
}

async fn knock(client: &Client, (method, path, body): &(Method, &'static str, Value)) -> Answer {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        Bytes::from(body.to_string())
    };
    let client = client.header("content-type", "application/json");
    client
        .request(method.clone(), path, body)
        .await
        .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
}

/// All endpoints refuse `client` with `expected`; none of them reaches the provider.
async fn all_refuse(scene: &Scene, client: &Client, expected: (u16, &str), why: &str) {
    for endpoint in endpoints() {
        let answer = knock(client, &endpoint).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            expected,
            "{why}: {} {}",
            endpoint.0,
            endpoint.1
        );
        if expected.0 == 401 {
            assert!(
                answer
                    .header("www-authenticate")
                    .is_some_and(|v| v.starts_with("Bearer")),
                "{why}"
            );
        }
    }
    assert!(
        scene.provider.requests().is_empty(),
        "{why}: the provider was called"
    );
}

const INVALID: (u16, &str) = (401, "credential_invalid");

#[tokio::test]
async fn ctx_t1_every_endpoint_answers_the_right_key_and_no_other() {
    let scene = Scene::with("").await;
    let plain = scene.gate.data();
    all_refuse(&scene, &plain, (401, "credential_missing"), "no key").await;
    all_refuse(
        &scene,
        &plain.header("cookie", &format!("key={}", scene.key)),
        (401, "credential_missing"),
        "a cookie",
    )
    .await;
    let mut flipped = scene.key.clone().into_bytes();
    flipped[10] = if flipped[10] == b'a' { b'b' } else { b'a' };
    let flipped = String::from_utf8(flipped).unwrap();
    let unknown = credential::VirtualKey::generate().unwrap().expose().to_owned();
    for (why, key) in [
        ("empty", String::new()),
        ("a prefix", "btz_".to_owned()),
        ("wrong checksum", flipped),
        ("unknown", unknown),
        ("one letter short", scene.key[..scene.key.len() - 1].to_owned()),
        ("one letter long", format!("{}x", scene.key)),
        ("other case", scene.key.to_uppercase()),
        ("very long", format!("btz_{}", "a".repeat(4_000))),
        ("a provider's", crate::scene::openai_credential()),
        (
            "a JWT without signature",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.".to_owned(),
        ),
    ] {
        all_refuse(&scene, &plain.bearer(&key), INVALID, why).await;
        if !key.is_empty() {
            all_refuse(&scene, &plain.header("x-api-key", &key), INVALID, why).await;
        }
    }
    for scheme in ["Basic", "Token", "Bearer Bearer", "btz"] {
        let client = plain.header("authorization", &format!("{scheme} {}", scene.key));
        all_refuse(&scene, &client, INVALID, scheme).await;
    }
    for client in [
        scene.client(),
        plain.header("x-api-key", &scene.key),
        scene.client().header("x-api-key", &scene.key),
    ] {
        for endpoint in endpoints() {
            let answer = knock(&client, &endpoint).await;
            assert_eq!(answer.status, 200, "{}: {}", endpoint.1, answer.text());
        }
    }
}

#[tokio::test]
async fn agp_s3_revoked_expired_and_foreign_network_keys_are_refused_everywhere() {
    let scene = Scene::with("").await;
    let plain = scene.gate.data();
    let revoked = scene.new_key(|key| key.state = KeyState::Revoked).await;
    all_refuse(&scene, &plain.bearer(&revoked), INVALID, "revoked").await;
    let expired = scene
        .new_key(|key| key.expires = Some(UnixMillis(UnixMillis::now().0 - 1)))
        .await;
    all_refuse(&scene, &plain.bearer(&expired), INVALID, "expired").await;
    let elsewhere = scene
        .new_key(|key| key.networks = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()])
        .await;
    all_refuse(
        &scene,
        &plain.bearer(&elsewhere),
        (403, "network_forbidden"),
        "another network",
    )
    .await;
    // What the caller says about its address is not believed.
    for name in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "true-client-ip",
    ] {
        let client = plain.bearer(&elsewhere).header(name, "10.1.2.3");
        all_refuse(&scene, &client, (403, "network_forbidden"), name).await;
    }
    let here = scene
        .new_key(|key| key.networks = vec!["127.0.0.0/8".parse().unwrap()])
        .await;
    assert_eq!(plain.bearer(&here).get("/v1/models").await.status, 200);
}

#[tokio::test]
async fn agp_s1_two_credentials_are_refused_and_never_chosen_from() {
    let scene = Scene::with("").await;
    let other = scene.new_key(|_| {}).await;
    let ambiguous = (401, "credential_ambiguous");
    all_refuse(
        &scene,
        &scene.client().header("x-api-key", &other),
        ambiguous,
        "bearer and api key",
    )
    .await;
    all_refuse(&scene, &scene.client().bearer(&other), ambiguous, "two bearers").await;
    all_refuse(
        &scene,
        &scene.client().bearer(&scene.key),
        ambiguous,
        "the same bearer twice",
    )
    .await;
    let two = scene
        .gate
        .data()
        .header("x-api-key", &other)
        .header("X-Api-Key", &scene.key);
    all_refuse(&scene, &two, ambiguous, "two api keys").await;
    // Credentials in the address are none.
    let head = format!(
        "GET /v1/models?api_key={0}&key={0}&access_token={0} HTTP/1.1\r\nhost: gate\r\n\r\n",
        scene.key
    );
    let (bytes, _) = raw::send(scene.gate.data().address(), head, Duration::from_millis(500)).await;
    assert_eq!(raw::statuses(&bytes), [401]);
}

/// Made, listed, rotated and revoked with the command line, as an operator does.
#[tokio::test]
async fn ctx_t3_anp_0016_revocation_and_rotation_reach_the_data_plane_within_a_second() {
    let scene = Scene::with("").await;
    let plain = scene.gate.data();
    let made = scene
        .gate
        .cli_json(&["--json", "keys", "create", "--name", "ci", "--all-models"])
        .await;
    let first = made["key"].as_str().unwrap().to_owned();
    becomes(&plain.bearer(&first), 200).await;

    let rotated = scene
        .gate
        .cli_json(&["--json", "keys", "rotate", "ci", "--grace", "1s"])
        .await;
    let rotated_at = Instant::now();
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    becomes(&plain.bearer(&second), 200).await;
    if rotated_at.elapsed() < Duration::from_millis(700) {
        assert_eq!(
            plain.bearer(&first).get("/v1/models").await.status,
            200,
            "in grace"
        );
    }
    becomes(&plain.bearer(&first), 401).await;
    assert!(
        rotated_at.elapsed() < Duration::from_millis(2_500),
        "past grace: {:?}",
        rotated_at.elapsed()
    );
    assert_eq!(plain.bearer(&second).get("/v1/models").await.status, 200);

    // A key's secret is nowhere to be had again.
    for command in [
        &["--json", "keys", "list"][..],
        &["keys", "list"],
        &["--json", "keys", "show", "ci"],
        &["keys", "show", "ci"],
    ] {
        let output = scene.gate.cli(command).await;
        assert!(output.status.success());
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("ci"), "{text}");
        for key in [&first, &second, &scene.key] {
            assert!(!text.contains(&key[..16]), "{command:?} shows a key");
        }
    }

    scene.gate.cli_json(&["--json", "keys", "revoke", "ci"]).await;
    let revoked_at = Instant::now();
    becomes(&plain.bearer(&second), 401).await;
    assert!(
        revoked_at.elapsed() < Duration::from_secs(1),
        "{:?}",
        revoked_at.elapsed()
    );
    assert_eq!(
        scene.client().get("/v1/models").await.status,
        200,
        "another key of the tenant's"
    );
}

/// Suspended, being ended, ended: none of a tenant's keys opens anything. Active again, they all do.
#[tokio::test]
async fn anp_0016_a_tenants_keys_stop_within_a_second_of_its_suspension_and_work_again_after_it() {
    let scene = Scene::with("").await;
    let key = scene.gate.data().bearer(&scene.foreign_key(|_| {}).await);
    for state in [
        TenantState::Suspended,
        TenantState::Offboarding,
        TenantState::Offboarded,
    ] {
        becomes(&key, 200).await;
        scene.set_state("elsewhere", state).await;
        let set_at = Instant::now();
        becomes(&key, 403).await;
        assert!(
            set_at.elapsed() < Duration::from_secs(1),
            "{:?}",
            set_at.elapsed()
        );
        all_refuse(&scene, &key, (403, "tenant_inactive"), state.as_str()).await;
        assert_eq!(
            scene.client().get("/v1/models").await.status,
            200,
            "another tenant's"
        );
        scene.set_state("elsewhere", TenantState::Active).await;
    }
    becomes(&key, 200).await;
    assert_eq!(key.post("/v1/chat/completions", &call("m-oa")).await.status, 200);
}

/// Who holds a key that is no good learns nothing of its tenant.
#[tokio::test]
async fn anp_0016_a_revoked_key_of_a_suspended_tenant_is_like_any_other_that_is_not_valid() {
    let scene = Scene::with("").await;
    let revoked = scene.new_key(|key| key.state = KeyState::Revoked).await;
    scene.set_state("default", TenantState::Suspended).await;
    becomes(&scene.client(), 403).await;
    all_refuse(&scene, &scene.gate.data().bearer(&revoked), INVALID, "revoked").await;
}

/// The default interval keeps the promise too.
#[tokio::test]
async fn ctx_t3_with_default_settings_a_revoked_key_is_refused_within_a_second() {
    let scene = Scene::with("").await;
    let text = std::fs::read_to_string(scene.gate.config_path()).unwrap();
    assert!(text.contains("refresh_every_ms: 20"));
    let usual = testkit::Gate::builder(crate::scene::BINARY)
        .env("OA_KEY", &crate::scene::openai_credential())
        .env("AN_KEY", &crate::scene::anthropic_credential())
        .config(
            crate::scene::providers(&scene.provider.base_url())
                .replace("store: { refresh_every_ms: 20 }\n", ""),
        );
    let scene = Scene::raise(testkit::ScriptedProvider::start().await, usual).await;
    scene
        .gate
        .cli_json(&["--json", "keys", "revoke", "first key"])
        .await;
    let revoked_at = Instant::now();
    becomes(&scene.client(), 401).await;
    assert!(
        revoked_at.elapsed() < Duration::from_secs(1),
        "{:?}",
        revoked_at.elapsed()
    );
}

/// Another tenant's key: its own models, its own cache, nothing of the first's.
#[tokio::test]
async fn agp_e1_agp_r_002_anp_0006_another_tenant_sees_nothing_of_the_first() {
    let scene = Scene::with("cache: { enabled: true }\n").await;
    let foreign = scene
        .foreign_key(|key| key.models = ModelAccess::Some(vec!["m-an".to_owned()]))
        .await;
    let (own, other) = (scene.client(), scene.gate.data().bearer(&foreign));

    let names = |answer: Answer| -> Vec<String> {
        let list = answer.json()["data"].as_array().unwrap().clone();
        list.iter()
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(other.get("/v1/models").await), ["m-an"]);
    assert!(names(own.get("/v1/models").await).contains(&"m-oa".to_owned()));

    // Not allowed and not there are the same, letter for letter.
    let (hidden, absent) = ("m-oa", "m-no");
    for (method, path, body) in endpoints()
        .into_iter()
        .filter(|(_, path, _)| !path.contains("messages"))
    {
        if path == "/v1/models" {
            continue;
        }
        let with = |name: &str| {
            let mut body = body.clone();
            if body.is_object() {
                body["model"] = json!(name);
            }
            (
                method.clone(),
                if body.is_null() {
                    if name == hidden {
                        "/v1/models/m-oa"
                    } else {
                        "/v1/models/m-no"
                    }
                } else {
                    path
                },
                body,
            )
        };
        let (one, two) = (
            knock(&other, &with(hidden)).await,
            knock(&other, &with(absent)).await,
        );
        assert_eq!((one.status, two.status), (404, 404), "{path}");
        assert_eq!(
            one.text().replace(hidden, "m"),
            two.text().replace(absent, "m"),
            "{path}"
        );
    }
    assert!(scene.provider.requests().is_empty());

    // The same bytes: cached for the tenant that paid, asked anew for the other.
    for _ in 0..2 {
        assert_eq!(own.post("/v1/messages", &call("m-an")).await.status, 200);
    }
    assert_eq!(
        scene.provider.requests().len(),
        1,
        "the first tenant's second call is cached"
    );
    scene.provider.script("*", Reply::text("for the other tenant"));
    let answer = other.post("/v1/messages", &call("m-an")).await;
    assert!(
        answer.text().contains("for the other tenant"),
        "{}",
        answer.text()
    );
    assert_eq!(scene.provider.requests().len(), 2);

    // Saying one is of another tenant changes nothing.
    let claims = [
        "x-tenant",
        "x-tenant-id",
        "x-organization",
        "openai-organization",
        "openai-project",
        "x-user",
        "x-team",
        "x-bartizan-tenant",
    ];
    let spoofed = claims
        .iter()
        .fold(other.clone(), |client, name| client.header(name, "default"));
    assert_eq!(names(spoofed.get("/v1/models").await), ["m-an"]);
    let mut body = call("m-oa");
    body["tenant"] = json!("default");
    body["user"] = json!("default");
    assert_eq!(spoofed.post("/v1/chat/completions", &body).await.status, 404);
}

#[tokio::test]
async fn anp_0002_a_key_without_an_operation_is_refused_exactly_that() {
    let scene = Scene::with("").await;
    let key = scene
        .new_key(|key| key.operations = vec![Operation::Embeddings])
        .await;
    let client = scene.gate.data().bearer(&key);
    for (method, path, body) in endpoints() {
        let answer = knock(&client, &(method, path, body)).await;
        let expected = match path {
            "/v1/embeddings" => 200,
            // Listing is an operation of its own; without it the list is empty, not an error.
            "/v1/models" | "/v1/models/m-oa" => continue,
            _ => 403,
        };
        assert_eq!(answer.status, expected, "{path}: {}", answer.text());
    }
    let none = scene.new_key(|key| key.models = ModelAccess::None).await;
    let client = scene.gate.data().bearer(&none);
    assert_eq!(
        client.post("/v1/chat/completions", &call("m-oa")).await.status,
        404
    );
    assert_eq!(client.get("/v1/models").await.json()["data"], json!([]));
}
