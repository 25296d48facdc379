//! What tenants keep of their calls, on the real binary: each mode keeps what it says and nothing else, nothing that is
//! stored or exported can be changed, dropped or swapped unseen, and nobody else reads it.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::{RequestId, TenantScope, UnixMillis};
use ledger::{Entry, Kept};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection};
use store::{Directory, EntryLog, ExchangeQuery, Exchanges, Over};
use testkit::{Gate, Reply};

use crate::scene::{Scene, call};

/// In a prompt and in an answer; found in no file, whatever is kept.
const PLAIN: &str = "the zebra of Königsberg";
const MAIL: &str = "ada.lovelace@example.org";
/// The promise is a second; a machine that does other things beside is given more.
const BOUND: Duration = Duration::from_secs(10);
const OBSERVING: &str = "guards: { secrets: { input: observe, output: observe } }
ledger: { checkpoint_every_ms: 1000 }
";

fn secret() -> String {
    format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0".repeat(2).get(..36).unwrap())
}

fn planted() -> String {
    format!("{PLAIN}: {} of {MAIL}", secret())
}

fn asking(stream: bool) -> Value {
    let mut body = call("m-oa");
    body["messages"][0]["content"] = json!(planted());
    body["stream"] = json!(stream);
    body
}

async fn run(gate: &Gate, line: &str) -> (i32, String) {
    let done = gate.cli(&line.split(' ').collect::<Vec<_>>()).await;
    let text = [done.stdout, done.stderr].concat();
    (
        done.status.code().unwrap(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

async fn good(gate: &Gate, line: &str) -> Value {
    let done = gate
        .cli(&[&["--json"], line.split(' ').collect::<Vec<_>>().as_slice()].concat())
        .await;
    assert!(
        done.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The entry of a call, once it is in the ledger.
async fn entry(scene: &Scene, scope: &TenantScope, id: RequestId) -> Entry {
    let (store, end) = (scene.store().await, Instant::now() + BOUND);
    loop {
        if let Ok(stored) = store.entry(scope, id).await {
            store.close().await;
            return Entry::from_bytes(&stored.bytes).unwrap();
        }
        assert!(Instant::now() < end, "{id} never got into the ledger");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn scope(scene: &Scene, name: &str) -> TenantScope {
    let store = scene.store().await;
    let tenants = store.load().await.unwrap().tenants;
    store.close().await;
    TenantScope::operator(tenants.iter().find(|tenant| tenant.name == name).unwrap().id)
}

/// One call; its id, once its entry is in the ledger.
async fn called(scene: &Scene, key: &str, body: &Value) -> RequestId {
    let client = scene.gate.data().bearer(key);
    let live = client.stream("/v1/chat/completions", body).await;
    let id = live.headers["x-request-id"].to_str().unwrap().parse().unwrap();
    live.body().await.unwrap();
    id
}

/// Says what is kept, and waits until calls are.
pub async fn keep(scene: &Scene, tenant: &str, key: &str, kept: Kept) {
    good(&scene.gate, &format!("history keep {kept} --tenant {tenant}")).await;
    let (scope, since) = (scope(scene, tenant).await, Instant::now());
    loop {
        let id = called(scene, key, &call("m-oa")).await;
        let has_digest = entry(scene, &scope, id).await.exchange.is_some();
        if has_digest == (kept != Kept::None) && (!has_digest || stored(scene, &scope, id).await == kept) {
            return;
        }
        assert!(since.elapsed() < BOUND, "{kept} is not heard of");
    }
}

/// How much is kept of a call whose entry says that something is, once it is stored.
async fn stored(scene: &Scene, scope: &TenantScope, id: RequestId) -> Kept {
    let (store, end) = (scene.store().await, Instant::now() + BOUND);
    loop {
        if let Ok(exchange) = store.exchange(scope, id).await {
            store.close().await;
            return exchange.row.kept;
        }
        assert!(Instant::now() < end, "{id} is not stored");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn shown(scene: &Scene, id: RequestId) -> Value {
    let scope = scope(scene, "default").await;
    // Exchange and entry come into the store by different ways.
    stored(scene, &scope, id).await;
    entry(scene, &scope, id).await;
    good(&scene.gate, &format!("history show {id} --tenant default")).await
}

/// No file of the instance holds any of these, in any spelling that a dump would show.
pub fn nowhere(folder: &Path, planted: &[&str]) {
    for found in std::fs::read_dir(folder).unwrap() {
        let path = found.unwrap().path();
        if path.is_dir() {
            nowhere(&path, planted);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for text in planted {
            let is_there = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!is_there, "{text} stands in {}", path.display());
        }
    }
}

async fn database(scene: &Scene) -> SqliteConnection {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(scene.gate.data_dir().join("bartizan.db"));
    options.busy_timeout(BOUND).connect().await.unwrap()
}

/// Done by whoever owns the file: a statement, and what stands in it in order.
async fn altered(scene: &Scene, statement: &'static str, ids: &[&RequestId]) -> bool {
    let mut query = sqlx::query(statement);
    for id in ids {
        query = query.bind(id.to_string());
    }
    query.execute(&mut database(scene).await).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_each_mode_keeps_what_it_says_and_no_file_shows_any_of_it() {
    let scene = Scene::with(OBSERVING).await;
    scene.provider.script("*", Reply::text(&planted()));
    let own = scope(&scene, "default").await;
    let never = called(&scene, &scene.key, &asking(false)).await;
    assert_eq!(entry(&scene, &own, never).await.exchange, None);
    for kept in [Kept::Metadata, Kept::Redacted, Kept::Full] {
        keep(&scene, "default", &scene.key, kept).await;
        for stream in [false, true] {
            let sent = asking(stream);
            let one = shown(&scene, called(&scene, &scene.key, &sent).await).await;
            let what = format!("{kept}, stream {stream}: {one}");
            assert_eq!(one["standing"], "original", "{what}");
            let exchange = &one["exchange"];
            assert_eq!(exchange["request"]["bytes"], sent.to_string().len(), "{what}");
            assert_eq!(exchange["request"]["messages"], json!({"user": 1}), "{what}");
            assert_eq!(exchange["answer"]["finish"], "stop", "{what}");
            assert_eq!(exchange["answer"]["cut"], Value::Null, "{what}");
            let texts = [&exchange["request"]["text"], &exchange["answer"]["text"]];
            for text in texts {
                let text = text.as_str();
                match kept {
                    Kept::None | Kept::Metadata => assert_eq!(text, None, "{what}"),
                    Kept::Redacted => {
                        let text = text.unwrap();
                        assert!(!text.contains(&secret()) && !text.contains("lovelace"), "{what}");
                        assert!(
                            text.contains("[redacted:email_address]") && text.contains("zebra"),
                            "{what}"
                        );
                    }
                    // A stream is kept event by event, and these may part the words.
                    Kept::Full => assert!(stream || text.unwrap().contains(&planted()), "{what}"),
                }
            }
        }
    }
    keep(&scene, "default", &scene.key, Kept::None).await;
    let after = called(&scene, &scene.key, &asking(false)).await;
    assert_eq!(entry(&scene, &own, after).await.exchange, None);
    nowhere(
        &scene.gate.data_dir(),
        &["zebra", "lovelace", &secret(), "[redacted:email_address]"],
    );
    assert!(scene.metric("bartizan_exchanges_kept_total").await >= 6.0);
    assert_eq!(scene.metric("bartizan_exchanges_dropped_total").await, 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_refused_and_abandoned_calls_and_long_ones_are_kept_as_far_as_they_went() {
    let scene = Scene::with(OBSERVING).await;
    keep(&scene, "default", &scene.key, Kept::Full).await;
    let refused = scene
        .client()
        .post("/v1/chat/completions", &call("no-such-model"))
        .await;
    let id: RequestId = refused.header("x-request-id").unwrap().parse().unwrap();
    let one = shown(&scene, id).await;
    assert_eq!(one["exchange"]["status"], 404, "{one}");
    assert_eq!(one["exchange"]["answer"]["text"], refused.text(), "{one}");
    assert_eq!(
        one["exchange"]["request"]["text"],
        call("no-such-model").to_string(),
        "{one}"
    );

    let mut long = call("m-oa");
    long["messages"][0]["content"] = json!("x".repeat(300 << 10));
    let one = shown(&scene, called(&scene, &scene.key, &long).await).await;
    assert_eq!(
        (&one["exchange"]["request"]["cut"], &one["standing"]),
        (&json!("bound"), &json!("original"))
    );
    assert_eq!(one["exchange"]["request"]["bytes"], long.to_string().len());
    assert_eq!(
        one["exchange"]["request"]["text"].as_str().unwrap().len(),
        256 << 10
    );

    let event = format!(
        "data: {}\n\n",
        json!({"choices": [{"index": 0, "delta": {"content": "word "}}]})
    );
    scene.provider.script("*", Reply::endless_sse(&event, 5));
    let mut asked = call("m-oa");
    asked["stream"] = json!(true);
    let mut live = scene.client().stream("/v1/chat/completions", &asked).await;
    let id: RequestId = live.headers["x-request-id"].to_str().unwrap().parse().unwrap();
    live.next().await.unwrap().unwrap();
    drop(live);
    let one = shown(&scene, id).await;
    assert_eq!(
        (&one["exchange"]["status"], &one["standing"]),
        (&json!(499), &json!("original"))
    );
    assert!(
        one["exchange"]["answer"]["text"]
            .as_str()
            .unwrap()
            .contains("word "),
        "{one}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_agp_r1_what_was_changed_dropped_or_swapped_is_found() {
    let scene = Scene::with(OBSERVING).await;
    let gate = &scene.gate;
    keep(&scene, "default", &scene.key, Kept::Full).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = called(&scene, &scene.key, &asking(false)).await;
        assert_eq!(shown(&scene, id).await["standing"], "original");
        ids.push(id);
    }
    assert_eq!(good(gate, "history check").await["changed"], 0);
    let (code, key) = run(gate, "ledger key").await;
    assert_eq!(code, 0, "{key}");
    std::fs::write(gate.folder().join("ledger.key"), key.trim()).unwrap();
    // The last call is under a signed head soon.
    let end = Instant::now() + BOUND;
    let file = loop {
        let name = format!("out-{}.jsonl", RequestId::generate());
        good(gate, &format!("history export --out {name}")).await;
        let (code, said) = run(gate, &format!("history verify {name} --key ledger.key")).await;
        if code == 0 {
            break gate.folder().join(name);
        }
        assert!(said.contains("no proof") && Instant::now() < end, "{said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let swapped =
        json!({"format": lines[0]["format"], "exchange": lines[0]["exchange"], "proof": lines[1]["proof"]});
    let forgeries = [text.replacen("zebra", "cobra", 1), swapped.to_string()];
    for forged in forgeries {
        std::fs::write(gate.folder().join("forged.jsonl"), forged).unwrap();
        let (code, said) = run(gate, "history verify forged.jsonl --key ledger.key").await;
        assert_eq!(code, 4, "{said}");
    }
    // Laid out anew it is still the same.
    std::fs::write(
        gate.folder().join("again.jsonl"),
        serde_json::to_string(&lines[0]).unwrap(),
    )
    .unwrap();
    assert_eq!(
        run(gate, "history verify again.jsonl --key ledger.key").await.0,
        0
    );

    let [flipped, relabelled, other, dropped] = ids.as_slice() else {
        panic!()
    };
    let relabel = "UPDATE exchanges SET sealed = (SELECT sealed FROM exchanges WHERE id = ?) WHERE id = ?";
    assert!(
        !altered(&scene, relabel, &[other, relabelled]).await,
        "rows are not changed"
    );
    let flip = "UPDATE exchanges SET sealed = zeroblob(length(sealed)) WHERE id = ?";
    assert!(altered(&scene, "DROP TRIGGER exchanges_are_not_changed", &[]).await);
    assert!(altered(&scene, relabel, &[other, relabelled]).await);
    assert!(altered(&scene, flip, &[flipped]).await);
    assert!(altered(&scene, "DELETE FROM exchanges WHERE id = ?", &[dropped]).await);
    let (code, said) = run(gate, "history check").await;
    assert_eq!(code, 4, "{said}");
    for id in [flipped, relabelled, dropped] {
        assert!(said.contains(&id.to_string()), "{said}");
        let (code, shown) = run(gate, &format!("history show {id}")).await;
        assert_eq!(code, 4, "{shown}");
        assert!(!shown.contains("zebra"), "{shown}");
    }
    assert!(!said.contains(&other.to_string()), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_agp_e1_another_tenant_reads_nothing_and_nobody_after_the_end() {
    let scene = Scene::with(OBSERVING).await;
    let gate = &scene.gate;
    let key = scene.foreign_key(|_| {}).await;
    keep(&scene, "elsewhere", &key, Kept::Full).await;
    let theirs = scope(&scene, "elsewhere").await;
    let id = called(&scene, &key, &asking(false)).await;
    entry(&scene, &theirs, id).await;
    stored(&scene, &theirs, id).await;
    let (code, said) = run(gate, &format!("history show {id} --tenant default")).await;
    assert_eq!(code, 1, "{said}");
    let mine = called(&scene, &scene.key, &asking(false)).await;
    assert_eq!(
        entry(&scene, &scope(&scene, "default").await, mine)
            .await
            .exchange,
        None
    );

    let store = scene.store().await;
    let backup = store.exchange(&theirs, id).await.unwrap();
    let (code, said) = run(
        gate,
        "tenants offboard elsewhere --reason over --confirm elsewhere",
    )
    .await;
    assert_eq!(code, 0, "{said}");
    let all = ExchangeQuery {
        count: 9,
        ..ExchangeQuery::default()
    };
    assert_eq!(store.exchanges(&theirs, &all).await.unwrap(), []);
    // Whoever kept a copy has nothing that opens it.
    store.keep_exchanges(&theirs, &[backup]).await.unwrap();
    let (code, said) = run(gate, &format!("history show {id} --tenant elsewhere")).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("destroyed") && !said.contains("zebra"), "{said}");
    store
        .forget_exchanges(&theirs, Over::all(UnixMillis(i64::MAX)), 9)
        .await
        .unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_what_is_purged_is_gone_and_recorded() {
    let scene = Scene::with(OBSERVING).await;
    let gate = &scene.gate;
    keep(&scene, "default", &scene.key, Kept::Metadata).await;
    let id = called(&scene, &scene.key, &asking(false)).await;
    shown(&scene, id).await;
    assert_eq!(good(gate, "history purge --before 1h").await["removed"], 0);
    assert!(
        good(gate, "history purge --before 0s").await["removed"]
            .as_u64()
            .unwrap()
            >= 1
    );
    let end = Instant::now() + BOUND;
    loop {
        let (code, said) = run(gate, &format!("history show {id}")).await;
        if code == 3 && said.contains("purged: ") && said.contains("machine") {
            break;
        }
        // No signed head covers the record of it yet.
        assert!(Instant::now() < end, "{code} {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let audit = run(gate, "audit list --tenant default --json").await.1;
    for act in ["history.update", "history.purge", "exchanges.read"] {
        assert!(audit.contains(act), "{act} is not in {audit}");
    }
}
