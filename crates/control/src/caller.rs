//! Who calls: from a session's token to the person behind it, their roles, and how they signed in.

use domain::{ActorId, BreakGlassId, RoleGrant, TenantId, TenantScope, UnixMillis};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use identity::token::SessionToken;
use ledger::AuditActor;
use policy::ActContext;
use store::{Record, RecordKind, RecordQuery, StoreError, TenantState};

use crate::Control;
use crate::problem::{Code, Problem};
use crate::record::{BreakGlass, Grant, Session, User, UserState, read};

/// The cookie a browser keeps: bound to this host and to TLS (RFC 6265bis section 4.1.3).
pub const COOKIE_NAME: &str = "__Host-bartizan";
/// Roles of one actor that are looked at.
const GRANTS_MAX: u64 = 200;
/// Times of broken glass that are looked at: opening one removes those that are over.
const BREAK_GLASS_MAX: u64 = 10;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub id: ActorId,
    /// Where they live.
    pub tenant: TenantId,
    /// What people call them.
    pub name: String,
    /// Their roles.
    pub grants: Vec<RoleGrant>,
    /// Their session.
    pub session: Session,
    /// The session as stored.
    pub record: Record,
    /// It came in a cookie: a browser may have been made to send it.
    pub by_cookie: bool,
    /// The time in which they act without a second person, if it is such a time.
    pub break_glass: Option<BreakGlassId>,
}

impl Caller {
    /// As policies know them.
    pub fn actor(&self) -> policy::Actor<'_> {
        policy::Actor {
            id: self.id,
            tenant: self.tenant,
            grants: &self.grants,
        }
    }

    /// As audit records name them.
    pub fn audited(&self) -> AuditActor {
        match self.id {
            ActorId::User(id) => AuditActor::User(id.to_string(), self.name.clone()),
            ActorId::Service(id) => AuditActor::Service(id.to_string(), self.name.clone()),
        }
    }

    /// How they come.
    pub fn context(&self, control: &Control, now: UnixMillis) -> ActContext {
        ActContext {
            second_factor: self.session.life.is_proven(),
            sign_in_age_ms: u64::try_from(now.since(self.session.confirmed).as_millis()).unwrap_or(u64::MAX),
            posture: control.posture,
            wants_second_person: false,
            approved: false,
            break_glass: self.break_glass.is_some(),
        }
    }
}

/// What a request presents.
enum Presented<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

/// A token in `Authorization`, else in the cookie; one that is no header text is none.
fn presented(headers: &HeaderMap) -> Option<Presented<'_>> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(Presented::Bearer(token.trim()));
    }
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| Presented::Cookie(value))
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(Code::Unauthenticated, detail)
}

/// Whoever the request's headers show, if they show anybody.
// threat: CTX-T3
pub async fn of(control: &Control, headers: &HeaderMap, now: UnixMillis) -> Result<Option<Caller>, Problem> {
    let (text, by_cookie) = match presented(headers) {
        None => return Ok(None),
        Some(Presented::Bearer(text)) => (text, false),
        Some(Presented::Cookie(text)) => (text, true),
    };
    let over = || unauthenticated("the session is over or never was: sign in again");
    let token = SessionToken::parse(text).map_err(|_| over())?;
    let digest = hex::encode(token.digest(&control.keys.pepper));
    let (tenant, record) = match control.store.session(&digest).await {
        Err(StoreError::NotFound) => return Err(over()),
        found => found?,
    };
    let session: Session = read(&record)?;
    let names = control.names.read(control.store.as_ref()).await?;
    let works = names
        .tenant(tenant)
        .is_some_and(|tenant| tenant.state == TenantState::Active);
    // threat: ANP-0016
    if !works || !session.is_alive(now) {
        return Err(over());
    }
    let scope = TenantScope::operator(tenant);
    let user = control
        .store
        .record(&scope, RecordKind::User, &session.user.to_string())
        .await;
    let user: User = match user {
        Err(StoreError::NotFound) => return Err(over()),
        found => read(&found?)?,
    };
    if user.state != UserState::Active {
        return Err(over());
    }
    let id = ActorId::User(session.user);
    Ok(Some(Caller {
        id,
        tenant,
        name: user.email,
        grants: grants_of(control, &scope, id).await?,
        session,
        record,
        by_cookie,
        break_glass: break_glass_of(control, &scope, id, now).await?,
    }))
}

/// The time of broken glass that somebody is in. Only staff of the platform breaks any.
async fn break_glass_of(
    control: &Control,
    scope: &TenantScope,
    who: ActorId,
    now: UnixMillis,
) -> Result<Option<BreakGlassId>, Problem> {
    if scope.tenant() != TenantId::PLATFORM {
        return Ok(None);
    }
    let who = who.to_string();
    let query = RecordQuery {
        kind: RecordKind::BreakGlass,
        parent: Some(&who),
        after: None,
        count: BREAK_GLASS_MAX,
    };
    let records = control.store.records(scope, &query).await?;
    let times = records.iter().map(read::<BreakGlass>);
    let times = times.collect::<Result<Vec<_>, _>>()?;
    Ok(times
        .into_iter()
        .find(|time| now < time.until)
        .map(|time| time.id))
}

/// The roles somebody has.
pub async fn grants_of(
    control: &Control,
    scope: &TenantScope,
    holder: ActorId,
) -> Result<Vec<RoleGrant>, Problem> {
    let holder = holder.to_string();
    let query = RecordQuery {
        kind: RecordKind::Grant,
        parent: Some(&holder),
        after: None,
        count: GRANTS_MAX,
    };
    let records = control.store.records(scope, &query).await?;
    let grants = records
        .iter()
        .map(|record| read::<Grant>(record).map(|grant| grant.role_grant()));
    grants.collect()
}

/// A request that a browser sends with its cookie must come from this instance's own pages: by what the
/// browser says of it (Fetch Metadata), and by a token that no other page can read.
// threat: ANP-0013
pub fn must_be_meant(control: &Control, caller: &Caller, headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new(Code::CrossSite, detail));
    if !caller.by_cookie {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !matches!(text("sec-fetch-site"), None | Some("same-origin" | "none")) {
        return refuse("another site sent this");
    }
    let expected = control.keys.csrf_token(&caller.record.id);
    let given = text("x-csrf-token").unwrap_or_default();
    if !credential::same_text(&expected, given) {
        return refuse("send the session's `csrf_token` as `X-CSRF-Token`");
    }
    Ok(())
}
