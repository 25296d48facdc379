//! `POST /v1/estimate` and `bartizan estimate`: what a call would cost, without making it and without telling more
//! than the call would.

use std::time::Duration;

use bytes::Bytes;
use credential::Limits;
use domain::{KeyId, Money};
use http::Method;
use ledger::{BudgetScope, Window};
use serde_json::{Value, json};
use testkit::{Answer, Client, ScriptedProvider};

use super::money_scene::{House, config, gate, metered};

const CHAT: &str = "/v1/chat/completions";

fn call(model: &str) -> Value {
    json!({"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "call 0"}]})
}

async fn ask(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let answer = answer(client, path, body).await;
    (answer.status, answer.json())
}

async fn answer(client: &Client, path: &str, body: &Value) -> Answer {
    let client = client.clone().header("content-type", "application/json");
    let body = Bytes::from(body.to_string());
    client.request(Method::POST, path, body).await.unwrap()
}

#[tokio::test]
async fn agp_d1_an_estimate_bounds_the_call_and_costs_nothing() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let anthropic = client.clone().header("anthropic-version", "2023-06-01");
    for (client, path, model) in [
        (&client, CHAT, "gpt-4o"),
        (&client, CHAT, "claude"),
        (&anthropic, "/v1/messages", "claude"),
        (&anthropic, "/v1/messages", "gpt-4o"),
    ] {
        let (status, estimate) = ask(client, "/v1/estimate", &call(model)).await;
        let context = format!("{path} {model}: {estimate}");
        assert_eq!((status, &estimate["allowed"]), (200, &json!(true)), "{context}");
        assert_eq!(estimate["model"], model, "{context}");
        assert_eq!(estimate["output_tokens_max"], 16, "{context}");
        let (tokens, most) = (&estimate["prompt"]["tokens"], &estimate["prompt"]["tokens_max"]);
        assert!(
            tokens.as_u64() > Some(0) && tokens.as_u64() < most.as_u64(),
            "{context}"
        );
        assert_eq!(
            estimate["prompt"]["is_exact"],
            json!(model == "gpt-4o"),
            "{context}"
        );
        let cost = |which: &str| estimate["cost"][which].as_i64().unwrap();
        assert!(
            cost("least_nanos") <= cost("prompt_nanos") && cost("prompt_nanos") < cost("most_nanos"),
            "{context}"
        );
        let answer = answer(client, path, &call(model)).await;
        let entry = house
            .entry(answer.headers["x-request-id"].to_str().unwrap())
            .await;
        assert!(
            (cost("least_nanos")..=cost("most_nanos")).contains(&entry.cost.nanos()),
            "{context} {entry:?}"
        );
    }
    let entries = house.wait_for_entries(4).await;
    assert_eq!(provider.requests().len(), 4, "nothing was sent for an estimate");
    let spent = entries.iter().fold(Money::ZERO, |sum, one| sum.plus(one.cost));
    assert_eq!(house.spent_when_idle(&budget).await, spent);
    assert_eq!(house.entries().await.len(), 4, "nor is any of them in the ledger");
}

#[tokio::test]
async fn agp_d1_an_estimate_says_which_budget_would_refuse_and_holds_nothing_of_it() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_nanos(40_000_000), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let dear =
        json!({"model": "gpt-4o", "max_tokens": 4096, "messages": [{"role": "user", "content": "call 0"}]});
    let (status, estimate) = ask(&client, "/v1/estimate", &dear).await;
    assert_eq!((status, &estimate["allowed"]), (200, &json!(false)), "{estimate}");
    let refused = &estimate["refused_by"];
    assert_eq!(refused["code"], "budget_exhausted", "{estimate}");
    assert!(
        refused["message"].as_str().unwrap().contains("`Tenant`"),
        "{estimate}"
    );
    let (status, refusal) = ask(&client, CHAT, &dear).await;
    assert_eq!(refused["status"], json!(status));
    assert_eq!(refusal["error"]["code"], refused["code"], "{refusal}");
    // Estimates as many as one likes leave the budget as it was.
    for _ in 0..20 {
        let (_, estimate) = ask(&client, "/v1/estimate", &call("gpt-4o")).await;
        assert_eq!(estimate["allowed"], true, "{estimate}");
    }
    assert_eq!(ask(&client, CHAT, &call("gpt-4o")).await.0, 200);
    let spent = house.spent_when_idle(&budget).await;
    assert!(spent > Money::ZERO && spent < budget.limit);
}

/// What may not be called may not be asked about either, in the same words; and asking is a request like any other.
#[tokio::test]
async fn agp_e1_anp_0004_an_estimate_is_no_way_around_policies_or_limits() {
    let provider = ScriptedProvider::start().await;
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let client = house.key().await.at(&gate).await;
    for (path, body) in [
        (CHAT, call("no-such-model")),
        (CHAT, json!({"model": "gpt-4o"})),
        ("/v1/completions", json!({"model": "hidden", "prompt": "x"})),
    ] {
        let estimated = if path == CHAT {
            "/v1/estimate"
        } else {
            "/v1/estimate/completions"
        };
        let (would, is) = (
            ask(&client, estimated, &body).await,
            ask(&client, path, &body).await,
        );
        assert_eq!(would.0, is.0, "{would:?} {is:?}");
        let said = |answer: &Value| {
            let error = &answer["error"];
            (
                error["code"].clone(),
                error["message"].as_str().map(str::to_owned),
            )
        };
        assert_eq!(said(&would.1).0, said(&is.1).0, "{would:?} {is:?}");
    }
    let limits = Limits {
        requests_per_minute: Some(3),
        ..Limits::default()
    };
    let limited = house.limited_key(KeyId::generate(), limits).await;
    let client = limited.at(&gate).await.deadline(Duration::from_secs(10));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(ask(&client, "/v1/estimate", &call("gpt-4o")).await.0);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn bartizan_estimate_says_the_same_without_a_running_gate() {
    let provider = ScriptedProvider::start().await;
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let client = house.key().await.at(&gate).await;
    let (_, served) = ask(&client, "/v1/estimate", &call("gpt-4o")).await;
    let body = gate.folder().join("call.json");
    std::fs::write(&body, call("gpt-4o").to_string()).unwrap();
    let said = tokio::process::Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .arg("--config")
        .arg(gate.config_path())
        .args(["estimate", "--json"])
        .arg(&body)
        .output()
        .await
        .unwrap();
    assert!(said.status.success(), "{said:?}");
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    for field in ["model", "prompt", "output_tokens_max", "cost", "price_version"] {
        assert_eq!(said[field], served[field], "{field}");
    }
}
