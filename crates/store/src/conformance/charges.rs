//! Charges: what entries on their way into the log take from leases and budgets.

use domain::{BudgetId, Money, NodeId, UnixMillis};

use super::fixtures::{EXPIRES, Engine, House, WINDOW, nanos, wish};
use crate::{Change, LeaseAnswer, MarkDue, Shipment, StoreError};

pub(super) async fn a_charge_moves_leased_to_spent_once(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let (team, tenant) = (house.budget(&store, 100).await, house.budget(&store, 500).await);
    house.lease(&store, team, node, 50).await;
    house.lease(&store, tenant, node, 200).await;
    let batch = [
        house.shipment(node, &[team, tenant], 15),
        house.shipment(node, &[tenant, team], 5),
    ];
    for new in [2, 0, 0] {
        assert_eq!(store.append(&house.scope, node, &batch).await.unwrap(), new);
        assert_eq!(house.standing(&store, team).await, (20, 30, 0));
        assert_eq!(house.standing(&store, tenant).await, (20, 180, 0));
    }
    let mut closed = store.close_leases(node).await.unwrap();
    closed.sort_by_key(|lease| lease.budget);
    let shape: Vec<_> = closed.iter().map(|lease| (lease.amount, lease.used)).collect();
    assert_eq!(shape, [(nanos(50), nanos(20)), (nanos(200), nanos(20))]);
}

pub(super) async fn a_charge_above_the_lease_is_spent_all_the_same(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, node, 100).await;
    house.spend(&store, node, budget, 130).await;
    assert_eq!(house.standing(&store, budget).await, (130, 0, 0));
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
    let closed = store.close_leases(node).await.unwrap();
    assert_eq!(
        (closed[0].amount, closed[0].used),
        (nanos(130), nanos(130)),
        "as the node that used it reckons"
    );
    assert_eq!(house.standing(&store, budget).await, (130, 0, 0));
}

pub(super) async fn a_charge_on_an_expired_lease_explains_it(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, node, 60).await;
    assert_eq!(store.expire_leases(UnixMillis(EXPIRES.0 + 1)).await.unwrap(), 1);
    house.spend(&store, node, budget, 25).await;
    assert_eq!(house.standing(&store, budget).await, (25, 0, 35));
    house.spend(&store, node, budget, 40).await;
    assert_eq!(house.standing(&store, budget).await, (65, 0, 0));
    store
        .renew_leases(node, UnixMillis(EXPIRES.0 + 99))
        .await
        .unwrap();
    assert_eq!(
        house.standing(&store, budget).await,
        (65, 0, 0),
        "nothing is left to bring back"
    );
}

pub(super) async fn a_charge_without_lease_is_spent(store: Engine) {
    let house = House::build(&store).await;
    let (node, other) = (NodeId::generate(), NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.spend(&store, node, budget, 10).await;
    assert_eq!(house.standing(&store, budget).await, (10, 0, 0));
    house.lease(&store, budget, other, 50).await;
    house.spend(&store, node, budget, 10).await;
    assert_eq!(
        house.standing(&store, budget).await,
        (20, 50, 0),
        "another node's lease is not touched"
    );
}

pub(super) async fn a_charge_on_an_unknown_budget_is_ignored(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let known = house.budget(&store, 100).await;
    let gone = house.budget(&store, 100).await;
    house.lease(&store, gone, node, 50).await;
    store.delete_budget(&house.scope, gone).await.unwrap();
    let batch = [house.shipment(node, &[gone, known, BudgetId::generate()], 5)];
    assert_eq!(store.append(&house.scope, node, &batch).await.unwrap(), 1);
    assert_eq!(house.standing(&store, known).await, (5, 0, 0));
}

pub(super) async fn a_negative_charge_gives_nothing_back(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, 100).await;
    house.lease(&store, budget, node, 50).await;
    house.spend(&store, node, budget, 10).await;
    house.spend(&store, node, budget, -10).await;
    house.spend(&store, node, budget, 0).await;
    assert_eq!(house.standing(&store, budget).await, (10, 40, 0));
}

pub(super) async fn enormous_charges_saturate(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = house.budget(&store, i64::MAX).await;
    house.lease(&store, budget, node, 50).await;
    let batch = [
        house.shipment(node, &[budget], i64::MAX),
        house.shipment(node, &[budget], i64::MAX),
    ];
    assert_eq!(store.append(&house.scope, node, &batch).await.unwrap(), 2);
    house.spend(&store, node, budget, i64::MAX).await;
    assert_eq!(house.standing(&store, budget).await, (i64::MAX, 0, 0));
    let answer = store
        .grow_lease(&house.scope, &wish(budget, node, 1, 1))
        .await
        .unwrap();
    assert!(matches!(answer, LeaseAnswer::Exhausted { .. }), "{answer:?}");
}

/// One node's life: takes leases, spends exactly what it was granted, dies every third time without
/// shipping, comes back, ships what its journal holds and closes.
async fn live(store: Engine, house: House, budget: BudgetId, seed: usize) -> i64 {
    let node = NodeId::generate();
    let mut journal: Vec<Shipment> = Vec::new();
    let mut spent = 0;
    for round in 0..9 {
        let answer = store
            .grow_lease(&house.scope, &wish(budget, node, 3, 40))
            .await
            .unwrap();
        let LeaseAnswer::Granted { granted, .. } = answer else {
            break;
        };
        let cost = granted.nanos() - i64::try_from(round % 3).unwrap();
        journal.push(house.shipment(node, &[budget], cost));
        spent += cost;
        if (round + seed).is_multiple_of(3) {
            store.expire_leases(UnixMillis(EXPIRES.0 + 1)).await.unwrap();
            store.append(&house.scope, node, &journal).await.unwrap();
            store.close_leases(node).await.unwrap();
        } else if round % 2 == 0 {
            store.append(&house.scope, node, &journal).await.unwrap();
            store.renew_leases(node, EXPIRES).await.unwrap();
        }
    }
    store.append(&house.scope, node, &journal).await.unwrap();
    store.close_leases(node).await.unwrap();
    spent
}

pub(super) async fn anp_0004_nodes_that_race_and_die_never_exceed_the_limit(store: Engine) {
    const LIMIT: i64 = 1000;
    let house = House::build(&store).await;
    let budget = house.budget(&store, LIMIT).await;
    let mut nodes = tokio::task::JoinSet::new();
    for seed in 0..6 {
        nodes.spawn(live(store.clone(), house.clone(), budget, seed));
    }
    let watch = tokio::spawn({
        let (store, house) = (store.clone(), house.clone());
        async move {
            for _ in 0..40 {
                let standing = store.standing(&house.scope, budget, WINDOW).await.unwrap();
                let sum = standing.spent.plus(standing.leased).plus(standing.unexplained);
                assert!(sum.nanos() <= LIMIT, "{standing:?}");
            }
        }
    });
    let spent: i64 = nodes.join_all().await.into_iter().sum();
    watch.await.unwrap();
    assert_eq!(
        house.standing(&store, budget).await,
        (spent, 0, 0),
        "all explained, nothing leaked"
    );
    assert!(spent <= LIMIT, "{spent}");
}

/// A budget of the house with these marks.
async fn marked(store: &Engine, house: &House, limit: i64, marks: &[u8]) -> ledger::Budget {
    let mut budget = house.new_budget(limit);
    budget.terms.marks = marks.to_vec();
    store.put_budget(&house.scope, &budget).await.unwrap();
    budget
}

async fn due(store: &Engine, house: &House) -> Vec<MarkDue> {
    let mut due = store.marks_due().await.unwrap();
    due.retain(|mark| mark.budget.tenant == house.scope.tenant());
    due
}

pub(super) async fn a_mark_that_is_reached_is_due_until_it_is_told_once(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = marked(&store, &house, 100, &[50, 80]).await;
    let plain = house.budget(&store, 100).await;
    house.spend(&store, node, plain, 100).await;
    house.spend(&store, node, budget.id, 49).await;
    assert_eq!(due(&store, &house).await, []);
    house.spend(&store, node, budget.id, 1).await;
    let half = MarkDue {
        budget: budget.clone(),
        window_start: WINDOW,
        spent: nanos(50),
        told: 0,
        reached: 50,
    };
    assert_eq!(due(&store, &house).await, std::slice::from_ref(&half));
    house.spend(&store, node, budget.id, 45).await;
    let most = MarkDue {
        spent: nanos(95),
        reached: 80,
        ..half
    };
    assert_eq!(due(&store, &house).await, [most]);
    let tell = |before, after| Change::TellMarks {
        budget: budget.id,
        window_start: WINDOW,
        before,
        after,
    };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, scope, tell) = (store.clone(), house.scope, tell(0, 80));
        tasks.spawn(async move { store.commit(&scope, &[tell], None).await });
    }
    let told = tasks.join_all().await;
    assert_eq!(told.iter().filter(|one| one.is_ok()).count(), 1, "{told:?}");
    assert_eq!(due(&store, &house).await, []);
    house.spend(&store, node, budget.id, 5).await;
    assert_eq!(due(&store, &house).await, [], "no mark at all of it");
    for (before, after) in [(0, 80), (50, 80)] {
        let again = store.commit(&house.scope, &[tell(before, after)], None).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    }
}

pub(super) async fn agp_e1_marks_are_told_by_their_own_tenant(store: Engine) {
    let (house, other, node) = (
        House::build(&store).await,
        House::build(&store).await,
        NodeId::generate(),
    );
    let budget = marked(&store, &house, 10, &[10]).await;
    house.spend(&store, node, budget.id, 5).await;
    let tell = Change::TellMarks {
        budget: budget.id,
        window_start: WINDOW,
        before: 0,
        after: 10,
    };
    let foreign = store.commit(&other.scope, &[tell], None).await;
    assert!(matches!(foreign, Err(StoreError::Conflict(_))), "{foreign:?}");
    assert_eq!(due(&store, &house).await.len(), 1);
}
