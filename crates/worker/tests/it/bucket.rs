//! Heads on their way into a bucket of somebody else's: none is replaced, what is there is read back, and a log that is
//! not what is in the bucket is told; a bucket that is away is silent, and neither is taken for the other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{NodeId, Secret};
use http::StatusCode;
use ledger::merkle::{Hash, consistency_proof, leaf_hash, root_of};
use ledger::note::Checkpoint;
use ledger::witness::AddCheckpoint;
use store::Store;
use telemetry::Metrics;
use testkit::S3Server;
use testkit::s3::{KEY_ID, Mood, SECRET};
use upstream::s3::S3Place;
use upstream::{Client, ClientOptions};
use worker::{Anchor, AnchorOptions, BucketWitness, InBucket, Keyring, NotTaken, Witness};

use crate::checkpointing::{signer, signing};
use crate::witnessing::{after, signed, told};
use crate::{FlakyStore, store};

const BUCKET: &str = "heads";

#[derive(Debug)]
struct Keys;

#[async_trait]
impl Keyring for Keys {
    async fn secrets(&self) -> Result<Vec<Secret>, String> {
        Ok(vec![Secret::new(KEY_ID), Secret::new(SECRET)])
    }
}

fn witness(endpoint: &str) -> BucketWitness {
    let place = InBucket {
        place: S3Place {
            endpoint: endpoint.to_owned(),
            bucket: BUCKET.to_owned(),
            region: "us-east-1".to_owned(),
            virtual_host: false,
            allow_plaintext: false,
        },
        prefix: "of/gate-1".to_owned(),
        keys: Arc::new(Keys),
        client: Client::new(&ClientOptions::default()),
    };
    BucketWitness::new(place).unwrap()
}

fn anchor(store: &Arc<FlakyStore>, node: u128, endpoint: &str) -> Anchor {
    let engine: Arc<dyn Store> = store.clone();
    let options = AnchorOptions {
        name: "bucket".to_owned(),
        every: Duration::from_secs(60),
        silent_after: Duration::from_secs(3600),
    };
    let of = (engine.clone(), signing(engine, 1), NodeId::from_u128(node));
    let counted = Metrics::new("0").gauges().witness("bucket");
    Anchor::new(of, Box::new(witness(endpoint)), options, counted)
}

fn leaves(count: u32, salt: &str) -> Vec<Hash> {
    (0..count)
        .map(|n| leaf_hash(format!("{n}{salt}").as_bytes()))
        .collect()
}

fn ask(origin: &str, leaves: &[Hash], old_size: u64) -> AddCheckpoint {
    let path = match old_size {
        0 => Vec::new(),
        old => consistency_proof(leaves, old).unwrap_or_default(),
    };
    let head = Checkpoint {
        origin: origin.to_owned(),
        size: leaves.len() as u64,
        root: root_of(leaves),
    };
    let note = head.sign(&signer(1)).unwrap();
    AddCheckpoint { old_size, path, note }
}

/// Where the head of a log over so many entries lies.
fn place(server: &S3Server, log: &str, size: u64) -> std::path::PathBuf {
    server.file(BUCKET, &format!("of/gate-1/{log}/{:020}-{size}", u64::MAX - size))
}

const LOG: &str = "gate.example/t";
const LOG_NAME: &str = "gate.example=2Ft";

#[tokio::test]
async fn anp_0012_the_bucket_remembers_over_a_restart_and_takes_what_grows_alone() {
    let server = S3Server::start(BUCKET).await;
    let first = witness(&server.endpoint());
    assert_eq!((first.signs_as(), first.is_shared()), (None, true));
    for (size, old) in [(3, 0), (9, 3), (9, 9), (10, 9)] {
        assert_eq!(
            first.add(&ask(LOG, &leaves(size, ""), old)).await,
            Ok(None),
            "{size}"
        );
    }
    // Another log, whose name goes on where the first one's ends.
    let other = ask("gate.example/t/audit", &leaves(2, "a"), 0);
    assert_eq!(first.add(&other).await, Ok(None));
    for size in [3, 9, 10] {
        let note = std::fs::read_to_string(place(&server, LOG_NAME, size)).unwrap();
        assert_eq!(note, ask(LOG, &leaves(size as u32, ""), 0).note);
    }
    let again = witness(&server.endpoint());
    assert_eq!(
        again.add(&ask(LOG, &leaves(4, ""), 0)).await,
        Err(NotTaken::Seen(10))
    );
    for salt in ["x", ""] {
        let asked = AddCheckpoint {
            path: Vec::new(),
            ..ask(LOG, &leaves(12, salt), 10)
        };
        let forked = again.add(&asked).await;
        assert!(
            matches!(&forked, Err(NotTaken::Disagrees(why)) if why.contains("forked")),
            "{forked:?}"
        );
    }
    let forked = again.add(&ask(LOG, &leaves(10, "x"), 10)).await;
    assert!(
        matches!(forked, Err(NotTaken::Disagrees(_))),
        "as long, and another: {forked:?}"
    );
    assert_eq!(again.add(&ask(LOG, &leaves(12, ""), 10)).await, Ok(None));
}

#[tokio::test]
async fn anp_0012_of_two_that_put_one_head_at_once_none_replaces_the_others() {
    let server = S3Server::start(BUCKET).await;
    let witness = witness(&server.endpoint());
    assert_eq!(witness.add(&ask(LOG, &leaves(5, ""), 0)).await, Ok(None));
    // Neither sees what the other puts, until it puts its own.
    server.feel(Mood::Blind);
    assert_eq!(
        witness.add(&ask(LOG, &leaves(5, ""), 0)).await,
        Ok(None),
        "the same head"
    );
    let forked = witness.add(&ask(LOG, &leaves(5, "x"), 0)).await;
    assert!(
        matches!(&forked, Err(NotTaken::Disagrees(why)) if why.contains("forked")),
        "{forked:?}"
    );
    let kept = std::fs::read_to_string(place(&server, LOG_NAME, 5)).unwrap();
    assert_eq!(kept, ask(LOG, &leaves(5, ""), 0).note, "the first one stays");
}

#[tokio::test]
async fn anp_0012_what_somebody_puts_into_the_bucket_is_neither_believed_nor_replaced() {
    let server = S3Server::start(BUCKET).await;
    let witness = witness(&server.endpoint());
    witness.add(&ask(LOG, &leaves(5, ""), 0)).await.unwrap();
    let path = place(&server, LOG_NAME, 5);
    let good = std::fs::read(&path).unwrap();
    let shorter = ask(LOG, &leaves(3, ""), 0).note;
    let of_another = ask("gate.example/u", &leaves(5, ""), 0).note;
    let large = "x".repeat(70_000);
    for junk in ["", "no head\n", &*shorter, &*of_another, &*large] {
        std::fs::write(&path, junk).unwrap();
        for old in [0, 5] {
            let asked = witness.add(&ask(LOG, &leaves(7, ""), old)).await;
            assert!(
                matches!(&asked, Err(NotTaken::Disagrees(why)) if why.contains("replaced")),
                "{asked:?}"
            );
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), junk);
    }
    std::fs::write(&path, good).unwrap();
    let odd = path.with_file_name("00000-no-head");
    std::fs::write(&odd, "x").unwrap();
    let asked = witness.add(&ask(LOG, &leaves(7, ""), 5)).await;
    assert!(
        matches!(&asked, Err(NotTaken::Disagrees(why)) if why.contains("somebody else")),
        "{asked:?}"
    );
    std::fs::remove_file(odd).unwrap();
    assert_eq!(witness.add(&ask(LOG, &leaves(7, ""), 5)).await, Ok(None));
}

#[tokio::test]
async fn anp_0012_agp_r1_a_store_that_is_not_what_is_in_the_bucket_is_told_once() {
    let server = S3Server::start(BUCKET).await;
    let first = store().await;
    signed(&first, 1..=5).await;
    let mut one = anchor(&first, 1, &server.endpoint());
    assert_eq!(one.round(after(0)).await.unwrap(), 1);
    signed(&first, 6..=7).await;
    assert_eq!(one.round(after(60)).await.unwrap(), 1);
    // After a start it goes on where the bucket is, on another node as well.
    signed(&first, 8..=9).await;
    assert_eq!(
        anchor(&first, 2, &server.endpoint())
            .round(after(1000))
            .await
            .unwrap(),
        1
    );
    assert!(told(&first, "witness.disagrees").await.is_empty());
    // Another store under the same name: shorter, as long, longer.
    for (ids, why) in [
        (1..=3, "rolled back"),
        (101..=109, "forked"),
        (101..=112, "forked"),
    ] {
        let other = store().await;
        signed(&other, ids).await;
        let mut anchor = anchor(&other, 1, &server.endpoint());
        for look in 0..3 {
            assert_eq!(anchor.round(after(look * 60)).await.unwrap(), 0);
        }
        let told = told(&other, "witness.disagrees").await;
        assert_eq!(told.len(), 1, "{told:?}");
        let said = &told[0];
        assert_eq!(
            (&said["target"], &said["after"]["seen"]),
            (&"bucket".into(), &9.into())
        );
        assert!(said["after"]["why"].as_str().unwrap().contains(why), "{said}");
    }
}

#[tokio::test]
async fn anp_0012_a_bucket_that_does_not_answer_or_refuses_is_silent_and_that_is_told() {
    let server = S3Server::start(BUCKET).await;
    for status in [500, 503, 501, 403, 404] {
        let store = store().await;
        signed(&store, 1..=5).await;
        let mut anchor = anchor(&store, 1, &server.endpoint());
        server.feel(Mood::Answers(StatusCode::from_u16(status).unwrap(), None));
        for (at, count) in [(0, 0), (3599, 0), (3600, 1), (9000, 1)] {
            assert_eq!(anchor.round(after(at)).await.unwrap(), 0);
            let silent = told(&store, "witness.silent").await;
            assert_eq!(silent.len(), count, "{status}, after {at} s");
            for said in silent {
                let why = said["after"]["why"].as_str().unwrap();
                assert!(why.contains(&status.to_string()), "{why}");
                for never in [SECRET, KEY_ID, "you wrote"] {
                    assert!(!said.to_string().contains(never), "{said}");
                }
            }
        }
        server.feel(Mood::Well);
        assert!(anchor.round(after(9060)).await.unwrap() > 0, "{status}");
        assert_eq!(told(&store, "witness.heard").await.len(), 1);
        assert!(told(&store, "witness.disagrees").await.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn anp_0012_a_bucket_that_is_not_there_is_away_and_says_no_secret() {
    let server = S3Server::start(BUCKET).await;
    let endpoint = server.endpoint();
    drop(server);
    let away = witness(&endpoint).add(&ask(LOG, &leaves(5, ""), 0)).await;
    assert!(
        matches!(&away, Err(NotTaken::Away(why)) if !why.contains(SECRET)),
        "{away:?}"
    );
}
