//! Signing in, and who is signed in.

use domain::{ActorId, GrantId, Permission, Reach, Role, Secret, SessionId, TenantId, UserId};
use http::StatusCode;
use identity::token::SetupToken;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::sso;
use super::welcome::{account, begin, tenant_named, welcome};
use super::words::{email, name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Own};
use crate::door::Knock;
use crate::problem::{Code, Problem};
use crate::record::{Document, Grant, Login, Session, User, UserState};
use crate::{shapes, silent};

pub use super::passkeys::{begin_sign_in as begin_passkey, sign_in as sign_in_passkey};
pub use super::sso_sign_in::{begin as begin_sso, sign_in as sign_in_sso};
pub use super::welcome::NewSession;

/// How much of what a stranger typed is written down.
const TYPED_CHARS_MAX: usize = 100;

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

shapes! { given: SignIn, SetUp, SetPassword ; shown: SessionView }

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
        (Ok(shown), Some((user, before)), Some(tenant)) => {
            if !sso::lets_passwords(&call, tenant, user.id).await? {
                let own = Own::user(tenant, &user, "sign_in");
                call.tell_why(&own, "passwords_are_off").await;
                let detail = "the e-mail address, password or code is wrong";
                return Err(Problem::new(Code::SignInFailed, detail).into());
            }
            welcome(&call, (tenant, &user, "sign_in"), before, shown, Vec::new()).await
        }
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
        external_id: None,
        left: false,
        by_directory: false,
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
        by_sso: false,
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
