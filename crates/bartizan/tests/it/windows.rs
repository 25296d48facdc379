//! How long what machines sign is good: as long as is configured, and once, whatever is configured later.

use std::time::Duration;

use domain::UnixMillis;

use crate::scene::{Scene, call, code, providers};
use crate::signing::Machine;

const CHAT: &str = "/v1/chat/completions";

fn ago(ms: i64) -> UnixMillis {
    UnixMillis(UnixMillis::now().0 - ms)
}

#[tokio::test]
async fn anp_0001_a_signature_is_as_old_as_is_configured_and_no_older() {
    let machine = Machine::new();
    for (window, age, status) in [
        ("{ age_max_ms: 5000, skew_max_ms: 0 }", 10_000, 401),
        ("{ age_max_ms: 5000, skew_max_ms: 0 }", -5_000, 401),
        ("{ age_max_ms: 120000, skew_max_ms: 30000 }", 100_000, 200),
        ("{ age_max_ms: 120000, skew_max_ms: 30000 }", -20_000, 200),
        ("{ age_max_ms: 120000, skew_max_ms: 30000 }", 130_000, 401),
        ("{ age_max_ms: 120000, skew_max_ms: 30000 }", -40_000, 401),
    ] {
        let scene = Scene::with(&format!("signatures: {window}\n")).await;
        let key = scene.new_key(|key| machine.sign_for(key)).await;
        let gate = scene.gate.data();
        let mut it = machine.call(CHAT, &gate, &key, "POST");
        it.created = ago(age);
        let answer = it.send(&call("m-oa").to_string()).await;
        assert_eq!(answer.status, status, "{window} {age}: {}", answer.text());
    }
}

/// What was used stays used when the window is widened after it was too old.
#[tokio::test]
async fn anp_0001_a_wider_window_brings_nothing_back() {
    let machine = Machine::new();
    let scene = Scene::with("signatures: { age_max_ms: 3000 }\n").await;
    let key = scene.new_key(|key| machine.sign_for(key)).await;
    let (gate, body) = (scene.gate.data(), call("m-oa").to_string());
    let it = machine.call(CHAT, &gate, &key, "POST");
    let headers = it.headers(&body);
    assert_eq!(it.send_with(&body, &headers).await.status, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(code(&it.send_with(&body, &headers).await), "signature_invalid");
    // Another one, so that this process forgets what is too old by what is configured now.
    assert_eq!(
        machine.call(CHAT, &gate, &key, "POST").send(&body).await.status,
        200
    );
    let base = providers(&scene.provider.base_url());
    scene
        .gate
        .write_config(&format!("{base}signatures: {{ age_max_ms: 300000 }}\n"));
    let in_force = "the new configuration is in force";
    scene
        .gate
        .lines()
        .wait_for(in_force, Duration::from_secs(10))
        .await;
    assert_eq!(code(&it.send_with(&body, &headers).await), "signature_replayed");
}
