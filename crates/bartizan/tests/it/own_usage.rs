//! `GET /v1/usage`: a key learns what it used itself, and of nobody else anything.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Client, ScriptedProvider};

use super::money_scene::{Call, House, PROMPT_TOKENS, config, gate, metered};
use crate::scene::code;

const CHAT: &str = "/v1/chat/completions";

/// As soon as so many of the key's calls are in the ledger.
async fn used(client: &Client, requests: u64) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = client.get("/v1/usage?days=1&group_by=model,day").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let usage = answer.json();
        if usage["total"]["num_model_requests"] == requests {
            return usage;
        }
        assert!(Instant::now() < until, "{usage}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn anp_0006_a_key_learns_what_it_used_itself_and_nothing_of_others() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let (house, another) = (House::of(&gate).await, House::of(&gate).await);
    let mine = house.caller(&gate).await;
    for others in [house.caller(&gate).await, another.caller(&gate).await] {
        let answer = others.post(CHAT, &Call::new(14).body("gpt-4o")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        used(&others, 1).await;
    }
    let calls =
        [(0, "gpt-4o"), (4, "gpt-4o"), (6, "claude")].map(|(number, model)| (Call::new(number), model));
    // The refusal comes first: calls get into the ledger in order.
    assert_eq!(mine.post(CHAT, &Call::new(0).body("none")).await.status, 404);
    for (call, model) in &calls {
        assert_eq!(mine.post(CHAT, &call.body(model)).await.status, 200);
    }
    let usage = used(&mine, 3).await;
    let whole = sum(calls.iter().map(|(call, _)| call));
    for (figure, value) in whole.as_object().unwrap() {
        assert_eq!(&usage["total"][figure], value, "{usage}");
    }
    assert_eq!(usage["total"]["num_refused_requests"], 1, "{usage}");
    let rows = usage["data"].as_array().unwrap();
    let of = |model: &str| rows.iter().find(|row| row["model"] == model).unwrap();
    for (model, calls) in [("gpt-4o", &calls[..2]), ("claude", &calls[2..])] {
        for (figure, value) in sum(calls.iter().map(|(call, _)| call)).as_object().unwrap() {
            assert_eq!(&of(model)[figure], value, "{model}: {usage}");
        }
        assert_eq!(of(model)["start_time"].as_i64().unwrap() % 86_400, 0);
    }
    let plain = mine.get("/v1/usage").await;
    assert_eq!(plain.header("cache-control"), Some("no-store"));
    let plain = plain.json();
    assert_eq!((&plain["total"], &plain["data"]), (&usage["total"], &json!([])));
}

/// What calls come to.
fn sum<'a>(calls: impl Iterator<Item = &'a Call>) -> Value {
    let calls: Vec<_> = calls.collect();
    let output: u64 = calls.iter().map(|call| call.output()).sum();
    let cost: i64 = calls.iter().map(|call| call.cost().nanos()).sum();
    let requests = calls.len() as u64;
    json!({"num_model_requests": requests, "input_tokens": requests * PROMPT_TOKENS, "output_tokens": output,
        "cost_nanos": cost})
}

#[tokio::test]
async fn agp_s1_usage_is_for_who_shows_a_key_and_asks_in_order() {
    let provider = ScriptedProvider::start().await;
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let client = house.caller(&gate).await;
    assert_eq!(gate.data().get("/v1/usage").await.status, 401);
    for bad in [
        "days=0",
        "days=401",
        "days=1&days=x",
        "group_by=key",
        "key=key_1",
        "team=all",
    ] {
        let answer = client.get(&format!("/v1/usage?{bad}")).await;
        assert_eq!(
            (answer.status, &*code(&answer)),
            (400, "request_invalid"),
            "{bad}"
        );
    }
    assert_eq!(client.post("/v1/usage", &json!({})).await.status, 405);
    assert_eq!(client.get("/v1/usage/").await.status, 404);
}
