//! An instance that is changed by files alone: what is refused, and what must work all the same.

use control::Mode;
use control::api::ENDPOINTS;
use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{Instance, Person, in_days};

/// A tenant made the way files make it.
async fn stage() -> (Instance, Person, String) {
    let instance = Instance::start_in(Posture::Development, Vec::new(), Mode::Declarative).await;
    let root = instance.root().await;
    let made = root.make("/api/v1/tenants", &json!({"name": "home"})).await;
    let tenant = format!("/api/v1/tenants/{}", made["id"].as_str().unwrap());
    let wanted = json!({
        "tenant": {"name": "home"},
        "teams": [{"name": "one"}],
        "services": [{"name": "ci", "team": "one"}],
        "users": [{"email": "ann@example.com", "name": "Ann"}],
        "keys": [{"name": "k", "team": "one", "owner": {"service": "ci"}}],
        "grants": [{"user": "ann@example.com", "role": "viewer"}],
        "budgets": [{"name": "b", "of": {"user": "ann@example.com"}, "limit_tokens": 5, "window": "day"}],
    });
    let done = root
        .ask("PUT", &format!("{tenant}/configuration"), Some(&wanted))
        .await;
    assert_eq!(done.status, 200, "{done:?}");
    (instance, root, tenant)
}

async fn first(root: &Person, list: &str) -> String {
    let items = root.get(list).await.json();
    items["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn agp_t3_what_a_document_says_is_changed_by_a_document_only() {
    let (instance, root, tenant) = stage().await;
    assert_eq!(root.get("/api/v1/version").await.json()["mode"], "declarative");
    let mut refused = Vec::new();
    for endpoint in ENDPOINTS
        .iter()
        .filter(|it| it.is_write() && it.permission.is_some())
    {
        let path = endpoint.path.replace("/api/v1/tenants/{tenant}", &tenant);
        let path = path.replace(['{', '}'], "");
        let body = endpoint
            .body
            .map(|_| json!({"name": "changed", "state": "active"}));
        let answer = root.ask(endpoint.method.as_str(), &path, body.as_ref()).await;
        if answer.status == 409 && answer.code() == "declarative_mode" {
            assert!(answer.body.contains("bartizan apply -f"), "{answer:?}");
            refused.push(endpoint.name);
        }
    }
    for name in [
        "tenants.update",
        "teams.create",
        "teams.update",
        "projects.create",
        "projects.update",
        "projects.remove",
        "services.create",
        "services.update",
        "users.create",
        "users.update",
        "grants.create",
        "keys.create",
        "keys.update",
        "budgets.create",
        "budgets.update",
        "budgets.increase",
        "budgets.remove",
        "history.update",
        "guards.put",
        "guards.remove",
    ] {
        assert!(refused.contains(&name), "{name}: {refused:?}");
    }
    assert_eq!(refused.len(), 20, "{refused:?}");
    drop(instance);
}

/// Whatever the mode: an emergency stop works.
#[tokio::test]
async fn anp_0016_emergency_stops_always_work() {
    let (_instance, root, tenant) = stage().await;
    let key = first(&root, &format!("{tenant}/keys")).await;
    let user = first(&root, &format!("{tenant}/users")).await;
    let service = first(&root, &format!("{tenant}/services")).await;
    let grant = first(&root, &format!("{tenant}/grants")).await;
    let tokens = format!("{tenant}/services/{service}/tokens");
    let body = json!({"name": "t", "expires": in_days(1)});
    let token = root.make(&tokens, &body).await["id"].as_str().unwrap().to_owned();
    let disabled = json!({"state": "disabled"});
    let budget = first(&root, &format!("{tenant}/budgets")).await;
    let why = json!({"why": "it runs in circles"});
    let runaway = json!({"session": "run/1", "why": "it runs in circles"});
    let made = root.post(&format!("{tenant}/stops"), &runaway).await;
    assert_eq!(made.status, 201, "{made:?}");
    let stop = made.json()["id"].as_str().unwrap().to_owned();
    let stops: Vec<(&str, String, Option<&Value>)> = vec![
        ("POST", format!("{tenant}/budgets/{budget}/pause"), Some(&why)),
        ("POST", format!("{tenant}/budgets/{budget}/resume"), None),
        ("DELETE", format!("{tenant}/stops/{stop}"), None),
        ("POST", format!("{tenant}/keys/{key}/suspend"), None),
        ("POST", format!("{tenant}/keys/{key}/resume"), None),
        ("POST", format!("{tenant}/keys/{key}/revoke"), None),
        ("DELETE", format!("{tokens}/{token}"), None),
        ("DELETE", format!("{tenant}/grants/{grant}"), None),
        ("PATCH", format!("{tenant}/services/{service}"), Some(&disabled)),
        ("PATCH", format!("{tenant}/users/{user}"), Some(&disabled)),
        ("POST", format!("{tenant}/suspend"), None),
    ];
    for (method, path, body) in stops {
        let answer = root.ask(method, &path, body).await;
        assert!([200, 204].contains(&answer.status), "{path}: {answer:?}");
    }
    let back = json!({"state": "active"});
    let answer = root
        .ask("PATCH", &format!("{tenant}/users/{user}"), Some(&back))
        .await;
    assert_eq!(answer.code(), "declarative_mode", "that is no stop");
}
