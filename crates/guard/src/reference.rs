//! What the guard must say, by definition and however slowly: every place of a text is looked at. Tests
//! hold the quick searches to it.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::finding::Finding;
use crate::grade::graded;
use crate::rules::{Rule, all};
use crate::runs::{RUN_BYTES_MIN, WORD};
use crate::secrets::Secrets;
use crate::shape::{Verdict, walk};
use crate::sieve::{ESCAPES_MAX, lead_of};
use crate::stream::HOLD_BACK_BYTES_MAX;

static SECRETS: LazyLock<Secrets> = LazyLock::new(Secrets::new);

/// Everything any rule finds, in the order of the triggers.
fn scan(text: &[u8]) -> Vec<Finding> {
    let mut found = Vec::new();
    let (mut covered, mut rejected) = (0..0, 0..0);
    for at in 0..text.len() {
        let hidden = covered.contains(&at) || rejected.contains(&at);
        for rule in starting_at(text, at).filter(|rule| rule.before.allows(&text[..at])) {
            if hidden && rule.goes_by_name() {
                continue;
            }
            let verdict = walk(rule.shape, text, at, true);
            if let Verdict::Rejected(span) = &verdict
                && span.end > rejected.end
            {
                rejected = span.clone();
            }
            if let Verdict::Present(here) = verdict {
                let score = graded(rule.score, text, &here);
                let span = here.span;
                if rule.goes_by_name() {
                    let behind = &text[..span.start];
                    let mut forms = starting_at(text, span.start)
                        .filter(|form| !form.goes_by_name() && form.before.allows(behind));
                    if forms.any(|form| !walk(form.shape, text, span.start, true).is_absent()) {
                        continue;
                    }
                    if !covered.is_empty() && covered.start == span.start {
                        continue;
                    }
                    covered = span.clone();
                }
                found.push(rule.finding(span, score));
            }
        }
    }
    found
}

fn starting_at(text: &[u8], at: usize) -> impl Iterator<Item = &'static Rule> {
    let here = &text[at..];
    all().filter(|rule| {
        rule.triggers
            .iter()
            .any(|trigger| here.starts_with(trigger.as_bytes()))
    })
}

/// A trigger near enough to a run, or of a rule that needs none, whose rule is not ruled out before the
/// first backslash; or an escape of ASCII.
fn may_match(raw: &[u8]) -> bool {
    let lead = all().filter_map(lead_of).max().unwrap() * ESCAPES_MAX;
    let mut searched = vec![false; raw.len()];
    let mut at: usize = 0;
    for part in raw.chunk_by(|a, b| WORD.has(*a) == WORD.has(*b)) {
        if WORD.has(part[0]) && part.len() >= RUN_BYTES_MIN {
            searched[at.saturating_sub(lead)..at + part.len()].fill(true);
        }
        at += part.len();
    }
    for rule in all().filter(|rule| lead_of(rule).is_none()) {
        for trigger in rule.triggers {
            let starts = raw.windows(trigger.len()).enumerate();
            for (at, _) in starts.filter(|(_, here)| *here == trigger.as_bytes()) {
                searched[at..at + trigger.len()].fill(true);
            }
        }
    }
    let present = |at: usize| {
        starting_at(raw, at).any(|rule| {
            let whole = rule.triggers.iter().any(|trigger| {
                raw[at..].starts_with(trigger.as_bytes())
                    && searched[at..at + trigger.len()].iter().all(|&is| is)
            });
            whole && may_present(rule, raw, at)
        })
    };
    (0..raw.len()).any(|at| present(at) || escapes_ascii(&raw[at..]))
}

fn may_present(rule: &Rule, raw: &[u8], at: usize) -> bool {
    let behind = &raw[at.saturating_sub(16)..at];
    let allowed = behind.contains(&b'\\') || rule.before.allows(behind);
    let ahead = &raw[at..raw.len().min(at + HOLD_BACK_BYTES_MAX)];
    let plain = ahead.split(|&byte| byte == b'\\').next().unwrap();
    allowed && !walk(rule.shape, plain, 0, false).is_absent()
}

fn escapes_ascii(here: &[u8]) -> bool {
    matches!(
        here,
        [b'\\', b'/', ..] | [b'\\', b'u', b'0', b'0', b'0'..=b'7', ..]
    )
}

/// Pieces of which texts are made: prose, JSON, escapes, whole and broken triggers, values.
fn piece() -> impl Strategy<Value = String> {
    let literals: Vec<&'static str> = all().flat_map(|rule| rule.triggers.iter().copied()).collect();
    let stub = (prop::sample::select(literals.clone()), 1_usize..8)
        .prop_map(|(literal, bytes)| literal[..bytes.min(literal.len())].to_owned());
    let plain = [
        " the token of ",
        "a",
        ", and ",
        "\"role\":\"user\",\"content\":\"",
        "\":",
        "\"}",
        "max_completion_tokens",
        "chat.completion",
        "é漢",
        ";",
        "[",
        " = ",
        ": \"",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\\u4f60",
        "\\/",
        "\\u0041",
        "\\",
        "api_",
        "s",
        "S",
        "t",
        "twilio_auth_",
        "AWS_SECRET_ACCESS_KEY=",
        "postgres",
        "app:",
        "Pa55w0rd@db",
        "8Q~",
        "123456789",
        ".",
        "-",
        "PRIVATE KEY-----\n",
        "-----------",
    ];
    prop_oneof![
        4 => prop::sample::select(plain.to_vec()).prop_map(str::to_owned),
        3 => prop::sample::select(literals).prop_map(str::to_owned),
        1 => stub,
        3 => "[A-Za-z0-9]{1,45}",
        1 => "[0-9a-f]{32,64}",
        1 => "[A-Z2-7]{16}",
        1 => " {1,70}",
        1 => "[a-z ,.]{1,90}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agp_i3_the_quick_searches_say_what_the_slow_ones_say(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        let mut found: Vec<Finding> = Vec::new();
        SECRETS.scan(&text, &mut found);
        prop_assert_eq!(found, scan(text.as_bytes()), "{}", text);
        prop_assert_eq!(SECRETS.may_match(text.as_bytes()), may_match(text.as_bytes()), "{}", text);
    }
}
