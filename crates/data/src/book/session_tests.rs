//! Sessions in the book: no more than their ceiling, over all nodes; and forgotten here without being forgotten.

use ledger::{PerSession, session_window};
use store::Registry;

use super::tests::{ANY, Scene, costs, nanos, node};
use super::*;

fn each(limit: i64, is_required: bool) -> Option<PerSession> {
    let limit = nanos(limit);
    Some(PerSession { limit, is_required })
}

async fn scene(is_required: bool) -> Scene {
    Scene::with(&[1_000], |budget| {
        budget.terms.per_session = each(100, is_required);
    })
    .await
}

async fn reserve(scene: &Scene, session: Option<&str>, amount: i64) -> Result<Reservation, Unreserved> {
    let spend = costs(amount);
    let now = UnixMillis::now();
    scene
        .book
        .reserve(&scene.cells, Call { spend, session }, now)
        .await
}

fn open(scene: &Scene) -> usize {
    scene.cells[0].sessions.as_ref().unwrap().len()
}

/// Ships what was spent of a session, as the shipper does.
async fn ship(scene: &Scene, session: &str, amount: i64) {
    scene.ship(0, &[session_window(session)], amount).await;
}

#[tokio::test]
async fn agp_d1_a_session_takes_no_more_than_its_ceiling() {
    let scene = scene(false).await;
    reserve(&scene, Some("s"), 60)
        .await
        .unwrap()
        .settle(costs(60), ANY);
    let refused = reserve(&scene, Some("s"), 41).await.unwrap_err();
    assert!(
        matches!(&refused, Unreserved::Exhausted { remaining, because: Because::OfSession(limit), .. }
            if (*remaining, *limit) == (nanos(40), nanos(100))),
        "{refused:?}"
    );
    // What the budget held for the call that its session refused is free again.
    let held = scene.held(0);
    assert_eq!((held.used(), held.reserved()), (nanos(60), Money::ZERO));
    let others = [Some("t"), None];
    for session in others {
        reserve(&scene, session, 100)
            .await
            .unwrap()
            .settle(costs(100), ANY);
    }
    let last = reserve(&scene, Some("s"), 40).await.unwrap();
    assert_eq!(last.charges(Unit::Money, costs(40), ANY).len(), 2);
    last.void();
}

#[tokio::test]
async fn agp_d1_where_sessions_must_be_named_a_call_without_one_is_refused_and_holds_nothing() {
    let scene = scene(true).await;
    let refused = reserve(&scene, None, 1).await.unwrap_err();
    assert!(matches!(refused, Unreserved::NoSession(name) if name == "b"));
    assert_eq!(scene.held(0).reserved(), Money::ZERO);
    reserve(&scene, Some("s"), 1).await.unwrap().void();
}

/// Sixty callers of one session on two nodes, and room for ten calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn agp_d1_two_nodes_never_let_a_session_over_its_ceiling() {
    let scene = scene(false).await;
    let (book, _keeper, cells) = node(&scene.store, &scene.budgets);
    let nodes = [(scene.book.clone(), scene.cells.clone()), (book, cells)];
    let mut calls = Vec::new();
    for number in 0..60 {
        let (book, cells) = nodes[number % 2].clone();
        calls.push(tokio::spawn(async move {
            let session = Some("s");
            let spend = costs(10);
            let held = book
                .reserve(&cells, Call { spend, session }, UnixMillis::now())
                .await;
            held.map(|held| held.settle(costs(10), ANY)).is_ok()
        }));
    }
    let mut admitted = 0;
    for call in calls {
        admitted += usize::from(call.await.unwrap());
    }
    assert!((1..=10).contains(&admitted), "{admitted}");
}

/// A session that rests is forgotten once the store has heard of all of it, and not before; who comes back to it has
/// what was left.
#[tokio::test]
async fn agp_d1_a_session_that_was_forgotten_here_goes_on_where_it_was() {
    let scene = scene(false).await;
    for round in 1..=3 {
        reserve(&scene, Some("s"), 30)
            .await
            .unwrap()
            .settle(costs(30), ANY);
        for _ in 0..3 {
            scene.book.tidy().await;
            assert_eq!(open(&scene), 1, "not all of it is shipped in round {round}");
        }
        ship(&scene, "s", 30).await;
        scene.book.tidy().await;
        assert_eq!(open(&scene), 0);
    }
    let refused = reserve(&scene, Some("s"), 11).await.unwrap_err();
    assert!(matches!(&refused, Unreserved::Exhausted { remaining, .. } if *remaining == nanos(10)));
    drop(refused);
    let under_way = reserve(&scene, Some("s"), 10).await.unwrap();
    scene.book.tidy().await;
    scene.book.tidy().await;
    assert_eq!(open(&scene), 1, "a call is under way");
    assert!(reserve(&scene, Some("s"), 1).await.is_err());
    under_way.void();
    scene.book.tidy().await;
    assert_eq!(open(&scene), 0);
    reserve(&scene, Some("s"), 10).await.unwrap().void();
}

/// Also where an answer was lost, so that nobody here knows what the store has lent.
#[tokio::test]
async fn agp_budget_3_2_a_session_whose_answers_were_lost_is_not_forgotten_before_it_is_sure() {
    use std::sync::atomic::Ordering;
    let scene = scene(false).await;
    reserve(&scene, None, 60).await.unwrap().void();
    scene.store.mute.store(true, Ordering::SeqCst);
    assert!(reserve(&scene, Some("s"), 60).await.is_err());
    scene.book.tidy().await;
    assert_eq!(open(&scene), 1);
    scene.store.mute.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        scene.book.tidy().await;
    }
    assert_eq!(open(&scene), 0);
    reserve(&scene, Some("s"), 100).await.unwrap().void();
}

#[tokio::test]
async fn anp_0008_no_more_sessions_are_open_than_may_be() {
    let scene = Scene::with(&[i64::MAX], |budget| budget.terms.per_session = each(100, false)).await;
    for number in 0..sessions::OPEN_MAX {
        let name = number.to_string();
        reserve(&scene, Some(&name), 0).await.unwrap().void();
    }
    let refused = reserve(&scene, Some("one more"), 0).await.unwrap_err();
    assert!(matches!(refused, Unreserved::ManySessions(_)));
    reserve(&scene, Some("7"), 1).await.unwrap().void();
    reserve(&scene, None, 1).await.unwrap().void();
    scene.book.tidy().await;
    scene.book.tidy().await;
    reserve(&scene, Some("one more"), 1).await.unwrap().void();
}

/// A budget that is paused or gone is so for its sessions too.
#[tokio::test]
async fn agp_d1_sessions_of_a_budget_that_is_gone_are_refused() {
    let scene = scene(false).await;
    reserve(&scene, Some("s"), 10).await.unwrap().void();
    scene
        .store
        .delete_budget(&scene.scope, scene.budgets[0].id)
        .await
        .unwrap();
    assert!(reserve(&scene, Some("t"), 10).await.is_err());
    scene.book.tidy().await;
    scene.book.tidy().await;
    assert_eq!(open(&scene), 0);
}
