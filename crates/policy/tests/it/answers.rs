//! What is permitted and why.

use credential::ModelAccess;
use domain::{KeyId, Operation, ProjectId, TeamId};
use policy::{Decision, Engine, Question};

use crate::asking::{ACME, GLOBEX, only, principal, question, record, with_defaults};

fn ask(engine: &Engine, change: impl FnOnce(&mut Question<'_>)) -> Decision {
    let key = record(
        ModelAccess::All,
        &[Operation::Chat, Operation::Embeddings, Operation::ListModels],
    );
    let principal = principal(&key);
    let mut question = question(&principal, &key);
    change(&mut question);
    engine.decide(&question)
}

#[test]
fn ctx_t1_without_policies_everything_is_denied() {
    let decision = ask(&only(""), |_| ());
    assert_eq!(
        decision,
        Decision {
            reason: None,
            permit: false,
            policies: vec![],
            error: None
        }
    );
}

#[test]
fn agp_e1_no_permit_opens_another_tenant() {
    let wide = only("@id(\"wide\") permit (principal, action, resource);");
    assert_eq!(ask(&wide, |_| ()).policies, ["wide"]);
    let foreign = ask(&wide, |question| question.owner = GLOBEX);
    assert_eq!(
        foreign,
        Decision {
            reason: None,
            permit: false,
            policies: vec!["tenants-stay-apart".to_owned()],
            error: None
        }
    );
    let listing = ask(&wide, |question| {
        (question.operation, question.model, question.owner) = (Operation::ListModels, None, GLOBEX);
    });
    assert!(!listing.permit);
}

#[test]
fn agp_e1_a_principal_with_another_keys_record_is_denied() {
    let wide = only("permit (principal, action, resource);");
    let key = record(ModelAccess::All, &[Operation::Chat]);
    let same = principal(&key);
    assert!(wide.decide(&question(&same, &key)).permit);
    let mut others = vec![same.clone(), same.clone(), same.clone(), same];
    others[0].tenant = GLOBEX;
    others[1].team = TeamId::from_u128(21);
    others[2].project = Some(ProjectId::from_u128(1));
    others[3].key = KeyId::from_u128(31);
    for other in &others {
        let decision = wide.decide(&question(other, &key));
        assert!(!decision.permit, "{other:?}");
        assert!(decision.error.unwrap().contains("not of one key"));
    }
}

#[test]
fn anp_0002_one_forbid_outvotes_permits_and_is_named() {
    let engine =
        with_defaults(r#"@id("no-tools") forbid (principal, action, resource) when { context.tools };"#);
    assert!(ask(&engine, |_| ()).permit);
    let decision = ask(&engine, |question| question.tools = true);
    assert_eq!(
        decision,
        Decision {
            reason: None,
            permit: false,
            policies: vec!["no-tools".to_owned()],
            error: None
        }
    );
}

#[test]
fn anp_0002_a_policy_that_cannot_be_evaluated_denies() {
    let overflow = r#"@id("sum") forbid (principal, action, resource)
        when { 9223372036854775807 + (if context.stream then 1 else 0) == 0 };"#;
    let engine = with_defaults(overflow);
    assert!(ask(&engine, |_| ()).permit);
    let decision = ask(&engine, |question| question.stream = true);
    assert!(!decision.permit);
    assert!(decision.error.unwrap().contains("sum"));
}

#[test]
fn a_question_outside_the_schema_is_denied_with_a_reason() {
    let decision = ask(&only("permit (principal, action, resource);"), |question| {
        question.model = None
    });
    assert!(!decision.permit);
    assert!(decision.error.is_some());
}

#[test]
fn policies_without_an_id_are_named_by_file_and_line() {
    let engine = only("// first\n\npermit (principal, action, resource)\nwhen { context.stream };\n");
    assert_eq!(
        ask(&engine, |question| question.stream = true).policies,
        ["own.cedar:3"]
    );
}

/// One policy for each word of the schema, each true of a question and false of the same one changed.
#[test]
fn every_word_of_the_schema_can_decide() {
    let conditions = [
        "context.stream",
        "context.tools",
        "context.images",
        "context.operation == \"embeddings\"",
        "action == Action::\"embeddings\"",
        "context has source_ip && context.source_ip.isInRange(ip(\"10.0.0.0/8\"))",
        "context.posture == Posture::\"staging\"",
        "context.utc_weekday > 5",
        "context.utc_minute < 540",
        "resource is Model && resource.name like \"gpt-*\"",
        "resource is Model && resource has provider && resource.provider == \"openai\"",
        "principal.tenant.name == \"initech\"",
        "principal.team.name == \"ops\"",
    ];
    for condition in conditions {
        let engine = only(&format!(
            "permit (principal, action, resource) when {{ {condition} }};"
        ));
        let plain = ask(&engine, |_| ());
        assert_eq!((plain.permit, plain.error), (false, None), "{condition}");
        let changed = ask(&engine, |question| {
            *question = Question {
                operation: Operation::Embeddings,
                model: Some("gpt-7"),
                provider: Some("openai"),
                tenant_name: "initech",
                team_name: "ops",
                stream: true,
                tools: true,
                images: true,
                address: Some("::ffff:10.1.2.3".parse().unwrap()),
                posture: policy::Posture::Staging,
                moment: policy::Moment {
                    weekday: 6,
                    minute: 539,
                },
                ..*question
            };
        });
        assert_eq!((changed.permit, changed.error), (true, None), "{condition}");
    }
}

#[test]
fn groups_hold_what_is_in_them() {
    let mut key = record(ModelAccess::None, &[]);
    key.project = Some(ProjectId::from_u128(40));
    let principal = principal(&key);
    let (team, project) = (TeamId::from_u128(20), ProjectId::from_u128(40));
    for group in [
        format!("Team::\"{team}\""),
        format!("Project::\"{project}\""),
        format!("Tenant::\"{ACME}\""),
    ] {
        let engine = only(&format!(
            "permit (principal in {group}, action in Action::\"invoke\", resource);"
        ));
        assert!(engine.decide(&question(&principal, &key)).permit, "{group}");
    }
    let other = only(&format!(
        "permit (principal in Tenant::\"{GLOBEX}\", action, resource);"
    ));
    assert!(!other.decide(&question(&principal, &key)).permit);
}

#[test]
fn names_that_look_like_policy_text_are_only_names() {
    let name = "\" || true || \"\\\n*";
    let key = record(ModelAccess::Some(vec![name.to_owned()]), &[Operation::Chat]);
    let principal = principal(&key);
    let engine = with_defaults("");
    let asked = Question {
        model: Some(name),
        tenant_name: name,
        team_name: name,
        ..question(&principal, &key)
    };
    assert!(engine.decide(&asked).permit);
    assert!(
        !engine
            .decide(&Question {
                model: Some("small"),
                ..asked
            })
            .permit
    );
}
