//! Passkeys, with an authenticator of somebody else's making: who gets in, and who does not.

use policy::Posture;
use serde_json::{Value, json};

use crate::Answer;
use crate::authenticator::Authenticator;
use crate::scene::{Instance, PASSWORD, Person};

/// Adds a passkey; the person goes on under another token.
async fn enrol(person: &Person, authenticator: &mut Authenticator) -> Person {
    let begun = person.ask("POST", "/api/v1/me/passkeys", None).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let begun = begun.json();
    let answer = authenticator.create(&begun["options"]);
    let body = json!({"ceremony": begun["ceremony"], "answer": answer, "name": "my phone"});
    let added = person.post("/api/v1/me/passkeys/confirm", &body).await;
    assert_eq!(added.status, 201, "{added:?}");
    let token = added.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(
        person.get("/api/v1/me").await.status,
        401,
        "the old token is over"
    );
    let again = person.post("/api/v1/me/passkeys/confirm", &body).await;
    assert_eq!(again.status, 401);
    Person {
        token,
        ..person.clone()
    }
}

async fn begin(instance: &Instance, who: &Value) -> Value {
    let begun = instance.post("/api/v1/sessions/passkey", who).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    begun.json()
}

async fn finish(instance: &Instance, begun: &Value, answer: &Value) -> Answer {
    let body = json!({"ceremony": begun["ceremony"], "answer": answer});
    instance.post("/api/v1/sessions/passkey/confirm", &body).await
}

async fn sign_in(instance: &Instance, who: &Value, authenticator: &mut Authenticator) -> Answer {
    let begun = begin(instance, who).await;
    let answer = authenticator.get(&begun["options"]);
    finish(instance, &begun, &answer).await
}

fn refused(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "sign_in_failed"),
        "{answer:?}"
    );
}

/// The newest refusal in the audit log.
async fn why(root: &Person, tenant: &str) -> String {
    let records = root
        .get(&format!("/api/v1/tenants/{tenant}/audit?limit=20"))
        .await
        .json();
    let items = records["items"].as_array().unwrap().clone();
    let refused = items.iter().find(|item| item.to_string().contains("passkey_"));
    refused.map(Value::to_string).unwrap_or_default()
}

#[tokio::test]
async fn a_passkey_is_two_factors_and_signs_in_with_and_without_an_address() {
    let instance = Instance::start(Posture::Production).await;
    let root = instance.root().await;
    let refused = root.post("/api/v1/tenants", &json!({"name": "acme"})).await;
    assert_eq!(refused.status, 403, "no second factor yet");
    let mut phone = Authenticator::new(b"a phone's passkey");
    let root = enrol(&root, &mut phone).await;
    root.make("/api/v1/tenants", &json!({"name": "acme"})).await;
    let listed = root.get("/api/v1/me/passkeys").await.json();
    assert_eq!(listed["items"][0]["name"], "my phone");
    for who in [json!({"email": "root@example.com"}), json!({})] {
        let session = sign_in(&instance, &who, &mut phone).await;
        assert_eq!(session.status, 201, "{session:?}");
        assert_eq!(session.json()["second_factor"], true);
        let again = Person::of(instance.address, "root@example.com", &session.json());
        assert_eq!(again.get("/api/v1/tenants").await.status, 200);
    }
    let acts = root.get("/api/v1/tenants/platform/audit").await.body;
    assert!(acts.contains("sign_in_by_passkey") && acts.contains("add_passkey"));
}

#[tokio::test]
async fn ctx_t1_only_the_right_device_on_the_right_site_signs_in() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(b"a phone's passkey");
    let root = enrol(&root, &mut phone).await;
    let who = json!({"email": "root@example.com"});
    type Turn = fn(&mut Authenticator);
    let turns: [(&str, Turn); 6] = [
        ("passkey_other_site", |it| {
            it.origin = "https://localhost:8081".into()
        }),
        ("passkey_other_site", |it| {
            it.origin = "http://localhost:8082".into()
        }),
        ("passkey_other_site", |it| it.rp_id = "example.com".into()),
        ("passkey_user_not_verified", |it| it.verifies_user = false),
        ("passkey_count_went_back", |it| it.count = 0),
        ("passkey_unknown", |it| {
            it.credential = b"another credential".to_vec()
        }),
    ];
    // So that there is something to go back from.
    phone.count = 7;
    assert_eq!(sign_in(&instance, &who, &mut phone).await.status, 201);
    for (reason, turn) in turns {
        let (count, origin, rp_id, credential) = (
            phone.count,
            phone.origin.clone(),
            phone.rp_id.clone(),
            phone.credential.clone(),
        );
        turn(&mut phone);
        refused(&sign_in(&instance, &who, &mut phone).await);
        let told = why(&root, "platform").await;
        assert!(told.contains(reason), "{reason}: {told}");
        phone.count = count + 1;
        (phone.origin, phone.rp_id, phone.credential) = (origin, rp_id, credential);
        phone.verifies_user = true;
        // Between attacks the owner gets in, which also takes the counted attempts back.
        assert_eq!(sign_in(&instance, &who, &mut phone).await.status, 201, "{reason}");
    }
    // Another key under the same id.
    let mut copy = Authenticator::new(b"a phone's passkey");
    copy.owner = phone.owner.clone();
    copy.count = 1_000;
    refused(&sign_in(&instance, &who, &mut copy).await);
    assert!(why(&root, "platform").await.contains("passkey_wrong"));
}

#[tokio::test]
async fn ctx_t3_an_answer_is_good_once_for_its_own_challenge() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(b"a phone's passkey");
    let root = enrol(&root, &mut phone).await;
    let who = json!({"email": "root@example.com"});
    let begun = begin(&instance, &who).await;
    let answer = phone.get(&begun["options"]);
    assert_eq!(finish(&instance, &begun, &answer).await.status, 201);
    let again = finish(&instance, &begun, &answer).await;
    assert!([401, 409].contains(&again.status), "{again:?}");
    // Even a fresh signature over a spent challenge, which only the owner's device can make, is refused.
    let fresh = phone.get(&begun["options"]);
    assert_eq!(finish(&instance, &begun, &fresh).await.status, 409);
    // The answer to one challenge is none to another.
    let other = begin(&instance, &who).await;
    let answer = phone.get(&begun["options"]);
    refused(&finish(&instance, &other, &answer).await);
    assert!(why(&root, "platform").await.contains("passkey_other_challenge"));
    // A ceremony that was changed, or is of another kind, is none.
    let sealed = other["ceremony"].as_str().unwrap();
    let adding = root.ask("POST", "/api/v1/me/passkeys", None).await.json();
    let answer = phone.get(&other["options"]);
    for text in [
        "",
        "AAAA",
        &sealed[1..],
        adding["ceremony"].as_str().unwrap(),
        &"A".repeat(100_000),
    ] {
        let body = json!({"ceremony": text, "answer": answer});
        let said = instance.post("/api/v1/sessions/passkey/confirm", &body).await;
        assert_eq!(
            (said.status, said.json()["pointer"].as_str()),
            (422, Some("/ceremony"))
        );
    }
}

/// Any replica finishes what another began, and only one of them does.
#[tokio::test]
async fn ctx_t3_what_one_replica_began_another_finishes_once() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(b"a phone's passkey");
    enrol(&root, &mut phone).await;
    let other = Instance {
        address: instance.beside(policy::Configured::default(), false).await,
        store: instance.store.clone(),
        setup_token: String::new(),
    };
    for (first, second) in [(&instance, &other), (&other, &instance)] {
        let begun = begin(first, &json!({"email": "root@example.com"})).await;
        let answer = phone.get(&begun["options"]);
        assert_eq!(finish(second, &begun, &answer).await.status, 201);
        // Nor does a fresh signature over the same challenge help, at either of them.
        for replica in [first, second] {
            let fresh = phone.get(&begun["options"]);
            assert_eq!(finish(replica, &begun, &fresh).await.status, 409);
        }
    }
    // Both at once: one of them is let in.
    let begun = begin(&instance, &json!({"email": "root@example.com"})).await;
    let (one, two) = (phone.get(&begun["options"]), phone.get(&begun["options"]));
    let (one, two) = tokio::join!(finish(&instance, &begun, &one), finish(&other, &begun, &two));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201, "{one:?} {two:?}");
    assert!([401, 409].contains(&statuses[1]), "{one:?} {two:?}");
}

#[tokio::test]
async fn agp_e1_ctx_t3_nothing_begun_by_one_is_finished_by_another() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(b"root's");
    let root = enrol(&root, &mut phone).await;
    let tenant = root.make("/api/v1/tenants", &json!({"name": "acme"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ann = root.invite(&instance, &tenant, "ann@example.com").await;
    let second = instance
        .sign_in(&tenant, "ann@example.com", PASSWORD)
        .await
        .json();
    let second = Person::of(instance.address, "ann@example.com", &second);
    // A passkey begun in one session is not added in another, not even of the same person.
    let begun = ann.ask("POST", "/api/v1/me/passkeys", None).await.json();
    let answer = Authenticator::new(b"ann's").create(&begun["options"]);
    let body = json!({"ceremony": begun["ceremony"], "answer": answer});
    for other in [&second, &root] {
        let said = other.post("/api/v1/me/passkeys/confirm", &body).await;
        assert_eq!(
            (said.status, said.json()["pointer"].as_str()),
            (422, Some("/ceremony"))
        );
    }
    let mut hers = Authenticator::new(b"ann's own");
    let ann = enrol(&ann, &mut hers).await;
    // One's own passkey opens nobody else's account, in no tenant.
    for who in [
        json!({"tenant": tenant, "email": "root@example.com"}),
        json!({"email": "ann@example.com"}),
        json!({"tenant": tenant, "email": "nobody@example.com"}),
        json!({}),
    ] {
        refused(&sign_in(&instance, &who, &mut hers).await);
        // Takes back what was counted of this address.
        let who = json!({"tenant": "acme"});
        assert_eq!(sign_in(&instance, &who, &mut hers).await.status, 201);
        assert_eq!(sign_in(&instance, &json!({}), &mut phone).await.status, 201);
    }
    // Nor does a device that claims to be another's.
    hers.owner = phone.owner.clone();
    refused(
        &sign_in(
            &instance,
            &json!({"tenant": "acme", "email": "ann@example.com"}),
            &mut hers,
        )
        .await,
    );
    let listed = ann.get("/api/v1/me/passkeys").await.json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/me/passkeys/{id}");
    assert_eq!(root.ask("DELETE", &path, None).await.status, 404, "another's");
}

#[tokio::test]
async fn ctx_t2_a_device_that_does_not_verify_its_user_is_not_added() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    type Turn = fn(&mut Authenticator);
    let turns: [Turn; 3] = [
        |it| it.verifies_user = false,
        |it| it.origin = "https://evil.example".into(),
        |it| it.rp_id = "evil.example".into(),
    ];
    for turn in turns {
        let mut phone = Authenticator::new(b"a phone's passkey");
        turn(&mut phone);
        let begun = root.ask("POST", "/api/v1/me/passkeys", None).await.json();
        let answer = phone.create(&begun["options"]);
        let body = json!({"ceremony": begun["ceremony"], "answer": answer});
        let said = root.post("/api/v1/me/passkeys/confirm", &body).await;
        assert_eq!(
            (said.status, said.json()["pointer"].as_str()),
            (422, Some("/answer"))
        );
    }
    let nonsense = json!({"ceremony": root.ask("POST", "/api/v1/me/passkeys", None).await.json()["ceremony"], "answer": 7});
    assert_eq!(
        root.post("/api/v1/me/passkeys/confirm", &nonsense).await.status,
        422
    );
    assert_eq!(root.get("/api/v1/me/passkeys").await.json()["items"], json!([]));
}

#[tokio::test]
async fn anp_0016_a_removed_passkey_and_a_disabled_owner_do_not_sign_in() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let ann = root.invite(&instance, "platform", "ann@example.com").await;
    let (mut first, mut second) = (
        Authenticator::new(b"the first"),
        Authenticator::new(b"the second"),
    );
    let ann = enrol(&ann, &mut first).await;
    let ann = enrol(&ann, &mut second).await;
    let who = json!({"email": "ann@example.com"});
    let asked = begin(&instance, &who).await;
    let listed = ann.get("/api/v1/me/passkeys").await.json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    let gone = ann
        .ask("DELETE", &format!("/api/v1/me/passkeys/{id}"), None)
        .await;
    assert_eq!(gone.status, 204, "{gone:?}");
    // Not even by a challenge that named it.
    let answer = first.get(&asked["options"]);
    refused(&finish(&instance, &asked, &answer).await);
    assert_eq!(sign_in(&instance, &who, &mut second).await.status, 201);
    let begun = begin(&instance, &who).await;
    let path = format!("/api/v1/tenants/platform/users/{}", ann.id);
    let off = root
        .ask("PATCH", &path, Some(&json!({"state": "disabled"})))
        .await;
    assert_eq!(off.status, 200);
    let answer = second.get(&begun["options"]);
    refused(&finish(&instance, &begun, &answer).await);
    // A reset takes passkeys away with everything else.
    let on = root.ask("PATCH", &path, Some(&json!({"state": "active"}))).await;
    assert_eq!(on.status, 200);
    assert_eq!(root.ask("POST", &format!("{path}/reset"), None).await.status, 200);
    refused(&sign_in(&instance, &who, &mut second).await);
}

/// What is asked of an account that is not there, or has no passkey, looks like what is asked of one.
#[tokio::test]
async fn ctx_t1_asking_tells_no_accounts_apart() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(&[9; 32]);
    let root = enrol(&root, &mut phone).await;
    root.invite(&instance, "platform", "none@example.com").await;
    let mut shapes = Vec::new();
    for (tenant, email) in [
        ("platform", "root@example.com"),
        ("platform", "none@example.com"),
        ("platform", "gone@example.com"),
        ("nowhere1", "root@example.com"),
    ] {
        let who = json!({"tenant": tenant, "email": email});
        let (once, again) = (begin(&instance, &who).await, begin(&instance, &who).await);
        let allowed = &once["options"]["allowCredentials"];
        assert!(!allowed.as_array().unwrap().is_empty(), "{email}");
        assert_eq!(
            allowed, &again["options"]["allowCredentials"],
            "always the same ones"
        );
        let mut options = once["options"].clone();
        options["challenge"] = json!(0);
        options["allowCredentials"] = json!(0);
        let members: Vec<String> = allowed[0].as_object().unwrap().keys().cloned().collect();
        shapes.push((options, members, once["ceremony"].as_str().unwrap().len()));
    }
    for shape in &shapes {
        assert_eq!(shape, &shapes[0]);
    }
}

/// How one signs in is changed only by who has just shown who they are, with all they have.
#[tokio::test]
async fn ctx_t2_a_password_alone_adds_no_passkey_to_an_account_that_has_one() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(b"a phone's passkey");
    enrol(&root, &mut phone).await;
    let stolen = instance
        .sign_in("platform", "root@example.com", PASSWORD)
        .await
        .json();
    assert_eq!(stolen["second_factor"], false);
    let stolen = Person::of(instance.address, "root@example.com", &stolen);
    for path in ["/api/v1/me/passkeys", "/api/v1/me/totp"] {
        let said = stolen.ask("POST", path, None).await;
        assert_eq!((said.status, said.code().as_str()), (403, "forbidden"), "{path}");
    }
    let code = json!({"code": "000000"});
    assert_eq!(stolen.post("/api/v1/me/totp/confirm", &code).await.status, 403);
    // A password again is not enough; the passkey is.
    let password = stolen
        .post("/api/v1/me/confirm", &json!({"password": PASSWORD}))
        .await;
    assert_eq!(password.status, 200);
    assert_eq!(stolen.ask("POST", "/api/v1/me/passkeys", None).await.status, 403);
    let begun = stolen
        .ask("POST", "/api/v1/me/confirm/passkey", None)
        .await
        .json();
    let mut copy = Authenticator::new(b"a phone's passkey");
    copy.owner = phone.owner.clone();
    let confirm = |answer: Value| json!({"passkey": {"ceremony": begun["ceremony"], "answer": answer}});
    let wrong = stolen
        .post("/api/v1/me/confirm", &confirm(copy.get(&begun["options"])))
        .await;
    refused(&wrong);
    let right = stolen
        .post("/api/v1/me/confirm", &confirm(phone.get(&begun["options"])))
        .await;
    assert_eq!(
        (right.status, &right.json()["second_factor"]),
        (200, &json!(true))
    );
    assert_eq!(stolen.ask("POST", "/api/v1/me/passkeys", None).await.status, 200);
    for body in [
        json!({}),
        json!({"password": PASSWORD, "passkey": {"ceremony": "", "answer": 0}}),
    ] {
        assert_eq!(stolen.post("/api/v1/me/confirm", &body).await.status, 422);
    }
}

/// Wrong passkeys are slowed by where they come from, and shut out nobody else.
#[tokio::test]
async fn ctx_t5_wrong_passkeys_are_slowed_down() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let mut phone = Authenticator::new(b"a phone's passkey");
    enrol(&root, &mut phone).await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let mut copy = Authenticator::new(b"a phone's passkey");
        seen.push(
            sign_in(&instance, &json!({"email": "root@example.com"}), &mut copy)
                .await
                .status,
        );
        if seen.last() == Some(&429) {
            break;
        }
    }
    assert_eq!(seen.last(), Some(&429), "{seen:?}");
    let by_password = instance.sign_in("platform", "root@example.com", PASSWORD).await;
    assert_eq!(by_password.status, 201, "the account itself is not held up");
}

/// The page: four fixed paths, nothing inline, nobody else's.
#[tokio::test]
async fn anp_0013_the_page_runs_only_its_own_script() {
    let instance = Instance::start(Posture::Development).await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/sso?code=1&state=2", "text/html"),
        ("/site.js", "text/javascript"),
        ("/site.css", "text/css"),
    ] {
        let page = crate::request(instance.address, "GET", path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").unwrap().starts_with(kind));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        for inline in [
            "<style",
            " style=",
            " onclick=",
            "javascript:",
            "innerHTML",
            "<script>",
        ] {
            assert!(!page.body.contains(inline), "{path}: {inline}");
        }
    }
    for path in ["/index.html", "/site.js/", "/../Cargo.toml", "/site"] {
        assert_eq!(
            crate::request(instance.address, "GET", path).await.status,
            404,
            "{path}"
        );
    }
    assert_eq!(crate::request(instance.address, "POST", "/").await.status, 404);
    let head = crate::request(instance.address, "HEAD", "/").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}
