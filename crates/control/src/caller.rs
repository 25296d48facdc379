//! Who calls: from a session's token to the person behind it, or from a service account's token to the
//! account; their roles, and how they signed in.

use std::net::IpAddr;

use domain::{ActorId, BreakGlassId, RoleGrant, TenantId, TenantScope, UnixMillis};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use identity::token::{ServiceToken, SessionToken};
use ledger::AuditActor;
use policy::ActContext;
use store::{Record, RecordKind, RecordQuery, StoreError, TenantState};

use crate::Control;
use crate::problem::{Code, Problem};
use crate::record::{BreakGlass, Document, Grant, Service, Session, Token, User, UserState, read};

/// The cookie a browser keeps: bound to this host and to TLS (RFC 6265bis section 4.1.3).
pub const COOKIE_NAME: &str = "__Host-bartizan";
/// Roles of one actor that are looked at.
const GRANTS_MAX: u64 = 200;
/// Times of broken glass that are looked at: opening one removes those that are over.
const BREAK_GLASS_MAX: u64 = 10;

/// Somebody who has shown who they are.
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
    /// A person's session; a service account has none.
    pub signed_in: Option<Box<SignedIn>>,
    /// The time in which they act without a second person, if it is such a time.
    pub break_glass: Option<BreakGlassId>,
}

/// A person's signed-in time.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The session as stored.
    pub record: Record,
    /// It came in a cookie: a browser may have been made to send it.
    pub by_cookie: bool,
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

    /// The session of a person.
    // threat: CTX-T2
    pub fn signed_in(&self) -> Result<&SignedIn, Problem> {
        self.signed_in.as_deref().ok_or_else(|| {
            let detail = "this is for people who signed in: a service account's token does not do";
            Problem::new(Code::Forbidden, detail)
        })
    }

    /// How they come. A token is no second factor.
    pub fn context(&self, control: &Control, now: UnixMillis) -> ActContext {
        let session = self.signed_in.as_ref().map(|signed_in| &signed_in.session);
        let age = session.map_or(0, |session| now.since(session.confirmed).as_millis());
        ActContext {
            second_factor: session.is_some_and(|session| session.life.is_proven()),
            sign_in_age_ms: u64::try_from(age).unwrap_or(u64::MAX),
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
pub async fn of(
    control: &Control,
    headers: &HeaderMap,
    (from, now): (IpAddr, UnixMillis),
) -> Result<Option<Caller>, Problem> {
    match presented(headers) {
        None => Ok(None),
        Some(Presented::Bearer(text)) => match ServiceToken::parse(text) {
            Ok(token) => service(control, &token, (from, now)).await.map(Some),
            Err(_) => person(control, text, false, now).await.map(Some),
        },
        Some(Presented::Cookie(text)) => person(control, text, true, now).await.map(Some),
    }
}

/// Whether anybody of the tenant may act.
// threat: ANP-0016
async fn works(control: &Control, tenant: TenantId) -> Result<bool, Problem> {
    let names = control.names.read(control.store.as_ref()).await?;
    let tenant = names.tenant(tenant);
    Ok(tenant.is_some_and(|tenant| tenant.state == TenantState::Active))
}

/// A document that must be there; `None` when it is not.
async fn find<T: Document>(
    control: &Control,
    scope: &TenantScope,
    id: impl ToString,
) -> Result<Option<T>, Problem> {
    match control.store.record(scope, T::KIND, &id.to_string()).await {
        Err(StoreError::NotFound) => Ok(None),
        found => Ok(Some(read(&found?)?)),
    }
}

/// The person of a session's token.
async fn person(control: &Control, text: &str, by_cookie: bool, now: UnixMillis) -> Result<Caller, Problem> {
    let over = || unauthenticated("the session is over or never was: sign in again");
    let token = SessionToken::parse(text).map_err(|_| over())?;
    let digest = hex::encode(token.digest(&control.keys.pepper));
    let (tenant, record) = match control.store.session(&digest).await {
        Err(StoreError::NotFound) => return Err(over()),
        found => found?,
    };
    let session: Session = read(&record)?;
    if !works(control, tenant).await? || !session.is_alive(now) {
        return Err(over());
    }
    let scope = TenantScope::operator(tenant);
    let user: Option<User> = find(control, &scope, session.user).await?;
    let user = user.filter(|user| user.state == UserState::Active);
    let user = user.ok_or_else(over)?;
    let id = ActorId::User(session.user);
    Ok(Caller {
        id,
        tenant,
        name: user.email,
        grants: grants_of(control, &scope, id).await?,
        break_glass: break_glass_of(control, &scope, id, now).await?,
        signed_in: Some(Box::new(SignedIn {
            session,
            record,
            by_cookie,
        })),
    })
}

/// The service account of its token. Why one does not count is not said: whoever has it may not be its owner.
// threat: CTX-T3
// threat: AGP-S1
async fn service(
    control: &Control,
    token: &ServiceToken,
    (from, now): (IpAddr, UnixMillis),
) -> Result<Caller, Problem> {
    let over = || unauthenticated("the token is over, revoked, or not for use from here: ask for another");
    let digest = hex::encode(token.digest(&control.keys.pepper));
    let (tenant, record) = match control.store.bearer(RecordKind::ServiceToken, &digest).await {
        Err(StoreError::NotFound) => return Err(over()),
        found => found?,
    };
    let token: Token = read(&record)?;
    if !works(control, tenant).await? || !token.counts(now, from) {
        return Err(over());
    }
    let scope = TenantScope::operator(tenant);
    let service: Option<Service> = find(control, &scope, token.service).await?;
    // threat: ANP-0016
    let service = service.filter(|service| service.state == UserState::Active);
    let service = service.ok_or_else(over)?;
    let id = ActorId::Service(service.id);
    Ok(Caller {
        id,
        tenant,
        name: service.name,
        grants: grants_of(control, &scope, id).await?,
        break_glass: None,
        signed_in: None,
    })
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
    let Some(signed_in) = caller.signed_in.as_ref().filter(|it| it.by_cookie) else {
        return Ok(());
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !matches!(text("sec-fetch-site"), None | Some("same-origin" | "none")) {
        return refuse("another site sent this");
    }
    let expected = control.keys.csrf_token(&signed_in.record.id);
    let given = text("x-csrf-token").unwrap_or_default();
    if !credential::same_text(&expected, given) {
        return refuse("send the session's `csrf_token` as `X-CSRF-Token`");
    }
    Ok(())
}
