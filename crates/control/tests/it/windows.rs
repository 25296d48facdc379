//! Budgets of other times than the calendar's, increases that end by themselves, whom a raise wants, and who sees the
//! budgets on themselves.

use domain::TenantScope;
use ledger::AuditRecord;
use policy::Posture;
use serde_json::{Value, json};
use store::AuditQuery;

use crate::scene::{House, Instance, Person, in_days};

/// What the test instance lets one person do alone.
const MONEY: i64 = 1_000_000_000_000;
const TOKENS: i64 = 1_000_000;

struct Stage {
    instance: Instance,
    root: Person,
    house: House,
    budgets: String,
}

impl Stage {
    async fn set() -> Self {
        let instance = Instance::start(Posture::Development).await;
        let root = instance.root().await;
        let house = House::build(&instance, &root, "home").await;
        let budgets = house.path("/api/v1/tenants/{tenant}/budgets");
        Self {
            instance,
            root,
            house,
            budgets,
        }
    }

    async fn make(&self, more: &Value) -> String {
        let made = self.root.make(&self.budgets, &budget(more)).await;
        format!("{}/{}", self.budgets, made["id"].as_str().unwrap())
    }

    async fn status(&self, method: &str, path: &str, body: &Value) -> u16 {
        let answer = self
            .root
            .ask_with(method, path, "if-match: *\r\n", Some(body))
            .await;
        answer.status
    }

    async fn audits(&self) -> Vec<AuditRecord> {
        let query = AuditQuery {
            count: 1000,
            ..AuditQuery::default()
        };
        let scope = TenantScope::operator(self.house.tenant.parse().unwrap());
        let stored = self.instance.store.audit(&scope, &query).await.unwrap();
        let read = |stored: &store::StoredAudit| AuditRecord::from_bytes(&stored.bytes).unwrap();
        stored.iter().map(read).collect()
    }
}

fn budget(more: &Value) -> Value {
    let mut budget = json!({"name": "b", "window": "total", "limit_nanos": 100});
    let fields = budget.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    if more.get("limit_tokens").is_some() {
        fields.remove("limit_nanos");
    }
    budget
}

#[tokio::test]
async fn a_budget_says_of_its_time_what_it_was_told() {
    let stage = Stage::set().await;
    for (window, during, shown) in [
        (
            "day",
            json!({"zone": "europe/berlin"}),
            json!({"zone": "Europe/Berlin"}),
        ),
        (
            "total",
            json!({"rolling_minutes": 90}),
            json!({"rolling_minutes": 90}),
        ),
        (
            "month",
            json!({"rollover_percent": 50}),
            json!({"rollover_percent": 50}),
        ),
        (
            "total",
            json!({"from": "2026-11-22T09:00:00+01:00", "until": "2099-01-01T00:00:00Z"}),
            json!({"from": "2026-11-22T08:00:00Z", "until": "2099-01-01T00:00:00Z"}),
        ),
    ] {
        let path = stage
            .make(&json!({"window": window, "during": during, "name": window}))
            .await;
        assert_eq!(stage.root.get(&path).await.json()["during"], shown);
        assert_eq!(stage.root.ask("DELETE", &path, None).await.status, 204);
    }
    for (window, during) in [
        ("total", json!({"zone": "Europe/Berlin"})),
        ("day", json!({"zone": "Europe/Nowhere"})),
        ("day", json!({"rolling_minutes": 60})),
        ("total", json!({"rolling_minutes": 0})),
        ("total", json!({"rollover_percent": 50})),
        ("day", json!({"rollover_percent": 101})),
        ("total", json!({"from": "2026-11-22T09:00:00Z"})),
        (
            "total",
            json!({"from": "2027-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
        ),
    ] {
        let body = budget(&json!({"window": window, "during": during}));
        let refused = stage.root.post(&stage.budgets, &body).await;
        assert_eq!(refused.code(), "invalid", "{during}: {refused:?}");
    }
}

#[tokio::test]
async fn a_document_says_the_time_of_a_budget_and_does_not_change_it() {
    let stage = Stage::set().await;
    let path = stage
        .make(&json!({"window": "day", "during": {"zone": "Asia/Tokyo", "rollover_percent": 10}, "name": "tokyo"}))
        .await;
    let more = json!({"amount_nanos": 5, "until": in_days(1), "why": "a launch"});
    assert_eq!(
        stage.status("POST", &format!("{path}/increases"), &more).await,
        200
    );
    let document = stage.house.path("/api/v1/tenants/{tenant}/configuration");
    let mut wanted = stage.root.get(&document).await.json();
    let at = wanted["budgets"]
        .as_array()
        .unwrap()
        .iter()
        .position(|it| it["name"] == "tokyo");
    let at = at.unwrap();
    assert_eq!(wanted["budgets"][at]["during"]["zone"], "Asia/Tokyo");
    wanted["budgets"][at]["limit_nanos"] = json!(101);
    assert_eq!(stage.status("PUT", &document, &wanted).await, 200);
    let shown = stage.root.get(&path).await.json();
    assert_eq!(
        (&shown["limit_nanos"], &shown["during"]["rollover_percent"]),
        (&json!(101), &json!(10))
    );
    assert_eq!(
        shown["increases"][0]["amount_nanos"], 5,
        "no document ends an increase: {shown}"
    );
    wanted["budgets"][at]["during"]["zone"] = json!("Asia/Seoul");
    let refused = stage
        .root
        .ask_with("PUT", &document, "if-match: *\r\n", Some(&wanted))
        .await;
    assert_eq!(refused.code(), "invalid", "{refused:?}");
    assert!(refused.body.contains("during"), "{refused:?}");
}

/// Whatever the way by which a window comes to hold more than one person may give.
#[tokio::test]
async fn anp_0014_agp_d1_every_way_to_more_takes_two_people_above_the_mark() {
    let stage = Stage::set().await;
    for body in [
        json!({"limit_tokens": TOKENS + 1}),
        json!({"limit_nanos": MONEY / 2 + 1, "window": "day", "during": {"rollover_percent": 100}}),
    ] {
        let wish = stage.root.post(&stage.budgets, &budget(&body)).await;
        assert_eq!(wish.status, 202, "{body}: {wish:?}");
    }
    let tokens = stage.make(&json!({"limit_tokens": TOKENS})).await;
    let money = stage.make(&json!({"limit_nanos": MONEY - 10, "name": "m"})).await;
    assert_eq!(
        stage
            .status("PATCH", &tokens, &json!({"limit_tokens": TOKENS + 1}))
            .await,
        202
    );
    // A wrong word for the unit is no way past it: nothing is raised by it.
    let wrong = stage
        .status("PATCH", &tokens, &json!({"limit_nanos": TOKENS + 1}))
        .await;
    assert!(wrong >= 400 || wrong == 202, "{wrong}");
    assert_eq!(
        stage.status("PATCH", &tokens, &json!({"name": "other"})).await,
        200,
        "nothing more"
    );
    assert_eq!(stage.root.get(&tokens).await.json()["limit_tokens"], TOKENS);
    let more = |amount: i64| json!({"amount_nanos": amount, "until": in_days(1), "why": "a launch"});
    let increases = format!("{money}/increases");
    assert_eq!(stage.status("POST", &increases, &more(6)).await, 200);
    assert_eq!(
        stage.status("POST", &increases, &more(5)).await,
        202,
        "together they are above"
    );
    assert_eq!(
        stage
            .status("PATCH", &money, &json!({"limit_nanos": MONEY - 5}))
            .await,
        202
    );
    let one = json!({"amount_tokens": 1, "until": in_days(1), "why": "a launch"});
    assert_eq!(
        stage.status("POST", &format!("{tokens}/increases"), &one).await,
        202
    );
    let document = stage.house.path("/api/v1/tenants/{tenant}/configuration");
    let mut wanted = stage.root.get(&document).await.json();
    let all = wanted["budgets"].as_array_mut().unwrap();
    let of_tokens = all.iter_mut().find(|it| it["name"] == "other").unwrap();
    of_tokens["limit_tokens"] = json!(TOKENS + 1);
    let refused = stage
        .root
        .ask_with("PUT", &document, "if-match: *\r\n", Some(&wanted))
        .await;
    assert!(refused.status >= 400, "a document is no way past it: {refused:?}");
    assert_eq!(stage.root.get(&tokens).await.json()["limit_tokens"], TOKENS);
}

#[tokio::test]
async fn agp_r3_an_increase_is_recorded_shown_and_revoked() {
    let stage = Stage::set().await;
    let path = stage.make(&json!({})).await;
    let increases = format!("{path}/increases");
    for bad in [
        json!({"amount_nanos": 0, "until": in_days(1), "why": "w"}),
        json!({"amount_nanos": -5, "until": in_days(1), "why": "w"}),
        json!({"amount_nanos": 5, "until": in_days(-1), "why": "w"}),
        json!({"amount_nanos": 5, "until": in_days(1), "why": " "}),
        json!({"amount_tokens": 5, "until": in_days(1), "why": "w"}),
    ] {
        let refused = stage.root.post(&increases, &bad).await;
        assert_eq!(refused.code(), "invalid", "{bad}: {refused:?}");
    }
    let why = json!({"amount_nanos": 50, "until": in_days(1), "why": "the launch"});
    let raised = stage.root.post(&increases, &why).await;
    assert_eq!(raised.status, 200, "{raised:?}");
    assert_eq!(raised.json()["limit_nanos"], 100, "the limit itself stays");
    assert_eq!(raised.json()["increases"][0]["why"], "the launch");
    let shown = stage.root.get(&path).await.json();
    assert_eq!(shown["remaining_nanos"], 150, "{shown}");
    let other = stage.root.ask("DELETE", &format!("{increases}/7"), None).await;
    assert_eq!(other.json()["increases"][0]["number"], 1, "{other:?}");
    let ended = stage.root.ask("DELETE", &format!("{increases}/1"), None).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(stage.root.get(&path).await.json()["remaining_nanos"], 100);
    let told: Vec<_> = stage
        .audits()
        .await
        .into_iter()
        .map(|record| serde_json::to_value(&record).unwrap().to_string())
        .filter(|record| record.contains("the launch"))
        .collect();
    assert_eq!(told.len(), 2, "once as after, once as before: {told:?}");
}

/// Without any role, and of nobody else's.
#[tokio::test]
async fn agp_e1_a_person_sees_the_budget_on_themselves_and_no_other() {
    let stage = Stage::set().await;
    let tenant = stage.house.tenant.clone();
    let someone = stage
        .root
        .invite(&stage.instance, &tenant, "someone@example.com")
        .await;
    let own = stage
        .make(&json!({"of": someone.id.to_string(), "name": "own"}))
        .await;
    let others = stage
        .make(&json!({"of": stage.house.user.id.to_string(), "name": "others"}))
        .await;
    let of_service = stage
        .make(&json!({"of": stage.house.service, "name": "bot"}))
        .await;
    let shown = someone.get(&own).await;
    assert_eq!(
        (shown.status, &shown.json()["remaining_nanos"]),
        (200, &json!(100)),
        "{shown:?}"
    );
    let listed = someone.get(&stage.budgets).await.json();
    let names: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert_eq!(names, ["own"]);
    for path in [&others, &of_service] {
        assert!(matches!(someone.get(path).await.status, 403 | 404));
    }
    let more = json!({"limit_nanos": 101});
    let patched = someone
        .ask_with("PATCH", &own, "if-match: *\r\n", Some(&more))
        .await;
    let paused = someone.post(&format!("{own}/pause"), &json!({"why": "w"})).await;
    let raise = json!({"amount_nanos": 5, "until": in_days(1), "why": "w"});
    let raised = someone.post(&format!("{own}/increases"), &raise).await;
    let removed = someone.ask("DELETE", &own, None).await;
    for refused in [patched, paused, raised, removed] {
        assert!(matches!(refused.status, 403 | 404), "{refused:?}");
    }
    assert_eq!(stage.root.get(&own).await.json()["limit_nanos"], 100);
}
