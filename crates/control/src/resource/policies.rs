//! Why something is permitted or not, and who may do it. Who asks learns nothing of what they may not see: not
//! of people and keys, and not of what policies say about others.

use std::net::IpAddr;

use domain::{Permission, TenantId};
use policy::Resource;
use schemars::JsonSchema;
use serde::Deserialize;

use super::words::{data_class, read_time};
use crate::answer::Answer;
use crate::call::{Call, Done, Entered};
use crate::problem::{Code, Problem};
use crate::shapes;
use crate::why::{Action, Circumstances, PartView, Scene, Subject, WhoView, WhyView, somebody};

/// What to explain: a recorded call, or a principal and an action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// A recorded call, by its request id; then nothing else is needed.
    #[serde(default)]
    request: Option<String>,
    /// Who: a key's id or name for a call, a user's or service's id, e-mail address or name for an act.
    #[serde(default)]
    principal: Option<String>,
    /// What: `chat`, `keys.create`.
    #[serde(default)]
    action: Option<String>,
    /// To what: a model's name for a call; for an act an id, or `platform`, `tenant`, `audit`, `models`,
    /// `policies`, `usage`, `settings`; the tenant when left out.
    #[serde(default)]
    resource: Option<String>,
    /// Of a call: the answer is streamed.
    #[serde(default)]
    stream: bool,
    /// Of a call: tools are offered.
    #[serde(default)]
    tools: bool,
    /// Of a call: images are sent.
    #[serde(default)]
    images: bool,
    /// Of a call: what its caller says that it carries.
    #[serde(default)]
    data_class: Option<String>,
    /// Of a call: from which address.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    address: Option<IpAddr>,
    /// Of a call: when, RFC 3339; now when left out.
    #[serde(default)]
    at: Option<String>,
    /// Of an act: whether a second factor was given; as if it was when left out.
    #[serde(default)]
    second_factor: Option<bool>,
    /// Of an act: how long ago the sign-in was; just now when left out.
    #[serde(default)]
    sign_in_age_ms: Option<u64>,
}

/// What to ask about everybody.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoCan {
    /// What: `chat`, `keys.create`.
    action: String,
    /// To what, as for explaining.
    #[serde(default)]
    resource: Option<String>,
    /// Of a call: the answer is streamed.
    #[serde(default)]
    stream: bool,
    /// Of a call: tools are offered.
    #[serde(default)]
    tools: bool,
    /// Of a call: images are sent.
    #[serde(default)]
    images: bool,
    /// Of a call: what its caller says that it carries.
    #[serde(default)]
    data_class: Option<String>,
    /// Of a call: from which address.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    address: Option<IpAddr>,
    /// Of a call: when, RFC 3339; now when left out.
    #[serde(default)]
    at: Option<String>,
}

pub use super::versions::{activate, create, differences, end_shadow, list, rollback, shadow, show};

shapes! { given: Explain, WhoCan ; shown: WhyView, WhoView }

/// Leave to ask about the tenant's policies.
async fn entered(call: &Call) -> Result<Entered, crate::call::Stop> {
    let entered = call.enter().await?;
    let resource = Resource::Policies {
        tenant: entered.tenant(),
    };
    call.permit(&entered, resource).await?;
    Ok(entered)
}

async fn scene<'c>(call: &'c Call, entered: &Entered) -> Result<Scene<'c>, Problem> {
    let store = call.control.store.as_ref();
    Ok(Scene {
        store,
        names: &call.names,
        tenant: entered.tenant(),
        engine: call.control.rules.calls(store, call.names.policies()).await?,
        desk: call.desk.clone(),
        posture: call.control.posture,
        now: call.now,
    })
}

/// Whether the caller may see what is asked about.
fn sees(call: &Call, resource: Resource) -> Result<bool, Problem> {
    let read = match resource {
        Resource::Platform | Resource::Tenant(_) => Permission::TenantsRead,
        Resource::Team { .. } => Permission::TeamsRead,
        Resource::Project { .. } => Permission::ProjectsRead,
        Resource::User { .. } => Permission::UsersRead,
        Resource::Service { .. } => Permission::ServicesRead,
        Resource::Key { .. } => Permission::KeysRead,
        Resource::Budget { .. } => Permission::BudgetsRead,
        Resource::Approval { .. } => Permission::ApprovalsRead,
        Resource::Grant { .. } => Permission::GrantsRead,
        Resource::Session { .. } => Permission::SessionsRead,
        Resource::AuditLog { .. } => Permission::AuditRead,
        Resource::Usage { .. } => Permission::UsageRead,
        Resource::Models { .. } => Permission::ModelsRead,
        Resource::Policies { .. } => Permission::PoliciesRead,
        Resource::Token { .. } => Permission::TokensRead,
        Resource::Configuration { .. } => Permission::ConfigurationRead,
        Resource::Settings => Permission::SettingsRead,
    };
    call.may(read, resource)
}

/// Whether the caller may see whoever is asked about; of people, their roles too, which an explanation tells.
// threat: ANP-0015
fn sees_subject(call: &Call, subject: &Subject) -> Result<bool, Problem> {
    match subject {
        Subject::Key(key) => sees(call, key_resource(key)),
        Subject::Person(person) => {
            let resource = somebody(person);
            Ok(sees(call, resource)? && call.may(Permission::GrantsRead, resource)?)
        }
    }
}

const fn key_resource(key: &credential::KeyRecord) -> Resource {
    Resource::Key {
        tenant: key.tenant,
        team: key.team,
        key: key.id,
        owner: key.owner,
    }
}

/// What a caller without a view of the whole instance is told: the policies that decided, those that are built
/// in, and nothing of what others say about others.
// threat: ANP-0015
fn limited(call: &Call, why: WhyView) -> Result<WhyView, Problem> {
    let platform = Resource::Policies {
        tenant: TenantId::PLATFORM,
    };
    if call.may(Permission::PoliciesRead, platform)? {
        return Ok(why);
    }
    let own = |part: &PartView| policy::is_built_in(&part.policy);
    let nearest_is_ours = why.others.iter().any(|part| {
        own(part)
            && why
                .missing
                .as_deref()
                .is_some_and(|text| text.contains(&format!("`{}`", part.policy)))
    });
    let shown = |part: PartView| PartView {
        place: part.place.rsplit('/').next().unwrap_or_default().to_owned(),
        ..part
    };
    Ok(WhyView {
        missing: match why.missing {
            Some(_) if !nearest_is_ours => Some("no policy permits it".to_owned()),
            missing => missing,
        },
        decided_by: why.decided_by.into_iter().map(shown).collect(),
        others: why.others.into_iter().filter(own).map(shown).collect(),
        ..why
    })
}

fn at(text: Option<&str>) -> Result<Option<domain::UnixMillis>, Problem> {
    text.map(|text| read_time(text, "at")).transpose()
}

fn wanted<'t>(text: Option<&'t String>, pointer: &str) -> Result<&'t str, Problem> {
    let missing = || Problem::new(Code::Invalid, "say `request`, or `principal` and `action`").at(pointer);
    text.map(String::as_str).ok_or_else(missing)
}

/// `POST …/policies/explain`.
pub async fn explain(call: Call, body: Explain) -> Done {
    let entered = entered(&call).await?;
    let scene = scene(&call, &entered).await?;
    if let Some(request) = &body.request {
        let (entry, key) = scene.recorded(request).await?;
        if !sees(&call, key_resource(key))? {
            return Err(Problem::not_found().into());
        }
        let profiles = call.control.serving.guard_profiles();
        let why = scene.why_recorded(&entry, key, &profiles).await?;
        let why = limited(&call, why)?;
        return Ok(Answer::view(&why)?);
    }
    let action = Action::named(wanted(body.action.as_ref(), "/action")?)?;
    let subject = scene
        .subject(action, wanted(body.principal.as_ref(), "/principal")?)
        .await?;
    if !sees_subject(&call, &subject)? {
        return Err(Problem::not_found().into());
    }
    let said = Circumstances {
        stream: body.stream,
        tools: body.tools,
        images: body.images,
        data_class: data_class(body.data_class.as_deref())?,
        address: body.address,
        at: at(body.at.as_deref())?,
        second_factor: body.second_factor,
        sign_in_age_ms: body.sign_in_age_ms,
    };
    let why = match (action, &subject) {
        (Action::Call(operation), Subject::Key(key)) => {
            scene.why_call(key, operation, body.resource.as_deref(), &said)
        }
        (Action::Act(permission), Subject::Person(person)) => {
            let resource = scene.thing(body.resource.as_deref()).await?;
            if !sees(&call, resource)? {
                return Err(Problem::not_found().into());
            }
            scene.why_act(person, permission, resource, &said)
        }
        _ => return Err(Problem::not_found().into()),
    };
    Ok(Answer::view(&limited(&call, why)?)?)
}

/// `POST …/policies/who-can`.
pub async fn who_can(call: Call, body: WhoCan) -> Done {
    let entered = entered(&call).await?;
    let scene = scene(&call, &entered).await?;
    let who = match Action::named(&body.action)? {
        Action::Call(operation) => {
            let said = Circumstances {
                stream: body.stream,
                tools: body.tools,
                images: body.images,
                data_class: data_class(body.data_class.as_deref())?,
                address: body.address,
                at: at(body.at.as_deref())?,
                ..Circumstances::default()
            };
            let mut seen = Vec::new();
            for key in call.names.keys(entered.tenant()) {
                if key.state == credential::KeyState::Active && sees(&call, key_resource(key))? {
                    seen.push(key);
                }
            }
            scene.keys_that_can(seen.into_iter(), operation, body.resource.as_deref(), &said)
        }
        Action::Act(permission) => {
            let resource = scene.thing(body.resource.as_deref()).await?;
            if !sees(&call, resource)? {
                return Err(Problem::not_found().into());
            }
            let mut seen = Vec::new();
            for person in scene.people().await? {
                if sees_subject(&call, &Subject::Person(Box::new(person.clone())))? {
                    seen.push(person);
                }
            }
            scene.people_that_can(&seen, permission, resource)
        }
    };
    Ok(Answer::view(&who)?)
}
