//! History's control API on the real binary, asked by everybody there is: an administrator and an auditor of the tenant,
//! somebody of it without a role, whoever runs the platform, and another tenant's administrator.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Gate, Reply};

use crate::administration::{PASSWORD, setup_token};
use crate::scene::{Scene, call};

/// In the answer that is kept: whoever may not read must not see it anywhere.
const PLAIN: &str = "the zebra of Königsberg";
/// The promise is a second; a machine that does other things beside is given more.
const BOUND: Duration = Duration::from_secs(10);

pub async fn make(client: &Client, path: &str, body: &Value) -> Value {
    let made = client.post(path, body).await;
    assert_eq!(made.status, 201, "{path}: {}", made.text());
    made.json()
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

pub async fn root(gate: &Gate) -> Client {
    let body = json!({
        "token": setup_token(gate).await, "email": "root@example.com", "name": "Root", "password": PASSWORD
    });
    let made = make(&gate.control(), "/api/v1/setup", &body).await;
    gate.control().bearer(&text(&made, "token"))
}

/// Somebody of a tenant, with a role or without.
pub async fn person(
    gate: &Gate,
    root: &Client,
    (id, name): (&str, &str),
    who: &str,
    role: Option<&str>,
) -> Client {
    let email = format!("{who}@{name}.example");
    let user = json!({"email": email, "name": who});
    let made = make(root, &format!("/api/v1/tenants/{id}/users"), &user).await;
    let set = json!({"tenant": name, "email": email, "token": made["setup_token"], "password": PASSWORD});
    assert_eq!(gate.control().post("/api/v1/password", &set).await.status, 204);
    if let Some(role) = role {
        let holder = made["user"]["id"].as_str().or(made["id"].as_str()).unwrap();
        let grant = json!({"holder": holder, "role": role});
        make(root, &format!("/api/v1/tenants/{id}/grants"), &grant).await;
    }
    let sign_in = json!({"tenant": name, "email": email, "password": PASSWORD});
    let session = make(&gate.control(), "/api/v1/sessions", &sign_in).await;
    gate.control().bearer(&text(&session, "token"))
}

pub async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    let client = client
        .header("if-match", "*")
        .header("content-type", "application/json");
    let sent = Bytes::from(body.to_string());
    client.request(Method::PUT, path, sent).await.unwrap()
}

/// Everything of history's API that reads content, reads about it, or changes what is kept.
async fn ask(client: &Client, base: &str, id: &str) -> Vec<(&'static str, Answer)> {
    let at = |rest: &str| format!("{base}/{rest}");
    let keep = json!({"kept": "full", "days": 7});
    let purge = json!({"before": "2020-01-01T00:00:00Z"});
    vec![
        ("level", client.get(&at("history")).await),
        ("list", client.get(&at("exchanges")).await),
        ("check", client.get(&at("exchanges/check")).await),
        ("read", client.get(&at(&format!("exchanges/{id}"))).await),
        ("export", client.get(&at("exchanges/export")).await),
        ("keep", put(client, &at("history"), &keep).await),
        ("purge", client.post(&at("exchanges/purge"), &purge).await),
    ]
}

fn statuses(answers: &[(&'static str, Answer)]) -> Vec<(&'static str, u16)> {
    answers
        .iter()
        .map(|(what, answer)| (*what, answer.status))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0010_agp_e1_history_is_its_tenants_and_each_person_gets_what_is_theirs() {
    let scene = Scene::with("ledger: { checkpoint_every_ms: 1000 }\n").await;
    let gate = &scene.gate;
    scene.provider.script("*", Reply::text(PLAIN));
    let root = root(gate).await;
    let (mut tenants, mut bases) = (Vec::new(), Vec::new());
    for name in ["acme", "rival"] {
        let id = text(
            &make(&root, "/api/v1/tenants", &json!({"name": name})).await,
            "id",
        );
        bases.push(format!("/api/v1/tenants/{id}"));
        tenants.push((id, name));
    }
    let [acme, rival] = [&tenants[0], &tenants[1]].map(|(id, name)| (id.as_str(), *name));
    let base = bases[0].as_str();
    let team = text(
        &make(&root, &format!("{base}/teams"), &json!({"name": "default"})).await,
        "id",
    );
    let key = json!({"name": "ci", "all_models": true});
    let key = make(&root, &format!("{base}/teams/{team}/keys"), &key).await;
    let calls = gate.data().bearer(&text(&key, "secret"));
    let admin = person(gate, &root, acme, "ann", Some("tenant_admin")).await;
    let auditor = person(gate, &root, acme, "eve", Some("auditor")).await;
    let member = person(gate, &root, acme, "bob", None).await;
    let stranger = person(gate, &root, rival, "mallory", Some("tenant_admin")).await;

    let level = format!("{base}/history");
    assert_eq!(
        admin.get(&level).await.json(),
        json!({"kept": "none", "days": 30})
    );
    for wrong in [
        json!({"kept": "all"}),
        json!({"kept": "full", "days": 0}),
        json!({"kept": "full", "days": 3654}),
    ] {
        let refused = put(&admin, &level, &wrong).await;
        assert!(
            (400..=422).contains(&refused.status),
            "{wrong}: {}",
            refused.text()
        );
    }
    let keep = json!({"kept": "full", "days": 7});
    let kept = put(&admin, &level, &keep).await;
    assert_eq!((kept.status, kept.json()), (200, keep), "{}", kept.text());

    // From the next second on a call is kept, and its administrator reads it.
    let since = Instant::now();
    let id = loop {
        let answer = calls.post("/v1/chat/completions", &call("m-oa")).await;
        assert!(since.elapsed() < BOUND, "{}", answer.text());
        if answer.status == 200 {
            let id = answer.header("x-request-id").unwrap().to_owned();
            let one = admin.get(&format!("{base}/exchanges/{id}")).await;
            if one.status == 200 && one.json()["standing"] == "original" {
                assert!(one.text().contains(PLAIN), "{}", one.text());
                break id;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Its list has a page and a cursor, and nothing of what was said.
    let listed = admin.get(&format!("{base}/exchanges?limit=1")).await;
    assert_eq!(
        listed.json()["items"].as_array().unwrap().len(),
        1,
        "{}",
        listed.text()
    );
    let exported = admin.get(&format!("{base}/exchanges/export")).await;
    let line = exported
        .text()
        .lines()
        .find(|line| line.contains(&id))
        .unwrap()
        .to_owned();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["format"], "bartizan-exchange/1");
    assert!(
        line["exchange"]["answer"]["text"]
            .as_str()
            .unwrap()
            .contains(PLAIN)
    );

    // An auditor sees that and what is kept, and not what was said; nor do they decide it.
    let seen = ask(&auditor, base, &id).await;
    let (about, content) = seen.split_at(3);
    assert!(
        statuses(about).iter().all(|(_, status)| *status == 200),
        "{:?}",
        statuses(&seen)
    );
    assert!(
        statuses(content)
            .iter()
            .all(|(_, status)| matches!(status, 403 | 404)),
        "{:?}",
        statuses(&seen)
    );
    // Somebody without a role, and whoever runs the platform, sees no content; another tenant's administrator nothing.
    let of_member = ask(&member, base, &id).await;
    assert!(
        statuses(&of_member)
            .iter()
            .all(|(_, status)| matches!(status, 403 | 404)),
        "{:?}",
        statuses(&of_member)
    );
    let of_root = ask(&root, base, &id).await;
    assert!(
        statuses(&of_root[3..])
            .iter()
            .all(|(_, status)| matches!(status, 403 | 404)),
        "{:?}",
        statuses(&of_root)
    );
    let of_stranger = ask(&stranger, base, &id).await;
    assert!(
        statuses(&of_stranger).iter().all(|(_, status)| *status == 404),
        "{:?}",
        statuses(&of_stranger)
    );
    let through_own = stranger.get(&format!("{}/exchanges/{id}", bases[1])).await;
    assert_eq!(through_own.status, 404, "{}", through_own.text());
    let nobody = ask(&gate.control(), base, &id).await;
    assert!(
        statuses(&nobody).iter().all(|(_, status)| *status == 401),
        "{:?}",
        statuses(&nobody)
    );
    let all = [seen, of_member, of_root, of_stranger, nobody];
    for (what, answer) in all.iter().flatten() {
        assert!(!answer.text().contains("zebra"), "{what}: {}", answer.text());
    }
    assert_eq!(
        admin.get(&level).await.json()["days"],
        7,
        "none of them changed what is kept"
    );
    assert_eq!(
        admin.get(&format!("{base}/exchanges/{id}")).await.status,
        200,
        "or removed any"
    );

    // The administrator purges: who, when and how much stands in the check, and nothing is called missing.
    let purge = json!({"before": "2100-01-01T00:00:00Z"});
    let purged = admin.post(&format!("{base}/exchanges/purge"), &purge).await;
    assert_eq!(purged.status, 200, "{}", purged.text());
    let since = Instant::now();
    let looked = loop {
        let looked = admin.get(&format!("{base}/exchanges/check")).await.json();
        assert!(since.elapsed() < BOUND, "{looked}");
        if looked["removed"].as_u64() > Some(0) && looked["unrecorded"] == 0 {
            break looked;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        (&looked["missing"], &looked["original"]),
        (&json!(0), &json!(0)),
        "{looked}"
    );
    let by = &looked["removals"][0];
    assert_eq!(
        (&by["reason"], &by["by"]),
        (&json!("purged"), &json!("ann@acme.example")),
        "{looked}"
    );
    assert_eq!(by["exchanges"], looked["removed"], "{looked}");
    let one = admin.get(&format!("{base}/exchanges/{id}")).await.json();
    assert_eq!(
        (&one["standing"], &one["exchange"]),
        (&json!("removed"), &Value::Null),
        "{one}"
    );
    assert_eq!(one["removed"]["record"], by["record"], "{one}");
    // Each reading and each change is in the tenant's own audit log.
    let audit = admin.get(&format!("{base}/audit?limit=200")).await.text();
    for act in [
        "history.update",
        "history.purge",
        "exchanges.read",
        "exchanges.export",
    ] {
        assert!(audit.contains(act), "{act} is not in {audit}");
    }
}

/// Keeping more, or for longer, takes two people where that is configured; keeping less is at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0014_anp_0010_only_a_widening_of_what_is_kept_waits_for_a_second_person() {
    let scene = Scene::with("approvals: { acts: [history.update] }\n").await;
    let gate = &scene.gate;
    let root = root(gate).await;
    let id = text(
        &make(&root, "/api/v1/tenants", &json!({"name": "acme"})).await,
        "id",
    );
    let base = format!("/api/v1/tenants/{id}");
    let ann = person(gate, &root, (&id, "acme"), "ann", Some("tenant_admin")).await;
    let dan = person(gate, &root, (&id, "acme"), "dan", Some("tenant_admin")).await;
    let level = format!("{base}/history");
    let of = |kept: &str, days: u16| json!({"kept": kept, "days": days});
    let now = async || ann.get(&level).await.json();

    let wish = put(&ann, &level, &of("full", 7)).await;
    assert_eq!(wish.status, 202, "{}", wish.text());
    assert_eq!(now().await, of("none", 30), "nothing is done yet");
    let approval = text(&wish.json(), "id");
    let yes = dan
        .post(
            &format!("{base}/approvals/{approval}/approve"),
            &json!({"reason": "agreed"}),
        )
        .await;
    assert_eq!(yes.status, 200, "{}", yes.text());
    let done = put(&ann.header("approval", &approval), &level, &of("full", 7)).await;
    assert_eq!(
        (done.status, now().await),
        (200, of("full", 7)),
        "{}",
        done.text()
    );

    for (kept, days) in [("redacted", 7), ("redacted", 3), ("metadata", 2)] {
        let less = put(&ann, &level, &of(kept, days)).await;
        assert_eq!(
            (less.status, now().await),
            (200, of(kept, days)),
            "{}",
            less.text()
        );
    }
    // More of one is more, whatever is less of the other; and what is there already would stay for longer.
    for (kept, days) in [("redacted", 1), ("metadata", 3), ("none", 3)] {
        let more = put(&ann, &level, &of(kept, days)).await;
        assert_eq!(
            (more.status, now().await),
            (202, of("metadata", 2)),
            "{kept} {days}: {}",
            more.text()
        );
    }
    // In a document it is the same: less is done, and what wants two people is not done along the way.
    let document = |history: Value| json!({"tenant": {"name": "acme", "history": history}});
    let path = format!("{base}/configuration");
    let more = put(&ann, &path, &document(of("full", 2))).await;
    assert!(
        more.status == 403 && more.text().contains("second person"),
        "{}",
        more.text()
    );
    let less = put(&ann, &path, &document(of("metadata", 1))).await;
    assert_eq!(
        (less.status, now().await),
        (200, of("metadata", 1)),
        "{}",
        less.text()
    );
    let nothing = put(&ann, &level, &of("none", 1)).await;
    assert_eq!(
        (nothing.status, now().await),
        (200, of("none", 1)),
        "{}",
        nothing.text()
    );
}
