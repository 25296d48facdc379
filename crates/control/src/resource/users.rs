//! People: added, disabled, given a new way to sign in.

use std::time::Duration;

use domain::{ActorId, Permission, Reach, Role, UserId};
use identity::token::SetupToken;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Record};

use super::keys;
use super::keys::Shown;
use super::words::{email, name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::caller::grants_of;
use crate::problem::{Code, Problem};
use crate::record::{Document, Login, Session, Setup, User, UserState};
use crate::shapes;

/// How long a one-time token for a password is good.
const SETUP_LIFE: Duration = Duration::from_secs(3 * 24 * 3600);

/// A user as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserView {
    /// Their id.
    #[schemars(with = "String")]
    pub id: UserId,
    /// Their address, by which they sign in.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// Whether they may sign in.
    pub state: UserState,
    /// When they were added, RFC 3339.
    pub created: String,
}

/// A user who can set a password now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Invitation {
    /// The one-time token for `POST /api/v1/password`. Shown now and never again.
    #[schemars(with = "String")]
    pub setup_token: Shown,
    /// Until when it is good, RFC 3339.
    pub expires: String,
    /// The user.
    #[serde(flatten)]
    pub user: UserView,
}

/// A user to be added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Their address; unique within the tenant.
    email: String,
    /// What people call them.
    name: String,
}

/// What to change of a user; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// `disabled` ends their sessions and revokes the keys made for them, for good.
    #[serde(default)]
    state: Option<UserState>,
}

shapes! { given: NewUser, UserChange ; shown: UserView, Invitation }

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            name: user.name.clone(),
            state: user.state,
            created: time(user.created),
        }
    }
}

async fn resource(call: &Call, entered: &Entered, user: &User) -> Result<Resource, Problem> {
    let grants = grants_of(&call.control, entered.scope(), ActorId::User(user.id)).await?;
    Ok(Resource::User {
        tenant: entered.tenant(),
        user: user.id,
        platform_role: grants.iter().any(|grant| grant.reach == Reach::Platform),
        tenant_admin: grants.iter().any(|grant| grant.role == Role::TenantAdmin),
    })
}

async fn found(call: &Call) -> Result<(Entered, Record, User, Resource), Stop> {
    let entered = call.enter().await?;
    let id: UserId = call.id("user")?;
    let (record, user) = call.find(&entered, &id).await?;
    let resource = resource(call, &entered, &user).await?;
    Ok((entered, record, user, resource))
}

/// `GET …/users`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let of = |user: &User| {
        // Who may see users sees those of the platform's roles as well: this asks nothing of their roles.
        let resource = Resource::User {
            tenant: entered.tenant(),
            user: user.id,
            platform_role: false,
            tenant_admin: false,
        };
        call.may(Permission::UsersRead, resource)
    };
    let page = call.page_of_records(&entered, None, of, |user| UserView::from(&user));
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// A fresh one-time token, and what is stored of it.
pub fn invite(call: &Call) -> Result<(Shown, Setup), Problem> {
    let token = SetupToken::generate().map_err(|_| {
        Problem::new(
            Code::Internal,
            "the system gave no randomness, so nothing was made",
        )
    })?;
    let setup = Setup {
        digest: hex::encode(token.digest(&call.control.keys.pepper)),
        expires: call.now.plus(SETUP_LIFE),
    };
    Ok((Shown(token.to_secret().expose().to_owned()), setup))
}

/// `POST …/users`.
pub async fn create(call: Call, body: NewUser) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Tenant(entered.tenant())).await?;
    let user = User {
        id: UserId::generate(),
        email: email(&body.email, "/email")?,
        name: name(&body.name, "/name")?,
        state: UserState::Active,
        created: call.now,
        external_id: None,
        left: false,
        by_directory: false,
    };
    let (shown, setup) = invite(&call)?;
    let view = UserView::from(&user);
    let deed = Deed::made(user.id, &view);
    let at = format!("/api/v1/tenants/{}/users/{}", entered.tenant(), user.id);
    let invitation = Invitation {
        setup_token: shown,
        expires: time(setup.expires),
        user: view,
    };
    let login = Login {
        setup: Some(setup),
        ..Login::empty(user.id, call.now)
    };
    let changes = vec![
        Change::Create(user.to_record()?),
        Change::Create(login.to_record()?),
    ];
    call.done(&permitted, deed, changes, Answer::created(&invitation, at)?)
        .await
}

/// `GET …/users/{user}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, _, user, resource) = found(&call).await?;
    call.permit(&entered, resource).await?;
    Ok(Answer::view(&UserView::from(&user))?)
}

/// `PATCH …/users/{user}`.
// threat: ANP-0016
pub async fn update(call: Call, body: UserChange) -> Done {
    let (entered, before, mut user, resource) = found(&call).await?;
    let permitted = call.permit(&entered, resource).await?;
    let old = UserView::from(&user);
    call.must_match(&old)?;
    if let Some(text) = &body.name {
        user.name = name(text, "/name")?;
    }
    user.state = body.state.unwrap_or(user.state);
    user.left &= user.state == UserState::Disabled;
    let new = UserView::from(&user);
    let after = user.to_record()?;
    let mut changes = vec![Change::Replace { before, after }];
    if user.state == UserState::Disabled {
        changes.extend(keys::revocations(&call, &entered, ActorId::User(user.id)));
        changes.extend(endings(&call, &entered, user.id).await?);
    }
    let deed = Deed::changed(user.id, &old, &new);
    call.done(&permitted, deed, changes, Answer::view(&new)?).await
}

/// The end of every session of the user's.
pub(crate) async fn endings(call: &Call, entered: &Entered, user: UserId) -> Result<Vec<Change>, Stop> {
    let user = user.to_string();
    let sessions = call.all_of::<Session>(entered.scope(), Some(&user)).await?;
    Ok(sessions
        .into_iter()
        .map(|(record, _)| Change::Remove(record))
        .collect())
}

/// `POST …/users/{user}/reset`.
// threat: CTX-T2
pub async fn reset(call: Call, _: Nothing) -> Done {
    let (entered, _, user, resource) = found(&call).await?;
    let permitted: Permitted = call.permit(&entered, resource).await?;
    let (before, _) = call.find::<Login>(&entered, &user.id).await?;
    let (shown, setup) = invite(&call)?;
    let invitation = Invitation {
        setup_token: shown,
        expires: time(setup.expires),
        user: UserView::from(&user),
    };
    let login = Login {
        setup: Some(setup),
        ..Login::empty(user.id, before.created)
    };
    let after = login.to_record()?;
    let mut changes = vec![Change::Replace { before, after }];
    changes.extend(endings(&call, &entered, user.id).await?);
    call.done(&permitted, Deed::to(user.id), changes, Answer::view(&invitation)?)
        .await
}
