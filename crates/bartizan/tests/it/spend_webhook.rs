//! The budget decision in the form of other gateways' webhooks: asked before a call, told after it. Nothing but the key
//! says whose money it is, and nothing here fails open.

use domain::Money;
use http::Method;
use ledger::{BudgetScope, Outcome, UsageSource, Window};
use serde_json::{Value, json};
use testkit::{Answer, Client, Gate, ScriptedProvider};

use super::money_scene::{House, gate, price, total};
use super::spend::patient;

const BEFORE: &str = "/webhook/pre-request";
const AFTER: &str = "/webhook/post-request";

async fn ask(client: &Client, path: &str, body: &Value) -> Answer {
    let client = client.clone().header("content-type", "application/json");
    client
        .request(Method::POST, path, body.to_string().into())
        .await
        .unwrap()
}

fn data(key: Option<&str>, model: &str) -> Value {
    let mut data = json!({"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 16,
        "user": "somebody", "team_id": "another-team", "metadata": {"trace": "t-1"}});
    if let Some(key) = key {
        data["api_key"] = json!(key);
    }
    json!({"data": data})
}

fn usage(key: Option<&str>, model: &str, metadata: &Value) -> Value {
    let mut body = data(key, model);
    body["data"]["metadata"] = metadata.clone();
    body["data"]["usage"] = json!({"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13});
    body["data"]["cost"] = json!(0.0);
    body
}

async fn scene() -> (ScriptedProvider, Gate, House) {
    let provider = ScriptedProvider::start().await;
    let gate = gate().config(patient(&provider, "")).start().await;
    let house = House::of(&gate).await;
    (provider, gate, house)
}

#[tokio::test]
async fn agp_d1_a_decision_holds_the_money_and_what_is_told_is_charged() {
    let (_provider, gate, house) = scene().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let key = house.key().await;
    let client = key.at(&gate).await;
    let open = gate.data();
    // The key in the body, as the form has it, or in the head.
    for (client, said) in [
        (&open, Some(key.text.as_str())),
        (&client, None),
        (&client, Some("sk-of-another")),
    ] {
        let answer = ask(client, BEFORE, &data(said, "gpt-4o")).await;
        let decision = answer.json();
        assert_eq!(
            (answer.status, &decision["allow"]),
            (200, &json!(true)),
            "{decision}"
        );
        let metadata = &decision["modified_data"]["metadata"];
        assert_eq!(metadata["trace"], "t-1", "what was there stays");
        assert!(!answer.text().contains(&key.text), "no key comes back");
        let told = ask(client, AFTER, &usage(said, "gpt-4o", metadata)).await;
        assert_eq!(
            (told.status, &told.json()["status"]),
            (200, &json!("recorded")),
            "{}",
            told.text()
        );
        let again = ask(client, AFTER, &usage(said, "gpt-4o", metadata)).await;
        assert_eq!(again.json(), told.json(), "said twice, charged once");
    }
    // Whoever does not carry the metadata along is charged for the same call all the same.
    for _ in 0..2 {
        assert_eq!(
            ask(&client, BEFORE, &data(None, "gpt-4o")).await.json()["allow"],
            true
        );
    }
    for _ in 0..2 {
        let told = ask(&client, AFTER, &usage(None, "gpt-4o", &Value::Null)).await;
        assert_eq!(told.status, 200, "{}", told.text());
    }
    let told = ask(&client, AFTER, &usage(None, "gpt-4o", &Value::Null)).await;
    assert_eq!(told.status, 404, "nothing is open any more: {}", told.text());
    let embed = json!({"data": {"model": "gpt-4o", "input": "text"}});
    assert_eq!(ask(&client, BEFORE, &embed).await.json()["allow"], true);
    let told = ask(&client, AFTER, &usage(None, "gpt-4o", &Value::Null)).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let entries = house.wait_for_entries(6).await;
    for entry in &entries {
        assert_eq!(entry.outcome, Outcome::Reported("completed".into()));
        assert_eq!(
            (entry.usage_source, entry.cost),
            (UsageSource::Reported, price(10, 3)),
            "priced here"
        );
        assert_eq!(entry.team, house.team, "and not by what the data says");
    }
    assert_eq!(house.spent_when_idle(&budget).await, total(&entries));
}

#[tokio::test]
async fn agp_d1_agp_e1_whatever_is_not_known_is_a_no() {
    let (_provider, gate, house) = scene().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_nanos(1_000), Window::Total)
        .await;
    let key = house.key().await;
    let client = key.at(&gate).await;
    let stranger = House::of(&gate).await;
    let other = stranger.key().await;
    other.at(&gate).await;
    let open = gate.data();
    for (client, path) in [(&open, BEFORE), (&open, AFTER)] {
        for body in [
            data(None, "gpt-4o"),
            data(Some(""), "gpt-4o"),
            data(Some("btz_none"), "gpt-4o"),
            data(Some("sk-of-another"), "gpt-4o"),
            json!({"data": null}),
            json!({"data": {"api_key": ["x"]}}),
            json!([]),
        ] {
            let answer = ask(client, path, &body).await;
            assert_eq!(answer.status, 401, "{path} {body}: {}", answer.text());
        }
    }
    let mut large = data(Some(&key.text), "gpt-4o");
    large["data"]["messages"][0]["content"] = json!("x".repeat(300 << 10));
    assert_eq!(
        ask(&open, BEFORE, &large).await.status,
        413,
        "nobody knows yet who that is"
    );
    for (body, code) in [
        (data(None, "gpt-4o"), "budget_exhausted"),
        (data(None, "none"), "model_not_found"),
        (data(Some(&other.text), "gpt-4o"), "credential_ambiguous"),
        (json!({"data": {"model": "gpt-4o"}}), "request_invalid"),
        (json!({"data": 4}), "request_invalid"),
        (json!({}), "request_invalid"),
    ] {
        let mut answer = ask(&client, BEFORE, &body).await;
        for _ in 0..250 {
            if answer.json()["allow"] == false {
                break; // The budget has come into force.
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            answer = ask(&client, BEFORE, &body).await;
        }
        let decision = answer.json();
        assert_eq!(
            (answer.status, &decision["allow"]),
            (200, &json!(false)),
            "{body} {decision}"
        );
        assert_eq!(answer.header("x-refusal-code"), Some(code), "{body} {decision}");
        assert!(decision["message"].is_string() && decision["modified_data"].is_null());
    }
    // A reservation of another tenant's is none.
    let theirs = ask(&open, BEFORE, &data(Some(&other.text), "gpt-4o"))
        .await
        .json();
    assert_eq!(theirs["allow"], true);
    let stolen = usage(None, "gpt-4o", &theirs["modified_data"]["metadata"]);
    assert_eq!(ask(&client, AFTER, &stolen).await.status, 404);
    assert!(stranger.entries().await.is_empty());
    let bare = data(None, "gpt-4o");
    assert_eq!(
        ask(&client, AFTER, &bare).await.status,
        400,
        "no usage is no zero"
    );
    assert_eq!(house.standing(&budget).await.spent, Money::ZERO);
}
