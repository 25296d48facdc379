//! The policy that is shipped: enough to read the gate's secrets, and for nothing else.

use http::Method;
use secrets::SecretError;
use serde_json::json;

use crate::scene::{Scene, VALUE, got, openai, reference};

#[tokio::test]
async fn agp_e2_outside_its_path_the_gate_is_refused() {
    let scene = Scene::new().await;
    scene
        .bao
        .put("other/openai", json!({"api_key": "sk-of-others"}))
        .await;
    scene
        .bao
        .put("bartizan-other/openai", json!({"api_key": "sk-of-others"}))
        .await;
    scene
        .bao
        .post(
            "sys/mounts/kv",
            json!({"type": "kv", "options": {"version": "2"}}),
        )
        .await;
    let vault = scene.plain().await;
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
    for text in [
        "vault:secret/other/openai#api_key",
        "vault:secret/bartizan-other/openai#api_key",
        "vault:secret/bartizan#api_key",
        "vault:kv/bartizan/openai#api_key",
        "vault:sys/policies#api_key",
        "vault:nowhere/bartizan/openai#api_key",
    ] {
        let error = got(&vault, &reference(text)).await.unwrap_err();
        assert!(matches!(error, SecretError::Forbidden(..)), "{text}: {error}");
        assert!(error.to_string().contains("403"), "{error}");
    }
    // None of them cost a login: the token was asked about, and was good.
    assert_eq!(scene.tokens().await, 1);
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);
}

#[tokio::test]
async fn agp_e2_the_shipped_policy_permits_reading_and_nothing_else() {
    let scene = Scene::new().await;
    let token = scene.token(json!({})).await;
    let permitted = [
        (Method::GET, "secret/data/bartizan/openai"),
        (Method::GET, "auth/token/lookup-self"),
        (Method::POST, "auth/token/renew-self"),
    ];
    for (method, path) in permitted {
        assert_eq!(scene.ask(method, path, &token).await.0, 200, "{path}");
    }
    let refused = [
        (Method::POST, "secret/data/bartizan/openai"),
        (Method::DELETE, "secret/data/bartizan/openai"),
        (Method::GET, "secret/metadata/bartizan/openai"),
        (Method::GET, "secret/metadata/bartizan?list=true"),
        (Method::GET, "secret/metadata?list=true"),
        (Method::POST, "secret/undelete/bartizan/openai"),
        (Method::PUT, "secret/destroy/bartizan/openai"),
        (Method::GET, "secret/config"),
        (Method::GET, "sys/mounts"),
        (Method::GET, "sys/policies/acl/bartizan"),
        (Method::PUT, "sys/seal"),
        (Method::POST, "auth/token/create"),
        (Method::GET, "auth/approle/role/bartizan/role-id"),
        (Method::POST, "auth/approle/role/bartizan/secret-id"),
        (Method::POST, "sys/wrapping/wrap"),
        (Method::POST, "sys/leases/revoke-prefix/auth"),
    ];
    for (method, path) in refused {
        let (status, answer) = scene.ask(method.clone(), path, &token).await;
        assert_eq!(status, 403, "{method} {path}: {answer}");
    }
}
