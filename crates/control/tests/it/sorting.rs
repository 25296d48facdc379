//! Lists in the order that is asked for: every list that says it can be sorted, page by page, and no further than its
//! tenant.

use control::api::ENDPOINTS;
use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{House, Instance, Person};

/// All items of a list, two a page; no page is empty unless the list is.
async fn pages(who: &Person, path: &str, sort: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = who.get(&format!("{path}?limit=2&sort={sort}{cursor}")).await;
        assert_eq!(page.status, 200, "{path} {sort}: {page:?}");
        let page = page.json();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            return items;
        };
        cursor = format!("&cursor={next}");
    }
}

fn key_of(item: &Value, sort: &str) -> String {
    let created = ["created", "opened", "since"];
    match sort {
        "created" => {
            let member = created.iter().find_map(|name| item[*name].as_str());
            let at = member.and_then(|text| text.parse::<jiff::Timestamp>().ok());
            // Of what shows no time, the id does.
            let id = item["id"].as_str().unwrap_or_default().to_owned();
            at.map_or(id, |at| format!("{:020}", at.as_millisecond()))
        }
        name => item[name].as_str().unwrap().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0015_every_sorted_list_is_the_whole_list_forwards_and_backwards() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let abroad = House::build(&instance, &root, "abroad").await;
    let base = format!("/api/v1/tenants/{}", home.tenant);
    let in_team = format!("{base}/teams/{}", home.team);
    for name in ["zeta", "Alpha", "beta", "\u{e9}clair", "0"] {
        let named = json!({"name": name});
        root.make(&format!("{base}/teams"), &named).await;
        root.make(&format!("{in_team}/projects"), &named).await;
        root.make(&format!("{in_team}/services"), &named).await;
        root.make(&format!("{in_team}/keys"), &named).await;
        let budget = json!({"name": name, "limit_nanos": 1, "window": "day"});
        root.make(&format!("{base}/budgets"), &budget).await;
    }
    let mut lists = 0;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.is_list) {
        let path = home.path(endpoint.path);
        let whole = root.get(&format!("{path}?limit=200")).await.json();
        let whole = whole["items"].as_array().unwrap().clone();
        for sort in endpoint.sorts {
            lists += 1;
            let forwards = pages(&root, &path, sort).await;
            let mut backwards = pages(&root, &path, &format!("-{sort}")).await;
            backwards.reverse();
            assert_eq!(forwards, backwards, "{path} by {sort}");
            let keys: Vec<String> = forwards.iter().map(|item| key_of(item, sort)).collect();
            assert!(keys.is_sorted(), "{path} by {sort}: {keys:?}");
            let sorted = |mut items: Vec<Value>| {
                items.sort_by_key(ToString::to_string);
                items
            };
            assert_eq!(sorted(forwards), sorted(whole.clone()), "{path} by {sort}");
        }
        let unknown = root.get(&format!("{path}?sort=digest")).await;
        assert_eq!(
            (unknown.status, unknown.code().as_str()),
            (400, "malformed"),
            "{path}"
        );
    }
    assert!(lists > 20, "{lists}");
    // A cursor is of its own order, its own filters and its own tenant.
    let page = root.get(&format!("{base}/keys?limit=2&sort=name")).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let good = format!("{base}/keys?limit=3&sort=name&cursor={cursor}");
    assert_eq!(root.get(&good).await.status, 200);
    for other in [
        format!("{base}/keys?limit=2&cursor={cursor}"),
        format!("{base}/keys?limit=2&sort=-name&cursor={cursor}"),
        format!("{base}/keys?limit=2&sort=created&cursor={cursor}"),
        format!("{base}/keys?limit=2&sort=name&state=active&cursor={cursor}"),
        format!("{base}/services?limit=2&sort=name&cursor={cursor}"),
        format!(
            "/api/v1/tenants/{}/keys?limit=2&sort=name&cursor={cursor}",
            abroad.tenant
        ),
    ] {
        let refused = root.get(&other).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "malformed"),
            "{other}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i2_what_may_not_be_seen_is_left_out_of_sorted_lists_too() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let member = root.invite(&instance, &home.tenant, "member@example.com").await;
    root.give(&member, "team_admin", Some(&home.team)).await;
    let base = format!("/api/v1/tenants/{}", home.tenant);
    for (team, name) in [
        (&home.team, "b"),
        (&home.other_team, "a"),
        (&home.other_team, "c"),
        (&home.team, "d"),
    ] {
        let path = format!("{base}/teams/{team}");
        root.make(&format!("{path}/projects"), &json!({"name": format!("p-{name}")}))
            .await;
        root.make(&format!("{path}/keys"), &json!({"name": format!("k-{name}")}))
            .await;
    }
    for (list, all) in [
        ("projects", ["search", "p-d", "p-b"]),
        ("keys", ["k-d", "k-b", "ci"]),
    ] {
        let seen = pages(&member, &format!("{base}/{list}"), "-name").await;
        let names: Vec<&str> = seen.iter().map(|item| item["name"].as_str().unwrap()).collect();
        assert_eq!(names, all, "{list}");
    }
}
