//! Where the content of calls may go, and what policies are told of calls to decide it by.

use std::sync::Arc;

use credential::{KeyRecord, Marks, ModelAccess};
use domain::{DataClass, Operation};
use policy::{Decision, Engine, Ground, Place, Question, Thing, run_tests};

use crate::asking::{GLOBEX, only, principal, question, record, with_defaults};

const EU_ONLY: &str = r#"
@id("restricted-stays-in-the-eu")
@reason("restricted data is served in the EU only")
forbid (principal, action == Action::"send", resource)
when { context.data_class.rank >= 3 }
unless { resource has region && resource.region == "eu" };

@id("tagged-stays-at-home")
forbid (principal, action == Action::"send", resource)
when { principal.tags.contains("at-home") && context.tags.contains("at-home") }
unless { resource.self_hosted };
"#;

fn place(provider: &str, region: Option<&str>, self_hosted: bool) -> Place {
    Place {
        provider: Arc::from(provider),
        model: "large".to_owned(),
        region: region.map(str::to_owned),
        self_hosted,
    }
}

fn key(tags: &[&str], class: Option<DataClass>) -> KeyRecord {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    KeyRecord {
        marks: Marks::new(tags, class).unwrap(),
        ..record(ModelAccess::All, &[Operation::Chat])
    }
}

fn sends(engine: &Engine, key: &KeyRecord, place: &Place, said: Option<DataClass>) -> Decision {
    let principal = principal(key);
    engine.decide(&Question {
        thing: Some(Thing::Target(place)),
        data_class: said,
        ..question(&principal, key)
    })
}

#[test]
fn anp_0017_restricted_data_goes_where_policies_let_it() {
    let engine = with_defaults(EU_ONLY);
    assert!(engine.asks_targets());
    let (eu, us, nowhere) = (
        place("eu", Some("eu"), false),
        place("us", Some("us"), false),
        place("x", None, false),
    );
    let plain = key(&[], None);
    for place in [&eu, &us, &nowhere] {
        let answer = sends(&engine, &plain, place, None);
        assert_eq!(answer.policies, ["calls-go-to-their-targets"], "{answer:?}");
        assert!(answer.permit);
    }
    for (key, said) in [
        (&plain, Some(DataClass::Restricted)),
        (&key(&[], Some(DataClass::Restricted)), None),
        (&key(&[], Some(DataClass::Restricted)), Some(DataClass::Public)),
    ] {
        assert!(sends(&engine, key, &eu, said).permit);
        for place in [&us, &nowhere] {
            let answer = sends(&engine, key, place, said);
            assert_eq!(
                (answer.permit, answer.reason.as_deref()),
                (false, Some("restricted data is served in the EU only"))
            );
            assert_eq!(answer.policies, ["restricted-stays-in-the-eu"]);
        }
    }
}

#[test]
fn anp_0017_tags_are_told_of_the_key_and_the_call() {
    let engine = with_defaults(EU_ONLY);
    let tagged = key(&["at-home", "other"], None);
    assert!(sends(&engine, &tagged, &place("own", None, true), None).permit);
    let out = sends(&engine, &tagged, &place("eu", Some("eu"), false), None);
    assert_eq!(
        (out.permit, out.policies),
        (false, vec!["tagged-stays-at-home".to_owned()])
    );
    assert!(
        sends(
            &engine,
            &key(&["at-homes"], None),
            &place("eu", None, false),
            None
        )
        .permit
    );
}

#[test]
fn agp_e1_a_target_of_another_tenant_is_none() {
    let engine = with_defaults("");
    let (key, place) = (key(&[], None), place("eu", None, false));
    let principal = principal(&key);
    let answer = engine.decide(&Question {
        thing: Some(Thing::Target(&place)),
        owner: GLOBEX,
        ..question(&principal, &key)
    });
    assert_eq!(
        (answer.permit, answer.policies),
        (false, vec!["tenants-stay-apart".to_owned()])
    );
}

#[test]
fn nobody_is_asked_about_targets_where_no_policy_is() {
    for text in [
        "",
        "forbid (principal, action in Action::\"invoke\", resource) when { context.tools };",
        "forbid (principal, action in [Action::\"chat\", Action::\"call_tool\"], resource);",
    ] {
        for defaults in [true, false] {
            let engine = Engine::new(&[("own.cedar", text)], defaults).unwrap();
            assert!(!engine.asks_targets(), "{text}");
            // And what is not asked would be permitted.
            let answer = sends(&engine, &key(&[], None), &place("eu", None, false), None);
            assert!(answer.permit, "{text}");
        }
    }
    for text in [
        "forbid (principal, action == Action::\"send\", resource) when { context.stream };",
        "forbid (principal, action in [Action::\"chat\", Action::\"send\"], resource) when { context.stream };",
        "forbid (principal, action, resource) when { context.stream };",
        "permit (principal, action, resource);",
    ] {
        assert!(only(text).asks_targets(), "{text}");
    }
}

#[test]
fn anp_0017_what_the_instance_says_of_itself_decides_where_nobody_else_does() {
    let text = "forbid (principal, action == Action::\"send\", resource)
        when { context.data_class.name == \"confidential\" }
        unless { context has region && resource has region && context.region == resource.region };";
    let engine = |data_class, region: Option<&str>| {
        let ground = Ground {
            data_class,
            region: region.map(str::to_owned),
        };
        Engine::standing(&[("own.cedar", text)], true, ground).unwrap()
    };
    let (plain, public) = (key(&[], None), key(&[], Some(DataClass::Public)));
    let eu = place("eu", Some("eu"), false);
    let confidential = DataClass::Confidential;
    assert!(sends(&engine(confidential, Some("eu")), &plain, &eu, None).permit);
    assert!(!sends(&engine(confidential, Some("us")), &plain, &eu, None).permit);
    assert!(!sends(&engine(confidential, None), &plain, &eu, None).permit);
    assert!(sends(&engine(confidential, None), &public, &eu, None).permit);
    assert!(sends(&engine(DataClass::Internal, None), &plain, &eu, None).permit);
    // Answers remembered for one are none of the other's.
    let prints: std::collections::BTreeSet<_> = [
        engine(confidential, None),
        engine(confidential, Some("eu")),
        engine(DataClass::Internal, None),
    ]
    .iter()
    .map(|engine| engine.fingerprint().to_owned())
    .collect();
    assert_eq!(prints.len(), 3);
}

/// Words for what is to come: policies on them check, tests of them run, and nothing is permitted by itself.
#[test]
fn ctx_t1_what_nothing_asks_yet_can_be_written_about_and_is_denied() {
    let things = [
        ("\"server\": \"github\"", "list_tools"),
        ("\"server\": \"github\", \"tool\": \"create_issue\"", "call_tool"),
        ("\"agent\": \"planner\"", "send_message"),
        ("\"template\": \"summary\"", "use_template"),
    ];
    let test = |thing: &str, expect: &str, policies: &str| {
        format!(
            r#"{{"tests": [{{"name": "one", "key": {{"tenant": "acme", "team": "search", "models": "all",
               "operations": ["chat"], "tags": ["tools"]}}, {thing}, "expect": "{expect}", "policies": [{policies}]}}]}}"#
        )
    };
    for (thing, action) in things {
        let kind = r#"resource.name like "*" && principal.tags.contains("tools")"#;
        let own = format!(
            "@id(\"own\") permit (principal, action == Action::\"{action}\", resource) when {{ {kind} && context.operation == \"{action}\" }};"
        );
        assert_eq!(
            run_tests(&with_defaults(""), &test(thing, "deny", "")),
            [],
            "{thing}"
        );
        assert_eq!(
            run_tests(&only(&own), &test(thing, "permit", "\"own\"")),
            [],
            "{thing}"
        );
        assert_eq!(
            run_tests(&only(&own), &test(thing, "deny", "")).len(),
            1,
            "{thing}"
        );
    }
    let of_server = "@id(\"own\") permit (principal, action == Action::\"call_tool\", resource)
        when { resource.server == \"github\" && resource.name != \"delete_repo\" };";
    let tool = |name: &str| format!("\"server\": \"github\", \"tool\": \"{name}\"");
    assert_eq!(
        run_tests(&only(of_server), &test(&tool("read"), "permit", "\"own\"")),
        []
    );
    assert_eq!(
        run_tests(&only(of_server), &test(&tool("delete_repo"), "deny", "")),
        []
    );
}

#[test]
fn anp_b0001_a_test_says_what_it_asks() {
    let run = |rest: &str| {
        let text = format!(
            r#"{{"tests": [{{"name": "one", "key": {{"tenant": "acme", "team": "search"}}, {rest} "expect": "deny"}}]}}"#
        );
        run_tests(&with_defaults(""), &text)
            .pop()
            .map(|failure| failure.reason)
    };
    let target = r#""target": {"provider": "eu", "model": "large"},"#;
    for (rest, says) in [
        ("", "says no `operation`"),
        (target, "says no `operation`"),
        (r#""tool": "x","#, "a tool of no server"),
        (r#""agent": "a", "template": "t","#, "several things"),
        (r#""operation": "chat", "agent": "a","#, "says an `operation`"),
        (
            r#""operation": "chat", "data_class": "secret","#,
            "unknown variant",
        ),
    ] {
        let reason = run(rest).unwrap();
        assert!(reason.contains(says), "{rest}: {reason}");
    }
}
