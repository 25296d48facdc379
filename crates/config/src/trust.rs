//! Whether what a provider is shown, and what it must show, fit together.

use std::collections::HashSet;

use crate::Problem;
use crate::bounds::within;
use crate::error::quoted;
use crate::section::{Config, IdentityToken, Provider, ProviderKind, ProviderTls};
use crate::validate::{HEADERS_REFUSED, at_most, is_header_name};

const SPIFFE_IDS_MAX: usize = 64;
/// The longest id by its specification.
const SPIFFE_ID_BYTES_MAX: usize = 2_048;
const AUDIENCE_CHARS_MAX: usize = 256;
/// Headers that the gate writes itself, or passes on: no token goes there.
const HEADERS_TAKEN: [&str; 8] = [
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "expect",
    "traceparent",
    "trailer",
    "user-agent",
];

impl Config {
    pub(crate) fn trust_fits(&self, provider: &Provider, path: &str, problems: &mut Vec<Problem>) {
        if let Some(tls) = &provider.tls {
            provider.is_tls(&format!("{path}.tls"), problems);
            tls.fits(&format!("{path}.tls"), problems);
        }
        if let Some(token) = &provider.identity_token {
            let path = format!("{path}.identity_token");
            if self.listen.public_url.is_none() {
                let message = "needs `listen.public_url`: backends know the gate's tokens by it";
                problems.push(Problem::new(&path, message));
            }
            token.fits(provider, &path, problems);
        }
    }
}

impl Provider {
    fn is_tls(&self, path: &str, problems: &mut Vec<Problem>) {
        if !self.base_url().starts_with("https://") {
            let problem = Problem::new(path, "means nothing to a provider whose `base_url` is not https");
            problems.push(problem.hint("call it by `https://…`"));
        }
    }
}

impl ProviderTls {
    // threat: ANP-0018
    // threat: AGP-S2
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        let missing = match (&self.client_certificate, &self.client_key) {
            (Some(_), None) => Some("client_key"),
            (None, Some(_)) => Some("client_certificate"),
            _ => None,
        };
        if let Some(key) = missing {
            let message = "is missing: a certificate is shown with its private key, or not at all";
            problems.push(Problem::new(format!("{path}.{key}"), message));
        }
        if self.ca.is_none() && !self.spiffe_ids.is_empty() {
            // Any authority of the public web could issue such a name.
            let problem = Problem::new(
                format!("{path}.ca"),
                "is missing: SPIFFE ids are those of one authority",
            );
            problems.push(problem.hint("name the file with your trust domain's certificates"));
        }
        let ids = format!("{path}.spiffe_ids");
        at_most(problems, &ids, self.spiffe_ids.len(), SPIFFE_IDS_MAX);
        let mut seen = HashSet::new();
        for (i, id) in self.spiffe_ids.iter().enumerate() {
            if !is_spiffe_id(id) {
                let message = format!("{} is no SPIFFE id: `spiffe://trust.domain/workload`", quoted(id));
                problems.push(Problem::new(format!("{ids}[{i}]"), message));
            } else if !seen.insert(id) {
                problems.push(Problem::new(format!("{ids}[{i}]"), "is there twice"));
            }
        }
        if let Some(name) = self.server_name.as_ref().filter(|name| !is_host_name(name)) {
            let message = format!("{} is no host name", quoted(name));
            problems.push(Problem::new(format!("{path}.server_name"), message));
        }
    }
}

impl IdentityToken {
    // threat: ANP-0009
    // threat: ANP-0024
    fn fits(&self, provider: &Provider, path: &str, problems: &mut Vec<Problem>) {
        let written = |c: char| !c.is_control() && !c.is_whitespace();
        let chars = self.audience.chars().count();
        if chars == 0 || chars > AUDIENCE_CHARS_MAX || !self.audience.chars().all(written) {
            let message = format!(
                "{} names nobody: such as `https://vllm.internal`",
                quoted(&self.audience)
            );
            problems.push(Problem::new(format!("{path}.audience"), message));
        }
        let header = self.header.to_ascii_lowercase();
        let taken = |name: &str| name == header;
        let may_authorize = header == "authorization"
            && (provider.credential.is_none() || provider.kind == ProviderKind::Anthropic);
        let refused = HEADERS_REFUSED
            .iter()
            .chain(&HEADERS_TAKEN)
            .any(|name| taken(name));
        let configured = provider
            .headers
            .keys()
            .any(|name| taken(&name.to_ascii_lowercase()));
        if !is_header_name(&header) || configured || (refused && !may_authorize) {
            let problem = Problem::new(
                format!("{path}.header"),
                format!("{} cannot carry the token", quoted(&self.header)),
            );
            problems.push(
                problem.hint("leave it out for `x-bartizan-identity`, or name a header nothing else uses"),
            );
        }
        within(
            problems,
            format!("{path}.lifetime_ms"),
            self.lifetime_ms,
            1_000..=600_000,
        );
    }
}

/// `spiffe://` and a trust domain, then segments of letters, digits, `-`, `_` and `.`: the one way to write an id, so
/// that ids are compared as bytes.
fn is_spiffe_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("spiffe://") else {
        return false;
    };
    let mut parts = rest.split('/');
    let domain = parts.next().unwrap_or_default();
    let of_domain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    let of_path = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let segment = |text: &str| !text.is_empty() && text != "." && text != ".." && text.bytes().all(of_path);
    text.len() <= SPIFFE_ID_BYTES_MAX
        && !domain.is_empty()
        && domain.len() <= 255
        && domain.bytes().all(of_domain)
        && parts.all(segment)
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && label.len() <= 63 && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}
