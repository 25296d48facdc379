//! Streams and whole texts find the same, and the same as a search that is slow and plain.

use proptest::prelude::*;
use regex_automata::meta::Regex;

use super::*;

/// What patterns and texts of these tests are made of.
const LETTERS: [&str; 9] = ["a", "b", "x", "A", "ü", "Ü", " ", "\n", "7"];

const PATTERNS: [&str; 18] = [
    "ab",
    "a+",
    "a.*b",
    "(a|ab)(x|bx)?",
    "a{2,5}",
    r"\bax?\b",
    "^a",
    "b$",
    "(?m)^x.$",
    "(?s)x.{0,30}b",
    r"ü+a?",
    r"\w{3}",
    "a[^b]*b",
    "(a+)+$",
    "(?s)a.+x",
    "[ab]{3}x",
    r"\B7",
    "(?i)AB|bÜ",
];

fn pattern(number: usize, written: &str) -> Rule {
    Rule {
        name: format!("p{number}"),
        pattern: Some(written.to_owned()),
        ..Rule::default()
    }
}

fn engine(rules: &[Rule], block: usize) -> Engine {
    Engine::of(&rules.iter().collect::<Vec<_>>(), block).unwrap()
}

fn sorted(mut found: Vec<Finding>) -> Vec<(Cow<'static, str>, Range<usize>)> {
    found.sort_by_key(|it| (it.rule.clone(), it.span.start));
    found.into_iter().map(|it| (it.rule, it.span)).collect()
}

fn whole(engine: &Engine, text: &str) -> Vec<(Cow<'static, str>, Range<usize>)> {
    let mut found = Vec::new();
    engine.scan(text, &mut found);
    sorted(found)
}

/// Streams a text in pieces, and checks what is promised on the way.
fn streamed(engine: Arc<Engine>, pieces: &[&str]) -> Vec<(Cow<'static, str>, Range<usize>)> {
    let holds = engine.reach + engine.reach / 7 + 4;
    let (mut stream, mut found) = (CustomStream::new(engine), Vec::new());
    let (mut arrived, mut cleared) = (0, 0);
    for piece in pieces {
        let known = found.len();
        arrived += piece.len();
        let now = stream.push(piece, &mut found) as usize;
        assert!(now >= cleared && now <= arrived, "cleared goes forward");
        assert!(arrived - now <= holds, "held {} of {holds}", arrived - now);
        assert!(
            found[known..]
                .iter()
                .all(|it| (cleared..now).contains(&it.span.start))
        );
        cleared = now;
    }
    stream.finish(&mut found);
    sorted(found)
}

/// Every place is tried, one after the other.
fn plainly(rules: &[Rule], block: usize, text: &str) -> Vec<(Cow<'static, str>, Range<usize>)> {
    let mut found = Vec::new();
    for rule in rules {
        let name: Cow<'static, str> = format!("custom:{}", rule.name).into();
        let regex = rule.pattern.as_ref().map(|it| Regex::new(it).unwrap());
        let known = rule.pattern.as_ref().is_some_and(|it| {
            let hir = regex_syntax::parse(it).unwrap();
            hir.properties().maximum_len().is_some()
        });
        let mut at = 0;
        while at < text.len() {
            let end = if known {
                text.len()
            } else {
                text.len().min((at / block + 2) * block)
            };
            let matched = match &regex {
                Some(regex) if text.is_char_boundary(at) => {
                    let span = at..text.floor_char_boundary(end);
                    let input = Input::new(text).span(span).anchored(Anchored::Yes);
                    regex.search(&input).map(|it| it.end())
                }
                Some(_) => None,
                None => longest_word(rule, text, at),
            };
            match matched {
                Some(end) => {
                    found.push((name.clone(), at..end));
                    at = end;
                }
                None => at += 1,
            }
        }
    }
    found.sort_by_key(|(rule, span)| (rule.clone(), span.start));
    found
}

fn longest_word(rule: &Rule, text: &str, at: usize) -> Option<usize> {
    let of_words = |it: char| it.is_alphanumeric() || it == '_';
    let fits = |word: &&String| {
        let Some(there) = text.get(at..at + word.len()) else {
            return false;
        };
        let same = match rule.ignore_case {
            true => there.to_lowercase() == word.to_lowercase(),
            false => there == word.as_str(),
        };
        let (before, behind) = (&text[..at], &text[at + word.len()..]);
        let ends = |end: Option<char>, next: Option<char>| {
            !rule.whole_words || !end.is_some_and(of_words) || !next.is_some_and(of_words)
        };
        same && ends(word.chars().next(), before.chars().next_back())
            && ends(word.chars().next_back(), behind.chars().next())
    };
    rule.words.iter().filter(fits).map(|word| at + word.len()).max()
}

fn texts() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&LETTERS[..]), 0..120)
}

fn cut<'t>(text: &'t str, sizes: &[usize]) -> Vec<&'t str> {
    let (mut pieces, mut rest, mut sizes) = (Vec::new(), text, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = rest.ceil_char_boundary(*sizes.next().unwrap());
        let (piece, behind) = rest.split_at(size);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn word_lists() -> impl Strategy<Value = Vec<Rule>> {
    let word = prop::collection::vec(prop::sample::select(&LETTERS[..]), 1..5)
        .prop_map(|letters| letters.concat())
        .prop_filter("blank", |word| !word.trim().is_empty());
    let list = (prop::collection::vec(word, 1..6), any::<bool>(), any::<bool>());
    prop::collection::vec(list, 1..4).prop_map(|lists| {
        let rule = |(number, (words, ignore_case, whole_words))| Rule {
            name: format!("w{number}"),
            words,
            ignore_case,
            whole_words,
            ..Rule::default()
        };
        lists.into_iter().enumerate().map(rule).collect()
    })
}

proptest! {
    #[test]
    fn anp_0023_patterns_find_the_same_however_a_text_is_cut(
        chosen in prop::collection::btree_set(0..PATTERNS.len(), 1..5),
        text in texts(),
        sizes in prop::collection::vec(1_usize..9, 1..6),
        block in 4_usize..40,
    ) {
        let rules: Vec<Rule> = chosen.iter().map(|at| pattern(*at, PATTERNS[*at])).collect();
        let (engine, text) = (Arc::new(engine(&rules, block)), text.concat());
        let found = whole(&engine, &text);
        prop_assert_eq!(&found, &plainly(&rules, block, &text));
        prop_assert_eq!(&found, &streamed(engine, &cut(&text, &sizes)));
    }

    #[test]
    fn anp_0023_words_find_the_same_however_a_text_is_cut(
        rules in word_lists(),
        text in texts(),
        sizes in prop::collection::vec(1_usize..9, 1..6),
    ) {
        let (engine, text) = (Arc::new(engine(&rules, 512)), text.concat());
        let found = whole(&engine, &text);
        prop_assert_eq!(&found, &plainly(&rules, 512, &text));
        prop_assert_eq!(&found, &streamed(engine, &cut(&text, &sizes)));
    }
}

#[test]
fn anp_0023_every_pattern_at_every_single_cut() {
    let rules: Vec<Rule> = PATTERNS
        .iter()
        .enumerate()
        .map(|(at, it)| pattern(at, it))
        .collect();
    let engine = Arc::new(engine(&rules, 16));
    let text = "aab x7 aabx aaxb\nxa\nüüa ab\nbxx 7a7 ABÜ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab a x b";
    let found = whole(&engine, text);
    assert_eq!(found, plainly(&rules, 16, text));
    let names: HashSet<_> = found.iter().map(|(rule, _)| rule).collect();
    assert!(names.len() >= PATTERNS.len() - 1, "{names:?}");
    for (at, _) in text.char_indices() {
        let (one, other) = text.split_at(at);
        assert_eq!(streamed(Arc::clone(&engine), &[one, other]), found, "cut at {at}");
    }
}

#[test]
fn what_cannot_go_on_is_not_held() {
    let rules = [
        pattern(0, r"PROJ-\d{4}"),
        pattern(1, r"BEGIN[^.]*END"),
        Rule {
            name: "w".into(),
            words: vec!["Falcon Heavy".into()],
            ..Rule::default()
        },
    ];
    let engine = Arc::new(engine(&rules, 512));
    let (mut stream, mut found) = (CustomStream::new(engine), Vec::new());
    let mut held = |piece: &str| {
        let arrived = (stream.base + stream.window.len() + piece.len()) as u64;
        arrived - stream.push(piece, &mut found)
    };
    assert_eq!(held("nothing of it. "), 0);
    assert_eq!(held("a PRO"), 3);
    assert_eq!(held("gram, Falc"), 4);
    assert_eq!(held("ons BEGIN and"), 9);
    assert_eq!(held(" more. "), 0);
    let long = "y".repeat(100);
    held("BEGIN");
    let mut most = 0;
    for _ in 0..50 {
        most = most.max(held(&long));
    }
    assert!((1_000..=1_156).contains(&most), "held {most}");
}

#[test]
fn too_many_findings_become_one_that_covers_the_rest() {
    let rules = [pattern(0, "a")];
    let engine = Arc::new(engine(&rules, 512));
    let text = "ab".repeat(CUSTOM_FINDINGS_MAX + 50);
    let found = whole(&engine, &text);
    assert_eq!(found.len(), CUSTOM_FINDINGS_MAX + 1);
    assert_eq!(found.last().unwrap().1, 2 * CUSTOM_FINDINGS_MAX..text.len());
    let pieces = cut(&text, &[7, 1_000]);
    let in_pieces = streamed(engine, &pieces);
    assert_eq!(in_pieces[..CUSTOM_FINDINGS_MAX], found[..CUSTOM_FINDINGS_MAX]);
    let mut end = 2 * CUSTOM_FINDINGS_MAX;
    for (_, span) in &in_pieces[CUSTOM_FINDINGS_MAX..] {
        assert_eq!(span.start, end);
        end = span.end;
    }
    assert_eq!(end, text.len());
}
