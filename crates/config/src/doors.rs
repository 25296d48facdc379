//! Whether what callers come in by fits together: proxies, client certificates and their authorities, issuers.

use std::collections::HashSet;

use credential::Binding;

use crate::Problem;
use crate::address::Address;
use crate::bounds::{DAY_MS, within};
use crate::error::quoted;
use crate::section::{Claim, ClientAuthority, ClientCertificates, Config, Issuer, ProxyProtocol, Tls};
use crate::validate::{at_most, name, unique};

const ISSUERS_MAX: usize = 100;
const AUTHORITIES_MAX: usize = 100;

impl Config {
    // threat: ANP-0002
    // threat: AGP-S1
    pub(crate) fn callers_fit(&self, problems: &mut Vec<Problem>) {
        let listen = &self.listen;
        if listen.proxy_protocol == ProxyProtocol::Required && listen.trusted_proxies.is_empty() {
            let problem = Problem::new(
                "listen.proxy_protocol",
                "would refuse everybody: no proxy is trusted",
            );
            problems.push(problem.hint("name the networks of your proxies in `listen.trusted_proxies`"));
        }
        for (i, net) in listen
            .trusted_proxies
            .iter()
            .enumerate()
            .filter(|(_, net)| net.prefix_len() == 0)
        {
            let problem = Problem::new(
                format!("listen.trusted_proxies[{i}]"),
                format!("`{net}` believes everybody"),
            );
            problems.push(problem.hint("name the networks that your proxies are in"));
        }
        if let Some(tls) = &listen.tls {
            certificates_fit(tls, problems);
        }
    }

    /// A token is one issuer's: two that take the same would leave it open which tenant is meant.
    // threat: AGP-S3
    // threat: ANP-0006
    pub(crate) fn issuers_fit(&self, problems: &mut Vec<Problem>) {
        at_most(problems, "issuers", self.issuers.len(), ISSUERS_MAX);
        unique(
            problems,
            "issuers",
            self.issuers.iter().map(|one| one.name.as_str()),
        );
        let mut taken = HashSet::new();
        for (i, one) in self.issuers.iter().enumerate() {
            let path = format!("issuers[{i}]");
            if Binding::jwt(&one.name, "x").is_err() {
                let message = "is no name of an issuer: lower-case letters, digits, `-`, `_` and `.`";
                problems.push(Problem::new(format!("{path}.name"), message));
            }
            for audience in &one.audiences {
                if !taken.insert((&one.issuer, audience)) {
                    let message =
                        "another issuer takes the same tokens: `issuer` and an audience are the same";
                    problems.push(Problem::new(format!("{path}.audiences"), message));
                }
            }
            if one.jwks.contains("://")
                && let Err(message) = Address::read(&one.jwks).and_then(|address| address.permitted(false))
            {
                problems.push(Problem::new(format!("{path}.jwks"), message));
            }
            claims_fit(&path, one, problems);
            within(
                problems,
                format!("{path}.lifetime_max_ms"),
                one.lifetime_max_ms,
                1_000..=DAY_MS,
            );
            within(problems, format!("{path}.leeway_ms"), one.leeway_ms, 0..=300_000);
            within(
                problems,
                format!("{path}.refresh_ms"),
                one.refresh_ms,
                1_000..=DAY_MS,
            );
            within(problems, format!("{path}.keep_ms"), one.keep_ms, 1_000..=DAY_MS);
        }
    }
}

fn claims_fit(path: &str, issuer: &Issuer, problems: &mut Vec<Problem>) {
    let filled = |path: String, claim: &Claim, problems: &mut Vec<Problem>| {
        if claim.values().is_empty() {
            problems.push(Problem::new(path, "lists no value: no token would do"));
        }
    };
    for (claim, wanted) in &issuer.require {
        filled(format!("{path}.require.{claim}"), wanted, problems);
    }
    for (i, rule) in issuer.rules.iter().enumerate() {
        let path = format!("{path}.rules[{i}]");
        if Binding::rule("x", &rule.name).is_err() {
            let message = "is no name of a rule: lower-case letters, digits, `-`, `_` and `.`";
            problems.push(Problem::new(format!("{path}.name"), message));
        }
        if rule.when.is_empty() {
            let problem = Problem::new(format!("{path}.when"), "asks for nothing: every token would do");
            problems.push(problem.hint("name a claim and its value"));
        }
        for (claim, wanted) in &rule.when {
            filled(format!("{path}.when.{claim}"), wanted, problems);
        }
    }
}

fn certificates_fit(tls: &Tls, problems: &mut Vec<Problem>) {
    let are_asked_for = tls.client_certificates != ClientCertificates::None;
    if are_asked_for && tls.client_ca.is_none() && tls.client_cas.is_empty() {
        let message = "is missing: client certificates are verified against it";
        problems.push(Problem::new("listen.tls.client_ca", message));
    }
    if tls.client_ca.is_some() && !tls.client_cas.is_empty() {
        let problem = Problem::new(
            "listen.tls.client_ca",
            "names whom it likes beside `client_cas`, which may not",
        );
        problems.push(problem.hint("list it in `client_cas` with what it may name"));
    }
    if !are_asked_for && !tls.client_crl.is_empty() {
        let message = "means nothing: no client certificates are asked for";
        problems.push(Problem::new("listen.tls.client_crl", message));
    }
    let all = &tls.client_cas;
    at_most(problems, "listen.tls.client_cas", all.len(), AUTHORITIES_MAX);
    unique(
        problems,
        "listen.tls.client_cas",
        all.iter().map(|one| one.name.as_str()),
    );
    for (i, one) in all.iter().enumerate() {
        let path = format!("listen.tls.client_cas[{i}]");
        authority_fits(&path, one, problems);
        let mut before = all.iter().take(i);
        if let Some((shared, other)) = before.find_map(|other| Some((one.shares(other)?, other))) {
            let message = format!(
                "may name {}, and so may {}: each could say who the other's callers are",
                quoted(shared),
                quoted(&other.name)
            );
            problems.push(Problem::new(path, message));
        }
    }
}

fn authority_fits(path: &str, one: &ClientAuthority, problems: &mut Vec<Problem>) {
    name(problems, &format!("{path}.name"), &one.name);
    if one.trust_domains.is_empty() && one.hosts.is_empty() {
        let problem = Problem::new(path, "may name nobody");
        problems.push(problem.hint("give it `trust_domains` or `hosts`"));
    }
    for (i, domain) in one.trust_domains.iter().enumerate() {
        if domain.contains('/') || Binding::certificate(&format!("spiffe://{domain}/x")).is_err() {
            let message = format!("{} is no trust domain", quoted(domain));
            problems.push(Problem::new(format!("{path}.trust_domains[{i}]"), message));
        }
    }
    for (i, host) in one.hosts.iter().enumerate() {
        let bare = host.strip_prefix("*.").unwrap_or(host);
        let read = Binding::certificate(bare).map(|read| read.to_string());
        if read != Ok(format!("certificate:{bare}")) {
            let message = format!("{} is no host's name in lower case", quoted(host));
            problems.push(Problem::new(format!("{path}.hosts[{i}]"), message));
        }
    }
}
