//! The server killed, sealed, paused and started again: the last known value for a bounded time, then
//! nothing, then the value again.

use std::time::{Duration, Instant};

use secrets::{Remembering, SecretError, Secrets};
use secrets_vault::Vault;
use serde_json::json;

use crate::scene::{Scene, TIMEOUT, VALUE, got, openai};

const REMEMBER: Duration = Duration::from_secs(3);

/// Every value is asked for anew; the memory lasts three seconds.
fn remembering(vault: Vault) -> Remembering<Vault> {
    Remembering::new(vault, Duration::ZERO, REMEMBER)
}

/// From a good answer on: remembered to the end, then refused, never anything else.
async fn bridged_then_refused(engine: &Remembering<Vault>, good: Instant, how: &str) {
    while good.elapsed() < REMEMBER - TIMEOUT - Duration::from_millis(200) {
        assert_eq!(got(engine, &openai()).await.expect(how), VALUE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // One that hangs ends with the memory, not after it.
    while let Ok(value) = got(engine, &openai()).await {
        assert_eq!(value, VALUE);
        let late = Duration::from_millis(800);
        assert!(
            good.elapsed() < REMEMBER + late,
            "{how}: still served after {:?}",
            good.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..3 {
        let error = got(engine, &openai()).await.unwrap_err();
        assert!(matches!(error, SecretError::Unavailable(..)), "{how}: {error}");
    }
}

/// And when it is back, what it says is served.
async fn recovers(engine: &Remembering<Vault>, how: &str) {
    let begun = Instant::now();
    while got(engine, &openai()).await.ok().as_deref() != Some(VALUE) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{how}: not back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The server's own answer. A busy machine may be slower than the short timeout of these tests: asked until it comes.
async fn good(engine: &Remembering<Vault>) -> Instant {
    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        match got(engine, &openai()).await {
            Ok(value) => {
                assert_eq!(value, VALUE);
                return asked;
            }
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
    }
}

#[tokio::test]
async fn agp_cred_1_1_3_a_server_that_is_killed_is_bridged_for_a_bounded_time() {
    let mut scene = Scene::new().await;
    let engine = remembering(scene.plain().await);
    let at = good(&engine).await;
    scene.bao.kill9();
    bridged_then_refused(&engine, at, "killed").await;
    scene.bao.restart().await;
    recovers(&engine, "restarted").await;
}

#[tokio::test]
async fn agp_cred_1_1_3_a_server_that_is_sealed_is_bridged_for_a_bounded_time() {
    let scene = Scene::new().await;
    let engine = remembering(scene.plain().await);
    let at = good(&engine).await;
    scene.bao.seal().await;
    bridged_then_refused(&engine, at, "sealed").await;
    scene.bao.unseal().await;
    recovers(&engine, "unsealed").await;
}

#[tokio::test]
async fn agp_cred_1_1_3_a_server_that_hangs_is_bridged_for_a_bounded_time() {
    let scene = Scene::new().await;
    let engine = remembering(scene.plain().await);
    let at = good(&engine).await;
    scene.bao.pause();
    let asked = Instant::now();
    assert_eq!(got(&engine, &openai()).await.unwrap(), VALUE);
    assert!(asked.elapsed() < 2 * TIMEOUT, "{:?}", asked.elapsed());
    bridged_then_refused(&engine, at, "paused").await;
    scene.bao.resume();
    recovers(&engine, "resumed").await;
}

/// Silence is bridged, a "no" is not: what the server takes away is taken away at once.
#[tokio::test]
async fn agp_e2_what_is_taken_away_is_not_remembered() {
    let scene = Scene::new().await;
    let engine = remembering(scene.plain().await);
    good(&engine).await;
    let nothing = json!({"policy": "path \"auth/token/lookup-self\" { capabilities = [\"read\"] }"});
    scene.bao.post("sys/policies/acl/bartizan", nothing).await;
    // Only an answer later than the timeout, that is none, may still be bridged, and that for as long as memory lasts.
    let begun = Instant::now();
    let error = loop {
        match got(&engine, &openai()).await {
            Ok(_) => assert!(begun.elapsed() < REMEMBER, "still served"),
            Err(error) => break error,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
    scene.bao.pause();
    let error = engine.get(&openai()).await.unwrap_err();
    assert!(
        matches!(error, SecretError::Unavailable(..)),
        "not from memory: {error}"
    );
}

#[tokio::test]
async fn a_server_that_was_never_there_gives_nothing_in_time() {
    let mut scene = Scene::new().await;
    let vault = scene.plain().await;
    scene.bao.kill9();
    let asked = Instant::now();
    assert!(vault.get(&openai()).await.unwrap_err().is_unavailable());
    assert!(asked.elapsed() < TIMEOUT * 2);
}
