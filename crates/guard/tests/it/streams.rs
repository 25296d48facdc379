//! A stream is judged as the whole text would be, however it is cut.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use guard::{Finding, HOLD_BACK_BYTES_MAX, Secrets, StreamRedact, StreamScan, redact};
use proptest::prelude::*;

use crate::samples::{ALNUM, after, jwt, noise, pem, samples};

static SECRETS: LazyLock<Arc<Secrets>> = LazyLock::new(|| Arc::new(Secrets::new()));

/// Spans by rule, with touching and overlapping ones joined.
fn joined(findings: &[Finding]) -> BTreeMap<String, Vec<Range<usize>>> {
    let mut sorted = findings.to_vec();
    sorted.sort_by_key(|finding| (finding.rule.clone(), finding.span.start));
    let mut joined: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
    for finding in sorted {
        let spans = joined.entry(finding.rule.into_owned()).or_default();
        match spans.last_mut().filter(|last| finding.span.start <= last.end) {
            Some(last) => last.end = last.end.max(finding.span.end),
            None => spans.push(finding.span),
        }
    }
    joined
}

fn whole(text: &str) -> (Vec<Finding>, String) {
    let mut found = Vec::new();
    SECRETS.scan(text, &mut found);
    let redacted = redact(text, &found);
    (found, redacted)
}

/// Streams `text` in the given pieces, checking the promises on the way.
fn streamed<'t>(pieces: impl IntoIterator<Item = &'t str>) -> (Vec<Finding>, String) {
    let mut scan = StreamScan::new(Arc::clone(&SECRETS));
    let mut writer = StreamRedact::new(Arc::clone(&SECRETS));
    let (mut found, mut again, mut out) = (Vec::new(), Vec::new(), String::new());
    let (mut arrived, mut cleared) = (0, 0);
    for piece in pieces {
        let known = found.len();
        arrived += piece.len();
        let now = scan.push(piece, &mut found) as usize;
        assert!(now >= cleared && now <= arrived, "cleared goes forward");
        assert!(arrived - now <= HOLD_BACK_BYTES_MAX, "held {}", arrived - now);
        assert!(
            found[known..].iter().all(|finding| finding.span.start >= cleared),
            "nothing cleared is found later"
        );
        cleared = now;
        writer.push(piece, &mut again, &mut out);
    }
    assert_eq!(scan.finish(&mut found) as usize, arrived);
    writer.finish(&mut again, &mut out);
    assert_eq!(found, again);
    assert!(!writer.holds_back());
    (found, out)
}

fn pieces<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut at: Vec<usize> = cuts
        .iter()
        .map(|cut| text.floor_char_boundary(cut % (text.len() + 1)))
        .collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn one_byte_pieces(text: &str) -> Vec<&str> {
    pieces(text, &(0..text.len()).collect::<Vec<_>>())
}

/// Text with secrets, pieces of secrets, ordinary words and whatever else.
fn texts() -> impl Strategy<Value = String> {
    let known: Vec<String> = samples()
        .into_iter()
        .map(|(rule, before, secret)| before + &secret + after(rule))
        .collect();
    let whole_secret = prop::sample::select(known.clone());
    let part = (
        prop::sample::select(known),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(text, at, head)| {
            let at = text.floor_char_boundary(at.index(text.len()));
            if head {
                text[..at].to_owned()
            } else {
                text[at..].to_owned()
            }
        });
    let glue = prop::sample::select(vec![
        " ",
        "",
        "\n",
        ".",
        "-",
        "_",
        "://",
        "a:b@",
        "eyJ",
        "sk-",
        "=",
        "漢",
        "é",
        "\\n",
        "-----BEGIN ",
        "Bearer ",
        "password = ",
        "8Q~",
    ]);
    let prose = "[a-z .,]{0,30}";
    let any_text = "\\PC{0,12}";
    let atom = prop_oneof![
        3 => whole_secret,
        3 => part,
        3 => glue.prop_map(str::to_owned),
        2 => prose.prop_map(|text: String| text),
        1 => any_text.prop_map(|text: String| text),
    ];
    prop::collection::vec(atom, 0..8).prop_map(|atoms| atoms.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agp_i3_any_chunking_finds_and_redacts_the_same(text in texts(), cuts in prop::collection::vec(any::<usize>(), 0..24)) {
        let (expected, redacted) = whole(&text);
        let (found, out) = streamed(pieces(&text, &cuts));
        prop_assert_eq!(joined(&found), joined(&expected));
        prop_assert_eq!(out, redacted);
    }

    #[test]
    fn agp_i3_single_characters_find_and_redact_the_same(text in texts()) {
        let (expected, redacted) = whole(&text);
        let (found, out) = streamed(one_byte_pieces(&text));
        prop_assert_eq!(joined(&found), joined(&expected));
        prop_assert_eq!(out, redacted);
    }
}

#[test]
fn agp_i3_a_secret_cut_at_any_byte_leaks_nothing() {
    for (rule, before, secret) in samples().into_iter().filter(|(_, _, secret)| secret.len() < 700) {
        let text = format!("Here it is: {before}{secret}{} Bye.", after(rule));
        let (_, expected) = whole(&text);
        assert!(!expected.contains(&secret), "{rule}");
        for cut in 1..text.len() {
            let (found, out) = streamed([&text[..cut], &text[cut..]]);
            assert!(
                found.iter().any(|finding| finding.rule == rule),
                "{rule} cut at {cut}"
            );
            assert_eq!(out, expected, "{rule} cut at {cut}");
        }
    }
}

#[test]
fn agp_i3_a_value_made_of_names_is_followed_once() {
    for unit in [
        "KEY1",
        "key-",
        "TOKEN_9x",
        "secret.1",
        "token=aB3",
        "password=\"a1!",
        "KEY1xxxxxx",
    ] {
        let text = unit.repeat(300);
        let (expected, redacted) = whole(&text);
        assert!(expected.len() <= 300, "{unit}: {}", expected.len());
        let (found, out) = streamed(one_byte_pieces(&text));
        assert_eq!(joined(&found), joined(&expected), "{unit}");
        assert_eq!(out, redacted, "{unit}");
    }
    let value = format!("token={}", "aB3KEY7x".repeat(20_000));
    assert_eq!(whole(&value).1, "token=[redacted:assigned_secret]");
    assert_eq!(whole(&value).0.len(), 1);
}

#[test]
fn agp_i3_clean_text_is_never_held_back() {
    let mut scan = StreamScan::new(Arc::clone(&SECRETS));
    let mut found = Vec::new();
    let mut arrived = 0;
    for word in [
        "Once", " upon", " the", " time", ",", " there", " were", " tokens", " of", " trust", ".", "\n\n",
        "1. ", "漢字",
    ] {
        arrived += word.len() as u64;
        assert_eq!(scan.push(word, &mut found), arrived, "{word}");
    }
    assert!(found.is_empty());
}

#[test]
fn agp_i3_only_a_possible_beginning_is_held_and_let_go_when_it_is_none() {
    let mut scan = StreamScan::new(Arc::clone(&SECRETS));
    let mut found = Vec::new();
    assert_eq!(scan.push("see gh", &mut found), 4);
    assert_eq!(scan.push("osts", &mut found), 10);
    assert_eq!(scan.push(" sk-", &mut found), 11);
    assert_eq!(scan.push("etch ", &mut found), 19);
    assert_eq!(scan.push("https://exam", &mut found), 24);
    assert_eq!(scan.push("ple.com/", &mut found), 39);
}

#[test]
fn anp_0023_a_huge_key_is_hidden_to_its_end_and_not_beyond() {
    let block = pem("RSA PRIVATE KEY", 400);
    assert!(block.len() > 5 * HOLD_BACK_BYTES_MAX);
    let text = format!("Key:\n{block}\nThat was it!");
    for size in [1, 7, 64, 1_000, 9_000] {
        let cuts: Vec<usize> = (0..text.len()).step_by(size).collect();
        let (_, out) = streamed(pieces(&text, &cuts));
        assert_eq!(
            out, "Key:\n-----BEGIN [redacted:private_key]\nThat was it!",
            "pieces of {size}"
        );
    }
}

#[test]
fn anp_0023_a_key_that_never_ends_stays_hidden() {
    let block = pem("PRIVATE KEY", 300);
    let cut_off = &block[..block.len() - 30];
    let (_, out) = streamed(one_byte_pieces(cut_off));
    assert_eq!(out, "-----BEGIN [redacted:private_key]");
}

#[test]
fn agp_i3_a_token_larger_than_the_bound_is_hidden_whole() {
    let text = format!("t={} end", jwt(20_000));
    let (_, out) = streamed(pieces(&text, &(0..text.len()).step_by(11).collect::<Vec<_>>()));
    assert_eq!(out, "t=[redacted:jwt] end");
}

#[test]
fn anp_0020_the_rest_of_a_long_secret_is_hidden_as_it_arrives() {
    let mut writer = StreamRedact::new(Arc::clone(&SECRETS));
    let (mut found, mut out) = (Vec::new(), String::new());
    writer.push(&format!("ghp_{}", noise(ALNUM, 255, 5)), &mut found, &mut out);
    assert_eq!(out, "[redacted:github_token]");
    writer.push(&noise(ALNUM, 50, 6), &mut found, &mut out);
    writer.push(" done", &mut found, &mut out);
    writer.finish(&mut found, &mut out);
    assert_eq!(out, "[redacted:github_token] done");
}
