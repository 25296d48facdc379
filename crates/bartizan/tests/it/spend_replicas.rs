//! A reservation is its node's: two nodes on one PostgreSQL, and a caller that asks the wrong one.

use std::time::{Duration, Instant};

use domain::Money;
use ledger::{BudgetScope, Outcome, Window};
use serde_json::{Value, json};
use testkit::{Answer, Client, ScriptedProvider};

use crate::money_postgres::Postgres;
use crate::money_scene::price;
use crate::spend::{RESERVE, SETTLE, VOID, ask, call};

/// Asks again for as long as a busy database does not answer.
async fn patiently(client: &Client, path: &str, body: &Value) -> Answer {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = ask(client, path, body).await;
        if answer.status != 503 || Instant::now() > until {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn agp_r1_a_reservation_is_ended_where_it_was_given_and_known_everywhere_afterwards() {
    let postgres = Postgres::start().await;
    let provider = ScriptedProvider::start().await;
    let node = |name: &str| {
        let here = format!("budgets: {{ reservations: {{ settle_at: \"https://{name}.gate.example\" }} }}\n");
        postgres.gate(&provider, None, &here)
    };
    let (first, second) = (node("one").start().await, node("two").start().await);
    let house = postgres.house().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let key = house.key().await;
    let (here, there) = (key.at(&first).await, key.at(&second).await);
    let given = async |client: &Client, path: &str, body: &Value| {
        let answer = patiently(client, path, body).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
        answer.json()
    };
    let reserved = given(&here, RESERVE, &call("gpt-4o")).await;
    assert_eq!(reserved["settle_at"], "https://one.gate.example");
    let end = json!({"reservation": reserved["reservation"], "usage": {"input": 10, "output": 2}});
    for (path, body) in [
        (SETTLE, end.clone()),
        (VOID, json!({"reservation": reserved["reservation"]})),
    ] {
        let answer = patiently(&there, path, &body).await;
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert_eq!(answer.header("x-refusal-code"), Some("reservation_elsewhere"));
    }
    let said = given(&here, SETTLE, &end).await;
    let entry = house.entry(reserved["request"].as_str().unwrap()).await;
    assert_eq!(entry.outcome, Outcome::Reported("completed".into()));
    assert_eq!(
        given(&there, SETTLE, &end).await,
        said,
        "in the ledger, it is known at both"
    );
    let other = json!({"reservation": reserved["reservation"], "outcome": "failed"});
    let again = patiently(&there, SETTLE, &other).await;
    assert_eq!(again.header("x-refusal-code"), Some("reservation_conflict"));
    assert_eq!(house.spent_when_idle(&budget).await, price(10, 2));
    let entries = house.entries().await;
    let is_end = |entry: &&ledger::Entry| matches!(entry.outcome, Outcome::Reported(_));
    assert_eq!(entries.iter().filter(is_end).count(), 1);
    drop((first, second));
    postgres.remove().await;
}
