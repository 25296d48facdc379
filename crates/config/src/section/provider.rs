//! Providers, and how calls are routed to them.

use std::collections::BTreeMap;

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IdentityToken, ProviderTls};

/// Who serves models: an LLM vendor or a self-hosted engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What targets, policies and metrics call it; unique.
    pub name: String,
    /// Which API it speaks.
    pub kind: ProviderKind,
    /// `https://host[:port][/path]`. Left out: the vendor's own. The gate never calls any other host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The provider credential, as a secret reference. Left out: calls carry none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<SecretRef>,
    /// Permits plain http to this provider beyond loopback, for engines in a private network.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// A private authority, a certificate to show, who the other side must be. Left out: the system's
    /// authorities and the host's name decide, and no certificate is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ProviderTls>,
    /// A signed token with every call, for own backends: they can refuse what did not come through the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_token: Option<IdentityToken>,
    /// Under which provider of the built-in catalogue its models and prices are found. Left out: `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// Where it keeps and computes, for policies to decide by: `eu`, `us-east-1`. A name of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// It runs on machines of yours. For policies to decide by; nothing else depends on it.
    #[serde(default)]
    pub self_hosted: bool,
    /// The models it serves, by its own names; `*` is any.
    #[serde(default = "any_model")]
    pub models: Vec<String>,
    /// Headers to send with every call, such as `anthropic-version`. Never credentials.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Whether a stream is asked to report its usage when the caller did not ask.
    #[serde(default)]
    pub stream_usage: StreamUsage,
    /// How long each part of a call may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

fn any_model() -> Vec<String> {
    vec!["*".to_owned()]
}

impl Provider {
    /// A provider with every default.
    pub fn new(name: impl Into<String>, kind: ProviderKind) -> Self {
        Self {
            name: name.into(),
            kind,
            base_url: None,
            credential: None,
            allow_plaintext: false,
            tls: None,
            identity_token: None,
            catalog: None,
            region: None,
            self_hosted: false,
            models: any_model(),
            headers: BTreeMap::new(),
            stream_usage: StreamUsage::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// The base address in force.
    pub fn base_url(&self) -> &str {
        self.base_url.as_deref().unwrap_or(self.kind.base_url())
    }

    /// The catalogue's provider in force.
    pub fn catalog(&self) -> &str {
        self.catalog.as_deref().unwrap_or(&self.name)
    }

    /// Whether it serves any model asked for.
    pub fn serves_any(&self) -> bool {
        self.models.iter().any(|model| model == "*")
    }

    /// Whether it serves this model.
    pub fn serves(&self, model: &str) -> bool {
        self.models.iter().any(|own| own == "*" || own == model)
    }
}

/// Which API a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI's, as also spoken by vLLM, llama.cpp, Ollama and others.
    Openai,
    /// Anthropic's.
    Anthropic,
}

impl ProviderKind {
    /// The vendor's own base address.
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Openai => "https://api.openai.com",
            Self::Anthropic => "https://api.anthropic.com",
        }
    }
}

/// Whether a stream is asked to report its usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamUsage {
    /// Always asked for, so that it is billed exactly; not passed on to a caller who did not ask.
    #[default]
    Inject,
    /// The request stays as it is; usage that is not reported is counted and marked as estimated.
    Leave,
}

/// How long each part of a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect_ms: u64,
    /// From the request to the first byte of the answer.
    pub first_byte_ms: u64,
    /// Between two pieces of the answer.
    pub idle_ms: u64,
    /// The whole call.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            first_byte_ms: 120_000,
            idle_ms: 60_000,
            total_ms: 600_000,
        }
    }
}

/// Attempts, retries and circuit breaking.
// threat: ANP-0019
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// Which models can be reached.
    pub expose: Expose,
    /// Most attempts for one request, over all targets of its model.
    pub attempts_max: u16,
    /// Most retries for each hundred requests, over all of them together.
    pub retry_percent_max: u32,
    /// Retries a second that are allowed however few requests there are.
    pub retries_per_second_min: u32,
    /// When a target that keeps failing is left alone.
    pub breaker: RoutingBreaker,
}

/// Which models can be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expose {
    /// Those under `models`, and every model of every provider as `provider/model` and, where only one
    /// provider has it, by its own name.
    #[default]
    All,
    /// Only those under `models`.
    Listed,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            expose: Expose::default(),
            attempts_max: 3,
            retry_percent_max: 20,
            retries_per_second_min: 5,
            breaker: RoutingBreaker::default(),
        }
    }
}

/// When a target that keeps failing is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingBreaker {
    /// This many failures in a row open it.
    pub consecutive_failures_max: u32,
    /// This share of failures within the window opens it.
    pub failure_percent_max: u32,
    /// With fewer calls in the window the share says nothing.
    pub window_calls_min: u32,
    /// Over how long the share is taken.
    pub window_ms: u64,
    /// How long it rests the first time; twice as long after each failed probe.
    pub cooldown_ms: u64,
    /// How long it rests at most.
    pub cooldown_ms_max: u64,
    /// Most probes at once after a rest.
    pub probes_max: u32,
}

impl Default for RoutingBreaker {
    fn default() -> Self {
        let own = limit::BreakerSettings::default();
        Self {
            consecutive_failures_max: own.consecutive_failures_max,
            failure_percent_max: own.failure_percent_max,
            window_calls_min: own.window_calls_min,
            window_ms: own.window_ns / NS_PER_MS,
            cooldown_ms: own.cooldown_ns / NS_PER_MS,
            cooldown_ms_max: own.cooldown_ns_max / NS_PER_MS,
            probes_max: own.probes_max,
        }
    }
}

const NS_PER_MS: u64 = 1_000_000;

impl From<RoutingBreaker> for limit::BreakerSettings {
    fn from(breaker: RoutingBreaker) -> Self {
        Self {
            consecutive_failures_max: breaker.consecutive_failures_max,
            failure_percent_max: breaker.failure_percent_max,
            window_calls_min: breaker.window_calls_min,
            window_ns: breaker.window_ms.saturating_mul(NS_PER_MS),
            cooldown_ns: breaker.cooldown_ms.saturating_mul(NS_PER_MS),
            cooldown_ns_max: breaker.cooldown_ms_max.saturating_mul(NS_PER_MS),
            probes_max: breaker.probes_max,
        }
    }
}
