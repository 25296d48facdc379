//! The token with which a tenant's people are provisioned from outside: made, replaced, ended.

use domain::{TenantId, TenantScope};
use identity::token::ProvisioningToken;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use store::{Change, Record, RecordKind, StoreError};

use super::keys::Shown;
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Stop};
use crate::problem::{Code, Problem};
use crate::record::{Document, Scim, read};
use crate::shapes;

/// Provisioning as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScimView {
    /// Give it to whoever provisions.
    pub address: String,
    /// When the token was made, RFC 3339.
    pub created: String,
}

/// A token just made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScimWithToken {
    /// For `Authorization: Bearer`. Shown now and never again.
    #[schemars(with = "String")]
    pub token: Shown,
    /// The rest.
    #[serde(flatten)]
    pub scim: ScimView,
}

shapes! { given: ; shown: ScimView, ScimWithToken }

fn view(call: &Call, tenant: TenantId, scim: &Scim) -> ScimView {
    ScimView {
        address: format!("{}/scim/v2/{tenant}", call.control.public_url),
        created: time(scim.created),
    }
}

/// The token as it is stored, and its record.
pub(crate) async fn found(call: &Call, scope: &TenantScope) -> Result<Option<(Record, Scim)>, Stop> {
    match call.control.store.record(scope, RecordKind::Scim, Scim::ID).await {
        Err(StoreError::NotFound) => Ok(None),
        found => {
            let record = found?;
            let scim = read(&record)?;
            Ok(Some((record, scim)))
        }
    }
}

/// `GET …/scim`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let (_, scim) = found(&call, entered.scope())
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Answer::view(&view(&call, entered.tenant(), &scim))?)
}

/// `POST …/scim`. The token before is over at once.
// threat: CTX-T3
pub async fn create(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let token = ProvisioningToken::generate().map_err(|_| {
        Problem::new(
            Code::Internal,
            "the system gave no randomness, so nothing was made",
        )
    })?;
    let scim = Scim {
        digest: hex::encode(token.digest(&call.control.keys.pepper)),
        created: call.now,
    };
    let after = scim.to_record()?;
    let change = match found(&call, entered.scope()).await? {
        Some((before, _)) => Change::Replace { before, after },
        None => Change::Create(after),
    };
    let view = view(&call, entered.tenant(), &scim);
    let deed = Deed::made(Scim::ID, &view);
    let shown = ScimWithToken {
        token: Shown(token.to_secret().expose().to_owned()),
        scim: view,
    };
    let answer = Answer::json(http::StatusCode::CREATED, &shown)?;
    call.done(&permitted, deed, vec![change], answer).await
}

/// `DELETE …/scim`. People and groups stay as they are.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let (record, scim) = found(&call, entered.scope())
        .await?
        .ok_or_else(Problem::not_found)?;
    let deed = Deed::removed(Scim::ID, &view(&call, entered.tenant(), &scim));
    call.done(&permitted, deed, vec![Change::Remove(record)], Answer::nothing())
        .await
}
