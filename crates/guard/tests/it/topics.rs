//! Topics that are denied and allowed: words, phrases, beginnings, disguise, layers, streams, sizes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{DataClass, KeyId, Operation, TeamId, TenantId, UnixMillis};
use guard::families::{Families, Topic, Topics as Settings};
use guard::{
    Action, Call, Direction, Finding, Gate, Guards, Origin, Plan, Plans, Profile, Profiles,
    TOPIC_WORD_BYTES_MAX, TopicStream, Topics, When,
};
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_000);

fn topic(name: &str, words: &[&str]) -> Topic {
    Topic {
        name: name.to_owned(),
        words: words.iter().map(|&word| word.to_owned()).collect(),
        examples: vec![],
        least: 1,
    }
}

fn denies(topics: Vec<Topic>) -> Settings {
    Settings {
        input: Gate::Block,
        output: Gate::Block,
        deny: topics,
        ..Settings::default()
    }
}

fn families(topics: Settings) -> Families {
    let families = Families {
        topics: Some(topics),
        ..Families::default()
    };
    assert_eq!(families.problems(), []);
    families
}

fn found(settings: &Settings, text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    Topics::new(std::iter::once(settings)).scan(text, true, &mut found);
    let told = |it: Finding| (it.rule.into_owned(), text[it.span].to_owned());
    found.into_iter().map(told).collect()
}

fn one(rule: &str, what: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), what.to_owned())]
}

#[test]
fn words_phrases_and_beginnings_are_found_at_words_ends() {
    let settings = denies(vec![
        topic("gambling", &["casino", "bett*", "slot machine", "Glücksspiel"]),
        topic("税", &["税务"]),
    ]);
    assert_eq!(
        found(&settings, "Which CASINO is best?"),
        one("topic:gambling", "CASINO")
    );
    assert_eq!(
        found(&settings, "the betting odds"),
        one("topic:gambling", "bett")
    );
    assert_eq!(
        found(&settings, "a slot -\n machine."),
        one("topic:gambling", "slot -\n machine")
    );
    assert_eq!(
        found(&settings, "ein GLUCKSSPIEL"),
        one("topic:gambling", "GLUCKSSPIEL")
    );
    assert_eq!(
        found(&settings, "c\u{200b}\u{0430}sin\u{043e}"),
        one("topic:gambling", "c\u{200b}\u{0430}sin\u{043e}")
    );
    assert_eq!(found(&settings, "请问税务问题"), one("topic:税", "税务"));
    for harmless in [
        "casinos of cards",
        "alphabet soup",
        "slot in the machine",
        "a slot machinery",
        "",
    ] {
        assert_eq!(found(&settings, harmless), [], "{harmless}");
    }
}

#[test]
fn a_topic_may_ask_for_several_of_its_words() {
    let mut politics = topic("politics", &["election", "party", "vote", "senat*"]);
    politics.least = 2;
    let settings = denies(vec![politics]);
    assert_eq!(found(&settings, "the party was a great party, what a party"), []);
    assert_eq!(
        found(&settings, "which party wins the election? the vote is soon"),
        one("topic:politics", "election")
    );
}

fn allows() -> Settings {
    Settings {
        input: Gate::Block,
        allow: vec![topic("garden", &["plant*", "soil"]), topic("tools", &["spade"])],
        ..Settings::default()
    }
}

fn actions(plan: &Plan, direction: Direction, origin: Origin, text: &str) -> Vec<(String, Action)> {
    let mut found = Vec::new();
    plan.scan(direction, (text, origin), NOW, &mut found);
    found
        .into_iter()
        .map(|it| (it.finding.rule.into_owned(), it.action))
        .collect()
}

#[test]
fn what_users_write_at_length_must_touch_what_is_allowed() {
    let plan = Plan::of(&Guards::default(), families(allows()));
    let off = "please write me a poem about the moon";
    assert_eq!(
        actions(&plan, Direction::Input, Origin::User, off),
        [("topic:off_topic".to_owned(), Action::Block)]
    );
    for (origin, text) in [
        (Origin::User, "when should I water my plants in the summer"),
        (Origin::User, "yes please, go on then"),
        (Origin::User, "which SPADE is the best one for clay"),
        (Origin::System, off),
        (Origin::ToolResult, off),
        (Origin::Assistant, off),
    ] {
        assert_eq!(actions(&plan, Direction::Input, origin, text), [], "{text}");
    }
    assert_eq!(actions(&plan, Direction::Output, Origin::User, off), []);
}

fn call() -> Call<'static> {
    Call {
        tenant: (TenantId::from_u128(1), "acme"),
        team: (TeamId::from_u128(2), "clinic"),
        project: None,
        key: (KeyId::from_u128(3), "robot"),
        tags: &[],
        model: "large",
        operation: Operation::Chat,
        data_class: DataClass::Internal,
    }
}

#[test]
fn a_profiles_topics_are_its_own_even_under_a_shared_name() {
    let profile = |name: &str, shadow: bool, topics: Settings| Profile {
        name: name.to_owned(),
        when: When::default(),
        shadow,
        guards: families(topics),
    };
    let watch = |topics: Settings| Settings {
        input: Gate::Observe,
        ..topics
    };
    let plans = |profiles| {
        let document = Profiles {
            profiles,
            exceptions: vec![],
        };
        Plans::new(Guards::default(), Families::default(), document).plan(&call(), None)
    };
    let wine = || denies(vec![topic("drinks", &["wine"])]);
    let tea = || watch(denies(vec![topic("drinks", &["tea"])]));
    let plan = plans(vec![profile("a", false, wine()), profile("b", false, tea())]);
    let told = |text: &str| actions(&plan, Direction::Input, Origin::User, text).remove(0);
    let (wine_rule, action) = told("red wine");
    assert_eq!(action, Action::Block);
    let (tea_rule, action) = told("green tea");
    assert_eq!(action, Action::Observe);
    assert!(
        wine_rule.starts_with("topic:drinks#")
            && tea_rule.starts_with("topic:drinks#")
            && wine_rule != tea_rule
    );

    let same = plans(vec![
        profile("a", false, wine()),
        profile("b", false, watch(wine())),
    ]);
    assert_eq!(
        actions(&same, Direction::Input, Origin::User, "red wine"),
        [("topic:drinks".to_owned(), Action::Block)]
    );

    // A profile in shadow that allows something else does not make another one block.
    let mut other = allows();
    other.allow = vec![topic("poems", &["poem"])];
    let plan = plans(vec![profile("a", false, allows()), profile("b", true, other)]);
    let found = actions(
        &plan,
        Direction::Input,
        Origin::User,
        "when should I water my plants in summer",
    );
    assert!(
        found.iter().all(|(_, action)| *action == Action::Observe),
        "{found:?}"
    );
    let found = actions(
        &plan,
        Direction::Input,
        Origin::User,
        "please write me a poem about the moon",
    );
    assert!(
        found.iter().any(|(_, action)| *action == Action::Block),
        "{found:?}"
    );
}

#[test]
fn what_is_written_wrong_is_named() {
    let problems = |settings: Settings| {
        let families = Families {
            topics: Some(settings),
            ..Families::default()
        };
        families
            .problems()
            .into_iter()
            .map(|(at, what)| format!("{at} {what}"))
            .collect::<Vec<_>>()
    };
    let mut unfound = topic("wine", &["wine", "grape*"]);
    unfound.examples = vec!["two grapes".into(), "a bottle of beer".into()];
    let mut greedy = topic("few", &["one"]);
    greedy.least = 2;
    let all = problems(denies(vec![
        topic("off_topic", &["a"]),
        topic("none", &[]),
        topic("signs", &["*", "!?"]),
        topic("long", &["x".repeat(200).as_str()]),
        unfound,
        greedy,
        topic("few", &["two"]),
    ]));
    let parts = [
        "`off_topic`",
        "0 words",
        "`*`",
        "`!?`",
        "more than 128 bytes",
        "its example 2",
        "2 different words",
        "twice",
    ];
    assert_eq!(all.len(), parts.len(), "{all:#?}");
    for (what, part) in all.iter().zip(parts) {
        assert!(what.starts_with("topics.deny ") && what.contains(part), "{what}");
    }
    let many: Vec<String> = (0..500).map(|number| format!("w{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let all = problems(denies(
        (0..5).map(|number| topic(&format!("t{number}"), &many)).collect(),
    ));
    assert!(all.len() == 1 && all[0].contains("2500 words"), "{all:?}");
    let written = r#"{"input": "block", "deny": [{"name": "wine", "words": ["wine"]}]}"#;
    assert_eq!(
        problems(serde_json::from_str(written).unwrap()),
        Vec::<String>::new()
    );
}

#[test]
fn time_is_linear_in_the_worst_texts() {
    let mib = 1 << 20;
    let words: Vec<String> = (1..=100)
        .map(|count| "a ".repeat(count.min(60)) + &count.to_string())
        .collect();
    let mut settings = denies(vec![topic(
        "a",
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
    )]);
    settings.deny.push(topic("b", &["b*", "a b*", "a a b*", "aaaa*"]));
    let topics = Topics::new(std::iter::once(&settings));
    for text in [
        "a ".repeat(mib / 2),
        "a".repeat(mib),
        "b ".repeat(mib / 2),
        "é".repeat(mib / 2),
        "税".repeat(mib / 3),
        "ﷺ".repeat(mib / 3),
    ] {
        let started = Instant::now();
        let mut found = Vec::new();
        topics.scan(&text, true, &mut found);
        println!("{:?}: {:?}", text.chars().next(), started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(30));
        assert!(found.len() <= 2 && found.iter().all(|it| text.get(it.span.clone()).is_some()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn anp_0010_a_stream_is_judged_as_the_whole(
        words in prop::collection::vec(prop_oneof![
            prop::sample::select(vec!["casino", "slot", "machine", "bet", "税务", "c\u{200b}asino", "wine-glass", "'", "x", "ﷺ", "½"]).prop_map(str::to_owned),
            "\\PC{0,12}",
            "[a-z]{120,150}",
        ], 0..60),
        joint in prop::sample::select(vec!["", " ", "-", "\n"]),
        size in 1_usize..40,
    ) {
        let mut few = topic("few", &["x", "wine", "glass", "bet*"]);
        few.least = 2;
        let settings = denies(vec![topic("gambling", &["casino", "slot machine"]), topic("tax", &["税务"]), few]);
        let topics = Arc::new(Topics::new(std::iter::once(&settings)));
        let text = words.join(joint);
        let (mut all, mut pieces) = (Vec::new(), Vec::new());
        topics.scan(&text, true, &mut all);
        prop_assert!(all.iter().all(|it| text.get(it.span.clone()).is_some_and(|it| !it.is_empty())));
        let (mut stream, mut at) = (TopicStream::new(topics), 0);
        while at < text.len() {
            let end = text.ceil_char_boundary((at + size).min(text.len()));
            let cleared = stream.push(&text[at..end], &mut pieces);
            at = end;
            prop_assert!(cleared <= at as u64 && at as u64 - cleared <= TOPIC_WORD_BYTES_MAX as u64);
        }
        prop_assert_eq!(stream.finish(&mut pieces), text.len() as u64);
        prop_assert_eq!(pieces, all);
    }
}
