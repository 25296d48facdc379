//! The end of a tenant: asked for, gone on with, and certified.

use std::time::Duration;

use domain::TenantId;
use http::StatusCode;
use ledger::certificate::Revoked;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Tenant, TenantState};

use super::audit::who;
use super::tenants::found;
use super::words::{name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::offboarding::{Ending, OffboardError, Offboarding};
use crate::problem::{Code, Problem};
use crate::shapes;

/// How long a request goes on with an ending; the gate finishes by itself what takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tenant to be ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offboard {
    /// Why; it stands in the certificate.
    reason: String,
    /// The tenant's name, typed again.
    name: String,
}

/// How far the end of a tenant has come, or what it would end.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OffboardingView {
    /// The tenant.
    #[schemars(with = "String")]
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// Its state: `offboarding` until all is done, then `offboarded`.
    pub state: &'static str,
    /// When it was asked for, RFC 3339.
    pub begun: Option<String>,
    /// Who asked.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Virtual keys revoked.
    pub keys_revoked: usize,
    /// Sessions ended.
    pub sessions_ended: usize,
    /// Users disabled.
    pub users_disabled: usize,
    /// Service accounts disabled.
    pub services_disabled: usize,
    /// Ways to sign in removed.
    pub logins_removed: u64,
    /// One-time tokens among them that nobody had used.
    pub invitations_voided: u64,
    /// Roles taken away.
    pub grants_removed: u64,
    /// Kept answers removed.
    pub answers_removed: u64,
    /// The fingerprint of the content key that was destroyed.
    pub content_key: Option<String>,
    /// When all was done, RFC 3339.
    pub finished: Option<String>,
    /// The signed certificate, for `bartizan ledger verify-certificate`.
    pub certificate: Option<String>,
}

shapes! { given: Offboard ; shown: OffboardingView }

impl OffboardingView {
    fn of(tenant: &Tenant, ending: Option<&Ending>, revoked: &Revoked) -> Self {
        let finished = ending.and_then(|ending| ending.finished);
        Self {
            tenant: tenant.id,
            name: tenant.name.clone(),
            state: match (ending, finished) {
                (None, _) => tenant.state.as_str(),
                (Some(_), None) => TenantState::Offboarding.as_str(),
                (Some(_), Some(_)) => TenantState::Offboarded.as_str(),
            },
            begun: ending.map(|ending| time(ending.begun)),
            by: ending.map(|ending| who(&ending.by)),
            reason: ending.map(|ending| ending.reason.clone()),
            keys_revoked: revoked.keys.len(),
            sessions_ended: revoked.sessions.len(),
            users_disabled: revoked.users.len(),
            services_disabled: revoked.services.len(),
            logins_removed: revoked.logins,
            invitations_voided: revoked.invitations,
            grants_removed: revoked.grants,
            answers_removed: revoked.answers,
            content_key: revoked.content_key.clone(),
            finished: finished.map(|(at, _)| time(at)),
            certificate: ending.and_then(|ending| ending.certificate.clone()),
        }
    }
}

impl From<OffboardError> for Problem {
    fn from(error: OffboardError) -> Self {
        match error {
            OffboardError::Store(error) => error.into(),
            OffboardError::NotBegun => Self::not_found(),
            OffboardError::Damaged(_) | OffboardError::Certificate(_) | OffboardError::Signing(_) => Self {
                internal: Some(error.to_string()),
                ..Self::new(
                    Code::Internal,
                    "the tenant is stopped, but its end cannot be finished: look in the log",
                )
            },
        }
    }
}

/// `POST …/offboard`. Asked again it goes on, or says how it ended.
// threat: ANP-0016
// threat: AGP-E1
// threat: AGP-S1
pub async fn start(call: Call, body: Offboard) -> Done {
    let (entered, tenant) = found(&call).await?;
    let permitted = call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let reason = name(&body.reason, "/reason")?;
    if body.name != tenant.name {
        return Err(Problem::new(Code::Invalid, "type the tenant's name to confirm")
            .at("/name")
            .into());
    }
    let offboarding = &call.control.offboarding;
    let is_asked_for = matches!(tenant.state, TenantState::Active | TenantState::Suspended);
    if call.is_dry_run() {
        let planned = offboarding.plan(tenant.id).await?;
        let ending = offboarding.ending(tenant.id).await?;
        let view = OffboardingView::of(&tenant, ending.as_ref(), &planned);
        return Ok(Answer {
            is_dry_run: true,
            ..Answer::json(StatusCode::OK, &view)?
        });
    }
    if is_asked_for {
        let changes = Offboarding::opening(&tenant, call.caller()?.audited(), &reason, call.now)?;
        let (before, after) = (
            serde_json::json!({"state": tenant.state.as_str()}),
            serde_json::json!({"state": TenantState::Offboarding.as_str(), "reason": reason}),
        );
        let deed = Deed::changed(tenant.id, &before, &after);
        let asked = call.done(&permitted, deed, changes, Answer::nothing()).await?;
        if permitted.waits() {
            return Ok(asked);
        }
    }
    let ending = match tokio::time::timeout(PATIENCE, offboarding.go_on(tenant.id)).await {
        Ok(ending) => Some(ending?),
        Err(_) => offboarding.ending(tenant.id).await?,
    };
    let revoked = ending
        .as_ref()
        .map(|ending| ending.revoked.clone())
        .unwrap_or_default();
    let is_over = ending.as_ref().is_some_and(|ending| ending.certificate.is_some());
    let status = if is_over {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(Answer::json(
        status,
        &OffboardingView::of(&tenant, ending.as_ref(), &revoked),
    )?)
}

/// `GET …/offboarding`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let ending = call.control.offboarding.ending(tenant.id).await?;
    let ending = ending.ok_or_else(Problem::not_found)?;
    let view = OffboardingView::of(&tenant, Some(&ending), &ending.revoked);
    Ok(Answer::json(StatusCode::OK, &view)?)
}
