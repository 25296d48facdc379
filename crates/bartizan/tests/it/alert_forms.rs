//! Alerts as people want them: a real gate in front of receivers that take nothing but what Slack and PagerDuty document.
//! They are busy, broken and slow in between, and what they will not take is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Received, Reply, ScriptedProvider};

use crate::refusals::keys;
use crate::scene::{self, Scene, providers};

/// What would open a channel to whoever read it.
const HUSH: &str = "B0-hush-hush-b3c1d2e4f5";
const ROUTING: &str = "R0UT1NGKEY0123456789abcdef012345";

/// What Slack says of a message: nothing, or why not.
fn slack_fault(body: &Value) -> Option<String> {
    let text = |value: &Value, max: usize| {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        (length == 0 || length > max).then(|| format!("text of {length} characters: {value}"))
    };
    let object = |value: &Value, kinds: &[&str], max: usize| {
        let kind = value["type"].as_str().unwrap_or_default();
        let is_right = kinds.contains(&kind) && (kind == "mrkdwn" || value.get("verbatim").is_none());
        text(&value["text"], max).or((!is_right).then(|| format!("no text object: {value}")))
    };
    let block = |block: &Value| match block["type"].as_str()? {
        "header" => object(&block["text"], &["plain_text"], 150),
        "section" => {
            let fields = block["fields"].as_array().cloned().unwrap_or_default();
            if block.get("text").is_none() && fields.is_empty() || fields.len() > 10 {
                return Some(format!("a section of nothing or too much: {block}"));
            }
            let whole = block
                .get("text")
                .and_then(|it| object(it, &["mrkdwn", "plain_text"], 3000));
            let parts = fields
                .iter()
                .find_map(|it| object(it, &["mrkdwn", "plain_text"], 2000));
            whole.or(parts)
        }
        "context" => {
            let elements = block["elements"].as_array().cloned().unwrap_or_default();
            let count = (elements.is_empty() || elements.len() > 10).then(|| "elements".to_owned());
            count.or_else(|| elements.iter().find_map(|it| object(it, &["mrkdwn"], 3000)))
        }
        other => Some(format!("no block: {other}")),
    };
    let blocks = body["blocks"].as_array().cloned().unwrap_or_default();
    let said = body.to_string();
    let calls = ["<!", "@channel", "@here"]
        .iter()
        .find(|bad| said.contains(**bad));
    text(&body["text"], 4000)
        .or((blocks.is_empty() || blocks.len() > 50).then(|| "no blocks".to_owned()))
        .or_else(|| blocks.iter().find_map(block))
        .or(calls.map(|bad| format!("somebody is called: {bad}")))
}

/// What PagerDuty says of an event.
fn pager_fault(body: &Value) -> Option<String> {
    let is_text =
        |value: &Value, max: usize| value.as_str().is_some_and(|it| !it.is_empty() && it.len() <= max);
    let known = [
        "routing_key",
        "event_action",
        "dedup_key",
        "payload",
        "client",
        "client_url",
        "links",
        "images",
    ];
    let odd = body
        .as_object()?
        .keys()
        .find(|key| !known.contains(&key.as_str()));
    if let Some(odd) = odd {
        return Some(format!("no such member: {odd}"));
    }
    if body["routing_key"] != ROUTING || !is_text(&body["dedup_key"], 255) {
        return Some("routing_key or dedup_key".to_owned());
    }
    match body["event_action"].as_str() {
        Some("resolve" | "acknowledge") => return None,
        Some("trigger") => {}
        other => return Some(format!("no action: {other:?}")),
    }
    let payload = &body["payload"];
    let severities = ["critical", "error", "warning", "info"].map(|one| payload["severity"] == one);
    let is_right =
        is_text(&payload["summary"], 1024) && is_text(&payload["source"], 1024) && severities.contains(&true);
    let links = body["links"].as_array().cloned().unwrap_or_default();
    let linked = links
        .iter()
        .all(|link| link["href"].as_str().is_some_and(|it| it.starts_with("http")));
    (!is_right || !linked || !payload["custom_details"].is_object()).then(|| format!("payload: {payload}"))
}

fn judged(fault: fn(&Value) -> Option<String>, good: u16) -> Reply {
    Reply::from_request(move |request| match fault(&request.json()) {
        None => Reply::body(good, "text/plain", "ok"),
        Some(why) => Reply::error(400, &why),
    })
}

/// Those that were good.
fn taken(received: &[Received], fault: fn(&Value) -> Option<String>) -> Vec<Value> {
    let all = received.iter().map(Received::json);
    all.inspect(|body| assert_eq!(fault(body), None, "{body}"))
        .collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !is_so() {
        assert!(Instant::now() < end, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn chat(sink: &ScriptedProvider, more: &str) -> String {
    format!(
        "    - {{ name: chat, form: slack, address: \"{}/services\", secrets: [\"env:CHAT\"], {more} }}\n",
        sink.base_url()
    )
}

async fn scene_with(sinks: &str, chat: &ScriptedProvider) -> Scene {
    let provider = ScriptedProvider::start().await;
    // One of the two models has no price.
    let base = providers(&provider.base_url());
    let priced = |line: &&str| !line.contains("{ provider: an,");
    let base: String = base
        .lines()
        .filter(priced)
        .map(|line| format!("{line}\n"))
        .collect();
    let text = format!("{base}alerts:\n  every_ms: 100\n  sinks:\n{sinks}");
    let address = format!("{}/services/T0/{HUSH}", chat.base_url());
    let builder = scene::builder()
        .config(text)
        .env("CHAT", &address)
        .env("PAGER", ROUTING);
    Scene::raise(
        provider,
        builder.env("HOOK", "webhook-secret-of-more-than-24-bytes"),
    )
    .await
}

/// A call that the budget does not hold; the model may be without a price.
async fn refused(scene: &Scene, key: &str, model: &str, code: &str) {
    let body = json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]});
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = scene
            .gate
            .data()
            .bearer(key)
            .post("/v1/chat/completions", &body)
            .await;
        if answer.text().contains(code) {
            return;
        }
        assert!(
            Instant::now() < end,
            "never refused with {code}: {}",
            answer.text()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A key with hardly any money, and its budget.
async fn poor_key(scene: &Scene) -> (String, String) {
    let made = scene.gate.cli_json(&keys("poor", "0.000001")).await;
    (
        made["key"].as_str().unwrap().to_owned(),
        made["budgets"][0]["id"].as_str().unwrap().to_owned(),
    )
}

async fn listed(scene: &Scene, sink: &str) -> Value {
    let all = scene.gate.cli_json(&["alerts", "list", "--json"]).await;
    let mut all = all.as_array().unwrap().iter();
    all.find(|one| one["name"] == sink).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_a_budget_that_refuses_and_a_model_without_a_price_reach_slack_once_past_trouble_and_a_kill() {
    let slack = ScriptedProvider::start().await;
    let busy = Reply::error(429, "slow down").header("retry-after", "1");
    let broken = || Reply::error(500, "out of order");
    slack.script_sequence("*", [busy, broken(), broken()]);
    let sinks = chat(
        &slack,
        "acts: [\"budgets.exhausted\", \"models.unpriced\", \"alerts.test\"]",
    );
    let mut scene = scene_with(&sinks, &slack).await;
    let (key, _) = poor_key(&scene).await;
    for _ in 0..5 {
        refused(&scene, &key, "m-oa", "budget_exhausted").await;
        refused(&scene, &key, "m-an", "model_unpriced").await;
    }
    until("it was tried past the first two troubles", || {
        slack.requests().len() >= 3
    })
    .await;
    scene.gate.kill9().await;
    scene.gate.restart().await;
    refused(&scene, &key, "m-oa", "budget_exhausted").await;
    let before = slack.requests().len();
    slack.script("*", judged(slack_fault, 200));
    until("both came", || slack.requests().len() >= before + 2).await;

    let good = taken(&slack.requests()[before..], slack_fault);
    let said = |body: &Value| body["text"].as_str().unwrap().to_owned();
    assert!(
        said(&good[0]).contains("refuses calls") && said(&good[1]).contains("has no price"),
        "{good:?}"
    );
    let bar = good[0]["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(bar.contains('░') || bar.contains('█'), "{bar}");
    for request in slack.requests() {
        assert_eq!(request.path_only(), format!("/services/T0/{HUSH}"));
    }
    let listed_acts = async |act: &str| {
        let all = scene
            .gate
            .cli_json(&["audit", "list", "--last", "200", "--json"])
            .await;
        let all = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["record"]["act"] == act);
        all.map(|it| it["record"].clone()).collect::<Vec<_>>()
    };
    let told = listed_acts("budgets.exhausted").await;
    assert_eq!(
        told.len(),
        1,
        "once, though both runs of the gate were asked: {told:?}"
    );
    let after = &told[0]["after"];
    assert_eq!(after["limit_nanos"], 1_000, "{after}");
    assert!(after["key"].as_str().unwrap().starts_with("key_"), "{after}");
    assert!(
        after["spent_nanos"].is_i64() && after["wanted_nanos"].as_i64().unwrap() > 0,
        "{after}"
    );
    assert_eq!(listed_acts("models.unpriced").await.len(), 1);

    scene.gate.cli_json(&["alerts", "test", "chat", "--json"]).await;
    assert!(said(&slack.requests().last().unwrap().json()).contains("This is a test"));
    let stands = listed(&scene, "chat").await;
    assert_eq!(
        (stands["kind"].as_str(), stands["dead"].as_u64()),
        (Some("slack"), Some(0)),
        "{stands}"
    );
    assert!(
        stands["last_success"].is_string() && stands.get("last_error").is_none(),
        "{stands}"
    );
    assert!(
        !scene.gate.lines().any(|line| line.contains(HUSH)),
        "the address is a secret"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_pagerduty_has_one_incident_for_a_budget_and_it_ends_when_the_budget_is_raised() {
    let pager = ScriptedProvider::start().await;
    pager.script("*", judged(pager_fault, 202));
    let sinks = format!(
        "    - {{ name: pager, form: pagerduty, address: \"{}/v2/enqueue\", secrets: [\"env:PAGER\"], acts: [\"budgets.exhausted\"], severity_min: error }}\n",
        pager.base_url()
    );
    let scene = scene_with(&sinks, &pager).await;
    let (key, budget) = poor_key(&scene).await;
    refused(&scene, &key, "m-oa", "budget_exhausted").await;
    until("the incident", || !pager.requests().is_empty()).await;
    let opened = taken(&pager.requests(), pager_fault);
    assert_eq!(
        (opened[0]["event_action"].as_str(), opened.len()),
        (Some("trigger"), 1)
    );
    assert_eq!(opened[0]["payload"]["severity"], "error");
    let raise = ["budgets", "set-limit", &budget, "5.00", "--json"];
    scene.gate.cli_json(&raise).await;
    until("its end", || pager.requests().len() >= 2).await;
    let ended = taken(&pager.requests(), pager_fault);
    assert_eq!(ended[1]["event_action"], "resolve");
    assert_eq!(ended[1]["dedup_key"], opened[0]["dedup_key"]);
    assert!(
        !scene.gate.lines().any(|line| line.contains(ROUTING)),
        "the routing key is a secret"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_what_slack_refuses_for_good_is_kept_shown_told_elsewhere_and_sent_again() {
    let (slack, hook) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    let status = Arc::new(AtomicU16::new(404));
    let said = status.clone();
    slack.script(
        "*",
        Reply::from_request(move |_| Reply::body(said.load(Ordering::Relaxed), "text/plain", "no_service")),
    );
    hook.script("*", Reply::json(200, &json!({})));
    let siem = format!(
        "    - {{ name: siem, address: \"{}/in\", secrets: [\"env:HOOK\"], acts: [\"alerts.dead\"] }}\n",
        hook.base_url()
    );
    let sinks = format!(
        "{}{siem}",
        chat(&slack, "acts: [\"models.unpriced\", \"alerts.*\"]")
    );
    let scene = scene_with(&sinks, &slack).await;
    let (key, _) = poor_key(&scene).await;
    refused(&scene, &key, "m-an", "model_unpriced").await;
    until("the others hear of it", || !hook.requests().is_empty()).await;
    let told = hook.requests()[0].json();
    assert_eq!(
        (told["type"].as_str(), &told["data"]["record"]["target"]),
        (Some("alerts.dead"), &json!("chat"))
    );
    let dead = async || {
        scene
            .gate
            .cli_json(&["alerts", "dead", "--sink", "chat", "--json"])
            .await
    };
    let letters = dead().await;
    assert_eq!(letters.as_array().unwrap().len(), 1, "{letters}");
    assert_eq!(letters[0]["act"], "models.unpriced");
    assert!(letters[0]["why"].as_str().unwrap().contains("404"), "{letters}");
    assert_eq!(
        scene.metric("bartizan_alerts_dead_total{sink=\"chat\"}").await,
        1.0
    );
    let stands = listed(&scene, "chat").await;
    assert!(stands["last_error"].as_str().unwrap().contains("404"), "{stands}");
    assert_eq!(stands["dead"], 1, "{stands}");

    status.store(200, Ordering::Relaxed);
    slack.forget_requests();
    scene.gate.cli_json(&["alerts", "resend", "chat", "--json"]).await;
    let again = || {
        slack
            .requests()
            .iter()
            .any(|it| it.json()["text"].as_str().unwrap().contains("has no price"))
    };
    until("it was sent again", again).await;
    let end = Instant::now() + Duration::from_secs(20);
    while !dead().await.as_array().unwrap().is_empty() {
        assert!(Instant::now() < end, "it was taken and is still there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
