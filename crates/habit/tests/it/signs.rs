//! What stands out against two weeks of office hours.

use domain::UnixMillis;
use habit::{Habit, MODELS_MAX, Mode, NETWORKS_MAX, Rules, Sign, Signal};

use super::{DAY, HOUR, from, of, rules};

/// Two weeks from nine to five, ten calls of a hundred tokens an hour, from one network and for one model.
fn office() -> Habit {
    let mut habit = Habit::begin(UnixMillis(9 * HOUR));
    for day in 0..14 {
        for hour in 9..17 {
            for call in 0..10 {
                let at = day * DAY + hour * HOUR + call * 60_000;
                assert_eq!(habit.observe(&from("192.0.2.7", at), &rules()), []);
                assert_eq!(habit.observe(&of("m", 100, at), &rules()), []);
            }
        }
    }
    habit
}

/// Noon of the day after.
const NOON: i64 = 14 * DAY + 12 * HOUR;

#[test]
fn agp_s1_another_network_stands_out_once() {
    let mut habit = office();
    assert_eq!(
        habit.observe(&from("192.0.2.250", NOON), &rules()),
        [],
        "the same /24"
    );
    assert_eq!(habit.observe(&from("::ffff:192.0.2.9", NOON), &rules()), []);
    let there = || Sign::NewNetwork("198.51.100.0/24".parse().unwrap());
    assert_eq!(habit.observe(&from("198.51.100.9", NOON), &rules()), [there()]);
    assert_eq!(habit.observe(&from("198.51.100.10", NOON), &rules()), []);
    let sixth = || Sign::NewNetwork("2001:db8:1::/48".parse().unwrap());
    assert_eq!(habit.observe(&from("2001:db8:1:2::3", NOON), &rules()), [sixth()]);
    assert_eq!(habit.observe(&from("2001:db8:1:9::1", NOON), &rules()), []);
}

#[test]
fn agp_s1_what_was_not_seen_for_long_is_new_again() {
    let mut habit = office();
    let month = 31 * DAY;
    for day in 0..31 {
        let kept = habit.observe(&from("203.0.113.1", NOON + day * DAY), &rules());
        assert_eq!(kept.len(), usize::from(day == 0));
    }
    let signs = habit.observe(&from("192.0.2.7", NOON + month), &rules());
    assert_eq!(signs, [Sign::NewNetwork("192.0.2.0/24".parse().unwrap())]);
}

#[test]
fn anp_0001_an_hour_far_from_the_usual_ones_stands_out_once() {
    let mut habit = office();
    let at = |hour: i64| from("192.0.2.7", 14 * DAY + hour * HOUR);
    assert_eq!(habit.observe(&at(17), &rules()), [], "beside one that is usual");
    assert_eq!(habit.observe(&at(22), &rules()), [Sign::UnusualHour(22)]);
    assert_eq!(habit.observe(&at(22), &rules()), []);
    let midnight = from("192.0.2.7", 15 * DAY);
    assert_eq!(habit.observe(&midnight, &rules()), [Sign::UnusualHour(0)]);
    let late = from("192.0.2.7", 15 * DAY + 23 * HOUR);
    assert_eq!(habit.observe(&late, &rules()), [], "midnight is beside eleven");
    assert_eq!(
        habit.observe(&of("m", 5, 14 * DAY + 3 * HOUR), &rules()),
        [],
        "a call that ends late did not begin late"
    );
}

#[test]
fn anp_0001_another_model_stands_out_once() {
    let mut habit = office();
    let other = |model: &str| of(model, 1, NOON);
    assert_eq!(
        habit.observe(&other("dear"), &rules()),
        [Sign::NewModel("dear".into())]
    );
    assert_eq!(habit.observe(&other("dear"), &rules()), []);
    assert_eq!(habit.observe(&other("m"), &rules()), []);
}

#[test]
fn anp_0001_a_burst_stands_out_once_an_hour_and_is_usual_afterwards() {
    let mut habit = office();
    let burst = |habit: &mut Habit, at: i64, calls: usize| {
        let each = (0..calls).flat_map(|_| habit.observe(&from("192.0.2.7", at), &rules()));
        each.collect::<Vec<_>>()
    };
    assert_eq!(
        burst(&mut habit, NOON, 100),
        [],
        "the floor itself is not over it"
    );
    let [
        Sign::Volume {
            calls, usual_calls, ..
        },
    ] = burst(&mut habit, NOON, 300)[..]
    else {
        panic!("one sign of one kind");
    };
    assert_eq!((calls, usual_calls), (101, 10));
    assert_eq!(
        burst(&mut habit, NOON + HOUR, 1_000),
        [],
        "four hundred were usual by now"
    );
    let [Sign::Volume { calls, .. }] = burst(&mut habit, NOON + HOUR, 1_200)[..] else {
        panic!("one sign of one kind");
    };
    assert!((1_500..=2_001).contains(&calls), "{calls}");
}

#[test]
fn anp_0001_tokens_stand_out_as_calls_do() {
    let mut habit = office();
    assert_eq!(habit.observe(&of("m", 10_000, NOON), &rules()), []);
    let signs = habit.observe(&of("m", 1, NOON), &rules());
    assert!(
        matches!(signs[..], [Sign::Volume { tokens: 10_001, usual_tokens, .. }] if (900..=1_000).contains(&usual_tokens)),
        "{signs:?}"
    );
}

/// A key with a batch each night keeps its right to it; one that stopped months ago does not.
#[test]
fn the_most_fades_by_half_in_a_week() {
    let mut habit = office();
    let batch = (0..90).flat_map(|_| habit.observe(&from("192.0.2.7", NOON), &rules()));
    assert_eq!(batch.count(), 0);
    let usual_after = |days: i64| {
        let mut later = habit.clone();
        let at = NOON + days * DAY;
        let signs = (0..1_000).flat_map(|_| later.observe(&from("192.0.2.7", at), &rules()));
        signs
            .filter_map(|sign| match sign {
                Sign::Volume { usual_calls, .. } => Some(usual_calls),
                _ => None,
            })
            .sum::<u64>()
    };
    assert!((80..=84).contains(&usual_after(1)));
    assert!((40..=50).contains(&usual_after(7)));
    assert!(usual_after(200) <= 1);
}

#[test]
fn a_key_that_is_used_from_everywhere_has_no_habit_in_that() {
    let mut habit = office();
    let told = |habit: &mut Habit| {
        let each = (0..200).flat_map(|n| habit.observe(&from(&format!("10.1.{n}.1"), NOON), &rules()));
        each.filter(|sign| sign.signal() == Signal::NewNetwork).count()
    };
    assert_eq!(told(&mut habit), NETWORKS_MAX - 1);
    assert_eq!(told(&mut habit), 0);
    let models = (0..200).flat_map(|n| habit.observe(&of(&format!("m-{n}"), 0, NOON), &rules()));
    assert_eq!(models.count(), MODELS_MAX - 1);
}

#[test]
fn nothing_stands_out_before_both_the_time_and_the_calls_are_there() {
    let strange = |habit: &mut Habit, at: i64| {
        let mut signs = habit.observe(&from("203.0.113.77", at), &rules());
        signs.extend(habit.observe(&of("strange", 1_000_000, at), &rules()));
        signs
    };
    let mut young = Habit::begin(UnixMillis(0));
    for call in 0..5_000 {
        assert_eq!(young.observe(&from("192.0.2.7", call), &rules()), []);
    }
    assert_eq!(strange(&mut young.clone(), 7 * DAY - 1), []);
    assert_ne!(strange(&mut young, 7 * DAY), []);
    let mut rare = Habit::begin(UnixMillis(0));
    for day in 0..18 {
        assert_eq!(rare.observe(&from("192.0.2.7", day * DAY), &rules()), []);
    }
    assert_eq!(strange(&mut rare.clone(), 18 * DAY), []);
    for day in 18..20 {
        assert_eq!(rare.observe(&from("192.0.2.7", day * DAY), &rules()), []);
    }
    assert_ne!(strange(&mut rare, 20 * DAY), []);
}

#[test]
fn what_is_off_is_learnt_and_not_told() {
    let off = Rules {
        modes: [Mode::Off; 4],
        ..rules()
    };
    let mut habit = office();
    let night = 14 * DAY + 2 * HOUR;
    for _ in 0..500 {
        assert_eq!(habit.observe(&from("198.51.100.9", night), &off), []);
        assert_eq!(habit.observe(&of("dear", 1_000, night), &off), []);
    }
    assert_eq!(habit.observe(&from("198.51.100.9", night + DAY), &rules()), []);
    assert_eq!(habit.observe(&of("dear", 1, night + DAY), &rules()), []);
}
