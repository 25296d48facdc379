//! A tenant's configuration as one document: what it shows, what it does, and what it may not do.

use domain::Permission;
use policy::Posture;
use serde_json::{Value, json};

use crate::Answer;
use crate::scene::{House, Instance, Person};

async fn stage() -> (Instance, Person, House) {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    (instance, root, house)
}

fn path(house: &House) -> String {
    house.path("/api/v1/tenants/{tenant}/configuration")
}

async fn document(person: &Person, house: &House) -> Value {
    let answer = person.get(&path(house)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn apply(person: &Person, house: &House, query: &str, document: &Value) -> Answer {
    person
        .ask("PUT", &format!("{}{query}", path(house)), Some(document))
        .await
}

fn verbs(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let steps = answer.json()["steps"].as_array().unwrap().clone();
    steps
        .iter()
        .map(|step| {
            format!(
                "{} {} {}",
                text(step, "verb"),
                text(step, "kind"),
                text(step, "name")
            )
        })
        .collect()
}

fn refused(answer: &Answer) -> (u16, String, String) {
    let pointer = answer.json()["pointer"].as_str().unwrap_or_default().to_owned();
    (answer.status, answer.code(), pointer)
}

/// Nothing in it is secret and nothing is an id, and it reads the same every time.
#[tokio::test]
async fn ctx_t4_a_document_holds_names_and_no_secrets() {
    let (_instance, root, house) = stage().await;
    let first = root.get(&path(&house)).await;
    let second = root.get(&path(&house)).await;
    assert_eq!(
        (&first.body, first.header("etag")),
        (&second.body, second.header("etag"))
    );
    let shown = first.json();
    assert_eq!(shown["tenant"]["name"], "home");
    assert_eq!(shown["keys"][0]["secret"], "redacted");
    assert_eq!(shown["keys"][0]["owner"], json!({"service": "crawler"}));
    assert_eq!(shown["grants"][0]["user"], "plain@example.com");
    assert_eq!(shown["budgets"][0]["name"], "all");
    for part in [
        "tnt_", "team_", "prj_", "usr_", "svc_", "key_", "bgt_", "grt_", "btz", "digest", "hint",
    ] {
        assert!(!first.body.contains(part), "{part}: {}", first.body);
    }
    let yaml = root
        .ask_with("GET", &path(&house), "accept: application/yaml\r\n", None)
        .await;
    assert_eq!(yaml.header("content-type"), Some("application/yaml"));
    assert_eq!(yaml.header("etag"), first.header("etag"));
    let read: Value = serde_saphyr::from_str(&yaml.body).unwrap();
    assert_eq!(read, shown);
}

/// What was shown of one tenant makes another the same; and doing it again does nothing.
#[tokio::test]
async fn a_document_moves_between_tenants_and_twice_is_once() {
    let (instance, root, house) = stage().await;
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let limits = json!({"limits": {"requests_per_minute": 7}});
    let team = house.path("/api/v1/tenants/{tenant}/teams/{team}");
    assert_eq!(root.ask("PATCH", &team, Some(&limits)).await.status, 200);
    let mut wanted = document(&root, &house).await;
    wanted["tenant"]["name"] = "copy".into();
    let copy = root.make("/api/v1/tenants", &json!({"name": "copy"})).await;
    let copy = House {
        tenant: copy["id"].as_str().unwrap().to_owned(),
        ..house.clone()
    };
    let planned = apply(&root, &copy, "?dry_run=true", &wanted).await;
    assert_eq!(planned.json()["secrets"], json!([]));
    assert_eq!(
        document(&root, &copy).await["teams"],
        json!([]),
        "nothing was done"
    );
    let done = apply(&root, &copy, "", &wanted).await;
    assert_eq!(verbs(&done), verbs(&planned));
    assert_eq!(document(&root, &copy).await, wanted);
    let secrets = done.json()["secrets"].as_array().unwrap().clone();
    let kinds: Vec<_> = secrets.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user", "user", "key"]);
    assert!(secrets[2]["secret"].as_str().unwrap().starts_with("btz_"));
    // The token of somebody who was made sets their password.
    let body = json!({"tenant": "copy", "email": secrets[0]["name"], "token": secrets[0]["secret"], "password": crate::scene::PASSWORD});
    assert_eq!(instance.post("/api/v1/password", &body).await.status, 204);
    for query in ["", "?prune=true", "?dry_run=true"] {
        let again = apply(&root, &copy, query, &wanted).await;
        assert_eq!(verbs(&again), Vec::<String>::new(), "{query}");
    }
}

#[tokio::test]
async fn agp_t3_what_a_document_does_not_name_ends_only_when_that_is_asked_for() {
    let (_instance, root, house) = stage().await;
    let mut wanted = document(&root, &house).await;
    for section in ["grants", "keys", "services"] {
        wanted[section] = json!([]);
    }
    wanted["budgets"].as_array_mut().unwrap().pop();
    wanted["projects"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "find", "team": "one"}));
    let kept = apply(&root, &house, "", &wanted).await;
    assert_eq!(verbs(&kept), ["create project find"]);
    let pruned = apply(&root, &house, "?prune=true", &wanted).await;
    assert_eq!(
        verbs(&pruned),
        [
            "remove budget one/team",
            "remove key one/ci",
            "remove grant plain@example.com: viewer of two",
            "disable service crawler"
        ]
    );
    let key = root.get(&house.path("/api/v1/tenants/{tenant}/keys/{key}")).await;
    assert_eq!(key.json()["state"], "revoked");
    let service = root
        .get(&house.path("/api/v1/tenants/{tenant}/services/{service}"))
        .await;
    assert_eq!(service.json()["state"], "disabled");
    assert_eq!(
        verbs(&apply(&root, &house, "?prune=true", &wanted).await),
        Vec::<String>::new()
    );
    // A section that is left out is left alone; an empty one is not.
    let bare = json!({"tenant": {"name": "home"}});
    assert_eq!(
        verbs(&apply(&root, &house, "?prune=true", &bare).await),
        Vec::<String>::new()
    );
}

/// A project that keys were made in stays, as it does singly; and teams stay.
#[tokio::test]
async fn what_cannot_be_removed_stays_and_is_said_to() {
    let (_instance, root, house) = stage().await;
    let body = json!({"name": "in project", "project": house.project});
    root.make(&house.path("/api/v1/tenants/{tenant}/teams/{team}/keys"), &body)
        .await;
    let bare = json!({"tenant": {"name": "home"}, "projects": [], "keys": []});
    let pruned = apply(&root, &house, "?prune=true", &bare).await;
    assert_eq!(verbs(&pruned), ["remove key one/in project", "remove key one/ci"]);
    assert!(
        pruned.json()["remarks"][0]
            .as_str()
            .unwrap()
            .contains("`search` stays")
    );
}

/// Whoever may not do a thing singly does not do it in a document either, and then nothing of it is done.
#[tokio::test]
async fn anp_0014_nobody_does_in_bulk_what_they_may_not_singly() {
    let (instance, root, house) = stage().await;
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    let before = document(&admin, &house).await;
    let at = |section: &str| before[section].as_array().unwrap().len();
    let tries: [(&str, Value, String); 4] = [
        (
            "budgets",
            json!({"name": "mine", "limit_nanos": 1, "window": "day"}),
            format!("/budgets/{}", at("budgets")),
        ),
        (
            "grants",
            json!({"user": "admin@example.com", "role": "finance"}),
            format!("/grants/{}", at("grants")),
        ),
        (
            "grants",
            json!({"user": "plain@example.com", "role": "platform_admin"}),
            format!("/grants/{}", at("grants")),
        ),
        (
            "limits",
            json!({"requests_per_minute": 1_000_000}),
            "/tenant".to_owned(),
        ),
    ];
    for (section, addition, pointer) in tries {
        let mut wanted = before.clone();
        // Something that is allowed, too: it must not be done.
        wanted["teams"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "new"}));
        if section == "limits" {
            wanted["tenant"]["limits"] = addition;
        } else {
            wanted[section].as_array_mut().unwrap().push(addition);
        }
        for query in ["?dry_run=true", ""] {
            let answer = apply(&admin, &house, query, &wanted).await;
            assert!([403, 422].contains(&answer.status), "{answer:?}");
            assert_eq!(refused(&answer).2, pointer, "{answer:?}");
        }
        assert_eq!(document(&admin, &house).await, before);
    }
    // Whoever reads all of it does not change it; others do not even see it.
    let auditor = root.invite(&instance, &house.tenant, "auditor@example.com").await;
    root.give(&auditor, "auditor", None).await;
    let wanted = document(&auditor, &house).await;
    assert_eq!(apply(&auditor, &house, "", &wanted).await.status, 403);
    let lead = root.invite(&instance, &house.tenant, "lead@example.com").await;
    root.give(&lead, "team_admin", Some(&house.team)).await;
    for answer in [
        lead.get(&path(&house)).await,
        apply(&lead, &house, "", &wanted).await,
    ] {
        assert_eq!(refused(&answer).0, 404);
    }
}

#[tokio::test]
async fn anp_0022_a_document_is_applied_to_what_was_seen_or_not_at_all() {
    let (_instance, root, house) = stage().await;
    let tag = root.get(&path(&house)).await.header("etag").unwrap().to_owned();
    let mut wanted = document(&root, &house).await;
    wanted["teams"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "three"}));
    let blind = root.ask_with("PUT", &path(&house), "", Some(&wanted)).await;
    assert_eq!(refused(&blind).1, "precondition_required");
    let with_tag = format!("if-match: {tag}\r\n");
    let dry = root
        .ask_with(
            "PUT",
            &format!("{}?dry_run=true", path(&house)),
            &with_tag,
            Some(&wanted),
        )
        .await;
    assert_eq!(
        dry.header("etag"),
        Some(tag.as_str()),
        "the tag that the plan was made for"
    );
    let done = root
        .ask_with("PUT", &path(&house), &with_tag, Some(&wanted))
        .await;
    assert_eq!(verbs(&done), ["create team three"]);
    let late = root
        .ask_with("PUT", &path(&house), &with_tag, Some(&wanted))
        .await;
    assert_eq!(refused(&late).1, "changed_meanwhile");
}

/// The answer may be lost: with an idempotency key its secrets are not.
#[tokio::test]
async fn a_document_that_comes_again_is_answered_again() {
    let (_instance, root, house) = stage().await;
    let mut wanted = document(&root, &house).await;
    let key = json!({"name": "new", "team": "one", "owner": {"service": "crawler"}, "all_models": true});
    wanted["keys"].as_array_mut().unwrap().push(key);
    let headers = "if-match: *\r\nidempotency-key: once\r\n";
    let first = root.ask_with("PUT", &path(&house), headers, Some(&wanted)).await;
    let second = root.ask_with("PUT", &path(&house), headers, Some(&wanted)).await;
    assert_eq!(verbs(&first), ["create key one/new"]);
    assert_eq!(first.body, second.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
}

/// Each step is recorded under the name it has singly; and that a document was applied, too.
#[tokio::test]
async fn agp_r3_every_step_leaves_its_record() {
    let (_instance, root, house) = stage().await;
    let mut wanted = document(&root, &house).await;
    wanted["teams"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "three"}));
    wanted["keys"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "new", "team": "three"}));
    wanted["users"][0]["state"] = "disabled".into();
    wanted["grants"] = json!([]);
    let done = apply(&root, &house, "", &wanted).await;
    assert_eq!(
        verbs(&done),
        [
            "create team three",
            "disable user plain@example.com",
            "create key three/new"
        ]
    );
    let secret = done.json()["secrets"][0]["secret"].as_str().unwrap().to_owned();
    let audit = root
        .get(&house.path("/api/v1/tenants/{tenant}/audit?limit=4"))
        .await;
    let records = audit.json();
    let acts: Vec<_> = (0..4)
        .map(|at| records["items"][at]["record"]["act"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        acts,
        [
            "keys.create",
            "users.update",
            "teams.create",
            "configuration.apply"
        ]
    );
    assert_eq!(
        records["items"][0]["record"]["target"],
        done.json()["secrets"][0]["id"]
    );
    assert_eq!(
        records["items"][1]["record"]["before"]["email"],
        "plain@example.com"
    );
    assert!(!audit.body.contains(&secret));
    // Disabling somebody ended their session.
    assert_eq!(house.user.get("/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn ctx_t2_nobody_shuts_themself_out() {
    let (instance, root, house) = stage().await;
    let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
    root.give(&admin, "tenant_admin", None).await;
    for section in ["users", "grants"] {
        let mut wanted = json!({"tenant": {"name": "home"}});
        wanted[section] = json!([]);
        let answer = apply(&admin, &house, "?prune=true", &wanted).await;
        assert_eq!(refused(&answer).1, "conflict", "{section}: {answer:?}");
        assert!(answer.body.contains("admin@example.com"));
    }
    assert_eq!(admin.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_document_that_makes_no_sense_is_refused_with_its_place() {
    let (_instance, root, house) = stage().await;
    let wrong = [
        (
            json!({"keys": [{"name": "k", "team": "one", "secret": "btz_mine"}]}),
            "/keys/0/secret",
        ),
        (
            json!({"keys": [{"name": "k", "team": "one", "expires": "2020-01-01T00:00:00Z"}]}),
            "/keys/0",
        ),
        (
            json!({"keys": [{"name": "k", "team": "two", "owner": {"service": "crawler"}}]}),
            "/keys/0",
        ),
        (
            json!({"keys": [{"name": "k", "team": "two", "project": "search"}]}),
            "/keys/0",
        ),
        (
            json!({"keys": [{"name": "k", "team": "nowhere"}]}),
            "/keys/0/team",
        ),
        (
            json!({"keys": [{"name": "k", "team": "one", "hint": "x"}]}),
            "/keys/0/hint",
        ),
        (json!({"teams": [{"name": "x"}, {"name": " x "}]}), "/teams/1"),
        (json!({"teams": [{"name": ""}]}), "/teams/0/name"),
        (
            json!({"users": [{"email": "nobody", "name": "x"}]}),
            "/users/0/email",
        ),
        (json!({"grants": [{"role": "viewer"}]}), "/grants/0"),
        (
            json!({"grants": [{"user": "plain@example.com", "role": "king"}]}),
            "/grants/0/role",
        ),
        (
            json!({"budgets": [{"name": "b", "limit_nanos": -1, "window": "day"}]}),
            "/budgets/0/limit_nanos",
        ),
        (
            json!({"budgets": [{"name": "all", "limit_nanos": 1, "window": "day"}]}),
            "/budgets/0/window",
        ),
        (
            json!({"budgets": [{"name": "b", "limit_nanos": 1, "window": "day", "of": {"key": "ci"}}]}),
            "/budgets/0/of",
        ),
        (
            json!({"projects": [{"name": "search", "team": "two"}]}),
            "/projects/0/team",
        ),
        (
            json!({"services": [{"name": "crawler", "team": "one", "state": "disabled"}], "keys": [{"name": "ci", "team": "one"}]}),
            "/keys/0",
        ),
    ];
    let before = document(&root, &house).await;
    for (mut wanted, pointer) in wrong {
        wanted["tenant"] = json!({"name": "home"});
        let answer = apply(&root, &house, "", &wanted).await;
        assert!([400, 422].contains(&answer.status), "{pointer}: {answer:?}");
        assert_eq!(refused(&answer).2, pointer, "{answer:?}");
    }
    let many: Vec<_> = (0..1001).map(|n| json!({"name": format!("t{n}")})).collect();
    let answer = apply(
        &root,
        &house,
        "",
        &json!({"tenant": {"name": "home"}, "teams": many}),
    )
    .await;
    assert!(answer.body.contains("1001 steps"), "{answer:?}");
    assert_eq!(document(&root, &house).await, before);
    // Two that a document could not tell apart.
    let keys = house.path("/api/v1/tenants/{tenant}/teams/{team}/keys");
    root.make(&keys, &json!({"name": "ci"})).await;
    let answer = root.get(&path(&house)).await;
    assert_eq!(refused(&answer).1, "conflict");
    assert!(answer.body.contains("one/ci"), "{answer:?}");
    // The instance's own tenant is no document.
    let staff = root.get("/api/v1/tenants/platform/configuration").await;
    assert_eq!(staff.status, 404);
}

/// An instance without a house, where these acts want a second person: a tenant with a project.
async fn bare(acts: Vec<Permission>) -> (Instance, Person, String, Value) {
    let instance = Instance::with(Posture::Development, acts).await;
    let root = instance.root().await;
    let made = root.make("/api/v1/tenants", &json!({"name": "bare"})).await;
    let path = format!("/api/v1/tenants/{}/configuration", made["id"].as_str().unwrap());
    let wanted = json!({"tenant": {"name": "bare"}, "teams": [{"name": "t"}], "projects": [{"name": "p", "team": "t"}]});
    (instance, root, path, wanted)
}

/// The second person approves one act and sees all of it: what wants one is not hidden in a document.
#[tokio::test]
async fn anp_0014_what_wants_a_second_person_is_not_done_in_bulk() {
    let none = json!({"tenant": {"name": "bare"}, "teams": [{"name": "new"}], "projects": []});
    let (_instance, root, path, wanted) = bare(vec![Permission::ProjectsDelete]).await;
    assert_eq!(root.ask("PUT", &path, Some(&wanted)).await.status, 200);
    let before = root.get(&path).await.body;
    for query in ["?prune=true", "?prune=true&dry_run=true"] {
        let refused = root.ask("PUT", &format!("{path}{query}"), Some(&none)).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.body.contains("second person"), "{refused:?}");
    }
    assert_eq!(root.get(&path).await.body, before);
    // Where it wants none, it is done.
    let (_instance, root, path, wanted) = bare(Vec::new()).await;
    assert_eq!(root.ask("PUT", &path, Some(&wanted)).await.status, 200);
    let done = root.ask("PUT", &format!("{path}?prune=true"), Some(&none)).await;
    assert_eq!(verbs(&done), ["create team new", "remove project p"]);
}

/// Where documents as such want a second person, they see the plan, and nothing is done before.
#[tokio::test]
async fn anp_0014_a_document_waits_for_its_second_person() {
    let (instance, root, path, wanted) = bare(vec![Permission::ConfigurationApply]).await;
    let other = root.invite(&instance, "platform", "other@example.com").await;
    root.give(&other, "platform_admin", None).await;
    let waits = root.ask("PUT", &path, Some(&wanted)).await;
    assert_eq!(waits.status, 202, "{waits:?}");
    assert!(
        waits.body.contains("create team t") && waits.body.contains("create project p"),
        "{waits:?}"
    );
    let id = waits.json()["id"].as_str().unwrap().to_owned();
    let approvals = path.replace("configuration", &format!("approvals/{id}/approve"));
    let headers = format!("if-match: *\r\napproval: {id}\r\n");
    let early = root.ask_with("PUT", &path, &headers, Some(&wanted)).await;
    assert_eq!(refused(&early).1, "approval_invalid");
    assert_eq!(root.get(&path).await.json()["teams"], json!([]));
    let approved = other.post(&approvals, &json!({})).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    let mut more = wanted.clone();
    more["teams"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "smuggled"}));
    let smuggled = root.ask_with("PUT", &path, &headers, Some(&more)).await;
    assert_eq!(refused(&smuggled).1, "approval_invalid");
    let done = root.ask_with("PUT", &path, &headers, Some(&wanted)).await;
    assert_eq!(verbs(&done), ["create team t", "create project p"]);
    let again = root.ask_with("PUT", &path, &headers, Some(&wanted)).await;
    assert_ne!(again.status, 202, "an approval is good once");
}
