//! A server as deploy/vault sets it up, and engines that read from it. Holds no test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use credential::SecretRef;
use http::Method;
use secrets::{Files, Secrets};
use secrets_vault::{Auth, Vault, VaultOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::OpenBao;

/// How long a request may take: a paused server is noticed after so long.
pub const TIMEOUT: Duration = Duration::from_millis(500);
/// What every scene has at `secret/bartizan/openai`.
pub const VALUE: &str = "sk-of-the-first-version";

pub struct Scene {
    pub bao: OpenBao,
    pub folder: TempDir,
}

/// A file that operators are given.
pub fn shipped(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/vault");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

pub fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

pub fn openai() -> SecretRef {
    reference("vault:secret/bartizan/openai#api_key")
}

impl Scene {
    pub async fn new() -> Self {
        Self::with(OpenBao::start().await).await
    }

    /// The shipped policy and role, and one secret.
    pub async fn with(bao: OpenBao) -> Self {
        let policy = json!({"policy": shipped("bartizan.policy.hcl")});
        bao.post("sys/policies/acl/bartizan", policy).await;
        bao.post("sys/auth/approle", json!({"type": "approle"})).await;
        let scene = Self {
            bao,
            folder: tempfile::tempdir().unwrap(),
        };
        scene.role(json!({})).await;
        scene.bao.put("bartizan/openai", json!({"api_key": VALUE})).await;
        scene
    }

    /// The shipped role, with a difference.
    pub async fn role(&self, difference: Value) {
        let mut role: Value = serde_json::from_str(&shipped("approle.json")).unwrap();
        role.as_object_mut()
            .unwrap()
            .extend(difference.as_object().unwrap().clone());
        self.bao.post("auth/approle/role/bartizan", role).await;
    }

    pub fn write(&self, name: &str, text: &str) -> SecretRef {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        SecretRef::File(path)
    }

    pub async fn role_id(&self) -> String {
        let (_, answer) = self
            .ask(
                Method::GET,
                "auth/approle/role/bartizan/role-id",
                self.bao.root_token(),
            )
            .await;
        answer["data"]["role_id"].as_str().unwrap().to_owned()
    }

    pub async fn ask(&self, method: Method, path: &str, token: &str) -> (u16, Value) {
        self.bao.send(method, path, token, &json!({})).await
    }

    /// A wrapped secret id in its file.
    pub async fn deliver(&self) -> String {
        let token = self.bao.wrapped_secret_id("bartizan").await;
        self.write("wrapped", &format!("{token}\n"));
        token
    }

    /// A secret id of the role's, as many times as the role lets.
    pub async fn secret_id(&self) -> String {
        let made = self
            .bao
            .post("auth/approle/role/bartizan/secret-id", json!({}))
            .await;
        made["data"]["secret_id"].as_str().unwrap().to_owned()
    }

    /// An engine that opens what [`Scene::deliver`] delivers.
    pub async fn wrapped(&self) -> Vault {
        let secret_id = SecretRef::File(self.folder.path().join("wrapped"));
        self.approle(secret_id, true).await
    }

    /// An engine with a secret id that works again and again.
    pub async fn plain(&self) -> Vault {
        self.role(json!({"secret_id_num_uses": 0})).await;
        let secret_id = self.write("secret-id", &self.secret_id().await);
        self.approle(secret_id, false).await
    }

    async fn approle(&self, secret_id: SecretRef, wrapped: bool) -> Vault {
        let role_id = self.role_id().await;
        self.vault(Auth::AppRole {
            mount: "approle".to_owned(),
            role_id,
            secret_id,
            wrapped,
        })
    }

    pub fn vault(&self, auth: Auth) -> Vault {
        Vault::new(self.options(auth)).unwrap()
    }

    pub fn options(&self, auth: Auth) -> VaultOptions {
        VaultOptions {
            address: self.bao.address(),
            namespace: None,
            authorities: Vec::new(),
            auth,
            bootstrap: Arc::new(Files),
            timeout: TIMEOUT,
        }
    }

    /// An engine with a token in a file.
    pub fn with_token(&self, token: &str) -> Vault {
        let token = self.write("token", token);
        self.vault(Auth::Token { token })
    }

    /// A token of the shipped policy and no other.
    pub async fn token(&self, difference: Value) -> String {
        let mut body = json!({"policies": ["bartizan"], "no_default_policy": true});
        body.as_object_mut()
            .unwrap()
            .extend(difference.as_object().unwrap().clone());
        let made = self.bao.post("auth/token/create", body).await;
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// Ends every token that the role gave out.
    pub async fn revoke_all(&self) {
        self.bao
            .post("sys/leases/revoke-prefix/auth/approle", json!({}))
            .await;
    }

    /// How many such tokens there are.
    pub async fn tokens(&self) -> usize {
        let path = "sys/leases/lookup/auth/approle/login?list=true";
        let (status, answer) = self.ask(Method::GET, path, self.bao.root_token()).await;
        match status {
            404 => 0,
            _ => answer["data"]["keys"].as_array().unwrap().len(),
        }
    }
}

/// The value, or why not.
pub async fn got(engine: &dyn Secrets, reference: &SecretRef) -> Result<String, secrets::SecretError> {
    let found = engine.get(reference).await;
    found.map(|found| found.value.expose().to_owned())
}
