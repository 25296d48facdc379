//! Refusals because of what goes wrong around a gate: its store, its disk, its end.

use std::time::{Duration, Instant};

use control::documents;
use domain::{TenantScope, UnixMillis};
use ledger::AuditActor;
use policy::Consents;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use store::{Change, Directory, Registry};
use testkit::{Reply, ScriptedProvider};

use crate::refusals::{Both, CALLS, both, config, keys, receipts, reservation, settled, stage};
use crate::scene::{self, Scene, call, streamed};
use crate::signing::Machine;

/// Somebody else at the gate's store.
async fn writer(scene: &Scene) -> SqliteConnection {
    let path = scene.gate.data_dir().join("bartizan.db");
    let there = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    there.connect().await.unwrap()
}

/// The store's one writer is somebody else, and the key's lease has still to be taken.
pub async fn store_away(scene: &Scene) -> Both {
    let made = scene.gate.cli_json(&keys("later", "5")).await;
    let client = scene.gate.data().bearer(made["key"].as_str().unwrap());
    settled(&client).await;
    let mut writer = writer(scene).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    let answers = both(&client, "m", |_| {}).await;
    sqlx::query("ROLLBACK").execute(&mut writer).await.unwrap();
    writer.close().await.unwrap();
    answers
}

/// The table that entries are in goes by another name for a moment.
pub async fn receipts_away(scene: &Scene) -> Both {
    let key = scene.new_key(|key| key.receipts = true).await;
    let client = scene.gate.data().bearer(&key);
    without_entries(scene, receipts(&client)).await
}

/// The same, for who asks what its key used.
pub async fn usage_away(scene: &Scene) -> Both {
    let client = scene.client();
    let plain = client.header("anthropic-version", "2023-06-01");
    without_entries(scene, async {
        [client.get("/v1/usage").await, plain.get("/v1/usage").await]
    })
    .await
}

/// The same, for who asks after a reservation that only the ledger could know of.
pub async fn reservations_away(scene: &Scene) -> Both {
    let client = scene.client();
    let unknown = format!(
        "{}.{}",
        domain::RequestId::from_u128(5),
        domain::NodeId::from_u128(5)
    );
    without_entries(scene, reservation(&client, |_| unknown.clone())).await
}

async fn without_entries(scene: &Scene, asking: impl Future<Output = Both>) -> Both {
    let mut writer = writer(scene).await;
    sqlx::query("ALTER TABLE entries RENAME TO elsewhere")
        .execute(&mut writer)
        .await
        .unwrap();
    let answers = asking.await;
    sqlx::query("ALTER TABLE elsewhere RENAME TO entries")
        .execute(&mut writer)
        .await
        .unwrap();
    writer.close().await.unwrap();
    answers
}

/// Somebody holds the store's write lock for longer than a signed call waits.
pub async fn replay_check_away(scene: &Scene) -> Both {
    let machine = Machine::new();
    let key = scene.new_key(|key| machine.sign_for(key)).await;
    let mut writer = writer(scene).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    let gate = scene.gate.data();
    let ask = |path, model| {
        let (it, body) = (machine.call(path, &gate, &key, "POST"), call(model).to_string());
        async move { it.send(&body).await }
    };
    let answers = tokio::join!(ask(CALLS[0], "oa/m"), ask(CALLS[1], "an/m"));
    sqlx::query("ROLLBACK").execute(&mut writer).await.unwrap();
    writer.close().await.unwrap();
    answers.into()
}

/// While one stream is still under way, the others are refused, on old connections and new ones.
pub async fn draining() -> Both {
    let mut scene = stage().await;
    let events = (0..40)
        .map(|_| (50, "data: {\"choices\":[]}\n\n".to_owned()))
        .chain([(0, "data: [DONE]\n\n".to_owned())]);
    scene.provider.script("*", Reply::sse(events.collect::<Vec<_>>()));
    let live = scene.client().stream(CALLS[0], &streamed("oa/m")).await;
    scene.gate.terminate().await;
    scene
        .gate
        .lines()
        .wait_for("stopping", Duration::from_secs(5))
        .await;
    let answers = both(&scene.client(), "m", |_| {}).await;
    drop(live);
    scene.gate.wait(Duration::from_secs(10)).await;
    answers
}

/// The gate may not write a byte more to any file: as with a full disk.
pub async fn journal_away() -> Both {
    let provider = ScriptedProvider::start().await;
    let text = config(&provider.base_url());
    let script = format!("#!/bin/sh\ntrap '' XFSZ\nexec {} \"$@\"\n", scene::BINARY);
    let folder = tempfile::tempdir().unwrap();
    let wrapper = folder.path().join("gate");
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let builder = testkit::Gate::builder(wrapper).env("OA_KEY", &scene::openai_credential());
    let scene = Scene::raise(
        provider,
        builder.env("AN_KEY", &scene::anthropic_credential()).config(text),
    )
    .await;
    let first = both(&scene.client(), "m", |_| {}).await;
    assert_eq!(first.map(|answer| answer.status), [200, 200]);
    scene.provider.forget_requests();
    let pid = scene.gate.pid().unwrap().to_string();
    let limited = std::process::Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=1"])
        .status();
    assert!(limited.unwrap().success());
    let answers = both(&scene.client(), "m", |_| {}).await;
    assert!(
        scene.provider.requests().is_empty(),
        "called although it cannot be recorded"
    );
    answers
}

/// A gate that asks a system outside about budgets, which says this.
pub async fn webhook_says(reply: Reply) -> Both {
    let (provider, outside) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    outside.script("*", reply);
    let hook = format!(
        "budgets: {{ webhook: {{ address: \"{}/ask\", secrets: [\"env:HOOK\"], on_failure: refuse, timeout_ms: 5000 }}, ",
        outside.base_url()
    );
    let text = config(&provider.base_url()).replace("budgets: {", &hook);
    let builder = scene::builder().config(text);
    let builder = builder.env("HOOK", "a budget webhook's secret, long enough");
    let scene = Scene::raise(provider, builder).await;
    both(&scene.client(), "m", |_| {}).await
}

/// A guard outside that does not answer.
pub async fn connector_away() -> Both {
    let (provider, outside) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    outside.script("*", Reply::error(500, "out of order"));
    let connector = format!(
        "guards: {{ connectors: [{{ name: outside, kind: presidio, address: \"{}\", on_failure: block, input: redact }}], ",
        outside.base_url()
    );
    let text = config(&provider.base_url()).replace("guards: {", &connector);
    let scene = Scene::raise(provider, scene::builder().config(text)).await;
    both(&scene.client(), "m", |_| {}).await
}

/// For a moment the tenant lets nothing leave.
pub async fn consent_missing(scene: &Scene) -> Both {
    let store = scene.store().await;
    let dump = store.load().await.unwrap();
    let first = dump.keys.iter().find(|key| key.name == "first key").unwrap();
    let scope = TenantScope::operator(first.tenant);
    let closed = Consents {
        content_leaves: false,
        ..Consents::default()
    };
    let by = (AuditActor::Gate("a test".to_owned()), UnixMillis::now());
    let (_, changes) = documents::next(None, closed, by).unwrap();
    store.commit(&scope, &changes, None).await.unwrap();
    let answers = once(scene, |answers| answers[0].status == 403).await;
    let (record, _) = documents::newest::<Consents>(&store, &scope)
        .await
        .unwrap()
        .unwrap();
    store
        .commit(&scope, &[Change::Remove(record)], None)
        .await
        .unwrap();
    store.close().await;
    once(scene, |answers| answers[0].status != 403).await;
    answers
}

/// Somebody has put a template into the database.
pub async fn prompt_damaged(scene: &Scene) -> Both {
    let store = scene.store().await;
    let dump = store.load().await.unwrap();
    let first = dump.keys.iter().find(|key| key.name == "first key").unwrap();
    let forged = store::Record {
        kind: store::RecordKind::PromptInUse,
        id: "forged".to_owned(),
        parent: None,
        name: None,
        created: UnixMillis::now(),
        document: "{}".to_owned(),
    };
    let scope = TenantScope::operator(first.tenant);
    store
        .commit(&scope, &[Change::Create(forged)], None)
        .await
        .unwrap();
    store.close().await;
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let wants = |body: &mut serde_json::Value| body["prompt"] = serde_json::json!({"id": "forged"});
        let answers = both(&scene.client(), "m", wants).await;
        if answers[0].status == 500 {
            return answers;
        }
        assert!(Instant::now() < until, "not so in time: {}", answers[0].text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Guards of the tenant's that do not read.
pub async fn unreadable(scene: &Scene) -> Both {
    let store = scene.store().await;
    let dump = store.load().await.unwrap();
    let first = dump.keys.iter().find(|key| key.name == "first key").unwrap();
    let scope = TenantScope::operator(first.tenant);
    let by = (AuditActor::Gate("a test".to_owned()), UnixMillis::now());
    let (_, changes) = documents::next(None, guard::Profiles::default(), by).unwrap();
    let newest = changes.into_iter().find_map(|change| match change {
        Change::Create(record) if record.kind == store::RecordKind::TenantGuards => Some(record),
        _ => None,
    });
    let mut damaged = newest.expect("the first version is the newest");
    damaged.document.truncate(9);
    store
        .commit(&scope, &[Change::Create(damaged.clone())], None)
        .await
        .unwrap();
    let answers = once(scene, |answers| answers[0].status == 503).await;
    store
        .commit(&scope, &[Change::Remove(damaged)], None)
        .await
        .unwrap();
    store.close().await;
    once(scene, |answers| answers[0].status != 503).await;
    answers
}

/// The first answers that are as wanted.
async fn once(scene: &Scene, is_wanted: impl Fn(&Both) -> bool) -> Both {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let answers = both(&scene.client(), "m", |_| {}).await;
        if is_wanted(&answers) {
            return answers;
        }
        assert!(Instant::now() < until, "not so in time: {}", answers[0].text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
