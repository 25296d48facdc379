//! A database that is slow, silent, gone, or comes and goes, under a gate that has to go on.

use std::time::{Duration, Instant};

use credential::KeyState;
use domain::Money;
use ledger::{BudgetScope, Window};
use testkit::{Fault, ScriptedProvider};

use super::money_postgres::Postgres;
use super::money_scene::{Call, Seen, check_books, make, metered, storm, total};

const MORE: &str = "budgets: { lease_ttl_ms: 20000, wait_ms: 400 }";

/// While the database is away calls go on as long as the lease lasts; then they are refused, not guessed at. Nothing is
/// lost, and what was lent comes back when the database does.
async fn outage(fault: Fault) {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let proxy = postgres.proxy().await;
    let gate = postgres.gate(&provider, Some(&proxy), MORE).start().await;
    let house = postgres.house().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1000), Window::Total)
        .await;
    let (key, revoked) = (house.key().await, house.key().await);
    let (client, unwanted) = (key.at(&gate).await, revoked.at(&gate).await);
    let mut seen: Vec<Seen> = Vec::new();
    for number in 0..8 {
        seen.push(make(&client, "gpt-4o", Call::new(number), None).await);
    }
    // Many at once, so that also a slow machine has spent lately, and idle money is not given back on the way.
    seen.extend(storm(std::slice::from_ref(&client), "gpt-4o", 402..426, 8).await);
    proxy.set(fault);
    let mut after = revoked.record.clone();
    after.state = KeyState::Revoked;
    house
        .store
        .replace_key(&house.scope, &revoked.record, &after)
        .await
        .unwrap();
    let mut served = 0;
    for number in 8..400 {
        let one = make(&client, "gpt-4o", Call::new(number), None).await;
        seen.push(one.clone());
        if one.status != 200 {
            assert_eq!(
                (one.status, one.code.as_str()),
                (503, "budget_unavailable"),
                "{one:?}"
            );
            break;
        }
        served += 1;
    }
    assert!(served >= 3, "{fault:?}: only {served} calls of the lease");
    assert_eq!(
        seen.last().map(|one| one.status),
        Some(503),
        "{fault:?}: spending went on without the store"
    );
    assert_eq!(gate.health().get("/livez").await.status, 200);
    proxy.set(Fault::Pass);
    let until = Instant::now() + Duration::from_secs(10);
    while unwanted.get("/v1/models").await.status != 401 {
        assert!(Instant::now() < until, "{fault:?}: a revoked key still works");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    loop {
        let one = make(&client, "gpt-4o", Call::new(401), None).await;
        seen.push(one.clone());
        if one.status == 200 {
            break;
        }
        assert!(Instant::now() < until, "{fault:?}: {one:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let entries = house.wait_for_entries(seen.len()).await;
    check_books(&seen, &entries);
    assert_eq!(house.spent_when_idle(&budget).await, total(&entries));
    house.verify().await;
    drop(gate);
    postgres.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_store_that_is_gone_stops_spending_and_loses_nothing() {
    outage(Fault::Refuse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_store_that_is_silent_stops_spending_and_loses_nothing() {
    outage(Fault::Stall).await;
}

/// Slow, and there only every other moment: every call is answered or refused in words, and the books agree afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_a_store_that_is_slow_or_flaps_costs_no_entry() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let proxy = postgres.proxy().await;
    let gate = postgres.gate(&provider, Some(&proxy), MORE).start().await;
    let house = postgres.house().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1000), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let mut seen = Vec::new();
    proxy.set(Fault::Delay(Duration::from_millis(10)));
    for number in 0..40 {
        seen.push(make(&client, "gpt-4o", Call::new(number), None).await);
    }
    for fault in [Fault::Refuse, Fault::Stall, Fault::Cut] {
        let flapping = proxy.flap(fault, Duration::from_millis(70));
        for number in 40..120 {
            seen.push(make(&client, "gpt-4o", Call::new(number), None).await);
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        flapping.abort();
        proxy.set(Fault::Pass);
    }
    let odd: Vec<_> = seen
        .iter()
        .filter(|one| one.status != 200 && one.code != "budget_unavailable")
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(seen.iter().filter(|one| one.is_answered()).count() > 100);
    let entries = house.wait_for_entries(seen.len()).await;
    check_books(&seen, &entries);
    assert_eq!(house.spent_when_idle(&budget).await, total(&entries));
    house.verify().await;
    drop(gate);
    postgres.remove().await;
}

/// A gate that cannot reach its store does not start, and says why.
#[tokio::test]
async fn agp_d1_a_gate_without_its_store_does_not_start() {
    let provider = ScriptedProvider::start().await;
    let postgres = Postgres::start().await;
    let proxy = postgres.proxy().await;
    proxy.set(Fault::Refuse);
    let began = Instant::now();
    let said = postgres.gate(&provider, Some(&proxy), MORE).refuses().await;
    assert!(said.contains("error:") && said.contains("store"), "{said}");
    assert!(!said.contains("sesame"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    postgres.remove().await;
}

/// The journal is bounded: at the bound the gate refuses new work rather than forget what was done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_budget_3_2_a_full_journal_refuses_new_work_rather_than_forget() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let proxy = postgres.proxy().await;
    // A long name makes long entries: two megabytes are soon full.
    let name = "m".repeat(200);
    let more = format!(
        "journal: {{ segment_bytes_max: 1048576, bytes_max: 2097152 }}\n\
         models:\n  - name: {name}\n    targets: [{{ provider: p, model: gpt-4o }}]\n"
    );
    let gate = postgres.gate(&provider, Some(&proxy), &more).start().await;
    let house = postgres.house().await;
    let client = house.key().await.at(&gate).await;
    proxy.set(Fault::Refuse);
    let mut seen = Vec::new();
    let mut full = false;
    for round in 0..100_u64 {
        let calls: Vec<_> = (0..40)
            .map(|at| {
                let (client, name, call) = (client.clone(), name.clone(), Call::new(round * 40 + at));
                tokio::spawn(async move { make(&client, &name, call, None).await })
            })
            .collect();
        for call in calls {
            seen.push(call.await.unwrap());
        }
        full |= seen.iter().any(|one| one.status != 200);
        if full {
            break;
        }
    }
    assert!(full, "{} calls did not fill the journal", seen.len());
    let odd: Vec<_> = seen
        .iter()
        .filter(|one| one.status != 200 && one.code != "journal_unavailable")
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    let before = provider.requests().len();
    let refused = client
        .post("/v1/chat/completions", &Call::new(0).body(&name))
        .await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("5")),
        "{}",
        refused.text()
    );
    assert_eq!(
        provider.requests().len(),
        before,
        "what cannot be recorded is not made"
    );
    proxy.set(Fault::Pass);
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let one = make(&client, &name, Call::new(0), None).await;
        let ready = one.status == 200;
        seen.push(one);
        if ready {
            break;
        }
        assert!(Instant::now() < until, "the journal stays full");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answered: Vec<_> = seen.into_iter().filter(Seen::is_answered).collect();
    let last = answered.last().unwrap().id.clone().unwrap();
    house.entry(&last).await;
    check_books(&answered, &house.entries().await);
    drop(gate);
    postgres.remove().await;
}
