//! Windows that are not one calendar's: rolling ones, one stretch of time, what is carried over, and increases that
//! end by themselves.

use domain::{BudgetId, Money, NodeId, UnixMillis};
use ledger::{Between, Budget, Charge, Increase, Rolling, Rollover, Standing, Terms, Window};

use super::fixtures::{Engine, House, MIDNIGHT, nanos, wish};
use crate::{LeaseAnswer, LeaseWish, StoreError};

/// 60 buckets of one minute.
const HOUR: Rolling = Rolling { minutes: 60 };
const DAY_MS: i64 = 86_400_000;

fn minute(of: i64) -> UnixMillis {
    UnixMillis(MIDNIGHT.0 + of * 60_000)
}

fn day(of: i64) -> UnixMillis {
    UnixMillis(MIDNIGHT.0 + of * DAY_MS)
}

async fn put(store: &Engine, house: &House, limit: i64, window: Window, terms: Terms) -> Budget {
    let budget = Budget {
        window,
        terms,
        ..house.new_budget(limit)
    };
    store.put_budget(&house.scope, &budget).await.unwrap();
    budget
}

async fn rolling(store: &Engine, house: &House, limit: i64) -> BudgetId {
    let terms = Terms {
        rolling: Some(HOUR),
        ..Terms::default()
    };
    put(store, house, limit, Window::Total, terms).await.id
}

fn wish_at(budget: BudgetId, node: NodeId, (start, at): (UnixMillis, UnixMillis), amount: i64) -> LeaseWish {
    LeaseWish {
        window_start: start,
        at,
        ..wish(budget, node, amount, amount)
    }
}

/// What is left when so much is asked for; `None` if it was granted.
async fn left(
    store: &Engine,
    house: &House,
    budget: BudgetId,
    node: NodeId,
    start: UnixMillis,
    amount: i64,
) -> Option<i64> {
    let wish = wish_at(budget, node, (start, start), amount);
    match store.grow_lease(&house.scope, &wish).await.unwrap() {
        LeaseAnswer::Granted { granted, lease } => {
            assert_eq!((granted, lease.window_start), (nanos(amount), start));
            None
        }
        LeaseAnswer::Exhausted { remaining, .. } => Some(remaining.nanos()),
    }
}

async fn spend(
    store: &Engine,
    house: &House,
    node: NodeId,
    budget: BudgetId,
    start: UnixMillis,
    amount: i64,
) {
    let shipment = house.shipment_of(node, |entry| {
        entry.cost = nanos(amount);
        entry.charges = vec![Charge {
            budget,
            window_start: start,
            amount: nanos(amount),
        }];
    });
    store.append(&house.scope, node, &[shipment]).await.unwrap();
}

async fn standing(store: &Engine, house: &House, budget: BudgetId, start: UnixMillis) -> Standing {
    store.standing(&house.scope, budget, start).await.unwrap()
}

pub(super) async fn agp_d1_a_rolling_window_counts_every_bucket_that_can_lie_in_it(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = rolling(&store, &house, 100).await;
    assert_eq!(left(&store, &house, budget, node, minute(0), 60).await, None);
    for near in [1, 30, 60, -1, -60] {
        assert_eq!(
            left(&store, &house, budget, node, minute(near), 50).await,
            Some(40),
            "{near}"
        );
    }
    assert_eq!(left(&store, &house, budget, node, minute(61), 100).await, None);
    assert_eq!(left(&store, &house, budget, node, minute(61), 1).await, Some(0));
    // A clock that is behind is granted what the buckets before and after leave.
    assert_eq!(left(&store, &house, budget, node, minute(1), 1).await, Some(0));
    assert_eq!(left(&store, &house, budget, node, minute(122), 100).await, None);
}

pub(super) async fn what_is_held_in_an_old_bucket_counts_until_it_is_given_back(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = rolling(&store, &house, 100).await;
    let wish = wish_at(budget, node, (minute(0), minute(0)), 80);
    let LeaseAnswer::Granted { lease, .. } = store.grow_lease(&house.scope, &wish).await.unwrap() else {
        panic!("80 of 100 are there");
    };
    spend(&store, &house, node, budget, minute(0), 30).await;
    assert_eq!(left(&store, &house, budget, node, minute(5), 21).await, Some(20));
    let seen = standing(&store, &house, budget, minute(5)).await;
    assert_eq!(
        (seen.spent, seen.leased),
        (nanos(30), nanos(50)),
        "all of the window"
    );
    let back = store.shrink_lease(&house.scope, &lease, nanos(99)).await;
    assert_eq!(back, Ok(nanos(50)));
    assert_eq!(left(&store, &house, budget, node, minute(5), 70).await, None);
    let seen = standing(&store, &house, budget, minute(61)).await;
    assert_eq!((seen.spent, seen.leased), (Money::ZERO, nanos(70)));
    assert_eq!(left(&store, &house, budget, node, minute(61), 31).await, Some(30));
}

/// Nodes whose clocks disagree ask at once in many buckets of one window.
pub(super) async fn agp_d1_concurrent_growth_in_many_buckets_never_exceeds_the_limit(store: Engine) {
    let house = House::build(&store).await;
    let budget = rolling(&store, &house, 100).await;
    let asking = (0..24).map(|n| {
        let (store, house) = (store.clone(), house.clone());
        tokio::spawn(async move {
            let node = NodeId::generate();
            left(&store, &house, budget, node, minute(n % 6), 9)
                .await
                .is_none()
        })
    });
    let mut granted = 0;
    for asked in asking.collect::<Vec<_>>() {
        granted += i64::from(asked.await.unwrap());
    }
    assert_eq!(granted, 11);
    assert_eq!(
        standing(&store, &house, budget, minute(3)).await.leased,
        nanos(99)
    );
}

fn carries(percent_max: u8, since: UnixMillis) -> Terms {
    Terms {
        rollover: Some(Rollover { percent_max, since }),
        ..Terms::default()
    }
}

pub(super) async fn what_was_not_spent_is_carried_into_the_next_window_once(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let budget = put(&store, &house, 100, Window::Day, carries(50, day(0)))
        .await
        .id;
    assert_eq!(
        left(&store, &house, budget, node, day(0), 101).await,
        Some(100),
        "the first carries nothing"
    );
    assert_eq!(left(&store, &house, budget, node, day(0), 80).await, None);
    spend(&store, &house, node, budget, day(0), 80).await;
    assert_eq!(left(&store, &house, budget, node, day(1), 121).await, Some(120));
    assert_eq!(left(&store, &house, budget, node, day(1), 10).await, None);
    // Nothing is in both windows: what was carried is gone where it was.
    assert_eq!(left(&store, &house, budget, node, day(0), 1).await, Some(0));
    spend(&store, &house, node, budget, day(1), 10).await;
    // At most half of the limit, though 110 are left; and a window that nobody opened carries no more.
    assert_eq!(left(&store, &house, budget, node, day(2), 151).await, Some(150));
    assert_eq!(left(&store, &house, budget, node, day(2), 1).await, None);
    assert_eq!(left(&store, &house, budget, node, day(1), 61).await, Some(60));
    assert_eq!(left(&store, &house, budget, node, day(9), 151).await, Some(150));
}

pub(super) async fn agp_d1_what_is_held_at_the_turn_is_not_carried_and_settles_late(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let dead = NodeId::generate();
    let budget = put(&store, &house, 100, Window::Day, carries(100, day(0)))
        .await
        .id;
    let wish = wish_at(budget, node, (day(0), day(0)), 40);
    let LeaseAnswer::Granted { lease, .. } = store.grow_lease(&house.scope, &wish).await.unwrap() else {
        panic!("40 of 100 are there");
    };
    assert_eq!(left(&store, &house, budget, dead, day(0), 25).await, None);
    // 65 are out: leased, and unexplained for all that the next window may hope.
    store.expire_leases(UnixMillis(i64::MAX)).await.unwrap();
    assert_eq!(left(&store, &house, budget, node, day(1), 136).await, Some(135));
    assert_eq!(left(&store, &house, budget, node, day(1), 135).await, None);
    spend(&store, &house, node, budget, day(0), 40).await;
    assert_eq!(
        store.shrink_lease(&house.scope, &lease, nanos(99)).await,
        Ok(Money::ZERO)
    );
    store.close_leases(dead).await.unwrap();
    // What the dead node had is free in the window it was lent in, and nowhere else.
    assert_eq!(left(&store, &house, budget, node, day(1), 1).await, Some(0));
    assert_eq!(left(&store, &house, budget, node, day(0), 26).await, Some(25));
    let (old, new) = (
        standing(&store, &house, budget, day(0)).await,
        standing(&store, &house, budget, day(1)).await,
    );
    assert_eq!((old.carried, new.carried), (nanos(-35), nanos(35)));
    assert!(old.taken().plus(new.taken()) <= nanos(200));
}

/// Of many replicas that open a window at once, one decides what is carried.
pub(super) async fn agp_d1_a_window_is_opened_once_however_many_open_it(store: Engine) {
    let house = House::build(&store).await;
    let first = NodeId::generate();
    let budget = put(&store, &house, 100, Window::Day, carries(100, day(0)))
        .await
        .id;
    assert_eq!(left(&store, &house, budget, first, day(0), 30).await, None);
    let asking = (0..24).map(|n| {
        let (store, house) = (store.clone(), house.clone());
        tokio::spawn(async move {
            let (node, start) = (NodeId::generate(), day(i64::from(n % 4 != 0)));
            let granted = left(&store, &house, budget, node, start, 10).await.is_none();
            (n % 4 != 0, granted)
        })
    });
    let mut granted = [30, 0];
    for asked in asking.collect::<Vec<_>>() {
        let (is_new, got) = asked.await.unwrap();
        granted[usize::from(is_new)] += 10 * i64::from(got);
    }
    let (old, new) = (
        standing(&store, &house, budget, day(0)).await,
        standing(&store, &house, budget, day(1)).await,
    );
    assert_eq!([old.leased, new.leased].map(Money::nanos), granted);
    assert_eq!(old.carried.plus(new.carried), Money::ZERO);
    for standing in [old, new] {
        assert!(
            standing.taken() <= nanos(100).plus(standing.carried),
            "{standing:?}"
        );
    }
}

pub(super) async fn an_increase_holds_until_its_time_and_takes_nothing_away_after(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let terms = Terms {
        increases: vec![Increase {
            number: 1,
            amount: nanos(50),
            since: minute(0),
            until: minute(10),
            why: "a launch".to_owned(),
        }],
        ..Terms::default()
    };
    let budget = put(&store, &house, 100, Window::Total, terms).await.id;
    let ask = async |at, amount| {
        let wish = wish_at(budget, node, (UnixMillis(0), at), amount);
        store.grow_lease(&house.scope, &wish).await.unwrap()
    };
    assert!(matches!(ask(minute(9), 120).await, LeaseAnswer::Granted { .. }));
    spend(&store, &house, node, budget, UnixMillis(0), 110).await;
    for amount in [1, 50] {
        let LeaseAnswer::Exhausted { remaining, .. } = ask(minute(10), amount).await else {
            panic!("{amount} after its end");
        };
        assert_eq!(remaining, Money::ZERO);
    }
    let seen = standing(&store, &house, budget, UnixMillis(0)).await;
    assert_eq!((seen.spent, seen.leased), (nanos(110), nanos(10)));
    assert!(matches!(ask(minute(9), 30).await, LeaseAnswer::Granted { .. }));
}

pub(super) async fn agp_d1_outside_of_its_time_a_budget_lends_nothing(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let between = Between {
        from: minute(1),
        until: minute(2),
    };
    let terms = Terms {
        between: Some(between),
        ..Terms::default()
    };
    let budget = put(&store, &house, 100, Window::Total, terms).await.id;
    let unknown = Terms {
        zone: Some("Europe/Of-A-Later-Version".to_owned()),
        ..Terms::default()
    };
    let unknown = put(&store, &house, 100, Window::Day, unknown).await.id;
    let before = UnixMillis(minute(1).0 - 1);
    for (budget, at, is_open) in [
        (budget, before, false),
        (budget, minute(1), true),
        (budget, UnixMillis(minute(2).0 - 1), true),
        (budget, minute(2), false),
        (unknown, minute(1), false),
    ] {
        let wish = wish_at(budget, node, (minute(1), at), 10);
        let answer = store.grow_lease(&house.scope, &wish).await.unwrap();
        let granted = matches!(answer, LeaseAnswer::Granted { .. });
        assert_eq!(granted, is_open, "{at:?}: {answer:?}");
    }
}

pub(super) async fn windows_never_change(store: Engine) {
    let house = House::build(&store).await;
    let budget = put(&store, &house, 100, Window::Day, carries(50, day(0))).await;
    let (mut zone, mut more) = (budget.clone(), budget.clone());
    zone.terms.zone = Some("Europe/Berlin".to_owned());
    more.terms.rollover = Some(Rollover {
        percent_max: 100,
        since: day(0),
    });
    for after in [zone, more] {
        let change = crate::Change::ReplaceBudget {
            before: Box::new(budget.clone()),
            after: Box::new(after),
        };
        let refused = store.commit(&house.scope, &[change], None).await;
        assert_eq!(refused, Err(StoreError::NotFound));
    }
}
