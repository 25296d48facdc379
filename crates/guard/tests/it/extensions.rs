//! Modules of operators' own behind their port: what they find, how they fail, and what that does to live answers.

use std::sync::Arc;

use guard::custom::{Custom, ExtensionUse, HELD_ANSWER_BYTES_MAX, OnFailure};
use guard::{
    Action, Direction, Extension, ExtensionFailed, Extensions, Found, Guards, Hit, Mode, Origin, Plan,
};

use crate::custom::{self, families, scanned, streamed};

/// Finds every `!`, and fails at `?`.
#[derive(Debug)]
struct Marks;

impl Extension for Marks {
    fn inspect(&self, text: &str, _: Direction, _: Origin) -> Result<Vec<Hit>, ExtensionFailed> {
        if text.contains('?') {
            return Err(ExtensionFailed::Fuel);
        }
        let score = if text.contains('%') { 200 } else { 80 };
        let hit = |(at, mark): (usize, &str)| Hit {
            span: at..at + mark.len(),
            score,
            rule: "mark".into(),
        };
        Ok(text.match_indices('!').map(hit).collect())
    }
}

fn marking(input: Mode, output: Mode, on_failure: OnFailure) -> Arc<Plan> {
    let mut extensions = Extensions::default();
    extensions.add("marks", Arc::new(Marks));
    let guards = Guards::default().with_extensions(extensions);
    let custom = Custom {
        extensions: vec![ExtensionUse {
            name: "marks".into(),
            input,
            output,
            on_failure,
            ..ExtensionUse::default()
        }],
        ..Custom::default()
    };
    assert_eq!(custom.problems(), []);
    Plan::of(&guards, families(custom))
}

fn told(found: Vec<Found>) -> Vec<(String, &'static str, Action)> {
    found
        .into_iter()
        .map(|it| (it.finding.rule.into_owned(), it.finding.category, it.action))
        .collect()
}

#[test]
fn an_extension_finds_and_its_failure_is_a_finding() {
    let of = |plan: &Plan, text| told(scanned(plan, Direction::Input, text));
    let plan = marking(Mode::Redact, Mode::Off, OnFailure::Block);
    assert_eq!(
        of(&plan, "well!"),
        [("custom:marks/mark".into(), "", Action::Redact)]
    );
    assert_eq!(of(&plan, "well"), []);
    assert_eq!(
        of(&plan, "well?"),
        [("custom:marks:failed".into(), "fuel", Action::Block)]
    );
    assert_eq!(
        of(&plan, "%!"),
        [("custom:marks:failed".into(), "output", Action::Block)]
    );
    assert_eq!(scanned(&plan, Direction::Output, "well!?"), []);
    let flagged = marking(Mode::Block, Mode::Off, OnFailure::Flag);
    assert_eq!(
        of(&flagged, "well?"),
        [("custom:marks:failed".into(), "fuel", Action::Observe)]
    );
    let missing = Custom {
        extensions: vec![ExtensionUse {
            name: "gone".into(),
            input: Mode::Block,
            ..ExtensionUse::default()
        }],
        ..Custom::default()
    };
    let plan = custom::plan(missing);
    assert_eq!(
        of(&plan, "text"),
        [("custom:gone:failed".into(), "missing", Action::Block)]
    );
}

#[test]
fn agp_i3_an_answer_is_held_for_an_extension_that_does_more_than_look() {
    let strict = marking(Mode::Off, Mode::Redact, OnFailure::Block);
    assert!(strict.holds_all());
    let (found, cleared) = streamed(&strict, &["well", "!", " and so on"]);
    assert_eq!(cleared, 0);
    assert_eq!(found[0].finding.span, 4..5);
    assert_eq!(told(found), [("custom:marks/mark".into(), "", Action::Redact)]);
    let (found, _) = streamed(&strict, &["well", "?"]);
    assert_eq!(
        told(found),
        [("custom:marks:failed".into(), "fuel", Action::Block)]
    );

    let looks = marking(Mode::Off, Mode::Observe, OnFailure::Block);
    assert!(!looks.holds_all());
    let (found, cleared) = streamed(&looks, &["well", "!", " and so on"]);
    assert_eq!(cleared, 15);
    assert_eq!(told(found), [("custom:marks/mark".into(), "", Action::Observe)]);
}

#[test]
fn agp_d1_an_answer_too_long_to_hold_is_not_judged_and_not_held() {
    let plan = marking(Mode::Off, Mode::Block, OnFailure::Block);
    let long = "x".repeat(HELD_ANSWER_BYTES_MAX);
    let (found, cleared) = streamed(&plan, &[&long]);
    assert_eq!((found.len(), cleared), (0, 0));
    let (found, cleared) = streamed(&plan, &[&long, "y", "!"]);
    assert_eq!(
        told(found),
        [("custom:marks:failed".into(), "too_long", Action::Block)]
    );
    assert_eq!(cleared, long.len() as u64 + 2);
}
