//! From a request to its handler: the path is looked up in the one list, the caller is identified, the body
//! is read within its bound. Nothing is decided here beyond that.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use domain::UnixMillis;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use matchit::Router;
use store::Change;

use crate::Control;
use crate::answer::{Answer, refuse};
use crate::api::{ENDPOINTS, Endpoint};
use crate::call::{Call, Stop};
use crate::caller::{self, Caller};
use crate::problem::{Code, Problem};
use crate::record::Document;
use crate::{scim, site};

/// The longest body.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How many parameters a query may have.
const QUERY_PAIRS_MAX: usize = 32;

/// Endpoints by path; one for each method.
static ROUTES: LazyLock<Router<Vec<&'static Endpoint>>> = LazyLock::new(|| {
    let mut by_path: HashMap<&str, Vec<&'static Endpoint>> = HashMap::new();
    for endpoint in ENDPOINTS {
        by_path.entry(endpoint.path).or_default().push(endpoint);
    }
    let mut routes = Router::new();
    for (path, endpoints) in by_path {
        // Paths of the list that clash would not route: a test reads every one of them back.
        let _ = routes.insert(path, endpoints);
    }
    routes
});

/// The answer to a request.
pub async fn answer(
    control: &Arc<Control>,
    address: IpAddr,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let is_head = head.method == Method::HEAD;
    if !control.hosts.are_meant(&head) {
        return refuse(&Problem::new(
            Code::Misdirected,
            "ask it by `control.public_url`, by its number, or by a name among `control.hosts`",
        ));
    }
    if let Some(page) = site::page(&head) {
        return page;
    }
    if head.uri.path().starts_with(scim::ROOT) {
        return scim::answer(control, address, &head, body).await;
    }
    let answered = match found(&head) {
        Ok((endpoint, parameters)) => handle(control, address, endpoint, parameters, &head, body).await,
        Err(response) => return *response,
    };
    let mut response = match answered {
        Ok(answer) => answer.into_response(),
        Err(Stop::Replayed(answer) | Stop::Waits(answer)) => answer.into_response(),
        Err(Stop::Problem(problem)) => refuse(&problem),
    };
    if is_head {
        *response.body_mut() = Full::default();
    }
    response
}

type Found = (&'static Endpoint, HashMap<String, String>);

/// The endpoint of a path and method.
// threat: ANP-D0006
fn found(head: &Parts) -> Result<Found, Box<Response<Full<Bytes>>>> {
    let Ok(matched) = ROUTES.at(head.uri.path()) else {
        return Err(Box::new(refuse(&Problem::new(
            Code::NotFound,
            "there is nothing here; `GET /api/v1/openapi.json` says what there is",
        ))));
    };
    let method = if head.method == Method::HEAD {
        &Method::GET
    } else {
        &head.method
    };
    let Some(endpoint) = matched.value.iter().find(|endpoint| endpoint.method == *method) else {
        let allowed: Vec<&str> = matched
            .value
            .iter()
            .map(|endpoint| endpoint.method.as_str())
            .collect();
        let allowed = allowed.join(", ");
        let mut refused = refuse(&Problem::new(Code::MethodNotAllowed, format!("use {allowed}")));
        if let Ok(value) = HeaderValue::try_from(allowed) {
            refused.headers_mut().insert(ALLOW, value);
        }
        return Err(Box::new(refused));
    };
    let parameters = matched
        .params
        .iter()
        .map(|(name, value)| (name.to_owned(), unescape(value)));
    Ok((endpoint, parameters.collect()))
}

fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

async fn handle(
    control: &Arc<Control>,
    address: IpAddr,
    endpoint: &'static Endpoint,
    parameters: HashMap<String, String>,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Stop> {
    let now = UnixMillis::now();
    // Whoever is refused is refused before the body is read.
    let caller = if endpoint.is_open {
        None
    } else {
        let caller = caller::of(control, &head.headers, (address, now)).await?;
        if let (Some(caller), true) = (&caller, endpoint.is_write()) {
            caller::must_be_meant(control, caller, &head.headers)?;
        }
        caller
    };
    if !endpoint.is_open && caller.is_none() {
        return Err(Problem::new(
            Code::Unauthenticated,
            "sign in at `POST /api/v1/sessions` and send its token as `Authorization: Bearer …`",
        )
        .into());
    }
    let bytes = read_body(endpoint, head, body).await?;
    control.mode.check(endpoint, &bytes)?;
    let caller = match caller {
        Some(caller) => Some(note_use(control, caller, now).await),
        None => None,
    };
    let names = control.names.read(control.store.as_ref()).await?;
    let in_force = control
        .rules
        .control(control.store.as_ref(), names.policies())
        .await?;
    let call = Call {
        control: control.clone(),
        endpoint,
        names,
        now,
        address,
        desk: in_force.desk,
        shadow: in_force.shadow,
        caller,
        headers: head.headers.clone(),
        parameters,
        query: query(endpoint, head)?,
        body_digest: blake3::hash(&bytes).to_hex().to_string(),
    };
    (endpoint.run)(call, bytes).await
}

/// Writes down that a session is in use, now and then. If that fails, the session only ends sooner.
async fn note_use(control: &Control, mut caller: Caller, now: UnixMillis) -> Caller {
    let Some(signed_in) = caller.signed_in.as_mut() else {
        return caller;
    };
    if !signed_in.session.life.seen(now) {
        return caller;
    }
    let Ok(after) = signed_in.session.to_record() else {
        return caller;
    };
    let scope = domain::TenantScope::operator(caller.tenant);
    let before = signed_in.record.clone();
    let change = Change::Replace {
        before,
        after: after.clone(),
    };
    if control.store.commit(&scope, &[change], None).await.is_ok() {
        signed_in.record = after;
    }
    caller
}

async fn read_body(endpoint: &Endpoint, head: &Parts, body: Incoming) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(Code::TooLarge, format!("at most {BODY_BYTES_MAX} bytes"));
    let collected = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let bytes = collected.map_err(|_| too_large())?.to_bytes();
    if !bytes.is_empty() && endpoint.body.is_some() {
        let kind = head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        // A form of another site cannot send this type without asking first.
        // threat: ANP-0013
        if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "send `content-type: application/json`",
            ));
        }
    }
    Ok(bytes.into())
}

/// The query's parameters; those that this endpoint does not know are refused, so that a typing error is
/// not a filter that filters nothing.
fn query(endpoint: &Endpoint, head: &Parts) -> Result<HashMap<String, String>, Problem> {
    let mut all = HashMap::new();
    let text = head.uri.query().unwrap_or_default();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    for pair in pairs.take(QUERY_PAIRS_MAX) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (unescape(name), unescape(&value.replace('+', " ")));
        let is_known = endpoint.query.iter().any(|(known, _)| *known == name)
            || (endpoint.is_list && matches!(name.as_str(), "limit" | "cursor"))
            || (!endpoint.sorts.is_empty() && name == "sort")
            || (endpoint.is_write() && name == "dry_run");
        if !is_known {
            let detail = format!(
                "this takes no parameter `{}`",
                name.chars().take(40).collect::<String>()
            );
            return Err(Problem::new(Code::Malformed, detail));
        }
        // What is known as a list, `name[]`, may be said one by one.
        if name.ends_with("[]")
            && let Some(list) = all.get_mut(&name)
        {
            *list = format!("{list},{value}");
            continue;
        }
        if all.insert(name, value).is_some() {
            return Err(Problem::new(Code::Malformed, "a parameter is given twice"));
        }
    }
    Ok(all)
}
