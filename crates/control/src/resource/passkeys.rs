//! Passkeys: added, listed, removed by their owner, and shown to sign in or to confirm.
//!
//! What is refused looks the same whatever was wrong; the reason stands in the audit log.

use domain::{PasskeyId, SessionId, TenantId, UserId};
use http::StatusCode;
use identity::session::Factor;
use passkey::{Answered, Challenge, Owner, Registration, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::keys::Shown;
use super::myself::{Myself, myself};
use super::welcome::{account, account_of, rotated, tenant_named, welcome};
use super::words::{email, name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Own, Stop};
use crate::ceremony;
use crate::door::{Knock, Shown as Proof};
use crate::page::{Page, Place};
use crate::problem::{Code, Problem};
use crate::record::{Login, StoredPasskey, User};
use crate::{shapes, silent};

/// How many one person may have.
const PASSKEYS_MAX: usize = 16;
/// The kinds of what is begun and finished.
const ADDING: &str = "add a passkey";
const SIGNING_IN: &str = "sign in by passkey";
const CONFIRMING: &str = "confirm by passkey";

/// A passkey as its owner sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PasskeyView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// When it was added, RFC 3339.
    pub created: String,
    /// When it was shown last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<String>,
}

/// What a browser asks an authenticator.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Asked {
    /// Send it back with the authenticator's answer, within five minutes.
    pub ceremony: String,
    /// For `navigator.credentials`: creation or request options as JSON (WebAuthn level 3).
    pub options: serde_json::Value,
}

/// A passkey just added. The session goes on under another token.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AddedPasskey {
    /// The passkey.
    #[serde(flatten)]
    pub passkey: PasskeyView,
    /// For programs: the session's token from now on; the old one is over. Browsers have it in a cookie.
    #[schemars(with = "String")]
    pub token: Shown,
}

/// A new authenticator's answer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// As it was given at the beginning.
    ceremony: String,
    /// What `navigator.credentials.create` gave, as JSON (`toJSON()`).
    answer: serde_json::Value,
    /// What to call it.
    #[serde(default)]
    name: Option<String>,
}

/// Who wants to sign in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoSignsIn {
    /// The tenant's id or name; the platform's own when left out.
    #[serde(default)]
    tenant: Option<String>,
    /// The address of the account; the authenticator knows it when left out.
    #[serde(default)]
    email: Option<String>,
}

/// An authenticator's answer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownPasskey {
    /// As it was given at the beginning.
    ceremony: String,
    /// What `navigator.credentials.get` gave, as JSON (`toJSON()`).
    answer: serde_json::Value,
}

silent! { NewPasskey, WhoSignsIn, ShownPasskey }

shapes! { given: NewPasskey, WhoSignsIn, ShownPasskey ; shown: PasskeyView, Asked, AddedPasskey }

impl From<&StoredPasskey> for PasskeyView {
    fn from(stored: &StoredPasskey) -> Self {
        Self {
            id: stored.id,
            name: stored.name.clone(),
            created: time(stored.created),
            last_used: stored.last_used.map(time),
        }
    }
}

/// What is kept of a passkey that is being added, or of a challenge to one's own.
#[derive(Serialize, Deserialize)]
struct Mine<T> {
    session: SessionId,
    user: UserId,
    state: T,
}

/// What is kept of somebody signing in. As long for those who are not there as for those who are.
#[derive(Serialize, Deserialize)]
struct Theirs {
    tenant: Option<TenantId>,
    email: Option<String>,
    state: Challenge,
}

fn site(call: &Call) -> Result<&Site, Problem> {
    call.control.passkeys.as_ref().ok_or_else(|| {
        Problem::new(
            Code::Conflict,
            "passkeys need an address with a name: set `control.public_url`",
        )
    })
}

fn cannot_ask(refused: passkey::Refused) -> Problem {
    Problem {
        internal: Some(refused.to_string()),
        ..Problem::new(Code::Internal, "nothing could be begun; try again")
    }
}

fn wrong() -> Problem {
    Problem::new(Code::SignInFailed, "that passkey does not sign in here")
}

/// `POST /me/passkeys`.
pub async fn begin(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    me.must_be_fresh(&call)?;
    if me.login.passkeys.len() >= PASSKEYS_MAX {
        let detail = format!("{PASSKEYS_MAX} passkeys are enough: remove one first");
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    let owner = Owner {
        id: me.user.id.as_u128(),
        account: &me.user.email,
        name: &me.user.name,
    };
    let have: Vec<_> = me.login.passkeys.iter().map(|one| &one.key).collect();
    let (options, state) = site(&call)?.begin(&owner, &have).map_err(cannot_ask)?;
    asked(&call, ADDING, mine(&call, &me, state)?, options)
}

fn mine<T>(call: &Call, me: &Myself, state: T) -> Result<Mine<T>, Problem> {
    Ok(Mine {
        session: call.caller()?.signed_in()?.session.id,
        user: me.user.id,
        state,
    })
}

fn asked<T: Serialize>(call: &Call, purpose: &str, of: T, options: serde_json::Value) -> Done {
    let ceremony = ceremony::begin(&call.control, purpose, call.now, of)?;
    Ok(Answer::json(StatusCode::OK, &Asked { ceremony, options })?)
}

/// The state of this very session's, and what spends it.
// threat: CTX-T3
fn own_state<T: serde::de::DeserializeOwned>(
    call: &Call,
    purpose: &str,
    me: &Myself,
    text: &str,
) -> Result<(T, Change), Problem> {
    let (kept, spent): (Mine<T>, Change) = ceremony::finish(&call.control, purpose, call.now, text)?;
    if kept.session != call.caller()?.signed_in()?.session.id || kept.user != me.user.id {
        let detail = "this was begun in another session: begin again";
        return Err(Problem::new(Code::Invalid, detail).at("/ceremony"));
    }
    Ok((kept.state, spent))
}

/// `POST /me/passkeys/confirm`.
// threat: CTX-T1
// threat: CTX-T2
pub async fn confirm(call: Call, body: NewPasskey) -> Done {
    let me = myself(&call).await?;
    let own = me.own("add_passkey");
    let (state, spent): (Registration, Change) = own_state(&call, ADDING, &me, &body.ceremony)?;
    let key = match site(&call)?.finish(body.answer, &state) {
        Ok(key) => key,
        Err(refused) => {
            call.tell_why(&own, refused.as_str()).await;
            let detail = "that is no new passkey for this site: begin again";
            return Err(Problem::new(Code::Invalid, detail).at("/answer").into());
        }
    };
    let is_known = |one: &StoredPasskey| one.key.credential() == key.credential();
    if me.login.passkeys.iter().any(is_known) || me.login.passkeys.len() >= PASSKEYS_MAX {
        return Err(Problem::new(Code::Conflict, "there is that passkey already, or too many").into());
    }
    let stored = StoredPasskey {
        id: PasskeyId::generate(),
        name: name(body.name.as_deref().unwrap_or("passkey"), "/name")?,
        created: call.now,
        last_used: None,
        key,
    };
    let mut login = me.login.clone();
    login.passkeys.push(stored.clone());
    let mut session = call.caller()?.signed_in()?.session.clone();
    session.life.prove(Factor::Passkey, call.now);
    let (rotated, token, cookie) = rotated(&call, session)?;
    let mut changes = me.replace(&login)?;
    changes.extend([rotated, spent]);
    let added = AddedPasskey {
        passkey: PasskeyView::from(&stored),
        token,
    };
    let answer = Answer {
        cookie: Some(cookie),
        ..Answer::json(StatusCode::CREATED, &added)?
    };
    call.done_alone(&own, Deed::to(stored.id), changes, answer).await
}

/// `GET /me/passkeys`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    let page: Page<PasskeyView> = call.page_of(
        &me.login.passkeys,
        |one, by| Place::of(by, one.id, &one.name, one.created),
        PasskeyView::from,
    )?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `DELETE /me/passkeys/{passkey}`.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    let id: PasskeyId = call.id("passkey")?;
    if !me.login.passkeys.iter().any(|one| one.id == id) {
        return Err(Problem::not_found().into());
    }
    me.must_be_fresh(&call)?;
    let mut login = me.login.clone();
    login.passkeys.retain(|one| one.id != id);
    let changes = me.replace(&login)?;
    call.done_alone(
        &me.own("remove_passkey"),
        Deed::to(id),
        changes,
        Answer::nothing(),
    )
    .await
}

/// `POST /sessions/passkey`. An account that is not there, or has none, is asked for some all the same.
// threat: CTX-T1
pub async fn begin_sign_in(call: Call, body: WhoSignsIn) -> Done {
    let tenant = tenant_named(&call, body.tenant.as_deref());
    let email = body.email.as_deref().map(|text| email(text, "/email"));
    let email = email.transpose()?;
    let credentials = match &email {
        None => Vec::new(),
        Some(email) => {
            let found = account(&call, tenant, email).await?;
            let own = found.map(|(_, _, login)| credentials(&login)).unwrap_or_default();
            let made_up = site(&call)?.made_up_for(&format!("{}/{email}", tenant.unwrap_or(NOWHERE)));
            if own.is_empty() { made_up } else { own }
        }
    };
    let (options, state) = site(&call)?.ask(&credentials).map_err(cannot_ask)?;
    // As long as any other: what is sealed must not tell by its length whether there is such a tenant.
    let tenant = Some(tenant.unwrap_or(NOWHERE));
    asked(&call, SIGNING_IN, Theirs { tenant, email, state }, options)
}

/// The tenant that is none.
const NOWHERE: TenantId = TenantId::from_u128(u128::MAX);

fn credentials(login: &Login) -> Vec<Vec<u8>> {
    let ids = login.passkeys.iter().map(|one| one.key.credential().to_vec());
    ids.collect()
}

/// `POST /sessions/passkey/confirm`.
// threat: CTX-T1
// threat: CTX-T2
// threat: CTX-T3
pub async fn sign_in(call: Call, body: ShownPasskey) -> Done {
    let (kept, spent): (Theirs, Change) =
        ceremony::finish(&call.control, SIGNING_IN, call.now, &body.ceremony)?;
    let tenant = kept.tenant.filter(|tenant| *tenant != NOWHERE);
    let home = tenant.unwrap_or(TenantId::PLATFORM);
    // By address alone: whoever shows wrong passkeys shuts out nobody who has the right one.
    let from = format!("a passkey from {}", call.address);
    let knock = Knock {
        tenant: home,
        email: &from,
        address: call.address,
        now: call.now,
    };
    call.control.door.begin(&knock)?;
    let stranger = || {
        let typed = kept.email.as_deref().unwrap_or("somebody with a passkey");
        Own::stranger(home, typed.to_owned(), "sign_in_by_passkey")
    };
    let Ok(answered) = Answered::read(body.answer) else {
        call.tell_why(&stranger(), passkey::Refused::Malformed.as_str())
            .await;
        return Err(wrong().into());
    };
    let found = match &kept.email {
        Some(email) => account(&call, tenant, email).await?,
        None => account_of(&call, tenant, answered.owner().map(UserId::from_u128)).await?,
    };
    // A tenant that was suspended since is out.
    let works = tenant.is_some_and(|tenant| tenant_is_active(&call, tenant));
    let (Some((user, before, login)), true) = (found, works) else {
        call.tell_why(&stranger(), passkey::Refused::Unknown.as_str())
            .await;
        return Err(wrong().into());
    };
    match judge(&call, &user, login, &answered, &kept.state) {
        Ok(shown) => {
            call.control.door.succeeded(&knock);
            welcome(
                &call,
                (home, &user, "sign_in_by_passkey"),
                before,
                shown,
                vec![spent],
            )
            .await
        }
        Err(refused) => {
            let own = Own::user(home, &user, "sign_in_by_passkey");
            call.tell_why(&own, refused.as_str()).await;
            Err(wrong().into())
        }
    }
}

fn tenant_is_active(call: &Call, tenant: TenantId) -> bool {
    call.names
        .tenant(tenant)
        .is_some_and(|tenant| tenant.state == store::TenantState::Active)
}

/// Whether it is one of this account's, and right.
fn judge(
    call: &Call,
    user: &User,
    mut login: Login,
    answered: &Answered,
    state: &Challenge,
) -> Result<Proof, passkey::Refused> {
    let site = call.control.passkeys.as_ref().ok_or(passkey::Refused::Site)?;
    let is_theirs = answered.owner() == Some(user.id.as_u128());
    if answered.names_an_owner() && !is_theirs {
        return Err(passkey::Refused::Unknown);
    }
    let is_it = |one: &&mut StoredPasskey| one.key.credential() == answered.credential();
    let stored = login
        .passkeys
        .iter_mut()
        .find(is_it)
        .ok_or(passkey::Refused::Unknown)?;
    site.judge(answered, state, &mut stored.key)?;
    stored.last_used = Some(call.now);
    Ok(Proof {
        factor: Some(Factor::Passkey),
        login,
    })
}

/// `POST /me/confirm/passkey`.
pub async fn begin_confirm(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    if me.login.passkeys.is_empty() {
        return Err(Problem::new(Code::Conflict, "you have no passkey: confirm with your password").into());
    }
    let credentials = credentials(&me.login);
    let (options, state) = site(&call)?.ask(&credentials).map_err(cannot_ask)?;
    asked(&call, CONFIRMING, mine(&call, &me, state)?, options)
}

/// Whether the passkey shown is one's own, for [`me::confirm`](super::me::confirm).
pub(super) async fn proven(call: &Call, me: &Myself, shown: ShownPasskey) -> Result<(Proof, Change), Stop> {
    let (state, spent): (Challenge, Change) = own_state(call, CONFIRMING, me, &shown.ceremony)?;
    let judged = Answered::read(shown.answer)
        .and_then(|answered| judge(call, &me.user, me.login.clone(), &answered, &state));
    match judged {
        Ok(proof) => Ok((proof, spent)),
        Err(refused) => {
            call.tell_why(&me.own("confirm"), refused.as_str()).await;
            Err(wrong().into())
        }
    }
}
