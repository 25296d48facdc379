//! Whatever is used, whenever: bounded, the same each time, and without a panic.

use std::net::IpAddr;
use std::sync::Arc;

use domain::{KeyId, TenantId, UnixMillis};
use habit::{Habit, Mode, Rules, Sign, Use};
use proptest::prelude::*;

use super::{HOUR, rules};

/// Times near each other, and any at all: clocks stand still, jump and go back.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 0..60 * 24 * HOUR,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1)],
    ]
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let address = prop_oneof![
        Just(None),
        any::<u32>().prop_map(|n| Some(IpAddr::from(n.to_be_bytes()))),
        any::<u128>().prop_map(|n| Some(IpAddr::from(n.to_be_bytes()))),
        (0u8..4).prop_map(|n| Some(IpAddr::from([192, 0, n, 1]))),
    ];
    let model = prop_oneof![
        Just(None),
        (0u16..200).prop_map(|n| Some(Arc::<str>::from(format!("model-{n}")))),
    ];
    let count = prop_oneof![4 => 0u64..100, 1 => any::<u64>()];
    let one =
        (time(), address, model, count.clone(), count).prop_map(|(at, address, model, calls, tokens)| Use {
            tenant: TenantId::from_u128(1),
            key: KeyId::from_u128(2),
            at: UnixMillis(at),
            address,
            model,
            calls,
            tokens,
        });
    prop::collection::vec(one, 0..200)
}

fn told(habit: &mut Habit, uses: &[Use], rules: &Rules) -> Vec<Sign> {
    uses.iter().flat_map(|used| habit.observe(used, rules)).collect()
}

/// Nothing to wait for.
fn at_once() -> Rules {
    Rules {
        learn_ms: 0,
        learn_calls_min: 0,
        ..rules()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agp_d2_a_habit_is_bounded_and_written_as_it_is(uses in uses(), begin in time()) {
        let mut habit = Habit::begin(UnixMillis(begin));
        told(&mut habit, &uses, &at_once());
        let text = habit.write().unwrap();
        prop_assert!(text.len() < 8 * 1024, "{} bytes", text.len());
        prop_assert_eq!(Habit::read(&text).unwrap(), habit);
    }

    #[test]
    fn the_same_uses_make_the_same_habit_and_the_same_signs(uses in uses(), cut in 0usize..200) {
        let mut whole = Habit::begin(UnixMillis(0));
        let all = told(&mut whole, &uses, &at_once());
        let (first, second) = uses.split_at(cut.min(uses.len()));
        let mut halves = Habit::begin(UnixMillis(0));
        let mut signs = told(&mut halves, first, &at_once());
        halves = Habit::read(&halves.write().unwrap()).unwrap();
        signs.extend(told(&mut halves, second, &at_once()));
        prop_assert_eq!((whole, all), (halves, signs));
    }

    #[test]
    fn agp_s1_what_stood_out_does_not_stand_out_again(uses in uses(), last in uses()) {
        let mut habit = Habit::begin(UnixMillis(0));
        told(&mut habit, &uses, &at_once());
        for used in &last {
            habit.observe(used, &at_once());
            prop_assert_eq!(habit.observe(used, &Rules { volume_times: u64::MAX, volume_calls_min: u64::MAX, volume_tokens_min: u64::MAX, ..at_once() }), []);
        }
    }

    #[test]
    fn nothing_stands_out_while_a_key_is_learnt(uses in uses(), by_calls in any::<bool>()) {
        let rules = match by_calls {
            true => Rules { learn_calls_min: u64::MAX, ..at_once() },
            false => Rules { learn_ms: u64::MAX, ..at_once() },
        };
        let few = uses.into_iter().map(|used| Use { calls: used.calls % 100, ..used });
        let mut habit = Habit::begin(UnixMillis(0));
        prop_assert_eq!(told(&mut habit, &few.collect::<Vec<_>>(), &rules), []);
    }

    /// Counted together, what replicas or a batch saw is what one would have seen.
    #[test]
    fn uses_that_are_absorbed_are_learnt_all_the_same(uses in uses()) {
        let mut batch: Vec<Use> = Vec::new();
        for used in &uses {
            if !batch.last_mut().is_some_and(|last| last.absorb(used)) {
                batch.push(used.clone());
            }
        }
        let quiet = Rules { modes: [Mode::Off; 4], ..at_once() };
        let sums = |uses: &[Use]| uses.iter().fold((0u64, 0u64), |(calls, tokens), used| {
            (calls.saturating_add(used.calls), tokens.saturating_add(used.tokens))
        });
        prop_assert_eq!(sums(&batch), sums(&uses));
        let mut habit = Habit::begin(UnixMillis(0));
        told(&mut habit, &batch, &quiet);
        for used in uses.iter().rev().take(1) {
            let loud = Rules { modes: [Mode::Observe, Mode::Observe, Mode::Off, Mode::Observe], ..at_once() };
            prop_assert_eq!(habit.observe(used, &loud), []);
        }
    }
}
