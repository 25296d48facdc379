//! Money for calls that are made elsewhere, reserved and settled from outside: held like a call's, ended once, and in the
//! ledger as it was reported; by whoever holds the key, and by nobody else.

use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::{Money, RequestId};
use http::Method;
use ledger::{BudgetScope, Entry, Outcome, UsageSource, Window};
use serde_json::{Value, json};
use testkit::{Answer, Client, Gate, ScriptedProvider};

use super::money_scene::{House, Key, config, gate, metered, metric, price, total};

pub const RESERVE: &str = "/v1/spend/reserve";
pub const SETTLE: &str = "/v1/spend/settle";
pub const VOID: &str = "/v1/spend/void";

pub fn call(model: &str) -> Value {
    json!({"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "call 0"}]})
}

pub async fn ask(client: &Client, path: &str, body: &Value) -> Answer {
    let client = client.clone().header("content-type", "application/json");
    let body = Bytes::from(body.to_string());
    client.request(Method::POST, path, body).await.unwrap()
}

/// Asks, and is given what it asks for.
pub async fn given(client: &Client, path: &str, body: &Value) -> Value {
    let answer = ask(client, path, body).await;
    assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    answer.json()
}

async fn refused(client: &Client, path: &str, body: &Value) -> (u16, String) {
    let answer = ask(client, path, body).await;
    let code = answer.header("x-refusal-code").unwrap_or_default().to_owned();
    (answer.status, code)
}

fn conflict() -> (u16, String) {
    (409, "reservation_conflict".to_owned())
}

fn settlement(reserved: &Value, input: u64, output: u64) -> Value {
    json!({"reservation": reserved["reservation"], "usage": {"input": input, "output": output}})
}

fn bound(reserved: &Value) -> Money {
    Money::from_nanos(reserved["bound"]["cost_nanos"].as_i64().unwrap())
}

async fn entry_of(house: &House, reserved: &Value) -> Entry {
    house.entry(reserved["request"].as_str().unwrap()).await
}

/// The usual configuration, with patience for a busy machine: nothing here is about time.
pub fn patient(provider: &ScriptedProvider, budgets: &str) -> String {
    let budgets = format!("budgets: {{ wait_ms: 10000{budgets} }}\n");
    let usual = "first_byte_ms: 1500, idle_ms: 1000, total_ms: 4000";
    let text = config(provider, &budgets);
    assert!(text.contains(usual));
    text.replace(usual, "first_byte_ms: 30000, idle_ms: 30000, total_ms: 60000")
}

/// A gate, a house and what its provider would say if it were called.
async fn scene(budgets: &str) -> (ScriptedProvider, Gate, House) {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(patient(&provider, budgets)).start().await;
    let house = House::of(&gate).await;
    (provider, gate, house)
}

#[tokio::test]
async fn agp_d1_what_is_reserved_is_held_and_what_is_reported_is_charged() {
    let (provider, gate, house) = scene("").await;
    let tenant = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let anthropic = client.clone().header("anthropic-version", "2023-06-01");
    let numbers = json!({"model": "gpt-4o", "prompt_tokens": 40, "max_tokens": 16});
    let embed = json!({"model": "gpt-4o", "input": "some text"});
    let mut sum = Money::ZERO;
    for (client, path, body) in [
        (&client, RESERVE, call("gpt-4o")),
        (&client, RESERVE, call("claude")),
        (&anthropic, RESERVE, call("claude")),
        (&client, RESERVE, numbers),
        (&client, "/v1/spend/reserve/embeddings", embed),
    ] {
        let reserved = given(client, path, &body).await;
        assert!(bound(&reserved) > price(10, 0), "{reserved}");
        assert_eq!(reserved["expires_in_s"], 600, "{reserved}");
        let settled = given(client, SETTLE, &settlement(&reserved, 10, 3)).await;
        let entry = entry_of(&house, &reserved).await;
        assert_eq!(entry.outcome, Outcome::Reported("completed".into()), "{entry:?}");
        assert_eq!(entry.usage_source, UsageSource::Reported);
        assert_eq!(entry.cost, price(10, 3), "{entry:?}");
        assert_eq!(settled["cost_nanos"], entry.cost.nanos(), "{settled}");
        assert_eq!(entry.charges.len(), 1);
        assert!(entry.request_digest.is_some() && entry.response_digest.is_some());
        sum = sum.plus(entry.cost);
    }
    let voided = given(&client, RESERVE, &call("gpt-4o")).await;
    given(&client, VOID, &json!({"reservation": voided["reservation"]})).await;
    let failed = given(&client, RESERVE, &call("gpt-4o")).await;
    let end = json!({"reservation": failed["reservation"], "outcome": "failed"});
    given(&client, SETTLE, &end).await;
    let entries = house.wait_for_entries(7).await;
    assert_eq!(
        total(&entries),
        sum,
        "what was voided and what failed cost nothing"
    );
    assert_eq!(house.spent_when_idle(&tenant).await, sum);
    assert!(provider.requests().is_empty(), "nothing of it was sent anywhere");
    house.verify().await;
}

#[tokio::test]
async fn agp_d1_anp_0004_money_that_is_reserved_elsewhere_is_not_there_for_calls() {
    let (_provider, gate, house) = scene("").await;
    let client = house.key().await.at(&gate).await;
    // Room for one reservation and not for two.
    let one = given(&client, RESERVE, &call("gpt-4o")).await;
    given(&client, VOID, &json!({"reservation": one["reservation"]})).await;
    let limit = Money::from_nanos(bound(&one).nanos() * 3 / 2);
    let budget = house.budget(BudgetScope::Tenant, limit, Window::Total).await;
    let until = Instant::now() + Duration::from_secs(20);
    let held = loop {
        // Until the budget is known, what is reserved is not charged to it.
        let reserved = given(&client, RESERVE, &call("gpt-4o")).await;
        if house.standing(&budget).await.leased > Money::ZERO {
            break reserved;
        }
        given(&client, VOID, &json!({"reservation": reserved["reservation"]})).await;
        assert!(Instant::now() < until, "the budget is not spent from");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let dear = json!({"model": "gpt-4o", "max_tokens": 16, "prompt_tokens": 300});
    assert_eq!(
        refused(&client, RESERVE, &dear).await,
        (402, "budget_exhausted".to_owned())
    );
    assert_eq!(
        refused(&client, "/v1/chat/completions", &call("gpt-4o")).await,
        (402, "budget_exhausted".to_owned())
    );
    given(&client, SETTLE, &settlement(&held, 10, 2)).await;
    // What it did not use is free again.
    let next = given(&client, RESERVE, &call("gpt-4o")).await;
    given(&client, SETTLE, &settlement(&next, 10, 1)).await;
    let spent = house.spent_when_idle(&budget).await;
    assert_eq!(spent, price(20, 3));
}

#[tokio::test]
async fn agp_r1_a_reservation_ends_once_however_often_it_is_said() {
    let (_provider, gate, house) = scene("").await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let reserved = given(&client, RESERVE, &call("gpt-4o")).await;
    let end = settlement(&reserved, 10, 4);
    let all = (0..12).map(|_| {
        let (client, end) = (client.clone(), end.clone());
        tokio::spawn(async move { ask(&client, SETTLE, &end).await })
    });
    let mut answers = Vec::new();
    for one in all.collect::<Vec<_>>() {
        answers.push(one.await.unwrap());
    }
    let first = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    for answer in &answers {
        assert!(
            answer.status == 200 && answer.json() == first || answer.status == 409,
            "{}",
            answer.text()
        );
    }
    assert_eq!(given(&client, SETTLE, &end).await, first);
    for other in [
        settlement(&reserved, 10, 5),
        json!({"reservation": reserved["reservation"], "outcome": "failed"}),
        json!({"reservation": reserved["reservation"], "usage": {"input": 10, "output": 4, "tier": "flex"}}),
    ] {
        assert_eq!(refused(&client, SETTLE, &other).await, conflict(), "{other}");
    }
    let which = json!({"reservation": reserved["reservation"]});
    assert_eq!(refused(&client, VOID, &which).await, conflict());

    let voided = given(&client, RESERVE, &call("gpt-4o")).await;
    let which = json!({"reservation": voided["reservation"]});
    let said = given(&client, VOID, &which).await;
    assert_eq!(given(&client, VOID, &which).await, said);
    assert_eq!(
        refused(&client, SETTLE, &settlement(&voided, 10, 4)).await,
        conflict()
    );
    house.wait_for_entries(2).await;
    assert_eq!(house.spent_when_idle(&budget).await, price(10, 4));
}

#[tokio::test]
async fn agp_r1_a_name_is_given_one_reservation() {
    let (_provider, gate, house) = scene("").await;
    let client = house.key().await.at(&gate).await;
    let mut named = call("gpt-4o");
    named["request_id"] = json!("job-17");
    let first = given(&client, RESERVE, &named).await;
    assert_eq!(given(&client, RESERVE, &named).await, first);
    let other = house.key().await.at(&gate).await;
    let others = given(&other, RESERVE, &named).await;
    assert_ne!(
        others["reservation"], first["reservation"],
        "names are a key's own"
    );
    named["max_tokens"] = json!(15);
    assert_eq!(refused(&client, RESERVE, &named).await, conflict());
    for (client, reserved) in [(&client, &first), (&other, &others)] {
        given(client, SETTLE, &settlement(reserved, 1, 1)).await;
    }
    let entries = house.wait_for_entries(3).await;
    assert_eq!(total(&entries), price(2, 2), "the refused one cost nothing");
    for bad in ["", "a b", &"x".repeat(129)] {
        named["request_id"] = json!(bad);
        assert_eq!(refused(&client, RESERVE, &named).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn agp_e1_anp_0006_nobody_ends_what_another_key_reserved_or_learns_of_it() {
    let (_provider, gate, house) = scene("").await;
    let owner = house.key().await.at(&gate).await;
    let reserved = given(&owner, RESERVE, &call("gpt-4o")).await;
    let node = reserved["reservation"]
        .as_str()
        .unwrap()
        .split_once('.')
        .unwrap()
        .1
        .to_owned();
    let never = format!("{}.{node}", RequestId::from_u128(77));
    let (neighbour, stranger) = (house.key().await, House::of(&gate).await.key().await);
    let texts = async |key: &Key, which: &Value| {
        let client = key.at(&gate).await;
        let mut said = Vec::new();
        for (path, body) in [
            (VOID, json!({"reservation": which})),
            (SETTLE, json!({"reservation": which, "usage": {"input": 1}})),
            (SETTLE, json!({"reservation": which, "outcome": "failed"})),
        ] {
            let answer = ask(&client, path, &body).await;
            let id = answer.header("x-request-id").unwrap().to_owned();
            said.push((answer.status, answer.text().replace(&id, "")));
        }
        said
    };
    for key in [&neighbour, &stranger] {
        let tried = texts(key, &reserved["reservation"]).await;
        assert!(tried.iter().all(|(status, _)| *status == 404), "{tried:?}");
        assert_eq!(tried, texts(key, &json!(never)).await);
    }
    given(&owner, SETTLE, &settlement(&reserved, 10, 1)).await;
    entry_of(&house, &reserved).await;
    for key in [&neighbour, &stranger] {
        let tried = texts(key, &reserved["reservation"]).await;
        assert!(tried.iter().all(|(status, _)| *status == 404), "{tried:?}");
    }
    // An ordinary call's id is no reservation either.
    let answer = ask(&owner, "/v1/chat/completions", &call("gpt-4o")).await;
    let id = answer.header("x-request-id").unwrap();
    house.entry(id).await;
    let body = json!({"reservation": format!("{id}.{node}"), "outcome": "failed"});
    assert_eq!(refused(&owner, SETTLE, &body).await.0, 404);
    for bad in ["", "req_1", id, "../../x", &"9".repeat(5000)] {
        let body = json!({"reservation": bad, "outcome": "failed"});
        assert_eq!(refused(&owner, SETTLE, &body).await.0, 404, "{bad}");
    }
    assert_eq!(house.wait_for_entries(2).await.len(), 2);
}

#[tokio::test]
async fn anp_0008_agp_d1_what_cannot_have_been_used_is_not_charged_and_an_overrun_is() {
    let (_provider, gate, house) = scene("").await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let reserved = given(&client, RESERVE, &call("gpt-4o")).await;
    let which = &reserved["reservation"];
    for usage in [
        json!({"input": -1}),
        json!({"input": u64::MAX}),
        json!({"input": 1, "output": i64::MAX}),
        json!({"output": 1e30}),
        json!({"input": 1_000_000_000}),
        json!({"output": 16 * 4 + 40}),
        json!({"output": 1, "reasoning": 2}),
        json!({"tokens": 3}),
        json!("many"),
    ] {
        let body = json!({"reservation": which, "usage": usage});
        assert_eq!(refused(&client, SETTLE, &body).await.0, 400, "{body}");
    }
    let other = json!({"reservation": which, "usage": {"input": 1}, "target": "a/claude"});
    assert_eq!(refused(&client, SETTLE, &other).await.0, 400);
    let body = json!({"reservation": which});
    assert_eq!(
        refused(&client, SETTLE, &body).await.0,
        400,
        "no usage is no zero"
    );
    assert!(house.entries().await.is_empty(), "it is still open");
    // More than was asked for, but not past belief: spent all the same.
    given(&client, SETTLE, &settlement(&reserved, 10, 40)).await;
    let entry = entry_of(&house, &reserved).await;
    assert!(entry.cost == price(10, 40) && entry.cost > bound(&reserved));
    assert_eq!(house.spent_when_idle(&budget).await, entry.cost);
    for bad in [
        json!({"model": "gpt-4o", "prompt_tokens": -1}),
        json!({"model": "gpt-4o", "prompt_tokens": u64::MAX}),
        json!({"model": "gpt-4o", "prompt_tokens": 1, "messages": []}),
        json!({"model": "gpt-4o", "prompt_tokens": 1, "expires_s": 0}),
        json!({"model": "gpt-4o", "prompt_tokens": 1, "expires_s": 601}),
        json!({"prompt_tokens": 1}),
        json!({"model": "gpt-4o"}),
        json!([]),
    ] {
        assert_eq!(refused(&client, RESERVE, &bad).await.0, 400, "{bad}");
    }
    let unknown = json!({"model": "none", "prompt_tokens": 1});
    assert_eq!(refused(&client, RESERVE, &unknown).await.0, 404);
}

#[tokio::test]
async fn anp_0008_agp_d2_a_key_has_so_many_open_and_no_more() {
    let (_provider, gate, house) = scene(", reservations: { per_key_max: 4 }").await;
    let client = house.key().await.at(&gate).await;
    let all = (0..30).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { ask(&client, RESERVE, &call("gpt-4o")).await })
    });
    let mut open = Vec::new();
    for one in all.collect::<Vec<_>>() {
        let answer = one.await.unwrap();
        match answer.status {
            200 => open.push(answer.json()),
            status => assert_eq!(
                (status, answer.header("x-refusal-code")),
                (429, Some("too_many_concurrent"))
            ),
        }
    }
    assert_eq!(open.len(), 4);
    let other = house.key().await.at(&gate).await;
    given(&other, RESERVE, &call("gpt-4o")).await;
    given(&client, VOID, &json!({"reservation": open[0]["reservation"]})).await;
    given(&client, RESERVE, &call("gpt-4o")).await;
    assert_eq!(refused(&client, RESERVE, &call("gpt-4o")).await.0, 429);
}

#[tokio::test]
async fn agp_d2_anp_0008_a_tenant_that_is_full_takes_no_others_room() {
    let (_provider, gate, house) = scene(", reservations: { per_key_max: 3, per_tenant_max: 4 }").await;
    let (first, second) = (
        house.key().await.at(&gate).await,
        house.key().await.at(&gate).await,
    );
    let mut open = Vec::new();
    for client in [&first, &first, &first, &second] {
        open.push(given(client, RESERVE, &call("gpt-4o")).await);
    }
    let full = ask(&second, RESERVE, &call("gpt-4o")).await;
    assert_eq!(
        (
            full.status,
            full.header("x-refusal-code"),
            full.header("retry-after")
        ),
        (429, Some("too_many_concurrent"), Some("1"))
    );
    assert!(full.text().contains("all keys of your tenant"), "{}", full.text());
    assert_eq!(metric(&gate, "bartizan_reservations_refused_total").await, 1);
    // Another tenant has all of its own.
    let other = House::of(&gate).await.key().await.at(&gate).await;
    for _ in 0..3 {
        given(&other, RESERVE, &call("gpt-4o")).await;
    }
    // What ends gives its place back, to any key of the tenant.
    given(&first, VOID, &json!({"reservation": open[0]["reservation"]})).await;
    given(&second, RESERVE, &call("gpt-4o")).await;
    assert_eq!(refused(&first, RESERVE, &call("gpt-4o")).await.0, 429);
}

#[tokio::test]
async fn agp_budget_3_2_what_nobody_settles_ends_at_its_bound() {
    let (_provider, gate, house) = scene(", reservations: { lasts_ms: 60000 }").await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let mut brief = call("gpt-4o");
    brief["expires_s"] = json!(1);
    let reserved = given(&client, RESERVE, &brief).await;
    let entry = entry_of(&house, &reserved).await;
    assert_eq!(entry.outcome, Outcome::Reported("expired".into()));
    assert_eq!(
        (entry.usage_source, entry.cost),
        (UsageSource::Bound, bound(&reserved))
    );
    assert_eq!(
        refused(&client, SETTLE, &settlement(&reserved, 1, 1)).await,
        conflict()
    );
    assert_eq!(house.spent_when_idle(&budget).await, bound(&reserved));
}

#[tokio::test]
async fn agp_r1_agp_budget_3_2_a_node_that_dies_between_bills_the_bound_and_remembers_ends() {
    let (_provider, mut gate, house) = scene("").await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let key = house.key().await;
    let client = key.at(&gate).await;
    let settled = given(&client, RESERVE, &call("gpt-4o")).await;
    let end = settlement(&settled, 10, 2);
    let said = given(&client, SETTLE, &end).await;
    let open = given(&client, RESERVE, &call("gpt-4o")).await;
    gate.kill9().await;
    gate.restart().await;
    let client = key.at(&gate).await;
    assert_eq!(given(&client, SETTLE, &end).await, said, "the ledger remembers");
    assert_eq!(
        refused(&client, SETTLE, &settlement(&settled, 10, 3)).await,
        conflict()
    );
    assert_eq!(
        refused(&client, SETTLE, &settlement(&open, 10, 2)).await,
        conflict()
    );
    let entry = entry_of(&house, &open).await;
    assert_eq!(
        (&entry.outcome, entry.cost),
        (&Outcome::Interrupted, bound(&open))
    );
    let sum = bound(&open).plus(price(10, 2));
    assert_eq!(house.spent_when_idle(&budget).await, sum);

    // A node that is told to stop ends what is open before it goes.
    let last = given(&client, RESERVE, &call("gpt-4o")).await;
    gate.terminate().await;
    gate.wait(Duration::from_secs(30)).await;
    let entry = entry_of(&house, &last).await;
    assert_eq!(entry.outcome, Outcome::Reported("expired".into()));
    gate.restart().await;
    assert_eq!(house.spent_when_idle(&budget).await, sum.plus(bound(&last)));
    house.verify().await;
}
