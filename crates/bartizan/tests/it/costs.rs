//! What was spent, taken out as files: whole, checked, and held against the ledger.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use exports::focus::check_csv;
use exports::read_nanos;
use serde_json::Value;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use testkit::Gate;

use crate::scene::{Scene, call};
use crate::stored::administrator;

/// A gate that has answered so many calls, all of them in its ledger.
async fn spent(calls: u64) -> Scene {
    let scene = Scene::with("").await;
    for _ in 0..calls {
        let answer = scene.client().post("/v1/chat/completions", &call("m-oa")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let begun = Instant::now();
    while usage(&scene.gate).await["requests"] != calls {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the calls are not shipped"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene
}

async fn usage(gate: &Gate) -> Value {
    gate.cli_json(&["usage", "--since", "1h", "--json"]).await["total"].clone()
}

async fn export(gate: &Gate, line: &str, out: &Path) -> Output {
    let out = out.to_str().unwrap();
    let words = ["export"]
        .into_iter()
        .chain(line.split(' '))
        .chain(["--from", "1h", "--out", out]);
    gate.cli(&words.collect::<Vec<_>>()).await
}

async fn verify(gate: &Gate, file: &Path) -> (Option<i32>, String) {
    let done = gate.cli(&["export", "verify", file.to_str().unwrap()]).await;
    let text = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(text).unwrap())
}

fn good(done: &Output) {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// The sum of a column of a table in CSV.
fn summed(text: &str, name: &str) -> i128 {
    let mut lines = text.lines();
    let at = lines
        .next()
        .unwrap()
        .split(',')
        .position(|column| column == name)
        .unwrap();
    // What stands before the amounts holds no comma in these tables.
    lines
        .map(|line| read_nanos(line.split(',').nth(at).unwrap()).unwrap())
        .sum()
}

#[tokio::test]
async fn agp_r2_costs_leave_in_every_form_and_agree_with_the_ledger() {
    let scene = spent(3).await;
    let (gate, folder) = (&scene.gate, tempfile::tempdir().unwrap());
    let cost = i128::from(usage(gate).await["cost_nanos"].as_i64().unwrap());
    assert!(cost > 0);
    for (line, name, column) in [
        ("focus", "f.csv", Some("BilledCost")),
        ("focus --grain hour", "h.csv", Some("BilledCost")),
        ("csv", "c.csv", Some("cost_usd")),
        ("csv --preset originals", "o.csv", Some("total_cost")),
        ("json", "j.jsonl", None),
        ("parquet", "p.parquet", None),
    ] {
        let file = folder.path().join(name);
        good(&export(gate, line, &file).await);
        if let Some(column) = column {
            assert_eq!(
                summed(&std::fs::read_to_string(&file).unwrap(), column),
                cost,
                "{line}"
            );
        }
        let (code, said) = verify(gate, &file).await;
        assert_eq!(code, Some(0), "{line}: {said}");
        assert!(said.contains("byte for byte"), "{line}: {said}");
        if line.starts_with("focus") || line == "parquet" {
            good(&gate.cli(&["export", "check", file.to_str().unwrap()]).await);
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 12, "six files, six manifests, and nothing half");
    let other = gate
        .cli(&["export", "check", folder.path().join("c.csv").to_str().unwrap()])
        .await;
    assert_eq!(other.status.code(), Some(1), "our own table is not FOCUS");
    // Nobody looks at a terminal here: what was written is said all the same, and not among the data.
    let again = export(gate, "csv", &folder.path().join("again.csv")).await;
    let told = String::from_utf8_lossy(&again.stderr);
    assert!(
        again.stdout.is_empty() && told.contains(" calls, $") && told.contains("again.csv.manifest.json"),
        "{told}"
    );
    let nowhere = export(gate, "focus", Path::new("/nonexistent/f.csv")).await;
    assert_eq!(nowhere.status.code(), Some(1));
}

#[tokio::test]
async fn agp_r2_agp_t4_a_file_a_manifest_and_a_ledger_that_were_changed_do_not_verify() {
    let scene = spent(2).await;
    let (gate, folder) = (&scene.gate, tempfile::tempdir().unwrap());
    let file = folder.path().join("f.csv");
    let noted = folder.path().join("f.csv.manifest.json");
    good(&export(gate, "focus", &file).await);
    let (text, note) = (
        std::fs::read_to_string(&file).unwrap(),
        std::fs::read_to_string(&noted).unwrap(),
    );

    std::fs::write(
        &file,
        text.replacen("openai", "0penai", 1).replacen("USD", "EUR", 1),
    )
    .unwrap();
    let (code, said) = verify(gate, &file).await;
    assert_eq!(code, Some(4), "{said}");
    std::fs::write(&file, &text).unwrap();
    assert_eq!(verify(gate, &file).await.0, Some(0));

    let cheaper: Value = serde_json::from_str(&note).unwrap();
    for (place, value) in [
        ("/sums/cost_nanos", 1),
        ("/ledger/entries", 1),
        ("/sums/calls", 9),
        ("/ledger/size", 1),
    ] {
        let mut cheaper = cheaper.clone();
        *cheaper.pointer_mut(place).unwrap() = value.into();
        std::fs::write(&noted, cheaper.to_string()).unwrap();
        let (code, said) = verify(gate, &file).await;
        assert_eq!(code, Some(4), "{place}: {said}");
    }
    std::fs::write(&noted, &note).unwrap();

    let database = gate.data_dir().join("bartizan.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(database)
        .connect()
        .await
        .unwrap();
    for statement in [
        "DROP TRIGGER entries_are_not_changed",
        "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"status\":200', '\"status\":201') AS BLOB) WHERE idx = 0",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    let (code, said) = verify(gate, &file).await;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("not those that the log's hashes are of"), "{said}");
}

#[tokio::test]
async fn the_control_plane_gives_tables_of_the_whole_tenant() {
    let scene = spent(2).await;
    let cost = i128::from(usage(&scene.gate).await["cost_nanos"].as_i64().unwrap());
    let admin = administrator(&scene.gate).await;
    let tenants = admin.get("/api/v1/tenants").await.json();
    let tenant = tenants["items"][0]["id"].as_str().unwrap().to_owned();
    let get = async |query: &str| {
        admin
            .get(&format!("/api/v1/tenants/{tenant}/exports/costs{query}"))
            .await
    };
    let focus = get("").await;
    assert_eq!(focus.status, 200, "{}", focus.text());
    let check = check_csv(focus.text().as_bytes()).unwrap();
    assert!(check.is_good(), "{:?}", check.findings);
    assert_eq!(summed(&focus.text(), "BilledCost"), cost);
    assert_eq!(
        summed(&get("?format=csv&grain=hour").await.text(), "cost_usd"),
        cost
    );
    for bad in [
        "?format=parquet",
        "?format=xml",
        "?grain=year",
        "?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
    ] {
        assert_eq!(get(bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn agp_r2_a_providers_bill_is_held_against_the_ledger() {
    let scene = spent(2).await;
    let (gate, folder) = (&scene.gate, tempfile::tempdir().unwrap());
    let cost = usage(gate).await["cost_nanos"].as_i64().unwrap();
    let days = gate
        .cli_json(&["usage", "--since", "1h", "--by", "day", "--json"])
        .await;
    let days = days["rows"].as_array().unwrap().clone();
    let bill = |off: i64| {
        let row = |(at, row): (usize, &Value)| {
            let off = if at == 0 { off } else { 0 };
            let nanos = row["cost_nanos"].as_i64().unwrap() + off;
            format!(
                "{},m-oa,{}\n",
                row["group"].as_str().unwrap(),
                exports::dollars(nanos.into())
            )
        };
        let rows: String = days.iter().enumerate().map(row).collect();
        let file = folder.path().join(format!("bill{off}.csv"));
        std::fs::write(&file, format!("date,model,cost_usd\n{rows}")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let words = [
        "reconcile",
        "--provider",
        "openai",
        "--of",
        "oa",
        "--tolerance",
        "0",
    ];
    let same = gate.cli(&[&words[..], &[&bill(0)]].concat()).await;
    assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    let dearer = gate.cli(&[&words[..], &[&bill(1), "--json"]].concat()).await;
    assert_eq!(dearer.status.code(), Some(4));
    let said: Value = serde_json::from_slice(&dearer.stdout).unwrap();
    assert_eq!(said["gaps"], 1);
    assert_eq!(
        said["cost_difference_usd"], "0.000000001",
        "of {cost} nano-dollars"
    );
    let stranger = gate
        .cli(&["reconcile", "--provider", "openai", "--of", "nobody", &bill(2)])
        .await;
    assert_eq!(stranger.status.code(), Some(2));
}
