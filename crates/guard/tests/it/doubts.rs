//! What has the look of a credential and is none, or may be none: how sure the guard is, and what settings make of it.

use guard::families::{Families, Secrets as Settings};
use guard::{Direction, Finding, Guards, Origin, Plan, Secrets};

use crate::samples::{ALNUM, DIGITS, HEX, noise};

/// Rules and scores.
fn told(text: &str) -> Vec<(String, u8)> {
    let mut found: Vec<Finding> = Vec::new();
    Secrets::new().scan(text, &mut found);
    let told = found.into_iter();
    told.map(|finding| (finding.rule.into_owned(), finding.score))
        .collect()
}

fn one(rule: &str, score: u8) -> Vec<(String, u8)> {
    vec![(rule.to_owned(), score)]
}

fn google() -> String {
    format!("AIza{}", noise(ALNUM, 35, 701))
}

#[test]
fn a_google_key_that_something_names_is_a_secret_and_one_that_stands_alone_is_doubted() {
    let key = google();
    for before in [
        "key=",
        "apiKey: \"",
        "https://maps.example/?key=",
        "my key is ",
        "(",
        "TOKEN ",
    ] {
        assert_eq!(
            told(&format!("{before}{key}")),
            one("google_api_key", 100),
            "{before}"
        );
    }
    for before in ["", "\n", "see ", "a, b, "] {
        assert_eq!(
            told(&format!("{before}{key}\nrest")),
            one("google_api_key", 40),
            "{before}"
        );
    }
    assert_eq!(told(&format!("x{key}")), []);
}

#[test]
fn an_application_of_firebase_says_who_it_is() {
    let key = google();
    for behind in [
        "\",\n  authDomain: \"app.example\"",
        "\",\"projectId\":\"app\"",
        "', databaseURL: 'https://db.example'",
    ] {
        assert_eq!(told(&format!("apiKey: \"{key}{behind}")), [], "{behind}");
    }
    for behind in ["\",\n  region: \"eu\"", "\"}", "\", password: 1, authDomain: 2"] {
        let text = format!("apiKey: \"{key}{behind}");
        assert_eq!(told(&text), one("google_api_key", 100), "{behind}");
    }
}

#[test]
fn values_that_run_along_the_alphabet_are_less_sure() {
    for (text, rule, score) in [
        (
            "ghp_".to_owned() + "1234567890abcdefghijklmnopqrstuvwxyz",
            "github_token",
            60,
        ),
        ("ghp_".to_owned() + &noise(ALNUM, 36, 702), "github_token", 100),
        (
            "api_key = ".to_owned() + "a1b2c3d4e5f6g7h8i9j0",
            "assigned_secret",
            50,
        ),
        (
            "api_key = ".to_owned() + &noise(HEX, 32, 703),
            "assigned_secret",
            80,
        ),
    ] {
        assert_eq!(told(&text), one(rule, score), "{text}");
    }
}

#[test]
fn forms_that_no_vendor_makes_are_none() {
    let body = noise(ALNUM, 93, 704);
    let along = "abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let hex = |bytes: usize| noise(HEX, bytes, 705);
    let is = |text: String, rule: &str| {
        assert_eq!(
            told(&text).first().map(|(rule, _)| rule.as_str()),
            Some(rule),
            "{text}"
        );
    };
    let is_not = |text: String| assert_eq!(told(&text), [], "{text}");
    is(format!("sk-ant-api03-{body}AA"), "anthropic_api_key");
    is(format!("sk-ant-oat01-{body}"), "anthropic_api_key");
    is(
        format!("sk-ant-admin01-{along}-56-{}AA", &along[..25]),
        "anthropic_api_key",
    );
    is_not(format!("sk-ant-api03-{along}"));
    is(format!("sgp_{}", hex(40)), "sourcegraph_token");
    is(format!("sgp_local_{}", hex(40)), "sourcegraph_token");
    is(format!("sgp_{}_{}", hex(16), hex(40)), "sourcegraph_token");
    is_not(format!("sgp_{}_{}", hex(15), hex(40)));
    is_not(format!("sgp_local_{}G", hex(39)));
    is(format!("hvb.{}", noise(ALNUM, 140, 706)), "vault_token");
    is_not(format!("hvb.{}", noise(ALNUM, 60, 707)));
    is(
        format!("x{}JQQJ99{}", noise(ALNUM, 50, 708), noise(ALNUM, 26, 709)),
        "azure_platform_key",
    );
    is_not(format!(
        "x{}JQQJ99{}",
        noise(ALNUM, 50, 708),
        noise(ALNUM, 25, 709)
    ));
    let numbers = [noise(DIGITS, 11, 710), noise(DIGITS, 11, 711)];
    is(
        format!("xoxb-{}-{}-{}", numbers[0], numbers[1], noise(ALNUM, 24, 712)),
        "slack_token",
    );
    is_not(format!("xoxb-{}-{}-{}", "12", "34", noise(ALNUM, 24, 712)));
    is_not(format!("xoxb-{}-{}-{}", numbers[0], numbers[1], "#".repeat(24)));
    is_not(format!("xoxb-{}-{}-{}", numbers[0], numbers[1], "*".repeat(24)));
}

#[test]
fn digits_alone_and_patterns_are_no_generated_values() {
    for text in [
        format!("ntn_{}", noise(DIGITS, 46, 713)),
        format!("GR1348941{}", "123".repeat(7)),
        format!("glpat-{}", "a1b".repeat(7)),
    ] {
        assert_eq!(told(&text), [], "{text}");
    }
    assert_eq!(
        told(&format!("ntn_{}", noise(ALNUM, 46, 714))),
        one("notion_token", 100)
    );
    assert_eq!(
        told(&format!("GR1348941{}", noise(ALNUM, 20, 715))),
        one("gitlab_token", 100)
    );
}

#[test]
fn agp_i3_settings_say_how_sure_a_credential_must_be() {
    let texts = [
        (100, format!("ghp_{}", noise(ALNUM, 36, 716))),
        (80, format!("api_key = {}", noise(HEX, 32, 717))),
        (70, "password = \"Tr0ub4dor&3\"".to_owned()),
        (60, "ghp_".to_owned() + "1234567890abcdefghijklmnopqrstuvwxyz"),
        (40, google()),
    ];
    let guards = Guards::default();
    let done = |sure: u8| {
        let secrets = Some(Settings {
            sure,
            ..Settings::default()
        });
        let plan = Plan::of(
            &guards,
            Families {
                secrets,
                ..Families::default()
            },
        );
        let is_done = |text: &str, direction: Direction| {
            let mut found = Vec::new();
            plan.scan(direction, (text, Origin::User), domain::UnixMillis(0), &mut found);
            !found.is_empty()
        };
        for (score, text) in &texts {
            for direction in [Direction::Input, Direction::Output] {
                assert_eq!(is_done(text, direction), *score >= sure, "{sure} {text}");
            }
        }
    };
    [1, 40, 41, 60, 61, 75, 81, 100].into_iter().for_each(done);
    done(Settings::default().sure);
    for wrong in [0, 101] {
        let secrets = Some(Settings {
            sure: wrong,
            ..Settings::default()
        });
        let families = Families {
            secrets,
            ..Families::default()
        };
        let problems = families.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].0, "secrets.sure");
    }
}
