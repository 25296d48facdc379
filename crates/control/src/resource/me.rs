//! Oneself: who is signed in, and how they sign in next time.

use domain::{ActorId, Secret};
use http::StatusCode;
use identity::recovery;
use identity::totp::TotpSecret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::keys::Shown;
use super::myself::{Myself, myself};
use super::passkeys::{self, ShownPasskey};
use super::welcome::{cookie, role_text, rotated, tenant_text};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Stop};
use crate::door::{Shown as Proof, open_totp, seal_totp};
use crate::problem::{Code as ProblemCode, Problem};
use crate::record::{Document, Login, Session};
use crate::{shapes, silent};

/// Whoever is signed in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MeView {
    /// Their id.
    #[schemars(with = "String")]
    pub id: ActorId,
    /// What they are called: a person's address.
    pub name: String,
    /// Where they live, as it stands in paths.
    pub tenant: String,
    /// Their roles, in words.
    pub roles: Vec<String>,
    /// A second factor was shown in this session.
    pub second_factor: bool,
    /// The account has one.
    pub has_second_factor: bool,
    /// For pages: send it as `X-CSRF-Token` with every change.
    #[schemars(with = "String")]
    pub csrf_token: Shown,
}

/// Who one is, shown again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The password, unless it is a passkey.
    #[serde(default)]
    password: Option<String>,
    /// A code of the authenticator app, or a recovery code.
    #[serde(default)]
    code: Option<String>,
    /// A passkey, as asked for at `POST /api/v1/me/confirm/passkey`.
    #[serde(default)]
    passkey: Option<ShownPasskey>,
}

/// A new password for oneself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password until now.
    password: String,
    /// A code of the authenticator app, or a recovery code, where the account has them.
    #[serde(default)]
    code: Option<String>,
    /// A password of at least 12 characters that nobody guesses.
    new_password: String,
}

/// A code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Six digits.
    code: String,
}

/// The seed of an authenticator app.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewTotp {
    /// To scan: an `otpauth` address. Shown now and never again.
    #[schemars(with = "String")]
    pub link: Shown,
    /// To type in by hand. Shown now and never again.
    #[schemars(with = "String")]
    pub secret: Shown,
}

/// Codes for when the app is lost.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecoveryCodes {
    /// Each is good once. Shown now and never again.
    #[schemars(with = "Vec<String>")]
    pub codes: Vec<Shown>,
    /// For programs: the session's token from now on; the old one is over. Browsers have it in a cookie.
    #[schemars(with = "String")]
    pub token: Shown,
}

silent! { Confirm, ChangePassword, Code }

shapes! { given: Confirm, ChangePassword, Code ; shown: MeView, NewTotp, RecoveryCodes }

fn view(call: &Call, has_second_factor: bool, second_factor: bool) -> Result<MeView, Problem> {
    let caller = call.caller()?;
    Ok(MeView {
        id: caller.id,
        name: caller.name.clone(),
        tenant: tenant_text(caller.tenant),
        roles: caller.grants.iter().map(role_text).collect(),
        second_factor,
        has_second_factor,
        csrf_token: Shown(call.control.keys.csrf_token(&caller.signed_in()?.record.id)),
    })
}

/// `GET /me`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    let proven = call.caller()?.signed_in()?.session.life.is_proven();
    Ok(Answer::json(
        StatusCode::OK,
        &view(&call, me.login.has_second_factor(), proven)?,
    )?)
}

/// `DELETE /me/session`.
pub async fn sign_out(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    let record = call.caller()?.signed_in()?.record.clone();
    let deed = Deed::to(&record.id);
    let answer = Answer {
        cookie: Some(cookie("", std::time::Duration::ZERO)),
        ..Answer::nothing()
    };
    call.done_alone(&me.own("sign_out"), deed, vec![Change::Remove(record)], answer)
        .await
}

pub use super::passkeys::begin_confirm as begin_confirm_passkey;

/// `POST /me/confirm`.
// threat: ANP-0022
pub async fn confirm(call: Call, body: Confirm) -> Done {
    let me = myself(&call).await?;
    let (shown, spent) = shown(&call, &me, body).await?;
    let signed_in = call.caller()?.signed_in()?;
    let mut session = signed_in.session.clone();
    session.confirmed = call.now;
    if let Some(factor) = shown.factor {
        session.life.prove(factor, call.now);
    }
    let mut changes = me.replace(&shown.login)?;
    changes.extend(spent);
    changes.push(Change::Replace {
        before: signed_in.record.clone(),
        after: session.to_record()?,
    });
    let view = view(&call, shown.login.has_second_factor(), session.life.is_proven())?;
    let answer = Answer::json(StatusCode::OK, &view)?;
    call.done_alone(&me.own("confirm"), Deed::to(session.id), changes, answer)
        .await
}

/// What was shown: a password, or a passkey and what spends its challenge.
async fn shown(call: &Call, me: &Myself, body: Confirm) -> Result<(Proof, Option<Change>), Stop> {
    match (body.password, body.passkey) {
        (Some(password), None) => {
            let proof = me.prove(call, "confirm", password, body.code.as_deref()).await?;
            Ok((proof, None))
        }
        (None, Some(passkey)) => {
            let (proof, spent) = passkeys::proven(call, me, passkey).await?;
            Ok((proof, Some(spent)))
        }
        _ => Err(Problem::new(
            ProblemCode::Invalid,
            "send a `password` or a `passkey`, one of them",
        )
        .into()),
    }
}

/// `POST /me/password`.
// threat: CTX-T3
pub async fn change_password(call: Call, body: ChangePassword) -> Done {
    let me = myself(&call).await?;
    let shown = me
        .prove(&call, "change_password", body.password, body.code.as_deref())
        .await?;
    let about = vec![me.user.email.clone(), me.user.name.clone()];
    let hash = call
        .control
        .door
        .hash(Secret::new(body.new_password), about)
        .await;
    let hash = hash.map_err(|problem| match problem.pointer {
        Some(_) => problem.at("/new_password"),
        None => problem,
    })?;
    let login = Login {
        password: Some(hash),
        ..shown.login
    };
    let mut changes = me.replace(&login)?;
    let own_session = call.caller()?.signed_in()?.record.id.clone();
    let sessions = call
        .all_of::<Session>(&me.scope, Some(&me.user.id.to_string()))
        .await?;
    let others = sessions
        .into_iter()
        .filter(|(record, _)| record.id != own_session);
    changes.extend(others.map(|(record, _)| Change::Remove(record)));
    call.done_alone(
        &me.own("change_password"),
        Deed::to(me.user.id),
        changes,
        Answer::nothing(),
    )
    .await
}

/// `POST /me/totp`. An app that is confirmed already stays until the new one is.
pub async fn begin_totp(call: Call, _: Nothing) -> Done {
    let me = myself(&call).await?;
    if me.login.totp.as_ref().is_some_and(|totp| totp.is_confirmed) {
        let detail = "there is one already: whoever may reset you can take it away";
        return Err(Problem::new(ProblemCode::Conflict, detail).into());
    }
    me.must_be_fresh(&call)?;
    let secret = TotpSecret::generate()
        .map_err(|_| Problem::new(ProblemCode::Internal, "the system gave no randomness"))?;
    let link = secret
        .link("Bartizan", &me.user.email)
        .map_err(|error| Problem::new(ProblemCode::Invalid, error.to_string()))?;
    let account = (me.scope.tenant(), &*me.user.id.to_string());
    let login = Login {
        totp: Some(seal_totp(&call.control, account, &secret, call.now).await?),
        ..me.login.clone()
    };
    let shown = NewTotp {
        link: Shown(link.expose().to_owned()),
        secret: Shown(secret.to_base32().expose().to_owned()),
    };
    let answer = Answer::json(StatusCode::OK, &shown)?;
    call.done_alone(
        &me.own("begin_totp"),
        Deed::to(me.user.id),
        me.replace(&login)?,
        answer,
    )
    .await
}

/// `POST /me/totp/confirm`.
pub async fn confirm_totp(call: Call, body: Code) -> Done {
    let me = myself(&call).await?;
    let wrong = || {
        Problem::new(
            ProblemCode::Invalid,
            "that code is not right now: wait for the next one",
        )
        .at("/code")
    };
    // Else a password alone would add an app, and be two factors, where the second one is a passkey.
    // threat: CTX-T2
    me.must_be_fresh(&call)?;
    let account = me.user.id.to_string();
    let mut login = me.login.clone();
    let totp = login
        .totp
        .as_mut()
        .filter(|totp| !totp.is_confirmed)
        .ok_or_else(|| {
            Problem::new(
                ProblemCode::Conflict,
                "ask for a seed first: `POST /api/v1/me/totp`",
            )
        })?;
    let secret = open_totp(&call.control, me.scope.tenant(), &account, totp)
        .await
        .ok_or_else(wrong)?;
    totp.last_step = Some(secret.check(&body.code, call.now, None).map_err(|_| wrong())?);
    totp.is_confirmed = true;
    let issued = recovery::issue(&call.control.keys.pepper, &account)
        .map_err(|_| Problem::new(ProblemCode::Internal, "the system gave no randomness"))?;
    login.recovery = Some(issued.set);
    let mut session = call.caller()?.signed_in()?.session.clone();
    session.life.prove(identity::session::Factor::Totp, call.now);
    let (rotated, token, cookie) = rotated(&call, session)?;
    let mut changes = me.replace(&login)?;
    changes.push(rotated);
    let codes = issued
        .codes
        .iter()
        .map(|code| Shown(code.expose().to_owned()))
        .collect();
    let answer = Answer {
        cookie: Some(cookie),
        ..Answer::json(StatusCode::OK, &RecoveryCodes { codes, token })?
    };
    call.done_alone(&me.own("confirm_totp"), Deed::to(me.user.id), changes, answer)
        .await
}
