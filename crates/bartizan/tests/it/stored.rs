//! Provider credentials in the gate's own store: put in, tried, put in force, rolled back and revoked while it serves,
//! by the control plane and by the command line. Nothing shows a value.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use testkit::{Client, Gate, ScriptedProvider};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::scene::{self, BINARY, Scene, call, code, providers};

const CHAT: &str = "/v1/chat/completions";
const FIRST: &str = "sk-first-cnryhqzkvw";
const SECOND: &str = "sk-second-cnrybpmxtr";
const NOWHERE: &str = "sk-nowhere-cnryzzqqpp";
const SECOND_LONG: Duration = Duration::from_secs(1);

fn config(base: &str) -> String {
    providers(base).replace("env:OA_KEY", "stored:openai")
}

/// A session of the first administrator's.
pub async fn administrator(gate: &Gate) -> Client {
    let line = gate
        .lines()
        .wait_for("good once and for an hour: ", Duration::from_secs(10))
        .await;
    let token = line.rsplit(' ').next().unwrap();
    let body = json!({"token": token, "email": "root@example.com", "name": "Root", "password": "quartz lantern mumbles 42"});
    let made = gate.control().post("/api/v1/setup", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    gate.control().bearer(made.json()["token"].as_str().unwrap())
}

/// Waits until calls are answered so; gives how long that took.
async fn becomes(scene: &Scene, status: u16) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = scene.client().post(CHAT, &call("m-oa")).await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "still {}: {}",
            answer.status,
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Until the provider is presented this.
async fn presents(scene: &Scene, value: &str) -> Duration {
    let begun = Instant::now();
    let wanted = format!("Bearer {value}");
    loop {
        scene.provider.forget_requests();
        let answer = scene.client().post(CHAT, &call("m-oa")).await;
        let seen = scene.provider.requests();
        let seen = seen
            .last()
            .and_then(|it| it.header("authorization").map(str::to_owned));
        if seen.as_deref() == Some(wanted.as_str()) {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{} {}",
            answer.text(),
            scene.gate.lines().tail()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn shown(admin: &Client) -> Vec<(u64, String)> {
    let view = admin.get("/api/v1/credentials/openai").await.json();
    let versions = view["versions"].as_array().unwrap().iter();
    versions
        .map(|one| {
            (
                one["number"].as_u64().unwrap(),
                one["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn is(number: u64, state: &str) -> (u64, String) {
    (number, state.to_owned())
}

/// No value in the log, the answers, the audit log, the metrics or any file of the data folder.
async fn nowhere(scene: &Scene, admin: &Client, said: &[String]) {
    let mut texts = said.to_vec();
    texts.push(scene.gate.lines().all().join("\n"));
    texts.push(admin.get("/api/v1/tenants/platform/audit").await.text());
    texts.push(admin.get("/api/v1/credentials").await.text());
    texts.push(scene.gate.health().get("/metrics").await.text());
    let mut folders = vec![scene.gate.data_dir()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => texts.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()),
            }
        }
    }
    for text in texts {
        for value in [FIRST, SECOND, NOWHERE] {
            assert!(
                !text.contains(value),
                "{value} is in {}",
                text.chars().take(400).collect::<String>()
            );
        }
    }
}

#[tokio::test]
async fn agp_i1_ctx_t3_a_stored_credential_is_tried_used_rolled_back_and_revoked_within_a_second() {
    let provider = ScriptedProvider::start().await;
    provider.require_key(FIRST);
    let text = config(&provider.base_url());
    // A gate serves before its credential is there, and fails closed.
    let scene = Scene::raise(provider, scene::builder().config(text)).await;
    let answer = scene.client().post(CHAT, &call("m-oa")).await;
    assert_eq!(
        (answer.status, code(&answer).as_str()),
        (503, "no_target"),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("no credential"), "{}", answer.text());
    assert!(
        scene
            .gate
            .health()
            .get("/metrics")
            .await
            .text()
            .contains("bartizan_credentials_withheld 1")
    );

    let admin = administrator(&scene.gate).await;
    let mut said = Vec::new();
    let at = |what: &str| format!("/api/v1/credentials/openai{what}");
    let mut ask = async |path: String, body: Value| {
        let answer = match body {
            Value::Null => admin.request(Method::POST, &path, "".into()).await.unwrap(),
            body => admin.post(&path, &body).await,
        };
        said.push(answer.text());
        answer
    };
    let made = ask(
        "/api/v1/credentials".to_owned(),
        json!({"name": "openai", "value": FIRST}),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());
    // Nothing presents a candidate.
    assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 503);
    let done = ask(at("/activate"), json!({})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(
        done.json()["probes"],
        json!([{"provider": "oa", "accepted": true}])
    );
    assert!(becomes(&scene, 200).await < SECOND_LONG);

    // The provider does not know the next one: it does not get in force.
    assert_eq!(ask(at("/versions"), json!({"value": NOWHERE})).await.status, 200);
    let refused = ask(at("/activate"), json!({})).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (409, Some("probe_failed"))
    );
    assert!(
        refused.text().contains("`oa`") && refused.text().contains("401"),
        "{}",
        refused.text()
    );
    assert_eq!(shown(&admin).await, [is(1, "active"), is(2, "candidate")]);
    presents(&scene, FIRST).await;
    let forced = ask(at("/activate"), json!({"force": true})).await;
    assert_eq!(forced.status, 422, "a reason is wanted: {}", forced.text());
    let forced = ask(
        at("/activate"),
        json!({"force": true, "reason": "checked by hand"}),
    )
    .await;
    assert_eq!((forced.status, &forced.json()["forced"]), (200, &json!(true)));
    assert!(presents(&scene, NOWHERE).await < SECOND_LONG);
    // And back.
    assert_eq!(ask(at("/rollback"), Value::Null).await.status, 200);
    assert!(becomes(&scene, 200).await < SECOND_LONG);

    // A good one.
    assert_eq!(ask(at("/versions"), json!({"value": SECOND})).await.status, 200);
    scene.provider.require_key(SECOND);
    let done = ask(at("/activate"), json!({"grace_s": 0})).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(presents(&scene, SECOND).await < SECOND_LONG);
    assert_eq!(
        ask(at("/rollback"), Value::Null).await.status,
        409,
        "no grace was wanted"
    );

    let gone = ask(at("/revoke"), json!({})).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert!(becomes(&scene, 503).await < SECOND_LONG);
    scene.provider.forget_requests();
    scene.client().post(CHAT, &call("m-oa")).await;
    assert!(
        scene.provider.requests().is_empty(),
        "a revoked credential was presented"
    );
    scene.client().post("/v1/messages", &call("m-an")).await;
    assert_eq!(scene.provider.requests().len(), 1, "other providers are asked");

    let audit = admin.get("/api/v1/tenants/platform/audit?limit=100").await;
    for act in [
        "credentials.update",
        "credentials.rotate",
        "credentials.revoke",
        "credentials.use",
        "checked by hand",
    ] {
        assert!(audit.text().contains(act), "{act}: {}", audit.text());
    }
    assert!(audit.text().contains("probe_failed"), "{}", audit.text());
    nowhere(&scene, &admin, &said).await;
}

/// `bartizan secrets stored`, with this on standard input.
async fn stored(scene: &Scene, words: &[&str], typed: &str) -> (bool, String) {
    let mut child = Command::new(BINARY)
        .args([
            "--config",
            "bartizan.yaml",
            "--data-dir",
            "data",
            "secrets",
            "stored",
        ])
        .args(words)
        .current_dir(scene.gate.folder())
        .env("AN_KEY", scene::anthropic_credential())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn anp_d0007_agp_r3_operators_rotate_from_the_machine_and_are_recorded() {
    let provider = ScriptedProvider::start().await;
    provider.require_key(FIRST);
    let text = config(&provider.base_url());
    let mut scene = Scene::raise(provider, scene::builder().config(text)).await;
    let admin = administrator(&scene.gate).await;
    let run = async |words: &[&str], typed: &str, works: bool| {
        let (done, text) = stored(&scene, words, typed).await;
        assert_eq!(done, works, "{words:?}: {text}");
        assert!(!text.contains("cnry"), "{text}");
        text
    };
    assert!(
        run(
            &["put", "openai", "--rotate-after-days", "30"],
            &format!("{FIRST}\n"),
            true
        )
        .await
        .contains("candidate")
    );
    assert!(run(&["activate", "openai"], "", true).await.contains("active"));
    run(&["put", "openai"], NOWHERE, true).await;
    assert!(
        run(&["activate", "openai"], "", false)
            .await
            .contains("does not take it")
    );
    assert!(
        run(&["put", "openai"], FIRST, false)
            .await
            .contains("in force already")
    );
    assert!(run(&["list"], "", true).await.contains("active"));
    presents(&scene, FIRST).await;
    // It is there after a crash too.
    scene.gate.kill9().await;
    scene.gate.restart().await;
    presents(&scene, FIRST).await;
    let (done, text) = stored(&scene, &["revoke", "openai"], "").await;
    assert!(done && text.contains("revoked"), "{text}");
    assert!(becomes(&scene, 503).await < SECOND_LONG);
    let audit = admin.get("/api/v1/tenants/platform/audit").await.text();
    assert!(
        audit.contains("credentials.revoke") && audit.contains("uid "),
        "{audit}"
    );
    nowhere(&scene, &admin, &[]).await;
    let removed = admin
        .request(Method::DELETE, "/api/v1/credentials/openai", "".into())
        .await;
    assert_eq!(removed.unwrap().status, 204);
}

/// Callers at once, and how long they go on between the steps.
const CALLERS: usize = 4;
const A_WHILE: Duration = Duration::from_millis(700);

/// Calls that are made without pause, each answered with 200, until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<usize>>,
}

impl Load {
    fn begin(scene: &Scene) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let caller = |client: Client, stop: Arc<AtomicBool>| async move {
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                let answer = client.post(CHAT, &call("m-oa")).await;
                assert_eq!(answer.status, 200, "after {answered}: {}", answer.text());
                answered += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            answered
        };
        let callers = (0..CALLERS).map(|_| tokio::spawn(caller(scene.client(), stop.clone())));
        Self {
            callers: callers.collect(),
            stop,
        }
    }

    /// How many calls were answered, of each caller.
    async fn end(self) -> Vec<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let mut answered = Vec::new();
        for caller in self.callers {
            answered.push(caller.await.unwrap());
        }
        answered
    }
}

/// What calls have presented since the last time this was asked; what is tried at the list of models is no call.
fn presented(scene: &Scene) -> Vec<String> {
    let calls = scene.provider.requests().into_iter();
    let calls = calls.filter(|request| request.path.ends_with("/chat/completions"));
    let presented = calls.map(|request| request.header("authorization").unwrap_or_default().to_owned());
    let presented = presented.collect();
    scene.provider.forget_requests();
    presented
}

/// Once this is in force for all, calls present nothing else.
async fn settles(scene: &Scene, value: &str) {
    tokio::time::sleep(SECOND_LONG).await;
    presented(scene);
    tokio::time::sleep(A_WHILE).await;
    let (seen, wanted) = (presented(scene), format!("Bearer {value}"));
    assert!(seen.len() > 4, "there were calls: {}", seen.len());
    assert!(
        seen.iter().all(|one| *one == wanted),
        "something else was presented"
    );
}

#[tokio::test]
async fn agp_i1_ctx_t3_no_call_is_lost_while_a_credential_is_replaced_and_none_is_made_with_a_revoked_one() {
    let provider = ScriptedProvider::start().await;
    let text = config(&provider.base_url());
    let scene = Scene::raise(provider, scene::builder().config(text)).await;
    let admin = administrator(&scene.gate).await;
    let ask = async |what: &str, body: Value| {
        let path = format!("/api/v1/credentials{what}");
        let answer = match body {
            Value::Null => admin.request(Method::POST, &path, "".into()).await.unwrap(),
            body => admin.post(&path, &body).await,
        };
        assert!(answer.status < 300, "{what}: {}", answer.text());
    };
    ask("", json!({"name": "openai", "value": FIRST})).await;
    ask("/openai/activate", json!({})).await;
    becomes(&scene, 200).await;
    let load = Load::begin(&scene);
    for _ in 0..2 {
        ask("/openai/versions", json!({"value": SECOND})).await;
        ask("/openai/activate", json!({"grace_s": 3600})).await;
        settles(&scene, SECOND).await;
        ask("/openai/rollback", Value::Null).await;
        settles(&scene, FIRST).await;
    }
    let answered = load.end().await;
    assert!(answered.iter().all(|one| *one > 20), "{answered:?}");

    // Taken away at once, with calls going on: they are refused, and none is made with it after a second.
    ask("/openai/revoke", json!({})).await;
    let until = Instant::now() + SECOND_LONG;
    while Instant::now() < until {
        scene.client().post(CHAT, &call("m-oa")).await;
    }
    presented(&scene);
    for _ in 0..30 {
        assert_eq!(scene.client().post(CHAT, &call("m-oa")).await.status, 503);
    }
    assert_eq!(presented(&scene), Vec::<String>::new());
    nowhere(&scene, &admin, &[]).await;
}

/// Until the version has that state; the gate looks every fifteen seconds.
async fn comes_to(admin: &Client, number: u64, state: &str) {
    let until = Instant::now() + Duration::from_secs(40);
    while !shown(admin).await.contains(&(number, state.to_owned())) {
        assert!(Instant::now() < until, "{:?}", shown(admin).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What is planned is put in force when its time has come, if providers take it then, and by nobody's hand.
#[tokio::test]
async fn agp_s2_agp_r3_a_planned_version_is_put_in_force_in_its_time_if_providers_take_it() {
    let provider = ScriptedProvider::start().await;
    let text = config(&provider.base_url());
    let scene = Scene::raise(provider, scene::builder().config(text)).await;
    let admin = administrator(&scene.gate).await;
    let path = "/api/v1/credentials/openai";
    let act = async |what: &str, body: Value| {
        let client = admin.header("if-match", "*");
        client.post(&format!("{path}{what}"), &body).await
    };
    scene.provider.require_key(FIRST);
    let made = admin
        .post("/api/v1/credentials", &json!({"name": "openai", "value": FIRST}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(act("/activate", json!({})).await.status, 200);
    presents(&scene, FIRST).await;
    let soon = || jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1_200);

    // The time has come and the provider does not take it: the old one stays, and the plan is dropped.
    assert_eq!(act("/versions", json!({"value": NOWHERE})).await.status, 200);
    for (bad, pointer) in [
        (json!({"activate_at": "2020-01-01T00:00:00Z"}), "/activate_at"),
        (json!({"activate_at": "2099-01-01T00:00:00Z"}), "/activate_at"),
        (
            json!({"activate_at": soon().to_string(), "force": true, "reason": "x"}),
            "/activate_at",
        ),
    ] {
        let refused = act("/activate", bad).await;
        assert_eq!(
            (refused.status, refused.json()["pointer"].as_str()),
            (422, Some(pointer)),
            "{}",
            refused.text()
        );
    }
    let planned = act("/activate", json!({"activate_at": soon().to_string()})).await;
    assert_eq!(planned.status, 200, "{}", planned.text());
    assert!(planned.json()["versions"][1]["activate_at"].is_string());
    let line = scene
        .gate
        .lines()
        .wait_for("a planned version is not put in force", Duration::from_secs(40))
        .await;
    assert!(!line.contains(NOWHERE), "{line}");
    assert!(shown(&admin).await.contains(&(2, "candidate".to_owned())));
    assert!(admin.get(path).await.json()["versions"][1]["activate_at"].is_null());
    presents(&scene, FIRST).await;

    // One that it takes by then.
    assert_eq!(act("/versions", json!({"value": SECOND})).await.status, 200);
    let body = json!({"activate_at": soon().to_string(), "grace_s": 0});
    assert_eq!(act("/activate", body).await.status, 200);
    presents(&scene, FIRST).await;
    scene.provider.require_key(SECOND);
    comes_to(&admin, 3, "active").await;
    presents(&scene, SECOND).await;
    assert!(shown(&admin).await.contains(&(1, "retired".to_owned())));

    let audit = admin
        .get("/api/v1/tenants/platform/audit?act=credentials.activate&limit=100")
        .await;
    let by_gate: Vec<String> = audit.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["record"]["after"]["planned"] == json!(true))
        .map(|one| one["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(by_gate, ["done", "probe_failed"]);
    nowhere(&scene, &admin, &[]).await;
}
