//! Letting somebody in: the account that is meant, the session that begins, and the token it goes by.

use std::time::Duration;

use domain::{Reach, RoleGrant, SessionId, TenantId, TenantScope, UserId};
use http::StatusCode;
use identity::session::Lifetime;
use identity::token::SessionToken;
use schemars::JsonSchema;
use serde::Serialize;
use store::{Change, Record, RecordKind, StoreError, TenantState};

use super::keys::Shown;
use super::words::time;
use crate::answer::Answer;
use crate::call::{Call, Deed, Done, Own, Stop};
use crate::caller::COOKIE_NAME;
use crate::door;
use crate::problem::{Code, Problem};
use crate::record::{Document, Login, Session, User, UserState, read};
use crate::shapes;

/// How long a session lasts unused, and in all.
const LIFETIME: Lifetime = Lifetime {
    idle: Duration::from_secs(30 * 60),
    absolute: Duration::from_secs(12 * 3600),
};
/// A session just begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewSession {
    /// For programs: send it as `Authorization: Bearer …`. Browsers have it in a cookie.
    #[schemars(with = "String")]
    pub token: Shown,
    /// For pages: send it as `X-CSRF-Token` with every change.
    #[schemars(with = "String")]
    pub csrf_token: Shown,
    /// The session's id.
    #[schemars(with = "String")]
    pub id: SessionId,
    /// Who is signed in.
    #[schemars(with = "String")]
    pub user: UserId,
    /// Where they live; `platform` for the platform's own.
    pub tenant: String,
    /// A second factor was shown.
    pub second_factor: bool,
    /// The end, used or not, RFC 3339.
    pub expires: String,
}

shapes! { given: ; shown: NewSession }

/// The tenant that somebody names to sign in, if it is there and works.
pub(super) fn tenant_named(call: &Call, text: Option<&str>) -> Option<TenantId> {
    let Some(text) = text.filter(|text| *text != "platform") else {
        return Some(TenantId::PLATFORM);
    };
    let by_id = text.parse().ok().and_then(|id| call.names.tenant(id));
    let found = by_id.or_else(|| call.names.tenant_named(text).cloned());
    found
        .filter(|tenant| tenant.state == TenantState::Active)
        .map(|tenant| tenant.id)
}

/// The account of that address and how it signs in, if there is one that may.
pub(super) async fn account(
    call: &Call,
    tenant: Option<TenantId>,
    email: &str,
) -> Result<Option<(User, Record, Login)>, Stop> {
    let Some(tenant) = tenant else { return Ok(None) };
    let scope = TenantScope::operator(tenant);
    let found = call.control.store.record_named(&scope, RecordKind::User, email);
    with_login(call, &scope, found.await).await
}

/// The account of that id and how it signs in, if there is one that may.
pub(super) async fn account_of(
    call: &Call,
    tenant: Option<TenantId>,
    user: Option<UserId>,
) -> Result<Option<(User, Record, Login)>, Stop> {
    let (Some(tenant), Some(user)) = (tenant, user) else {
        return Ok(None);
    };
    let scope = TenantScope::operator(tenant);
    let user = user.to_string();
    let found = call.control.store.record(&scope, RecordKind::User, &user);
    with_login(call, &scope, found.await).await
}

async fn with_login(
    call: &Call,
    scope: &TenantScope,
    found: Result<Record, StoreError>,
) -> Result<Option<(User, Record, Login)>, Stop> {
    let user: User = match found {
        // As many questions as for somebody who is there.
        Err(StoreError::NotFound) => {
            let nobody = UserId::from_u128(0).to_string();
            let _ = call.control.store.record(scope, RecordKind::Login, &nobody).await;
            return Ok(None);
        }
        found => read(&found?)?,
    };
    if user.state != UserState::Active {
        return Ok(None);
    }
    let record = call
        .control
        .store
        .record(scope, RecordKind::Login, &user.id.to_string())
        .await?;
    let login = read(&record)?;
    Ok(Some((user, record, login)))
}

fn fresh_token() -> Result<SessionToken, Problem> {
    SessionToken::generate().map_err(|_| {
        Problem::new(
            Code::Internal,
            "the system gave no randomness: nothing was changed",
        )
    })
}

/// The caller's session under a new token, as it must be stored; the token; and the cookie. What was known
/// of the session before does not carry what it may do now.
// threat: CTX-T3
pub(super) fn rotated(call: &Call, mut session: Session) -> Result<(Change, Shown, String), Problem> {
    let token = fresh_token()?;
    session.digest = hex::encode(token.digest(&call.control.keys.pepper));
    let text = token.to_secret();
    let cookie = cookie(text.expose(), session.life.expires.since(call.now));
    let change = Change::Replace {
        before: call.caller()?.signed_in()?.record.clone(),
        after: session.to_record()?,
    };
    Ok((change, Shown(text.expose().to_owned()), cookie))
}

/// A session to be stored, and what its owner gets.
pub(super) fn begin(
    call: &Call,
    tenant: TenantId,
    user: UserId,
    factor: Option<identity::session::Factor>,
) -> Result<(Change, Answer), Stop> {
    let token = fresh_token()?;
    let mut session = Session {
        id: SessionId::generate(),
        user,
        digest: hex::encode(token.digest(&call.control.keys.pepper)),
        life: identity::session::Session::begin(call.now, LIFETIME),
        confirmed: call.now,
        address: call.address,
    };
    if let Some(factor) = factor {
        session.life.prove(factor, call.now);
    }
    let text = token.to_secret();
    let shown = NewSession {
        token: Shown(text.expose().to_owned()),
        csrf_token: Shown(call.control.keys.csrf_token(&session.id.to_string())),
        id: session.id,
        user,
        tenant: tenant_text(tenant),
        second_factor: session.life.is_proven(),
        expires: time(session.life.expires),
    };
    let answer = Answer {
        cookie: Some(cookie(text.expose(), LIFETIME.absolute)),
        ..Answer::json(StatusCode::CREATED, &shown)?
    };
    Ok((Change::Create(session.to_record()?), answer))
}

/// A tenant's id in paths.
pub(super) fn tenant_text(tenant: TenantId) -> String {
    if tenant == TenantId::PLATFORM {
        "platform".to_owned()
    } else {
        tenant.to_string()
    }
}

/// What a browser keeps: for this host alone, over TLS (or on one's own machine), out of reach of scripts,
/// and never sent from another site.
// threat: ANP-0013
pub(super) fn cookie(token: &str, life: Duration) -> String {
    let seconds = life.as_secs();
    format!("{COOKIE_NAME}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict")
}

/// Signs somebody in who has shown what they must.
pub(super) async fn welcome(
    call: &Call,
    (tenant, user, act): (TenantId, &User, &'static str),
    before: Record,
    shown: door::Shown,
    mut changes: Vec<Change>,
) -> Done {
    let (session, answer) = begin(call, tenant, user.id, shown.factor)?;
    let after = shown.login.to_record()?;
    changes.push(session);
    if before != after {
        changes.push(Change::Replace { before, after });
    }
    let own = Own::user(tenant, user, act);
    call.done_alone(&own, Deed::to(user.id), changes, answer).await
}

/// Roles as they are shown to who has them.
pub(super) fn role_text(grant: &RoleGrant) -> String {
    match grant.reach {
        Reach::Platform => format!("{} of the platform", grant.role),
        Reach::Tenant(tenant) => format!("{} of {tenant}", grant.role),
        Reach::Team(_, team) => format!("{} of {team}", grant.role),
    }
}
