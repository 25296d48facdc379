//! What is asked of identity providers: where their parts are, which keys they sign with, and whom a code is
//! for. Over TLS, bounded, remembered for ten minutes; redirects are not followed, and what goes wrong is
//! not said outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Secret, UnixMillis};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use identity::jwt::KeySet;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use upstream::{Base, Client, ClientOptions};

/// How long metadata and keys are believed.
const FRESH: Duration = Duration::from_secs(600);
/// Keys are not asked for more often, whatever tokens say they are signed with; nor is who does not answer.
const PAUSE: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Questions at once: anybody can make us ask.
const AT_ONCE: usize = 8;
const REMEMBERED_MAX: usize = 1_000;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody answers, or not in time.
    Silent,
    /// It is not what a provider answers, or not this one.
    Senseless,
    /// The code is not good, or we are not who we say.
    Refused,
    /// Its address is none that is asked.
    Address,
}

impl Fault {
    /// Its stable name, for audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "sso_provider_silent",
            Self::Senseless => "sso_provider_senseless",
            Self::Refused => "sso_code_refused",
            Self::Address => "sso_provider_address",
        }
    }
}

/// What a provider says of itself (OpenID Connect Discovery 1.0), as far as it concerns us.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// It says who it is when it sends people back (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// What a code is good for.
#[derive(Deserialize)]
pub struct Tokens {
    /// Who signed in.
    pub id_token: String,
    /// Not used but to check that it belongs to the other.
    #[serde(default)]
    pub access_token: Option<String>,
}

/// What is shown for a code.
pub struct Exchange<'a> {
    /// Who we are.
    pub client_id: &'a str,
    /// How we show it.
    pub client_secret: Option<Secret>,
    /// The code.
    pub code: &'a str,
    /// What only whoever began knows (RFC 7636).
    pub verifier: &'a str,
    /// Where people were sent back to.
    pub redirect: &'a str,
}

#[derive(Debug)]
struct Kept<T> {
    at: UnixMillis,
    value: Result<Arc<T>, Fault>,
}

/// All of them.
#[derive(Debug)]
pub struct Providers {
    client: Client,
    loopback: bool,
    at_once: Semaphore,
    metadata: Mutex<HashMap<String, Kept<Metadata>>>,
    keys: Mutex<HashMap<String, Kept<KeySet>>>,
}

impl Providers {
    /// None asked yet. Those on this very machine are for development; certificates of `authorities` are
    /// believed beside those of the system's.
    // threat: ANP-D0005
    pub fn new(loopback: bool, authorities: Vec<CertificateDer<'static>>) -> Self {
        Self {
            client: Client::new(&ClientOptions {
                connect_timeout: TIMEOUT,
                idle_per_host_max: 1,
                extra_roots: authorities,
                ..ClientOptions::default()
            }),
            loopback,
            at_once: Semaphore::new(AT_ONCE),
            metadata: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    /// An address that may be asked.
    // threat: ANP-D0005
    pub fn address(&self, text: &str) -> Result<Uri, Fault> {
        let base = Base::parse(text.split('?').next().unwrap_or(text), false).map_err(|_| Fault::Address)?;
        let uri: Uri = text.parse().map_err(|_| Fault::Address)?;
        let host = uri.host().unwrap_or_default();
        let is_here = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.to_canonical().is_loopback());
        let fits = if is_here { self.loopback } else { base.is_tls() };
        fits.then_some(uri).ok_or(Fault::Address)
    }

    /// What the provider says of itself.
    // threat: AGP-S3
    pub async fn metadata(&self, issuer: &str, now: UnixMillis) -> Result<Arc<Metadata>, Fault> {
        if let Some(known) = known(&self.metadata, issuer, now) {
            return known;
        }
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let asked = self.get::<Metadata>(&url).await.and_then(|found| {
            // Else one provider could answer for another (section 4.3).
            if found.issuer != issuer {
                return Err(Fault::Senseless);
            }
            let parts = [
                &found.authorization_endpoint,
                &found.token_endpoint,
                &found.jwks_uri,
            ];
            parts.iter().try_for_each(|part| self.address(part).map(|_| ()))?;
            Ok(found)
        });
        keep(&self.metadata, issuer, now, asked)
    }

    /// The keys it signs with. With `again` they are asked for although they are known: it may have new ones.
    pub async fn keys(
        &self,
        metadata: &Metadata,
        again: bool,
        now: UnixMillis,
    ) -> Result<Arc<KeySet>, Fault> {
        let uri = &metadata.jwks_uri;
        let age = age(&self.keys, uri, now);
        if let Some(known) = known(&self.keys, uri, now)
            && (!again || age < PAUSE)
        {
            return known;
        }
        let asked = self.send(self.request(Method::GET, uri, String::new())?).await;
        let asked = asked.and_then(|text| {
            let text = String::from_utf8(text.into()).map_err(|_| Fault::Senseless)?;
            KeySet::parse(&text).map_err(|_| Fault::Senseless)
        });
        keep(&self.keys, uri, now, asked)
    }

    /// What the code is good for.
    // threat: AGP-S3
    pub async fn exchange(&self, metadata: &Metadata, shown: Exchange<'_>) -> Result<Tokens, Fault> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", shown.code),
            ("redirect_uri", shown.redirect),
            ("code_verifier", shown.verifier),
        ];
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        let in_header = methods.is_none_or(|all| all.iter().any(|one| one == "client_secret_basic"));
        let secret = shown.client_secret.as_ref().map(Secret::expose);
        if !in_header || secret.is_none() {
            form.push(("client_id", shown.client_id));
        }
        if let Some(secret) = secret.filter(|_| !in_header) {
            form.push(("client_secret", secret));
        }
        let pairs: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let mut request = self.request(Method::POST, &metadata.token_endpoint, pairs.join("&"))?;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        if let Some(secret) = secret.filter(|_| in_header) {
            let plain = format!("{}:{}", escaped(shown.client_id), escaped(secret));
            let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(plain)));
            let mut value = value.map_err(|_| Fault::Senseless)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let answer = self.send(request).await?;
        serde_json::from_slice(&answer).map_err(|_| Fault::Senseless)
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, Fault> {
        let answer = self.send(self.request(Method::GET, url, String::new())?).await?;
        serde_json::from_slice(&answer).map_err(|_| Fault::Senseless)
    }

    fn request(&self, method: Method, url: &str, body: String) -> Result<Request<Full<Bytes>>, Fault> {
        let uri = self.address(url)?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if uri.scheme_str() == Some("http") {
            let host = uri.authority().map_or("", |authority| authority.as_str());
            headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| Fault::Address)?);
        }
        *request.uri_mut() = uri;
        Ok(request)
    }

    /// The body of an answer that says yes.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Fault> {
        let Ok(_place) = self.at_once.acquire().await else {
            return Err(Fault::Silent);
        };
        let answering = async {
            let response = self.client.send(request, TIMEOUT).await;
            let response = response.map_err(|_| Fault::Silent)?;
            match response.status().as_u16() {
                200 => {}
                400..=403 => return Err(Fault::Refused),
                429 | 500..=599 => return Err(Fault::Silent),
                _ => return Err(Fault::Senseless),
            }
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await;
            Ok(body.map_err(|_| Fault::Senseless)?.to_bytes())
        };
        let answered = tokio::time::timeout(TIMEOUT, answering).await;
        answered.unwrap_or(Err(Fault::Silent))
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

type Memory<T> = Mutex<HashMap<String, Kept<T>>>;

fn age<T>(memory: &Memory<T>, name: &str, now: UnixMillis) -> Duration {
    let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    memory.get(name).map_or(Duration::MAX, |kept| now.since(kept.at))
}

/// What is remembered and still counts: an answer for long, a silence for a moment.
fn known<T>(memory: &Memory<T>, name: &str, now: UnixMillis) -> Option<Result<Arc<T>, Fault>> {
    let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = memory.get(name)?;
    let good_for = if kept.value.is_ok() { FRESH } else { PAUSE };
    (now.since(kept.at) < good_for).then(|| kept.value.clone())
}

fn keep<T>(
    memory: &Memory<T>,
    name: &str,
    now: UnixMillis,
    found: Result<T, Fault>,
) -> Result<Arc<T>, Fault> {
    let value = found.map(Arc::new);
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() >= REMEMBERED_MAX {
        memory.clear();
    }
    let kept = Kept {
        at: now,
        value: value.clone(),
    };
    memory.insert(name.to_owned(), kept);
    value
}
