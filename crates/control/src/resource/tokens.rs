//! Tokens of service accounts: with one a pipeline acts here, with its account's roles. A token's text is shown
//! once, when it is made.

use std::time::Duration;

use domain::{ActorId, Permission, Reach, ServiceId, TokenId, UnixMillis};
use http::StatusCode;
use identity::token::ServiceToken;
use ipnet::IpNet;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::keys::Shown;
use super::services;
use super::words::{name, read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::caller::grants_of;
use crate::problem::{Code, Problem};
use crate::record::{Document, Service, Token, UserState};
use crate::shapes;

/// The longest a token lasts.
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// How many tokens one account may have at once.
const TOKENS_MAX: usize = 20;
/// How many networks a token may name.
const NETWORKS_MAX: usize = 64;

/// A token as it is shown: never its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: TokenId,
    /// The service account that shows it.
    #[schemars(with = "String")]
    pub service: ServiceId,
    /// What people call it.
    pub name: String,
    /// Networks it may be used from; anywhere when empty.
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it ends, RFC 3339.
    pub expires: String,
    /// Whether it has ended.
    pub is_over: bool,
}

/// A token just made, with its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenWithSecret {
    /// What the service account sends as `Authorization: Bearer …`. Shown now and never again.
    #[schemars(with = "String")]
    pub secret: Shown,
    /// The token.
    #[serde(flatten)]
    pub token: TokenView,
}

/// A token to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What people call it.
    name: String,
    /// When it ends, RFC 3339: within a year.
    expires: String,
    /// Networks it may be used from; anywhere when left out.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    networks: Vec<IpNet>,
}

shapes! { given: NewToken ; shown: TokenView, TokenWithSecret }

impl TokenView {
    fn of(token: &Token, now: UnixMillis) -> Self {
        Self {
            id: token.id,
            service: token.service,
            name: token.name.clone(),
            networks: token.networks.clone(),
            created: time(token.created),
            expires: time(token.expires),
            is_over: token.expires <= now,
        }
    }
}

/// Whoever has a token has its account's roles: policies must know how far those reach.
// threat: ANP-0014
async fn resource(
    call: &Call,
    entered: &Entered,
    service: &Service,
    token: TokenId,
) -> Result<Resource, Stop> {
    let grants = grants_of(&call.control, entered.scope(), ActorId::Service(service.id)).await?;
    let own = Reach::Team(entered.tenant(), service.team);
    Ok(Resource::Token {
        tenant: entered.tenant(),
        team: service.team,
        token,
        platform_role: grants.iter().any(|grant| grant.reach == Reach::Platform),
        leaves_team: grants.iter().any(|grant| grant.reach != own),
    })
}

/// `GET …/services/{service}/tokens`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, _, service) = services::found(&call).await?;
    let seen = resource(&call, &entered, &service, TokenId::from_u128(0)).await?;
    if !call.may(Permission::TokensRead, seen)? {
        return Err(Problem::not_found().into());
    }
    let id = service.id.to_string();
    let page = call.page_of_records(
        &entered,
        Some(&id),
        |_: &Token| Ok(true),
        |token| TokenView::of(&token, call.now),
    );
    Ok(Answer::json(StatusCode::OK, &page.await?)?)
}

fn ends(call: &Call, text: &str) -> Result<UnixMillis, Problem> {
    let end = read_time(text, "`expires`").map_err(|problem| problem.at("/expires"))?;
    if end > call.now && end <= call.now.plus(LIFE_MAX) {
        return Ok(end);
    }
    Err(Problem::new(Code::Invalid, "a token ends within a year from now").at("/expires"))
}

/// `POST …/services/{service}/tokens`.
// threat: CTX-T3
// threat: ANP-0014
pub async fn create(call: Call, body: NewToken) -> Done {
    let (entered, _, service) = services::found(&call).await?;
    let id = TokenId::generate();
    let resource = resource(&call, &entered, &service, id).await?;
    let permitted = call.permit(&entered, resource).await?;
    if service.state != UserState::Active {
        return Err(Problem::new(Code::Conflict, "the service account is disabled: enable it first").into());
    }
    let text = ServiceToken::generate().map_err(|_| {
        Problem::new(
            Code::Internal,
            "the system gave no randomness, so nothing was made",
        )
    })?;
    let token = Token {
        id,
        service: service.id,
        team: service.team,
        name: name(&body.name, "/name")?,
        digest: hex::encode(text.digest(&call.control.keys.pepper)),
        networks: body.networks,
        created: call.now,
        expires: ends(&call, &body.expires)?,
    };
    if token.networks.len() > NETWORKS_MAX {
        let detail = format!("at most {NETWORKS_MAX}");
        return Err(Problem::new(Code::Invalid, detail).at("/networks").into());
    }
    let others = call
        .all_of::<Token>(entered.scope(), Some(&service.id.to_string()))
        .await?;
    if others.len() >= TOKENS_MAX {
        let detail = format!("a service account has at most {TOKENS_MAX} tokens: revoke one first");
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    let view = TokenView::of(&token, call.now);
    let deed = Deed::made(token.id, &view);
    let at = format!(
        "/api/v1/tenants/{}/services/{}/tokens/{}",
        entered.tenant(),
        service.id,
        token.id
    );
    let changes = vec![Change::Create(token.to_record()?)];
    let secret = Shown(text.to_secret().expose().to_owned());
    let answer = Answer::created(&TokenWithSecret { secret, token: view }, at)?;
    call.done(&permitted, deed, changes, answer).await
}

/// `DELETE …/services/{service}/tokens/{token}`.
// threat: CTX-T3
pub async fn revoke(call: Call, _: Nothing) -> Done {
    let (entered, _, service) = services::found(&call).await?;
    let id: TokenId = call.id("token")?;
    let resource = resource(&call, &entered, &service, id).await?;
    let permitted = call.permit(&entered, resource).await?;
    let (record, token) = call.find::<Token>(&entered, &id).await?;
    if token.service != service.id {
        return Err(Problem::not_found().into());
    }
    let deed = Deed::removed(token.id, &TokenView::of(&token, call.now));
    call.done(&permitted, deed, vec![Change::Remove(record)], Answer::nothing())
        .await
}

/// The end of every token of a service account's.
// threat: ANP-0016
pub async fn endings(call: &Call, entered: &Entered, service: ServiceId) -> Result<Vec<Change>, Stop> {
    let tokens = call
        .all_of::<Token>(entered.scope(), Some(&service.to_string()))
        .await?;
    Ok(tokens
        .into_iter()
        .map(|(record, _)| Change::Remove(record))
        .collect())
}
