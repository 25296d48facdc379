//! Who says where the content of a tenant's calls may go, over HTTP: its own administrators, and nobody over it.

use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{House, Instance};

const PATH: &str = "/api/v1/tenants/{tenant}/consents";

fn given(class: &str) -> Value {
    json!({"data_class": class, "providers": ["azure-*"], "regions": ["eu-*"], "by": "dpo@home.example", "on": "2026-01-01"})
}

#[tokio::test]
async fn anp_0017_anp_0014_consent_is_the_tenants_own_word_and_is_taken_back_by_saying_so() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (house, abroad) = (
        House::build(&instance, &root, "home").await,
        House::build(&instance, &root, "abroad").await,
    );
    let path = house.path(PATH);
    let document = json!({"consents": [given("restricted")]});
    // Whoever runs the instance reads it and does not consent for anybody.
    assert_eq!(root.get(&path).await.status, 200);
    assert_eq!(root.ask("PUT", &path, Some(&document)).await.status, 403);
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    for (role, team) in [
        ("security_admin", None),
        ("auditor", None),
        ("viewer", None),
        ("team_admin", Some(house.team.as_str())),
    ] {
        let person = root
            .invite(&instance, &house.tenant, &format!("{role}@example.com"))
            .await;
        root.give(&person, role, team).await;
        let put = person.ask("PUT", &path, Some(&document)).await;
        assert!([403, 404].contains(&put.status), "{role}: {put:?}");
    }
    assert_eq!(admin.get(&abroad.path(PATH)).await.status, 404);
    let nothing = admin.get(&path).await.json();
    assert_eq!(
        (&nothing["number"], &nothing["default"]),
        (&json!(0), &json!("permit"))
    );
    assert_eq!(
        (&nothing["content_leaves"], &nothing["consents"]),
        (&json!(true), &json!([]))
    );

    for (wrong, pointer) in [
        (
            json!({"consents": [{"data_class": "internal", "by": "a", "on": "2026-01-01"}]}),
            "/consents/0/providers",
        ),
        (
            json!({"minimise": {"history_messages_max": 0}}),
            "/minimise/history_messages_max",
        ),
    ] {
        let refused = admin.ask("PUT", &path, Some(&wrong)).await;
        let got = (refused.status, refused.json()["pointer"].clone());
        assert_eq!(got, (422, json!(pointer)), "{refused:?}");
    }
    let set = admin.ask("PUT", &path, Some(&document)).await;
    assert_eq!((set.status, &set.json()["number"]), (200, &json!(1)), "{set:?}");
    assert_eq!(set.json()["not_in_force"], json!([]));

    // Left out, restricted data would go anywhere: said to be withdrawn, it goes nowhere.
    for forgotten in [
        json!({"consents": []}),
        json!({"content_leaves": false}),
        json!({}),
    ] {
        let refused = admin.ask("PUT", &path, Some(&forgotten)).await;
        assert_eq!(refused.status, 422, "{forgotten}: {refused:?}");
        assert!(refused.body.contains("withdrawn"), "{refused:?}");
    }
    let mut withdrawn = document.clone();
    withdrawn["consents"][0]["withdrawn"] = json!("2026-02-01");
    let set = admin.ask("PUT", &path, Some(&withdrawn)).await;
    assert_eq!(
        (set.status, &set.json()["not_in_force"]),
        (200, &json!([0])),
        "{set:?}"
    );
    let closed = admin.ask("PUT", &path, Some(&json!({"default": "refuse"}))).await;
    assert_eq!(
        (closed.status, &closed.json()["number"]),
        (200, &json!(3)),
        "{closed:?}"
    );
    assert_eq!(admin.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(admin.ask("DELETE", &path, None).await.status, 404);
    let versions = admin.get(&format!("{path}/versions")).await.json();
    let said: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["number"].clone(),
                one["default"].clone(),
                one["consents"].as_array().unwrap().len(),
            )
        })
        .collect();
    let expected = [
        (json!(1), json!("permit"), 1),
        (json!(2), json!("permit"), 1),
        (json!(3), json!("refuse"), 0),
        (json!(4), json!("permit"), 0),
    ];
    assert_eq!(said, expected);
    let audit = admin
        .get(&house.path("/api/v1/tenants/{tenant}/audit?act=consents.update"))
        .await
        .json();
    let done = audit["items"].as_array().unwrap().iter();
    assert_eq!(done.filter(|one| one["outcome"] == "done").count(), 4, "{audit}");
}
