//! What tenants have set up for themselves: whom they have told of their acts, and which reports go where. Secrets are
//! sealed under the tenant's content key and bound to what they are for; nothing here is ever shown with them.

use credential::purpose;
use domain::{ScheduleId, Secret, SinkId, TenantId, UnixMillis};
use http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::RecordKind;
use upstream::{Base, Reach};

use crate::content::ContentKeys;
use crate::problem::{Code, Problem};
use crate::record::Document;
use crate::resource::words::email;

/// Sinks, or schedules, of one tenant.
pub const OWN_MAX: usize = 10;
const SECRET_BYTES_MAX: usize = 1_024;
const ADDRESS_BYTES_MAX: usize = 1_024;
const RECIPIENTS_MAX: usize = 20;

/// In which way somebody is told, or something is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DeliveryForm")]
pub enum Form {
    /// Signed requests to an address.
    Webhook,
    /// What Slack's incoming webhooks take; the secret is the whole address.
    Slack,
    /// PagerDuty's Events API v2; the secret is the routing key. Alerts only.
    Pagerduty,
    /// Mail, by the instance's server.
    Mail,
    /// Storage that speaks S3; the secrets are the id of an access key and its secret. Reports only.
    S3,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DeliverySeverity")]
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

/// Where something goes, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeliveryPlace")]
pub struct Place {
    /// In which way.
    pub form: Form,
    /// `https://host[:port]/path` of a webhook, `s3://bucket/beginning` of storage; of PagerDuty its usual one when left out.
    /// Not of Slack, where it is the secret, and not of mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Of S3, where it is spoken: `https://host[:port]`. Left out: Amazon's of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of S3, the region that requests are signed for; `us-east-1` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Of S3, whether the bucket's name is part of the host's rather than of the path.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub virtual_host: bool,
    /// Of mail, whom it is to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
}

/// Somebody whom a tenant has told of its acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSink {
    /// Which; how far it has come is kept under this.
    pub id: SinkId,
    /// What people call it; unique within the tenant.
    pub name: String,
    /// When it was made.
    pub created: UnixMillis,
    /// Where it is.
    pub place: Place,
    /// Which acts: names, or beginnings with `*`.
    pub acts: Vec<String>,
    /// Nothing that is less bad.
    pub severity_min: Severity,
    /// For how long the same is counted rather than told again.
    pub repeat_ms: u64,
    /// After how long what is not taken becomes a dead letter.
    pub give_up_after_ms: u64,
    /// Sealed.
    pub secrets: Vec<String>,
}

/// A report that a tenant has delivered again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSchedule {
    /// Which.
    pub id: ScheduleId,
    /// What people call it, and the folder's name; unique within the tenant.
    pub name: String,
    /// When it was made.
    pub created: UnixMillis,
    /// Where it goes.
    pub place: Place,
    /// What is delivered: `costs`, `usage`, `chargeback` or `digest`.
    pub report: String,
    /// In which form.
    pub format: String,
    /// `day`, `week` or `month`.
    pub every: String,
    /// Where its days begin.
    pub zone: String,
    /// The day with which it begins.
    pub since: Option<String>,
    /// Sealed.
    pub secrets: Vec<String>,
}

impl OwnSchedule {
    /// What it is kept under where the instance's schedules are kept too, none of which can have the name.
    pub fn kept_name(&self) -> String {
        format!("own:{}", self.name)
    }
}

impl Document for OwnSink {
    const KIND: RecordKind = RecordKind::OwnSink;
    fn id(&self) -> String {
        self.id.to_string()
    }
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

impl Document for OwnSchedule {
    const KIND: RecordKind = RecordKind::OwnSchedule;
    fn id(&self) -> String {
        self.id.to_string()
    }
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

/// What a secret is bound to: whose it is, of what, and which of them.
fn bound_to(tenant: TenantId, of: &str, at: usize) -> String {
    format!("{tenant}/{of}/{at}")
}

/// Seals secrets for what they are of.
// threat: AGP-I1
pub async fn seal(
    content: &ContentKeys,
    (tenant, of): (TenantId, &str),
    secrets: &[String],
    now: UnixMillis,
) -> Result<Vec<String>, Problem> {
    let mut all = Vec::with_capacity(secrets.len());
    for (at, secret) in secrets.iter().enumerate() {
        let place = bound_to(tenant, of, at);
        let text = (secret.as_bytes(), place.as_bytes());
        all.push(content.seal((tenant, purpose::DELIVERY), text, now).await?);
    }
    Ok(all)
}

/// Opens them again. The error says nothing of what they are.
// threat: ANP-0016
pub async fn open(
    content: &ContentKeys,
    (tenant, of): (TenantId, &str),
    sealed: &[String],
) -> Result<Vec<Secret>, String> {
    let mut all = Vec::with_capacity(sealed.len());
    for (at, sealed) in sealed.iter().enumerate() {
        let place = bound_to(tenant, of, at);
        let opened = content
            .open_own((tenant, purpose::DELIVERY), (sealed, place.as_bytes()))
            .await;
        let text = opened.map_err(|_| "its secret does not open")?;
        all.push(Secret::new(
            String::from_utf8(text).map_err(|_| "its secret is no text")?,
        ));
    }
    Ok(all)
}

fn invalid(why: impl Into<String>, pointer: &str) -> Problem {
    Problem::new(Code::Invalid, why).at(pointer)
}

/// Whether an address may be called for a tenant at all. What its name leads to is looked at whenever it is called.
// threat: ANP-D0012
fn reaches(reach: &Reach, text: &str, pointer: &str) -> Result<(), Problem> {
    let form = || invalid("an address looks like `https://host[:port]/path`", pointer);
    if text.len() > ADDRESS_BYTES_MAX || text.contains(['?', '#', '\\']) {
        return Err(form());
    }
    let uri: Uri = text.parse().map_err(|_| form())?;
    let host = uri.host().ok_or_else(form)?;
    reach.check(&uri).map_err(|why| invalid(why, pointer))?;
    let may_be_plain = reach.may_be_plain(host);
    if uri.scheme_str() == Some("http") && !may_be_plain {
        return Err(invalid("it goes over TLS: begin it with `https://`", pointer));
    }
    Base::split(text, may_be_plain)
        .map(drop)
        .map_err(|error| invalid(error.to_string(), pointer))
}

/// The origin of an address whose path is a secret.
fn origin(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

impl Place {
    /// The place as it is kept, with `secrets` as they were given, if they were. What is wrong is said without them.
    // threat: AGP-I1
    pub fn checked(
        mut self,
        (reach, domains): (&Reach, Option<&[String]>),
        secrets: Option<&[String]>,
    ) -> Result<Self, Problem> {
        if let Some(secrets) = secrets {
            let fits = |one: &String| !one.trim().is_empty() && one.len() <= SECRET_BYTES_MAX;
            if !secrets.iter().all(fits) {
                let why = format!("a secret is a text of 1 to {SECRET_BYTES_MAX} bytes");
                return Err(invalid(why, "/secrets"));
            }
            self.takes(secrets)?;
        }
        self.is_plain()?;
        match self.form {
            Form::Webhook => reaches(reach, self.must_have_address()?, "/place/address")?,
            Form::Slack => {
                if let Some(whole) = secrets.and_then(<[String]>::first) {
                    reaches(reach, whole.trim(), "/secrets/0")?;
                    self.address = origin(whole.trim());
                }
            }
            Form::Pagerduty => {
                let address = self.address.get_or_insert_with(|| PAGERDUTY.to_owned());
                reaches(reach, address, "/place/address")?;
            }
            Form::Mail => self.mail_fits(domains)?,
            Form::S3 => {
                let (bucket, prefix) = self.bucket().ok_or_else(|| {
                    invalid(
                        "storage is `s3://bucket` or `s3://bucket/beginning`",
                        "/place/address",
                    )
                })?;
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "._=-".contains(c);
                let is_part = |part: &str| !["", ".", ".."].contains(&part) && part.chars().all(is_plain);
                let is_bucket = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
                if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_bucket) {
                    return Err(invalid("the bucket's name is none", "/place/address"));
                }
                let is_path = prefix.len() <= 200 && prefix.split('/').all(is_part);
                if !prefix.is_empty() && !is_path {
                    return Err(invalid(
                        "the beginning is no path of plain names",
                        "/place/address",
                    ));
                }
                let is_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                if !(1..=64).contains(&self.region().len()) || !self.region().chars().all(is_region) {
                    return Err(invalid("that is no region", "/place/region"));
                }
                reaches(reach, &self.endpoint(), "/place/endpoint")?;
            }
        }
        Ok(self)
    }

    /// Nothing that means nothing here.
    fn is_plain(&self) -> Result<(), Problem> {
        let is_s3 = self.form == Form::S3;
        if !is_s3 && (self.endpoint.is_some() || self.region.is_some() || self.virtual_host) {
            return Err(invalid(
                "only `s3` has an endpoint and a region",
                "/place/endpoint",
            ));
        }
        if self.form != Form::Mail && !self.to.is_empty() {
            return Err(invalid("only `mail` is to somebody", "/place/to"));
        }
        if matches!(self.form, Form::Slack | Form::Mail) && self.address.is_some() {
            let why = "of Slack the address is the secret, and mail has none: leave it out";
            return Err(invalid(why, "/place/address"));
        }
        Ok(())
    }

    /// How many secrets each form takes.
    fn takes(&self, secrets: &[String]) -> Result<(), Problem> {
        let (fits, why) = match self.form {
            Form::Webhook => (
                (1..=4).contains(&secrets.len()),
                "a webhook has one to four secrets: it is signed",
            ),
            Form::Slack => (secrets.len() == 1, "Slack has one secret: the whole address"),
            Form::Pagerduty => (secrets.len() == 1, "PagerDuty has one secret: the routing key"),
            Form::Mail => (
                secrets.is_empty(),
                "mail has no secret: the instance's server sends it",
            ),
            Form::S3 => (
                secrets.len() == 2,
                "storage has two secrets: the id of an access key, then its secret",
            ),
        };
        if !fits {
            return Err(invalid(why, "/secrets"));
        }
        if self.form == Form::Webhook {
            let all: Vec<Secret> = secrets.iter().map(|one| Secret::new(one.as_str())).collect();
            upstream::HookKeys::read(&all).map_err(|why| invalid(why, "/secrets"))?;
        }
        Ok(())
    }

    fn must_have_address(&self) -> Result<&str, Problem> {
        let missing = || invalid("a webhook has an address", "/place/address");
        self.address.as_deref().ok_or_else(missing)
    }

    // threat: AGP-I1
    fn mail_fits(&mut self, domains: Option<&[String]>) -> Result<(), Problem> {
        let Some(domains) = domains else {
            let why = "this instance sends no mail for tenants: whoever runs it configures `delivery.mail`";
            return Err(invalid(why, "/place/form"));
        };
        if !(1..=RECIPIENTS_MAX).contains(&self.to.len()) {
            return Err(invalid(
                format!("mail is to one to {RECIPIENTS_MAX} addresses"),
                "/place/to",
            ));
        }
        for (at, to) in self.to.iter_mut().enumerate() {
            let pointer = format!("/place/to/{at}");
            *to = email(to, &pointer)?;
            if to.contains([',', ';', '<', '>', '"', '(', ')']) {
                return Err(invalid(
                    "an e-mail address looks like `name@example.com`",
                    &pointer,
                ));
            }
            let domain = to.rsplit('@').next().unwrap_or_default();
            if !domains.is_empty() && !domains.iter().any(|one| one.eq_ignore_ascii_case(domain)) {
                let why = format!(
                    "this instance sends mail for tenants to {} only",
                    domains.join(", ")
                );
                return Err(invalid(why, &pointer));
            }
        }
        Ok(())
    }

    /// Of S3, the bucket and what names in it begin with.
    pub fn bucket(&self) -> Option<(&str, &str)> {
        let place = self.address.as_deref()?.strip_prefix("s3://")?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        Some((bucket, prefix.trim_matches('/')))
    }

    /// Of S3, the region.
    pub fn region(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }

    /// Of S3, where it is spoken.
    pub fn endpoint(&self) -> String {
        let usual = || format!("https://s3.{}.amazonaws.com", self.region());
        self.endpoint.clone().unwrap_or_else(usual)
    }

    /// Whether secrets that were given for the one may go to the other.
    // threat: AGP-I1
    pub fn is_as_before(&self, before: &Self) -> bool {
        let usual = |place: &Self| match place.form {
            Form::Pagerduty => Some(place.address.clone().unwrap_or_else(|| PAGERDUTY.to_owned())),
            // It is made of the secret.
            Form::Slack => None,
            _ => place.address.clone(),
        };
        self.form == before.form && usual(self) == usual(before) && self.endpoint == before.endpoint
    }

    /// Where it goes, for people.
    pub fn said(&self) -> String {
        match self.form {
            Form::Mail => self.to.join(", "),
            _ => self.address.clone().unwrap_or_default(),
        }
    }
}
