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

/// What a tenant says of the content of its calls is in its file: shown by the places that change, and done by who may.
#[tokio::test]
async fn anp_0017_guards_and_consents_are_applied_from_files() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let (root, session) = root(gate).await;
    let of = |mode: &str| {
        format!(
            "{ACME}---\ntenant: {{name: acme}}\nguards:\n  profiles:\n    - name: strict\n      when: {{teams: [research]}}\n      \
             guards: {{personal: {{input: {mode}, kinds: [email]}}}}\n"
        )
    };
    let path = file(gate, "acme.yaml", &of("redact"));
    let path = path.to_str().unwrap();
    let differs = run(gate, &session, &["diff", "-f", path]).await;
    assert!(
        differs.code == 1 && differs.out.contains("+ guards"),
        "{}",
        differs.out
    );
    let made = run(gate, &session, &["apply", "-f", path, "--yes", "--json"]).await;
    assert_eq!(made.code, 0, "{}", made.err);
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let data = gate
        .data()
        .bearer(made[0]["secrets"][0]["secret"].as_str().unwrap());
    assert_eq!(
        run(gate, &session, &["diff", "-f", path, "--prune"]).await.code,
        0
    );

    file(gate, "acme.yaml", &of("block"));
    let plan = run(gate, &session, &["apply", "-f", path, "--dry-run"]).await;
    let told = "profiles[strict].guards.personal.input: \"redact\" → \"block\"";
    assert!(plan.out.contains(told), "{}{}", plan.out, plan.err);
    assert_eq!(run(gate, &session, &["apply", "-f", path, "-y"]).await.code, 0);
    let mut body = crate::scene::call("m-oa");
    body["messages"][0]["content"] = json!("write to ada.lovelace@analytical-engine.org today");
    let since = std::time::Instant::now();
    let refused = loop {
        let answer = data.post("/v1/chat/completions", &body).await;
        if answer.status == 400 {
            break answer;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(refused.text().contains("strict"), "{}", refused.text());

    // What changed from the version before, and what the profile had to do with the call.
    let tenants = root.get("/api/v1/tenants").await.json();
    let all = tenants["items"].as_array().unwrap().iter();
    let tenant = id(all.clone().find(|one| one["name"] == "acme").unwrap());
    let words = ["ctl", "guards", "diff", "--tenant", &tenant, "--number", "2"];
    let diff = run(gate, &session, &words).await;
    assert!(
        diff.code == 0 && diff.out.contains("profiles[strict].guards.personal.input"),
        "{}{}",
        diff.out,
        diff.err
    );
    let request = refused.header("x-request-id").unwrap().to_owned();
    let since = std::time::Instant::now();
    let why = loop {
        let explain = format!("/api/v1/tenants/{tenant}/policies/explain");
        let why = root.post(&explain, &json!({"request": request})).await;
        if why.status == 200 {
            break why.json();
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{}", why.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let guarded = &why["recorded"]["guarded"];
    assert_eq!(
        guarded["profiles"],
        json!([{"name": "strict", "of": "tenant"}]),
        "{why}"
    );
    let found = json!({"direction": "input", "rule": "email_address", "verdict": "block"});
    assert!(guarded["findings"].as_array().unwrap().contains(&found), "{why}");
    assert!(
        guarded["version"].is_string() && guarded.get("consents").is_none(),
        "{why}"
    );
    let shown = gate
        .cli(&["policy", "explain", "--tenant", "acme", "--request", &request])
        .await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("strict (tenant's)") && shown.contains("block email_address, input"),
        "{shown}"
    );

    // Whoever runs the instance consents for nobody by a file, either, and one file speaks for all of it.
    let consents = format!("{}consents: {{content_leaves: false}}\n", of("redact"));
    file(gate, "acme.yaml", &consents);
    let refused = run(gate, &session, &["apply", "-f", path, "-y"]).await;
    assert!(
        refused.code != 0 && refused.err.contains("/consents"),
        "{}",
        refused.err
    );
    assert!(
        refused.err.contains("acme.yaml:"),
        "with its line: {}",
        refused.err
    );
    assert_eq!(run(gate, &session, &["diff", "-f", path]).await.code, 2);
    let twice = format!(
        "{}---\ntenant: {{name: acme}}\nguards: {{profiles: []}}\n",
        of("block")
    );
    file(gate, "acme.yaml", &twice);
    let refused = run(gate, &session, &["diff", "-f", path]).await;
    assert!(refused.err.contains("stands in two places"), "{}", refused.err);
}
