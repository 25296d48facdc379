//! What a caller who is refused can make the gate write down.

use std::time::Duration;

use policy::Posture;
use serde_json::{Value, json};
use store::{AuditQuery, StoredAudit};

use crate::scene::{House, Instance};

/// Alone on its thread, so that time can be moved on when all else is quiet.
#[tokio::test]
async fn agp_d2_agp_r3_refusals_of_one_caller_are_recorded_up_to_a_bound_and_then_counted() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let path = format!("/api/v1/tenants/{}/teams", house.tenant);
    for number in 0..75 {
        let refused = house
            .user
            .post(&path, &json!({"name": format!("t{number}")}))
            .await;
        assert!([403, 404].contains(&refused.status), "{refused:?}");
    }
    let scope = domain::TenantScope::operator(house.tenant.parse().unwrap());
    let refused = async || -> Vec<StoredAudit> {
        let query = AuditQuery {
            actor: Some(house.user.id.clone()),
            act: Some("teams.create".to_owned()),
            count: 200,
            ..AuditQuery::default()
        };
        instance.store.audit(&scope, &query).await.unwrap()
    };
    assert_eq!(refused().await.len(), 60);
    // Another caller's refusals are recorded as before.
    let other = root.invite(&instance, &house.tenant, "other@example.com").await;
    other.post(&path, &json!({"name": "x"})).await;
    let listed = root
        .get(&format!(
            "/api/v1/tenants/{}/audit?actor={}",
            house.tenant, other.id
        ))
        .await;
    assert!(listed.body.contains("teams.create"), "{listed:?}");

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let told = refused().await;
    assert_eq!(told.len(), 61);
    let last: Value = serde_json::from_slice(&told[0].bytes).unwrap();
    assert_eq!(last["after"], json!({"not_recorded_one_by_one": 15}));
    assert_eq!(last["outcome"], json!({"refused": "forbidden"}));
}
