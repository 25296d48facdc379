//! Two nodes on one PostgreSQL that share nothing but a master key: what is put in force or revoked at one holds at
//! the other within a second, and a rotated master key shuts out the node that has not got it.

use std::time::{Duration, Instant};

use credential::MasterKey;
use serde_json::json;
use testkit::{Gate, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::scene::{self, call, providers};
use crate::stored::administrator;

const CHAT: &str = "/v1/chat/completions";
const SECOND: Duration = Duration::from_secs(1);

async fn becomes(gate: &Gate, key: &str, status: u16) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = gate.data().bearer(key).post(CHAT, &call("m-oa")).await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{} {}",
            answer.text(),
            gate.lines().tail()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn ctx_t3_agp_cred_2_2_replicas_share_credentials_and_master_keys() {
    let postgres = Postgres::start().await;
    let provider = ScriptedProvider::start().await;
    provider.require_key("sk-shared-one");
    let text = providers(&provider.base_url())
        .replace("env:OA_KEY", "stored:openai")
        .replace("store: {", "store: { engine: postgres, url: \"env:DATABASE\",");
    let master = MasterKey::generate().unwrap().to_wrapping_file(None).unwrap();
    let node = || {
        scene::builder()
            .config(text.clone())
            .env("DATABASE", postgres.url())
            .file("data/master.key", master.as_bytes())
    };
    let first = node().start().await;
    let line = first
        .lines()
        .wait_for("shown this once: ", Duration::from_secs(10))
        .await;
    let key = line.rsplit(' ').next().unwrap().to_owned();
    let second = node().start().await;
    let read = |gate: &Gate, name: &str| std::fs::read(gate.data_dir().join(name)).unwrap();
    assert_eq!(read(&first, "root.key"), read(&second, "root.key"), "one root");

    let admin = administrator(&first).await;
    let ask = async |what: &str, body: serde_json::Value| {
        let answer = admin.post(&format!("/api/v1/credentials{what}"), &body).await;
        assert!(answer.status < 300, "{what}: {}", answer.text());
    };
    ask("", json!({"name": "openai", "value": "sk-shared-one"})).await;
    ask("/openai/activate", json!({})).await;
    for gate in [&first, &second] {
        assert!(becomes(gate, &key, 200).await < SECOND);
    }
    ask("/openai/revoke", json!({})).await;
    for gate in [&first, &second] {
        assert!(becomes(gate, &key, 503).await < SECOND);
    }

    let at = ["--config", "bartizan.yaml"];
    let list = [&at[..], &["keys", "list"]].concat();
    let rotate = [&at[..], &["secrets", "rotate-master"]].concat();
    assert!(first.cli(&rotate).await.status.success());
    assert!(
        second.cli(&list).await.status.success(),
        "the old key still opens"
    );
    let finish = [&rotate[..], &["--finish"]].concat();
    let early = second.cli(&finish).await;
    assert!(
        !early.status.success(),
        "a node with the old key shuts nobody out"
    );
    assert!(first.cli(&finish).await.status.success());
    let said = second.cli(&list).await;
    assert!(!said.status.success() && String::from_utf8_lossy(&said.stderr).contains("retired"));
    // It has the root in memory and goes on; with the new key it starts again.
    ask("/openai/versions", json!({"value": "sk-shared-one"})).await;
    ask("/openai/activate", json!({})).await;
    assert!(becomes(&second, &key, 200).await < SECOND);
    std::fs::write(second.data_dir().join("master.key"), read(&first, "master.key")).unwrap();
    assert!(second.cli(&list).await.status.success());
    drop((first, second));
    postgres.remove().await;
}
