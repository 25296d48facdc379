//! Guards outside: what is said of them must be said, mean something, and lead somewhere.

use crate::read;
use crate::validation::{one, problems};

fn connector(rest: &str) -> String {
    format!(
        "guards: {{ connectors: [{{ name: a, address: 'https://guard.example', on_failure: block, {rest} }}] }}"
    )
}

#[test]
fn anp_0003_what_happens_without_a_verdict_is_said() {
    let text =
        "guards: { connectors: [{ name: a, kind: presidio, address: 'https://x.example', input: block }] }";
    let error = read(text).unwrap_err().to_string();
    assert!(error.contains("on_failure"), "{error}");
    assert_eq!(problems(&connector("kind: presidio, input: redact")), [""; 0]);
}

#[test]
fn agp_d2_bounds_of_connectors_hold_at_the_limit_and_one_past_it() {
    for (key, low, high) in [
        ("timeout_ms", 10, 60_000),
        ("at_once_max", 1, 1_000),
        ("texts_max", 1, 100_000),
        ("cache_ms", 0, 3_600_000),
        ("text_bytes_max", 1, 16 << 20),
        ("score_min", 1, 100),
    ] {
        for good in [low, high] {
            let text = connector(&format!("kind: presidio, input: redact, {key}: {good}"));
            assert_eq!(problems(&text), [""; 0]);
        }
        for bad in [low - 1, high + 1] {
            let text = connector(&format!("kind: presidio, input: redact, {key}: {bad}"));
            if bad >= 0 {
                one(&text, &format!("guards.connectors[0].{key}"));
            }
        }
    }
}

#[test]
fn anp_d0005_connectors_are_reached_over_tls_or_as_declared() {
    let at = |address: &str, rest: &str| {
        connector(&format!("kind: http, input: observe{rest}")).replace("https://guard.example", address)
    };
    for (address, rest) in [
        ("http://guard.example", ""),
        ("http://169.254.169.254/x", ", allow_plaintext: true"),
        ("https://a:b@guard.example", ""),
        ("guard.example", ""),
    ] {
        one(&at(address, rest), "guards.connectors[0].address");
    }
    for (address, rest) in [
        ("http://guard.example/x", ", allow_plaintext: true"),
        ("http://127.0.0.1:1", ""),
    ] {
        assert_eq!(problems(&at(address, rest)), [""; 0]);
    }
}

#[test]
fn keys_of_one_kind_mean_nothing_to_another_and_whole_judgements_replace_nothing() {
    let place = |key: &str| format!("guards.connectors[0].{key}");
    one(
        &connector("kind: http, input: block, language: de"),
        &place("language"),
    );
    one(&connector("kind: http, input: block, model: m"), &place("model"));
    one(
        &connector("kind: judge, model: m, input: block, score_min: 3"),
        &place("score_min"),
    );
    one(&connector("kind: judge, input: block"), &place("model"));
    one(
        &connector("kind: judge, model: m, input: redact"),
        &place("input"),
    );
    one(
        &connector("kind: openai_moderation, output: mask"),
        &place("output"),
    );
    one(&connector("kind: http"), &place("input"));
    let twice = "guards: { connectors: [{ name: a, kind: http, address: 'https://x.example', on_failure: flag, input: block },
      { name: a, kind: http, address: 'https://x.example', on_failure: flag, input: block }] }";
    one(twice, "guards.connectors[1].name");
}

#[test]
fn ctx_t3_a_connectors_credential_is_a_reference_and_not_one_of_the_store() {
    let error = read(&connector(
        "kind: http, input: block, credential: a-token-in-clear-0123456789",
    ));
    assert!(error.is_err());
    let text = connector("kind: http, input: block, credential: 'stored:x'");
    let all = problems(&text);
    assert!(
        all.iter()
            .any(|it| it.starts_with("guards.connectors[0].credential: ")),
        "{all:?}"
    );
    assert_eq!(
        problems(&connector("kind: http, input: block, credential: 'env:X'")),
        [""; 0]
    );
}
