//! SCIM 2.0 (RFC 7643, RFC 7644) under `/scim/v2/{tenant}/`: whoever keeps a tenant's people elsewhere adds,
//! changes and disables them here, by the tenant's own token. What it can say is who somebody is, whether
//! they are active and which groups they are in; what a group may do is said elsewhere, by people.
//!
//! Beside the one list of endpoints, because its paths, bodies and errors are another specification's.

mod about;
mod attribute;
mod filter;
mod groups;
mod patch;
mod schemas;
mod shown;
mod users;
mod wire;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::{TenantId, TenantScope, UnixMillis};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use identity::token::ProvisioningToken;
use serde_json::Value;
use store::{Record, RecordKind, StoreError, TenantState};

use crate::Control;
use crate::api::Endpoint;
use crate::call::{Call, Stop};
use crate::door::Knock;
use crate::problem::{Code, Problem};
use filter::Filter;
use shown::Wanted;
use wire::{No, Said};

/// What its paths begin with.
pub const ROOT: &str = "/scim/v2/";
const BODY_BYTES_MAX: usize = 1 << 20;
const QUERY_CHARS_MAX: usize = 2_000;

/// What calls of this kind are: not one of the list, and permitted by nothing but their token.
static ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    path: ROOT,
    permission: None,
    is_open: true,
    name: "scim",
    summary: "SCIM 2.0",
    query: &[],
    sorts: &[],
    body: None,
    answer: None,
    is_list: false,
    run: |_, _| Box::pin(async { Err(Problem::not_found().into()) }),
};

/// The answer to a request.
pub async fn answer(
    control: &Arc<Control>,
    address: IpAddr,
    head: &Parts,
    body: Incoming,
) -> Response<Full<Bytes>> {
    let said = match handle(control, address, head, body).await {
        Ok(said) => said,
        Err(no) => no.said(),
    };
    said.into_response()
}

async fn handle(control: &Arc<Control>, address: IpAddr, head: &Parts, body: Incoming) -> Result<Said, No> {
    let rest = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let (tenant, path) = rest.split_once('/').unwrap_or((rest, ""));
    let call = call(control, address, head).await?;
    let tenant = admitted(&call, tenant, head).await?;
    let collected = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let bytes = collected.map_err(|_| No::too_large())?.to_bytes();
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&bytes).map_err(|_| No::syntax("the body is no JSON"))?,
    };
    let query = wire::query(head.uri.query().unwrap_or_default())?;
    let (kind, id) = match path.trim_end_matches('/').split_once('/') {
        Some((kind, id)) => (kind, Some(id)),
        None => (path.trim_end_matches('/'), None),
    };
    let asked = Asked {
        call: &call,
        tenant,
        scope: TenantScope::operator(tenant),
        query,
    };
    // Before anything is done: what cannot be shown is not done.
    let wanted = Wanted::of(&asked.query)?;
    let mut said = routed(&asked, &head.method, (kind, id), &body).await?;
    if let (Some(body), "Users" | "Groups") = (said.body_mut(), kind) {
        wanted.cut(body);
    }
    Ok(said)
}

async fn routed(
    asked: &Asked<'_>,
    method: &Method,
    (kind, id): (&str, Option<&str>),
    body: &Value,
) -> Result<Said, No> {
    match (method.as_str(), kind, id) {
        ("GET", "ServiceProviderConfig" | "ResourceTypes" | "Schemas", id) => about::said(asked, kind, id),
        (_, ".search" | "Bulk" | "Me", _) | (_, "Users" | "Groups", Some(".search")) => Err(
            No::not_implemented("this is not done here: see `ServiceProviderConfig`"),
        ),
        ("GET", "Users", None) => users::list(asked).await,
        ("GET", "Users", Some(id)) => users::show(asked, id).await,
        ("POST", "Users", None) => users::create(asked, body).await,
        ("PUT", "Users", Some(id)) => users::replace(asked, id, body).await,
        ("PATCH", "Users", Some(id)) => users::patch(asked, id, body).await,
        ("DELETE", "Users", Some(id)) => users::remove(asked, id).await,
        ("GET", "Groups", None) => groups::list(asked).await,
        ("GET", "Groups", Some(id)) => groups::show(asked, id).await,
        ("POST", "Groups", None) => groups::create(asked, body).await,
        ("PUT", "Groups", Some(id)) => groups::replace(asked, id, body).await,
        ("PATCH", "Groups", Some(id)) => groups::patch(asked, id, body).await,
        ("DELETE", "Groups", Some(id)) => groups::remove(asked, id).await,
        (_, "ServiceProviderConfig" | "ResourceTypes" | "Schemas" | "Users" | "Groups", _) => {
            Err(No::method())
        }
        _ => Err(No::not_found()),
    }
}

/// A request whose token is good.
struct Asked<'a> {
    call: &'a Call,
    tenant: TenantId,
    scope: TenantScope,
    query: HashMap<String, String>,
}

impl Asked<'_> {
    /// Where something stands.
    fn address(&self, rest: &str) -> String {
        format!("{}{ROOT}{}/{rest}", self.call.control.public_url, self.tenant)
    }

    /// What is looked for, by one of these attributes; everything where nothing is said.
    fn filter(&self, attributes: &[&str]) -> Result<Option<Filter>, No> {
        let Some(text) = self.query.get("filter") else {
            return Ok(None);
        };
        let filter = filter::read(text)?;
        if !attributes.contains(&filter.attribute.as_str()) {
            return Err(No::filter());
        }
        Ok(Some(filter))
    }

    /// The tenant's record of that kind and id.
    // threat: AGP-E1
    async fn record(&self, kind: RecordKind, id: &str) -> Result<Record, No> {
        match self.call.control.store.record(&self.scope, kind, id).await {
            Err(StoreError::NotFound) => Err(No::not_found()),
            found => Ok(found.map_err(Problem::from)?),
        }
    }
}

async fn call(control: &Arc<Control>, address: IpAddr, head: &Parts) -> Result<Call, No> {
    if head
        .uri
        .query()
        .is_some_and(|query| query.len() > QUERY_CHARS_MAX)
    {
        return Err(No::syntax("the query is too long"));
    }
    let store = control.store.as_ref();
    let names = control.names.read(store).await.map_err(Problem::from)?;
    let in_force = control.rules.control(store, names.policies()).await?;
    Ok(Call {
        control: control.clone(),
        endpoint: &ENDPOINT,
        names,
        now: UnixMillis::now(),
        address,
        desk: in_force.desk,
        shadow: in_force.shadow,
        caller: None,
        headers: HeaderMap::new(),
        parameters: HashMap::new(),
        query: HashMap::new(),
        body_digest: String::new(),
    })
}

/// The tenant in the path, if the token is that tenant's. Nothing else is told apart.
// threat: AGP-E1
// threat: CTX-T1
// threat: CTX-T3
async fn admitted(call: &Call, tenant: &str, head: &Parts) -> Result<TenantId, No> {
    let found: Option<TenantId> = tenant.parse().ok();
    let known = found.and_then(|id| call.names.tenant(id));
    let works = known.filter(|tenant| tenant.state == TenantState::Active);
    let presented = head
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| ProvisioningToken::parse(token.trim()).ok());
    if let (Some(tenant), Some(token)) = (works, presented) {
        let digest = hex::encode(token.digest(&call.control.keys.pepper));
        let scope = TenantScope::operator(tenant.id);
        let stored = crate::resource::scim::found(call, &scope).await?;
        if stored.is_some_and(|(_, scim)| credential::same_text(&scim.digest, &digest)) {
            return Ok(tenant.id);
        }
    }
    // Who guesses waits, by where they come from.
    let from = format!("provisioning from {}", call.address);
    call.control.door.begin(&Knock {
        tenant: TenantId::PLATFORM,
        email: &from,
        address: call.address,
        now: call.now,
    })?;
    Err(No::of(Problem::new(
        Code::Unauthenticated,
        "send the tenant's SCIM token as `Authorization: Bearer …`",
    )))
}

impl From<Stop> for No {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Problem(problem) => Self::of(*problem),
            Stop::Replayed(_) | Stop::Waits(_) => Self::not_found(),
        }
    }
}
