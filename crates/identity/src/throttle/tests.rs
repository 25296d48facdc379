//! What guessers gain, and what they can do to others: nothing.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

const START: UnixMillis = UnixMillis(1_800_000_000_000);

fn from(account: &str, address: u32) -> Attempt<'_> {
    Attempt {
        account,
        address: IpAddr::V4(Ipv4Addr::from_bits(address)),
        known_device: None,
    }
}

fn on_device(account: &str, address: u32, device: u8) -> Attempt<'_> {
    Attempt {
        known_device: Some([device; 32]),
        ..from(account, address)
    }
}

/// How many guesses pass in `seconds` if one is tried each second, addresses taking turns.
fn guesses(seconds: i64, addresses: u32, account: impl Fn(u32) -> String) -> usize {
    let mut throttle = Throttle::new();
    let tries = (0..seconds).filter(|second| {
        let turn = u32::try_from(*second).unwrap();
        let now = UnixMillis(START.0 + second * 1000);
        throttle
            .begin(&from(&account(turn), turn % addresses), now)
            .is_ok()
    });
    tries.count()
}

#[test]
fn ctx_t2_one_guesser_at_one_account_is_slowed_to_a_crawl() {
    // Five at once, then 1, 2, 4 … 512, 900 seconds apart.
    assert_eq!(guesses(60, 1, |_| "ada".into()), 10);
    assert_eq!(guesses(3600, 1, |_| "ada".into()), 17);
}

#[test]
fn ctx_t2_many_addresses_at_one_account_gain_one_guess_in_half_a_minute() {
    let a_day = guesses(86_400, 10_000, |_| "ada".into());
    assert!((2_850..=2_900).contains(&a_day), "{a_day}");
}

#[test]
fn ctx_t2_one_address_at_many_accounts_gains_one_guess_a_minute() {
    let an_hour = guesses(3600, 1, |turn| format!("user-{turn}"));
    assert!((85..=100).contains(&an_hour), "{an_hour}");
}

#[test]
fn ctx_t2_guesses_sent_side_by_side_are_counted_when_they_begin() {
    let mut throttle = Throttle::new();
    let passed = (0..1000)
        .filter(|_| throttle.begin(&from("ada", 1), START).is_ok())
        .count();
    assert_eq!(passed, 5);
}

#[test]
fn ctx_t2_waiting_is_not_made_longer_by_asking() {
    let mut throttle = Throttle::new();
    while throttle.begin(&from("ada", 1), START).is_ok() {}
    let wait = throttle.begin(&from("ada", 1), START).unwrap_err();
    assert_eq!(wait, Wait(Duration::from_secs(1)));
    for ms in 0..1000 {
        assert!(throttle.begin(&from("ada", 1), UnixMillis(START.0 + ms)).is_err());
    }
    assert!(
        throttle
            .begin(&from("ada", 1), UnixMillis(START.0 + 1000))
            .is_ok()
    );
    assert_eq!(wait.to_string(), "too many attempts; try again in 1 seconds");
}

#[test]
fn ctx_t2_logging_in_to_an_own_account_forgives_no_guesses_at_others() {
    let mut throttle = Throttle::new();
    let mut passed = 0;
    for turn in 0..1000 {
        let guess = format!("user-{turn}");
        passed += usize::from(throttle.begin(&from(&guess, 1), START).is_ok());
        if throttle.begin(&from("mallory", 1), START).is_ok() {
            throttle.succeeded(&from("mallory", 1));
        }
    }
    assert_eq!(passed, 31);
}

#[test]
fn who_succeeds_is_never_slowed_however_many_share_the_address() {
    let mut throttle = Throttle::new();
    for turn in 0..1000 {
        let user = format!("user-{turn}");
        for attempt in [from(&user, 1), from("busy", 1)] {
            throttle.begin(&attempt, START).unwrap();
            throttle.succeeded(&attempt);
        }
    }
    assert_eq!((throttle.pairs.len(), throttle.addresses.len()), (0, 0));
}

#[test]
fn ctx_t2_a_known_device_is_itself_slowed() {
    let mut throttle = Throttle::new();
    let attempt = on_device("ada", 1, 7);
    let passed = (0..100)
        .filter(|_| throttle.begin(&attempt, START).is_ok())
        .count();
    assert_eq!(passed, 5);
    throttle.succeeded(&attempt);
    assert!(throttle.begin(&attempt, START).is_ok());
    // A device is known to an account, not to all.
    assert!(throttle.begin(&on_device("eve", 1, 7), START).is_ok());
}

#[test]
fn ctx_t2_neighbours_in_an_ipv6_network_count_as_one() {
    let at = |text: &str| network(text.parse().unwrap());
    assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:ffff:ffff:ffff"));
    assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
    assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
    assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
}

#[test]
fn failures_are_forgotten_after_an_hour() {
    let mut throttle = Throttle::new();
    for _ in 0..5 {
        throttle.begin(&from("ada", 1), START).unwrap();
    }
    let later = START.plus(HOUR);
    for _ in 0..5 {
        throttle.begin(&from("ada", 1), later).unwrap();
    }
}

/// What strangers do: their accounts, addresses and devices, and when.
fn strangers() -> impl Strategy<Value = Vec<(u8, u32, Option<u8>, i64, bool)>> {
    let one = (
        0u8..4,
        0u32..4,
        proptest::option::of(1u8..4),
        0i64..120_000,
        any::<bool>(),
    );
    proptest::collection::vec(one, 0..200)
}

proptest! {
    #[test]
    fn ctx_t2_nothing_others_do_delays_a_known_device(others in strangers()) {
        let mut throttle = Throttle::with_entries(8);
        let mut now = START;
        for (account, address, device, pause, succeeds) in others {
            let account = format!("user-{account}");
            now = UnixMillis(now.0 + pause);
            let attempt = match device {
                Some(device) => on_device(&account, address, device),
                None => from(&account, address),
            };
            if throttle.begin(&attempt, now).is_ok() && succeeds {
                throttle.succeeded(&attempt);
            }
            // The owner: the same account, the same addresses, a device of her own.
            prop_assert_eq!(throttle.wait(&on_device("user-0", 0, 9), now), Duration::ZERO);
        }
    }

    #[test]
    fn ctx_t2_no_wait_is_longer_than_its_bound_and_no_table_grows_past_its_own(others in strangers()) {
        let mut throttle = Throttle::with_entries(3);
        let mut now = START;
        for (account, address, device, pause, _) in others {
            let account = format!("user-{account}");
            now = UnixMillis(now.0 + pause);
            let attempt = match device {
                Some(device) => on_device(&account, address, device),
                None => from(&account, address),
            };
            if let Err(Wait(wait)) = throttle.begin(&attempt, now) {
                prop_assert!(wait <= Duration::from_secs(900) && !wait.is_zero());
            }
            for table in [&throttle.pairs, &throttle.devices, &throttle.addresses, &throttle.accounts] {
                prop_assert!(table.len() <= 3);
            }
        }
    }

    #[test]
    fn ctx_t2_an_attack_on_one_account_touches_no_other_from_elsewhere(times in proptest::collection::vec(0i64..60_000, 0..100)) {
        let mut throttle = Throttle::new();
        let mut now = START;
        for (address, pause) in (0u32..).zip(times) {
            now = UnixMillis(now.0 + pause);
            let _ = throttle.begin(&from("ada", address % 7), now);
            prop_assert_eq!(throttle.wait(&from("eve", 99), now), Duration::ZERO);
            // And hers from elsewhere waits half a minute at most.
            prop_assert!(throttle.wait(&from("ada", 99), now) <= Duration::from_secs(30));
        }
    }

    #[test]
    fn any_address_is_taken(bits: u128, v4: u32) {
        let mut throttle = Throttle::new();
        for address in [IpAddr::V6(Ipv6Addr::from_bits(bits)), IpAddr::V4(Ipv4Addr::from_bits(v4))] {
            let any = Attempt { account: "", address, known_device: None };
            prop_assert!(throttle.begin(&any, START).is_ok());
        }
    }
}
