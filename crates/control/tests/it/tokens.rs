//! Service accounts that act here: what their tokens do, and what ends them.

use domain::{TenantScope, UnixMillis};
use policy::Posture;
use serde_json::{Value, json};
use store::{RecordKind, RecordQuery};

use crate::Answer;
use crate::scene::{House, Instance, Person, in_days};

/// The service account of a house, with a token of its own.
async fn service(root: &Person, house: &House, extra: Value) -> Person {
    let mut body = json!({"name": "deploy", "expires": in_days(1)});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = root.make(&tokens(house), &body).await;
    Person {
        address: root.address,
        tenant: house.tenant.clone(),
        id: house.service.clone(),
        email: "crawler".to_owned(),
        token: made["secret"].as_str().unwrap().to_owned(),
    }
}

fn tokens(house: &House) -> String {
    house.path("/api/v1/tenants/{tenant}/services/{service}/tokens")
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

async fn stage() -> (Instance, Person, House) {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    (instance, root, house)
}

#[tokio::test]
async fn a_service_account_acts_with_its_own_roles_and_is_recorded_by_name() {
    let (_instance, root, house) = stage().await;
    let ci = service(&root, &house, json!({})).await;
    assert!(ci.token.starts_with("btzc_"));
    let projects = house.path("/api/v1/tenants/{tenant}/teams/{team}/projects");
    let body = json!({"name": "by a pipeline"});
    // Without a role it sees itself and nothing else.
    assert_eq!(
        said(&ci.post(&projects, &body).await),
        (404, "not_found".to_owned())
    );
    let own = house.path("/api/v1/tenants/{tenant}/services/{service}");
    assert_eq!(ci.get(&own).await.json()["name"], "crawler");
    root.give(&ci, "team_admin", Some(&house.team)).await;
    assert_eq!(ci.post(&projects, &body).await.status, 201);
    let audit = root
        .get(&house.path("/api/v1/tenants/{tenant}/audit?act=projects.create"))
        .await
        .json();
    let record = audit["items"][0]["record"].to_string();
    assert!(
        record.contains(&house.service) && record.contains("crawler"),
        "{record}"
    );
    assert!(!record.contains("btzc_"));
}

/// Whatever is a person's is not for tokens, and says so.
#[tokio::test]
async fn ctx_t2_a_token_is_no_person_and_makes_no_token() {
    let (_instance, root, house) = stage().await;
    let ci = service(&root, &house, json!({})).await;
    root.give(&ci, "team_admin", Some(&house.team)).await;
    for (method, path, body) in [
        ("GET", "/api/v1/me", None),
        ("DELETE", "/api/v1/me/session", None),
        ("POST", "/api/v1/me/totp", None),
        ("POST", "/api/v1/me/confirm", Some(json!({"password": "x"}))),
        (
            "POST",
            "/api/v1/me/password",
            Some(json!({"password": "x", "new_password": "y"})),
        ),
        ("POST", "/api/v1/me/totp/confirm", Some(json!({"code": "1"}))),
    ] {
        let answer = ci.ask(method, path, body.as_ref()).await;
        assert_eq!(said(&answer), (403, "forbidden".to_owned()), "{path}");
        assert!(answer.body.contains("people"), "{answer:?}");
    }
    let more = json!({"name": "mine", "expires": in_days(300)});
    let refused = ci.post(&tokens(&house), &more).await;
    assert_eq!(said(&refused), (403, "forbidden".to_owned()));
    assert!(refused.body.contains("a person makes tokens"), "{refused:?}");
}

#[tokio::test]
async fn ctx_t3_a_token_counts_until_it_is_revoked_or_its_account_or_tenant_stops() {
    let (instance, root, house) = stage().await;
    let own = house.path("/api/v1/tenants/{tenant}/services/{service}");
    let works = async |person: &Person| person.get(&own).await.status;
    // Revoked.
    let ci = service(&root, &house, json!({})).await;
    assert_eq!(works(&ci).await, 200);
    let listed = root.get(&tokens(&house)).await.json();
    assert!(!listed.to_string().contains("btzc_") && !listed.to_string().contains("digest"));
    let items = listed["items"].as_array().unwrap();
    let made = items.iter().find(|one| one["name"] == "deploy").unwrap();
    let path = format!("{}/{}", tokens(&house), made["id"].as_str().unwrap());
    assert_eq!(root.ask("DELETE", &path, None).await.status, 204);
    assert_eq!(said(&ci.get(&own).await), (401, "unauthenticated".to_owned()));
    // The tenant is suspended.
    let ci = service(&root, &house, json!({})).await;
    let tenant = house.path("/api/v1/tenants/{tenant}");
    assert_eq!(
        root.ask("POST", &format!("{tenant}/suspend"), None).await.status,
        200
    );
    assert_eq!(works(&ci).await, 401);
    assert_eq!(
        root.ask("POST", &format!("{tenant}/resume"), None).await.status,
        200
    );
    assert_eq!(works(&ci).await, 200);
    // The account is disabled; enabling it brings no token back.
    for state in ["disabled", "active"] {
        let turned = root.ask("PATCH", &own, Some(&json!({"state": state}))).await;
        assert_eq!(turned.status, 200);
        assert_eq!(works(&ci).await, 401, "{state}");
    }
    // What is stored of it is a digest; and time ends it.
    let ci = service(&root, &house, json!({})).await;
    let scope = TenantScope::operator(house.tenant.parse().unwrap());
    let query = RecordQuery {
        kind: RecordKind::ServiceToken,
        parent: Some(&house.service),
        after: None,
        count: 10,
    };
    let kept = instance.store.records(&scope, &query).await.unwrap().remove(0);
    assert!(!kept.document.contains(&ci.token) && !kept.document.contains("btzc_"));
    let mut document: Value = serde_json::from_str(&kept.document).unwrap();
    document["expires"] = UnixMillis::now().0.into();
    let after = store::Record {
        document: document.to_string(),
        ..kept.clone()
    };
    let change = store::Change::Replace { before: kept, after };
    instance.store.commit(&scope, &[change], None).await.unwrap();
    assert_eq!(works(&ci).await, 401);
}

#[tokio::test]
async fn agp_s1_a_token_counts_from_its_networks_only() {
    let (_instance, root, house) = stage().await;
    let own = house.path("/api/v1/tenants/{tenant}/services/{service}");
    let near = service(&root, &house, json!({"networks": ["10.0.0.0/8", "127.0.0.0/8"]})).await;
    let far = service(&root, &house, json!({"networks": ["10.0.0.0/8"]})).await;
    assert_eq!(near.get(&own).await.status, 200);
    assert_eq!(said(&far.get(&own).await), (401, "unauthenticated".to_owned()));
    // A session's or key's text with another beginning is no token.
    for text in [
        "btzc_",
        &near.token.replace("btzc_", "btzs_"),
        &root.token.replace("btzs_", "btzc_"),
    ] {
        let forged = Person {
            token: text.to_owned(),
            ..near.clone()
        };
        assert_eq!(forged.get(&own).await.status, 401, "{text}");
    }
}

/// A token is good for what its account may: whoever makes one for themself gets no more than they have.
#[tokio::test]
async fn anp_0014_nobody_makes_a_token_that_does_more_than_they_may() {
    let (instance, root, house) = stage().await;
    let lead = root.invite(&instance, &house.tenant, "lead@example.com").await;
    root.give(&lead, "team_admin", Some(&house.team)).await;
    let guard = root.invite(&instance, &house.tenant, "guard@example.com").await;
    root.give(&guard, "security_admin", None).await;
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let body = json!({"name": "t", "expires": in_days(1)});
    for person in [&lead, &guard, &admin] {
        assert_eq!(
            person.post(&tokens(&house), &body).await.status,
            201,
            "{}",
            person.email
        );
    }
    let ci = service(&root, &house, json!({})).await;
    root.give(&ci, "tenant_admin", None).await;
    for person in [&lead, &guard] {
        let refused = person.post(&tokens(&house), &body).await;
        assert_eq!(said(&refused), (403, "forbidden".to_owned()), "{}", person.email);
    }
    assert_eq!(admin.post(&tokens(&house), &body).await.status, 201);
    // Ending one is for all who look after them.
    let path = format!("{}/{}", tokens(&house), house.token);
    assert_eq!(guard.ask("DELETE", &path, None).await.status, 204);
}

#[tokio::test]
async fn ctx_t3_a_token_ends_within_a_year_and_there_are_not_many() {
    let (_instance, root, house) = stage().await;
    for days in [-1, 0, 367] {
        let body = json!({"name": "t", "expires": in_days(days)});
        let refused = root.post(&tokens(&house), &body).await;
        assert_eq!(said(&refused), (422, "invalid".to_owned()), "{days}");
        assert_eq!(refused.json()["pointer"], "/expires");
    }
    let body = json!({"name": "t", "expires": in_days(365)});
    let mut made = 1;
    while root.post(&tokens(&house), &body).await.status == 201 {
        made += 1;
    }
    assert_eq!(made, 20);
    let late = root.post(&tokens(&house), &body).await;
    assert_eq!(said(&late), (409, "conflict".to_owned()));
}
