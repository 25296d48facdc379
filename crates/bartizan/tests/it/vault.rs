//! A gate whose provider credentials are in a real OpenBao server: rotated, revoked, taken away and out of
//! reach while it serves.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use testkit::{GateBuilder, OpenBao, ScriptedProvider};

use crate::scene::{self, Scene, call, code};

const CHAT: &str = "/v1/chat/completions";
const REFRESH: Duration = Duration::from_millis(300);
const REMEMBER: Duration = Duration::from_millis(3_000);
const FIRST: &str = "sk-first-cnrywqzkvx";
const SECOND: &str = "sk-second-cnryjpmbtr";

/// The shipped policy and role on a new server, and the first value.
async fn server() -> OpenBao {
    let bao = OpenBao::start().await;
    let policy = include_str!("../../../../deploy/vault/bartizan.policy.hcl");
    bao.post("sys/policies/acl/bartizan", json!({"policy": policy}))
        .await;
    bao.post("sys/auth/approle", json!({"type": "approle"})).await;
    let role = include_str!("../../../../deploy/vault/approle.json");
    bao.post("auth/approle/role/bartizan", serde_json::from_str(role).unwrap())
        .await;
    bao.put("bartizan/openai", json!({"api_key": FIRST})).await;
    bao
}

/// One model by a provider whose credential is in the server, one by a provider that needs none.
async fn config(bao: &OpenBao, base: &str, auth: &str) -> String {
    let role_id = bao
        .send(
            Method::GET,
            "auth/approle/role/bartizan/role-id",
            bao.root_token(),
            &json!({}),
        )
        .await
        .1;
    let role_id = role_id["data"]["role_id"].as_str().unwrap();
    let (refresh, remember) = (REFRESH.as_millis(), REMEMBER.as_millis());
    let auth = auth.replace("ROLE", role_id);
    format!(
        "store: {{ refresh_every_ms: 20 }}
secrets:
  vault:
    address: \"{}\"
    auth: {auth}
    timeout_ms: 500
    refresh_ms: {refresh}
    remember_ms: {remember}
providers:
  - {{ name: oa, kind: openai, base_url: \"{base}\", credential: \"vault:secret/bartizan/openai#api_key\", models: [m-oa] }}
  - {{ name: free, kind: openai, base_url: \"{base}\", models: [m-free] }}
models:
  - name: either
    targets: [ {{ provider: oa, model: m-oa, priority: 0 }}, {{ provider: free, model: m-free, priority: 1 }} ]
prices: {{ unpriced: allow_free }}
",
        bao.address()
    )
}

const WRAPPED: &str = "{ approle: { role_id: ROLE, secret_id: \"file:@folder@/secret-id\", wrapped: true } }";

/// A gate that opens a wrapped secret id.
async fn builder(bao: &OpenBao, provider: &ScriptedProvider) -> (GateBuilder, String) {
    let text = config(bao, &provider.base_url(), WRAPPED).await;
    let token = bao.wrapped_secret_id("bartizan").await;
    (
        scene::builder().config(text).file("secret-id", token.clone()),
        token,
    )
}

/// What the provider was last presented.
async fn presented(scene: &Scene, model: &str) -> Option<String> {
    scene.provider.forget_requests();
    let answer = scene.client().post(CHAT, &call(model)).await;
    assert_eq!(
        answer.status,
        200,
        "{}\n{}",
        answer.text(),
        scene.gate.lines().tail()
    );
    // A changed credential is tried beside calls.
    let mut requests = scene.provider.requests();
    requests.retain(|request| request.path_only() == CHAT);
    assert_eq!(requests.len(), 1);
    requests[0].header("authorization").map(str::to_owned)
}

fn bearer(value: &str) -> Option<String> {
    Some(format!("Bearer {value}"))
}

/// Waits until calls are answered so; gives how long that took.
async fn becomes(scene: &Scene, status: u16, within: Duration) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = scene.client().post(CHAT, &call("m-oa")).await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < within,
            "still {}: {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn anp_d0007_agp_s2_a_rotated_value_reaches_new_calls_without_a_restart() {
    let bao = server().await;
    let provider = ScriptedProvider::start().await;
    let (builder, wrapping) = builder(&bao, &provider).await;
    let scene = Scene::raise(provider, builder).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));

    bao.put("bartizan/openai", json!({"api_key": SECOND})).await;
    let rotated = Instant::now();
    while presented(&scene, "m-oa").await != bearer(SECOND) {
        assert!(
            rotated.elapsed() < REFRESH + Duration::from_secs(1),
            "{:?}",
            rotated.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The token is revoked: a new wrapped secret id is waiting, and the gate logs in by itself.
    let delivered = bao.wrapped_secret_id("bartizan").await;
    std::fs::write(scene.gate.folder().join("secret-id"), &delivered).unwrap();
    bao.post("sys/leases/revoke-prefix/auth/approle/login", json!({}))
        .await;
    bao.put("bartizan/openai", json!({"api_key": FIRST})).await;
    scene
        .gate
        .lines()
        .wait_for("no longer knows the gate's token", Duration::from_secs(5))
        .await;
    let revoked = Instant::now();
    while presented(&scene, "m-oa").await != bearer(FIRST) {
        assert!(revoked.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Taken out of the server, it is used no longer; the other provider is.
    bao.send(
        Method::DELETE,
        "secret/data/bartizan/openai",
        bao.root_token(),
        &json!({}),
    )
    .await;
    becomes(&scene, 503, REFRESH + Duration::from_secs(1)).await;
    assert_eq!(presented(&scene, "m-free").await, None);
    assert_eq!(presented(&scene, "either").await, None, "the next target serves");
    bao.put("bartizan/openai", json!({"api_key": SECOND})).await;
    becomes(&scene, 200, Duration::from_secs(5)).await;
    assert_eq!(presented(&scene, "either").await, bearer(SECOND));

    let log = scene.gate.lines().all().join("\n");
    for secret in [FIRST, SECOND, &wrapping, &delivered, bao.root_token()] {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
}

#[tokio::test]
async fn agp_cred_1_1_3_without_its_vault_a_gate_goes_on_for_a_bounded_time_and_fails_closed() {
    let mut bao = server().await;
    let provider = ScriptedProvider::start().await;
    let (builder, _) = builder(&bao, &provider).await;
    let scene = Scene::raise(provider, builder).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));
    bao.kill9();
    let killed = Instant::now();
    while killed.elapsed() < REMEMBER / 2 {
        assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    becomes(&scene, 503, REMEMBER + 2 * REFRESH).await;
    assert!(
        killed.elapsed() < REMEMBER + REFRESH + Duration::from_secs(1),
        "{:?}",
        killed.elapsed()
    );
    scene.provider.forget_requests();
    let answer = scene.client().post(CHAT, &call("m-oa")).await;
    assert_eq!((answer.status, code(&answer).as_str()), (503, "no_target"));
    assert!(answer.text().contains("no credential"), "{}", answer.text());
    assert!(scene.provider.requests().is_empty(), "the provider was called");
    assert_eq!(presented(&scene, "m-free").await, None);

    bao.restart().await;
    becomes(&scene, 200, Duration::from_secs(10)).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));

    // One that hangs is no different.
    bao.pause();
    tokio::time::sleep(REFRESH).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));
    becomes(&scene, 503, REMEMBER + REFRESH + Duration::from_secs(1)).await;
    bao.resume();
    becomes(&scene, 200, Duration::from_secs(10)).await;
}

#[tokio::test]
async fn agp_cred_1_1_2_check_leaves_a_wrapped_secret_id_for_serve_to_open() {
    let mut bao = server().await;
    let provider = ScriptedProvider::start().await;
    let (builder, _) = builder(&bao, &provider).await;
    let scene = Scene::raise(provider, builder).await;
    // It is open by now, and whoever looks is told so.
    let output = scene.gate.cli(&["--config", "bartizan.yaml", "check"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("interception"),
        "{said}"
    );
    let token = bao.wrapped_secret_id("bartizan").await;
    std::fs::write(scene.gate.folder().join("secret-id"), token).unwrap();
    for _ in 0..2 {
        let output = scene.gate.cli(&["--config", "bartizan.yaml", "check"]).await;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    bao.kill9();
    let output = scene.gate.cli(&["--config", "bartizan.yaml", "check"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("reachable and unsealed"),
        "{said}"
    );
}

#[tokio::test]
async fn agp_e2_check_and_serve_refuse_what_the_policy_does_not_permit() {
    let bao = server().await;
    bao.put("other/openai", json!({"api_key": SECOND})).await;
    let made = bao
        .post(
            "auth/token/create",
            json!({"policies": ["bartizan"], "no_default_policy": true}),
        )
        .await;
    let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
    let text = config(&bao, "http://127.0.0.1:1", "{ token_file: token }").await;
    let good = scene::builder()
        .file("token", token.clone())
        .config(text.clone())
        .start()
        .await;
    let output = good
        .cli_json(&["--config", "bartizan.yaml", "--json", "check"])
        .await;
    assert_eq!(output["ok"], true, "{output}");
    let outside = text.replace("secret/bartizan/openai", "secret/other/openai");
    let said = scene::builder()
        .file("token", token)
        .config(outside)
        .refuses()
        .await;
    assert!(
        said.contains("`vault:secret/other/openai#api_key` is refused by the vault (403)"),
        "{said}"
    );
    assert!(said.contains("deploy/vault") && !said.contains(SECOND), "{said}");
}

#[tokio::test]
async fn agp_s2_agp_i1_a_rotated_value_that_its_provider_does_not_take_changes_nothing() {
    let bao = server().await;
    let provider = ScriptedProvider::start().await;
    provider.require_key(FIRST);
    let (builder, _) = builder(&bao, &provider).await;
    let scene = Scene::raise(provider, builder).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));
    bao.put("bartizan/openai", json!({"api_key": SECOND})).await;
    let told = "a changed credential is not taken by provider `oa`";
    scene.gate.lines().wait_for(told, Duration::from_secs(5)).await;
    assert_eq!(
        presented(&scene, "m-oa").await,
        bearer(FIRST),
        "the old one stays"
    );
    let metrics = scene.gate.health().get("/metrics").await.text();
    assert!(
        !metrics.contains("bartizan_credential_probe_failures_total 0"),
        "{metrics}"
    );
    assert!(metrics.contains("bartizan_credentials_withheld 0"), "{metrics}");
    // As soon as the provider takes it, it is used, whoever waited for whom.
    scene.provider.require_key(SECOND);
    becomes(&scene, 200, REFRESH * 2 + Duration::from_secs(1)).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(SECOND));
    let log = scene.gate.lines().all().join("\n");
    assert!(!log.contains(FIRST) && !log.contains(SECOND));
}

#[tokio::test]
async fn agp_cred_1_1_1_a_gate_that_stops_gives_its_token_back() {
    let bao = server().await;
    let provider = ScriptedProvider::start().await;
    let (builder, _) = builder(&bao, &provider).await;
    let mut scene = Scene::raise(provider, builder).await;
    assert_eq!(presented(&scene, "m-oa").await, bearer(FIRST));
    let accessors = async || {
        let listed = bao
            .send(
                Method::GET,
                "auth/token/accessors?list=true",
                bao.root_token(),
                &json!({}),
            )
            .await;
        listed.1["data"]["keys"].as_array().unwrap().len()
    };
    let before = accessors().await;
    scene.gate.terminate().await;
    scene.gate.wait(Duration::from_secs(10)).await;
    assert_eq!(accessors().await, before - 1, "{}", scene.gate.lines().tail());
}
