//! The configuration as one request sees it: immutable, and complete in itself.
//!
//! Built from `bartizan.yaml` by the product; a bad file never becomes one of these.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dialect::{BodyLimits, Dialect, Endpoint};
use domain::{ByClass, DataClass, Secret};
use http::{HeaderName, HeaderValue, Uri};
use identity::signature::Window;
use ipnet::IpNet;
use ledger::Dated;
use limit::Breaker;
use telemetry::metrics::{ModelMetrics, TargetMetrics};
use upstream::{Base, Client};

use crate::issuers::Issuers;
use crate::shadow::Shadow;
use crate::spend::Most;

/// Everything a request is decided by, beside keys and budgets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Rises with every reload.
    pub revision: u64,
    /// Off for the benchmark's floor and for nothing else: see [`Checks`].
    pub checks: Checks,
    /// Sizes and times.
    pub bounds: Bounds,
    /// By the name a caller asks for.
    pub models: HashMap<String, Arc<Model>>,
    /// Who may do what.
    pub policy: Arc<policy::Engine>,
    /// The policy set's digest, shared.
    pub policy_fingerprint: Arc<str>,
    /// Policies that are tried out beside those.
    pub shadow: Option<Arc<Shadow>>,
    /// How strict the instance is.
    pub posture: policy::Posture,
    /// What is looked for in which calls, and what is done about it.
    pub guards: Arc<guard::Plans>,
    /// How long that may take.
    pub guarding: Guarding,
    /// What to do about models without a price.
    pub unpriced: Unpriced,
    /// The price list's version.
    pub price_version: Arc<str>,
    /// Output tokens allowed where neither caller nor model says.
    pub output_tokens_default: u64,
    /// The exact cache, when it is on.
    pub cache: Option<CacheSettings>,
    /// For how many days at most exchanges of calls are kept, by what they carry.
    pub history_days_max: ByClass<u16>,
    /// Attempts at most, over all targets of a model.
    pub attempts_max: u16,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How callers address the gate.
    pub origin: Origin,
    /// Whether it is learnt how keys are used.
    pub signals: bool,
    /// Whose tokens are taken.
    pub issuers: Issuers,
    /// Whether some provider is told who calls: then the keys to check it with are published.
    pub vouches: bool,
    /// How old signed requests and proofs of possession may be.
    pub signatures: Window,
    /// Money that is held for calls made elsewhere.
    pub reservations: Reservations,
}

/// How money is held for calls that are made elsewhere.
#[derive(Debug, Clone)]
pub struct Reservations {
    /// For how long at most; whoever holds it may ask for less.
    pub lasts: Duration,
    /// How many a key, and a tenant, may have open on this node.
    pub most: Most,
    /// How this very node is reached, where several serve one address.
    pub settle_at: Option<Arc<str>>,
}

/// How callers address the gate: what signed requests and proofs say they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether callers speak TLS, with the gate or with a proxy in front of it.
    pub is_tls: bool,
    /// Host and port, where configured. Else what each request says is believed, and a request that was signed
    /// for another gate with the same keys could be sent to this one.
    pub authority: Option<String>,
}

impl Origin {
    /// The absolute address of a request.
    pub fn address(&self, head: &http::request::Parts) -> Option<String> {
        let said = || {
            let host = head
                .headers
                .get(http::header::HOST)
                .and_then(|host| host.to_str().ok());
            head.uri.authority().map(http::uri::Authority::as_str).or(host)
        };
        let authority = self.authority.as_deref().or_else(said)?;
        let scheme = if self.is_tls { "https" } else { "http" };
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        Some(format!("{scheme}://{authority}{target}"))
    }
}

impl Settings {
    /// The same, but for the policies.
    #[must_use]
    pub fn with_policies(&self, policy: Arc<policy::Engine>, shadow: Option<Arc<Shadow>>) -> Self {
        Self {
            policy_fingerprint: policy.fingerprint().into(),
            policy,
            shadow,
            ..self.clone()
        }
    }

    /// The same, but for what these providers are called with: another credential, or none at all while it
    /// is not known which one is good; then they are not called.
    // threat: AGP-CRED-1.1.3
    #[must_use]
    pub fn with_credentials(&self, changed: &HashMap<&str, Option<&Secret>>) -> Self {
        self.with_providers(|old| Some(old.called_with(*changed.get(&*old.name)?)))
    }

    /// The same, but for the connections over which these providers are called: those that are open serve the calls
    /// that are on them, and no other.
    // threat: ANP-0018
    #[must_use]
    pub fn with_clients(&self, changed: &HashMap<String, Client>) -> Self {
        self.with_providers(|old| {
            let client = Some(changed.get(&*old.name)?.clone());
            Some(Provider {
                client,
                ..Provider::clone(old)
            })
        })
    }

    /// Other providers in place of those for which there is one.
    fn with_providers(&self, change: impl Fn(&Provider) -> Option<Provider>) -> Self {
        let providers = self.models.values().flat_map(|model| &model.targets);
        let providers: HashMap<&str, Arc<Provider>> = providers
            .map(|target| &target.provider)
            .filter_map(|old| Some((&*old.name, Arc::new(change(old)?))))
            .collect();
        let target = |old: &Arc<Target>| match providers.get(&*old.provider.name) {
            None => old.clone(),
            Some(provider) => Arc::new(Target {
                provider: provider.clone(),
                ..Target::clone(old)
            }),
        };
        let model = |old: &Model| Model {
            targets: old.targets.iter().map(target).collect(),
            ..Model::clone(old)
        };
        let models = self.models.iter();
        Self {
            models: models
                .map(|(name, old)| (name.clone(), Arc::new(model(old))))
                .collect(),
            ..self.clone()
        }
    }
}

/// Whether the gate checks at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Everything.
    On,
    /// Nothing but the dialect: a plain proxy, to measure what the checks cost. Loopback and posture
    /// `development` only; `bartizan check` and `serve` refuse it anywhere else.
    // threat: CTX-T2
    Off,
}

/// Sizes and times.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Request bodies.
    pub body_bytes_max: usize,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// Whole answers of providers.
    pub answer_bytes_max: usize,
    /// One event of a provider's stream.
    pub event_bytes_max: usize,
    /// What a body may hold.
    pub body: BodyLimits,
}

/// How long guards may take over one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarding {
    /// So long, over all its texts and both directions.
    pub deadline: Duration,
    /// Whether a call that takes longer passes and its record says so. Else it is refused.
    pub is_flagged: bool,
}

/// Models without a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpriced {
    /// Are refused.
    Refuse,
    /// Cost nothing.
    AllowFree,
}

/// The exact cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    /// How long an answer lives.
    pub ttl: Duration,
    /// How long at most, by what the call carries; nothing is kept for no time.
    pub ttl_max: ByClass<Duration>,
    /// Bytes of all answers together.
    pub bytes_max: u64,
}

impl CacheSettings {
    /// How long the answer of a call that carries this lives; no time where it is not to be kept.
    // threat: ANP-0020
    pub fn lives(&self, class: DataClass) -> Duration {
        self.ttl_max.of(class).map_or(self.ttl, |max| max.min(self.ttl))
    }
}

/// A model: the name a caller asks for, and the targets that serve it.
#[derive(Debug, Clone)]
pub struct Model {
    /// The name.
    pub name: Arc<str>,
    /// Who the list says owns it.
    pub owned_by: String,
    /// Output tokens a call may ask for.
    pub output_tokens_max: Option<u64>,
    /// At least one; in order of priority.
    pub targets: Vec<Arc<Target>>,
}

/// One way to have a model served.
#[derive(Debug, Clone)]
pub struct Target {
    /// `provider/upstream-model`, for people, metrics and entries.
    pub label: Arc<str>,
    /// Whose.
    pub provider: Arc<Provider>,
    /// The provider's own name of the model.
    pub model: String,
    /// What policies are told of it.
    pub place: Arc<policy::Place>,
    /// What it costs through time; empty is unpriced.
    pub prices: Dated,
    /// The most it generates in one answer, if known.
    pub output_tokens_max: Option<u64>,
    /// Targets of equal priority share calls by weight.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// Its health.
    pub breaker: Arc<Breaker>,
    /// Its counts.
    pub metrics: Arc<TargetMetrics>,
    /// Counts of the model it serves.
    pub model_metrics: Arc<ModelMetrics>,
}

/// A provider: where, in which dialect, with which credential.
#[derive(Clone)]
pub struct Provider {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub base: Base,
    /// Headers of the configuration's own.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long it may take.
    pub deadlines: Deadlines,
    /// Whether OpenAI streams are made to end with their usage.
    pub inject_stream_usage: bool,
    /// Where the configuration says its credential is: a reference, not the credential.
    pub credential_at: Option<Arc<str>>,
    /// What it is told of who calls, if it wants to know.
    pub identity: Option<IdentityToken>,
    /// Its own way out, where certificates say who speaks to whom.
    client: Option<Client>,
    credential: Credential,
    /// Written out once; every call takes a cheap copy.
    addresses: Vec<(Endpoint, Uri)>,
    /// The `host` header of plain HTTP/1; over TLS the client says it in the connection's own way.
    pub(crate) host: Option<HeaderValue>,
}

/// What a provider is called with.
#[derive(Clone)]
enum Credential {
    /// It wants none.
    None,
    /// The value of its header.
    Known(HeaderValue),
    /// It wants one, and there is none that may be used now.
    Withheld,
}

/// How long a provider may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// To the answer's head.
    pub first_byte: Duration,
    /// Between two pieces of a stream.
    pub idle: Duration,
    /// For the whole call.
    pub total: Duration,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("dialect", &self.dialect)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// A provider's parts that are plain data.
#[derive(Debug)]
pub struct ProviderParts {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub base: Base,
    /// Headers of the configuration's own.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long it may take.
    pub deadlines: Deadlines,
    /// Whether OpenAI streams are made to end with their usage.
    pub inject_stream_usage: bool,
    /// Where the configuration says its credential is.
    pub credential_at: Option<Arc<str>>,
    /// What it is told of who calls, if it wants to know.
    pub identity: Option<IdentityToken>,
    /// Its own way out; without one it is called over the one that providers share.
    pub client: Option<Client>,
}

/// The token that own backends know the gate by.
#[derive(Debug, Clone)]
pub struct IdentityToken {
    /// Who says so: the gate's address.
    pub issuer: Arc<str>,
    /// Whom it is for.
    pub audience: Arc<str>,
    /// Where it goes.
    pub header: HeaderName,
    /// How long it is good.
    pub lifetime: Duration,
}

impl Provider {
    /// A provider that is called with `credential`. `None` if the credential cannot be a header's value.
    // threat: AGP-I1
    pub fn new(parts: ProviderParts, credential: Option<&Secret>) -> Option<Self> {
        let ProviderParts {
            name,
            dialect,
            base,
            headers,
            deadlines,
            inject_stream_usage,
            credential_at,
            identity,
            client,
        } = parts;
        let credential = match credential {
            None => Credential::None,
            Some(secret) => Credential::Known(header_value(dialect, secret)?),
        };
        let address = |endpoint: Endpoint| Some((endpoint, base.uri(endpoint.path())?));
        let addresses = Endpoint::ALL.into_iter().filter_map(address).collect();
        let host = if base.is_tls() { None } else { base.host() };
        Some(Self {
            name,
            dialect,
            base,
            headers,
            deadlines,
            inject_stream_usage,
            credential_at,
            identity,
            client,
            credential,
            addresses,
            host,
        })
    }

    /// The same, called with this from now on; with nothing, or what cannot be sent in a header, not at all.
    #[must_use]
    pub fn called_with(&self, credential: Option<&Secret>) -> Self {
        let value = credential.and_then(|secret| header_value(self.dialect, secret));
        Self {
            credential: value.map_or(Credential::Withheld, Credential::Known),
            ..self.clone()
        }
    }

    /// The way to it; `shared` is that of providers without one of their own.
    pub(crate) fn way<'a>(&'a self, shared: &'a Client) -> &'a Client {
        self.client.as_ref().unwrap_or(shared)
    }

    /// Where `endpoint` is called.
    pub(crate) fn address(&self, endpoint: Endpoint) -> Option<Uri> {
        let mut addresses = self.addresses.iter();
        addresses
            .find(|(of, _)| *of == endpoint)
            .map(|(_, address)| address.clone())
    }

    /// The provider's own words without the credential, which some providers repeat when they refuse it.
    // threat: AGP-I1
    pub(crate) fn without_credential<'t>(&self, said: &'t str) -> Cow<'t, str> {
        let Credential::Known(value) = &self.credential else {
            return Cow::Borrowed(said);
        };
        let credential = value.to_str().unwrap_or_default();
        let secret = credential.strip_prefix("Bearer ").unwrap_or(credential);
        if secret.is_empty() || !said.contains(secret) {
            return Cow::Borrowed(said);
        }
        Cow::Owned(said.replace(secret, "[redacted:provider_credential]"))
    }

    /// The header that carries the credential, if it wants one; nothing at all while that is withheld. Called
    /// by the upstream stage, by whoever tries a credential, and by nothing else.
    pub(crate) fn credential(&self) -> Option<Option<(HeaderName, HeaderValue)>> {
        let name = match self.dialect {
            Dialect::OpenAi => http::header::AUTHORIZATION,
            Dialect::Anthropic => HeaderName::from_static("x-api-key"),
        };
        match &self.credential {
            Credential::None => Some(None),
            Credential::Known(value) => Some(Some((name, value.clone()))),
            Credential::Withheld => None,
        }
    }
}

fn header_value(dialect: Dialect, secret: &Secret) -> Option<HeaderValue> {
    let text = match dialect {
        Dialect::OpenAi => format!("Bearer {}", secret.expose()),
        Dialect::Anthropic => secret.expose().to_owned(),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
