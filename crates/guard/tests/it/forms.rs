//! What is judged of the whole: bounds of requests, what cannot be read, the form of answers.

use std::sync::{Arc, LazyLock};

use domain::UnixMillis;
use guard::families::{Bounds, Families, Format, Unread, Unseen};
use guard::{
    Action, Direction, Explained, Gate, Guards, ImageFacts, MediaFacts, MessageFacts, Plan, Plans, Profile,
    Profiles, RequestFacts, When,
};
use proptest::prelude::*;
use serde_json::json;

const NOW: UnixMillis = UnixMillis(1_000);
static GUARDS: LazyLock<Guards> = LazyLock::new(Guards::default);

fn plan(families: Families) -> Arc<Plan> {
    assert_eq!(families.problems(), []);
    Plan::of(&GUARDS, families)
}

fn form(format: Format) -> Arc<Plan> {
    plan(Families {
        format: Some(Format {
            output: Gate::Block,
            ..format
        }),
        ..Families::default()
    })
}

fn judged(plan: &Plan, text: &str, size: usize) -> Vec<Explained> {
    let mut found = Vec::new();
    let mut follow = plan.form().unwrap();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        follow.push(plan, piece, NOW, &mut found);
        rest = more;
    }
    follow.finish(plan, NOW, &mut found);
    found
}

fn told(plan: &Plan, text: &str) -> Vec<(String, String)> {
    let whole = judged(plan, text, usize::MAX);
    for size in [1, 3, 10] {
        assert_eq!(judged(plan, text, size), whole, "in pieces of {size}");
    }
    whole
        .into_iter()
        .map(|it| (it.found.finding.rule.into_owned(), it.why))
        .collect()
}

fn rules(plan: &Plan, text: &str) -> Vec<String> {
    told(plan, text).into_iter().map(|(rule, _)| rule).collect()
}

fn facts() -> RequestFacts {
    RequestFacts {
        messages: vec![
            MessageFacts {
                role: "system".into(),
                characters: 40,
                parts: 1,
            },
            MessageFacts {
                role: "user".into(),
                characters: 160,
                parts: 3,
            },
        ],
        characters: 250,
        body_bytes: 900,
        depth: 6,
        tools: vec!["read_file".into(), "send_mail".into()],
        media: MediaFacts {
            images: vec![
                ImageFacts {
                    media_type: Some("image/png".into()),
                    bytes: Some(1_000),
                },
                ImageFacts {
                    media_type: None,
                    bytes: None,
                },
            ],
            files: 2,
            ..MediaFacts::default()
        },
    }
}

#[test]
fn agp_t1_a_request_beyond_its_bounds_is_told_with_limit_and_number() {
    let bounds = Bounds {
        input: Gate::Block,
        messages_max: Some(1),
        parts_max: Some(2),
        characters_max: Some(249),
        message_characters_max: Some(159),
        body_bytes_max: Some(899),
        depth_max: Some(5),
        images_max: Some(1),
        image_bytes_max: Some(1_000),
        image_types: Some(vec!["image/PNG".into()]),
        files_max: Some(1),
        tools_max: Some(1),
        tools_allowed: Some(vec!["read_*".into()]),
        tools_denied: vec!["*_file".into()],
        roles: Some(vec!["user".into()]),
        json_schema: Some(json!({"type": "object", "required": ["model"]})),
    };
    let guarded = plan(Families {
        bounds: Some(bounds),
        ..Families::default()
    });
    assert!(guarded.wants_body());
    let found = guarded.bounds(&facts(), Some(&json!({"messages": []})), NOW);
    assert!(
        found
            .iter()
            .all(|it| it.found.action == Action::Block && it.profile == "instance")
    );
    let told: Vec<_> = found
        .iter()
        .map(|it| (it.found.finding.rule.as_ref(), it.why.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("bounds:messages_max", "2 messages, 1 allowed"),
            ("bounds:parts_max", "3 parts of a message, 2 allowed"),
            ("bounds:characters_max", "250 characters, 249 allowed"),
            (
                "bounds:message_characters_max",
                "160 characters of a message, 159 allowed"
            ),
            ("bounds:body_bytes_max", "900 bytes of the body, 899 allowed"),
            ("bounds:depth_max", "6 levels, 5 allowed"),
            ("bounds:images_max", "2 images, 1 allowed"),
            ("bounds:files_max", "2 files, 1 allowed"),
            ("bounds:tools_max", "2 tools, 1 allowed"),
            (
                "bounds:image_bytes_max",
                "image 2 has an unknown number of bytes, 1000 allowed"
            ),
            ("bounds:image_types", "image 2 is of no allowed type"),
            ("bounds:tools_denied", "tool 1 is denied"),
            (
                "bounds:tools_allowed",
                "tool 2 is not among those that are allowed"
            ),
            ("bounds:roles", "message 1 has a role that is not allowed"),
            ("bounds:json_schema", "`` does not meet `/required` of the schema"),
        ]
    );
    let no_json = guarded.bounds(&RequestFacts::default(), None, NOW);
    assert_eq!(no_json.last().unwrap().why, "the body is no JSON");
}

#[test]
fn a_request_at_its_bounds_passes() {
    let bounds = Bounds {
        input: Gate::Block,
        messages_max: Some(2),
        parts_max: Some(3),
        characters_max: Some(250),
        message_characters_max: Some(160),
        body_bytes_max: Some(900),
        depth_max: Some(6),
        images_max: Some(2),
        files_max: Some(2),
        tools_max: Some(2),
        tools_allowed: Some(vec!["*".into()]),
        roles: Some(vec!["user".into(), "system".into()]),
        ..Bounds::default()
    };
    let guarded = plan(Families {
        bounds: Some(bounds),
        ..Families::default()
    });
    assert_eq!(guarded.bounds(&facts(), None, NOW), []);
    assert!(!guarded.wants_body());
    assert!(!guarded.may_match(Direction::Input, b"{}"), "bounds read no text");
}

#[test]
fn each_profile_has_bounds_of_its_own_and_the_strictest_is_named() {
    let profile = |name: &str, limit, input, shadow| Profile {
        name: name.to_owned(),
        when: When::default(),
        shadow,
        guards: Families {
            bounds: Some(Bounds {
                input,
                messages_max: Some(limit),
                ..Bounds::default()
            }),
            ..Families::default()
        },
    };
    let document = Profiles {
        profiles: vec![
            profile("wide", 10, Gate::Block, false),
            profile("watch", 1, Gate::Observe, false),
            profile("trial", 1, Gate::Block, true),
        ],
        exceptions: vec![],
    };
    let plans = Plans::new(GUARDS.clone(), Families::default(), document);
    let call = guard::Call {
        tenant: (domain::TenantId::from_u128(1), "acme"),
        team: (domain::TeamId::from_u128(2), "clinic"),
        project: None,
        key: (domain::KeyId::from_u128(3), "robot"),
        tags: &[],
        model: "gpt-large",
        operation: domain::Operation::Chat,
        data_class: domain::DataClass::Internal,
    };
    let found = plans.plan(&call, None).bounds(&facts(), None, NOW);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].found.action, found[0].found.would),
        (Action::Observe, Some(Action::Block))
    );
    assert_eq!(found[0].profile, "watch");
}

#[test]
fn agp_t1_what_cannot_be_read_is_told_and_handled_as_set() {
    let guarded = plan(Families {
        unread: Some(Unread {
            images: Unseen::Block,
            files: Unseen::Pass,
            ..Unread::default()
        }),
        ..Families::default()
    });
    let media = MediaFacts {
        audio: 1,
        token_ids: 3,
        encodings: 1,
        ..facts().media
    };
    let found = guarded.unread(Direction::Input, &media, NOW);
    let told: Vec<_> = found
        .iter()
        .map(|it| (it.found.finding.rule.as_ref(), it.found.action))
        .collect();
    assert_eq!(
        told,
        [
            ("unread:image", Action::Block),
            ("unread:audio", Action::Observe),
            ("unread:token_ids", Action::Observe),
            ("unread:encoding", Action::Observe),
        ]
    );
    assert_eq!(found[0].why, "images that no guard can read: 2");
    assert_eq!(guarded.unread(Direction::Output, &MediaFacts::default(), NOW), []);
    assert_eq!(
        plan(Families::default()).unread(Direction::Input, &media, NOW),
        []
    );
}

#[test]
fn an_answer_that_is_no_json_is_told_where() {
    let plan = form(Format {
        json: true,
        ..Format::default()
    });
    assert!(plan.holds_all());
    for good in ["{}", " [1, 2]\n", "\"text\"", "null"] {
        assert_eq!(told(&plan, good), [], "{good}");
    }
    assert_eq!(
        told(&plan, "{\"a\": 1,\n \"b\" 2}"),
        [(
            "format:json".to_owned(),
            "it is no JSON, from line 2, column 6".to_owned()
        )]
    );
    for bad in [
        "",
        "Sure! {}",
        "{} and more",
        "```json\n{}\n```",
        &"[".repeat(100_000),
    ] {
        assert_eq!(rules(&plan, bad), ["format:json"]);
    }
}

#[test]
fn an_answer_that_does_not_meet_a_schema_is_told_where_and_not_what() {
    let schema = json!({
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "integer"}}, "code": {"pattern": "^[a-z]+$"}},
        "additionalProperties": {"type": "string"},
    });
    let plan = form(Format {
        json_schema: Some(schema),
        ..Format::default()
    });
    assert_eq!(
        told(&plan, "{\"items\": [1, 2], \"code\": \"abc\", \"more\": \"x\"}"),
        []
    );
    assert_eq!(
        told(&plan, "{\"items\": [1, \"hunter2\"]}"),
        [(
            "format:schema".to_owned(),
            "`/items/1` does not meet `/properties/items/items/type` of the schema".to_owned()
        )]
    );
    let (_, why) = told(&plan, "{\"hunter2\": 5}").remove(0);
    assert_eq!(
        why,
        "`/*` does not meet `/additionalProperties/type` of the schema"
    );
    let slow = format!("{{\"code\": \"{}!\"}}", "a".repeat(1 << 20));
    assert_eq!(judged(&plan, &slow, usize::MAX).len(), 1);
}

#[test]
fn an_answer_that_does_not_match_or_is_too_long_is_told() {
    let pattern = form(Format {
        regex: Some("yes|no".into()),
        ..Format::default()
    });
    assert_eq!(told(&pattern, "no"), []);
    assert_eq!(rules(&pattern, "nothing"), ["format:pattern"]);
    let length = form(Format {
        characters_max: Some(20),
        words_max: Some(3),
        ..Format::default()
    });
    assert!(!length.holds_all());
    assert_eq!(told(&length, "äöü äöü äöüäöüäöüäöü"), []);
    assert_eq!(told(&length, "a b c d")[0].1, "it has more than 3 words");
    assert_eq!(
        told(&length, &"é".repeat(21))[0].1,
        "it has more than 20 characters"
    );
    let mut follow = length.form().unwrap();
    let mut found = Vec::new();
    follow.push(&length, "one two three four five six", NOW, &mut found);
    assert_eq!(found.len(), 2, "at once, and once each");
}

#[test]
fn an_answer_in_another_language_is_told_where_it_is_sure() {
    let plan = form(Format {
        language: vec!["en".into(), "de".into()],
        ..Format::default()
    });
    let french = "Bien sûr, voici la recette du pain de seigle que ma grand-mère préparait chaque dimanche matin, avec \
         de la farine, du sel et beaucoup de patience pendant toute la nuit.";
    let german = "Natürlich, hier ist das Rezept für das Roggenbrot, das meine Großmutter jeden Sonntagmorgen gebacken \
         hat, mit Mehl, Salz und sehr viel Geduld während der ganzen Nacht.";
    let russian = "Конечно, вот рецепт ржаного хлеба, который моя бабушка готовила каждое воскресенье утром, с мукой, солью и большим терпением.";
    assert_eq!(told(&plan, german), []);
    assert_eq!(
        told(&plan, french),
        [(
            "format:language".to_owned(),
            "its language is `fra`, which is not allowed".to_owned()
        )]
    );
    assert_eq!(rules(&plan, russian), ["format:language"]);
    assert_eq!(told(&plan, "Merci beaucoup !"), [], "a few words");
    assert_eq!(
        told(&plan, &format!("Here:\n```\n{french}\n```\nThat is the text.")),
        [],
        "code"
    );
    let mut follow = plan.form().unwrap();
    let mut found = Vec::new();
    follow.push(&plan, &french.repeat(20), NOW, &mut found);
    assert_eq!(found.len(), 1, "before the end of a long answer");
}

#[test]
fn what_cannot_be_used_is_named_with_its_place() {
    let families = Families {
        format: Some(Format {
            json_schema: Some(json!({"$ref": "https://evil.test/schema.json"})),
            regex: Some("(?=x)".into()),
            language: vec!["klingon".into()],
            ..Format::default()
        }),
        bounds: Some(Bounds {
            json_schema: Some(json!({"properties": {"a": {"pattern": "(a+)+\\1"}}})),
            tools_allowed: Some(vec![" ".into()]),
            ..Bounds::default()
        }),
        ..Families::default()
    };
    let places: Vec<_> = families.problems().into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        places,
        [
            "format.json_schema",
            "format.regex",
            "format.language",
            "bounds.json_schema",
            "bounds.tools_allowed"
        ]
    );
    let injected = Families {
        format: Some(Format {
            regex: Some("a)|(b".into()),
            ..Format::default()
        }),
        ..Families::default()
    };
    assert_eq!(injected.problems().len(), 1);
    let huge = Families {
        format: Some(Format {
            regex: Some("((a{100}){100}){100}".into()),
            ..Format::default()
        }),
        ..Families::default()
    };
    assert_eq!(huge.problems().len(), 1);
    let file = Families {
        format: Some(Format {
            json_schema: Some(json!({"$ref": "file:///etc/passwd"})),
            ..Format::default()
        }),
        ..Families::default()
    };
    assert_eq!(file.problems().len(), 1);
}

#[test]
fn settings_are_read_as_they_are_written() {
    let text = r#"{"links": {"output": "redact", "allow": ["example.com", "*.corp.example"], "images": "own_only"},
        "leaks": {"output": "block", "share": 30, "canaries": ["blue-heron-4417"]},
        "format": {"output": "block", "json": true, "language": ["en"]},
        "bounds": {"input": "block", "messages_max": 40, "tools_allowed": ["read_*"]},
        "unread": {"images": "block", "audio": "pass"}}"#;
    let families: Families = serde_json::from_str(text).unwrap();
    assert_eq!(families.problems(), []);
    let again: Families = serde_json::from_str(&serde_json::to_string(&families).unwrap()).unwrap();
    assert_eq!(again, families);
    assert!(families.links.as_ref().unwrap().exfiltration);
    assert!(serde_json::from_str::<Families>(r#"{"bounds": {"message_max": 1}}"#).is_err());
}

proptest! {
    #[test]
    fn forms_are_the_same_however_an_answer_is_cut(text in "\\PC{0,200}", size in 1_usize..30) {
        let plan = form(Format {
            json: true,
            regex: Some("[a-z]*".into()),
            characters_max: Some(50),
            words_max: Some(5),
            language: vec!["en".into()],
            ..Format::default()
        });
        prop_assert_eq!(judged(&plan, &text, size), judged(&plan, &text, usize::MAX));
    }
}
