//! Budgets for any stretch of a length, for one stretch of time, with increases that end: attacked by callers of a gate.

use std::time::{Duration, Instant};

use domain::{Money, UnixMillis};
use ledger::{Between, Budget, Increase, Rolling, Window};
use store::Change;
use testkit::{Client, ScriptedProvider};

use super::money_scene::{Call, House, Seen, config, gate, make, metered, storm};

/// What is waited for longer than this does not come.
const PATIENCE: Duration = Duration::from_secs(150);

const fn cents(cents: i64) -> Money {
    Money::from_nanos(cents * 10_000_000)
}

/// Calls until one ends so and says so. All of them are added to what was seen.
async fn until(client: &Client, (status, says): (u16, &str), seen: &mut Vec<Seen>) {
    let began = Instant::now();
    loop {
        let one = make(client, "gpt-4o", Call::new(0), None).await;
        let (ended, text) = (one.status, String::from_utf8_lossy(&one.body).into_owned());
        seen.push(one);
        if ended == status && text.contains(says) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "never {status} and `{says}`: {text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// When each call began that was paid for, and what it took from the budget; once all that were answered are booked.
async fn paid(house: &House, budget: &Budget, answered: usize) -> Vec<(i64, i64)> {
    let began = Instant::now();
    loop {
        let entries = house.entries().await;
        let charges = entries.iter().flat_map(|entry| {
            let of_budget = entry.charges.iter().filter(|charge| charge.budget == budget.id);
            of_budget.map(|charge| (entry.started.0, charge.amount.nanos()))
        });
        let paid: Vec<_> = charges.filter(|(_, amount)| *amount > 0).collect();
        if paid.len() == answered {
            return paid;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{} of {answered} are booked",
            paid.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// As many at once as will: in no minute is more spent than the limit, and after a minute it can be spent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_no_minute_costs_more_than_a_rolling_budget_holds_and_the_next_may() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate()
        .config(config(&provider, "budgets: { wait_ms: 5000 }"))
        .start()
        .await;
    let house = House::of(&gate).await;
    let rolling = Rolling { minutes: 1 };
    let budget = house
        .budget_with(cents(40), |budget| {
            budget.window = Window::Total;
            budget.terms.rolling = Some(rolling);
        })
        .await;
    let client = house.key().await.at(&gate).await;
    let mut seen = storm(std::slice::from_ref(&client), "gpt-4o", 1..200, 6).await;
    until(&client, (402, "is free again 1 minutes later"), &mut seen).await;
    let first = UnixMillis::now();
    // What left is spendable, and no sooner than it may be.
    until(&client, (200, ""), &mut seen).await;
    let answered = seen.iter().filter(|one| one.status == 200).count();
    let spent = paid(&house, &budget, answered).await;
    for (from, _) in &spent {
        let minute = *from..=from + rolling.length_ms();
        let sum: i64 = spent
            .iter()
            .filter(|(at, _)| minute.contains(at))
            .map(|(_, spent)| spent)
            .sum();
        assert!(
            sum <= budget.limit.nanos(),
            "{sum} of {:?} from {from}",
            budget.limit
        );
    }
    let total: i64 = spent.iter().map(|(_, spent)| spent).sum();
    assert!(
        2 * total > budget.limit.nanos(),
        "{total}: most of it can be spent"
    );
    assert!(
        UnixMillis::now().0 - first.0 > 20_000,
        "it came back too soon to be a minute's"
    );
    house.verify().await;
}

async fn change(house: &House, before: &Budget, change: impl FnOnce(&mut Budget)) -> Budget {
    let mut after = before.clone();
    change(&mut after);
    let replace = Change::ReplaceBudget {
        before: Box::new(before.clone()),
        after: Box::new(after.clone()),
    };
    house.store.commit(&house.scope, &[replace], None).await.unwrap();
    after
}

/// An exhausted budget holds more while an increase lasts, and says so when it no longer does.
#[tokio::test]
async fn agp_d1_an_increase_is_spent_while_it_lasts_and_not_after() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let budget = house.budget_with(Money::ZERO, |_| {}).await;
    let client = house.key().await.at(&gate).await;
    until(&client, (402, ""), &mut Vec::new()).await;
    let now = UnixMillis::now();
    let lasting = |until| Increase {
        number: 1,
        amount: cents(1_000),
        since: UnixMillis(now.0 - 1000),
        until,
        why: "the launch".to_owned(),
    };
    let raised = change(&house, &budget, |budget| {
        budget.terms.increases = vec![lasting(now.plus(PATIENCE * 10))];
    })
    .await;
    until(&client, (200, ""), &mut Vec::new()).await;
    change(&house, &raised, |budget| {
        budget.terms.increases = vec![lasting(UnixMillis::now())]
    })
    .await;
    // A gate that has not heard of the end yet is told by the store, and says why as soon as it knows.
    until(&client, (402, "it held more until"), &mut Vec::new()).await;
}

/// Before and after its stretch of time nothing is spent from a budget, however much it holds.
#[tokio::test]
async fn agp_d1_a_project_that_is_over_spends_nothing() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let client = house.key().await.at(&gate).await;
    let now = UnixMillis::now();
    let hour = Duration::from_secs(3600);
    let ago = |duration: Duration| UnixMillis(2 * now.0 - now.plus(duration).0);
    for (from, until_, says) in [
        (ago(hour * 2), ago(hour), "ended at"),
        (now.plus(hour), now.plus(hour * 2), "begins at"),
    ] {
        let budget = house
            .budget_with(cents(10_000), |budget| {
                budget.window = Window::Total;
                budget.terms.between = Some(Between { from, until: until_ });
            })
            .await;
        until(&client, (403, says), &mut Vec::new()).await;
        house.store.delete_budget(&house.scope, budget.id).await.unwrap();
        until(&client, (200, ""), &mut Vec::new()).await;
    }
}
