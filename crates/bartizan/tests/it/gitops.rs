//! Tenants as files: exported, changed, compared, applied, by people and by a pipeline's token. The real binary asks
//! the real binary.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, Gate};
use tokio::process::Command;

use crate::scene::{BINARY, Scene, openai_credential};

const PASSWORD: &str = "quartz lantern mumbles 42";

/// Whoever runs the instance, and their token.
async fn root(gate: &Gate) -> (Client, String) {
    let line = gate
        .lines()
        .wait_for("good once and for an hour: ", Duration::from_secs(10))
        .await;
    let token = line.rsplit(' ').next().unwrap();
    let body = json!({"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let made = gate.control().post("/api/v1/setup", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let token = made.json()["token"].as_str().unwrap().to_owned();
    (gate.control().bearer(&token), token)
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

/// `bartizan` with this token and these words.
async fn run(gate: &Gate, token: &str, words: &[&str]) -> Said {
    let child = Command::new(BINARY)
        .args(words)
        .env("XDG_CONFIG_HOME", gate.folder())
        .env(
            "BARTIZAN_CONTROL_URL",
            format!("http://{}", gate.control().address()),
        )
        .env("BARTIZAN_TOKEN", token)
        .stdin(Stdio::null())
        .output();
    let done = tokio::time::timeout(Duration::from_secs(60), child)
        .await
        .unwrap()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: done.status.code().unwrap(),
        out: text(done.stdout),
        err: text(done.stderr),
    }
}

fn file(gate: &Gate, name: &str, text: &str) -> PathBuf {
    let path = gate.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

const ACME: &str = "\
tenant: {name: acme}
teams:
  - name: research
services:
  - {name: deploy, team: research}
grants:
  - {service: deploy, role: tenant_admin}
---
tenant: {name: acme}
keys:
  - name: ci
    team: research
    owner: {service: deploy}
    all_models: true
";

#[tokio::test]
async fn a_tenant_is_made_from_a_file_and_kept_by_a_pipeline() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let (root, session) = root(gate).await;
    let path = file(gate, "acme.yaml", ACME);
    let path = path.to_str().unwrap();
    // A tenant that is not there is made; without a yes nothing is.
    let differs = run(gate, &session, &["diff", "-f", path]).await;
    assert_eq!(differs.code, 1, "{}", differs.err);
    assert!(
        differs.out.contains("+ tenant") && differs.err.is_empty(),
        "{} {}",
        differs.out,
        differs.err
    );
    let unsure = run(gate, &session, &["apply", "-f", path]).await;
    assert_eq!(unsure.code, 2, "{}", unsure.err);
    assert!(unsure.err.contains("--yes"), "{}", unsure.err);
    let made = run(gate, &session, &["apply", "-f", path, "--yes", "--json"]).await;
    assert_eq!(made.code, 0, "{}", made.err);
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let secret = made[0]["secrets"][0]["secret"].as_str().unwrap().to_owned();
    let data = gate.data().bearer(&secret);
    let since = std::time::Instant::now();
    while data.get("/v1/models").await.status != 200 {
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "the new key does not work"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let same = run(gate, &session, &["diff", "-f", path, "--prune"]).await;
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    // The pipeline, with a token of its own from here on.
    let tenants = root.get("/api/v1/tenants").await.json();
    let tenant = tenants["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "acme")
        .unwrap();
    let tenant = format!("/api/v1/tenants/{}", id(tenant));
    let services = root.get(&format!("{tenant}/services")).await.json();
    let tokens = format!("{tenant}/services/{}/tokens", id(&services["items"][0]));
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let token = root
        .post(&tokens, &json!({"name": "ci", "expires": until.to_string()}))
        .await
        .json();
    let ci = token["secret"].as_str().unwrap();
    let exported = run(gate, ci, &["export"]).await;
    assert_eq!(exported.code, 0, "{}", exported.err);
    assert!(
        exported.out.contains("secret: redacted") && !exported.out.contains("tnt_"),
        "{}",
        exported.out
    );
    let again = file(gate, "exported.yaml", &exported.out);
    let again = again.to_str().unwrap();
    assert_eq!(
        run(gate, ci, &["diff", "-f", again, "--prune"]).await.code,
        0,
        "{}",
        exported.out
    );
    // A change by a folder of files: shown first, then done.
    std::fs::create_dir(gate.folder().join("tenants")).unwrap();
    file(gate, "tenants/1.yaml", &exported.out);
    file(
        gate,
        "tenants/2.yml",
        "tenant: {name: acme}\nprojects:\n  - {name: '${HOME}', team: research}\n",
    );
    file(gate, "tenants/README.md", "not: [yaml");
    let folder = gate.folder().join("tenants");
    let folder = folder.to_str().unwrap();
    let dry = run(gate, ci, &["apply", "-f", folder, "--dry-run"]).await;
    assert_eq!(
        (dry.code, dry.out.contains("+ project  ${HOME}")),
        (0, true),
        "{}{}",
        dry.out,
        dry.err
    );
    assert_eq!(
        run(gate, ci, &["diff", "-f", folder]).await.code,
        1,
        "a dry run does nothing"
    );
    assert_eq!(run(gate, ci, &["apply", "-f", folder, "-y"]).await.code, 0);
    assert_eq!(run(gate, ci, &["diff", "-f", folder]).await.code, 0);
    let audit = root
        .get(&format!("{tenant}/audit?act=projects.create"))
        .await
        .text();
    assert!(audit.contains("deploy") && !audit.contains("btzc_"), "{audit}");
    // What the file does not name ends when that is asked for.
    let without = exported.out.replace("keys:", "old_keys:");
    let bad = file(gate, "bad.yaml", &without);
    let refused = run(gate, ci, &["apply", "-f", bad.to_str().unwrap(), "--yes"]).await;
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("bad.yaml:") && refused.err.contains("old_keys"),
        "{}",
        refused.err
    );
    let bare = file(gate, "bare.yaml", "tenant: {name: acme}\nkeys: []\n");
    let pruned = run(
        gate,
        ci,
        &["apply", "-f", bare.to_str().unwrap(), "--prune", "--yes"],
    )
    .await;
    assert!(
        pruned.out.contains("- key  research/ci"),
        "{}{}",
        pruned.out,
        pruned.err
    );
}

/// What is wrong is said with file and line, and an error is never taken for "differs" or "the same".
#[tokio::test]
async fn what_is_wrong_is_said_with_file_and_line() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let (root, session) = root(gate).await;
    root.post("/api/v1/tenants", &json!({"name": "acme"})).await;
    let cases = [
        (
            "tenant: {name: acme}\nteams:\n  - name: one\nkeys:\n  - name: k\n    team: nowhere\n",
            "case.yaml:6",
        ),
        (
            "tenant: {name: acme}\nteams:\n  - name: one\n    colour: red\n",
            "case.yaml:4",
        ),
        ("tenant: {name: acme}\nteams:\n  - name: [\n", "case.yaml"),
        ("teams: []\n", "case.yaml:1"),
    ];
    for (text, place) in cases {
        let path = file(gate, "case.yaml", text);
        for command in ["diff", "apply"] {
            let said = run(gate, &session, &[command, "-f", path.to_str().unwrap()]).await;
            assert_eq!(said.code, 2, "{command} {text}: {}{}", said.out, said.err);
            assert!(said.err.contains(place), "{command} {text}: {}", said.err);
        }
    }
    let path = file(gate, "good.yaml", "tenant: {name: acme}\n");
    let nobody = run(gate, "btzc_x", &["diff", "-f", path.to_str().unwrap()]).await;
    assert_eq!(nobody.code, 2, "{}", nobody.err);
    assert!(nobody.err.contains("BARTIZAN_TOKEN"), "{}", nobody.err);
}

/// What the file configures is shown, and no secret with it.
#[tokio::test]
async fn agp_i1_models_providers_and_settings_are_shown_without_secrets() {
    let scene = Scene::with("control: {mode: declarative}\n").await;
    let gate = &scene.gate;
    let (root, session) = root(gate).await;
    let acme = root
        .post("/api/v1/tenants", &json!({"name": "acme"}))
        .await
        .json();
    let models = root
        .get(&format!("/api/v1/tenants/{}/models", id(&acme)))
        .await
        .json();
    let names: Vec<_> = models["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"m-oa".to_owned()), "{names:?}");
    let providers = root.get("/api/v1/providers").await;
    assert_eq!(providers.json()["items"][1]["name"], "oa", "{}", providers.text());
    assert_eq!(providers.json()["items"][1]["targets"][0]["breaker"], "closed");
    assert!(!models.to_string().contains(&scene.provider.base_url()));
    let settings = root.get("/api/v1/settings").await;
    assert_eq!(settings.json()["providers"][0]["credential"], "env:OA_KEY");
    assert_eq!(settings.json()["control"]["mode"], "declarative");
    for text in [providers.text(), settings.text(), models.to_string()] {
        assert!(!text.contains(&openai_credential()), "{text}");
    }
    let refused = run(
        gate,
        &session,
        &["ctl", "teams", "create", "--tenant", &id(&acme), "--name", "t"],
    )
    .await;
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("bartizan apply -f"), "{}", refused.err);
}
