//! Reading a ledger in the order in which its calls ended.

use domain::{NodeId, UnixMillis};

use super::fixtures::{Engine, House, MIDNIGHT};
use crate::{EntrySpan, StoreError, each_finished};

const ALL: EntrySpan = EntrySpan {
    from: UnixMillis(i64::MIN),
    until: UnixMillis(i64::MAX),
    size: u64::MAX,
};

fn at(offset: i64) -> UnixMillis {
    UnixMillis(MIDNIGHT.0 + offset)
}

/// A house whose entries ended at these times, in this order.
async fn ended(store: &Engine, offsets: &[i64]) -> House {
    let (house, node) = (House::build(store).await, NodeId::generate());
    for offset in offsets {
        let shipment = house.shipment_of(node, |entry| entry.finished = at(*offset));
        store.append(&house.scope, node, &[shipment]).await.unwrap();
    }
    house
}

/// Places of what is read in pages of `count`.
async fn places(store: &Engine, house: &House, span: &EntrySpan, count: u64) -> Vec<u64> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .entries_finished(&house.scope, span, after, count)
            .await
            .unwrap();
        assert!(page.len() as u64 <= count);
        let Some(last) = page.last() else { return found };
        let entry = ledger::Entry::from_bytes(&last.bytes).unwrap();
        after = Some((entry.finished, last.index));
        found.extend(page.iter().map(|stored| stored.index));
    }
}

pub(super) async fn entries_are_read_in_the_order_of_their_ends(store: Engine) {
    // A journal that was replayed brings what ended long before; many end at one time.
    let house = ended(&store, &[5, 5, 0, 9, 5, 5, 1, 5]).await;
    let order = [2, 6, 0, 1, 4, 5, 7, 3];
    for count in [1, 2, 3, 8, 100] {
        assert_eq!(
            places(&store, &house, &ALL, count).await,
            order,
            "in pages of {count}"
        );
    }
    let mut seen = Vec::new();
    let read = each_finished(store.as_ref(), &house.scope, &ALL, |stored| {
        seen.push(stored.index);
        ledger::Entry::from_bytes(&stored.bytes)
            .map(|entry| entry.finished)
            .map_err(|error| StoreError::Damaged(error.to_string()))
    });
    read.await.unwrap();
    assert_eq!(seen, order);
}

pub(super) async fn a_reading_by_time_sees_one_tenant_and_no_more_than_it_asked_for(store: Engine) {
    let house = ended(&store, &[0, 1, 2, 3, 1]).await;
    let other = ended(&store, &[1]).await;
    let span = EntrySpan {
        from: at(1),
        until: at(3),
        size: u64::MAX,
    };
    assert_eq!(
        places(&store, &house, &span, 2).await,
        [1, 4, 2],
        "from is included, until is not"
    );
    assert_eq!(places(&store, &other, &span, 2).await, [0]);
    let short = EntrySpan { size: 4, ..span };
    assert_eq!(
        places(&store, &house, &short, 2).await,
        [1, 2],
        "what came later is not seen"
    );
    let none = EntrySpan { until: at(1), ..span };
    assert_eq!(places(&store, &house, &none, 2).await, [0u64; 0]);
    let before = Some((at(0), u64::MAX));
    let read = store
        .entries_finished(&house.scope, &span, before, 9)
        .await
        .unwrap();
    assert_eq!(read.len(), 3, "a reading never begins before its time");
}
