//! The caller as a person: who they are and how they sign in.

use domain::{ActorId, Secret, TenantScope, UserId};
use std::time::Duration;
use store::{Change, Record, RecordKind};

use crate::call::{Call, Own, Stop};
use crate::door::{Knock, Shown};
use crate::problem::{Code, Problem};
use crate::record::{Document, Login, User, read};

/// How long ago one may have shown who one is to change how one signs in.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// The caller as a person, with how they sign in.
pub(super) struct Myself {
    pub(super) scope: TenantScope,
    pub(super) user: User,
    pub(super) record: Record,
    pub(super) login: Login,
}

pub(super) async fn myself(call: &Call) -> Result<Myself, Stop> {
    let caller = call.caller()?;
    let ActorId::User(id) = caller.id else {
        return Err(Problem::new(
            Code::Forbidden,
            "this is for people: a service account is seen at `GET …/services/{service}`",
        )
        .into());
    };
    let scope = TenantScope::operator(caller.tenant);
    let store = &call.control.store;
    let user = read(
        &store
            .record(&scope, RecordKind::User, &UserId::to_string(&id))
            .await?,
    )?;
    let record = store
        .record(&scope, RecordKind::Login, &UserId::to_string(&id))
        .await?;
    let login = read(&record)?;
    Ok(Myself {
        scope,
        user,
        record,
        login,
    })
}

impl Myself {
    pub(super) fn own(&self, act: &'static str) -> Own {
        Own::user(self.scope.tenant(), &self.user, act)
    }

    /// The same login, if password and code are right; otherwise it is recorded.
    pub(super) async fn prove(
        &self,
        call: &Call,
        act: &'static str,
        password: String,
        code: Option<&str>,
    ) -> Result<Shown, Stop> {
        let knock = Knock {
            tenant: self.scope.tenant(),
            email: &self.user.email,
            address: call.address,
            now: call.now,
        };
        let presented = (Secret::new(password), code);
        let judged = call
            .control
            .door
            .judge(&call.control, &knock, Some(self.login.clone()), presented)
            .await;
        if let Err(problem) = &judged {
            call.tell(&self.own(act), Some(problem.code)).await;
        }
        Ok(judged?)
    }

    /// A session somebody left open is not enough to change how its owner signs in.
    // threat: CTX-T2
    pub(super) fn must_be_fresh(&self, call: &Call) -> Result<(), Problem> {
        let session = &call.caller()?.signed_in()?.session;
        let is_fresh = call.now.since(session.confirmed) <= FRESH;
        if is_fresh && (session.life.is_proven() || !self.login.has_second_factor()) {
            return Ok(());
        }
        let detail = "show again that it is you first, with all you have: `POST /api/v1/me/confirm`";
        Err(Problem::new(Code::Forbidden, detail))
    }

    pub(super) fn replace(&self, login: &Login) -> Result<Vec<Change>, Problem> {
        let after = login.to_record()?;
        if after == self.record {
            return Ok(Vec::new());
        }
        let before = self.record.clone();
        Ok(vec![Change::Replace { before, after }])
    }
}
