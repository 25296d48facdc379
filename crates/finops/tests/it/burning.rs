//! When a budget is gone.

use domain::{Money, UnixMillis};
use finops::{Burn, DAY_MS, Day, Series, Standing, burn, utilisation};

use crate::families::{Family, first, series};

fn standing(spent: i64, limit: i64, from: Day, until: Option<Day>, now: UnixMillis) -> Standing {
    Standing {
        spent: Money::from_dollars(spent),
        limit: Money::from_dollars(limit),
        start: from.start(),
        end: until.map(Day::start),
        now,
    }
}

/// Sixty days of about the same, ten dollars a day.
fn history() -> Series {
    let days = Family::Steady.dollars(60, 5);
    let mean = days.iter().sum::<f64>() / 60.0;
    series(&days.iter().map(|day| day / mean * 10.0).collect::<Vec<_>>())
}

#[test]
fn use_is_said_beside_how_much_of_the_window_is_over() {
    let from = first();
    let now = UnixMillis(from.start().0 + 3 * DAY_MS);
    let used = utilisation(&standing(25, 100, from, Some(from.plus(30)), now));
    assert_eq!(
        (used.used_bp, used.elapsed_bp, used.remaining),
        (2_500, Some(1_000), Money::from_dollars(75))
    );
    let over = utilisation(&standing(150, 100, from, None, now));
    assert_eq!(
        (over.used_bp, over.elapsed_bp, over.remaining),
        (15_000, None, Money::ZERO)
    );
    assert_eq!(utilisation(&standing(0, 0, from, None, now)).used_bp, 10_000);
}

#[test]
fn a_budget_is_gone_when_the_days_before_say_so() {
    let history = history();
    let today = history.until();
    let window = |limit| standing(100, limit, today.plus(-10), Some(today.plus(20)), today.start());
    let Burn::Days { per_day, exhaustion } = burn(&window(200), Some(&history)) else {
        panic!("there is history enough");
    };
    assert!((8..=12).contains(&(per_day.nanos() / 1_000_000_000)), "{per_day}");
    // A hundred dollars are left, at ten a day.
    let expected = exhaustion.expected.unwrap();
    assert!((8..=12).contains(&expected.since(today)), "{expected}");
    assert!(exhaustion.earliest.unwrap() <= expected && expected <= exhaustion.latest.unwrap());
    assert_eq!(exhaustion.chance_bp, 10_000);
    let (low, middle, high) = exhaustion.at_end.unwrap();
    assert!(low < middle && middle < high && (280..=320).contains(&(middle.nanos() / 1_000_000_000)));
    let Burn::Days { exhaustion, .. } = burn(&window(1_000), Some(&history)) else {
        panic!("there is history enough");
    };
    assert_eq!(
        (exhaustion.chance_bp, exhaustion.expected, exhaustion.earliest),
        (0, None, None)
    );
    let Burn::Days { exhaustion, .. } = burn(&window(50), Some(&history)) else {
        panic!("there is history enough");
    };
    assert_eq!(exhaustion.expected, Some(today), "it is gone already");
}

#[test]
fn a_chance_is_between_none_and_all_near_the_edge() {
    let history = history();
    let today = history.until();
    let chance = |limit| {
        let standing = standing(0, limit, today, Some(today.plus(30)), today.start());
        match burn(&standing, Some(&history)) {
            Burn::Days { exhaustion, .. } => exhaustion.chance_bp,
            other => panic!("{other:?}"),
        }
    };
    let chances: Vec<i64> = [250, 290, 300, 310, 350].into_iter().map(chance).collect();
    assert!(chances.is_sorted_by(|a, b| a >= b), "{chances:?}");
    assert!(
        chances[0] > 9_000 && chances[4] < 1_000 && (500..9_500).contains(&chances[2]),
        "{chances:?}"
    );
}

#[test]
fn without_history_the_window_itself_is_the_pace() {
    let from = first();
    let at = |hours: i64| UnixMillis(from.start().0 + hours * DAY_MS / 24);
    let day = |spent, hours| standing(spent, 100, from, Some(from.plus(1)), at(hours));
    assert_eq!(burn(&day(1, 1), None), Burn::Unknown, "too early to say");
    let half = Burn::Pace {
        per_day: Money::from_dollars(160),
        at: Some(at(15)),
    };
    assert_eq!(burn(&day(80, 12), None), half);
    assert_eq!(
        burn(&day(80, 12), Some(&history())),
        half,
        "a day is too short for days"
    );
    assert_eq!(
        burn(&day(40, 12), None),
        Burn::Pace {
            per_day: Money::from_dollars(80),
            at: None
        }
    );
    assert_eq!(
        burn(&day(0, 12), None),
        Burn::Pace {
            per_day: Money::ZERO,
            at: None
        }
    );
    assert_eq!(burn(&standing(40, 100, from, None, at(999)), None), Burn::Unknown);
}
