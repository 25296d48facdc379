//! A system outside is asked before calls, and told after them. It is scripted here to say yes, no, nothing and nonsense; what
//! it may see, and what it can do to calls, is looked at from its side and from the caller's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Money;
use ledger::{BudgetScope, Outcome, Window};
use serde_json::{Value, json};
use testkit::{Client, Gate, GateBuilder, Received, Reply, ScriptedProvider};

use super::money_scene::{House, gate, metered, metric, total};
use super::spend::{RESERVE, ask, call, patient};

const CHAT: &str = "/v1/chat/completions";
const SECRET: &str = "a budget webhook's secret, long enough";

/// The calls' provider, the system outside, and a gate that asks it as `how` says.
async fn scene(how: &str) -> (ScriptedProvider, ScriptedProvider, Gate, House) {
    let (provider, outside) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    provider.script("*", metered(0));
    outside.script("*", yes());
    let gate = asking(&provider, &outside, how).start().await;
    let house = House::of(&gate).await;
    (provider, outside, gate, house)
}

fn asking(provider: &ScriptedProvider, outside: &ScriptedProvider, how: &str) -> GateBuilder {
    let hook = format!(
        ", webhook: {{ address: \"{}/ask\", secrets: [\"env:HOOK\"]{how} }}",
        outside.base_url()
    );
    gate().config(patient(provider, &hook)).env("HOOK", SECRET)
}

fn yes() -> Reply {
    Reply::json(200, &json!({"allow": true}))
}

async fn said(client: &Client, path: &str, body: &Value) -> (u16, String, String) {
    let answer = ask(client, path, body).await;
    let code = answer.header("x-refusal-code").unwrap_or_default().to_owned();
    (answer.status, code, answer.text())
}

fn is_signed(received: &Received) -> bool {
    let header = |name| received.header(name).unwrap().to_owned();
    let content = [
        header("webhook-id").as_bytes(),
        b".",
        header("webhook-timestamp").as_bytes(),
        b".",
        &received.body,
    ]
    .concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let code = header("webhook-signature");
    let code = STANDARD.decode(code.strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&key, &content, &code).is_ok()
}

#[tokio::test]
async fn agp_d1_agp_i1_it_is_asked_about_what_our_budgets_hold_and_sees_no_content() {
    let (provider, outside, gate, house) = scene(", on_failure: refuse, timeout_ms: 5000").await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1), Window::Total)
        .await;
    let key = house.key().await;
    let client = key.at(&gate).await;
    let mut secretive = call("gpt-4o");
    secretive["messages"][0]["content"] = json!("call 0 of the xylophone");
    assert_eq!(said(&client, CHAT, &secretive).await.0, 200);
    let asked = outside.requests();
    assert_eq!(asked.len(), 1);
    let question = asked[0].json();
    let text = question.to_string();
    assert!(is_signed(&asked[0]) && asked[0].header("authorization").is_none());
    assert!(!text.contains("xylophone") && !text.contains(&key.text), "{text}");
    let data = &question["data"];
    assert_eq!(question["type"], "budget.ask");
    assert_eq!(data["key"], key.record.id.to_string());
    assert_eq!(data["tenant"], house.tenant.to_string());
    assert_eq!(
        (&data["model"], &data["operation"]),
        (&json!("gpt-4o"), &json!("chat"))
    );
    assert!(data["bound"]["cost_nanos"].as_i64() > Some(0));
    let entry = house.entry(data["request"].as_str().unwrap()).await;
    assert!(entry.cost.nanos() <= data["bound"]["cost_nanos"].as_i64().unwrap());

    // Estimates ask nobody, and what our own budgets refuse is not asked about.
    assert_eq!(said(&client, "/v1/estimate", &call("gpt-4o")).await.0, 200);
    let dear =
        json!({"model": "gpt-4o", "max_tokens": 4096, "messages": [{"role": "user", "content": "call 0"}]});
    assert_eq!(said(&client, CHAT, &dear).await.1, "budget_exhausted");
    assert_eq!(outside.requests().len(), 1);

    let sent = provider.requests().len();
    let no = json!({"allow": false, "message": "the project\nis over\u{7}"});
    outside.script("*", Reply::json(200, &no));
    for path in [CHAT, RESERVE] {
        let (status, code, text) = said(&client, path, &call("gpt-4o")).await;
        assert_eq!((status, code.as_str()), (402, "budget_webhook_refused"), "{path}");
        assert!(text.contains("the project is over"), "{text}");
    }
    outside.script(
        "*",
        Reply::json(200, &json!({"allow": true, "cost_nanos_max": 1000})),
    );
    let (status, code, _) = said(&client, CHAT, &call("gpt-4o")).await;
    assert_eq!((status, code.as_str()), (402, "budget_webhook_refused"));
    assert_eq!(provider.requests().len(), sent, "nothing was sent");
    let entries = house.wait_for_entries(5).await;
    assert_eq!(house.spent_when_idle(&budget).await, total(&entries));
    assert_eq!(metric(&gate, "bartizan_budget_webhook_refused_total").await, 3);
}

/// What it may answer instead of yes or no.
fn nonsense(elsewhere: &ScriptedProvider) -> Vec<(&'static str, Reply)> {
    vec![
        ("500", Reply::error(500, "no")),
        (
            "redirect",
            Reply::redirect(307, &format!("{}/ask", elsewhere.base_url())),
        ),
        ("garbage", Reply::body(200, "application/json", "yes!")),
        ("no word", Reply::json(200, &json!({"message": "fine"}))),
        ("a word that is none", Reply::json(200, &json!({"allow": "true"}))),
        (
            "half",
            Reply::json(200, &json!({"allow": true}))
                .claim_length(500)
                .cut_after(5, testkit::Cut::Rst),
        ),
        (
            "a gigabyte",
            Reply::body(200, "application/json", vec![b' '; 1 << 20]).claim_length(1 << 30),
        ),
        ("created", Reply::json(201, &json!({"allow": true}))),
    ]
}

#[tokio::test]
async fn agp_d1_anp_d0005_no_answer_that_makes_sense_is_decided_as_written() {
    let elsewhere = ScriptedProvider::start().await;
    elsewhere.script("*", yes());
    for (written, expected) in [("refuse", 503), ("permit", 200)] {
        let how = format!(", on_failure: {written}, timeout_ms: 5000");
        let (provider, outside, gate, house) = scene(&how).await;
        let client = house.key().await.at(&gate).await;
        for (what, reply) in nonsense(&elsewhere) {
            outside.script("*", reply);
            let before = provider.requests().len();
            let answer = ask(&client, CHAT, &call("gpt-4o")).await;
            assert_eq!(answer.status, expected, "{written} {what}: {}", answer.text());
            let entry = house.entry(answer.header("x-request-id").unwrap()).await;
            let was_sent = provider.requests().len() > before;
            if expected == 200 {
                assert!(
                    was_sent && entry.findings == ["webhook:unavailable:permit"],
                    "{entry:?}"
                );
            } else {
                assert!(!was_sent, "{what}");
                assert_eq!(
                    entry.outcome,
                    Outcome::Refused("budget_webhook_unavailable".into())
                );
            }
            // One that makes sense in between: it does not begin to rest.
            outside.script("*", yes());
            assert_eq!(ask(&client, CHAT, &call("gpt-4o")).await.status, 200);
        }
        assert!(elsewhere.requests().is_empty(), "no redirect is followed");
        assert_eq!(metric(&gate, "bartizan_budget_webhook_failures_total").await, 8);
    }
}

#[tokio::test]
async fn agp_d2_one_that_hangs_costs_a_few_calls_its_time_and_then_none() {
    let (_provider, outside, gate, house) = scene(", on_failure: refuse, timeout_ms: 1000").await;
    let client = house.key().await.at(&gate).await;
    outside.script("*", Reply::stall_before_head());
    for _ in 0..40 {
        let (status, code, _) = said(&client, CHAT, &call("gpt-4o")).await;
        assert_eq!((status, code.as_str()), (503, "budget_webhook_unavailable"));
    }
    assert!(
        outside.requests().len() < 20,
        "it rests: {}",
        outside.requests().len()
    );
    assert_eq!(metric(&gate, "bartizan_budget_webhook_resting").await, 1);
    outside.script("*", yes());
    let until = Instant::now() + Duration::from_secs(60);
    while said(&client, CHAT, &call("gpt-4o")).await.0 != 200 {
        assert!(Instant::now() < until, "it is not asked again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(metric(&gate, "bartizan_budget_webhook_resting").await, 0);
}

#[tokio::test]
async fn agp_d1_an_answer_is_remembered_if_it_says_so_for_that_key_and_model_alone() {
    let (_provider, outside, gate, house) = scene(", on_failure: refuse, timeout_ms: 5000").await;
    let (one, two) = (
        house.key().await.at(&gate).await,
        house.key().await.at(&gate).await,
    );
    let ask_all = async |client: &Client, model: &str, times: usize| {
        let mut codes = Vec::new();
        for _ in 0..times {
            codes.push(said(client, CHAT, &call(model)).await.0);
        }
        codes
    };
    assert_eq!(ask_all(&one, "gpt-4o", 3).await, [200; 3]);
    assert_eq!(outside.requests().len(), 3, "nothing is remembered unasked");
    let yes = json!({"allow": true, "remember_s": 3600, "cost_nanos_max": 60_000_000});
    outside.script("*", Reply::json(200, &yes));
    assert_eq!(ask_all(&one, "gpt-4o", 4).await, [200; 4]);
    assert_eq!(outside.requests().len(), 4);
    // What it permits at most holds for every call that it is remembered for.
    let dear =
        json!({"model": "gpt-4o", "max_tokens": 100, "messages": [{"role": "user", "content": "call 0"}]});
    assert_eq!(said(&one, CHAT, &dear).await.1, "budget_webhook_refused");
    assert_eq!(outside.requests().len(), 4);
    outside.script("*", Reply::json(200, &json!({"allow": false, "remember_s": 60})));
    assert_eq!(ask_all(&one, "claude", 2).await, [402; 2]);
    assert_eq!(ask_all(&two, "gpt-4o", 2).await, [402; 2]);
    assert_eq!(ask_all(&one, "gpt-4o", 1).await, [200]);
    assert_eq!(outside.requests().len(), 6);
}

#[tokio::test]
async fn ctx_t2_what_a_call_is_without_an_answer_must_be_written_down() {
    let (provider, outside) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    for (how, named) in [
        ("", "on_failure"),
        (", on_failure: ignore", "unknown value `ignore`"),
        (", on_failure: permit, timeout_ms: 60000", "timeout_ms"),
        (", on_failure: permit, at_once_max: 0", "at_once_max"),
    ] {
        let said = asking(&provider, &outside, how).refuses().await;
        assert!(said.contains(named), "{how}: {said}");
    }
    let plain =
        ", webhook: { address: \"http://198.51.100.7/ask\", secrets: [\"env:HOOK\"], on_failure: refuse }";
    let said = gate()
        .config(patient(&provider, plain))
        .env("HOOK", SECRET)
        .refuses()
        .await;
    assert!(said.contains("plain http"), "{said}");
    let said = asking(&provider, &outside, ", on_failure: refuse")
        .env("HOOK", "short")
        .refuses()
        .await;
    assert!(
        said.contains("too short") && !said.contains("HOOKshort"),
        "{said}"
    );
}

/// Entries that were told of, by index, and the order in which they first came.
fn told(received: &[Received], tenant: &str) -> (Vec<u64>, BTreeMap<u64, Value>) {
    let (mut order, mut entries) = (Vec::new(), BTreeMap::new());
    for request in received {
        assert!(is_signed(request));
        let said = request.json();
        assert_eq!(said["type"], "budget.spent");
        let entry = said["data"]["entry"].clone();
        assert_eq!(request.header("webhook-id"), entry["id"].as_str());
        if entry["tenant"] == tenant {
            let index = said["data"]["index"].as_u64().unwrap();
            if entries.insert(index, entry).is_none() {
                order.push(index);
            }
        }
    }
    (order, entries)
}

#[tokio::test]
async fn agp_r1_everything_spent_is_told_in_order_past_an_outage_and_a_kill() {
    let (provider, outside) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    provider.script("*", metered(0));
    outside.script("*", Reply::json(200, &json!({})));
    let events = format!(
        ", events: {{ address: \"{}/told\", secrets: [\"env:HOOK\"], every_ms: 100 }}",
        outside.base_url()
    );
    let mut gate = gate()
        .config(patient(&provider, &events))
        .env("HOOK", SECRET)
        .start()
        .await;
    let house = House::of(&gate).await;
    let key = house.key().await;
    let tenant = house.tenant.to_string();
    let calls = async |gate: &Gate, count: usize| {
        let client = key.at(gate).await;
        for _ in 0..count {
            assert_eq!(said(&client, CHAT, &call("gpt-4o")).await.0, 200);
        }
    };
    let until_told = async |count: usize| {
        let until = Instant::now() + Duration::from_secs(30);
        while told(&outside.requests(), &tenant).0.len() < count {
            assert!(Instant::now() < until, "{count} entries are not told of");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    calls(&gate, 3).await;
    until_told(3).await;
    // Away, and then the gate dies: no call waits for it, and nothing is left out.
    outside.script("*", Reply::error(503, "out of order"));
    calls(&gate, 4).await;
    house.wait_for_entries(7).await;
    gate.kill9().await;
    gate.restart().await;
    outside.script("*", Reply::json(200, &json!({})));
    calls(&gate, 2).await;
    until_told(9).await;
    let (order, entries) = told(&outside.requests(), &tenant);
    assert_eq!(order, (0..9).collect::<Vec<_>>());
    let ledger = house.wait_for_entries(9).await;
    for (entry, told) in ledger.iter().zip(entries.values()) {
        assert_eq!(
            &serde_json::to_value(entry).unwrap(),
            told,
            "as it stands in the ledger"
        );
    }
    let sum: i64 = entries
        .values()
        .map(|entry| entry["cost"].as_i64().unwrap())
        .sum();
    assert_eq!(sum, total(&ledger).nanos());
}
