//! Teams of a tenant.

use domain::{Permission, TeamId, UnixMillis};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Team};

use super::words::{LimitsView, name};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::page::Place;
use crate::problem::Problem;
use crate::shapes;

/// A team as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TeamView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: TeamId,
    /// What people call it.
    pub name: String,
    /// Over all its keys together.
    pub limits: LimitsView,
}

/// A team to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// What people call it; unique within the tenant.
    name: String,
    /// Over all its keys together.
    #[serde(default)]
    limits: LimitsView,
}

/// What to change of a team; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Other limits, as a whole.
    #[serde(default)]
    limits: Option<LimitsView>,
}

shapes! { given: NewTeam, TeamChange ; shown: TeamView }

impl From<&Team> for TeamView {
    fn from(team: &Team) -> Self {
        Self {
            id: team.id,
            name: team.name.clone(),
            limits: team.limits.into(),
        }
    }
}

pub(super) const fn resource(team: &Team) -> Resource {
    Resource::Team {
        tenant: team.tenant,
        team: team.id,
    }
}

/// The team in the path.
pub(super) async fn found(call: &Call) -> Result<(Entered, Team), Stop> {
    let entered = call.enter().await?;
    let team = call.names.team(entered.tenant(), call.id("team")?).cloned();
    Ok((entered, team.ok_or_else(Problem::not_found)?))
}

/// `GET …/teams`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let mut seen = Vec::new();
    for team in call.names.teams(entered.tenant()) {
        if call.may(Permission::TeamsRead, resource(team))? {
            seen.push(team);
        }
    }
    let page = call.page_of(
        seen,
        |team, by| Place::of(by, team.id, &team.name, UnixMillis(0)),
        TeamView::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST …/teams`.
pub async fn create(call: Call, body: NewTeam) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let team = Team {
        id: TeamId::generate(),
        tenant: entered.tenant(),
        name: name(&body.name, "/name")?,
        limits: body.limits.into(),
    };
    let view = TeamView::from(&team);
    let answer = Answer::created(
        &view,
        format!("/api/v1/tenants/{}/teams/{}", team.tenant, team.id),
    )?;
    let deed = Deed::made(team.id, &view);
    call.done(&permitted, deed, vec![Change::CreateTeam(team)], answer)
        .await
}

/// `GET …/teams/{team}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, team) = found(&call).await?;
    call.permit(&entered, resource(&team)).await?;
    Ok(Answer::view(&TeamView::from(&team))?)
}

/// `PATCH …/teams/{team}`.
pub async fn update(call: Call, body: TeamChange) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&before)).await?;
    let old = TeamView::from(&before);
    call.must_match(&old)?;
    let mut after = before.clone();
    if let Some(text) = &body.name {
        after.name = name(text, "/name")?;
    }
    if let Some(limits) = body.limits {
        after.limits = limits.into();
    }
    let new = TeamView::from(&after);
    let deed = Deed::changed(before.id, &old, &new);
    let answer = Answer::view(&new)?;
    call.done(
        &permitted,
        deed,
        vec![Change::ReplaceTeam { before, after }],
        answer,
    )
    .await
}
