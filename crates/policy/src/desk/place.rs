//! Where things are: the entities around an act. A thing's tenant is what the resource says it is in, and
//! nothing is put into two tenants: who owns a key or holds a role is an attribute and never a parent.

use cedar_policy::{Entities, Entity, EntityUid};
use domain::{Reach, TenantId};

use super::actor::InCedar;
use super::names::Names;
use super::{Act, ActorId, Resource, actor};
use crate::entities::{Attribute, Failure, entity, flag, link, uid};

/// The instance's id.
const PLATFORM: &str = "bartizan";

/// The entities of an act, added to the action's own.
// threat: AGP-E1
pub fn entities(act: &Act<'_>, names: &Names, actions: &Entities) -> Result<Entities, Failure> {
    let (actor, resource) = (act.actor, &act.resource);
    let mut all = match resource.somebody() {
        Some((somebody, _)) if somebody == actor.id => vec![actor.entity(names, own_parents(act, names))?],
        _ => vec![
            actor.entity(names, vec![uid(&names.tenant, actor.tenant)])?,
            entity(
                thing(resource, names),
                attributes(resource, names),
                parent(resource, names),
            )?,
        ],
    };
    for near in around(resource.place(), actor.tenant, names)? {
        if all.iter().all(|known| known.uid() != near.uid()) {
            all.push(near);
        }
    }
    Ok(actions.clone().add_entities(all, None)?)
}

/// Of one that acts on itself: its tenant, and the team the resource says it is in.
fn own_parents(act: &Act<'_>, names: &Names) -> Vec<EntityUid> {
    vec![
        uid(&names.tenant, act.actor.tenant),
        place(act.resource.place(), names),
    ]
}

/// The platform, the actor's tenant, and all that holds `reach`.
fn around(reach: Reach, home: TenantId, names: &Names) -> Result<Vec<Entity>, Failure> {
    let platform = uid(&names.platform, PLATFORM);
    let tenant = |id| entity(uid(&names.tenant, id), [], [platform.clone()]);
    let mut around = vec![entity(platform.clone(), [], [])?, tenant(home)?];
    if let Reach::Tenant(id) | Reach::Team(id, _) = reach {
        around.push(tenant(id)?);
    }
    if let Reach::Team(tenant, team) = reach {
        let tenant = uid(&names.tenant, tenant);
        let attributes = [link("tenant", tenant.clone())];
        around.push(entity(uid(&names.team, team), attributes, [tenant])?);
    }
    Ok(around)
}

fn place(reach: Reach, names: &Names) -> EntityUid {
    match reach {
        Reach::Platform => uid(&names.platform, PLATFORM),
        Reach::Tenant(id) => uid(&names.tenant, id),
        Reach::Team(_, id) => uid(&names.team, id),
    }
}

/// What the resource is in: nothing holds the platform.
fn parent(resource: &Resource, names: &Names) -> Option<EntityUid> {
    (*resource != Resource::Platform).then(|| place(resource.place(), names))
}

/// What is asked for.
pub fn thing(resource: &Resource, names: &Names) -> EntityUid {
    match *resource {
        Resource::Platform => uid(&names.platform, PLATFORM),
        Resource::Settings => uid(&names.settings, PLATFORM),
        Resource::Tenant(id) => uid(&names.tenant, id),
        Resource::Team { team, .. } => uid(&names.team, team),
        Resource::Project { project, .. } => uid(&names.project, project),
        Resource::User { user, .. } => uid(&names.user, user),
        Resource::Service { service, .. } => uid(&names.service, service),
        Resource::Key { key, .. } => uid(&names.key, key),
        Resource::Budget { budget, .. } => uid(&names.budget, budget),
        Resource::Session { session, .. } => uid(&names.session, session),
        Resource::Approval { approval, .. } => uid(&names.approval, approval),
        Resource::AuditLog { tenant } => uid(&names.audit_log, tenant),
        Resource::Token { token, .. } => uid(&names.token, token),
        Resource::Configuration { tenant } => uid(&names.configuration, tenant),
        Resource::Models { tenant } => uid(&names.models, tenant),
        Resource::Policies { tenant } => uid(&names.policies, tenant),
        Resource::Usage { tenant, team: None } => uid(&names.usage, tenant),
        Resource::Usage { team: Some(team), .. } => uid(&names.usage, team),
        // A grant that is to be made has no id yet; who, what and over what make it one.
        Resource::Grant {
            holder, role, reach, ..
        } => {
            let over = place(reach, names);
            uid(&names.grant, format!("{holder}/{role}/{}", over.id().unescaped()))
        }
    }
}

/// What policies may read of the resource.
fn attributes(resource: &Resource, names: &Names) -> Vec<Attribute> {
    match *resource {
        Resource::Team { tenant, .. } => vec![link("tenant", uid(&names.tenant, tenant))],
        Resource::User {
            tenant,
            user,
            platform_role,
            tenant_admin,
        } => actor::described(ActorId::User(user), tenant, (platform_role, tenant_admin), names).to_vec(),
        Resource::Service { tenant, service, .. } => {
            actor::described(ActorId::Service(service), tenant, (false, false), names).to_vec()
        }
        Resource::Key {
            tenant, team, owner, ..
        } => {
            let home = [
                link("tenant", uid(&names.tenant, tenant)),
                link("team", uid(&names.team, team)),
            ];
            home.into_iter().chain(owned(owner, names)).collect()
        }
        Resource::Budget { level, owner, .. } => {
            let level = link("level", uid(&names.level, level.as_str()));
            std::iter::once(level).chain(owned(owner, names)).collect()
        }
        Resource::Token {
            platform_role,
            leaves_team,
            ..
        } => vec![
            flag("platform_role", platform_role),
            flag("leaves_team", leaves_team),
        ],
        Resource::Session { user, .. } => vec![link("user", uid(&names.user, user))],
        Resource::Approval { requester, .. } => vec![requester.link("requester", names)],
        Resource::Grant { .. } => grant(resource, names),
        _ => Vec::new(),
    }
}

fn owned(owner: Option<ActorId>, names: &Names) -> Option<Attribute> {
    owner.map(|owner| owner.link("owner", names))
}

fn grant(resource: &Resource, names: &Names) -> Vec<Attribute> {
    let Resource::Grant {
        tenant,
        holder,
        role,
        reach,
    } = *resource
    else {
        return Vec::new();
    };
    let far = match reach {
        Reach::Platform => "platform",
        Reach::Tenant(_) => "tenant",
        Reach::Team(..) => "team",
    };
    vec![
        holder.link("holder", names),
        link("tenant", uid(&names.tenant, tenant)),
        link("role", uid(&names.role, role)),
        link("reach", uid(&names.reach, far)),
        flag("fits", role.fits(&reach)),
    ]
}
