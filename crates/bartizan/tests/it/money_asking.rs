//! How often a gate writes to the store for one budget, however many call: counted in the database itself.

use std::time::{Duration, Instant};

use domain::Money;
use ledger::{BudgetScope, Window};
use testkit::ScriptedProvider;

use super::money_postgres::Postgres;
use super::money_scene::{metered, storm};

/// The shortest rest between two questions.
const REST: Duration = Duration::from_millis(25);

/// A crowd spends a budget to its end at one gate: each question near the end brings what the next calls need, and there
/// are no more of them than there were rests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_a_crowd_at_a_gate_asks_the_store_once_a_rest() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let gate = postgres
        .gate(&provider, None, "budgets: { wait_ms: 3000 }")
        .start()
        .await;
    let house = postgres.house().await;
    let limit = Money::from_nanos(600_000_000);
    let budget = house.budget(BudgetScope::Tenant, limit, Window::Total).await;
    let clients = [house.key().await.at(&gate).await];
    postgres.count_questions().await;
    let began = Instant::now();
    let seen = storm(&clients, "gpt-4o", 0..160, 24).await;
    let most = began.elapsed().as_millis() / REST.as_millis() + 4;
    let asked = u128::try_from(postgres.questions().await).unwrap();
    let refused = seen.iter().filter(|one| one.code == "budget_exhausted").count();
    let answered = seen.iter().filter(|one| one.is_answered()).count();
    assert!(
        refused > 0 && answered > 5,
        "{refused} refused, {answered} answered"
    );
    assert!(
        asked > 0 && asked <= most,
        "asked {asked} times, {most} were in time"
    );
    assert!(house.spent_when_idle(&budget).await <= limit);
    drop(gate);
    postgres.remove().await;
}
