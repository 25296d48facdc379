//! Nothing that is secret is said: not the values, not the tokens, not what the gate logs in with.

use std::io::Write;
use std::sync::{Arc, Mutex};

use secrets::{Remembering, Secrets};
use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::scene::{Scene, got, openai, reference};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that happens to the engine happens here, with the log at its loudest and no scrubber before it.
#[tokio::test]
async fn agp_i1_no_value_and_no_token_is_in_a_log_an_error_or_a_debug_text() {
    let lines = Lines::default();
    let sink = lines.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .init();
    let mut scene = Scene::new().await;
    let canary = "cnrywqzkvxjpmbtrlsdgh";
    scene
        .bao
        .put(
            "bartizan/openai",
            json!({"api_key": canary, "other": format!("{canary}2")}),
        )
        .await;
    let mut planted = vec![canary.to_owned()];
    let mut said = String::new();
    let mut say = |text: String| said.push_str(&text);

    planted.push(scene.deliver().await);
    let engine = Remembering::new(
        scene.wrapped().await,
        std::time::Duration::ZERO,
        std::time::Duration::from_secs(1),
    );
    assert_eq!(got(&engine, &openai()).await.unwrap(), canary);
    say(format!("{engine:?} {:?}", engine.get(&openai()).await));
    let again = scene.wrapped().await;
    say(format!(
        "{:?} {:?}",
        again.get(&openai()).await,
        again.look().await
    ));
    say(format!(
        "{:?}",
        engine.get(&reference("vault:secret/other/x#y")).await
    ));
    scene.revoke_all().await;
    let refused = engine.get(&openai()).await.unwrap_err();
    say(format!("{refused} {refused:?}"));
    let secret_id = scene.secret_id().await;
    let plain = scene.plain().await;
    got(&plain, &openai()).await.unwrap();
    let token = scene.token(json!({})).await;
    let by_token = scene.with_token(&token);
    got(&by_token, &openai()).await.unwrap();
    scene.bao.post("auth/token/revoke", json!({"token": token})).await;
    say(format!(
        "{:?} {plain:?} {by_token:?}",
        by_token.get(&openai()).await
    ));
    scene.bao.seal().await;
    say(format!("{:?}", plain.get(&openai()).await));
    scene.bao.kill9();
    say(format!("{:?}", plain.get(&openai()).await));
    planted.extend([
        secret_id,
        token,
        std::fs::read_to_string(scene.folder.path().join("secret-id")).unwrap(),
    ]);
    planted.push(scene.bao.root_token().to_owned());

    let log = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    for expected in [
        "logged in to the vault",
        "may have taken the secret id",
        "AGP-CRED-1.1.2",
        "no longer knows",
    ] {
        assert!(log.contains(expected), "the log is on: {expected}");
    }
    for secret in planted {
        assert!(!said.contains(&secret), "an error or a debug text holds {secret}");
        assert!(!log.contains(&secret), "the log holds {secret}");
    }
}
