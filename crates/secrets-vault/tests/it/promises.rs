//! The suite that every engine passes, and what is a Vault's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use credential::SecretRef;
use http::Method;
use secrets::conformance::{self, Place};
use secrets::{SecretError, Secrets};
use secrets_vault::Vault;
use serde_json::json;

use crate::scene::{Scene, got, openai, reference};

struct Shelf {
    scene: Arc<Scene>,
    vault: Arc<Vault>,
    name: String,
}

#[async_trait]
impl Place for Shelf {
    fn engine(&self) -> Arc<dyn Secrets> {
        self.vault.clone()
    }

    fn reference(&self, name: &str) -> SecretRef {
        reference(&format!("vault:secret/bartizan/{}/{name}#value", self.name))
    }

    async fn put(&self, name: &str, value: &str) {
        let path = format!("bartizan/{}/{name}", self.name);
        self.scene
            .bao
            .put(&path, json!({"value": value, "other": "x"}))
            .await;
    }

    async fn remove(&self, name: &str) {
        let path = format!("secret/data/bartizan/{}/{name}", self.name);
        let (status, _) = self
            .scene
            .ask(Method::DELETE, &path, self.scene.bao.root_token())
            .await;
        assert_eq!(status, 204);
    }
}

#[tokio::test]
async fn a_vault_keeps_every_promise() {
    let scene = Arc::new(Scene::new().await);
    let vault = Arc::new(scene.plain().await);
    let shelves = AtomicUsize::new(0);
    conformance::run(async || Shelf {
        scene: scene.clone(),
        vault: vault.clone(),
        name: format!("shelf{}", shelves.fetch_add(1, Ordering::Relaxed)),
    })
    .await;
    assert_eq!(scene.tokens().await, 1, "one login for all of it");
}

#[tokio::test]
async fn versions_fields_and_what_is_no_text() {
    let scene = Scene::new().await;
    let vault = scene.plain().await;
    assert_eq!(vault.get(&openai()).await.unwrap().version, Some(1));
    scene
        .bao
        .put("bartizan/openai", json!({"api_key": "sk-2", "number": 7}))
        .await;
    let second = vault.get(&openai()).await.unwrap();
    assert_eq!((second.value.expose(), second.version), ("sk-2", Some(2)));

    let field = |name: &str| reference(&format!("vault:secret/bartizan/openai#{name}"));
    let error = vault.get(&field("nowhere")).await.unwrap_err();
    assert!(matches!(error, SecretError::NotFound(..)), "{error}");
    let error = vault.get(&field("number")).await.unwrap_err();
    assert!(matches!(error, SecretError::Malformed(..)), "{error}");
    // Destroyed is gone, though older versions are there.
    scene
        .bao
        .post("secret/destroy/bartizan/openai", json!({"versions": [2]}))
        .await;
    let error = got(&vault, &openai()).await.unwrap_err();
    assert!(matches!(error, SecretError::NotFound(..)), "{error}");
}
