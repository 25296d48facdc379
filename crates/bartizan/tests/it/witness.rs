//! A witness remembers what a gate's logs were: a store that is set back, a log that is forked, and a history that was signed
//! again with the true key are found by whoever asks the witness, or has what it signed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use credential::purpose;
use http::Method;
use ledger::bundle::ExportLine;
use ledger::merkle::{consistency_proof, leaf_hash, root_of};
use ledger::note::{Checkpoint, Signer, claimed};
use ledger::witness::AddCheckpoint;
use serde_json::Value;
use sqlx::{ConnectOptions, Connection};
use testkit::{Answer, Client, Gate};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::scene::{self, Scene, call};

const CHAT: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(30);

/// `bartizan witness`, until it is dropped.
pub struct Witness {
    _process: Child,
    url: String,
    pub key: String,
}

async fn witness(dir: &Path, log: &str) -> Witness {
    witness_at("127.0.0.1:0", dir, log).await
}

/// One that listens there.
pub async fn witness_at(listen: &str, dir: &Path, log: &str) -> Witness {
    let dir = dir.to_str().unwrap();
    let words = [
        "witness",
        "--listen",
        listen,
        "--name",
        "witness.example",
        "--dir",
        dir,
        "--log",
        log,
    ];
    let mut process = Command::new(scene::BINARY)
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut key = String::new();
    let mut said = String::new();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    let mut errors = BufReader::new(process.stderr.take().unwrap());
    let started = async {
        out.read_line(&mut key).await.unwrap();
        errors.read_line(&mut said).await.unwrap();
    };
    tokio::time::timeout(PATIENCE, started).await.unwrap();
    // Whoever reads nothing must not stop it.
    tokio::spawn(async move {
        let mut line = String::new();
        while errors.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            line.clear();
        }
    });
    let url = said.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{said}");
    Witness {
        _process: process,
        url,
        key: key.trim().to_owned(),
    }
}

impl Witness {
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn ask(&self, asked: &AddCheckpoint) -> Answer {
        let address = self.url.trim_start_matches("http://").parse().unwrap();
        let body = Bytes::from(asked.to_string());
        let client = Client::new(address);
        let sent = client.request(Method::POST, "/add-checkpoint", body);
        sent.await.unwrap()
    }
}

pub async fn run(gate: &Gate, words: &[&str]) -> (i32, String) {
    let output = gate.cli(words).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

pub async fn done(gate: &Gate, words: &[&str]) -> String {
    let (code, said) = run(gate, words).await;
    assert_eq!(code, 0, "{words:?}: {said}");
    said
}

pub async fn broken(gate: &Gate, words: &[&str], why: &str) {
    let (code, said) = run(gate, words).await;
    assert_eq!(code, 4, "{words:?}: {said}");
    assert!(said.contains(why), "`{why}` is not in {said}");
}

/// Calls until the ledger has so many entries.
pub async fn grow(scene: &Scene, entries: usize) {
    for _ in 0..200 {
        let shown = done(&scene.gate, &["--json", "ledger", "show", "--last", "1000"]).await;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        if shown.as_array().unwrap().len() >= entries {
            return;
        }
        assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ledger did not grow");
}

/// The file that holds the first tenant's ledger's head.
fn ledgers_head(dir: &Path) -> String {
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let Ok(note) = std::fs::read_to_string(&path) else {
            continue;
        };
        let is_ledger = claimed(&note).is_ok_and(|head| !head.origin.ends_with("/audit"));
        if is_ledger {
            return path.to_str().unwrap().to_owned();
        }
    }
    panic!("no head of a ledger in {}", dir.display());
}

struct Town {
    scene: Scene,
    folder: tempfile::TempDir,
    witness: Witness,
}

async fn town() -> Town {
    let scene = Scene::with("").await;
    let folder = tempfile::tempdir().unwrap();
    let key = done(&scene.gate, &["ledger", "key"]).await;
    std::fs::write(scene.gate.folder().join("ledger.key"), &key).unwrap();
    let witness = witness(folder.path(), key.trim()).await;
    Town {
        scene,
        folder,
        witness,
    }
}

impl Town {
    fn anchoring<'a>(&'a self, dir: &'a str) -> Vec<&'a str> {
        vec![
            "ledger",
            "witness",
            "--url",
            &self.witness.url,
            "--key",
            &self.witness.key,
            "--dir",
            dir,
        ]
    }

    fn verifying<'a>(&'a self, export: &'a str, head: &'a str) -> Vec<&'a str> {
        let mut words = vec!["ledger", "verify", export, "--key", "ledger.key", "--since", head];
        words.extend(["--witness", &self.witness.key]);
        words
    }
}

#[tokio::test]
async fn anp_0012_agp_r1_a_store_that_is_set_back_is_found_by_the_witness() {
    let town = town().await;
    let gate = &town.scene.gate;
    grow(&town.scene, 2).await;
    done(gate, &town.anchoring("heads")).await;
    // The whole instance as it is now: what somebody puts back later.
    let old = town.folder.path().join("old");
    copy(&gate.data_dir(), &old).await;
    grow(&town.scene, 5).await;
    done(gate, &town.anchoring("heads")).await;
    done(gate, &town.anchoring("heads")).await;
    let head = ledgers_head(&gate.folder().join("heads"));
    done(gate, &["ledger", "export", "--out", "new.jsonl"]).await;
    let said = done(gate, &town.verifying("new.jsonl", &head)).await;
    assert!(said.contains("only grew since"), "{said}");

    let old = old.to_str().unwrap();
    let set_back = |mut words: Vec<&'static str>| {
        words.extend(["--data-dir", old.to_owned().leak()]);
        words
    };
    done(gate, &set_back(vec!["ledger", "export", "--out", "old.jsonl"])).await;
    broken(gate, &town.verifying("old.jsonl", &head), "rolled back").await;
    // Nothing that it kept is needed: the witness knows.
    for dir in ["heads", "forgotten"] {
        let mut words = town.anchoring(dir);
        words.extend(["--data-dir", old]);
        broken(gate, &words, "it was rolled back").await;
    }
    // A head that nobody cosigned is none to hold evidence against.
    done(gate, &["ledger", "checkpoint", "--out", "plain.checkpoint"]).await;
    broken(
        gate,
        &town.verifying("new.jsonl", "plain.checkpoint"),
        "is not cosigned by",
    )
    .await;
}

/// The instance's folder, with its database as one file.
pub async fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if file.file_type().unwrap().is_file() && !name.starts_with("bartizan.db") && !name.contains("lock") {
            std::fs::copy(file.path(), to.join(name)).unwrap();
        }
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(from.join("bartizan.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::query("VACUUM INTO ?")
        .bind(to.join("bartizan.db").to_str().unwrap())
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// What the export says of entries, and how its log is called.
fn read(export: &str) -> (String, Vec<Vec<u8>>) {
    let lines = export
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let origin = lines[0]["ledger"]["origin"].as_str().unwrap().to_owned();
    let bytes = lines.iter().filter_map(|line| line["entry"]["bytes"].as_str());
    (origin, bytes.map(|bytes| bytes.as_bytes().to_vec()).collect())
}

fn head(origin: &str, entries: &[Vec<u8>], signer: &Signer) -> (Vec<[u8; 32]>, String) {
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let head = Checkpoint {
        origin: origin.to_owned(),
        size: leaves.len() as u64,
        root: root_of(&leaves),
    };
    (leaves, head.sign(signer).unwrap())
}

#[tokio::test]
async fn anp_0012_agp_r1_what_is_signed_again_with_the_true_key_is_found_by_the_witness() {
    let town = town().await;
    let gate = &town.scene.gate;
    grow(&town.scene, 3).await;
    done(gate, &town.anchoring("heads")).await;
    let kept = ledgers_head(&gate.folder().join("heads"));
    let seen = claimed(&std::fs::read_to_string(&kept).unwrap()).unwrap().size;
    done(gate, &["ledger", "export", "--out", "true.jsonl"]).await;
    let export = std::fs::read_to_string(gate.folder().join("true.jsonl")).unwrap();
    let (origin, entries) = read(&export);

    // Whoever has the root has the key, and writes another history.
    let root = scene::master(&gate.data_dir());
    let thief = Signer::from_seed("bartizan", &root.derive(purpose::LEDGER_SIGNER)).unwrap();
    let mut forged = entries.clone();
    forged[0] = String::from_utf8(forged[0].clone())
        .unwrap()
        .replacen("\"status\":200", "\"status\":201", 1)
        .into_bytes();
    assert_ne!(forged, entries);
    let (_, note) = head(&origin, &forged, &thief);
    let mut lines = vec![ExportLine::header(&origin, thief.verifier()).to_line()];
    for (index, entry) in (0..).zip(&forged) {
        lines.push(ExportLine::entry(index, entry).unwrap().to_line());
    }
    lines.push(ExportLine::checkpoint(&note).to_line());
    std::fs::write(gate.folder().join("forged.jsonl"), lines.join("\n") + "\n").unwrap();
    done(gate, &["ledger", "verify", "forged.jsonl", "--key", "ledger.key"]).await;
    broken(gate, &town.verifying("forged.jsonl", &kept), "at").await;

    // Nor does the witness sign it: as long, longer, or shorter.
    let ask = |note: &str, old_size, path: Vec<[u8; 32]>| AddCheckpoint {
        old_size,
        path,
        note: note.to_owned(),
    };
    let mut longer = forged.clone();
    longer.push(forged[1].clone());
    let (longer, longer_note) = head(&origin, &longer, &thief);
    let fork = town.witness.ask(&ask(&note, seen, Vec::new())).await;
    assert!(
        matches!(fork.status, 409 | 422),
        "{} {}",
        fork.status,
        fork.text()
    );
    let path = consistency_proof(&longer, seen).unwrap();
    assert_eq!(town.witness.ask(&ask(&longer_note, seen, path)).await.status, 422);
    let (_, shorter) = head(&origin, &entries[..1], &thief);
    let told = town.witness.ask(&ask(&shorter, 1, Vec::new())).await;
    assert_eq!(
        (told.status, told.text().trim()),
        (409, seen.to_string().as_str())
    );
    assert_eq!(told.header("content-type"), Some("text/x.tlog.size"));
    let stranger = Signer::from_seed("bartizan", &[3; 32]).unwrap();
    let (_, strangers) = head(&origin, &entries, &stranger);
    assert_eq!(
        town.witness.ask(&ask(&strangers, seen, Vec::new())).await.status,
        403
    );
    let other = Signer::from_seed("other", &[3; 32]).unwrap();
    let (_, foreign) = head("other/x", &entries, &other);
    assert_eq!(town.witness.ask(&ask(&foreign, 0, Vec::new())).await.status, 404);

    // Nor after it was killed and started again; nor does a second one run on its folder.
    let second = Command::new(scene::BINARY)
        .args(["witness", "--listen", "127.0.0.1:0", "--name", "w", "--dir"])
        .arg(town.folder.path())
        .args(["--log", &thief.verifier_text()])
        .output()
        .await
        .unwrap();
    assert_eq!(
        second.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&second.stderr)
    );
    let Town {
        scene,
        folder,
        witness: mut first,
    } = town;
    let key = first.key.clone();
    first._process.kill().await.unwrap();
    let again = witness(folder.path(), &thief.verifier_text()).await;
    assert_eq!(again.key, key);
    let told = again.ask(&ask(&shorter, 1, Vec::new())).await;
    assert_eq!(
        (told.status, told.text().trim()),
        (409, seen.to_string().as_str())
    );
    let town = Town {
        scene,
        folder,
        witness: again,
    };
    done(&town.scene.gate, &town.anchoring("heads")).await;
}
