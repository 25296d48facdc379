//! What tenants have delivered themselves, on a real gate: sinks over HTTP whose receivers see nothing of another tenant, and
//! spend on a page, by mail and to Slack, of one tenant and of all together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Client, Reply, ScriptedProvider};

use crate::administration::{PASSWORD, setup_token};
use crate::alert_mail::{self, Desk};
use crate::scene::Scene;
use crate::tls::authority;

const HOOK: &str = "a-secret-for-webhooks-0123456789";
const MAIL: &str = "correct-horse-battery-hush";

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn receiver() -> ScriptedProvider {
    let receiver = ScriptedProvider::start().await;
    receiver.script("*", Reply::body(200, "text/plain", "ok"));
    receiver
}

async fn root(scene: &Scene) -> Client {
    let token = setup_token(&scene.gate).await;
    let body = json!({"token": token, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let made = scene.gate.control().post("/api/v1/setup", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    scene
        .gate
        .control()
        .bearer(made.json()["token"].as_str().unwrap())
}

async fn made(root: &Client, path: &str, body: &Value) -> String {
    let answer = root.post(path, body).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Ports of receivers on this machine are opened by the configuration, and by nothing else.
fn reaching(receivers: &[&ScriptedProvider], more: &str) -> String {
    let ports: Vec<String> = receivers
        .iter()
        .map(|one| one.address().port().to_string())
        .collect();
    format!(
        "alerts: {{ every_ms: 100 }}\nledger: {{ checkpoint_every_ms: 1000 }}\ndelivery:\n  networks: [127.0.0.0/8]\n  ports: [{}]\n{more}",
        ports.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i1_two_tenants_are_told_of_their_own_acts_by_webhook_and_slack_and_of_nothing_else() {
    let (hook, chat) = (receiver().await, receiver().await);
    let scene = Scene::with(&reaching(&[&hook, &chat], "")).await;
    let root = root(&scene).await;
    let a = made(&root, "/api/v1/tenants", &json!({"name": "acme"})).await;
    let b = made(&root, "/api/v1/tenants", &json!({"name": "globex"})).await;
    let sink = json!({
        "name": "ops", "place": {"form": "webhook", "address": format!("{}/in", hook.base_url())}, "secrets": [HOOK],
        "acts": ["teams.*", "delivery.*"],
    });
    let of_a = made(&root, &format!("/api/v1/tenants/{a}/sinks"), &sink).await;
    let secret = format!("{}/services/T0/cnry-secret-path", chat.base_url());
    let slack = json!({"name": "chat", "place": {"form": "slack"}, "secrets": [secret], "acts": ["teams.*"]});
    made(&root, &format!("/api/v1/tenants/{b}/sinks"), &slack).await;
    made(
        &root,
        &format!("/api/v1/tenants/{a}/teams"),
        &json!({"name": "of-acme"}),
    )
    .await;
    made(
        &root,
        &format!("/api/v1/tenants/{b}/teams"),
        &json!({"name": "of-globex"}),
    )
    .await;
    let test = format!("/api/v1/tenants/{a}/sinks/{of_a}/test");
    until("both were told", || {
        let acts: Vec<String> = hook
            .requests()
            .iter()
            .map(|it| it.json()["type"].to_string())
            .collect();
        acts.iter().any(|act| act.contains("teams.create")) && !chat.requests().is_empty()
    })
    .await;
    let tested = root.request(http::Method::POST, &test, bytes::Bytes::new()).await;
    assert_eq!(tested.unwrap().status, 204);
    until("the test came", || {
        hook.requests()
            .iter()
            .any(|it| it.json()["type"] == "delivery.test")
    })
    .await;
    for request in hook.requests() {
        assert_eq!(request.json()["data"]["record"]["tenant"], json!(a));
        assert!(
            request
                .header("webhook-signature")
                .is_some_and(|it| it.starts_with("v1,"))
        );
    }
    let said: String = chat.requests().iter().map(|it| it.json().to_string()).collect();
    assert!(said.contains("globex") && !said.contains("acme"), "{said}");
    assert_eq!(chat.requests()[0].path_only(), "/services/T0/cnry-secret-path");

    // What is refused for good is a letter that its tenant sees, and no other.
    hook.script("*", Reply::error(410, "gone"));
    made(
        &root,
        &format!("/api/v1/tenants/{a}/teams"),
        &json!({"name": "second"}),
    )
    .await;
    let letters = async |tenant: &str, sink: &str| {
        let found = root
            .get(&format!("/api/v1/tenants/{tenant}/sinks/{sink}/dead"))
            .await;
        found.json()["items"].as_array().map_or(0, Vec::len)
    };
    let end = Instant::now() + Duration::from_secs(60);
    while letters(&a, &of_a).await == 0 {
        assert!(Instant::now() < end, "no letter");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        root.get(&format!("/api/v1/tenants/{b}/sinks/{of_a}/dead"))
            .await
            .status,
        404
    );
    hook.script("*", Reply::body(200, "text/plain", "ok"));
    let again = format!("/api/v1/tenants/{a}/sinks/{of_a}/dead/resend");
    assert_eq!(root.post(&again, &json!({})).await.status, 202);
    let end = Instant::now() + Duration::from_secs(60);
    while letters(&a, &of_a).await > 0 {
        assert!(Instant::now() < end, "it is not sent again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let logs = scene.gate.lines();
    assert!(!logs.any(|line| line.contains("cnry-secret-path") || line.contains(HOOK)));
    let shown = root.get(&format!("/api/v1/tenants/{b}/sinks")).await.text();
    assert!(!shown.contains("cnry-secret-path"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_d0012_without_a_word_of_the_configuration_no_tenant_reaches_this_machine() {
    let inside = receiver().await;
    let scene = Scene::with("alerts: { every_ms: 100 }\n").await;
    let root = root(&scene).await;
    let tenant = made(&root, "/api/v1/tenants", &json!({"name": "acme"})).await;
    for address in [
        format!("{}/in", inside.base_url()),
        "https://127.0.0.1/in".to_owned(),
        "https://[::1]/in".to_owned(),
    ] {
        let body = json!({"name": "x", "place": {"form": "webhook", "address": address}, "secrets": [HOOK]});
        let answer = root.post(&format!("/api/v1/tenants/{tenant}/sinks"), &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
    // A name that leads here is seen when it is called.
    let body = json!({"name": "x", "place": {"form": "webhook", "address": "https://localhost/in"}, "secrets": [HOOK]});
    made(&root, &format!("/api/v1/tenants/{tenant}/sinks"), &body).await;
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let sinks = root.get(&format!("/api/v1/tenants/{tenant}/sinks")).await.json();
        if let Some(why) = sinks["items"][0]["last_error"].as_str() {
            assert!(why.contains("no address the gate may call"), "{why}");
            break;
        }
        assert!(Instant::now() < end, "it was never tried");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_spend_comes_as_a_page_by_mail_and_to_slack_of_a_tenant_and_of_all_once() {
    let (trusted, folder, chat) = (authority(), tempfile::tempdir().unwrap(), receiver().await);
    let ca_file = folder.path().join("mail.crt");
    std::fs::write(&ca_file, trusted.pem()).unwrap();
    let desk = Arc::new(Desk::with_tls());
    let port = alert_mail::serve(&trusted, desk.clone()).await;
    let yesterday = finops::Day::of(domain::UnixMillis::now()).plus(-1);
    let ca = ca_file.to_str().unwrap();
    let more = format!(
        "  mail: {{ address: \"smtp://localhost:{port}\", from: \"Gate <gate@example.com>\", user: gate, secrets: [\"env:MAIL\"], ca_file: \"{ca}\" }}
exports:
  every_ms: 200
  settle_ms: 0
  destinations:
    - {{ name: chat, form: slack, address: \"{}/services\", secrets: [\"env:CHAT\"] }}
  schedules:
    - {{ name: all, to: chat, report: digest, every: day, since: \"{yesterday}\", tenants: [platform] }}
",
        chat.base_url()
    );
    let address = format!("{}/services/T0/x", chat.base_url());
    let scene = Scene::built(&reaching(&[&chat], &more), |builder| {
        builder.env("MAIL", MAIL).env("CHAT", &address)
    })
    .await;
    let root = root(&scene).await;
    let tenant = made(&root, "/api/v1/tenants", &json!({"name": "acme"})).await;
    let schedule = json!({
        "name": "daily", "report": "digest", "every": "day", "since": yesterday.to_string(),
        "place": {"form": "mail", "to": ["ops@example.com", "boss@example.com"]},
    });
    made(&root, &format!("/api/v1/tenants/{tenant}/schedules"), &schedule).await;
    until("both came", || {
        !desk.mails().is_empty() && !chat.requests().is_empty()
    })
    .await;
    let mail = desk.mails()[0].clone();
    assert!(
        mail.contains(&format!("Subject: acme: spend of {yesterday}")),
        "{mail}"
    );
    for part in [
        "text/plain",
        "text/html",
        "Budgets near their end",
        "As long before",
    ] {
        assert!(mail.contains(part), "{part} in {mail}");
    }
    let said = chat.requests()[0].json();
    assert_eq!(
        said["blocks"][0]["text"]["text"],
        format!("all tenants: spend of {yesterday}")
    );
    let found = root
        .get(&format!("/api/v1/tenants/{tenant}/exports/deliveries"))
        .await
        .json();
    assert_eq!(found["items"][0]["schedule"], "own:daily", "{found}");
    assert_eq!((desk.mails().len(), chat.requests().len()), (1, 1), "each once");
}
