//! Provider credentials that the store keeps. A value goes in and is never shown; it is tried before it is put in
//! force, and the old one may come back for a while.

use std::time::Duration;

use credential::{Plan, SealedName, StoredCredential, StoredError, StoredVersion, VersionState};
use domain::{Secret, UnixMillis};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record};

use super::words::{read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::prober::Probed;
use crate::problem::{Code, Problem};
use crate::record::Document;
use crate::{shapes, silent};

/// The longest value: it must fit into a header of a request.
const VALUE_BYTES_MAX: usize = 8 << 10;
/// How long the old version may come back unless the caller says otherwise: a week.
const GRACE_S: u32 = 7 * 24 * 3600;
/// And at most: 90 days.
const GRACE_S_MAX: u32 = 90 * 24 * 3600;
const ROTATE_DAYS_MAX: u16 = 3650;
/// How far ahead a version may be planned.
const PLANNED_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
const REASON_CHARS_MAX: usize = 500;

/// A credential as it is shown: never a value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CredentialView {
    /// What the configuration names as `stored:NAME`.
    pub name: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// After how many days in force a version should be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_after_days: Option<u16>,
    /// Whether it should have been replaced by now.
    pub is_due: bool,
    /// Its versions, oldest first.
    pub versions: Vec<VersionView>,
}

/// A version as it is shown: never its value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionView {
    /// From 1.
    pub number: u32,
    /// How far it is.
    pub state: VersionState,
    /// What tells its value from others, and nothing about it.
    pub fingerprint: String,
    /// When it was put in, RFC 3339.
    pub created: String,
    /// Who put it in.
    pub by: String,
    /// Since when it is or was in force, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activated: Option<String>,
    /// Until when it may come back, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// When it is to be put in force by itself, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activate_at: Option<String>,
}

/// A credential after another version was put in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Activated {
    /// How each provider that uses it took the new value.
    pub probes: Vec<ProbeView>,
    /// Whether it was put in force although not all took it.
    pub forced: bool,
    /// Why, when it was forced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The credential.
    #[serde(flatten)]
    pub credential: CredentialView,
}

/// How one provider took a value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProbeView {
    /// The provider's name in the configuration.
    pub provider: String,
    /// Whether it took it.
    pub accepted: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A credential to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredential {
    /// What the configuration shall name as `stored:NAME`: letters, digits, `-`, `_` and `.`.
    name: String,
    /// The value; never shown again.
    value: String,
    /// After how many days in force a version should be replaced.
    #[serde(default)]
    rotate_after_days: Option<u16>,
}

/// A value to be put in as a candidate.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    /// The value; never shown again.
    value: String,
    /// After how many days in force a version should be replaced; as it was when left out.
    #[serde(default)]
    rotate_after_days: Option<u16>,
}

/// Which version to put in force.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    /// The candidate; the only one when left out.
    #[serde(default)]
    version: Option<u32>,
    /// How long the old version may come back, in seconds; a week when left out, not at all with 0.
    #[serde(default)]
    grace_s: Option<u32>,
    /// Put it in force whatever providers say of it. Wants a reason.
    #[serde(default)]
    force: bool,
    /// Why, for the audit log.
    #[serde(default)]
    reason: Option<String>,
    /// Not now but then, RFC 3339, within a year: it is tried then, and stays a candidate if a provider does not take
    /// it. Not with `force`.
    #[serde(default)]
    activate_at: Option<String>,
}

/// What to take away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The version; all of them when left out.
    #[serde(default)]
    version: Option<u32>,
}

silent! { NewCredential, NewVersion }

shapes! { given: NewCredential, NewVersion, Activate, Revoke ; shown: CredentialView, Activated }

impl CredentialView {
    fn of(credential: &StoredCredential, now: UnixMillis) -> Self {
        Self {
            name: credential.name.clone(),
            created: time(credential.created),
            rotate_after_days: credential.rotate_after_days,
            is_due: credential.is_due(now),
            versions: credential.versions.iter().map(VersionView::from).collect(),
        }
    }
}

impl From<&StoredVersion> for VersionView {
    fn from(version: &StoredVersion) -> Self {
        Self {
            number: version.number,
            state: version.state,
            fingerprint: version.fingerprint.clone(),
            created: time(version.created),
            by: version.by.clone(),
            activated: version.activated.map(time),
            until: version.until.map(time),
            activate_at: version.plan.map(|plan| time(plan.at)),
        }
    }
}

impl From<Probed> for ProbeView {
    fn from(probed: Probed) -> Self {
        Self {
            provider: probed.provider,
            accepted: probed.refused.is_none(),
            why: probed.refused,
        }
    }
}

fn told(error: StoredError) -> Problem {
    match error {
        StoredError::NoVersion => Problem::new(Code::Invalid, error.to_string()).at("/version"),
        StoredError::Damaged | StoredError::Sealing => Problem {
            internal: Some(error.to_string()),
            ..Problem::new(
                Code::Internal,
                "the credential does not open or could not be sealed",
            )
        },
        _ => Problem::new(Code::Conflict, error.to_string()),
    }
}

/// What can be sent in a header, without the line break that files end with.
// threat: AGP-I1
fn value(text: String) -> Result<Secret, Problem> {
    let text = Secret::new(text);
    let line = text.expose().trim_end_matches(['\r', '\n']);
    let fits =
        !line.is_empty() && line.len() <= VALUE_BYTES_MAX && line.bytes().all(|b| (0x21..0x7f).contains(&b));
    if fits {
        return Ok(Secret::new(line));
    }
    let detail = format!("a credential has 1 to {VALUE_BYTES_MAX} visible ASCII characters and no space");
    Err(Problem::new(Code::Invalid, detail).at("/value"))
}

fn days(given: Option<u16>) -> Result<Option<u16>, Problem> {
    if given.is_none_or(|days| (1..=ROTATE_DAYS_MAX).contains(&days)) {
        return Ok(given);
    }
    let detail = format!("from 1 to {ROTATE_DAYS_MAX} days");
    Err(Problem::new(Code::Invalid, detail).at("/rotate_after_days"))
}

/// Credentials are the platform's: leave comes before anything is looked up.
async fn permitted(call: &Call) -> Result<(Entered, Permitted), Stop> {
    let entered = call.platform()?;
    let permitted = call.permit(&entered, Resource::Platform).await?;
    Ok((entered, permitted))
}

async fn found(call: &Call, entered: &Entered) -> Result<(Record, StoredCredential), Stop> {
    let name: SealedName = call.id("credential")?;
    call.find(entered, &name.as_str()).await
}

fn by(call: &Call) -> Result<String, Problem> {
    Ok(call.caller()?.name.clone())
}

/// `GET /credentials`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, _) = permitted(&call).await?;
    let page = call.page_of_records(
        &entered,
        None,
        |_: &StoredCredential| Ok(true),
        |credential| CredentialView::of(&credential, call.now),
    );
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// `POST /credentials`: its value is a candidate until it is put in force.
// threat: ANP-D0007
pub async fn create(call: Call, body: NewCredential) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let name: SealedName = body.name.parse().map_err(|error: credential::SecretRefError| {
        Problem::new(Code::Invalid, error.to_string()).at("/name")
    })?;
    let name = name.as_str().to_owned();
    let mut made = StoredCredential::new(name.clone(), days(body.rotate_after_days)?, call.now);
    let value = value(body.value)?;
    let keys = &call.control.keys.credentials;
    made.propose(&value, by(&call)?, keys, call.now).map_err(told)?;
    let view = CredentialView::of(&made, call.now);
    let changes = vec![Change::Create(made.to_record()?)];
    let at = format!("/api/v1/credentials/{name}");
    call.done(
        &permitted,
        Deed::made(name, &view),
        changes,
        Answer::created(&view, at)?,
    )
    .await
}

/// `GET /credentials/{credential}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, _) = permitted(&call).await?;
    let (_, credential) = found(&call, &entered).await?;
    Ok(Answer::view(&CredentialView::of(&credential, call.now))?)
}

/// `DELETE /credentials/{credential}`: providers that still use it are not called.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, permitted) = permitted(&call).await?;
    let (record, credential) = found(&call, &entered).await?;
    let deed = Deed::removed(&credential.name, &CredentialView::of(&credential, call.now));
    call.done(&permitted, deed, vec![Change::Remove(record)], Answer::nothing())
        .await
}

/// Makes a change, with the views before and after in the audit record.
async fn change(
    call: &Call,
    permitted: &Permitted,
    before: Record,
    old: &StoredCredential,
    new: &StoredCredential,
) -> Done {
    let (was, is) = (
        CredentialView::of(old, call.now),
        CredentialView::of(new, call.now),
    );
    let after = new.to_record()?;
    let deed = Deed::changed(&new.name, &was, &is);
    call.done(
        permitted,
        deed,
        vec![Change::Replace { before, after }],
        Answer::view(&is)?,
    )
    .await
}

/// `POST /credentials/{credential}/versions`.
// threat: AGP-I1
pub async fn propose(call: Call, body: NewVersion) -> Done {
    let (entered, permitted) = permitted(&call).await?;
    let (before, old) = found(&call, &entered).await?;
    let mut new = old.clone();
    new.settle(call.now);
    new.rotate_after_days = days(body.rotate_after_days)?.or(new.rotate_after_days);
    let value = value(body.value)?;
    let keys = &call.control.keys.credentials;
    new.propose(&value, by(&call)?, keys, call.now).map_err(told)?;
    change(&call, &permitted, before, &old, &new).await
}

/// The reason of a forced act; a forced act has one.
fn reason(body: &Activate) -> Result<Option<String>, Problem> {
    let text = body
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    if body.force && text.is_none() {
        return Err(Problem::new(Code::Invalid, "`force` wants a reason, for the audit log").at("/reason"));
    }
    Ok(text.map(|text| text.chars().take(REASON_CHARS_MAX).collect()))
}

/// `POST /credentials/{credential}/activate`: what no provider takes is not put in force.
// threat: AGP-I1
// threat: AGP-S2
pub async fn activate(call: Call, body: Activate) -> Done {
    let (entered, permitted) = permitted(&call).await?;
    let (before, old) = found(&call, &entered).await?;
    let reason = reason(&body)?;
    let grace = body.grace_s.unwrap_or(GRACE_S);
    if grace > GRACE_S_MAX {
        return Err(
            Problem::new(Code::Invalid, format!("at most {GRACE_S_MAX} seconds"))
                .at("/grace_s")
                .into(),
        );
    }
    let only = old.candidate().map(|one| one.number);
    let number = body
        .version
        .or(only)
        .ok_or_else(|| told(StoredError::NoCandidate))?;
    if let Some(at) = &body.activate_at {
        let plan = Plan {
            at: later(&call, at, body.force)?,
            grace_s: grace,
        };
        let mut new = old.clone();
        new.plan(number, Some(plan)).map_err(told)?;
        return planned(&call, &permitted, (before, &old, &new), reason).await;
    }
    let value = old.tried(number, &call.control.keys.credentials).map_err(told)?;
    let probes = call.control.prober.probe(&old.name, &value).await;
    drop(value);
    if let Some(refused) = probes
        .iter()
        .find(|one| one.refused.is_some())
        .filter(|_| !body.force)
    {
        call.tell_refused(&permitted, &old.name, Code::ProbeFailed).await;
        let why = refused.refused.clone().unwrap_or_default();
        let detail = format!(
            "provider `{}` does not take it: {why}; nothing was changed",
            refused.provider
        );
        return Err(Problem::new(Code::ProbeFailed, detail).into());
    }
    let mut new = old.clone();
    new.activate(number, Duration::from_secs(grace.into()), call.now)
        .map_err(told)?;
    let view = Activated {
        forced: probes.iter().any(|one| one.refused.is_some()),
        probes: probes.into_iter().map(ProbeView::from).collect(),
        reason,
        credential: CredentialView::of(&new, call.now),
    };
    let deed = Deed::changed(&new.name, &CredentialView::of(&old, call.now), &view);
    let after = new.to_record()?;
    call.done(
        &permitted,
        deed,
        vec![Change::Replace { before, after }],
        Answer::view(&view)?,
    )
    .await
}

/// A moment to come.
fn later(call: &Call, text: &str, force: bool) -> Result<UnixMillis, Problem> {
    let at = read_time(text, "activate_at")?;
    let invalid = |detail: &str| Problem::new(Code::Invalid, detail).at("/activate_at");
    if force {
        return Err(invalid(
            "what is forced is put in force now: leave one of the two out",
        ));
    }
    match at > call.now && at <= call.now.plus(PLANNED_MAX) {
        true => Ok(at),
        false => Err(invalid("it lies in the past, or more than a year ahead")),
    }
}

/// Nothing is put in force yet: it is written down when.
async fn planned(
    call: &Call,
    permitted: &Permitted,
    (before, old, new): (Record, &StoredCredential, &StoredCredential),
    reason: Option<String>,
) -> Done {
    let view = Activated {
        forced: false,
        probes: Vec::new(),
        reason,
        credential: CredentialView::of(new, call.now),
    };
    let deed = Deed::changed(&new.name, &CredentialView::of(old, call.now), &view);
    let after = new.to_record()?;
    let answer = Answer::view(&view)?;
    call.done(permitted, deed, vec![Change::Replace { before, after }], answer)
        .await
}

/// `POST /credentials/{credential}/rollback`.
pub async fn rollback(call: Call, _: Nothing) -> Done {
    let (entered, permitted) = permitted(&call).await?;
    let (before, old) = found(&call, &entered).await?;
    let mut new = old.clone();
    new.roll_back(call.now).map_err(told)?;
    change(&call, &permitted, before, &old, &new).await
}

/// `POST /credentials/{credential}/revoke`.
// threat: CTX-T3
pub async fn revoke(call: Call, body: Revoke) -> Done {
    let (entered, permitted) = permitted(&call).await?;
    let (before, old) = found(&call, &entered).await?;
    let mut new = old.clone();
    new.revoke(body.version).map_err(told)?;
    change(&call, &permitted, before, &old, &new).await
}
