//! Credentials that somebody should look after are found, told once, and left as they are.

use std::sync::Arc;
use std::time::Duration;

use control::CredentialSweeper;
use credential::{KeyRecord, KeyState, Limits, ModelAccess, Predecessor};
use domain::{KeyId, ProjectId, TenantId, TenantScope, UnixMillis, UserId};
use policy::Posture;
use serde_json::{Value, json};
use store::{AuditQuery, Change, RecordKind, Store};
use telemetry::Metrics;

use crate::scene::{House, Instance, PATIENCE, Person};

const DAY_MS: i64 = 86_400_000;

fn days(count: i64) -> UnixMillis {
    UnixMillis(UnixMillis::now().0 + count * DAY_MS)
}

async fn found(root: &Person, tenant: &str) -> Vec<(String, String)> {
    let path = format!("/api/v1/tenants/{tenant}/findings?limit=100");
    let listed = root.get(&path).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let listed = listed.json();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = listed["items"].as_array().unwrap().iter();
    items
        .map(|item| (text(item, "matter"), text(item, "id")))
        .collect()
}

/// A key of the house's team, bent as wanted.
async fn key(store: &dyn Store, house: &House, bend: impl FnOnce(&mut KeyRecord)) -> String {
    let id = KeyId::generate();
    let mut digest = [7; 32];
    digest[..16].copy_from_slice(&id.as_u128().to_be_bytes());
    let mut record = KeyRecord {
        signing_key: None,
        bindings: Vec::new(),
        honey: false,
        receipts: false,
        suspended: None,
        marks: credential::Marks::default(),
        id,
        tenant: house.tenant.parse().unwrap(),
        team: house.team.parse().unwrap(),
        project: None,
        owner: None,
        name: "bent".to_owned(),
        digest,
        hint: String::new(),
        predecessor: None,
        state: KeyState::Active,
        created: days(0),
        expires: None,
        models: ModelAccess::All,
        operations: Vec::new(),
        networks: Vec::new(),
        limits: Limits::default(),
    };
    bend(&mut record);
    store
        .create_key(&TenantScope::operator(record.tenant), &record)
        .await
        .unwrap();
    id.to_string()
}

/// Rewrites a document of the house's.
async fn bend(store: &dyn Store, house: &House, kind: RecordKind, id: &str, bend: impl FnOnce(&mut Value)) {
    let scope = TenantScope::operator(house.tenant.parse().unwrap());
    let before = store.record(&scope, kind, id).await.unwrap();
    let mut document: Value = serde_json::from_str(&before.document).unwrap();
    bend(&mut document);
    let after = store::Record {
        document: document.to_string(),
        ..before.clone()
    };
    store
        .commit(&scope, &[Change::Replace { before, after }], None)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_orphaned_expired_and_forgotten_credentials_are_found_and_told_once() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let abroad = House::build(&instance, &root, "abroad").await;
    let store = instance.store.as_ref();
    assert_eq!(found(&root, &home.tenant).await, [], "all is well");

    let mut expected = Vec::new();
    let mut expect = |matter: &str, id: String| expected.push((matter.to_owned(), id));
    expect(
        "key_expired",
        key(store, &home, |key| key.expires = Some(days(-1))).await,
    );
    expect(
        "key_expiring",
        key(store, &home, |key| key.expires = Some(days(13))).await,
    );
    key(store, &home, |key| key.expires = Some(days(15))).await;
    key(store, &home, |key| {
        (key.expires, key.state) = (Some(days(-1)), KeyState::Revoked)
    })
    .await;
    expect(
        "key_unused",
        key(store, &home, |key| key.created = days(-91)).await,
    );
    key(store, &home, |key| key.created = days(-89)).await;
    let nobody = UserId::generate().to_string().parse().unwrap();
    expect(
        "key_owner_gone",
        key(store, &home, |key| key.owner = Some(nobody)).await,
    );
    let foreign = abroad.user.id.parse().unwrap();
    expect(
        "key_owner_gone",
        key(store, &home, |key| key.owner = Some(foreign)).await,
    );
    expect(
        "key_project_gone",
        key(store, &home, |key| key.project = Some(ProjectId::generate())).await,
    );
    let old = |until| {
        Some(Predecessor {
            digest: [1; 32],
            valid_until: until,
        })
    };
    expect(
        "predecessor_past_grace",
        key(store, &home, |key| key.predecessor = old(days(-1))).await,
    );
    let body = json!({"email": "late@example.com", "name": "Late"});
    let late = root
        .make(&format!("/api/v1/tenants/{}/users", home.tenant), &body)
        .await;
    let late = late["id"].as_str().unwrap();
    bend(store, &home, RecordKind::Login, late, |login| {
        login["setup"]["expires"] = days(-1).0.into()
    })
    .await;
    expect("invitation_lapsed", late.to_owned());
    bend(store, &home, RecordKind::User, late, |user| {
        user["created"] = days(-100).0.into()
    })
    .await;
    expect("user_idle", late.to_owned());
    // As old, but signed in today.
    bend(store, &home, RecordKind::User, &home.user.id, |user| {
        user["created"] = days(-100).0.into()
    })
    .await;
    // Without its key a service account is idle; disabled, its keys are found where they were not revoked.
    let lonely = json!({"name": "lonely"});
    let path = format!("/api/v1/tenants/{}/teams/{}/services", home.tenant, home.team);
    let lonely = root.make(&path, &lonely).await;
    expect("service_without_keys", lonely["id"].as_str().unwrap().to_owned());
    bend(store, &home, RecordKind::Service, &home.service, |it| {
        it["state"] = "disabled".into()
    })
    .await;
    expect("key_owner_disabled", home.key.clone());
    expected.sort();
    let mut now_found = found(&root, &home.tenant).await;
    now_found.sort();
    assert_eq!(now_found, expected);
    assert_eq!(found(&root, &abroad.tenant).await, [], "each tenant its own");
    assert_eq!(
        home.user
            .get(&format!("/api/v1/tenants/{}/findings", home.tenant))
            .await
            .status,
        404
    );

    // Told once, by whichever replica; what is over and comes again is new again.
    let metrics = Arc::new(Metrics::new("test"));
    let sweeper = || {
        CredentialSweeper::new(
            instance.store.clone(),
            PATIENCE,
            Duration::from_secs(1),
            metrics.clone(),
        )
    };
    let (a, b) = (sweeper(), sweeper());
    let (one, other) = tokio::join!(a.sweep(UnixMillis::now()), b.sweep(UnixMillis::now()));
    assert_eq!(
        (one.unwrap(), other.unwrap()),
        (expected.len() as u64, expected.len() as u64)
    );
    let told = async || {
        let query = AuditQuery {
            act: Some("credentials.find".to_owned()),
            count: 10,
            ..AuditQuery::default()
        };
        let tenant: TenantId = home.tenant.parse().unwrap();
        store.audit(&TenantScope::operator(tenant), &query).await.unwrap()
    };
    let records = told().await;
    assert_eq!(records.len(), 1);
    let record: Value = serde_json::from_slice(&records[0].bytes).unwrap();
    assert_eq!(record["actor"], json!({"gate": "credential sweep"}));
    assert_eq!(record["after"].as_array().unwrap().len(), expected.len());
    assert_eq!(
        metrics.gauges().credential_findings_new.get(),
        expected.len() as u64
    );
    bend(store, &home, RecordKind::Service, &home.service, |it| {
        it["state"] = "active".into()
    })
    .await;
    a.sweep(UnixMillis::now()).await.unwrap();
    assert_eq!(told().await.len(), 1);
    bend(store, &home, RecordKind::Service, &home.service, |it| {
        it["state"] = "disabled".into()
    })
    .await;
    a.sweep(UnixMillis::now()).await.unwrap();
    assert_eq!(told().await.len(), 2);

    // A key that outlives its tenant, however it came there.
    let body = json!({"reason": "over", "name": "abroad"});
    let ended = root
        .post(&format!("/api/v1/tenants/{}/offboard", abroad.tenant), &body)
        .await;
    assert_eq!(ended.status, 200, "{ended:?}");
    let late = key(store, &abroad, |_| {}).await;
    assert_eq!(
        found(&root, &abroad.tenant).await,
        [("key_outlives_tenant".to_owned(), late)]
    );

    // Nothing was changed for it.
    let keys = store.load().await.unwrap().keys;
    let own = keys.iter().filter(|key| key.tenant.to_string() == home.tenant);
    let revoked = own.filter(|key| key.state == KeyState::Revoked).count();
    assert_eq!(revoked, 1, "the one that was made so");
}
