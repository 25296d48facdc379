//! Single sign-on, with providers that say what they are told: who gets in with which roles, and who does
//! not.

use std::sync::Arc;

use policy::Posture;
use serde_json::{Value, json};

use crate::Answer;
use crate::openid::{Back, CLIENT, Provider, SECRET, Script, Turn, seal_as_before, sso_record};
use crate::scene::{Instance, PASSWORD, PUBLIC_URL, Person};

struct Scene {
    instance: Instance,
    root: Person,
    tenant: String,
    provider: Provider,
}

fn connection(provider: &Provider) -> Value {
    json!({
        "issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET,
        "domains": ["example.com"], "groups_claim": "groups", "create_users": true,
    })
}

impl Scene {
    async fn new() -> Self {
        let instance = Instance::start(Posture::Development).await;
        let root = instance.root().await;
        let tenant = tenant(&root, "acme").await;
        let provider = Provider::start().await;
        let scene = Self {
            instance,
            root,
            tenant,
            provider,
        };
        scene.set(&connection(&scene.provider)).await;
        scene
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/tenants/{}{rest}", self.tenant)
    }

    async fn set(&self, connection: &Value) {
        let set = self.root.ask("PUT", &self.path("/sso"), Some(connection)).await;
        assert_eq!(set.status, 200, "{set:?}");
    }

    async fn begin(&self) -> Value {
        begin(&self.instance, &json!({"tenant": self.tenant})).await
    }

    async fn sign_in(&self) -> Answer {
        let begun = self.begin().await;
        let back = self.provider.authorize(begun["address"].as_str().unwrap());
        finish(&self.instance, &begun, &back).await
    }

    async fn signed_in(&self) -> Person {
        let session = self.sign_in().await;
        assert_eq!(session.status, 201, "{session:?}");
        Person::of(self.instance.address, "ann@example.com", &session.json())
    }

    /// The newest refused sign-in's reason.
    async fn why(&self) -> String {
        let records = self
            .root
            .get(&self.path("/audit?act=sign_in_by_sso&limit=1"))
            .await
            .json();
        records["items"][0]["outcome"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Refused, for this reason; and then forgiven, so that the next is not slowed down.
    async fn refuses(&self, answer: &Answer, reason: &str) {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "sign_in_failed"),
            "{reason}: {answer:?}"
        );
        assert_eq!(self.why().await, reason);
    }

    async fn roles(&self, person: &Person) -> Vec<String> {
        let grants = self
            .root
            .get(&self.path(&format!("/grants?holder={}", person.id)))
            .await
            .json();
        let roles = grants["items"].as_array().unwrap().iter();
        let mut roles: Vec<String> = roles
            .map(|one| format!("{} {}", one["role"].as_str().unwrap(), one["by_sso"]))
            .collect();
        roles.sort();
        roles
    }
}

async fn tenant(root: &Person, name: &str) -> String {
    let made = root.make("/api/v1/tenants", &json!({"name": name})).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn begin(instance: &Instance, who: &Value) -> Value {
    let begun = instance.post("/api/v1/sessions/sso", who).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    begun.json()
}

async fn finish(instance: &Instance, begun: &Value, back: &Back) -> Answer {
    let body = json!({"ceremony": begun["ceremony"], "code": back.code, "state": back.state});
    instance.post("/api/v1/sessions/sso/finish", &body).await
}

#[tokio::test]
async fn people_sign_in_and_their_roles_follow_their_groups() {
    let scene = Scene::new().await;
    let team = scene
        .root
        .make(&scene.path("/teams"), &json!({"name": "one"}))
        .await["id"]
        .clone();
    let mut with = connection(&scene.provider);
    with["roles"] = json!([
        {"group": "auditors", "role": "auditor"},
        {"group": "engineers", "role": "member", "team": team},
        {"group": "everybody", "role": "member", "team": team},
    ]);
    with["second_factor"] = json!(["mfa"]);
    scene.set(&with).await;
    scene
        .provider
        .told(|it| it.person["groups"] = json!(["engineers", "everybody", "unknown"]));
    let ann = scene.signed_in().await;
    assert_eq!(scene.roles(&ann).await, ["member true"]);
    let me = ann.get("/api/v1/me").await.json();
    assert_eq!(
        (&me["name"], &me["second_factor"]),
        (&json!("ann@example.com"), &json!(false))
    );
    // A role given by hand stays; those of groups come and go.
    scene.root.give(&ann, "viewer", None).await;
    scene.provider.told(|it| it.person["groups"] = json!("auditors"));
    // The address is the provider's to change: it is the subject that is known.
    scene
        .provider
        .told(|it| it.person["email"] = json!("ann.new@example.com"));
    scene.provider.told(|it| it.person["amr"] = json!(["pwd", "mfa"]));
    let again = scene.signed_in().await;
    assert_eq!(again.id, ann.id);
    assert_eq!(scene.roles(&ann).await, ["auditor true", "viewer false"]);
    assert_eq!(again.get("/api/v1/me").await.json()["second_factor"], true);
    scene.provider.told(|it| it.person["groups"] = json!([]));
    scene.signed_in().await;
    assert_eq!(scene.roles(&ann).await, ["viewer false"]);
    // The end of single sign-on is the end of what came from it.
    scene
        .provider
        .told(|it| it.person["groups"] = json!(["auditors"]));
    scene.signed_in().await;
    let gone = scene.root.ask("DELETE", &scene.path("/sso"), None).await;
    assert_eq!(gone.status, 204);
    assert_eq!(scene.roles(&ann).await, ["viewer false"]);
    let said = scene
        .instance
        .post("/api/v1/sessions/sso", &json!({"tenant": "acme"}))
        .await;
    let nowhere = scene
        .instance
        .post("/api/v1/sessions/sso", &json!({"tenant": "nowhere"}))
        .await;
    assert_eq!((said.status, said.body), (404, nowhere.body));
}

#[tokio::test]
async fn agp_s3_a_token_that_is_not_for_this_sign_in_lets_nobody_in() {
    let claim =
        |name: &'static str, value: Value| -> Turn { Arc::new(move |claims| claims[name] = value.clone()) };
    let none = |name: &'static str| -> Turn {
        Arc::new(move |claims| {
            claims.as_object_mut().unwrap().remove(name);
        })
    };
    let turns: Vec<(&str, Turn)> = vec![
        ("sso_token_other_sign_in", claim("nonce", json!("another"))),
        ("sso_token_claims", none("nonce")),
        (
            "sso_token_issuer",
            claim("iss", json!("https://elsewhere.example")),
        ),
        ("sso_token_audience", claim("aud", json!("another client"))),
        ("sso_token_audience", claim("aud", json!([CLIENT, "another"]))),
        ("sso_token_audience", claim("azp", json!("another client"))),
        ("sso_token_audience", none("aud")),
        ("sso_token_times", claim("exp", json!(1_000_000_000))),
        ("sso_token_times", claim("iat", json!(1_000_000_000))),
        ("sso_token_times", claim("nbf", json!(33_000_000_000_i64))),
        ("sso_token_claims", none("exp")),
        ("sso_token_claims", none("sub")),
        (
            "sso_token_other_sign_in",
            claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ),
        ("sso_email_not_verified", claim("email_verified", json!(false))),
        ("sso_email_not_verified", none("email_verified")),
        ("sso_email_not_verified", none("email")),
        (
            "sso_email_of_another_domain",
            claim("email", json!("ann@elsewhere.example")),
        ),
        (
            "sso_email_of_another_domain",
            claim("email", json!("ann@sub.example.com")),
        ),
        (
            "sso_email_of_another_domain",
            claim("email", json!("ann@example.com@elsewhere.example")),
        ),
        ("sso_token_claims", claim("groups", json!([{"a": 1}]))),
    ];
    // A few at a time: whoever fails often is slowed down.
    for few in turns.chunks(8) {
        let scene = Scene::new().await;
        for (reason, turn) in few {
            scene.provider.told(|it| it.turn = Some(turn.clone()));
            scene.refuses(&scene.sign_in().await, reason).await;
            scene.provider.told(|it| it.turn = None);
            scene.signed_in().await;
        }
    }
    let scene = Scene::new().await;
    type Telling = (&'static str, fn(&mut Script));
    let tellings: [Telling; 3] = [
        ("sso_token_algorithm", |it| it.algorithm = "none"),
        ("sso_token_algorithm", |it| it.algorithm = "HS256"),
        ("sso_token_signature", |it| it.with_another_key = true),
    ];
    for (reason, tell) in tellings {
        scene.provider.told(tell);
        scene.refuses(&scene.sign_in().await, reason).await;
        scene
            .provider
            .told(|it| (it.algorithm, it.with_another_key) = ("ES256", false));
        scene.signed_in().await;
    }
}

#[tokio::test]
async fn ctx_t3_only_whoever_began_finishes_and_once() {
    let scene = Scene::new().await;
    let (mine, theirs) = (scene.begin().await, scene.begin().await);
    // Somebody who is sent another's code and state has not begun it.
    let back = scene.provider.authorize(theirs["address"].as_str().unwrap());
    scene
        .refuses(&finish(&scene.instance, &mine, &back).await, "sso_other_state")
        .await;
    assert_eq!(
        scene.provider.script.lock().unwrap().exchanges,
        0,
        "the code was not even sent"
    );
    // Nor does the right state help with another's code: the verifier is another.
    let own = scene.provider.authorize(mine["address"].as_str().unwrap());
    let mixed = Back {
        code: back.code.clone(),
        state: own.state.clone(),
    };
    scene
        .refuses(&finish(&scene.instance, &mine, &mixed).await, "sso_code_refused")
        .await;
    assert_eq!(finish(&scene.instance, &mine, &own).await.status, 201);
    // Neither the code nor the ceremony is good again.
    scene
        .refuses(&finish(&scene.instance, &mine, &own).await, "sso_code_refused")
        .await;
    let fresh = scene.provider.authorize(mine["address"].as_str().unwrap());
    assert_eq!(finish(&scene.instance, &mine, &fresh).await.status, 409);
    let begun = scene.begin().await;
    let back = scene.provider.authorize(begun["address"].as_str().unwrap());
    for (ceremony, status) in [
        ("", 422),
        ("AAAA", 422),
        (&begun["ceremony"].as_str().unwrap()[1..], 422),
    ] {
        let body = json!({"ceremony": ceremony, "code": back.code, "state": back.state});
        let said = scene.instance.post("/api/v1/sessions/sso/finish", &body).await;
        assert_eq!(said.status, status);
    }
    // Who sent them back must be who they were sent to (RFC 9207).
    let body = json!({"ceremony": begun["ceremony"], "code": back.code, "state": back.state, "iss": "https://elsewhere.example"});
    let said = scene.instance.post("/api/v1/sessions/sso/finish", &body).await;
    scene.refuses(&said, "sso_other_issuer").await;
    for redirect in [
        "http://127.0.0.1:80/sso?x",
        "http://127.0.0.1:99999/sso",
        "http://127.0.0.1:/sso",
        "http://127.0.0.1.evil.example:1/sso",
        "http://evil.example/sso",
        "http://127.0.0.1:1@evil.example/sso",
        "https://127.0.0.1:1/sso",
    ] {
        let who = json!({"tenant": "acme", "redirect": redirect});
        let said = scene.instance.post("/api/v1/sessions/sso", &who).await;
        assert_eq!(
            (said.status, said.json()["pointer"].as_str()),
            (422, Some("/redirect")),
            "{redirect}"
        );
    }
    for redirect in ["http://127.0.0.1:40123/sso", "http://[::1]:1/sso"] {
        begin(&scene.instance, &json!({"tenant": "acme", "redirect": redirect})).await;
    }
}

/// Each tenant's provider speaks for its own people only.
#[tokio::test]
async fn agp_e1_a_provider_speaks_for_no_other_tenant() {
    let scene = Scene::new().await;
    let other = tenant(&scene.root, "other").await;
    let evil = Provider::start().await;
    let set = scene
        .root
        .ask(
            "PUT",
            &format!("/api/v1/tenants/{other}/sso"),
            Some(&connection(&evil)),
        )
        .await;
    assert_eq!(set.status, 200);
    let ann = scene.signed_in().await;
    // The same subject and address at another tenant's provider is another person.
    let theirs = begin(&scene.instance, &json!({"tenant": other})).await;
    let back = evil.authorize(theirs["address"].as_str().unwrap());
    let session = finish(&scene.instance, &theirs, &back).await.json();
    assert_eq!(session["tenant"], json!(other));
    assert_ne!(session["user"], json!(ann.id));
    let stray = Person::of(scene.instance.address, "ann@example.com", &session);
    assert_eq!(stray.get(&scene.path("")).await.status, 404);
    // A code of one provider is no code of the other's, and its token is not believed there.
    let mine = scene.begin().await;
    let own = scene.provider.authorize(mine["address"].as_str().unwrap());
    let theirs = begin(&scene.instance, &json!({"tenant": other})).await;
    let back = evil.authorize(theirs["address"].as_str().unwrap());
    let mixed = Back {
        code: back.code,
        state: own.state.clone(),
    };
    scene
        .refuses(&finish(&scene.instance, &mine, &mixed).await, "sso_code_refused")
        .await;
    let issuer = evil.issuer.clone();
    scene
        .provider
        .told(|it| it.turn = Some(Arc::new(move |claims| claims["iss"] = json!(issuer))));
    scene
        .refuses(&finish(&scene.instance, &mine, &own).await, "sso_token_issuer")
        .await;
    // A provider that answers for another's issuer is not believed.
    let third = tenant(&scene.root, "third").await;
    let liar = Provider::start().await;
    let issuer = scene.provider.issuer.clone();
    liar.told(|it| it.metadata = Some(Arc::new(move |said| said["issuer"] = json!(issuer))));
    let path = format!("/api/v1/tenants/{third}/sso");
    scene.root.ask("PUT", &path, Some(&connection(&liar))).await;
    let said = scene
        .instance
        .post("/api/v1/sessions/sso", &json!({"tenant": third}))
        .await;
    assert_eq!((said.status, said.code().as_str()), (503, "unavailable"));
}

/// No group gives what whoever set it up could not give.
#[tokio::test]
async fn anp_0014_no_group_maps_to_a_role_above() {
    let scene = Scene::new().await;
    let guard = scene
        .root
        .invite(&scene.instance, &scene.tenant, "guard@example.com")
        .await;
    scene.root.give(&guard, "security_admin", None).await;
    let admin = scene
        .root
        .invite(&scene.instance, &scene.tenant, "admin@example.com")
        .await;
    scene.root.give(&admin, "tenant_admin", None).await;
    let other = tenant(&scene.root, "other").await;
    let path = format!("/api/v1/tenants/{other}/teams");
    let abroad = scene.root.make(&path, &json!({"name": "theirs"})).await["id"].clone();
    let with = |roles: Value| {
        let mut with = connection(&scene.provider);
        with["roles"] = roles;
        with
    };
    let put =
        async |who: &Person, roles: Value| who.ask("PUT", &scene.path("/sso"), Some(&with(roles))).await;
    let above = json!([{"group": "g", "role": "tenant_admin"}]);
    let said = put(&guard, above.clone()).await;
    assert_eq!(
        (said.status, said.json()["pointer"].as_str()),
        (403, Some("/roles/0"))
    );
    for who in [&admin, &guard, &scene.root] {
        let said = put(who, json!([{"group": "g", "role": "platform_admin"}])).await;
        assert!([403, 422].contains(&said.status), "{said:?}");
        let said = put(who, json!([{"group": "g", "role": "member", "team": abroad}])).await;
        assert_eq!(said.status, 422, "{said:?}");
    }
    assert_eq!(put(&admin, above.clone()).await.status, 200);
    assert_eq!(
        put(&guard, json!([{"group": "g", "role": "auditor"}]))
            .await
            .status,
        200
    );
    // Whoever keeps what is there is asked for it all the same: they may send it to another provider.
    assert_eq!(put(&admin, above.clone()).await.status, 200);
    assert_eq!(put(&guard, above).await.status, 403);
    let viewer = scene
        .root
        .invite(&scene.instance, &scene.tenant, "viewer@example.com")
        .await;
    scene.root.give(&viewer, "viewer", None).await;
    assert_eq!(put(&viewer, json!([])).await.status, 404);
}

/// Nobody becomes an administrator by what a provider says their address is.
#[tokio::test]
async fn ctx_t2_administrators_are_not_linked_and_keep_their_passwords() {
    let scene = Scene::new().await;
    let admin = scene
        .root
        .invite(&scene.instance, &scene.tenant, "admin@example.com")
        .await;
    scene.root.give(&admin, "tenant_admin", None).await;
    let plain = scene
        .root
        .invite(&scene.instance, &scene.tenant, "plain@example.com")
        .await;
    scene
        .provider
        .told(|it| it.person = json!({"sub": "u-2", "email": "Admin@Example.com", "email_verified": true}));
    scene
        .refuses(&scene.sign_in().await, "sso_administrators_are_not_linked")
        .await;
    scene
        .provider
        .told(|it| it.person = json!({"sub": "u-3", "email": "plain@example.com", "email_verified": "true"}));
    assert_eq!(scene.signed_in().await.id, plain.id);
    let mut with = connection(&scene.provider);
    with["passwords"] = json!(false);
    with["create_users"] = json!(false);
    scene.set(&with).await;
    let said = scene
        .instance
        .sign_in(&scene.tenant, "plain@example.com", PASSWORD)
        .await;
    let wrong = scene
        .instance
        .sign_in(&scene.tenant, "nobody@example.com", PASSWORD)
        .await;
    assert_eq!((said.status, said.body), (401, wrong.body));
    let said = scene
        .instance
        .sign_in(&scene.tenant, "admin@example.com", PASSWORD)
        .await;
    assert_eq!(said.status, 201);
    scene.provider.told(|it| it.person["sub"] = json!("u-4"));
    scene
        .provider
        .told(|it| it.person["email"] = json!("new@example.com"));
    scene.refuses(&scene.sign_in().await, "sso_nobody_here").await;
    // Disabled here is out, whatever the provider says.
    let path = scene.path(&format!("/users/{}", plain.id));
    let off = scene
        .root
        .ask("PATCH", &path, Some(&json!({"state": "disabled"})))
        .await;
    assert_eq!(off.status, 200);
    scene
        .provider
        .told(|it| it.person = json!({"sub": "u-3", "email": "plain@example.com", "email_verified": true}));
    scene.refuses(&scene.sign_in().await, "sso_disabled").await;
    // The platform's own people keep passwords.
    let said = scene
        .root
        .ask("PUT", "/api/v1/tenants/platform/sso", Some(&with))
        .await;
    assert_eq!(
        (said.status, said.json()["pointer"].as_str()),
        (422, Some("/passwords"))
    );
}

#[tokio::test]
async fn agp_i1_anp_d0005_the_secret_stays_and_goes_nowhere_else() {
    let scene = Scene::new().await;
    let shown = scene.root.get(&scene.path("/sso")).await;
    assert_eq!(shown.json()["has_client_secret"], true);
    assert_eq!(shown.json()["redirect"], format!("{PUBLIC_URL}/sso"));
    let audit = scene.root.get(&scene.path("/audit")).await.body;
    let record = sso_record(&scene.instance, scene.tenant.parse().unwrap()).await;
    for text in [&shown.body, &audit, &record.document] {
        assert!(!text.contains(SECRET), "{text}");
    }
    // It stays for the same issuer and client; for others it is not sent along.
    let mut without = connection(&scene.provider);
    without.as_object_mut().unwrap().remove("client_secret");
    scene.set(&without).await;
    scene.signed_in().await;
    // One that was sealed before tenants had keys of their own opens, and is sealed anew when the rest is set.
    let tenant = scene.tenant.parse().unwrap();
    let kept = sso_record(&scene.instance, tenant).await;
    seal_as_before(&scene.instance, tenant, kept).await;
    scene.signed_in().await;
    scene.set(&without).await;
    assert!(
        sso_record(&scene.instance, tenant)
            .await
            .document
            .contains("\"c1:")
    );
    scene.signed_in().await;
    let thief = Provider::start().await;
    without["issuer"] = json!(thief.issuer);
    scene.set(&without).await;
    assert_eq!(
        scene.root.get(&scene.path("/sso")).await.json()["has_client_secret"],
        false
    );
    // What was begun before is over.
    for issuer in [
        "http://id.example.com",
        "https://169.254.169.254",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://me:secret@id.example.com",
        "https://id.example.com/?x=1",
        "https://id.example.com/#x",
        "id.example.com",
        "",
    ] {
        without["issuer"] = json!(issuer);
        let said = scene.root.ask("PUT", &scene.path("/sso"), Some(&without)).await;
        assert_eq!(
            (said.status, said.json()["pointer"].as_str()),
            (422, Some("/issuer")),
            "{issuer}"
        );
    }
    for domains in [
        json!([]),
        json!(["*"]),
        json!(["@example.com"]),
        json!([".com"]),
        json!(["a b"]),
    ] {
        without["issuer"] = json!("https://id.example.com");
        without["domains"] = domains;
        let said = scene.root.ask("PUT", &scene.path("/sso"), Some(&without)).await;
        assert_eq!(
            (said.status, said.json()["pointer"].as_str()),
            (422, Some("/domains"))
        );
    }
    // Providers on this very machine are for development.
    let instance = Instance::start(Posture::Staging).await;
    let root = instance.root().await;
    let said = root
        .ask("PUT", "/api/v1/tenants/platform/sso", Some(&connection(&thief)))
        .await;
    assert_eq!(
        (said.status, said.json()["pointer"].as_str()),
        (422, Some("/issuer"))
    );
}
