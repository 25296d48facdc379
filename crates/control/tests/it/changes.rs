//! Changes: none is lost, none is made twice, none is made unrecorded.

use domain::{TenantId, TenantScope};
use ledger::AuditRecord;
use policy::Posture;
use serde_json::{Value, json};
use store::AuditQuery;

use crate::scene::{House, Instance};

async fn audits(instance: &Instance, tenant: TenantId) -> Vec<AuditRecord> {
    let query = AuditQuery {
        count: 1000,
        ..AuditQuery::default()
    };
    let stored = instance
        .store
        .audit(&TenantScope::operator(tenant), &query)
        .await
        .unwrap();
    stored
        .iter()
        .map(|stored| AuditRecord::from_bytes(&stored.bytes).unwrap())
        .collect()
}

#[tokio::test]
async fn anp_0022_a_change_of_what_was_not_seen_is_refused() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    for pattern in [
        "/api/v1/tenants/{tenant}",
        "/api/v1/tenants/{tenant}/teams/{team}",
        "/api/v1/tenants/{tenant}/projects/{project}",
        "/api/v1/tenants/{tenant}/services/{service}",
        "/api/v1/tenants/{tenant}/users/{user}",
        "/api/v1/tenants/{tenant}/keys/{key}",
        "/api/v1/tenants/{tenant}/budgets/{budget}",
    ] {
        let path = house.path(pattern);
        let tag = root.get(&path).await.header("etag").unwrap().to_owned();
        let change = json!({"name": "changed once"});
        let blind = root.ask_with("PATCH", &path, "", Some(&change)).await;
        assert_eq!(
            (blind.status, blind.code().as_str()),
            (428, "precondition_required"),
            "{path}"
        );
        let with_tag = format!("if-match: {tag}\r\n");
        let first = root.ask_with("PATCH", &path, &with_tag, Some(&change)).await;
        assert_eq!(first.status, 200, "{path}: {first:?}");
        let late = root
            .ask_with("PATCH", &path, &with_tag, Some(&json!({"name": "changed twice"})))
            .await;
        assert_eq!(
            (late.status, late.code().as_str()),
            (412, "changed_meanwhile"),
            "{path}"
        );
        assert_eq!(root.get(&path).await.json()["name"], "changed once");
        assert_eq!(
            root.get(&path).await.header("etag"),
            first.header("etag"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_that_comes_again_does_nothing_again_and_says_the_same() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let path = house.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
    let again = "idempotency-key: once\r\n";
    let body = json!({"name": "only one"});
    let first = root.ask_with("POST", &path, again, Some(&body)).await;
    let second = root.ask_with("POST", &path, again, Some(&body)).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(
        first.body, second.body,
        "the secret too: the first answer may have been lost"
    );
    assert_eq!(
        (
            first.header("idempotent-replayed"),
            second.header("idempotent-replayed")
        ),
        (None, Some("true"))
    );
    let other = root
        .ask_with("POST", &path, again, Some(&json!({"name": "another"})))
        .await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (422, "idempotency_key_reused")
    );
    let keys = root
        .get(&house.path("/api/v1/tenants/{tenant}/keys"))
        .await
        .json();
    let made = keys["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["name"] == "only one")
        .count();
    assert_eq!(made, 1);
    // What is kept of it does not show the secret.
    let secret = first.json()["secret"].as_str().unwrap().to_owned();
    let scope = TenantScope::operator(house.tenant.parse().unwrap());
    let query = store::RecordQuery {
        kind: store::RecordKind::Replay,
        parent: None,
        after: None,
        count: 10,
    };
    let kept = instance.store.records(&scope, &query).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].document.contains(&secret) && !kept[0].document.contains("only one"));
}

/// Somebody else's idempotency key is nobody's.
#[tokio::test]
async fn agp_e1_idempotency_keys_are_their_callers() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (home, abroad) = (
        House::build(&instance, &root, "home").await,
        House::build(&instance, &root, "abroad").await,
    );
    let again = "idempotency-key: shared\r\n";
    let mut ids = Vec::new();
    for house in [&home, &abroad] {
        let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
        root.give(&admin, "tenant_admin", None).await;
        let path = house.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
        for person in [&admin, &root] {
            let made = person
                .ask_with("POST", &path, again, Some(&json!({"name": "same"})))
                .await;
            assert_eq!((made.status, made.header("idempotent-replayed")), (201, None));
            ids.push(made.json()["id"].clone());
        }
    }
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_does_nothing() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let revision = instance.store.revision().await.unwrap();
    let recorded = audits(&instance, TenantId::PLATFORM).await.len();
    let tried = root
        .post("/api/v1/tenants?dry_run=true", &json!({"name": "never"}))
        .await;
    assert_eq!((tried.status, tried.header("dry-run")), (201, Some("true")));
    let path = house.path("/api/v1/tenants/{tenant}/budgets/{budget}?dry_run=true");
    let tried = root.ask("PATCH", &path, Some(&json!({"limit_nanos": 5}))).await;
    assert_eq!(tried.json()["limit_nanos"], 5);
    assert_eq!(instance.store.revision().await.unwrap(), revision);
    assert_eq!(audits(&instance, TenantId::PLATFORM).await.len(), recorded);
}

/// Everything that was done stands in the log of the tenant it was done in: by whom, allowed by what, from
/// where, before and after; and nothing secret does.
#[tokio::test]
async fn agp_r3_every_act_leaves_a_record_that_names_policy_and_actor() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let tenant: TenantId = house.tenant.parse().unwrap();
    let rotated = root
        .post(
            &house.path("/api/v1/tenants/{tenant}/keys/{key}/rotate"),
            &json!({}),
        )
        .await
        .json();
    let path = house.path("/api/v1/tenants/{tenant}/keys/{key}/revoke");
    assert_eq!(root.ask("POST", &path, None).await.json()["state"], "revoked");
    let records = audits(&instance, tenant).await;
    let last = &records[0];
    assert_eq!(
        (last.act.as_str(), last.target.as_deref()),
        ("keys.revoke", Some(house.key.as_str()))
    );
    assert_eq!(last.policies, ["platform-admins-do-everything"]);
    assert_eq!(
        last.actor,
        ledger::AuditActor::User(root.id.clone(), root.email.clone())
    );
    assert!(last.address.unwrap().is_loopback());
    assert_eq!(last.before.as_ref().unwrap()["state"], "active");
    assert_eq!(last.after.as_ref().unwrap()["state"], "revoked");
    let acts: Vec<&str> = records.iter().map(|record| record.act.as_str()).collect();
    for act in [
        "teams.create",
        "projects.create",
        "services.create",
        "users.create",
        "set_password",
        "sign_in",
        "keys.create",
        "keys.rotate",
        "budgets.create",
        "grants.create",
    ] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }
    let everything: Vec<String> = records
        .iter()
        .map(|record| String::from_utf8(record.to_bytes()).unwrap())
        .collect();
    for secret in [
        rotated["secret"].as_str().unwrap(),
        crate::scene::PASSWORD,
        &root.token,
        &house.user.token,
        "btzo_",
        "btzs_",
        "$argon2",
    ] {
        assert!(everything.iter().all(|text| !text.contains(secret)), "{secret}");
    }
    let shown = root
        .get(&house.path("/api/v1/tenants/{tenant}/audit?act=keys.revoke"))
        .await
        .json();
    assert_eq!(shown["items"].as_array().unwrap().len(), 1);
    assert_eq!(shown["items"][0]["record"]["target"], json!(house.key));
}

/// What was refused is recorded too, in the log of whoever tried.
#[tokio::test]
async fn anp_0014_refused_acts_are_recorded_with_their_threat() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (home, abroad) = (
        House::build(&instance, &root, "home").await,
        House::build(&instance, &root, "abroad").await,
    );
    let path = abroad.path("/api/v1/tenants/{tenant}/keys/{key}/revoke");
    assert_eq!(home.user.ask("POST", &path, None).await.status, 404);
    let path = home.path("/api/v1/tenants/{tenant}/keys/{key}/revoke");
    assert_eq!(home.user.ask("POST", &path, None).await.status, 404);
    let refused: Vec<_> = audits(&instance, home.tenant.parse().unwrap())
        .await
        .into_iter()
        .filter(|record| record.outcome != ledger::AuditOutcome::Done)
        .map(|record| (record.act.clone(), record.threat))
        .collect();
    let expected = [domain::Threat::Anp0014, domain::Threat::AgpE1]
        .map(|threat| ("keys.revoke".to_owned(), Some(threat)));
    assert_eq!(refused, expected);
    assert!(
        audits(&instance, abroad.tenant.parse().unwrap())
            .await
            .iter()
            .all(|record| record.outcome == ledger::AuditOutcome::Done)
    );
}

#[tokio::test]
async fn agp_s1_who_says_what_stands_for_a_key_says_who_somebody_is() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let lead = root.invite(&instance, &house.tenant, "lead@example.com").await;
    root.give(&lead, "team_admin", Some(&house.team)).await;
    let keys = house.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
    let wanted = |name: &str, binding: &str| json!({"name": name, "bindings": [binding]});
    let (jwt, certificate) = ("jwt:corp:ada", "certificate:spiffe://example.org/ada");
    let rule = "rule:corp:deploy";
    for (who, body, status) in [
        (&lead, wanted("a", jwt), 403),
        (&lead, wanted("b", certificate), 403),
        (&admin, wanted("c", certificate), 403),
        (&admin, wanted("d", jwt), 201),
        (&lead, wanted("i", rule), 403),
        (&admin, wanted("j", rule), 201),
        (&root, wanted("k", rule), 409),
        (&root, wanted("e", certificate), 201),
        (&root, wanted("f", jwt), 409),
        (&root, wanted("g", certificate), 409),
        (&root, wanted("h", "password:x"), 422),
    ] {
        let answer = who.post(&keys, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    // Whoever may change the key, and no more, keeps what was there and adds nothing.
    let made = lead.make(&keys, &json!({"name": "own"})).await;
    let path = format!(
        "/api/v1/tenants/{}/keys/{}",
        house.tenant,
        made["id"].as_str().unwrap()
    );
    let change = |who: &'static str, body: Value| {
        let (who, path) = (if who == "lead" { &lead } else { &admin }, path.clone());
        async move { who.ask_with("PATCH", &path, "if-match: *\r\n", Some(&body)).await }
    };
    let eve = json!({"bindings": ["jwt:corp:eve"]});
    assert_eq!(change("lead", eve.clone()).await.status, 403);
    assert_eq!(change("admin", eve.clone()).await.status, 200);
    assert_eq!(change("lead", eve).await.status, 200);
    let key = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let signed = change("lead", json!({"signing_key": key})).await;
    assert_eq!(
        (signed.status, signed.json()["signing_key"].as_str()),
        (200, Some(key))
    );
    assert_eq!(
        change("lead", json!({"signing_key": "nonsense"})).await.status,
        422
    );
    let plain = change("lead", json!({"signing_key": "", "bindings": []})).await;
    assert!(plain.json()["signing_key"].is_null() && plain.json()["bindings"].is_null());
}

#[tokio::test]
async fn agp_s1_a_honey_key_is_shown_as_one_only_to_who_may_change_it() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let keys = house.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
    let made = root
        .make(&keys, &json!({"name": "prod backup", "honey": true}))
        .await;
    assert_eq!(made["honey"], true);
    let viewer = root.invite(&instance, &house.tenant, "viewer@example.com").await;
    root.give(&viewer, "viewer", None).await;
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let path = format!(
        "/api/v1/tenants/{}/keys/{}",
        house.tenant,
        made["id"].as_str().unwrap()
    );
    let list = format!("/api/v1/tenants/{}/keys", house.tenant);
    for (who, told) in [(&viewer, false), (&admin, true), (&root, true)] {
        for path in [&path, &list] {
            let answer = who.get(path).await;
            assert_eq!(answer.status, 200, "{}: {answer:?}", who.email);
            let said = answer.json().to_string();
            assert!(said.contains("prod backup"), "{said}");
            assert_eq!(said.contains("honey"), told, "{}: {said}", who.email);
        }
    }
    // Nothing else may stand for a bait: it would tell them apart.
    let bound = json!({"name": "x", "honey": true, "bindings": ["certificate:host.example"]});
    let refused = root.post(&keys, &bound).await;
    assert_eq!(
        (refused.status, refused.json()["pointer"].as_str()),
        (422, Some("/honey")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn anp_0001_whoever_may_change_a_key_suspends_and_resumes_it_and_each_time_is_recorded() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let member = root.invite(&instance, &house.tenant, "member@example.com").await;
    root.give(&member, "member", Some(&house.team)).await;
    let at = |act: &str| house.path(&format!("/api/v1/tenants/{{tenant}}/keys/{{key}}{act}"));
    let listed = house.path("/api/v1/tenants/{tenant}/keys?state=suspended");
    assert_eq!(member.ask("POST", &at("/suspend"), None).await.status, 404);
    assert_eq!(root.get(&listed).await.json()["items"], json!([]));

    for _ in 0..2 {
        let suspended = root.ask("POST", &at("/suspend"), None).await;
        assert_eq!(
            (suspended.status, &suspended.json()["state"]),
            (200, &json!("suspended"))
        );
        assert_eq!(suspended.json()["suspended"]["why"], "by_hand");
    }
    assert_eq!(root.get(&listed).await.json()["items"][0]["id"], json!(house.key));
    let rotated = root.post(&at("/rotate"), &json!({"grace_s": 0})).await;
    assert_eq!(rotated.json()["state"], "suspended", "rotation resumes nothing");
    assert_eq!(member.ask("POST", &at("/resume"), None).await.status, 404);
    for _ in 0..2 {
        let resumed = root.ask("POST", &at("/resume"), None).await.json();
        assert_eq!(
            (&resumed["state"], &resumed["suspended"]),
            (&json!("active"), &json!(null))
        );
    }
    let acts: Vec<_> = audits(&instance, house.tenant.parse().unwrap())
        .await
        .into_iter()
        .filter(|record| record.act == "keys.update" && record.outcome == ledger::AuditOutcome::Done)
        .map(|record| {
            (
                record.before.unwrap()["state"].clone(),
                record.after.unwrap()["state"].clone(),
            )
        })
        .collect();
    let expected = [("suspended", "active"), ("active", "suspended")].map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(
        acts, expected,
        "newest first, and nothing for what was so already"
    );

    root.ask("POST", &at("/revoke"), None).await;
    for act in ["/suspend", "/resume"] {
        assert_eq!(root.ask("POST", &at(act), None).await.status, 409);
    }
}

/// Tags and class of a key: given, changed, taken away; within bounds, and by who may change the key alone.
#[tokio::test]
async fn anp_0017_tags_and_class_of_a_key_are_set_by_who_may_change_it() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let keys = house.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
    let marks =
        json!({"name": "claims", "tags": ["eu-only", "cost:47", "eu-only"], "data_class": "restricted"});
    let made = root.make(&keys, &marks).await;
    assert_eq!(
        (&made["tags"], &made["data_class"]),
        (&json!(["cost:47", "eu-only"]), &json!("restricted"))
    );
    let path = format!(
        "/api/v1/tenants/{}/keys/{}",
        house.tenant,
        made["id"].as_str().unwrap()
    );
    let viewer = root.invite(&instance, &house.tenant, "viewer@example.com").await;
    root.give(&viewer, "viewer", None).await;
    let patch = async |who: &crate::scene::Person, body: Value| {
        let answer = who.ask_with("PATCH", &path, "if-match: *\r\n", Some(&body)).await;
        (answer.status, answer)
    };
    assert_eq!(patch(&viewer, json!({"tags": []})).await.0, 403);
    // What is left out stays; an empty text leaves the class to the configuration.
    let (status, answer) = patch(&root, json!({"name": "claims two"})).await;
    assert_eq!(
        (status, &answer.json()["tags"]),
        (200, &json!(["cost:47", "eu-only"]))
    );
    let (status, answer) = patch(&root, json!({"tags": ["x"], "data_class": ""})).await;
    assert_eq!((status, &answer.json()["tags"]), (200, &json!(["x"])));
    assert!(answer.json()["data_class"].is_null());
    let many: Vec<_> = (0..17).map(|n| format!("t{n}")).collect();
    for (bad, pointer) in [
        (json!({"tags": ["a b"]}), "/tags"),
        (json!({"tags": many}), "/tags"),
        (json!({"data_class": "secret"}), "/data_class"),
    ] {
        let (status, answer) = patch(&root, bad).await;
        assert_eq!(
            (status, answer.json()["pointer"].as_str()),
            (422, Some(pointer)),
            "{answer:?}"
        );
    }
}
