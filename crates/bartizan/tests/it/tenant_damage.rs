//! A tenant's document that was damaged in the database, on a real gate: that tenant's calls are refused and nobody else's,
//! everything else goes on being read, and the tenant's own people mend it.

use std::time::Duration;

use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use testkit::Gate;

use crate::history_people::{make, put, root, text};
use crate::scene::{Scene, code};
use crate::tenant_guards::{House, blocks, say, until};

/// Somebody writes into the database beside the gate.
async fn damage(gate: &Gate, house: &House, kind: &str) {
    let file = gate.data_dir().join("bartizan.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = options
        .busy_timeout(Duration::from_secs(10))
        .connect()
        .await
        .unwrap();
    let tenant = house.base.rsplit('/').next().unwrap();
    let update = "UPDATE records SET document = substr(document, 1, 20) WHERE tenant = ? AND kind = ?";
    let done = sqlx::query(update)
        .bind(tenant)
        .bind(kind)
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

/// What raises the store's revision, and with it what is read again: a new key of `house`, which works at once.
async fn goes_on(gate: &Gate, house: &House, name: &str) {
    let team = make(
        &house.admin,
        &format!("{}/teams", house.base),
        &json!({"name": name}),
    )
    .await;
    let path = format!("{}/teams/{}/keys", house.base, text(&team, "id"));
    let key = make(&house.admin, &path, &json!({"name": name, "all_models": true})).await;
    let client = gate.data().bearer(&text(&key, "secret"));
    until("a new key of the other tenant works", || async {
        say(&client, "hello").await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0017_a_tenants_damaged_document_stops_its_own_calls_and_nobody_elses() {
    let mut scene = Scene::with("").await;
    let root_client = root(&scene.gate).await;
    let acme = House::build(&scene, &root_client, "acme").await;
    let rival = House::build(&scene, &root_client, "rival").await;
    let consents = json!({"consents": [{"data_class": "restricted", "providers": ["*"], "regions": ["*"],
        "by": "dpo@acme.example", "on": "2026-01-01"}]});
    let set = put(&acme.admin, &format!("{}/consents", acme.base), &consents).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let document = json!({"profiles": [blocks("strict", "care")]});
    assert_eq!(acme.put(&document).await.status, 200);
    let mail = "write to ada.lovelace@analytical-engine.org today";
    until("the profile holds", || async {
        say(&acme.one, mail).await.status == 400
    })
    .await;
    assert_eq!(scene.metric("bartizan_tenants_unreadable").await, 0.0);

    for (kind, what) in [("tenant_guards", "guards"), ("consents", "consents")] {
        damage(&scene.gate, &acme, kind).await;
        goes_on(&scene.gate, &rival, kind).await;
        for client in [&acme.one, &acme.other] {
            until("calls of the damaged tenant are refused", || async {
                say(client, "hello").await.status == 503
            })
            .await;
            let refused = say(client, "hello").await;
            assert_eq!(code(&refused), "tenant_unreadable", "{}", refused.text());
            let said = refused.text();
            assert!(
                said.contains(&format!("the {what} of this key's tenant")),
                "{said}"
            );
            assert!(
                !said.contains("strict"),
                "nothing of the document is told: {said}"
            );
        }
        assert_eq!(say(&rival.one, mail).await.status, 200);
        assert_eq!(scene.metric("bartizan_tenants_unreadable").await, 1.0);
        let ready = scene.gate.health().get("/readyz").await;
        assert_eq!(ready.status, 200);
        assert!(
            ready.text().contains("calls of 1 tenants are refused"),
            "{}",
            ready.text()
        );
        let tenant = acme.base.rsplit('/').next().unwrap().to_owned();
        let lines = scene.gate.lines();
        assert!(lines.any(|line| line.contains("does not read") && line.contains(&tenant)));

        // It keeps no gate from starting either.
        scene.gate.kill9().await;
        scene.gate.restart().await;
        assert_eq!(say(&rival.one, mail).await.status, 200);
        assert_eq!(code(&say(&acme.one, "hello").await), "tenant_unreadable");

        // The tenant's own people put it anew, and it holds again.
        let (path, body) = match kind {
            "consents" => ("consents", &consents),
            _ => ("guards", &document),
        };
        let mended = put(&acme.admin, &format!("{}/{path}", acme.base), body).await;
        assert_eq!(
            (mended.status, mended.json()["number"].clone()),
            (200, json!(2)),
            "{}",
            mended.text()
        );
        until("it is let in again", || async {
            say(&acme.one, mail).await.status == 400 && say(&acme.other, mail).await.status == 200
        })
        .await;
        assert_eq!(scene.metric("bartizan_tenants_unreadable").await, 0.0);
    }
}
