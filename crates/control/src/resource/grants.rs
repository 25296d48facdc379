//! Roles that people and services have.

use domain::{ActorId, GrantId, Permission, Reach, Role, TeamId, TenantId};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind};

use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop, id_in_body};
use crate::problem::{Code, Problem};
use crate::record::{Document, Grant};
use crate::shapes;

/// A role that somebody has, as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GrantView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: GrantId,
    /// The user or service account that has it.
    #[schemars(with = "String")]
    pub holder: ActorId,
    /// The role.
    #[schemars(with = "String")]
    pub role: Role,
    /// `platform`, `tenant` or `team`.
    pub reach: &'static str,
    /// The team, when it reaches over one.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// It comes from a group of the identity provider's, and goes with it.
    pub by_sso: bool,
    /// When it was given, RFC 3339.
    pub created: String,
}

/// A role to be given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// The id of a user or service account of this tenant.
    holder: String,
    /// `platform_admin`, `security_admin`, `finance`, `tenant_admin`, `team_admin`, `member`, `viewer` or
    /// `auditor`.
    role: String,
    /// The team it reaches over; without one it reaches over the tenant, and in the platform's own tenant
    /// over the platform.
    #[serde(default)]
    team: Option<String>,
}

shapes! { given: NewGrant ; shown: GrantView }

impl From<&Grant> for GrantView {
    fn from(grant: &Grant) -> Self {
        let (reach, team) = match grant.reach {
            Reach::Platform => ("platform", None),
            Reach::Tenant(_) => ("tenant", None),
            Reach::Team(_, team) => ("team", Some(team)),
        };
        Self {
            id: grant.id,
            holder: grant.holder,
            role: grant.role,
            reach,
            team,
            by_sso: grant.by_sso,
            created: time(grant.created),
        }
    }
}

const fn resource(entered: &Entered, grant: &Grant) -> Resource {
    Resource::Grant {
        tenant: entered.tenant(),
        holder: grant.holder,
        role: grant.role,
        reach: grant.reach,
    }
}

async fn found(call: &Call) -> Result<(Entered, Record, Grant), Stop> {
    let entered = call.enter().await?;
    let id: GrantId = call.id("grant")?;
    let (record, grant) = call.find(&entered, &id).await?;
    Ok((entered, record, grant))
}

/// `GET …/grants`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let of = |grant: &Grant| call.may(Permission::GrantsRead, resource(&entered, grant));
    let page = call.page_of_records(&entered, call.query("holder"), of, |grant| {
        GrantView::from(&grant)
    });
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// Who shall have the role: somebody of this very tenant, and there.
async fn holder(call: &Call, entered: &Entered, text: &str) -> Result<ActorId, Stop> {
    let nobody = || Problem::new(Code::Invalid, "no user or service account here has that id").at("/holder");
    let id: ActorId = text.parse().map_err(|_| nobody())?;
    let kind = match id {
        ActorId::User(_) => RecordKind::User,
        ActorId::Service(_) => RecordKind::Service,
    };
    match call.control.store.record(entered.scope(), kind, text).await {
        Err(store::StoreError::NotFound) => Err(nobody().into()),
        found => Ok(found.map(|_| id)?),
    }
}

pub(super) fn reach(call: &Call, entered: &Entered, team: Option<&str>) -> Result<Reach, Stop> {
    let tenant = entered.tenant();
    let Some(team) = team else {
        return Ok(if tenant == TenantId::PLATFORM {
            Reach::Platform
        } else {
            Reach::Tenant(tenant)
        });
    };
    let id: TeamId = id_in_body(team, "/team")?;
    let team = call.names.team(tenant, id);
    let team = team.ok_or_else(|| Problem::new(Code::Invalid, "there is no such team here").at("/team"))?;
    Ok(Reach::Team(tenant, team.id))
}

/// `POST …/grants`.
// threat: ANP-0014
pub async fn create(call: Call, body: NewGrant) -> Done {
    let entered = call.enter().await?;
    let role: Role = id_in_body(&body.role, "/role")?;
    let grant = Grant {
        id: GrantId::generate(),
        holder: holder(&call, &entered, &body.holder).await?,
        role,
        reach: reach(&call, &entered, body.team.as_deref())?,
        created: call.now,
        by_sso: false,
    };
    let permitted = call.permit(&entered, resource(&entered, &grant)).await?;
    if !role.fits(&grant.reach) {
        return Err(
            Problem::new(Code::Invalid, format!("`{role}` cannot reach that far"))
                .at("/role")
                .into(),
        );
    }
    let had = crate::caller::grants_of(&call.control, entered.scope(), grant.holder).await?;
    if had.contains(&grant.role_grant()) {
        return Err(Problem::new(Code::Conflict, "they have that role already").into());
    }
    let view = GrantView::from(&grant);
    let at = format!("/api/v1/tenants/{}/grants/{}", entered.tenant(), grant.id);
    let changes = vec![Change::Create(grant.to_record()?)];
    call.done(
        &permitted,
        Deed::made(grant.id, &view),
        changes,
        Answer::created(&view, at)?,
    )
    .await
}

/// `GET …/grants/{grant}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, _, grant) = found(&call).await?;
    call.permit(&entered, resource(&entered, &grant)).await?;
    Ok(Answer::view(&GrantView::from(&grant))?)
}

/// `DELETE …/grants/{grant}`. The last platform admin keeps the role: nobody could give it again.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, record, grant) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&entered, &grant)).await?;
    if grant.role == Role::PlatformAdmin && is_last_admin(&call, &entered, &grant).await? {
        return Err(Problem::new(
            Code::Conflict,
            "this is the last platform admin: make another first",
        )
        .into());
    }
    let deed = Deed::removed(grant.id, &GrantView::from(&grant));
    call.done(&permitted, deed, vec![Change::Remove(record)], Answer::nothing())
        .await
}

async fn is_last_admin(call: &Call, entered: &Entered, grant: &Grant) -> Result<bool, Stop> {
    let others = call.all_records::<Grant>(entered).await?;
    let is_other = |other: &Grant| other.role == Role::PlatformAdmin && other.id != grant.id;
    Ok(!others.iter().any(is_other))
}
