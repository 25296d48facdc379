//! Holding money for a call and settling it, from a lease that is there.

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data::book::{Book, Served};
use domain::{BudgetId, Money, NodeId, TenantScope, UnixMillis};
use ledger::{Budget, BudgetScope, Spend, Terms, Window};
use store::{MemoryStore, Registry, Store, Tenant, TenantState};
use telemetry::Metrics;

use super::paper::TENANT;
use super::{BATCHES, Part, failed, nanos};
use crate::failure::Outcome;
use crate::stats::median;

const EACH: usize = 2_000;

/// A call held and settled in one budget, and in three, beside two additions behind a lock.
pub async fn measure() -> Outcome<Vec<Part>> {
    let purse = Mutex::new(0_i64);
    let add = |amount: i64| *purse.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += amount;
    let locked = nanos(EACH, || {
        add(black_box(1));
        add(black_box(-1));
    });
    let mut parts = Vec::new();
    for (name, budgets) in [
        ("reserve and settle, one budget", 1),
        ("reserve and settle, three budgets", 3),
    ] {
        parts.push(Part::alone(name, held(budgets).await?, "ns").beside("two locked additions", locked));
    }
    Ok(parts)
}

async fn held(count: u128) -> Outcome<f64> {
    let (store, scope) = (Arc::new(MemoryStore::new()), TenantScope::operator(TENANT));
    let tenant = Tenant {
        id: TENANT,
        name: "bench".to_owned(),
        limits: credential::Limits::default(),
        state: TenantState::Active,
        history: ledger::Keeping::NONE,
    };
    let budgets: Vec<Budget> = (0..count).map(budget).collect();
    store.create_tenant(&tenant).await.map_err(failed)?;
    for budget in &budgets {
        store.put_budget(&scope, budget).await.map_err(failed)?;
    }
    let store: Arc<dyn Store> = store;
    let place = (store, NodeId::from_u128(1));
    let (long, metrics) = (Duration::from_secs(3600), Arc::new(Metrics::new("bench")));
    let (book, keeper) = Book::new(place, long, Duration::from_secs(5), metrics);
    let (now, keeping) = (UnixMillis::now(), tokio::spawn(keeper.run()));
    let cells = book.reconcile(&budgets, now);
    let bound = Spend {
        cost: Money::from_nanos(40_000),
        tokens: 4_000,
    };
    let actual = Spend {
        cost: Money::from_nanos(1),
        tokens: 1,
    };
    let mut times = Vec::new();
    for _ in 0..=BATCHES {
        let from = Instant::now();
        for _ in 0..EACH {
            let reservation = book.reserve(cells.values(), bound, now).await;
            let reservation = reservation.map_err(|refused| failed(format!("{refused:?}")))?;
            reservation.settle(actual, Served::By(None));
        }
        times.push(from.elapsed().as_nanos() as f64 / EACH as f64);
    }
    keeping.abort();
    Ok(median(times.get(1..).unwrap_or_default()).unwrap_or_default())
}

/// A budget that never runs out.
pub fn budget(number: u128) -> Budget {
    Budget {
        id: BudgetId::from_u128(10 + number),
        tenant: TENANT,
        scope: BudgetScope::Tenant,
        name: format!("budget {number}"),
        limit: Money::from_nanos(i64::MAX / 4),
        window: Window::Total,
        terms: Terms::default(),
    }
}
