//! Audit records taken out: each form holds what was recorded, and what somebody typed stays text.

use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{House, Instance, PASSWORD};

/// Attributes that the schema requires of every event, and of a class (OCSF 1.1.0).
const BASE: [&str; 7] = [
    "activity_id",
    "category_uid",
    "class_uid",
    "type_uid",
    "severity_id",
    "time",
    "metadata",
];

fn required(class: u64) -> &'static [&'static str] {
    match class {
        3001 => &["user"],
        3002 => &["user", "service"],
        3004 => &["entity"],
        6003 => &["actor", "api", "src_endpoint"],
        other => panic!("no class of ours: {other}"),
    }
}

/// Activities that the class knows in every version 1.x.
fn known(class: u64, activity: u64) -> bool {
    activity == 99
        || match class {
            3001 => (1..=11).contains(&activity),
            3002 => (1..=5).contains(&activity),
            _ => (1..=4).contains(&activity),
        }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_exports_hold_every_record_in_every_form_and_are_recorded() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let base = format!("/api/v1/tenants/{}", home.tenant);
    let evil = "=cmd|'/c'!a1@x";
    assert_eq!(instance.sign_in("home", evil, PASSWORD).await.status, 401);
    home.user
        .post(&format!("{base}/teams"), &json!({"name": "x"}))
        .await;
    let off = json!({"state": "disabled"});
    assert_eq!(
        root.ask("PATCH", &format!("{base}/users/{}", home.user.id), Some(&off))
            .await
            .status,
        200
    );
    assert_eq!(
        root.ask("POST", &format!("{base}/keys/{}/revoke", home.key), None)
            .await
            .status,
        200
    );

    let export = async |format: &str| {
        let answer = root.get(&format!("{base}/audit/export?format={format}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    };
    let lines = export("jsonl").await;
    assert_eq!(
        lines.header("content-type"),
        Some("application/jsonl; charset=utf-8")
    );
    let records: Vec<Value> = lines
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.len() > 10);
    assert_eq!(records[0]["act"], "teams.create", "oldest first");

    let events = export("ocsf").await;
    let events: Vec<Value> = events
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), records.len() + 1, "and the export before");
    for event in &events {
        let number = |name: &str| event[name].as_u64().unwrap();
        let (class, activity) = (number("class_uid"), number("activity_id"));
        for name in BASE.iter().chain(required(class)) {
            assert!(!event[name].is_null(), "{name} of {event}");
        }
        assert!(known(class, activity), "{event}");
        assert_eq!(number("type_uid"), class * 100 + activity);
        assert_eq!(number("category_uid"), class / 1000);
        assert!((1..=6).contains(&number("severity_id")) && (1..=2).contains(&number("status_id")));
        assert!(
            event["metadata"]["version"].is_string()
                && event["metadata"]["product"]["vendor_name"].is_string()
        );
    }
    let class_of = |act: &str, status: u64| {
        let found = events
            .iter()
            .find(|event| event["unmapped"]["act"] == act && event["status_id"] == status);
        let found = found.unwrap_or_else(|| panic!("{act}"));
        (
            found["class_uid"].as_u64().unwrap(),
            found["activity_id"].as_u64().unwrap(),
        )
    };
    for (act, status, expected) in [
        ("sign_in", 1, (3002, 1)),
        ("sign_in", 2, (3002, 1)),
        ("users.create", 1, (3001, 1)),
        ("set_password", 1, (3001, 4)),
        ("users.update", 1, (3001, 5)),
        ("teams.create", 1, (3004, 1)),
        ("teams.create", 2, (3004, 1)),
        ("keys.revoke", 1, (3004, 4)),
        ("audit.export", 1, (6003, 2)),
    ] {
        assert_eq!(class_of(act, status), expected, "{act}");
    }

    let table = export("csv").await.body;
    assert!(table.starts_with("index,id,time,"));
    assert_eq!(table.matches("\r\n").count(), 1 + records.len() + 2);
    assert!(table.contains("\"'=cmd|'/c'!a1@x\""), "{table}");
    assert!(!table.contains(",\"=") && !table.contains(",\"@"));

    let watched = export("cef").await.body;
    assert!(
        watched
            .lines()
            .all(|line| line.starts_with("CEF:0|Bartizan|bartizan|"))
    );
    assert!(watched.contains("suser=\\=cmd|'/c'!a1@x "), "{watched}");

    // Narrowed, and wrong.
    let later = root
        .get(&format!("{base}/audit/export?from=2999-01-01T00:00:00Z"))
        .await;
    assert_eq!((later.status, later.body.as_str()), (200, ""));
    let wrong = root.get(&format!("{base}/audit/export?format=xml")).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "malformed"));
    let listed = root
        .get(&format!("{base}/audit?act=audit.export&limit=100"))
        .await
        .json();
    let told: Vec<&Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["record"])
        .collect();
    assert_eq!(told.len(), 5);
    assert_eq!(told[4]["after"]["format"], "jsonl");
    assert_eq!(told[4]["after"]["records"], records.len());
}
