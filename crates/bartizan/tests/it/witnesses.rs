//! A serving gate hands its heads to the witnesses that its configuration names: what they cosign is in its evidence, and a
//! store that is set back or forked is told by name and place, whoever is looking.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{ConnectOptions, Connection};
use testkit::Gate;

use crate::scene::{self, Scene};
use crate::witness::{Witness, broken, copy, done, grow, run, witness_at};

/// For machines that do much else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The configuration of the scene's gate, with these witnesses.
fn config(scene: &Scene, witnesses: &[String]) -> String {
    let named: String = witnesses
        .iter()
        .map(|line| format!("    - {{ {line} }}\n"))
        .collect();
    format!(
        "{}ledger:\n  checkpoint_every_ms: 1000\n  witnesses:\n{named}",
        scene::providers(&scene.provider.base_url())
    )
}

fn http(name: &str, url: &str, key: &str) -> String {
    format!("name: {name}, kind: http, url: \"{url}\", key: \"{key}\", every_ms: 1000, silent_after_ms: 1000")
}

async fn started_again(scene: &mut Scene, config: &str) {
    scene.gate.write_config(config);
    stopped(&mut scene.gate).await;
    scene.gate.restart().await;
}

pub async fn stopped(gate: &mut Gate) {
    gate.terminate().await;
    gate.wait(PATIENCE).await;
}

/// What the platform's log says of this act on this witness, of a ledger if of a log, once it does.
pub async fn told(gate: &Gate, act: &str, witness: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let words = [
            "audit", "list", "--tenant", "platform", "--last", "1000", "--json",
        ];
        let records = gate.cli_json(&words).await;
        let found = records.as_array().unwrap().iter().find_map(|line| {
            let record = line.get("record").unwrap_or(line);
            let log = record["after"]["log"].as_str().unwrap_or_default();
            let is_it = record["act"] == act && record["target"] == witness && !log.ends_with("/audit");
            is_it.then(|| record["after"].clone())
        });
        if let Some(after) = found {
            return after;
        }
        assert!(
            Instant::now() < until,
            "no {act} of {witness}: {records}\n{}",
            gate.lines().tail()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Exports under a head that a witness cosigned, once there is one over so many entries. Returns how many it has.
async fn cosigned(gate: &Gate, out: &str, entries: usize) -> usize {
    let until = Instant::now() + PATIENCE;
    loop {
        let (code, said) = run(gate, &["ledger", "export", "--witnesses", "1", "--out", out]).await;
        if code == 0 {
            let text = std::fs::read_to_string(gate.folder().join(out)).unwrap();
            let has = text.lines().filter(|line| line.starts_with("{\"entry\"")).count();
            if has >= entries {
                return has;
            }
        }
        assert!(Instant::now() < until, "{said}\n{}", gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A gate that has handed more than two entries to a witness and a file, and its data folder as it was before those.
struct Town {
    scene: Scene,
    folder: tempfile::TempDir,
    witness: Witness,
    config: String,
    entries: usize,
}

async fn town() -> Town {
    let mut scene = Scene::with("").await;
    let folder = tempfile::tempdir().unwrap();
    let key = done(&scene.gate, &["ledger", "key"]).await;
    std::fs::write(scene.gate.folder().join("ledger.key"), &key).unwrap();
    let witness = witness_at("127.0.0.1:0", &folder.path().join("witness"), key.trim()).await;
    let file = folder.path().join("heads").display().to_string();
    let config = config(
        &scene,
        &[
            http("elsewhere", witness.url(), &witness.key),
            format!("name: disk, kind: file, path: \"{file}\", every_ms: 1000"),
        ],
    );
    grow(&scene, 1).await;
    done(&scene.gate, &["ledger", "checkpoint"]).await;
    copy(&scene.gate.data_dir(), &folder.path().join("old")).await;
    started_again(&mut scene, &config).await;
    grow(&scene, 3).await;
    let entries = cosigned(&scene.gate, "cosigned.jsonl", 3).await;
    Town {
        scene,
        folder,
        witness,
        config,
        entries,
    }
}

impl Town {
    /// Puts back the database as it was at the beginning. The gate must be stopped.
    fn set_back(&self) {
        let data = self.scene.gate.data_dir();
        for name in ["bartizan.db-wal", "bartizan.db-shm"] {
            let _ = std::fs::remove_file(data.join(name));
        }
        let old = self.folder.path().join("old/bartizan.db");
        std::fs::copy(old, data.join("bartizan.db")).unwrap();
    }

    /// Until the file has a head of the ledger over so many entries.
    async fn file_has(&self, entries: usize) {
        let until = Instant::now() + PATIENCE;
        let size = format!("\n{entries}\n");
        loop {
            let text = std::fs::read_to_string(self.folder.path().join("heads")).unwrap_or_default();
            if text.contains(&size) {
                return;
            }
            assert!(Instant::now() < until, "no head over {entries}: {text}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn anp_0012_agp_r2_evidence_shows_who_cosigned_it_and_offline_so_many_can_be_demanded() {
    let town = town().await;
    let gate = &town.scene.gate;
    let other = witness_at("127.0.0.1:0", &town.folder.path().join("other"), &log_key(gate)).await;
    let with = |file: &'static str, more: &[&str]| {
        let mut words = vec!["ledger", "verify", file, "--key", "ledger.key"];
        words.extend(["--witness", town.witness.key.as_str()]);
        words.extend(more.iter().copied().map(|word| &*word.to_owned().leak()));
        words
    };
    let said = done(gate, &with("cosigned.jsonl", &[])).await;
    assert!(said.contains("witness.example"), "{said}");
    let both = ["--witness", other.key.as_str()];
    broken(gate, &with("cosigned.jsonl", &both), "is not cosigned by").await;
    let one = ["--witness", other.key.as_str(), "--witnesses", "1"];
    done(gate, &with("cosigned.jsonl", &one)).await;
    let (code, said) = run(gate, &with("cosigned.jsonl", &["--witnesses", "2"])).await;
    assert_eq!(code, 2, "more than there are: {said}");

    // The proof of one call likewise.
    let export = std::fs::read_to_string(gate.folder().join("cosigned.jsonl")).unwrap();
    let first: Value = serde_json::from_str(export.lines().nth(1).unwrap()).unwrap();
    let entry: Value = serde_json::from_str(first["entry"]["bytes"].as_str().unwrap()).unwrap();
    let request = entry["id"].as_str().unwrap();
    done(
        gate,
        &[
            "ledger",
            "prove",
            request,
            "--witnesses",
            "1",
            "--out",
            "proof.json",
        ],
    )
    .await;
    done(gate, &with("proof.json", &[])).await;
    broken(gate, &with("proof.json", &both), "is not cosigned by").await;
    // And the receipt that a caller takes, which carries what there is.
    let key = town.scene.new_key(|key| key.receipts = true).await;
    let client = gate.data().bearer(&key);
    let answer = client.post("/v1/chat/completions", &scene::call("m-oa")).await;
    let place = format!("/v1/receipts/{}", answer.header("x-request-id").unwrap());
    std::fs::write(gate.folder().join("answer.json"), &answer.body).unwrap();
    let files = [
        "receipt",
        "verify",
        "--receipt",
        "receipt.json",
        "--body",
        "answer.json",
    ];
    let receipt = [
        &files[..],
        &["--key", "ledger.key", "--witness", &town.witness.key],
    ]
    .concat();
    let until = Instant::now() + PATIENCE;
    loop {
        let given = client.get(&place).await;
        std::fs::write(gate.folder().join("receipt.json"), &given.body).unwrap();
        let (code, said) = run(gate, &receipt).await;
        if given.status == 200 && code == 0 {
            break;
        }
        assert!(Instant::now() < until, "{}\n{said}", given.text());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    broken(gate, &[&receipt[..], &both].concat(), "is not cosigned by").await;
    let asked = ["ledger", "prove", request, "--witnesses", "2"];
    assert_eq!(run(gate, &asked).await.0, 3, "nobody else is asked");

    // The signature of a witness over another head is none over this one.
    let plain = ["ledger", "export", "--out", "plain.jsonl"];
    town.scene
        .client()
        .post("/v1/chat/completions", &scene::call("m-oa"))
        .await;
    grow(&town.scene, town.entries + 2).await;
    done(gate, &plain).await;
    let text = std::fs::read_to_string(gate.folder().join("plain.jsonl")).unwrap();
    let kept: Vec<&str> = export.lines().last().unwrap().split("\\n\\n").collect();
    let moved: Vec<String> = text
        .lines()
        .map(|line| match line.split_once("\\n\\n") {
            Some((head, own)) => {
                let cosigned = kept[1].trim_end_matches("\"}").split("\\n").nth(1).unwrap();
                let own = own.split("\\n").next().unwrap();
                format!("{head}\\n\\n{own}\\n{cosigned}\\n\"}}")
            }
            None => line.to_owned(),
        })
        .collect();
    std::fs::write(gate.folder().join("moved.jsonl"), moved.join("\n")).unwrap();
    done(gate, &["ledger", "verify", "moved.jsonl", "--key", "ledger.key"]).await;
    broken(gate, &with("moved.jsonl", &[]), "is not cosigned by").await;
}

fn log_key(gate: &Gate) -> String {
    std::fs::read_to_string(gate.folder().join("ledger.key"))
        .unwrap()
        .trim()
        .to_owned()
}

#[tokio::test]
async fn anp_0012_agp_r1_a_store_that_is_set_back_is_told_by_the_gate_itself() {
    let mut town = town().await;
    town.file_has(town.entries).await;
    stopped(&mut town.scene.gate).await;
    town.set_back();
    town.scene.gate.restart().await;
    for witness in ["elsewhere", "disk"] {
        let after = told(&town.scene.gate, "witness.disagrees", witness).await;
        let log = after["log"].as_str().unwrap();
        assert!(log.starts_with("bartizan/tnt_"), "{after}");
        assert!(after["seen"].as_u64() > after["size"].as_u64(), "{after}");
        assert!(after["why"].as_str().unwrap().contains("rolled back"), "{after}");
    }
    let line = "bartizan_witness_disagreements{witness=\"elsewhere\"}";
    let until = Instant::now() + PATIENCE;
    while town.scene.metric(line).await < 1.0 {
        assert!(Instant::now() < until, "{}", town.scene.gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The file tells it to whoever verifies as well.
    let heads = town.folder.path().join("heads").display().to_string();
    let gate = &town.scene.gate;
    done(gate, &["ledger", "export", "--out", "old.jsonl"]).await;
    let verify = [
        "ledger",
        "verify",
        "old.jsonl",
        "--key",
        "ledger.key",
        "--since",
        &heads,
    ];
    broken(gate, &verify, "rolled back").await;
    let verify = [
        "ledger",
        "verify",
        "cosigned.jsonl",
        "--key",
        "ledger.key",
        "--since",
        &heads,
    ];
    done(gate, &verify).await;
}

#[tokio::test]
async fn anp_0012_agp_r1_a_store_that_was_set_back_and_grew_anew_is_told_as_forked() {
    let mut town = town().await;
    town.file_has(town.entries).await;
    stopped(&mut town.scene.gate).await;
    town.set_back();
    // Nobody is asked until the log is longer than what was seen.
    town.scene.gate.write_config(&format!(
        "{}ledger: {{ checkpoint_every_ms: 1000 }}\n",
        scene::providers(&town.scene.provider.base_url())
    ));
    town.scene.gate.restart().await;
    grow(&town.scene, town.entries + 2).await;
    done(&town.scene.gate, &["ledger", "checkpoint"]).await;
    let config = town.config.clone();
    started_again(&mut town.scene, &config).await;
    for witness in ["elsewhere", "disk"] {
        let after = told(&town.scene.gate, "witness.disagrees", witness).await;
        assert!(after["why"].as_str().unwrap().contains("forked"), "{after}");
        assert!(after["seen"].as_u64().unwrap() >= 3, "{after}");
    }
}

#[tokio::test]
async fn anp_0012_a_witness_that_is_away_or_is_somebody_else_is_told_and_so_is_its_return() {
    let mut scene = Scene::with("").await;
    let folder = tempfile::tempdir().unwrap();
    let key = done(&scene.gate, &["ledger", "key"]).await;
    let real = witness_at("127.0.0.1:0", &folder.path().join("real"), key.trim()).await;
    // Another key of the same name: what the witness signs is not believed.
    let other = witness_at("127.0.0.1:0", &folder.path().join("other"), key.trim()).await;
    let place = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = folder.path().join("away");
    let first = witness_at("127.0.0.1:0", &away, key.trim()).await;
    let config = config(
        &scene,
        &[
            http("pretender", real.url(), &other.key),
            http("away", &format!("http://{place}"), &first.key),
        ],
    );
    drop(first);
    started_again(&mut scene, &config).await;
    grow(&scene, 1).await;
    let why = told(&scene.gate, "witness.silent", "pretender").await;
    assert!(
        why["why"].as_str().unwrap().contains("not signed with its key"),
        "{why}"
    );
    let why = told(&scene.gate, "witness.silent", "away").await;
    assert!(why["why"].as_str().unwrap().contains("does not answer"), "{why}");
    assert!(
        scene
            .metric("bartizan_witness_failures_total{witness=\"away\"}")
            .await
            >= 1.0
    );
    assert!(
        scene
            .metric("bartizan_witness_waiting_since_seconds{witness=\"away\"}")
            .await
            > 1.0
    );
    let (code, said) = run(&scene.gate, &["ledger", "export", "--witnesses", "1"]).await;
    assert_eq!(code, 3, "nobody cosigned: {said}");

    let _back = witness_at(&place.to_string(), &away, key.trim()).await;
    told(&scene.gate, "witness.heard", "away").await;
    cosigned(&scene.gate, "heard.jsonl", 1).await;
    let words = ["ledger", "verify", "heard.jsonl", "--witness", &_back.key];
    done(&scene.gate, &words).await;
}

/// The database beside the gate, as somebody has it who has the machine.
async fn tamper(data_dir: &Path, statements: &[&'static str]) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data_dir.join("bartizan.db"));
    let mut connection = options.connect().await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn agp_r2_under_one_head_for_all_the_entry_that_was_changed_is_named() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let key = done(gate, &["ledger", "key"]).await;
    std::fs::write(gate.folder().join("ledger.key"), &key).unwrap();
    grow(&scene, 5).await;
    done(gate, &["ledger", "export", "--out", "true.jsonl"]).await;
    done(gate, &["ledger", "verify", "true.jsonl", "--key", "ledger.key"]).await;
    let change = "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"status\":200', '\"status\":201') AS BLOB)
                  WHERE idx = 2";
    tamper(
        &gate.data_dir(),
        &["DROP TRIGGER entries_are_not_changed", change],
    )
    .await;
    done(gate, &["ledger", "export", "--out", "changed.jsonl"]).await;
    let verify = ["ledger", "verify", "changed.jsonl", "--key", "ledger.key"];
    broken(gate, &verify, "entry 2: ").await;
}
