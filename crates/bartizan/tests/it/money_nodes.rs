//! Three gates, one database, one budget; and one of them is always being killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use credential::MasterKey;
use domain::Money;
use ledger::{Budget, BudgetScope, Window};
use testkit::{Gate, Received, ScriptedProvider};
use tokio::task::JoinHandle;

use super::money_kill::check_interrupted;
use super::money_postgres::Postgres;
use super::money_scene::{Call, House, check_books, make, metered, soaked, storm, total};

const MORE: &str = "budgets: { lease_ttl_ms: 1500, wait_ms: 3000 }";

/// Looks at the budget again and again: what is spent, lent and unexplained is never more than the limit.
struct Watch(Arc<AtomicBool>, JoinHandle<u64>);

impl Watch {
    fn over(house: &House, budget: &Budget) -> Self {
        let (stop, house, budget) = (Arc::new(AtomicBool::new(false)), house.clone(), budget.clone());
        let stopped = stop.clone();
        let looking = tokio::spawn(async move {
            let mut looks = 0;
            while !stopped.load(Ordering::Relaxed) {
                let standing = house.standing(&budget).await;
                let all = standing.spent.plus(standing.leased).plus(standing.unexplained);
                assert!(all <= budget.limit, "{standing:?}");
                looks += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            looks
        });
        Self(stop, looking)
    }

    async fn end(self) {
        self.0.store(true, Ordering::Relaxed);
        assert!(self.1.await.unwrap() > 20);
    }
}

/// What the provider bills, by what it received: everything in full, but what callers abandoned, which it stops.
fn billed(received: &[Received]) -> Money {
    let calls = received.iter().filter(|one| one.method == "POST").map(Call::of);
    calls
        .filter(|call| !call.is_abandoned())
        .map(|call| call.cost())
        .sum()
}

/// It would know no virtual key of the others', and sign the ledger as a stranger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_cred_2_2_a_node_with_a_master_key_of_its_own_does_not_start() {
    let provider = ScriptedProvider::start().await;
    let postgres = Postgres::start().await;
    let first = postgres.gate(&provider, None, MORE).start().await;
    let second = postgres.gate(&provider, None, MORE).start().await;
    let stranger = postgres.gate(&provider, None, MORE);
    let other = MasterKey::generate().unwrap().to_file(None).unwrap();
    let said = stranger.file("master.key", other.as_bytes()).refuses().await;
    assert!(said.contains("another master key"), "{said}");
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_budget_3_2_three_nodes_that_are_killed_never_overspend_and_lose_no_entry() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(2));
    let postgres = Postgres::start().await;
    let (a, b, c) = tokio::join!(
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start()
    );
    let mut gates: [Gate; 3] = [a, b, c];
    let house = postgres.house().await;
    let budget = house
        .budget(
            BudgetScope::Tenant,
            Money::from_nanos(3_000_000_000),
            Window::Total,
        )
        .await;
    let key = house.key().await;
    let watch = Watch::over(&house, &budget);
    let mut seen = Vec::new();
    for round in 0..soaked(6) {
        let mut storms = Vec::new();
        for (node, gate) in gates.iter().enumerate() {
            let clients = [key.at(gate).await];
            let first = round * 1000 + node * 100;
            storms.push(tokio::spawn(async move {
                storm(&clients, "gpt-4o", first..first + 36, 8).await
            }));
        }
        tokio::time::sleep(Duration::from_millis(40 + (round as u64 * 53) % 120)).await;
        gates[round % 3].kill9().await;
        for storm in storms {
            seen.extend(storm.await.unwrap());
        }
        gates[round % 3].restart().await;
    }
    let answered = seen.iter().filter(|one| one.is_answered()).count();
    assert!(answered > 60, "{answered} answered: too quiet to say anything");
    let spent = house.spent_when_idle(&budget).await;
    watch.end().await;
    let entries = house.entries().await;
    check_books(&seen, &entries);
    check_interrupted(&entries);
    assert_eq!(spent, total(&entries));
    assert!(spent <= budget.limit);
    let sent = provider
        .requests()
        .iter()
        .filter(|received| received.method == "POST")
        .count();
    let made = entries.iter().filter(|entry| entry.attempts > 0).count();
    assert!(made >= sent, "{made} entries of {sent} calls");
    let billed = billed(&provider.requests());
    assert!(billed <= spent, "the provider bills {billed}, we know of {spent}");
    house.verify().await;
    drop(gates);
    postgres.remove().await;
}

/// Two gates hold leases and are idle; the third gets what they hold, to the last call that fits, and no refusal on the
/// way lasts longer than it takes to give a lease back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_budget_3_2_what_idle_nodes_hold_is_spent_by_another_to_the_last_call() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let (a, b, c) = tokio::join!(
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start()
    );
    let house = postgres.house().await;
    let limit = Money::from_nanos(200_000_000);
    let budget = house.budget(BudgetScope::Tenant, limit, Window::Total).await;
    let key = house.key().await;
    let mut spent = Money::ZERO;
    for idle in [&a, &b] {
        let seen = make(&key.at(idle).await, "gpt-4o", Call::new(0), None).await;
        assert!(seen.is_answered(), "{seen:?}");
        spent = spent.plus(seen.call.cost());
    }
    let (spender, dearest) = (key.at(&c).await, Call::new(30));
    // A call holds its output and less than four million for its prompt.
    let bound = dearest.cost().plus(Money::from_nanos(4_000_000));
    while limit.minus_floor_zero(spent) >= bound {
        let until = std::time::Instant::now() + Duration::from_secs(10);
        while !make(&spender, "gpt-4o", dearest, None).await.is_answered() {
            let standing = house.standing(&budget).await;
            assert!(
                std::time::Instant::now() < until,
                "money is left and nobody gets it: {standing:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        spent = spent.plus(dearest.cost());
    }
    assert_eq!(house.spent_when_idle(&budget).await, spent);
    drop((a, b, c));
    postgres.remove().await;
}

/// What a dead node had borrowed is counted against the limit until it has replayed its journal, and free afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_budget_3_2_what_a_dead_node_held_comes_back_when_it_has_replayed() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(100));
    let postgres = Postgres::start().await;
    let (mut dying, living) = tokio::join!(
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start()
    );
    let house = postgres.house().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_nanos(100_000_000), Window::Total)
        .await;
    let key = house.key().await;
    let (at_dying, at_living) = (key.at(&dying).await, key.at(&living).await);
    let calls: Vec<_> = [7, 9]
        .map(|number| {
            let client = at_dying.clone();
            tokio::spawn(async move { make(&client, "gpt-4o", Call::new(number), None).await })
        })
        .into_iter()
        .collect();
    provider.wait_for_requests(2, Duration::from_secs(5)).await;
    dying.kill9().await;
    for call in calls {
        assert!(!call.await.unwrap().is_answered());
    }
    // Two calls of up to 3.5 cents are under way on ten cents: one more fits elsewhere, and no two.
    let until = std::time::Instant::now() + Duration::from_secs(8);
    while house.standing(&budget).await.unexplained == Money::ZERO {
        assert!(
            std::time::Instant::now() < until,
            "{:?}",
            house.standing(&budget).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let standing = house.standing(&budget).await;
    assert!(
        standing.unexplained >= Money::from_nanos(69_000_000),
        "{standing:?}"
    );
    let mut refused = 0;
    for number in 0..4 {
        refused += u32::from(
            make(&at_living, "gpt-4o", Call::new(number * 6 + 1), None)
                .await
                .status
                == 402,
        );
    }
    assert!(refused >= 2, "the dead node's money was spent by another");
    dying.restart().await;
    let spent = house.spent_when_idle(&budget).await;
    let entries = house.entries().await;
    assert_eq!(check_interrupted(&entries), 2);
    assert_eq!(spent, total(&entries));
    drop((dying, living));
    postgres.remove().await;
}
