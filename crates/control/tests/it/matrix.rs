//! Everybody tries everything, everywhere: the list of endpoints against every role, in their own tenant and
//! in another. What comes out is a table that people read before it changes; what must hold whatever the
//! table says is asserted.

use std::fmt::Write;

use control::api::{ENDPOINTS, Endpoint};
use http::Method;
use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{House, Instance, Person, in_days};
use crate::{Answer, request, send};

/// A sink of a tenant's own.
pub fn webhook(name: &str) -> Value {
    json!({
        "name": name, "place": {"form": "webhook", "address": "https://hooks.example/alerts"},
        "secrets": ["a-secret-of-more-than-24-bytes"],
    })
}

/// A body that each endpoint that takes one would take.
pub fn body(endpoint: &Endpoint, house: &House) -> Option<Value> {
    endpoint.body?;
    let tail = endpoint.path.rsplit('/').next().unwrap();
    Some(match (endpoint.method == Method::POST, tail) {
        (true, "users") => json!({"email": "new@example.com", "name": "New"}),
        (true, "grants") => json!({"holder": house.service, "role": "viewer", "team": house.team}),
        (true, "budgets") => json!({"name": "new", "limit_nanos": 1, "window": "day", "of": house.key}),
        (true, "increases") => {
            json!({"amount_nanos": 1, "until": in_days(7), "why": "a launch"})
        }
        (true, "pause") => json!({"why": "it runs in circles"}),
        (true, "stops") => json!({"session": "run/1", "why": "it runs in circles"}),
        (true, "offboard") => json!({"reason": "gone", "name": "home"}),
        (true, "versions") if endpoint.path.contains("credential") => json!({"value": "sk-new"}),
        (true, "versions") => {
            json!({"plane": "calls", "files": [{"name": "a.cedar", "text": ""}], "reason": "new"})
        }
        (true, "rollback") => json!({"plane": "calls"}),
        (true, "explain") => json!({"principal": house.key, "action": "chat"}),
        (true, "who-can") => json!({"action": "chat"}),
        (true, "tokens") => json!({"name": "new", "expires": in_days(7)}),
        (true, "credentials") => json!({"name": "new", "value": "sk-new"}),
        (true, "activate" | "revoke") => json!({}),
        (true, "rotate") => json!({"grace_s": 0}),
        (true, "submit" | "retire") if endpoint.path.contains("{prompt}") => return None,
        (true, "approve" | "reject") if endpoint.path.contains("{prompt}") => json!({"note": "looked at"}),
        (true, "approve" | "deny") => json!({"reason": "looked at"}),
        (true, "break-glass") => json!({"reason": "the building is on fire", "minutes": 5}),
        (true, "reconciliations") => {
            json!({"provider": "openai", "files": ["date,model,cost_usd\n2025-03-07,small,1\n"]})
        }
        (true, "sinks") => webhook("new"),
        (true, "schedules") => json!({
            "name": "new", "report": "digest", "place": {"form": "webhook", "address": "https://hooks.example/new"},
            "secrets": ["a-secret-of-more-than-24-bytes"],
        }),
        (true, "resend" | "drop") if endpoint.path.contains("{sink}") => json!({}),
        (true, "resend" | "drop") => json!({"sink": "siem"}),
        (true, "reratings") => {
            json!({"from": "2025-03-01T00:00:00Z", "until": "2025-04-01T00:00:00Z"})
        }
        (true, "purge") => json!({"before": "2020-01-01T00:00:00Z"}),
        (true, "statements") => json!({"month": "2025-03"}),
        (true, _) => json!({"name": "new"}),
        (false, "sso") => {
            json!({"issuer": "https://id.example", "client_id": "x", "domains": ["example.com"]})
        }
        (false, "guards") => {
            json!({"profiles": [{"name": "own", "guards": {"personal": {"input": "block"}}}]})
        }
        (false, "consents") => json!({"content_leaves": false}),
        (false, "{sample}") => json!({"text": "We are kind."}),
        (false, "{prompt}") => json!({"messages": [{"role": "system", "text": "Be kind."}]}),
        (false, "price-sheet") => json!({"lines": [{"mark_up_basis_points": 1500}]}),
        (false, "{sink}") => webhook("renamed"),
        (false, "history") => json!({"kept": "metadata"}),
        (false, "rules") => json!({"rules": [], "rest": "rest"}),
        (false, "configuration") => json!({"tenant": {"name": "home"}}),
        (false, "{budget}") => json!({"limit_nanos": 2}),
        (false, _) => json!({"name": "renamed"}),
    })
}

/// Tries it in vain: a dry run changes nothing, so the order of tries does not matter.
async fn attempt(person: &Person, endpoint: &Endpoint, house: &House) -> Answer {
    let dry = if endpoint.is_write() { "?dry_run=true" } else { "" };
    let path = format!("{}{dry}", house.path(endpoint.path));
    person
        .ask(endpoint.method.as_str(), &path, body(endpoint, house).as_ref())
        .await
}

fn cell(answer: &Answer) -> String {
    if answer.status != 200 || !answer.body.contains("\"items\"") {
        return answer.status.to_string();
    }
    let items = answer.json()["items"].as_array().unwrap().len();
    format!("200/{items}")
}

fn with_permission() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(|endpoint| endpoint.permission.is_some())
}

struct Cast {
    home: House,
    abroad: House,
    staff: Vec<(&'static str, Person)>,
    locals: Vec<(&'static str, Person)>,
}

impl Cast {
    async fn gather() -> Self {
        let instance = Instance::start(Posture::Development).await;
        let root = instance.root().await;
        let home = House::build(&instance, &root, "home").await;
        let abroad = House::build(&instance, &root, "abroad").await;
        let mut staff = vec![("platform_admin", root.clone())];
        for role in ["security_admin", "finance", "auditor", "viewer"] {
            let person = root
                .invite(&instance, "platform", &format!("{role}@example.com"))
                .await;
            root.give(&person, role, None).await;
            staff.push((role, person));
        }
        let mut locals = Vec::new();
        for (role, team) in [
            ("tenant_admin", None),
            ("security_admin", None),
            ("finance", None),
            ("auditor", None),
            ("viewer", None),
            ("team_admin", Some(home.team.as_str())),
            ("member", Some(home.team.as_str())),
        ] {
            let person = root
                .invite(&instance, &home.tenant, &format!("{role}@example.com"))
                .await;
            root.give(&person, role, team).await;
            locals.push((role, person));
        }
        let nobody = root.invite(&instance, &home.tenant, "nobody@example.com").await;
        locals.push(("no role", nobody));
        Self {
            home,
            abroad,
            staff,
            locals,
        }
    }
}

/// Who may do what. Staff: the platform's own people, in tenant `home`. Locals: people of `home`, there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0014_agp_e1_every_role_tries_every_endpoint_in_every_tenant() {
    let cast = Cast::gather().await;
    let mut table = String::new();
    let names = cast.staff.iter().map(|(role, _)| format!("*{role}"));
    let names: Vec<String> = names
        .chain(cast.locals.iter().map(|(role, _)| (*role).to_owned()))
        .collect();
    write!(table, "{:<63}", "").unwrap();
    for name in &names {
        write!(table, " {name:>15}").unwrap();
    }
    table.push('\n');
    for endpoint in with_permission() {
        let what = format!(
            "{:<6} {}",
            endpoint.method,
            endpoint.path.trim_start_matches("/api/v1")
        );
        write!(table, "{what:<63}").unwrap();
        for (role, person) in cast.staff.iter().chain(&cast.locals) {
            let answer = attempt(person, endpoint, &cast.home).await;
            assert!(answer.status < 500, "{what} as {role}: {answer:?}");
            write!(table, " {:>15}", cell(&answer)).unwrap();
        }
        table.push('\n');
        // Whoever belongs to one tenant finds nothing in another, whatever their role.
        if endpoint.path.contains("{tenant}") {
            for (role, person) in &cast.locals {
                let answer = attempt(person, endpoint, &cast.abroad).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (404, "not_found"),
                    "{what} as {role}"
                );
                let missing = person
                    .ask(
                        "GET",
                        "/api/v1/tenants/tnt_00000000000000000000000000000009",
                        None,
                    )
                    .await;
                assert_eq!(
                    answer.body, missing.body,
                    "what is another's looks like what is not there"
                );
            }
        }
        // Viewers and auditors change nothing.
        let changes = endpoint.permission.is_some_and(|act| !act.is_read());
        if changes {
            let onlookers = cast.staff.iter().chain(&cast.locals);
            for (role, person) in
                onlookers.filter(|(role, _)| ["viewer", "auditor", "no role"].contains(role))
            {
                let answer = attempt(person, endpoint, &cast.home).await;
                assert!(
                    [403, 404].contains(&answer.status),
                    "{what} as {role}: {answer:?}"
                );
            }
        }
    }
    insta::assert_snapshot!("who_may_do_what", table);
}

/// Without a session, with one that never was, with one that is over, with a virtual key: nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctx_t1_no_endpoint_is_open_that_is_not_said_to_be() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let over = root.invite(&instance, "platform", "over@example.com").await;
    assert_eq!(over.ask("DELETE", "/api/v1/me/session", None).await.status, 204);
    let made = root
        .make(
            &house.path("/api/v1/tenants/{tenant}/teams/{team}/keys"),
            &json!({"name": "k"}),
        )
        .await;
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    let nobodies = [
        ("nothing", String::new()),
        (
            "a session that never was",
            bearer(&format!("btzs_{}", "a".repeat(49))),
        ),
        ("a session that is over", bearer(&over.token)),
        ("a virtual key", bearer(made["secret"].as_str().unwrap())),
        (
            "another scheme",
            format!("authorization: Basic {}\r\n", root.token),
        ),
        ("an empty token", bearer("")),
        (
            "a cookie of another name",
            format!("cookie: session={}\r\n", root.token),
        ),
        ("a long token", bearer(&"x".repeat(4_000))),
    ];
    for endpoint in ENDPOINTS.iter().filter(|endpoint| !endpoint.is_open) {
        let body = body(endpoint, &house)
            .map(|body| body.to_string())
            .unwrap_or_default();
        for (who, headers) in &nobodies {
            let path = house.path(endpoint.path);
            let headers = format!("content-type: application/json\r\n{headers}");
            let answer = send(instance.address, endpoint.method.as_str(), &path, &headers, &body).await;
            let got = (answer.status, answer.code());
            assert_eq!(
                got,
                (401, "unauthenticated".to_owned()),
                "{} {path} with {who}",
                endpoint.method
            );
        }
    }
}

#[tokio::test]
async fn every_path_of_the_list_is_routed_and_documented() {
    let instance = Instance::start(Posture::Development).await;
    let document = request(instance.address, "GET", "/api/v1/openapi.json")
        .await
        .json();
    assert_eq!(document["openapi"], "3.1.0");
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/v1.json");
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(kept, &text).unwrap();
    }
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(
        kept == text,
        "run `UPDATE_GENERATED=1 cargo test -p control` and look at what changed in openapi/v1.json"
    );
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace(['{', '}'], "");
        let answer = request(instance.address, endpoint.method.as_str(), &path).await;
        assert!(
            !answer.body.contains("there is nothing here"),
            "{} {path}: {answer:?}",
            endpoint.method
        );
        assert_ne!(answer.status, 405, "{} {path}", endpoint.method);
        let operation = &document["paths"][endpoint.path][endpoint.method.as_str().to_lowercase()];
        assert_eq!(operation["operationId"], endpoint.name, "{}", endpoint.path);
    }
}

/// What a body may not hold is refused with its place: nothing is set that was not meant to be set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0014_no_body_sets_what_it_should_not() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let extras = [
        ("id", json!("tnt_00000000000000000000000000000001")),
        ("tenant", json!("tnt_00000000000000000000000000000001")),
        ("state", json!("offboarded")),
        ("role", json!("platform_admin")),
        ("digest", json!([1, 2, 3])),
        ("created", json!(0)),
        ("__proto__", json!({"admin": true})),
    ];
    for endpoint in with_permission().filter(|endpoint| endpoint.body.is_some()) {
        for (name, value) in &extras {
            let mut with = body(endpoint, &house).unwrap();
            if with.get(*name).is_some()
                || (*name == "state" && endpoint.path.ends_with("r}") | endpoint.path.ends_with("{service}"))
            {
                continue;
            }
            with[*name] = value.clone();
            let path = house.path(endpoint.path);
            let answer = root.ask(endpoint.method.as_str(), &path, Some(&with)).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (400, "malformed"),
                "{} {path} {name}",
                endpoint.method
            );
            assert!(answer.body.contains(name), "{answer:?}");
        }
    }
}
