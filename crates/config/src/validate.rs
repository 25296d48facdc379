//! What no single key can tell: whether the keys fit together, and whether the posture permits them.

use std::collections::HashSet;
use std::net::SocketAddr;

use domain::Permission;

use crate::address::Address;
use crate::bounds::{DAY_MS, within};
use crate::error::quoted;
use crate::section::{Checks, Config, Posture, Provider, StoreEngine};
use crate::{Dollars, Problem};

const PROVIDERS_MAX: usize = 1_000;
const MODELS_MAX: usize = 10_000;
const NAME_CHARS_MAX: usize = 128;
/// Headers that carry credentials or belong to the connection: no provider's `headers` may set them.
pub(crate) const HEADERS_REFUSED: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
];

impl Config {
    /// Everything that keeps this configuration from being served; empty if nothing does.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.listeners(&mut problems);
        self.callers_fit(&mut problems);
        self.posture_permits(&mut problems);
        self.control_fits(&mut problems);
        self.secrets_fit(&mut problems);
        self.approvals_fit(&mut problems);
        self.store_fits(&mut problems);
        self.issuers_fit(&mut problems);
        self.providers_fit(&mut problems);
        self.models_fit(&mut problems);
        self.prices_fit(&mut problems);
        self.otlp_fits(&mut problems);
        self.sinks_fit(&mut problems);
        self.exports_fit(&mut problems);
        self.delivery_fits(&mut problems);
        self.witnesses_fit(&mut problems);
        self.budgets_fit(&mut problems);
        self.guards_fit(&mut problems);
        self.bounds(&mut problems);
        self.holds_no_secret(&mut problems);
        problems
    }

    fn guards_fit(&self, problems: &mut Vec<Problem>) {
        let always = self.guards.always().problems().into_iter();
        let always = always.map(|(at, what)| (at.to_owned(), what));
        let found = always.chain(self.guards.document().problems());
        problems.extend(found.map(|(at, what)| Problem::new(format!("guards.{at}"), what)));
        self.connectors_fit(problems);
    }

    /// The planes never share a listener.
    // threat: ANP-0005
    // threat: ANP-D0006
    fn listeners(&self, problems: &mut Vec<Problem>) {
        let listen = &self.listen;
        let pairs = [
            ("listen.control", listen.control, "listen.data", listen.data),
            ("listen.health", listen.health, "listen.data", listen.data),
            ("listen.health", listen.health, "listen.control", listen.control),
        ];
        for (path, own, other_path, other) in pairs {
            if overlap(own, other) {
                problems.push(
                    Problem::new(path, format!("shares `{own}` with `{other_path}`"))
                        .hint("give it another port"),
                );
            }
        }
    }

    // threat: CTX-T2
    // threat: ANP-0002
    fn posture_permits(&self, problems: &mut Vec<Problem>) {
        let listen = &self.listen;
        if self.checks == Checks::Off && (self.posture != Posture::Development || !loopback(listen.data)) {
            problems.push(Problem::new(
                "checks",
                "`off` is for posture `development` on a loopback address only",
            ));
        }
        if self.posture == Posture::Development {
            return;
        }
        if !loopback(listen.data) && listen.tls.is_none() && !listen.behind_tls_proxy {
            let problem = Problem::new(
                "listen.data",
                format!("`{}` would speak plain http beyond loopback", listen.data),
            );
            problems.push(problem.hint("configure `listen.tls`, or declare `listen.behind_tls_proxy: true`"));
        }
        if !loopback(listen.control) {
            let problem = Problem::new(
                "listen.control",
                format!("`{}` would speak plain http beyond loopback", listen.control),
            );
            problems
                .push(problem.hint("listen on loopback and reach it through a tunnel or a proxy with TLS"));
        }
    }

    fn approvals_fit(&self, problems: &mut Vec<Problem>) {
        for (i, act) in self.approvals.acts.iter().enumerate() {
            let path = format!("approvals.acts[{i}]");
            match Permission::named(act) {
                Some(Permission::ApprovalsDecide) => problems.push(Problem::new(
                    path,
                    "`approvals.decide` cannot wait for a second person: it is the second person's",
                )),
                Some(_) => {}
                None => problems.push(
                    Problem::new(path, format!("there is no permission {}", quoted(act)))
                        .hint("`x-permission` in openapi/v1.json names them all"),
                ),
            }
        }
    }

    /// An origin with a name: a passkey is bound to it, and codes of identity providers are sent there.
    // threat: ANP-D0005
    fn control_fits(&self, problems: &mut Vec<Problem>) {
        for (at, host) in self.control.hosts.iter().enumerate() {
            let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            if host.is_empty() || !host.bytes().all(is_in_name) {
                let problem = Problem::new(
                    format!("control.hosts[{at}]"),
                    format!("`{host}` is no host name"),
                );
                problems.push(problem.hint("write the name alone, such as `bartizan.internal`"));
            }
        }
        let Some(url) = &self.control.public_url else {
            return;
        };
        let found = Address::read(url).and_then(|address| {
            address.permitted(self.posture == Posture::Development)?;
            address.is_named_origin(url)
        });
        if let Err(message) = found {
            problems.push(Problem::new("control.public_url", message));
        }
    }

    fn store_fits(&self, problems: &mut Vec<Problem>) {
        match (self.store.engine, &self.store.url) {
            (StoreEngine::Postgres, None) => {
                let problem = Problem::new("store.url", "is missing: the engine is `postgres`");
                problems.push(problem.hint("name where the address is kept, such as `env:DATABASE_URL`"));
            }
            (StoreEngine::Sqlite, Some(_)) => {
                problems.push(Problem::new("store.url", "means nothing to the engine `sqlite`"))
            }
            _ => {}
        }
    }

    fn providers_fit(&self, problems: &mut Vec<Problem>) {
        at_most(problems, "providers", self.providers.len(), PROVIDERS_MAX);
        unique(
            problems,
            "providers",
            self.providers.iter().map(|p| p.name.as_str()),
        );
        for (i, provider) in self.providers.iter().enumerate() {
            let path = format!("providers[{i}]");
            provider.fits(&path, problems);
            self.trust_fits(provider, &path, problems);
        }
    }

    fn models_fit(&self, problems: &mut Vec<Problem>) {
        at_most(problems, "models", self.models.len(), MODELS_MAX);
        unique(problems, "models", self.models.iter().map(|m| m.name.as_str()));
        for (i, model) in self.models.iter().enumerate() {
            let path = format!("models[{i}]");
            within(
                problems,
                format!("{path}.name"),
                model.name.chars().count(),
                1..=256,
            );
            within(problems, format!("{path}.targets"), model.targets.len(), 1..=100);
            if let Some(tokens) = model.output_tokens_max {
                within(
                    problems,
                    format!("{path}.output_tokens_max"),
                    tokens,
                    1..=10_000_000,
                );
            }
            for (j, target) in model.targets.iter().enumerate() {
                let path = format!("{path}.targets[{j}]");
                within(problems, format!("{path}.weight"), target.weight, 1..=1_000_000);
                self.reference(&path, &target.provider, &target.model, problems);
            }
        }
    }

    /// A provider that exists and serves the model.
    fn reference(&self, path: &str, provider: &str, model: &str, problems: &mut Vec<Problem>) {
        let Some(found) = self.providers.iter().find(|p| p.name == provider) else {
            let names: Vec<_> = self.providers.iter().map(|p| p.name.as_str()).collect();
            let problem = Problem::new(
                format!("{path}.provider"),
                format!("{} is not under `providers`", quoted(provider)),
            );
            problems.push(match names.is_empty() {
                true => problem,
                false => problem.hint(format!("known providers: {}", names.join(", "))),
            });
            return;
        };
        if model.is_empty() || model == "*" || !found.serves(model) {
            let message = format!("{} does not serve {}", quoted(provider), quoted(model));
            problems.push(
                Problem::new(format!("{path}.model"), message).hint("add it to the provider's `models`"),
            );
        }
    }

    fn prices_fit(&self, problems: &mut Vec<Problem>) {
        let mut seen = HashSet::new();
        for (i, price) in self.prices.overrides.iter().enumerate() {
            let path = format!("prices.overrides[{i}]");
            if price.model != "*" {
                self.reference(&path, &price.provider, &price.model, problems);
            }
            if !seen.insert((&price.provider, &price.model)) {
                problems.push(Problem::new(path.as_str(), "is there twice"));
            }
            let all = [
                Some(price.input_per_million),
                Some(price.output_per_million),
                price.cache_read_per_million,
            ];
            for Dollars(rate) in all
                .into_iter()
                .chain([
                    price.cache_write_per_million,
                    price.cache_write_long_per_million,
                    price.request,
                ])
                .flatten()
            {
                if rate > domain::Money::from_dollars(1_000_000) {
                    problems.push(Problem::new(
                        path.as_str(),
                        "a price above a million dollars is a mistake",
                    ));
                }
            }
        }
    }

    fn otlp_fits(&self, problems: &mut Vec<Problem>) {
        let Some(otlp) = &self.telemetry.otlp else { return };
        if !(0.0..=1.0).contains(&otlp.sample_ratio) {
            problems.push(Problem::new(
                "telemetry.otlp.sample_ratio",
                "must lie between 0 and 1",
            ));
        }
        if let Err(message) = Address::read(&otlp.endpoint) {
            problems.push(Problem::new("telemetry.otlp.endpoint", message));
        }
    }
}

impl Provider {
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        name(problems, &format!("{path}.name"), &self.name);
        if let Err(message) =
            Address::read(self.base_url()).and_then(|address| address.permitted(self.allow_plaintext))
        {
            problems.push(Problem::new(format!("{path}.base_url"), message));
        }
        for (i, model) in self
            .models
            .iter()
            .enumerate()
            .filter(|(_, model)| model.is_empty())
        {
            problems.push(Problem::new(
                format!("{path}.models[{i}]"),
                format!("{} is no name", quoted(model)),
            ));
        }
        self.headers_fit(path, problems);
        let timeouts = &self.timeouts;
        let all = [
            ("connect_ms", timeouts.connect_ms),
            ("first_byte_ms", timeouts.first_byte_ms),
            ("idle_ms", timeouts.idle_ms),
            ("total_ms", timeouts.total_ms),
        ];
        for (key, value) in all {
            within(problems, format!("{path}.timeouts.{key}"), value, 1..=DAY_MS);
        }
    }

    // threat: ANP-B0002
    fn headers_fit(&self, path: &str, problems: &mut Vec<Problem>) {
        for (header, value) in &self.headers {
            let path = format!("{path}.headers.{}", header.chars().take(48).collect::<String>());
            if HEADERS_REFUSED
                .iter()
                .any(|refused| header.eq_ignore_ascii_case(refused))
            {
                let problem = Problem::new(path, "is not for `headers`");
                problems.push(problem.hint("a credential goes into `credential`, as a reference"));
            } else if !is_header_name(header) || value.chars().any(char::is_control) {
                problems.push(Problem::new(path, "is no valid header"));
            }
        }
    }
}

fn loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Whether one listener would take the other's connections. Port 0 is given out by the system, never twice.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_host =
        a.ip().to_canonical() == b.ip().to_canonical() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && same_host
}

pub(crate) fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

pub(crate) fn at_most(problems: &mut Vec<Problem>, path: &str, count: usize, max: usize) {
    if count > max {
        problems.push(Problem::new(
            path,
            format!("has {count} entries, at most {max} are allowed"),
        ));
    }
}

pub(crate) fn name(problems: &mut Vec<Problem>, path: &str, text: &str) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if text.is_empty() || text.chars().count() > NAME_CHARS_MAX || !text.chars().all(allowed) {
        let message = format!(
            "{} is no name: letters, digits and `-`, `_`, `.`, `:`",
            quoted(text)
        );
        problems.push(Problem::new(path, message));
    }
}

pub(crate) fn unique<'a>(problems: &mut Vec<Problem>, path: &str, names: impl Iterator<Item = &'a str>) {
    let mut seen = HashSet::new();
    for (i, name) in names.enumerate() {
        if !seen.insert(name) {
            problems.push(Problem::new(
                format!("{path}[{i}].name"),
                format!("{} is there twice", quoted(name)),
            ));
        }
    }
}
