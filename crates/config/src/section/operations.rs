//! What operators watch: ledger checkpoints, logs, traces.

use std::collections::BTreeMap;
use std::path::PathBuf;

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exports::{endpoint_of_s3, place_in_s3, region};

/// The signed ledger.
// threat: AGP-R1
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// How often tree heads are signed.
    pub checkpoint_every_ms: u64,
    /// The name this instance signs under.
    pub origin: String,
    /// After how many days what entries say is removed, by whole months and of all tenants; their hashes stay, so that
    /// ledgers still verify, and so do the sums that reports are made of. For ever when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u64>,
    /// How often ledgers are looked through for what is over.
    pub sweep_every_ms: u64,
    /// Who is handed every head that is signed, so that nobody can set the store back unseen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Witness>,
}

/// Somebody who remembers how long each log was and what its root was.
// threat: ANP-0012
// threat: AGP-R1
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// What it is called here: in metrics, audit records and alerts.
    pub name: String,
    /// What it is.
    pub kind: WitnessKind,
    /// Of `http`: its address. Any that speaks C2SP tlog-witness, such as `bartizan witness`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of `http`: its public key, as `bartizan witness` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of `file`: the file that heads are added to. Of several replicas each writes its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Of `s3`: where heads are put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// How often it is handed what was signed since.
    #[serde(default = "a_minute")]
    pub every_ms: u64,
    /// After how long without its word that is told.
    #[serde(default = "an_hour")]
    pub silent_after_ms: u64,
}

/// What a witness is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WitnessKind {
    /// Asked over HTTP; signs what it took.
    Http,
    /// A file that only grows, on a disk that is not the store's; nobody signs.
    File,
    /// A bucket that is not the store's keeper's, an object for each head, none replaced; nobody signs.
    S3,
}

/// A bucket that speaks S3, lists names in their order, and takes an object only if there is none (`If-None-Match`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// `s3://bucket` or `s3://bucket/beginning`.
    pub address: String,
    /// Where S3 is spoken: `https://host[:port]`. Left out: Amazon's of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    #[serde(default = "region")]
    pub region: String,
    /// Whether the bucket's name is part of the host's rather than of the path.
    #[serde(default)]
    pub virtual_host: bool,
    /// The id of the access key, then its secret. It needs to put, get and list, and nothing more.
    pub secrets: Vec<SecretRef>,
    /// Permits plain http beyond this machine: for private networks.
    #[serde(default)]
    pub allow_plaintext: bool,
}

impl Bucket {
    /// The bucket's name, and what names in it begin with: perhaps nothing. Nothing if the address is not of S3.
    pub fn place(&self) -> Option<(&str, &str)> {
        place_in_s3(&self.address)
    }

    /// Where it is spoken to.
    pub fn endpoint(&self) -> String {
        endpoint_of_s3(self.endpoint.as_deref(), &self.region)
    }
}

const fn a_minute() -> u64 {
    60_000
}

const fn an_hour() -> u64 {
    3_600_000
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            checkpoint_every_ms: 60_000,
            origin: "bartizan".to_owned(),
            keep_days: None,
            sweep_every_ms: 3_600_000,
            witnesses: Vec::new(),
        }
    }
}

/// How long audit records are kept.
// threat: AGP-R3
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// After how many days what a record says is removed; its hash stays, so that the log still verifies. For ever
    /// when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u64>,
    /// How often logs are looked through for what is over.
    pub sweep_every_ms: u64,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            keep_days: None,
            sweep_every_ms: 3_600_000,
        }
    }
}

/// Looking after credentials: what is found is reported, never changed.
// threat: ANP-0016
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// How often all tenants' credentials are looked through.
    pub sweep_every_ms: u64,
    /// How many days before a key expires it is reported.
    pub expiry_warning_days: u64,
    /// After how many days without a call a key is reported.
    pub unused_days: u64,
    /// After how many days without a sign-in a user is reported.
    pub idle_days: u64,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            sweep_every_ms: 3_600_000,
            expiry_warning_days: 14,
            unused_days: 90,
            idle_days: 90,
        }
    }
}

/// Logs and traces.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The log on standard error.
    pub log: Log,
    /// Traces over OTLP. Left out: none are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<Otlp>,
}

/// The log on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The least important lines that are written.
    pub level: LogLevel,
    /// How lines are written.
    pub format: LogFormat,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Faults.
    Error,
    /// What may become one.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Traces over OTLP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// The collector's address: `http://host:4318`.
    pub endpoint: String,
    /// Headers to send, as secret references.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretRef>,
    /// Share of requests that are traced, from 0 to 1.
    #[serde(default = "whole")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
}

const fn whole() -> f64 {
    1.0
}
