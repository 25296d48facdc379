//! Identity tokens: who signed in at a provider, and whatever else somebody signs, alters or sends again.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use identity::jwt::{ClaimPath, Expected, Identity, KeySet, Refused};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forge::{ISSUER, NOW, NOW_S, b64, published, token_by, with};

const CLIENT: &str = "gate";
const NONCE: &str = "what we asked with";
const KINDS: [(&str, &str); 3] = [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")];

fn good() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "u-1", "nonce": NONCE, "iat": NOW_S - 5, "exp": NOW_S + 300,
        "email": "ann@example.com", "email_verified": true, "name": "Ann", "groups": ["engineers"],
        "amr": ["pwd", "otp"], "acr": "high",
    })
}

fn signed(claims: &Value) -> String {
    token_by(
        "ES256",
        &json!({"alg": "ES256", "kid": "ec", "typ": "JWT"}),
        claims,
    )
}

fn read_at(token: &str, access_token: Option<&str>, later: i64) -> Result<Identity, Refused> {
    let keys = KeySet::parse(&published().to_string()).unwrap();
    let groups: ClaimPath = "groups".parse().unwrap();
    let expected = Expected {
        issuer: ISSUER,
        client: CLIENT,
        nonce: NONCE,
        access_token,
        groups: Some(&groups),
    };
    let now = domain::UnixMillis(NOW.0 + later * 1000);
    Identity::read(token, &keys, &expected, now)
}

fn read(token: &str) -> Result<Identity, Refused> {
    read_at(token, None, 0)
}

fn changed(changes: Value) -> Result<Identity, Refused> {
    read(&signed(&with(good(), changes)))
}

fn missing(name: &str) -> Refused {
    Refused::Claim(name.to_owned())
}

#[test]
fn whom_the_provider_saw_is_known_by_a_key_of_any_kind() {
    for (algorithm, kid) in KINDS {
        let token = token_by(algorithm, &json!({"alg": algorithm, "kid": kid}), &good());
        let ann = read(&token).unwrap();
        assert_eq!(
            ann,
            Identity {
                subject: "u-1".to_owned(),
                verified_email: Some("ann@example.com".to_owned()),
                name: Some("Ann".to_owned()),
                groups: vec!["engineers".to_owned()],
                methods: vec!["pwd".to_owned(), "otp".to_owned()],
                context: Some("high".to_owned()),
            }
        );
    }
}

#[test]
fn agp_s3_a_token_that_was_not_made_for_this_sign_in_is_refused() {
    for (change, refused) in [
        (json!({"iss": "https://issuer.example/realms/b"}), Refused::Issuer),
        (json!({"iss": format!("{ISSUER}/")}), Refused::Issuer),
        (json!({"aud": "another"}), Refused::Audience),
        (json!({"aud": []}), Refused::Audience),
        (json!({"aud": null}), Refused::Audience),
        (json!({"aud": [CLIENT, "another"]}), Refused::Audience),
        (
            json!({"aud": [CLIENT, "another"], "azp": "another"}),
            Refused::Audience,
        ),
        (json!({"azp": "another"}), Refused::Audience),
        (json!({"nonce": "another"}), Refused::OtherSignIn),
        (json!({"nonce": ""}), Refused::OtherSignIn),
        (json!({"nonce": null}), missing("nonce")),
        (json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), Refused::OtherSignIn),
        (json!({"sub": null}), missing("sub")),
        (json!({"exp": null}), missing("exp")),
        (json!({"iat": null}), missing("iat")),
        (json!({"groups": [{"a": 1}]}), missing("groups")),
        (json!({"amr": [[]]}), missing("amr")),
    ] {
        assert_eq!(changed(change.clone()), Err(refused), "{change}");
    }
    for good in [
        json!({"aud": [CLIENT]}),
        json!({"aud": [CLIENT, "another"], "azp": CLIENT}),
        json!({"azp": CLIENT}),
        json!({"groups": null, "amr": null, "acr": null, "name": null}),
    ] {
        assert!(changed(good.clone()).is_ok(), "{good}");
    }
    // What opens something else is no identity token.
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt"] {
        let token = token_by(
            "ES256",
            &json!({"alg": "ES256", "kid": "ec", "typ": typ}),
            &good(),
        );
        assert_eq!(read(&token), Err(Refused::Type), "{typ}");
    }
}

#[test]
fn ctx_t3_a_token_is_good_for_its_time_and_not_long() {
    let token = signed(&good());
    // One minute is how far clocks may differ.
    assert!(read_at(&token, None, 359).is_ok());
    assert_eq!(read_at(&token, None, 360), Err(Refused::Expired));
    assert!(read_at(&token, None, -65).is_ok());
    assert_eq!(read_at(&token, None, -66), Err(Refused::NotYet));
    // However long it lives, it is used within ten minutes.
    let long = signed(&with(good(), json!({"iat": NOW_S, "exp": NOW_S + 86_400})));
    assert!(read_at(&long, None, 600).is_ok());
    assert_eq!(read_at(&long, None, 601), Err(Refused::Expired));
    let too_long = json!({"iat": NOW_S, "exp": NOW_S + 86_401});
    assert_eq!(changed(too_long), Err(Refused::Lifetime));
    assert_eq!(changed(json!({"nbf": NOW_S + 61})), Err(Refused::NotYet));
    // Somebody's milliseconds.
    assert_eq!(changed(json!({"exp": NOW.0})), Err(missing("exp")));
}

#[test]
fn agp_s3_an_access_token_belongs_to_one_identity_token() {
    for (algorithm, kid) in KINDS {
        let hash = match algorithm {
            "EdDSA" => digest(&SHA512, b"an access token"),
            _ => digest(&SHA256, b"an access token"),
        };
        let half = b64(&hash.as_ref()[..hash.as_ref().len() / 2]);
        let token = token_by(
            algorithm,
            &json!({"alg": algorithm, "kid": kid}),
            &with(good(), json!({"at_hash": half})),
        );
        assert!(read_at(&token, Some("an access token"), 0).is_ok(), "{algorithm}");
        for other in [Some("another"), Some(""), None] {
            assert_eq!(
                read_at(&token, other, 0),
                Err(Refused::OtherSignIn),
                "{algorithm}"
            );
        }
    }
}

#[test]
fn ctx_t5_groups_are_bounded() {
    // Short names: a whole token has at most 8 KiB.
    let groups = |count: usize| vec!["g"; count];
    assert_eq!(
        changed(json!({"groups": groups(1_000)})).unwrap().groups.len(),
        1_000
    );
    assert_eq!(changed(json!({"groups": groups(1_001)})), Err(missing("groups")));
    assert_eq!(changed(json!({"groups": "one"})).unwrap().groups, ["one"]);
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![
            "[ -~]{0,12}",
            Just(CLIENT.to_owned()),
            Just(NONCE.to_owned()),
            Just("true".to_owned())
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn claim() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "iss",
        "aud",
        "azp",
        "sub",
        "nonce",
        "iat",
        "exp",
        "nbf",
        "email",
        "email_verified",
        "name",
        "groups",
        "amr",
        "acr",
        "at_hash",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Nothing that was changed on its way says something else, or anything.
    #[test]
    fn agp_s3_what_was_changed_after_signing_is_nobody(at in 0_usize..100_000, byte in any::<u8>()) {
        let token = signed(&good());
        let mut bytes = token.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert_eq!(read(&text).is_ok(), text == token, "{}", text);
        }
    }

    /// Whatever a provider signs, whoever comes of it was seen by it, for us, now, in answer to what we asked.
    #[test]
    fn agp_s3_whoever_is_read_fits_what_was_asked(
        changes in proptest::collection::btree_map(claim(), anything(), 1..4),
        later in 0_i64..1_000,
    ) {
        let mut claims = good();
        for (name, value) in &changes {
            claims[*name] = value.clone();
        }
        let Ok(read) = read_at(&signed(&claims), None, later) else { return Ok(()) };
        prop_assert_eq!(&claims["iss"], ISSUER);
        prop_assert_eq!(&claims["nonce"], NONCE);
        let for_us = claims["aud"] == CLIENT
            || claims["aud"].as_array().is_some_and(|all| all.contains(&json!(CLIENT)));
        prop_assert!(for_us);
        prop_assert!(claims.get("azp").is_none_or(|party| party == CLIENT));
        prop_assert!(claims.get("at_hash").is_none());
        prop_assert!(!read.subject.is_empty());
        let says_so = [json!(true), json!("true")].contains(&claims["email_verified"]);
        prop_assert!(read.verified_email.is_none() || says_so);
        let now = NOW.plus(Duration::from_secs(later.unsigned_abs())).0 / 1000;
        let (issued, expires) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        prop_assert!(issued <= now + 60 && now - issued <= 600 && now < expires + 60);
    }

    /// Reading never panics, whatever is sent.
    #[test]
    fn ctx_t5_whatever_is_sent_is_read_or_refused(text in "[A-Za-z0-9_.=-]{0,200}") {
        prop_assert!(read(&text).is_err());
    }
}
