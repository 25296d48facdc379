//! The gate in front of a scripted provider, and virtual keys of any kind for it.
//! Holds no test: what a gate must do stands in the files beside this one.

use std::path::Path;
use std::time::{Duration, Instant};

use credential::{KeyRecord, KeyState, Limits, MasterKey, ModelAccess, SealedRoot, VirtualKey};
use domain::{KeyId, Operation, TeamId, TenantId, TenantScope, UnixMillis};
use serde_json::{Value, json};
use store::{Change, Directory, Registry, Team, Tenant, TenantState};
use store_sqlite::SqliteStore;
use testkit::{Answer, Client, Gate, GateBuilder, ScriptedProvider};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_bartizan");
/// What the gate presents to the provider that speaks OpenAI's dialect, put together at run time.
pub fn openai_credential() -> String {
    format!(
        "sk-proj-{}T3BlbkFJ{}",
        "Qm9vV2x1Zm9y".repeat(3),
        "9kZr4TqLw8XyPnB".repeat(3)
    )
}
/// And to the one that speaks Anthropic's.
pub fn anthropic_credential() -> String {
    format!("sk-ant-api03-{}AA", "xW7kQpL2mZr9".repeat(7))
}

/// The root secret of the instance in this data folder.
pub fn master(data_dir: &Path) -> MasterKey {
    let read = |name: &str| std::fs::read_to_string(data_dir.join(name)).ok();
    let key = MasterKey::from_file(&read("master.key").unwrap(), None).unwrap();
    match read("root.key") {
        Some(text) => SealedRoot::from_text(&text).unwrap().open(&key).unwrap(),
        None => key,
    }
}

/// A gate, its provider and its first key.
pub struct Scene {
    pub gate: Gate,
    pub provider: ScriptedProvider,
    pub key: String,
}

/// The two providers' section: `m-oa` and `m-an`, both served by one scripted provider, both priced.
pub fn providers(base: &str) -> String {
    format!(
        "store: {{ refresh_every_ms: 20 }}
providers:
  - {{ name: oa, kind: openai, base_url: \"{base}\", credential: \"env:OA_KEY\", models: [m-oa] }}
  - {{ name: an, kind: anthropic, base_url: \"{base}\", credential: \"env:AN_KEY\", models: [m-an] }}
prices:
  overrides:
    - {{ provider: oa, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: an, model: \"*\", input_per_million: 1, output_per_million: 2 }}
"
    )
}

/// A gate that has its credentials in the environment and knows nothing else yet.
pub fn builder() -> GateBuilder {
    let (openai, anthropic) = (openai_credential(), anthropic_credential());
    Gate::builder(BINARY)
        .env("OA_KEY", &openai)
        .env("AN_KEY", &anthropic)
}

impl Scene {
    /// The usual two providers, and `extra` sections of the configuration.
    pub async fn with(extra: &str) -> Self {
        Self::built(extra, |builder| builder).await
    }

    /// As [`Scene::with`], with a say in how the gate is started.
    pub async fn built(extra: &str, bend: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        let provider = ScriptedProvider::start().await;
        let text = format!("{}{extra}", providers(&provider.base_url()));
        Self::raise(provider, bend(builder().config(text))).await
    }

    /// Any configuration.
    pub async fn raise(provider: ScriptedProvider, builder: GateBuilder) -> Self {
        let gate = builder.start().await;
        let line = gate
            .lines()
            .wait_for("shown this once: ", Duration::from_secs(10))
            .await;
        let key = line.rsplit(' ').next().unwrap().to_owned();
        Self { gate, provider, key }
    }

    /// A client of the data plane with the first key.
    pub fn client(&self) -> Client {
        self.gate.data().bearer(&self.key)
    }

    /// A key of the first tenant's, bent as wanted, once the gate knows it.
    pub async fn new_key(&self, bend: impl FnOnce(&mut KeyRecord)) -> String {
        let store = self.store().await;
        let dump = store.load().await.unwrap();
        let first = dump.keys.iter().find(|key| key.name == "first key").unwrap();
        let (secret, mut record) = self.record(first.tenant, first.team);
        bend(&mut record);
        store
            .create_key(&TenantScope::operator(record.tenant), &record)
            .await
            .unwrap();
        store.close().await;
        self.known(&secret).await;
        secret
    }

    /// The only key of another tenant.
    pub async fn foreign_key(&self, bend: impl FnOnce(&mut KeyRecord)) -> String {
        let store = self.store().await;
        let tenant = Tenant {
            id: TenantId::generate(),
            name: "elsewhere".to_owned(),
            limits: Limits::default(),
            state: TenantState::default(),
            history: ledger::Keeping::NONE,
        };
        let team = Team {
            id: TeamId::generate(),
            tenant: tenant.id,
            name: "default".to_owned(),
            limits: Limits::default(),
        };
        let scope = TenantScope::operator(tenant.id);
        store.create_tenant(&tenant).await.unwrap();
        store.create_team(&scope, &team).await.unwrap();
        let (secret, mut record) = self.record(tenant.id, team.id);
        bend(&mut record);
        store.create_key(&scope, &record).await.unwrap();
        store.close().await;
        self.known(&secret).await;
        secret
    }

    /// Changes the state of the tenant with this name, as the platform may.
    pub async fn set_state(&self, tenant: &str, state: TenantState) {
        let store = self.store().await;
        let dump = store.load().await.unwrap();
        let before = dump.tenants.into_iter().find(|other| other.name == tenant);
        let before = before.unwrap();
        let after = Tenant {
            state,
            ..before.clone()
        };
        let platform = TenantScope::operator(TenantId::PLATFORM);
        let change = Change::ReplaceTenant { before, after };
        store.commit(&platform, &[change], None).await.unwrap();
        store.close().await;
    }

    /// The gate's store, opened beside it.
    pub async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.gate.data_dir().join("bartizan.db"))
            .await
            .unwrap()
    }

    fn record(&self, tenant: TenantId, team: TeamId) -> (String, KeyRecord) {
        let pepper = master(&self.gate.data_dir()).pepper();
        let key = VirtualKey::generate().unwrap();
        let id = KeyId::generate();
        let record = KeyRecord {
            id,
            tenant,
            team,
            project: None,
            owner: None,
            name: format!("key {id}"),
            digest: key.digest(&pepper),
            hint: key.hint(),
            predecessor: None,
            state: KeyState::Active,
            created: UnixMillis::now(),
            expires: None,
            models: ModelAccess::All,
            operations: vec![
                Operation::Chat,
                Operation::TextCompletion,
                Operation::Embeddings,
                Operation::CountTokens,
                Operation::ListModels,
            ],
            networks: Vec::new(),
            limits: Limits::default(),
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: credential::Marks::default(),
        };
        (key.expose().to_owned(), record)
    }

    /// Waits until the gate has heard of a key; one that it refuses anyway is waited for in vain, shortly.
    async fn known(&self, key: &str) {
        let until = Instant::now() + Duration::from_millis(400);
        while Instant::now() < until && self.gate.data().bearer(key).get("/v1/models").await.status == 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The value of one line of `/metrics`, 0 when there is none.
    pub async fn metric(&self, line_start: &str) -> f64 {
        let text = self.gate.health().get("/metrics").await.text();
        let line = text
            .lines()
            .find(|line| line.starts_with(line_start) && !line.starts_with('#'));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0.0)
    }
}

/// Waits until the gate answers this client so.
pub async fn becomes(client: &Client, status: u16) {
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        let answer = client.get("/v1/models").await;
        if answer.status == status {
            return;
        }
        assert!(
            Instant::now() < until,
            "still {}: {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The smallest call; good in both dialects.
pub fn call(model: &str) -> Value {
    json!({"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "Say hello."}]})
}

/// The same, streamed.
pub fn streamed(model: &str) -> Value {
    let mut body = call(model);
    body["stream"] = json!(true);
    body
}

/// The refusal's stable code.
pub fn code(answer: &Answer) -> String {
    let code = answer.header("x-refusal-code").unwrap_or_default().to_owned();
    let said = answer.json();
    assert!(
        said["error"]["code"].is_null() || said["error"]["code"] == code.as_str(),
        "{}",
        answer.text()
    );
    code
}
