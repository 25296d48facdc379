//! How a tenant's people sign in by single sign-on: set up, looked at, ended. The provider's client secret
//! goes in and never comes out.

use std::collections::HashSet;

use credential::purpose;
use domain::{ActorId, Permission, Reach, Role, Secret, TeamId, TenantId, TenantScope, UserId};
use identity::jwt::ClaimPath;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Change, Record, RecordKind, StoreError};

use super::grants::reach;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop, Weight, id_in_body};
use crate::content::is_older;
use crate::problem::{Code, Problem};
use crate::record::{Document, Grant, GroupRole, Sso, read};
use crate::{Control, shapes, silent};

const TEXT_CHARS_MAX: usize = 512;
const LIST_MAX: usize = 200;

/// A role for whoever is in a group of the provider's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleOfGroup {
    /// The group, as it stands in the identity token.
    pub group: String,
    /// The role; one that you may give yourself.
    pub role: String,
    /// The team it reaches over; without one it reaches over the tenant, and in the platform's own tenant
    /// over the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// Single sign-on as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SsoView {
    /// The provider.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// There is a client secret.
    pub has_client_secret: bool,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Whose addresses are believed.
    pub domains: Vec<String>,
    /// Where groups stand in the identity token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups_claim: Option<String>,
    /// What groups give.
    pub roles: Vec<RoleOfGroup>,
    /// Whoever the provider knows and we do not gets an account.
    pub create_users: bool,
    /// People may go on using passwords.
    pub passwords: bool,
    /// Values of `amr` or `acr` that count as a second factor.
    pub second_factor: Vec<String>,
    /// Register this with the provider as where it sends people back to; for `bartizan ctl` also
    /// `http://127.0.0.1/sso`, on any port.
    pub redirect: String,
}

/// Single sign-on to be set up, as a whole.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSso {
    /// The provider's issuer, as it stands in its tokens: `https://…`.
    issuer: String,
    /// Who we are there.
    client_id: String,
    /// How we show it. Left out, the one that is there stays, for the same issuer and client only.
    #[serde(default)]
    client_secret: Option<String>,
    /// What to ask for; `openid`, `email` and `profile` when left out.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// Domains of e-mail addresses that are believed: at least one.
    domains: Vec<String>,
    /// Where groups stand in the identity token: a claim's name or a JSON pointer.
    #[serde(default)]
    groups_claim: Option<String>,
    /// What groups give; renewed at every sign-in.
    #[serde(default)]
    roles: Vec<RoleOfGroup>,
    /// Whether somebody the provider knows and we do not gets an account.
    #[serde(default)]
    create_users: bool,
    /// `false` ends passwords for everybody but administrators whose roles were given by hand.
    #[serde(default)]
    passwords: Option<bool>,
    /// Values of `amr` or `acr` that count as a second factor; none when left out.
    #[serde(default)]
    second_factor: Vec<String>,
}

silent! { NewSso }

shapes! { given: NewSso ; shown: SsoView }

fn view(control: &Control, sso: &Sso) -> SsoView {
    let role = |given: &GroupRole| RoleOfGroup {
        group: given.group.clone(),
        role: given.role.to_string(),
        team: match given.reach {
            Reach::Team(_, team) => Some(TeamId::to_string(&team)),
            _ => None,
        },
    };
    SsoView {
        issuer: sso.issuer.clone(),
        client_id: sso.client_id.clone(),
        has_client_secret: sso.client_secret.is_some(),
        scopes: sso.scopes.clone(),
        domains: sso.domains.clone(),
        groups_claim: sso.groups_claim.clone(),
        roles: sso.roles.iter().map(role).collect(),
        create_users: sso.create_users,
        passwords: sso.passwords,
        second_factor: sso.second_factor.clone(),
        redirect: redirect(control),
    }
}

/// Where providers send people back to.
pub(super) fn redirect(control: &Control) -> String {
    format!("{}/sso", control.public_url)
}

/// What is set up, and its record.
pub(crate) async fn found(call: &Call, scope: &TenantScope) -> Result<Option<(Record, Sso)>, Stop> {
    match call.control.store.record(scope, RecordKind::Sso, Sso::ID).await {
        Err(StoreError::NotFound) => Ok(None),
        found => {
            let record = found?;
            let sso = read(&record)?;
            Ok(Some((record, sso)))
        }
    }
}

/// `GET …/sso`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let (_, sso) = found(&call, entered.scope())
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Answer::view(&view(&call.control, &sso))?)
}

/// `PUT …/sso`. What groups give is given by whoever sets this up: if that wants a second person, this does.
// threat: ANP-0014
pub async fn put(call: Call, body: NewSso) -> Done {
    let entered = call.enter().await?;
    let is_weighty = wants_second(&call, &entered, &body.roles)?;
    let tenant = Resource::Tenant(entered.tenant());
    let permitted = call
        .permit_weighed(&entered, tenant, Weight::of(is_weighty))
        .await?;
    let before = found(&call, entered.scope()).await?;
    let sso = checked(
        &call,
        (&entered, &permitted),
        body,
        before.as_ref().map(|(_, sso)| sso),
    )
    .await?;
    let new = view(&call.control, &sso);
    let (change, deed) = match before {
        None => (
            Change::Create(sso.to_record()?),
            Deed::made(entered.tenant(), &new),
        ),
        Some((before, old)) => {
            let old = view(&call.control, &old);
            call.must_match(&old)?;
            let after = sso.to_record()?;
            (
                Change::Replace { before, after },
                Deed::changed(entered.tenant(), &old, &new),
            )
        }
    };
    call.done(&permitted, deed, vec![change], Answer::view(&new)?)
        .await
}

/// `DELETE …/sso`.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let (record, sso) = found(&call, entered.scope())
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut changes = vec![Change::Remove(record)];
    let grants = call.all_of::<Grant>(entered.scope(), None).await?;
    let of_groups = grants.into_iter().filter(|(_, grant)| grant.by_sso);
    changes.extend(of_groups.map(|(record, _)| Change::Remove(record)));
    let deed = Deed::removed(entered.tenant(), &view(&call.control, &sso));
    call.done(&permitted, deed, changes, Answer::nothing()).await
}

fn invalid(why: impl Into<String>, pointer: &str) -> Problem {
    Problem::new(Code::Invalid, why).at(pointer)
}

fn text(text: &str, pointer: &str) -> Result<String, Problem> {
    let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    fits.then(|| text.to_owned())
        .ok_or_else(|| invalid("a text without spaces, neither empty nor endless", pointer))
}

fn texts(all: &[String], pointer: &str) -> Result<Vec<String>, Problem> {
    if all.len() > LIST_MAX {
        return Err(invalid(format!("at most {LIST_MAX}"), pointer));
    }
    all.iter().map(|one| text(one, pointer)).collect()
}

async fn checked(
    call: &Call,
    (entered, permitted): (&Entered, &Permitted),
    body: NewSso,
    old: Option<&Sso>,
) -> Result<Sso, Stop> {
    let issuer = text(&body.issuer, "/issuer")?;
    let is_address = call.control.providers.address(&issuer).is_ok();
    if !is_address || issuer.contains(['?', '#']) {
        let detail = "an issuer is the `https://` address that stands in its tokens";
        return Err(invalid(detail, "/issuer").into());
    }
    let domains = texts(&body.domains, "/domains")?;
    let is_domain = |one: &String| !one.contains(['@', '*']) && !one.starts_with('.');
    if domains.is_empty() || !domains.iter().all(is_domain) {
        let detail = "name the domains of your people's addresses, such as `example.com`";
        return Err(invalid(detail, "/domains").into());
    }
    if let Some(path) = &body.groups_claim {
        path.parse::<ClaimPath>()
            .map_err(|error| invalid(error.to_string(), "/groups_claim"))?;
    }
    let passwords = body.passwords.unwrap_or(true);
    if !passwords && entered.tenant() == TenantId::PLATFORM {
        let detail = "the platform's own people keep passwords: else nobody could mend a broken provider";
        return Err(invalid(detail, "/passwords").into());
    }
    let client_id = text(&body.client_id, "/client_id")?;
    let kept = old.filter(|old| old.issuer == issuer && old.client_id == client_id);
    let client_secret = client_secret(call, entered.tenant(), body.client_secret.as_deref(), kept).await?;
    Ok(Sso {
        created: old.map_or(call.now, |old| old.created),
        client_id,
        client_secret,
        scopes: scopes(body.scopes.as_deref())?,
        domains: domains.iter().map(|one| one.to_lowercase()).collect(),
        groups_claim: body.groups_claim,
        roles: roles(call, (entered, permitted), &body.roles)?,
        create_users: body.create_users,
        passwords,
        second_factor: texts(&body.second_factor, "/second_factor")?,
        issuer,
    })
}

fn scopes(given: Option<&[String]>) -> Result<Vec<String>, Problem> {
    let Some(given) = given else {
        return Ok(["openid", "email", "profile"].map(str::to_owned).to_vec());
    };
    let mut scopes = texts(given, "/scopes")?;
    if !scopes.iter().any(|one| one == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    Ok(scopes)
}

/// What a group gives, as it is asked for.
const fn grant(entered: &Entered, role: Role, reach: Reach) -> Resource {
    Resource::Grant {
        tenant: entered.tenant(),
        // Nobody in particular; the caller least of all.
        holder: ActorId::User(UserId::from_u128(0)),
        role,
        reach,
    }
}

/// Those that read. What does not is said when it is known that the caller may be told.
fn grants_of(call: &Call, entered: &Entered, given: &[RoleOfGroup]) -> Vec<Resource> {
    let read = |one: &RoleOfGroup| {
        let role = one.role.parse().ok()?;
        let reach = reach(call, entered, one.team.as_deref()).ok()?;
        Some(grant(entered, role, reach))
    };
    given.iter().take(LIST_MAX).filter_map(read).collect()
}

fn wants_second(call: &Call, entered: &Entered, given: &[RoleOfGroup]) -> Result<bool, Problem> {
    for asked in grants_of(call, entered, given) {
        if call.wants_second(Permission::GrantsCreate, asked)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the caller might give all that single sign-on would give, as somebody wants it set up: who decides on
/// that might do it themself.
// threat: ANP-0014
pub(super) fn might_give(call: &Call, entered: &Entered, wanted: Option<&Value>) -> Result<bool, Problem> {
    let given = wanted.and_then(|view| view.get("roles").cloned());
    let given: Vec<RoleOfGroup> = given
        .map_or(Ok(Vec::new()), serde_json::from_value)
        .map_err(|error| Problem {
            internal: Some(error.to_string()),
            ..Problem::new(Code::Internal, "what waits does not read")
        })?;
    let asked = grants_of(call, entered, &given);
    // A role that is not known any more nobody gives.
    let mut might = asked.len() == given.len();
    for asked in asked {
        might = might && call.might(Permission::GrantsCreate, asked)?;
    }
    Ok(might)
}

/// What groups give: nothing that whoever sets it up could not give by hand.
// threat: ANP-0014
// threat: AGP-E1
fn roles(
    call: &Call,
    (entered, permitted): (&Entered, &Permitted),
    given: &[RoleOfGroup],
) -> Result<Vec<GroupRole>, Stop> {
    if given.len() > LIST_MAX {
        return Err(invalid(format!("at most {LIST_MAX}"), "/roles").into());
    }
    let mut seen = HashSet::new();
    let mut roles = Vec::new();
    for (at, one) in given.iter().enumerate() {
        let pointer = format!("/roles/{at}");
        let role: Role = id_in_body(&one.role, &format!("{pointer}/role"))?;
        let reach = reach(call, entered, one.team.as_deref())?;
        if one.group.is_empty() || one.group.chars().count() > TEXT_CHARS_MAX {
            return Err(invalid("a group has a name", &format!("{pointer}/group")).into());
        }
        if !role.fits(&reach) {
            return Err(invalid(format!("`{role}` cannot reach that far"), &pointer).into());
        }
        let asked = grant(entered, role, reach);
        if !call.may_within(permitted, Permission::GrantsCreate, asked)? {
            let detail = format!("you may not give `{role}` there, so no group may either");
            return Err(Problem::new(Code::Forbidden, detail).at(pointer).into());
        }
        if seen.insert((one.group.clone(), role, one.team.clone())) {
            roles.push(GroupRole {
                group: one.group.clone(),
                role,
                reach,
            });
        }
    }
    Ok(roles)
}

fn bound_to(tenant: TenantId) -> String {
    format!("the client secret of {tenant}")
}

/// As it will be stored: a new one, or the one that is there, which is sealed under the tenant's own key at the
/// latest now.
async fn client_secret(
    call: &Call,
    tenant: TenantId,
    given: Option<&str>,
    kept: Option<&Sso>,
) -> Result<Option<String>, Problem> {
    let secret = match (given, kept) {
        (Some(given), _) => Some(Secret::new(text(given, "/client_secret")?)),
        (None, Some(kept)) if kept.client_secret.as_deref().is_some_and(is_older) => {
            open(&call.control, tenant, kept).await?
        }
        (None, kept) => return Ok(kept.and_then(|kept| kept.client_secret.clone())),
    };
    let Some(secret) = secret else { return Ok(None) };
    let what = (tenant, purpose::LOGINS);
    let place = bound_to(tenant);
    let text = (secret.expose().as_bytes(), place.as_bytes());
    Ok(Some(call.control.content.seal(what, text, call.now).await?))
}

/// The client secret, if there is one; `Err` if it does not open: it goes with the tenant's content key.
// threat: ANP-0016
pub(super) async fn open(control: &Control, tenant: TenantId, sso: &Sso) -> Result<Option<Secret>, Problem> {
    let Some(sealed) = &sso.client_secret else {
        return Ok(None);
    };
    let place = bound_to(tenant);
    let opened = control.content.open(
        (tenant, purpose::LOGINS),
        (sealed, place.as_bytes()),
        &control.keys.logins,
    );
    let text = opened.await.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| Some(Secret::new(text))).ok_or_else(|| Problem {
        internal: Some("a client secret does not open".to_owned()),
        ..Problem::new(Code::Internal, "single sign-on is broken here: set it up again")
    })
}

/// Whether somebody runs a tenant, or more, by a role that was given by hand.
pub(crate) fn is_administrator(grants: &[Grant]) -> bool {
    let runs = |grant: &Grant| {
        grant.reach == Reach::Platform
            || matches!(
                grant.role,
                Role::PlatformAdmin | Role::SecurityAdmin | Role::TenantAdmin | Role::Finance
            )
    };
    grants.iter().any(|grant| !grant.by_sso && runs(grant))
}

/// The roles of one person, as they are stored.
pub(crate) async fn grants(
    call: &Call,
    scope: &TenantScope,
    user: UserId,
) -> Result<Vec<(Record, Grant)>, Stop> {
    call.all_of::<Grant>(scope, Some(&ActorId::User(user).to_string()))
        .await
}

/// Whether a password is enough for this account: not where single sign-on took its place. Administrators
/// whose roles were given by hand keep theirs, or a broken provider could not be mended.
// threat: CTX-T2
pub(super) async fn lets_passwords(call: &Call, tenant: TenantId, user: UserId) -> Result<bool, Stop> {
    let scope = TenantScope::operator(tenant);
    let takes_place = found(call, &scope).await?.is_some_and(|(_, sso)| !sso.passwords);
    if !takes_place {
        return Ok(true);
    }
    let grants = grants(call, &scope, user).await?;
    let grants: Vec<Grant> = grants.into_iter().map(|(_, grant)| grant).collect();
    Ok(is_administrator(&grants))
}
