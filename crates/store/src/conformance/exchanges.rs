//! Kept exchanges: added once, found by what is known of them, removed when they are over, and nobody else's.

use domain::{DataClass, KeyId, RequestId, UnixMillis};
use ledger::Kept;

use super::fixtures::{Engine, House, MIDNIGHT};
use crate::{ExchangeQuery, ExchangeRow, Over, SealedExchange, StoreError, forget_all_exchanges};

fn kept(number: u128, after_ms: i64, key: KeyId, model: &str) -> SealedExchange {
    SealedExchange {
        row: ExchangeRow {
            id: RequestId::from_u128(number),
            started: UnixMillis(MIDNIGHT.0 + after_ms),
            key,
            model: Some(model.to_owned()),
            kept: Kept::Redacted,
            status: 200,
            data_class: DataClass::Internal,
            request_bytes: 7,
            answer_bytes: u64::from(u32::MAX) + 1,
        },
        sealed: vec![0, 255, 1, u8::try_from(number % 251).unwrap()],
    }
}

fn ids(rows: &[ExchangeRow]) -> Vec<u128> {
    rows.iter().map(|row| row.id.as_u128()).collect()
}

const ALL: ExchangeQuery = ExchangeQuery {
    from: None,
    until: None,
    key: None,
    model: None,
    data_class: None,
    after: None,
    count: 100,
};

pub(super) async fn anp_0012_an_exchange_is_kept_once_and_never_replaced(store: Engine) {
    let house = House::build(&store).await;
    let (first, second) = (kept(1, 0, house.key.id, "a"), kept(2, 0, house.key.id, "a"));
    let both = [first.clone(), second.clone()];
    let none = SealedExchange {
        row: ExchangeRow {
            model: None,
            ..kept(3, 5, house.key.id, "").row
        },
        ..kept(3, 5, house.key.id, "")
    };
    assert_eq!(store.keep_exchanges(&house.scope, &both).await, Ok(2));
    let again = SealedExchange {
        sealed: vec![9],
        ..first.clone()
    };
    assert_eq!(
        store.keep_exchanges(&house.scope, &[again, none.clone()]).await,
        Ok(1)
    );
    assert_eq!(store.exchange(&house.scope, first.row.id).await, Ok(first));
    assert_eq!(store.exchange(&house.scope, none.row.id).await, Ok(none));
    assert_eq!(
        store.exchange(&house.scope, RequestId::from_u128(4)).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.keep_exchanges(&house.scope, &[]).await, Ok(0));
}

pub(super) async fn exchanges_are_found_newest_first_and_page_by_page(store: Engine) {
    let house = House::build(&store).await;
    let other = KeyId::from_u128(99);
    let rows: Vec<SealedExchange> = (1..=9)
        .map(|n: u128| {
            let key = if n.is_multiple_of(2) { house.key.id } else { other };
            // Two begin in each moment.
            kept(
                n,
                i64::try_from(n / 2).unwrap(),
                key,
                if n < 5 { "a" } else { "b" },
            )
        })
        .collect();
    store.keep_exchanges(&house.scope, &rows).await.unwrap();
    let all = store.exchanges(&house.scope, &ALL).await.unwrap();
    assert_eq!(ids(&all), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(all[0], rows[8].row);
    let at = |ms: i64| Some(UnixMillis(MIDNIGHT.0 + ms));
    let asked = [
        (
            ExchangeQuery {
                key: Some(house.key.id),
                ..ALL
            },
            vec![8, 6, 4, 2],
        ),
        (
            ExchangeQuery {
                model: Some("a".to_owned()),
                ..ALL
            },
            vec![4, 3, 2, 1],
        ),
        (
            ExchangeQuery {
                from: at(1),
                until: at(3),
                ..ALL
            },
            vec![5, 4, 3, 2],
        ),
        (
            ExchangeQuery {
                key: Some(other),
                model: Some("b".to_owned()),
                until: at(4),
                ..ALL
            },
            vec![7, 5],
        ),
    ];
    for (query, expected) in asked {
        let found = store.exchanges(&house.scope, &query).await.unwrap();
        assert_eq!(ids(&found), expected, "{query:?}");
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let query = ExchangeQuery {
            after,
            count: 2,
            ..ALL
        };
        let page = store.exchanges(&house.scope, &query).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.started, last.id));
        seen.extend(ids(&page));
    }
    assert_eq!(seen, ids(&all));
}

pub(super) async fn anp_0010_exchanges_go_when_they_are_over_the_oldest_first(store: Engine) {
    let house = House::build(&store).await;
    let rows: Vec<SealedExchange> = (1..=6)
        .map(|n| kept(n, i64::try_from(n).unwrap(), house.key.id, "a"))
        .collect();
    store.keep_exchanges(&house.scope, &rows).await.unwrap();
    let before = Over::all(UnixMillis(MIDNIGHT.0 + 5));
    assert_eq!(store.forget_exchanges(&house.scope, before, 2).await, Ok(2));
    let left = store.exchanges(&house.scope, &ALL).await.unwrap();
    assert_eq!(ids(&left), [6, 5, 4, 3]);
    assert_eq!(
        forget_all_exchanges(store.as_ref(), &house.scope, before).await,
        Ok(2)
    );
    assert_eq!(store.forget_exchanges(&house.scope, before, 2).await, Ok(0));
    let left = store.exchanges(&house.scope, &ALL).await.unwrap();
    assert_eq!(ids(&left), [6, 5]);
}

pub(super) async fn anp_0020_exchanges_go_by_what_they_carry_and_what_is_less_grave_stays(store: Engine) {
    let house = House::build(&store).await;
    let carrying = |number: u128, class: DataClass| {
        let mut one = kept(number, i64::try_from(number).unwrap(), house.key.id, "a");
        one.row.data_class = class;
        one
    };
    // One of each class, twice.
    let rows: Vec<SealedExchange> = (0..8)
        .map(|n| carrying(n + 1, DataClass::ALL[usize::try_from(n % 4).unwrap()]))
        .collect();
    store.keep_exchanges(&house.scope, &rows).await.unwrap();
    for row in &rows {
        assert_eq!(store.exchange(&house.scope, row.row.id).await.as_ref(), Ok(row));
    }
    let of = |data_class| ExchangeQuery { data_class, ..ALL };
    for (class, expected) in [
        (None, vec![8, 7, 6, 5, 4, 3, 2, 1]),
        (Some(DataClass::Public), vec![8, 7, 6, 5, 4, 3, 2, 1]),
        (Some(DataClass::Internal), vec![8, 7, 6, 4, 3, 2]),
        (Some(DataClass::Restricted), vec![8, 4]),
    ] {
        let found = store.exchanges(&house.scope, &of(class)).await.unwrap();
        assert_eq!(ids(&found), expected, "{class:?}");
    }
    let over = |ms, data_class| Over {
        before: UnixMillis(MIDNIGHT.0 + ms),
        data_class,
    };
    let restricted = over(8, Some(DataClass::Restricted));
    assert_eq!(store.forget_exchanges(&house.scope, restricted, 9).await, Ok(1));
    let graver = over(9, Some(DataClass::Confidential));
    assert_eq!(store.forget_exchanges(&house.scope, graver, 1).await, Ok(1));
    let left = store.exchanges(&house.scope, &ALL).await.unwrap();
    assert_eq!(ids(&left), [8, 7, 6, 5, 2, 1], "the oldest of those first");
    assert_eq!(
        forget_all_exchanges(store.as_ref(), &house.scope, graver).await,
        Ok(2)
    );
    assert_eq!(
        store.forget_exchanges(&house.scope, over(6, None), 9).await,
        Ok(3)
    );
    let left = store.exchanges(&house.scope, &ALL).await.unwrap();
    assert_eq!(ids(&left), [6]);
}

pub(super) async fn agp_e1_exchanges_never_reach_another_tenant(store: Engine) {
    let (house, other) = (House::build(&store).await, House::build(&store).await);
    let mine = kept(1, 0, house.key.id, "a");
    store
        .keep_exchanges(&house.scope, std::slice::from_ref(&mine))
        .await
        .unwrap();
    // The same call's id in another tenant is another call.
    let theirs = SealedExchange {
        sealed: vec![4],
        ..mine.clone()
    };
    assert_eq!(
        store.exchange(&other.scope, mine.row.id).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(store.exchanges(&other.scope, &ALL).await, Ok(vec![]));
    assert_eq!(
        store
            .keep_exchanges(&other.scope, std::slice::from_ref(&theirs))
            .await,
        Ok(1)
    );
    let end = UnixMillis(MIDNIGHT.0 + 1);
    assert_eq!(
        store.forget_exchanges(&other.scope, Over::all(end), 9).await,
        Ok(1)
    );
    assert_eq!(store.exchange(&house.scope, mine.row.id).await, Ok(mine));
}
