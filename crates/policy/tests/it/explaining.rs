//! Why a call is permitted or not.

use credential::ModelAccess;
use domain::Operation;
use policy::{Configured, Effect, Engine, Outcome, PolicyTexts, Question, Text, nearest};

use crate::asking::{GLOBEX, principal, question, record, with_defaults};

#[test]
fn a_call_is_explained_as_it_is_decided_and_names_what_is_missing() {
    let key = record(ModelAccess::Some(vec!["large".to_owned()]), &[Operation::Chat]);
    let principal = principal(&key);
    let engine = with_defaults(
        "@id(\"no-images\") @reason(\"text only\") forbid (principal, action, resource) when { context.images };",
    );
    let explained = engine.explain(&question(&principal, &key));
    assert_eq!(explained.decision, engine.decide(&question(&principal, &key)));
    assert!(!explained.decision.permit && explained.decision.policies.is_empty());
    let near = nearest(&explained.applied).unwrap();
    assert_eq!(near.policy, "keys-use-what-they-list");
    assert_eq!(near.place, "default.cedar:9");
    // Only the half that does not hold; how Cedar sets brackets is its affair.
    let lacks: Vec<_> = near
        .lacks
        .iter()
        .map(|text| text.replace(['(', ')'], ""))
        .collect();
    assert_eq!(
        lacks,
        ["principal.all_models || principal.models.containsresource.name"]
    );
    let unmet = explained
        .applied
        .iter()
        .find(|one| one.policy == "no-images")
        .unwrap();
    assert_eq!(
        (unmet.effect, unmet.reason.as_deref()),
        (Effect::Forbid, Some("text only"))
    );
    assert_eq!(unmet.place, "own.cedar:1");
    let images = Question {
        images: true,
        model: Some("large"),
        ..question(&principal, &key)
    };
    let explained = engine.explain(&images);
    assert_eq!(explained.decision.policies, ["no-images"]);
    let satisfied = explained
        .applied
        .iter()
        .filter(|one| one.outcome == Outcome::Satisfied);
    let satisfied: Vec<_> = satisfied.map(|one| one.policy.as_str()).collect();
    assert_eq!(satisfied, ["keys-use-what-they-list", "no-images"]);
}

#[test]
fn policies_about_other_operations_are_left_out_and_an_unless_is_taken_apart() {
    let key = record(ModelAccess::All, &[Operation::Chat]);
    let principal = principal(&key);
    let engine = with_defaults(
        "@id(\"embed\") permit (principal, action == Action::\"embeddings\", resource);
         @id(\"quiet\") permit (principal, action, resource) unless { context.tools || context.stream };",
    );
    let asked = Question {
        stream: true,
        ..question(&principal, &key)
    };
    let applied = engine.explain(&asked).applied;
    assert!(applied.iter().all(|one| one.policy != "embed"));
    let quiet = applied.iter().find(|one| one.policy == "quiet").unwrap();
    assert_eq!(quiet.lacks, ["not (context.stream)"]);
}

/// What cannot be asked is explained as what it is answered: no.
#[test]
fn anp_0002_what_makes_no_sense_is_denied_with_an_error() {
    let key = record(ModelAccess::All, &[Operation::Chat]);
    let mut other = principal(&key);
    other.tenant = GLOBEX;
    let explained = Engine::new(&[], true).unwrap().explain(&question(&other, &key));
    assert!(!explained.decision.permit && explained.decision.error.is_some());
}

/// What is activated comes on top of what the instance's files say, and takes nothing away.
#[test]
fn anp_0002_activated_policies_take_no_forbid_of_the_files_away() {
    let text = |name: &str, text: &str| Text {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let texts = |file: Text| PolicyTexts {
        files: vec![file],
        tests: Vec::new(),
    };
    let own = "@id(\"no-tools\") forbid (principal, action, resource) when { context.tools };";
    let configured = Configured {
        calls: texts(text("own.cedar", own)),
        ..Configured::default()
    };
    let key = record(ModelAccess::All, &[Operation::Chat]);
    let principal = principal(&key);
    let asked = Question {
        tools: true,
        ..question(&principal, &key)
    };
    let wide = texts(text(
        "wide.cedar",
        "@id(\"wide\") permit (principal, action, resource);",
    ));
    let engine = configured.engine(Some(&wide)).unwrap();
    assert_eq!(engine.decide(&asked).policies, ["no-tools"]);
    assert!(!configured.engine(None).unwrap().decide(&asked).permit);
    // Under the same id it is refused rather than replaced.
    let same = texts(text(
        "v2",
        "@id(\"no-tools\") permit (principal, action, resource);",
    ));
    let error = configured.engine(Some(&same)).unwrap_err().to_string();
    assert!(error.contains("own.cedar:1"), "{error}");
}

/// A reason is told when it is all that stands in the way; else nothing is, not even that the model is there.
#[test]
fn anp_0015_a_reason_is_told_only_to_whom_it_helps() {
    let engine = with_defaults(
        "@id(\"night\") @reason(\"closed at night\") forbid (principal, action, resource) when { context.utc_minute < 360 };
         @id(\"quiet\") forbid (principal, action, resource) when { context.tools };",
    );
    let at_night = |models: ModelAccess, tools: bool| {
        let key = record(models, &[Operation::Chat]);
        let principal = principal(&key);
        let decision = engine.decide(&Question {
            tools,
            moment: policy::Moment {
                weekday: 1,
                minute: 359,
            },
            ..question(&principal, &key)
        });
        assert!(!decision.permit);
        decision.reason
    };
    assert_eq!(
        at_night(ModelAccess::All, false).as_deref(),
        Some("closed at night")
    );
    assert_eq!(at_night(ModelAccess::All, true), None);
    assert_eq!(at_night(ModelAccess::None, false), None);
}
