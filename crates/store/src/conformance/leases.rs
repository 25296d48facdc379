//! Leases: what is granted, what is given back, what becomes of a node that falls silent.

use domain::{BudgetId, Money, NodeId, UnixMillis};

use super::fixtures::{EXPIRES, Engine, House, WINDOW, nanos, wish};
use crate::{LeaseAnswer, StoreError};

fn after(ms: i64) -> UnixMillis {
    UnixMillis(EXPIRES.0 + ms)
}

fn granted(answer: &LeaseAnswer) -> i64 {
    match answer {
        LeaseAnswer::Granted { granted, .. } => granted.nanos(),
        LeaseAnswer::Exhausted { .. } => panic!("{answer:?}"),
    }
}

pub(super) async fn a_lease_grows_to_the_exact_limit_and_not_past_it(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    let lease = house.lease(&store, budget, node, 99).await;
    assert_eq!(
        (lease.amount, lease.used, lease.expires),
        (nanos(99), Money::ZERO, EXPIRES)
    );
    assert_eq!(
        (lease.budget, lease.window_start, lease.node),
        (budget, WINDOW, node)
    );
    let lease = house.lease(&store, budget, node, 1).await;
    assert_eq!(lease.amount, nanos(100), "one lease a node: it grows");
    assert_eq!(house.standing(&store, budget).await, (0, 100, 0));
    let answer = store
        .grow_lease(&house.scope, &wish(budget, node, 1, 1))
        .await
        .unwrap();
    assert_eq!(
        answer,
        LeaseAnswer::Exhausted {
            remaining: Money::ZERO,
            elsewhere: Money::ZERO
        }
    );
    assert_eq!(
        house.standing(&store, budget).await,
        (0, 100, 0),
        "nothing was changed"
    );
}

pub(super) async fn a_wish_is_granted_in_part(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    assert_eq!(
        granted(
            &store
                .grow_lease(&house.scope, &wish(budget, node, 1, 70))
                .await
                .unwrap()
        ),
        70
    );
    assert_eq!(
        granted(
            &store
                .grow_lease(&house.scope, &wish(budget, node, 30, 70))
                .await
                .unwrap()
        ),
        30
    );
    assert_eq!(
        granted(
            &store
                .grow_lease(&house.scope, &wish(budget, node, 0, 5))
                .await
                .unwrap()
        ),
        0
    );
    assert_eq!(
        granted(
            &store
                .grow_lease(&house.scope, &wish(budget, node, -5, -9))
                .await
                .unwrap()
        ),
        0
    );
    assert_eq!(house.standing(&store, budget).await, (0, 100, 0));
}

pub(super) async fn exhausted_tells_what_is_held_elsewhere(store: Engine) {
    let house = House::build(&store).await;
    let (me, living, dead) = (NodeId::generate(), NodeId::generate(), NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, dead, 20).await;
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 1);
    house.lease(&store, budget, living, 30).await;
    house.lease(&store, budget, me, 40).await;
    house.spend(&store, living, budget, 10).await;
    let answer = store
        .grow_lease(&house.scope, &wish(budget, me, 11, 50))
        .await
        .unwrap();
    assert_eq!(
        answer,
        LeaseAnswer::Exhausted {
            remaining: nanos(10),
            elsewhere: nanos(40)
        }
    );
    let stranger = NodeId::generate();
    let answer = store
        .grow_lease(&house.scope, &wish(budget, stranger, 11, 11))
        .await
        .unwrap();
    assert_eq!(
        answer,
        LeaseAnswer::Exhausted {
            remaining: nanos(10),
            elsewhere: nanos(80)
        }
    );
    assert_eq!(
        store.close_leases(stranger).await.unwrap(),
        [],
        "a refused wish leaves no lease"
    );
}

pub(super) async fn no_budget_no_lease(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let unknown = BudgetId::generate();
    let answer = store.grow_lease(&house.scope, &wish(unknown, node, 1, 1)).await;
    assert_eq!(answer, Err(StoreError::NotFound));
    assert_eq!(
        store.standing(&house.scope, unknown, WINDOW).await,
        Err(StoreError::NotFound)
    );
    let budget = house.budget(&store, 10).await;
    assert_eq!(
        house.standing(&store, budget).await,
        (0, 0, 0),
        "a window nobody has touched"
    );
    let mut lease = house.lease(&store, budget, node, 10).await;
    lease.node = NodeId::generate();
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(1)).await,
        Err(StoreError::NotFound)
    );
    lease.budget = unknown;
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(1)).await,
        Err(StoreError::NotFound)
    );
}

pub(super) async fn agp_d1_concurrent_growth_never_exceeds_the_limit(store: Engine) {
    const LIMIT: i64 = 1000;
    let house = House::build(&store).await;
    let budget = house.budget(&store, LIMIT).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (store, house) = (store.clone(), house.clone());
        tasks.spawn(async move {
            let (node, mut total) = (NodeId::generate(), 0);
            for _ in 0..8 {
                let answer = store
                    .grow_lease(&house.scope, &wish(budget, node, 7, 17))
                    .await
                    .unwrap();
                total += if let LeaseAnswer::Granted { granted, .. } = answer {
                    granted.nanos()
                } else {
                    0
                };
                let (spent, leased, unexplained) = house.standing(&store, budget).await;
                assert!(spent + leased + unexplained <= LIMIT);
            }
            total
        });
    }
    let total: i64 = tasks.join_all().await.into_iter().sum();
    assert_eq!(
        house.standing(&store, budget).await,
        (0, total, 0),
        "every grant is counted"
    );
    assert!(
        (LIMIT - 6..=LIMIT).contains(&total),
        "12 tasks wanted more than there is, got {total}"
    );
}

pub(super) async fn a_lowered_limit_grants_nothing_more(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let mut budget = house.new_budget(100);
    store.put_budget(&house.scope, &budget).await.unwrap();
    house.lease(&store, budget.id, node, 80).await;
    budget.limit = nanos(50);
    store.put_budget(&house.scope, &budget).await.unwrap();
    let answer = store
        .grow_lease(&house.scope, &wish(budget.id, node, 1, 1))
        .await
        .unwrap();
    assert_eq!(
        answer,
        LeaseAnswer::Exhausted {
            remaining: Money::ZERO,
            elsewhere: Money::ZERO
        }
    );
    budget.limit = nanos(120);
    store.put_budget(&house.scope, &budget).await.unwrap();
    assert_eq!(house.lease(&store, budget.id, node, 40).await.amount, nanos(120));
}

pub(super) async fn windows_are_counted_apart(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, node, 100).await;
    let mut next = wish(budget, node, 60, 60);
    next.window_start = UnixMillis(WINDOW.0 + 1);
    let answer = store.grow_lease(&house.scope, &next).await.unwrap();
    assert!(
        matches!(answer, LeaseAnswer::Granted { lease, .. } if lease.amount == nanos(60)),
        "{answer:?}"
    );
    assert_eq!(house.standing(&store, budget).await, (0, 100, 0));
    let standing = store
        .standing(&house.scope, budget, next.window_start)
        .await
        .unwrap();
    assert_eq!(standing.leased, nanos(60));
}

pub(super) async fn shrinking_stops_at_what_is_used(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    let lease = house.lease(&store, budget, node, 100).await;
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(30)).await.unwrap(),
        nanos(30)
    );
    assert_eq!(house.standing(&store, budget).await, (0, 70, 0));
    house.spend(&store, node, budget, 25).await;
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(-4)).await.unwrap(),
        Money::ZERO
    );
    assert_eq!(
        store
            .shrink_lease(&house.scope, &lease, nanos(1000))
            .await
            .unwrap(),
        nanos(45)
    );
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(1)).await.unwrap(),
        Money::ZERO
    );
    assert_eq!(house.standing(&store, budget).await, (25, 0, 0));
    let closed = store.close_leases(node).await.unwrap();
    assert_eq!((closed[0].amount, closed[0].used), (nanos(25), nanos(25)));
}

pub(super) async fn an_expired_lease_is_unexplained_and_still_counted(store: Engine) {
    let house = House::build(&store).await;
    let (node, other) = (NodeId::generate(), NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, node, 60).await;
    house.spend(&store, node, budget, 10).await;
    assert_eq!(
        store.expire_leases(EXPIRES).await.unwrap(),
        0,
        "it expires after its time, not at it"
    );
    assert_eq!(house.standing(&store, budget).await, (10, 50, 0));
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 1);
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 0, "once");
    assert_eq!(house.standing(&store, budget).await, (10, 0, 50));
    let answer = store
        .grow_lease(&house.scope, &wish(budget, other, 41, 41))
        .await
        .unwrap();
    assert_eq!(
        answer,
        LeaseAnswer::Exhausted {
            remaining: nanos(40),
            elsewhere: nanos(50)
        }
    );
}

pub(super) async fn renewing_brings_an_expired_lease_back(store: Engine) {
    let house = House::build(&store).await;
    let (node, other) = (NodeId::generate(), NodeId::generate());
    let (first, second) = (house.budget(&store, 100).await, house.budget(&store, 100).await);
    house.lease(&store, first, node, 60).await;
    house.lease(&store, first, other, 15).await;
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 2);
    house.lease(&store, second, node, 30).await;
    store.renew_leases(node, after(1000)).await.unwrap();
    assert_eq!(
        house.standing(&store, first).await,
        (0, 60, 15),
        "only the node's own"
    );
    assert_eq!(store.expire_leases(after(1000)).await.unwrap(), 0);
    assert_eq!(store.expire_leases(after(1001)).await.unwrap(), 2);
    assert_eq!(house.standing(&store, first).await, (0, 0, 75));
    assert_eq!(house.standing(&store, second).await, (0, 0, 30));
    store.renew_leases(NodeId::generate(), after(5000)).await.unwrap();
    assert_eq!(
        house.standing(&store, second).await,
        (0, 0, 30),
        "a stranger renews nothing"
    );
}

pub(super) async fn growing_brings_an_expired_lease_back(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, node, 60).await;
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 1);
    let answer = store
        .grow_lease(&house.scope, &wish(budget, node, 41, 41))
        .await
        .unwrap();
    assert_eq!(
        answer,
        LeaseAnswer::Exhausted {
            remaining: nanos(40),
            elsewhere: nanos(60)
        }
    );
    assert_eq!(
        house.standing(&store, budget).await,
        (0, 0, 60),
        "a refused wish renews nothing"
    );
    let mut again = wish(budget, node, 40, 40);
    again.expires = after(500);
    assert_eq!(
        granted(&store.grow_lease(&house.scope, &again).await.unwrap()),
        40
    );
    assert_eq!(house.standing(&store, budget).await, (0, 100, 0));
    assert_eq!(store.expire_leases(after(500)).await.unwrap(), 0);
}

pub(super) async fn closing_frees_remainders_and_returns_the_leases(store: Engine) {
    let house = House::build(&store).await;
    let (node, other) = (NodeId::generate(), NodeId::generate());
    let (first, second) = (house.budget(&store, 100).await, house.budget(&store, 100).await);
    house.lease(&store, first, node, 60).await;
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 1);
    house.lease(&store, second, node, 50).await;
    house.lease(&store, second, other, 7).await;
    house.spend(&store, node, second, 20).await;
    let mut closed = store.close_leases(node).await.unwrap();
    closed.sort_by_key(|lease| lease.budget);
    let shape: Vec<_> = closed
        .iter()
        .map(|lease| (lease.budget, lease.amount, lease.used))
        .collect();
    assert_eq!(
        shape,
        [(first, nanos(60), Money::ZERO), (second, nanos(50), nanos(20))]
    );
    assert_eq!(house.standing(&store, first).await, (0, 0, 0));
    assert_eq!(house.standing(&store, second).await, (20, 7, 0));
    assert_eq!(store.close_leases(node).await.unwrap(), [], "once");
    assert_eq!(
        house.lease(&store, second, node, 73).await.amount,
        nanos(73),
        "a new lease begins at zero"
    );
}

pub(super) async fn deleting_a_budget_ends_its_leases(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let mut budget = house.new_budget(100);
    store.put_budget(&house.scope, &budget).await.unwrap();
    let lease = house.lease(&store, budget.id, node, 60).await;
    store.delete_budget(&house.scope, budget.id).await.unwrap();
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(1)).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.expire_leases(after(1)).await.unwrap(), 0);
    assert_eq!(store.close_leases(node).await.unwrap(), []);
    budget.name = "again".to_owned();
    store.put_budget(&house.scope, &budget).await.unwrap();
    assert_eq!(house.standing(&store, budget.id).await, (0, 0, 0));
}
