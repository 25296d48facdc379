//! Large batches: engines write many entries a statement, and nobody can tell from what is stored.

use domain::{BudgetId, NodeId};
use ledger::{Entry, merkle};

use super::fixtures::{Engine, House};
use crate::{Shipment, StoredEntry};

/// Below, at and past what engines may write in one statement.
const SIZES: [usize; 9] = [1, 2, 3, 31, 32, 33, 64, 65, 500];

/// What one entry costs in these cases.
const COST: i64 = 7;

struct Ledger {
    store: Engine,
    house: House,
    node: NodeId,
    budget: BudgetId,
}

impl Ledger {
    async fn build(store: &Engine) -> Self {
        let (house, node) = (House::build(store).await, NodeId::generate());
        let budget = house.budget(store, 1_000_000).await;
        let store = store.clone();
        Self {
            store,
            house,
            node,
            budget,
        }
    }

    fn batch(&self, count: usize) -> Vec<Shipment> {
        (0..count)
            .map(|_| self.house.shipment(self.node, &[self.budget], COST))
            .collect()
    }

    async fn append(&self, batch: &[Shipment]) -> u64 {
        let appended = self.store.append(&self.house.scope, self.node, batch).await;
        appended.unwrap()
    }

    /// That the log is exactly `want`, dense from 0, and each entry charged once.
    async fn is(&self, want: &[Shipment]) {
        let (store, scope, size) = (&self.store, &self.house.scope, want.len() as u64);
        let stored: Vec<_> = (0..)
            .zip(want)
            .map(|(index, shipment)| StoredEntry {
                index,
                bytes: shipment.bytes.to_vec(),
            })
            .collect();
        assert_eq!(store.size(scope).await.unwrap(), size);
        assert_eq!(store.entries(scope, 0, u64::MAX).await.unwrap(), stored);
        let leaves: Vec<_> = want
            .iter()
            .map(|shipment| merkle::leaf_hash(&shipment.bytes))
            .collect();
        assert_eq!(store.leaf_hashes(scope, 0, size).await.unwrap(), leaves);
        let spent = COST * i64::try_from(want.len()).unwrap();
        let standing = self.house.standing(store, self.budget).await;
        assert_eq!(standing, (spent, 0, 0), "each is charged once");
    }
}

/// The same request with other bytes: only the first of it counts.
fn forged(shipment: &Shipment) -> Shipment {
    let mut forged = shipment.clone();
    forged.bytes = b"forged".to_vec().into();
    forged
}

pub(super) async fn batches_of_every_size_are_appended_whole(store: Engine) {
    let ledger = Ledger::build(&store).await;
    let mut all = Vec::new();
    for size in SIZES {
        let batch = ledger.batch(size);
        assert_eq!(ledger.append(&batch).await, size as u64);
        all.extend(batch);
    }
    ledger.is(&all).await;
    let (last, index) = (all.last().unwrap(), all.len() as u64 - 1);
    let found = store
        .entry(&ledger.house.scope, last.posting.request)
        .await
        .unwrap();
    assert_eq!(found.index, index);
}

pub(super) async fn batches_of_every_size_may_be_shipped_again(store: Engine) {
    let ledger = Ledger::build(&store).await;
    let mut all = Vec::new();
    for size in SIZES {
        let batch = ledger.batch(size);
        assert_eq!(ledger.append(&batch).await, size as u64);
        let again: Vec<_> = batch.iter().map(forged).collect();
        assert_eq!(ledger.append(&again).await, 0, "{size} again");
        all.extend(batch);
    }
    ledger.is(&all).await;
}

pub(super) async fn what_a_batch_has_twice_is_appended_once(store: Engine) {
    for (first, second) in [(0, 1), (0, 69), (30, 31), (31, 32), (32, 63), (68, 69), (5, 40)] {
        let ledger = Ledger::build(&store).await;
        let mut batch = ledger.batch(69);
        let want = batch.clone();
        batch.insert(second, forged(&want[first]));
        assert_eq!(ledger.append(&batch).await, 69, "{first} again at {second}");
        ledger.is(&want).await;
    }
    let ledger = Ledger::build(&store).await;
    let one = ledger.batch(1);
    let mut hundred = vec![forged(&one[0]); 100];
    hundred[0] = one[0].clone();
    assert_eq!(ledger.append(&hundred).await, 1, "a hundred times");
    ledger.is(&one).await;
}

pub(super) async fn a_batch_may_overlap_an_earlier_one_anywhere(store: Engine) {
    for known in [0, 1, 31, 32, 33, 64, 99] {
        let ledger = Ledger::build(&store).await;
        let new = ledger.batch(100);
        let earlier = ledger.batch(3);
        let mut batch = new.clone();
        batch.insert(known, forged(&earlier[1]));
        assert_eq!(ledger.append(&earlier).await, 3);
        assert_eq!(ledger.append(&batch).await, 100, "known at {known}");
        ledger.is(&[earlier, new].concat()).await;
    }
    let ledger = Ledger::build(&store).await;
    let all = ledger.batch(150);
    assert_eq!(ledger.append(&all[..90]).await, 90);
    assert_eq!(ledger.append(&all[40..]).await, 60, "the first fifty are known");
    ledger.is(&all).await;
}

pub(super) async fn agp_e1_two_tenants_may_ship_the_same_requests(store: Engine) {
    let (one, other) = (Ledger::build(&store).await, Ledger::build(&store).await);
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let batch = one.batch(40);
        let same: Vec<_> = other
            .batch(40)
            .into_iter()
            .zip(&batch)
            .map(|(shipment, same)| {
                let mut entry = Entry::from_bytes(&shipment.bytes).unwrap();
                entry.id = same.posting.request;
                Shipment::from(&entry)
            })
            .collect();
        assert_eq!((one.append(&batch).await, other.append(&same).await), (40, 40));
        ones.extend(batch);
        others.extend(same);
    }
    one.is(&ones).await;
    other.is(&others).await;
}
