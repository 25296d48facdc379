//! Entries whose time is over: they go from the beginning on, and nothing else changes.

use domain::{AuditId, NodeId, UnixMillis};
use ledger::{AuditActor, AuditRecord, merkle};

use super::fixtures::{Engine, House};
use crate::usage::UsageQuery;
use crate::{AuditEntry, Change, EntriesKept, EntrySpan, LogKind, Shipment, StoreError, each_finished};

/// January, February and March 2020 begin.
const JANUARY: i64 = 1_577_836_800_000;
const FEBRUARY: i64 = 1_580_515_200_000;
const MARCH: i64 = 1_583_020_800_000;

const ALL: EntrySpan = EntrySpan {
    from: UnixMillis(i64::MIN),
    until: UnixMillis(i64::MAX),
    size: u64::MAX,
};

fn told(house: &House) -> AuditEntry {
    let whose = (AuditId::generate(), house.tenant.id);
    let actor = AuditActor::Gate("ledger retention".to_owned());
    AuditRecord::done(whose, UnixMillis(7), actor, "ledger.remove").into()
}

fn remove(from: u64, below: u64, until: i64) -> [Change; 1] {
    let until = UnixMillis(until);
    [Change::RemoveEntries { from, below, until }]
}

/// Three that ended in January, two in February, one of January that came late, one of March.
fn of_three_months(house: &House) -> Vec<Shipment> {
    let (node, day) = (NodeId::generate(), 86_400_000);
    let ends = [0, 1, 30 * day].map(|offset| JANUARY + offset);
    let ends = ends
        .into_iter()
        .chain([FEBRUARY, FEBRUARY + day, JANUARY + 9, MARCH + day]);
    ends.map(|end| house.shipment_of(node, |entry| entry.finished = UnixMillis(end)))
        .collect()
}

/// Places of all that is there, as both ways of reading tell them.
async fn places(store: &Engine, house: &House) -> Vec<u64> {
    let read = store.entries(&house.scope, 0, 100).await.unwrap();
    let mut by_place: Vec<u64> = read.iter().map(|stored| stored.index).collect();
    let by_end = store
        .entries_finished(&house.scope, &ALL, None, 100)
        .await
        .unwrap();
    let mut by_end: Vec<u64> = by_end.iter().map(|stored| stored.index).collect();
    by_end.sort_unstable();
    assert_eq!(by_place, by_end);
    by_place.dedup();
    by_place
}

async fn tended(store: &Engine) {
    for _ in 0..100 {
        if !store.tend_entries(UnixMillis::now()).await.unwrap() {
            return;
        }
    }
    panic!("there is no end to it");
}

pub(super) async fn agp_t4_removed_entries_leave_their_hashes_and_the_sums(store: Engine) {
    let house = House::build(&store).await;
    let (scope, node, shipments) = (&house.scope, NodeId::generate(), of_three_months(&house));
    assert_eq!(store.append(scope, node, &shipments).await.unwrap(), 7);
    let before = store.leaf_hashes(scope, 0, 7).await.unwrap();
    let query = UsageQuery::over(UnixMillis(JANUARY), UnixMillis(MARCH));
    let used = store.usage(scope, &query).await.unwrap();
    assert_eq!(used.total.requests, 6);
    let nothing = EntriesKept {
        from: 0,
        since: UnixMillis(0),
    };
    assert_eq!(store.entries_kept(scope).await, Ok(nothing));
    store
        .commit(scope, &remove(0, 3, FEBRUARY), Some(&told(&house)))
        .await
        .unwrap();
    // Before anything is taken out of the store as much as after, and what was stopped in between goes on.
    for round in 0..2 {
        let kept = EntriesKept {
            from: 3,
            since: UnixMillis(FEBRUARY),
        };
        assert_eq!(store.entries_kept(scope).await, Ok(kept));
        assert_eq!(places(&store, &house).await, [3, 4, 5, 6], "{round}");
        assert_eq!(store.log_size(scope, LogKind::Ledger).await, Ok(7));
        assert_eq!(store.leaf_hashes(scope, 0, 7).await.unwrap(), before);
        assert_eq!(store.leaf_hashes(scope, 2, 4).await.unwrap(), before[2..4]);
        assert_eq!(store.usage(scope, &query).await.unwrap(), used);
        for (index, shipment) in shipments.iter().enumerate() {
            let found = store.entry(scope, shipment.posting.request).await;
            assert_eq!(found.is_ok(), index >= 3, "{index}");
        }
        assert_eq!(store.append(scope, node, &shipments).await, Ok(0), "again");
        let since = |from| EntrySpan {
            from: UnixMillis(from),
            ..ALL
        };
        for (from, is_whole) in [(JANUARY, false), (FEBRUARY - 1, false), (FEBRUARY, true)] {
            let end = |_: &crate::StoredEntry| Ok::<_, StoreError>(UnixMillis(i64::MAX));
            let read = each_finished(store.as_ref(), scope, &since(from), end).await;
            let expected = match is_whole {
                true => Ok(()),
                false => Err(StoreError::Removed(UnixMillis(FEBRUARY))),
            };
            assert_eq!(read, expected);
        }
        tended(&store).await;
    }
    // And on.
    store
        .commit(scope, &remove(3, 6, MARCH), Some(&told(&house)))
        .await
        .unwrap();
    tended(&store).await;
    assert_eq!(places(&store, &house).await, [6]);
    let next = house.shipment_of(node, |entry| entry.finished = UnixMillis(JANUARY + 3));
    let again = [shipments[4].clone(), next.clone()];
    assert_eq!(store.append(scope, node, &again).await, Ok(1));
    let leaves = store.leaf_hashes(scope, 0, 8).await.unwrap();
    assert_eq!(leaves[..7], before);
    assert_eq!(leaves[7], merkle::leaf_hash(&next.bytes));
    assert_eq!(places(&store, &house).await, [6, 7]);
}

pub(super) async fn agp_t4_entries_go_from_the_beginning_on_and_not_silently(store: Engine) {
    let house = House::build(&store).await;
    let (scope, node) = (&house.scope, NodeId::generate());
    store.append(scope, node, &of_three_months(&house)).await.unwrap();
    store
        .commit(scope, &remove(0, 2, FEBRUARY), Some(&told(&house)))
        .await
        .unwrap();
    for (from, below) in [(0, 1), (0, 3), (3, 4), (2, 2), (2, 8), (3, 2), (2, u64::MAX)] {
        let refused = store
            .commit(scope, &remove(from, below, FEBRUARY), Some(&told(&house)))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "{from} {below} {refused:?}"
        );
    }
    let silently = store.commit(scope, &remove(2, 3, FEBRUARY), None).await;
    assert!(matches!(silently, Err(StoreError::Conflict(_))), "{silently:?}");
    let other = House::build(&store).await;
    let elsewhere = store
        .commit(&other.scope, &remove(0, 1, FEBRUARY), Some(&told(&other)))
        .await;
    assert!(elsewhere.is_err(), "{elsewhere:?}");
    // What others have in the same months stays, whoever's goes.
    assert_eq!(
        store.append(&other.scope, node, &of_three_months(&other)).await,
        Ok(7)
    );
    tended(&store).await;
    assert_eq!(places(&store, &house).await, [2, 3, 4, 5, 6]);
    assert_eq!(places(&store, &other).await, [0, 1, 2, 3, 4, 5, 6]);
}
