//! What operators look for themselves: what they may write, what is found, and what happens where a guard of theirs fails.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use domain::UnixMillis;
use guard::custom::{Check, Custom, ExtensionUse, Rule};
use guard::{
    Action, Direction, Exception, Families, Found, Guards, Mode, Origin, Plan, Plans, Profile, Profiles,
    Ready, When, exception_digest,
};
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_000);

fn pattern(name: &str, written: &str) -> Rule {
    Rule {
        name: name.into(),
        pattern: Some(written.into()),
        ..Rule::default()
    }
}

fn words(name: &str, words: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        ..Rule::default()
    }
}

fn custom(rules: Vec<Rule>) -> Custom {
    Custom {
        rules,
        ..Custom::default()
    }
}

pub(crate) fn families(custom: Custom) -> Families {
    Families {
        custom: Some(custom),
        ..Families::default()
    }
}

pub(crate) fn plan(custom: Custom) -> Arc<Plan> {
    assert_eq!(custom.problems(), []);
    Plan::of(&Guards::default(), families(custom))
}

pub(crate) fn scanned(plan: &Plan, direction: Direction, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    plan.scan(direction, (text, Origin::User), NOW, &mut found);
    found
}

/// What was found, by rule.
fn found<'t>(plan: &Plan, direction: Direction, text: &'t str) -> Vec<(String, &'t str)> {
    let mut found = scanned(plan, direction, text);
    found.sort_by_key(|it| (it.finding.span.start, it.finding.rule.clone()));
    let told = |it: Found| (it.finding.rule.into_owned(), &text[it.finding.span]);
    found.into_iter().map(told).collect()
}

fn input(rule: Rule, text: &str) -> Vec<&str> {
    let found = found(&plan(custom(vec![rule])), Direction::Input, text);
    found.into_iter().map(|(_, text)| text).collect()
}

fn problem(rule: Rule) -> (String, String) {
    let mut problems = custom(vec![rule]).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn anp_0017_rules_find_and_each_does_what_it_says() {
    let rules = vec![
        Rule {
            input: Mode::Block,
            output: Mode::Off,
            ..pattern("project", r"PRJ-\d{4}")
        },
        Rule {
            input: Mode::Off,
            output: Mode::Redact,
            score: 70,
            ..words("codename", &["Falcon", "Falcon Heavy"])
        },
        pattern("ticket", r"[A-Z]{3}-\d+"),
    ];
    let plan = plan(custom(rules));
    let text = "PRJ-1234 is Falcon Heavy, PRJ-12 is not";
    let all: Vec<_> = scanned(&plan, Direction::Input, text)
        .into_iter()
        .map(|it| (it.finding.rule.into_owned(), it.action, it.finding.score))
        .collect();
    assert_eq!(
        all,
        [
            ("custom:project".into(), Action::Block, 100),
            ("custom:ticket".into(), Action::Observe, 100),
            ("custom:ticket".into(), Action::Observe, 100),
        ]
    );
    assert_eq!(
        found(&plan, Direction::Output, text),
        [
            ("custom:ticket".into(), "PRJ-1234"),
            ("custom:codename".into(), "Falcon Heavy"),
            ("custom:ticket".into(), "PRJ-12"),
        ]
    );
    let redacted = plan.redacted(Direction::Output, (text, Origin::Assistant), NOW);
    assert_eq!(
        redacted.as_deref(),
        Some("PRJ-1234 is [redacted:custom:codename], PRJ-12 is not")
    );
}

#[test]
fn case_and_word_ends_count_where_it_is_said() {
    let text = "Straße STRASSE straßen über ÜBER übER Über überall";
    let rule = |ignore_case, whole_words| Rule {
        ignore_case,
        whole_words,
        ..words("w", &["über", "Straße"])
    };
    assert_eq!(input(rule(false, false), text), ["Straße", "über", "über"]);
    assert_eq!(input(rule(false, true), text), ["Straße", "über"]);
    assert_eq!(
        input(rule(true, true), text),
        ["Straße", "STRASSE", "über", "ÜBER", "übER", "Über"]
    );
    let rule = |ignore_case, whole_words| Rule {
        ignore_case,
        whole_words,
        ..pattern("p", "über|stra.e")
    };
    assert_eq!(input(rule(false, false), text), ["straße", "über", "über"]);
    assert_eq!(
        input(rule(true, true), text),
        ["Straße", "über", "ÜBER", "übER", "Über"]
    );
    assert_eq!(input(words("w", &["Falcon"]), "falcon"), [""; 0]);
    // In one automaton, each rule keeps its own.
    let both = vec![
        words("exact", &["Falcon"]),
        Rule {
            ignore_case: true,
            ..words("any", &["falcon"])
        },
    ];
    let told = found(&plan(custom(both)), Direction::Input, "FALCON Falcon");
    assert_eq!(
        told,
        [
            ("custom:any".into(), "FALCON"),
            ("custom:any".into(), "Falcon"),
            ("custom:exact".into(), "Falcon"),
        ]
    );
}

#[test]
fn digits_must_prove_what_is_asked_of_them() {
    let rule = |check| Rule {
        check,
        ..pattern("p", r"\d{4}-\d{4}-\d{4}-\d{4}")
    };
    let text = "4111-1111-1111-1111 4111-1111-1111-1112";
    assert_eq!(input(rule(Check::None), text).len(), 2);
    assert_eq!(input(rule(Check::Luhn), text), ["4111-1111-1111-1111"]);
    let rule = Rule {
        check: Check::Mod97,
        ..pattern("p", r"X\d{5}")
    };
    // X stands for 33: 33794 has the check digits 45 by ISO 7064.
    let valid: Vec<String> = (0..100).map(|check| format!("X794{check:02}")).collect();
    assert_eq!(input(rule, &valid.join(" ")).len(), 1);
}

#[test]
fn agp_t1_a_folded_rule_sees_what_a_model_would_read() {
    let rule = Rule {
        folded: true,
        input: Mode::Block,
        ..words("codename", &["Fálcon Heavy"])
    };
    let hidden = [
        "Fa\u{200b}lcon Heavy",
        "Ｆａｌｃｏｎ Heavy",
        "Fаlcon Heavy",
        "say RmFsY29uIEhlYXZ5IGlzIHJlYWR5IHRvIGdv now",
        "Falcon Heavy",
        "Fálcon Heavy",
    ];
    let folded = plan(custom(vec![rule.clone()]));
    let plain = plan(custom(vec![Rule {
        folded: false,
        ..rule
    }]));
    for text in hidden {
        let found = scanned(&folded, Direction::Input, text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(text.get(found[0].finding.span.clone()).is_some());
        let is_plain = text == "Fálcon Heavy";
        assert_eq!(
            scanned(&plain, Direction::Input, text).len(),
            usize::from(is_plain),
            "{text}"
        );
    }
    // Answers are judged as they stand, whole or live.
    assert_eq!(scanned(&folded, Direction::Output, hidden[0]), []);
}

#[test]
fn agp_d1_patterns_that_cost_too_much_are_refused_with_what_to_do() {
    let refused = [
        (pattern("p", "a.{0,1000}b"), "counts to 999"),
        (pattern("p", ".{0,1000}.{0,1000}.{0,1000}x"), "counts to"),
        (pattern("p", "((((a{10}){10}){10}){10}){10}"), "counts to"),
        (pattern("p", r"\w{127}"), "smaller counts"),
        (pattern("p", &"(".repeat(200)), "character 200"),
        (
            pattern("p", &format!("{}a{}", "(".repeat(60), ")".repeat(60))),
            "groups out of the others",
        ),
        (pattern("p", &vec!["alternative"; 500].join("|")), "`words`"),
        (pattern("p", "(?s)a.{600,}b"), "counts to 599"),
        (pattern("p", r"(?:[üö]\w\w){50,}\w{50}"), "match_bytes_max"),
    ];
    for (rule, advice) in refused {
        let written = rule.pattern.clone().unwrap();
        let began = Instant::now();
        let (place, what) = problem(rule);
        assert_eq!(place, "rules[0].pattern");
        assert!(
            what.starts_with("of `p` ") && what.contains(advice),
            "{written}: {what}"
        );
        assert!(began.elapsed() < Duration::from_secs(20), "{written}");
    }
    let many = (0..40)
        .map(|at| pattern(&at.to_string(), &format!("[ab]{{100}}x{at}")))
        .collect();
    let problems = custom(many).problems();
    assert!(problems[0].1.contains("together"), "{problems:?}");
}

#[test]
fn what_is_written_wrong_is_told_with_its_place_and_what_to_do() {
    let patterns = [
        ("a*", "matches nothing"),
        ("", "matches nothing"),
        (r"\b", "matches nothing"),
        ("(?:a|)", "matches nothing"),
        ("[a&&b]", "never match"),
        ("ab(c", "at character 3: unclosed group: close each `(`"),
        ("ü)", "at character 2"),
        ("[a", "at character 1: unclosed character class"),
        ("a(?=b)", "at character 2: look-around"),
        (
            r"(a)\1",
            "at character 4: backreferences are not supported: write out",
        ),
        ("a{3,1}", "smaller count first"),
        ("+a", "at character 1"),
        (r"\p{Klingon}", "at character 1"),
        (r"(?-u)\xff", "at character"),
    ];
    for (written, says) in patterns {
        let (place, what) = problem(pattern("p", written));
        assert_eq!(place, "rules[0].pattern");
        assert!(what.contains(says), "{written}: {what}");
    }
    let rules = [
        (pattern("Bad Name", "a"), "rules[0].name"),
        (pattern("", "a"), "rules[0].name"),
        (pattern(&"n".repeat(65), "a"), "rules[0].name"),
        (words("w", &[]), "rules[0].pattern"),
        (words("w", &["a", " "]), "rules[0].words"),
        (words("w", &["a".repeat(257).as_str()]), "rules[0].words"),
        (
            Rule {
                words: vec!["a".into()],
                ..pattern("p", "a")
            },
            "rules[0].pattern",
        ),
        (
            Rule {
                file: Some("names.txt".into()),
                ..words("w", &[])
            },
            "rules[0].file",
        ),
        (
            Rule {
                score: 0,
                ..pattern("p", "a")
            },
            "rules[0].score",
        ),
    ];
    for (rule, wanted) in rules {
        let (place, what) = problem(rule);
        assert_eq!(place, wanted, "{what}");
        assert!(what.contains(':'), "{what}");
    }
    let mut both = custom(vec![pattern("one", "a"), pattern("one", "b")]);
    both.match_bytes_max = 4_000;
    both.extensions = vec![ExtensionUse {
        name: "one".into(),
        file: Some("guard.wasm".into()),
        fuel_per_kib: 0,
        memory_bytes_max: 1,
        ..ExtensionUse::default()
    }];
    let places: Vec<_> = both.problems().into_iter().map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "rules[1].name",
            "extensions[0].name",
            "match_bytes_max",
            "extensions[0].sha256",
            "extensions[0].fuel_per_kib",
            "extensions[0].memory_bytes_max",
        ]
    );
    let many = (0..257).map(|at| pattern(&at.to_string(), "a")).collect();
    assert_eq!(custom(many).problems()[0].0, "rules");
    let document = Profiles {
        profiles: vec![Profile {
            name: "one".into(),
            guards: families(custom(vec![pattern("p", "(")])),
            ..Profile::default()
        }],
        ..Profiles::default()
    };
    assert_eq!(
        document.problems()[0].0,
        "profiles[0].guards.custom.rules[0].pattern"
    );
    let long: Vec<String> = (0..20_001).map(|at| format!("word{at}")).collect();
    let list = Rule {
        dictionary: long,
        ..words("w", &[])
    };
    let (place, what) = problem(list);
    assert!(place == "rules" && what.contains("20001 words"), "{what}");
}

#[test]
fn rules_that_were_never_read_let_nothing_pass() {
    let broken = custom(vec![
        Rule {
            input: Mode::Redact,
            output: Mode::Observe,
            ..pattern("broken", "(")
        },
        words("fine", &["a"]),
    ]);
    let plan = Plan::of(&Guards::default(), families(broken));
    let told = |direction| -> Vec<_> {
        scanned(&plan, direction, "text")
            .into_iter()
            .map(|it| (it.finding.rule.into_owned(), it.finding.span, it.action))
            .collect()
    };
    assert_eq!(
        told(Direction::Input),
        [
            ("custom:broken:failed".into(), 0..4, Action::Block),
            ("custom:fine:failed".into(), 0..4, Action::Observe),
        ]
    );
    assert!(told(Direction::Output).iter().all(|it| it.2 == Action::Observe));
}

#[test]
fn an_exception_lets_one_match_of_a_rule_pass() {
    let rule = Rule {
        input: Mode::Block,
        ..pattern("project", r"PRJ-\d{4}")
    };
    let document = Profiles {
        profiles: vec![],
        exceptions: vec![Exception {
            rule: "custom:project".into(),
            sha256: Some(exception_digest("PRJ-0000")),
            direction: None,
            when: When::default(),
            until_ms: UnixMillis(2_000),
            reason: "the one in the manual".into(),
        }],
    };
    let plans = Plans::new(Guards::default(), families(custom(vec![rule])), document);
    let plan = plans.plan(&crate::plans::call(), None);
    let told: Vec<_> = scanned(&plan, Direction::Input, "PRJ-0000 PRJ-0001")
        .into_iter()
        .map(|it| (it.action, it.excepted))
        .collect();
    assert_eq!(told, [(Action::Observe, true), (Action::Block, false)]);
}

#[test]
fn rules_of_several_profiles_each_keep_their_own_and_the_stricter_wins() {
    let rule = |mode| Rule {
        input: mode,
        ..words("codename", &["Falcon"])
    };
    let own = Ready::own(Profiles {
        profiles: vec![Profile {
            name: "ours".into(),
            guards: families(custom(vec![rule(Mode::Block), words("more", &["Eagle"])])),
            ..Profile::default()
        }],
        exceptions: vec![],
    });
    let plans = Plans::new(
        Guards::default(),
        families(custom(vec![rule(Mode::Observe)])),
        Profiles::default(),
    );
    let actions = |plan: &Plan| -> Vec<_> {
        scanned(plan, Direction::Input, "Falcon")
            .into_iter()
            .map(|it| it.action)
            .collect()
    };
    assert_eq!(actions(&plans.base()), [Action::Observe]);
    let plan = plans.plan(&crate::plans::call(), Some(&own));
    assert!(actions(&plan).iter().all(|action| *action == Action::Block));
    assert_eq!(found(&plan, Direction::Input, "Eagle").len(), 1);
}

#[test]
fn agp_d1_hostile_texts_take_linear_time() {
    let plan = plan(custom(vec![
        pattern("a", "(a+)+$"),
        pattern("b", "(?:a|aa)+b"),
        pattern("c", "a[^b]*b|a{3}"),
        words("d", &["aaaaaaaaab", "aaaaaaaaaaaaaaab", "b"]),
    ]));
    let text = "a".repeat(100_000);
    let began = Instant::now();
    let found = scanned(&plan, Direction::Input, &text);
    assert!(found.len() > 1_000);
    // What backtracks would still be at it when the stars are gone; a busy machine is a hundred times slower than an idle one.
    assert!(began.elapsed() < Duration::from_secs(100));
}

/// Streams a text: what was found, and how much was cleared before the end.
pub(crate) fn streamed(plan: &Plan, pieces: &[&str]) -> (Vec<Found>, u64) {
    let (mut follow, mut found, mut cleared) = (plan.follow(), Vec::new(), 0);
    for piece in pieces {
        let now = follow.push(plan, piece, NOW, &mut found);
        assert!(now >= cleared);
        cleared = now;
    }
    let end: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert_eq!(follow.finish(plan, NOW, &mut found), end as u64);
    (found, cleared)
}

static MIXED: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let rules = vec![
        Rule {
            output: Mode::Redact,
            ..pattern("p", r"[a-b]+-\d")
        },
        Rule {
            output: Mode::Block,
            whole_words: true,
            ignore_case: true,
            ..words("w", &["ab", "bü a"])
        },
        Rule {
            check: Check::Luhn,
            ..pattern("n", r"\d{2,4}")
        },
    ];
    plan(custom(rules))
});

proptest! {
    #[test]
    fn anp_0023_a_stream_is_judged_as_the_whole(
        text in "[abAB!ü 01-]{0,80}",
        sizes in prop::collection::vec(1_usize..12, 1..5),
    ) {
        let plan = &*MIXED;
        let mut whole = scanned(plan, Direction::Output, &text);
        let (mut pieces, mut rest, mut at) = (Vec::new(), text.as_str(), 0);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.ceil_char_boundary(sizes[at % sizes.len()]));
            pieces.push(piece);
            (rest, at) = (behind, at + 1);
        }
        let (mut live, _) = streamed(plan, &pieces);
        for found in [&mut whole, &mut live] {
            found.sort_by_key(|it| (it.finding.rule.clone(), it.finding.span.start));
        }
        prop_assert_eq!(whole, live);
    }
}
