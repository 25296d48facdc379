//! False alarms counted over ordinary days of benign families, and what is found of days that stand out.

use domain::Money;
use finops::{ANOMALY_DAYS_MIN, FALSE_ALARMS_IN, judge};

use crate::families::{Family, series};

const SEEDS: u64 = 24;
const DAYS: usize = 180;
const PAGE: &str = include_str!("../../../../docs/finops.md");

#[test]
fn ordinary_days_raise_at_most_the_stated_rate_of_false_alarms() {
    let (mut all_days, mut all_alarms) = (0, 0);
    for family in Family::BENIGN {
        let (mut days, mut alarms) = (0_u32, 0_u32);
        for seed in 0..SEEDS {
            let whole = series(&family.dollars(DAYS, seed + 1_000));
            for known in ANOMALY_DAYS_MIN + 7..DAYS {
                let history = whole.until_day(whole.first().plus(known as i64));
                let Ok(judged) = judge(&history, whole.amounts()[known]) else {
                    continue;
                };
                days += 1;
                alarms += u32::from(judged.is_anomaly);
            }
        }
        println!(
            "{family:?}: {alarms} alarms in {days} days, one in {}",
            days / alarms.max(1)
        );
        // The worst family alone, which has the heaviest tails, is not far above the rate that is stated of all.
        assert!(
            alarms * FALSE_ALARMS_IN * 4 <= days * 5,
            "{family:?}: {alarms} of {days}"
        );
        all_days += days;
        all_alarms += alarms;
    }
    let rate = all_days / all_alarms;
    println!("of all: one in {rate}");
    assert!(rate >= FALSE_ALARMS_IN, "one in {rate}");
    let (_, said) = PAGE
        .split_once("false alarm on one in ")
        .expect("docs/finops.md says a rate");
    let said: u32 = said.split(' ').next().unwrap().parse().unwrap();
    assert!(
        said.abs_diff(rate) * 5 <= rate,
        "docs/finops.md says one in {said}, and it is {rate}"
    );
}

/// How many of a hundred days that have so many times the usual are found.
fn found(family: Family, known: usize, times: f64) -> u32 {
    let found = |seed: &u64| {
        let mut dollars = family.dollars(known + 1, seed + 5_000);
        dollars[known] *= times;
        let whole = series(&dollars);
        let (history, spent) = whole.split_last().unwrap();
        judge(&history, spent).unwrap().is_anomaly
    };
    u32::try_from((0..100).filter(found).count()).unwrap()
}

#[test]
fn days_of_three_and_ten_times_the_usual_are_found() {
    for (family, known, times, least) in [
        (Family::Steady, 35, 3.0, 93),
        (Family::Steady, 90, 3.0, 97),
        (Family::Weekday, 42, 3.0, 75),
        (Family::Weekday, 90, 3.0, 90),
        (Family::Growing, 90, 3.0, 85),
        (Family::Steady, 35, 10.0, 99),
        (Family::Weekday, 42, 10.0, 97),
        (Family::Growing, 90, 10.0, 99),
        (Family::Heavy, 90, 10.0, 90),
    ] {
        let count = found(family, known, times);
        println!("{family:?}, {known} days known, {times} times: {count} of 100 found");
        assert!(
            count >= least,
            "{family:?}, {known} known, {times} times: {count}"
        );
    }
}

#[test]
fn a_first_alarm_does_not_hide_the_next() {
    let mut dollars = Family::Steady.dollars(80, 7);
    dollars[50] *= 10.0;
    dollars[60] *= 10.0;
    let whole = series(&dollars);
    for at in [50, 60] {
        let history = whole.until_day(whole.first().plus(at));
        assert!(
            judge(&history, whole.amounts()[at as usize]).unwrap().is_anomaly,
            "{at}"
        );
    }
}

#[test]
fn a_new_series_says_so_and_cents_are_nobodys_concern() {
    let short = series(&Family::Steady.dollars(ANOMALY_DAYS_MIN - 1, 1));
    let error = judge(&short, Money::from_dollars(1_000)).unwrap_err();
    assert_eq!(
        (error.days, error.needs),
        (ANOMALY_DAYS_MIN - 1, ANOMALY_DAYS_MIN)
    );
    let cents = series(&vec![0.001; 60]);
    assert!(!judge(&cents, Money::from_nanos(50_000_000)).unwrap().is_anomaly);
    assert!(judge(&cents, Money::from_nanos(500_000_000)).unwrap().is_anomaly);
    // Less than usual is not said.
    assert!(!judge(&series(&[100.0; 60]), Money::ZERO).unwrap().is_anomaly);
}
