//! Logging in with a service account's token; the cluster that vouches for it is played.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrets::SecretError;
use secrets_vault::Auth;
use serde_json::{Value, json};
use testkit::{Reply, ScriptedProvider};

use crate::scene::{Scene, VALUE, got, openai, shipped};

/// As a cluster makes them; the signature is for the cluster to check.
fn service_account_token(id: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "RS256", "typ": "JWT"}));
    let claims = part(json!({
        "aud": ["vault"], "iss": "https://kubernetes.default.svc", "exp": 4_102_444_800_u64, "iat": 1_700_000_000,
        "sub": "system:serviceaccount:bartizan:bartizan", "jti": id,
        "kubernetes.io": {"namespace": "bartizan", "serviceaccount": {"name": "bartizan", "uid": "u-1"}},
    }));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7u8; 256]))
}

fn review(authenticated: bool) -> Reply {
    Reply::json(
        201,
        &json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "status": {
                "authenticated": authenticated, "audiences": ["vault"],
                "user": {
                    "username": "system:serviceaccount:bartizan:bartizan", "uid": "u-1",
                    "groups": ["system:serviceaccounts", "system:serviceaccounts:bartizan"],
                },
            },
        }),
    )
}

#[tokio::test]
async fn agp_cred_1_1_1_a_service_account_logs_in_and_its_token_is_read_each_time() {
    let cluster = ScriptedProvider::start().await;
    cluster.script("*", review(true));
    let scene = Scene::new().await;
    scene
        .bao
        .post("sys/auth/kubernetes", json!({"type": "kubernetes"}))
        .await;
    let config = json!({
        "kubernetes_host": cluster.base_url(), "disable_local_ca_jwt": true, "disable_iss_validation": true,
        "token_reviewer_jwt": service_account_token("reviewer"), "kubernetes_ca_cert": crate::tls::authority().pem(),
    });
    scene.bao.post("auth/kubernetes/config", config).await;
    let role: Value = serde_json::from_str(&shipped("kubernetes-role.json")).unwrap();
    scene.bao.post("auth/kubernetes/role/bartizan", role).await;
    let token = scene.write("jwt", &service_account_token("first"));
    let vault = scene.vault(Auth::Kubernetes {
        mount: "kubernetes".to_owned(),
        role: "bartizan".to_owned(),
        token,
    });
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);

    scene.write("jwt", &service_account_token("second"));
    scene
        .bao
        .post("sys/leases/revoke-prefix/auth/kubernetes", json!({}))
        .await;
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    let reviewed: Vec<Value> = cluster.requests().iter().map(|request| request.json()).collect();
    let tokens: Vec<&str> = reviewed
        .iter()
        .filter_map(|review| review["spec"]["token"].as_str())
        .collect();
    assert_eq!(
        tokens,
        [service_account_token("first"), service_account_token("second")]
    );

    cluster.script("*", review(false));
    scene
        .bao
        .post("sys/leases/revoke-prefix/auth/kubernetes", json!({}))
        .await;
    let error = got(&vault, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::Forbidden(..)), "{error}");
}
