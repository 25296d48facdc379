//! Logging in, staying logged in, and logging in again.

use std::time::Duration;

use secrets::{SecretError, Secrets};
use serde_json::json;

use crate::scene::{Scene, VALUE, got, openai};

#[tokio::test]
async fn agp_cred_1_1_2_a_wrapped_secret_id_opens_once() {
    let scene = Scene::new().await;
    scene.deliver().await;
    let vault = scene.wrapped().await;
    vault.look().await.unwrap();
    vault.look().await.unwrap();
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    assert_eq!(scene.tokens().await, 1);

    // Another gate with the same wrapping token is told, and so is whoever looks.
    let second = scene.wrapped().await;
    let error = got(&second, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
    assert!(error.to_string().contains("interception"), "{error}");
    let error = second.look().await.unwrap_err();
    assert!(error.to_string().contains("interception"), "{error}");
    assert_eq!(scene.tokens().await, 1);
}

#[tokio::test]
async fn agp_cred_1_1_2_a_wrapping_made_by_somebody_else_is_not_opened() {
    let scene = Scene::new().await;
    let secret_id = scene.secret_id().await;
    // Opened on the way and wrapped again: what it holds is right, who made it is not.
    let token = rewrapped(&scene, &secret_id).await;
    scene.write("wrapped", &token);
    let vault = scene.wrapped().await;
    let error = got(&vault, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
    assert!(error.to_string().contains("not made by the role"), "{error}");
    assert_eq!(scene.tokens().await, 0);
}

async fn rewrapped(scene: &Scene, secret_id: &str) -> String {
    let address = scene.bao.address().replace("http://", "").parse().unwrap();
    let client = testkit::Client::new(address)
        .header("x-vault-token", scene.bao.root_token())
        .header("x-vault-wrap-ttl", "300s");
    let answer = client
        .post("/v1/sys/wrapping/wrap", &json!({"secret_id": secret_id}))
        .await;
    answer.json()["wrap_info"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn agp_cred_1_1_1_after_a_revocation_a_new_secret_id_is_needed_and_taken() {
    let scene = Scene::new().await;
    scene.deliver().await;
    let vault = scene.wrapped().await;
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    scene.revoke_all().await;
    // The secret id was good for one login.
    let error = got(&vault, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
    assert!(
        !error.to_string().contains("interception"),
        "we opened it ourselves: {error}"
    );
    scene.deliver().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
}

#[tokio::test]
async fn agp_cred_1_1_1_after_a_revocation_the_gate_logs_in_again_by_itself() {
    let scene = Scene::new().await;
    let vault = scene.plain().await;
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    for _ in 0..2 {
        scene.revoke_all().await;
        assert_eq!(scene.tokens().await, 0);
        assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
        assert_eq!(scene.tokens().await, 1);
    }
    // And when the secret id is gone too, it is out.
    scene
        .bao
        .post(
            "auth/approle/role/bartizan/secret-id/destroy",
            json!({"secret_id": secret_id(&scene)}),
        )
        .await;
    scene.revoke_all().await;
    let error = got(&vault, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
}

fn secret_id(scene: &Scene) -> String {
    std::fs::read_to_string(scene.folder.path().join("secret-id")).unwrap()
}

/// With tokens of six seconds: for nine seconds nothing is refused, by one token, and then by another.
#[tokio::test]
async fn agp_cred_1_1_2_a_token_is_renewed_before_it_expires() {
    let scene = Scene::new().await;
    scene.deliver().await;
    scene.role(json!({"token_period": 6})).await;
    let vault = scene.wrapped().await;
    for _ in 0..9 {
        assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // A secret id that opens once: there was no second login, so it was renewed.
    assert_eq!(scene.tokens().await, 1);
}

#[tokio::test]
async fn agp_cred_1_1_2_at_the_end_of_its_renewals_a_token_is_replaced() {
    let scene = Scene::new().await;
    scene
        .role(json!({"token_period": 0, "token_ttl": 3, "token_max_ttl": 4, "secret_id_num_uses": 0}))
        .await;
    let secret_id = scene.write("secret-id", &scene.secret_id().await);
    let vault = scene.vault(secrets_vault::Auth::AppRole {
        mount: "approle".to_owned(),
        role_id: scene.role_id().await,
        secret_id,
        wrapped: false,
    });
    for _ in 0..16 {
        assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn agp_cred_1_1_1_a_token_in_a_file_is_read_again_when_it_stops_working() {
    let scene = Scene::new().await;
    let first = scene.token(json!({})).await;
    let vault = scene.with_token(&first);
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    scene.bao.post("auth/token/revoke", json!({"token": first})).await;
    let error = got(&vault, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
    scene.write("token", &scene.token(json!({})).await);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
}

#[tokio::test]
async fn what_the_gate_logs_in_with_is_missing_or_wrong() {
    let scene = Scene::new().await;
    for (text, forbidden) in [("", false), ("two\nlines", true), ("s.nonsense", true)] {
        let error = got(&scene.with_token(text), &openai()).await.unwrap_err();
        assert_eq!(
            matches!(error, SecretError::Forbidden(..)),
            forbidden,
            "{text}: {error}"
        );
        assert!(!error.to_string().contains("nonsense"), "{error}");
    }
    let vault = scene.with_token("x");
    std::fs::remove_file(scene.folder.path().join("token")).unwrap();
    // That a file of ours cannot be read is not the server's refusal.
    assert!(vault.get(&openai()).await.unwrap_err().is_unavailable());
}
