//! The control plane of the real binary: from the token that the first start prints to a tenant whose key
//! calls a model, and to the moment it no longer does. By API and by `bartizan ctl` alike.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Client, Gate};
use tokio::io::AsyncWriteExt;

use crate::scene::{BINARY, Scene, call};

pub const PASSWORD: &str = "quartz lantern mumbles 42";

/// The token that a start prints.
pub async fn setup_token(gate: &Gate) -> String {
    let line = gate
        .lines()
        .wait_for("good once and for an hour: ", Duration::from_secs(10))
        .await;
    line.rsplit(' ').next().unwrap().to_owned()
}

/// `bartizan ctl`, with a home of its own and these lines on standard input.
async fn ctl(gate: &Gate, arguments: &[&str], typed: &str) -> (i32, String, String) {
    let mut child = tokio::process::Command::new(BINARY)
        .arg("ctl")
        .args(arguments)
        .env("XDG_CONFIG_HOME", gate.folder())
        .env(
            "BARTIZAN_CONTROL_URL",
            format!("http://{}", gate.control().address()),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).await.unwrap();
    drop(stdin);
    let done = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

async fn json_of(gate: &Gate, arguments: &[&str]) -> Value {
    let (code, out, err) = ctl(gate, &[arguments, &["--json"]].concat(), "").await;
    assert_eq!(code, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap_or(Value::Null)
}

/// Until the data plane gives that status to the key.
async fn until(client: &Client, status: u16) -> Duration {
    let since = Instant::now();
    loop {
        let answer = client.post("/v1/chat/completions", &call("m-oa")).await;
        if answer.status == status {
            return since.elapsed();
        }
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "still {}: {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn anp_0016_a_tenant_is_onboarded_used_rotated_and_suspended_by_the_command_line() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let token = setup_token(gate).await;
    let typed = format!("{token}\n{PASSWORD}\n");
    let set_up = [
        "sessions",
        "set-up",
        "--email",
        "root@example.com",
        "--name",
        "Root",
    ];
    let (code, _, err) = ctl(gate, &set_up, &typed).await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = ctl(gate, &set_up, &typed).await;
    assert_eq!(code, 1, "the token is good once: {err}");
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let tenant = text(
        &json_of(gate, &["tenants", "create", "--name", "acme"]).await,
        "id",
    );
    let in_tenant = ["--tenant", tenant.as_str()];
    let make = async |words: &[&str]| json_of(gate, &[words, &in_tenant].concat()).await;
    let team = text(&make(&["teams", "create", "--name", "research"]).await, "id");
    let service = text(
        &make(&["services", "create", "--team", &team, "--name", "crawler"]).await,
        "id",
    );
    make(&[
        "budgets",
        "create",
        "--name",
        "all",
        "--limit-nanos",
        "1000000000",
        "--window",
        "month",
    ])
    .await;
    // Models are configured for all tenants; the key may use every one.
    let key = make(&[
        "keys",
        "create",
        "--team",
        &team,
        "--name",
        "ci",
        "--owner",
        &service,
        "--all-models",
    ])
    .await;
    let (id, secret) = (text(&key, "id"), text(&key, "secret"));
    until(&gate.data().bearer(&secret), 200).await;
    let rotated = make(&["keys", "rotate", "--key", &id, "--grace-s", "0"]).await;
    let second = text(&rotated, "secret");
    until(&gate.data().bearer(&second), 200).await;
    until(&gate.data().bearer(&secret), 401).await;
    // Within a second a suspended tenant's key is refused, and works again when the tenant does.
    make(&["tenants", "suspend"]).await;
    let took = until(&gate.data().bearer(&second), 403).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    make(&["tenants", "resume"]).await;
    until(&gate.data().bearer(&second), 200).await;
    make(&["keys", "revoke", "--key", &id]).await;
    until(&gate.data().bearer(&second), 401).await;
    let (code, listed, _) = ctl(gate, &["audit", "list", "--tenant", &tenant], "").await;
    assert_eq!(code, 0);
    for act in [
        "keys.revoke",
        "keys.rotate",
        "keys.create",
        "budgets.create",
        "services.create",
        "teams.create",
    ] {
        assert!(listed.contains(act), "{act} in {listed}");
    }
    let (code, _, err) = ctl(gate, &["me", "sign-out"], "").await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = ctl(gate, &["tenants", "list"], "").await;
    assert_eq!(code, 1);
    assert!(err.contains("hint: `bartizan ctl sessions sign-in"), "{err}");
}

#[tokio::test]
async fn ctx_t2_the_setup_token_ends_with_the_first_administrator() {
    let mut scene = Scene::with("").await;
    let token = setup_token(&scene.gate).await;
    let body = json!({"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let made = scene.gate.control().post("/api/v1/setup", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let session = made.json()["token"].as_str().unwrap().to_owned();
    scene.gate.terminate().await;
    scene.gate.wait(Duration::from_secs(20)).await;
    scene.gate.restart().await;
    // Sessions outlive a restart; the offer does not come back.
    assert_eq!(
        scene
            .gate
            .control()
            .bearer(&session)
            .get("/api/v1/me")
            .await
            .status,
        200
    );
    let again = scene.gate.control().post("/api/v1/setup", &body).await;
    assert_eq!(again.status, 401);
    let said = scene.gate.lines().all().join("\n");
    // As it is, and in a link, side by side.
    assert_eq!(said.matches("btzo_").count(), 2, "printed once and never logged");
    for secret in [PASSWORD, session.as_str()] {
        assert!(!said.contains(secret));
    }
}

/// Whoever works on the machine is recorded as well, by their account, and can be asked about.
#[tokio::test]
async fn agp_r3_what_is_done_on_the_machine_is_in_the_audit_log_too() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let body = json!({"token": setup_token(gate).await, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let session = gate.control().post("/api/v1/setup", &body).await.json();
    let root = gate.control().bearer(session["token"].as_str().unwrap());
    let made = gate.cli_json(&["tenants", "create", "acme", "--json"]).await;
    let tenant = made["id"].as_str().unwrap().to_owned();
    let key = [
        "keys",
        "create",
        "--tenant",
        "acme",
        "--name",
        "ci",
        "--all-models",
        "--budget",
        "1.00",
        "--json",
    ];
    let key = gate.cli_json(&key).await;
    let id = key["id"].as_str().unwrap();
    gate.cli_json(&["keys", "rotate", id, "--json"]).await;
    gate.cli_json(&["keys", "revoke", id, "--json"]).await;
    let acts = async |tenant: &str| {
        let listed = root.get(&format!("/api/v1/tenants/{tenant}/audit")).await.json();
        let items = listed["items"].as_array().unwrap().clone();
        let records = items.into_iter().map(|item| item["record"].clone());
        let by_operator = records.filter(|record| {
            record["actor"]["operator"]
                .as_str()
                .is_some_and(|who| who.starts_with("uid "))
        });
        by_operator
            .map(|record| record["act"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(acts("platform").await, ["tenants.create"]);
    assert_eq!(
        acts(&tenant).await,
        ["keys.revoke", "keys.rotate", "keys.create", "teams.create"]
    );
}

/// The running gate compares and keeps: no store is opened, and the table is that of the command beside the store.
#[tokio::test]
async fn agp_r2_a_bill_is_compared_by_the_running_gate_and_kept_there() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let typed = format!("{}\n{PASSWORD}\n", setup_token(gate).await);
    let set_up = [
        "sessions",
        "set-up",
        "--email",
        "root@example.com",
        "--name",
        "Root",
    ];
    let (code, _, err) = ctl(gate, &set_up, &typed).await;
    assert_eq!(code, 0, "{err}");
    let made = json_of(gate, &["tenants", "create", "--name", "acme"]).await;
    let tenant = made["id"].as_str().unwrap();
    let bill = gate.folder().join("bill.csv");
    let reconcile = async |tolerance: &str| {
        let done = tokio::process::Command::new(BINARY)
            .args([
                "reconcile",
                "--gate",
                "--provider",
                "openai",
                "--of",
                "oa",
                "--tenant",
                tenant,
            ])
            .args(["--tolerance", tolerance])
            .arg(&bill)
            // Nothing of an instance is here.
            .current_dir(gate.folder())
            .args(["--data-dir", "nowhere"])
            .env("XDG_CONFIG_HOME", gate.folder())
            .env(
                "BARTIZAN_CONTROL_URL",
                format!("http://{}", gate.control().address()),
            )
            .output()
            .await
            .unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(text).unwrap())
    };
    std::fs::write(&bill, "date,model,cost_usd\n2026-11-20,m-oa,1.25\n").unwrap();
    let (code, said) = reconcile("0.01").await;
    assert_eq!(code, Some(4), "{said}");
    for word in [
        "mark-up $",
        "missing here",
        "1.25",
        "1 of 1 lines are off",
        "past it",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let (code, said) = reconcile("2").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 of 1 lines are off"), "{said}");
    let kept = json_of(gate, &["reconciliations", "list", "--tenant", tenant]).await;
    let items = kept.as_array().or_else(|| kept["items"].as_array()).unwrap();
    assert_eq!(items.len(), 2, "{kept}");
    std::fs::write(&bill, [0xff, 0xfe]).unwrap();
    assert_eq!(reconcile("0").await.0, Some(2));
    assert!(!gate.folder().join("nowhere").exists());
}
