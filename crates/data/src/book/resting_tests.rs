//! How often the store is asked, however many call.

use std::sync::atomic::Ordering;

use super::tests::{ANY, Scene, costs};
use super::*;

/// What may have been asked in so long by one node: one more than there were rests.
fn most(elapsed: Duration) -> u128 {
    elapsed.as_millis() / REST_NEAR.as_millis() + 2
}

/// Forty callers of one budget that holds little, so that each question brings no more than the next calls need: the
/// store is asked once a rest, and what is there is spent to the last call all the same.
#[tokio::test]
async fn agp_d2_a_crowd_near_the_limit_asks_the_store_once_a_rest() {
    let scene = Scene::with(&[4_000], |_| {}).await;
    let began = std::time::Instant::now();
    let mut callers = Vec::new();
    for _ in 0..40 {
        let (book, cells) = (scene.book.clone(), scene.cells.clone());
        callers.push(tokio::spawn(async move {
            let mut admitted = 0;
            // Whoever is refused for want of time comes again.
            while admitted < 10 {
                if let Ok(held) = book.reserve(&cells, costs(10), UnixMillis::now()).await {
                    held.settle(costs(10), ANY);
                    admitted += 1;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let asked = u128::from(scene.store.grown.load(Ordering::SeqCst));
    let most = most(began.elapsed());
    assert!(asked <= most, "asked {asked} times, {most} were in time");
    assert!(matches!(
        scene
            .book
            .reserve(&scene.cells, costs(1), UnixMillis::now())
            .await,
        Err(Unreserved::Exhausted { .. })
    ));
}

/// Far from it a node asks for more each time, so that questions become rare before they become many.
#[tokio::test]
async fn agp_d2_spending_that_begins_asks_for_more_each_time() {
    let scene = Scene::with(&[1_000_000_000], |_| {}).await;
    let calls = 4_000;
    for _ in 0..calls {
        let held = scene
            .book
            .reserve(&scene.cells, costs(10_000), UnixMillis::now())
            .await;
        held.unwrap().settle(costs(10_000), ANY);
    }
    let asked = scene.store.grown.load(Ordering::SeqCst);
    // A thousandth of the limit at first, twice as much each time: 40 million are there after six questions.
    assert!(asked <= 8, "asked {asked} times for {calls} calls");
}
