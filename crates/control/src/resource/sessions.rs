//! Signing in, and who is signed in.

use std::time::Duration;

use domain::{
    ActorId, GrantId, Permission, Reach, Role, RoleGrant, Secret, SessionId, TenantId, TenantScope, UserId,
};
use http::StatusCode;
use identity::session::Lifetime;
use identity::token::{SessionToken, SetupToken};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, StoreError, TenantState};

use super::keys::Shown;
use super::words::{email, name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Own, Stop};
use crate::caller::COOKIE_NAME;
use crate::door::{self, Knock};
use crate::problem::{Code, Problem};
use crate::record::{Document, Grant, Login, Session, User, UserState, read};
use crate::{shapes, silent};

/// How long a session lasts unused, and in all.
const LIFETIME: Lifetime = Lifetime {
    idle: Duration::from_secs(30 * 60),
    absolute: Duration::from_secs(12 * 3600),
};
/// How much of what a stranger typed is written down.
const TYPED_CHARS_MAX: usize = 100;

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

/// A session as others see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: SessionId,
    /// Whose.
    #[schemars(with = "String")]
    pub user: UserId,
    /// When it began, RFC 3339.
    pub created: String,
    /// When it was last used, about, RFC 3339.
    pub last_seen: String,
    /// When it ends, RFC 3339.
    pub expires: String,
    /// From where.
    #[schemars(with = "String")]
    pub address: std::net::IpAddr,
    /// A second factor was shown.
    pub second_factor: bool,
}

/// How one signs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The tenant's id or name; the platform's own when left out.
    #[serde(default)]
    tenant: Option<String>,
    /// The address of the account.
    email: String,
    /// The password.
    password: String,
    /// A code of the authenticator app, or a recovery code.
    #[serde(default)]
    code: Option<String>,
}

/// How the first administrator is made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// The one-time token that the first start printed.
    token: String,
    /// The address of the account.
    email: String,
    /// What people call you.
    name: String,
    /// A password of at least 12 characters that nobody guesses.
    password: String,
}

/// How an invited user sets a password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// The tenant's id or name; the platform's own when left out.
    #[serde(default)]
    tenant: Option<String>,
    /// The address of the account.
    email: String,
    /// The one-time token.
    token: String,
    /// A password of at least 12 characters that nobody guesses.
    password: String,
}

silent! { SignIn, SetUp, SetPassword }

shapes! { given: SignIn, SetUp, SetPassword ; shown: NewSession, SessionView }

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user: session.user,
            created: time(session.life.created),
            last_seen: time(session.life.last_seen),
            expires: time(session.life.expires),
            address: session.address,
            second_factor: session.life.is_proven(),
        }
    }
}

fn tenant_named(call: &Call, text: Option<&str>) -> Option<TenantId> {
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
async fn account(
    call: &Call,
    tenant: Option<TenantId>,
    email: &str,
) -> Result<Option<(User, Record, Login)>, Stop> {
    let Some(tenant) = tenant else { return Ok(None) };
    let scope = TenantScope::operator(tenant);
    let user: User = match call
        .control
        .store
        .record_named(&scope, RecordKind::User, email)
        .await
    {
        Err(StoreError::NotFound) => return Ok(None),
        found => read(&found?)?,
    };
    if user.state != UserState::Active {
        return Ok(None);
    }
    let record = call
        .control
        .store
        .record(&scope, RecordKind::Login, &user.id.to_string())
        .await?;
    let login = read(&record)?;
    Ok(Some((user, record, login)))
}

/// A session to be stored, and what its owner gets.
fn begin(
    call: &Call,
    tenant: TenantId,
    user: UserId,
    factor: Option<identity::session::Factor>,
) -> Result<(Change, Answer), Stop> {
    let token = SessionToken::generate().map_err(|_| {
        Problem::new(
            Code::Internal,
            "the system gave no randomness: nobody was signed in",
        )
    })?;
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

/// `POST /sessions`.
// threat: CTX-T1
// threat: CTX-T2
pub async fn sign_in(call: Call, body: SignIn) -> Done {
    let email = email(&body.email, "/email")?;
    let tenant = tenant_named(&call, body.tenant.as_deref());
    let knock = Knock {
        tenant: tenant.unwrap_or(TenantId::from_u128(u128::MAX)),
        email: &email,
        address: call.address,
        now: call.now,
    };
    let found = account(&call, tenant, &email).await?;
    let (user, stored) = match found {
        Some((user, record, login)) => (Some((user, record)), Some(login)),
        None => (None, None),
    };
    let presented = (Secret::new(body.password), body.code.as_deref());
    let judged = call
        .control
        .door
        .judge(&call.control, &knock, stored, presented)
        .await;
    match (judged, user, tenant) {
        (Ok(shown), Some((user, before)), Some(tenant)) => welcome(&call, tenant, &user, before, shown).await,
        (Err(problem), _, tenant) => {
            let typed: String = email.chars().take(TYPED_CHARS_MAX).collect();
            let own = Own::stranger(tenant.unwrap_or(TenantId::PLATFORM), typed, "sign_in");
            call.tell(&own, Some(problem.code)).await;
            Err(problem.into())
        }
        (Ok(_), _, _) => Err(Problem::new(
            Code::SignInFailed,
            "the e-mail address, password or code is wrong",
        )
        .into()),
    }
}

async fn welcome(call: &Call, tenant: TenantId, user: &User, before: Record, shown: door::Shown) -> Done {
    let (session, answer) = begin(call, tenant, user.id, shown.factor)?;
    let after = shown.login.to_record()?;
    let mut changes = vec![session];
    if before != after {
        changes.push(Change::Replace { before, after });
    }
    let own = Own::user(tenant, user, "sign_in");
    call.done_alone(&own, Deed::to(user.id), changes, answer).await
}

/// `POST /setup`.
// threat: CTX-T2
pub async fn set_up(call: Call, body: SetUp) -> Done {
    let email = email(&body.email, "/email")?;
    let user = User {
        id: UserId::generate(),
        name: name(&body.name, "/name")?,
        email,
        state: UserState::Active,
        created: call.now,
    };
    call.control.setup.check(&call.control, &body.token, call.now)?;
    let about = vec![user.email.clone(), user.name.clone(), "bartizan".to_owned()];
    let login = Login {
        password: Some(call.control.door.hash(Secret::new(body.password), about).await?),
        ..Login::empty(user.id, call.now)
    };
    let grant = Grant {
        id: GrantId::generate(),
        holder: ActorId::User(user.id),
        role: Role::PlatformAdmin,
        reach: Reach::Platform,
        created: call.now,
    };
    let (session, answer) = begin(&call, TenantId::PLATFORM, user.id, None)?;
    let changes = vec![
        crate::setup::done_mark(call.now),
        Change::Create(user.to_record()?),
        Change::Create(login.to_record()?),
        Change::Create(grant.to_record()?),
        session,
    ];
    let own = Own::user(TenantId::PLATFORM, &user, "set_up");
    let answer = call.done_alone(&own, Deed::to(user.id), changes, answer).await?;
    call.control.setup.is_over();
    Ok(answer)
}

/// `POST /password`. Whatever is wrong with the token, the answer is the same.
// threat: CTX-T2
pub async fn set_password(call: Call, body: SetPassword) -> Done {
    let email = email(&body.email, "/email")?;
    let wrong = || {
        Problem::new(
            Code::SignInFailed,
            "the token is not good for this account, or no longer",
        )
    };
    let tenant = tenant_named(&call, body.tenant.as_deref());
    let token = SetupToken::parse(&body.token).map_err(|_| wrong())?;
    let digest = hex::encode(token.digest(&call.control.keys.pepper));
    let found = account(&call, tenant, &email).await?;
    let (Some((user, before, login)), Some(tenant)) = (found, tenant) else {
        return Err(wrong().into());
    };
    let is_good = login
        .setup
        .as_ref()
        .is_some_and(|setup| call.now < setup.expires && credential::same_text(&setup.digest, &digest));
    if !is_good {
        call.tell(
            &Own::user(tenant, &user, "set_password"),
            Some(Code::SignInFailed),
        )
        .await;
        return Err(wrong().into());
    }
    let about = vec![user.email.clone(), user.name.clone()];
    let login = Login {
        password: Some(call.control.door.hash(Secret::new(body.password), about).await?),
        setup: None,
        ..login
    };
    let after = login.to_record()?;
    let own = Own::user(tenant, &user, "set_password");
    call.done_alone(
        &own,
        Deed::to(user.id),
        vec![Change::Replace { before, after }],
        Answer::nothing(),
    )
    .await
}

const fn resource(entered: &Entered, session: &Session) -> Resource {
    Resource::Session {
        tenant: entered.tenant(),
        session: session.id,
        user: session.user,
    }
}

/// `GET …/sessions`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let of = |session: &Session| {
        Ok(session.is_alive(call.now) && call.may(Permission::SessionsRead, resource(&entered, session))?)
    };
    let page = call.page_of_records(&entered, call.query("user"), of, |session| {
        SessionView::from(&session)
    });
    Ok(Answer::json(StatusCode::OK, &page.await?)?)
}

/// `DELETE …/sessions/{session}`.
pub async fn revoke(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let id: SessionId = call.id("session")?;
    let (record, session) = call.find::<Session>(&entered, &id).await?;
    let permitted = call.permit(&entered, resource(&entered, &session)).await?;
    let deed = Deed::removed(session.id, &SessionView::from(&session));
    call.done(&permitted, deed, vec![Change::Remove(record)], Answer::nothing())
        .await
}

/// Roles as they are shown to who has them.
pub(super) fn role_text(grant: &RoleGrant) -> String {
    match grant.reach {
        Reach::Platform => format!("{} of the platform", grant.role),
        Reach::Tenant(tenant) => format!("{} of {tenant}", grant.role),
        Reach::Team(_, team) => format!("{} of {team}", grant.role),
    }
}
