//! Sheets against figures reckoned by hand, and against a plain reading of their rules.

use domain::{Tier, Units, Usage};
use proptest::prelude::*;

use super::*;
use crate::{LongPrompt, Most, Scale};

fn sheet(json: &str) -> Sheet {
    serde_json::from_str(json).unwrap()
}

fn millis(day: &str) -> UnixMillis {
    let day: Date = day.parse().unwrap();
    UnixMillis(day.to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond())
}

/// $3 and $15 a million, with a cache, a long prompt, a batch and a fee.
fn listed() -> Price {
    let rates = |input, output, cache_read| Rates {
        cache_read,
        ..Rates::of(input, output)
    };
    Price {
        standard: Scale {
            rates: rates(3_000_000_000, 15_000_000_000, 300_000_000),
            long: Some(LongPrompt {
                above_tokens: 200_000,
                rates: rates(6_000_000_000, 22_500_000_000, 600_000_000),
            }),
        },
        batch: Some(Scale {
            rates: rates(1_500_000_000, 7_500_000_000, 150_000_000),
            long: None,
        }),
        request: Money::from_nanos(1_000_000),
        ..Price::default()
    }
}

fn usage(input: u64, output: u64, cache_read: u64) -> Usage {
    Usage {
        input,
        output,
        cache_read,
        ..Usage::default()
    }
}

/// By the second, the picture and the character: marked up, fixed, and of a model that no list knows.
#[test]
fn agp_r2_sheets_price_what_is_not_counted_in_tokens() {
    let listed = Price {
        // $0.0001 a second, $0.04 a picture.
        units: PerUnit {
            input_ms: 100_000_000,
            output_images: 40_000_000_000_000,
            ..PerUnit::default()
        },
        ..Price::default()
    };
    let used = Usage {
        units: Units {
            input_ms: Some(90_500),
            output_images: Some(2),
            input_characters: Some(7),
            ..Units::UNKNOWN
        },
        ..Usage::default()
    };
    for (lines, listed, nanos) in [
        ("[]", Some(listed), Some(9_050_000 + 80_000_000)),
        (
            r#"[{"mark_up_basis_points": 1000}]"#,
            Some(listed),
            Some(9_955_000 + 88_000_000),
        ),
        (
            r#"[{"model": "m", "mark_up_basis_points": 1000, "fixed": {"output_image": "0.05", "input_character": "15"}}]"#,
            Some(listed),
            Some(9_955_000 + 100_000_000 + 105_000),
        ),
        (
            r#"[{"model": "m", "fixed": {"input_second": "0.0002"}}]"#,
            None,
            Some(18_100_000),
        ),
        (r#"[{"model": "m", "fixed": {"input": "1"}}]"#, None, None),
    ] {
        let sheet = sheet(&format!(r#"{{"lines": {lines}}}"#));
        sheet.check().unwrap();
        let list = listed.map(Dated::always).unwrap_or_default();
        let ours = sheet.laid_over(("p", "m"), &list);
        let cost = ours.at(UnixMillis(0)).map(|price| price.cost(&used).nanos());
        assert_eq!(cost, nanos, "{lines}");
    }
    let dear = sheet(r#"{"lines": [{"model": "m", "fixed": {"output_image": "20000"}}]}"#);
    assert!(dear.check().unwrap_err().what.contains("too dear"));
}

/// Invoices reckoned by hand, to the nano-dollar.
#[test]
fn agp_r2_marked_up_invoices_to_the_nano_dollar() {
    let list = Dated::always(listed());
    let batch = Usage {
        tier: Tier::Batch,
        ..usage(1_000, 100, 0)
    };
    for (name, lines, usage, nanos) in [
        (
            "as listed",
            "[]",
            usage(1_000, 100, 0),
            3_000_000 + 1_500_000 + 1_000_000,
        ),
        (
            "15 % on everything, the fee too",
            r#"[{"mark_up_basis_points": 1500}]"#,
            usage(1_000, 100, 0),
            3_450_000 + 1_725_000 + 1_150_000,
        ),
        (
            "15 % on a batch",
            r#"[{"mark_up_basis_points": 1500}]"#,
            batch,
            1_725_000 + 862_500 + 1_150_000,
        ),
        (
            "15 % on a long prompt",
            r#"[{"mark_up_basis_points": 1500}]"#,
            usage(200_001, 0, 0),
            1_380_006_900 + 1_150_000,
        ),
        (
            "a fixed price of input; the rest as listed",
            r#"[{"model": "large", "fixed": {"input": "2.50"}}]"#,
            usage(1_000, 100, 10),
            2_500_000 + 1_500_000 + 3_000 + 1_000_000,
        ),
        (
            "fixed, and the rest marked up",
            r#"[{"model": "large", "mark_up_basis_points": -5000, "fixed": {"input": "2.50", "request": "0"}}]"#,
            usage(1_000, 100, 10),
            2_500_000 + 750_000 + 1_500,
        ),
        (
            "for nothing",
            r#"[{"mark_up_basis_points": -10000}]"#,
            usage(1_000, 100, 10),
            0,
        ),
        (
            "another provider's line",
            r#"[{"provider": "other", "mark_up_basis_points": 1500}]"#,
            usage(1_000, 100, 0),
            5_500_000,
        ),
    ] {
        let sheet = sheet(&format!(r#"{{"lines": {lines}}}"#));
        sheet.check().unwrap();
        let ours = sheet.laid_over(("main", "large"), &list);
        let cost = ours.at(UnixMillis(0)).unwrap().cost(&usage);
        assert_eq!(cost, Money::from_nanos(nanos), "{name}");
    }
}

#[test]
fn agp_r2_the_most_particular_line_that_holds_is_asked() {
    let sheet = sheet(
        r#"{"lines": [
            {"mark_up_basis_points": 100},
            {"from": "2026-06-01", "mark_up_basis_points": 200},
            {"provider": "main", "mark_up_basis_points": 300},
            {"model": "la*", "mark_up_basis_points": 400},
            {"model": "lar*", "mark_up_basis_points": 500},
            {"provider": "main", "model": "large", "from": "2026-03-01", "mark_up_basis_points": 600},
            {"provider": "main", "model": "large", "from": "2026-09-01", "mark_up_basis_points": 700}
        ]}"#,
    );
    sheet.check().unwrap();
    let list = Dated::always(Price::per_million(Money::from_dollars(1), Money::ZERO));
    let of = |provider, model, day: &str| {
        let ours = sheet.laid_over((provider, model), &list);
        let input = ours.at(millis(day)).unwrap().standard.rates.input;
        (input - 1_000_000_000) / 100_000
    };
    assert_eq!(of("other", "small", "2026-01-01"), 100);
    assert_eq!(of("other", "small", "2026-06-01"), 200);
    assert_eq!(of("main", "small", "2026-06-01"), 300);
    assert_eq!(of("main", "lake", "2026-06-01"), 400);
    assert_eq!(of("other", "large", "2026-06-01"), 500);
    assert_eq!(of("main", "large", "2026-02-28"), 500);
    assert_eq!(of("main", "large", "2026-03-01"), 600);
    assert_eq!(of("main", "large", "2026-08-31"), 600);
    assert_eq!(of("main", "large", "2026-09-01"), 700);
}

#[test]
fn agp_d1_a_mark_up_on_nothing_is_no_price_and_a_fixed_one_is() {
    let nobody = Dated::default();
    let marked =
        sheet(r#"{"lines": [{"mark_up_basis_points": 1500}, {"model": "own", "fixed": {"input": "1"}}]}"#);
    assert_eq!(marked.laid_over(("main", "own"), &nobody), nobody);
    let fixed = sheet(
        r#"{"lines": [{"model": "own", "from": "2026-03-01", "mark_up_basis_points": 1500,
                      "fixed": {"input": "1", "output": "2"}},
                     {"model": "own", "from": "2026-06-01", "mark_up_basis_points": 1500}]}"#,
    );
    let ours = fixed.laid_over(("main", "own"), &nobody);
    assert_eq!(ours.at(millis("2026-02-28")), None);
    let price = Price::per_million(Money::from_dollars(1), Money::from_dollars(2));
    assert_eq!(ours.at(millis("2026-03-01")), Some(&price));
    // What says nothing does not take the price away again.
    assert_eq!(ours.at(millis("2026-07-01")), Some(&price));
}

#[test]
fn a_list_that_changes_changes_under_the_sheet() {
    let price = |dollars| Price::per_million(Money::from_dollars(dollars), Money::ZERO);
    let list = Dated::new(vec![
        (UnixMillis(i64::MIN), price(1)),
        (millis("2026-05-01"), price(2)),
    ]);
    let sheet = sheet(r#"{"lines": [{"from": "2026-04-01", "mark_up_basis_points": 10000}]}"#);
    let ours = sheet.laid_over(("main", "large"), &list);
    let input = |day: &str| ours.at(millis(day)).unwrap().standard.rates.input / 1_000_000_000;
    assert_eq!(
        ["2026-03-31", "2026-04-01", "2026-04-30", "2026-05-01"].map(input),
        [1, 2, 2, 4]
    );
}

#[test]
fn sheets_that_cannot_be_taken_say_which_line_and_why() {
    for (json, line, part) in [
        (
            r#"{"lines": [{"mark_up_basis_points": -10001}]}"#,
            Some(0),
            "between",
        ),
        (
            r#"{"lines": [{"mark_up_basis_points": 1000001}]}"#,
            Some(0),
            "between",
        ),
        (
            r#"{"lines": [{}, {"fixed": {"input": "1"}}]}"#,
            Some(1),
            "name it under `model`",
        ),
        (r#"{"lines": [{"provider": "a*"}]}"#, Some(0), "not a pattern"),
        (r#"{"lines": [{"model": ""}]}"#, Some(0), "bytes"),
        (
            r#"{"lines": [{"model": "a"}, {"model": "a", "mark_up_basis_points": 1}]}"#,
            Some(1),
            "same day",
        ),
    ] {
        let error = sheet(json).check().unwrap_err();
        assert_eq!(error.line, line, "{json}");
        assert!(error.what.contains(part), "{json}: {error}");
    }
    let line = |at: usize| SheetLine {
        model: Some(format!("m{at}")),
        ..SheetLine::default()
    };
    let of = |count: usize| Sheet {
        lines: (0..count).map(line).collect(),
    };
    assert_eq!(of(SHEET_LINES_MAX).check(), Ok(()));
    assert!(of(SHEET_LINES_MAX + 1).check().is_err());
    for bad in [
        r#"{"lines": [{"fixed": {"input": 1}}]}"#,
        r#"{"lines": [{"fixed": {"input": "-1"}}]}"#,
        r#"{"lines": [{"fixed": {"input": "1e3"}}]}"#,
        r#"{"lines": [{"from": "2026-02-30"}]}"#,
        r#"{"lines": [{"price": "1"}]}"#,
    ] {
        assert!(serde_json::from_str::<Sheet>(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_version_names_list_and_sheet() {
    assert_eq!(sheet_version("a1b2c3", 7), "a1b2c3+7");
    assert_eq!(split_version("a1b2c3+7"), ("a1b2c3", Some(7)));
    assert_eq!(split_version("a1b2c3"), ("a1b2c3", None));
    assert_eq!(split_version("a+b"), ("a+b", None));
}

prop_compose! {
    fn any_line()(
        provider in proptest::option::of(proptest::sample::select(vec!["a", "b"])),
        model in proptest::option::of(proptest::sample::select(vec!["x", "xy", "x*", "*"])),
        mark_up_basis_points in -10_000i32..50_000,
        (input, output) in (proptest::option::of(0i64..1 << 40), proptest::option::of(0i64..1 << 40)),
        from in proptest::option::of(1i8..28),
    ) -> SheetLine {
        let fixed = model.map_or_else(Fixed::default, |_| Fixed {
            input: input.map(|nanos| Dollars(Money::from_nanos(nanos))),
            output: output.map(|nanos| Dollars(Money::from_nanos(nanos))),
            ..Fixed::default()
        });
        SheetLine {
            from: from.map(|day| Date::new(2026, 3, day).unwrap()),
            provider: provider.map(str::to_owned),
            model: model.map(str::to_owned),
            mark_up_basis_points,
            fixed,
        }
    }
}

proptest! {
    /// Whatever the sheet: what is held before a call is never less than what it is charged.
    #[test]
    fn agp_d1_no_call_costs_more_than_its_bound_under_a_sheet(
        lines in proptest::collection::vec(any_line(), 0..6), at in 0i64..40,
        (input, output, cache_read) in (0u64..300_000, 0u64..5_000, 0u64..5_000),
        tier in proptest::sample::select(vec![Tier::Standard, Tier::Flex, Tier::Priority]),
    ) {
        let sheet = Sheet { lines };
        let at = millis("2026-02-25").plus(std::time::Duration::from_secs(86_400 * at.unsigned_abs()));
        let ours = sheet.laid_over(("a", "xy"), &Dated::always(listed()));
        let price = ours.at(at).unwrap();
        let usage = Usage { tier, ..usage(input, output, cache_read) };
        let most = Most {
            prompt_tokens: input + cache_read,
            output_tokens: output,
            dear_tier: true,
            long_cache: true,
            units: Units::UNKNOWN,
        };
        prop_assert!(price.cost(&usage) <= price.bound(&most).unwrap());
        let parts = price.parts(&usage).unwrap();
        prop_assert_eq!(parts.iter().map(|part| part.cost).sum::<Money>(), price.cost(&usage));
    }

    /// A sheet that is written and read is the same one.
    #[test]
    fn sheets_read_back(lines in proptest::collection::vec(any_line(), 0..6)) {
        let sheet = Sheet { lines };
        let text = serde_json::to_string(&sheet).unwrap();
        prop_assert_eq!(serde_json::from_str::<Sheet>(&text).unwrap(), sheet);
    }
}
