//! An instance with people in it: the platform's staff, two tenants, and somebody of every role.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use control::prober::{Probed, Prober};
use control::serving::{ServedModel, ServedProvider, ServedSink, ServedTarget, Serving, TargetHealth};
use control::{Control, ControlParts, Keys, Mode, NewKeys, Patience, TwoPeople};
use credential::{Limits, MasterKey, SealingKey};
use domain::{
    AuditId, DataClass, KeyId, Money, Operation, Permission, RequestId, Secret, TenantId, TenantScope,
    UnixMillis,
};
use ledger::bundle::audit_origin_of;
use ledger::merkle::root_of;
use ledger::note::{Checkpoint, Signer};
use ledger::{AuditRecord, Kept};
use policy::Posture;
use serde_json::{Value, json};
use store::delivery::DeadLetter;
use store::{
    AuditQuery, Change, ExchangeRow, LogKind, MemoryStore, SealedExchange, Signing, Store, StoredCheckpoint,
};
use tokio::net::TcpListener;

use crate::matrix::webhook;
use crate::{Answer, send};

pub const PASSWORD: &str = "quartz lantern mumbles 42";

/// Where browsers believe to be.
pub const PUBLIC_URL: &str = "http://localhost:8081";
/// What the file would configure.
#[derive(Debug)]
struct Served;

impl Serving for Served {
    fn models(&self) -> Vec<ServedModel> {
        let target = ServedTarget {
            provider: "vendor".to_owned(),
            model: "m-1".to_owned(),
            weight: 1,
            priority: 0,
            input_nanos_per_million: Some(5),
            output_nanos_per_million: None,
            list_input_nanos_per_million: None,
            list_output_nanos_per_million: None,
            output_tokens_max: None,
        };
        vec![ServedModel {
            name: "m".to_owned(),
            output_tokens_max: Some(10),
            targets: vec![target],
        }]
    }

    fn billed_by(&self, _: &str) -> std::collections::BTreeSet<String> {
        ["local".to_owned()].into()
    }

    fn sinks(&self) -> Vec<ServedSink> {
        vec![ServedSink {
            name: "siem".to_owned(),
            kind: "webhook",
        }]
    }

    fn providers(&self) -> Vec<ServedProvider> {
        let target = TargetHealth {
            model: "m-1".to_owned(),
            breaker: "closed",
        };
        vec![ServedProvider {
            name: "vendor".to_owned(),
            kind: "openai",
            base_url: "https://10.0.0.9/v1".to_owned(),
            has_credential: true,
            targets: vec![target],
        }]
    }

    fn settings(&self) -> Value {
        json!({"posture": "development"})
    }

    fn prices(&self) -> BTreeMap<String, ledger::Dated> {
        let rates = ledger::Rates {
            input: 5,
            ..ledger::Rates::default()
        };
        let price = ledger::Price {
            standard: ledger::Scale { rates, long: None },
            ..ledger::Price::default()
        };
        [("vendor/m-1".to_owned(), ledger::Dated::always(price))].into()
    }
}

/// A provider that uses every credential but `spare`, and takes none that says it is bad.
#[derive(Debug)]
pub struct Picky;

#[async_trait]
impl Prober for Picky {
    async fn probe(&self, name: &str, value: &Secret) -> Vec<Probed> {
        let refused = value.expose().contains("bad").then(|| "it says 401".to_owned());
        let probed = Probed {
            provider: "picky".to_owned(),
            refused,
        };
        (name != "spare").then_some(probed).into_iter().collect()
    }
}

/// A running control plane on a store in memory.
pub struct Instance {
    pub address: SocketAddr,
    pub store: Arc<dyn Store>,
    pub setup_token: String,
}

/// Somebody, and how they show it.
#[derive(Debug, Clone)]
pub struct Person {
    pub address: SocketAddr,
    pub tenant: String,
    pub id: String,
    pub email: String,
    pub token: String,
}

/// After how long credentials are reported.
pub const PATIENCE: Patience = Patience {
    warn: Duration::from_secs(14 * 86_400),
    unused: Duration::from_secs(90 * 86_400),
    idle: Duration::from_secs(90 * 86_400),
};

/// The key of the instance's logs.
pub fn signer() -> Signer {
    Signer::from_seed("log", &[9; 32]).unwrap()
}

/// The keys of the instance's logs.
pub fn signing(store: Arc<dyn Store>) -> Arc<Signing> {
    let sealing = SealingKey::new(&[9; 32]).unwrap();
    Arc::new(Signing::with(store, signer(), sealing))
}

fn control(
    store: &Arc<dyn Store>,
    (posture, acts, mode): (Posture, Vec<Permission>, Mode),
    policies: policy::Configured,
    ignore_activated: bool,
) -> Arc<Control> {
    Control::new(ControlParts {
        hosts: vec!["gate.internal".to_owned()],
        store: store.clone(),
        signing: signing(store.clone()),
        prober: Arc::new(Picky),
        keys: Keys::derive(&MasterKey::from_bytes([7; 32])).unwrap(),
        policies,
        ignore_activated,
        differences: Arc::default(),
        posture,
        two_people: TwoPeople {
            acts,
            budgets_above: Some(Money::from_nanos(1_000_000_000_000)),
            token_budgets_above: Some(Money::from_nanos(1_000_000)),
            lasts: Duration::from_secs(3600),
        },
        new_keys: NewKeys {
            limits: Limits::default(),
            operations: vec![Operation::Chat],
        },
        patience: PATIENCE,
        public_url: PUBLIC_URL.to_owned(),
        provider_authorities: Vec::new(),
        mode,
        serving: Arc::new(Served),
    })
}

async fn serve(control: Arc<Control>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(control::serve(control, listener));
    address
}

impl Instance {
    pub async fn start(posture: Posture) -> Self {
        Self::with(posture, vec![Permission::ProjectsDelete]).await
    }

    /// One where these acts want a second person.
    pub async fn with(posture: Posture, acts: Vec<Permission>) -> Self {
        Self::start_in(posture, acts, Mode::Interactive).await
    }

    pub async fn start_in(posture: Posture, acts: Vec<Permission>, mode: Mode) -> Self {
        Self::on(Arc::new(MemoryStore::new()), (posture, acts, mode)).await
    }

    /// One on this store.
    pub async fn over(store: Arc<dyn Store>, posture: Posture) -> Self {
        let acts = vec![Permission::ProjectsDelete];
        Self::on(store, (posture, acts, Mode::Interactive)).await
    }

    async fn on(store: Arc<dyn Store>, (posture, acts, mode): (Posture, Vec<Permission>, Mode)) -> Self {
        let control = control(
            &store,
            (posture, acts, mode),
            policy::Configured::default(),
            false,
        );
        let setup_token = control.offer_setup(UnixMillis::now()).await.unwrap().unwrap();
        Self {
            address: serve(control).await,
            store,
            setup_token: setup_token.expose().to_owned(),
        }
    }

    /// Another node on the same store, where these acts want a second person; where it listens.
    pub async fn beside_wanting(&self, acts: Vec<Permission>) -> SocketAddr {
        let parts = (Posture::Development, acts, Mode::Interactive);
        serve(control(&self.store, parts, policy::Configured::default(), false)).await
    }

    /// Another node on the same store, with these policies of its own; where it listens.
    pub async fn beside(&self, configured: policy::Configured, ignore_activated: bool) -> SocketAddr {
        serve(control(
            &self.store,
            (Posture::Development, Vec::new(), Mode::Interactive),
            configured,
            ignore_activated,
        ))
        .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(
            self.address,
            "POST",
            path,
            "content-type: application/json\r\n",
            &body.to_string(),
        )
        .await
    }

    /// The first administrator.
    pub async fn root(&self) -> Person {
        let body = json!({"token": self.setup_token, "email": "root@example.com", "name": "Root", "password": PASSWORD});
        let made = self.post("/api/v1/setup", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        Person::of(self.address, "root@example.com", &made.json())
    }

    pub async fn sign_in(&self, tenant: &str, email: &str, password: &str) -> Answer {
        let body = json!({"tenant": tenant, "email": email, "password": password});
        self.post("/api/v1/sessions", &body).await
    }
}

impl Person {
    pub fn of(address: SocketAddr, email: &str, session: &Value) -> Self {
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        Self {
            address,
            tenant: text("tenant"),
            id: text("user"),
            email: email.to_owned(),
            token: text("token"),
        }
    }

    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(method, path, "if-match: *\r\n", body).await
    }

    pub async fn ask_with(&self, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Answer {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let headers = format!(
            "authorization: Bearer {}\r\ncontent-type: application/json\r\n{headers}",
            self.token
        );
        send(self.address, method, path, &headers, &body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body)).await
    }

    /// What was made; it must have been.
    pub async fn make(&self, path: &str, body: &Value) -> Value {
        let made = self.post(path, body).await;
        assert_eq!(made.status, 201, "POST {path}: {made:?}");
        made.json()
    }

    /// Adds somebody to a tenant, who signs in.
    pub async fn invite(&self, instance: &Instance, tenant: &str, email: &str) -> Person {
        let path = format!("/api/v1/tenants/{tenant}/users");
        let made = self
            .make(&path, &json!({"email": email, "name": "A Person"}))
            .await;
        let body =
            json!({"tenant": tenant, "email": email, "token": made["setup_token"], "password": PASSWORD});
        let set = instance.post("/api/v1/password", &body).await;
        assert_eq!(set.status, 204, "{set:?}");
        let session = instance.sign_in(tenant, email, PASSWORD).await;
        assert_eq!(session.status, 201, "{session:?}");
        Person::of(self.address, email, &session.json())
    }

    /// Gives somebody a role.
    pub async fn give(&self, to: &Person, role: &str, team: Option<&str>) -> Value {
        let mut body = json!({"holder": to.id, "role": role});
        if let Some(team) = team {
            body["team"] = team.into();
        }
        self.make(&format!("/api/v1/tenants/{}/grants", to.tenant), &body)
            .await
    }
}

/// A tenant with two teams and something of everything in the first.
#[derive(Debug, Clone)]
pub struct House {
    pub tenant: String,
    pub team: String,
    pub other_team: String,
    pub project: String,
    pub service: String,
    pub token: String,
    pub key: String,
    pub budget: String,
    pub stop: String,
    pub user: Person,
    pub grant: String,
    pub session: String,
    /// Root wants to remove the project.
    pub approval: String,
    /// Somebody's broken glass.
    pub time: String,
    pub version: String,
    pub credential: String,
    /// The first record of its audit log, which is signed for.
    pub record: String,
    /// A call of which something is kept.
    pub request: String,
    /// Somebody whom the tenant has told, and one letter that was not taken.
    pub sink: String,
    pub schedule: String,
}

/// So many days from now, RFC 3339.
pub fn in_days(days: i64) -> String {
    let at = UnixMillis::now().0 + days * 86_400_000;
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// Signs a tenant's audit log as it stands, and returns the id of its first record.
async fn signed_record(instance: &Instance, tenant: TenantId) -> String {
    let (store, scope) = (&instance.store, TenantScope::operator(tenant));
    let size = store.log_size(&scope, LogKind::Audit).await.unwrap();
    let leaves = store.log_leaves(&scope, LogKind::Audit, 0, size).await.unwrap();
    let head = Checkpoint {
        origin: audit_origin_of("log", tenant),
        size,
        root: root_of(&leaves),
    };
    let checkpoint = StoredCheckpoint {
        size,
        signed: UnixMillis::now(),
        note: signer().sign(&head).unwrap(),
    };
    store
        .put_log_checkpoint(&scope, LogKind::Audit, &checkpoint, 0)
        .await
        .unwrap();
    let query = AuditQuery {
        before: Some(1),
        count: 1,
        ..AuditQuery::default()
    };
    let first = store.audit(&scope, &query).await.unwrap();
    AuditRecord::from_bytes(&first[0].bytes).unwrap().id.to_string()
}

/// Keeps an exchange of a call; it does not open, which those who may read it are told.
async fn kept_exchange(instance: &Instance, tenant: TenantId) -> String {
    let id = RequestId::generate();
    let row = ExchangeRow {
        id,
        started: UnixMillis::now(),
        key: KeyId::generate(),
        model: Some("gpt-4o".to_owned()),
        kept: Kept::Redacted,
        status: 200,
        data_class: DataClass::Internal,
        request_bytes: 1,
        answer_bytes: 2,
    };
    let kept = SealedExchange { row, sealed: vec![1] };
    let scope = TenantScope::operator(tenant);
    assert_eq!(instance.store.keep_exchanges(&scope, &[kept]).await, Ok(1));
    id.to_string()
}

/// Something that this sink did not take.
pub async fn bury(instance: &Instance, tenant: TenantId, sink: &str) {
    let letter = DeadLetter {
        index: 0,
        record: AuditId::generate(),
        act: "budgets.mark".to_owned(),
        at: UnixMillis::now(),
        why: "answered with 410".to_owned(),
    };
    let change = Change::Create(letter.to_record(sink).unwrap());
    let scope = TenantScope::operator(tenant);
    instance.store.commit(&scope, &[change], None).await.unwrap();
}

impl House {
    pub async fn build(instance: &Instance, root: &Person, name: &str) -> Self {
        let tenant = id(&root.make("/api/v1/tenants", &json!({"name": name})).await);
        let base = format!("/api/v1/tenants/{tenant}");
        let team = id(&root.make(&format!("{base}/teams"), &json!({"name": "one"})).await);
        let other_team = id(&root.make(&format!("{base}/teams"), &json!({"name": "two"})).await);
        let in_team = format!("{base}/teams/{team}");
        let project = id(&root
            .make(&format!("{in_team}/projects"), &json!({"name": "search"}))
            .await);
        let service = id(&root
            .make(&format!("{in_team}/services"), &json!({"name": "crawler"}))
            .await);
        let token = json!({"name": "ci", "expires": in_days(30)});
        let token = id(&root
            .make(&format!("{base}/services/{service}/tokens"), &token)
            .await);
        let user = root.invite(instance, &tenant, "plain@example.com").await;
        let key = json!({"name": "ci", "owner": service});
        let key = id(&root.make(&format!("{in_team}/keys"), &key).await);
        let budget = json!({"name": "all", "limit_nanos": 1_000_000_000, "window": "month"});
        let budget = id(&root.make(&format!("{base}/budgets"), &budget).await);
        let team_budget = json!({"name": "team", "limit_nanos": 1_000_000, "window": "day", "of": team});
        root.make(&format!("{base}/budgets"), &team_budget).await;
        let stop = json!({"session": "run/0", "why": "it runs in circles"});
        let stop = id(&root.make(&format!("{base}/stops"), &stop).await);
        let sso = json!({"issuer": "https://id.example", "client_id": "gate", "domains": ["example.com"]});
        assert_eq!(
            root.ask("PUT", &format!("{base}/sso"), Some(&sso)).await.status,
            200
        );
        assert_eq!(root.ask("POST", &format!("{base}/scim"), None).await.status, 201);
        let grant = id(&root.give(&user, "viewer", Some(&other_team)).await);
        let sessions = root.get(&format!("{base}/sessions")).await.json();
        let session = id(&sessions["items"][0]);
        let wish = root
            .ask("DELETE", &format!("{base}/projects/{project}"), None)
            .await;
        assert_eq!(wish.status, 202, "{wish:?}");
        let approval = id(&wish.json());
        let time = "bgl_00000000000000000000000000000001".to_owned();
        let version = json!({"plane": "calls", "files": [{"name": "own.cedar", "text": ""}], "reason": name});
        let version = root.make("/api/v1/policies/versions", &version).await;
        let credential = format!("of-{name}");
        for (kind, body) in [
            ("samples", json!({"text": "We are kind."})),
            (
                "prompts",
                json!({"messages": [{"role": "system", "text": "Be kind."}]}),
            ),
        ] {
            let path = format!("{base}/{kind}/{credential}");
            let made = root.ask("PUT", &path, Some(&body)).await;
            assert_eq!(made.status, 200, "{made:?}");
        }
        let made = json!({"name": credential, "value": "sk-cnry-good"});
        root.make("/api/v1/credentials", &made).await;
        let tenant_id = tenant.parse().unwrap();
        let sink = id(&root.make(&format!("{base}/sinks"), &webhook("own")).await);
        let schedule = json!({
            "name": "monthly", "report": "costs", "place": {"form": "webhook", "address": "https://hooks.example/costs"},
            "secrets": ["a-secret-of-more-than-24-bytes"],
        });
        let schedule = id(&root.make(&format!("{base}/schedules"), &schedule).await);
        bury(instance, tenant_id, &sink).await;
        let record = signed_record(instance, tenant_id).await;
        Self {
            approval,
            time,
            tenant,
            team,
            other_team,
            project,
            service,
            token,
            key,
            budget,
            stop,
            user,
            grant,
            session,
            version: version["number"].to_string(),
            credential,
            record,
            request: kept_exchange(instance, tenant_id).await,
            sink,
            schedule,
        }
    }

    /// A path of the list with this house's ids in it.
    pub fn path(&self, pattern: &str) -> String {
        let (mut path, siem, first) = (pattern.to_owned(), "siem".to_owned(), "1".to_owned());
        for (name, id) in [
            ("{tenant}", &self.tenant),
            ("{team}", &self.team),
            ("{project}", &self.project),
            ("{service}", &self.service),
            ("{token}", &self.token),
            ("{user}", &self.user.id),
            ("{grant}", &self.grant),
            ("{key}", &self.key),
            ("{budget}", &self.budget),
            ("{stop}", &self.stop),
            ("{session}", &self.session),
            ("{approval}", &self.approval),
            ("{time}", &self.time),
            // Called like the credential.
            ("{sample}", &self.credential),
            ("{prompt}", &self.credential),
            (
                "{version}",
                match pattern.contains("{prompt}") {
                    true => &first,
                    false => &self.version,
                },
            ),
            ("{passkey}", &"psk_00000000000000000000000000000009".to_owned()),
            ("{credential}", &self.credential),
            ("{record}", &self.record),
            ("{request}", &self.request),
            ("{statement}", &"1".to_owned()),
            ("{increase}", &"1".to_owned()),
            ("{number}", &"0".to_owned()),
            (
                "{sink}",
                match pattern.contains("/tenants/") {
                    true => &self.sink,
                    false => &siem,
                },
            ),
            ("{schedule}", &self.schedule),
            (
                "{reconciliation}",
                &"rec_00000000000000000000000000000009".to_owned(),
            ),
        ] {
            path = path.replace(name, id);
        }
        assert!(!path.contains('{'), "{path}");
        path
    }
}
