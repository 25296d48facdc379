//! Whether what comes in at the data listener can be told apart: proxies, authorities, claims, windows.

use crate::read;
use crate::validation::{one, problems};

#[test]
fn agp_s1_the_proxy_protocol_needs_proxies() {
    one("listen: { proxy_protocol: required }", "listen.proxy_protocol");
    let good = "listen: { proxy_protocol: required, trusted_proxies: [10.0.0.0/8] }";
    assert_eq!(problems(good), [""; 0]);
    assert_eq!(problems("listen: { proxy_protocol: off }"), [""; 0]);
}

#[test]
fn agp_s1_authorities_for_callers_share_nobody() {
    let tls = |more: &str| {
        format!(
            "listen: {{ tls: {{ certificate: /c, private_key: env:K, client_certificates: optional, {more} }} }}"
        )
    };
    let two = |first: &str, second: &str| {
        tls(&format!(
            "client_cas: [{{ name: a, certificate: /a, {first} }}, {{ name: b, certificate: /b, {second} }}]"
        ))
    };
    let good = two(
        "trust_domains: [a.org], hosts: ['*.a.org']",
        "trust_domains: [b.org], hosts: [a.org]",
    );
    assert_eq!(problems(&good), [""; 0]);
    for (first, second) in [
        ("trust_domains: [a.org, b.org]", "trust_domains: [b.org]"),
        ("hosts: [x.a.org]", "hosts: [x.a.org]"),
        ("hosts: ['*.a.org']", "hosts: [x.a.org]"),
        ("hosts: [x.y.a.org]", "hosts: ['*.a.org']"),
        ("hosts: ['*.a.org']", "hosts: ['*.x.a.org']"),
        ("hosts: ['*.a.org']", "hosts: ['*.a.org']"),
    ] {
        one(&two(first, second), "listen.tls.client_cas[1]");
    }
    one(&two("hosts: [a.org]", "hosts: []"), "listen.tls.client_cas[1]");
    one(
        &two("hosts: [a.org]", "hosts: [B.org]"),
        "listen.tls.client_cas[1].hosts[0]",
    );
    one(
        &two("hosts: [a.org]", "trust_domains: ['b.org/x']"),
        "listen.tls.client_cas[1].trust_domains[0]",
    );
    let both = tls("client_ca: /x, client_cas: [{ name: a, certificate: /a, hosts: [a.org] }]");
    one(&both, "listen.tls.client_ca");
    one(
        "listen: { tls: { certificate: /c, private_key: env:K, client_crl: [/r] } }",
        "listen.tls.client_crl",
    );
}

#[test]
fn agp_s3_rules_for_claims_ask_for_something() {
    let with = |more: &str| {
        format!("issuers: [{{ name: a, issuer: i, audiences: [x], tenant: t, jwks: /j, {more} }}]")
    };
    let good = "require: { tid: x, n: 7, ok: true, g: { glob: 'a*' }, l: [x, 7, { glob: b* }] }, \
                rules: [{ name: deploy, when: { /a/b: x } }, { name: deploy, when: { '*': '*' } }]";
    assert_eq!(problems(&with(good)), [""; 0]);
    one(&with("require: { tid: [] }"), "issuers[0].require.tid");
    one(
        &with("rules: [{ name: a, when: {} }]"),
        "issuers[0].rules[0].when",
    );
    one(
        &with("rules: [{ name: a, when: { x: [] } }]"),
        "issuers[0].rules[0].when.x",
    );
    one(
        &with("rules: [{ name: A, when: { x: y } }]"),
        "issuers[0].rules[0].name",
    );
    for bad in [
        "1.5",
        "null",
        "{ glob: 7 }",
        "{ like: x }",
        "{ glob: x, or: y }",
        "[[x]]",
    ] {
        let text = with(&format!("require: {{ tid: {bad} }}"));
        let message = read(&text).expect_err(bad).to_string();
        assert!(message.contains("give a text"), "{bad}: {message}");
    }
}

/// A list of one is a list.
#[test]
fn agp_s3_a_list_is_no_pattern() {
    use config::section::ClaimValue::{Like, Text};
    let text = "issuers: [{ name: a, issuer: i, audiences: [x], tenant: t, jwks: /j, \
                require: { v: ['a*'], w: [{ glob: 'a*' }] } }]";
    let read = read(text).unwrap();
    assert_eq!(read.issuers[0].require["v"].values(), [Text("a*".into())]);
    let glob = "a*".to_owned();
    assert_eq!(read.issuers[0].require["w"].values(), [Like { glob }]);
}

/// What is quoted is a text, and what is not is what it looks like.
#[test]
fn agp_s3_values_of_claims_keep_their_type() {
    use config::section::ClaimValue::{Flag, Number, Text};
    let text = "issuers: [{ name: a, issuer: i, audiences: [x], tenant: t, jwks: /j, \
                require: { v: ['7', 7, true, 'true', x] } }]";
    let read = read(text).unwrap();
    let values = read.issuers[0].require["v"].values();
    let wanted = [
        Text("7".into()),
        Number(7),
        Flag(true),
        Text("true".into()),
        Text("x".into()),
    ];
    assert_eq!(values, wanted);
}

#[test]
fn anp_0001_the_window_of_signatures_is_bounded() {
    for (text, path) in [
        ("age_max_ms: 999", "signatures.age_max_ms"),
        ("age_max_ms: 300001", "signatures.age_max_ms"),
        ("skew_max_ms: 60001", "signatures.skew_max_ms"),
    ] {
        one(&format!("signatures: {{ {text} }}"), path);
    }
    assert_eq!(
        problems("signatures: { age_max_ms: 300000, skew_max_ms: 60000 }"),
        [""; 0]
    );
    assert_eq!(
        problems("signatures: { age_max_ms: 1000, skew_max_ms: 0 }"),
        [""; 0]
    );
}
