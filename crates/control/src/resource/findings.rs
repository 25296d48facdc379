//! Credentials that somebody should look after.

use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;

use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::findings::{Finding, Matter};
use crate::page::Place;
use crate::problem::Problem;
use crate::shapes;

/// A credential and what is the matter with it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingView {
    /// What is the matter.
    pub matter: Matter,
    /// The id of the key, user or service account.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Since when, RFC 3339; for what is yet to come, when; for what has no known beginning, now.
    pub at: String,
}

shapes! { given: ; shown: FindingView }

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            matter: finding.matter,
            id: finding.id,
            name: finding.name,
            at: time(finding.at),
        }
    }
}

/// `GET …/credentials`.
// threat: ANP-0016
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let directory = call.names.directory();
    let found = call
        .control
        .credentials
        .look(entered.tenant(), directory, call.now)
        .await
        .map_err(Problem::from)?;
    let mut found: Vec<(String, Finding)> = found.into_iter().map(|it| (it.mark(), it)).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let page = call.page_of(
        found,
        |(mark, _), _| Place::by_id(mark),
        |(_, it)| FindingView::from(it),
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}
