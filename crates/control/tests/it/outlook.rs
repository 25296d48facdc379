//! Reports of spend over time: what they say, who may read them, and what is told of them without anybody's asking.

use std::sync::Arc;

use control::outlook::SpendSweeper;
use domain::UnixMillis;
use finops::{DAY_MS, Day};
use ledger::{AuditRecord, Entry};
use policy::Posture;
use serde_json::{Value, json};
use store::{AuditQuery, Store};

use crate::scene::{House, Instance, Person};
use crate::spending::{call, scope, ship};

const DOLLAR: i64 = 1_000_000_000;

/// About ten dollars a day, on each of so many days before this one.
fn steady(house: &House, days: i64, until: Day) -> Vec<Entry> {
    let nanos = |at: i64| 10 * DOLLAR + (at * 7_919 % 13) * DOLLAR / 20;
    (1..=days)
        .map(|at| call(house, until.plus(-at), nanos(at), None))
        .collect()
}

async fn stage() -> (Instance, Person, House) {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    (instance, root, house)
}

#[tokio::test]
async fn reports_say_what_spend_looks_like_over_time() {
    let (instance, root, house) = stage().await;
    let today = Day::of(UnixMillis::now());
    let store = instance.store.as_ref();
    ship(store, &house, &steady(&house, 70, today)).await;
    // Three days ago somebody's loop ran all night.
    ship(store, &house, &[call(&house, today.plus(-3), 150 * DOLLAR, None)]).await;
    let get = async |path: &str| {
        let answer = root
            .get(&house.path(&format!("/api/v1/tenants/{{tenant}}/reports/{path}")))
            .await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    };

    let trend = get("trend?days=28&by=team").await;
    let row = &trend["rows"][0];
    assert_eq!(
        (row["group"].as_str(), row["direction"].as_str()),
        (Some(house.team.as_str()), Some("up")),
        "{trend}"
    );
    assert_eq!(row["days"].as_array().unwrap().len(), 28);
    let halves = ["earlier_nanos", "later_nanos"].map(|half| row[half].as_i64().unwrap());
    let days = row["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["cost_nanos"].as_i64().unwrap());
    assert_eq!(halves.iter().sum::<i64>(), days.sum::<i64>());

    let forecast = get("forecast?days=10").await;
    let said = &forecast["rows"][0]["forecast"];
    let amounts = ["lower_nanos", "expected_nanos", "upper_nanos"].map(|name| said[name].as_i64().unwrap());
    assert!(
        amounts.is_sorted() && amounts[1] > 70 * DOLLAR && amounts[1] < 200 * DOLLAR,
        "{said}"
    );
    assert_eq!(said["days"].as_array().unwrap().len(), 10);
    let month = get("forecast").await;
    let row = &month["rows"][0];
    assert!(
        row["forecast"]["lower_nanos"].as_i64() >= row["spent_nanos"].as_i64(),
        "{row}"
    );

    let found = get("anomalies").await;
    let loops = found["anomalies"].as_array().unwrap();
    let of: Vec<&str> = loops.iter().map(|one| one["by"].as_str().unwrap()).collect();
    assert_eq!(of.len(), 4, "{found}");
    assert!(
        ["total", "team", "key", "model"].iter().all(|by| of.contains(by)),
        "{of:?}"
    );
    assert!(
        loops.iter().all(|one| one["day"] == today.plus(-3).to_string()),
        "{found}"
    );

    let budgets = house.path("/api/v1/tenants/{tenant}/budgets");
    let body = json!({"name": "prepaid", "limit_nanos": 55 * DOLLAR, "window": "total", "of": house.key});
    root.make(&budgets, &body).await;
    let body =
        json!({"name": "of a vendor", "limit_nanos": DOLLAR, "window": "total", "only": {"provider": "p"}});
    root.make(&budgets, &body).await;
    let all = get("budgets").await;
    let line = |name: &str| {
        let all = all["budgets"].as_array().unwrap();
        all.iter()
            .find(|line| line["budget"]["name"] == name)
            .unwrap()
            .clone()
    };
    let prepaid = line("prepaid");
    assert_eq!(
        (
            prepaid["basis"].as_str(),
            prepaid["exhaustion_chance_bp"].as_i64()
        ),
        (Some("days"), Some(10_000))
    );
    let gone: Day = prepaid["exhausted"].as_str().unwrap().parse().unwrap();
    assert!((2..=9).contains(&gone.since(today)), "{prepaid}");
    assert_eq!(line("of a vendor")["basis"], "unknown");

    for bad in [
        "trend?days=1",
        "trend?days=401",
        "trend?by=day",
        "trend?by=key&days=121",
        "forecast?days=93",
        "forecast?coverage=100",
        "anomalies?days=32",
        "trend?days=x",
    ] {
        let answer = root
            .get(&house.path(&format!("/api/v1/tenants/{{tenant}}/reports/{bad}")))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "malformed"),
            "{bad}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn too_little_history_is_said_and_nothing_guessed() {
    let (instance, root, house) = stage().await;
    let today = Day::of(UnixMillis::now());
    ship(instance.store.as_ref(), &house, &steady(&house, 5, today)).await;
    let reports = house.path("/api/v1/tenants/{tenant}/reports");
    let row = root.get(&format!("{reports}/forecast")).await.json()["rows"][0].clone();
    assert!(
        row["forecast"].is_null() && row["too_short"]["needs"] == 14,
        "{row}"
    );
    let found = root.get(&format!("{reports}/anomalies?by=total")).await.json();
    assert_eq!(
        (found["judged"].as_u64(), found["too_new"][0]["needs"].as_u64()),
        (Some(0), Some(28)),
        "{found}"
    );
}

#[tokio::test]
async fn agp_e1_a_teams_admin_reads_that_teams_spend_and_no_other() {
    let (instance, root, house) = stage().await;
    let admin = root.invite(&instance, &house.tenant, "lead@example.com").await;
    root.give(&admin, "team_admin", Some(&house.team)).await;
    let reports = house.path("/api/v1/tenants/{tenant}/reports");
    let status = async |path: String| admin.get(&format!("{reports}/{path}")).await.status;
    for report in ["trend", "forecast"] {
        assert_eq!(status(format!("{report}?team={}", house.team)).await, 200);
        assert_eq!(status(format!("{report}?team={}", house.other_team)).await, 404);
        assert_eq!(status(report.to_owned()).await, 404);
        assert_eq!(status(format!("{report}?team={}&by=key", house.team)).await, 400);
    }
    assert_eq!(status("anomalies".to_owned()).await, 404);
    let seen = admin.get(&format!("{reports}/budgets")).await.json();
    let names: Vec<&str> = seen["budgets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["budget"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["team"], "the tenant's is not theirs to see");
}

async fn told(store: &dyn Store, house: &House, act: &str) -> Vec<AuditRecord> {
    let query = AuditQuery {
        act: Some(act.to_owned()),
        count: 100,
        ..AuditQuery::default()
    };
    let found = store.audit(&scope(house), &query).await.unwrap();
    found
        .iter()
        .map(|stored| AuditRecord::from_bytes(&stored.bytes).unwrap())
        .collect()
}

#[tokio::test]
async fn anp_b0010_a_day_that_stands_out_is_told_the_day_after_and_once() {
    let (instance, root, house) = stage().await;
    let store: Arc<dyn Store> = instance.store.clone();
    let today: Day = "2026-03-11".parse().unwrap();
    ship(store.as_ref(), &house, &steady(&house, 60, today)).await;
    ship(
        store.as_ref(),
        &house,
        &[call(&house, today.plus(-1), 120 * DOLLAR, None)],
    )
    .await;
    let body = json!({"name": "month", "limit_nanos": 150 * DOLLAR, "window": "month", "of": house.team});
    root.make(&house.path("/api/v1/tenants/{tenant}/budgets"), &body)
        .await;

    let at = |hours: i64| UnixMillis(today.start().0 + hours * 3_600_000);
    let sweeper = || SpendSweeper::new(store.clone());
    // Yesterday is not all in the ledger a minute after midnight.
    assert_eq!(
        sweeper()
            .sweep(UnixMillis(today.start().0 + 60_000))
            .await
            .unwrap(),
        0
    );
    // Two replicas look at the same moment: one tells.
    let (one, other) = (sweeper(), sweeper());
    let (a, b) = tokio::join!(one.sweep(at(1)), other.sweep(at(1)));
    // Four series stood out, and two budgets will be gone: the house's dollar a month, and this one.
    assert_eq!(a.unwrap() + b.unwrap(), 6);
    let stood_out = told(store.as_ref(), &house, "spend.anomaly").await;
    assert_eq!(stood_out.len(), 4);
    let key = stood_out
        .iter()
        .find(|record| record.target.as_deref() == Some(&house.key))
        .unwrap();
    let after = key.after.clone().unwrap();
    assert_eq!(
        (&after["day"], &after["by"]),
        (&json!("2026-03-10"), &json!("key"))
    );
    assert!(after["spent_nanos"].as_i64().unwrap() > 120 * DOLLAR, "{after}");
    let gone = told(store.as_ref(), &house, "budgets.exhaustion_projected").await;
    let names: Vec<Value> = gone
        .iter()
        .map(|record| record.after.clone().unwrap()["name"].clone())
        .collect();
    assert!(names.contains(&json!("month")) && names.len() == 2, "{names:?}");

    assert_eq!(
        one.sweep(at(9)).await.unwrap() + other.sweep(at(23)).await.unwrap(),
        0,
        "once a day"
    );
    // The next day is another one: nothing stands out, and the budgets are said again.
    let tomorrow = UnixMillis(at(1).0 + DAY_MS);
    assert_eq!(one.sweep(tomorrow).await.unwrap(), 2);
    assert_eq!(told(store.as_ref(), &house, "spend.anomaly").await.len(), 4);
}
