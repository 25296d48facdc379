//! Modules behind a plan: what is done about what they find, and about those that fail.

use std::sync::Arc;

use domain::UnixMillis;
use guard::custom::{Custom, ExtensionUse, OnFailure};
use guard::{Action, Direction, Extensions, Families, Found, Guards, Mode, Origin, Plan};

use crate::{answering, load, module, record, settings};

const NOW: UnixMillis = UnixMillis(1);

fn plan(bytes: &[u8], used: ExtensionUse) -> Arc<Plan> {
    let mut extensions = Extensions::default();
    extensions.add("mine", Arc::new(load(bytes)));
    let guards = Guards::default().with_extensions(extensions);
    let custom = Custom {
        extensions: vec![used],
        ..Custom::default()
    };
    assert_eq!(custom.problems(), []);
    let families = Families {
        custom: Some(custom),
        ..Families::default()
    };
    Plan::of(&guards, families)
}

fn scanned(plan: &Plan) -> Vec<(String, Action)> {
    let mut found: Vec<Found> = Vec::new();
    plan.scan(Direction::Input, ("some text", Origin::User), NOW, &mut found);
    found
        .into_iter()
        .map(|it| (it.finding.rule.into_owned(), it.action))
        .collect()
}

#[test]
fn what_a_module_finds_is_done_about() {
    let finds = answering(&[record(0, 4, 90, (512, 4)), record(5, 9, 90, (0, 0))], "code");
    let redacts = ExtensionUse {
        input: Mode::Redact,
        ..settings()
    };
    let plan = plan(&finds, redacts);
    assert_eq!(
        scanned(&plan),
        [
            ("custom:mine/code".into(), Action::Redact),
            ("custom:mine".into(), Action::Redact)
        ]
    );
    let text = plan.redacted(Direction::Input, ("some text", Origin::User), NOW);
    assert_eq!(
        text.as_deref(),
        Some("[redacted:custom:mine/code] [redacted:custom:mine]")
    );
}

#[test]
fn a_module_that_fails_lets_nothing_pass_unless_it_is_said() {
    let fails = module("unreachable", "");
    let failed = |input, on_failure| {
        let used = ExtensionUse {
            input,
            on_failure,
            ..settings()
        };
        scanned(&plan(&fails, used))
    };
    let rule = || "custom:mine:failed".to_owned();
    assert_eq!(failed(Mode::Redact, OnFailure::Block), [(rule(), Action::Block)]);
    assert_eq!(failed(Mode::Block, OnFailure::Block), [(rule(), Action::Block)]);
    assert_eq!(failed(Mode::Block, OnFailure::Flag), [(rule(), Action::Observe)]);
    assert_eq!(
        failed(Mode::Observe, OnFailure::Block),
        [(rule(), Action::Observe)]
    );
    assert_eq!(failed(Mode::Off, OnFailure::Block), []);
}
