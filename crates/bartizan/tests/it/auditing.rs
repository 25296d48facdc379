//! Audit logs on real binaries: taken out, verified with the public key alone, and every change of them noticed.

use serde_json::Value;
use testkit::Gate;

use crate::scene::Scene;

async fn run(gate: &Gate, line: &str) -> (i32, String, String) {
    let done = gate.cli(&line.split(' ').collect::<Vec<_>>()).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        done.status.code().unwrap(),
        text(&done.stdout),
        text(&done.stderr),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_anp_0012_an_audit_log_is_exported_verified_and_every_change_is_found() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    gate.cli_json(&["tenants", "create", "acme", "--json"]).await;
    for name in ["a", "b", "c"] {
        let line = [
            "keys",
            "create",
            "--tenant",
            "acme",
            "--name",
            name,
            "--all-models",
            "--json",
        ];
        gate.cli_json(&line).await;
    }
    let (code, public, _) = run(gate, "ledger key").await;
    assert_eq!(code, 0);
    let write = |name: &str, text: &str| std::fs::write(gate.folder().join(name), text).unwrap();
    write("ledger.key", &public);
    let (code, _, err) = run(gate, "audit export --tenant acme --out log").await;
    assert_eq!(code, 0, "{err}");
    let log = std::fs::read_to_string(gate.folder().join("log")).unwrap();
    assert!(log.starts_with("{\"audit\":{\"format\":1"), "{log}");
    let verify = async |text: &str, more: &str| {
        write("copy", text);
        run(gate, &format!("audit verify copy --key ledger.key{more}")).await
    };
    let (code, said, err) = verify(&log, "").await;
    assert_eq!(code, 0, "{err}");
    assert!(said.contains("verified: all 4 records"), "{said}");

    // A checkpoint kept from earlier, and a log that was rolled back behind it.
    let note: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    write("then", note["checkpoint"].as_str().unwrap());
    let line = [
        "keys",
        "create",
        "--tenant",
        "acme",
        "--name",
        "d",
        "--all-models",
        "--json",
    ];
    gate.cli_json(&line).await;
    run(gate, "audit export --tenant acme --out longer").await;
    let longer = std::fs::read_to_string(gate.folder().join("longer")).unwrap();
    assert_eq!(verify(&longer, " --since then").await.0, 0);
    let note: Value = serde_json::from_str(longer.lines().last().unwrap()).unwrap();
    write("now", note["checkpoint"].as_str().unwrap());
    let (code, _, err) = verify(&log, " --since now").await;
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("rolled back"), "{err}");

    let lines: Vec<&str> = log.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    let without = [&lines[..2], &lines[3..]].concat();
    let doubled = [&lines[..2], &lines[1..]].concat();
    for (what, text, place) in [
        (
            "another name",
            log.replacen("\\\"name\\\":", "\\\"nome\\\":", 1),
            "entry",
        ),
        (
            "another outcome",
            log.replacen("keys.create", "keys.revoke", 1),
            "entry 1",
        ),
        ("a record gone", joined(&without), "entry 1"),
        ("two swapped", joined(&swapped), "entry 0"),
        ("one twice", joined(&doubled), "entry 1"),
        ("the end gone", joined(&lines[..4]), "end"),
        (
            "as a ledger",
            log.replacen("{\"audit\":", "{\"ledger\":", 1),
            "header",
        ),
        ("another log's name", log.replacen("/audit", "", 1), "entry 0"),
    ] {
        if text == log {
            continue;
        }
        let (code, _, err) = verify(&text, "").await;
        assert_eq!(code, 4, "{what}: {err}");
        assert!(err.contains(place), "{what}: {err}");
    }
    let (code, _, err) = run(gate, "ledger verify log --key ledger.key").await;
    assert_eq!(code, 4, "an audit log is no ledger: {err}");

    let listed = gate
        .cli_json(&["audit", "list", "--tenant", "acme", "--last", "2", "--json"])
        .await;
    let acts: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["record"]["act"])
        .collect();
    assert_eq!(acts, ["keys.create", "keys.create"]);
    let (code, said, _) = run(gate, "audit list --tenant platform").await;
    assert_eq!(code, 0);
    assert!(
        said.contains("tenants.create") && said.contains("machine: uid "),
        "{said}"
    );
}
