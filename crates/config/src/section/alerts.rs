//! Where audit records are pushed.

use std::path::PathBuf;

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where audit records are pushed as they come, by one node at a time.
// threat: AGP-R3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// How often all audit logs are looked through for what is new.
    pub every_ms: u64,
    /// Who is told.
    pub sinks: Vec<Sink>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            every_ms: 2_000,
            sinks: Vec::new(),
        }
    }
}

/// Somebody who is told of acts: a webhook, Slack, PagerDuty, a mail server, or a syslog server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// What it is called; how far it has come is kept under this name.
    pub name: String,
    /// `https://host[:port]/path` is posted to, in one of the forms below; `tls://host:port`, `tcp://host:port` and
    /// `udp://host:port` are syslog (RFC 5424); `smtps://host:port` is mail over TLS, `smtp://host:port` with STARTTLS.
    pub address: String,
    /// What is posted.
    #[serde(default)]
    pub form: Form,
    /// Of a webhook, what it is signed with, 24 bytes or more each, as they are or as `whsec_` and base64; more than
    /// one while it is being replaced: every one of them signs. Of Slack, the whole address, which begins with
    /// `address`. Of PagerDuty, the routing key. Of mail, the password of `mail.user`.
    #[serde(default)]
    pub secrets: Vec<SecretRef>,
    /// Which acts: names, or beginnings with `*` at the end.
    #[serde(default = "all")]
    pub acts: Vec<String>,
    /// Only of these tenants, by name or id; `platform` is the instance's own log. Empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Only what is about these teams, their keys and budgets, by name or id. Empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// Only what is about these budgets, by name or id. Empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<String>,
    /// Nothing that is less bad.
    #[serde(default)]
    pub severity_min: Severity,
    /// For how long the same act on the same thing is counted rather than told again; 0 tells each time. Left out: 10
    /// minutes for Slack, PagerDuty and mail, 0 for webhooks and syslog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_ms: Option<u64>,
    /// After how long what is not taken becomes a dead letter; what is refused for good becomes one at once. Left out: a
    /// day for Slack, PagerDuty and mail; webhooks and syslog are tried for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub give_up_after_ms: Option<u64>,
    /// Who writes to whom, for `smtp://` and `smtps://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// PEM file of the only authorities whose certificates are believed for `tls://`, `smtps://` and `smtp://`. Left out:
    /// the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Permits plain http, or syslog without TLS, beyond this machine: for private networks. Of `smtp://`, mail without TLS
    /// where the server offers none; then nobody signs in.
    #[serde(default)]
    pub allow_plaintext: bool,
}

/// What is posted to an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The record as it is, signed.
    #[default]
    Webhook,
    /// What Slack's incoming webhooks take.
    Slack,
    /// PagerDuty's Events API v2.
    Pagerduty,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    #[default]
    Info,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
    /// Somebody must look now.
    Critical,
}

/// Who writes to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Whom mail is from: an address, or `Name <address>`.
    pub from: String,
    /// Whom it is to.
    pub to: Vec<String>,
    /// Who signs in with the password in `secrets`; nobody when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For how long what has just come waits for more, so that one mail tells of all of it; what is critical does not wait.
    #[serde(default = "gather_ms")]
    pub gather_ms: u64,
}

/// In which way a sink is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A signed webhook.
    Webhook,
    /// Slack.
    Slack,
    /// PagerDuty.
    Pagerduty,
    /// Mail.
    Mail,
    /// Syslog.
    Syslog,
}

impl Kind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Pagerduty => "pagerduty",
            Self::Mail => "mail",
            Self::Syslog => "syslog",
        }
    }

    /// Whether people read it, rather than programs that want all of it.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Slack | Self::Pagerduty | Self::Mail)
    }
}

impl Sink {
    /// In which way it is told.
    pub fn kind(&self) -> Kind {
        match (self.syslog().is_some(), self.smtp().is_some(), self.form) {
            (true, _, _) => Kind::Syslog,
            (_, true, _) => Kind::Mail,
            (_, _, Form::Webhook) => Kind::Webhook,
            (_, _, Form::Slack) => Kind::Slack,
            (_, _, Form::Pagerduty) => Kind::Pagerduty,
        }
    }

    /// Where syslog is spoken, and over what; `None` for what is not syslog.
    pub fn syslog(&self) -> Option<(&str, Carrier)> {
        match self.address.split_once("://") {
            Some(("tls", place)) => Some((place, Carrier::Tls)),
            Some(("tcp", place)) => Some((place, Carrier::Tcp)),
            Some(("udp", place)) => Some((place, Carrier::Udp)),
            _ => None,
        }
    }

    /// Where a mail server is, and whether TLS begins with the first byte; `None` for what is not mail.
    pub fn smtp(&self) -> Option<(&str, bool)> {
        match self.address.split_once("://") {
            Some(("smtps", place)) => Some((place, true)),
            Some(("smtp", place)) => Some((place, false)),
            _ => None,
        }
    }

    /// For how long repeats are counted.
    pub fn repeats_ms(&self) -> u64 {
        let usual = if self.kind().is_for_people() { 600_000 } else { 0 };
        self.repeat_ms.unwrap_or(usual)
    }

    /// After how long something is given up, if ever.
    pub fn gives_up_after_ms(&self) -> Option<u64> {
        let usual = self.kind().is_for_people().then_some(86_400_000);
        self.give_up_after_ms.or(usual)
    }
}

/// What carries syslog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// TLS (RFC 5425).
    Tls,
    /// TCP (RFC 6587).
    Tcp,
    /// UDP (RFC 5426).
    Udp,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

const fn gather_ms() -> u64 {
    10_000
}
