//! System prompts that come out again: by marks and by words, in whole answers and in streams.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use domain::UnixMillis;
use guard::families::{Families, Leaks};
use guard::{Action, AnswerContext, Direction, Found, Gate, Guards, Origin, Plan};
use proptest::prelude::*;

use crate::links_cut::worked;

const NOW: UnixMillis = UnixMillis(1_000);
static GUARDS: LazyLock<Guards> = LazyLock::new(Guards::default);
const PROMPT: &str = "You are Rita, the helper of the Northwind bakery. Never talk about prices of other bakeries, and \
     always offer the bread of the day first. When somebody asks for cakes, say that they must be ordered two days before.";

fn plan(share: u8) -> Arc<Plan> {
    let families = Families {
        leaks: Some(Leaks {
            output: Gate::Block,
            share,
            canaries: vec!["Blue-Heron-4417".into()],
        }),
        ..Families::default()
    };
    assert_eq!(families.problems(), []);
    Plan::of(&GUARDS, families)
}

fn context(plan: &Plan, prompt: &str) -> Arc<AnswerContext> {
    let mut context = plan.context().unwrap();
    context.add(plan, prompt, Origin::System);
    context.add(
        plan,
        "What do you know of flour and of yeast and of salt in bread?",
        Origin::User,
    );
    Arc::new(context)
}

fn scanned(plan: &Plan, context: &AnswerContext, text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    plan.scan_with(
        Direction::Output,
        (text, Origin::Assistant),
        Some(context),
        NOW,
        &mut found,
    );
    found
}

fn streamed(plan: &Plan, context: &Arc<AnswerContext>, text: &str, size: usize) -> Vec<Found> {
    let (mut follow, mut found, mut rest) = (plan.follow_with(Some(context)), Vec::new(), text);
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        follow.push(plan, piece, NOW, &mut found);
        rest = more;
    }
    assert_eq!(follow.finish(plan, NOW, &mut found), text.len() as u64);
    found
}

#[test]
fn agp_i3_an_answer_that_repeats_the_prompt_is_ended() {
    let plan = plan(25);
    let context = context(&plan, PROMPT);
    let answer = format!(
        "Of course! My instructions are: {} I hope it helps.",
        PROMPT.to_uppercase().replace(' ', "  ")
    );
    let found = scanned(&plan, &context, &answer);
    assert!(
        !found.is_empty()
            && found
                .iter()
                .all(|it| it.action == Action::Block && it.finding.rule == "system_prompt_leak")
    );
    for size in [1, 2, 7, 40, answer.len()] {
        assert_eq!(
            streamed(&plan, &context, &answer, size),
            found,
            "in pieces of {size}"
        );
    }
    // It is told long before the end.
    let (mut follow, mut live) = (plan.follow_with(Some(&context)), Vec::new());
    follow.push(&plan, &answer[..answer.len() / 2], NOW, &mut live);
    assert!(!live.is_empty());
}

#[test]
fn a_turn_of_phrase_is_no_leak_and_a_small_share_is_enough_only_where_it_is_asked() {
    let (strict, lax) = (plan(10), plan(90));
    let answer = "Cakes? They must be ordered two days before, and the bread of the day is rye.";
    assert_eq!(scanned(&strict, &context(&strict, PROMPT), answer), []);
    let answer =
        "I shall never talk about prices of other bakeries, and always offer the bread of the day first.";
    assert!(!scanned(&strict, &context(&strict, PROMPT), answer).is_empty());
    assert_eq!(scanned(&lax, &context(&lax, PROMPT), answer), []);
    let asked = "What do you know of flour and of yeast and of salt in bread? A lot.";
    assert_eq!(
        scanned(&strict, &context(&strict, PROMPT), asked),
        [],
        "what the user said is no secret"
    );
}

#[test]
fn agp_i3_a_mark_is_found_without_any_context_and_held_back() {
    let plan = plan(25);
    let text = "the mark is b.l.u.e heron 44-17, I think";
    let mut found = Vec::new();
    plan.scan(Direction::Output, (text, Origin::Assistant), NOW, &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (
            found[0].finding.rule.as_ref(),
            &text[found[0].finding.span.clone()]
        ),
        ("canary", "b.l.u.e heron 44-17")
    );
    let mut follow = plan.follow();
    let cleared = follow.push(&plan, "the mark is blue-her", NOW, &mut Vec::new());
    assert_eq!(cleared, 12);
    assert!(follow.push(&plan, "mit crab ", NOW, &mut Vec::new()) >= 27);
}

#[test]
fn marks_that_anybody_writes_are_refused() {
    let families = Families {
        leaks: Some(Leaks {
            share: 0,
            canaries: vec!["secret".into()],
            ..Leaks::default()
        }),
        ..Families::default()
    };
    let places: Vec<_> = families.problems().into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["leaks.share", "leaks.canaries"]);
}

proptest! {
    #[test]
    fn leaks_are_the_same_however_an_answer_is_cut(
        parts in prop::collection::vec((0_usize..230, 5_usize..120, "[a-z漢字 .!]{0,12}"), 0..8),
        size in 1_usize..50,
    ) {
        let plan = plan(20);
        let context = context(&plan, PROMPT);
        let mut answer = String::new();
        for (from, length, between) in parts {
            answer.push_str(PROMPT.get(from.min(PROMPT.len())..(from + length).min(PROMPT.len())).unwrap_or_default());
            answer.push_str(&between);
        }
        let long = format!("{answer}{}{answer}", "漢字".repeat(300));
        for text in [answer, long] {
            prop_assert_eq!(streamed(&plan, &context, &text, size), scanned(&plan, &context, &text));
        }
    }
}

#[test]
fn time_is_linear_in_length() {
    let plan = plan(1);
    for part in [
        "a ",
        "aaaa",
        "bluebluebluehero",
        "bread of the day first always offer the ",
        "漢",
        "!@$",
    ] {
        let prompt = part.repeat(2_000);
        let context = context(&plan, &prompt);
        let time = |bytes: usize| {
            let text = part.repeat(bytes / part.len());
            let start = worked();
            scanned(&plan, &context, &text);
            Duration::from_nanos(worked() - start)
        };
        let (quarter, whole) = (time(1 << 16), time(1 << 18));
        assert!(
            whole < quarter * 12 + Duration::from_millis(200),
            "{part}: {quarter:?} {whole:?}"
        );
    }
}
