//! Stage 1: the head of a request. Endpoint, framing, address, request id.
//!
//! The body is not read here, and nothing a client says about itself survives this stage but its
//! credential: identity and internal headers are not looked at again by anyone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use dialect::{Dialect, Endpoint};
use domain::{DataClass, RequestId, Threat, UnixMillis};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request};
use hyper::body::Incoming;
use ipnet::IpNet;
use ledger::{Labels, NotLabels, SESSION_BYTES_MAX, is_session};

use crate::gate::Gate;
use crate::introduced::is_trusted;
use crate::peer::{ClientCertificate, Peer};
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Bounds;
use crate::spend::Spending;

/// The version of Anthropic's API that a caller speaks.
pub(super) const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// Features of it that are not settled yet.
pub(super) const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
/// W3C Trace Context.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Where Anthropic's clients put their key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What the caller says that the call carries.
const DATA_CLASS: HeaderName = HeaderName::from_static("x-bartizan-data-class");
/// What the caller says of the call, for reports.
const LABELS: HeaderName = HeaderName::from_static("bartizan-labels");
const SESSION: HeaderName = HeaderName::from_static("bartizan-session");

/// What is asked for, by method and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A call of a model.
    Call(Endpoint),
    /// What a call would cost, and whether it would be made.
    Estimate(Endpoint),
    /// The list of models, or one of them.
    Models(Option<String>),
    /// A short-lived token in exchange for a key.
    Token,
    /// The receipt of one request.
    Receipt(String),
    /// What the key itself used; the query, as it stands in the URL.
    Usage(String),
    /// Money for a call that is made elsewhere.
    Spend(Spending),
    /// The public keys of the tokens that own backends know the gate by. For everybody.
    Keys,
}

/// A body: still on the wire, or read already.
#[derive(Debug)]
pub enum Carried {
    /// Nobody has looked at it.
    Wire(Incoming),
    /// All of it is here.
    Read(bytes::Bytes),
}

/// A request whose head is in order.
#[derive(Debug)]
pub struct Accepted {
    pub(super) id: RequestId,
    pub(crate) started: UnixMillis,
    pub(super) clock: Instant,
    pub(super) wanted: Wanted,
    pub(super) address: IpAddr,
    pub(super) data_class: Option<DataClass>,
    pub(super) labels: Labels,
    pub(super) session: Option<Arc<str>>,
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
    pub(super) bearer: Option<http::HeaderValue>,
    pub(super) api_key: Option<http::HeaderValue>,
    pub(super) forward: Forward,
    pub(super) body: Carried,
}

impl Accepted {
    /// What is wanted.
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The body, for a gate with its checks off.
    pub async fn into_body(self, bounds: &Bounds) -> Gated<(bytes::Bytes, Forward)> {
        super::authorize::read_body(self.body, bounds)
            .await
            .map(|body| (body, self.forward))
    }
}

/// The few headers of the caller's that reach a provider.
#[derive(Debug, Default)]
pub struct Forward {
    /// `anthropic-version`.
    pub anthropic_version: Option<http::HeaderValue>,
    /// `anthropic-beta`.
    pub anthropic_beta: Option<http::HeaderValue>,
    /// `traceparent` (W3C Trace Context).
    pub traceparent: Option<http::HeaderValue>,
}

/// What is known of a request before its head is judged: enough to refuse it in its own dialect.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Its id.
    pub id: RequestId,
    /// The dialect its path or headers suggest.
    pub dialect: Dialect,
    /// Whether the message's end can be read in two ways.
    pub is_ambiguous: bool,
    /// Whether the connection must close after the answer.
    pub close: bool,
}

impl Arrival {
    /// Looks at the request's path and headers, refusing nothing. `is_ambiguous` is what the bytes of an
    /// HTTP/1.1 head said ([`crate::framing`]); in HTTP/2 frames end a message, and only its length can be
    /// told twice.
    pub fn of(gate: &Gate, request: &Request<Incoming>, is_ambiguous: bool) -> Self {
        let is_ambiguous = is_ambiguous || request.headers().get_all(CONTENT_LENGTH).iter().count() > 1;
        let anthropic = request.uri().path().starts_with("/v1/messages")
            || request.headers().contains_key(&ANTHROPIC_VERSION);
        let dialect = if anthropic {
            Dialect::Anthropic
        } else {
            Dialect::OpenAi
        };
        // A chunked request ends its connection: whatever a proxy in front took for its end, no second
        // request is read from what follows.
        let close = is_ambiguous || request.headers().contains_key(TRANSFER_ENCODING);
        Self {
            id: gate.ids.next(),
            dialect,
            is_ambiguous,
            close,
        }
    }
}

/// Judges the head. It is given on beside what was taken from it, for stage 2 and no further: signatures are over it.
pub fn run(
    gate: &Gate,
    arrival: &Arrival,
    peer: Peer,
    request: Request<Incoming>,
) -> Gated<(Accepted, Parts)> {
    if gate.is_draining() {
        return Err(Refusal::new(Code::Draining, "the gate is shutting down, try again").retry_after(1));
    }
    // threat: AGP-S1
    if peer.standing.as_ref().is_some_and(|shown| !shown.is_good()) {
        let detail =
            "the client certificate of this connection is no longer good: connect anew with one that is";
        return Err(Refusal::new(Code::CredentialInvalid, detail).against(Threat::AgpS1));
    }
    // threat: ANP-0024
    if arrival.is_ambiguous {
        let detail = "send one `content-length`, or `transfer-encoding: chunked` alone: where this message \
                      ends can be read in two ways";
        return Err(Refusal::new(Code::AmbiguousFraming, detail).against(Threat::Anp0024));
    }
    let (head, body) = request.into_parts();
    let mut wanted = wanted(&head.method, head.uri.path(), arrival.dialect)?;
    if let Wanted::Usage(query) = &mut wanted {
        head.uri.query().unwrap_or_default().clone_into(query);
    }
    if matches!(wanted, Wanted::Call(_) | Wanted::Estimate(_) | Wanted::Spend(_)) {
        media_type(&head.headers)?;
    }
    let address = client_address(&head.headers, &peer, &gate.view.load().settings.trusted_proxies);
    let forward = |name: &HeaderName| head.headers.get(name).cloned();
    let accepted = Accepted {
        id: arrival.id,
        started: UnixMillis::now(),
        clock: Instant::now(),
        wanted,
        address,
        data_class: data_class(&head.headers)?,
        labels: labels(&head.headers)?,
        session: session(&head.headers)?,
        certificate: peer.certificate,
        bearer: single(&head.headers, &AUTHORIZATION)?,
        api_key: single(&head.headers, &API_KEY)?,
        forward: Forward {
            anthropic_version: forward(&ANTHROPIC_VERSION),
            anthropic_beta: forward(&ANTHROPIC_BETA),
            traceparent: forward(&TRACEPARENT),
        },
        body: Carried::Wire(body),
    };
    Ok((accepted, head))
}

/// A header that decides who calls must not be given twice.
fn single(headers: &HeaderMap, name: &HeaderName) -> Gated<Option<http::HeaderValue>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().cloned();
    if values.next().is_some() {
        return Err(
            Refusal::new(Code::CredentialAmbiguous, format!("`{name}` is given twice"))
                .against(Threat::AgpS1),
        );
    }
    Ok(first)
}

/// A class that is not understood is refused, not passed over: whoever says one counts on it.
// threat: ANP-0017
fn data_class(headers: &HeaderMap) -> Gated<Option<DataClass>> {
    let mut values = headers.get_all(&DATA_CLASS).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let class = value.to_str().ok().and_then(|text| text.parse().ok());
    if class.is_none() || values.next().is_some() {
        let detail =
            format!("`{DATA_CLASS}` is `public`, `internal`, `confidential` or `restricted`, given once");
        return Err(Refusal::new(Code::DataClassInvalid, detail).against(Threat::Anp0017));
    }
    Ok(class)
}

/// Labels are for reports alone: no budget, policy or provider ever sees them.
// threat: ANP-0008
fn labels(headers: &HeaderMap) -> Gated<Labels> {
    let mut values = headers.get_all(&LABELS).iter();
    let Some(value) = values.next() else {
        return Ok(Labels::default());
    };
    let refused = |why: &str| Refusal::new(Code::LabelsInvalid, format!("`{LABELS}`: {why}"));
    if values.next().is_some() {
        return Err(refused("give it once, with a `,` between labels").against(Threat::Anp0008));
    }
    let text = value.to_str().map_err(|_| NotLabels::Spelling);
    let read = text.and_then(Labels::parse);
    read.map_err(|why| refused(&why.to_string()).against(Threat::Anp0008))
}

/// The session the call is a part of: read from this header, and from nothing else.
// threat: ANP-0008
fn session(headers: &HeaderMap) -> Gated<Option<Arc<str>>> {
    let mut values = headers.get_all(&SESSION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|text| is_session(text));
    match (text, values.next()) {
        (Some(text), None) => Ok(Some(text.into())),
        _ => {
            let detail =
                format!("`{SESSION}` is 1 to {SESSION_BYTES_MAX} visible ASCII characters, given once");
            Err(Refusal::new(Code::SessionInvalid, detail).against(Threat::Anp0008))
        }
    }
}

/// A path that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The one method it takes.
    pub method: &'static str,
    /// The path; `{id}` stands for the rest of one.
    pub path: &'static str,
    /// Whether it is for everybody: nobody need say who they are.
    pub is_open: bool,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Call(Endpoint),
    /// Of the conversation of the caller's dialect, where it names no other call.
    Estimate(Option<Endpoint>),
    Models,
    Model,
    Token,
    Receipt,
    Usage,
    /// Of the conversation of the caller's dialect, as an estimate is.
    Reserve(Option<Endpoint>),
    Spend(Spending),
    Keys,
}

impl Route {
    const fn of(method: &'static str, path: &'static str, place: Place) -> Self {
        Self {
            method,
            path,
            is_open: matches!(place, Place::Keys),
            place,
        }
    }

    const fn call(endpoint: Endpoint) -> Self {
        Self::of("POST", endpoint.path(), Place::Call(endpoint))
    }

    /// What follows the path, where something does.
    fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self.path.strip_suffix("{id}") {
            Some(stem) => path
                .strip_prefix(stem)
                .filter(|id| !id.is_empty() && id.len() <= 256),
            None => (path == self.path).then_some(""),
        }
    }
}

/// All that is served. A path that is not here, in exactly this spelling, is nobody's.
// threat: ANP-B0008
pub const ROUTES: [Route; 21] = [
    Route::call(Endpoint::ChatCompletions),
    Route::call(Endpoint::Completions),
    Route::call(Endpoint::Embeddings),
    Route::call(Endpoint::Messages),
    Route::call(Endpoint::CountTokens),
    Route::of("POST", "/v1/estimate", Place::Estimate(None)),
    Route::of(
        "POST",
        "/v1/estimate/completions",
        Place::Estimate(Some(Endpoint::Completions)),
    ),
    Route::of(
        "POST",
        "/v1/estimate/embeddings",
        Place::Estimate(Some(Endpoint::Embeddings)),
    ),
    Route::of("GET", "/v1/models", Place::Models),
    Route::of("GET", "/v1/models/{id}", Place::Model),
    Route::of("POST", "/v1/token", Place::Token),
    Route::of("GET", "/v1/receipts/{id}", Place::Receipt),
    Route::of("GET", "/v1/usage", Place::Usage),
    Route::of("POST", "/v1/spend/reserve", Place::Reserve(None)),
    Route::of(
        "POST",
        "/v1/spend/reserve/completions",
        Place::Reserve(Some(Endpoint::Completions)),
    ),
    Route::of(
        "POST",
        "/v1/spend/reserve/embeddings",
        Place::Reserve(Some(Endpoint::Embeddings)),
    ),
    Route::of("POST", "/v1/spend/settle", Place::Spend(Spending::Settle)),
    Route::of("POST", "/v1/spend/void", Place::Spend(Spending::Void)),
    Route::of("POST", "/webhook/pre-request", Place::Spend(Spending::PreRequest)),
    Route::of(
        "POST",
        "/webhook/post-request",
        Place::Spend(Spending::PostRequest),
    ),
    Route::of("GET", "/.well-known/jwks.json", Place::Keys),
];

fn wanted(method: &Method, path: &str, dialect: Dialect) -> Gated<Wanted> {
    let found = ROUTES.iter().find_map(|route| Some((route, route.rest(path)?)));
    let (route, rest) = found.ok_or_else(no_such_path)?;
    if method != route.method {
        let detail = format!("this path takes {}", route.method);
        return Err(Refusal::new(Code::MethodNotAllowed, detail));
    }
    Ok(match route.place {
        Place::Call(endpoint) => Wanted::Call(endpoint),
        Place::Estimate(endpoint) => Wanted::Estimate(endpoint.unwrap_or(dialect.chat())),
        Place::Models => Wanted::Models(None),
        Place::Model => Wanted::Models(Some(unescape(rest)?)),
        Place::Token => Wanted::Token,
        Place::Receipt => Wanted::Receipt(rest.to_owned()),
        Place::Usage => Wanted::Usage(String::new()),
        Place::Reserve(endpoint) => Wanted::Spend(Spending::Reserve(endpoint.unwrap_or(dialect.chat()))),
        Place::Spend(what) => Wanted::Spend(what),
        Place::Keys => Wanted::Keys,
    })
}

/// Nothing is served there.
pub fn no_such_path() -> Box<Refusal> {
    let paths =
        "/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /v1/messages, /v1/estimate";
    Refusal::new(
        Code::UnknownPath,
        format!("no such path: this gate serves {paths}"),
    )
}

/// Model names hold slashes and colons; clients send them escaped or not.
fn unescape(text: &str) -> Gated<String> {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Refusal::new(Code::UnknownPath, "the model's name is not UTF-8"))
}

/// JSON, not encoded: what the gate inspects must be what the provider reads.
fn media_type(headers: &HeaderMap) -> Gated<()> {
    let encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|v| v.as_bytes() != b"identity");
    if encoded {
        return Err(Refusal::new(
            Code::UnsupportedMediaType,
            "the body must not be encoded",
        ));
    }
    let json = headers.get(CONTENT_TYPE).is_none_or(|value| {
        let value = value.as_bytes();
        let essence = value.split(|b| *b == b';').next().unwrap_or(value).trim_ascii();
        essence.eq_ignore_ascii_case(b"application/json")
    });
    if json {
        Ok(())
    } else {
        Err(Refusal::new(
            Code::UnsupportedMediaType,
            "the body must be `application/json`",
        ))
    }
}

/// The caller's address: the connection's, unless that is a trusted proxy; then the last address in
/// `X-Forwarded-For` that is not one. What stands left of it, the caller may have written itself. Where a proxy has
/// named the caller before (the PROXY protocol), that one counts as the connection's; where it named nobody, the
/// header may be anybody's.
// threat: ANP-0004
// threat: AGP-S1
fn client_address(headers: &HeaderMap, peer: &Peer, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| is_trusted(trusted, address);
    if trusted.is_empty() || !peer.may_forward || !is_trusted(peer.address) {
        return peer.address;
    }
    let mut client = peer.address;
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .collect();
    for text in forwarded.iter().rev() {
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !is_trusted(client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn agp_s1_forwarded_addresses_count_only_behind_a_trusted_proxy() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let peer = |address: &str, may_forward| Peer {
            address: address.parse().unwrap(),
            may_forward,
            certificate: None,
            standing: None,
        };
        let (proxy, stranger) = (peer("10.0.0.1", true), peer("203.0.113.9", true));
        let claimed = headers(&[("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.2.3.4")]);
        assert_eq!(client_address(&claimed, &stranger, &trusted), stranger.address);
        assert_eq!(client_address(&claimed, &proxy, &[]), proxy.address);
        assert_eq!(
            client_address(&claimed, &proxy, &trusted),
            "198.51.100.7".parse::<IpAddr>().unwrap()
        );
        let junk = headers(&[("x-forwarded-for", "1.1.1.1, junk")]);
        assert_eq!(client_address(&junk, &proxy, &trusted), proxy.address);
        let nobodys = peer("10.0.0.1", false);
        assert_eq!(client_address(&claimed, &nobodys, &trusted), nobodys.address);
    }

    #[test]
    fn anp_0017_a_data_class_is_one_of_the_four_given_once() {
        let class = |values: &[&'static str]| {
            let pairs: Vec<_> = values
                .iter()
                .map(|value| ("x-bartizan-data-class", *value))
                .collect();
            data_class(&headers(&pairs)).map_err(|refusal| refusal.code)
        };
        assert_eq!(class(&[]), Ok(None));
        assert_eq!(class(&["restricted"]), Ok(Some(DataClass::Restricted)));
        for bad in [
            &[""][..],
            &["Restricted"],
            &["restricted, public"],
            &["public", "public"],
            &["restricted", "public"],
        ] {
            assert_eq!(class(bad), Err(Code::DataClassInvalid), "{bad:?}");
        }
    }

    #[test]
    fn anp_0008_labels_are_given_once_or_refused() {
        let read = |values: &[&'static str]| {
            let pairs: Vec<_> = values.iter().map(|value| ("bartizan-labels", *value)).collect();
            labels(&headers(&pairs)).map_err(|refusal| refusal.code)
        };
        assert_eq!(read(&[]), Ok(Labels::default()));
        assert_eq!(read(&["a=1"]), Ok(Labels::parse("a=1").unwrap()));
        for bad in [&[""][..], &["a"], &["a=1, a=2"], &["a=1", "b=2"], &["a=1", "a=1"]] {
            assert_eq!(read(bad), Err(Code::LabelsInvalid), "{bad:?}");
        }
    }

    #[test]
    fn anp_0008_a_session_is_named_once_or_refused() {
        let read = |values: &[&'static str]| {
            let pairs: Vec<_> = values.iter().map(|value| ("bartizan-session", *value)).collect();
            session(&headers(&pairs)).map_err(|refusal| refusal.code)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["run/7"]), Ok(Some("run/7".into())));
        let long: &'static str = "x".repeat(SESSION_BYTES_MAX + 1).leak();
        for bad in [&[""][..], &["a b"], &["a", "a"], &["a", "b"], &[long]] {
            assert_eq!(read(bad), Err(Code::SessionInvalid), "{bad:?}");
        }
    }

    #[test]
    fn paths_and_methods() {
        let wanted = |method: &Method, path: &str| wanted(method, path, Dialect::Anthropic);
        assert_eq!(
            wanted(&Method::POST, "/v1/messages").unwrap(),
            Wanted::Call(Endpoint::Messages)
        );
        for (path, endpoint) in [
            ("/v1/estimate", Endpoint::Messages),
            ("/v1/estimate/embeddings", Endpoint::Embeddings),
        ] {
            assert_eq!(wanted(&Method::POST, path).unwrap(), Wanted::Estimate(endpoint));
        }
        let model = wanted(&Method::GET, "/v1/models/local%2Fsmol").unwrap();
        assert_eq!(model, Wanted::Models(Some("local/smol".to_owned())));
        assert_eq!(
            wanted(&Method::GET, "/v1/messages").unwrap_err().code,
            Code::MethodNotAllowed
        );
        for path in [
            "/",
            "/v1",
            "/v1/chat/completions/",
            "/v1//messages",
            "/V1/messages",
            "/v1/models/",
            "/v1/keys",
        ] {
            assert_eq!(
                wanted(&Method::POST, path).unwrap_err().code,
                Code::UnknownPath,
                "{path}"
            );
        }
    }
}
