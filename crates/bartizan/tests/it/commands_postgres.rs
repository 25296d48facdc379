//! The command line on an instance whose store is PostgreSQL: the same commands, the same words.

use sqlx::{Connection, PgConnection};
use testkit::postgres::TestPostgres;
use testkit::{Gate, ScriptedProvider};

use crate::money_scene::{config, gate};

async fn execute(url: &str, sql: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

async fn json(gate: &Gate, line: &str) -> serde_json::Value {
    gate.cli_json(&line.split(' ').chain(["--json"]).collect::<Vec<_>>())
        .await
}

#[tokio::test]
async fn anp_0007_an_owner_migrates_a_login_serves_and_every_command_works() {
    let provider = ScriptedProvider::start().await;
    let server = TestPostgres::start().await;
    let owner = server.fresh_database().await;
    execute(
        &owner,
        "DROP ROLE IF EXISTS plain_gate; CREATE ROLE plain_gate LOGIN NOINHERIT PASSWORD 'sesame'",
    )
    .await;
    let plain = {
        let (scheme, rest) = owner.split_once("://").unwrap();
        format!(
            "{scheme}://plain_gate:sesame@{}",
            rest.rsplit_once('@').unwrap().1
        )
    };
    let store =
        "data_dir: \"@folder@\"\nstore: { engine: postgres, url: \"env:DATABASE\", refresh_every_ms: 50 }\n";
    let builder = || gate().config(config(&provider, store));

    // Neither a database without schema nor a login that was not admitted is served from.
    let said = builder().env("DATABASE", &plain).refuses().await;
    assert!(said.contains("error:"), "{said}");

    let mut gate = builder().env("DATABASE", &owner).start().await;
    let migrated = json(&gate, "migrate --login plain_gate").await;
    assert_eq!(migrated["admitted"], "plain_gate");
    gate.kill9().await;
    let master = std::fs::read(gate.folder().join("master.key")).unwrap();
    let gate = builder()
        .env("DATABASE", &plain)
        .file("master.key", master)
        .start()
        .await;

    let key = json(&gate, "keys create --name ci --all-models --budget 5").await;
    let client = gate.data().bearer(key["key"].as_str().unwrap());
    let body = serde_json::json!({"model": "gpt-4o", "max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]});
    let mut answer = client.post("/v1/chat/completions", &body).await;
    for _ in 0..100 {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        answer = client.post("/v1/chat/completions", &body).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;

    assert!(
        json(&gate, "keys list")
            .await
            .as_array()
            .unwrap()
            .iter()
            .any(|listed| listed["name"] == "ci")
    );
    let budgets = json(&gate, "budgets list").await;
    assert!(
        budgets
            .as_array()
            .unwrap()
            .iter()
            .any(|budget| budget["name"] == "key ci"),
        "{budgets}"
    );
    let shown = json(&gate, "ledger show").await;
    let call = shown
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["entry"]["status"] == 200)
        .unwrap_or_else(|| panic!("{shown}"));
    let usage = json(&gate, "usage --by key").await.to_string();
    assert!(
        usage.contains(key["id"].as_str().unwrap()) || usage.contains("ci"),
        "{usage}"
    );

    let proof = gate
        .cli(&["ledger", "prove", call["entry"]["id"].as_str().unwrap()])
        .await;
    assert!(
        proof.status.success(),
        "{}",
        String::from_utf8_lossy(&proof.stderr)
    );
    std::fs::write(gate.folder().join("proof.json"), &proof.stdout).unwrap();
    let verified = gate.cli(&["ledger", "verify", "proof.json"]).await;
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
    let rotated = json(&gate, "keys rotate ci --grace 1h").await;
    assert_ne!(rotated["key"], key["key"]);
    json(&gate, "keys revoke ci").await;
    let up_to_date = gate.cli(&["migrate"]).await;
    assert!(
        !up_to_date.status.success(),
        "a login that owns nothing migrates nothing"
    );
}
