//! Who says how a tenant guards its own calls, over HTTP: its own people and those who run the platform, and nobody else.

use policy::Posture;
use serde_json::{Value, json};
use store::RecordKind;

use crate::scene::{House, Instance};

const PATH: &str = "/api/v1/tenants/{tenant}/guards";

fn profile(name: &str) -> Value {
    json!({"profiles": [{"name": name, "guards": {"injection": {"input": "block"}}}]})
}

#[tokio::test]
async fn anp_0020_agp_e1_a_tenants_own_people_set_its_guards_and_each_version_stays() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (house, abroad) = (
        House::build(&instance, &root, "home").await,
        House::build(&instance, &root, "abroad").await,
    );
    let path = house.path(PATH);
    for (role, team, may) in [
        ("tenant_admin", None, true),
        ("security_admin", None, true),
        ("viewer", None, false),
        ("auditor", None, false),
        ("team_admin", Some(house.team.as_str()), false),
    ] {
        let person = root
            .invite(&instance, &house.tenant, &format!("{role}@example.com"))
            .await;
        root.give(&person, role, team).await;
        let put = person.ask("PUT", &path, Some(&profile(role))).await;
        assert_eq!(put.status == 200, may, "{role}: {put:?}");
        assert!(may || [403, 404].contains(&put.status), "{role}: {put:?}");
        let elsewhere = abroad.path(PATH);
        for method in ["GET", "DELETE"] {
            assert_eq!(person.ask(method, &elsewhere, None).await.status, 404, "{role}");
        }
        assert_eq!(
            person.ask("PUT", &elsewhere, Some(&profile(role))).await.status,
            404
        );
    }
    let nothing = root.get(&abroad.path(PATH)).await.json();
    assert_eq!(
        (&nothing["number"], &nothing["profiles"]),
        (&json!(0), &json!([]))
    );
    let shown = root.get(&path).await;
    assert_eq!(shown.json()["profiles"][0]["name"], "security_admin", "{shown:?}");
    assert_eq!(shown.json()["by"], "security_admin@example.com", "{shown:?}");

    // Who changes what they last saw, and nobody else.
    let stale = root
        .ask_with(
            "PUT",
            &path,
            "if-match: \"0123456789abcdef01234567\"\r\n",
            Some(&profile("x")),
        )
        .await;
    assert_eq!(stale.status, 412, "{stale:?}");
    let dry = root
        .ask("PUT", &format!("{path}?dry_run=true"), Some(&profile("x")))
        .await;
    assert_eq!((dry.status, &dry.json()["number"]), (200, &json!(3)), "{dry:?}");
    assert_eq!(root.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(root.ask("DELETE", &path, None).await.status, 404);
    assert_eq!(
        root.ask("PUT", &path, Some(&profile("again"))).await.json()["number"],
        4
    );
    let pages = root.get(&format!("{path}/versions?limit=2")).await.json();
    assert!(pages["next_cursor"].is_string(), "{pages}");
    let versions = root.get(&format!("{path}/versions")).await.json();
    let names: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["number"].clone(), one["profiles"][0]["name"].clone()))
        .collect();
    let expected = [
        (json!(1), json!("tenant_admin")),
        (json!(2), json!("security_admin")),
        (json!(3), Value::Null),
        (json!(4), json!("again")),
    ];
    assert_eq!(names, expected);
    let platform = root.get("/api/v1/tenants/platform/guards").await;
    assert_eq!(platform.status, 404, "the platform makes no calls: {platform:?}");

    // Gates hear of it, and of the newest alone.
    let heard = instance.store.documents(RecordKind::TenantGuards).await.unwrap();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].0.to_string(), house.tenant);
    assert!(heard[0].1.document.contains("again"));
}
