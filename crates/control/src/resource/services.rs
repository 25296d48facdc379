//! Service accounts: workloads as somebody, apart from the keys they present.

use domain::{ActorId, Permission, ServiceId, TeamId};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record};

use super::words::{name, time};
use super::{keys, teams, tokens};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::record::{Document, Service, UserState};
use crate::shapes;

/// A service account as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServiceView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ServiceId,
    /// The team it is in.
    #[schemars(with = "String")]
    pub team: TeamId,
    /// What people call it.
    pub name: String,
    /// Whether its keys and tokens work.
    pub state: UserState,
    /// When it was made, RFC 3339.
    pub created: String,
}

/// A service account to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    /// What people call it; unique within the tenant.
    name: String,
}

/// What to change of a service account; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// `disabled` revokes its keys and tokens, for good; `active` lets it have new ones.
    #[serde(default)]
    state: Option<UserState>,
}

shapes! { given: NewService, ServiceChange ; shown: ServiceView }

impl From<&Service> for ServiceView {
    fn from(service: &Service) -> Self {
        Self {
            id: service.id,
            team: service.team,
            name: service.name.clone(),
            state: service.state,
            created: time(service.created),
        }
    }
}

const fn resource(entered: &Entered, service: &Service) -> Resource {
    Resource::Service {
        tenant: entered.tenant(),
        team: service.team,
        service: service.id,
    }
}

pub(super) async fn found(call: &Call) -> Result<(Entered, Record, Service), Stop> {
    let entered = call.enter().await?;
    let id: ServiceId = call.id("service")?;
    let (record, service) = call.find(&entered, &id).await?;
    Ok((entered, record, service))
}

/// `GET …/services`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let of = |service: &Service| call.may(Permission::ServicesRead, resource(&entered, service));
    let page = call.page_of_records(&entered, call.query("team"), of, |service| {
        ServiceView::from(&service)
    });
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// `POST …/teams/{team}/services`.
pub async fn create(call: Call, body: NewService) -> Done {
    let (entered, team) = teams::found(&call).await?;
    let permitted = call.permit(&entered, teams::resource(&team)).await?;
    let service = Service {
        id: ServiceId::generate(),
        team: team.id,
        name: name(&body.name, "/name")?,
        state: UserState::Active,
        created: call.now,
    };
    let view = ServiceView::from(&service);
    let at = format!("/api/v1/tenants/{}/services/{}", team.tenant, service.id);
    let changes = vec![Change::Create(service.to_record()?)];
    call.done(
        &permitted,
        Deed::made(service.id, &view),
        changes,
        Answer::created(&view, at)?,
    )
    .await
}

/// `GET …/services/{service}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, _, service) = found(&call).await?;
    call.permit(&entered, resource(&entered, &service)).await?;
    Ok(Answer::view(&ServiceView::from(&service))?)
}

/// `PATCH …/services/{service}`.
// threat: ANP-0016
pub async fn update(call: Call, body: ServiceChange) -> Done {
    let (entered, before, mut service) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&entered, &service)).await?;
    let old = ServiceView::from(&service);
    call.must_match(&old)?;
    if let Some(text) = &body.name {
        service.name = name(text, "/name")?;
    }
    service.state = body.state.unwrap_or(service.state);
    let new = ServiceView::from(&service);
    let after = service.to_record()?;
    let mut changes = vec![Change::Replace { before, after }];
    if service.state == UserState::Disabled {
        changes.extend(keys::revocations(&call, &entered, ActorId::Service(service.id)));
        changes.extend(tokens::endings(&call, &entered, service.id).await?);
    }
    let deed = Deed::changed(service.id, &old, &new);
    call.done(&permitted, deed, changes, Answer::view(&new)?).await
}
