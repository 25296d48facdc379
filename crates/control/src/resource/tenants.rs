//! Tenants: made, named, limited, suspended.

use domain::{Permission, TenantId, UnixMillis};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Tenant, TenantState};

use super::words::{LimitsView, name};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;

/// A tenant as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TenantView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// `active`, `suspended`, `offboarding` or `offboarded`.
    pub state: &'static str,
    /// Over all its keys together.
    pub limits: LimitsView,
}

/// A tenant to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// What people call it; unique.
    name: String,
    /// Over all its keys together.
    #[serde(default)]
    limits: LimitsView,
}

/// What to change of a tenant; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Other limits, as a whole.
    #[serde(default)]
    limits: Option<LimitsView>,
}

shapes! { given: NewTenant, TenantChange ; shown: TenantView }

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name.clone(),
            state: tenant.state.as_str(),
            limits: tenant.limits.into(),
        }
    }
}

/// `GET /tenants`.
// threat: ANP-0015
pub async fn list(call: Call, _: Nothing) -> Done {
    call.caller()?;
    let mut seen = Vec::new();
    for tenant in call.names.tenants() {
        if call.may(Permission::TenantsRead, Resource::Tenant(tenant.id))? {
            seen.push(tenant);
        }
    }
    let page = call.page_of(
        seen,
        |tenant, by| Place::of(by, tenant.id, &tenant.name, UnixMillis(0)),
        TenantView::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST /tenants`.
pub async fn create(call: Call, body: NewTenant) -> Done {
    let permitted = call.permit(&call.platform()?, Resource::Platform).await?;
    let tenant = Tenant {
        id: TenantId::generate(),
        name: name(&body.name, "/name")?,
        limits: body.limits.into(),
        state: TenantState::Active,
        history: ledger::Keeping::NONE,
    };
    let view = TenantView::from(&tenant);
    let answer = Answer::created(&view, format!("/api/v1/tenants/{}", tenant.id))?;
    let deed = Deed::made(tenant.id, &view);
    call.done(&permitted, deed, vec![Change::CreateTenant(tenant)], answer)
        .await
}

/// The tenant in the path. The platform's own is none that can be looked at or changed.
pub(super) async fn found(call: &Call) -> Result<(Entered, Tenant), Stop> {
    let entered = call.enter().await?;
    let tenant = call
        .names
        .tenant(entered.tenant())
        .filter(|tenant| tenant.id != TenantId::PLATFORM);
    Ok((entered, tenant.ok_or_else(Problem::not_found)?))
}

/// `GET /tenants/{tenant}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    Ok(Answer::view(&TenantView::from(&tenant))?)
}

/// `PATCH /tenants/{tenant}`.
pub async fn update(call: Call, body: TenantChange) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, Resource::Tenant(before.id)).await?;
    call.must_match(&TenantView::from(&before))?;
    let mut after = before.clone();
    if let Some(text) = &body.name {
        after.name = name(text, "/name")?;
    }
    if let Some(limits) = body.limits {
        after.limits = limits.into();
    }
    replace(call, permitted, before, after).await
}

/// `POST /tenants/{tenant}/suspend`.
pub async fn suspend(call: Call, _: Nothing) -> Done {
    turn(call, TenantState::Active, TenantState::Suspended).await
}

/// `POST /tenants/{tenant}/resume`.
pub async fn resume(call: Call, _: Nothing) -> Done {
    turn(call, TenantState::Suspended, TenantState::Active).await
}

async fn turn(call: Call, from: TenantState, to: TenantState) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, Resource::Tenant(before.id)).await?;
    if before.state != from {
        let detail = format!("the tenant is {}", before.state.as_str());
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    let after = Tenant {
        state: to,
        ..before.clone()
    };
    replace(call, permitted, before, after).await
}

async fn replace(call: Call, permitted: Permitted, before: Tenant, after: Tenant) -> Done {
    let views = (TenantView::from(&before), TenantView::from(&after));
    let answer = Answer::view(&views.1)?;
    let deed = Deed::changed(before.id, &views.0, &views.1);
    call.done(
        &permitted,
        deed,
        vec![Change::ReplaceTenant { before, after }],
        answer,
    )
    .await
}
