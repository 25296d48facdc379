//! What is reckoned from spend, by the command line on a real store; and that whoever changes the database behind a
//! final statement, or the statement, is found.

use std::time::{Duration, Instant};

use domain::{NodeId, RequestId, TenantScope, UnixMillis};
use finops::Day;
use ledger::Entry;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection};
use store::{Directory, EntryLog, Shipment};
use testkit::Gate;

use crate::scene::Scene;

const DOLLAR: i64 = 1_000_000_000;
const PATIENCE: Duration = Duration::from_secs(60);

async fn run(gate: &Gate, line: &str) -> (i32, String) {
    let done = gate.cli(&line.split(' ').collect::<Vec<_>>()).await;
    let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (done.status.code().unwrap(), said.concat())
}

async fn done(gate: &Gate, line: &str) -> String {
    let (code, said) = run(gate, line).await;
    assert_eq!(code, 0, "{line}: {said}");
    said
}

async fn shown(gate: &Gate, line: &str) -> Value {
    let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
    gate.cli_json(&words).await
}

/// Seventy days of about ten dollars and one of a hundred more; and two calls in March 2025. The id of the team.
async fn seed(scene: &Scene, today: Day) -> String {
    let store = scene.store().await;
    let dump = store.load().await.unwrap();
    let key = dump.keys.first().unwrap();
    let call = |day: Day, nanos: i64| -> Entry {
        let at = day.start().0 + 12 * 3_600_000;
        serde_json::from_value(json!({
            "id": RequestId::generate(), "tenant": key.tenant, "team": key.team, "key": key.id,
            "node": NodeId::from_u128(7), "started": at, "finished": at, "operation": "chat", "dialect": "openai",
            "model": "m-oa", "target": "oa/m-oa", "outcome": "completed", "status": 200, "attempts": 1,
            "usage": {"input": 100, "output": 20}, "usage_source": "provider", "cost": nanos, "price_version": "1",
            "charges": [],
        }))
        .unwrap()
    };
    let usual = |at: i64| call(today.plus(-at), 10 * DOLLAR + at * 7_919 % 13 * DOLLAR / 20);
    let old = ["2025-03-01", "2025-03-31"].map(|day| call(day.parse().unwrap(), 101));
    let all = (1..=70)
        .map(usual)
        .chain([call(today.plus(-2), 100 * DOLLAR)])
        .chain(old);
    let all: Vec<Shipment> = all.map(|entry| Shipment::from(&entry)).collect();
    let scope = TenantScope::operator(key.tenant);
    store.append(&scope, NodeId::from_u128(7), &all).await.unwrap();
    let team = key.team.to_string();
    store.close().await;
    team
}

#[tokio::test]
async fn reports_are_read_where_the_instance_is() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let today = Day::of(UnixMillis::now());
    seed(&scene, today).await;
    done(gate, "budgets create --name prepaid --limit 45 --window total").await;

    let trend = shown(gate, "report trend --days 28").await;
    assert_eq!(trend["rows"][0]["days"].as_array().unwrap().len(), 28, "{trend}");
    let said = done(gate, "report trend --by team").await;
    assert!(said.contains("up") && said.contains('█'), "{said}");
    let forecast = shown(gate, "report forecast --days 10").await;
    let of = &forecast["rows"][0]["forecast"];
    assert!(of["expected_nanos"].as_i64().unwrap() > 70 * DOLLAR, "{forecast}");
    let said = done(gate, "report forecast --days 10").await;
    assert!(
        ["━", "░", "█", "its bounds"]
            .iter()
            .all(|part| said.contains(part)),
        "{said}"
    );
    let said = done(gate, "report anomalies").await;
    assert!(
        said.contains(&today.plus(-2).to_string()) && said.contains("m-oa"),
        "{said}"
    );
    let budgets = shown(gate, "report budgets").await;
    let lines = budgets["budgets"].as_array().unwrap();
    let prepaid = lines
        .iter()
        .find(|line| line["budget"]["name"] == "prepaid")
        .unwrap();
    let gone: Day = prepaid["exhausted"].as_str().unwrap().parse().unwrap();
    assert!((1..=8).contains(&gone.since(today)), "{prepaid}");
    assert!(done(gate, "report budgets").await.contains("prepaid"));
    assert_eq!(run(gate, "report trend --by key --days 200").await.0, 2);
}

async fn database(gate: &Gate) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(gate.data_dir().join("bartizan.db"));
    options
        .busy_timeout(Duration::from_secs(10))
        .connect()
        .await
        .unwrap()
}

/// Makes a statement final once the gate has signed its ledger.
async fn finalized(gate: &Gate) {
    let until = Instant::now() + PATIENCE;
    loop {
        let (code, said) = run(gate, "chargeback finalize --month 2025-03").await;
        if code == 0 {
            return;
        }
        assert!(said.contains("not signed"), "{said}");
        assert!(Instant::now() < until, "the ledger is not signed: {said}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A rule that takes what the tenant has not would take nothing, unseen: it is refused by name, and the rules stay.
async fn strangers_are_refused(gate: &Gate) {
    let before = shown(gate, "chargeback rules").await;
    for (kind, id) in [
        ("team", domain::TeamId::from_u128(77).to_string()),
        ("project", domain::ProjectId::from_u128(77).to_string()),
        ("key", domain::KeyId::from_u128(77).to_string()),
        ("team", "default".to_owned()),
    ] {
        let rules = format!(
            "rules:\n  - name: odd\n    takes: [{{kind: {kind}, id: {id}}}]\n    split: {{kind: whole, to: sales}}\nrest: left\n"
        );
        std::fs::write(gate.folder().join("odd.yaml"), rules).unwrap();
        let (code, said) = run(gate, "chargeback rules --set odd.yaml").await;
        assert_eq!(code, 2, "{kind} {id}: {said}");
        let what = format!("rule `odd`: the tenant has no {kind}");
        assert!(
            said.contains(&what) && said.contains(&id) && said.contains("ids, not names"),
            "{said}"
        );
    }
    assert_eq!(shown(gate, "chargeback rules").await, before);
}

#[tokio::test]
async fn agp_r2_a_database_that_is_changed_behind_a_final_statement_is_found() {
    let scene = Scene::with("ledger: { checkpoint_every_ms: 1000 }\n").await;
    let gate = &scene.gate;
    let team = seed(&scene, Day::of(UnixMillis::now())).await;
    let rules = format!(
        "rules:\n  - name: all\n    takes: [{{kind: team, id: {team}}}]\n    split: {{kind: even, to: [sales, ops, lab]}}\nrest: left\n"
    );
    std::fs::write(gate.folder().join("rules.yaml"), rules).unwrap();
    done(gate, "chargeback rules --set rules.yaml").await;
    strangers_are_refused(gate).await;
    let draft = shown(gate, "chargeback draft --month 2025-03").await;
    let borne: Vec<i64> = draft["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["cost_nanos"].as_i64().unwrap())
        .collect();
    assert_eq!(
        (borne.iter().sum::<i64>(), draft["total"]["cost_nanos"].as_i64()),
        (202, Some(202))
    );
    finalized(gate).await;
    assert!(done(gate, "chargeback show").await.contains("2025-03-01"));
    let csv = done(gate, "chargeback show 1 --csv").await;
    assert_eq!(
        (csv.lines().count(), csv.starts_with("team_id,allocation_target,")),
        (4, true),
        "{csv}"
    );
    assert_eq!(
        run(gate, "chargeback finalize --month 2025-03").await.0,
        1,
        "no time is in two"
    );
    let said = done(gate, "chargeback verify").await;
    assert!(said.contains("all 1 are as they were made"), "{said}");

    let mut raw = database(gate).await;
    // Whoever owns the file takes away what keeps entries as they are.
    sqlx::query("DROP TRIGGER IF EXISTS entries_are_not_changed")
        .execute(&mut raw)
        .await
        .unwrap();
    sqlx::query("DROP TRIGGER IF EXISTS entries_are_not_removed")
        .execute(&mut raw)
        .await
        .unwrap();
    let aside = "CREATE TEMP TABLE aside AS SELECT leaf FROM entries WHERE idx = 0";
    sqlx::query(aside).execute(&mut raw).await.unwrap();
    for (attack, undone, found) in [
        (
            "UPDATE usage_hours SET cost_nanos = cost_nanos + 3000 WHERE hour < 484306",
            "UPDATE usage_hours SET cost_nanos = cost_nanos - 3000 WHERE hour < 484306",
            "by the ledger as it is now",
        ),
        (
            "UPDATE entries SET leaf = zeroblob(32) WHERE idx = 0",
            "UPDATE entries SET leaf = (SELECT leaf FROM aside) WHERE idx = 0",
            "the ledger is not the one that it was reckoned from",
        ),
        (
            "UPDATE records SET document = replace(document, 'sales', 'salez') WHERE kind = 'chargeback_statement'",
            "UPDATE records SET document = replace(document, 'salez', 'sales') WHERE kind = 'chargeback_statement'",
            "its text is not what its digest is of",
        ),
        (
            "UPDATE records SET kind = 'gone' WHERE kind = 'chargeback_statement'",
            "UPDATE records SET kind = 'chargeback_statement' WHERE kind = 'gone'",
            "the audit log says that it was made, and it is not there",
        ),
    ] {
        sqlx::query(attack).execute(&mut raw).await.unwrap();
        let (code, said) = run(gate, "chargeback verify").await;
        assert_eq!(code, 4, "{attack}: {said}");
        assert!(said.contains(found), "{attack}: {said}");
        sqlx::query(undone).execute(&mut raw).await.unwrap();
        done(gate, "chargeback verify").await;
    }
}
