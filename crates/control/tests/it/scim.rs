//! Provisioning by SCIM, in the shapes that Azure and Okta send, and in those that attackers do.

use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{Instance, PASSWORD, Person};
use crate::{Answer, send};

struct Scene {
    instance: Instance,
    root: Person,
    tenant: String,
    team: String,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let instance = Instance::start(Posture::Development).await;
        let root = instance.root().await;
        let tenant = id(&root.make("/api/v1/tenants", &json!({"name": "acme"})).await);
        let team = id(&root
            .make(
                &format!("/api/v1/tenants/{tenant}/teams"),
                &json!({"name": "one"}),
            )
            .await);
        let token = token(&root, &tenant).await;
        Self {
            instance,
            root,
            tenant,
            team,
            token,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_as(&self.token, &self.tenant, method, path, body).await
    }

    async fn ask_as(
        &self,
        token: &str,
        tenant: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/scim+json\r\n");
        let path = format!("/scim/v2/{tenant}{path}");
        let body = body.map(Value::to_string).unwrap_or_default();
        send(self.instance.address, method, &path, &headers, &body).await
    }

    async fn create(&self, body: &Value) -> Value {
        let made = self.ask("POST", "/Users", Some(body)).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.header("content-type"), Some("application/scim+json"));
        assert!(
            made.header("location")
                .unwrap()
                .ends_with(made.json()["id"].as_str().unwrap())
        );
        made.json()
    }

    async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        self.ask("PATCH", path, Some(&body)).await
    }

    async fn found(&self, filter: &str) -> Vec<Value> {
        let filter = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        let found = self.ask("GET", &format!("/Users?filter={filter}"), None).await;
        assert_eq!(found.status, 200, "{found:?}");
        found.json()["Resources"].as_array().unwrap().clone()
    }

    async fn roles(&self, user: &str) -> Vec<String> {
        let path = format!("/api/v1/tenants/{}/grants?holder={user}", self.tenant);
        let grants = self.root.get(&path).await.json();
        let all = grants["items"].as_array().unwrap().iter();
        all.map(|one| one["role"].as_str().unwrap().to_owned()).collect()
    }
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

async fn token(root: &Person, tenant: &str) -> String {
    let made = root
        .ask("POST", &format!("/api/v1/tenants/{tenant}/scim"), None)
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["token"].as_str().unwrap().to_owned()
}

fn ann() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "Ann@Example.com", "externalId": "00u1", "active": true,
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"value": "ann@example.com", "primary": true}],
    })
}

#[tokio::test]
async fn people_come_change_and_go() {
    let scene = Scene::new().await;
    let made = scene.create(&ann()).await;
    assert_eq!(
        (&made["userName"], &made["displayName"]),
        (&json!("ann@example.com"), &json!("Ann Lee"))
    );
    let path = format!("/Users/{}", id(&made));
    for filter in [
        r#"userName eq "ANN@example.com""#,
        r#"username EQ "ann@example.com""#,
        r#"externalId eq "00u1""#,
    ] {
        assert_eq!(scene.found(filter).await.len(), 1, "{filter}");
    }
    assert_eq!(scene.found(r#"userName eq "bob@example.com""#).await.len(), 0);
    // Azure: operations with capitals and truths as text; Okta: values without a path.
    let azure = scene
        .patch(&path, json!([
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "Add", "path": "displayName", "value": "Ann L."},
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "x@example.com"},
            {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"},
        ]))
        .await;
    assert_eq!(azure.status, 200, "{azure:?}");
    assert_eq!(
        (&azure.json()["active"], &azure.json()["displayName"]),
        (&json!(false), &json!("Ann L."))
    );
    let okta = scene
        .patch(&path, json!([{"op": "replace", "value": {"active": true}}]))
        .await;
    assert_eq!(okta.json()["active"], true);
    let put = json!({"userName": "ann.lee@example.com", "displayName": "Ann Lee", "externalId": "00u2"});
    let put = scene.ask("PUT", &path, Some(&put)).await;
    assert_eq!(
        (put.status, &put.json()["userName"]),
        (200, &json!("ann.lee@example.com"))
    );
    assert_eq!(scene.found(r#"externalId eq "00u1""#).await.len(), 0);
    assert_eq!(scene.found(r#"externalId eq "00u2""#).await.len(), 1);
    // Gone for provisioning, and disabled here; who comes again is the same person.
    assert_eq!(scene.ask("DELETE", &path, None).await.status, 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(scene.ask(method, &path, None).await.status, 404);
    }
    let here = format!("/api/v1/tenants/{}/users/{}", scene.tenant, id(&made));
    assert_eq!(scene.root.get(&here).await.json()["state"], "disabled");
    let again = scene
        .create(&json!({"userName": "ann.lee@example.com", "externalId": "00u2"}))
        .await;
    assert_eq!(again["id"], made["id"]);
    assert_eq!(scene.root.get(&here).await.json()["state"], "active");
    let audit = scene
        .root
        .get(&format!("/api/v1/tenants/{}/audit", scene.tenant))
        .await
        .body;
    for act in [
        "scim.create_user",
        "scim.patch_user",
        "scim.replace_user",
        "scim.remove_user",
    ] {
        assert!(audit.contains(act), "{act}");
    }
    assert!(audit.contains("provisioning by SCIM") && !audit.contains(&scene.token));
}

#[tokio::test]
async fn anp_0016_whoever_is_deactivated_is_out_at_once() {
    let scene = Scene::new().await;
    let bob = scene
        .root
        .invite(&scene.instance, &scene.tenant, "bob@example.com")
        .await;
    let base = format!("/api/v1/tenants/{}", scene.tenant);
    let key = json!({"name": "bob's", "owner": bob.id});
    let key = scene
        .root
        .make(&format!("{base}/teams/{}/keys", scene.team), &key)
        .await;
    assert_eq!(bob.get("/api/v1/me").await.status, 200);
    let off = scene
        .patch(
            &format!("/Users/{}", bob.id),
            json!([{"op": "replace", "path": "active", "value": false}]),
        )
        .await;
    assert_eq!(off.status, 200, "{off:?}");
    assert_eq!(bob.get("/api/v1/me").await.status, 401);
    assert_eq!(
        scene
            .instance
            .sign_in(&scene.tenant, "bob@example.com", PASSWORD)
            .await
            .status,
        401
    );
    let key = scene.root.get(&format!("{base}/keys/{}", id(&key))).await.json();
    assert_eq!(key["state"], "revoked");
}

#[tokio::test]
async fn roles_follow_groups_that_are_provisioned() {
    let scene = Scene::new().await;
    let sso = json!({"issuer": "https://id.example", "client_id": "x", "domains": ["example.com"], "roles": [
        {"group": "engineers", "role": "member", "team": scene.team}, {"group": "auditors", "role": "auditor"}]});
    let path = format!("/api/v1/tenants/{}/sso", scene.tenant);
    assert_eq!(scene.root.ask("PUT", &path, Some(&sso)).await.status, 200);
    let (ann, bob) = (
        id(&scene.create(&ann()).await),
        id(&scene.create(&json!({"userName": "bob@example.com"})).await),
    );
    let group = json!({"displayName": "engineers", "externalId": "g1", "members": [{"value": ann}]});
    let made = scene.ask("POST", "/Groups", Some(&group)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/Groups/{}", id(&made.json()));
    assert_eq!(scene.roles(&ann).await, ["member"]);
    let added = scene
        .patch(
            &path,
            json!([{"op": "Add", "path": "members", "value": [{"value": bob}]}]),
        )
        .await;
    assert_eq!(added.status, 204, "{added:?}");
    assert_eq!(scene.roles(&bob).await, ["member"]);
    let taken = json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]);
    assert_eq!(scene.patch(&path, taken).await.status, 204);
    assert_eq!(
        (scene.roles(&ann).await.len(), scene.roles(&bob).await.len()),
        (0, 1)
    );
    // The group's name is what gives a role.
    let renamed = json!([{"op": "replace", "value": {"displayName": "auditors"}}]);
    assert_eq!(scene.patch(&path, renamed).await.status, 204);
    assert_eq!(scene.roles(&bob).await, ["auditor"]);
    let azure = json!([{"op": "Remove", "path": "members", "value": [{"value": bob}]}]);
    assert_eq!(scene.patch(&path, azure).await.status, 204);
    assert!(scene.roles(&bob).await.is_empty());
    let put = json!({"displayName": "auditors", "members": [{"value": bob}, {"value": bob}]});
    let put = scene.ask("PUT", &path, Some(&put)).await;
    assert_eq!(put.json()["members"].as_array().unwrap().len(), 1);
    assert_eq!(scene.roles(&bob).await, ["auditor"]);
    assert_eq!(scene.ask("DELETE", &path, None).await.status, 204);
    assert!(scene.roles(&bob).await.is_empty());
    assert_eq!(scene.ask("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn agp_e1_ctx_t1_a_token_is_its_tenants_and_ends() {
    let scene = Scene::new().await;
    let other = id(&scene
        .root
        .make("/api/v1/tenants", &json!({"name": "other"}))
        .await);
    let theirs = token(&scene.root, &other).await;
    let ann = id(&scene.create(&ann()).await);
    let path = format!("/Users/{ann}");
    let of =
        async |token: &str, tenant: &str, path: &str| scene.ask_as(token, tenant, "GET", path, None).await;
    // Another tenant's token, a session, nothing; and a tenant that is not there looks the same.
    let mut answers = Vec::new();
    for (token, tenant) in [
        (theirs.as_str(), scene.tenant.as_str()),
        (&scene.root.token, &scene.tenant),
        (&scene.token, "tnt_00000000000000000000000000000009"),
    ] {
        answers.push(of(token, tenant, "/Users").await);
    }
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (401, &answers[0].body));
    }
    // Another tenant's ids are not there, and not in its lists or groups.
    for (method, body) in [
        ("GET", None),
        ("DELETE", None),
        ("PUT", Some(json!({"userName": "x@example.com"}))),
    ] {
        let said = scene.ask_as(&theirs, &other, method, &path, body.as_ref()).await;
        assert_eq!(said.status, 404, "{method}");
    }
    assert_eq!(of(&theirs, &other, "/Users").await.json()["totalResults"], 0);
    let group = json!({"displayName": "g", "members": [{"value": ann}]});
    assert_eq!(
        scene
            .ask_as(&theirs, &other, "POST", "/Groups", Some(&group))
            .await
            .status,
        400
    );
    // A new token ends the old one; a suspended tenant's does nothing; the end is the end.
    let fresh = token(&scene.root, &scene.tenant).await;
    assert_eq!(of(&fresh, &scene.tenant, "/Users").await.status, 200);
    assert_eq!(scene.ask("GET", "/Users", None).await.status, 401);
    let tenant = format!("/api/v1/tenants/{}", scene.tenant);
    scene.root.ask("POST", &format!("{tenant}/suspend"), None).await;
    let suspended = of(&fresh, &scene.tenant, "/Users").await.status;
    scene.root.ask("POST", &format!("{tenant}/resume"), None).await;
    assert_eq!(
        scene
            .root
            .ask("DELETE", &format!("{tenant}/scim"), None)
            .await
            .status,
        204
    );
    let ended = of(&fresh, &scene.tenant, "/Users").await.status;
    for status in [suspended, ended] {
        assert!([401, 429].contains(&status), "{status}");
    }
}

#[tokio::test]
async fn anp_0014_a_body_sets_nothing_but_what_is_named() {
    let scene = Scene::new().await;
    let mut body = ann();
    for (name, value) in [
        ("id", json!("usr_00000000000000000000000000000001")),
        ("tenant", json!("tnt_00000000000000000000000000000000")),
        ("roles", json!([{"value": "tenant_admin"}])),
        ("groups", json!([{"value": "admins"}])),
        ("password", json!(PASSWORD)),
        ("state", json!("active")),
        ("meta", json!({"created": "1970-01-01T00:00:00Z"})),
    ] {
        body[name] = value;
    }
    let made = scene.create(&body).await;
    assert_ne!(made["id"], body["id"]);
    assert!(scene.roles(&id(&made)).await.is_empty());
    assert_eq!(
        scene
            .instance
            .sign_in(&scene.tenant, "ann@example.com", PASSWORD)
            .await
            .status,
        401
    );
    // An administrator by hand is nobody's to change from outside.
    let admin = scene
        .root
        .invite(&scene.instance, &scene.tenant, "admin@example.com")
        .await;
    scene.root.give(&admin, "tenant_admin", None).await;
    let path = format!("/Users/{}", admin.id);
    for answer in [
        scene
            .patch(
                &path,
                json!([{"op": "replace", "path": "active", "value": false}]),
            )
            .await,
        scene
            .patch(
                &path,
                json!([{"op": "replace", "path": "userName", "value": "evil@example.com"}]),
            )
            .await,
        scene.ask("DELETE", &path, None).await,
        scene
            .ask("PUT", &path, Some(&json!({"userName": "evil@example.com"})))
            .await,
    ] {
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    assert_eq!(admin.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn anp_0020_what_makes_no_sense_is_refused_as_scim_says() {
    let scene = Scene::new().await;
    let path = format!("/Users/{}", id(&scene.create(&ann()).await));
    for filter in [
        r#"userName eq "a" or userName sw """#,
        r#"userName eq "' OR 1=1 --""#,
        r#"password eq "x""#,
        r#"userName co "a""#,
        "userName",
    ] {
        let text = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
        let said = scene.ask("GET", &format!("/Users?filter={text}"), None).await;
        let is_empty = said.status == 200 && said.json()["totalResults"] == 0;
        assert!(
            is_empty || said.json()["scimType"] == "invalidFilter",
            "{filter}: {said:?}"
        );
    }
    let long = "x".repeat(300);
    for body in [
        json!({}),
        json!([]),
        json!({"userName": "no address"}),
        json!({"userName": format!("{long}@example.com")}),
        json!({"userName": "b@example.com", "displayName": long}),
        json!({"userName": "b@example.com", "displayName": "a\u{0}b"}),
        json!({"userName": "b@example.com", "externalId": 7}),
        json!({"userName": "b@example.com", "active": "perhaps"}),
    ] {
        let said = scene.ask("POST", "/Users", Some(&body)).await;
        assert_eq!(
            (said.status, &said.json()["status"]),
            (400, &json!("400")),
            "{body}: {said:?}"
        );
    }
    for body in [ann(), json!({"userName": "b@example.com", "externalId": "00u1"})] {
        let said = scene.ask("POST", "/Users", Some(&body)).await;
        assert_eq!(
            (said.status, &said.json()["scimType"]),
            (409, &json!("uniqueness")),
            "{said:?}"
        );
    }
    for operations in [
        json!([{"op": "explode", "path": "active"}]),
        json!([{"op": "remove"}]),
        json!([{"op": "replace", "path": "active"}]),
        json!([{"op": "remove", "path": "userName"}]),
        json!({}),
    ] {
        assert_eq!(
            scene.patch(&path, operations.clone()).await.status,
            400,
            "{operations}"
        );
    }
    for (method, path) in [
        ("GET", "/Nothing"),
        ("GET", ""),
        ("GET", "/Users/x"),
        ("GET", "/Users/../x"),
    ] {
        assert_eq!(scene.ask(method, path, None).await.status, 404, "{path}");
    }
    for (path, total) in [
        ("/Users?startIndex=2&count=5", 1),
        ("/Users?count=0", 1),
        ("/Users?startIndex=-4", 1),
    ] {
        assert_eq!(scene.ask("GET", path, None).await.json()["totalResults"], total);
    }
    assert_eq!(scene.ask("GET", "/Users?count=x", None).await.status, 400);
    for path in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
    ] {
        assert_eq!(scene.ask("GET", path, None).await.status, 200, "{path}");
    }
}

/// A document that does not name people whom a directory added leaves them: the directory takes them away.
#[tokio::test]
async fn what_is_pruned_is_not_who_a_directory_added() {
    let scene = Scene::new().await;
    let ann = id(&scene.create(&json!({"userName": "ann@example.com"})).await);
    let by_hand = scene
        .root
        .invite(&scene.instance, &scene.tenant, "hand@example.com")
        .await;
    let path = format!("/api/v1/tenants/{}/configuration?prune=true", scene.tenant);
    let document = json!({"tenant": {"name": "acme"}, "users": []});
    let applied = scene.root.ask("PUT", &path, Some(&document)).await;
    assert_eq!(applied.status, 200, "{applied:?}");
    let state = async |user: &str| {
        let path = format!("/api/v1/tenants/{}/users/{user}", scene.tenant);
        scene.root.get(&path).await.json()["state"].clone()
    };
    assert_eq!(state(&ann).await, "active");
    assert_eq!(state(&by_hand.id).await, "disabled");
    assert!(
        applied.body.contains("the user `ann@example.com` stays"),
        "{applied:?}"
    );
    // A document that says so disables them all the same, and what the directory takes away is gone.
    let named = json!({"tenant": {"name": "acme"}, "users": [{"email": "ann@example.com", "name": "Ann", "state": "disabled"}]});
    assert_eq!(scene.root.ask("PUT", &path, Some(&named)).await.status, 200);
    assert_eq!(state(&ann).await, "disabled");
}

/// Whoever asks for a part of a resource gets that part; what cannot be done says so.
#[tokio::test]
async fn clients_are_told_what_there_is() {
    let scene = Scene::new().await;
    let made = scene.create(&ann()).await;
    let path = format!("/Users/{}", id(&made));
    let some = scene
        .ask("GET", &format!("{path}?attributes=userName"), None)
        .await
        .json();
    assert_eq!(
        some,
        json!({"schemas": made["schemas"], "id": made["id"], "userName": "ann@example.com"})
    );
    let without = scene
        .ask("GET", "/Users?excludedAttributes=emails,name.formatted", None)
        .await
        .json();
    assert_eq!(without["totalResults"], 1);
    assert_eq!(without["Resources"][0]["emails"], Value::Null);
    assert_eq!(without["Resources"][0]["displayName"], "Ann Lee");
    for (filter, count) in [
        (r#"displayName eq "ann lee""#, 1),
        (r#"emails.value eq "ann@example.com""#, 1),
        (
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ann@example.com""#,
            1,
        ),
        (r#"displayName eq "nobody""#, 0),
    ] {
        assert_eq!(scene.found(filter).await.len(), count, "{filter}");
    }
    // Nothing is made where what is asked for cannot be shown.
    let both = "/Users?attributes=id&excludedAttributes=name";
    let said = scene
        .ask("POST", both, Some(&json!({"userName": "bob@example.com"})))
        .await;
    assert_eq!(said.status, 400);
    assert!(scene.found(r#"userName eq "bob@example.com""#).await.is_empty());
    for (method, path, status) in [
        ("POST", "/Schemas", 405),
        ("DELETE", "/ServiceProviderConfig", 405),
        ("PUT", "/Users", 405),
        ("POST", "/Users/x", 405),
        ("POST", "/.search", 501),
        ("POST", "/Users/.search", 501),
        ("POST", "/Bulk", 501),
        ("GET", "/Schemas?filter=id", 403),
        ("GET", "/Groups?filter=nothing%20eq%20%22x%22", 400),
        ("GET", "/nothing", 404),
    ] {
        let said = scene.ask(method, path, None).await;
        assert_eq!(said.status, status, "{method} {path}: {said:?}");
        assert_eq!(said.json()["status"], json!(status.to_string()));
    }
}
