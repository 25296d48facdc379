//! How tenants guard their own calls, on a real gate: two tenants and an instance that asks something of all. A profile
//! holds for whom it names and for nobody else, loosens nothing, and passes what it excepts until its time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::UnixMillis;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::history_people::{make, person, put, root, text};
use crate::scene::{Scene, code};

const CHAT: &str = "/v1/chat/completions";
const EMAIL: &str = "ada.lovelace@analytical-engine.org";
const OTHER: &str = "grace.hopper@analytical-engine.org";
/// The promise is a second; a machine that does other things beside is given more.
const BOUND: Duration = Duration::from_secs(20);

/// A tenant with two teams, a key in each, and its administrator.
pub struct House {
    pub base: String,
    pub one: Client,
    pub other: Client,
    pub admin: Client,
    /// A project of the first team's.
    pub project: String,
}

impl House {
    pub async fn build(scene: &Scene, root: &Client, name: &str) -> Self {
        let gate = &scene.gate;
        let made = make(root, "/api/v1/tenants", &json!({"name": name})).await;
        let id = text(&made, "id");
        let base = format!("/api/v1/tenants/{id}");
        let (mut keys, mut project) = (Vec::new(), String::new());
        for team in ["care", "sales"] {
            let made = make(root, &format!("{base}/teams"), &json!({"name": team})).await;
            let team_id = text(&made, "id");
            if team == "care" {
                let path = format!("{base}/teams/{team_id}/projects");
                project = text(&make(root, &path, &json!({"name": "shop"})).await, "id");
            }
            let path = format!("{base}/teams/{team_id}/keys");
            let key = make(root, &path, &json!({"name": team, "all_models": true})).await;
            keys.push(gate.data().bearer(&text(&key, "secret")));
        }
        let admin = person(
            gate,
            root,
            (&id, name),
            &format!("admin-{name}"),
            Some("tenant_admin"),
        )
        .await;
        let [one, other] = [&keys[0], &keys[1]].map(Client::clone);
        let house = Self {
            base,
            one,
            other,
            admin,
            project,
        };
        for client in [&house.one, &house.other] {
            until("the key is known", || async {
                say(client, "hello").await.status == 200
            })
            .await;
        }
        house
    }

    pub fn guards(&self) -> String {
        format!("{}/guards", self.base)
    }

    pub async fn put(&self, document: &Value) -> Answer {
        put(&self.admin, &self.guards(), document).await
    }
}

pub async fn say(client: &Client, text: &str) -> Answer {
    let body = json!({"model": "m-oa", "max_tokens": 5, "messages": [{"role": "user", "content": text}]});
    client.post(CHAT, &body).await
}

pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let since = Instant::now();
    while !is_so().await {
        assert!(since.elapsed() < BOUND, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

pub fn blocks(name: &str, team: &str) -> Value {
    json!({"name": name, "when": {"teams": [team]}, "guards": {"personal": {"input": "block", "kinds": ["email"]}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0011_anp_0017_anp_0020_a_tenants_profile_holds_for_whom_it_names_and_for_nobody_else() {
    let extra = "guards: { secrets: { input: block }, profiles: [
      { name: everywhere, when: { teams: [sales] }, guards: { personal: { input: redact } } },
      { name: of-acme, when: { tenants: [acme] }, shadow: true },
      { name: of-rival, when: { tenants: [rival] } } ] }\n";
    let scene = Scene::with(extra).await;
    let root = root(&scene.gate).await;
    let (acme, rival) = (
        House::build(&scene, &root, "acme").await,
        House::build(&scene, &root, "rival").await,
    );
    let mail = format!("please write to {EMAIL} today");
    let empty = acme.admin.get(&acme.guards()).await;
    assert_eq!(empty.json()["number"], 0, "{}", empty.text());
    // What the instance asks is shown by name, but for what is about other tenants alone.
    let shown = json!([{"name": "everywhere", "shadow": false}, {"name": "of-acme", "shadow": true}]);
    assert_eq!(empty.json()["instance"], shown);

    // What cannot be done, or would never apply, is refused with its place.
    let nobody = json!({"profiles": [blocks("strict", "cares")]});
    for (wrong, place) in [
        (json!({"profiles": [{"name": ""}]}), "/profiles/0/name"),
        (json!({"profiles": [{"name": "instance"}]}), "/profiles/0/name"),
        (nobody, "/profiles/0/when/teams/0"),
        (
            json!({"profiles": [{"name": "a", "when": {"tenants": ["rival"]}}]}),
            "/profiles/0/when/tenants/0",
        ),
        (
            json!({"profiles": [{"name": "a"}, {"name": "b", "when": {"projects": [acme.project, rival.project]}}]}),
            "/profiles/1/when/projects/1",
        ),
        (
            json!({"exceptions": [{"rule": "email_address", "until_ms": 1, "reason": "one", "when": {"projects": ["shop"]}}]}),
            "/exceptions/0/when/projects/0",
        ),
        (
            json!({"exceptions": [{"rule": "email_address", "until_ms": 1, "reason": " "}]}),
            "/exceptions/0/reason",
        ),
    ] {
        let refused = acme.put(&wrong).await;
        let got = (refused.status, refused.json()["pointer"].clone());
        assert_eq!(got, (422, json!(place)), "{}", refused.text());
    }

    let document = json!({"profiles": [blocks("no-mail-in-care", "care")]});
    let set = acme.put(&document).await;
    assert_eq!(
        (set.status, &set.json()["number"]),
        (200, &json!(1)),
        "{}",
        set.text()
    );
    until("care is guarded", || async {
        say(&acme.one, &mail).await.status == 400
    })
    .await;
    scene.provider.forget_requests();
    let refused = say(&acme.one, &mail).await;
    assert_eq!(code(&refused), "input_blocked");
    let said = refused.text();
    assert!(
        said.contains("no-mail-in-care") && !said.contains(EMAIL),
        "{said}"
    );
    assert!(scene.provider.requests().is_empty(), "nothing was sent");
    for client in [&rival.one, &rival.other, &acme.other] {
        assert_eq!(say(client, &mail).await.status, 200);
    }
    // The other team meets the instance's profile, which it had before.
    let sent: Vec<String> = scene
        .provider
        .requests()
        .iter()
        .map(|it| it.json().to_string())
        .collect();
    assert!(
        sent[0].contains(EMAIL) && sent[2].contains("[redacted:email"),
        "{sent:?}"
    );

    // Loosening has no effect: neither off, nor observing, nor an exception takes away what the instance asks.
    let loose = json!({
        "profiles": [{"name": "loose", "guards": {
            "secrets": {"input": "off", "output": "off"},
            "personal": {"input": "observe"}}}],
        "exceptions": [{"rule": "github_token", "until_ms": i64::MAX, "reason": "we want it"},
                       {"rule": "email_address", "until_ms": i64::MAX, "reason": "we want it"}]});
    let set = acme.put(&loose).await;
    assert_eq!(
        (set.status, &set.json()["number"]),
        (200, &json!(2)),
        "{}",
        set.text()
    );
    until("care is guarded no more", || async {
        say(&acme.one, &mail).await.status == 200
    })
    .await;
    let secret = format!("ghp_{}", "aZ3kQ9xW7mPq2LrT5vYb8NcD1fGh4JkS6uXe");
    let token = say(&acme.one, &format!("the token is {secret}")).await;
    assert_eq!(
        (token.status, code(&token).as_str()),
        (400, "input_blocked"),
        "{}",
        token.text()
    );
    scene.provider.forget_requests();
    assert_eq!(say(&acme.other, &mail).await.status, 200);
    let sent = scene.provider.requests()[0].json().to_string();
    assert!(
        sent.contains("[redacted:email") && !sent.contains(EMAIL),
        "{sent}"
    );

    // Nobody of another tenant reads or sets it, and all of it is on record.
    for path in [acme.guards(), format!("{}/versions", acme.guards())] {
        assert_eq!(rival.admin.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(put(&rival.admin, &acme.guards(), &document).await.status, 404);
    let versions = acme
        .admin
        .get(&format!("{}/versions", acme.guards()))
        .await
        .json();
    let items = versions["items"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|one| (&one["number"], &one["by"])).collect();
    let by = json!("admin-acme@acme.example");
    assert_eq!(told, [(&json!(1), &by), (&json!(2), &by)], "{versions}");
    assert_eq!(items[0]["profiles"][0]["name"], "no-mail-in-care");
    let audit = acme
        .admin
        .get(&format!("{}/audit?act=guards.update", acme.base))
        .await
        .json();
    let done = audit["items"].as_array().unwrap().iter();
    assert_eq!(done.filter(|one| one["outcome"] == "done").count(), 2, "{audit}");

    // Taken away, the instance's alone are left; the versions stay.
    let gone = acme
        .admin
        .request(Method::DELETE, &acme.guards(), Bytes::new())
        .await
        .unwrap();
    assert_eq!(gone.status, 204, "{}", gone.text());
    let after = acme.admin.get(&acme.guards()).await.json();
    assert_eq!((&after["number"], &after["profiles"]), (&json!(3), &json!([])));
    let again = acme
        .admin
        .request(Method::DELETE, &acme.guards(), Bytes::new())
        .await
        .unwrap();
    assert_eq!(again.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0017_a_tenants_exception_passes_what_it_names_until_its_time() {
    let scene = Scene::with("").await;
    let root = root(&scene.gate).await;
    let acme = House::build(&scene, &root, "acme").await;
    let (known, stranger) = (
        format!("write to {EMAIL} today"),
        format!("write to {OTHER} today"),
    );
    let until_ms = UnixMillis::now().0 + 6_000;
    let document = json!({
        "profiles": [blocks("strict", "care")],
        "exceptions": [{"rule": "email_address", "sha256": guard::exception_digest(EMAIL), "until_ms": until_ms,
                        "reason": "she answers for the service"}]});
    let set = acme.put(&document).await;
    assert_eq!(set.status, 200, "{}", set.text());
    assert_eq!(set.json()["exceptions_over"], json!([]));
    until("strangers are guarded", || async {
        say(&acme.one, &stranger).await.status == 400
    })
    .await;
    if UnixMillis::now().0 < until_ms - 1_000 {
        let passed = say(&acme.one, &known).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
    }
    until("its time is over", || async {
        say(&acme.one, &known).await.status == 400
    })
    .await;
    assert!(UnixMillis::now().0 >= until_ms);
    let shown = acme.admin.get(&acme.guards()).await;
    assert_eq!(shown.json()["exceptions_over"], json!([0]), "{}", shown.text());
    // What only time changed is not changed: the tag that came with it is still good.
    let tag = set.header("etag").unwrap();
    assert_eq!(shown.header("etag"), Some(tag));
    let client = acme
        .admin
        .header("if-match", tag)
        .header("content-type", "application/json");
    let body = Bytes::from(json!({"profiles": []}).to_string());
    let done = client
        .request(Method::PUT, &acme.guards(), body.clone())
        .await
        .unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    let stale = client.request(Method::PUT, &acme.guards(), body).await.unwrap();
    assert_eq!(stale.status, 412, "{}", stale.text());
}
