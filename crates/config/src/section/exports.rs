//! What leaves by itself: reports of times that are over, and where they go.

use std::path::{Path, PathBuf};

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mail;

/// Reports that are delivered when their time is over, by one node at a time.
// threat: AGP-R2
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Exports {
    /// How often it is looked whether a time is over.
    pub every_ms: u64,
    /// How long after its end a time is left to the calls of it that are still on their way into the ledger.
    pub settle_ms: u64,
    /// Where reports go.
    pub destinations: Vec<Destination>,
    /// Which reports, how often, and whereto.
    pub schedules: Vec<Schedule>,
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            every_ms: 60_000,
            settle_ms: 600_000,
            destinations: Vec::new(),
            schedules: Vec::new(),
        }
    }
}

/// Somewhere that takes files: a folder, storage that speaks S3, or a webhook; or where people read digests: Slack, or mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// What it is called.
    pub name: String,
    /// `file:///folder` on this machine, `s3://bucket/beginning`, or `https://host[:port]/path`, which is posted to. Of digests
    /// also `smtps://host:port` (mail over TLS) and `smtp://host:port` (with STARTTLS).
    pub address: String,
    /// What is posted to an address: files, or a digest as Slack takes it. Of Slack `address` is how the secret begins.
    #[serde(default)]
    pub form: Posting,
    /// Who writes to whom, for `smtp://` and `smtps://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// PEM file of the only authorities whose certificates are believed of a mail server. Left out: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Of S3, where it is spoken: `https://host[:port]`. Left out: Amazon's of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of S3, the region that requests are signed for.
    #[serde(default = "region")]
    pub region: String,
    /// Of S3, whether the bucket's name is part of the host's rather than of the path.
    #[serde(default)]
    pub virtual_host: bool,
    /// Of S3, the id of the access key, then its secret. Of a webhook, what it is signed with, 24 bytes or more each, as they
    /// are or as `whsec_` and base64; more than one while it is being replaced: every one of them signs. Of Slack the whole
    /// address, of mail the password of `mail.user`.
    #[serde(default)]
    pub secrets: Vec<SecretRef>,
    /// Permits plain http beyond this machine: for private networks.
    #[serde(default)]
    pub allow_plaintext: bool,
}

/// A report that is delivered again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What it is called; how far it has come is kept under this name, and files lie in a folder of it.
    pub name: String,
    /// The name of a destination.
    pub to: String,
    /// What is delivered.
    #[serde(default)]
    pub report: Report,
    /// In which form. Of `usage` and `chargeback`: `csv` or `json`.
    #[serde(default)]
    pub format: ExportFormat,
    /// Of costs, how long a charge period (UTC) is.
    #[serde(default)]
    pub grain: ExportGrain,
    /// How long the time of one report is.
    #[serde(default)]
    pub every: Every,
    /// Where its days begin, such as `Europe/Berlin`. `chargeback` is reckoned in UTC.
    #[serde(default = "zone")]
    pub zone: String,
    /// Only of these tenants, by name or id, each for itself. Empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// The day with which it begins, such as `2026-10-01`: what is over since then is delivered too. Left out: it begins with
    /// the time in which it is first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// For how long it is tried to deliver one report before it is given up and told.
    #[serde(default = "give_up_after_ms")]
    pub give_up_after_ms: u64,
}

/// What is delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// What was spent, as `bartizan export` writes it.
    #[default]
    Costs,
    /// Sums by team, key and model.
    Usage,
    /// Who bears which cost, by the tenant's rules: a draft.
    Chargeback,
    /// What people want to know of spend, on a page: to mail and Slack as a message, elsewhere as JSON. Of the tenant
    /// `platform`: of all tenants together.
    Digest,
}

/// What is posted to an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// Files, signed.
    #[default]
    Webhook,
    /// What Slack's incoming webhooks take: digests only.
    Slack,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// FOCUS 1.4 in CSV.
    #[default]
    Focus,
    /// FOCUS 1.4 in Parquet.
    Parquet,
    /// A table of our own.
    Csv,
    /// Lines of JSON; of `usage` and `chargeback` one document.
    Json,
    /// `date,user_id,team_id,model,request_count,input_tokens,output_tokens,total_cost`.
    Originals,
}

/// How long a charge period is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportGrain {
    /// An hour.
    Hour,
    /// A day.
    #[default]
    Day,
}

/// How long the time of one report is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    #[default]
    Month,
}

/// Where a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal<'a> {
    /// A folder.
    Folder(&'a Path),
    /// A bucket, and how names in it begin.
    Bucket {
        /// Which.
        bucket: &'a str,
        /// Without slashes around; perhaps nothing.
        prefix: &'a str,
    },
    /// An address that is posted to.
    Webhook,
    /// An address that takes what Slack takes.
    Slack,
    /// A mail server, and whether TLS begins with the first byte.
    Mail(&'a str, bool),
}

impl Goal<'_> {
    /// Whether people read there, rather than programs.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Slack | Self::Mail(..))
    }
}

impl Destination {
    /// Where it is, by its address.
    pub fn goal(&self) -> Goal<'_> {
        if let Some(path) = self.address.strip_prefix("file://") {
            return Goal::Folder(Path::new(path));
        }
        match self.address.split_once("://") {
            Some(("smtps", place)) => return Goal::Mail(place, true),
            Some(("smtp", place)) => return Goal::Mail(place, false),
            _ => {}
        }
        match place_in_s3(&self.address) {
            Some((bucket, prefix)) => Goal::Bucket { bucket, prefix },
            None if self.form == Posting::Slack => Goal::Slack,
            None => Goal::Webhook,
        }
    }

    /// Of S3, where it is spoken.
    pub fn endpoint(&self) -> String {
        endpoint_of_s3(self.endpoint.as_deref(), &self.region)
    }
}

/// The bucket and the beginning of `s3://bucket/beginning`.
pub(super) fn place_in_s3(address: &str) -> Option<(&str, &str)> {
    let place = address.strip_prefix("s3://")?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    Some((bucket, prefix.trim_matches('/')))
}

/// Amazon's of the region, if no other is named.
pub(super) fn endpoint_of_s3(named: Option<&str>, region: &str) -> String {
    named.map_or_else(|| format!("https://s3.{region}.amazonaws.com"), str::to_owned)
}

pub(super) fn region() -> String {
    "us-east-1".to_owned()
}

fn zone() -> String {
    "UTC".to_owned()
}

const fn give_up_after_ms() -> u64 {
    3 * 86_400_000
}
