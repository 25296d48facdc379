//! Every rule finds its true example, whole, and leaves near misses alone.

use std::collections::BTreeSet;

use guard::{Finding, Kind, Secrets, redact};

use crate::links_cut::worked;
use crate::samples::{ALNUM, HEX, UPPER, after, noise, pem, samples};

fn found(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    Secrets::new().scan(text, &mut found);
    found
}

fn rules_in(text: &str) -> Vec<String> {
    found(text)
        .into_iter()
        .map(|finding| finding.rule.into_owned())
        .collect()
}

#[test]
fn agp_i3_every_rule_finds_its_example() {
    let secrets = Secrets::new();
    for (rule, before, secret) in samples() {
        for (left, right) in [("", ""), ("use ", " now"), ("漢字 ", "\"}")] {
            let text = format!("{left}{before}{secret}{}{right}", after(rule));
            let mut found = Vec::new();
            secrets.scan(&text, &mut found);
            let start = left.len() + before.len();
            let hit = found.iter().find(|finding| finding.rule == rule);
            let hit = hit.unwrap_or_else(|| panic!("{rule} not found in `{text}`; found {found:?}"));
            assert!(
                hit.span.start <= start && hit.span.end >= start + secret.len(),
                "{rule} {:?}",
                hit.span
            );
            assert_eq!(hit.kind, Kind::Secret);
            assert!(!redact(&text, &found).contains(&secret), "{rule}");
        }
    }
}

#[test]
fn every_rule_has_an_example() {
    let with: BTreeSet<&str> = samples().iter().map(|(rule, _, _)| *rule).collect();
    let rules: BTreeSet<&str> = Secrets::rules().collect();
    assert_eq!(rules, with);
    assert!(rules.len() >= 150, "{}", rules.len());
}

#[test]
fn agp_i3_a_secret_at_the_edge_of_escapes_is_found() {
    let key = format!("ghp_{}", noise(ALNUM, 36, 7));
    for before in [r"line\n", "token%3D", "\"", "(", "=", "`", "\u{200b}"] {
        assert_eq!(rules_in(&format!("{before}{key}")), ["github_token"], "{before}");
    }
}

#[test]
fn near_misses_are_left_alone() {
    let near = [
        format!("AKIA{}", noise(UPPER, 15, 1)),
        format!("AKIA{}", noise(UPPER, 17, 2)),
        format!("TODAYINASIA{}", noise(UPPER, 16, 3)),
        format!("AKIA{}", "X".repeat(16)),
        format!("ghp_{}", noise(ALNUM, 35, 4)),
        format!("ghp_{}", "x".repeat(36)),
        format!("mask-{}", noise(ALNUM, 40, 5)),
        "sk-learn-is-a-nickname-of-a-library-for-machine-learning".to_owned(),
        "risk-adjusted and disk-based and task-oriented".to_owned(),
        "the hf_transfer package and npm_config_registry and pypi-publish".to_owned(),
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"
            .to_owned(),
        "-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----".to_owned(),
        format!("eyJ{}.{}", noise(ALNUM, 40, 6), noise(ALNUM, 40, 7)),
        "postgres://app:$PASSWORD@db/app and postgres://app:${PW}@db and redis://:<password>@host".to_owned(),
        "mysql://user:password@localhost and https://example.com:8080/a@b and http://[::1]:80/".to_owned(),
        "git@github.com:acme/app.git and ssh://git@host:22/repo".to_owned(),
        "Authorization: Bearer $API_KEY and Bearer <token> and the bearer of this letter may pass".to_owned(),
        "Basic authentication, basic understanding, Basic Latin characters".to_owned(),
        "api_key = os.environ[\"OPENAI_API_KEY\"]; password: string; token = get_token()".to_owned(),
        "\"max_tokens\": 4096, \"password\": \"hunter\"".to_owned(),
        format!("\"integrity\": \"sha512-{}==\"", noise(ALNUM, 86, 8)),
        format!("checksum = \"{}\"", noise(HEX, 64, 9)),
        format!("commit {} Q~ 8Q~ xoxb- xoxo btz_", noise(HEX, 40, 10)),
        "btz_short".to_owned(),
    ];
    for text in near {
        assert_eq!(rules_in(&text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn anthropic_and_openai_keys_are_told_apart() {
    assert_eq!(
        rules_in(&format!("sk-ant-api03-{}", noise(ALNUM, 95, 1))),
        ["anthropic_api_key"]
    );
    assert_eq!(
        rules_in(&format!("sk-proj-{}", noise(ALNUM, 95, 1))),
        ["openai_api_key"]
    );
}

#[test]
fn agp_i3_a_value_with_a_form_is_reported_by_its_form_alone() {
    let key = format!("ghp_{}", noise(ALNUM, 36, 21));
    for before in [
        "my token is ",
        "API_KEY=",
        "Authorization: Token ",
        "\"password\": \"",
    ] {
        assert_eq!(
            rules_in(&format!("{before}{key}\"")),
            ["github_token"],
            "{before}"
        );
    }
    let unknown = noise(ALNUM, 36, 22);
    assert_eq!(
        rules_in(&format!("SECRET_ACCESS_KEY={unknown}")),
        ["assigned_secret"]
    );
}

#[test]
fn agp_i1_scrubbing_copies_only_what_it_changes() {
    let secrets = Secrets::new();
    assert!(matches!(
        secrets.scrub("a quiet line"),
        std::borrow::Cow::Borrowed("a quiet line")
    ));
    let line = format!("refused key btz_{}!", noise(ALNUM, 43, 3));
    assert_eq!(
        secrets.scrub(&line),
        "refused key [redacted:bartizan_virtual_key]!"
    );
}

#[test]
fn anp_0023_a_key_block_goes_with_its_end_line() {
    let text = format!("before\n{}\nafter {{}}", pem("EC PRIVATE KEY", 4));
    assert_eq!(
        Secrets::new().scrub(&text),
        "before\n-----BEGIN [redacted:private_key]\nafter {}"
    );
}

#[test]
fn agp_r_001_findings_never_show_the_match() {
    let key = format!("ghp_{}", noise(ALNUM, 36, 11));
    let findings = found(&key);
    assert_eq!(format!("{findings:?}").matches(&key[4..]).count(), 0);
    assert!(!serde_json::to_string(&findings).unwrap().contains(&key[4..]));
}

#[test]
fn redacting_merges_overlaps_and_keeps_characters_whole() {
    let finding = |span, rule: &'static str| Finding {
        span,
        rule: rule.into(),
        category: "",
        kind: Kind::Secret,
        score: guard::SURE,
    };
    let text = "ab漢cdef";
    assert_eq!(
        redact(text, &[finding(6..7, "b"), finding(0..1, "a")]),
        "[redacted:a]b漢c[redacted:b]ef"
    );
    assert_eq!(
        redact(text, &[finding(0..4, "a"), finding(3..6, "b")]),
        "[redacted:a]cdef".replace("cdef", "def")
    );
    assert_eq!(redact(text, &[finding(3..99, "a")]), "ab[redacted:a]");
    assert_eq!(redact(text, &[]), text);
}

#[test]
fn a_long_value_that_is_no_secret_hides_the_names_in_it() {
    let value = noise(HEX, 40, 7);
    assert_eq!(rules_in(&format!("secret-token-{value}")), ["assigned_secret"]);
    // Words, so no secret; and so long that a name in it is one of its words.
    let words = "the-name-of-this-long-thing-".repeat(3);
    assert_eq!(rules_in(&format!("my key = {words}token-{value}")), [""; 0]);
    assert_eq!(
        rules_in(&format!("my key = {words} token={value}")),
        ["assigned_secret"]
    );
}

/// The worst that is known, in a release build a megabyte of each. The bound is generous: it is to tell linear from not.
#[test]
fn ctx_t4_names_in_names_are_judged_in_linear_time() {
    let secrets = Secrets::new();
    for unit in [
        "tokenKEY1",
        ":pwd=",
        "pwd=!",
        "0PRIVATE",
        "KEY_",
        "secretA",
        "1-KEY1",
        "secret_key token=",
        "KEY11-",
    ] {
        let bytes = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };
        let text = unit.repeat(bytes / unit.len());
        let begun = worked();
        secrets.scan(&text, &mut Vec::new());
        let took = std::time::Duration::from_nanos(worked() - begun);
        assert!(took.as_secs() < 5, "{unit}: {took:?}");
    }
}
