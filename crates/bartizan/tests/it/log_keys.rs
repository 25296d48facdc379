//! The key that signs the logs is replaced while gates serve: whoever was given the first key follows to the newest, two
//! gates on one store never disagree, and what a replaced or a lost key signs is found.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use credential::{MasterKey, purpose};
use ledger::bundle::ExportLine;
use ledger::note::{Signer, claimed};
use serde_json::Value;
use testkit::{Client, Gate, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::scene::{self, Scene, call, providers};

const CHAT: &str = "/v1/chat/completions";
/// Heads are signed as often as is allowed.
const OFTEN: &str = "ledger: { checkpoint_every_ms: 1000 }\n";
const PATIENCE: Duration = Duration::from_secs(20);

/// `bartizan …` on the gate's instance: its exit code and what it said.
async fn run(gate: &Gate, words: &[&str]) -> (i32, String) {
    let output = gate.cli(words).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

async fn done(gate: &Gate, words: &[&str]) -> String {
    let (code, said) = run(gate, words).await;
    assert_eq!(code, 0, "{words:?}: {said}");
    said
}

/// What the control listener publishes.
async fn published(gate: &Gate) -> Value {
    let answer = gate.control().get("/api/v1/ledger/key").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn verifier(gate: &Gate) -> String {
    published(gate).await["verifier"].as_str().unwrap().to_owned()
}

/// Calls without pause until told to stop; how many were answered.
fn load(client: Client, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut answered = 0;
        while !stop.load(Ordering::Relaxed) {
            let answer = client.post(CHAT, &call("m-oa")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            answered += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        answered
    })
}

/// A checkpoint of the ledger, signed by a serving gate's instance.
async fn checkpoint(gate: &Gate, name: &str) -> String {
    done(gate, &["ledger", "checkpoint", "--out", name]).await;
    std::fs::read_to_string(gate.folder().join(name)).unwrap()
}

async fn export(gate: &Gate, name: &str) -> Vec<String> {
    done(gate, &["ledger", "export", "--out", name]).await;
    let text = std::fs::read_to_string(gate.folder().join(name)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn write(gate: &Gate, name: &str, lines: &[String]) {
    std::fs::write(gate.folder().join(name), lines.join("\n") + "\n").unwrap();
}

fn nothing_disagreed(gate: &Gate) {
    for line in gate.lines().all() {
        assert!(
            !line.contains("no checkpoint for this log") && !line.contains("does not agree"),
            "{line}"
        );
    }
}

/// The first key, as whoever stole the root has it.
fn first_key(data_dir: &Path) -> Signer {
    let root: MasterKey = scene::master(data_dir);
    Signer::from_seed("bartizan", &root.derive(purpose::LEDGER_SIGNER)).unwrap()
}

#[tokio::test]
async fn agp_r1_anp_0012_whoever_has_the_first_key_follows_to_the_newest_and_no_forgery_passes() {
    let scene = Scene::with(OFTEN).await;
    let gate = &scene.gate;
    let stop = Arc::new(AtomicBool::new(false));
    let calls = load(scene.client(), &stop);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let first = verifier(gate).await;
    let early = checkpoint(gate, "early.checkpoint").await;
    for _ in 0..2 {
        let before = verifier(gate).await;
        done(gate, &["ledger", "rotate-key"]).await;
        assert_ne!(verifier(gate).await, before, "at once, without a restart");
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    let newest = verifier(gate).await;
    let late = checkpoint(gate, "late.checkpoint").await;
    stop.store(true, Ordering::Relaxed);
    assert!(calls.await.unwrap() > 10);

    assert_eq!(done(gate, &["ledger", "key"]).await.trim(), newest);
    let good = export(gate, "ledger.jsonl").await;
    let show: Value =
        serde_json::from_str(&done(gate, &["--json", "ledger", "show", "--last", "1"]).await).unwrap();
    let request = show[0]["entry"]["id"].as_str().unwrap().to_owned();
    done(
        gate,
        &[
            "ledger",
            "prove",
            &request,
            "--out",
            "proof.json",
            "--since",
            "early.checkpoint",
        ],
    )
    .await;
    done(
        gate,
        &["audit", "export", "--tenant", "platform", "--out", "audit.jsonl"],
    )
    .await;
    let audit = std::fs::read_to_string(gate.folder().join("audit.jsonl")).unwrap();
    assert!(audit.contains("ledger_key.rotate"), "{audit}");
    std::fs::write(
        gate.folder().join("published.json"),
        published(gate).await.to_string(),
    )
    .unwrap();
    for key in [&first, &newest] {
        for kept in ["early.checkpoint", "late.checkpoint"] {
            done(
                gate,
                &["ledger", "verify", "ledger.jsonl", "--key", key, "--since", kept],
            )
            .await;
        }
        done(
            gate,
            &[
                "ledger",
                "verify",
                "proof.json",
                "--key",
                key,
                "--since",
                "early.checkpoint",
            ],
        )
        .await;
        done(
            gate,
            &[
                "audit",
                "verify",
                "audit.jsonl",
                "--key",
                key,
                "--published",
                "published.json",
            ],
        )
        .await;
    }
    // With nothing but the instance.
    done(gate, &["ledger", "verify", "ledger.jsonl"]).await;
    assert_ne!(claimed(&early).unwrap().size, claimed(&late).unwrap().size);

    let refused = async |lines: &[String], more: &[&str], why: &str| {
        write(gate, "bad.jsonl", lines);
        let words = [&["ledger", "verify", "bad.jsonl", "--key", &first], more].concat();
        let (code, said) = run(gate, &words).await;
        assert!(code == 4 && said.contains(why), "{code} for {why}: {said}");
    };
    let mut dropped = good.clone();
    dropped.remove(1);
    refused(&dropped, &[], "succession 1 was due").await;
    let mut swapped = good.clone();
    swapped.swap(1, 2);
    refused(&swapped, &[], "succession 1 was due").await;
    // The first key signs on after it was replaced.
    let thief = first_key(&gate.data_dir());
    assert_eq!(thief.verifier_text(), first);
    let head = claimed(&late).unwrap();
    let note = thief.sign(&head).unwrap();
    let mut signed_on = good.clone();
    let to = usize::try_from(head.size).unwrap() + 3;
    signed_on.truncate(to);
    signed_on.push(ExportLine::checkpoint(&note).to_line());
    refused(&signed_on, &[], "a key that was replaced at").await;
    // Alone, as if it had never been replaced: known to whoever has seen what was published, or has a later head.
    let mut alone = signed_on;
    alone.drain(1..3);
    alone[0] = alone[0].replace(&newest, &first);
    write(gate, "alone.jsonl", &alone);
    done(gate, &["ledger", "verify", "alone.jsonl", "--key", &first]).await;
    refused(
        &alone,
        &["--published", "published.json"],
        "succession 1 was published",
    )
    .await;
    refused(
        &alone,
        &["--since", "late.checkpoint"],
        "not signed by a known key",
    )
    .await;
    nothing_disagreed(gate);
}

#[tokio::test]
async fn agp_r1_a_key_that_was_lost_is_given_up_and_verifiers_have_to_be_told() {
    let mut scene = Scene::with(OFTEN).await;
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
    let first = verifier(&scene.gate).await;
    let until = Instant::now() + PATIENCE;
    while run(&scene.gate, &["ledger", "checkpoint"]).await.0 != 0 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = done(&scene.gate, &["ledger", "rotate-key", "--without-old"]).await;
    assert!(said.contains("by another way"), "{said}");
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 200);
    // It is there after a crash too.
    scene.gate.kill9().await;
    scene.gate.restart().await;
    let gate = &scene.gate;
    let newest = verifier(gate).await;
    assert_ne!(newest, first);
    export(gate, "ledger.jsonl").await;
    let (code, said) = run(gate, &["ledger", "verify", "ledger.jsonl", "--key", &first]).await;
    assert!(code == 4 && said.contains("given up"), "{said}");
    done(gate, &["ledger", "verify", "ledger.jsonl", "--key", &newest]).await;
    // The logs keep their name from now on.
    let text = std::fs::read_to_string(gate.config_path()).unwrap();
    let renamed = text.replace(
        "checkpoint_every_ms: 1000",
        "checkpoint_every_ms: 1000, origin: other",
    );
    assert_ne!(text, renamed);
    std::fs::write(gate.folder().join("other.yaml"), renamed).unwrap();
    let (code, said) = run(gate, &["--config", "other.yaml", "ledger", "key"]).await;
    assert!(code != 0 && said.contains("ledger.origin"), "{said}");
}

#[tokio::test]
async fn agp_r1_anp_0012_two_gates_on_one_store_follow_under_load_and_never_disagree() {
    let postgres = Postgres::start().await;
    let provider = ScriptedProvider::start().await;
    let text = providers(&provider.base_url())
        .replace("store: {", "store: { engine: postgres, url: \"env:DATABASE\",")
        + OFTEN;
    let master = MasterKey::generate().unwrap().to_wrapping_file(None).unwrap();
    let node = || {
        scene::builder()
            .config(text.clone())
            .env("DATABASE", postgres.url())
            .file("data/master.key", master.as_bytes())
    };
    let one = node().start().await;
    let line = one
        .lines()
        .wait_for("shown this once: ", Duration::from_secs(10))
        .await;
    let key = line.rsplit(' ').next().unwrap().to_owned();
    let two = node().start().await;
    let first = verifier(&one).await;
    let until = Instant::now() + PATIENCE;
    while two.data().bearer(&key).post(CHAT, &call("m-oa")).await.status != 200 {
        assert!(Instant::now() < until);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let loads = [&one, &two].map(|gate| load(gate.data().bearer(&key), &stop));
    for round in 0..4 {
        tokio::time::sleep(Duration::from_millis(1300)).await;
        let by = if round % 2 == 0 { &one } else { &two };
        done(by, &["ledger", "rotate-key"]).await;
        assert_eq!(verifier(&one).await, verifier(&two).await);
    }
    // Both at once: the keys stay one chain.
    let rotate = ["ledger", "rotate-key"];
    let (left, right) = tokio::join!(run(&one, &rotate), run(&two, &rotate));
    for (code, said) in [left, right] {
        assert!(code == 0 || said.contains("somebody else is replacing"), "{said}");
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stop.store(true, Ordering::Relaxed);
    for load in loads {
        assert!(load.await.unwrap() > 10);
    }
    let newest = verifier(&one).await;
    assert_eq!(verifier(&two).await, newest);
    assert_eq!(published(&one).await, published(&two).await);
    for gate in [&one, &two] {
        export(gate, "ledger.jsonl").await;
        for key in [&first, &newest] {
            let said = done(gate, &["ledger", "verify", "ledger.jsonl", "--key", key]).await;
            assert!(said.contains(&newest), "{said}");
        }
        nothing_disagreed(gate);
    }
    drop((one, two));
    postgres.remove().await;
}
