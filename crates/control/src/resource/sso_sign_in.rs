//! Signing in by single sign-on (OpenID Connect, code flow with PKCE). Whoever began holds the ceremony, and
//! nobody else can finish: the code in the address alone is of no use.
//!
//! Outside, one "no" looks like another; the reason stands in the tenant's audit log.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{ActorId, GrantId, Reach, TenantId, TenantScope, UserId};
use http::StatusCode;
use identity::jwt::{ClaimPath, Expected, Identity, KeySet, Refused};
use identity::session::Factor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Change, Record, RecordKind, StoreError};

use super::sso::{self, found, redirect};
use super::welcome::{begin as session, tenant_named};
use super::words::email;
use crate::answer::Answer;
use crate::call::{Call, Deed, Done, Own, Stop};
use crate::ceremony;
use crate::door::Knock;
use crate::problem::{Code, Problem};
use crate::provider::{Exchange, Fault, Metadata};
use crate::record::{Document, Grant, Group, GroupRole, Link, Login, Sso, User, UserState, read};
use crate::{shapes, silent};

const PURPOSE: &str = "single sign-on";
const NAME_CHARS_MAX: usize = 120;
const ADDRESS_CHARS_MAX: usize = 4_000;

/// Whose single sign-on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoseSso {
    /// The tenant's id or name; the platform's own when left out.
    #[serde(default)]
    tenant: Option<String>,
    /// For programs: `http://127.0.0.1:PORT/sso`, where they wait; the page of this listener when left out.
    #[serde(default)]
    redirect: Option<String>,
}

/// Where to go.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Begun {
    /// Keep it where only you can read it, and send it with the code, within five minutes.
    pub ceremony: String,
    /// Where to send the browser.
    pub address: String,
}

/// What came back from the provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// As it was given at the beginning.
    ceremony: String,
    /// `code` of the address.
    code: String,
    /// `state` of the address.
    state: String,
    /// `iss` of the address, if it is there.
    #[serde(default)]
    iss: Option<String>,
}

silent! { WhoseSso, Finish }

shapes! { given: WhoseSso, Finish ; shown: Begun }

/// What is kept until somebody comes back.
#[derive(Serialize, Deserialize)]
struct Kept {
    tenant: TenantId,
    issuer: String,
    client_id: String,
    state: String,
    nonce: String,
    verifier: String,
    redirect: String,
}

/// Why nobody was let in, by its stable name in audit records.
struct No(&'static str);

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self(fault.as_str())
    }
}

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        Self(match refused {
            Refused::Algorithm => "sso_token_algorithm",
            Refused::UnknownKey | Refused::Signature => "sso_token_signature",
            Refused::Issuer => "sso_token_issuer",
            Refused::Audience => "sso_token_audience",
            Refused::Expired | Refused::NotYet | Refused::Lifetime => "sso_token_times",
            Refused::OtherSignIn => "sso_token_other_sign_in",
            Refused::Claim(_) => "sso_token_claims",
            _ => "sso_token_malformed",
        })
    }
}

fn out() -> Problem {
    let detail = "single sign-on let nobody in: the tenant's administrators see why in its audit log";
    Problem::new(Code::SignInFailed, detail)
}

fn random() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Problem::new(Code::Internal, "the system gave no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A program's own place on this machine (RFC 8252 section 7.3), or the page of this listener.
// threat: AGP-S3
fn place(call: &Call, asked: Option<&str>) -> Result<String, Problem> {
    let Some(asked) = asked else {
        return Ok(redirect(&call.control));
    };
    let port = asked
        .strip_prefix("http://127.0.0.1:")
        .or_else(|| asked.strip_prefix("http://[::1]:"))
        .and_then(|rest| rest.strip_suffix("/sso"));
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if asked == redirect(&call.control) || port.is_some_and(is_port) {
        return Ok(asked.to_owned());
    }
    let detail = "`http://127.0.0.1:PORT/sso`, or nothing";
    Err(Problem::new(Code::Invalid, detail).at("/redirect"))
}

/// `POST /sessions/sso`.
pub async fn begin(call: Call, body: WhoseSso) -> Done {
    let none = || Problem::new(Code::NotFound, "there is no single sign-on there");
    let tenant = tenant_named(&call, body.tenant.as_deref()).ok_or_else(none)?;
    let redirect = place(&call, body.redirect.as_deref())?;
    let scope = TenantScope::operator(tenant);
    let (_, sso) = found(&call, &scope).await?.ok_or_else(none)?;
    let metadata = call.control.providers.metadata(&sso.issuer, call.now).await;
    let metadata = metadata.map_err(|fault| Problem {
        retry_after_s: Some(10),
        internal: Some(format!("the identity provider of {tenant}: {}", fault.as_str())),
        ..Problem::new(
            Code::Unavailable,
            "the identity provider does not answer as it should",
        )
    })?;
    let kept = Kept {
        tenant,
        issuer: sso.issuer.clone(),
        client_id: sso.client_id.clone(),
        state: random()?,
        nonce: random()?,
        verifier: random()?,
        redirect,
    };
    let address = address(&metadata, &sso, &kept);
    let ceremony = ceremony::begin(&call.control, PURPOSE, call.now, kept)?;
    Ok(Answer::json(StatusCode::OK, &Begun { ceremony, address })?)
}

fn address(metadata: &Metadata, sso: &Sso, kept: &Kept) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, kept.verifier.as_bytes()));
    let pairs = [
        ("response_type", "code"),
        ("client_id", sso.client_id.as_str()),
        ("redirect_uri", kept.redirect.as_str()),
        ("scope", &sso.scopes.join(" ")),
        ("state", kept.state.as_str()),
        ("nonce", kept.nonce.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    let endpoint = &metadata.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{joint}{}", pairs.join("&"))
}

/// `POST /sessions/sso/finish`.
// threat: CTX-T1
// threat: AGP-S3
pub async fn sign_in(call: Call, body: Finish) -> Done {
    let (kept, spent): (Kept, Change) = ceremony::finish(&call.control, PURPOSE, call.now, &body.ceremony)?;
    let from = format!("single sign-on from {}", call.address);
    let knock = Knock {
        tenant: kept.tenant,
        email: &from,
        address: call.address,
        now: call.now,
    };
    call.control.door.begin(&knock)?;
    let scope = TenantScope::operator(kept.tenant);
    let works = call.names.tenant(kept.tenant);
    let works = works.is_some_and(|tenant| tenant.state == store::TenantState::Active);
    // Not as it was when they began: what was ended or changed since is out.
    let sso = found(&call, &scope).await?.map(|(_, sso)| sso);
    let sso = sso.filter(|sso| works && sso.issuer == kept.issuer && sso.client_id == kept.client_id);
    let stranger = Own::stranger(
        kept.tenant,
        "somebody by single sign-on".to_owned(),
        "sign_in_by_sso",
    );
    let seen = match &sso {
        Some(sso) => seen(&call, sso, &kept, &body).await?,
        None => Err(No("sso_ended")),
    };
    let admitted = match (seen, sso) {
        (Ok(identity), Some(sso)) => admit(&call, &scope, &sso, identity).await?,
        (Err(no), _) => Err(no),
        (Ok(_), None) => Err(No("sso_ended")),
    };
    match admitted {
        Ok(admitted) => {
            call.control.door.succeeded(&knock);
            enter(&call, kept.tenant, admitted, spent).await
        }
        Err(No(why)) => {
            call.tell_why(&stranger, why).await;
            Err(out().into())
        }
    }
}

/// Whom the provider saw, if it answers what was asked.
async fn seen(call: &Call, sso: &Sso, kept: &Kept, body: &Finish) -> Result<Result<Identity, No>, Stop> {
    let secret = sso::open(&call.control, kept.tenant, sso).await?;
    let exchange = Exchange {
        client_id: &sso.client_id,
        client_secret: secret,
        code: &body.code,
        verifier: &kept.verifier,
        redirect: &kept.redirect,
    };
    Ok(identified(call, sso, kept, body, exchange).await)
}

async fn identified(
    call: &Call,
    sso: &Sso,
    kept: &Kept,
    body: &Finish,
    exchange: Exchange<'_>,
) -> Result<Identity, No> {
    let is_long = [&body.code, &body.state]
        .iter()
        .any(|text| text.len() > ADDRESS_CHARS_MAX);
    if is_long || !credential::same_text(&body.state, &kept.state) {
        return Err(No("sso_other_state"));
    }
    let providers = &call.control.providers;
    let metadata = providers.metadata(&sso.issuer, call.now).await?;
    // Who sent them back is who they were sent to (RFC 9207), if it says so, and it must if it can.
    let names_us = match &body.iss {
        Some(iss) => *iss == sso.issuer,
        None => !metadata.authorization_response_iss_parameter_supported,
    };
    if !names_us {
        return Err(No("sso_other_issuer"));
    }
    let tokens = providers.exchange(&metadata, exchange).await?;
    let groups = sso.groups_claim.as_deref();
    let groups = groups.and_then(|path| path.parse::<ClaimPath>().ok());
    let expected = Expected {
        issuer: &sso.issuer,
        client: &sso.client_id,
        nonce: &kept.nonce,
        access_token: tokens.access_token.as_deref(),
        groups: groups.as_ref(),
    };
    let keys: Arc<KeySet> = providers.keys(&metadata, false, call.now).await?;
    match Identity::read(&tokens.id_token, &keys, &expected, call.now) {
        Err(Refused::UnknownKey) => {
            let keys = providers.keys(&metadata, true, call.now).await?;
            Ok(Identity::read(&tokens.id_token, &keys, &expected, call.now)?)
        }
        read => Ok(read?),
    }
}

/// Somebody who is let in, and what changes with it.
struct Admitted {
    user: User,
    factor: Option<Factor>,
    changes: Vec<Change>,
    roles: Vec<String>,
}

/// Our account of whom the provider saw.
// threat: ANP-0016
// threat: CTX-T2
async fn admit(
    call: &Call,
    scope: &TenantScope,
    sso: &Sso,
    identity: Identity,
) -> Result<Result<Admitted, No>, Stop> {
    let verified = identity.verified_email.as_deref();
    let Some(address) = verified.and_then(|text| email(text, "/email").ok()) else {
        return Ok(Err(No("sso_email_not_verified")));
    };
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !sso.domains.iter().any(|one| one == domain) {
        return Ok(Err(No("sso_email_of_another_domain")));
    }
    let mut changes = Vec::new();
    let account = match account(call, scope, sso, &identity, &address).await? {
        Ok(account) => account,
        Err(no) => return Ok(Err(no)),
    };
    let user = match account {
        Account::Known(user) => user,
        Account::New(user) => {
            changes.push(Change::Create(user.to_record()?));
            changes.push(Change::Create(Login::empty(user.id, call.now).to_record()?));
            changes.push(link(call, sso, &identity, user.id)?);
            user
        }
        Account::Unlinked(user) => {
            changes.push(link(call, sso, &identity, user.id)?);
            user
        }
    };
    let had = sso::grants(call, scope, user.id).await?;
    let groups = groups_of(call, scope, user.id).await?.unwrap_or(identity.groups);
    let (role_changes, roles) = renewed(call, scope.tenant(), sso, &groups, (user.id, &had))?;
    changes.extend(role_changes);
    let counts = |shown: &String| sso.second_factor.contains(shown);
    let is_second = identity.methods.iter().any(counts) || identity.context.as_ref().is_some_and(counts);
    Ok(Ok(Admitted {
        user,
        factor: is_second.then_some(Factor::SingleSignOn),
        changes,
        roles,
    }))
}

enum Account {
    Known(User),
    Unlinked(User),
    New(User),
}

/// Known by the provider's own name for them; the first time by their address. Nobody becomes an
/// administrator by what a provider says their address is: those show what they have here.
// threat: ANP-0014
// threat: CTX-T2
async fn account(
    call: &Call,
    scope: &TenantScope,
    sso: &Sso,
    identity: &Identity,
    address: &str,
) -> Result<Result<Account, No>, Stop> {
    let store = &call.control.store;
    let id = Link::id_of(&sso.issuer, &identity.subject);
    let linked: Option<Link> = optional(store.record(scope, RecordKind::Link, &id).await)?;
    let user: Option<User> = match &linked {
        Some(link) => optional(
            store
                .record(scope, RecordKind::User, &link.user.to_string())
                .await,
        )?,
        None => optional(store.record_named(scope, RecordKind::User, address).await)?,
    };
    let Some(user) = user else {
        if linked.is_some() || !sso.create_users {
            return Ok(Err(No("sso_nobody_here")));
        }
        let name = identity.name.as_deref().unwrap_or(address);
        return Ok(Ok(Account::New(User {
            id: UserId::generate(),
            email: address.to_owned(),
            name: name.chars().take(NAME_CHARS_MAX).collect(),
            state: UserState::Active,
            created: call.now,
            external_id: None,
            left: false,
            by_directory: true,
        })));
    };
    if user.state != UserState::Active {
        return Ok(Err(No("sso_disabled")));
    }
    if linked.is_some() {
        return Ok(Ok(Account::Known(user)));
    }
    let grants = sso::grants(call, scope, user.id).await?;
    let grants: Vec<Grant> = grants.into_iter().map(|(_, grant)| grant).collect();
    if sso::is_administrator(&grants) {
        return Ok(Err(No("sso_administrators_are_not_linked")));
    }
    Ok(Ok(Account::Unlinked(user)))
}

fn optional<T: Document>(found: Result<Record, StoreError>) -> Result<Option<T>, Problem> {
    match found {
        Err(StoreError::NotFound) => Ok(None),
        found => read(&found?).map(Some),
    }
}

fn link(call: &Call, sso: &Sso, identity: &Identity, user: UserId) -> Result<Change, Problem> {
    let link = Link {
        id: Link::id_of(&sso.issuer, &identity.subject),
        user,
        issuer: sso.issuer.clone(),
        subject: identity.subject.clone(),
        created: call.now,
    };
    Ok(Change::Create(link.to_record()?))
}

/// The groups somebody is in, where groups are provisioned; then those of identity tokens do not count.
async fn groups_of(call: &Call, scope: &TenantScope, user: UserId) -> Result<Option<Vec<String>>, Stop> {
    let groups = call.all_of::<Group>(scope, None).await?;
    if groups.is_empty() {
        return Ok(None);
    }
    let of_theirs = groups
        .into_iter()
        .filter(|(_, group)| group.members.contains(&user));
    Ok(Some(of_theirs.map(|(_, group)| group.name).collect()))
}

/// Roles from groups, as the provider sees them now: those that are new are given, those that are gone are
/// taken away. What was given by hand stays.
// threat: ANP-0014
// threat: AGP-E1
pub(crate) fn renewed(
    call: &Call,
    tenant: TenantId,
    sso: &Sso,
    groups: &[String],
    (user, had): (UserId, &[(Record, Grant)]),
) -> Result<(Vec<Change>, Vec<String>), Problem> {
    let is_meant = |one: &&GroupRole| {
        groups.contains(&one.group) && one.role.fits(&one.reach) && is_there(call, tenant, one.reach)
    };
    let mut wanted: Vec<&GroupRole> = Vec::new();
    for one in sso.roles.iter().filter(is_meant) {
        if !wanted
            .iter()
            .any(|other| (other.role, other.reach) == (one.role, one.reach))
        {
            wanted.push(one);
        }
    }
    let is_wanted = |grant: &Grant| {
        wanted
            .iter()
            .any(|one| (one.role, one.reach) == (grant.role, grant.reach))
    };
    let gone = had.iter().filter(|(_, grant)| grant.by_sso && !is_wanted(grant));
    let mut changes: Vec<Change> = gone.map(|(record, _)| Change::Remove(record.clone())).collect();
    let has = |one: &GroupRole| {
        had.iter()
            .any(|(_, grant)| (grant.role, grant.reach) == (one.role, one.reach))
    };
    for one in wanted.iter().filter(|one| !has(one)) {
        let grant = Grant {
            id: GrantId::generate(),
            holder: ActorId::User(user),
            role: one.role,
            reach: one.reach,
            created: call.now,
            by_sso: true,
        };
        changes.push(Change::Create(grant.to_record()?));
    }
    let names = wanted.iter().map(|one| one.role.to_string());
    Ok((changes, names.collect()))
}

/// This tenant, or a team of it that is still there.
fn is_there(call: &Call, tenant: TenantId, reach: Reach) -> bool {
    match reach {
        Reach::Platform => tenant == TenantId::PLATFORM,
        Reach::Tenant(of) => of == tenant,
        Reach::Team(of, team) => of == tenant && call.names.team(tenant, team).is_some(),
    }
}

async fn enter(call: &Call, tenant: TenantId, admitted: Admitted, spent: Change) -> Done {
    let user = &admitted.user;
    let (session, answer) = session(call, tenant, user.id, admitted.factor)?;
    let mut changes = admitted.changes;
    changes.extend([session, spent]);
    let own = Own::user(tenant, user, "sign_in_by_sso");
    let deed = Deed::made(user.id, &json!({"roles_of_groups": admitted.roles}));
    call.done_alone(&own, deed, changes, answer).await
}
