//! What the tests about money stand on: a provider that meters, a gate, and a tenant of their own with keys and
//! budgets, looked at through the store's ports. Nothing here asserts what a test is about.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use credential::{KeyRecord, KeyState, Limits, MasterKey, ModelAccess, Pepper, VirtualKey, purpose};
use domain::{BudgetId, KeyId, Money, Operation, TeamId, TenantId, TenantScope, UnixMillis};
use http::Method;
use ledger::bundle::{ExportLine, origin_of, verify_export};
use ledger::note::{Signer, Verifier};
use ledger::{Budget, BudgetScope, Entry, Outcome, Standing, Terms, UsageSource, Window};
use serde_json::{Value, json};
use store::{Store, Team, Tenant};
use store_sqlite::SqliteStore;
use testkit::provider::UsualWords;
use testkit::{Client, Gate, GateBuilder, Received, Reply, ScriptedProvider};

use crate::scene::master;

/// Nanodollars for a prompt token of every scripted model.
pub const INPUT: i64 = 10_000;
/// Nanodollars for a generated token.
pub const OUTPUT: i64 = 2_000_000;
/// What the scripted provider says every prompt had.
pub const PROMPT_TOKENS: u64 = 10;

/// The built gate.
pub fn gate() -> GateBuilder {
    Gate::builder(env!("CARGO_BIN_EXE_bartizan"))
}

/// `few` in the usual run, ten times as much when soaking.
pub fn soaked(few: usize) -> usize {
    if std::env::var_os("BARTIZAN_SOAK").is_some() {
        few * 10
    } else {
        few
    }
}

/// One call of many: its number decides what it is and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    pub number: u64,
    pub max_tokens: u64,
}

impl Call {
    pub fn new(number: u64) -> Self {
        Self {
            number,
            max_tokens: 16,
        }
    }

    pub fn streams(&self) -> bool {
        self.number % 2 == 1
    }

    pub fn is_anthropic(&self) -> bool {
        self.number % 3 == 2
    }

    /// Whether its caller hangs up in the middle, in a [`storm`].
    pub fn is_abandoned(&self) -> bool {
        self.streams() && self.number.is_multiple_of(7)
    }

    pub fn path(&self) -> &'static str {
        if self.is_anthropic() {
            "/v1/messages"
        } else {
            "/v1/chat/completions"
        }
    }

    pub fn body(&self, model: &str) -> Value {
        json!({"model": model, "max_tokens": self.max_tokens, "stream": self.streams(),
            "messages": [{"role": "user", "content": format!("call {}", self.number)}]})
    }

    /// What the provider generates for it.
    pub fn output(&self) -> u64 {
        (1 + self.number % 16).min(self.max_tokens)
    }

    /// What the provider bills for it when it is answered in full.
    pub fn cost(&self) -> Money {
        price(PROMPT_TOKENS, self.output())
    }

    /// The call that a provider received.
    pub fn of(received: &Received) -> Self {
        let body = received.json();
        let content = &body["messages"][0]["content"];
        let text = content.as_str().or_else(|| content[0]["text"].as_str());
        let number = text
            .and_then(|text| text.strip_prefix("call "))
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let asked = [&body["max_tokens"], &body["max_completion_tokens"]];
        let max_tokens = asked.into_iter().find_map(Value::as_u64).unwrap_or(u64::MAX);
        Self { number, max_tokens }
    }
}

/// What these tokens cost.
pub fn price(input: u64, output: u64) -> Money {
    Money::from_nanos(i64::try_from(input).unwrap() * INPUT + i64::try_from(output).unwrap() * OUTPUT)
}

/// Answers each [`Call`] with what it says it will generate, one token a word.
pub fn metered(every_ms: u64) -> Reply {
    Reply::from_request(move |received| {
        let output = Call::of(received).output();
        Reply::words(UsualWords {
            text: "hello ".repeat(usize::try_from(output).unwrap()),
            usage: Some((PROMPT_TOKENS, output)),
            every_ms,
            ..UsualWords::default()
        })
    })
}

/// Configuration in front of one scripted provider that is known by both dialects; `more` goes on top.
pub fn config(provider: &ScriptedProvider, more: &str) -> String {
    let url = provider.base_url();
    let store = if more.contains("store:") {
        ""
    } else {
        "store: { engine: sqlite, refresh_every_ms: 50 }\n"
    };
    let timeouts = "timeouts: { first_byte_ms: 1500, idle_ms: 1000, total_ms: 4000 }";
    format!(
        "telemetry: {{ log: {{ level: info }} }}\nledger: {{ checkpoint_every_ms: 1000 }}\n{store}\
         providers:\n  - {{ name: p, kind: openai, base_url: \"{url}\", models: [gpt-4o], {timeouts} }}\n  \
         - {{ name: a, kind: anthropic, base_url: \"{url}\", models: [claude], {timeouts} }}\n\
         prices:\n  overrides:\n    \
         - {{ provider: p, model: \"gpt-4o\", input_per_million: 10, output_per_million: 2000 }}\n    \
         - {{ provider: a, model: \"claude\", input_per_million: 10, output_per_million: 2000 }}\n{more}\n"
    )
}

/// A tenant of the test's own, made and looked at through the store.
#[derive(Clone)]
pub struct House {
    pub store: Arc<dyn Store>,
    pub tenant: TenantId,
    pub team: TeamId,
    pub scope: TenantScope,
    pepper: Arc<Pepper>,
    signer: Arc<Signer>,
}

impl House {
    /// In this store, whose instance has this master key.
    pub async fn build(store: Arc<dyn Store>, master: &MasterKey, limits: (Limits, Limits)) -> Self {
        let (tenant, team) = (TenantId::generate(), TeamId::generate());
        let scope = TenantScope::operator(tenant);
        let (tenant_limits, team_limits) = limits;
        let house = Tenant {
            id: tenant,
            name: format!("house {tenant}"),
            limits: tenant_limits,
            state: store::TenantState::default(),
            history: ledger::Keeping::NONE,
        };
        store.create_tenant(&house).await.unwrap();
        let people = Team {
            id: team,
            tenant,
            name: "people".to_owned(),
            limits: team_limits,
        };
        store.create_team(&scope, &people).await.unwrap();
        let signer = Signer::from_seed("bartizan", &master.derive(purpose::LEDGER_SIGNER)).unwrap();
        Self {
            store,
            tenant,
            team,
            scope,
            pepper: Arc::new(master.pepper()),
            signer: Arc::new(signer),
        }
    }

    /// In the embedded store of a running gate.
    pub async fn of(gate: &Gate) -> Self {
        Self::limited(gate, (Limits::default(), Limits::default())).await
    }

    /// The same with limits of the tenant and of the team.
    pub async fn limited(gate: &Gate, limits: (Limits, Limits)) -> Self {
        let store = SqliteStore::open(&gate.data_dir().join("bartizan.db"))
            .await
            .unwrap();
        Self::build(Arc::new(store), &master(&gate.data_dir()), limits).await
    }

    /// A budget of this house.
    pub async fn budget(&self, scope: BudgetScope, limit: Money, window: Window) -> Budget {
        let id = BudgetId::generate();
        let budget = Budget {
            id,
            tenant: self.tenant,
            scope,
            name: format!("{scope:?}"),
            limit,
            window,
            terms: Terms::default(),
        };
        self.store.put_budget(&self.scope, &budget).await.unwrap();
        budget
    }

    /// A key of this house, unlimited but for its budgets.
    pub async fn key(&self) -> Key {
        self.limited_key(KeyId::generate(), Limits::default()).await
    }

    /// A client with a key of its own that sends JSON.
    pub async fn caller(&self, gate: &Gate) -> Client {
        let client = self.key().await.at(gate).await;
        client.header("content-type", "application/json")
    }

    /// A budget of this house that `change` has made what the case needs; of the whole tenant's money otherwise.
    pub async fn budget_with(&self, limit: Money, change: impl FnOnce(&mut Budget)) -> Budget {
        let mut budget = Budget {
            id: BudgetId::generate(),
            tenant: self.tenant,
            scope: BudgetScope::Tenant,
            name: "made".to_owned(),
            limit,
            window: Window::Total,
            terms: Terms::default(),
        };
        change(&mut budget);
        self.store.put_budget(&self.scope, &budget).await.unwrap();
        budget
    }

    /// A key of this house with this id and these limits.
    pub async fn limited_key(&self, id: KeyId, limits: Limits) -> Key {
        self.key_with(|key| (key.id, key.limits) = (id, limits)).await
    }

    /// A key of this house that `change` has made what the case needs.
    pub async fn key_with(&self, change: impl FnOnce(&mut KeyRecord)) -> Key {
        let key = VirtualKey::generate().unwrap();
        let mut record = KeyRecord {
            id: KeyId::generate(),
            tenant: self.tenant,
            team: self.team,
            project: None,
            owner: None,
            name: "test".to_owned(),
            digest: key.digest(&self.pepper),
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
        change(&mut record);
        self.store.create_key(&self.scope, &record).await.unwrap();
        Key {
            record,
            text: key.expose().to_owned(),
        }
    }

    /// How a budget stands in its present window.
    pub async fn standing(&self, budget: &Budget) -> Standing {
        let start = budget.window.start(UnixMillis::now());
        self.store.standing(&self.scope, budget.id, start).await.unwrap()
    }

    /// All entries of the house's ledger.
    pub async fn entries(&self) -> Vec<Entry> {
        let stored = self.store.entries(&self.scope, 0, 1_000_000).await.unwrap();
        stored
            .iter()
            .map(|stored| Entry::from_bytes(&stored.bytes).unwrap())
            .collect()
    }

    /// Waits until the ledger has `count` entries, and returns them; more are as wrong as fewer.
    pub async fn wait_for_entries(&self, count: usize) -> Vec<Entry> {
        let until = Instant::now() + Duration::from_secs(15);
        loop {
            let entries = self.entries().await;
            if entries.len() >= count {
                assert_eq!(entries.len(), count, "more entries than calls: {entries:#?}");
                return entries;
            }
            assert!(
                Instant::now() < until,
                "{} of {count} entries: {entries:#?}",
                entries.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for the one entry of a request.
    pub async fn entry(&self, id: &str) -> Entry {
        let until = Instant::now() + Duration::from_secs(15);
        loop {
            if let Ok(stored) = self.store.entry(&self.scope, id.parse().unwrap()).await {
                return Entry::from_bytes(&stored.bytes).unwrap();
            }
            assert!(Instant::now() < until, "no entry of {id}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nobody holds anything of this budget, and says what was spent.
    pub async fn spent_when_idle(&self, budget: &Budget) -> Money {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let standing = self.standing(budget).await;
            if standing.leased == Money::ZERO && standing.unexplained == Money::ZERO {
                return standing.spent;
            }
            assert!(
                Instant::now() < until,
                "budget `{}` is still held: {standing:?}",
                budget.name
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Exports the house's ledger as an operator would, and verifies it offline: every entry under a signed head.
    pub async fn verify(&self) {
        let verifier = Verifier::parse(&self.signer.verifier_text()).unwrap();
        let until = Instant::now() + Duration::from_secs(15);
        let (checkpoint, size) = loop {
            let checkpoint = self.store.checkpoint(&self.scope).await.unwrap();
            let size = self.store.size(&self.scope).await.unwrap();
            if let Some(checkpoint) = checkpoint.filter(|checkpoint| checkpoint.size == size) {
                break (checkpoint, size);
            }
            assert!(Instant::now() < until, "no signed head over {size} entries");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let mut lines = vec![ExportLine::header(&origin_of("bartizan", self.tenant), &verifier).to_line()];
        for stored in self.store.entries(&self.scope, 0, size).await.unwrap() {
            lines.push(ExportLine::entry(stored.index, &stored.bytes).unwrap().to_line());
        }
        lines.push(ExportLine::checkpoint(&checkpoint.note).to_line());
        let report = verify_export(&lines, &verifier, None).unwrap();
        assert_eq!(report.entries, size);
    }
}

/// A virtual key and its record.
#[derive(Clone)]
pub struct Key {
    pub record: KeyRecord,
    pub text: String,
}

impl Key {
    /// A client with this key, once the gate knows it.
    pub async fn at(&self, gate: &Gate) -> Client {
        let client = gate.data().bearer(&self.text);
        let until = Instant::now() + Duration::from_secs(5);
        while client.get("/v1/models").await.status != 200 {
            assert!(
                Instant::now() < until,
                "the gate does not know the key\n{}",
                gate.lines().tail()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client
    }
}

/// How one call went, as its caller saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub call: Call,
    /// The request's id, if a head came.
    pub id: Option<String>,
    pub status: u16,
    /// The stable code of a refusal.
    pub code: String,
    pub body: Bytes,
    /// Whether it was answered to its proper end, whatever the answer.
    pub whole: bool,
}

impl Seen {
    /// Answered to the end, with what was asked for.
    pub fn is_answered(&self) -> bool {
        self.whole && self.status == 200
    }
}

/// Makes one call; `pieces` is after how many pieces of the answer to hang up, if at all.
pub async fn make(client: &Client, model: &str, call: Call, pieces: Option<usize>) -> Seen {
    let client = client.header("content-type", "application/json");
    let opening = client.open(
        Method::POST,
        call.path(),
        Bytes::from(call.body(model).to_string()),
    );
    let mut seen = Seen {
        call,
        id: None,
        status: 0,
        code: String::new(),
        body: Bytes::new(),
        whole: false,
    };
    let Ok(Ok(mut live)) = tokio::time::timeout(Duration::from_secs(20), opening).await else {
        return seen;
    };
    seen.status = live.status;
    let header = |name| {
        live.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    seen.id = header("x-request-id");
    seen.code = header("x-refusal-code").unwrap_or_default();
    let mut body = Vec::new();
    let reading = async {
        let mut count = 0;
        while pieces.is_none_or(|pieces| count < pieces) {
            match live.next().await {
                Some(Ok(piece)) => body.extend_from_slice(&piece.bytes),
                Some(Err(_)) => return false,
                None => return true,
            }
            count += 1;
        }
        false
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .unwrap_or(false);
    let text = String::from_utf8_lossy(&body).into_owned();
    let terminated =
        seen.status != 200 || !call.streams() || text.contains("[DONE]") || text.contains("message_stop");
    // A stream that fails ends with an error of its dialect.
    seen.whole = ended && terminated && (seen.status != 200 || !text.contains("\"error\":{"));
    seen.body = body.into();
    seen
}

/// Makes `count` calls with `clients` at a time; every seventh stream is abandoned after two pieces.
pub async fn storm(
    clients: &[Client],
    model: &'static str,
    numbers: std::ops::Range<usize>,
    at_once: usize,
) -> Vec<Seen> {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let workers: Vec<_> = (0..at_once)
        .map(|worker| {
            let (client, next) = (clients[worker % clients.len()].clone(), next.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return seen;
                    }
                    let call = Call::new(number as u64);
                    let leaves = call.is_abandoned().then_some(2);
                    seen.push(make(&client, model, call, leaves).await);
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all
}

/// The sum of a metric over all its labels.
pub async fn metric(gate: &Gate, name: &str) -> i64 {
    let text = gate.health().get("/metrics").await.text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .map(|value| value as i64)
        .sum()
}

/// The sum of what entries cost.
pub fn total(entries: &[Entry]) -> Money {
    entries.iter().map(|entry| entry.cost).sum()
}

/// Checks what must hold of every call and its entry, whatever went on: each answer that came whole has exactly one
/// entry, which says what the provider billed; what was refused cost nothing.
// threat: AGP-R1
pub fn check_books(seen: &[Seen], entries: &[Entry]) {
    let mut by_id: HashMap<String, Vec<&Entry>> = HashMap::new();
    for entry in entries {
        by_id.entry(entry.id.to_string()).or_default().push(entry);
    }
    assert!(
        by_id.values().all(|same| same.len() == 1),
        "an entry stands twice"
    );
    for one in seen {
        let entry = one.id.as_ref().and_then(|id| by_id.get(id)).map(|found| found[0]);
        if one.is_answered() {
            let entry = entry.unwrap_or_else(|| panic!("answered without an entry: {one:?}"));
            assert_eq!(entry.outcome, Outcome::Completed, "{one:?}");
            assert_eq!(entry.usage_source, UsageSource::Provider, "{one:?}");
            assert_eq!(entry.cost, one.call.cost(), "{one:?} {entry:?}");
        } else if one.whole {
            let entry = entry.unwrap_or_else(|| panic!("refused without an entry: {one:?}"));
            assert!(matches!(entry.outcome, Outcome::Refused(_)), "{entry:?}");
            assert_eq!(entry.cost, Money::ZERO, "{entry:?}");
        }
    }
}
