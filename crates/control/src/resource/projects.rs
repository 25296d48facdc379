//! Projects: workloads of a team.

use domain::{Permission, ProjectId, TeamId};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record};

use super::teams;
use super::words::{name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::problem::{Code, Problem};
use crate::record::{Document, Project};
use crate::shapes;

/// A project as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProjectView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ProjectId,
    /// The team it is in.
    #[schemars(with = "String")]
    pub team: TeamId,
    /// What people call it.
    pub name: String,
    /// When it was made, RFC 3339.
    pub created: String,
}

/// A project to be made, or its new name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// What people call it; unique within the tenant.
    name: String,
}

shapes! { given: NewProject ; shown: ProjectView }

impl From<&Project> for ProjectView {
    fn from(project: &Project) -> Self {
        Self {
            id: project.id,
            team: project.team,
            name: project.name.clone(),
            created: time(project.created),
        }
    }
}

const fn resource(entered: &Entered, project: &Project) -> Resource {
    Resource::Project {
        tenant: entered.tenant(),
        team: project.team,
        project: project.id,
    }
}

async fn found(call: &Call) -> Result<(Entered, Record, Project), Stop> {
    let entered = call.enter().await?;
    let id: ProjectId = call.id("project")?;
    let (record, project) = call.find(&entered, &id).await?;
    Ok((entered, record, project))
}

/// `GET …/projects`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let of = |project: &Project| call.may(Permission::ProjectsRead, resource(&entered, project));
    let page = call.page_of_records(&entered, call.query("team"), of, |project| {
        ProjectView::from(&project)
    });
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// `POST …/teams/{team}/projects`.
pub async fn create(call: Call, body: NewProject) -> Done {
    let (entered, team) = teams::found(&call).await?;
    let permitted = call.permit(&entered, teams::resource(&team)).await?;
    let project = Project {
        id: ProjectId::generate(),
        team: team.id,
        name: name(&body.name, "/name")?,
        created: call.now,
    };
    let view = ProjectView::from(&project);
    let at = format!("/api/v1/tenants/{}/projects/{}", team.tenant, project.id);
    let changes = vec![Change::Create(project.to_record()?)];
    call.done(
        &permitted,
        Deed::made(project.id, &view),
        changes,
        Answer::created(&view, at)?,
    )
    .await
}

/// `GET …/projects/{project}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, _, project) = found(&call).await?;
    call.permit(&entered, resource(&entered, &project)).await?;
    Ok(Answer::view(&ProjectView::from(&project))?)
}

/// `PATCH …/projects/{project}`.
pub async fn update(call: Call, body: NewProject) -> Done {
    let (entered, before, project) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&entered, &project)).await?;
    let old = ProjectView::from(&project);
    call.must_match(&old)?;
    let project = Project {
        name: name(&body.name, "/name")?,
        ..project
    };
    let new = ProjectView::from(&project);
    let after = project.to_record()?;
    let deed = Deed::changed(project.id, &old, &new);
    call.done(
        &permitted,
        deed,
        vec![Change::Replace { before, after }],
        Answer::view(&new)?,
    )
    .await
}

/// `DELETE …/projects/{project}`. A project with keys stays: their budgets and records name it.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, record, project) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&entered, &project)).await?;
    if call
        .names
        .keys(entered.tenant())
        .any(|key| key.project == Some(project.id))
    {
        return Err(Problem::new(Code::Conflict, "keys belong to this project: it stays").into());
    }
    let deed = Deed::removed(project.id, &ProjectView::from(&project));
    call.done(&permitted, deed, vec![Change::Remove(record)], Answer::nothing())
        .await
}
