//! Sessions under a budget: windows of their own, whatever the clock says, and forgotten when they are silent.

use domain::{NodeId, UnixMillis};
use ledger::{Budget, Charge, PerSession, Rolling, Standing, Terms, Window, session_window};

use super::fixtures::{Engine, House, MIDNIGHT, nanos, wish};
use crate::{LeaseAnswer, LeaseWish, StoreError};

const DAY_MS: i64 = 86_400_000;

async fn of_sessions(store: &Engine, house: &House, terms: Terms) -> Budget {
    let is_required = false;
    let per_session = Some(PerSession {
        limit: nanos(30),
        is_required,
    });
    let window = if terms.rolling.is_some() {
        Window::Total
    } else {
        Window::Day
    };
    let budget = Budget {
        window,
        terms: Terms { per_session, ..terms },
        ..house.new_budget(100)
    };
    store.put_budget(&house.scope, &budget).await.unwrap();
    budget
}

/// A wish for so much for a session.
fn wish_of(budget: &Budget, node: NodeId, session: &str, amount: i64, at: UnixMillis) -> LeaseWish {
    LeaseWish {
        window_start: session_window(session),
        at,
        ..wish(budget.id, node, amount, amount)
    }
}

/// What is left for a session when so much is asked for; `None` if it was granted.
async fn left(
    store: &Engine,
    house: &House,
    (budget, node): (&Budget, NodeId),
    session: &str,
    amount: i64,
    at: UnixMillis,
) -> Option<i64> {
    let wish = wish_of(budget, node, session, amount, at);
    match store.grow_lease(&house.scope, &wish).await.unwrap() {
        LeaseAnswer::Granted { granted, lease } => {
            assert_eq!(
                (granted, lease.window_start),
                (nanos(amount), session_window(session))
            );
            None
        }
        LeaseAnswer::Exhausted { remaining, .. } => Some(remaining.nanos()),
    }
}

async fn spend(store: &Engine, house: &House, node: NodeId, charges: &[(&Budget, UnixMillis, i64)]) {
    let shipment = house.shipment_of(node, |entry| {
        let charge = |&(budget, window_start, amount): &(&Budget, UnixMillis, i64)| Charge {
            budget: budget.id,
            window_start,
            amount: nanos(amount),
        };
        entry.charges = charges.iter().map(charge).collect();
    });
    store.append(&house.scope, node, &[shipment]).await.unwrap();
}

async fn standing(store: &Engine, house: &House, budget: &Budget, start: UnixMillis) -> Standing {
    store.standing(&house.scope, budget.id, start).await.unwrap()
}

pub(super) async fn agp_d1_a_session_takes_no_more_than_its_ceiling_over_all_nodes_and_days(store: Engine) {
    let house = House::build(&store).await;
    let (a, b) = (NodeId::generate(), NodeId::generate());
    let rolling = Some(Rolling { minutes: 60 });
    for terms in [
        Terms::default(),
        Terms {
            rolling,
            ..Terms::default()
        },
    ] {
        let budget = of_sessions(&store, &house, terms).await;
        assert_eq!(left(&store, &house, (&budget, a), "s", 20, MIDNIGHT).await, None);
        assert_eq!(
            left(&store, &house, (&budget, b), "s", 11, MIDNIGHT).await,
            Some(10)
        );
        let later = UnixMillis(MIDNIGHT.0 + 40 * DAY_MS);
        assert_eq!(left(&store, &house, (&budget, b), "s", 10, later).await, None);
        assert_eq!(left(&store, &house, (&budget, a), "s", 1, later).await, Some(0));
        // Another session has its own, and the budget itself is as it was.
        assert_eq!(left(&store, &house, (&budget, a), "t", 30, later).await, None);
        let own = standing(&store, &house, &budget, budget.start(MIDNIGHT)).await;
        assert_eq!(own, Standing::default());
    }
    // A budget without such a ceiling lends a session nothing.
    let plain = house.new_budget(100);
    store.put_budget(&house.scope, &plain).await.unwrap();
    assert_eq!(left(&store, &house, (&plain, a), "s", 1, MIDNIGHT).await, Some(0));
}

pub(super) async fn agp_d1_one_entry_charges_a_budget_and_a_session_of_it(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let marks = vec![10];
    let budget = of_sessions(
        &store,
        &house,
        Terms {
            marks,
            ..Terms::default()
        },
    )
    .await;
    let (start, session) = (budget.start(MIDNIGHT), session_window("s"));
    let day = LeaseWish {
        window_start: start,
        at: MIDNIGHT,
        ..wish(budget.id, node, 20, 20)
    };
    store.grow_lease(&house.scope, &day).await.unwrap();
    assert_eq!(
        left(&store, &house, (&budget, node), "s", 20, MIDNIGHT).await,
        None
    );
    spend(
        &store,
        &house,
        node,
        &[(&budget, start, 15), (&budget, session, 15)],
    )
    .await;
    for window in [start, session] {
        let seen = standing(&store, &house, &budget, window).await;
        assert_eq!((seen.spent, seen.leased), (nanos(15), nanos(5)), "{window:?}");
    }
    // Marks are of the budget, not of its sessions.
    let due = store.marks_due().await.unwrap();
    let windows: Vec<_> = due.iter().map(|due| due.window_start).collect();
    assert_eq!(windows, [start]);
}

pub(super) async fn silent_sessions_are_forgotten_and_nothing_else_is(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = of_sessions(&store, &house, Terms::default()).await;
    let late = UnixMillis(MIDNIGHT.0 + DAY_MS);
    for (session, at) in [("old", MIDNIGHT), ("held", MIDNIGHT), ("late", late)] {
        assert_eq!(left(&store, &house, (&budget, node), session, 10, at).await, None);
    }
    let day = LeaseWish {
        at: MIDNIGHT,
        window_start: budget.start(MIDNIGHT),
        ..wish(budget.id, node, 10, 10)
    };
    store.grow_lease(&house.scope, &day).await.unwrap();
    for (session, amount) in [("old", 10), ("late", 10), ("held", 9)] {
        spend(
            &store,
            &house,
            node,
            &[(&budget, session_window(session), amount)],
        )
        .await;
    }
    spend(&store, &house, node, &[(&budget, budget.start(MIDNIGHT), 10)]).await;
    assert_eq!(
        store.forget_sessions(MIDNIGHT).await,
        Ok(0),
        "none was silent before"
    );
    assert_eq!(store.forget_sessions(late).await, Ok(1));
    for (window, spent) in [
        (session_window("old"), 0),
        (session_window("held"), 9),
        (session_window("late"), 10),
        (budget.start(MIDNIGHT), 10),
    ] {
        let seen = standing(&store, &house, &budget, window).await;
        assert_eq!(seen.spent, nanos(spent), "{window:?}");
    }
    // It begins anew, with a lease that knows nothing of the one before.
    let wish = wish_of(&budget, node, "old", 30, late);
    let LeaseAnswer::Granted { lease, .. } = store.grow_lease(&house.scope, &wish).await.unwrap() else {
        panic!("all of it is there again");
    };
    assert_eq!((lease.amount, lease.used), (nanos(30), nanos(0)));
}

pub(super) async fn agp_e1_sessions_of_one_name_are_each_tenants_own(store: Engine) {
    let (mine, theirs) = (House::build(&store).await, House::build(&store).await);
    let node = NodeId::generate();
    let (own, other) = (
        of_sessions(&store, &mine, Terms::default()).await,
        of_sessions(&store, &theirs, Terms::default()).await,
    );
    assert_eq!(left(&store, &mine, (&own, node), "s", 30, MIDNIGHT).await, None);
    assert_eq!(
        left(&store, &theirs, (&other, node), "s", 30, MIDNIGHT).await,
        None
    );
    let wish = wish_of(&own, node, "s", 1, MIDNIGHT);
    let asked = store.grow_lease(&theirs.scope, &wish).await;
    assert_eq!(asked, Err(StoreError::NotFound));
}
