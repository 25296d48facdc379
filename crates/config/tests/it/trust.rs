//! What a provider is shown, and what it must show: whether the keys fit together.

use crate::read;

/// The problems of one provider with these keys, as `path: message`.
fn problems(provider: &str) -> Vec<String> {
    let listen = "listen: { public_url: 'https://gate.example' }\n";
    of(&format!(
        "{listen}providers:\n  - {{ name: p, kind: openai, {provider} }}\n"
    ))
}

fn of(text: &str) -> Vec<String> {
    let read = read(text).expect(text);
    read.validate().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn one(provider: &str, path: &str) {
    let all = problems(provider);
    let path = format!("providers[0].{path}: ");
    assert!(all.len() == 1 && all[0].starts_with(&path), "{provider}: {all:?}");
}

const NONE: [&str; 0] = [];

#[test]
fn agp_s2_ids_are_those_of_one_authority_and_have_one_spelling() {
    let with = |ids: &str| format!("tls: {{ ca: ca.pem, spiffe_ids: [{ids}] }}");
    let longest = format!("spiffe://d/{}", "a".repeat(2_048 - 11));
    for good in [
        "'spiffe://example.org/engine'".to_owned(),
        "'spiffe://example.org'".to_owned(),
        "'spiffe://a-b.c_1/A/b.c/-_'".to_owned(),
        format!("'{longest}'"),
    ] {
        assert_eq!(problems(&with(&good)), NONE, "{good}");
    }
    for bad in [
        "https://example.org/engine",
        "spiffe://",
        "spiffe:///engine",
        "spiffe://Example.org/engine",
        "SPIFFE://example.org/engine",
        "spiffe://example.org/",
        "spiffe://example.org//engine",
        "spiffe://example.org/./engine",
        "spiffe://example.org/a/../engine",
        "spiffe://example.org/engine?x=1",
        "spiffe://example.org/engine#x",
        "spiffe://example.org:443/engine",
        "spiffe://me@example.org/engine",
        "spiffe://example.org/%65ngine",
        "spiffe://example.org/*",
        &format!("{longest}a"),
    ] {
        one(&with(&format!("'{bad}'")), "tls.spiffe_ids[0]");
    }
    one(&with("'spiffe://a/b', 'spiffe://a/b'"), "tls.spiffe_ids[1]");
    let many = |count: usize| {
        let ids: Vec<_> = (0..count).map(|n| format!("'spiffe://a/{n}'")).collect();
        with(&ids.join(", "))
    };
    assert_eq!(problems(&many(64)), NONE);
    one(&many(65), "tls.spiffe_ids");
    one("tls: { spiffe_ids: ['spiffe://a/b'] }", "tls.ca");
}

#[test]
fn anp_0018_tls_of_a_providers_own_is_whole_and_for_https() {
    let whole = "client_certificate: a.pem, client_key: 'file:/a.key'";
    assert_eq!(problems(&format!("tls: {{ {whole} }}")), NONE);
    one("tls: { client_certificate: a.pem }", "tls.client_key");
    one("tls: { client_key: 'file:/a.key' }", "tls.client_certificate");
    one("base_url: 'http://127.0.0.1:1', tls: { ca: ca.pem }", "tls");
    for good in ["engine.internal", "a", "xn--1"] {
        assert_eq!(
            problems(&format!("tls: {{ ca: a.pem, server_name: '{good}' }}")),
            NONE
        );
    }
    for bad in ["", "a..b", "-a", "a b", "https://a", "a:1", "*.a"] {
        one(
            &format!("tls: {{ ca: a.pem, server_name: '{bad}' }}"),
            "tls.server_name",
        );
    }
    let stored = "tls: { client_certificate: a.pem, client_key: 'stored:x' }";
    one(stored, "tls.client_key");
    one(
        "tls: { client_certificate: a.pem, client_key: 'vault:kv/a#b' }",
        "tls.client_key",
    );
}

#[test]
fn anp_0009_anp_0024_a_token_names_whom_it_is_for_and_goes_where_nothing_else_does() {
    assert_eq!(problems("identity_token: { audience: engine }"), NONE);
    assert_eq!(
        problems("identity_token: { audience: e, header: X-Who, lifetime_ms: 1000 }"),
        NONE
    );
    assert_eq!(
        problems("identity_token: { audience: e, header: authorization }"),
        NONE
    );
    one(
        "credential: 'env:K', identity_token: { audience: e, header: Authorization }",
        "identity_token.header",
    );
    for taken in [
        "host",
        "Content-Type",
        "x-api-key",
        "anthropic-beta",
        "traceparent",
        "te",
        "a b",
        "",
        "x-own",
    ] {
        one(
            &format!("headers: {{ X-Own: '1' }}, identity_token: {{ audience: e, header: '{taken}' }}"),
            "identity_token.header",
        );
    }
    for bad in ["", " ", "a b", "a\\nb", &"a".repeat(257)] {
        one(
            &format!("identity_token: {{ audience: \"{bad}\" }}"),
            "identity_token.audience",
        );
    }
    for bad in [0, 999, 600_001] {
        one(
            &format!("identity_token: {{ audience: e, lifetime_ms: {bad} }}"),
            "identity_token.lifetime_ms",
        );
    }
    let nameless = of("providers:\n  - { name: p, kind: openai, identity_token: { audience: e } }\n");
    assert!(
        nameless.len() == 1 && nameless[0].contains("listen.public_url"),
        "{nameless:?}"
    );
}
