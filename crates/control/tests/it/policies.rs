//! Versions of policies from the first draft to the way back, and questions about why.

use std::time::{Duration, Instant};

use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{House, Instance, Person};

const VERSIONS: &str = "/api/v1/policies/versions";

fn version(plane: &str, text: &str) -> Value {
    json!({"plane": plane, "reason": "a change", "commit": "0123abc", "files": [{"name": "own.cedar", "text": text}]})
}

/// Stores one, and its number.
async fn stored(root: &Person, plane: &str, text: &str) -> u64 {
    let made = root.make(VERSIONS, &version(plane, text)).await;
    assert_eq!(made["state"], "draft");
    made["number"].as_u64().unwrap()
}

async fn act(root: &Person, number: u64, act: &str) -> crate::Answer {
    root.ask("POST", &format!("{VERSIONS}/{number}/{act}"), None)
        .await
}

const NO_TEAMS: &str = "@id(\"no-teams\") @reason(\"not this week\") forbid (principal, action == Action::\"teams.create\", resource);";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0002_a_version_is_checked_stored_put_in_force_and_taken_back() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let teams = house.path("/api/v1/tenants/{tenant}/teams");
    let number = stored(&root, "control", NO_TEAMS).await;
    root.make(&teams, &json!({"name": "a draft changes nothing"}))
        .await;
    let activated = act(&root, number, "activate").await;
    assert_eq!(
        (activated.status, activated.json()["state"].clone()),
        (200, json!("active"))
    );
    assert_eq!(activated.json()["activated_by"], "root@example.com");
    let refused = root.post(&teams, &json!({"name": "three"})).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden".to_owned()));
    assert!(refused.body.contains("not this week"), "{refused:?}");
    assert_eq!(act(&root, number, "activate").await.code(), "conflict");
    let back = root
        .post("/api/v1/policies/rollback", &json!({"plane": "control"}))
        .await;
    assert_eq!((back.status, back.json()["state"].clone()), (200, json!("draft")));
    root.make(&teams, &json!({"name": "three"})).await;
    let shown = root.get(&format!("{VERSIONS}/{number}")).await.json();
    assert_eq!(shown["files"][0]["text"], NO_TEAMS);
    assert_eq!(
        (shown["reason"].clone(), shown["commit"].clone()),
        (json!("a change"), json!("0123abc"))
    );
    // All of it is in the instance's audit log, with what decided.
    let log = root.get("/api/v1/tenants/platform/audit").await.body;
    for act in ["policies.create", "policies.activate"] {
        assert!(log.contains(act), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_b0001_what_does_not_check_or_fails_its_tests_is_not_stored() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let refused = async |body: &Value, says: &str| {
        let answer = root.post(VERSIONS, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (422, "invalid".to_owned()),
            "{answer:?}"
        );
        assert!(answer.body.contains(says), "{answer:?}");
    };
    refused(&version("calls", "permit (principal, action"), "own.cedar:1").await;
    refused(
        &version(
            "calls",
            "permit (principal, action, resource) when { context.tolls };",
        ),
        "tolls",
    )
    .await;
    refused(
        &version("control", "permit (principal, action, resource);"),
        "control",
    )
    .await;
    refused(&version("both", ""), "plane").await;
    let taken = version(
        "calls",
        "@id(\"tenants-stay-apart\") permit (principal, action, resource);",
    );
    refused(&taken, "already taken").await;
    let mut with = version(
        "calls",
        "forbid (principal, action, resource) when { context.tools };",
    );
    let test = |expect: &str| {
        let test = json!({"tests": [{"name": "tools", "operation": "chat", "model": "m", "tools": true, "expect": expect,
            "key": {"tenant": "a", "team": "t", "models": "all", "operations": ["chat"]}}]});
        json!([{"name": "own.tests.json", "text": test.to_string()}])
    };
    with["tests"] = test("permit");
    refused(&with, "1 policy tests failed").await;
    with["tests"] = test("deny");
    root.make(VERSIONS, &with).await;
    let mut two = version("calls", "");
    two["files"] = json!([{"name": "a", "text": ""}, {"name": "a", "text": ""}]);
    refused(&two, "name of its own").await;
    two["files"] = json!([]);
    refused(&two, "at least one file").await;
    let mut long = version("calls", "");
    long["files"][0]["text"] = json!(" ".repeat((256 << 10) + 1));
    refused(&long, "bytes in all").await;
    long["files"][0]["text"] = json!(" ".repeat(256 << 10));
    root.make(VERSIONS, &long).await;
    assert_eq!(
        root.get(VERSIONS).await.json()["items"].as_array().unwrap().len(),
        2
    );
}

/// However it is written: the desk that would answer is asked, not the text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctx_t2_a_version_that_locks_every_platform_admin_out_is_refused() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let locks = [
        "forbid (principal, action in Action::\"control\", resource);",
        "forbid (principal, action == Action::\"policies.activate\", resource) when { principal.roles.platform_admin };",
        "forbid (principal, action in Action::\"policies\", resource) when { context.sign_in_age_ms < 120000 };",
        "forbid (principal, action in Action::\"control.write\", resource) unless { context.posture == Posture::\"staging\" };",
        "forbid (principal is User, action in Action::\"control\", resource) when { 9223372036854775807 + context.sign_in_age_ms > 0 };",
    ];
    for lock in locks {
        let number = stored(&root, "control", lock).await;
        let refused = act(&root, number, "activate").await;
        assert_eq!(
            (refused.status, refused.code()),
            (409, "conflict".to_owned()),
            "{lock}: {refused:?}"
        );
        assert!(
            refused.body.contains("nobody could take them back"),
            "{refused:?}"
        );
    }
    // One that leaves the admins what they need is taken.
    let number = stored(
        &root,
        "control",
        "forbid (principal, action in Action::\"tenants\", resource);",
    )
    .await;
    assert_eq!(act(&root, number, "activate").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0002_a_version_that_is_tried_out_tells_what_differs_and_changes_no_answer() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let number = stored(&root, "control", NO_TEAMS).await;
    let tried = act(&root, number, "shadow").await;
    assert_eq!(
        (tried.status, tried.json()["state"].clone()),
        (200, json!("shadow"))
    );
    let teams = house.path("/api/v1/tenants/{tenant}/teams");
    root.make(&teams, &json!({"name": "still possible"})).await;
    root.make(&teams, &json!({"name": "and again"})).await;
    let path = format!("{VERSIONS}/{number}/differences");
    let since = Instant::now();
    let found = loop {
        let found = root.get(&path).await.json();
        if found["items"][0]["count"] == 2 {
            break found;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    let one = &found["items"][0];
    assert!(
        one["question"]
            .as_str()
            .unwrap()
            .starts_with("teams.create by root@example.com"),
        "{one}"
    );
    assert_eq!(one["active"], "permit by platform-admins-do-everything");
    assert_eq!(one["shadow"], "deny by no-teams");
    assert!(found["compared"].as_u64().unwrap() >= 2, "{found}");
    let ended = root
        .ask("DELETE", &format!("{VERSIONS}/{number}/shadow"), None)
        .await;
    assert_eq!(
        (ended.status, ended.json()["state"].clone()),
        (200, json!("draft"))
    );
}

/// A set that cannot even be asked stops nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0002_a_version_that_fails_while_it_is_tried_out_stops_nobody() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let fails = "forbid (principal, action in Action::\"control\", resource) when { 9223372036854775807 + context.sign_in_age_ms > 0 };";
    let number = stored(&root, "control", fails).await;
    assert_eq!(act(&root, number, "shadow").await.status, 200);
    let teams = house.path("/api/v1/tenants/{tenant}/teams");
    root.make(&teams, &json!({"name": "three"})).await;
    let path = format!("{VERSIONS}/{number}/differences");
    let since = Instant::now();
    while root.get(&path).await.json()["failed"].as_u64() < Some(2) {
        assert!(since.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0015_why_and_who_tell_what_one_may_see_and_nothing_else() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let home = House::build(&instance, &root, "home").await;
    let abroad = House::build(&instance, &root, "abroad").await;
    let secret = format!(
        "@id(\"about-the-others\") permit (principal, action == Action::\"chat\", resource) when {{ principal in Tenant::\"{}\" }};",
        abroad.tenant
    );
    let number = stored(&root, "calls", &secret).await;
    assert_eq!(act(&root, number, "activate").await.status, 200);
    let admin = root.invite(&instance, &home.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let auditor = root.invite(&instance, &home.tenant, "viewer@example.com").await;
    root.give(&auditor, "viewer", None).await;
    let explain = home.path("/api/v1/tenants/{tenant}/policies/explain");
    let asked = json!({"principal": "ci", "action": "chat", "resource": "m"});
    let seen = root.post(&explain, &asked).await.json();
    assert_eq!(seen["permit"], false);
    assert!(seen.to_string().contains("about-the-others"), "{seen}");
    let limited = admin.post(&explain, &asked).await;
    assert_eq!(limited.status, 200, "{limited:?}");
    assert!(
        !limited.body.contains("about-the-others") && !limited.body.contains(&abroad.tenant),
        "{limited:?}"
    );
    assert!(limited.body.contains("keys-use-what-they-list"), "{limited:?}");
    // Of people whose roles one may not see there is nothing to learn, nor of another tenant's key.
    let of_admin = json!({"principal": admin.email, "action": "teams.create"});
    assert_eq!(auditor.post(&explain, &of_admin).await.code(), "not_found");
    let why = admin.post(&explain, &of_admin).await.json();
    assert_eq!(
        (why["permit"].clone(), why["decided_by"][0]["policy"].clone()),
        (json!(true), json!("tenant-admins-run-their-tenant"))
    );
    assert!(
        why["decided_by"][0]["place"]
            .as_str()
            .unwrap()
            .starts_with("roles.cedar:"),
        "{why}"
    );
    let foreign = json!({"principal": abroad.key, "action": "chat", "resource": "m"});
    assert_eq!(admin.post(&explain, &foreign).await.code(), "not_found");
    let who = home.path("/api/v1/tenants/{tenant}/policies/who-can");
    let can = admin.post(&who, &json!({"action": "teams.create"})).await.json();
    assert_eq!(can["items"].as_array().unwrap().len(), 1, "{can}");
    assert_eq!(can["items"][0]["name"], admin.email.as_str());
    let can = auditor
        .post(&who, &json!({"action": "teams.create"}))
        .await
        .json();
    assert_eq!(can["items"], json!([]), "{can}");
    let can = admin
        .post(&who, &json!({"action": "chat", "resource": "m"}))
        .await
        .json();
    assert_eq!(
        (can["items"].clone(), can["asked"].clone()),
        (json!([]), json!(1))
    );
    assert_eq!(
        admin.post(&who, &json!({"action": "fly"})).await.code(),
        "invalid"
    );
    assert_eq!(
        admin.post(&explain, &json!({"action": "chat"})).await.code(),
        "invalid"
    );
    let missing = json!({"request": "req_00000000000000000000000000000001"});
    assert_eq!(admin.post(&explain, &missing).await.code(), "not_found");
}

/// Of three nodes on one store: one whose own files do not go with the version keeps what it had, and one that is
/// told to leaves versions out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0002_every_node_takes_an_activated_version_and_none_takes_half_of_one() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let clash = policy::Configured {
        control: policy::PolicyTexts {
            files: vec![policy::Text {
                name: "mine.cedar".to_owned(),
                text:
                    "@id(\"no-teams\") forbid (principal, action == Action::\"projects.create\", resource);"
                        .to_owned(),
            }],
            tests: Vec::new(),
        },
        ..policy::Configured::default()
    };
    let at = |address| Person {
        address,
        ..root.clone()
    };
    let same = at(instance.beside(policy::Configured::default(), false).await);
    let other = at(instance.beside(clash, false).await);
    let ignoring = at(instance.beside(policy::Configured::default(), true).await);
    let teams = house.path("/api/v1/tenants/{tenant}/teams");
    let projects = house.path("/api/v1/tenants/{tenant}/teams/{team}/projects");
    for (number, node) in [&same, &other, &ignoring].into_iter().enumerate() {
        node.make(&teams, &json!({"name": format!("before {number}")}))
            .await;
    }
    let number = stored(&root, "control", NO_TEAMS).await;
    assert_eq!(act(&root, number, "activate").await.status, 200);
    let status =
        async |node: &Person, path: &str, name: &str| node.post(path, &json!({"name": name})).await.status;
    assert_eq!(status(&same, &teams, "after 1").await, 403);
    // Its own forbid is still there, and the version that claims its name is not.
    assert_eq!(status(&other, &projects, "after").await, 403);
    assert_eq!(status(&other, &teams, "after 2").await, 201);
    assert_eq!(status(&ignoring, &teams, "after 3").await, 201);
}
