//! Budgets by the control plane: what they count, how they are paused, and that a document says the same.

use domain::TenantScope;
use ledger::AuditRecord;
use policy::Posture;
use serde_json::{Value, json};
use store::AuditQuery;

use crate::scene::{House, Instance, Person};

async fn stage() -> (Instance, Person, House, String) {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let budgets = house.path("/api/v1/tenants/{tenant}/budgets");
    (instance, root, house, budgets)
}

fn budget(of: &Value, more: &Value) -> Value {
    let mut budget = json!({"name": "b", "window": "day", "of": of});
    let fields = budget.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    budget
}

#[tokio::test]
async fn a_budget_is_shown_as_it_was_made() {
    let (_instance, root, house, budgets) = stage().await;
    let only = json!({"model": "m", "provider": "p", "tag": "t"});
    let user = house.user.id.to_string();
    for (of, level) in [
        (&user, "user"),
        (&house.service, "service"),
        (&house.project, "project"),
    ] {
        let more = json!({"limit_tokens": 5, "only": only, "marks": [80, 50, 80]});
        let made = root.make(&budgets, &budget(&json!(of), &more)).await;
        let shown = root
            .get(&format!("{budgets}/{}", made["id"].as_str().unwrap()))
            .await
            .json();
        for (member, value) in [
            ("level", json!(level)),
            ("of", json!(of)),
            ("only", only.clone()),
            ("limit_tokens", json!(5)),
            ("spent_tokens", json!(0)),
            ("marks", json!([50, 80])),
        ] {
            assert_eq!(shown[member], value, "{shown}");
        }
        assert!(
            shown["limit_nanos"].is_null() && shown["spent_nanos"].is_null(),
            "{shown}"
        );
    }
    for (more, at) in [
        (json!({}), "/limit_nanos"),
        (json!({"limit_nanos": 1, "limit_tokens": 1}), "/limit_nanos"),
        (json!({"limit_tokens": -1}), "/limit_tokens"),
        (json!({"limit_nanos": 1, "marks": [0]}), ""),
        (json!({"limit_nanos": 1, "only": {"model": ""}}), ""),
        (
            json!({"limit_nanos": 1, "of": "usr_00000000000000000000000000000001"}),
            "/of",
        ),
        (
            json!({"limit_nanos": 1, "of": "svc_00000000000000000000000000000001"}),
            "/of",
        ),
    ] {
        let refused = root.post(&budgets, &budget(&json!(house.team), &more)).await;
        assert_eq!(refused.code(), "invalid", "{more}: {refused:?}");
        assert_eq!(
            refused.json()["pointer"].as_str().unwrap_or_default(),
            at,
            "{more}"
        );
    }
}

#[tokio::test]
async fn a_budget_keeps_what_it_counts() {
    let (_instance, root, house, budgets) = stage().await;
    let made = root
        .make(&budgets, &budget(&json!(house.team), &json!({"limit_tokens": 5})))
        .await;
    let path = format!("{budgets}/{}", made["id"].as_str().unwrap());
    let anyhow = "if-match: *\r\n";
    let money = root
        .ask_with("PATCH", &path, anyhow, Some(&json!({"limit_nanos": 7})))
        .await;
    assert_eq!(money.code(), "invalid", "{money:?}");
    let change = json!({"limit_tokens": 7, "marks": [10]});
    let changed = root.ask_with("PATCH", &path, anyhow, Some(&change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let shown = root.get(&path).await.json();
    assert_eq!(
        (&shown["limit_tokens"], &shown["marks"]),
        (&json!(7), &json!([10]))
    );
}

#[tokio::test]
async fn agp_d1_agp_r3_a_pause_is_recorded_and_no_document_undoes_it() {
    let (instance, root, house, budgets) = stage().await;
    let path = format!("{budgets}/{}", house.budget);
    for why in ["", " \n", "two\nlines"] {
        let refused = root.post(&format!("{path}/pause"), &json!({"why": why})).await;
        assert_eq!(refused.code(), "invalid", "{why:?}: {refused:?}");
    }
    let why = json!({"why": "it runs in circles"});
    for _ in 0..2 {
        let paused = root.post(&format!("{path}/pause"), &why).await;
        assert_eq!(paused.json()["paused"]["why"], why["why"], "{paused:?}");
    }
    let document = house.path("/api/v1/tenants/{tenant}/configuration");
    let mut wanted = root.get(&document).await.json();
    let raised = wanted["budgets"].as_array_mut().unwrap();
    let raised = raised.iter_mut().find(|budget| budget["name"] == "all").unwrap();
    raised["limit_nanos"] = json!(1_000_000_001);
    raised["marks"] = json!([90]);
    let applied = root
        .ask_with("PUT", &document, "if-match: *\r\n", Some(&wanted))
        .await;
    assert_eq!(applied.status, 200, "{applied:?}");
    let shown = root.get(&path).await.json();
    assert_eq!(
        (&shown["marks"], &shown["limit_nanos"]),
        (&json!([90]), &json!(1_000_000_001))
    );
    assert_eq!(shown["paused"]["why"], why["why"], "{shown}");
    let resumed = root.ask("POST", &format!("{path}/resume"), None).await;
    assert!(
        resumed.status == 200 && resumed.json()["paused"].is_null(),
        "{resumed:?}"
    );
    let query = AuditQuery {
        target: Some(house.budget.clone()),
        count: 100,
        ..AuditQuery::default()
    };
    let scope = TenantScope::operator(house.tenant.parse().unwrap());
    let stored = instance.store.audit(&scope, &query).await.unwrap();
    let records: Vec<_> = stored
        .iter()
        .map(|one| AuditRecord::from_bytes(&one.bytes).unwrap())
        .collect();
    let is_paused = |shown: &Option<Value>| {
        shown
            .as_ref()
            .is_some_and(|shown| shown["paused"]["why"] == why["why"])
    };
    let turns = |from: bool, to: bool| {
        let of = |record: &&AuditRecord| (is_paused(&record.before), is_paused(&record.after)) == (from, to);
        records
            .iter()
            .filter(|record| record.act == "budgets.update")
            .filter(of)
            .count()
    };
    assert_eq!((turns(false, true), turns(true, false)), (1, 1), "{records:?}");
}

/// What a document says of budgets comes out again as it went in.
#[tokio::test]
async fn a_document_tells_budgets_of_people_models_and_tokens() {
    let (_instance, root, house, _) = stage().await;
    let document = house.path("/api/v1/tenants/{tenant}/configuration");
    let mut wanted = root.get(&document).await.json();
    let (email, service) = (
        wanted["users"][0]["email"].clone(),
        wanted["services"][0]["name"].clone(),
    );
    let more = [
        json!({"name": "p", "of": {"user": email}, "limit_tokens": 5, "window": "day", "marks": [50]}),
        json!({"name": "s", "of": {"service": service}, "only": {"model": "m"}, "limit_nanos": 5, "window": "hour"}),
    ];
    wanted["budgets"].as_array_mut().unwrap().extend(more.clone());
    let apply = async |wanted: &Value| {
        root.ask_with("PUT", &document, "if-match: *\r\n", Some(wanted))
            .await
    };
    let applied = apply(&wanted).await;
    assert_eq!(applied.status, 200, "{applied:?}");
    let shown = root.get(&document).await.json();
    for budget in &more {
        assert!(
            shown["budgets"].as_array().unwrap().contains(budget),
            "{budget} of {shown}"
        );
    }
    let mut other = shown.clone();
    let budgets = other["budgets"].as_array_mut().unwrap();
    let of_model = budgets.iter_mut().find(|budget| budget["name"] == "s").unwrap();
    of_model["only"] = json!({"model": "other"});
    assert_eq!(apply(&other).await.code(), "invalid", "what it counts stays");
}

/// A session is stopped once, by whoever may change the tenant's budgets; no document undoes it, and it stands in no list
/// of budgets.
#[tokio::test]
async fn agp_d1_agp_r3_a_stopped_session_is_recorded_and_no_document_undoes_it() {
    let (_instance, root, house, budgets) = stage().await;
    let stops = house.path("/api/v1/tenants/{tenant}/stops");
    for (session, why) in [("", "w"), ("a b", "w"), ("run/1", ""), ("run/1", "two\nlines")] {
        let refused = root.post(&stops, &json!({"session": session, "why": why})).await;
        assert_eq!(refused.code(), "invalid", "{session:?}: {refused:?}");
    }
    let stop = json!({"session": "run/1", "why": "it runs in circles"});
    let made = root.make(&stops, &stop).await;
    let again = root.post(&stops, &stop).await;
    assert_eq!((again.status, &again.json()["id"]), (200, &made["id"]));
    let listed = |answer: &Value, id: &Value| {
        let items = answer["items"].as_array().unwrap();
        items.iter().any(|item| item["id"] == *id)
    };
    assert!(listed(&root.get(&stops).await.json(), &made["id"]));
    assert!(!listed(&root.get(&budgets).await.json(), &made["id"]));
    let document = house.path("/api/v1/tenants/{tenant}/configuration");
    let wanted = root.get(&document).await.json();
    assert!(!wanted.to_string().contains("run/1"), "{wanted}");
    let applied = root
        .ask_with("PUT", &document, "if-match: *\r\n", Some(&wanted))
        .await;
    assert_eq!(applied.status, 200, "{applied:?}");
    assert!(listed(&root.get(&stops).await.json(), &made["id"]));
    let path = format!("{stops}/{}", made["id"].as_str().unwrap());
    assert_eq!(root.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(root.ask("DELETE", &path, None).await.status, 404);
    let no_budget = format!("{stops}/{}", house.budget);
    assert_eq!(root.ask("DELETE", &no_budget, None).await.status, 404);
}

/// What one session may take is part of a budget, in the interface and in documents, and never changes.
#[tokio::test]
async fn agp_d1_a_ceiling_for_sessions_is_shown_as_it_was_made() {
    let (_instance, root, house, budgets) = stage().await;
    let during = json!({"session_max": 5, "session_required": true});
    let more = json!({"limit_tokens": 50, "during": during, "only": {"session": "run/1"}});
    let made = root.make(&budgets, &budget(&json!(house.key), &more)).await;
    assert_eq!(
        (&made["during"], &made["only"]["session"]),
        (&during, &json!("run/1"))
    );
    for bad in [
        json!({"session_required": true}),
        json!({"session_max": 0}),
        json!({"session_max": -1}),
    ] {
        let more = json!({"limit_tokens": 50, "during": bad});
        let refused = root.post(&budgets, &budget(&json!(house.key), &more)).await;
        assert_eq!(refused.code(), "invalid", "{bad}: {refused:?}");
    }
}
