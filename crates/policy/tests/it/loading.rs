//! What is accepted as a set of policies, and what the errors say.

use credential::ModelAccess;
use policy::{Decision, Engine, PolicyError, Question};

use crate::asking::{only, principal, question, record, with_defaults};

fn refused(text: &str) -> String {
    Engine::new(&[("own.cedar", text)], true).unwrap_err().to_string()
}

#[test]
fn anp_0002_errors_name_file_line_and_policy_and_say_what_to_do() {
    let text = "// one\n\n@id(\"typo\")\npermit (principal, action, resource)\nwhen { context.strem };\n";
    let error = refused(text);
    assert!(error.starts_with("own.cedar:5, policy `typo`: "), "{error}");
    assert!(error.contains("strem"), "{error}");
    assert!(error.contains("; "), "{error}");
}

#[test]
fn anp_0002_what_is_not_cedar_is_refused_with_its_line() {
    let error = refused("permit (principal, action, resource);\n\nallow everything;\n");
    assert!(error.starts_with("own.cedar:3 is not a policy: "), "{error}");
    assert!(matches!(
        Engine::new(&[("x", "permit (")], true),
        Err(PolicyError::Syntax { .. })
    ));
}

#[test]
fn anp_b0001_words_outside_the_schema_are_refused() {
    let cases = [
        "permit (principal, action == Action::\"chatt\", resource);",
        "permit (principal in Group::\"g\", action, resource);",
        "permit (principal, action, resource) when { principal.budget > 3 };",
        "permit (principal, action, resource) when { resource.provider == \"x\" };",
        "permit (principal, action, resource) when { context.source_ip.isLoopback() };",
        "permit (principal, action, resource) when { principal.name == 3 };",
        "permit (principal, action, resource) when { context.stream == \"yes\" };",
    ];
    for text in cases {
        assert!(
            matches!(
                Engine::new(&[("own.cedar", text)], true),
                Err(PolicyError::Invalid { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn anp_0002_a_policy_that_can_never_apply_is_refused() {
    let error =
        refused("@id(\"dead\") forbid (principal, action, resource) when { context.tools && false };");
    assert!(error.contains("own.cedar:1, policy `dead`"), "{error}");
}

#[test]
fn an_id_is_taken_once_also_by_the_shipped_policies() {
    let twice =
        "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") forbid (principal, action, resource);";
    let error = refused(twice);
    assert!(
        error.contains("policy id `a` is already taken by own.cedar:1"),
        "{error}"
    );
    let ours = refused("@id(\"tenants-stay-apart\") permit (principal, action, resource);");
    assert!(ours.contains("already taken by tenancy.cedar:"), "{ours}");
}

#[test]
fn templates_are_refused_because_nothing_links_them() {
    let error = refused("\n@id(\"t\") permit (principal == ?principal, action, resource);");
    assert!(
        error.starts_with("own.cedar:2, policy `t`: templates are not used here"),
        "{error}"
    );
}

#[test]
fn one_bad_file_refuses_the_set() {
    let files = [
        ("good.cedar", "permit (principal, action, resource);"),
        ("bad.cedar", "permit;"),
    ];
    assert!(
        Engine::new(&files, true)
            .unwrap_err()
            .to_string()
            .starts_with("bad.cedar:1 ")
    );
}

#[test]
fn a_book_of_policies_is_refused_and_not_echoed() {
    let comment = format!("//{}\n", "x".repeat(1 << 20));
    assert!(matches!(
        Engine::new(&[("big.cedar", &comment)], true),
        Err(PolicyError::TooLarge { .. })
    ));
    let long = format!(
        "permit (principal, action, resource) when {{ context.{} }};",
        "y".repeat(5000)
    );
    assert!(refused(&long).len() < 900);
    assert!(refused(&format!("{}{}", "permit ".repeat(200), "z".repeat(5000))).len() < 900);
}

/// Ways to make a policy deep; each takes how deep.
fn deep(count: usize) -> Vec<String> {
    let policy = |condition: String| format!("permit (principal, action, resource) when {{ {condition} }};");
    let (or, plus) = ("context.stream || ".repeat(count), "1 + ".repeat(count));
    vec![
        policy(format!(
            "context.tools || {}context.stream{}",
            "(".repeat(count),
            ")".repeat(count)
        )),
        policy(format!("{}1{} == 1", "[".repeat(count), "]".repeat(count))),
        policy(format!("{}context.tools", "!".repeat(count))),
        policy(format!("{or}context.tools")),
        policy(format!("{plus}1 == 7")),
        policy(format!("context{}", ".tools".repeat(count))),
        policy(format!(
            "{}context.tools",
            "if context.stream then true else ".repeat(count)
        )),
        format!(
            "permit (principal, action, resource) {};",
            "when { context.stream } ".repeat(count)
        ),
    ]
}

#[test]
fn depth_is_an_answer_and_not_a_crash() {
    for text in deep(20_000) {
        assert!(
            Engine::new(&[("deep.cedar", &text)], true).is_err(),
            "{}",
            &text[..80]
        );
    }
    for count in [20, 100, 400] {
        for text in deep(count) {
            let _either = Engine::new(&[("deep.cedar", &text)], true);
        }
    }
}

/// Answers on a thread with this much stack.
fn decide_within(stack_bytes: usize, engine: &Engine, question: &Question<'_>) -> Decision {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack_bytes);
        thread
            .spawn_scoped(scope, || engine.decide(question))
            .unwrap()
            .join()
            .unwrap()
    })
}

/// The worst that the bounds let through: every bracket and every operator on one path. The validator
/// must look at it to its end, and where the stack is too small to answer, the answer is "no".
#[test]
fn anp_0002_the_longest_accepted_policy_is_still_checked_and_decided() {
    let chain = |last: &str| {
        let (open, close) = ("(".repeat(23), ")".repeat(23));
        let condition = format!("{}{open}{last}{close}", "context.stream || ".repeat(62));
        format!("@id(\"long\") permit (principal, action, resource) when {{ {condition} }};")
    };
    let error = Engine::new(&[("long.cedar", &chain("context.tolls"))], true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("tolls"), "{error}");
    let engine = only(&chain("context.tools"));
    let key = record(ModelAccess::None, &[]);
    let principal = principal(&key);
    let asked = Question {
        tools: true,
        ..question(&principal, &key)
    };
    let decision = decide_within(16 << 20, &engine, &asked);
    assert_eq!((decision.permit, decision.error), (true, None));
    assert!(
        !decide_within(
            16 << 20,
            &engine,
            &Question {
                tools: false,
                ..asked
            }
        )
        .permit
    );
    let cramped = decide_within(512 << 10, &engine, &asked);
    assert!(cramped.permit != cramped.error.is_some(), "{cramped:?}");
}

#[test]
fn the_address_is_known_to_matter_when_it_does() {
    let reading = [
        "forbid (principal, action, resource) unless { context has source_ip };",
        "forbid (principal, action, resource) when { context has source_ip && context.source_ip.isLoopback() };",
        "forbid (principal, action, resource) when { context.stream && !(context has source_ip) };",
        "permit (principal, action, resource) when { if context.tools then context has source_ip else true };",
        "permit (principal, action, resource) when { [context has source_ip].contains(true) };",
    ];
    for text in reading {
        assert!(only(text).reads().address, "{text}");
    }
    let silent = [
        "",
        "permit (principal, action, resource) when { context.stream };",
        "// context.source_ip\npermit (principal, action, resource) when { principal.name == \"source_ip\" };",
    ];
    for text in silent {
        assert!(!with_defaults(text).reads().address, "{text}");
    }
}

#[test]
fn the_fingerprint_changes_with_the_set_and_only_with_it() {
    let (a, b) = (
        ("a.cedar", "permit (principal, action, resource);"),
        (
            "b.cedar",
            "forbid (principal, action, resource) when { context.stream };",
        ),
    );
    let of =
        |files: &[(&str, &str)], defaults| Engine::new(files, defaults).unwrap().fingerprint().to_owned();
    assert_eq!(of(&[a, b], true), of(&[b, a], true));
    let all = [
        of(&[], true),
        of(&[], false),
        of(&[a], true),
        of(&[a], false),
        of(&[b], true),
        of(&[a, b], true),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert!(all.iter().all(|print| print.len() == 64));
}
