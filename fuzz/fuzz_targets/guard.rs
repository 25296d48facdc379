//! All guards: they never panic, find the same whole and in pieces, never split a character, find a planted secret and a
//! planted address whatever stands around them, and "no" on raw bytes is certain.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use domain::UnixMillis;
use guard::families::{Families, Injection, LinkRules, Moderation, Personal, Secrets};
use guard::{Direction, Found, Gate, Guards, Mode, Origin, Plan, StreamRedact};
use libfuzzer_sys::fuzz_target;

static GUARDS: LazyLock<Guards> = LazyLock::new(Guards::default);
static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let families = Families {
        secrets: Some(Secrets::default()),
        personal: Some(Personal { input: Mode::Redact, output: Mode::Redact, ..Personal::default() }),
        injection: Some(Injection { input: Gate::Observe, ..Injection::default() }),
        moderation: Some(Moderation { input: Gate::Observe, output: Gate::Observe, ..Moderation::default() }),
        links: Some(LinkRules { input: Mode::Redact, output: Mode::Redact, ..LinkRules::default() }),
        ..Families::default()
    };
    Plan::of(&GUARDS, families)
});

const NOW: UnixMillis = UnixMillis(0);
const KEY: &str = "ghp_Zq7Xw2Lk9Pm4Rt6Yv1Bn8Cd3Fg5Hj0Qs2Wa4";
const ADDRESS: &str = "ada.lovelace@analytical-engine.org";

/// Which bytes each rule found.
fn covered(found: &[Found]) -> BTreeMap<String, Vec<(usize, usize)>> {
    let mut all: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    let mut sorted: Vec<_> = found.iter().map(|it| &it.finding).collect();
    sorted.sort_by_key(|it| it.span.start);
    for finding in sorted {
        let spans = all.entry(finding.rule.to_string()).or_default();
        match spans.last_mut().filter(|(_, end)| finding.span.start <= *end) {
            Some((_, end)) => *end = finding.span.end.max(*end),
            None => spans.push((finding.span.start, finding.span.end)),
        }
    }
    all
}

/// In pieces of so many bytes, as near as characters allow.
fn pieces(text: &str, size: u8) -> Vec<&str> {
    let (mut all, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = rest.ceil_char_boundary(usize::from(size).max(1).min(rest.len()));
        let (now, later) = rest.split_at(end);
        all.push(now);
        rest = later;
    }
    all
}

fuzz_target!(|input: (u8, u16, &str)| {
    let (size, at, around) = input;
    let place = around.floor_char_boundary(usize::from(at).min(around.len()));
    let text = format!("{}\n {KEY} , {ADDRESS} \n{}", &around[..place], &around[place..]);

    let mut secrets = Vec::new();
    GUARDS.secrets.scan(around, &mut secrets);
    if !GUARDS.secrets.may_match(around.as_bytes()) {
        assert!(secrets.is_empty());
    }
    let (mut stream, mut out, mut seen) =
        (StreamRedact::new(GUARDS.secrets.clone()), String::new(), Vec::new());
    for piece in pieces(around, size) {
        stream.push(piece, &mut seen, &mut out);
    }
    stream.finish(&mut seen, &mut out);
    assert_eq!(out, guard::redact(around, &secrets));

    let mut found = Vec::new();
    PLAN.scan(Direction::Input, (&text, Origin::User), NOW, &mut found);
    for planted in [KEY, ADDRESS] {
        let from = text.find(planted).expect("it was planted");
        let is_found = found.iter().any(|it| it.finding.span.start <= from && it.finding.span.end >= from + planted.len());
        assert!(is_found, "{planted} is not found");
    }
    let redacted = PLAN.redacted(Direction::Output, (&text, Origin::Assistant), NOW).expect("something was found");
    assert!(!redacted.contains(KEY) && !redacted.contains(ADDRESS));

    let mut whole = Vec::new();
    PLAN.scan(Direction::Output, (&text, Origin::Assistant), NOW, &mut whole);
    let (mut follow, mut live, mut last) = (PLAN.follow(), Vec::new(), 0);
    for piece in pieces(&text, size) {
        let cleared = follow.push(&PLAN, piece, NOW, &mut live);
        assert!(cleared >= last && text.is_char_boundary(usize::try_from(cleared).expect("it is short")));
        last = cleared;
    }
    assert_eq!(follow.finish(&PLAN, NOW, &mut live), text.len() as u64);
    assert_eq!(covered(&live), covered(&whole));
});
