//! What a sink will not take: it neither blocks the log for ever nor vanishes, and it can be sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{AuditId, UnixMillis};
use ledger::{AuditActor, AuditRecord};
use serde_json::json;
use store::delivery::DeadLetter;
use store::{AuditQuery, MemoryStore, RecordKind, RecordQuery, Registry};
use testkit::{Reply, ScriptedProvider};
use tokio::sync::watch;

use super::pushing::{act, bent, came, store_with, until};
use super::{scope, tenant};

async fn dead(store: &MemoryStore) -> Vec<DeadLetter> {
    let query = RecordQuery {
        kind: RecordKind::DeadLetter,
        parent: Some("siem"),
        after: None,
        count: 100,
    };
    let found = store.records(&scope(1), &query).await.unwrap();
    found
        .iter()
        .map(|record| DeadLetter::of(record).unwrap())
        .collect()
}

async fn acts(store: &MemoryStore) -> Vec<String> {
    let query = AuditQuery {
        count: 100,
        ..AuditQuery::default()
    };
    let mut found = store.audit(&scope(1), &query).await.unwrap();
    found.reverse();
    let record = |bytes: &[u8]| AuditRecord::from_bytes(bytes).unwrap();
    found.iter().map(|one| record(&one.bytes).act).collect()
}

/// Refuses what is about `keys.bad` for as long as it is told to.
fn choosy(sink: &ScriptedProvider, status: u16) -> Arc<AtomicBool> {
    let refuses = Arc::new(AtomicBool::new(true));
    let asked = refuses.clone();
    sink.script(
        "*",
        Reply::from_request(move |request| {
            let is_bad = String::from_utf8_lossy(&request.body).contains("keys.bad");
            let status = if is_bad && asked.load(Ordering::Relaxed) {
                status
            } else {
                200
            };
            Reply::json(status, &json!({}))
        }),
    );
    refuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_what_is_refused_for_good_is_kept_told_and_sent_again_when_asked() {
    let (store, sink) = (store_with(1).await, ScriptedProvider::start().await);
    let refuses = choosy(&sink, 422);
    for (number, name) in ["keys.create", "keys.bad", "keys.create"].iter().enumerate() {
        act(&store, 1, number as u128, name).await;
    }
    let (stop, stopped) = watch::channel(false);
    let pusher = bent((&store, 1), &sink, &["keys.*"], |options| {
        options.give_up_after = Some(Duration::from_secs(3600));
    });
    tokio::spawn(pusher.run(stopped.clone()));
    until("those after it came", || came(&sink, 1).contains(&2)).await;
    for _ in 0..500 {
        if !dead(&store).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let letters = dead(&store).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].index, letters[0].act.as_str()), (1, "keys.bad"));
    assert!(letters[0].why.contains("422"), "{letters:?}");
    assert_eq!(acts(&store).await[3..], ["alerts.dead"], "told of, once");

    refuses.store(false, Ordering::Relaxed);
    let asked = AuditRecord {
        target: Some("siem".to_owned()),
        ..AuditRecord::done(
            (AuditId::from_u128(77), tenant(1)),
            UnixMillis::now(),
            AuditActor::Gate("test".to_owned()),
            "alerts.resend",
        )
    };
    store.commit(&scope(1), &[], Some(&asked.into())).await.unwrap();
    for _ in 0..1000 {
        if dead(&store).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(dead(&store).await.is_empty(), "it was sent again and taken");
    act(&store, 1, 50, "keys.create").await;
    until("and the log goes on", || came(&sink, 1).contains(&5)).await;
    let bad = |request: &testkit::Received| String::from_utf8_lossy(&request.body).contains("keys.bad");
    assert_eq!(sink.requests().iter().filter(|request| bad(request)).count(), 2);
    stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_without_a_limit_nothing_is_given_up_and_with_one_what_waited_too_long_is() {
    let (store, sink) = (store_with(1).await, ScriptedProvider::start().await);
    let _refuses = choosy(&sink, 404);
    act(&store, 1, 0, "keys.bad").await;
    act(&store, 1, 1, "keys.create").await;
    let (stop, stopped) = watch::channel(false);
    let patient = tokio::spawn(bent((&store, 1), &sink, &["*"], |_| ()).run(stopped.clone()));
    until("it was tried more than once", || sink.requests().len() >= 3).await;
    assert_eq!(came(&sink, 1), [0]);
    assert!(dead(&store).await.is_empty());
    stop.send(true).unwrap();
    patient.await.unwrap();

    // Down, not refusing: only time ends that.
    sink.script("*", Reply::json(503, &json!({})));
    let (stop, stopped) = watch::channel(false);
    let hasty = bent((&store, 1), &sink, &["*"], |options| {
        options.give_up_after = Some(Duration::from_millis(1));
    });
    tokio::spawn(hasty.run(stopped.clone()));
    for _ in 0..1000 {
        if dead(&store).await.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let letters = dead(&store).await;
    assert_eq!(
        letters.iter().map(|letter| letter.index).collect::<Vec<_>>(),
        [0, 1]
    );
    stop.send(true).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_and_again_is_told_once_and_then_counted() {
    let (store, sink) = (store_with(1).await, ScriptedProvider::start().await);
    sink.script("*", Reply::json(200, &json!({})));
    for number in 0..40 {
        act(&store, 1, number, "keys.create").await;
    }
    let (stop, stopped) = watch::channel(false);
    let pusher = bent((&store, 1), &sink, &["*"], |options| {
        options.repeat = Duration::from_secs(1);
    });
    tokio::spawn(pusher.run(stopped.clone()));
    until("the first and the count came", || sink.requests().len() >= 2).await;
    assert_eq!(
        came(&sink, 1),
        [0, 39],
        "the first, and the last with the count of all between"
    );
    stop.send(true).unwrap();
}
