//! Who says what a tenant is charged, and who corrects what it was: attacked over HTTP, and through the port for what
//! is interrupted.

use control::rerate::{By, Which, apply, reckon};
use domain::{KeyId, Permission, RequestId, TeamId, UnixMillis, Usage};
use exports::Unpriced;
use ledger::{Entry, Sheet};
use policy::Posture;
use serde_json::{Value, json};
use std::sync::Arc;
use store::Store;
use store::usage::{Dimension, UsageQuery};

use crate::scene::{House, Instance, Person};
use crate::spending::{scope, ship};

const MARCH: i64 = 1_740_787_200_000;
const HOUR: i64 = 3_600_000;

fn lines(dollars: &str) -> Value {
    json!({"lines": [{"model": "m-1", "fixed": {"input": dollars, "output": dollars}}]})
}

fn sheet(dollars: &str) -> Sheet {
    serde_json::from_value(lines(dollars)).unwrap()
}

/// A call of a thousand prompt tokens that cost a thousand nano-dollars, `hours` into March 2025.
fn call(house: &House, hours: i64) -> Entry {
    let at = UnixMillis(MARCH + hours * HOUR);
    Entry {
        team: house.team.parse::<TeamId>().unwrap(),
        key: house.key.parse::<KeyId>().unwrap(),
        model: Some("m".into()),
        target: Some("vendor/m-1".into()),
        usage: Usage {
            input: 1_000,
            ..Usage::default()
        },
        cost: domain::Money::from_nanos(1_000),
        started: at,
        finished: at,
        ..Entry::sample(RequestId::generate(), house.tenant.parse().unwrap())
    }
}

async fn all(store: &dyn Store, house: &House) -> Vec<(Vec<u8>, Entry)> {
    let stored = store.entries(&scope(house), 0, 100_000).await.unwrap();
    let read = stored.into_iter().map(|one| {
        let entry = Entry::from_bytes(&one.bytes).unwrap();
        (one.bytes, entry)
    });
    read.collect()
}

async fn total(store: &dyn Store, house: &House) -> store::usage::Sums {
    let query = UsageQuery::over(UnixMillis(MARCH), UnixMillis(MARCH * 2)).by([Dimension::Model]);
    store.usage(&scope(house), &query).await.unwrap().total
}

async fn put(person: &Person, house: &House, body: &Value) -> crate::Answer {
    let path = house.path("/api/v1/tenants/{tenant}/price-sheet");
    person.ask("PUT", &path, Some(body)).await
}

#[tokio::test]
async fn agp_d1_anp_0014_nobody_in_a_tenant_says_what_it_is_charged() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let path = house.path("/api/v1/tenants/{tenant}/price-sheet");
    for role in ["tenant_admin", "finance"] {
        let person = root
            .invite(&instance, &house.tenant, &format!("{role}@example.com"))
            .await;
        root.give(&person, role, None).await;
        assert_eq!(person.get(&path).await.status, 200, "{role}");
        assert_eq!(
            put(&person, &house, &json!({"lines": []})).await.status,
            403,
            "{role}"
        );
        let rerate = json!({"from": "2025-03-01T00:00:00Z", "until": "2025-04-01T00:00:00Z"});
        let asked = person
            .post(&house.path("/api/v1/tenants/{tenant}/reratings"), &rerate)
            .await;
        assert_eq!(asked.status, 403, "{role}: {asked:?}");
    }
    let money = root.invite(&instance, "platform", "money@example.com").await;
    root.give(&money, "finance", None).await;
    let bad = put(
        &money,
        &house,
        &json!({"lines": [{}, {"mark_up_basis_points": -10001}]}),
    )
    .await;
    assert_eq!(
        (bad.status, bad.json()["pointer"].as_str()),
        (422, Some("/lines/1")),
        "{bad:?}"
    );
    let first = put(
        &money,
        &house,
        &json!({"lines": [{"mark_up_basis_points": 1500}]}),
    )
    .await;
    assert_eq!(
        (first.status, first.json()["number"].as_u64()),
        (200, Some(1)),
        "{first:?}"
    );
    let body = json!({"lines": []});
    let stale = money
        .ask_with(
            "PUT",
            &path,
            "if-match: \"0123456789abcdef01234567\"\r\n",
            Some(&body),
        )
        .await;
    assert_eq!(stale.status, 412, "{stale:?}");
    assert_eq!(put(&money, &house, &body).await.json()["number"], 2);
    let versions = money.get(&format!("{path}/versions")).await.json();
    let marks: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["lines"].clone())
        .collect();
    assert_eq!(marks, [json!([{"mark_up_basis_points": 1500}]), json!([])]);
    let audit = root
        .get("/api/v1/tenants/platform/audit?act=prices.update")
        .await
        .json();
    assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
    assert_eq!(audit["items"][0]["target"], house.tenant.as_str());
}

#[tokio::test]
async fn anp_0014_agp_d1_a_sheet_takes_two_people_where_that_is_configured() {
    let instance = Instance::with(
        Posture::Development,
        vec![Permission::ProjectsDelete, Permission::PricesUpdate],
    )
    .await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let other = root.invite(&instance, "platform", "other@example.com").await;
    root.give(&other, "platform_admin", None).await;
    let body = json!({"lines": [{"mark_up_basis_points": 1500}]});
    let wish = put(&root, &house, &body).await;
    assert_eq!(wish.status, 202, "{wish:?}");
    let path = house.path("/api/v1/tenants/{tenant}/price-sheet");
    assert_eq!(root.get(&path).await.json()["number"], 0);
    let id = wish.json()["id"].as_str().unwrap().to_owned();
    let approve = format!("/api/v1/tenants/platform/approvals/{id}/approve");
    assert_eq!(
        other
            .post(&approve, &json!({"reason": "looked at it"}))
            .await
            .status,
        200
    );
    let headers = format!("if-match: *\r\napproval: {id}\r\n");
    let set = root.ask_with("PUT", &path, &headers, Some(&body)).await;
    assert_eq!(
        (set.status, set.json()["number"].as_u64()),
        (200, Some(1)),
        "{set:?}"
    );
}

#[tokio::test]
async fn agp_r2_what_was_charged_is_corrected_once_by_entries_beside_those_that_stay() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (house, abroad) = (
        House::build(&instance, &root, "home").await,
        House::build(&instance, &root, "abroad").await,
    );
    let store = instance.store.as_ref();
    let calls: Vec<Entry> = (0..3).map(|at| call(&house, at)).collect();
    ship(store, &house, &calls).await;
    ship(store, &abroad, &[call(&abroad, 0)]).await;
    let before = all(store, &house).await;
    assert_eq!(put(&root, &house, &lines("2")).await.status, 200);
    let path = house.path("/api/v1/tenants/{tenant}/reratings");
    // The third call is past the time.
    let body = json!({"from": "2025-03-01T00:00:00Z", "until": "2025-03-01T01:30:00Z"});
    let dry = root.post(&format!("{path}?dry_run=true"), &body).await.json();
    assert_eq!(dry["total"]["now_nanos"], 2_000);
    assert_eq!(dry["total"]["then_nanos"], 4_000_000);
    assert_eq!(all(store, &house).await, before);

    let done = root.post(&path, &body).await;
    assert_eq!(
        (done.status, done.json()["corrected"].as_u64()),
        (200, Some(2)),
        "{done:?}"
    );
    let after = all(store, &house).await;
    assert_eq!(after[..3], before[..], "what was there stays, byte for byte");
    assert_eq!(after.len(), 5);
    for (_, correction) in &after[3..] {
        assert_eq!(correction.cost.nanos(), 1_999_000);
        assert_eq!((correction.usage.total(), correction.charges.len()), (0, 0));
    }
    let sums = total(store, &house).await;
    assert_eq!((sums.requests, sums.cost.nanos()), (3, 4_000_000 + 1_000));
    assert_eq!(
        all(store, &abroad).await.len(),
        1,
        "another tenant's ledger is untouched"
    );

    let again = root.post(&path, &body).await.json();
    assert_eq!(
        (again["corrected"].as_u64(), again["total"]["changed"].as_u64()),
        (Some(0), Some(0))
    );
    assert_eq!(all(store, &house).await.len(), 5);
    let unknown = json!({"from": "2025-03-01T00:00:00Z", "until": "2025-04-01T00:00:00Z", "sheet": 9});
    assert_eq!(root.post(&path, &unknown).await.json()["pointer"], "/sheet");
    let audit = root
        .get(&house.path("/api/v1/tenants/{tenant}/audit?act=prices.rerate"))
        .await
        .json();
    assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");
}

/// More than two pages, of which some were corrected before whoever did it died, by two at once who go on.
#[tokio::test]
async fn agp_r2_what_was_interrupted_is_gone_on_with_and_corrects_each_call_once() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let store = instance.store.as_ref();
    let calls: Vec<Entry> = (0..1_100).map(|at| call(&house, at / 2)).collect();
    for page in calls.chunks(500) {
        ship(store, &house, page).await;
    }
    let by = |dollars: &str| By {
        list: Arc::new(Unpriced),
        sheet: Some((1, sheet(dollars))),
    };
    let which = |hours: i64| Which {
        from: UnixMillis(MARCH),
        until: UnixMillis(MARCH + hours * HOUR),
        model: Some("m"),
        calls_max: u64::MAX,
    };
    let (scope, now) = (scope(&house), UnixMillis::now());
    let part = apply(store, &scope, (&which(150), &by("2")), now).await.unwrap();
    assert_eq!(part.corrected, Some(300));
    let (whole, two) = (which(600), by("2"));
    let both = tokio::join!(
        apply(store, &scope, (&whole, &two), now),
        apply(store, &scope, (&whole, &two), now)
    );
    let corrected = [both.0, both.1].map(|one| one.unwrap().corrected.unwrap());
    assert_eq!(corrected.iter().sum::<u64>(), 800, "{corrected:?}");
    let sums = total(store, &house).await;
    assert_eq!((sums.requests, sums.cost.nanos()), (1_100, 1_100 * 2_000_000));

    // Another price, and back: the sum is what the last one makes of it.
    apply(store, &scope, (&whole, &by("1")), now).await.unwrap();
    assert_eq!(total(store, &house).await.cost.nanos(), 1_100 * 1_000_000);
    apply(store, &scope, (&whole, &two), now).await.unwrap();
    assert_eq!(total(store, &house).await.cost.nanos(), 1_100 * 2_000_000);
    let rest = reckon(store, &scope, &whole, &two).await.unwrap();
    assert_eq!((rest.total.changed, rest.total.difference_nanos), (0, 0));
    let entries = all(store, &house).await;
    let sum: i64 = entries.iter().map(|(_, entry)| entry.cost.nanos()).sum();
    assert_eq!(sum, 1_100 * 2_000_000);
    let few = Which {
        calls_max: 1_099,
        ..whole
    };
    assert!(reckon(store, &scope, &few, &two).await.is_err());
}

/// What is shown is what the tenant is charged; the list stands beside it for who may read prices, and for nobody else.
#[tokio::test]
async fn agp_r2_agp_i1_models_and_savings_are_at_the_price_that_is_charged() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let finance = root.invite(&instance, &house.tenant, "finance@example.com").await;
    root.give(&finance, "tenant_admin", None).await;
    let member = root.invite(&instance, &house.tenant, "member@example.com").await;
    root.give(&member, "member", Some(&house.team)).await;
    let target = async |person: &Person| {
        let models = person.get(&house.path("/api/v1/tenants/{tenant}/models")).await;
        assert_eq!(models.status, 200, "{models:?}");
        models.json()["items"][0]["targets"][0].clone()
    };
    let before = target(&finance).await;
    assert_eq!(
        (
            before["input_nanos_per_million"].as_u64(),
            before.get("list_input_nanos_per_million")
        ),
        (Some(5), None)
    );
    let body = json!({"lines": [{"model": "m-1", "fixed": {"input": "3", "cache_read": "1"}}]});
    assert_eq!(put(&root, &house, &body).await.status, 200);
    let seen = target(&finance).await;
    assert_eq!(seen["input_nanos_per_million"], 3_000_000_000u64, "{seen}");
    assert_eq!(seen["list_input_nanos_per_million"], 5, "{seen}");
    let seen = target(&member).await;
    assert_eq!(seen["input_nanos_per_million"], 3_000_000_000u64, "{seen}");
    assert_eq!(seen.get("list_input_nanos_per_million"), None, "{seen}");

    let mut cached = call(&house, 1);
    cached.usage.cache_read = 1_000;
    ship(&*instance.store, &house, &[cached]).await;
    let path =
        "/api/v1/tenants/{tenant}/usage?from=2025-03-01T00:00:00Z&until=2025-04-01T00:00:00Z&savings=true";
    let usage = finance.get(&house.path(path)).await;
    let saved = &usage.json()["savings"];
    // 1 000 tokens at a difference of $2 a million.
    assert_eq!(saved["provider_cache_nanos"], 2_000_000, "{usage:?}");
}
