//! Policies of the real binary: from the configuration's files, from versions that are activated, and what the
//! commands say of them.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, Gate};

use crate::administration::{PASSWORD, setup_token};
use crate::scene::{BINARY, Scene, call, providers};

const CHAT: &str = "/v1/chat/completions";
const IN_FORCE: &str = "the new configuration is in force";
const NO_TOOLS: &str =
    "@id(\"no-tools\") @reason(\"not here\") forbid (principal, action, resource) when { context.tools };";
const NOTHING: &str = "@id(\"closed\") forbid (principal, action in Action::\"invoke\", resource);";

pub async fn root(gate: &Gate) -> Client {
    session(gate).await.0
}

/// The first administrator, and the session's token.
async fn session(gate: &Gate) -> (Client, String) {
    let body = json!({"token": setup_token(gate).await, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let session = gate.control().post("/api/v1/setup", &body).await.json();
    let token = session["token"].as_str().unwrap().to_owned();
    (gate.control().bearer(&token), token)
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn with_tools() -> Value {
    let mut body = call("m-oa");
    body["tools"] =
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    body
}

/// Until a call with this body gets that status.
async fn until(client: &Client, body: &Value, status: u16) {
    let since = Instant::now();
    loop {
        let answer = client.post(CHAT, body).await;
        if answer.status == status {
            return;
        }
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "{}: {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn store(root: &Client, plane: &str, text: &str) -> u64 {
    let body = json!({"plane": plane, "reason": "a test", "files": [{"name": "own.cedar", "text": text}]});
    let made = root.post("/api/v1/policies/versions", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["number"].as_u64().unwrap()
}

pub async fn act(root: &Client, number: u64, act: &str) {
    let path = format!("/api/v1/policies/versions/{number}/{act}");
    let done = root.request(Method::POST, &path, Bytes::new()).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
}

#[tokio::test]
async fn anp_0014_control_plane_policies_of_the_configuration_are_in_force_and_a_bad_change_is_not() {
    let scene = Scene::with("").await;
    let root = root(&scene.gate).await;
    let base = providers(&scene.provider.base_url());
    let with = format!("{base}policies: {{ control_files: [control] }}\n");
    let folder = scene.gate.config_path().parent().unwrap().to_owned();
    let make = async |name: &str| root.post("/api/v1/tenants", &json!({"name": name})).await.status;
    assert_eq!(make("one").await, 201);
    let freeze = "@id(\"freeze\") @reason(\"a freeze is on\") forbid (principal, action == Action::\"tenants.create\", resource);";
    write(&folder, "control/freeze.cedar", freeze);
    let test = json!({"tests": [{"name": "frozen", "permission": "tenants.create", "resource": {"kind": "platform"},
        "actor": {"who": {"user": "ann"}, "tenant": "platform", "roles": [{"role": "platform_admin"}]},
        "expect": "deny", "policies": ["freeze"], "reason": "a freeze is on"}]});
    write(&folder, "control/freeze.tests.json", &test.to_string());
    scene.gate.write_config(&with);
    scene
        .gate
        .lines()
        .wait_for(IN_FORCE, Duration::from_secs(20))
        .await;
    assert_eq!(make("two").await, 403);
    // A set whose tests fail, and one that does not check, change nothing; SIGHUP reads files again.
    for (text, says) in [
        ("", "policy tests failed"),
        ("permit (principal, action, resource);", "which acts"),
    ] {
        write(&folder, "control/freeze.cedar", text);
        scene.gate.hang_up().await;
        scene.gate.lines().wait_for(says, Duration::from_secs(20)).await;
        assert_eq!(make("three").await, 403);
        let (code, said) = check(&scene.gate).await;
        assert!(code != 0 && said.contains(says), "{said}");
    }
    std::fs::remove_file(folder.join("control/freeze.tests.json")).unwrap();
    write(&folder, "control/freeze.cedar", "");
    scene.gate.hang_up().await;
    let since = Instant::now();
    while make("four").await != 201 {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "{}",
            scene.gate.lines().tail()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn check(gate: &Gate) -> (i32, String) {
    let out = gate.cli(&["check"]).await;
    (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
}

#[tokio::test]
async fn anp_0002_an_activated_version_answers_calls_and_outlives_a_restart() {
    let mut scene = Scene::with("").await;
    let (root, token) = session(&scene.gate).await;
    let client = scene.client();
    until(&client, &with_tools(), 200).await;
    let number = store(&root, "calls", NO_TOOLS).await;
    assert_eq!(
        client.post(CHAT, &with_tools()).await.status,
        200,
        "a draft changes nothing"
    );
    act(&root, number, "activate").await;
    until(&client, &with_tools(), 403).await;
    assert_eq!(client.post(CHAT, &call("m-oa")).await.status, 200);
    let refused = client.post(CHAT, &with_tools()).await;
    assert!(refused.text().contains("not here"), "{}", refused.text());
    // The configuration is read again beside it, and does not take it away.
    scene.gate.write_config(&format!(
        "{}limits: {{ output_tokens_default: 99 }}\n",
        providers(&scene.provider.base_url())
    ));
    scene
        .gate
        .lines()
        .wait_for(IN_FORCE, Duration::from_secs(20))
        .await;
    assert_eq!(client.post(CHAT, &with_tools()).await.status, 403);
    scene.gate.terminate().await;
    scene.gate.wait(Duration::from_secs(20)).await;
    scene.gate.restart().await;
    let client = scene.client();
    assert_eq!(client.post(CHAT, &with_tools()).await.status, 403);
    let root = scene.gate.control().bearer(&token);
    let back = root
        .post("/api/v1/policies/rollback", &json!({"plane": "calls"}))
        .await;
    assert_eq!(back.status, 200, "{}", back.text());
    until(&client, &with_tools(), 200).await;
}

#[tokio::test]
async fn anp_0002_what_is_tried_out_is_counted_and_kept_and_changes_no_call() {
    let scene = Scene::with("").await;
    let root = root(&scene.gate).await;
    let client = scene.client();
    // Asked before it is tried out, and so remembered: asked again all the same.
    until(&client, &call("m-oa"), 200).await;
    let number = store(&root, "calls", NOTHING).await;
    act(&root, number, "shadow").await;
    let path = format!("/api/v1/policies/versions/{number}/differences");
    let since = Instant::now();
    let found = loop {
        assert_eq!(client.post(CHAT, &call("m-oa")).await.status, 200);
        let found = root.get(&path).await.json();
        if found["items"][0].is_object() {
            break found;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{found}");
    };
    assert_eq!(
        found["items"][0]["active"], "permit by keys-use-what-they-list",
        "{found}"
    );
    assert_eq!(found["items"][0]["shadow"], "deny by closed");
    let line = "bartizan_policy_shadow_differences_total{plane=\"calls\"}";
    assert!(scene.metric(line).await >= 1.0);
    // Policies that fail on every question fail alone.
    let fails =
        "forbid (principal, action, resource) when { 9223372036854775807 + context.utc_weekday > 0 };";
    let number = store(&root, "calls", fails).await;
    act(&root, number, "shadow").await;
    let path = format!("/api/v1/policies/versions/{number}/differences");
    let since = Instant::now();
    while root.get(&path).await.json()["failed"].as_u64() == Some(0) {
        assert_eq!(client.post(CHAT, &call("m-oa")).await.status, 200);
        assert!(since.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn the_commands_say_why_who_and_what_would_change() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let client = scene.client();
    until(&client, &call("m-oa"), 200).await;
    let why = gate
        .cli_json(&["policy", "explain", "first key", "chat", "m-oa", "--json"])
        .await;
    assert_eq!(
        (why["permit"].clone(), why["decided_by"][0]["policy"].clone()),
        (json!(true), json!("keys-use-what-they-list"))
    );
    assert!(
        why["decided_by"][0]["place"]
            .as_str()
            .unwrap()
            .starts_with("default.cedar:")
    );
    let who = gate
        .cli_json(&["policy", "who-can", "chat", "m-oa", "--json"])
        .await;
    assert_eq!(who["items"][0]["name"], "first key");
    let nobody = gate.cli(&["policy", "explain", "nobody", "chat", "m-oa"]).await;
    assert_eq!(nobody.status.code(), Some(3));
    // A key that lists another model lacks this one, and is told so.
    scene
        .new_key(|key| {
            key.name = "narrow".to_owned();
            key.models = credential::ModelAccess::Some(vec!["m-an".to_owned()]);
        })
        .await;
    let out = gate.cli(&["policy", "explain", "narrow", "chat", "m-oa"]).await;
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.starts_with("denied: chat by narrow"), "{text}");
    assert!(
        text.contains("nearest: `keys-use-what-they-list`") && text.contains("resource.name"),
        "{text}"
    );
    // The recorded call, by its id: within a second it is in the ledger.
    let since = Instant::now();
    let lines = loop {
        let lines = gate.cli_json(&["ledger", "show", "--json"]).await;
        if lines[0].is_object() {
            break lines;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "{lines}");
    };
    let request = lines[0]["entry"]["id"].as_str().unwrap();
    let why = gate
        .cli_json(&["policy", "explain", "--request", request, "--json"])
        .await;
    assert_eq!(why["recorded"]["outcome"], "completed", "{why}");
    assert!(!why["not_known"].as_array().unwrap().is_empty());
    // What another set would change, with an exit code that a script can ask.
    write(gate.folder(), "next/own.cedar", NOTHING);
    let folder = gate.folder().join("next");
    let out = gate
        .cli(&["policy", "diff", "--to", folder.to_str().unwrap(), "--json"])
        .await;
    assert_eq!(out.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(found["differences"][0]["to"], "deny by closed", "{found}");
    let same = gate.cli(&["policy", "diff", "--to", "configured"]).await;
    assert_eq!(same.status.code(), Some(0));
    assert_eq!(
        gate.cli(&["policy", "diff", "--to", "9"]).await.status.code(),
        Some(3)
    );
}

/// From a folder to a version in force, by commands alone, with one's own roles.
#[tokio::test]
async fn a_folder_is_pushed_and_put_in_force_by_the_command_line() {
    let scene = Scene::with("").await;
    let (_, token) = session(&scene.gate).await;
    let client = scene.client();
    let run = async |arguments: &[&str], token: &str| {
        let control = format!("http://{}", scene.gate.control().address());
        let mut command = tokio::process::Command::new(BINARY);
        command.args(arguments).env("BARTIZAN_CONTROL_URL", control);
        command
            .env("BARTIZAN_SESSION", token)
            .env("XDG_CONFIG_HOME", scene.gate.folder());
        let out = tokio::time::timeout(Duration::from_secs(60), command.output())
            .await
            .unwrap()
            .unwrap();
        (
            out.status.code().unwrap(),
            String::from_utf8(out.stdout).unwrap(),
            String::from_utf8(out.stderr).unwrap(),
        )
    };
    write(scene.gate.folder(), "calls/own.cedar", NO_TOOLS);
    let folder = scene.gate.folder().join("calls");
    let push = [
        "policy",
        "push",
        folder.to_str().unwrap(),
        "--reason",
        "no tools",
        "--commit",
        "0123abc",
        "--json",
    ];
    let (code, _, err) = run(&push, "btzs_nobody").await;
    assert_eq!(code, 1, "{err}");
    let (code, out, err) = run(&push, &token).await;
    assert_eq!(code, 0, "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (
            made["number"].clone(),
            made["state"].clone(),
            made["commit"].clone()
        ),
        (json!(1), json!("draft"), json!("0123abc"))
    );
    write(scene.gate.folder(), "calls/own.cedar", "permit (");
    let (code, _, err) = run(&push, &token).await;
    assert!(code == 2 && err.contains("own.cedar:1"), "{err}");
    let (code, _, err) = run(&["ctl", "policies", "activate", "--version", "1"], &token).await;
    assert_eq!(code, 0, "{err}");
    until(&client, &with_tools(), 403).await;
    let (code, out, err) = run(&["ctl", "policies", "list"], &token).await;
    assert!(code == 0 && out.contains("active"), "{out}{err}");
    let (code, _, err) = run(&["ctl", "policies", "rollback", "--plane", "calls"], &token).await;
    assert_eq!(code, 0, "{err}");
    until(&client, &with_tools(), 200).await;
}

/// Acts of people, asked again of another set; what cannot be asked is counted by why.
#[tokio::test]
async fn anp_0014_anp_b0001_recorded_acts_are_asked_again_of_another_set() {
    let scene = Scene::with("").await;
    let gate = &scene.gate;
    let root = root(gate).await;
    for name in ["one", "two"] {
        let made = root.post("/api/v1/tenants", &json!({"name": name})).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let number = store(&root, "calls", NO_TOOLS).await;
    act(&root, number, "activate").await;
    let freeze = "@id(\"freeze\") forbid (principal, action in [Action::\"tenants.create\", Action::\"policies.activate\"], resource);";
    write(gate.folder(), "next/own.cedar", freeze);
    let folder = gate.folder().join("next");
    let diff = async |to: &str| {
        let words = ["policy", "diff", "--plane", "control", "--to", to, "--json"];
        let out = gate.cli(&words).await;
        let text = String::from_utf8(out.stdout).unwrap();
        (
            out.status.code(),
            serde_json::from_str::<Value>(&text).unwrap_or_default(),
        )
    };
    let (code, found) = diff(folder.to_str().unwrap()).await;
    assert_eq!(code, Some(1), "{found}");
    let lines = found["differences"].as_array().unwrap();
    let line = |act: &str| lines.iter().find(|line| line["act"] == act).unwrap();
    let tenants = line("tenants.create");
    assert_eq!(
        (&tenants["acts"], &tenants["who"]),
        (&json!(2), &json!("root@example.com"))
    );
    assert_eq!(tenants["to"], "deny by freeze");
    assert_eq!(line("policies.activate")["tenant"], "platform", "{found}");
    // The setup and the gate's own records asked no policy.
    assert!(
        found["not_asked"]["no policy was asked"].as_u64().unwrap() >= 1,
        "{found}"
    );
    let (code, found) = diff("configured").await;
    assert_eq!((code, &found["differences"]), (Some(0), &json!([])));
    // A version of calls is none of the control plane.
    assert_eq!(diff(&number.to_string()).await.0, Some(3));
}
