//! What is kept, on both databases: nothing of it stands in them in plain, what a removal took is told from what somebody
//! took out, and after a kill exactly what waited is missing, and said to be.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use credential::{MasterKey, SealingKey};
use domain::{ByClass, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{Entry, Kept};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use store::{ExchangeQuery, LogKind, Store};
use store_postgres::{Bounds, PostgresStore};
use store_sqlite::SqliteStore;
use telemetry::Metrics;
use testkit::{Gate, Reply, ScriptedProvider};
use worker::{Bounds as Days, Historian, Seals};

use crate::money_postgres::Postgres;
use crate::scene::{self, call, providers};

const ASKED: &str = "quagga-of-the-prompt";
const SAID: &str = "axolotl-of-the-answer";
/// The promise is a second; a machine that does other things beside is given more.
pub const BOUND: Duration = Duration::from_secs(20);
const OFTEN: &str = "ledger: { checkpoint_every_ms: 1000 }\n";

/// As sentences: a long word without spaces is taken for bytes.
fn often(word: &str) -> String {
    format!("Here stands {word} once more. ").repeat(20)
}

/// A gate on one of the databases, and its store, looked at beside it.
pub struct Ground {
    pub gate: Gate,
    pub provider: ScriptedProvider,
    pub key: String,
    pub scope: TenantScope,
    pub store: Arc<dyn Store>,
    pub postgres: Option<Postgres>,
}

impl Ground {
    async fn new(on_postgres: bool) -> Self {
        Self::with(on_postgres, "").await
    }

    /// With more in the configuration.
    pub async fn with(on_postgres: bool, more: &str) -> Self {
        let provider = ScriptedProvider::start().await;
        let text = providers(&provider.base_url()) + OFTEN + more;
        let (gate, postgres) = if on_postgres {
            let postgres = Postgres::start().await;
            let text = text.replace("store: {", "store: { engine: postgres, url: \"env:DATABASE\",");
            let master = MasterKey::generate().unwrap().to_wrapping_file(None).unwrap();
            let builder = scene::builder().config(text).env("DATABASE", postgres.url());
            let gate = builder.file("data/master.key", master.as_bytes()).start().await;
            (gate, Some(postgres))
        } else {
            (scene::builder().config(text).start().await, None)
        };
        let store: Arc<dyn Store> = match &postgres {
            Some(postgres) => {
                let opened = PostgresStore::connect(postgres.url(), Bounds::default()).await;
                Arc::new(opened.unwrap())
            }
            None => Arc::new(
                SqliteStore::open(&gate.data_dir().join("bartizan.db"))
                    .await
                    .unwrap(),
            ),
        };
        let line = gate
            .lines()
            .wait_for("shown this once: ", Duration::from_secs(10))
            .await;
        let key = line.rsplit(' ').next().unwrap().to_owned();
        let tenants = store.load().await.unwrap().tenants;
        let own = tenants.iter().find(|tenant| tenant.name == "default").unwrap();
        Self {
            scope: TenantScope::operator(own.id),
            gate,
            provider,
            key,
            store,
            postgres,
        }
    }

    pub async fn run(&self, line: &str) -> (i32, String) {
        let done = self.gate.cli(&line.split(' ').collect::<Vec<_>>()).await;
        let said = [done.stdout, done.stderr].concat();
        (
            done.status.code().unwrap(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// What `history check` says, and its exit status.
    async fn check(&self) -> (i32, Value) {
        let done = self.gate.cli(&["--json", "history", "check"]).await;
        (
            done.status.code().unwrap(),
            serde_json::from_slice(&done.stdout).unwrap(),
        )
    }

    /// The same, once every record that it needs is under a signed head.
    pub async fn checked(&self) -> (i32, Value) {
        let since = Instant::now();
        loop {
            let (code, said) = self.check().await;
            if said["unrecorded"] == 0 {
                return (code, said);
            }
            assert!(since.elapsed() < BOUND, "{said}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn called(&self, stream: bool) -> RequestId {
        let mut body = call("m-oa");
        body["messages"][0]["content"] = json!(often(ASKED));
        body["stream"] = json!(stream);
        let client = self.gate.data().bearer(&self.key);
        let live = client.stream("/v1/chat/completions", &body).await;
        let id = live.headers["x-request-id"].to_str().unwrap().parse().unwrap();
        live.body().await.unwrap();
        id
    }

    pub async fn entry(&self, id: RequestId) -> Entry {
        let since = Instant::now();
        loop {
            if let Ok(stored) = self.store.entry(&self.scope, id).await {
                return Entry::from_bytes(&stored.bytes).unwrap();
            }
            assert!(since.elapsed() < BOUND, "{id} never got into the ledger");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn stored(&self, id: RequestId) -> Kept {
        let since = Instant::now();
        loop {
            if let Ok(exchange) = self.store.exchange(&self.scope, id).await {
                return exchange.row.kept;
            }
            assert!(since.elapsed() < BOUND, "{id} is not stored");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Says what is kept, and waits until calls are.
    pub async fn keep(&self, kept: Kept) {
        let (code, said) = self.run(&format!("history keep {kept}")).await;
        assert_eq!(code, 0, "{said}");
        let since = Instant::now();
        loop {
            let id = self.called(false).await;
            let has_digest = self.entry(id).await.exchange.is_some();
            if has_digest && self.stored(id).await == kept {
                return;
            }
            assert!(since.elapsed() < BOUND, "{kept} is not heard of");
        }
    }

    /// Taken out by whoever owns the database.
    pub async fn take_out(&self, id: RequestId) {
        match &self.postgres {
            Some(postgres) => {
                let delete = format!("DELETE FROM bartizan.exchanges WHERE id = '{id}'");
                postgres.run(&delete).await;
            }
            None => {
                let delete = sqlx::query("DELETE FROM exchanges WHERE id = ?").bind(id.to_string());
                let done = delete.execute(&mut self.database().await).await.unwrap();
                assert_eq!(done.rows_affected(), 1);
            }
        }
    }

    pub async fn database(&self) -> SqliteConnection {
        let file = self.gate.data_dir().join("bartizan.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        options.busy_timeout(BOUND).connect().await.unwrap()
    }

    /// Which of these stand in the database's dump or in any file of the instance: as they are, or as a dump spells bytes.
    fn found(&self, planted: &[&str]) -> Vec<String> {
        let mut all = vec![Vec::new()];
        if let Some(postgres) = &self.postgres {
            let dump = Command::new("pg_dump")
                .arg(postgres.owner_url())
                .output()
                .unwrap();
            assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
            assert!(dump.stdout.windows(9).any(|window| window == b"exchanges"));
            all.push(dump.stdout);
        }
        files(&self.gate.data_dir(), &mut all);
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let spellings = planted.iter().flat_map(|text| [(*text).to_owned(), hex(text)]);
        spellings
            .filter(|text| all.iter().any(|bytes| stands_in(bytes, text.as_bytes())))
            .collect()
    }

    /// Everything that is stored, by call.
    async fn all_stored(&self) -> Vec<RequestId> {
        let query = ExchangeQuery {
            count: 10_000,
            ..ExchangeQuery::default()
        };
        let rows = self.store.exchanges(&self.scope, &query).await.unwrap();
        rows.iter().map(|row| row.id).collect()
    }
}

pub fn stands_in(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

pub fn files(folder: &Path, all: &mut Vec<Vec<u8>>) {
    for found in std::fs::read_dir(folder).unwrap() {
        let path = found.unwrap().path();
        match path.is_dir() {
            true => files(&path, all),
            // What goes meanwhile is no more on the disk.
            false => all.extend(std::fs::read(&path).ok()),
        }
    }
}

/// `full` and `redacted` calls, and a look for what they said in everything that is written anywhere.
async fn nothing_stands_in_plain(on_postgres: bool) {
    let ground = Ground::new(on_postgres).await;
    ground.provider.script("*", Reply::text(&often(SAID)));
    for kept in [Kept::Redacted, Kept::Full] {
        ground.keep(kept).await;
        for stream in [false, true] {
            let id = ground.called(stream).await;
            assert_eq!(ground.stored(id).await, kept);
            let (code, shown) = ground.run(&format!("history show {id}")).await;
            assert_eq!(code, 0, "{shown}");
            // A stream is kept event by event, and these may part the words.
            let is_said = shown.contains(SAID) || (stream && kept == Kept::Full);
            assert!(shown.contains(ASKED) && is_said, "{shown}");
        }
    }
    assert_eq!(ground.found(&[ASKED, SAID]), Vec::<String>::new());
    // The same look finds what is stored unsealed: it could have found the others.
    let id = ground.called(false).await;
    ground.stored(id).await;
    let mut kept = ground.store.exchange(&ground.scope, id).await.unwrap();
    (kept.row.id, kept.sealed) = (RequestId::generate(), ASKED.as_bytes().to_vec());
    ground.store.keep_exchanges(&ground.scope, &[kept]).await.unwrap();
    assert_eq!(ground.found(&[ASKED, SAID]).len(), 1);
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i2_no_file_of_an_instance_on_sqlite_holds_a_prompt_or_an_answer() {
    nothing_stands_in_plain(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i2_no_dump_of_postgresql_holds_a_prompt_or_an_answer() {
    nothing_stands_in_plain(true).await;
}

/// For what is never sealed here.
#[derive(Debug)]
pub struct NoSeals;

impl Seals for NoSeals {
    fn key(&self, _: TenantId) -> Option<Arc<SealingKey>> {
        None
    }
}

/// What an instance lets tenants keep.
#[derive(Debug)]
pub struct Allowed(pub ByClass<u16>);

impl Days for Allowed {
    fn days_max(&self) -> ByClass<u16> {
        self.0
    }
}

/// What was purged and what was over is told with who and when; what somebody took out is missing.
async fn removed_is_not_missing(on_postgres: bool) {
    let ground = Ground::new(on_postgres).await;
    ground.keep(Kept::Metadata).await;
    let purged = ground.called(false).await;
    ground.stored(purged).await;
    let (code, said) = ground.run("history purge --before 0s").await;
    assert_eq!(code, 0, "{said}");
    let (code, looked) = ground.checked().await;
    assert_eq!(
        (code, &looked["missing"], &looked["original"]),
        (0, &json!(0), &json!(0)),
        "{looked}"
    );
    let by = &looked["removals"][0];
    assert_eq!(
        (&by["reason"], &by["exchanges"]),
        (&json!("purged"), &looked["removed"]),
        "{looked}"
    );
    assert!(by["by"].as_str().unwrap().contains("machine"), "{looked}");
    let (code, shown) = ground.run(&format!("history show {purged}")).await;
    assert!(code == 3 && shown.contains("purged: "), "{code} {shown}");

    // Taken out beside it, after it: no record explains that.
    let taken = ground.called(false).await;
    let left = ground.called(false).await;
    for id in [taken, left] {
        ground.stored(id).await;
    }
    ground.take_out(taken).await;
    let (code, looked) = ground.checked().await;
    assert_eq!(
        (code, &looked["missing"], &looked["original"]),
        (4, &json!(1), &json!(1)),
        "{looked}"
    );
    assert_eq!(looked["missing_requests"], json!([taken.to_string()]));

    // Later their days are over, and the gate says so itself.
    let historian = Historian::new(
        ground.store.clone(),
        Arc::new(NoSeals),
        Arc::new(Allowed(ByClass::NONE)),
        Arc::new(Metrics::new("test")),
    );
    let later = UnixMillis(UnixMillis::now().0 + 31 * 86_400_000);
    assert_eq!(historian.forget(later).await.unwrap(), 1, "the one that is left");
    let (code, looked) = ground.checked().await;
    assert_eq!((code, &looked["missing"]), (0, &json!(0)), "{looked}");
    let expired = &looked["removals"][1];
    assert_eq!(
        (&expired["reason"], &expired["exchanges"]),
        (&json!("expired"), &json!(2)),
        "{looked}"
    );
    assert!(
        expired["by"].as_str().unwrap().contains("history retention"),
        "{looked}"
    );
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_what_was_removed_is_told_from_what_was_taken_out_of_sqlite() {
    removed_is_not_missing(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_what_was_removed_is_told_from_what_was_taken_out_of_postgresql() {
    removed_is_not_missing(true).await;
}

/// A record that was bent to excuse what somebody took out excuses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_agp_r3_a_forged_record_of_a_purge_excuses_nothing() {
    let ground = Ground::new(false).await;
    ground.keep(Kept::Metadata).await;
    let (code, said) = ground.run("history purge --before 1h").await;
    assert_eq!(code, 0, "{said}");
    let id = ground.called(false).await;
    ground.stored(id).await;
    ground.take_out(id).await;
    assert_eq!(ground.checked().await.0, 4);
    let since = Instant::now();
    loop {
        let head = ground
            .store
            .log_checkpoint(&ground.scope, LogKind::Audit)
            .await
            .unwrap();
        let size = ground
            .store
            .log_size(&ground.scope, LogKind::Audit)
            .await
            .unwrap();
        if head.is_some_and(|head| head.size == size) {
            break;
        }
        assert!(since.elapsed() < BOUND, "no head covers the audit log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The record now says that everything until the year 2100 went, and when it is over.
    let mut database = ground.database().await;
    database
        .execute("DROP TRIGGER audits_are_not_changed")
        .await
        .unwrap();
    let bend = "UPDATE audits SET at = 4102444800000, bytes = CAST(replace(replace(CAST(bytes AS TEXT),
                '\"at\":1', '\"at\":4'), '\"before_ms\":1', '\"before_ms\":4') AS BLOB)
                WHERE act = 'history.purge'";
    assert_eq!(database.execute(bend).await.unwrap().rows_affected(), 1);
    let (code, looked) = ground.check().await;
    assert_eq!(
        (code, &looked["missing"], &looked["removed"]),
        (4, &json!(1), &json!(0)),
        "{looked}"
    );
}

/// Killed under load: what waited in memory is lost, and nothing else; each loss is counted, and nothing is corrupt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_agp_r1_a_kill_loses_what_waited_and_the_check_counts_all_of_it() {
    let mut ground = Ground::new(false).await;
    ground.keep(Kept::Full).await;
    let mut safe = Vec::new();
    for number in 0..10 {
        let id = ground.called(number % 2 == 0).await;
        ground.stored(id).await;
        safe.push(id);
    }
    // While the store takes nothing, calls go on and their exchanges wait.
    let mut database = ground.database().await;
    database.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut waited = Vec::new();
    for _ in 0..10 {
        waited.push(ground.called(false).await);
    }
    ground.gate.kill9().await;
    database.execute("ROLLBACK").await.unwrap();
    drop(database);
    ground.gate.restart().await;
    for id in &waited {
        assert!(
            ground.entry(*id).await.exchange.is_some(),
            "its entry says that it was kept"
        );
    }
    let (code, looked) = ground.checked().await;
    assert_eq!(
        (code, &looked["changed"], &looked["missing"]),
        (4, &json!(0), &json!(10)),
        "{looked}"
    );
    let mut named: Vec<RequestId> = serde_json::from_value(looked["missing_requests"].clone()).unwrap();
    named.sort();
    waited.sort();
    assert_eq!(named, waited);
    for id in &safe {
        let (code, shown) = ground.run(&format!("history show {id}")).await;
        assert_eq!(code, 0, "{shown}");
    }

    // Again, in the midst of calls: what the check counts is what the ledger has and the store has not, to the last one.
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..4)
        .map(|_| {
            let (client, stop) = (ground.gate.data().bearer(&ground.key), stop.clone());
            tokio::spawn(async move {
                let mut answered = Vec::<RequestId>::new();
                while !stop.load(Ordering::Relaxed) {
                    let body = bytes::Bytes::from(call("m-oa").to_string());
                    let asked = client.header("content-type", "application/json");
                    let answer = asked
                        .request(http::Method::POST, "/v1/chat/completions", body)
                        .await;
                    let Ok(answer) = answer else { break };
                    if answer.status == 200 {
                        answered.push(answer.header("x-request-id").unwrap().parse().unwrap());
                    }
                }
                answered
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    ground.gate.kill9().await;
    stop.store(true, Ordering::Relaxed);
    let mut answered: Vec<RequestId> = Vec::new();
    for load in loads {
        answered.extend(load.await.unwrap());
    }
    assert!(answered.len() > 4, "{}", answered.len());
    ground.gate.restart().await;
    let mut lost = 0;
    let stored = ground.all_stored().await;
    for id in &answered {
        let entry = ground.entry(*id).await;
        assert!(entry.exchange.is_some(), "{id} was answered and kept");
        lost += u64::from(!stored.contains(id));
    }
    let (_, looked) = ground.checked().await;
    assert_eq!(looked["changed"], 0, "{looked}");
    let missing = looked["missing"].as_u64().unwrap() - 10;
    // Beside those that were answered, four were under way.
    assert!(
        (lost..=lost + 4).contains(&missing),
        "{missing} of {lost} lost: {looked}"
    );
    assert_eq!(
        looked["original"].as_u64().unwrap(),
        stored.len() as u64,
        "{looked}"
    );
}

impl Ground {
    pub async fn end(self) {
        drop((self.gate, self.store));
        if let Some(postgres) = self.postgres {
            postgres.remove().await;
        }
    }
}
