//! What comes late is in the next statement, once: whatever comes when, and whichever times are made final in what order.

use domain::{Money, UnixMillis};
use finops::{Closed, Cost, Day, Late, LateItem, Quantities, Rules};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Entry {
    day: i64,
    cost: Cost,
}

/// What a statement has: of its own time, and late.
#[derive(Debug)]
struct Made {
    closed: Closed,
    own: Quantities,
    late: Vec<LateItem>,
}

fn day(at: i64) -> Day {
    Day::default().plus(at)
}

fn ended(entry: &Entry) -> UnixMillis {
    UnixMillis(day(entry.day).start().0 + 1)
}

fn sum(of: impl Iterator<Item = Quantities>) -> Quantities {
    of.fold(Quantities::default(), Quantities::plus)
}

/// Makes a time final over the ledger as it is, as a statement is: unless another has a part of it.
fn finalize(made: &mut Vec<Made>, ledger: &[Entry], (from, until): (Day, Day), takes_late: bool) {
    if made
        .iter()
        .any(|one| one.closed.from < until && from < one.closed.until)
    {
        return;
    }
    let closed: Vec<Closed> = made.iter().map(|one| one.closed).collect();
    let mut late = Late::behind(&closed);
    for (place, entry) in (0..).zip(ledger).filter(|_| takes_late) {
        late.take(place, ended(entry), &entry.cost);
    }
    let of_time = ledger
        .iter()
        .filter(|entry| (from..until).contains(&day(entry.day)));
    made.push(Made {
        closed: Closed {
            number: made.len() as u64 + 1,
            from,
            until,
            size: ledger.len() as u64,
            takes_late,
        },
        own: sum(of_time.map(|entry| entry.cost.of)),
        late: late.items(&Rules::default()),
    });
}

fn any_entry() -> impl Strategy<Value = Entry> {
    // Below zero: corrections, which are no calls.
    (0..20_i64, -1_000..1_000_000_i64, 0..3_u8, 0..2_u64).prop_map(|(day, nanos, team, requests)| Entry {
        day,
        cost: Cost {
            team: Some(format!("t{team}")),
            of: Quantities {
                cost: Money::from_nanos(nanos),
                requests,
                tokens: requests * 7,
            },
            ..Cost::default()
        },
    })
}

fn any_step() -> impl Strategy<Value = (Vec<Entry>, (i64, i64), bool)> {
    (
        prop::collection::vec(any_entry(), 0..8),
        (0..20_i64, 1..8_i64),
        prop::bool::weighted(0.8),
    )
}

proptest! {
    #[test]
    fn the_sum_over_all_statements_is_the_sum_over_all_entries_whatever_comes_late(
        steps in prop::collection::vec(any_step(), 1..12),
        last in prop::collection::vec(any_entry(), 0..8),
    ) {
        let (mut ledger, mut made) = (Vec::new(), Vec::new());
        for (entries, (first, days), takes_late) in steps {
            ledger.extend(entries);
            finalize(&mut made, &ledger, (day(first), day(first + days)), takes_late);
        }
        // What came last, and a statement of another time that has what waits.
        ledger.extend(last);
        finalize(&mut made, &ledger, (day(40), day(41)), true);
        let is_closed = |entry: &&Entry| {
            made.iter().any(|one| (one.closed.from..one.closed.until).contains(&day(entry.day)))
        };
        let all = sum(ledger.iter().filter(is_closed).map(|entry| entry.cost.of));
        let charged = made.iter().map(|one| one.own.plus(sum(one.late.iter().map(|item| item.total))));
        prop_assert_eq!(sum(charged), all);
        for item in made.iter().flat_map(|one| &one.late) {
            prop_assert_eq!(sum(item.lines.iter().map(|line| line.bears)), item.total);
        }
        // Time by time too: what came late is named with the time it is of.
        for one in &made {
            let of = ledger.iter().filter(|entry| (one.closed.from..one.closed.until).contains(&day(entry.day)));
            let late = made.iter().flat_map(|one| &one.late).filter(|item| item.statement == one.closed.number);
            prop_assert_eq!(one.own.plus(sum(late.map(|item| item.total))), sum(of.map(|entry| entry.cost.of)));
        }
        // And nothing waits any more.
        let closed: Vec<Closed> = made.iter().map(|one| one.closed).collect();
        let mut late = Late::behind(&closed);
        for (place, entry) in (0..).zip(&ledger) {
            prop_assert!(!late.take(place, ended(entry), &entry.cost));
        }
    }
}

#[test]
fn what_came_late_for_statements_that_took_none_is_in_the_first_that_does() {
    let entry = |at: i64, nanos: i64| Entry {
        day: at,
        cost: Cost {
            of: Quantities {
                cost: Money::from_nanos(nanos),
                requests: 1,
                tokens: 0,
            },
            ..Cost::default()
        },
    };
    let (mut ledger, mut made) = (vec![entry(1, 1)], Vec::new());
    finalize(&mut made, &ledger, (day(1), day(2)), false);
    ledger.push(entry(1, 10));
    finalize(&mut made, &ledger, (day(2), day(3)), false);
    ledger.extend([entry(1, 100), entry(2, 1_000), entry(5, 10_000)]);
    finalize(&mut made, &ledger, (day(3), day(4)), true);
    let last = made.last().unwrap();
    let said: Vec<_> = last
        .late
        .iter()
        .map(|item| (item.statement, item.since, item.total.cost.nanos()))
        .collect();
    assert_eq!(
        said,
        [(1, 1, 110), (2, 2, 1_000)],
        "and nothing of a day that is in no statement"
    );
    // Of what is not there any more nothing is said to have been read.
    let closed = [made[0].closed];
    assert_eq!(Late::behind(&closed).kept_from(7).since(), Some(7));
    assert_eq!(Late::behind(&[]).kept_from(7).since(), None);
}
