//! Heads on their way to a witness: by one replica at a time, told of once, and never for an outage what is a fork.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{NodeId, TenantId, TenantScope, UnixMillis};
use ledger::witness::{AddCheckpoint, Cosigner, NotCosigned, cosign};
use store::cosigned::Cosigned;
use store::{AuditQuery, LogKind, Registry, Store};
use telemetry::Metrics;
use worker::{Anchor, AnchorOptions, NotTaken, Witness};

use crate::checkpointing::{checkpointer, grow, signer, signing};
use crate::{FlakyStore, NOW, scope, store};

/// A witness in this process, and how often it was asked.
#[derive(Debug, Clone)]
struct Elsewhere {
    cosigner: Arc<Cosigner>,
    seen: Arc<Mutex<std::collections::HashMap<String, ledger::note::Checkpoint>>>,
    asked: Arc<AtomicU64>,
    is_away: Arc<std::sync::atomic::AtomicBool>,
}

impl Elsewhere {
    fn new() -> Self {
        Self {
            cosigner: Arc::new(Cosigner::from_seed("w", &[5; 32]).unwrap()),
            seen: Arc::default(),
            asked: Arc::default(),
            is_away: Arc::default(),
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

#[async_trait]
impl Witness for Elsewhere {
    async fn add(&self, asked: &AddCheckpoint) -> Result<Option<String>, NotTaken> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(NotTaken::Away("gone".to_owned()));
        }
        let mut all = self.seen.lock().unwrap();
        let seen = |origin: &str| all.get(origin).cloned();
        let keys = [signer(1).verifier().clone()];
        match cosign(asked, &keys, seen, (&self.cosigner, 7)) {
            Ok((head, line)) => {
                all.insert(head.origin.clone(), head);
                Ok(Some(line))
            }
            Err(NotCosigned::SeenOther(size)) => Err(NotTaken::Seen(size)),
            Err(why @ (NotCosigned::Forked(_) | NotCosigned::Inconsistent(_))) => {
                Err(NotTaken::Disagrees(why.to_string()))
            }
            Err(why) => Err(NotTaken::Refused(why.to_string())),
        }
    }

    fn signs_as(&self) -> Option<&str> {
        Some("w")
    }

    fn is_shared(&self) -> bool {
        true
    }
}

fn anchor(store: &Arc<FlakyStore>, node: u128, witness: &Elsewhere) -> Anchor {
    let engine: Arc<dyn Store> = store.clone();
    let options = AnchorOptions {
        name: "elsewhere".to_owned(),
        every: Duration::from_secs(60),
        silent_after: Duration::from_secs(3600),
    };
    let of = (engine.clone(), signing(engine, 1), NodeId::from_u128(node));
    let counted = Metrics::new("0").gauges().witness("elsewhere");
    Anchor::new(of, Box::new(witness.clone()), options, counted)
}

pub async fn signed(store: &Arc<FlakyStore>, ids: std::ops::RangeInclusive<u128>) {
    grow(store, 1, ids).await;
    checkpointer(store, 1).checkpoint_all(NOW).await.unwrap();
}

pub fn after(seconds: u64) -> UnixMillis {
    NOW.plus(Duration::from_secs(seconds))
}

/// The platform's records of this act.
pub async fn told(store: &FlakyStore, act: &str) -> Vec<serde_json::Value> {
    let platform = TenantScope::operator(TenantId::PLATFORM);
    let query = AuditQuery {
        act: Some(act.to_owned()),
        count: 1000,
        ..AuditQuery::default()
    };
    let read = store.inner.audit(&platform, &query).await.unwrap();
    let records = read
        .iter()
        .map(|stored| serde_json::from_slice(&stored.bytes).unwrap());
    records.collect()
}

#[tokio::test]
async fn anp_0012_one_replica_asks_and_another_goes_on_when_it_is_gone() {
    let (store, witness) = (store().await, Elsewhere::new());
    let (mut one, mut two) = (anchor(&store, 1, &witness), anchor(&store, 2, &witness));
    signed(&store, 1..=5).await;
    assert_eq!(one.round(after(0)).await.unwrap(), 1);
    let asked = witness.asked();
    signed(&store, 6..=9).await;
    assert_eq!(two.round(after(1)).await.unwrap(), 0);
    assert_eq!(witness.asked(), asked, "it is not its turn");
    assert_eq!(two.round(after(1000)).await.unwrap(), 1);
    assert_eq!(two.round(after(1001)).await.unwrap(), 0, "nothing is new");
    // The first wakes up: what the second handed over is no other log.
    signed(&store, 10..=12).await;
    assert_eq!(one.round(after(3000)).await.unwrap(), 1);
    assert!(told(&store, "witness.disagrees").await.is_empty());
    let kept = Cosigned::read(store.as_ref(), &scope(1), LogKind::Ledger)
        .await
        .unwrap();
    let head = kept.newest(1).unwrap();
    assert_eq!(
        (head.size, witness.cosigner.key().cosigned(&head.note)),
        (12, Some(7))
    );
    assert_eq!(kept.newest(2), None);
}

#[tokio::test]
async fn anp_0012_agp_r1_a_log_that_is_another_is_told_once_until_it_is_as_it_was() {
    let (first, witness) = (store().await, Elsewhere::new());
    signed(&first, 1..=5).await;
    anchor(&first, 1, &witness).round(after(0)).await.unwrap();
    // Another store under the same name: one shorter, one longer.
    for (ids, why) in [(1..=3, "rolled back"), (101..=109, "forked")] {
        let other = store().await;
        signed(&other, ids).await;
        let mut anchor = anchor(&other, 1, &witness);
        for look in 0..3 {
            assert_eq!(anchor.round(after(look * 60)).await.unwrap(), 0);
        }
        let told = told(&other, "witness.disagrees").await;
        assert_eq!(told.len(), 1, "{told:?}");
        let said = &told[0];
        assert_eq!(
            (&said["target"], &said["after"]["seen"]),
            (&"elsewhere".into(), &5.into())
        );
        assert!(said["after"]["why"].as_str().unwrap().contains(why), "{said}");
        let kept = Cosigned::read(other.as_ref(), &scope(1), LogKind::Ledger)
            .await
            .unwrap();
        assert_eq!(kept.newest(1), None);
    }
}

#[tokio::test]
async fn anp_0012_silence_is_told_when_it_has_lasted_and_so_is_its_end() {
    let (store, witness) = (store().await, Elsewhere::new());
    let mut anchor = anchor(&store, 1, &witness);
    signed(&store, 1..=5).await;
    witness.is_away.store(true, Ordering::Relaxed);
    for (at, count) in [(0, 0), (3599, 0), (3600, 1), (9000, 1)] {
        assert_eq!(anchor.round(after(at)).await.unwrap(), 0);
        assert_eq!(told(&store, "witness.silent").await.len(), count, "after {at} s");
    }
    witness.is_away.store(false, Ordering::Relaxed);
    assert_eq!(anchor.round(after(9060)).await.unwrap(), 1);
    assert_eq!(told(&store, "witness.heard").await.len(), 1);
    assert!(told(&store, "witness.disagrees").await.is_empty());
    // A witness that forgot everything is asked from the beginning, and told of nothing.
    witness.forget();
    signed(&store, 6..=7).await;
    // The ledger's head, and that of the log in which it was told.
    assert_eq!(anchor.round(after(9120)).await.unwrap(), 2);
}
