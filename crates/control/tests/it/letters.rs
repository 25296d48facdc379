//! What sinks did not take, over HTTP: sent again, forgotten, tried; by those who run the instance alone.

use domain::{AuditId, TenantScope, UnixMillis};
use policy::Posture;
use serde_json::{Value, json};
use store::Change;
use store::delivery::DeadLetter;

use crate::scene::{House, Instance, Person};

async fn bury(instance: &Instance, house: &House, many: u64) {
    let letter = |index: u64| DeadLetter {
        index,
        record: AuditId::generate(),
        act: "budgets.mark".to_owned(),
        at: UnixMillis::now(),
        why: "answered with 410".to_owned(),
    };
    let changes: Vec<Change> = (0..many)
        .map(|index| Change::Create(letter(index).to_record("siem").unwrap()))
        .collect();
    let scope = TenantScope::operator(house.tenant.parse().unwrap());
    instance.store.commit(&scope, &changes, None).await.unwrap();
}

async fn acts(root: &Person, house: &House, act: &str) -> Vec<Value> {
    let path = house.path(&format!("/api/v1/tenants/{{tenant}}/audit?act={act}"));
    root.get(&path).await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn agp_r3_letters_are_sent_again_and_forgotten_on_the_record() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    bury(&instance, &house, 201).await;
    let at = |what: &str| house.path(&format!("/api/v1/tenants/{{tenant}}/alerts/dead{what}"));

    let answer = root
        .post(&at("/resend"), &json!({"sink": "siem", "index": 7}))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["letters"]),
        (202, &json!(1)),
        "{answer:?}"
    );
    let told = acts(&root, &house, "alerts.resend").await;
    assert_eq!(
        (&told[0]["target"], &told[0]["record"]["after"]["index"]),
        (&json!("siem"), &json!(7)),
        "{told:?}"
    );
    let answer = root.post(&at("/resend"), &json!({"sink": "siem"})).await;
    assert_eq!(answer.json()["letters"], 201);

    let first = root
        .post(&at("/drop"), &json!({"sink": "siem", "index": 0}))
        .await
        .json();
    assert_eq!((&first["letters"], &first["left"]), (&json!(1), &json!(0)));
    let some = root.post(&at("/drop"), &json!({"sink": "siem"})).await.json();
    assert_eq!((&some["letters"], &some["left"]), (&json!(200), &json!(0)));
    assert_eq!(
        root.post(&at("/drop"), &json!({"sink": "siem"})).await.status,
        404,
        "none is left"
    );
    assert!(
        root.get(&at("?sink=siem")).await.json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(acts(&root, &house, "alerts.drop").await.len(), 2);

    let answer = root.post(&at("/resend"), &json!({"sink": "nobody"})).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(
        root.ask("POST", "/api/v1/alerts/sinks/siem/test", None)
            .await
            .status,
        204
    );
    assert_eq!(
        root.ask("POST", "/api/v1/alerts/sinks/nobody/test", None)
            .await
            .status,
        404
    );
}
