//! Tenants apart: ids in bodies, pages, roles that reach no further than they may.

use policy::Posture;
use serde_json::json;

use crate::scene::{House, Instance};

async fn two() -> (Instance, crate::scene::Person, House, House) {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let abroad = House::build(&instance, &root, "abroad").await;
    (instance, root, home, abroad)
}

/// An id in a body that is another tenant's is no id at all, also for those who may see both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_e1_ids_of_another_tenant_in_bodies_are_not_there() {
    let (_instance, root, home, abroad) = two().await;
    let base = format!("/api/v1/tenants/{}", home.tenant);
    let keys = format!("{base}/teams/{}/keys", home.team);
    for (path, body, pointer) in [
        (
            keys.clone(),
            json!({"name": "k", "owner": abroad.service}),
            "/owner",
        ),
        (
            keys.clone(),
            json!({"name": "k", "owner": abroad.user.id}),
            "/owner",
        ),
        (
            keys.clone(),
            json!({"name": "k", "project": abroad.project}),
            "/project",
        ),
        (
            format!("{base}/grants"),
            json!({"holder": abroad.user.id, "role": "viewer"}),
            "/holder",
        ),
        (
            format!("{base}/grants"),
            json!({"holder": home.user.id, "role": "viewer", "team": abroad.team}),
            "/team",
        ),
        (
            format!("{base}/budgets"),
            json!({"name": "b", "limit_nanos": 1, "window": "day", "of": abroad.team}),
            "/of",
        ),
        (
            format!("{base}/budgets"),
            json!({"name": "b", "limit_nanos": 1, "window": "day", "of": abroad.key}),
            "/of",
        ),
        (
            format!("{base}/budgets"),
            json!({"name": "b", "limit_nanos": 1, "window": "day", "of": abroad.project}),
            "/of",
        ),
    ] {
        let refused = root.post(&path, &body).await;
        let got = (
            refused.status,
            refused.json()["pointer"].as_str().map(str::to_owned),
        );
        assert_eq!(got, (422, Some(pointer.to_owned())), "{body}: {refused:?}");
    }
    // Nor does a path lead from one tenant to a thing of another.
    for pattern in [
        "teams/{team}",
        "projects/{project}",
        "services/{service}",
        "users/{user}",
        "grants/{grant}",
        "keys/{key}",
        "budgets/{budget}",
    ] {
        let path = abroad.path(&format!("{base}/{pattern}"));
        assert_eq!(root.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_e1_pages_are_complete_in_order_and_end_at_the_tenant() {
    let (_instance, root, home, abroad) = two().await;
    let base = format!("/api/v1/tenants/{}", home.tenant);
    for number in 0..7 {
        root.make(
            &format!("{base}/teams/{}/projects", home.team),
            &json!({"name": format!("p{number}")}),
        )
        .await;
        root.make(&format!("{base}/teams"), &json!({"name": format!("t{number}")}))
            .await;
    }
    for (list, expected) in [("projects", 8), ("teams", 9), ("audit", 0)] {
        let mut ids = Vec::new();
        let mut path = format!("{base}/{list}?limit=3");
        loop {
            let page = root.get(&path).await.json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 3 && !items.is_empty());
            ids.extend(items.iter().map(|item| {
                if list == "audit" {
                    item["index"].to_string()
                } else {
                    item["id"].to_string()
                }
            }));
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            // A cursor is of this list of this tenant.
            for other in [
                format!("{base}/keys?limit=3"),
                format!("/api/v1/tenants/{}/{list}?limit=3", abroad.tenant),
            ] {
                let refused = root.get(&format!("{other}&cursor={cursor}")).await;
                assert_eq!(refused.code(), "malformed", "{other}");
            }
            path = format!("{base}/{list}?limit=3&cursor={cursor}");
        }
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), ids.len(), "{list}: none twice");
        if expected > 0 {
            assert_eq!((ids.len(), &ids), (expected, &sorted), "{list}");
        }
    }
    for bad in [
        "limit=0",
        "limit=1000",
        "cursor=x",
        "limit=3&limit=4",
        "team=1&tenant=2",
        "where=1",
    ] {
        assert_eq!(
            root.get(&format!("{base}/projects?{bad}")).await.code(),
            "malformed",
            "{bad}"
        );
    }
}

/// Roles are given downwards only, and to one's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0014_nobody_gives_a_role_above_their_own() {
    let (instance, root, home, _) = two().await;
    let admin = root.invite(&instance, &home.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let lead = root.invite(&instance, &home.tenant, "lead@example.com").await;
    root.give(&lead, "team_admin", Some(&home.team)).await;
    let path = format!("/api/v1/tenants/{}/grants", home.tenant);
    let give = async |by: &crate::scene::Person, to: &str, role: &str, team: Option<&str>| {
        let mut body = json!({"holder": to, "role": role});
        if let Some(team) = team {
            body["team"] = team.into();
        }
        by.post(&path, &body).await.status
    };
    let user = home.user.id.as_str();
    assert_eq!(give(&admin, user, "tenant_admin", None).await, 201);
    assert!([403, 404, 422].contains(&give(&admin, user, "platform_admin", None).await));
    assert_eq!(
        give(&admin, &admin.id, "auditor", None).await,
        403,
        "not to oneself"
    );
    assert_eq!(give(&lead, user, "member", Some(&home.team)).await, 201);
    for (role, team) in [
        ("tenant_admin", None),
        ("auditor", None),
        ("member", Some(home.other_team.as_str())),
    ] {
        let status = give(&lead, user, role, team).await;
        assert!([403, 404].contains(&status), "{role}: {status}");
    }
    let nobody = root.invite(&instance, &home.tenant, "nobody@example.com").await;
    assert_eq!(give(&nobody, user, "viewer", None).await, 404);
    // The last platform admin cannot be lost.
    let grants = root.get("/api/v1/tenants/platform/grants").await.json();
    let own = grants["items"][0]["id"].as_str().unwrap();
    let refused = root
        .ask("DELETE", &format!("/api/v1/tenants/platform/grants/{own}"), None)
        .await;
    assert_eq!(refused.code(), "conflict");
}

/// Whoever can reset an account can be it: so not that of somebody above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctx_t2_nobody_resets_somebody_above_them() {
    let (instance, root, home, _) = two().await;
    let admin = root.invite(&instance, &home.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let guard = root.invite(&instance, &home.tenant, "guard@example.com").await;
    root.give(&guard, "security_admin", None).await;
    let of = |person: &crate::scene::Person| format!("/api/v1/tenants/{}/users/{}", home.tenant, person.id);
    let reset = async |by: &crate::scene::Person, whom: &crate::scene::Person| {
        by.ask("POST", &format!("{}/reset?dry_run=true", of(whom)), None)
            .await
            .status
    };
    assert_eq!(reset(&guard, &home.user).await, 200);
    assert_eq!(reset(&guard, &admin).await, 403);
    assert_eq!(
        guard
            .ask("PATCH", &of(&admin), Some(&json!({"state": "disabled"})))
            .await
            .status,
        403
    );
    assert_eq!(reset(&admin, &guard).await, 200);
    assert_eq!(reset(&root, &admin).await, 200);
    assert_eq!(
        reset(&admin, &admin).await,
        403,
        "one's own is changed by proving the old one"
    );
}

/// A member makes keys for themself, and tends only those.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctx_t3_members_tend_their_own_keys_only() {
    let (instance, root, home, _) = two().await;
    let ann = root.invite(&instance, &home.tenant, "ann@example.com").await;
    let bob = root.invite(&instance, &home.tenant, "bob@example.com").await;
    for person in [&ann, &bob] {
        root.give(person, "member", Some(&home.team)).await;
    }
    let keys = home.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
    let own = ann.make(&keys, &json!({"name": "mine"})).await;
    assert_eq!(own["owner"], json!(ann.id));
    for owner in [&bob.id, &home.service] {
        let refused = ann.post(&keys, &json!({"name": "x", "owner": owner})).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"));
    }
    let one = format!(
        "/api/v1/tenants/{}/keys/{}",
        home.tenant,
        own["id"].as_str().unwrap()
    );
    for (method, path) in [
        ("GET", one.clone()),
        ("POST", format!("{one}/rotate")),
        ("POST", format!("{one}/revoke")),
    ] {
        let body = path.ends_with("rotate").then(|| json!({}));
        assert_eq!(bob.ask(method, &path, body.as_ref()).await.status, 404, "{path}");
    }
    assert_eq!(
        bob.get(&home.path("/api/v1/tenants/{tenant}/keys")).await.json()["items"],
        json!([])
    );
    assert_eq!(
        ann.ask("POST", &format!("{one}/revoke"), None).await.json()["state"],
        "revoked"
    );
}

/// Whoever leaves takes no way in with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_disabling_somebody_ends_their_keys_and_sessions() {
    let (instance, root, home, _) = two().await;
    let ann = root.invite(&instance, &home.tenant, "ann@example.com").await;
    root.give(&ann, "member", Some(&home.team)).await;
    let own = ann
        .make(
            &home.path("/api/v1/tenants/{tenant}/teams/{team}/keys"),
            &json!({"name": "mine"}),
        )
        .await;
    for (path, key) in [
        (
            format!("/api/v1/tenants/{}/users/{}", home.tenant, ann.id),
            own["id"].as_str().unwrap(),
        ),
        (
            home.path("/api/v1/tenants/{tenant}/services/{service}"),
            home.key.as_str(),
        ),
    ] {
        assert_eq!(
            root.ask("PATCH", &path, Some(&json!({"state": "disabled"})))
                .await
                .status,
            200
        );
        let key = root
            .get(&format!("/api/v1/tenants/{}/keys/{key}", home.tenant))
            .await
            .json();
        assert_eq!(key["state"], "revoked");
    }
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
    let refused = root
        .post(
            &home.path("/api/v1/tenants/{tenant}/teams/{team}/keys"),
            &json!({"name": "x", "owner": home.service}),
        )
        .await;
    assert_eq!(
        refused.json()["pointer"],
        "/owner",
        "a disabled service gets no new keys"
    );
}

/// A suspended tenant's people are out, and come back with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0016_a_suspended_tenants_people_do_not_get_in() {
    let (instance, root, home, _) = two().await;
    assert_eq!(home.user.get("/api/v1/me").await.status, 200);
    let suspended = root
        .ask("POST", &home.path("/api/v1/tenants/{tenant}/suspend"), None)
        .await;
    assert_eq!(suspended.json()["state"], "suspended");
    assert_eq!(home.user.get("/api/v1/me").await.status, 401);
    assert_eq!(
        instance
            .sign_in(&home.tenant, &home.user.email, crate::scene::PASSWORD)
            .await
            .status,
        401
    );
    assert_eq!(
        root.ask("POST", &home.path("/api/v1/tenants/{tenant}/resume"), None)
            .await
            .status,
        200
    );
    assert_eq!(home.user.get("/api/v1/me").await.status, 200);
}
