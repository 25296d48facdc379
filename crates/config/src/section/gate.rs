//! What a request must pass: limits, policies, guards, cache, budgets.

use std::path::PathBuf;

use credential::SecretRef;
use domain::ByClass;
use guard::{Exception, Families, Profile, Profiles};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Connector;

/// Whether requests are checked at all.
// threat: CTX-T2
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Checks {
    /// Every request passes every stage.
    #[default]
    On,
    /// None: a plain proxy, for measuring.
    Off,
}

/// Rates, concurrency and output bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Output tokens allowed where neither the caller nor the model says.
    pub output_tokens_default: u32,
    /// What a new virtual key gets unless it is made with limits of its own.
    pub new_keys: KeyLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            output_tokens_default: 4096,
            new_keys: KeyLimits::default(),
        }
    }
}

/// Limits of a virtual key. What is left out is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyLimits {
    /// Requests a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// LLM tokens a minute, prompt and output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// Requests under way at once, streams included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<u32>,
    /// Streams open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_streams: Option<u32>,
    /// What one request may cost at most, in nano-dollars: one whose bound is above is refused before it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_cost_nanos_max: Option<u64>,
}

impl From<KeyLimits> for credential::Limits {
    fn from(limits: KeyLimits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            concurrent_requests: limits.concurrent_requests,
            concurrent_streams: limits.concurrent_streams,
            request_cost_nanos_max: limits.request_cost_nanos_max,
        }
    }
}

/// Cedar policies. What no policy permits is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// Policies for calls, on top of the built-in ones: files, or folders of `*.cedar`. The tests beside them
    /// (`x.tests.json` beside `x.cedar`) must pass.
    pub files: Vec<PathBuf>,
    /// Leaves the built-in default policies for calls out; those that keep tenants apart stay.
    pub replace_defaults: bool,
    /// Policies for the control plane, on top of the built-in roles and bounds: files or folders, as above.
    pub control_files: Vec<PathBuf>,
    /// Leaves out what was activated over the API, for both planes: the way back in when an activated version
    /// has locked everybody out.
    pub ignore_activated: bool,
    /// What calls carry where neither key nor caller says: `public`, `internal`, `confidential` or `restricted`.
    #[schemars(with = "String")]
    pub data_class: domain::DataClass,
    /// Where this gate stands, for policies to decide by. A name of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// What may pass in and out. What stands here holds for every call; profiles say what some calls get on top, exceptions
/// what passes for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// Credentials in prompts and answers.
    pub secrets: guard::families::Secrets,
    /// What says who somebody is, or how to reach them, in prompts and answers.
    pub personal: guard::families::Personal,
    /// Text in prompts, results of tools and definitions that is to be taken for an instruction where it is none.
    pub injection: guard::families::Injection,
    /// Hate, harassment, self-harm, sex, violence, crime: in prompts and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation: Option<guard::families::Moderation>,
    /// What an application is for, and not for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<guard::families::Topics>,
    /// Links: where they lead, and what they carry away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<guard::families::LinkRules>,
    /// System prompts that come out again in answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaks: Option<guard::families::Leaks>,
    /// What an answer must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<guard::families::Format>,
    /// How large, how deep and of what form a request may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<guard::families::Bounds>,
    /// What no guard can read: pictures, sound, files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<guard::families::Unread>,
    /// What you look for yourself: patterns, words, and modules of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<guard::families::Custom>,
    /// Guards for some calls: every one that a call meets applies, and the strictest wins.
    pub profiles: Vec<Profile>,
    /// Findings that are let pass for a while.
    pub exceptions: Vec<Exception>,
    /// Guards outside that are asked as well, over HTTP.
    pub connectors: Vec<Connector>,
    /// How long guards may take over the texts of one call, both directions together.
    pub deadline_ms: u64,
    /// What becomes of a call whose guards take longer.
    pub on_timeout: OnTimeout,
}

/// What becomes of a call whose guards take longer than they may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardTimeout")]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It is refused (`guard_timeout`), and a live answer ends.
    #[default]
    Refuse,
    /// What was found by then is dealt with, the rest passes unseen, and the call's record says so.
    Flag,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            secrets: guard::families::Secrets::default(),
            personal: guard::families::Personal::default(),
            injection: guard::families::Injection::default(),
            moderation: None,
            topics: None,
            links: None,
            leaks: None,
            format: None,
            bounds: None,
            unread: None,
            custom: None,
            profiles: Vec::new(),
            exceptions: Vec::new(),
            connectors: Vec::new(),
            deadline_ms: 1_000,
            on_timeout: OnTimeout::Refuse,
        }
    }
}

impl Guards {
    /// What holds for every call.
    #[must_use]
    pub fn always(&self) -> Families {
        Families {
            secrets: Some(self.secrets),
            personal: Some(self.personal.clone()),
            injection: Some(self.injection),
            moderation: self.moderation.clone(),
            topics: self.topics.clone(),
            links: self.links.clone(),
            leaks: self.leaks.clone(),
            format: self.format.clone(),
            bounds: self.bounds.clone(),
            unread: self.unread,
            custom: self.custom.clone(),
        }
    }

    /// What holds for some.
    #[must_use]
    pub fn document(&self) -> Profiles {
        Profiles {
            profiles: self.profiles.clone(),
            exceptions: self.exceptions.clone(),
        }
    }
}

/// Bounds by class of data. What is said of a class holds for every graver one too; the least that applies wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MaxByClass {
    /// Of public data, and so of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<u64>,
    /// Of internal data, and graver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<u64>,
    /// Of confidential data, and graver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidential: Option<u64>,
    /// Of restricted data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted: Option<u64>,
}

impl From<MaxByClass> for ByClass<u64> {
    fn from(max: MaxByClass) -> Self {
        Self {
            public: max.public,
            internal: max.internal,
            confidential: max.confidential,
            restricted: max.restricted,
        }
    }
}

/// What tenants may keep of their calls.
// threat: ANP-0020
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// The most days for which exchanges that carry data of a class are kept, whatever their tenant says. 0: they are not
    /// kept at all. What is there already goes with it.
    pub days_max: MaxByClass,
}

/// The exact cache of answers, sealed per tenant.
// threat: AGP-I2
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Whether answers are cached.
    pub enabled: bool,
    /// How long an answer may be used again.
    pub ttl_ms: u64,
    /// How long at most, in milliseconds, where the call carries data of a class. 0: such answers are never cached.
    pub ttl_ms_max: MaxByClass,
    /// Most memory for them.
    pub bytes_max: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            enabled: false,
            ttl_ms: 60_000,
            ttl_ms_max: MaxByClass::default(),
            bytes_max: 64 << 20,
        }
    }
}

/// How budgets are leased from the store, and what others are asked and told of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// How long a lease lives unless renewed; renewed at a third of it.
    pub lease_ttl_ms: u64,
    /// How long a request may wait for its lease to grow.
    pub wait_ms: u64,
    /// Money that is held for calls made elsewhere.
    pub reservations: Reservations,
    /// A system outside that is asked before each call which our own budgets hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<BudgetWebhook>,
    /// A system outside that is told of everything that was spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<BudgetEvents>,
}

/// A system outside that is asked before each call which our own budgets hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetWebhook {
    /// `https://host[:port]/path`.
    pub address: String,
    /// What questions are signed with, 24 bytes or more each, as they are or as `whsec_` and base64.
    pub secrets: Vec<SecretRef>,
    /// What a call is when there is no answer in time. There is no default: say it.
    pub on_failure: OnFailure,
    /// How long an answer may take, connection included.
    #[serde(default = "answer_ms")]
    pub timeout_ms: u64,
    /// How many are asked at the same time.
    #[serde(default = "at_once")]
    pub at_once_max: u32,
    /// Permits plain http beyond this machine: for private networks.
    #[serde(default)]
    pub allow_plaintext: bool,
}

/// What a call is when nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It is not made: `budget_webhook_unavailable`.
    Refuse,
    /// It is made, and marked in the ledger.
    Permit,
}

const fn answer_ms() -> u64 {
    300
}

const fn at_once() -> u32 {
    64
}

/// A system outside that is told of everything that was spent, in order and at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetEvents {
    /// `https://host[:port]/path`.
    pub address: String,
    /// What events are signed with, as questions are.
    pub secrets: Vec<SecretRef>,
    /// How often ledgers are looked through for what is new.
    #[serde(default = "events_ms")]
    pub every_ms: u64,
    /// Permits plain http beyond this machine: for private networks.
    #[serde(default)]
    pub allow_plaintext: bool,
}

const fn events_ms() -> u64 {
    2_000
}

/// Money that is held for calls made elsewhere (`/v1/spend/reserve`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reservations {
    /// For how long at most: what nobody has settled by then ends at its bound.
    pub lasts_ms: u64,
    /// How many one key may have open on a node.
    pub per_key_max: u32,
    /// How many all keys of one tenant together may have open on a node, which has room for 16,384: less than all of it, so
    /// that no tenant takes the others' room.
    pub per_tenant_max: u32,
    /// How this very node is reached, where several serve one address: said with every reservation, for the node that
    /// gave it is the one that ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_at: Option<String>,
}

impl Default for Reservations {
    fn default() -> Self {
        Self {
            lasts_ms: 600_000,
            per_key_max: 1_000,
            per_tenant_max: 4_096,
            settle_at: None,
        }
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            lease_ttl_ms: 30_000,
            wait_ms: 250,
            reservations: Reservations::default(),
            webhook: None,
            events: None,
        }
    }
}
