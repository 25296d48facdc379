//! How people get in, and how nobody else does.

use identity::totp::TotpSecret;
use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{Instance, PASSWORD, Person};
use crate::{Answer, request, send};

const JSON: &str = "content-type: application/json\r\n";

fn now_step_code(secret: &str) -> String {
    let bytes = data_encoding(secret);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    hotp(&bytes, now / 30)
}

/// RFC 4648 base32, as apps read it.
fn data_encoding(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut out) = (0u64, 0, Vec::new());
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => continue,
        };
        bits = bits << 5 | u64::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    out
}

/// RFC 4226, written again from its text.
fn hotp(key: &[u8], counter: u64) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = aws_lc_rs::hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 0xf);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test]
async fn ctx_t2_the_setup_token_makes_one_administrator_and_no_second() {
    let instance = Instance::start(Posture::Development).await;
    let body =
        |token: &str, email: &str| json!({"token": token, "email": email, "name": "R", "password": PASSWORD});
    for wrong in [
        "",
        "btzo_",
        "guess",
        &instance.setup_token[..20],
        &format!("btzo_{}", "a".repeat(49)),
    ] {
        let refused = instance
            .post("/api/v1/setup", &body(wrong, "a@example.com"))
            .await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "sign_in_failed"));
    }
    let weak = json!({"token": instance.setup_token, "email": "root@example.com", "name": "R", "password": "password1234"});
    let refused = instance.post("/api/v1/setup", &weak).await;
    assert_eq!(
        (refused.status, refused.json()["pointer"].as_str()),
        (422, Some("/password"))
    );
    let root = instance.root().await;
    assert_eq!(
        root.get("/api/v1/me").await.json()["roles"],
        json!(["platform_admin of the platform"])
    );
    let again = instance
        .post("/api/v1/setup", &body(&instance.setup_token, "b@example.com"))
        .await;
    assert_eq!((again.status, again.code().as_str()), (401, "sign_in_failed"));
}

#[tokio::test]
async fn ctx_t1_only_the_right_password_signs_in_and_nothing_tells_accounts_apart() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let tenant = root.make("/api/v1/tenants", &json!({"name": "acme"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ann = root.invite(&instance, &tenant, "ann@example.com").await;
    let mut answers = Vec::new();
    for (tenant, email, password) in [
        ("acme", "ann@example.com", "wrong horse battery 11"),
        ("acme", "nobody@example.com", PASSWORD),
        ("nowhere", "ann@example.com", PASSWORD),
        ("platform", "ann@example.com", PASSWORD),
        ("acme", "root@example.com", PASSWORD),
        ("acme", "ann@example.com", ""),
    ] {
        answers.push(instance.sign_in(tenant, email, password).await);
    }
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (401, &answers[0].body));
    }
    // Case and white space of an address do not matter, and a name does as well as an id.
    let session = instance.sign_in("acme", " Ann@Example.com ", PASSWORD).await;
    assert_eq!(session.json()["user"], json!(ann.id));
}

#[tokio::test]
async fn ctx_t2_guessing_is_slowed_down() {
    let instance = Instance::start(Posture::Development).await;
    let _root = instance.root().await;
    let mut seen = Vec::new();
    for number in 0..30 {
        let answer = instance
            .sign_in(
                "platform",
                "root@example.com",
                &format!("wrong guess number {number}"),
            )
            .await;
        seen.push(answer.status);
        if answer.status == 429 {
            assert!(
                answer
                    .header("retry-after")
                    .is_some_and(|text| text.parse::<u64>().unwrap() >= 1)
            );
            break;
        }
    }
    assert_eq!(seen.last(), Some(&429), "{seen:?}");
    assert!(seen.len() < 15, "{seen:?}");
    // The right password waits as well: otherwise it would tell that it is right.
    assert_eq!(
        instance
            .sign_in("platform", "root@example.com", PASSWORD)
            .await
            .status,
        429
    );
}

#[tokio::test]
async fn ctx_t3_sessions_end_when_they_are_ended() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let ann = root.invite(&instance, "platform", "ann@example.com").await;
    let second = Person::of(
        instance.address,
        "ann@example.com",
        &instance
            .sign_in("platform", "ann@example.com", PASSWORD)
            .await
            .json(),
    );
    assert_eq!(ann.get("/api/v1/me").await.status, 200);
    // Signing out ends one; an administrator ends another; disabling ends all.
    assert_eq!(ann.ask("DELETE", "/api/v1/me/session", None).await.status, 204);
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
    assert_eq!(second.get("/api/v1/me").await.status, 200);
    let listed = root
        .get(&format!("/api/v1/tenants/platform/sessions?user={}", ann.id))
        .await
        .json();
    let session = listed["items"][0]["id"].as_str().unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        root.ask(
            "DELETE",
            &format!("/api/v1/tenants/platform/sessions/{session}"),
            None
        )
        .await
        .status,
        204
    );
    assert_eq!(second.get("/api/v1/me").await.status, 401);
    let third = Person::of(
        instance.address,
        "ann@example.com",
        &instance
            .sign_in("platform", "ann@example.com", PASSWORD)
            .await
            .json(),
    );
    let path = format!("/api/v1/tenants/platform/users/{}", ann.id);
    assert_eq!(
        root.ask("PATCH", &path, Some(&json!({"state": "disabled"})))
            .await
            .status,
        200
    );
    assert_eq!(third.get("/api/v1/me").await.status, 401);
    assert_eq!(
        instance
            .sign_in("platform", "ann@example.com", PASSWORD)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn ctx_t3_a_new_password_ends_other_sessions_and_wants_the_old_one() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let other = Person::of(
        instance.address,
        "root@example.com",
        &instance
            .sign_in("platform", "root@example.com", PASSWORD)
            .await
            .json(),
    );
    let fresh = "velvet anchovy protocol 77";
    let wrong = json!({"password": "not the old one at all", "new_password": fresh});
    assert_eq!(
        root.post("/api/v1/me/password", &wrong).await.code(),
        "sign_in_failed"
    );
    let weak = json!({"password": PASSWORD, "new_password": "short"});
    let refused = root.post("/api/v1/me/password", &weak).await;
    assert_eq!(
        (refused.status, refused.json()["pointer"].as_str()),
        (422, Some("/new_password"))
    );
    let good = json!({"password": PASSWORD, "new_password": fresh});
    assert_eq!(root.post("/api/v1/me/password", &good).await.status, 204);
    assert_eq!(root.get("/api/v1/me").await.status, 200);
    assert_eq!(other.get("/api/v1/me").await.status, 401);
    assert_eq!(
        instance
            .sign_in("platform", "root@example.com", PASSWORD)
            .await
            .status,
        401
    );
    assert_eq!(
        instance
            .sign_in("platform", "root@example.com", fresh)
            .await
            .status,
        201
    );
}

/// The seed, the recovery codes, and the person as they go on: with another token.
async fn with_app(person: &Person) -> (String, Vec<String>, Person) {
    let begun = person.ask("POST", "/api/v1/me/totp", None).await.json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    assert!(begun["link"].as_str().unwrap().starts_with("otpauth://totp/"));
    let wrong = person
        .post("/api/v1/me/totp/confirm", &json!({"code": "000000"}))
        .await;
    assert_eq!(wrong.status, 422);
    let done = person
        .post(
            "/api/v1/me/totp/confirm",
            &json!({"code": now_step_code(&secret)}),
        )
        .await;
    assert_eq!(done.status, 200, "{done:?}");
    let codes = done.json()["codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    let token = done.json()["token"].as_str().unwrap().to_owned();
    let set = done.header("set-cookie").unwrap();
    assert!(set.starts_with(&format!("__Host-bartizan={token};")), "{set}");
    assert_eq!(
        person.get("/api/v1/me").await.status,
        401,
        "the old token is over"
    );
    let person = Person {
        token,
        ..person.clone()
    };
    (secret, codes, person)
}

#[tokio::test]
async fn ctx_t2_a_second_factor_is_asked_for_and_no_code_is_good_twice() {
    assert_eq!(TotpSecret::from_bytes([1; 20]).to_base32().expose().len(), 32);
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (secret, codes, _) = with_app(&root).await;
    let sign_in = async |code: Option<&str>| -> Answer {
        let mut body = json!({"email": "root@example.com", "password": PASSWORD});
        if let Some(code) = code {
            body["code"] = code.into();
        }
        instance.post("/api/v1/sessions", &body).await
    };
    assert_eq!(sign_in(None).await.code(), "code_required");
    // The code of this step was used to confirm the app.
    assert_eq!(
        sign_in(Some(&now_step_code(&secret))).await.code(),
        "sign_in_failed"
    );
    let by_recovery = sign_in(Some(&codes[3])).await;
    assert_eq!(
        (by_recovery.status, &by_recovery.json()["second_factor"]),
        (201, &Value::Bool(true))
    );
    assert_eq!(sign_in(Some(&codes[3])).await.code(), "sign_in_failed");
    assert_eq!(codes.len(), 10);
}

/// In earnest, those who can do harm show a second factor before they do anything.
#[tokio::test]
async fn ctx_t2_anp_0022_in_production_administrators_act_with_a_second_factor() {
    let instance = Instance::start(Posture::Production).await;
    let root = instance.root().await;
    let refused = root.post("/api/v1/tenants", &json!({"name": "acme"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"));
    assert!(refused.body.contains("second factor"), "{refused:?}");
    let (_, _, root) = with_app(&root).await;
    root.make("/api/v1/tenants", &json!({"name": "acme"})).await;
}

#[tokio::test]
async fn anp_0013_a_browsers_cookie_alone_changes_nothing() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let signed_in = instance.sign_in("platform", "root@example.com", PASSWORD).await;
    let set = signed_in.header("set-cookie").unwrap().to_owned();
    for part in [
        "__Host-bartizan=btzs_",
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Strict",
    ] {
        assert!(set.contains(part), "{set}");
    }
    let cookie = format!("cookie: {}\r\n{JSON}", set.split(';').next().unwrap());
    let token = signed_in.json()["csrf_token"].as_str().unwrap().to_owned();
    let other_token = root.get("/api/v1/me").await.json()["csrf_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let make = async |headers: String| {
        send(
            instance.address,
            "POST",
            "/api/v1/tenants",
            &headers,
            r#"{"name":"acme"}"#,
        )
        .await
    };
    assert_eq!(
        send(instance.address, "GET", "/api/v1/me", &cookie, "")
            .await
            .status,
        200,
        "reading is harmless"
    );
    for headers in [
        cookie.clone(),
        format!("{cookie}x-csrf-token: \r\n"),
        format!("{cookie}x-csrf-token: {other_token}\r\n"),
        format!("{cookie}x-csrf-token: {token}\r\nsec-fetch-site: cross-site\r\n"),
        format!("{cookie}x-csrf-token: {token}\r\nsec-fetch-site: same-site\r\n"),
    ] {
        let refused = make(headers.clone()).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (403, "cross_site"),
            "{headers}"
        );
    }
    let form = format!(
        "cookie: {}\r\ncontent-type: text/plain\r\nx-csrf-token: {token}\r\n",
        set.split(';').next().unwrap()
    );
    assert_eq!(make(form).await.code(), "unsupported_media_type");
    let own = format!("{cookie}x-csrf-token: {token}\r\nsec-fetch-site: same-origin\r\n");
    assert_eq!(make(own).await.status, 201);
    let page = request(instance.address, "GET", "/api/v1/version").await;
    for (name, value) in [
        ("x-frame-options", "DENY"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
}

/// One-time tokens are good for their account, once.
#[tokio::test]
async fn ctx_t2_an_invitation_sets_one_password_once() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let made = root
        .make(
            "/api/v1/tenants/platform/users",
            &json!({"email": "ann@example.com", "name": "Ann"}),
        )
        .await;
    let token = made["setup_token"].as_str().unwrap();
    let set = async |email: &str, token: &str| {
        let body = json!({"email": email, "token": token, "password": PASSWORD});
        instance.post("/api/v1/password", &body).await.status
    };
    assert_eq!(set("root@example.com", token).await, 401, "another account's");
    assert_eq!(
        set("ann@example.com", &instance.setup_token).await,
        401,
        "another token"
    );
    assert_eq!(
        instance
            .sign_in("platform", "ann@example.com", PASSWORD)
            .await
            .status,
        401,
        "no password yet"
    );
    assert_eq!(set("ann@example.com", token).await, 204);
    assert_eq!(set("ann@example.com", token).await, 401, "used");
    // A reset takes the old way away at once.
    let ann = Person::of(
        instance.address,
        "ann@example.com",
        &instance
            .sign_in("platform", "ann@example.com", PASSWORD)
            .await
            .json(),
    );
    let reset = root
        .ask(
            "POST",
            &format!("/api/v1/tenants/platform/users/{}/reset", ann.id),
            None,
        )
        .await;
    assert_eq!(reset.status, 200, "{reset:?}");
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
    assert_eq!(
        instance
            .sign_in("platform", "ann@example.com", PASSWORD)
            .await
            .status,
        401
    );
    assert_eq!(
        set("ann@example.com", reset.json()["setup_token"].as_str().unwrap()).await,
        204
    );
}
