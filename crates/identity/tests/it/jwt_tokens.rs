//! Good tokens, and good tokens at the wrong time or place.

use std::time::Duration;

use domain::UnixMillis;
use identity::jwt::{Issuer, KeySet, Presented, Refused, Rules, Shown};
use serde_json::json;

use crate::forge::*;

#[test]
fn tokens_of_each_algorithm_are_read() {
    for (algorithm, kid) in [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        for typ in ["at+jwt", "application/at+jwt", "JWT"] {
            let header = json!({"alg": algorithm, "kid": kid, "typ": typ});
            let claims = judge(&token_by(algorithm, &header, &claims())).unwrap();
            assert_eq!(
                (claims.subject.as_str(), claims.team.as_deref()),
                ("ada", Some("engines"))
            );
            assert_eq!(claims.scopes, ["chat", "embed"]);
            assert_eq!(claims.id.as_deref(), Some("t-1"));
            assert_eq!(claims.expires, UnixMillis(NOW.0 + 600_000));
        }
        // One key fits: it need not be named. And a token need not say that it is one.
        assert!(judge(&token_by(algorithm, &json!({"alg": algorithm}), &claims())).is_ok());
    }
}

#[test]
fn tokens_that_somebody_elses_library_makes_are_read() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let rsa = {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let der: Pkcs8V1Der<'_> = RSA.as_der().unwrap();
        EncodingKey::from_rsa_der(&pkcs1(der.as_ref()))
    };
    let ec = EncodingKey::from_ec_der(EC.to_pkcs8v1().unwrap().as_ref());
    let ed = EncodingKey::from_ed_der(ED.to_pkcs8v1().unwrap().as_ref());
    for (algorithm, kid, key) in [
        (Algorithm::RS256, "rsa", rsa),
        (Algorithm::ES256, "ec", ec),
        (Algorithm::EdDSA, "ed", ed),
    ] {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.into());
        let token = encode(&header, &claims(), &key).unwrap();
        assert_eq!(judge(&token).unwrap().subject, "ada", "{algorithm:?}");
    }
}

/// The RSA key inside PKCS #8, which is the last octet string of it and a sequence itself.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8
        .windows(4)
        .skip(4)
        .position(|four| four[..2] == [0x30, 0x82] && four[2] == 4);
    pkcs8[at.unwrap() + 4..].to_vec()
}

#[test]
fn ctx_t3_a_token_is_good_from_its_beginning_to_its_end_and_the_leeway() {
    let exp = |seconds: i64| judge(&token(&with(claims(), json!({"exp": NOW_S + seconds}))));
    assert!(exp(-29).is_ok());
    assert_eq!(exp(-30), Err(Refused::Expired));
    let nbf = |seconds: i64| judge(&token(&with(claims(), json!({"nbf": NOW_S + seconds}))));
    assert!(nbf(30).is_ok());
    assert_eq!(nbf(31), Err(Refused::NotYet));
    let iat = |seconds: i64| {
        judge(&token(&with(
            claims(),
            json!({"iat": NOW_S + seconds, "nbf": null}),
        )))
    };
    assert!(iat(30).is_ok());
    assert_eq!(iat(31), Err(Refused::NotYet));
    assert!(judge(&token(&with(claims(), json!({"exp": 1_800_000_600.75})))).is_ok());
}

#[test]
fn ctx_t3_a_token_lives_no_longer_than_is_accepted() {
    let lives = |seconds: i64| {
        judge(&token(&with(
            claims(),
            json!({"iat": NOW_S - 10, "exp": NOW_S - 10 + seconds}),
        )))
    };
    assert!(lives(3600).is_ok());
    assert_eq!(lives(3601), Err(Refused::Lifetime));
    assert_eq!(lives(10_000_000_000), Err(Refused::Lifetime));
}

#[test]
fn agp_s3_times_that_are_missing_or_no_times_are_refused() {
    for name in ["exp", "iat"] {
        let without = judge(&token(&with(claims(), json!({name: null}))));
        assert_eq!(without, Err(Refused::Claim(name.into())));
    }
    for name in ["exp", "iat", "nbf"] {
        for value in [
            json!("1800000600"),
            json!(true),
            json!([1]),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
        ] {
            let bad = judge(&token(&with(claims(), json!({name: value}))));
            assert_eq!(bad, Err(Refused::Claim(name.into())), "{name}");
        }
    }
    // Milliseconds for seconds: a token that would be good for ever.
    assert_eq!(
        judge(&token(&with(claims(), json!({"exp": NOW_S * 1000 + 600_000})))),
        Err(Refused::Claim("exp".into()))
    );
}

#[test]
fn ctx_t1_a_token_for_somebody_else_is_refused() {
    for aud in [
        json!("https://other.example"),
        json!(["https://other.example"]),
        json!([]),
        json!([AUDIENCE, 7]),
        json!({ "a": AUDIENCE }),
        json!("https://gate.example/"),
        json!(null),
    ] {
        let judged = judge(&token(&with(claims(), json!({"aud": aud}))));
        assert_eq!(judged, Err(Refused::Audience), "{aud}");
    }
    let aud = json!(["https://other.example", AUDIENCE]);
    assert!(judge(&token(&with(claims(), json!({"aud": aud})))).is_ok());
}

#[test]
fn agp_s3_a_token_is_only_its_own_issuers() {
    let foreign = token(&with(claims(), json!({"iss": "https://issuer.example/realms/b"})));
    let presented = Presented::read(&foreign).unwrap();
    assert_eq!(presented.issuer(), "https://issuer.example/realms/b");
    assert!(!presented.is_for(issuer().rules()));
    // Even if somebody asks the wrong issuer's keys, which verify it.
    assert_eq!(judge(&foreign), Err(Refused::Issuer));
    for iss in [json!(null), json!(7), json!([ISSUER])] {
        let bad = judge(&token(&with(claims(), json!({"iss": iss}))));
        assert_eq!(bad, Err(Refused::Claim("iss".into())));
    }
    let good = token(&claims());
    assert!(Presented::read(&good).unwrap().is_for(issuer().rules()));
}

#[test]
fn ctx_t1_tokens_of_other_types_are_refused() {
    let typed = |typ: &str| token_by("EdDSA", &json!({"alg": "EdDSA", "typ": typ}), &claims());
    for typ in ["dpop+jwt", "logout+jwt", "secevent+jwt", "", "JWT "] {
        assert_eq!(judge(&typed(typ)), Err(Refused::Type), "{typ}");
    }
    let rules = Rules {
        access_tokens_only: true,
        ..rules()
    };
    let strict = Issuer::new(rules, KeySet::parse(&published().to_string()).unwrap()).unwrap();
    let judge = |token: &str| Presented::read(token).unwrap().verify(&strict, NOW).map(|_| ());
    assert_eq!(judge(&typed("AT+JWT")), Ok(()));
    assert_eq!(judge(&typed("JWT")), Err(Refused::Type));
    assert_eq!(
        judge(&token_by("EdDSA", &json!({"alg": "EdDSA"}), &claims())),
        Err(Refused::Type)
    );
}

#[test]
fn ctx_t3_a_bound_token_is_of_no_use_without_what_it_is_bound_to() {
    let judge = |cnf: serde_json::Value, shown: Shown| {
        let token = token(&with(claims(), json!({"cnf": cnf})));
        Presented::read(&token)?
            .verify(&issuer(), NOW)?
            .claims(&shown)
            .map(|_| ())
    };
    let none = Shown::default();
    let certificate = Shown {
        certificate: Some([1; 32]),
        ..none
    };
    let key = Shown {
        key: Some([1; 32]),
        ..none
    };
    let both = Shown {
        certificate: Some([1; 32]),
        key: Some([1; 32]),
    };
    for (kind, right, other) in [("x5t#S256", certificate, key), ("jkt", key, certificate)] {
        assert_eq!(judge(json!({kind: b64([1; 32])}), right), Ok(()), "{kind}");
        for wrong in [none, other] {
            assert_eq!(
                judge(json!({kind: b64([1; 32])}), wrong),
                Err(Refused::Binding),
                "{kind}"
            );
        }
        assert_eq!(judge(json!({kind: b64([2; 32])}), both), Err(Refused::Binding));
        // Kinds that are not digests, or beside one that nobody knows.
        for cnf in [
            json!({kind: b64([1; 31])}),
            json!({kind: 7}),
            json!({kind: b64([1; 32]), "kid": "x"}),
        ] {
            assert_eq!(judge(cnf, both), Err(Refused::Binding));
        }
    }
    let twice = json!({"jkt": b64([1; 32]), "x5t#S256": b64([1; 32])});
    assert_eq!(judge(twice.clone(), both), Ok(()));
    assert_eq!(judge(twice, key), Err(Refused::Binding));
    for cnf in [json!({}), json!("x"), json!({"jwk": {}})] {
        assert_eq!(judge(cnf, both), Err(Refused::Binding));
    }
    // A proof beside a token that is not bound to it proves nothing.
    assert_eq!(judge(json!(null), key), Err(Refused::Binding));
    assert_eq!(judge(json!(null), certificate), Ok(()));
}

#[test]
fn ctx_t3_where_tokens_must_be_bound_others_are_refused() {
    let rules = Rules {
        bound_only: true,
        ..rules()
    };
    let issuer = Issuer::new(rules, KeySet::parse(&published().to_string()).unwrap()).unwrap();
    let free = token(&claims());
    let judged = Presented::read(&free).unwrap().verify(&issuer, NOW).map(|_| ());
    assert_eq!(judged, Err(Refused::Binding));
    let bound = token(&with(claims(), json!({"cnf": {"jkt": b64([7; 32])}})));
    let verified = Presented::read(&bound).unwrap().verify(&issuer, NOW).unwrap();
    assert_eq!(verified.wants_key(), Some([7; 32]));
}

#[test]
fn rules_have_bounds() {
    let keys = || KeySet::parse(&published().to_string()).unwrap();
    let good = |change: fn(&mut Rules)| {
        let mut rules = rules();
        change(&mut rules);
        Issuer::new(rules, keys()).is_ok()
    };
    assert!(good(|_| ()));
    assert!(good(|rules| rules.leeway = Duration::from_secs(300)));
    assert!(!good(|rules| rules.leeway = Duration::from_secs(301)));
    assert!(good(|rules| rules.lifetime_max = Duration::from_secs(86_400)));
    assert!(!good(|rules| rules.lifetime_max = Duration::from_secs(86_401)));
    assert!(!good(|rules| rules.lifetime_max = Duration::ZERO));
    assert!(!good(|rules| rules.issuer.clear()));
    assert!(!good(|rules| rules.audiences.clear()));
    assert!(!good(|rules| rules.audiences.push(String::new())));
    assert!(good(|rules| rules.audiences = vec!["a".into(); 16]));
    assert!(!good(|rules| rules.audiences = vec!["a".into(); 17]));
}
