//! The gate's process is killed, again and again, while calls are under way.

use std::time::{Duration, Instant};

use domain::Money;
use ledger::{BudgetScope, Entry, Outcome, UsageSource, Window};
use testkit::ScriptedProvider;

use super::money_scene::{House, check_books, config, gate, metered, price, soaked, storm, total};

/// Interrupted calls are billed at what had been reserved: all sixteen tokens asked for, and a prompt that is bounded by
/// its bytes.
pub fn check_interrupted(entries: &[Entry]) -> usize {
    let interrupted: Vec<_> = entries
        .iter()
        .filter(|entry| entry.outcome == Outcome::Interrupted)
        .collect();
    for entry in &interrupted {
        assert_eq!(
            (entry.usage_source, entry.status),
            (UsageSource::Bound, 0),
            "{entry:?}"
        );
        assert!(
            entry.cost >= price(256, 16) && entry.cost <= price(350, 16),
            "{entry:?}"
        );
        assert!(
            entry.charges.iter().all(|charge| charge.amount == entry.cost),
            "{entry:?}"
        );
    }
    interrupted.len()
}

/// Until so many calls have come to the provider: some are answered by then, and others are not.
async fn under_way(provider: &ScriptedProvider, calls: usize) {
    let begun = Instant::now();
    while provider.requests().len() < calls && begun.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r1_a_gate_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(3));
    let mut gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1000), Window::Total)
        .await;
    let clients = [house.key().await.at(&gate).await];
    let mut seen = Vec::new();
    for round in 0..soaked(15) {
        let clients = clients.clone();
        let enough = provider.requests().len() + 6 + (round * 17) % 40;
        let calls =
            tokio::spawn(async move { storm(&clients, "gpt-4o", round * 100..round * 100 + 60, 12).await });
        under_way(&provider, enough).await;
        tokio::time::sleep(Duration::from_millis((round as u64 * 7) % 11)).await;
        gate.kill9().await;
        seen.extend(calls.await.unwrap());
        let begun = Instant::now();
        gate.restart().await;
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "ready only after {:?}",
            begun.elapsed()
        );
    }
    let answered = seen.iter().filter(|one| one.is_answered()).count();
    let spent = house.spent_when_idle(&budget).await;
    let entries = house.entries().await;
    check_books(&seen, &entries);
    let interrupted = check_interrupted(&entries);
    assert!(
        answered > 50 && interrupted > 15,
        "{answered} answered, {interrupted} interrupted: too quiet to say anything"
    );
    // Whatever reached the provider is in the ledger.
    let sent = provider
        .requests()
        .iter()
        .filter(|received| received.method == "POST")
        .count();
    assert!(entries.len() >= sent, "{} entries of {sent} calls", entries.len());
    assert_eq!(spent, total(&entries));
    house.verify().await;
}
