//! The end of a tenant: nothing of it works afterwards, nothing is left that opens, and what was done is certified.

use std::time::Duration;

use control::{ContentError, Keys, Offboarding};
use credential::{KeyState, Limits, MasterKey, purpose};
use domain::{Permission, TenantId, TenantScope, UnixMillis};
use ledger::AuditActor;
use ledger::certificate::Certificate;
use ledger::merkle::root_of;
use policy::Posture;
use serde_json::{Value, json};
use store::{Change, LogKind, Record, RecordKind, RecordQuery, Store, Team, Tenant, TenantState};

use crate::scene::{House, Instance, PASSWORD, Person, signer, signing};

async fn records(store: &dyn Store, tenant: TenantId, kind: RecordKind) -> Vec<Record> {
    let query = RecordQuery {
        kind,
        parent: None,
        after: None,
        count: 1_000,
    };
    store
        .records(&TenantScope::operator(tenant), &query)
        .await
        .unwrap()
}

async fn offboard(root: &Person, tenant: &str, name: &str) -> Value {
    let body = json!({"reason": "the contract ended", "name": name});
    let ended = root
        .post(&format!("/api/v1/tenants/{tenant}/offboard"), &body)
        .await;
    assert_eq!(ended.status, 200, "{ended:?}");
    ended.json()
}

fn opened(ended: &Value) -> Certificate {
    let text = ended["certificate"].as_str().unwrap();
    Certificate::open(text, signer().verifier()).unwrap()
}

async fn two() -> (Instance, Person, House, House) {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let abroad = House::build(&instance, &root, "abroad").await;
    (instance, root, home, abroad)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_an_offboarded_tenant_has_nothing_left_that_opens_and_a_certificate_of_it() {
    let (instance, root, home, abroad) = two().await;
    let base = format!("/api/v1/tenants/{}", home.tenant);
    let tenant: TenantId = home.tenant.parse().unwrap();
    root.make(
        &format!("{base}/users"),
        &json!({"email": "late@example.com", "name": "Late"}),
    )
    .await;
    let again = "idempotency-key: once\r\n";
    let made = root
        .ask_with(
            "POST",
            &format!("{base}/teams"),
            again,
            Some(&json!({"name": "kept"})),
        )
        .await;
    assert_eq!(made.status, 201);
    let begun = home.user.ask("POST", "/api/v1/me/totp", None).await;
    assert_eq!(begun.status, 200, "{begun:?}");

    // Not without its name, and a dry run does nothing.
    let path = format!("{base}/offboard");
    let wrong = root.post(&path, &json!({"reason": "r", "name": "abroad"})).await;
    assert_eq!(
        (wrong.status, wrong.json()["pointer"].as_str()),
        (422, Some("/name"))
    );
    let body = json!({"reason": "r", "name": "home"});
    let planned = root.post(&format!("{path}?dry_run=true"), &body).await.json();
    let counts = |view: &Value| {
        [
            "keys_revoked",
            "sessions_ended",
            "users_disabled",
            "services_disabled",
            "grants_removed",
        ]
        .map(|name| view[name].as_u64().unwrap())
    };
    assert_eq!(planned["state"], "active");
    assert_eq!(
        home.user.get("/api/v1/me").await.status,
        200,
        "a dry run ends nothing"
    );

    let ended = offboard(&root, &home.tenant, "home").await;
    assert_eq!(ended["state"], "offboarded");
    assert_eq!(counts(&ended), counts(&planned));
    assert_eq!(counts(&ended), [1, 1, 2, 1, 1]);
    assert_eq!(
        (
            &ended["logins_removed"],
            &ended["invitations_voided"],
            &ended["answers_removed"]
        ),
        (&json!(2), &json!(1), &json!(1))
    );

    // Nobody gets in, by whatever they had.
    assert_eq!(home.user.get("/api/v1/me").await.code(), "unauthenticated");
    for name in [home.tenant.as_str(), "home"] {
        assert_eq!(
            instance.sign_in(name, "plain@example.com", PASSWORD).await.status,
            401
        );
    }
    let store = instance.store.as_ref();
    let keys = store.keys(&TenantScope::operator(tenant)).await.unwrap();
    assert!(keys.iter().all(|key| key.state == KeyState::Revoked) && !keys.is_empty());
    for kind in [
        RecordKind::Session,
        RecordKind::Login,
        RecordKind::Grant,
        RecordKind::Replay,
    ] {
        assert!(records(store, tenant, kind).await.is_empty(), "{kind:?}");
    }
    for kind in [RecordKind::User, RecordKind::Service] {
        for record in records(store, tenant, kind).await {
            assert!(
                record.document.contains(r#""state":"disabled""#),
                "{}",
                record.document
            );
        }
    }

    // The certificate says so, and how the logs stood; they are there still.
    let certificate = opened(&ended);
    assert_eq!(certificate.revoked.keys, [home.key.as_str()]);
    assert_eq!(certificate.revoked.sessions.len(), 1);
    assert!(certificate.revoked.users.contains(&home.user.id));
    assert_eq!(
        certificate.by,
        AuditActor::User(root.id.clone(), root.email.clone())
    );
    assert_eq!(
        (certificate.name.as_str(), certificate.reason.as_str()),
        ("home", "the contract ended")
    );
    assert!(certificate.finished >= certificate.begun);
    let scope = TenantScope::operator(tenant);
    let size = certificate.audit.size;
    let leaves = store.log_leaves(&scope, LogKind::Audit, 0, size).await.unwrap();
    assert_eq!(root_of(&leaves), certificate.audit.root.0);
    assert_eq!(
        store
            .audit_record(&scope, certificate.record)
            .await
            .unwrap()
            .index,
        size - 1
    );
    let listed = root
        .get(&format!("{base}/audit?act=tenants.offboard"))
        .await
        .json();
    assert_eq!(
        listed["items"].as_array().unwrap().len(),
        3,
        "asked for, done, finished"
    );

    // Asked again it says the same; nothing lets it work again, or makes anything in it.
    assert_eq!(
        offboard(&root, &home.tenant, "home").await["certificate"],
        ended["certificate"]
    );
    assert_eq!(
        root.get(&format!("{base}/offboarding")).await.json()["certificate"],
        ended["certificate"]
    );
    let named = json!({"name": "new"});
    for (method, path, body) in [
        ("POST", format!("{base}/resume"), None),
        ("POST", format!("{base}/suspend"), None),
        ("PATCH", base.clone(), Some(&named)),
        ("POST", format!("{base}/teams"), Some(&named)),
        ("POST", format!("{base}/teams/{}/keys", home.team), Some(&named)),
        (
            "POST",
            format!("{base}/teams/{}/services", home.team),
            Some(&named),
        ),
        (
            "PATCH",
            format!("{base}/services/{}", home.service),
            Some(&json!({"state": "active"})),
        ),
        (
            "PATCH",
            format!("{base}/users/{}", home.user.id),
            Some(&json!({"state": "active"})),
        ),
    ] {
        let refused = root.ask(method, &path, body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (409, "conflict"),
            "{method} {path}"
        );
    }
    let taken = root.post("/api/v1/tenants", &json!({"name": "home"})).await;
    assert_eq!(taken.status, 409, "its name is not free");

    // Another tenant noticed nothing.
    assert_eq!(abroad.user.get("/api/v1/me").await.status, 200);
    let unasked = root
        .get(&format!("/api/v1/tenants/{}/offboarding", abroad.tenant))
        .await;
    assert_eq!(unasked.status, 404);
}

#[tokio::test]
async fn anp_0016_the_platforms_own_tenant_cannot_be_offboarded() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let body = json!({"reason": "r", "name": "platform"});
    for tenant in ["platform", "tnt_00000000000000000000000000000000"] {
        let refused = root
            .post(&format!("/api/v1/tenants/{tenant}/offboard"), &body)
            .await;
        assert_eq!(refused.status, 404, "{refused:?}");
    }
    let offboarding = Offboarding::new(instance.store.clone(), signing(instance.store.clone()));
    assert!(offboarding.go_on(TenantId::PLATFORM).await.is_err());
    assert_eq!(root.get("/api/v1/me").await.status, 200);
}

/// Whoever has a copy of everything but the store as it is now, the master key included, opens nothing with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_what_was_sealed_for_a_tenant_does_not_open_after_its_end() {
    let (instance, root, home, _) = two().await;
    let tenant: TenantId = home.tenant.parse().unwrap();
    let base = format!("/api/v1/tenants/{}", home.tenant);
    let header = "idempotency-key: once\r\n";
    let body = json!({"name": "kept"});
    root.ask_with("POST", &format!("{base}/teams"), header, Some(&body))
        .await;
    assert_eq!(home.user.ask("POST", "/api/v1/me/totp", None).await.status, 200);
    let sso = json!({"issuer": "https://id.example.com", "client_id": "gate", "client_secret": "only-we-two-know",
        "domains": ["example.com"]});
    let set = root.ask("PUT", &format!("{base}/sso"), Some(&sso)).await;
    assert_eq!(set.status, 200, "{set:?}");
    let store = instance.store.as_ref();
    let text = |record: &Record, name: &str| {
        let document: Value = serde_json::from_str(&record.document).unwrap();
        document.pointer(name).unwrap().as_str().unwrap().to_owned()
    };
    let replay = records(store, tenant, RecordKind::Replay).await.remove(0);
    let login = records(store, tenant, RecordKind::Login).await.remove(0);
    let (answer, seed) = (text(&replay, "/answer"), text(&login, "/totp/sealed"));
    let sso = records(store, tenant, RecordKind::Sso).await.remove(0);
    let (secret, secrets_place) = (
        text(&sso, "/client_secret"),
        format!("the client secret of {tenant}"),
    );
    let keys = || Keys::derive(&MasterKey::from_bytes([7; 32])).unwrap();
    let now = UnixMillis::now();
    let key = keys()
        .content_keys(instance.store.clone())
        .get(tenant, now)
        .await
        .unwrap();
    let sealed = |text: &str| {
        use base64::Engine;
        let text = text.strip_prefix("c1:").expect("sealed under the content key");
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    };
    let sealing = |purpose: &str| key.sealing_key(purpose).unwrap();
    assert!(
        sealing(purpose::REPLAYS)
            .open(&sealed(&answer), replay.id.as_bytes())
            .is_ok()
    );
    assert!(
        sealing(purpose::LOGINS)
            .open(&sealed(&seed), login.id.as_bytes())
            .is_ok()
    );
    let opened = sealing(purpose::LOGINS).open(&sealed(&secret), secrets_place.as_bytes());
    assert_eq!(opened.unwrap().as_slice(), b"only-we-two-know");
    // The master key alone opens none.
    let master = MasterKey::from_bytes([7; 32]);
    for purpose in [purpose::REPLAYS, purpose::LOGINS, purpose::CONTENT_KEYS] {
        let of_the_instance = master.sealing_key(purpose).unwrap();
        assert!(
            of_the_instance
                .open(&sealed(&answer), replay.id.as_bytes())
                .is_err()
        );
        assert!(of_the_instance.open(&sealed(&seed), login.id.as_bytes()).is_err());
        assert!(
            of_the_instance
                .open(&sealed(&secret), secrets_place.as_bytes())
                .is_err()
        );
    }

    let ended = offboard(&root, &home.tenant, "home").await;
    assert_eq!(ended["content_key"], key.fingerprint());
    let kept = records(store, tenant, RecordKind::ContentKey).await.remove(0);
    let document: Value = serde_json::from_str(&kept.document).unwrap();
    assert!(document["key"].is_null(), "{document}");
    let gone = keys().content_keys(instance.store.clone()).get(tenant, now).await;
    assert!(matches!(gone, Err(ContentError::Destroyed)), "{gone:?}");
}

/// What was sealed before tenants had keys of their own still opens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_kept_under_the_instances_key_are_still_given_again() {
    let (instance, root, home, _) = two().await;
    let tenant: TenantId = home.tenant.parse().unwrap();
    let path = format!("/api/v1/tenants/{}/teams", home.tenant);
    let header = "idempotency-key: once\r\n";
    let body = json!({"name": "kept"});
    let first = root.ask_with("POST", &path, header, Some(&body)).await;
    let store = instance.store.as_ref();
    let before = records(store, tenant, RecordKind::Replay).await.remove(0);
    let mut document: Value = serde_json::from_str(&before.document).unwrap();
    let answer = json!({"status": 201, "body": first.body, "etag": null, "location": null});
    let master = MasterKey::from_bytes([7; 32]);
    let sealing = master.sealing_key(purpose::REPLAYS).unwrap();
    let sealed = sealing
        .seal(answer.to_string().as_bytes(), before.id.as_bytes())
        .unwrap();
    document["answer"] = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(sealed).into()
    };
    let after = Record {
        document: document.to_string(),
        ..before.clone()
    };
    let scope = TenantScope::operator(tenant);
    store
        .commit(&scope, &[Change::Replace { before, after }], None)
        .await
        .unwrap();
    let again = root.ask_with("POST", &path, header, Some(&body)).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

/// A tenant with that many keys, in the store alone.
async fn crowded(store: &dyn Store, keys: u128) -> Tenant {
    let tenant = Tenant {
        id: TenantId::generate(),
        name: "crowded".to_owned(),
        limits: Limits::default(),
        state: TenantState::Active,
        history: ledger::Keeping::NONE,
    };
    let team = Team {
        id: domain::TeamId::generate(),
        tenant: tenant.id,
        name: "one".to_owned(),
        limits: Limits::default(),
    };
    let scope = TenantScope::operator(tenant.id);
    store.create_tenant(&tenant).await.unwrap();
    store.create_team(&scope, &team).await.unwrap();
    for number in 0..keys {
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(&number.to_be_bytes());
        let key = credential::KeyRecord {
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: credential::Marks::default(),
            id: domain::KeyId::generate(),
            tenant: tenant.id,
            team: team.id,
            project: None,
            owner: None,
            name: format!("key {number}"),
            digest,
            hint: String::new(),
            predecessor: None,
            state: KeyState::Active,
            created: UnixMillis(0),
            expires: None,
            models: credential::ModelAccess::All,
            operations: Vec::new(),
            networks: Vec::new(),
            limits: Limits::default(),
        };
        store.create_key(&scope, &key).await.unwrap();
    }
    tenant
}

/// A process that dies after the first step leaves a tenant of which nothing works; the next one finishes. And if
/// two do so at once, each thing ends once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_what_a_crash_interrupted_is_finished_once_by_whoever_comes() {
    let instance = Instance::start(Posture::Development).await;
    let store = instance.store.clone();
    let tenant = crowded(store.as_ref(), 450).await;
    let by = AuditActor::Operator("uid 1".to_owned());
    let changes = Offboarding::opening(&tenant, by.clone(), "over", UnixMillis::now()).unwrap();
    let scope = TenantScope::operator(tenant.id);
    store.commit(&scope, &changes, None).await.unwrap();
    let offboarding = Offboarding::new(store.clone(), signing(store.clone()));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let tasks = [(); 2].map(|()| tokio::spawn(offboarding.clone().run(stopped.clone())));
    let ending = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            match offboarding.ending(tenant.id).await.unwrap() {
                Some(ending) if ending.certificate.is_some() => return ending,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    let ending = ending.await.unwrap();
    stop.send(true).unwrap();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((&ending.by, ending.reason.as_str()), (&by, "over"));
    let certificate = Certificate::open(&ending.certificate.unwrap(), signer().verifier()).unwrap();
    let mut keys = certificate.revoked.keys;
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 450);
    let dump = store.load().await.unwrap();
    assert_eq!(dump.tenants[0].state, TenantState::Offboarded);
    assert!(dump.keys.iter().all(|key| key.state == KeyState::Revoked));
    // 450 keys in batches of 200, and the end.
    assert_eq!(store.log_size(&scope, LogKind::Audit).await.unwrap(), 4);
}

/// Turned in the database by hand: it is finished all the same, and says that nobody asked.
#[tokio::test]
async fn anp_0016_a_tenant_that_was_turned_by_hand_is_ended_as_well() {
    let instance = Instance::start(Posture::Development).await;
    let store = instance.store.clone();
    let before = crowded(store.as_ref(), 1).await;
    let offboarding = Offboarding::new(store.clone(), signing(store.clone()));
    assert!(offboarding.go_on(before.id).await.is_err(), "nobody asked");
    let after = Tenant {
        state: TenantState::Offboarding,
        ..before.clone()
    };
    let scope = TenantScope::operator(before.id);
    store
        .commit(&scope, &[Change::ReplaceTenant { before, after }], None)
        .await
        .unwrap();
    let ending = offboarding.go_on(scope.tenant()).await.unwrap();
    assert_eq!(ending.by, AuditActor::Gate("offboarding".to_owned()));
    assert_eq!(ending.revoked.keys.len(), 1);
}

/// Where two people are wanted for it, asking alone ends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0014_where_a_second_person_is_wanted_a_tenant_waits_for_them() {
    let acts = vec![Permission::ProjectsDelete, Permission::TenantsOffboard];
    let instance = Instance::with(Posture::Development, acts).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let path = format!("/api/v1/tenants/{}/offboard", home.tenant);
    let body = json!({"reason": "over", "name": "home"});
    let asked = root.post(&path, &body).await;
    assert_eq!(
        (asked.status, asked.json()["state"].as_str()),
        (202, Some("waiting")),
        "{asked:?}"
    );
    assert_eq!(home.user.get("/api/v1/me").await.status, 200, "nothing has ended");
    let second = root.invite(&instance, "platform", "second@example.com").await;
    root.give(&second, "platform_admin", None).await;
    let approval = asked.json()["id"].as_str().unwrap().to_owned();
    let approve = format!("/api/v1/tenants/{}/approvals/{approval}/approve", home.tenant);
    let approved = second.post(&approve, &json!({})).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let header = format!("approval: {approval}\r\n");
    let ended = root.ask_with("POST", &path, &header, Some(&body)).await;
    assert_eq!(
        (ended.status, ended.json()["state"].as_str()),
        (200, Some("offboarded")),
        "{ended:?}"
    );
    assert_eq!(home.user.get("/api/v1/me").await.status, 401);
}
