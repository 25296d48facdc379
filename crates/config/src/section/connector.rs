//! Guards outside that are asked over HTTP.

use credential::SecretRef;
use guard::{Mode, When};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A guard outside that is asked about the texts of calls. It sees them as the gate's own guards leave them: what those
/// redact, it does not see.
// threat: ANP-0017
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardConnector")]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// What refusals, records and metrics call it; unique.
    pub name: String,
    /// What it speaks.
    pub kind: ConnectorKind,
    /// `https://host[:port][/path]`: of kind `http` the very address, of the others the base below which it is asked.
    pub address: String,
    /// What a call is when there is no verdict in time. There is no default: say it.
    pub on_failure: ConnectorFailure,
    /// What it is shown as a bearer token, as a secret reference. Left out: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<SecretRef>,
    /// What is done about its findings in what callers send.
    #[serde(default)]
    pub input: Mode,
    /// What is done about its findings in what models answer. Streams are held back until their end unless it only
    /// observes.
    #[serde(default)]
    pub output: Mode,
    /// For which calls it is asked; for all unless said.
    #[serde(default)]
    pub when: When,
    /// It runs on machines of yours, and so does all that it asks: tenants' consents do not speak of it. Of a judge behind this
    /// gate it says that of its model.
    #[serde(default)]
    pub self_hosted: bool,
    /// Where it keeps and computes, for tenants' consents: `eu`, `us-east-1`. The provider that they name is its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How long its verdict on one call may take, one way, all requests included.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// How many requests to it may be under way; for one tenant's calls three quarters of them.
    #[serde(default = "at_once_max")]
    pub at_once_max: u32,
    /// How many texts of one call it is asked about, one way, beside those whose verdicts are remembered; of more it is not asked,
    /// which is a failure. A conversation that a judge reads counts one.
    #[serde(default = "texts_max")]
    pub texts_max: u32,
    /// How long a verdict on a text is good for the same tenant; 0 asks anew each time. Digests are kept, texts are not.
    #[serde(default = "cache_ms")]
    pub cache_ms: u64,
    /// What a text may have in bytes, for a judge all texts of a call; a longer one is not shown, which is a failure.
    #[serde(default = "text_bytes_max")]
    pub text_bytes_max: u64,
    /// Permits plain http beyond this machine: for private networks.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// Findings below this are left out, in percent: 40 for `presidio`; for `openai_moderation` the server decides unless
    /// said; nothing is left out for `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub score_min: Option<u8>,
    /// The model: of a `judge`, which needs one, and of `openai_moderation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The language in which `presidio` reads texts; `en` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Which entities `presidio` looks for, by its own names; all that it knows unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<String>,
    /// Who tells a `judge` what to do; the gate unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<JudgeForm>,
}

/// What a guard outside speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardConnectorKind")]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// The gate's own small contract: `docs/guard-connectors.md`.
    Http,
    /// Microsoft Presidio's analyzer: `POST /analyze`.
    Presidio,
    /// OpenAI's moderation endpoint, and what speaks like it: `POST /v1/moderations`.
    OpenaiModeration,
    /// A chat model that judges, such as Llama Guard on an engine of yours, or any model of this very gate:
    /// `POST /v1/chat/completions`. Through the gate it is charged to its own virtual key; elsewhere it is counted alone.
    Judge,
}

/// What a call is when a guard outside gives no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardConnectorFailure")]
#[serde(rename_all = "snake_case")]
pub enum ConnectorFailure {
    /// Refused: `guard_unavailable`. Where findings are only observed, it is flagged instead.
    Block,
    /// It passes, and its record says so: `input:<name>:unavailable`.
    Flag,
}

/// Who tells a judging model what to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JudgeForm {
    /// The gate, in words that any model understands that follows instructions.
    #[default]
    Instructed,
    /// The model's own chat template, as Llama Guard's has: the conversation alone is sent.
    LlamaGuard,
}

const fn timeout_ms() -> u64 {
    1_000
}

const fn at_once_max() -> u32 {
    16
}

const fn texts_max() -> u32 {
    4_096
}

const fn cache_ms() -> u64 {
    60_000
}

const fn text_bytes_max() -> u64 {
    256 << 10
}
