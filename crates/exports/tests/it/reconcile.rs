//! Reports of both providers, as they come, beside a ledger; and reports that no bill is made of.

use domain::{Money, UnixMillis};
use exports::Pricing;
use exports::reconcile::{
    Compared, Here, Provider, Report, ReportError, Tolerance, Verdict, compare, model_name,
};
use ledger::{Dated, Entry, UsageSource};
use proptest::prelude::*;

use crate::scene::{HOUR, NOON, entry, price};

const OPENAI: [&str; 3] = [
    include_str!("../golden/openai_costs.json"),
    include_str!("../golden/openai_usage.json"),
    include_str!("../golden/openai_costs.csv"),
];
const ANTHROPIC: [&str; 3] = [
    include_str!("../golden/anthropic_cost.json"),
    include_str!("../golden/anthropic_usage.json"),
    include_str!("../golden/anthropic_console.csv"),
];

fn claude(entry: &mut Entry) {
    entry.target = Some("anthropic/claude-opus-4-5".into());
}

/// The fee for the call, which our own price list has, is none of the provider's.
fn without_fee(entry: &mut Entry) {
    entry.cost = entry.cost.minus(Money::from_nanos(7));
}

/// A list that has one price for what these providers serve.
struct Prices;

impl Pricing for Prices {
    fn version(&self) -> &'static str {
        "known"
    }

    fn listed(&self, target: &str) -> Dated {
        let mut price = price();
        price.request = Money::ZERO;
        match target.contains("unheard") {
            true => Dated::default(),
            false => Dated::always(price),
        }
    }
}

fn compared(provider: Provider, files: &[&str], entries: &[Entry], tolerance: Tolerance) -> Compared {
    let mut report = Report::default();
    for file in files {
        report.read(provider, file.as_bytes()).unwrap();
    }
    let whole = report.finish().unwrap();
    let mut here = Here::default();
    for entry in entries {
        here.add(entry, &["openai".to_owned(), "anthropic".to_owned()], &Prices);
    }
    compare(here, whole.lines, tolerance)
}

fn verdicts(compared: &Compared) -> Vec<(&str, Verdict)> {
    compared
        .lines
        .iter()
        .map(|line| (line.model.as_str(), line.verdict))
        .collect()
}

fn refused(provider: Provider, files: &[&str]) -> ReportError {
    let mut report = Report::default();
    for file in files {
        if let Err(error) = report.read(provider, file.as_bytes()) {
            return error;
        }
    }
    report.finish().unwrap_err()
}

#[test]
fn agp_r2_what_openai_bills_is_found_in_the_ledger() {
    let own = [entry(1, without_fee)];
    let costs = compared(Provider::Openai, &OPENAI[..1], &own, Tolerance::default());
    assert_eq!(
        verdicts(&costs),
        [("gpt-4o", Verdict::Differs), ("o9-mini", Verdict::MissingHere)]
    );
    // The seventeenth decimal is still seen.
    assert_eq!(costs.lines[0].cost.unwrap().to_string(), "-0.00000000099999999");
    assert_eq!(
        (costs.gaps, costs.lines[1].cost.unwrap().to_string()),
        (2, "1.50".to_owned())
    );
    for files in [&OPENAI[1..2], &OPENAI[1..3]] {
        let both = compared(
            Provider::Openai,
            files,
            &own,
            Tolerance {
                cost: nano(),
                tokens: 0,
            },
        );
        assert_eq!(
            (both.gaps, verdicts(&both)),
            (0, vec![("gpt-4o", Verdict::Matched)]),
            "{both:?}"
        );
    }
}

fn nano() -> exports::reconcile::Amount {
    exports::reconcile::Amount::of_nanos(1)
}

#[test]
fn agp_r2_what_anthropic_bills_is_found_in_the_ledger() {
    let own = [entry(1, |entry| {
        without_fee(entry);
        claude(entry);
    })];
    let tolerance = Tolerance {
        cost: nano(),
        tokens: 0,
    };
    for files in [
        &ANTHROPIC[..1],
        &ANTHROPIC[1..2],
        &ANTHROPIC[2..],
        &ANTHROPIC[..2],
    ] {
        let all = compared(Provider::Anthropic, files, &own, tolerance);
        assert_eq!(
            (all.gaps, verdicts(&all)),
            (0, vec![("claude-opus-4-5", Verdict::Matched)]),
            "{all:?}"
        );
    }
}

/// A provider bills by its list, whatever a tenant is charged: with a sheet nothing is off, and the mark-up stands apart.
#[test]
fn agp_r2_a_mark_up_is_no_difference_to_what_the_provider_bills() {
    let doubled = |entry: &mut Entry| {
        without_fee(entry);
        entry.cost = entry.cost.plus(entry.cost);
        entry.price_version = "known+3".into();
    };
    let list = entry(1, without_fee).cost;
    // Corrected to another sheet, and then to none: what is charged changes, what the provider bills does not.
    let corrected = |number, version: &'static str, nanos| {
        entry(number, move |entry| {
            entry.adjusts = Some(domain::RequestId::from_u128(1));
            entry.usage = domain::Usage::default();
            entry.price_version = version.into();
            entry.cost = Money::from_nanos(nanos);
        })
    };
    let own = [
        entry(1, doubled),
        corrected(2, "known+4", 100),
        corrected(3, "known", -40),
    ];
    let tolerance = Tolerance {
        cost: nano(),
        tokens: 0,
    };
    let all = compared(Provider::Openai, &OPENAI[2..], &own, tolerance);
    assert_eq!(
        (all.gaps, verdicts(&all)),
        (0, vec![("gpt-4o", Verdict::Matched)]),
        "{all:?}"
    );
    let here = all.lines[0].here.unwrap();
    let nanos = |nanos: i64| exports::reconcile::Amount::of_nanos(i128::from(nanos));
    assert_eq!((here.calls, here.unsure_calls), (1, 0));
    assert_eq!(
        (here.cost, here.mark_up),
        (nanos(list.nanos()), nanos(list.nanos() + 60))
    );

    // Where nobody knows what the list says, it counts as charged, and is said to.
    let unheard = [entry(1, |entry| {
        doubled(entry);
        entry.target = Some("openai/unheard".into());
    })];
    let all = compared(Provider::Openai, &OPENAI[2..], &unheard, tolerance);
    let here = all.lines.iter().find_map(|line| line.here).unwrap();
    assert_eq!((here.cost, here.unsure_calls), (nanos(list.nanos() * 2), 1));
}

#[test]
fn calls_that_were_billed_at_their_bound_are_named_as_the_cause() {
    let own = [entry(1, |entry| {
        claude(entry);
        entry.usage_source = UsageSource::Bound;
        entry.usage.output += 1000;
        entry.cost = Money::from_nanos(1_000_000_000);
    })];
    let all = compared(Provider::Anthropic, &ANTHROPIC[..2], &own, Tolerance::default());
    let line = &all.lines[0];
    assert_eq!((line.verdict, line.tokens), (Verdict::Differs, Some((0, -1000))));
    let cause = line.cause.as_deref().unwrap();
    assert!(
        cause.contains("1 calls were billed here at their bound") && cause.contains("enough to explain it"),
        "{cause}"
    );
}

#[test]
fn what_the_provider_does_not_bill_is_missing_there() {
    let own = [
        entry(1, without_fee),
        entry(2, |entry| entry.target = Some("openai/gpt-5".into())),
        // What others served, what came from the cache, and what cost nothing is no part of it.
        entry(3, |entry| entry.target = Some("elsewhere/gpt-5".into())),
        entry(4, |entry| entry.cached = true),
        entry(5, |entry| {
            (entry.usage, entry.cost) = (domain::Usage::default(), Money::ZERO)
        }),
        entry(6, |entry| entry.finished = UnixMillis(NOON + 24 * HOUR)),
    ];
    let all = compared(
        Provider::Openai,
        &OPENAI[2..],
        &own,
        Tolerance {
            cost: nano(),
            tokens: 0,
        },
    );
    let found: Vec<_> = all
        .lines
        .iter()
        .map(|line| (line.day.as_str(), line.model.as_str(), line.verdict))
        .collect();
    let expected = [
        ("2026-11-22", "gpt-4o", Verdict::Matched),
        ("2026-11-22", "gpt-5", Verdict::MissingThere),
        ("2026-11-23", "gpt-4o", Verdict::MissingThere),
    ];
    assert_eq!(found, expected);
}

#[test]
fn dates_of_snapshots_are_no_part_of_a_models_name() {
    for (name, bare) in [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("gpt-4", "gpt-4"),
        ("gpt-4-0613", "gpt-4-0613"),
        ("model-12", "model-12"),
        ("", ""),
    ] {
        assert_eq!(model_name(name), bare);
    }
}

#[test]
fn reports_that_no_bill_is_made_of_are_refused() {
    let costs = OPENAI[0];
    for (change, to) in [
        ("0.0025025", "-0.0025025"),
        ("0.0025025", "1e300"),
        ("0.0025025", "\"NaN\""),
        ("0.0025025", "99999999999999999999999999999999999999999999999999"),
        ("\"usd\"", "\"eur\""),
        ("organization.costs.result", "organization.invoice.result"),
        ("\"gpt-4o-2024-11-20, input\"", "null"),
        ("1795305600", "9223372036854775807"),
        ("\"has_more\": false", "\"has_more\": true"),
        ("1795392000, \"end_time\"", "1605305600, \"end_time\""),
    ] {
        assert!(costs.contains(change), "{change}");
        let error = refused(Provider::Openai, &[&costs.replace(change, to)]);
        assert!(!error.to_string().is_empty(), "{change} to {to}: {error}");
    }
    assert!(matches!(
        refused(Provider::Openai, &[costs, costs]),
        ReportError::Twice(_)
    ));
    assert!(matches!(
        refused(Provider::Openai, &[OPENAI[2], OPENAI[2]]),
        ReportError::Twice(_)
    ));
    assert!(matches!(
        refused(Provider::Anthropic, &[ANTHROPIC[2], ANTHROPIC[2]]),
        ReportError::Twice(_)
    ));
    let pages = costs.replace("\"has_more\": false", "\"has_more\": true");
    let later = costs
        .replace("1795392000", "1795564800")
        .replace("1795305600", "1795478400");
    let mut report = Report::default();
    report.read(Provider::Openai, pages.as_bytes()).unwrap();
    report.read(Provider::Openai, later.as_bytes()).unwrap();
    assert!(
        report.finish().is_ok(),
        "a page that has another behind it, and the other"
    );
    let usage = ANTHROPIC[1];
    for (change, to) in [
        ("1001", "-1"),
        ("1001", "1.5"),
        ("1001", "99999999999999999999"),
        ("\"model\": \"claude-opus-4-5-20251101\"", "\"model\": null"),
        ("\"2026-11-22T00:00:00Z\"", "\"yesterday\""),
        ("\"uncached_input_tokens\": 1001,", ""),
    ] {
        assert!(usage.contains(change), "{change}");
        refused(Provider::Anthropic, &[&usage.replacen(change, to, 1)]);
    }
    for (change, to) in [
        ("\"USD\"", "\"EUR\""),
        ("\"0.25025\"", "\"inf\""),
        ("\"0.25025\"", "\"-1\""),
        ("\"0.25025\"", "\"1,000\""),
    ] {
        refused(Provider::Anthropic, &[&ANTHROPIC[0].replacen(change, to, 1)]);
    }
    for (change, to) in [
        ("1001", "-1"),
        ("1001", "NaN"),
        ("2026-11-22", "2026-13-22"),
        ("model_version", "thing"),
        ("claude-opus-4-5-20251101", ""),
    ] {
        refused(Provider::Anthropic, &[&ANTHROPIC[2].replacen(change, to, 1)]);
    }
    for text in ["", "[]", "{}", "null", "{\"data\":[{}]}", "a,b\n1,2\n", "\u{0}"] {
        refused(Provider::Openai, &[text]);
        refused(Provider::Anthropic, &[text]);
    }
    let years = format!(
        "{}2020-01-01,claude-x,gate,Default,standard,0-200k,1,0,0,0,1,0\n",
        ANTHROPIC[2]
    );
    assert!(matches!(
        refused(Provider::Anthropic, &[&years]),
        ReportError::Span { .. }
    ));
}

proptest! {
    #[test]
    fn no_text_breaks_the_readers(text in "\\PC{0,200}", at in 0usize..2000, byte in any::<u8>()) {
        for provider in [Provider::Openai, Provider::Anthropic] {
            let _ = Report::default().read(provider, text.as_bytes());
            for good in OPENAI.iter().chain(&ANTHROPIC) {
                let mut bytes = good.as_bytes().to_vec();
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
                let mut report = Report::default();
                if report.read(provider, &bytes).is_ok() {
                    let _ = report.finish();
                }
            }
        }
    }
}
