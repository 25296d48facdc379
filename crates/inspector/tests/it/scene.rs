//! One of each kind, what its server says when nothing is wrong, and what it says wrongly.

use std::time::Duration;

use domain::{RequestId, RequestIds, Secret, TenantId};
use guard::{Direction, Origin};
use inspector::{Connector, ConnectorOptions, Form, Judge, Kind, Moderation, Own, Presidio, Question, Text};
use serde_json::{Value, json};
use testkit::Reply;
use upstream::{Client, ClientOptions};

pub const CREDENTIAL: &str = "a-credential-of-connectors";
/// One text with letters of one, two, three and four bytes: what is found in it is `Zoë`.
pub const TEXT: &str = "año 🙂 — ask Zoë, please";

/// One kind and its server's answers.
pub struct Case {
    pub kind: Kind,
    pub path: &'static str,
    pub clean: Value,
    pub found: Value,
    /// The rule of `found`, and what it lies on.
    pub rule: &'static str,
    pub value: &'static str,
    /// Answers that are JSON and still no verdict.
    pub wrong: Vec<Value>,
}

pub fn presidio() -> Kind {
    Kind::Presidio(Presidio {
        language: "en".into(),
        score_min: 40,
        entities: Vec::new(),
    })
}

pub fn judge(form: Form) -> Kind {
    Kind::Judge(Judge {
        model: "llama-guard".into(),
        form,
    })
}

pub fn said_by_judge(text: &str) -> Value {
    json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 4}
    })
}

pub fn cases() -> Vec<Case> {
    let own = |finding: Value| json!({"findings": [finding]});
    let place = |start: Value, end: Value| json!([{"entity_type": "PERSON", "start": start, "end": end, "score": 0.9}]);
    let moderated = |is_so: bool, score: Value| {
        json!({"id": "modr-1", "model": "m", "results": [
            {"flagged": is_so, "categories": {"hate/threatening": is_so, "violence": false},
             "category_scores": {"hate/threatening": score, "violence": 0.01}}]})
    };
    let judged = |form: Form| Case {
        kind: judge(form),
        path: "/v1/chat/completions",
        clean: said_by_judge("safe"),
        found: said_by_judge("unsafe\nS9"),
        rule: "judge:indiscriminate_weapons",
        value: TEXT,
        wrong: vec![
            said_by_judge("I think it is safe"),
            said_by_judge(""),
            said_by_judge("unsafe"),
            said_by_judge("unsafe\nS99"),
            json!({"choices": []}),
            json!({"choices": [{"message": {"content": null}}]}),
            json!({"choices": [{"message": {"content": "safe"}, "finish_reason": "length"}]}),
            json!({"choices": [{"message": {"content": "safe"}}, {"message": {"content": "safe"}}]}),
        ],
    };
    vec![
        Case {
            kind: Kind::Own(Own { score_min: 0 }),
            path: "/look/here",
            clean: json!({"findings": []}),
            found: own(
                json!({"text": 0, "start": 12, "end": 15, "rule": "name", "kind": "personal", "score": 0.5}),
            ),
            rule: "conn:name",
            value: "Zoë",
            wrong: vec![
                json!({"finding": []}),
                own(json!({"text": 1, "rule": "name", "kind": "personal"})),
                own(json!({"text": 0, "start": 0, "end": 24, "rule": "name", "kind": "personal"})),
                own(json!({"text": 0, "start": 3, "end": 3, "rule": "name", "kind": "personal"})),
                own(json!({"text": 0, "start": 5, "end": 3, "rule": "name", "kind": "personal"})),
                own(json!({"text": 0, "start": -1, "end": 3, "rule": "name", "kind": "personal"})),
                own(json!({"text": 0, "start": 1, "rule": "name", "kind": "personal"})),
                own(json!({"text": 0, "rule": "name", "kind": "people"})),
                own(json!({"text": 0, "rule": "a rule] with [more", "kind": "personal"})),
                own(json!({"text": 0, "rule": "", "kind": "personal"})),
                own(json!({"text": 0, "rule": "name", "kind": "personal", "score": 2})),
            ],
        },
        Case {
            kind: presidio(),
            path: "/analyze",
            clean: json!([]),
            found: place(json!(12), json!(15)),
            rule: "presidio:PERSON",
            value: "Zoë",
            wrong: vec![
                json!({"error": "no"}),
                place(json!(12), json!(24)),
                place(json!(4), json!(4)),
                place(json!(7), json!(4)),
                place(json!(-1), json!(4)),
                place(json!(1.5), json!(4)),
                place(json!("1"), json!(4)),
                json!([{"entity_type": "PERSON", "start": 0, "end": 1, "score": 7}]),
                json!([{"entity_type": "A B", "start": 0, "end": 1, "score": 0.9}]),
                json!([{"start": 0, "end": 1, "score": 0.9}]),
            ],
        },
        Case {
            kind: Kind::Moderation(Moderation {
                model: None,
                score_min: None,
            }),
            path: "/v1/moderations",
            clean: moderated(false, json!(0.02)),
            found: moderated(true, json!(0.97)),
            rule: "moderation:hate/threatening",
            value: TEXT,
            wrong: vec![
                json!({"results": []}),
                json!({"results": [{}, {}]}),
                moderated(true, json!(1.5)),
                moderated(true, json!("much")),
                json!({"results": [{"flagged": true, "categories": {"hate": true}, "category_scores": {}}]}),
            ],
        },
        judged(Form::Instructed),
        judged(Form::LlamaGuard),
    ]
}

/// What differs from the usual connector of a test.
pub struct Bent {
    pub timeout_ms: u64,
    pub cache_ms: u64,
    pub at_once_max: usize,
    pub texts_max: usize,
    pub text_bytes_max: usize,
}

impl Default for Bent {
    fn default() -> Self {
        Self {
            timeout_ms: 10_000,
            cache_ms: 0,
            at_once_max: 8,
            texts_max: 64,
            text_bytes_max: 10_000,
        }
    }
}

pub fn options(kind: &Kind, address: &str, bent: &Bent) -> ConnectorOptions {
    let address = match kind {
        Kind::Own(_) => format!("{address}/look/here"),
        _ => address.to_owned(),
    };
    ConnectorOptions {
        name: "conn".into(),
        kind: kind.clone(),
        address,
        allow_plaintext: false,
        client: Client::new(&ClientOptions::default()),
        wants_credential: true,
        timeout: Duration::from_millis(bent.timeout_ms),
        at_once_max: bent.at_once_max,
        texts_max: bent.texts_max,
        cache: Duration::from_millis(bent.cache_ms),
        text_bytes_max: bent.text_bytes_max,
        seed: [3; 32],
    }
}

pub fn connector(kind: &Kind, address: &str, bent: &Bent) -> Connector {
    let connector = Connector::new(options(kind, address, bent)).unwrap();
    connector.set_credential(Some(&Secret::new(CREDENTIAL)));
    connector
}

pub fn request() -> RequestId {
    RequestIds::new().next()
}

pub fn asking<'a>(tenant: TenantId, texts: &'a [Text<'a>]) -> Question<'a> {
    Question {
        tenant,
        request: request(),
        direction: Direction::Input,
        model: Some("m-oa"),
        texts,
    }
}

pub fn user(text: &str) -> Text<'_> {
    Text {
        origin: Origin::User,
        text,
    }
}

pub fn ok(value: &Value) -> Reply {
    Reply::json(200, value)
}
